//! What a client holds of a room and of its user's own log, and the rules by which it takes what
//! comes. Each rule is checked strictly, and what is left is judged at the end.

use std::collections::BTreeMap;

use chat::domain::subscription::Level;
use serde_json::Value;

use super::chance::Chance;

/// As far as the person knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    Inside,
    /// He asked to leave and does not know whether he did.
    Leaving,
    /// Since this entry of the log; `u64::MAX` where he does not know which.
    Outside(u64),
    /// He asked to join and does not know whether he did.
    Joining,
}

/// A part of a room's log without a hole: from after a reset, or from the beginning.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    pub after: u64,
    /// The reason of the reset.
    pub why: String,
    /// Where the client stood before it.
    pub stood: u64,
    /// The position that was too old: where it stood when it asked.
    pub named: u64,
    pub kinds: Vec<String>,
}

/// A message as the client shows it; deleted without content.
pub type Shown = (String, bool);

/// What a client holds of one room.
pub struct Held {
    pub level: Level,
    pub membership: Membership,
    /// He was put out for good, until that is taken back.
    pub banned: bool,
    /// Memberships begun, so that what an earlier one had is not taken for the present one's.
    pub memberships: u64,
    /// The position in the log.
    pub last: u64,
    /// The head, as the server last named it.
    pub head: u64,
    pub stretches: Vec<Stretch>,
    pub messages: BTreeMap<String, Shown>,
    /// What the cache held is worthless, and the history has to be read.
    pub to_page: bool,
    /// Further than this the own read mark surely is.
    pub read: u64,
    /// `read`, `unread` and `mentions` as the last connection began.
    pub standing: Option<(u64, u64, u64)>,
}

impl Held {
    pub fn new() -> Self {
        Self {
            level: Level::Full,
            membership: Membership::Inside,
            banned: false,
            memberships: 1,
            last: 0,
            head: 0,
            stretches: vec![Stretch { why: "start".to_owned(), ..Stretch::default() }],
            messages: BTreeMap::new(),
            to_page: false,
            read: 0,
            standing: None,
        }
    }

    /// Takes an entry, the next or none.
    pub fn take(&mut self, who: &str, frame: &Value) {
        let seq = frame["seq"].as_u64().expect("seq");
        assert_eq!(seq, self.last + 1, "I4, I5: {who}: after {} came {frame}", self.last);
        if let Membership::Outside(since) = self.membership {
            assert!(seq <= since, "I10: {who} is outside since {since}, but got {frame}");
        }
        self.last = seq;
        self.head = self.head.max(seq);
        let kind = frame["t"].as_str().expect("t");
        let stretch = self.stretches.last_mut().expect("at least one");
        stretch.kinds.push(kind.to_owned());
        if kind.starts_with("message.") {
            let text = |name: &str| frame["d"][name].as_str().expect("a text").to_owned();
            self.messages.insert(text("id"), (text("content"), frame["d"]["deletedAt"].is_string()));
        }
    }

    /// The cache is worthless, and the log goes on after `head`. A question named a position.
    pub fn reset(&mut self, reason: &str, head: u64, named: Option<u64>) {
        let stood = std::mem::replace(&mut self.last, head);
        let (why, named) = (reason.to_owned(), named.unwrap_or(stood));
        self.stretches.push(Stretch { after: head, why, stood, named, kinds: Vec::new() });
        self.head = head;
        self.messages.clear();
        self.to_page = true;
    }
}

/// What a client has of its user's own log: (useq, kind, room, received, read).
#[derive(Default)]
pub struct OwnLog {
    pub at: u64,
    pub seen: Vec<OwnEntry>,
}

pub type OwnEntry = (u64, String, String, u64, u64);

impl OwnLog {
    /// Takes an entry. Until the `resume` is answered, others than the next may come and are
    /// dropped, as the protocol says of rooms; then each has to be the next.
    pub fn take(&mut self, who: &str, frame: &Value, resumed: bool) {
        let useq = frame["useq"].as_u64().expect("useq");
        if useq != self.at + 1 {
            assert!(!resumed, "I22: {who}: after {} of the own log came {frame}", self.at);
            return;
        }
        self.at = useq;
        let kind = frame["t"].as_str().expect("t").to_owned();
        let number = |name: &str| frame["d"][name].as_u64().unwrap_or_default();
        let room = frame["d"]["roomId"].as_str().unwrap_or_default().to_owned();
        self.seen.push((useq, kind, room, number("received"), number("read")));
    }
}

/// Counts what came about, to know that the simulation simulates. One for all runs.
#[derive(Clone, Debug, Default)]
pub struct Tally(pub BTreeMap<String, u64>);

impl Tally {
    pub fn note(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }
}

/// A fingerprint of what was before, and of something more.
pub fn fold(trace: u64, more: u64) -> u64 {
    Chance::new(trace ^ more.rotate_left(32)).next()
}

/// A fingerprint of bytes (FNV-1a).
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
