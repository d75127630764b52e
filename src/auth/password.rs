//! Passwords: bcrypt over base64(SHA-384(password)), on a few threads of its own.
//!
//! The digest first, because bcrypt reads 72 bytes and no zero byte; base64 of 48 bytes is 64
//! characters. Own threads, because a hash takes a quarter of a second and must neither stop a
//! socket nor take a thread from anything else; a bounded queue, because nobody waits for minutes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};
use tokio::sync::oneshot;

use super::busy;
use crate::domain::refusal::Invalid;
use crate::error::Fault;
use crate::settings::AccountSettings;

type Job = Box<dyn FnOnce() + Send>;

/// Characters of a password.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Checks a new password's length. Nothing else: rules about characters make passwords worse.
///
/// # Errors
/// When it is too short or too long.
pub fn check(password: &str) -> Result<(), Invalid> {
    if LENGTH.contains(&password.chars().count()) {
        Ok(())
    } else {
        let message = format!("must have {} to {} characters", LENGTH.start(), LENGTH.end());
        Err(Invalid::new("password", message))
    }
}

/// Hashes and compares passwords. Dropping it ends its threads.
pub struct Passwords {
    jobs: SyncSender<Job>,
    cost: u32,
    /// What an unknown account is compared with: no password fits it, and it costs the same.
    nobody: String,
    compared: Arc<AtomicU64>,
}

impl Passwords {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(settings: &AccountSettings) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(settings.bcrypt_queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..settings.bcrypt_threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name(format!("bcrypt-{n}")).spawn(move || work(&waiting))?;
        }
        let nobody = format!("$2b${:02}${}", settings.bcrypt_cost, ".".repeat(53));
        Ok(Self { jobs, cost: settings.bcrypt_cost, nobody, compared: Arc::default() })
    }

    /// The hash to store.
    ///
    /// # Errors
    /// `unavailable` when too many wait.
    pub async fn hash(&self, password: &str) -> Result<String, Fault> {
        let (digest, cost) = (digest(password), self.cost);
        self.run(move || bcrypt::hash(digest, cost)).await?.map_err(|e| Fault::internal(&e))
    }

    /// Whether the password fits. Without a stored hash (nobody has this address) the same work
    /// is done and the answer is no.
    ///
    /// # Errors
    /// `unavailable` when too many wait.
    pub async fn fits(&self, password: &str, stored: Option<String>) -> Result<bool, Fault> {
        let (digest, known) = (digest(password), stored.is_some());
        let against = stored.unwrap_or_else(|| self.nobody.clone());
        let compared = self.compared.clone();
        let compare = move || {
            compared.fetch_add(1, Ordering::Relaxed);
            bcrypt::verify(digest, &against)
        };
        let fits = self.run(compare).await?;
        fits.map(|fits| fits && known).map_err(|e| Fault::internal(&e))
    }

    /// Comparisons made so far, with hashes of nobody too: each costs the same.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever asked may be gone by now; then the work is not done.
            if !answer.is_closed() {
                let _ = answer.send(job());
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => answered.await.map_err(|_| Fault::internal(&"a password thread stopped")),
            Err(TrySendError::Full(_)) => {
                Err(busy("too many people sign in right now; try again", Duration::from_secs(2)))
            }
            Err(TrySendError::Disconnected(_)) => Err(Fault::internal(&"the password threads stopped")),
        }
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits with the lock held, the others for the lock: each job goes to one.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic would cost the pool a thread for ever; the asker is told by the dropped answer.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

fn digest(password: &str) -> String {
    STANDARD.encode(Sha384::digest(password.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn passwords(queue: usize) -> Passwords {
        let settings = AccountSettings {
            bcrypt_cost: 4,
            bcrypt_threads: 1,
            bcrypt_queue: queue,
            ..AccountSettings::default()
        };
        Passwords::new(&settings).expect("threads")
    }

    #[tokio::test]
    async fn the_right_password_fits_and_every_character_counts() {
        let passwords = passwords(8);
        let long = "x".repeat(100);
        let hash = passwords.hash(&format!("{long}a")).await.expect("hashed");
        assert!(passwords.fits(&format!("{long}a"), Some(hash.clone())).await.expect("compared"));
        assert!(!passwords.fits(&format!("{long}b"), Some(hash)).await.expect("compared"));
    }

    #[tokio::test]
    async fn a_zero_byte_ends_nothing() {
        let passwords = passwords(8);
        let hash = passwords.hash("abc\0def-one").await.expect("hashed");
        assert!(!passwords.fits("abc\0def-two", Some(hash)).await.expect("compared"));
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_it_costs_the_same() {
        let passwords = passwords(8);
        assert!(!passwords.fits("", None).await.expect("compared"));
        assert!(passwords.nobody.starts_with("$2b$04$"));
        assert!(passwords.hash("password").await.expect("hashed").starts_with("$2b$04$"));
    }

    #[tokio::test]
    async fn too_many_at_once_are_asked_to_come_back() {
        let passwords = passwords(1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, running) = std::sync::mpsc::channel::<()>();
        let hold = move || {
            let _ = started.send(());
            let _ = held.recv();
        };
        passwords.jobs.send(Box::new(hold)).expect("the thread waits");
        running.recv().expect("it runs");
        passwords.jobs.try_send(Box::new(|| ())).expect("one may wait");
        let fault = passwords.hash("password").await.expect_err("full");
        assert_eq!(fault.code, Code::Unavailable);
        assert!(fault.retry_after.is_some());
        release.send(()).expect("still there");
    }

    #[test]
    fn a_password_has_eight_characters_or_more() {
        assert!(check("1234567").is_err());
        assert!(check("éééééééé").is_ok());
        assert!(check(&"x".repeat(129)).is_err());
    }
}
