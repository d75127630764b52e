//! The courier: takes letters from the queue, decides what they say, and hands them to whoever
//! delivers mail. One in each process; a letter is one courier's at a time.
//!
//! A value that lets somebody in is made when its letter goes, and again for each attempt; only its
//! SHA-256 is kept. So the queue holds no secret, and a link is young when it arrives, however long
//! mail could not be delivered. Whether an address is anybody's is found out here as well, where
//! nobody waits for an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::{Post, refresh, wording};
use crate::clock::SharedClock;
use crate::domain::letter::wait_after;
use crate::domain::{Email, Letter, LetterKind, Proof, Purpose, Timestamp, User};
use crate::mail::{Mail, Mailer, NotSent, Words};
use crate::settings::{AccountSettings, MailSettings};
use crate::store::{Store, StoreError};

/// Letters under way at once.
const AT_ONCE: usize = 8;
/// For how long a letter is one courier's, beyond what its delivery may take: if he dies, another
/// takes it then.
const LEASE: Duration = Duration::from_secs(60);

/// How letters ended, and how many wait.
#[derive(Debug, Default)]
pub struct Counts {
    /// Handed over.
    pub sent: AtomicU64,
    /// Attempts that failed; made again later.
    pub failed: AtomicU64,
    /// Too old to be tried again.
    pub given_up: AtomicU64,
    /// Nobody wants them any more: no such account, or what they are about is done.
    pub dropped: AtomicU64,
    /// In the queue at the last look.
    pub waiting: AtomicU64,
    /// When the oldest of them was written; 0 for none.
    oldest: AtomicI64,
}

impl Counts {
    /// For how long the oldest letter has waited.
    #[must_use]
    pub fn oldest(&self, now: Timestamp) -> Duration {
        match self.oldest.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            written => now.since(Timestamp::from_millis(written)),
        }
    }
}

/// What a courier works with.
pub struct Courier {
    pub store: Arc<dyn Store>,
    pub clock: SharedClock,
    pub mailer: Arc<dyn Mailer>,
    pub post: Post,
    /// Where the page is.
    pub page: String,
    pub mail: MailSettings,
    pub accounts: AccountSettings,
    pub counts: Arc<Counts>,
}

impl Courier {
    /// Carries letters until `stop` rings; then those under way.
    pub async fn work(self, stop: Arc<Notify>) {
        loop {
            match self.round().await {
                // There may be more; whoever stops leaves it.
                Ok(taken) if taken >= AT_ONCE => self.post.ring(),
                Ok(_) => {}
                Err(error) => log::warn!("the queue of mail was not read: {error}"),
            }
            tokio::select! {
                () = stop.notified() => return,
                () = self.post.rung() => {}
                () = tokio::time::sleep(self.mail.poll) => {}
            }
        }
    }

    /// Carries what is due, and answers how many letters were.
    ///
    /// # Errors
    /// When the queue could not be read.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let until = now.plus(self.mail.timeout + LEASE);
        let letters = self.store.take_letters(now, until, AT_ONCE).await?;
        let taken = letters.len();
        join_all(letters.into_iter().map(|letter| self.carry(letter))).await;
        let (waiting, oldest) = self.store.letters_waiting().await?;
        self.counts.waiting.store(waiting, Ordering::Relaxed);
        self.counts.oldest.store(oldest.map_or(0, Timestamp::millis), Ordering::Relaxed);
        Ok(taken)
    }

    async fn carry(&self, letter: Letter) {
        let (id, kind) = (letter.id, letter.kind.as_str());
        let ended = match self.write(&letter).await {
            Ok(None) => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                self.store.letter_done(id).await
            }
            Ok(Some(mail)) => match self.mailer.send(mail).await {
                Ok(()) => {
                    self.counts.sent.fetch_add(1, Ordering::Relaxed);
                    self.store.letter_done(id).await
                }
                Err(cause) => {
                    self.counts.failed.fetch_add(1, Ordering::Relaxed);
                    self.again(&letter, &cause).await
                }
            },
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            // It is due again when the lease is over.
            log::warn!("letter {id} ({kind}) stays in the queue: {error}");
        }
    }

    /// Later, or never.
    async fn again(&self, letter: &Letter, cause: &NotSent) -> Result<(), StoreError> {
        let (now, id, kind, attempts) = (self.clock.now(), letter.id, letter.kind.as_str(), letter.attempts);
        if now.since(letter.created_at) >= self.mail.give_up {
            self.counts.given_up.fetch_add(1, Ordering::Relaxed);
            log::error!("letter {id} ({kind}) is given up after {attempts} attempts: {cause}");
            return self.store.letter_done(id).await;
        }
        let wait = wait_after(attempts, |below| self.clock.below(below));
        log::warn!(
            "letter {id} ({kind}) could not be delivered, attempt {attempts}, next in {} s: {cause}",
            wait.as_secs()
        );
        self.store.letter_later(id, now.plus(wait)).await
    }

    /// What the letter says, and to whom; `None` when nobody wants it any more.
    async fn write(&self, letter: &Letter) -> Result<Option<Mail>, StoreError> {
        let user = match letter.user {
            Some(id) => self.store.user(id).await?,
            None => self.store.credentials(letter.address.key()).await?.map(|known| known.user),
        };
        // Nobody is written about an account that is closed.
        let Some(user) = user.filter(|user| user.may_enter().is_ok()) else { return Ok(None) };
        let (page, life) = (self.page.as_str(), self.accounts.email_proof);
        let (to, words) = match letter.kind {
            LetterKind::VerifyEmail => {
                if user.email_verified || user.email.key() != letter.address.key() {
                    return Ok(None);
                }
                let value = self.proof(Purpose::VerifyEmail, &user, &user.email, life).await?;
                (&user.email, wording::verify_email(&user, page, &value, life))
            }
            LetterKind::ResetPassword => {
                let life = self.accounts.reset_proof;
                let value = self.proof(Purpose::ResetPassword, &user, &user.email, life).await?;
                (&user.email, wording::reset_password(&user, page, &value, life))
            }
            LetterKind::PasswordChanged => (&letter.address, wording::password_changed(&user, page)),
            LetterKind::EmailChanged => (&letter.address, wording::email_changed(&user)),
            LetterKind::SecondFactorSet => (&letter.address, wording::second_factor_set(&user, page)),
            LetterKind::SecondFactorRemoved => (&letter.address, wording::second_factor_removed(&user, page)),
            LetterKind::RecoveryCodesRenewed => {
                (&letter.address, wording::recovery_codes_renewed(&user, page))
            }
            LetterKind::ConfirmOldEmail | LetterKind::ConfirmNewEmail => {
                match self.confirmation(letter, &user).await? {
                    Some(words) => (&letter.address, words),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Mail { id: letter.id.0, to: to.clone(), words }))
    }

    async fn confirmation(&self, letter: &Letter, user: &User) -> Result<Option<Words>, StoreError> {
        let Some(wish) = self.store.wished_email(user.id, self.clock.now()).await? else { return Ok(None) };
        let (page, life) = (self.page.as_str(), wish.expires_at.since(self.clock.now()));
        if letter.kind == LetterKind::ConfirmOldEmail {
            if user.email.key() != letter.address.key() || wish.old_confirmed {
                return Ok(None);
            }
            let value = self.proof(Purpose::ConfirmOldEmail, user, &wish.address, life).await?;
            return Ok(Some(wording::confirm_old_email(user, &wish.address, page, &value, life)));
        }
        if wish.address.key() != letter.address.key() {
            return Ok(None);
        }
        let value = self.proof(Purpose::ConfirmNewEmail, user, &wish.address, life).await?;
        Ok(Some(wording::confirm_new_email(user, page, &value, life)))
    }

    /// A fresh value, of which only the hash is kept.
    async fn proof(
        &self,
        purpose: Purpose,
        user: &User,
        address: &Email,
        life: Duration,
    ) -> Result<String, StoreError> {
        let now = self.clock.now();
        let value = refresh::opaque(&*self.clock);
        let (hash, address) = (refresh::hash(&value), address.clone());
        let proof = Proof { hash, purpose, user: user.id, address, expires_at: now.plus(life) };
        self.store.keep_proof(proof, now).await?;
        Ok(value)
    }
}
