//! Everything that is known of a run, as the judge gets it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::books::{Books, OutboxRow, RoomCount};
use super::deeds::{ActSheet, FetchSheet, LookSheet};
use super::moment::{Moment, Span, Spans};
use super::plan::Kind;
use super::pod::Life;
use super::record::{ClientSheet, RoomSheet};

/// A fault as it happened.
#[derive(Clone, Debug)]
pub struct FaultSheet {
    pub kind: Kind,
    pub pod: Option<usize>,
    pub span: Span,
    pub note: String,
}

impl fmt::Display for FaultSheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} {}", self.span.from, self.span.to, self.kind)?;
        if let Some(pod) = self.pod {
            write!(f, " pod {pod}")?;
        }
        if self.note.is_empty() { Ok(()) } else { write!(f, ": {}", self.note) }
    }
}

/// A connection that was cut.
#[derive(Clone, Copy, Debug)]
pub struct CutSheet {
    pub at: Moment,
    pub pod: usize,
    /// The client's port.
    pub peer: u16,
    pub silent: bool,
}

/// A row of the outbox, from when until when it was seen.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub row: OutboxRow,
    pub span: Span,
}

/// The counters of stored messages against the rows, while nobody wrote.
#[derive(Clone, Copy, Debug)]
pub struct Census {
    pub at: Moment,
    pub counted: u64,
    pub rows: u64,
}

/// The counter of stored messages of one process, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Scrape {
    pub at: Moment,
    pub pod: usize,
    pub committed: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub struct History {
    pub rooms: Vec<RoomSheet>,
    pub clients: Vec<ClientSheet>,
    pub faults: Vec<FaultSheet>,
    pub cuts: Vec<CutSheet>,
    pub lives: Vec<Life>,
    /// The calm before the first fault.
    pub calm: Option<Span>,
    /// Nothing was composed from then on.
    pub hushed: Moment,
    pub end: Moment,
    pub database_away: Spans,
    pub redis_away: Spans,
    /// When the machine did not let the test itself run.
    pub starved: Spans,
    /// The heads of the rooms, in the rooms' order, at moments on the way.
    pub heads: Vec<(Moment, Vec<u64>)>,
    /// Snapshots in which a log was not whole.
    pub holes: Vec<(Moment, String)>,
    pub snapshots: usize,
    /// Rows of the outbox that were seen for more than a moment.
    pub waiting: Vec<Waiting>,
    pub outbox_looks: usize,
    pub scrapes: Vec<Scrape>,
    pub census: Option<Census>,
    /// Everybody's wishes when the time was up: clients that still missed or kept something.
    pub unsettled: Vec<String>,
    pub books: Books,
    /// What was done at the doors of rooms, those of each in order.
    pub acts: Vec<ActSheet>,
    /// Histories and files, as people got them in the end.
    pub looks: Vec<LookSheet>,
    pub fetches: Vec<FetchSheet>,
    /// The names of all blobs where they could be listed.
    pub blobs: Option<Vec<String>>,
    pub counts: Vec<RoomCount>,
    /// The process that loses announcements on purpose.
    pub unreliable: Option<usize>,
    /// What a server may take to end.
    pub grace: Duration,
    pub has_outbox: bool,
    /// Bounds of time are so many times as long; nought is as good as one.
    pub patience: u32,
}

impl History {
    /// The index of each room.
    #[must_use]
    pub fn places(&self) -> BTreeMap<Uuid, usize> {
        self.rooms.iter().enumerate().map(|(index, room)| (room.id, index)).collect()
    }

    /// What a bound of time is on this machine.
    #[must_use]
    pub fn bound(&self, time: Duration) -> Duration {
        time * self.patience.max(1)
    }

    /// When this process did not run, or could not be reached.
    #[must_use]
    pub fn pod_away(&self, pod: usize) -> Spans {
        let kinds = [Kind::Stop, Kind::Blackhole];
        let about = |fault: &&FaultSheet| fault.pod == Some(pod) && kinds.contains(&fault.kind);
        Spans::new(self.faults.iter().filter(about).map(|fault| fault.span))
    }
}
