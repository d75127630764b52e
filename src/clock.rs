//! The only place that reads the wall clock or draws random bits. Everything else is handed a
//! [`Clock`], so a simulation can run a day in a second and repeat it from a seed.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::Timestamp;

/// Wall time and chance.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may jump; nothing depends on it for order.
    fn now(&self) -> Timestamp;

    /// Fills with random bytes: cryptographically strong outside simulations.
    fn random(&self, bytes: &mut [u8]);

    /// A new identifier, version 7: ids made later sort later, to the millisecond.
    fn id(&self) -> Uuid {
        let mut random = [0; 10];
        self.random(&mut random);
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A number below `bound` (0 for 0), for jitter.
    fn below(&self, bound: u64) -> u64 {
        let mut random = [0; 8];
        self.random(&mut random);
        u64::from_le_bytes(random).checked_rem(bound).unwrap_or(0)
    }
}

/// What actors and handlers hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock and randomness.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
        let now = std::time::SystemTime::now();
        // A machine whose clock stands before 1970 gets 1970.
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self, bytes: &mut [u8]) {
        // The operating system's source fails only where the process cannot go on safely: every
        // token and id depends on it.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_seven_and_differ() {
        let (a, b) = (SystemClock.id(), SystemClock.id());
        assert_eq!(a.get_version_num(), 7);
        assert_ne!(a, b);
    }
}
