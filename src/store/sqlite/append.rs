//! The group commit: operations become entries of their rooms' logs, in one transaction.
//!
//! The hot path. What is decided stands in [`crate::store::plan`]; here rows are read, and written
//! as they were decided. Every statement has a fixed text, so that it is prepared once per
//! connection, and each row is read and written once per transaction, however many operations
//! concern it. Next: [`super::load`], then [`super::statements`].

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::{Key, NewEntry, NewMember, NewMessageRow};
use super::schema::{members, mentions, messages, user_log, users};
use super::statements::{InsertEntries, UpdateMarks, UpdateTotals};
use super::user_logs::UserEntryRow;
use super::{audit, conduct, files, groups, invites, load, pins, reactions, threads};
use crate::domain::policy::EditWindow;
use crate::domain::{RoomBatch, Timestamp};
use crate::store::Append;
use crate::store::files::listed;
use crate::store::plan::{self, LogRow, MentionRow, Writes};

#[derive(Insertable)]
#[diesel(table_name = mentions)]
struct NewMention {
    message_id: Key,
    user_id: Key,
    room_id: Key,
    seq: i64,
}

impl From<&MentionRow> for NewMention {
    fn from(row: &MentionRow) -> Self {
        Self {
            message_id: row.message.into(),
            user_id: row.user.into(),
            room_id: row.room.into(),
            seq: row.seq.stored(),
        }
    }
}

/// Applies all operations of all batches in one transaction that holds the write lock from its
/// beginning: the numbers read are the numbers given.
pub(super) fn append(
    conn: &mut SqliteConnection,
    batches: &[RoomBatch],
    window: EditWindow,
) -> Result<Append, Fault> {
    let needs = plan::needs(batches);
    fault::write(conn, |conn| {
        let known = load::known(conn, &needs)?;
        let decision = plan::decide(batches, known, window);
        write(conn, &decision.writes)?;
        Ok(decision.applied)
    })
}

fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for new in &writes.messages {
        diesel::insert_into(messages::table).values(NewMessageRow::from(new)).execute(conn)?;
    }
    for row in &writes.rewritten {
        diesel::update(messages::table.find(Key::from(row.id)))
            .set((
                messages::content.eq(&row.content),
                messages::updated_at.eq(row.updated_at.millis()),
                messages::deleted_at.eq(row.deleted_at.map(Timestamp::millis)),
                messages::attachments.eq(listed(&row.attachments)),
                messages::removed_by.eq(row.removal.as_ref().map(|removal| Key::from(removal.by))),
                messages::removed_reason
                    .eq(row.removal.as_ref().and_then(|removal| Some(removal.reason.as_ref()?.as_str()))),
                messages::last_seq.eq(row.last_seq.stored()),
            ))
            .execute(conn)?;
    }
    files::write(conn, &writes.files_used, &writes.files_released)?;
    for message in &writes.mentions_removed {
        let named = mentions::table.filter(mentions::message_id.eq(Key::from(*message)));
        diesel::delete(named).execute(conn)?;
    }
    for row in &writes.mentions_added {
        diesel::insert_into(mentions::table).values(NewMention::from(row)).execute(conn)?;
    }
    insert_entries(conn, &writes.log)?;
    for entry in &writes.user_log {
        diesel::insert_into(user_log::table).values(UserEntryRow::from(entry)).execute(conn)?;
    }
    for (user, head) in &writes.user_heads {
        diesel::update(users::table.find(Key::from(*user)))
            .set(users::user_seq.eq(head.stored()))
            .execute(conn)?;
    }
    for (room, user) in &writes.members_deleted {
        diesel::delete(members::table.find((Key::from(*room), Key::from(*user)))).execute(conn)?;
    }
    for (room, new) in &writes.members_inserted {
        diesel::insert_into(members::table).values(NewMember::new(*room, new)).execute(conn)?;
    }
    for (room, user, role) in &writes.roles {
        diesel::update(members::table.find((Key::from(*room), Key::from(*user))))
            .set(members::role.eq(role.as_str()))
            .execute(conn)?;
    }
    for (room, user, marks) in &writes.marks {
        UpdateMarks::new(*room, *user, *marks).execute(conn)?;
    }
    for (room, totals) in &writes.rooms {
        UpdateTotals::new(*room, totals).execute(conn)?;
    }
    groups::write(conn, writes)?;
    threads::write(conn, writes)?;
    invites::write(conn, writes)?;
    conduct::write(conn, writes)?;
    writes.audit.iter().try_for_each(|record| audit::insert(conn, Some(record), None))?;
    reactions::write(conn, writes)?;
    pins::write(conn, writes)
}

/// Writes entries of rooms' logs, many in one statement.
pub(super) fn insert_entries(conn: &mut SqliteConnection, rows: &[LogRow]) -> Result<(), Fault> {
    let rest = insert_many::<16>(conn, rows)?;
    let rest = insert_many::<4>(conn, rest)?;
    insert_many::<1>(conn, rest)?;
    Ok(())
}

/// Writes as many as can be written `N` at once; the rest is the caller's.
fn insert_many<'r, const N: usize>(
    conn: &mut SqliteConnection,
    rows: &'r [LogRow],
) -> Result<&'r [LogRow], Fault> {
    let (chunks, rest) = rows.as_chunks::<N>();
    for chunk in chunks {
        InsertEntries(chunk.each_ref().map(NewEntry::from)).execute(conn)?;
    }
    Ok(rest)
}
