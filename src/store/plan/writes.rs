//! The rows that a group commit writes.

use std::borrow::Cow;

use super::{KnownMember, Totals};
use crate::domain::{
    Applied, Attachment, AuditRecord, Change, Conduct, Emoji, FileId, InviteId, Marks, Message, MessageId,
    Removal, Role, RoomFacts, RoomId, Seq, Timestamp, UserEntry, UserId,
};
use crate::store::entries;

/// What a group commit comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// For each batch, in their order: what is answered when the commit succeeds.
    pub(crate) applied: Vec<Applied>,
    pub(crate) writes: Writes,
}

/// The rows to write. Written in the order of the fields, each finds what it refers to and no
/// unique index is in the way. Each row stands here once, as it is after the last operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    pub(crate) messages: Vec<NewMessage>,
    pub(crate) rewritten: Vec<Rewritten>,
    /// Files that messages have from now on.
    pub(crate) files_used: Vec<(FileId, MessageId)>,
    /// Messages whose files nobody sees any more, since when.
    pub(crate) files_released: Vec<(MessageId, Timestamp)>,
    /// Whom these messages named before counts no more.
    pub(crate) mentions_removed: Vec<MessageId>,
    pub(crate) mentions_added: Vec<MentionRow>,
    pub(crate) log: Vec<LogRow>,
    /// Entries of users' own logs, each with the next number.
    pub(crate) user_log: Vec<UserEntry>,
    /// Heads of users' own logs.
    pub(crate) user_heads: Vec<(UserId, Seq)>,
    pub(crate) members_deleted: Vec<(RoomId, UserId)>,
    pub(crate) members_inserted: Vec<(RoomId, KnownMember)>,
    /// Members whose role is another now. Apart from marks: a role that a newer version knows is
    /// read as a lesser one, and must not be written back as such.
    pub(crate) roles: Vec<(RoomId, UserId, Role)>,
    /// Members whose marks moved.
    pub(crate) marks: Vec<(RoomId, UserId, Marks)>,
    /// Rooms whose rows sum up something else now.
    pub(crate) rooms: Vec<(RoomId, Totals)>,
    /// Rooms that were changed, as they are now.
    pub(crate) facts: Vec<(RoomId, RoomFacts)>,
    pub(crate) bans_deleted: Vec<(RoomId, UserId)>,
    pub(crate) bans_inserted: Vec<BanRow>,
    pub(crate) conduct: Vec<ConductRow>,
    pub(crate) audit: Vec<AuditRecord>,
    pub(crate) reactions_deleted: Vec<(MessageId, Emoji, UserId)>,
    pub(crate) reactions_inserted: Vec<(MessageId, Emoji, UserId, Timestamp)>,
    pub(crate) pins_deleted: Vec<MessageId>,
    pub(crate) pins_inserted: Vec<PinRow>,
    /// Many at once, named by a message; to be written after the members.
    pub(crate) groups: Vec<GroupRow>,
    /// How many have come in by these invitations.
    pub(crate) invites_used: Vec<(InviteId, u32)>,
    /// Invitations whose makers could not make them any more.
    pub(crate) invites_ended: Vec<InviteId>,
    /// Conversations that somebody left: they are found no more.
    pub(crate) conversations_lost: Vec<RoomId>,
}

impl Writes {
    /// The marks of threads that move, as their people answer there.
    pub(crate) fn thread_marks(&self) -> impl Iterator<Item = (MessageId, UserId, Seq)> {
        let answers = self.messages.iter().map(|new| &new.message);
        answers.filter_map(|message| Some((message.thread_root?, message.author, message.seq)))
    }

    /// Whose own invitations are forgotten: of who came in, that he cannot come back by one when he
    /// is put out, and of who may not come in.
    pub(crate) fn not_invited(&self) -> impl Iterator<Item = (RoomId, UserId)> {
        let inside = self.members_inserted.iter().map(|(room, known)| (*room, known.member.user));
        inside.chain(self.bans_inserted.iter().map(|ban| (ban.room, ban.user)))
    }
}

/// Somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BanRow {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) by: UserId,
    pub(crate) at: Timestamp,
}

/// A message is kept in view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinRow {
    pub(crate) message: MessageId,
    pub(crate) room: RoomId,
    /// Of the entry that pinned it.
    pub(crate) seq: Seq,
    pub(crate) user: UserId,
    pub(crate) at: Timestamp,
}

/// How somebody conducts himself in a room now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConductRow {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) conduct: Conduct,
}

/// A message that was not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewMessage {
    pub(crate) message: Message,
    pub(crate) last_seq: Seq,
    pub(crate) body_hash: [u8; 32],
}

/// What changed of a message that was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) id: MessageId,
    pub(crate) content: String,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) removal: Option<Removal>,
    pub(crate) last_seq: Seq,
}

/// A message names a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MentionRow {
    pub(crate) message: MessageId,
    pub(crate) user: UserId,
    pub(crate) room: RoomId,
    /// The message's.
    pub(crate) seq: Seq,
}

/// A message names many members: those who joined before it, but for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupRow {
    pub(crate) message: MessageId,
    pub(crate) room: RoomId,
    /// The message's.
    pub(crate) seq: Seq,
    pub(crate) author: UserId,
    pub(crate) named: Named,
}

/// Who of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Everyone,
    These(Vec<UserId>),
}

/// An entry of a room's log, as it lies: messages are joined when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRow {
    pub(crate) room: RoomId,
    pub(crate) seq: Seq,
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    pub(crate) message: Option<MessageId>,
    pub(crate) user: Option<UserId>,
    /// What a kind needs beside its message or user; see [`entries::data`].
    pub(crate) data: Option<Cow<'static, str>>,
}

impl LogRow {
    pub(crate) fn new(room: RoomId, seq: Seq, at: Timestamp, change: &Change) -> Self {
        let (user, data) = (entries::user(change), entries::data(change));
        let message = change.about().map(|message| message.id);
        Self { room, seq, at, kind: change.kind().to_owned(), message, user, data }
    }
}
