//! Takes the locks of a group commit and reads what it must know: two round trips, however many
//! rooms and operations. Next: [`crate::store::plan`], which says what.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::join;
use uuid::Uuid;

use super::conduct::{self, ConductColumns, ConductValues};
use super::fault::Fault;
use super::files::{FileRow, LockFiles, known as known_file};
use super::people::ReadBlockers;
use super::rows::{MemberColumns, MemberRow, MessageColumns, MessageRow};
use super::statements::statement;
use super::transaction::BEGIN;
use super::writes::LockUsers;
use super::{changes, pins, reactions};
use crate::domain::policy::EditWindow;
use crate::domain::{HistoryVisibility, Message, MessageId, RoomId, Seq, SlowMode, Timestamp, UserId};
use crate::store::plan::{Known, KnownMember, KnownMessage, KnownRoom, KnownUser, Needs, Totals};

statement! {
    LockRooms { rooms: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, (Bool, Bool, Bool, Text, Nullable<BigInt>, BigInt), BigInt, BigInt, BigInt, BigInt),
    "SELECT id, is_private, kind = 'direct', archived_at IS NOT NULL, history, edit_window, slow_mode, last_seq, \
     member_count, message_count, last_activity FROM rooms WHERE id = ANY(?) \
     ORDER BY id FOR NO KEY UPDATE"
}

statement! {
    /// Whoever writes will move his marks, so the rows are locked now and in one order. With them their
    /// conduct, which the room's lock guards.
    LockMembers { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, MemberColumns, ConductColumns),
    "SELECT m.room_id, m.user_id, m.role, m.joined_at, m.joined_seq, m.received_seq, m.read_seq, \
     c.sent_at, c.muted_until, c.mute_reason FROM unnest(?, ?) AS w (room, person) \
     JOIN members m ON m.room_id = w.room AND m.user_id = w.person \
     LEFT JOIN conduct c ON c.room_id = w.room AND c.user_id = w.person \
     ORDER BY m.room_id, m.user_id FOR NO KEY UPDATE OF m"
}

statement! {
    ReadKeys { authors: Vec<Uuid> => Array<SqlUuid>, keys: Vec<Uuid> => Array<SqlUuid> }
    -> (MessageColumns, Binary),
    "SELECT x.id, x.room_id, x.seq, x.last_seq, x.author_id, x.client_msg_id, x.content, x.reply_to, \
     x.created_at, x.updated_at, x.deleted_at, x.attachments, x.thread_root, x.removed_by, \
     x.removed_reason, x.body_hash \
     FROM unnest(?, ?) AS w (author, key) \
     JOIN messages x ON x.author_id = w.author AND x.client_msg_id = w.key"
}

statement! {
    ReadMessages { messages: Vec<Uuid> => Array<SqlUuid> } -> (MessageColumns, Binary),
    "SELECT x.id, x.room_id, x.seq, x.last_seq, x.author_id, x.client_msg_id, x.content, x.reply_to, \
     x.created_at, x.updated_at, x.deleted_at, x.attachments, x.thread_root, x.removed_by, \
     x.removed_reason, x.body_hash \
     FROM messages x WHERE x.id = ANY(?)"
}

statement! {
    /// Whose these names are, and who of them is a member.
    ReadNames { rooms: Vec<Uuid> => Array<SqlUuid>, names: Vec<String> => Array<Text> }
    -> (SqlUuid, Text, SqlUuid, Nullable<MemberColumns>),
    "SELECT w.room, u.username_key, u.id, m.user_id, m.role, m.joined_at, m.joined_seq, m.received_seq, \
     m.read_seq FROM unnest(?, ?) AS w (room, name) JOIN users u ON u.username_key = w.name \
     LEFT JOIN members m ON m.room_id = w.room AND m.user_id = u.id"
}

statement! {
    ReadHeirs { rooms: Vec<Uuid> => Array<SqlUuid>, limits: Vec<i64> => Array<BigInt> }
    -> (SqlUuid, MemberColumns),
    "SELECT w.room, m.* FROM unnest(?, ?) AS w (room, most) CROSS JOIN LATERAL \
     (SELECT user_id, role, joined_at, joined_seq, received_seq, read_seq FROM members \
     WHERE room_id = w.room ORDER BY role = 'administrator' DESC, joined_seq LIMIT w.most) m"
}

type Sort = (bool, bool, bool, String, Option<i64>, i64);
type RoomNumbers = (Uuid, Sort, i64, i64, i64, i64);
type Hashed = (MessageRow, Vec<u8>);
type InRoom = (Uuid, MemberRow);
type Conducted = (Uuid, MemberRow, ConductValues);
type Named = (Uuid, String, Uuid, Option<MemberRow>);

/// Begins the transaction, takes the locks of the rooms, and reads.
pub(super) async fn begin(conn: &mut AsyncPgConnection, needs: &Needs) -> Result<Known, Fault> {
    let rooms = needs.rooms.iter().map(|room| room.0).collect();
    let mut known = Known::default();
    let shared: &AsyncPgConnection = conn;
    let (mut a, mut b) = (shared, shared);
    // `BEGIN` is sent first. Were it not, the lock would be gone at once and two could take the
    // same numbers, which the log's key refuses.
    let (begun, locked) = join!(a.batch_execute(BEGIN), LockRooms { rooms }.load(&mut b));
    begun?;
    let locked: Vec<RoomNumbers> = locked?;
    for row in locked {
        known.rooms.insert(RoomId(row.0), room(row));
    }
    changes::read_made(conn, needs, &mut known).await?;
    read(conn, needs, &mut known).await?;
    changes::read(conn, needs, &mut known).await?;
    reactions::read(conn, needs, &mut known).await?;
    pins::read(conn, needs, &mut known).await?;
    Ok(known)
}

fn room((_, sort, head, members, messages, last_activity): RoomNumbers) -> KnownRoom {
    let (is_private, is_direct, is_archived, history, window, slow) = sort;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    KnownRoom {
        is_private,
        is_direct,
        is_archived,
        history: HistoryVisibility::from_stored(&history),
        window: window.map(EditWindow::from_stored),
        slow_mode: SlowMode::from_stored(slow),
        totals: Totals {
            head: Seq::from_stored(head),
            members: count(members),
            messages: count(messages),
            last_activity: Timestamp::from_millis(last_activity),
        },
    }
}

/// Everything else, in one round trip. What is not asked for is not sent.
async fn read(conn: &mut AsyncPgConnection, needs: &Needs, known: &mut Known) -> Result<(), Fault> {
    let (member_rooms, member_users) = needs.members.iter().map(|(room, user)| (room.0, user.0)).unzip();
    let (authors, keys) = needs.keys.iter().map(|(author, key)| (author.0, key.0)).unzip();
    let names = needs.names.iter().flat_map(|(room, names)| names.iter().map(|name| (room.0, name.clone())));
    let (name_rooms, names): (Vec<_>, Vec<_>) = names.unzip();
    let heirs = needs.heirs.iter().map(|(room, most)| (room.0, i64::try_from(*most).unwrap_or(i64::MAX)));
    let (heir_rooms, limits): (Vec<_>, Vec<_>) = heirs.unzip();
    let invited = known.made.values().flatten().filter_map(|invite| invite.user);
    let users: BTreeSet<UserId> = needs.users.iter().copied().chain(invited).collect();
    let users: Vec<Uuid> = users.into_iter().map(|user| user.0).collect();
    let pairs: Vec<Uuid> =
        known.rooms.iter().filter(|(_, room)| room.is_pair()).map(|(id, _)| id.0).collect();
    let files: Vec<Uuid> = needs.files.iter().map(|file| file.0).collect();
    let messages: Vec<Uuid> = needs.messages.iter().map(|message| message.0).collect();

    let conn: &AsyncPgConnection = conn;
    // The locks in the order that holds everywhere: users, then members, then files.
    let (users, members, files, keyed, found, named, heirs, blockers) = join!(
        some(!users.is_empty(), || LockUsers { users }.load::<(Uuid, String, i64)>(&mut { conn })),
        some(!needs.members.is_empty(), || {
            LockMembers { rooms: member_rooms, users: member_users }.load::<Conducted>(&mut { conn })
        }),
        some(!files.is_empty(), || LockFiles { files }.load::<FileRow>(&mut { conn })),
        some(!needs.keys.is_empty(), || ReadKeys { authors, keys }.load::<Hashed>(&mut { conn })),
        some(!messages.is_empty(), || ReadMessages { messages }.load::<Hashed>(&mut { conn })),
        some(!names.is_empty(), || ReadNames { rooms: name_rooms, names }.load::<Named>(&mut { conn })),
        some(!limits.is_empty(), || ReadHeirs { rooms: heir_rooms, limits }.load::<InRoom>(&mut { conn })),
        some(!pairs.is_empty(), || ReadBlockers { rooms: pairs }.load::<(Uuid, Uuid)>(&mut { conn })),
    );

    for (id, username, head) in users? {
        known.users.insert(UserId(id), KnownUser { username, head: Seq::from_stored(head) });
    }
    for (room, blocker) in blockers? {
        known.blockers.entry(RoomId(room)).or_default().push(UserId(blocker));
    }
    for (room, member) in heirs? {
        add_member(known, RoomId(room), member);
    }
    for (room, member, values) in members? {
        let place = (RoomId(room), member.user());
        known.conduct.insert(place, conduct::of(values));
        add_member(known, place.0, member);
    }
    for row in files? {
        let file = known_file(row);
        known.files.insert(file.attachment.id, file);
    }
    for (room, name, user, member) in named? {
        known.names.insert(name, UserId(user));
        if let Some(member) = member {
            add_member(known, RoomId(room), member);
        }
    }
    for row in found? {
        add_message(known, row)?;
    }
    for row in keyed? {
        let id = add_message(known, row)?;
        if let Some(KnownMessage { message, .. }) = known.messages.get(&id) {
            known.keys.insert((message.author, message.client_msg_id), id);
        }
    }
    Ok(())
}

/// The answer to a question that is asked only where there is something to ask.
async fn some<T, F>(ask: bool, question: impl FnOnce() -> F) -> QueryResult<Vec<T>>
where
    F: Future<Output = QueryResult<Vec<T>>>,
{
    if ask { question().await } else { Ok(Vec::new()) }
}

fn add_member(known: &mut Known, room: RoomId, row: MemberRow) {
    let member = KnownMember::from(row);
    known.members.insert((room, member.member.user), member);
}

fn add_message(known: &mut Known, (row, hash): Hashed) -> Result<MessageId, Fault> {
    let last_seq = row.last_seq();
    let message = Message::from(row);
    let id = message.id;
    // The table takes no other length.
    let body_hash = hash.try_into().map_err(|_| diesel::result::Error::NotFound)?;
    known.messages.insert(id, KnownMessage { message, last_seq, body_hash });
    Ok(id)
}
