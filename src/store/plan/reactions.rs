//! The rules of the group commit for reactions; a part of [`super::decide()`].

use super::decide::Desk;
use crate::domain::{Change, Emoji, MessageId, Outcome, Refusal, UserId};

impl Desk<'_> {
    pub(super) fn react(&mut self, user: UserId, message: MessageId, emoji: &Emoji, on: bool) -> Outcome {
        let known = self.own_message(user, message)?;
        let (at, sign) = (known.message.at(), emoji.clone());
        let change = if on {
            Change::ReactionAdded { message: at, user, emoji: sign }
        } else {
            Change::ReactionRemoved { message: at, user, emoji: sign }
        };
        if self.ledger.has_reacted(message, emoji, user) == on {
            return Ok(self.so_already(change));
        }
        if known.message.deleted_at.is_some() {
            return Err(Refusal::Conflict("the message was deleted"));
        }
        self.writable()?;
        // Who is muted or blocked may still take back what he expressed, as he may delete what he wrote.
        if on {
            self.may_speak(user)?;
        }
        let (kinds, is_there) = self.ledger.reactions(message, emoji);
        if on && !is_there && kinds >= Emoji::KINDS {
            return Err(Refusal::Conflict("a message has at most 20 kinds of reactions"));
        }
        self.ledger.react(message, emoji, user, on, self.now);
        Ok(self.written(change))
    }
}
