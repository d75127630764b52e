//! Reactions: what a group commit asks and writes of them, and how they are listed.

use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::statements::statement;
use crate::domain::{Emoji, MessageId, Reaction, UserId};
use crate::store::plan::{Known, Needs, Writes};
use crate::store::reactions::{NAMED, gathered};

statement! {
    ReadKinds { messages: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, Text, BigInt),
    "SELECT message_id, emoji, count(*) FROM reactions WHERE message_id = ANY(?) GROUP BY message_id, emoji"
}

statement! {
    ReadReacted {
        messages: Vec<Uuid> => Array<SqlUuid>,
        emojis: Vec<String> => Array<Text>,
        users: Vec<Uuid> => Array<SqlUuid>,
    } -> (SqlUuid, Text, SqlUuid),
    "SELECT r.message_id, r.emoji, r.user_id FROM unnest(?, ?, ?) AS w (message, emoji, person) \
     JOIN reactions r ON r.message_id = w.message AND r.emoji = w.emoji AND r.user_id = w.person"
}

pub(super) async fn read(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
    known: &mut Known,
) -> Result<(), Fault> {
    if needs.reactions.is_empty() {
        return Ok(());
    }
    let messages = needs.reactions.iter().map(|message| message.0).collect();
    let rows: Vec<(Uuid, String, i64)> = ReadKinds { messages }.load(conn).await?;
    for (message, emoji, count) in rows {
        let kinds = known.reactions.entry(MessageId(message)).or_default();
        kinds.insert(Emoji::from_stored(emoji), u64::try_from(count).unwrap_or(0));
    }
    let wanted = || needs.reacted.iter();
    let reacted = ReadReacted {
        messages: wanted().map(|(message, ..)| message.0).collect(),
        emojis: wanted().map(|(_, emoji, _)| emoji.as_str().to_owned()).collect(),
        users: wanted().map(|(.., user)| user.0).collect(),
    };
    let rows: Vec<(Uuid, String, Uuid)> = reacted.load(conn).await?;
    let place = |(message, emoji, user)| (MessageId(message), Emoji::from_stored(emoji), UserId(user));
    known.reacted.extend(rows.into_iter().map(place));
    Ok(())
}

statement! {
    DeleteReactions {
        messages: Vec<Uuid> => Array<SqlUuid>,
        emojis: Vec<String> => Array<Text>,
        users: Vec<Uuid> => Array<SqlUuid>,
    } -> (),
    "DELETE FROM reactions r USING unnest(?, ?, ?) AS w (message, emoji, person) \
     WHERE r.message_id = w.message AND r.emoji = w.emoji AND r.user_id = w.person"
}

statement! {
    InsertReactions {
        messages: Vec<Uuid> => Array<SqlUuid>,
        emojis: Vec<String> => Array<Text>,
        users: Vec<Uuid> => Array<SqlUuid>,
        ats: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO reactions (message_id, emoji, user_id, at) SELECT * FROM unnest(?, ?, ?, ?)"
}

pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let gone = &writes.reactions_deleted;
    pipeline.add(gone.len(), || DeleteReactions {
        messages: gone.iter().map(|(message, ..)| message.0).collect(),
        emojis: gone.iter().map(|(_, emoji, _)| emoji.as_str().to_owned()).collect(),
        users: gone.iter().map(|(.., user)| user.0).collect(),
    });
    let new = &writes.reactions_inserted;
    pipeline.add(new.len(), || InsertReactions {
        messages: new.iter().map(|(message, ..)| message.0).collect(),
        emojis: new.iter().map(|(_, emoji, ..)| emoji.as_str().to_owned()).collect(),
        users: new.iter().map(|(_, _, user, _)| user.0).collect(),
        ats: new.iter().map(|(.., at)| at.millis()).collect(),
    });
}

statement! {
    Signs { viewer: Uuid => SqlUuid, messages: Vec<Uuid> => Array<SqlUuid>, most: i64 => BigInt }
    -> (SqlUuid, Text, SqlUuid, BigInt, Bool),
    "SELECT message_id, emoji, user_id, people, is_own FROM (SELECT message_id, emoji, user_id, \
     count(*) OVER sign AS people, bool_or(user_id = ?) OVER sign AS is_own, min(at) OVER sign AS first, \
     row_number() OVER (PARTITION BY message_id, emoji ORDER BY at, user_id) AS place \
     FROM reactions WHERE message_id = ANY(?) WINDOW sign AS (PARTITION BY message_id, emoji)) s \
     WHERE place <= ? ORDER BY message_id, first, emoji, place"
}

/// The signs of these.
pub(super) async fn of(
    mut conn: &AsyncPgConnection,
    messages: &[MessageId],
    viewer: UserId,
) -> QueryResult<Vec<Reaction>> {
    let messages = messages.iter().map(|message| message.0).collect();
    let signs = Signs { viewer: viewer.0, messages, most: NAMED };
    let rows: Vec<(Uuid, String, Uuid, i64, bool)> = signs.load(&mut conn).await?;
    let row =
        |(message, emoji, user, count, is_own)| (MessageId(message), emoji, UserId(user), count, is_own);
    Ok(gathered(rows.into_iter().map(row)))
}
