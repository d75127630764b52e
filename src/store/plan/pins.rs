//! The rules of the group commit for pins; a part of [`super::decide()`].

use super::PinRow;
use super::decide::Desk;
use crate::domain::powers::{self, Action};
use crate::domain::{Change, Message, MessageId, Outcome, Refusal, UserId, policy};

impl Desk<'_> {
    pub(super) fn pin(&mut self, user: UserId, message: MessageId, on: bool) -> Outcome {
        let known = self.own_message(user, message)?;
        // A conversation has nobody who looks after it: everybody in it does.
        if !self.is_direct {
            powers::may(self.insider(user)?, Action::Pin, self.is_private)?;
        }
        let at = known.message.at();
        let change = if on {
            Change::MessagePinned { message: at, user }
        } else {
            Change::MessageUnpinned { message: at, user }
        };
        if self.ledger.is_pinned(message) == on {
            return Ok(self.so_already(change));
        }
        if known.message.deleted_at.is_some() {
            return Err(Refusal::Conflict("the message was deleted"));
        }
        self.writable()?;
        // To the other of two it says something, as a reaction does.
        if on {
            policy::may_speak(user, self.ledger.blockers(self.room))?;
        }
        if on && self.ledger.pins(self.room) >= Message::MAX_PINS {
            return Err(Refusal::Conflict("a room has at most 50 pinned messages"));
        }
        let row = PinRow { message, room: self.room, seq: self.next(), user, at: self.now };
        self.ledger.set_pin(self.room, message, on.then_some(row));
        Ok(self.written(change))
    }
}
