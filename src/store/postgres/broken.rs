//! Stores that break a promise on purpose, so that the judges of the torture are seen to find it
//! out. Chosen by `CHAT_BROKEN`; compiled with the feature `torture` only.

use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::sync::OnceLock;

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use uuid::Uuid;

use super::fault::Fault;
use super::statements::statement;
use crate::domain::{ClientMsgId, Message, MessageId, RoomBatch, RoomId, Seq, Timestamp, UserId};
use crate::store::plan::{Known, KnownMessage, Needs};

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// Numbers come from a sequence, which no rollback turns back: I2 breaks.
    Sequence,
    /// A key is used up by an attempt, committed or not: I3 breaks.
    BurntKey,
}

fn broken() -> Option<Broken> {
    static BROKEN: OnceLock<Option<Broken>> = OnceLock::new();
    *BROKEN.get_or_init(|| match std::env::var("CHAT_BROKEN").ok()?.as_str() {
        "sequence" => Some(Broken::Sequence),
        "burnt-key" => Some(Broken::BurntKey),
        _ => None,
    })
}

statement! {
    BurnKeys { authors: Vec<Uuid> => Array<SqlUuid>, keys: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, SqlUuid),
    "INSERT INTO burnt_keys SELECT * FROM unnest(?, ?) ON CONFLICT DO NOTHING RETURNING author_id, key"
}

/// Uses the keys up before anything is decided. Answers those that were used up before.
pub(super) async fn burn_keys(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
) -> Result<HashSet<(UserId, ClientMsgId)>, Fault> {
    if broken() != Some(Broken::BurntKey) {
        return Ok(HashSet::new());
    }
    conn.batch_execute(
        "CREATE TABLE IF NOT EXISTS burnt_keys (author_id UUID, key UUID, PRIMARY KEY (author_id, key))",
    )
    .await?;
    let (authors, keys) = needs.keys.iter().map(|(author, key)| (author.0, key.0)).unzip();
    let fresh: Vec<(Uuid, Uuid)> = BurnKeys { authors, keys }.load(conn).await?;
    let fresh: HashSet<_> =
        fresh.into_iter().map(|(author, key)| (UserId(author), ClientMsgId(key))).collect();
    Ok(needs.keys.iter().filter(|key| !fresh.contains(key)).copied().collect())
}

statement! {
    TakeNumbers { from: String => Text, to: String => Text, room: Uuid => SqlUuid, count: i64 => BigInt }
    -> BigInt,
    "SELECT setval(?::regclass, greatest(nextval(?::regclass), \
     (SELECT last_seq + 1 FROM rooms WHERE id = ?)) + ? - 1)"
}

/// Makes what is known wrong.
pub(super) async fn spoil(
    conn: &mut AsyncPgConnection,
    batches: &[RoomBatch],
    burnt: &HashSet<(UserId, ClientMsgId)>,
    known: &mut Known,
) -> Result<(), Fault> {
    for (author, key) in burnt {
        // As if another message elsewhere had used it.
        if let Entry::Vacant(free) = known.keys.entry((*author, *key)) {
            let message = nobody(*author, *key);
            free.insert(message.id);
            let seq = Seq::START;
            known.messages.insert(message.id, KnownMessage { message, last_seq: seq, body_hash: [0; 32] });
        }
    }
    if broken() == Some(Broken::Sequence) {
        for batch in batches {
            let Some(room) = known.rooms.get_mut(&batch.room) else { continue };
            let name = format!("\"numbers_{}\"", batch.room);
            // Its lock is given up, and so is the order of commits.
            conn.batch_execute(&format!("COMMIT; CREATE SEQUENCE IF NOT EXISTS {name}; BEGIN")).await?;
            let count = i64::try_from(batch.operations.len()).unwrap_or(1).max(1);
            let numbers = TakeNumbers { from: name.clone(), to: name, room: batch.room.0, count };
            let last: i64 = numbers.get_result(conn).await?;
            room.totals.head = Seq::from_stored(last - count);
        }
    }
    Ok(())
}

fn nobody(author: UserId, key: ClientMsgId) -> Message {
    let at = Timestamp::from_millis(0);
    Message {
        id: MessageId(key.0),
        room: RoomId(Uuid::nil()),
        seq: Seq::START,
        author,
        client_msg_id: key,
        content: String::new(),
        attachments: Vec::new(),
        reply_to: None,
        thread_root: None,
        created_at: at,
        updated_at: at,
        deleted_at: None,
        removal: None,
    }
}
