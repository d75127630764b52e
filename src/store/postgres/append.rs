//! The group commit: operations become entries of their rooms' logs, in one transaction.
//!
//! The hot path. What is decided stands in [`crate::store::plan`]; here rows are locked, read, and
//! written as they were decided. However many rooms and operations there are, a transaction is
//! **four round trips**:
//!
//! 1. `BEGIN`, and all rooms locked by one statement, in the order of their ids;
//! 2. what the decision needs, one statement for each kind of row, sent together: for messages
//!    that name nobody two (members, keys), in a conversation of two three, eight at most, and for what
//!    is rare another nine; before it, where somebody goes or loses a role, one for what he made;
//! 3. what was decided, one statement for each table, rows as arrays, sent together: for such
//!    messages five (messages, log, members, rooms, outbox), fourteen at most, and sixteen more where
//!    rooms, bans, invitations, conduct, reactions, pins or marks of threads change, many are named at
//!    once, or a record is kept;
//! 4. `COMMIT`.
//!
//! So ten statements for any number of plain messages. Each has one text, so it is prepared once
//! per connection; [`super::PgStore::costs`] counts what is sent.
//!
//! A key that is used in two rooms at once is refused by its unique index to the one that comes
//! second: all of its transaction is rolled back and made again, and then it finds the first. As
//! numbers are taken from rows that are rolled back with the rest, none is ever lost.
//! Next: [`super::load`], then [`super::transaction`] for the locks.

use diesel_async::AsyncPgConnection;

use super::fault::Fault;
use super::files::{ReleaseFiles, UseFiles};
use super::pipeline::Pipeline;
use super::writes::{
    AddMentions, ChangeRoles, DeleteMembers, ForgetMentions, InsertEntries, InsertMembers, InsertMessages,
    MoveMarks, NoteGrowth, RewriteMessages, UpdateRooms, tell, user_growth,
};
use super::{audit, changes, conduct, groups, load, pins, reactions, threads, transaction};
use crate::domain::policy::EditWindow;
use crate::domain::{LogHead, RoomBatch, RoomId, Seq, Timestamp};
use crate::store::Append;
use crate::store::plan::{self, Writes};

/// Applies all operations of all batches in one transaction.
pub(super) async fn append(
    conn: &mut AsyncPgConnection,
    batches: &[RoomBatch],
    window: EditWindow,
) -> Result<Append, Fault> {
    if batches.is_empty() {
        return Ok(Append::new());
    }
    let result = decide(conn, batches, window).await;
    transaction::end(conn, result).await
}

async fn decide(
    conn: &mut AsyncPgConnection,
    batches: &[RoomBatch],
    window: EditWindow,
) -> Result<Append, Fault> {
    let needs = plan::needs(batches);
    #[cfg(feature = "torture")]
    let burnt = super::broken::burn_keys(conn, &needs).await?;
    #[cfg_attr(not(feature = "torture"), allow(unused_mut, reason = "only a broken store changes it"))]
    let mut known = load::begin(conn, &needs).await?;
    #[cfg(feature = "torture")]
    super::broken::spoil(conn, batches, &burnt, &mut known).await?;
    let decision = plan::decide(batches, known, window);
    write(conn, &decision.writes).await?;
    Ok(decision.applied)
}

async fn write(conn: &mut AsyncPgConnection, writes: &Writes) -> Result<(), Fault> {
    let mut pipeline = Pipeline::new(conn);
    pipeline.add(writes.messages.len(), || InsertMessages::new(&writes.messages));
    pipeline.add(writes.rewritten.len(), || RewriteMessages::new(&writes.rewritten));
    pipeline.add(writes.files_used.len(), || UseFiles::new(&writes.files_used));
    pipeline.add(writes.files_released.len(), || ReleaseFiles::new(&writes.files_released));
    pipeline.add(writes.mentions_removed.len(), || ForgetMentions::new(&writes.mentions_removed));
    pipeline.add(writes.mentions_added.len(), || AddMentions::new(&writes.mentions_added));
    pipeline.add(writes.log.len(), || InsertEntries::new(&writes.log));
    tell(&mut pipeline, &writes.user_log);
    pipeline.add(writes.members_deleted.len(), || DeleteMembers::new(&writes.members_deleted));
    pipeline.add(writes.members_inserted.len(), || InsertMembers::new(&writes.members_inserted));
    pipeline.add(writes.roles.len(), || ChangeRoles::new(&writes.roles));
    pipeline.add(writes.marks.len(), || MoveMarks::new(&writes.marks));
    pipeline.add(writes.rooms.len(), || UpdateRooms::new(&writes.rooms));
    groups::write(&mut pipeline, writes);
    threads::write(&mut pipeline, writes);
    changes::write(&mut pipeline, writes);
    conduct::write(&mut pipeline, writes);
    audit::write(&mut pipeline, &writes.audit);
    reactions::write(&mut pipeline, writes);
    pins::write(&mut pipeline, writes);
    // Last, as its locks are the last in their order.
    let growth = room_growth(writes).chain(user_growth(&writes.user_log));
    pipeline.add(writes.log.len(), || NoteGrowth::new(growth));
    Ok(pipeline.run().await?)
}

/// Where the rooms' logs stand after these entries, for the outbox.
fn room_growth(writes: &Writes) -> impl Iterator<Item = (LogHead, Timestamp)> {
    let growth = |room: RoomId, seq: Seq, at| (LogHead::Room(room, seq), at);
    writes.log.iter().map(move |row| growth(row.room, row.seq, row.at))
}
