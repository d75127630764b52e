//! What clients have in common: orders, habits, and the world around them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::torture::moment::Stopwatch;
use crate::torture::record::RoomSheet;
use crate::torture::rest::Rest;

/// What all clients are told together.
#[derive(Clone, Debug)]
pub enum Orders {
    /// Chat.
    Talk,
    /// Compose nothing more, stop reading no more; bring to an end what is written.
    Hush,
    /// Open every room and read to its end.
    Finish(Arc<Goal>),
    /// Go.
    Leave,
}

/// What there is to be read in the end.
#[derive(Debug)]
pub struct Goal {
    /// Of all rooms.
    pub heads: Vec<u64>,
    /// Who is in which room: room and user.
    pub members: BTreeSet<(Uuid, Uuid)>,
}

/// How far a client is, for who waits for it.
#[derive(Debug, Default)]
pub struct Standing {
    /// Messages that were composed and are not known to be stored.
    pub unsent: AtomicUsize,
    /// Nothing is missing up to the heads that it was told.
    pub complete: AtomicBool,
    /// Rises with all that brings it nearer to the end.
    pub steps: AtomicUsize,
    /// The process that its socket leads to, counted from 1; 0 without a socket.
    pub pod: AtomicUsize,
}

/// How much a client does.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Mean time between two bursts of messages.
    pub pause: Duration,
    /// Longest burst.
    pub burst: u64,
    /// In a thousand messages, so many go over HTTP.
    pub by_rest: u64,
    /// In a thousand messages, so many go over several ways at once.
    pub at_once: u64,
    /// In a thousand stored messages, so many are looked for in the history of another process.
    pub witnessed: u64,
    /// In a thousand stored messages, so many keys are used again for another content.
    pub probed: u64,
    /// Of a thousand times that it would write, so often it changes what is written instead.
    pub changes: u64,
    /// And so often it sends a file.
    pub uploads: u64,
    /// Stops reading now and then.
    pub slow: bool,
}

/// What every client knows.
pub struct World {
    pub watch: Stopwatch,
    pub rest: Rest,
    /// Where each process is reached: its proxy.
    pub pods: Vec<SocketAddr>,
    /// Whether a new release is being rolled out: then a new socket may lead to any process.
    pub rolling: Arc<AtomicBool>,
    pub rooms: Vec<RoomSheet>,
    /// Everybody, by index.
    pub users: Vec<Uuid>,
    pub orders: watch::Receiver<Orders>,
}
