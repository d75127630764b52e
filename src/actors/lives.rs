//! The lives of actors: their names, their number, and what the death of one means to the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// One life of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorId(pub(super) u64);

/// Counts one living actor.
pub struct Alive(Arc<AtomicUsize>);

impl Alive {
    /// One more.
    pub(super) fn among(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::AcqRel);
        Self(all.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Of an actor that nobody begins anew, and without which the process is of no use: tells when it panics.
pub struct Vital {
    _alive: Alive,
    name: &'static str,
    failure: Arc<Notify>,
}

impl Vital {
    pub(super) fn new(alive: Alive, name: &'static str, failure: &Arc<Notify>) -> Self {
        Self { _alive: alive, name, failure: failure.clone() }
    }
}

impl Drop for Vital {
    fn drop(&mut self) {
        // An actor that stops is dropped in peace.
        if std::thread::panicking() {
            log::error!("the {} is lost: this process is to end", self.name);
            self.failure.notify_one();
        }
    }
}
