//! The deadlines of a worker's sockets, looked after by one wheel instead of a timer per socket.

use std::rc::Rc;
use std::time::Duration;

use super::hub::{HubCore, TICK};
use super::link::Link;
use super::mail::ToSession;
use crate::protocol::encoded::control;
use crate::protocol::{CloseCode, server};

/// How long a peer has to answer our close before the connection is cut.
const CLOSING: Duration = Duration::from_secs(2);
/// A link is looked at at least this often.
const LOOK: Duration = Duration::from_secs(4);

impl HubCore {
    /// Makes the wheel bring up the link at its next deadline.
    pub(super) fn watch(&self, link: &Link) {
        let now = self.now();
        let timing = &self.pod.settings.timing;
        let due = if link.closed().is_some() {
            link.clock.closed.get() + ticks(CLOSING)
        } else if link.identity().is_none() {
            link.clock.opened.get() + ticks(timing.auth_deadline)
        } else {
            now + ticks(LOOK.min(timing.idle_timeout / 2))
        };
        self.wheel.borrow_mut().insert(due, link.key);
    }

    pub(super) fn tick(&self) {
        self.bump_again();
        self.count_again();
        let due = self.wheel.borrow_mut().tick();
        for key in due {
            // A link may be on the wheel twice after its deadline moved; looking twice is harmless.
            if let Some(link) = self.link(key)
                && self.look_at(&link)
            {
                self.watch(&link);
            }
        }
    }

    /// Acts on what is due; false when the link needs no further watching.
    fn look_at(&self, link: &Rc<Link>) -> bool {
        let now = self.now();
        let timing = &self.pod.settings.timing;
        let clock = &link.clock;
        let since = |moment: u64| now.saturating_sub(moment);
        if link.closed().is_some() {
            if since(clock.closed.get()) >= ticks(CLOSING) {
                link.finish();
                return false;
            }
            return true;
        }
        let Some(identity) = link.identity() else {
            if since(clock.opened.get()) >= ticks(timing.auth_deadline) {
                self.close(link, CloseCode::AuthTimeout);
            }
            return true;
        };
        let taken = link.outbox.borrow().taken();
        if link.outbox.borrow().is_empty() || taken != clock.taken.get() {
            clock.taken.set(taken);
            clock.progressed.set(now);
        } else if since(clock.progressed.get()) >= ticks(timing.write_stall) {
            self.close(link, CloseCode::SlowConsumer);
            return true;
        }
        if link.is_held_back(self.pod.settings.limits.unanswered) {
            // Not heard because not listened to.
            clock.heard.set(now);
        }
        if since(clock.heard.get()) >= ticks(timing.idle_timeout) {
            self.close(link, CloseCode::HeartbeatLost);
            return true;
        }
        if since(clock.pinged.get()) >= ticks(timing.heartbeat) {
            clock.pinged.set(now);
            // A peer that takes nothing is found by its stalled outbox.
            let _full = link.outbox.borrow_mut().push(control::ping());
        }
        if since(clock.headed.get()) >= ticks(timing.heads_interval) {
            clock.headed.set(now);
            let heads = self.live_heads(link);
            if !heads.is_empty() {
                server::live_heads(&heads).iter().for_each(|frame| self.push(link, frame));
            }
        }
        if identity.expires_at.since(self.pod.clock.now()) <= timing.expiry_notice {
            link.tell(ToSession::CheckExpiry);
        }
        true
    }
}

fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1)
}
