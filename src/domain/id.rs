//! Identifiers. Each kind is its own type, so a room's id can never be passed for a user's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person's account.
    UserId;
    /// A room and its log.
    RoomId;
    /// A message, for ever: edits keep it.
    MessageId;
    /// A login: one device or browser, with its family of refresh tokens.
    SessionId;
    /// One open socket. Told to the client in `hello`.
    ConnId;
    /// The sender's own name for a message, chosen once and kept through every retry.
    /// Unique for ever per sender, on socket and REST alike.
    ClientMsgId;
    /// A file that somebody sent: an attachment or a picture of himself.
    FileId;
    /// A mail that waits to be delivered.
    LetterId;
    /// A way into a room, for one person or for whoever has the link.
    InviteId;
    /// A record of what happened, for those who answer for security.
    AuditId;
    /// What people say of a message to those who look after others.
    ReportId;
    /// Work on somebody's own data.
    JobId;
    /// One running process of the server.
    PodId;
    /// The identity of the database's history. Another epoch means that cursors of the old one
    /// are worthless.
    Epoch;
}
