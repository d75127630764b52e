//! A store as a value, for stories of decisions: it keeps what is written and answers what is asked
//! for, and checks on the way that rows are written once and numbers have no gap.

#![cfg(test)]

use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::domain::policy::EditWindow;
use crate::domain::{HistoryVisibility, Role, RoomName};

pub(super) const ALICE: UserId = UserId(Uuid::from_u128(1));
pub(super) const BOB: UserId = UserId(Uuid::from_u128(2));
pub(super) const CAROL: UserId = UserId(Uuid::from_u128(3));
pub(super) const HERE: RoomId = RoomId(Uuid::from_u128(100));
pub(super) const THERE: RoomId = RoomId(Uuid::from_u128(101));
pub(super) const LINK: InviteId = InviteId(Uuid::from_u128(200));

/// Everything that is stored, in the shape in which it is known.
#[derive(Clone)]
pub(super) struct World(pub(super) Known);

impl World {
    /// Alice owns both rooms, and Bob is in them; the second is private.
    pub(super) fn new() -> Self {
        let mut known = Known::default();
        for (user, name) in [(ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")] {
            known.users.insert(user, KnownUser { username: name.to_owned(), head: Seq::START });
            known.names.insert(name.to_owned(), user);
        }
        for (room, is_private) in [(HERE, false), (THERE, true)] {
            let totals =
                Totals { head: seq(2), members: 2, messages: 0, last_activity: Timestamp::from_millis(0) };
            let (is_direct, is_archived, window) = (false, false, None);
            let (history, slow_mode) = (HistoryVisibility::All, SlowMode::default());
            let open = KnownRoom { is_private, is_direct, is_archived, history, window, slow_mode, totals };
            known.rooms.insert(room, open);
            known.facts.insert(room, facts("here"));
            for (user, role, joined) in [(ALICE, Role::Owner, 1), (BOB, Role::Member, 2)] {
                let member =
                    Member { user, role, joined_at: Timestamp::from_millis(0), joined_seq: seq(joined) };
                known.members.insert((room, user), KnownMember::newcomer(member));
            }
        }
        known.invites.insert(LINK, link());
        Self(known)
    }

    /// What a store answers to `needs`, and nothing else.
    fn read(&self, needs: &Needs) -> Known {
        let all = &self.0;
        let mut known = Known::default();
        let found = |room: &RoomId| all.rooms.get(room).map(|found| (*room, *found));
        known.rooms.extend(needs.rooms.iter().filter_map(found));
        let found = |user: &UserId| all.users.get(user).map(|found| (*user, found.clone()));
        known.users.extend(needs.users.iter().filter_map(found));
        for place in &needs.makers {
            let made = all.invites.values().filter(|invite| (invite.room, invite.by) == *place);
            let mut made: Vec<Invite> = made.cloned().collect();
            made.sort_by_key(|invite| invite.id.0);
            known.users.extend(made.iter().filter_map(|invite| invite.user.as_ref()).filter_map(found));
            known.made.insert(*place, made);
        }
        let found = |room: &RoomId| Some((*room, all.blockers.get(room)?.clone()));
        known.blockers.extend(needs.rooms.iter().filter_map(found));
        for key in &needs.keys {
            if let Some(id) = all.keys.get(key) {
                known.keys.insert(*key, *id);
                known.messages.insert(*id, all.messages[id].clone());
            }
        }
        let found = |id: &MessageId| all.messages.get(id).map(|found| (*id, found.clone()));
        known.messages.extend(needs.messages.iter().filter_map(found));
        let found = |id: &FileId| all.files.get(id).map(|found| (*id, found.clone()));
        known.files.extend(needs.files.iter().filter_map(found));
        let mut members = needs.members.clone();
        for (room, names) in &needs.names {
            for name in names {
                if let Some(user) = all.names.get(name) {
                    known.names.insert(name.clone(), *user);
                    members.insert((*room, *user));
                }
            }
        }
        for (room, most) in &needs.heirs {
            let mut heirs: Vec<_> = all.members.iter().filter(|((place, _), _)| place == room).collect();
            heirs.sort_by_key(|(_, k)| (k.member.role != Role::Administrator, k.member.joined_seq));
            members.extend(heirs.into_iter().take(*most).map(|(place, _)| *place));
        }
        known.bans.extend(needs.bans.intersection(&all.bans.iter().copied().collect()));
        let closed = needs.reach.iter().filter(|pair| all.out_of_reach.contains(*pair));
        known.out_of_reach.extend(closed);
        known.facts.extend(needs.facts.iter().filter_map(|room| Some((*room, all.facts.get(room)?.clone()))));
        let kinds = |id: &MessageId| Some((*id, all.reactions.get(id)?.clone()));
        known.reactions.extend(needs.reactions.iter().filter_map(kinds));
        known.reacted.extend(needs.reacted.iter().filter(|place| all.reacted.contains(*place)).cloned());
        known.pins.extend(needs.pins.intersection(&all.pins.iter().copied().collect()));
        let count = |room: &RoomId| Some((*room, *all.pin_counts.get(room)?));
        known.pin_counts.extend(needs.pin_counts.iter().filter_map(count));
        let found = |id: &InviteId| Some((*id, all.invites.get(id)?.clone()));
        known.invites.extend(needs.invites.iter().filter_map(found));
        let found = |place: &&(RoomId, UserId)| all.conduct.contains_key(*place);
        let asked = needs.members.union(&needs.bans).filter(found);
        known.conduct.extend(asked.map(|place| (*place, all.conduct[place].clone())));
        let found = |place: &(RoomId, UserId)| all.members.get(place).map(|found| (*place, found.clone()));
        known.members.extend(members.iter().filter_map(found));
        known
    }

    /// One commit.
    pub(super) fn commit(&mut self, batches: &[RoomBatch]) -> Decision {
        let decision = decide(batches, self.read(&needs(batches)), EditWindow::default());
        self.write(&decision.writes);
        decision
    }

    /// Writes rows as a database does, which takes no row twice.
    fn write(&mut self, writes: &Writes) {
        let all = &mut self.0;
        for NewMessage { message, last_seq, body_hash } in &writes.messages {
            let known = KnownMessage { message: message.clone(), last_seq: *last_seq, body_hash: *body_hash };
            assert!(all.keys.insert((message.author, message.client_msg_id), message.id).is_none());
            assert!(all.messages.insert(message.id, known).is_none());
        }
        for row in &writes.rewritten {
            let known = all.messages.get_mut(&row.id).expect("a row");
            known.message.content.clone_from(&row.content);
            known.message.attachments.clone_from(&row.attachments);
            known.message.updated_at = row.updated_at;
            known.message.deleted_at = row.deleted_at;
            known.message.removal.clone_from(&row.removal);
            known.last_seq = row.last_seq;
        }
        for (file, message) in &writes.files_used {
            let known = all.files.get_mut(file).expect("a row");
            assert!(known.message.replace(*message).is_none(), "a file has one message");
        }
        for (message, _) in &writes.files_released {
            assert!(all.files.values().any(|known| known.message == Some(*message)));
        }
        let mut next: BTreeMap<RoomId, Seq> =
            all.rooms.iter().map(|(room, known)| (*room, known.totals.head.next())).collect();
        for row in &writes.log {
            let next = next.get_mut(&row.room).expect("a room");
            assert_eq!(row.seq, *next, "a log without a gap");
            *next = next.next();
        }
        for (room, totals) in &writes.rooms {
            assert_eq!(totals.head.next(), next[room]);
            all.rooms.get_mut(room).expect("a row").totals = *totals;
        }
        for entry in &writes.user_log {
            let known = all.users.get_mut(&entry.user).expect("a row");
            assert_eq!(entry.seq, known.head.next(), "a user's log without a gap");
            known.head = entry.seq;
        }
        for (user, head) in &writes.user_heads {
            assert_eq!(all.users[user].head, *head);
        }
        for place in &writes.members_deleted {
            assert!(all.members.remove(place).is_some());
        }
        for (room, new) in &writes.members_inserted {
            assert!(all.members.insert((*room, new.member.user), new.clone()).is_none());
        }
        for (room, user, role) in &writes.roles {
            all.members.get_mut(&(*room, *user)).expect("a row").member.role = *role;
        }
        for (room, user, marks) in &writes.marks {
            all.members.get_mut(&(*room, *user)).expect("a row").marks = *marks;
        }
        for (room, facts) in &writes.facts {
            all.facts.insert(*room, facts.clone());
            all.rooms.get_mut(room).expect("a row").is_archived = facts.archived_at.is_some();
            all.rooms.get_mut(room).expect("a row").window = facts.edit_window;
            all.rooms.get_mut(room).expect("a row").history = facts.history;
            all.rooms.get_mut(room).expect("a row").slow_mode = facts.slow_mode;
        }
        for place in &writes.bans_deleted {
            assert!(all.bans.remove(place));
        }
        for ban in &writes.bans_inserted {
            assert!(all.bans.insert((ban.room, ban.user)));
        }
        for row in &writes.conduct {
            all.conduct.insert((row.room, row.user), row.conduct.clone());
        }
        for place in &writes.reactions_deleted {
            assert!(all.reacted.remove(place));
            let kinds = all.reactions.get_mut(&place.0).expect("kinds");
            *kinds.get_mut(&place.1).expect("a kind") -= 1;
            kinds.retain(|_, count| *count > 0);
        }
        for (message, emoji, user, _) in &writes.reactions_inserted {
            assert!(all.reacted.insert((*message, emoji.clone(), *user)));
            *all.reactions.entry(*message).or_default().entry(emoji.clone()).or_default() += 1;
        }
        for message in &writes.pins_deleted {
            assert!(all.pins.remove(message));
            *all.pin_counts.get_mut(&all.messages[message].message.room).expect("a count") -= 1;
        }
        for pin in &writes.pins_inserted {
            assert!(all.pins.insert(pin.message) && all.messages[&pin.message].message.deleted_at.is_none());
            *all.pin_counts.entry(pin.room).or_default() += 1;
        }
        for (invite, uses) in &writes.invites_used {
            all.invites.get_mut(invite).expect("a row").uses = *uses;
        }
        for invite in &writes.invites_ended {
            assert!(all.invites.remove(invite).is_some());
        }
        for (room, known) in &all.rooms {
            let here: Vec<_> = all.members.iter().filter(|((place, _), _)| place == room).collect();
            assert_eq!(known.totals.members, here.len() as u64);
            let owners = here.iter().filter(|(_, k)| k.member.role == Role::Owner).count();
            assert_eq!(
                owners,
                usize::from(!here.is_empty() && !known.is_direct),
                "one owner while anybody is there"
            );
        }
    }
}

fn facts(name: &str) -> RoomFacts {
    let name = RoomName::parse(name).expect("a name");
    RoomFacts {
        name,
        description: None,
        topic: None,
        history: HistoryVisibility::All,
        archived_at: None,
        edit_window: None,
        slow_mode: SlowMode::default(),
    }
}

/// A link that two may come in by.
fn link() -> Invite {
    Invite {
        id: LINK,
        room: THERE,
        by: ALICE,
        user: None,
        created_at: Timestamp::from_millis(0),
        expires_at: None,
        max_uses: Some(2),
        uses: 0,
    }
}

pub(super) fn seq(n: u64) -> Seq {
    Seq::new(n).expect("small")
}
