//! The model: a store's rules on a page, without a store.

use std::collections::{BTreeMap, BTreeSet};

use chat::domain::Unread;

pub const PEOPLE: usize = 3;
/// The second room is private.
pub const ROOMS: usize = 2;

#[derive(Clone, Debug)]
pub enum Wish {
    Send { key: usize, text: usize, reply: Option<usize> },
    Edit { message: usize, text: usize },
    Delete { message: usize },
    Join,
    Leave,
}

/// Moves of marks: (person, room, received, read).
pub type Moves = Vec<(usize, usize, u64, u64)>;

pub struct ModelMessage {
    pub room: usize,
    pub author: usize,
    pub key: usize,
    pub body: (usize, Option<usize>),
    pub seq: u64,
    pub last_seq: u64,
    pub text: Option<usize>,
    pub mentioned: BTreeSet<usize>,
    pub at: i64,
}

pub struct ModelMember {
    pub joined: u64,
    pub received: u64,
    pub read: u64,
}

impl ModelMember {
    /// Who comes has read all that was before.
    pub fn new(joined: u64) -> Self {
        Self { joined, received: joined, read: joined }
    }
}

#[derive(Default)]
pub struct Model {
    pub heads: [u64; ROOMS],
    /// Who is in, by person.
    pub members: [BTreeMap<usize, ModelMember>; ROOMS],
    /// Who owns it.
    pub owners: [Option<usize>; ROOMS],
    pub messages: Vec<ModelMessage>,
    /// What each person was told in his own log.
    pub told: [Vec<(&'static str, usize)>; PEOPLE],
}

/// What an operation comes to: number, whether it stood there already, and the text.
pub type Verdict = Result<(u64, bool, Option<String>), &'static str>;

impl Model {
    fn next(&mut self, room: usize) -> u64 {
        self.heads[room] += 1;
        self.heads[room]
    }

    pub fn apply(&mut self, room: usize, now: i64, who: usize, wish: &Wish) -> Verdict {
        let inside = self.members[room].get(&who).map(|member| member.joined);
        let outsider = if room == 1 { "room not found" } else { "you are not a member of this room" };
        match (wish, inside) {
            (Wish::Join, Some(seq)) => Ok((seq, true, None)),
            (Wish::Join, None) if room == 1 => Err(outsider),
            (Wish::Join, None) => {
                let seq = self.next(room);
                if self.members[room].is_empty() {
                    self.owners[room] = Some(who);
                }
                self.members[room].insert(who, ModelMember::new(seq));
                self.told[who].push(("room.added", room));
                Ok((seq, false, None))
            }
            (_, None) => Err(outsider),
            (Wish::Leave, Some(_)) => {
                self.members[room].remove(&who);
                self.told[who].push(("room.removed", room));
                let seq = self.next(room);
                if self.owners[room] == Some(who) {
                    let heir = self.members[room].iter().min_by_key(|(_, member)| member.joined);
                    self.owners[room] = heir.map(|(heir, _)| *heir);
                    // That there is another owner is an entry of its own.
                    if self.owners[room].is_some() {
                        self.next(room);
                    }
                }
                Ok((seq, false, None))
            }
            (Wish::Send { key, text, reply }, Some(_)) => {
                let body = (*text, *reply);
                if let Some(first) = self.messages.iter().find(|m| (m.author, m.key) == (who, *key)) {
                    return if (first.room, first.body) == (room, body) {
                        Ok((first.seq, true, Some(words(first.text))))
                    } else {
                        Err("this key was used for another message")
                    };
                }
                if reply.is_some_and(|n| self.messages.get(n).is_none_or(|m| m.room != room)) {
                    return Err("replyTo is no message of this room");
                }
                let seq = self.next(room);
                let text = Some(*text);
                let last_seq = seq;
                let (author, key) = (who, *key);
                let mentioned = self.mentioned(room, who, text);
                let message =
                    ModelMessage { room, author, key, body, seq, last_seq, text, mentioned, at: now };
                self.messages.push(message);
                self.members[room].insert(
                    who,
                    ModelMember { joined: self.members[room][&who].joined, received: seq, read: seq },
                );
                Ok((seq, false, Some(words(text))))
            }
            (Wish::Edit { message, text }, Some(_)) => {
                self.change(room, now, who, *message, Some(*text), "the message was deleted")
            }
            (Wish::Delete { message }, Some(_)) => self.change(room, now, who, *message, None, ""),
        }
    }

    /// Members who are named, without the author.
    fn mentioned(&self, room: usize, author: usize, text: Option<usize>) -> BTreeSet<usize> {
        let named = text.map(|n| TEXTS[n].1).unwrap_or_default();
        named.iter().copied().filter(|n| *n != author && self.members[room].contains_key(n)).collect()
    }

    /// Merges marks by maximum; all moves of one member in one room are one.
    pub fn advance(&mut self, moves: &Moves) {
        let mut moved = Vec::new();
        for (who, room, received, read) in moves {
            let head = self.heads[*room];
            let Some(member) = self.members[*room].get_mut(who) else { continue };
            let before = (member.received, member.read);
            member.read = member.read.max(*read.min(&head));
            member.received = member.received.max(*received.min(&head)).max(member.read);
            if before != (member.received, member.read) && !moved.contains(&(*who, *room)) {
                moved.push((*who, *room));
            }
        }
        // In the order in which they were first asked for, moved or not.
        let first = |(who, room): &(usize, usize)| moves.iter().position(|m| (m.0, m.1) == (*who, *room));
        moved.sort_by_key(first);
        for (who, room) in moved {
            self.told[who].push(("mark.moved", room));
        }
    }

    pub fn unread(&self, who: usize, room: usize) -> Unread {
        let read = self.members[room][&who].read;
        let unread: Vec<_> = self
            .messages
            .iter()
            .filter(|m| m.room == room && m.author != who && m.text.is_some() && m.seq > read)
            .collect();
        let mentions = unread.iter().filter(|m| m.mentioned.contains(&who)).count() as u64;
        Unread { messages: unread.len() as u64, mentions }
    }

    fn change(
        &mut self,
        room: usize,
        now: i64,
        who: usize,
        message: usize,
        text: Option<usize>,
        gone: &'static str,
    ) -> Verdict {
        let next = self.heads[room] + 1;
        let mentioned = self.mentioned(room, who, text);
        let Some(found) = self.messages.get_mut(message).filter(|m| m.room == room) else {
            return Err("message not found");
        };
        // Who looks after the room changes his own at any time, and deletes what anybody wrote.
        let moderates = self.owners[room] == Some(who);
        if found.author != who && !(moderates && text.is_none()) {
            return Err("only the author may change a message");
        }
        if found.text.is_none() && text.is_some() {
            return Err(gone);
        }
        if found.text == text {
            return Ok((found.last_seq, true, Some(words(text))));
        }
        if now - found.at > 5_000 && !moderates {
            return Err("messages can be changed for 5 seconds");
        }
        found.text = text;
        found.mentioned = mentioned;
        found.last_seq = next;
        self.heads[room] = next;
        Ok((next, false, Some(words(text))))
    }
}

/// What can be said, and who is named by it.
pub const TEXTS: &[(&str, &[usize])] =
    &[("one", &[]), ("@Bob, two", &[1]), ("@carol @alice @bob.", &[2, 0, 1]), ("a@carol.example", &[])];

pub fn words(text: Option<usize>) -> String {
    text.map(|n| TEXTS[n].0.to_owned()).unwrap_or_default()
}
