//! What a group commit reads and writes of rooms as a whole, of bans and of invitations. A part of
//! [`super::load`] and [`super::append`].

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::conduct;
use super::fault::Fault;
use super::invites::InviteRow;
use super::pipeline::Pipeline;
use super::rows::RoomRow;
use super::schema::{invites, rooms};
use super::statements::statement;
use crate::domain::policy::EditWindow;
use crate::domain::{Invite, Room, RoomId, Timestamp, UserId};
use crate::store::plan::{Known, Needs, Writes};

statement! {
    ReadBans { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, SqlUuid),
    "SELECT b.room_id, b.user_id FROM unnest(?, ?) AS w (room, person) \
     JOIN bans b ON b.room_id = w.room AND b.user_id = w.person"
}

statement! {
    /// Of those who put somebody in and whom they put: who may not be, as his account is gone or he
    /// blocks him. Asked once the rows of these people are locked.
    ReadReach { by: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, SqlUuid),
    "SELECT w.actor, w.person FROM unnest(?, ?) AS w (actor, person) \
     JOIN users u ON u.id = w.person LEFT JOIN blocks b ON b.user_id = w.person AND b.blocked_id = w.actor \
     WHERE u.deleted_at IS NOT NULL OR b.user_id IS NOT NULL"
}

/// Invitations by whom may lose the power to make them: read once the rooms are locked, and before the
/// rows of those whom they are for.
pub(super) async fn read_made(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
    known: &mut Known,
) -> Result<(), Fault> {
    if needs.makers.is_empty() {
        return Ok(());
    }
    let (in_rooms, by): (Vec<Uuid>, Vec<Uuid>) =
        needs.makers.iter().map(|(room, user)| (room.0, user.0)).unzip();
    let rows: Vec<InviteRow> = invites::table
        .filter(invites::room_id.eq_any(in_rooms))
        .filter(invites::invited_by.eq_any(by))
        .order(invites::id)
        .select(InviteRow::as_select())
        .load(conn)
        .await?;
    // Of several rooms also what somebody made in another than that he leaves.
    for invite in rows.into_iter().map(Invite::from) {
        if needs.makers.contains(&(invite.room, invite.by)) {
            known.made.entry((invite.room, invite.by)).or_default().push(invite);
        }
    }
    Ok(())
}

/// What a group commit must know of rooms as a whole, bans and invitations. Asked for where somebody
/// comes, goes, or changes a room: never for messages.
pub(super) async fn read(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
    known: &mut Known,
) -> Result<(), Fault> {
    if !needs.bans.is_empty() {
        let (rooms, users) = needs.bans.iter().map(|(room, user)| (room.0, user.0)).unzip();
        let rows: Vec<(Uuid, Uuid)> = ReadBans { rooms, users }.load(conn).await?;
        known.bans.extend(rows.into_iter().map(|(room, user)| (RoomId(room), UserId(user))));
        conduct::of_newcomers(conn, needs, known).await?;
    }
    if !needs.reach.is_empty() {
        let (by, users) = needs.reach.iter().map(|(by, user)| (by.0, user.0)).unzip();
        let rows: Vec<(Uuid, Uuid)> = ReadReach { by, users }.load(conn).await?;
        known.out_of_reach.extend(rows.into_iter().map(|(by, user)| (UserId(by), UserId(user))));
    }
    if !needs.facts.is_empty() {
        let ids: Vec<Uuid> = needs.facts.iter().map(|room| room.0).collect();
        let rows: Vec<RoomRow> =
            rooms::table.filter(rooms::id.eq_any(ids)).select(RoomRow::as_select()).load(conn).await?;
        let found = rows.into_iter().map(Room::from);
        known.facts.extend(found.map(|room| (room.id, room.facts())));
    }
    if !needs.invites.is_empty() {
        let ids: Vec<Uuid> = needs.invites.iter().map(|invite| invite.0).collect();
        let rows: Vec<InviteRow> =
            invites::table.filter(invites::id.eq_any(ids)).select(InviteRow::as_select()).load(conn).await?;
        let found = rows.into_iter().map(Invite::from);
        known.invites.extend(found.map(|invite| (invite.id, invite)));
    }
    Ok(())
}

statement! {
    ChangeRooms {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        names: Vec<String> => Array<Text>,
        descriptions: Vec<Option<String>> => Array<Nullable<Text>>,
        topics: Vec<Option<String>> => Array<Nullable<Text>>,
        histories: Vec<&'static str> => Array<Text>,
        archived: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        windows: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        slow: Vec<i64> => Array<BigInt>,
    } -> (),
    "UPDATE rooms r SET name = w.name, description = w.description, topic = w.topic, history = w.history, \
     archived_at = w.archived, edit_window = w.edits, slow_mode = w.slow FROM unnest(?, ?, ?, ?, ?, ?, ?, ?) \
     AS w (id, name, description, topic, history, archived, edits, slow) WHERE r.id = w.id"
}

statement! {
    DeleteBans { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM bans b USING unnest(?, ?) AS w (room, person) WHERE b.room_id = w.room AND b.user_id = w.person"
}

statement! {
    InsertBans {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        by: Vec<Uuid> => Array<SqlUuid>,
        ats: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO bans (room_id, user_id, banned_by, banned_at) SELECT * FROM unnest(?, ?, ?, ?)"
}

statement! {
    UseInvites { ids: Vec<Uuid> => Array<SqlUuid>, uses: Vec<i64> => Array<BigInt> } -> (),
    "UPDATE invites i SET uses = w.uses FROM unnest(?, ?) AS w (id, uses) WHERE i.id = w.id"
}

statement! {
    /// Invitations of these people to these rooms.
    DeleteInvites { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM invites i USING unnest(?, ?) AS w (room, person) \
     WHERE i.user_id = w.person AND i.room_id = w.room"
}

statement! {
    EndInvites { ids: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM invites WHERE id = ANY(?)"
}

statement! {
    LoseConversations { rooms: Vec<Uuid> => Array<SqlUuid> } -> (),
    "UPDATE rooms SET direct_key = NULL WHERE id = ANY(?)"
}

/// The rows of a group commit that are about rooms as a whole, bans and invitations.
pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let (facts, text) = (&writes.facts, |text: &str| text.to_owned());
    pipeline.add(facts.len(), || ChangeRooms {
        rooms: facts.iter().map(|(room, _)| room.0).collect(),
        names: facts.iter().map(|(_, facts)| text(facts.name.as_str())).collect(),
        descriptions: facts
            .iter()
            .map(|(_, facts)| Some(text(facts.description.as_ref()?.as_str())))
            .collect(),
        topics: facts.iter().map(|(_, facts)| Some(text(facts.topic.as_ref()?.as_str()))).collect(),
        histories: facts.iter().map(|(_, facts)| facts.history.as_str()).collect(),
        archived: facts.iter().map(|(_, facts)| facts.archived_at.map(Timestamp::millis)).collect(),
        windows: facts.iter().map(|(_, facts)| facts.edit_window.map(EditWindow::stored)).collect(),
        slow: facts.iter().map(|(_, facts)| facts.slow_mode.stored()).collect(),
    });
    pipeline.add(writes.bans_deleted.len(), || {
        let (rooms, users) = writes.bans_deleted.iter().map(|(room, user)| (room.0, user.0)).unzip();
        DeleteBans { rooms, users }
    });
    let bans = &writes.bans_inserted;
    pipeline.add(bans.len(), || InsertBans {
        rooms: bans.iter().map(|ban| ban.room.0).collect(),
        users: bans.iter().map(|ban| ban.user.0).collect(),
        by: bans.iter().map(|ban| ban.by.0).collect(),
        ats: bans.iter().map(|ban| ban.at.millis()).collect(),
    });
    pipeline.add(writes.invites_used.len(), || UseInvites {
        ids: writes.invites_used.iter().map(|(invite, _)| invite.0).collect(),
        uses: writes.invites_used.iter().map(|(_, uses)| i64::from(*uses)).collect(),
    });
    pipeline.add(writes.invites_ended.len(), || EndInvites {
        ids: writes.invites_ended.iter().map(|invite| invite.0).collect(),
    });
    pipeline.add(writes.conversations_lost.len(), || LoseConversations {
        rooms: writes.conversations_lost.iter().map(|room| room.0).collect(),
    });
    let done: Vec<_> = writes.not_invited().collect();
    pipeline.add(done.len(), || {
        let (rooms, users) = done.iter().map(|(room, user)| (room.0, user.0)).unzip();
        DeleteInvites { rooms, users }
    });
}
