//! The way of a message: the stations that it passes, of which messages they are noted, and what
//! they and the marks tell about why somebody has it, or has it not.
//!
//! Whether a message's way is noted is told by its id alone: so every process decides alike, for a
//! message that it stores as for one that it hears of or reads again, and nothing is carried along.

use super::{ConnId, Marks, MessageId, PodId, Seq, Timestamp, UserId};

/// Where a message came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// Its room, to be stored; by a request, or over a socket.
    Submitted { by_request: bool },
    /// The store, with what else is to be stored.
    Storing,
    /// The store refused it, or could not.
    Refused,
    /// It is stored.
    Committed,
    /// The bus was told.
    Announced,
    /// Its room in another process heard of it.
    Heard,
    /// A thread offers it to so many sockets.
    Offered { sockets: u32 },
    /// A connection took it for its socket: the last byte is the kernel's.
    Written(Device),
    /// It was read from the log for a connection that had missed it.
    Replayed(Device),
    /// The room went on without a connection that takes too little; it reads the log later.
    Lagged(Device),
}

/// One connection of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub user: UserId,
    pub conn: ConnId,
}

impl Station {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Storing => "storing",
            Self::Refused => "refused",
            Self::Committed => "committed",
            Self::Announced => "announced",
            Self::Heard => "heard",
            Self::Offered { .. } => "offered",
            Self::Written(_) => "written",
            Self::Replayed(_) => "replayed",
            Self::Lagged(_) => "lagged",
        }
    }

    /// Whose connection it is about, if it is about one.
    #[must_use]
    pub const fn device(&self) -> Option<Device> {
        match self {
            Self::Written(device) | Self::Replayed(device) | Self::Lagged(device) => Some(*device),
            _ => None,
        }
    }
}

/// A message passed a station of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub message: MessageId,
    pub at: Timestamp,
    pub pod: PodId,
    pub station: Station,
}

/// Of which messages the way is noted: one in so many; of none when zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneIn(pub u32);

impl OneIn {
    /// Whether this message's way is noted.
    #[must_use]
    pub fn follows(self, message: MessageId) -> bool {
        // The last half of the id is chance.
        let chance = message.0.as_u128() as u32;
        self.0 != 0 && chance.is_multiple_of(self.0)
    }
}

/// What is known of a message and a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    pub seq: Seq,
    /// He wrote it.
    pub is_author: bool,
    /// What the room has grown by was perhaps not announced yet.
    pub is_unannounced: bool,
    /// Since when he is a member now, and what he confirmed.
    pub member: Option<(Seq, Marks)>,
    /// The room shows its members only what came since they joined, and this came before.
    pub is_hidden: bool,
    /// He has a connection now.
    pub is_online: bool,
    /// The last thing that is known of a connection of his and the message.
    pub last: Option<Station>,
}

macro_rules! verdicts {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal;)*) => {
        /// Why somebody has a message, or has it not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Verdict {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Verdict {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn because(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)* }
            }
        }
    };
}

verdicts! {
    /// He is no member of the room now: nothing of it is delivered to him.
    NotMember = "notMember";
    /// He became a member after it, and the room shows its members only what came since they joined.
    Hidden = "hidden";
    /// He wrote it himself. Its sender has the acknowledgement, his other devices get it like anybody.
    Author = "author";
    /// He read it.
    Read = "read";
    /// A client of his confirmed it, and did not say that it was read.
    Received = "received";
    /// He became a member after it. It is no news to him; he finds it in the history.
    JoinedLater = "joinedLater";
    /// A connection of his took it, and no client has confirmed it yet.
    Written = "written";
    /// A connection of his takes too little: the room went on without it, and it reads the log when it can.
    Lagged = "lagged";
    /// It is stored and perhaps not announced to all processes yet: the sweeper does it within seconds.
    Unannounced = "unannounced";
    /// He has no connection now, and gets it from the log with the next.
    Offline = "offline";
    /// He is connected, and it was not noted whether his connection took it. Has the client opened the room in full?
    Unknown = "unknown";
}

impl Verdict {
    /// What the facts tell; what a client said itself counts more than what a process saw.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let Some((joined, marks)) = facts.member else { return Self::NotMember };
        if facts.is_hidden {
            return Self::Hidden;
        }
        if facts.is_author {
            return Self::Author;
        }
        if marks.read >= facts.seq {
            return Self::Read;
        }
        if marks.received >= facts.seq {
            return Self::Received;
        }
        if joined > facts.seq {
            return Self::JoinedLater;
        }
        match facts.last {
            Some(Station::Written(_) | Station::Replayed(_)) => return Self::Written,
            Some(Station::Lagged(_)) => return Self::Lagged,
            _ => {}
        }
        if facts.is_unannounced {
            Self::Unannounced
        } else if facts.is_online {
            Self::Unknown
        } else {
            Self::Offline
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).expect("small")
    }

    fn facts(received: u64, read: u64) -> Facts {
        let marks = Marks { received: seq(received), read: seq(read) };
        Facts { seq: seq(7), member: Some((seq(2), marks)), is_online: true, ..Facts::default() }
    }

    #[test]
    fn one_in_so_many_is_followed_and_everybody_agrees_which() {
        let ids: Vec<_> = (0..1_000).map(|n| MessageId(Uuid::from_u128(n))).collect();
        let followed = |one_in| ids.iter().filter(|id| OneIn(one_in).follows(**id)).count();
        assert_eq!([followed(0), followed(1), followed(10)], [0, 1_000, 100]);
    }

    #[test]
    fn what_a_client_said_counts_more_than_what_was_seen() {
        let device = Device { user: UserId(Uuid::nil()), conn: ConnId(Uuid::nil()) };
        let seen = |facts, last| Verdict::of(&Facts { last: Some(last), ..facts });
        assert_eq!(seen(facts(9, 7), Station::Lagged(device)), Verdict::Read);
        assert_eq!(seen(facts(7, 6), Station::Lagged(device)), Verdict::Received);
        assert_eq!(seen(facts(6, 6), Station::Lagged(device)), Verdict::Lagged);
        assert_eq!(seen(facts(6, 6), Station::Replayed(device)), Verdict::Written);
    }

    #[test]
    fn without_a_trace_of_a_connection_the_rest_tells() {
        let open = facts(6, 6);
        assert_eq!(Verdict::of(&Facts { member: None, ..open }), Verdict::NotMember);
        let later = open.member.map(|(_, marks)| (seq(8), marks));
        assert_eq!(Verdict::of(&Facts { member: later, ..open }), Verdict::JoinedLater);
        assert_eq!(Verdict::of(&Facts { is_hidden: true, is_author: true, ..open }), Verdict::Hidden);
        // Who writes has read.
        assert_eq!(Verdict::of(&Facts { is_author: true, ..facts(7, 7) }), Verdict::Author);
        assert_eq!(Verdict::of(&Facts { is_unannounced: true, ..open }), Verdict::Unannounced);
        assert_eq!(Verdict::of(&open), Verdict::Unknown);
        assert_eq!(Verdict::of(&Facts { is_online: false, ..open }), Verdict::Offline);
    }
}
