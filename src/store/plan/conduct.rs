//! The rules of the group commit for who may write just now; a part of [`super::decide()`].

use super::decide::Desk;
use crate::domain::{Conduct, Refusal, Role, UserId};

impl Desk<'_> {
    /// Whether somebody with this role may send just now. What is sent is counted.
    pub(super) fn pace(&mut self, author: UserId, role: Role) -> Result<(), Refusal> {
        let slow = self.ledger.room(self.room).map(|room| room.slow_mode).unwrap_or_default();
        if !slow.is_on() || role > Role::Member {
            return Ok(());
        }
        let conduct = self.ledger.conduct(self.room, author);
        slow.check(conduct.sent_at, self.now).map_err(|retry_after| Refusal::SlowMode { retry_after })?;
        self.ledger.set_conduct(self.room, author, Conduct { sent_at: Some(self.now), ..conduct });
        Ok(())
    }
}
