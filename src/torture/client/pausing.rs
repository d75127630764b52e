//! A reader that stops reading for a while, and goes on.

use std::time::Duration;

use super::{Client, Orders};
use crate::torture::moment::{Moment, Span};

impl Client {
    /// Stops reading for a while.
    pub(super) fn stall(&mut self) {
        let now = self.now();
        self.due.stall = now.plus(self.chance.wait(Duration::from_secs(12)) + Duration::from_secs(2));
        let length = self.chance.between(Duration::from_secs(1), Duration::from_secs(8));
        let talks = matches!(self.orders, Orders::Talk);
        let Some(live) = self.main.filter(|_| talks).and_then(|main| self.sockets.get_mut(&main)) else {
            return;
        };
        if live.stalled.is_none() {
            live.wire.read(false);
            live.pong = Moment::END;
            live.stalled = Some(Span::new(now, now.plus(length)));
        }
    }

    pub(super) fn read_on(&mut self, socket: usize, now: Moment) {
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        if let Some(span) = live.stalled.take() {
            live.wire.read(true);
            live.ping = now.plus(Duration::from_secs(1));
            self.sheet.stalls.push((socket, Span::new(span.from, now)));
        }
    }

    /// Everybody reads again.
    pub(super) fn wake_readers(&mut self) {
        let now = self.now();
        self.due.stall = Moment::END;
        for socket in self.sockets.keys().copied().collect::<Vec<_>>() {
            self.read_on(socket, now);
        }
    }
}
