//! Where the answer to a command goes. An answer is never forgotten: one that is dropped unanswered
//! says `internal`, or ends the socket whose commands have an order.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::mail::{HubId, LinkKey, Place, ToHub};
use super::pod::Pod;
use crate::domain::Committed;
use crate::error::{Code, Fault};
use crate::protocol::{Encoded, Reference, news, server};
use crate::store::Moved;

/// What a command can be answered with, as a socket is told it.
pub trait Told: Send + 'static {
    /// Whether a socket's commands of this sort are applied in the order in which it sent them.
    const IN_ORDER: bool = false;

    /// The frame that says so.
    fn frame(&self, reference: Option<&Reference>) -> Encoded;
}

impl Told for Committed {
    const IN_ORDER: bool = true;

    fn frame(&self, reference: Option<&Reference>) -> Encoded {
        server::ack(reference, self)
    }
}

impl Told for Moved {
    fn frame(&self, reference: Option<&Reference>) -> Encoded {
        news::marked(reference, self.marks, self.unread)
    }
}

impl Told for () {
    fn frame(&self, reference: Option<&Reference>) -> Encoded {
        server::done(reference)
    }
}

enum To<T> {
    Socket { pod: Arc<Pod>, place: Place, reference: Option<Reference> },
    Caller(oneshot::Sender<Result<T, Fault>>),
}

/// Who asked.
pub struct Reply<T: Told = Committed>(Option<To<T>>);

impl<T: Told> Reply<T> {
    /// A socket's command, with its `ref`.
    #[must_use]
    pub fn socket(pod: Arc<Pod>, place: Place, reference: Option<Reference>) -> Self {
        Self(Some(To::Socket { pod, place, reference }))
    }

    /// A caller that waits, such as an HTTP handler.
    #[must_use]
    pub fn caller(sender: oneshot::Sender<Result<T, Fault>>) -> Self {
        Self(Some(To::Caller(sender)))
    }

    /// Nobody wants to know.
    #[must_use]
    pub const fn nobody() -> Self {
        Self(None)
    }

    /// The socket that asked, if it was one.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match &self.0 {
            Some(To::Socket { place, .. }) => Some(*place),
            _ => None,
        }
    }

    /// Answers. For a socket the frame is handed back, so that a room can send all answers of a
    /// batch to one worker together.
    #[must_use]
    pub fn answer(mut self, answer: Result<T, Fault>) -> Option<(Place, Encoded)> {
        match self.0.take()? {
            To::Socket { place, reference, .. } => Some((place, encode(reference.as_ref(), &answer))),
            To::Caller(sender) => {
                // Who asked may have gone away; what was committed stays committed.
                let _gone = sender.send(answer);
                None
            }
        }
    }

    /// Answers at once, alone.
    pub fn send(mut self, answer: Result<T, Fault>) {
        self.dispatch(answer);
    }

    fn dispatch(&mut self, answer: Result<T, Fault>) {
        match self.0.take() {
            Some(To::Socket { pod, place, reference }) => {
                let frame = encode(reference.as_ref(), &answer);
                pod.tell_hub(place.hub, ToHub::Answer { link: place.link, frame });
            }
            Some(To::Caller(sender)) => {
                let _gone = sender.send(answer);
            }
            None => {}
        }
    }
}

impl<T: Told> Drop for Reply<T> {
    fn drop(&mut self) {
        match self.0.take() {
            // What the socket sent after it must not overtake it: it comes back and sends both again.
            Some(To::Socket { pod, place, .. }) if T::IN_ORDER => pod.cut_off(place),
            lost => {
                self.0 = lost;
                self.dispatch(Err(Fault::new(Code::Internal, "the server lost this request; send it again")));
            }
        }
    }
}

/// Answers to sockets that are on their way to the hubs. What is not taken out is lost, as a [`Reply`]
/// is that is dropped.
pub(super) struct Answers {
    pod: Arc<Pod>,
    of_hubs: BTreeMap<usize, Vec<(LinkKey, Encoded)>>,
}

impl Answers {
    pub(super) const fn new(pod: Arc<Pod>) -> Self {
        Self { pod, of_hubs: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, place: Place, frame: Encoded) {
        self.of_hubs.entry(place.hub.0).or_default().push((place.link, frame));
    }

    /// All of them, by the hub's number.
    pub(super) fn take(mut self) -> BTreeMap<usize, Vec<(LinkKey, Encoded)>> {
        std::mem::take(&mut self.of_hubs)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (hub, answers) in &self.of_hubs {
            answers.iter().for_each(|(link, _)| self.pod.cut_off(Place { hub: HubId(*hub), link: *link }));
        }
    }
}

fn encode<T: Told>(reference: Option<&Reference>, answer: &Result<T, Fault>) -> Encoded {
    match answer {
        Ok(told) => told.frame(reference),
        Err(fault) => server::error(reference, fault),
    }
}
