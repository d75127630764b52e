//! What is kept for those who answer for security: who did what to whom, when, and from which
//! network. No record holds a secret, an address of a person or of a machine, or what was said.

use uuid::Uuid;

use super::{AuditId, Timestamp, UserId};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What happened.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum AuditEvent {
            $($(#[$doc])* $name,)*
            /// Something that a newer version wrote.
            Other(String),
        }

        impl AuditEvent {
            /// All that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the database, in JSON and in the log.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $word,)*
                    Self::Other(word) => word,
                }
            }
        }
    };
}

events! {
    /// An account was made.
    AccountCreated = "accountCreated";
    /// Somebody signed in.
    LoginSucceeded = "loginSucceeded";
    /// Somebody tried to. The subject is whose address it was, if it is anybody's.
    LoginFailed = "loginFailed";
    /// Somebody ended the login that he used.
    Logout = "logout";
    /// A login was ended from elsewhere.
    SessionRevoked = "sessionRevoked";
    /// All logins of an account were ended.
    SessionsRevoked = "sessionsRevoked";
    /// A used refresh token came again, and its login ended: somebody may have copied it.
    RefreshReused = "refreshReused";
    /// A password was changed by who knew it.
    PasswordChanged = "passwordChanged";
    /// A password was set by mail, or by the operator.
    PasswordReset = "passwordReset";
    /// An address was changed.
    EmailChanged = "emailChanged";
    /// An address was confirmed by the operator.
    EmailConfirmed = "emailConfirmed";
    /// A second factor was set up, renewed or given up.
    SecondFactorChanged = "secondFactorChanged";
    /// A role on the server was given or taken.
    RoleChanged = "roleChanged";
    /// An account was closed to its owner.
    AccountDisabled = "accountDisabled";
    /// It was opened again.
    AccountEnabled = "accountEnabled";
    /// An account was given up for ever.
    AccountDeleted = "accountDeleted";
    /// Somebody asked for all that is kept of him.
    ExportRequested = "exportRequested";
    /// Somebody reported what another wrote.
    MessageReported = "messageReported";
    /// A report was resolved.
    ReportResolved = "reportResolved";
    /// Somebody read the reports of all rooms.
    ReportsRead = "reportsRead";
    /// Somebody read a file of a reported message that he could not read otherwise.
    ReportedFileRead = "reportedFileRead";
    /// Somebody deleted what another wrote.
    MessageRemoved = "messageRemoved";
    /// A member of a room may not write there for a time.
    MemberMuted = "memberMuted";
    /// He may again.
    MemberUnmuted = "memberUnmuted";
    /// Somebody read the way of a message of others.
    JourneyRead = "journeyRead";
    /// Somebody read these records.
    AuditRead = "auditRead";
}

impl AuditEvent {
    /// By its word.
    #[must_use]
    pub fn from_stored(word: String) -> Self {
        Self::ALL.iter().find(|event| event.as_str() == word).cloned().unwrap_or(Self::Other(word))
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who proved nothing.
    Nobody,
    User(UserId),
    /// Whoever has the machine or its secrets.
    Operator,
}

impl Actor {
    /// The word in the database, in JSON and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::User(_) => "user",
            Self::Operator => "operator",
        }
    }

    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Nobody | Self::Operator => None,
        }
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(word: &str, user: Option<UserId>) -> Self {
        match (word, user) {
            (_, Some(user)) => Self::User(user),
            ("operator", None) => Self::Operator,
            _ => Self::Nobody,
        }
    }
}

/// One thing that happened. Written once and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Sorts by time.
    pub id: AuditId,
    pub at: Timestamp,
    pub event: AuditEvent,
    pub actor: Actor,
    /// Whose account it is about; filled in by the store where only that knows.
    pub subject: Option<UserId>,
    /// The network that it came from, such as `203.0.113.0/24`.
    pub network: Option<String>,
    /// The request that did it, as the log names it.
    pub request: Option<String>,
    /// What a reader needs beside that, in a few words.
    pub detail: Option<String>,
}

impl AuditRecord {
    #[must_use]
    pub const fn new(id: Uuid, at: Timestamp, event: AuditEvent, actor: Actor) -> Self {
        let (subject, network, request, detail) = (None, None, None, None);
        Self { id: AuditId(id), at, event, actor, subject, network, request, detail }
    }

    #[must_use]
    pub fn about(self, subject: UserId) -> Self {
        Self { subject: Some(subject), ..self }
    }

    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

/// Which records somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// That he did, or that are about him.
    pub user: Option<UserId>,
    pub event: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_by_their_words_and_unknown_ones_keep_theirs() {
        for event in AuditEvent::ALL {
            assert_eq!(&AuditEvent::from_stored(event.as_str().to_owned()), event);
        }
        assert_eq!(AuditEvent::from_stored("moonLanding".into()).as_str(), "moonLanding");
    }

    #[test]
    fn actors_come_back_as_they_were() {
        for actor in [Actor::Nobody, Actor::Operator, Actor::User(UserId(Uuid::from_u128(7)))] {
            assert_eq!(Actor::from_stored(actor.as_str(), actor.user()), actor);
        }
    }
}
