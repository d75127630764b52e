//! Where the answer to a command goes. An answer is never forgotten: one that is dropped unanswered
//! says `internal`.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::mail::{Place, ToHub};
use super::pod::Pod;
use crate::domain::Committed;
use crate::error::{Code, Fault};
use crate::protocol::{Encoded, Reference, server};

/// The result of a command.
pub type Answer = Result<Committed, Fault>;

enum To {
    Socket { pod: Arc<Pod>, place: Place, reference: Option<Reference> },
    Caller(oneshot::Sender<Answer>),
}

/// Who asked.
pub struct Reply(Option<To>);

impl Reply {
    /// A socket's command, with its `ref`.
    #[must_use]
    pub fn socket(pod: Arc<Pod>, place: Place, reference: Option<Reference>) -> Self {
        Self(Some(To::Socket { pod, place, reference }))
    }

    /// A caller that waits, such as an HTTP handler.
    #[must_use]
    pub fn caller(sender: oneshot::Sender<Answer>) -> Self {
        Self(Some(To::Caller(sender)))
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
    pub fn answer(mut self, answer: Answer) -> Option<(Place, Encoded)> {
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
    pub fn send(mut self, answer: Answer) {
        self.dispatch(answer);
    }

    fn dispatch(&mut self, answer: Answer) {
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

impl Drop for Reply {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.dispatch(Err(Fault::new(Code::Internal, "the server lost this request; send it again")));
        }
    }
}

fn encode(reference: Option<&Reference>, answer: &Answer) -> Encoded {
    match answer {
        Ok(committed) => server::ack(reference, committed),
        Err(fault) => server::error(reference, fault),
    }
}
