//! The rules of the group commit for who may write just now; a part of [`super::decide()`].

use super::decide::Desk;
use crate::domain::powers::Action;
use crate::domain::{
    AuditRecord, Change, Conduct, Mute, Muted, Outcome, Reason, Refusal, Role, Timestamp, UserId, policy,
};

impl Desk<'_> {
    /// Whether somebody may send just now. What is sent is counted.
    pub(super) fn pace(&mut self, author: UserId, role: Role) -> Result<(), Refusal> {
        self.may_speak(author)?;
        let slow = self.ledger.room(self.room).map(|room| room.slow_mode).unwrap_or_default();
        if !slow.is_on() || role > Role::Member {
            return Ok(());
        }
        let conduct = self.ledger.conduct(self.room, author);
        slow.check(conduct.sent_at, self.now).map_err(|retry_after| Refusal::SlowMode { retry_after })?;
        self.ledger.set_conduct(self.room, author, Conduct { sent_at: Some(self.now), ..conduct });
        Ok(())
    }

    /// Whether a member may say anything: he is not muted, and who is to hear him alone wants to.
    pub(super) fn may_speak(&self, user: UserId) -> Result<(), Refusal> {
        policy::may_speak(user, self.ledger.blockers(self.room))?;
        self.unmuted(user)
    }

    /// Nobody keeps the owner from it: there is nobody above him who
    /// could let him again.
    fn unmuted(&self, user: UserId) -> Result<(), Refusal> {
        let retry_after = self.ledger.conduct(self.room, user).muted_for(self.now);
        if retry_after.is_zero() || self.insider(user)? == Role::Owner {
            Ok(())
        } else {
            Err(Refusal::Muted { retry_after })
        }
    }

    pub(super) fn mute(
        &mut self,
        by: UserId,
        user: UserId,
        until: Timestamp,
        reason: Option<Reason>,
        record: &AuditRecord,
    ) -> Outcome {
        self.manage_member(by, Action::Mute, user)?;
        let length = Mute::length(until, self.now)?;
        let mute = Mute { until: Some(until), by, reason };
        let record = record.clone().detail(format!("room {}, for {} s", self.room, length.as_secs()));
        self.set_mute(user, mute, record)
    }

    pub(super) fn unmute(&mut self, by: UserId, user: UserId, record: &AuditRecord) -> Outcome {
        self.manage_member(by, Action::Mute, user)?;
        let record = record.clone().detail(format!("room {}", self.room));
        self.set_mute(user, Mute { until: None, by, reason: None }, record)
    }

    fn set_mute(&mut self, user: UserId, mute: Mute, record: AuditRecord) -> Outcome {
        let role = self.insider(user)?;
        let muted = mute.until.map(|until| Muted { until, reason: mute.reason.clone() });
        let Conduct { sent_at, muted: before } = self.ledger.conduct(self.room, user);
        let change = Change::MemberMuted { user, role, mute };
        if before.filter(|before| !before.is_over(self.now)) == muted {
            return Ok(self.so_already(change));
        }
        self.ledger.set_conduct(self.room, user, Conduct { sent_at, muted });
        self.ledger.record(record.about(user));
        Ok(self.written(change))
    }
}
