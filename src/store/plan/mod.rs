//! The group commit as a value: what must be read, and what is to be written then.
//!
//! All stores share these rules word for word; an adapter reads what [`needs`] names, under locks
//! that nobody else holds, hands it to [`decide()`], and writes what comes of it. Knows no database,
//! no clock and no I/O. Next: [`decide()`], then [`crate::domain::policy`], the rules asked there.

mod conduct;
mod decide;
mod ledger;
mod pins;
mod properties;
mod reactions;
mod rooms;
mod tests;
mod world;
mod writes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(crate) use decide::decide;
pub(crate) use writes::{
    BanRow, ConductRow, Decision, GroupRow, LogRow, MentionRow, Named, NewMessage, PinRow, Rewritten, Writes,
};

use crate::domain::policy::EditWindow;
use crate::domain::{
    Attachment, ClientMsgId, Conduct, Emoji, FileId, HistoryVisibility, Invite, InviteId, Marks, Member,
    Message, MessageId, Operation, RoomBatch, RoomFacts, RoomId, Seq, SlowMode, Timestamp, UserId, mention,
};

/// What must be read before a group commit can be decided. Rows of the rooms are locked first,
/// then those of the users, those of files last, each in the order given here. Memberships and messages change only
/// under the lock of their room. A sender's key does not: where transactions of several rooms run
/// at the same time, another one may take it after it was looked up. The unique index says so then,
/// and the whole commit is begun again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) rooms: BTreeSet<RoomId>,
    /// Who comes and who goes: their names and the heads of their own logs.
    pub(crate) users: BTreeSet<UserId>,
    /// Memberships of whoever wishes something, and of those whom it concerns; and their conduct, of who
    /// is no member yet by `bans`.
    pub(crate) members: BTreeSet<(RoomId, UserId)>,
    /// Messages that these keys of senders stand for, in whatever room.
    pub(crate) keys: BTreeSet<(UserId, ClientMsgId)>,
    /// Messages that are changed or answered.
    pub(crate) messages: BTreeSet<MessageId>,
    /// Files that messages are sent with.
    pub(crate) files: BTreeSet<FileId>,
    /// Keys of names that texts may mention: whose they are, and his membership of the room.
    pub(crate) names: BTreeMap<RoomId, BTreeSet<String>>,
    /// Rooms that are left: so many of their members, administrators before others, and of each
    /// those first who have been there longest.
    pub(crate) heirs: BTreeMap<RoomId, usize>,
    /// Rooms of which all is asked that can be changed.
    pub(crate) facts: BTreeSet<RoomId>,
    /// Who may be banned.
    pub(crate) bans: BTreeSet<(RoomId, UserId)>,
    /// Who puts whom in: whether he may be put anywhere by him.
    pub(crate) reach: BTreeSet<(UserId, UserId)>,
    /// Invitations that somebody wants to come in by.
    pub(crate) invites: BTreeSet<InviteId>,
    /// Who may lose the power to invite into which room: what invitations he made there. Whom those are
    /// for belongs to the users, whose rows are locked.
    pub(crate) makers: BTreeSet<(RoomId, UserId)>,
    /// Messages to which somebody reacts, or takes it back, and by which signs.
    pub(crate) reactions: BTreeSet<MessageId>,
    pub(crate) reacted: BTreeSet<(MessageId, Emoji, UserId)>,
    /// Messages that may be pinned, and rooms where another is to be.
    pub(crate) pins: BTreeSet<MessageId>,
    pub(crate) pin_counts: BTreeSet<RoomId>,
}

/// What was read. What was asked for and is not in here does not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) rooms: HashMap<RoomId, KnownRoom>,
    pub(crate) users: HashMap<UserId, KnownUser>,
    /// Of those who wish something, of those who may be mentioned, and of heirs.
    pub(crate) members: HashMap<(RoomId, UserId), KnownMember>,
    pub(crate) keys: HashMap<(UserId, ClientMsgId), MessageId>,
    /// Of keys and of ids.
    pub(crate) messages: HashMap<MessageId, KnownMessage>,
    pub(crate) names: HashMap<String, UserId>,
    /// Those that are whole and not about to be collected.
    pub(crate) files: HashMap<FileId, KnownFile>,
    pub(crate) facts: HashMap<RoomId, RoomFacts>,
    pub(crate) bans: HashSet<(RoomId, UserId)>,
    pub(crate) conduct: HashMap<(RoomId, UserId), Conduct>,
    /// Who may not put whom anywhere: the account is gone, or its owner blocks him.
    pub(crate) out_of_reach: HashSet<(UserId, UserId)>,
    pub(crate) invites: HashMap<InviteId, Invite>,
    /// By who made them, in a fixed order.
    pub(crate) made: HashMap<(RoomId, UserId), Vec<Invite>>,
    /// Of those rooms that are a conversation of two: who blocks the other. Read without being asked
    /// for, as only the room's row tells what it is.
    pub(crate) blockers: HashMap<RoomId, Vec<UserId>>,
    /// How many people express each sign, of those messages that have any.
    pub(crate) reactions: HashMap<MessageId, BTreeMap<Emoji, u64>>,
    pub(crate) reacted: HashSet<(MessageId, Emoji, UserId)>,
    pub(crate) pins: HashSet<MessageId>,
    /// How many messages are pinned, of those rooms that have any.
    pub(crate) pin_counts: HashMap<RoomId, usize>,
}

/// A room as its row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownRoom {
    pub(crate) is_private: bool,
    pub(crate) is_direct: bool,
    pub(crate) is_archived: bool,
    pub(crate) history: HistoryVisibility,
    /// How long authors may edit and delete here, where it is not as everywhere.
    pub(crate) window: Option<EditWindow>,
    pub(crate) slow_mode: SlowMode,
    pub(crate) totals: Totals,
}

impl KnownRoom {
    /// Whether it is a conversation of two: neither leaves it, and who blocks the other hears nothing.
    pub(crate) const fn is_pair(&self) -> bool {
        self.is_direct && self.totals.members == 2
    }
}

/// What the row of a room sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) head: Seq,
    pub(crate) members: u64,
    /// Messages ever sent.
    pub(crate) messages: u64,
    pub(crate) last_activity: Timestamp,
}

/// Who comes or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownUser {
    pub(crate) username: String,
    /// Of his own log.
    pub(crate) head: Seq,
}

/// A membership with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownMember {
    pub(crate) member: Member,
    pub(crate) marks: Marks,
}

impl KnownMember {
    /// Who comes in: he has received and read what was before.
    pub(crate) const fn newcomer(member: Member) -> Self {
        let marks = Marks { received: member.joined_seq, read: member.joined_seq };
        Self { member, marks }
    }
}

/// A message as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownMessage {
    pub(crate) message: Message,
    /// The last entry about it.
    pub(crate) last_seq: Seq,
    /// SHA-256 of the body as first sent.
    pub(crate) body_hash: [u8; 32],
}

/// A file that was uploaded to be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownFile {
    pub(crate) owner: UserId,
    /// The message that has it.
    pub(crate) message: Option<MessageId>,
    pub(crate) attachment: Attachment,
}

/// What must be read for these batches. Fewer things for the more usual ones: for messages that
/// name nobody only rooms, members and keys.
pub(crate) fn needs(batches: &[RoomBatch]) -> Needs {
    let mut needs = Needs::default();
    // Whoever is put out or given another role is perhaps no heir any more.
    let mut shifts = BTreeMap::<RoomId, usize>::new();
    for batch in batches {
        let room = batch.room;
        needs.rooms.insert(room);
        for operation in &batch.operations {
            needs.members.insert((room, operation.actor()));
            needs.members.extend(operation.subject().map(|user| (room, user)));
            match operation {
                Operation::Send { author, draft, .. } => {
                    needs.keys.insert((*author, draft.client_msg_id));
                    needs.messages.extend(draft.reply_to);
                    needs.files.extend(&draft.attachments);
                    needs.name(room, draft.content.as_str());
                }
                Operation::Edit { message, content, .. } => {
                    needs.messages.insert(*message);
                    needs.name(room, content.as_str());
                }
                Operation::Delete { message, .. }
                | Operation::TakeDown { message, .. }
                | Operation::Erase { message, .. } => {
                    needs.messages.insert(*message);
                    // What is deleted is pinned no more.
                    needs.pins.insert(*message);
                }
                Operation::Pin { message, .. } => {
                    needs.messages.insert(*message);
                    needs.pins.insert(*message);
                    needs.pin_counts.insert(room);
                }
                Operation::React { by, message, emoji, .. } => {
                    needs.messages.insert(*message);
                    needs.reactions.insert(*message);
                    needs.reacted.insert((*message, emoji.clone(), *by));
                }
                Operation::Join { user } => {
                    needs.users.insert(*user);
                    needs.bans.insert((room, *user));
                }
                Operation::Accept { user, invite } => {
                    needs.users.insert(*user);
                    needs.bans.insert((room, *user));
                    needs.invites.insert(*invite);
                }
                // Of his conduct he is known by his membership.
                Operation::Mute { .. } | Operation::Unmute { .. } => {}
                Operation::Update { .. } | Operation::Archive { .. } => {
                    needs.facts.insert(room);
                }
                Operation::SetRole { user, .. } => {
                    needs.makers.insert((room, *user));
                    *shifts.entry(room).or_default() += 1;
                }
                Operation::Transfer { .. } => *shifts.entry(room).or_default() += 1,
                Operation::Add { user, .. }
                | Operation::Remove { user, .. }
                | Operation::Ban { user, .. }
                | Operation::Unban { user, .. } => {
                    match operation {
                        Operation::Add { by, .. } => drop(needs.reach.insert((*by, *user))),
                        Operation::Remove { .. } | Operation::Ban { .. } => {
                            needs.makers.insert((room, *user));
                        }
                        _ => {}
                    }
                    needs.users.insert(*user);
                    needs.bans.insert((room, *user));
                    *shifts.entry(room).or_default() += 1;
                }
                Operation::Leave { user } => {
                    needs.users.insert(*user);
                    needs.makers.insert((room, *user));
                    // One more than can leave: whoever of them does, the next heir is known.
                    *needs.heirs.entry(room).or_insert(1) += 1;
                }
            }
        }
    }
    for (room, heirs) in &mut needs.heirs {
        *heirs += shifts.get(room).copied().unwrap_or_default();
    }
    needs
}

impl Needs {
    fn name(&mut self, room: RoomId, text: &str) {
        let candidates = mention::candidates(text);
        if !candidates.is_empty() {
            self.names.entry(room).or_default().extend(candidates);
        }
    }
}
