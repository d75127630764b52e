//! What is written down while it happens: everything that was sent, answered and seen, as small as
//! the judge needs it. The frames themselves go to one file per client, for a counter-example.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::deeds::{DeedSheet, UploadSheet};
use super::moment::{Moment, Span};

/// A room as it was made.
#[derive(Clone, Debug)]
pub struct RoomSheet {
    pub id: Uuid,
    /// Indices of clients who are in it from the beginning, in the order of their joining.
    pub members: Vec<usize>,
    /// Those who come and go; such a room has its owner beside them, and nobody else.
    pub guests: Vec<usize>,
    /// Whether members see only what came since they joined.
    pub since_joined: bool,
}

impl RoomSheet {
    /// Whether people come and go.
    #[must_use]
    pub fn is_lively(&self) -> bool {
        !self.guests.is_empty()
    }

    /// Whether this client may have to do with it at all.
    #[must_use]
    pub fn knows(&self, client: usize) -> bool {
        self.members.contains(&client) || self.guests.contains(&client)
    }
}

/// All that one client did and saw.
#[derive(Debug, Default)]
pub struct ClientSheet {
    pub name: String,
    pub user: Uuid,
    /// Whether it stops reading now and then.
    pub slow: bool,
    pub sockets: Vec<SocketSheet>,
    /// In the order of arrival, over all sockets.
    pub seen: Vec<Sighting>,
    pub sends: Vec<SendSheet>,
    pub witnesses: Vec<Witness>,
    pub probes: Vec<Probe>,
    pub deeds: Vec<DeedSheet>,
    pub uploads: Vec<UploadSheet>,
    /// When it did not read, and on which socket.
    pub stalls: Vec<(usize, Span)>,
    /// What it was told of others' presence.
    pub glimpses: Vec<Glimpse>,
    /// When it stayed away on purpose.
    pub absences: Vec<Span>,
    /// Attempts to open a socket that came to nothing.
    pub refused: usize,
    /// What should never happen to any client, whatever the faults.
    pub wrongs: Vec<Wrong>,
}

/// Something that no fault excuses, with the promise that it breaks.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub at: Moment,
    pub promise: &'static str,
    pub what: String,
}

/// Why a socket was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    First,
    Again,
    /// In place of the socket with this index, whose process told it to go.
    Move(usize),
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a close frame of the server.
    Closed(u16),
    /// Without one.
    Cut(String),
    /// By the client, which has another one.
    Left,
    /// By the client, which got no pong.
    Silence,
}

/// One socket's life.
#[derive(Clone, Debug)]
pub struct SocketSheet {
    pub pod: usize,
    /// The client's port, by which the proxy knows it.
    pub peer: u16,
    pub why: Opening,
    /// Whether it came in by a ticket.
    pub ticket: bool,
    /// When the opening began.
    pub asked: Moment,
    pub opened: Moment,
    pub ready: Option<Moment>,
    pub resumed: Option<Moment>,
    pub draining: Option<Moment>,
    pub ended: Option<(Moment, Ending)>,
}

impl SocketSheet {
    /// When it ended, or the end of time.
    #[must_use]
    pub fn end(&self) -> Moment {
        self.ended.as_ref().map_or(Moment::END, |(at, _)| *at)
    }
}

/// Something seen on a socket about a room.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    pub at: Moment,
    /// Index among the client's sockets.
    pub socket: u32,
    /// Index among all rooms.
    pub room: u32,
    pub what: What,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A log entry: what it is about for ever, and what it said about it then.
    Entry { seq: u64, digest: u64, said: u64, bubble: Bubble },
    /// The answer to a wish to follow the room: `next` is the entry that has to come first.
    Subscribed { next: u64, live: bool, reset: bool },
    /// The client asked for no more than bumps, or nothing.
    Lowered,
    /// The server fell back to bumps at this head.
    Lagged { head: u64 },
    /// The server took the room away.
    Reset,
}

/// Whose message an entry brought, and whether it carried a `clientMsgId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bubble {
    /// The entry is about something else.
    None,
    /// One's own, with the key under which it was sent.
    Own,
    /// One's own, without the key or with another one.
    OwnUnknown,
    Others,
    /// Somebody else's, with a key that nobody else should see.
    OthersKeyed,
}

/// What an entry is about, in one number: its kind, its message, whose it is, and the sign of a
/// reaction. Of one entry that is the same for everybody and for ever.
#[must_use]
pub fn digest(kind: &str, message: Uuid, author: Uuid, sign: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, message, author, sign).hash(&mut hasher);
    hasher.finish()
}

/// What a message says, in one number. A deleted one says nothing.
#[must_use]
pub fn said(content: &str, is_deleted: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (if is_deleted { "" } else { content }, is_deleted).hash(&mut hasher);
    hasher.finish()
}

/// Somebody was said to be there, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    pub at: Moment,
    pub socket: usize,
    /// Index among all clients.
    pub client: usize,
    pub online: bool,
}

/// A message that was composed.
#[derive(Clone, Debug)]
pub struct SendSheet {
    /// Index among all rooms.
    pub room: usize,
    pub key: Uuid,
    pub content: String,
    /// The file that it was sent with.
    pub attachment: Option<Uuid>,
    pub composed: Moment,
    pub attempts: Vec<Attempt>,
    /// When the client first knew that it is stored.
    pub stored: Option<Moment>,
}

/// One try to get a message stored.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Moment,
    pub way: Way,
    pub answer: Option<(Moment, Answer)>,
}

/// How it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Index among the client's sockets.
    Socket(usize),
    /// Over HTTP, through this process.
    Rest(usize),
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Stored {
        id: Uuid,
        seq: u64,
        duplicate: bool,
    },
    /// An error with its code.
    Refused {
        code: String,
        retryable: bool,
    },
    /// No answer: the request over HTTP failed.
    Failed(String),
}

impl Answer {
    /// Id and `seq`, when it says that the message is stored.
    #[must_use]
    pub const fn stored(&self) -> Option<(Uuid, u64)> {
        match self {
            Self::Stored { id, seq, .. } => Some((*id, *seq)),
            _ => None,
        }
    }
}

/// The history looked at through another process right after an answer.
#[derive(Clone, Debug)]
pub struct Witness {
    pub send: usize,
    pub pod: usize,
    pub asked: Moment,
    /// Nothing when there was no answer.
    pub found: Option<bool>,
}

/// What a key is used again for.
pub const PROBE: &str = "another content under the same key";

/// A key of a stored message used again with another content.
#[derive(Clone, Debug)]
pub struct Probe {
    pub send: usize,
    pub at: Moment,
    pub answer: Answer,
}

/// Where a client's frames are kept. What cannot be written is missing in a counter-example, and
/// the judgement does not depend on it.
pub struct Journal(Option<BufWriter<File>>);

impl Journal {
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Path, client: usize) -> io::Result<Self> {
        Ok(Self(Some(BufWriter::with_capacity(32 * 1024, File::create(journal_of(folder, client))?))))
    }

    pub fn note(&mut self, at: Moment, socket: usize, way: char, text: &str) {
        if let Some(file) = &mut self.0
            && writeln!(file, "{at} socket {socket} {way} {text}").is_err()
        {
            self.0 = None;
        }
    }
}

/// The file of a client's frames.
#[must_use]
pub fn journal_of(folder: &Path, client: usize) -> PathBuf {
    folder.join(format!("client-{client:03}.log"))
}

/// A median and such of many times.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<u32>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many in a thousand do not exceed; nothing of nothing.
    #[must_use]
    pub fn permille(&self, part: usize) -> Option<Duration> {
        let mut sorted = self.0.clone();
        let last = sorted.len().checked_sub(1)?;
        let place = (sorted.len() * part).div_ceil(1_000).saturating_sub(1).min(last);
        let (_, time, _) = sorted.select_nth_unstable(place);
        Some(Duration::from_micros(u64::from(*time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_tail_of_times() {
        let mut times = Times::default();
        assert_eq!(times.permille(500), None);
        (1..=100).rev().for_each(|n| times.add(Duration::from_millis(n)));
        assert_eq!(times.permille(500), Some(Duration::from_millis(50)));
        assert_eq!(times.permille(990), Some(Duration::from_millis(99)));
        assert_eq!(times.permille(1_000), Some(Duration::from_millis(100)));
    }

    #[test]
    fn a_digest_tells_apart() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(digest("message.created", a, b, "hi"), digest("message.created", a, b, "hi"));
        assert_ne!(digest("message.created", a, b, "hi"), digest("message.created", b, a, "hi"));
        assert_ne!(said("hi", false), said("ho", false));
        assert_eq!(said("hi", true), said("", true));
        assert_ne!(said("", true), said("", false));
    }
}
