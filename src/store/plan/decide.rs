//! The rules of the group commit. Each operation is judged against what is known after the one
//! before it: a message may be edited in the commit that sends it, and who joins may send.
//! Here what is done to messages; [`super::rooms`] for what is done to rooms and members.
//! Next: [`crate::domain::policy`] for who may do what, [`super::ledger`] for what is known.

use sha2::{Digest, Sha256};

use super::ledger::Ledger;
use super::{Decision, Known, KnownMessage, KnownRoom, Named};
use crate::domain::file;
use crate::domain::mention::Groups;
use crate::domain::policy::{self, EditWindow, Verdict};
use crate::domain::powers::{self, Action};
use crate::domain::refusal::Invalid;
use crate::domain::{
    Applied, Attachment, AuditRecord, Change, Committed, Concern, Content, Draft, Entry, FileId,
    HistoryVisibility, Message, MessageId, Operation, Outcome, Reason, Refusal, Removal, Role, RoomBatch,
    RoomId, Seq, Timestamp, UserId, mention,
};

/// Decides all operations of all batches, in order. `known` is what [`super::needs`] asked for, as
/// it stands while nobody else can change it. A refused operation writes nothing.
pub(crate) fn decide(batches: &[RoomBatch], known: Known, window: EditWindow) -> Decision {
    let mut ledger = Ledger::new(known);
    let applied = batches.iter().map(|batch| apply(&mut ledger, batch, window)).collect();
    Decision { applied, writes: ledger.into_writes() }
}

fn apply(ledger: &mut Ledger, batch: &RoomBatch, window: EditWindow) -> Applied {
    let Some(KnownRoom { is_private, is_direct, .. }) = ledger.room(batch.room).copied() else {
        let refused = batch.operations.iter().map(|_| Err(Refusal::NotFound("room")));
        let outcomes = refused.collect();
        let (concern, records) = (Concern::default(), Vec::new());
        return Applied { outcomes, messages: 0, members: None, concern, records };
    };
    let RoomBatch { room, now, present, .. } = batch;
    let mut desk = Desk { ledger, room: *room, is_private, is_direct, now: *now, window, present };
    let (before, members) = (desk.ledger.records(), desk.ledger.members_of(batch.room));
    let outcomes = batch.operations.iter().map(|operation| desk.judge(operation)).collect();
    let messages = desk.ledger.room(batch.room).map_or(0, |room| room.totals.messages);
    let records = desk.ledger.recorded(before);
    let concern = desk.ledger.take_concern(batch.room);
    let members = desk.ledger.members_of(batch.room).filter(|now| Some(*now) != members);
    Applied { outcomes, messages, members, concern, records }
}

/// One room, while its batch is decided.
pub(super) struct Desk<'l> {
    pub(super) ledger: &'l mut Ledger,
    pub(super) room: RoomId,
    pub(super) is_private: bool,
    pub(super) is_direct: bool,
    pub(super) now: Timestamp,
    window: EditWindow,
    present: &'l [UserId],
}

impl Desk<'_> {
    fn judge(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Send { author, message, draft } => self.send(*author, *message, draft),
            Operation::Edit { by, message, content } => self.edit(*by, *message, content),
            Operation::Delete { by, message, reason, record } => {
                self.delete(*by, *message, reason.as_ref(), record)
            }
            Operation::TakeDown { by, message, reason, record } => {
                self.take_down(*by, *message, reason.clone(), record)
            }
            Operation::Erase { author, message } => self.erase(*author, *message),
            Operation::Join { user } => self.join(*user),
            Operation::Leave { user } => self.leave(*user),
            Operation::React { by, message, emoji, on } => self.react(*by, *message, emoji, *on),
            Operation::Pin { by, message, on } => self.pin(*by, *message, *on),
            Operation::Accept { user, invite } => self.accept(*user, *invite),
            Operation::Update { by, patch } => self.update(*by, patch),
            Operation::Archive { by, archived } => self.archive(*by, *archived),
            Operation::Add { by, user } => self.add(*by, *user),
            Operation::Remove { by, user } => self.remove(*by, *user),
            Operation::SetRole { by, user, role } => self.set_role(*by, *user, *role),
            Operation::Transfer { by, user } => self.transfer(*by, *user),
            Operation::Ban { by, user } => self.ban(*by, *user),
            Operation::Unban { by, user } => self.unban(*by, *user),
            Operation::Mute { by, user, until, reason, record } => {
                self.mute(*by, *user, *until, reason.clone(), record)
            }
            Operation::Unmute { by, user, record } => self.unmute(*by, *user, record),
        }
    }

    fn send(&mut self, author: UserId, id: MessageId, draft: &Draft) -> Outcome {
        let role = self.insider(author)?;
        let body_hash: [u8; 32] = Sha256::digest(draft.body_key()).into();
        // A used key answers before anything is said about the new body.
        if let Some(first) = self.ledger.by_key(author, draft.client_msg_id) {
            return self.first_outcome(first, &body_hash);
        }
        self.writable()?;
        let attachments = self.check_references(author, draft)?;
        self.pace(author, role)?;
        let thread_root = draft.reply_to.and_then(|id| self.thread_of(id));
        let seq = self.next();
        let message = Message {
            id,
            room: self.room,
            seq,
            author,
            client_msg_id: draft.client_msg_id,
            content: draft.content.as_str().to_owned(),
            attachments,
            reply_to: draft.reply_to,
            thread_root,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
            removal: None,
        };
        self.ledger.use_files(&draft.attachments, id);
        let group = self.group(role, &message.content);
        self.ledger.add(message.clone(), body_hash, group);
        self.ledger.wrote(self.room, author, seq);
        Ok(self.written(Change::MessageCreated(message)))
    }

    /// The answer to a repeat of a key.
    fn first_outcome(&self, first: &KnownMessage, body_hash: &[u8; 32]) -> Outcome {
        let message = &first.message;
        if message.room != self.room || first.body_hash != *body_hash {
            return Err(Refusal::IdempotencyConflict);
        }
        Ok(self.standing(message.seq, message.created_at, Change::MessageCreated(message.clone())))
    }

    /// Whether what the draft points at is there; answers its files.
    fn check_references(&self, author: UserId, draft: &Draft) -> Result<Vec<Attachment>, Invalid> {
        if draft.reply_to.is_some_and(|id| self.own_message(author, id).is_err()) {
            return Err(Invalid::new("replyTo", "is no message of this room"));
        }
        file::each_once(&draft.attachments)?;
        draft.attachments.iter().map(|id| self.free_file(author, *id)).collect()
    }

    /// A file of the author's own that no message has. Those of others look absent.
    fn free_file(&self, author: UserId, id: FileId) -> Result<Attachment, Invalid> {
        match self.ledger.file(id).filter(|known| known.owner == author) {
            None => Err(Invalid::new("attachments", "unknown attachment")),
            Some(known) if known.message.is_some() => {
                Err(Invalid::new("attachments", "is attached to a message already"))
            }
            Some(known) => Ok(known.attachment.clone()),
        }
    }

    fn edit(&mut self, by: UserId, id: MessageId, content: &Content) -> Outcome {
        let KnownMessage { mut message, last_seq, .. } = self.own_message(by, id)?;
        let role = self.insider(by)?;
        if policy::may_edit(&message, by, role, content, self.now, self.window())? == Verdict::AlreadySo {
            let at = message.updated_at;
            return Ok(self.standing(last_seq, at, Change::MessageUpdated(message)));
        }
        self.writable()?;
        self.may_speak(by)?;
        message.content = content.as_str().to_owned();
        message.updated_at = self.now;
        let group = self.group(role, &message.content);
        self.ledger.rewrite(message.clone(), self.next(), group);
        Ok(self.written(Change::MessageUpdated(message)))
    }

    fn delete(
        &mut self,
        by: UserId,
        id: MessageId,
        reason: Option<&Reason>,
        record: &AuditRecord,
    ) -> Outcome {
        let role = self.insider(by)?;
        let known = self.own_message(by, id)?;
        let verdict = policy::may_delete(&known.message, by, role, self.now, self.window())?;
        if verdict == Verdict::AlreadySo {
            return Ok(self.bury(known, verdict, None));
        }
        self.writable()?;
        if known.message.author != by {
            return Ok(self.take_away(known, Removal { by, reason: reason.cloned() }, record));
        }
        if reason.is_some() {
            return Err(Invalid::new("reason", "is for what others wrote").into());
        }
        Ok(self.bury(known, verdict, None))
    }

    /// Somebody else than its author takes a message away, which is recorded.
    fn take_away(&mut self, known: KnownMessage, removal: Removal, record: &AuditRecord) -> Committed {
        let Message { id, author, .. } = known.message;
        let detail = format!("message {id} in room {}", self.room);
        self.ledger.record(record.clone().about(author).detail(detail));
        self.bury(known, Verdict::Write, Some(removal))
    }

    /// Whether he may was asked before: it is no matter of the room.
    fn take_down(
        &mut self,
        by: UserId,
        id: MessageId,
        reason: Option<Reason>,
        record: &AuditRecord,
    ) -> Outcome {
        let known = self.message(id).cloned().ok_or(Refusal::NotFound("message"))?;
        if known.message.deleted_at.is_some() {
            return Ok(self.bury(known, Verdict::AlreadySo, None));
        }
        Ok(self.take_away(known, Removal { by, reason }, record))
    }

    /// Nobody asks whether he may: the account is closed. Nor whether the room is.
    fn erase(&mut self, author: UserId, id: MessageId) -> Outcome {
        let known = self.message(id).filter(|known| known.message.author == author).cloned();
        let known = known.ok_or(Refusal::NotFound("message"))?;
        let verdict = if known.message.deleted_at.is_some() { Verdict::AlreadySo } else { Verdict::Write };
        Ok(self.bury(known, verdict, None))
    }

    /// Takes the text away and leaves the place.
    fn bury(&mut self, known: KnownMessage, verdict: Verdict, removal: Option<Removal>) -> Committed {
        let KnownMessage { mut message, last_seq, .. } = known;
        if verdict == Verdict::AlreadySo {
            let at = message.updated_at;
            return self.standing(last_seq, at, Change::MessageDeleted(message));
        }
        message.content.clear();
        message.attachments.clear();
        message.updated_at = self.now;
        message.deleted_at = Some(self.now);
        message.removal = removal;
        self.ledger.rewrite(message.clone(), self.next(), None);
        self.written(Change::MessageDeleted(message))
    }

    /// Whom a text by somebody with this role names at once. From others it is only text.
    fn group(&self, role: Role, text: &str) -> Option<Named> {
        let Groups { everyone, present } = mention::groups(text);
        if !(everyone || present) {
            return None;
        }
        if !self.is_direct {
            powers::may(role, Action::MentionGroup, self.is_private).ok()?;
        }
        Some(if everyone { Named::Everyone } else { Named::These(self.present.to_vec()) })
    }

    /// The role of someone inside.
    pub(super) fn insider(&self, user: UserId) -> Result<Role, Refusal> {
        let known = self.ledger.member(self.room, user);
        known.map(|known| known.member.role).ok_or_else(|| policy::outsider(self.is_private))
    }

    /// The room's own, else that of the server.
    fn window(&self) -> EditWindow {
        self.ledger.room(self.room).and_then(|room| room.window).unwrap_or(self.window)
    }

    /// Whether anything may be written here.
    pub(super) fn writable(&self) -> Result<(), Refusal> {
        match self.ledger.room(self.room) {
            Some(room) if room.is_archived => Err(Refusal::RoomArchived),
            _ => Ok(()),
        }
    }

    /// A message of this room.
    fn message(&self, id: MessageId) -> Option<&KnownMessage> {
        self.ledger.message(id).filter(|known| known.message.room == self.room)
    }

    /// Where the thread of a message began: what answers an answer belongs to the same.
    fn thread_of(&self, id: MessageId) -> Option<MessageId> {
        let Message { thread_root, reply_to, .. } = self.message(id)?.message;
        // An answer without a root was written by a server that knew no threads.
        Some(thread_root.or(reply_to).unwrap_or(id))
    }

    /// A message that `by` may at least see.
    pub(super) fn own_message(&self, by: UserId, id: MessageId) -> Result<KnownMessage, Refusal> {
        let member = self.ledger.member(self.room, by).ok_or_else(|| policy::outsider(self.is_private))?;
        // Who has a desk here has found the room.
        let history = self.ledger.room(self.room).map_or(HistoryVisibility::SinceJoined, |room| room.history);
        let from = history.visible_from(member.member.joined_seq);
        let known = self.message(id).filter(|known| known.message.seq >= from);
        known.cloned().ok_or(Refusal::NotFound("message"))
    }

    /// The number that [`Desk::written`] gives next.
    pub(super) fn next(&self) -> Seq {
        self.ledger.room(self.room).map_or(Seq::START, |room| room.totals.head).next()
    }

    pub(super) fn written(&mut self, change: Change) -> Committed {
        let seq = self.ledger.enter(self.room, self.now, &change);
        let entry = Entry { room: self.room, seq, at: self.now, change };
        Committed { entry, also: Vec::new(), duplicate: false, told: Vec::new() }
    }

    /// An entry that stands already.
    pub(super) fn standing(&self, seq: Seq, at: Timestamp, change: Change) -> Committed {
        let entry = Entry { room: self.room, seq, at, change };
        Committed { entry, also: Vec::new(), duplicate: true, told: Vec::new() }
    }
}
