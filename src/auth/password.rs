//! Passwords: bcrypt over base64(SHA-384(password)), on a few threads of its own.
//!
//! The digest first, because bcrypt reads 72 bytes and no zero byte; base64 of 48 bytes is 64
//! characters. Own threads, because a hash takes a quarter of a second and must neither stop a
//! socket nor take a thread from anything else; a bounded queue, because nobody waits for minutes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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

/// Checks a new password after NIST SP 800-63B: its length, that it is not among those tried first,
/// and none of `own`, what everybody knows of its owner. Nothing else: rules about characters make
/// passwords worse.
///
/// # Errors
/// The rule that it breaks.
pub fn check(password: &str, own: &[&str]) -> Result<(), Invalid> {
    let wrong = |message: &str| Err(Invalid::new("password", message));
    if !LENGTH.contains(&password.chars().count()) {
        return wrong(&format!("must have {} to {} characters", LENGTH.start(), LENGTH.end()));
    }
    let folded = password.trim().to_lowercase();
    if own.iter().any(|own| own.trim().to_lowercase() == folded) {
        return wrong("must not be your name or address");
    }
    if common().contains(folded.as_str()) {
        return wrong("is among those that are tried first: choose another");
    }
    Ok(())
}

/// Passwords that lists of breaches have again and again, in small letters.
fn common() -> &'static HashSet<&'static str> {
    static COMMON: OnceLock<HashSet<&'static str>> = OnceLock::new();
    COMMON.get_or_init(|| include_str!("common_passwords.txt").lines().collect())
}

/// Hashes and compares passwords. Dropping it ends its threads.
pub struct Passwords {
    jobs: SyncSender<Job>,
    cost: u32,
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
        Ok(Self { jobs, cost: settings.bcrypt_cost, compared: Arc::default() })
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
    /// is done and the answer is no. So is for one of a time when hashes were cheaper: or the time
    /// would tell that the account is there.
    ///
    /// # Errors
    /// `unavailable` when too many wait.
    pub async fn fits(&self, password: &str, stored: Option<String>) -> Result<bool, Fault> {
        let (digest, known, cost) = (digest(password), stored.is_some(), self.cost);
        let against = stored.unwrap_or_else(|| nobody(cost));
        let compared = self.compared.clone();
        let compare = move || {
            compared.fetch_add(1, Ordering::Relaxed);
            let fits = bcrypt::verify(&digest, &against)?;
            // Each cost is twice the one before: 2^k, and once more each from 2^k on, make 2^n.
            for less in cost_of(&against).unwrap_or(cost)..cost {
                bcrypt::verify(&digest, &nobody(less))?;
            }
            Ok::<_, bcrypt::BcryptError>(fits)
        };
        let fits = self.run(compare).await?;
        fits.map(|fits| fits && known).map_err(|e| Fault::internal(&e))
    }

    /// Whether a hash is cheaper than those that are made now.
    #[must_use]
    pub fn is_outdated(&self, stored: &str) -> bool {
        cost_of(stored).is_some_and(|cost| cost < self.cost)
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

/// What an unknown account is compared with: no password fits it, and it costs as much.
fn nobody(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

/// The cost that a hash says it has.
fn cost_of(hash: &str) -> Option<u32> {
    hash.split('$').nth(2)?.parse().ok()
}

fn digest(password: &str) -> String {
    STANDARD.encode(Sha384::digest(password.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn costing(cost: u32) -> Passwords {
        let settings = AccountSettings { bcrypt_cost: cost, bcrypt_threads: 1, ..AccountSettings::default() };
        Passwords::new(&settings).expect("threads")
    }

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
        assert!(nobody(4).starts_with("$2b$04$"));
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
        assert!(check("é234567", &[]).is_err());
        assert!(check("éééééééé", &[]).is_ok());
        assert!(check(&"x".repeat(128), &[]).is_ok());
        assert!(check(&"x".repeat(129), &[]).is_err());
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for bad in ["password", "PassWord1", " qwertyuiop ", "12345678", "alice-liddell", "A@example.com"] {
            assert!(check(bad, &["Alice-Liddell", "a@example.com"]).is_err(), "{bad}");
        }
        assert!(check("correct horse battery", &["alice", "a@example.com"]).is_ok());
    }

    #[test]
    fn the_list_holds_what_could_be_chosen_and_each_once() {
        let lines: Vec<_> = include_str!("common_passwords.txt").lines().collect();
        assert_eq!(lines.len(), common().len());
        for line in lines {
            assert!(LENGTH.contains(&line.chars().count()) && line == line.trim().to_lowercase(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_cheaper_hash_is_known_and_fits_all_the_same() {
        let (before, now) = (passwords(8), costing(6));
        let hash = before.hash("password").await.expect("hashed");
        assert!(now.is_outdated(&hash) && !before.is_outdated(&hash));
        assert!(now.fits("password", Some(hash.clone())).await.expect("compared"));
        assert!(!now.fits("passwort", Some(hash)).await.expect("compared"));
    }
}
