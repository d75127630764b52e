//! What is known while a group commit is decided: what was read, and over it what the operations
//! so far have changed. Judges nothing. Next: [`super::decide()`].

mod settle;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{BanRow, Known, KnownFile, KnownMember, KnownMessage, KnownRoom, LogRow, Named, PinRow};
use crate::domain::{
    AuditRecord, Change, ClientMsgId, Concern, Conduct, Emoji, FileId, Invite, InviteId, Marks, Message,
    MessageId, Role, RoomFacts, RoomId, Seq, Timestamp, UserChange, UserEntry, UserId, Whom, mention,
};

/// Everything known, as of the last operation.
pub(super) struct Ledger {
    /// As it was read, but for users, keys, files and the counts of signs and pins, which are as of now.
    known: Known,
    /// Rooms as of now, if anything changed in them.
    rooms: BTreeMap<RoomId, KnownRoom>,
    /// Memberships as of now, where they changed; `None` for who left.
    members: BTreeMap<(RoomId, UserId), Option<KnownMember>>,
    /// Messages as of now, where they changed, by the place of their first change.
    messages: Vec<Changed>,
    places: HashMap<MessageId, usize>,
    log: Vec<LogRow>,
    user_log: Vec<UserEntry>,
    audit: Vec<AuditRecord>,
    files_used: Vec<(FileId, MessageId)>,
    files_released: Vec<(MessageId, Timestamp)>,
    /// Rooms that were changed, as of now.
    facts: BTreeMap<RoomId, RoomFacts>,
    /// Who is banned as of now and by whom, where it changed; `None` for who is no longer.
    bans: BTreeMap<(RoomId, UserId), Option<BanRow>>,
    /// Conduct as of now, where it changed.
    conduct: BTreeMap<(RoomId, UserId), Conduct>,
    /// Invitations that were used, as of now.
    invites: BTreeMap<InviteId, Invite>,
    /// Invitations that are no more.
    ended: BTreeSet<InviteId>,
    /// Conversations that somebody left.
    lost: BTreeSet<RoomId>,
    /// Signs as of now, where they changed; `None` for who took his back.
    reacted: BTreeMap<(MessageId, Emoji, UserId), Option<Timestamp>>,
    /// Pins as of now, where they changed; `None` for what is pinned no more.
    pinned: BTreeMap<MessageId, Option<PinRow>>,
    /// Whose counts are others, since somebody last asked.
    concerns: BTreeMap<RoomId, Concern>,
}

struct Changed {
    now: KnownMessage,
    is_new: bool,
    mentioned: Vec<UserId>,
    group: Option<Named>,
}

impl Ledger {
    pub(super) fn new(known: Known) -> Self {
        Self {
            known,
            rooms: BTreeMap::new(),
            members: BTreeMap::new(),
            messages: Vec::new(),
            places: HashMap::new(),
            log: Vec::new(),
            user_log: Vec::new(),
            audit: Vec::new(),
            files_used: Vec::new(),
            files_released: Vec::new(),
            facts: BTreeMap::new(),
            bans: BTreeMap::new(),
            conduct: BTreeMap::new(),
            invites: BTreeMap::new(),
            ended: BTreeSet::new(),
            lost: BTreeSet::new(),
            reacted: BTreeMap::new(),
            pinned: BTreeMap::new(),
            concerns: BTreeMap::new(),
        }
    }

    pub(super) fn room(&self, room: RoomId) -> Option<&KnownRoom> {
        self.rooms.get(&room).or_else(|| self.known.rooms.get(&room))
    }

    /// How many are in it.
    pub(super) fn members_of(&self, room: RoomId) -> Option<u64> {
        self.room(room).map(|known| known.totals.members)
    }

    /// Gives `change` the next number of the room's log.
    pub(super) fn enter(&mut self, room: RoomId, at: Timestamp, change: &Change) -> Seq {
        // Who comes here has found the room.
        let Some(mut found) = self.room(room).copied() else { return Seq::START };
        found.totals.head = found.totals.head.next();
        // The clock may go back, the order of rooms by activity does not.
        found.totals.last_activity = found.totals.last_activity.max(at);
        match change {
            Change::MessageCreated(_) => found.totals.messages += 1,
            Change::MemberJoined { .. } => found.totals.members += 1,
            Change::MemberLeft { .. } => found.totals.members = found.totals.members.saturating_sub(1),
            Change::RoomUpdated(facts) | Change::RoomArchived(facts) => {
                found.is_archived = facts.archived_at.is_some();
                (found.window, found.slow_mode) = (facts.edit_window, facts.slow_mode);
                found.history = facts.history;
                self.facts.insert(room, facts.clone());
            }
            _ => {}
        }
        let seq = found.totals.head;
        self.rooms.insert(room, found);
        self.log.push(LogRow::new(room, seq, at, change));
        seq
    }

    pub(super) fn username(&self, user: UserId) -> Option<&str> {
        self.known.users.get(&user).map(|known| known.username.as_str())
    }

    /// Gives `change` the next number of the user's own log, if there is such a user.
    pub(super) fn tell(&mut self, user: UserId, at: Timestamp, change: UserChange) -> Option<UserEntry> {
        let known = self.known.users.get_mut(&user)?;
        known.head = known.head.next();
        let entry = UserEntry { user, seq: known.head, at, change };
        self.user_log.push(entry.clone());
        Some(entry)
    }

    pub(super) fn member(&self, room: RoomId, user: UserId) -> Option<&KnownMember> {
        match self.members.get(&(room, user)) {
            Some(changed) => changed.as_ref(),
            None => self.known.members.get(&(room, user)),
        }
    }

    /// What the membership is from now on.
    pub(super) fn set_member(&mut self, room: RoomId, user: UserId, member: Option<KnownMember>) {
        self.members.insert((room, user), member);
    }

    /// Everything that can be changed of a room.
    pub(super) fn facts(&self, room: RoomId) -> Option<&RoomFacts> {
        self.facts.get(&room).or_else(|| self.known.facts.get(&room))
    }

    pub(super) fn is_banned(&self, room: RoomId, user: UserId) -> bool {
        match self.bans.get(&(room, user)) {
            Some(changed) => changed.is_some(),
            None => self.known.bans.contains(&(room, user)),
        }
    }

    /// Whether `by` may not put somebody anywhere, nor ask him in.
    pub(super) fn is_out_of_reach(&self, by: UserId, user: UserId) -> bool {
        self.known.out_of_reach.contains(&(by, user))
    }

    /// Whether somebody may come in from now on.
    pub(super) fn set_ban(&mut self, room: RoomId, user: UserId, ban: Option<BanRow>) {
        self.bans.insert((room, user), ban);
    }

    pub(super) fn conduct(&self, room: RoomId, user: UserId) -> Conduct {
        let place = (room, user);
        self.conduct.get(&place).or_else(|| self.known.conduct.get(&place)).cloned().unwrap_or_default()
    }

    pub(super) fn set_conduct(&mut self, room: RoomId, user: UserId, conduct: Conduct) {
        self.conduct.insert((room, user), conduct);
    }

    /// Keeps a record of what is done, with it.
    pub(super) fn record(&mut self, record: AuditRecord) {
        self.audit.push(record);
    }

    /// How many records there are so far, and those from there on.
    pub(super) const fn records(&self) -> usize {
        self.audit.len()
    }

    pub(super) fn recorded(&self, from: usize) -> Vec<AuditRecord> {
        self.audit.get(from..).unwrap_or_default().to_vec()
    }

    pub(super) fn has_reacted(&self, message: MessageId, emoji: &Emoji, user: UserId) -> bool {
        let place = (message, emoji.clone(), user);
        match self.reacted.get(&place) {
            Some(changed) => changed.is_some(),
            None => self.known.reacted.contains(&place),
        }
    }

    /// How many kinds of signs a message has, and whether this is one of them.
    pub(super) fn reactions(&self, message: MessageId, emoji: &Emoji) -> (usize, bool) {
        let kinds = self.known.reactions.get(&message);
        (kinds.map_or(0, BTreeMap::len), kinds.is_some_and(|kinds| kinds.contains_key(emoji)))
    }

    /// Somebody expresses a sign, or takes it back.
    pub(super) fn react(&mut self, message: MessageId, emoji: &Emoji, user: UserId, on: bool, at: Timestamp) {
        let kinds = self.known.reactions.entry(message).or_default();
        let count = kinds.entry(emoji.clone()).or_default();
        *count = if on { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            kinds.remove(emoji);
        }
        self.reacted.insert((message, emoji.clone(), user), on.then_some(at));
    }

    pub(super) fn is_pinned(&self, message: MessageId) -> bool {
        match self.pinned.get(&message) {
            Some(changed) => changed.is_some(),
            None => self.known.pins.contains(&message),
        }
    }

    /// How many messages of the room are pinned.
    pub(super) fn pins(&self, room: RoomId) -> usize {
        self.known.pin_counts.get(&room).copied().unwrap_or_default()
    }

    /// A message is pinned that was not, or pinned no more.
    pub(super) fn set_pin(&mut self, room: RoomId, message: MessageId, pin: Option<PinRow>) {
        let count = self.known.pin_counts.entry(room).or_default();
        *count = if pin.is_some() { *count + 1 } else { count.saturating_sub(1) };
        self.pinned.insert(message, pin);
    }

    pub(super) fn invite(&self, invite: InviteId) -> Option<&Invite> {
        if self.ended.contains(&invite) {
            return None;
        }
        self.invites.get(&invite).or_else(|| self.known.invites.get(&invite))
    }

    /// The invitations into this room that somebody made and that have not ended.
    pub(super) fn made(&self, room: RoomId, by: UserId) -> Vec<Invite> {
        let made = self.known.made.get(&(room, by)).into_iter().flatten();
        made.filter(|invite| !self.ended.contains(&invite.id)).cloned().collect()
    }

    pub(super) fn end_invite(&mut self, invite: InviteId) {
        self.ended.insert(invite);
    }

    /// Who of a conversation of two blocks the other.
    pub(super) fn blockers(&self, room: RoomId) -> &[UserId] {
        self.known.blockers.get(&room).map_or(&[], Vec::as_slice)
    }

    /// A conversation is found no more by who opens one with the same people.
    pub(super) fn lose(&mut self, room: RoomId) {
        self.lost.insert(room);
    }

    /// One more came in by it.
    pub(super) fn use_invite(&mut self, invite: InviteId) {
        let Some(mut used) = self.invite(invite).cloned() else { return };
        used.uses = used.uses.saturating_add(1);
        self.invites.insert(invite, used);
    }

    /// Moves the author's marks to what he wrote.
    pub(super) fn wrote(&mut self, room: RoomId, author: UserId, seq: Seq) {
        let slot = self
            .members
            .entry((room, author))
            .or_insert_with(|| self.known.members.get(&(room, author)).cloned());
        if let Some(KnownMember { marks, .. }) = slot {
            *marks = Marks::moved(*marks, seq, seq, seq);
        }
    }

    /// Who inherits a room without an owner: the administrator who has been there longest, else
    /// the member who has.
    pub(super) fn heir(&self, room: RoomId) -> Option<KnownMember> {
        let read = self.known.members.keys();
        let changed = self.members.keys();
        let here = read.chain(changed).filter(|(place, _)| *place == room);
        here.filter_map(|(_, user)| self.member(room, *user))
            .min_by_key(|known| (known.member.role != Role::Administrator, known.member.joined_seq))
            .cloned()
    }

    /// The message that a sender's key stands for.
    pub(super) fn by_key(&self, author: UserId, key: ClientMsgId) -> Option<&KnownMessage> {
        self.message(*self.known.keys.get(&(author, key))?)
    }

    pub(super) fn message(&self, id: MessageId) -> Option<&KnownMessage> {
        match self.places.get(&id) {
            Some(place) => self.messages.get(*place).map(|changed| &changed.now),
            None => self.known.messages.get(&id),
        }
    }

    pub(super) fn file(&self, id: FileId) -> Option<&KnownFile> {
        self.known.files.get(&id)
    }

    /// From now on these files are the message's.
    pub(super) fn use_files(&mut self, files: &[FileId], message: MessageId) {
        for file in files {
            if let Some(known) = self.known.files.get_mut(file) {
                known.message = Some(message);
                self.files_used.push((*file, message));
            }
        }
    }

    /// Keeps a new message, with whom it names.
    pub(super) fn add(&mut self, message: Message, body_hash: [u8; 32], group: Option<Named>) {
        self.known.keys.insert((message.author, message.client_msg_id), message.id);
        let mentioned = self.mentioned(&message);
        let last_seq = message.seq;
        self.concern(message.room).unread.add([message.author]);
        self.change(KnownMessage { message, last_seq, body_hash }, true, mentioned, group);
    }

    /// Keeps what a message is now, with whom it names now.
    pub(super) fn rewrite(&mut self, message: Message, last_seq: Seq, group: Option<Named>) {
        let Some(before) = self.message(message.id) else { return };
        let body_hash = before.body_hash;
        let named = mention::names_somebody(&before.message.content);
        if let (Some(at), false) = (message.deleted_at, before.message.attachments.is_empty()) {
            self.files_released.push((message.id, at));
        }
        let concern = self.concern(message.room);
        if named {
            // Whom the old text meant is not known here.
            concern.mentions = Whom::everyone();
        }
        if message.deleted_at.is_some() {
            concern.unread = Whom::everyone();
        }
        if message.deleted_at.is_some() && self.is_pinned(message.id) {
            self.set_pin(message.room, message.id, None);
        }
        let mentioned = self.mentioned(&message);
        self.change(KnownMessage { message, last_seq, body_hash }, false, mentioned, group);
    }

    fn concern(&mut self, room: RoomId) -> &mut Concern {
        self.concerns.entry(room).or_default()
    }

    /// Whose counts in a room are others since this was last asked.
    pub(super) fn take_concern(&mut self, room: RoomId) -> Concern {
        self.concerns.remove(&room).unwrap_or_default()
    }

    fn change(&mut self, now: KnownMessage, is_new: bool, mentioned: Vec<UserId>, group: Option<Named>) {
        let mentions = &mut self.concern(now.message.room).mentions;
        mentions.add(mentioned.iter().copied());
        match &group {
            Some(Named::Everyone) => *mentions = Whom::everyone(),
            Some(Named::These(people)) => mentions.add(people.iter().copied()),
            None => {}
        }
        let place = *self.places.entry(now.message.id).or_insert(self.messages.len());
        match self.messages.get_mut(place) {
            // New it stays, whatever is done to it in the same commit.
            Some(changed) => (changed.now, changed.mentioned, changed.group) = (now, mentioned, group),
            None => self.messages.push(Changed { now, is_new, mentioned, group }),
        }
    }

    /// Members of this moment whom the message names, its author left out.
    fn mentioned(&self, message: &Message) -> Vec<UserId> {
        let member = |key: &str| {
            let user = self.known.names.get(key)?;
            self.member(message.room, *user).map(|known| known.member.user)
        };
        let mut people = mention::mentioned(&message.content, member);
        people.retain(|user| *user != message.author);
        people
    }
}
