//! The group commit: operations become entries of their rooms' logs, in one transaction.
//!
//! The hot path. Every statement here has a fixed text, so diesel prepares it once per connection,
//! and a room's row is read and written once per batch. What a unique key finds is asked for with
//! `get_result`, not `first`: that adds a `LIMIT ?`, and SQLite plans a statement anew whenever
//! such a limit is bound. Knows no queue and no thread. Next: [`crate::domain::policy`], the rules
//! asked here.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::result::Error;
use sha2::{Digest, Sha256};

use super::fault::{self, Fault};
use super::rows::{Key, MemberRow, MessageRow, NewEntry, NewMember};
use super::schema::{log, members, messages, rooms, users};
use super::statements::{InsertMessage, RaiseMarks, UpdateTotals};
use super::{mentions, user_logs};
use crate::domain::policy::{self, EditWindow, Verdict};
use crate::domain::refusal::Invalid;
use crate::domain::{
    Applied, Change, ClientMsgId, Committed, Content, Draft, Entry, Member, Message, MessageId, Operation,
    Refusal, Role, RoomBatch, RoomId, Seq, Timestamp, UserChange, UserId,
};
use crate::store::Append;

/// Applies all operations of all batches in one transaction that holds the write lock from its
/// beginning: the numbers read are the numbers given.
pub(super) fn append(
    conn: &mut SqliteConnection,
    batches: Vec<RoomBatch>,
    window: EditWindow,
) -> Result<Append, Fault> {
    fault::write(conn, |conn| batches.into_iter().map(|batch| apply(conn, batch, window)).collect())
}

fn apply(conn: &mut SqliteConnection, batch: RoomBatch, window: EditWindow) -> Result<Applied, Fault> {
    let Some(mut room) = OpenLog::open(conn, &batch, window)? else {
        let refused = batch.operations.iter().map(|_| Err(Refusal::NotFound("room")));
        return Ok(Applied { outcomes: refused.collect(), messages: 0 });
    };
    let mut outcomes = Vec::with_capacity(batch.operations.len());
    for operation in batch.operations {
        // Every refusal comes before the operation's first write, so there is nothing to undo.
        outcomes.push(match room.apply(operation) {
            Ok(committed) => Ok(committed),
            Err(Fault::Refused(refusal)) => Err(refusal),
            Err(fault) => return Err(fault),
        });
    }
    let messages = u64::try_from(room.totals.messages).unwrap_or(0);
    room.close()?;
    Ok(Applied { outcomes, messages })
}

/// A room's log while a batch is applied to it.
struct OpenLog<'c> {
    conn: &'c mut SqliteConnection,
    room: RoomId,
    now: Timestamp,
    window: EditWindow,
    is_private: bool,
    /// As in the room's row until [`OpenLog::close`].
    stored: Totals,
    totals: Totals,
    /// Who was asked about in this batch; `None` for outsiders.
    members: HashMap<UserId, Option<Member>>,
    /// Who sent something in this batch, with the last of it.
    wrote: BTreeMap<UserId, Seq>,
}

/// What the room's row sums up.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Totals {
    head: Seq,
    member_count: i64,
    last_activity: i64,
    messages: i64,
}

impl<'c> OpenLog<'c> {
    fn open(
        conn: &'c mut SqliteConnection,
        batch: &RoomBatch,
        window: EditWindow,
    ) -> Result<Option<Self>, Fault> {
        let row = rooms::table
            .find(Key::from(batch.room))
            .select((
                rooms::is_private,
                rooms::last_seq,
                rooms::member_count,
                rooms::last_activity,
                rooms::message_count,
            ))
            .get_result::<(bool, i64, i64, i64, i64)>(conn)
            .optional()?;
        let Some((is_private, head, member_count, last_activity, messages)) = row else { return Ok(None) };
        let stored = Totals { head: Seq::from_stored(head), member_count, last_activity, messages };
        Ok(Some(Self {
            conn,
            room: batch.room,
            now: batch.now,
            window,
            is_private,
            stored,
            totals: stored,
            members: HashMap::new(),
            wrote: BTreeMap::new(),
        }))
    }

    /// Writes back what the batch changed of the room itself.
    fn close(self) -> Result<(), Fault> {
        if self.totals != self.stored {
            UpdateTotals {
                room: self.room.into(),
                last_seq: self.totals.head.stored(),
                member_count: self.totals.member_count,
                last_activity: self.totals.last_activity,
                message_count: self.totals.messages,
            }
            .execute(self.conn)?;
        }
        for (user, seq) in self.wrote {
            // Of who left meanwhile no row is changed; of who came back none is further behind.
            RaiseMarks { room: self.room.into(), user: user.into(), seq: seq.stored() }.execute(self.conn)?;
        }
        Ok(())
    }

    fn apply(&mut self, operation: Operation) -> Result<Committed, Fault> {
        match operation {
            Operation::Send { author, message, draft } => self.send(author, message, draft),
            Operation::Edit { by, message, content } => self.edit(by, message, content),
            Operation::Delete { by, message } => self.delete(by, message),
            Operation::Join { user } => self.join(user),
            Operation::Leave { user } => self.leave(user),
        }
    }

    fn send(&mut self, author: UserId, id: MessageId, draft: Draft) -> Result<Committed, Fault> {
        self.insider(author)?;
        let hash = Sha256::digest(draft.body_key());
        let key = draft.client_msg_id;
        if let Some(invalid) = self.wrong_reference(&draft)? {
            // A used key answers before anything is said about the new body.
            return self.first_outcome(author, key, &hash)?.ok_or_else(|| invalid.into());
        }
        let seq = self.totals.head.next();
        let inserted = InsertMessage {
            id: id.into(),
            room: self.room.into(),
            seq: seq.stored(),
            author: author.into(),
            client_msg_id: key.into(),
            body_hash: &hash,
            content: draft.content.as_str(),
            reply_to: draft.reply_to.map(Key::from),
            now: self.now.millis(),
        }
        .execute(self.conn)?;
        if inserted == 0 {
            return self.first_outcome(author, key, &hash)?.ok_or(Fault::Database(Error::NotFound));
        }
        self.totals.messages += 1;
        self.wrote.insert(author, seq);
        let message = Message {
            id,
            room: self.room,
            seq,
            author,
            client_msg_id: key,
            content: draft.content.into_string(),
            attachments: Vec::new(),
            reply_to: draft.reply_to,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        mentions::store(self.conn, &message)?;
        self.written(Change::MessageCreated(message))
    }

    /// What is wrong with what the draft points at.
    fn wrong_reference(&mut self, draft: &Draft) -> Result<Option<Invalid>, Fault> {
        if !draft.attachments.is_empty() {
            // There is no way yet to upload one, so none is known.
            return Ok(Some(Invalid::new("attachments", "unknown attachment")));
        }
        let Some(reply_to) = draft.reply_to else { return Ok(None) };
        let known = self.message(reply_to)?.is_some();
        Ok((!known).then(|| Invalid::new("replyTo", "is no message of this room")))
    }

    /// The answer to a repeat of a key, if it was used.
    fn first_outcome(
        &mut self,
        author: UserId,
        key: ClientMsgId,
        hash: &[u8],
    ) -> Result<Option<Committed>, Fault> {
        let found = messages::table
            .filter(messages::author_id.eq(Key::from(author)))
            .filter(messages::client_msg_id.eq(Key::from(key)))
            .select((MessageRow::as_select(), messages::body_hash))
            .get_result::<(MessageRow, Vec<u8>)>(self.conn)
            .optional()?;
        let Some((row, first_hash)) = found else { return Ok(None) };
        let message = Message::from(row);
        if message.room != self.room || first_hash != hash {
            return Err(Refusal::IdempotencyConflict.into());
        }
        let (seq, at) = (message.seq, message.created_at);
        Ok(Some(self.standing(seq, at, Change::MessageCreated(message))))
    }

    fn edit(&mut self, by: UserId, id: MessageId, content: Content) -> Result<Committed, Fault> {
        let (mut message, last_seq) = self.own_message(by, id)?;
        let verdict = policy::may_edit(&message, by, &content, self.now, self.window)?;
        if verdict == Verdict::AlreadySo {
            let at = message.updated_at;
            return Ok(self.standing(last_seq, at, Change::MessageUpdated(message)));
        }
        message.content = content.into_string();
        message.updated_at = self.now;
        self.rewrite(&message)?;
        mentions::store(self.conn, &message)?;
        self.written(Change::MessageUpdated(message))
    }

    fn delete(&mut self, by: UserId, id: MessageId) -> Result<Committed, Fault> {
        let (mut message, last_seq) = self.own_message(by, id)?;
        if policy::may_delete(&message, by, self.now, self.window)? == Verdict::AlreadySo {
            let at = message.updated_at;
            return Ok(self.standing(last_seq, at, Change::MessageDeleted(message)));
        }
        message.content.clear();
        message.updated_at = self.now;
        message.deleted_at = Some(self.now);
        self.rewrite(&message)?;
        self.written(Change::MessageDeleted(message))
    }

    /// Stores what a message is now, and forgets whom it named.
    fn rewrite(&mut self, message: &Message) -> Result<(), Fault> {
        mentions::forget(self.conn, message.id)?;
        diesel::update(messages::table.find(Key::from(message.id)))
            .set((
                messages::content.eq(&message.content),
                messages::updated_at.eq(message.updated_at.millis()),
                messages::deleted_at.eq(message.deleted_at.map(Timestamp::millis)),
                messages::last_seq.eq(self.totals.head.next().stored()),
            ))
            .execute(self.conn)?;
        Ok(())
    }

    fn join(&mut self, user: UserId) -> Result<Committed, Fault> {
        let member = self.member(user)?;
        if member.is_none() && self.is_private {
            return Err(Refusal::NotFound("room").into());
        }
        let username: Option<String> =
            users::table.find(Key::from(user)).select(users::username).get_result(self.conn).optional()?;
        let username = username.ok_or(Refusal::NotFound("user"))?;
        if let Some(member) = member {
            let (seq, at) = (member.joined_seq, member.joined_at);
            return Ok(self.standing(seq, at, Change::MemberJoined { member, username }));
        }
        let member =
            Member { user, role: Role::Member, joined_at: self.now, joined_seq: self.totals.head.next() };
        diesel::insert_into(members::table).values(NewMember::new(self.room, &member)).execute(self.conn)?;
        self.totals.member_count += 1;
        self.members.insert(user, Some(member.clone()));
        let told = user_logs::tell(self.conn, user, self.now, UserChange::RoomAdded { room: self.room })?;
        let joined = self.written(Change::MemberJoined { member, username })?;
        Ok(Committed { told: Some(told), ..joined })
    }

    fn leave(&mut self, user: UserId) -> Result<Committed, Fault> {
        let role = self.insider(user)?;
        diesel::delete(members::table.find((Key::from(self.room), Key::from(user)))).execute(self.conn)?;
        self.totals.member_count -= 1;
        self.members.insert(user, None);
        if role == Role::Owner {
            self.hand_over()?;
        }
        let told = user_logs::tell(self.conn, user, self.now, UserChange::RoomRemoved { room: self.room })?;
        let left = self.written(Change::MemberLeft { user })?;
        Ok(Committed { told: Some(told), ..left })
    }

    /// Gives a room without an owner to the administrator who has been there longest, else to the
    /// member who has; an empty room stays without one.
    fn hand_over(&mut self) -> Result<(), Fault> {
        let in_room = members::table.filter(members::room_id.eq(Key::from(self.room)));
        let rank = members::role.eq(Role::Administrator.as_str());
        let heir = in_room
            .order((rank.desc(), members::joined_seq.asc()))
            .select(members::user_id)
            .first::<Key>(self.conn)
            .optional()?;
        if let Some(heir) = heir {
            diesel::update(members::table.find((Key::from(self.room), heir)))
                .set(members::role.eq(Role::Owner.as_str()))
                .execute(self.conn)?;
            self.members.remove(&heir.into());
        }
        Ok(())
    }

    /// The role of someone inside.
    fn insider(&mut self, user: UserId) -> Result<Role, Fault> {
        match self.member(user)? {
            Some(member) => Ok(member.role),
            None => Err(policy::outsider(self.is_private).into()),
        }
    }

    fn member(&mut self, user: UserId) -> Result<Option<Member>, Fault> {
        if let Some(known) = self.members.get(&user) {
            return Ok(known.clone());
        }
        let member = members::table
            .find((Key::from(self.room), Key::from(user)))
            .select(MemberRow::as_select())
            .get_result(self.conn)
            .optional()?
            .map(Member::from);
        self.members.insert(user, member.clone());
        Ok(member)
    }

    /// A message that `by` may at least see, and the last entry about it.
    fn own_message(&mut self, by: UserId, id: MessageId) -> Result<(Message, Seq), Fault> {
        self.insider(by)?;
        let row = self.message(id)?.ok_or(Refusal::NotFound("message"))?;
        let last_seq = row.last_seq();
        Ok((row.into(), last_seq))
    }

    /// A message of this room.
    fn message(&mut self, id: MessageId) -> Result<Option<MessageRow>, Fault> {
        Ok(messages::table
            .find(Key::from(id))
            .filter(messages::room_id.eq(Key::from(self.room)))
            .select(MessageRow::as_select())
            .get_result(self.conn)
            .optional()?)
    }

    /// Gives `change` the next number and writes it to the log.
    fn written(&mut self, change: Change) -> Result<Committed, Fault> {
        let seq = self.totals.head.next();
        insert_entry(self.conn, self.room, seq, self.now, &change)?;
        self.totals.head = seq;
        // The clock may go back, the order of rooms by activity does not.
        self.totals.last_activity = self.totals.last_activity.max(self.now.millis());
        let entry = Entry { room: self.room, seq, at: self.now, change };
        Ok(Committed { entry, duplicate: false, told: None })
    }

    /// An entry that stands already.
    fn standing(&self, seq: Seq, at: Timestamp, change: Change) -> Committed {
        Committed { entry: Entry { room: self.room, seq, at, change }, duplicate: true, told: None }
    }
}

/// Writes one entry. The caller has the room's write lock and took `seq` under it.
pub(super) fn insert_entry(
    conn: &mut SqliteConnection,
    room: RoomId,
    seq: Seq,
    at: Timestamp,
    change: &Change,
) -> Result<(), Fault> {
    let (user, data) = match change {
        Change::MemberJoined { member, .. } => (Some(member.user), Some(member.role.as_str())),
        Change::MemberLeft { user } => (Some(*user), None),
        Change::MessageCreated(_)
        | Change::MessageUpdated(_)
        | Change::MessageDeleted(_)
        | Change::Other { .. } => (None, None),
    };
    diesel::insert_into(log::table)
        .values(NewEntry {
            room_id: room.into(),
            seq: seq.stored(),
            kind: change.kind(),
            at: at.millis(),
            message_id: change.message().map(|message| message.id.into()),
            user_id: user.map(Key::from),
            data,
        })
        .execute(conn)?;
    Ok(())
}
