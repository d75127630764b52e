//! Close codes. **The hundred decides** what a client does, so old clients obey new codes.

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// RFC 6455: the answer to a client's deliberate close.
    Normal,
    /// RFC 6455: the peer broke WebSocket itself.
    ProtocolError,
    /// RFC 6455: a kind of data that is not taken (binary frames).
    UnsupportedData,
    /// RFC 6455: text that is not UTF-8.
    InvalidText,
    /// RFC 6455: a frame or message above the limit.
    TooBig,
    /// Frames that are no envelope, again and again.
    Violation,
    /// None of the versions offered is spoken here.
    UnsupportedVersion,
    /// The page's origin is not allowed.
    OriginRefused,
    /// The server failed.
    Internal,
    /// More than this process takes.
    Overloaded,
    /// Too fast, again and again.
    RateLimited,
    /// The client does not take what it is sent.
    SlowConsumer,
    /// Nothing was heard for too long.
    HeartbeatLost,
    /// What this process knew of the rooms is worthless: come in again and resume.
    PositionLost,
    /// This user or address has as many connections as it may.
    TooManyConnections,
    /// This process is ending; go to another, or come back.
    Draining,
    /// No proof of identity came in time.
    AuthTimeout,
    /// The access token is wrong or ended.
    TokenExpired,
    /// The ticket is unknown, used, expired or of another origin.
    TicketInvalid,
    /// The login was ended.
    SessionRevoked,
}

impl CloseCode {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Normal,
        Self::ProtocolError,
        Self::UnsupportedData,
        Self::InvalidText,
        Self::TooBig,
        Self::Violation,
        Self::UnsupportedVersion,
        Self::OriginRefused,
        Self::Internal,
        Self::Overloaded,
        Self::RateLimited,
        Self::SlowConsumer,
        Self::HeartbeatLost,
        Self::PositionLost,
        Self::TooManyConnections,
        Self::Draining,
        Self::AuthTimeout,
        Self::TokenExpired,
        Self::TicketInvalid,
        Self::SessionRevoked,
    ];

    /// The number in the close frame.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::ProtocolError => 1002,
            Self::UnsupportedData => 1003,
            Self::InvalidText => 1007,
            Self::TooBig => 1009,
            Self::Violation => 4000,
            Self::UnsupportedVersion => 4002,
            Self::OriginRefused => 4003,
            Self::Internal => 4100,
            Self::Overloaded => 4101,
            Self::RateLimited => 4102,
            Self::SlowConsumer => 4103,
            Self::HeartbeatLost => 4104,
            Self::PositionLost => 4105,
            Self::TooManyConnections => 4106,
            Self::Draining => 4200,
            Self::AuthTimeout => 4300,
            Self::TokenExpired => 4301,
            Self::TicketInvalid => 4302,
            Self::SessionRevoked => 4303,
        }
    }

    /// The reason in the close frame: a few words, below 123 bytes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::ProtocolError => "websocket protocol error",
            Self::UnsupportedData => "text frames only",
            Self::InvalidText => "text is not UTF-8",
            Self::TooBig => "frame too large",
            Self::Violation => "protocol violation",
            Self::UnsupportedVersion => "supported: chat.v1.json",
            Self::OriginRefused => "origin refused",
            Self::Internal => "internal error",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate limited",
            Self::SlowConsumer => "slow consumer",
            Self::HeartbeatLost => "heartbeat lost",
            Self::PositionLost => "position lost",
            Self::TooManyConnections => "too many connections",
            Self::Draining => "draining",
            Self::AuthTimeout => "not authenticated in time",
            Self::TokenExpired => "token invalid or expired",
            Self::TicketInvalid => "ticket invalid or used",
            Self::SessionRevoked => "session revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_and_reasons_fit_a_control_frame() {
        for (i, code) in CloseCode::ALL.iter().enumerate() {
            assert!(code.reason().len() <= 123);
            assert!(CloseCode::ALL.iter().skip(i + 1).all(|other| other.number() != code.number()));
        }
    }
}
