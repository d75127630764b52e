//! How a simulated client moves when a server that drains asks for it: it opens the next socket
//! before it closes the last. A part of [`super::client`].

use serde_json::Value;

use super::client::Client;
use super::held::fold;
use super::socket::Socket;

impl Client {
    /// Takes a frame, and remembers that it came and when.
    pub(super) fn hear(&self, socket: &Socket, frame: &Value) {
        let now = socket.hub.pod.clock.now();
        self.trace.set(fold(self.trace.get() ^ now.millis().unsigned_abs(), socket.heard.get()));
        self.receive(socket, frame, now);
    }

    /// Reads both sockets until the new one is where the old one was. Answers the new one, unless
    /// it ended; then the client comes back as after any cut.
    pub(super) async fn move_over(&self, old: Socket, new: Socket) -> Option<Socket> {
        // Of two histories, and of one that is not read yet, nothing can be joined.
        let mut old = Some(old).filter(|old| !new.foreign && old.resumed.get());
        old.iter().chain([&new]).for_each(|socket| socket.overlaps.set(true));
        while !new.resumed.get() {
            tokio::select! {
                biased;
                frame = heard(old.as_ref()) => match (&old, frame) {
                    // Whom one watches and where one begins anew is the new socket's to say.
                    (Some(left), Some(frame)) if !is_reset(&frame) => {
                        if frame["t"] != "presence" {
                            self.hear(left, &frame);
                        }
                    }
                    (left, _) => {
                        left.iter().for_each(|left| self.was_closed(left));
                        old = None;
                    }
                },
                frame = new.next() => match frame {
                    Some(frame) => {
                        let anew = is_reset(&frame);
                        self.hear(&new, &frame);
                        if anew {
                            old = None;
                        }
                    }
                    None => {
                        self.was_closed(&new);
                        return None;
                    }
                },
            }
        }
        if old.is_some() {
            self.note("moved without a pause");
        }
        // What both had queued comes once more from the new one, and nothing beyond it.
        new.overlaps.set(false);
        let stands = self.rooms.borrow().iter().map(|(room, held)| (*room, held.last)).collect();
        new.repeats.replace(stands);
        new.repeats_own.set(self.own_log.borrow().at);
        Some(new)
    }
}

/// The next frame of a socket; never one where there is none.
async fn heard(socket: Option<&Socket>) -> Option<Value> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

fn is_reset(frame: &Value) -> bool {
    frame["t"] == "room.reset" || frame["d"]["mode"] == "reset"
}
