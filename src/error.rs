//! The one error table: code -> HTTP status, retryable, reported; and [`Fault`], the error that
//! leaves the server as a problem body, an error frame or a metric label.

use std::panic::Location;
use std::time::Duration;

use crate::domain::Refusal;
use crate::domain::refusal::Invalid;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, $status:literal, $retryable:literal, $title:literal;)*) => {
        /// Every error there is. Clients branch on [`Code::as_str`], which never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in JSON, in logs, and as a metric label.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whether the very same request may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable,)* }
            }

            /// A short sentence that is the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What the table's row is for.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*),)* }
            }
        }
    };
}

codes! {
    /// The request is malformed or a field breaks its rule.
    BadRequest = "badRequest", 400, false, "Bad request";
    /// The action's name is not known to this server.
    UnknownType = "unknownType", 400, false, "Unknown action";
    /// No proof of identity, or one that is wrong, expired or revoked.
    Unauthorized = "unauthorized", 401, false, "Not signed in";
    /// The password is right, and the account asks for a code too: sign in again with `code`.
    SecondFactorRequired = "secondFactorRequired", 401, false, "Second factor required";
    /// The password is right, and the code is wrong or was used before.
    SecondFactorInvalid = "secondFactorInvalid", 401, false, "Second factor invalid";
    /// Signed in, and still not allowed.
    Forbidden = "forbidden", 403, false, "Not allowed";
    /// The room exists and is public, but its log is for members.
    NotMember = "notMember", 403, false, "Not a member";
    /// The address has to be confirmed first.
    EmailNotVerified = "emailNotVerified", 403, false, "E-mail not verified";
    /// The account was closed by an administrator or by its owner; told only to who knows its password.
    AccountDisabled = "accountDisabled", 403, false, "Account disabled";
    /// The time in which a message may be changed is over.
    EditWindowClosed = "editWindowClosed", 403, false, "Too late to change";
    /// Not there, or not to be seen by you: the two are not told apart.
    NotFound = "notFound", 404, false, "Not found";
    /// The method is not offered here.
    MethodNotAllowed = "methodNotAllowed", 405, false, "Method not allowed";
    /// It contradicts what is there.
    Conflict = "conflict", 409, false, "Conflict";
    /// The idempotency key was used for another message.
    IdempotencyConflict = "idempotencyConflict", 409, false, "Key already used";
    /// The room takes no more changes.
    RoomArchived = "roomArchived", 409, false, "Room archived";
    /// Larger than the limit.
    TooLarge = "tooLarge", 413, false, "Too large";
    /// A content type that is not taken here.
    UnsupportedMedia = "unsupportedMedia", 415, false, "Unsupported media type";
    /// The range begins behind the end of the file; `Content-Range` says how long that is.
    RangeNotSatisfiable = "rangeNotSatisfiable", 416, false, "No such range";
    /// Too fast; `retryAfterMs` says when to go on.
    RateLimited = "rateLimited", 429, true, "Too many requests";
    /// The server's own fault; it has been noted.
    Internal = "internal", 500, true, "Internal error";
    /// Overload, a lost database, a full disk, or the end of this process. Nothing of it is stored, or all of it: try again, a message with the same key.
    Unavailable = "unavailable", 503, true, "Unavailable";
}

/// An error on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// For people; never holds a secret or an internal detail.
    pub detail: String,
    pub retry_after: Option<Duration>,
    /// Fields that are wrong, each with its rule.
    pub errors: Vec<Invalid>,
}

impl Fault {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, errors: Vec::new() }
    }

    /// A malformed request.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// The server's own fault. The cause goes to the log, never to the client.
    #[must_use]
    #[track_caller]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        let place = Location::caller();
        let (code, file, at) = (Code::Internal.as_str(), place.file(), place.line());
        log::error!(code, file, line = at; "{cause}");
        Self::new(Code::Internal, "something went wrong on the server")
    }

    /// Milliseconds for `retryAfterMs`.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self { code: Code::BadRequest, detail: invalid.to_string(), retry_after: None, errors: vec![invalid] }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let code = match refusal {
            Refusal::Invalid(invalid) => return invalid.into(),
            Refusal::RateLimited { retry_after } | Refusal::SlowMode { retry_after } => {
                let mut fault = Self::new(Code::RateLimited, detail);
                fault.retry_after = Some(retry_after);
                return fault;
            }
            // The wait is known: he need not ask why.
            Refusal::Muted { retry_after } => {
                let mut fault = Self::new(Code::Forbidden, detail);
                fault.retry_after = Some(retry_after);
                return fault;
            }
            Refusal::Unauthorized => Code::Unauthorized,
            Refusal::Forbidden(_) => Code::Forbidden,
            Refusal::EmailNotVerified => Code::EmailNotVerified,
            Refusal::AccountDisabled => Code::AccountDisabled,
            Refusal::NotFound(_) => Code::NotFound,
            Refusal::NotMember => Code::NotMember,
            Refusal::Conflict(_) => Code::Conflict,
            Refusal::IdempotencyConflict => Code::IdempotencyConflict,
            Refusal::EditWindowClosed(_) => Code::EditWindowClosed,
            Refusal::RoomArchived => Code::RoomArchived,
            Refusal::TooLarge(_) | Refusal::OverQuota { .. } => Code::TooLarge,
            Refusal::Unavailable => Code::Unavailable,
        };
        Self::new(code, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_word_and_an_error_status() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(!code.doc().is_empty());
            assert!(Code::ALL.iter().skip(i + 1).all(|other| other.as_str() != code.as_str()));
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let fault = Fault::from(Invalid::new("content", "must not be empty"));
        assert_eq!(fault.code, Code::BadRequest);
        assert_eq!(fault.errors.first().map(|e| e.field), Some("content"));
    }

    #[test]
    fn a_rate_says_when_to_go_on() {
        let fault = Fault::from(Refusal::RateLimited { retry_after: Duration::from_millis(200) });
        assert_eq!((fault.code, fault.retry_after_ms()), (Code::RateLimited, Some(200)));
    }
}
