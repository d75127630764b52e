//! Reads what a group commit must know. What a unique key finds is asked for with `get_result`:
//! `first` adds a `LIMIT ?`, and SQLite plans a statement anew whenever such a limit is bound, as
//! diesel does for every list of values. Next: [`crate::store::plan`].

use diesel::prelude::*;

use super::fault::Fault;
use super::rooms::room_row;
use super::rows::{Key, MemberRow, MessageRow};
use super::schema::{members, messages, rooms, users};
use super::statements::FindKeys;
use super::{conduct, files, invites, people, pins, reactions};
use crate::domain::policy::EditWindow;
use crate::domain::{
    ClientMsgId, HistoryVisibility, Message, MessageId, Role, Room, RoomId, RoomKind, Seq, SlowMode,
    Timestamp, UserId,
};
use crate::store::plan::{Known, KnownMember, KnownMessage, KnownRoom, KnownUser, Needs, Totals};

/// Names looked up in one statement; far below SQLite's limit of bound values.
const NAMES_AT_ONCE: usize = 500;

/// Reads what is asked for, in a transaction that holds the write lock.
pub(super) fn known(conn: &mut SqliteConnection, needs: &Needs) -> Result<Known, Fault> {
    let mut known = Known::default();
    for room in &needs.rooms {
        known.rooms.extend(read_room(conn, *room)?.map(|found| (*room, found)));
    }
    for room in known.rooms.iter().filter(|(_, room)| room.is_pair()).map(|(id, _)| *id).collect::<Vec<_>>() {
        known.blockers.insert(room, people::blockers(conn, room)?);
    }
    for (room, user) in &needs.makers {
        let made = invites::made(conn, *room, *user)?;
        for invited in made.iter().filter_map(|invite| invite.user) {
            known.users.extend(read_user(conn, invited)?.map(|found| (invited, found)));
        }
        known.made.insert((*room, *user), made);
    }
    for user in &needs.users {
        known.users.extend(read_user(conn, *user)?.map(|found| (*user, found)));
    }
    for (room, user) in &needs.members {
        let row = members::table
            .find((Key::from(*room), Key::from(*user)))
            .select(MemberRow::as_select())
            .get_result(conn)
            .optional()?;
        known.add_member(*room, row);
    }
    let keys: Vec<(Key, Key)> =
        needs.keys.iter().map(|(author, key)| (Key::from(*author), Key::from(*key))).collect();
    let used = find_keys(conn, &keys)?;
    known.keys.extend(
        used.iter().map(|(author, key, id)| {
            ((UserId::from(*author), ClientMsgId::from(*key)), MessageId::from(*id))
        }),
    );
    let retried = used.into_iter().map(|(.., id)| MessageId::from(id));
    for id in needs.messages.iter().copied().chain(retried) {
        let row = messages::table
            .find(Key::from(id))
            .select((MessageRow::as_select(), messages::body_hash))
            .get_result(conn)
            .optional()?;
        known.add_message(row)?;
    }
    for id in &needs.files {
        known.files.extend(files::attachable(conn, *id)?.map(|row| (*id, row.into())));
    }
    for (room, names) in &needs.names {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for some in names.chunks(NAMES_AT_ONCE) {
            read_names(conn, *room, some, &mut known)?;
        }
    }
    for room in &needs.facts {
        known.facts.extend(room_row(conn, *room)?.map(|row| (*room, Room::from(row).facts())));
    }
    for (room, user) in &needs.bans {
        known.bans.extend(invites::is_banned(conn, *room, *user)?.then_some((*room, *user)));
    }
    for (by, user) in &needs.reach {
        let closed = people::out_of_reach(conn, &[*user], *by)?.is_some();
        known.out_of_reach.extend(closed.then_some((*by, *user)));
    }
    for invite in &needs.invites {
        known.invites.extend(invites::find(conn, *invite)?.map(|found| (*invite, found)));
    }
    conduct::read(conn, needs, &mut known)?;
    reactions::read(conn, needs, &mut known)?;
    pins::read(conn, needs, &mut known)?;
    for (room, heirs) in &needs.heirs {
        let rank = members::role.eq(Role::Administrator.as_str());
        let rows: Vec<MemberRow> = members::table
            .filter(members::room_id.eq(Key::from(*room)))
            .order((rank.desc(), members::joined_seq.asc()))
            .limit(i64::try_from(*heirs).unwrap_or(i64::MAX))
            .select(MemberRow::as_select())
            .load(conn)?;
        rows.into_iter().for_each(|row| known.add_member(*room, Some(row)));
    }
    Ok(known)
}

impl Known {
    fn add_member(&mut self, room: RoomId, row: Option<MemberRow>) {
        if let Some(known) = row.map(KnownMember::from) {
            self.members.insert((room, known.member.user), known);
        }
    }

    fn add_message(&mut self, row: Option<(MessageRow, Vec<u8>)>) -> Result<(), Fault> {
        let Some((row, hash)) = row else { return Ok(()) };
        let last_seq = row.last_seq();
        let message = Message::from(row);
        // The table takes no other length.
        let body_hash = hash.try_into().map_err(|_| Fault::Database(diesel::result::Error::NotFound))?;
        self.messages.insert(message.id, KnownMessage { message, last_seq, body_hash });
        Ok(())
    }
}

/// The keys that were used, with their messages; few, as most messages are sent once.
fn find_keys(conn: &mut SqliteConnection, keys: &[(Key, Key)]) -> Result<Vec<(Key, Key, Key)>, Fault> {
    let mut used = Vec::new();
    let rest = find_many::<64>(conn, keys, &mut used)?;
    let rest = find_many::<16>(conn, rest, &mut used)?;
    let rest = find_many::<4>(conn, rest, &mut used)?;
    find_many::<1>(conn, rest, &mut used)?;
    Ok(used)
}

/// Looks up as many as can be looked up `N` at once; the rest is the caller's.
fn find_many<'k, const N: usize>(
    conn: &mut SqliteConnection,
    keys: &'k [(Key, Key)],
    used: &mut Vec<(Key, Key, Key)>,
) -> Result<&'k [(Key, Key)], Fault> {
    let (chunks, rest) = keys.as_chunks::<N>();
    for chunk in chunks {
        used.extend(FindKeys(*chunk).load::<(Key, Key, Key)>(conn)?);
    }
    Ok(rest)
}

fn read_room(conn: &mut SqliteConnection, room: RoomId) -> Result<Option<KnownRoom>, Fault> {
    type Row = (bool, i64, i64, i64, i64, (String, String), Option<i64>, Option<i64>, i64);
    let row: Option<Row> = rooms::table
        .find(Key::from(room))
        .select((
            rooms::is_private,
            rooms::last_seq,
            rooms::member_count,
            rooms::message_count,
            rooms::last_activity,
            (rooms::kind, rooms::history),
            rooms::archived_at,
            rooms::edit_window,
            rooms::slow_mode,
        ))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(is_private, head, members, messages, last_activity, words, archived_at, window, slow)| {
        KnownRoom {
            is_private,
            is_direct: RoomKind::from_stored(&words.0) == RoomKind::Direct,
            is_archived: archived_at.is_some(),
            history: HistoryVisibility::from_stored(&words.1),
            window: window.map(EditWindow::from_stored),
            slow_mode: SlowMode::from_stored(slow),
            totals: Totals {
                head: Seq::from_stored(head),
                members: u64::try_from(members).unwrap_or(0),
                messages: u64::try_from(messages).unwrap_or(0),
                last_activity: Timestamp::from_millis(last_activity),
            },
        }
    }))
}

fn read_user(conn: &mut SqliteConnection, user: UserId) -> Result<Option<KnownUser>, Fault> {
    let row: Option<(String, i64)> = users::table
        .find(Key::from(user))
        .select((users::username, users::user_seq))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(username, head)| KnownUser { username, head: Seq::from_stored(head) }))
}

/// Whose these names are, and who of them is a member.
fn read_names(
    conn: &mut SqliteConnection,
    room: RoomId,
    names: &[&str],
    known: &mut Known,
) -> Result<(), Fault> {
    let same_person = members::user_id.eq(users::id).and(members::room_id.eq(Key::from(room)));
    let rows: Vec<(String, Key, Option<MemberRow>)> = users::table
        .left_join(members::table.on(same_person))
        .filter(users::username_key.eq_any(names))
        .select((users::username_key, users::id, Option::<MemberRow>::as_select()))
        .load(conn)?;
    for (name, user, member) in rows {
        known.names.insert(name, user.into());
        known.add_member(room, member);
    }
    Ok(())
}
