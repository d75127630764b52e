//! The flows of the second factor: setting it, asking for it, renewing recovery codes, switching it
//! off. Guesses count like those of passwords.

use super::accounts::Caller;
use super::factors::{self, Enrolment};
use super::{AccountFlows, refresh, store_fault};
use crate::domain::refusal::Invalid;
use crate::domain::second_factor::SecondFactor;
use crate::domain::{AuditEvent, AuditRecord, LetterKind, User, UserId};
use crate::error::{Code, Fault};
use crate::limits::Key;
use crate::store::Notes;

/// Secrets that are sealed anew at once.
const PAGE: usize = 100;

/// What came of asking for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing is asked of this account.
    Nothing,
    /// It is asked, and was not given.
    Missing,
    Wrong,
    /// It is used up now.
    Right,
}

impl AccountFlows {
    /// Whether an account asks for a code.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn has_second_factor(&self, user: UserId) -> Result<bool, Fault> {
        Ok(self.confirmed(user).await?.is_some())
    }

    async fn confirmed(&self, user: UserId) -> Result<Option<SecondFactor>, Fault> {
        let factor = self.store.second_factor(user).await.map_err(store_fault)?;
        Ok(factor.filter(|factor| factor.confirmed_at.is_some()))
    }

    /// A secret for an app. Nothing is asked for until a code of it was shown.
    ///
    /// # Errors
    /// `badRequest` for a wrong password; `conflict` when a second factor is set; `rateLimited`;
    /// `unavailable`.
    pub async fn begin_second_factor(&self, user: &User, password: &str) -> Result<Enrolment, Fault> {
        let set = || Fault::new(Code::Conflict, "a second factor is set: switch it off first");
        if self.has_second_factor(user.id).await? {
            return Err(set());
        }
        self.confirm_identity(user, (password, "password"), None).await?;
        let (enrolment, sealed) = self.factors.enrol(user.id, user.username.as_str(), &*self.clock)?;
        let begun = self.store.begin_second_factor(user.id, sealed, self.clock.now()).await;
        if begun.map_err(store_fault)? { Ok(enrolment) } else { Err(set()) }
    }

    /// From now on a code is asked for. Answers the recovery codes, which are told this once.
    ///
    /// # Errors
    /// `badRequest` for a wrong code; `conflict` when no secret waits for one; `rateLimited`;
    /// `unavailable`.
    pub async fn confirm_second_factor(
        &self,
        user: &User,
        code: &str,
        from: &Caller,
    ) -> Result<Vec<String>, Fault> {
        let account = account_of(user);
        self.limit(account)?;
        let nothing = || Fault::new(Code::Conflict, "no second factor waits to be confirmed");
        let factor = self.store.second_factor(user.id).await.map_err(store_fault)?.ok_or_else(nothing)?;
        if factor.confirmed_at.is_some() {
            return Err(nothing());
        }
        let now = self.clock.now();
        let step = self.factors.step_of(user.id, &factor.sealed, &factors::tidy(code), now)?;
        let Some(step) = step else {
            self.limiter.failed(account, now);
            return Err(wrong_code());
        };
        let (codes, hashes) = factors::recovery_codes(user.id, &*self.clock);
        let record = self.own(AuditEvent::SecondFactorChanged, user.id, from);
        let notes = self.notes(LetterKind::SecondFactorSet, user, &record);
        let set = self.store.confirm_second_factor(user.id, factor.sealed, step, hashes, now, notes).await;
        if !set.map_err(store_fault)? {
            return Err(nothing());
        }
        self.audited.tell(&record);
        self.post.ring();
        self.limiter.succeeded(account, now);
        log::info!(user = user.id.to_string().as_str(); "a second factor was set");
        Ok(codes)
    }

    /// Other recovery codes in the place of all.
    ///
    /// # Errors
    /// `badRequest` naming the field that is wrong; `conflict` when no second factor is set;
    /// `rateLimited`; `unavailable`.
    pub async fn renew_recovery_codes(
        &self,
        user: &User,
        (password, code): (&str, &str),
        from: &Caller,
    ) -> Result<Vec<String>, Fault> {
        self.needs_second_factor(user.id).await?;
        self.confirm_identity(user, (password, "password"), Some(code)).await?;
        let (codes, hashes) = factors::recovery_codes(user.id, &*self.clock);
        let record = self.own(AuditEvent::SecondFactorChanged, user.id, from).detail("recovery codes");
        let notes = self.notes(LetterKind::RecoveryCodesRenewed, user, &record);
        if !self.store.replace_recovery_codes(user.id, hashes, notes).await.map_err(store_fault)? {
            return Err(not_set());
        }
        self.audited.tell(&record);
        self.post.ring();
        Ok(codes)
    }

    /// Switches the second factor off, and forgets its recovery codes.
    ///
    /// # Errors
    /// As for [`Self::renew_recovery_codes`].
    pub async fn remove_second_factor(
        &self,
        user: &User,
        (password, code): (&str, &str),
        from: &Caller,
    ) -> Result<(), Fault> {
        self.needs_second_factor(user.id).await?;
        self.confirm_identity(user, (password, "password"), Some(code)).await?;
        let record = self.own(AuditEvent::SecondFactorChanged, user.id, from);
        let notes = self.notes(LetterKind::SecondFactorRemoved, user, &record);
        self.store.remove_second_factor(user.id, notes).await.map_err(store_fault)?;
        self.audited.tell(&record);
        self.post.ring();
        log::info!(user = user.id.to_string().as_str(); "a second factor was switched off");
        Ok(())
    }

    /// The record, and a letter to the owner, who may not be the one who did it.
    fn notes(&self, kind: LetterKind, user: &User, record: &AuditRecord) -> Notes {
        let letter = self.post.letter(kind, Some(user.id), user.email.clone());
        Notes { record: Some(record.clone()), letter }
    }

    async fn needs_second_factor(&self, user: UserId) -> Result<(), Fault> {
        if self.has_second_factor(user).await? { Ok(()) } else { Err(not_set()) }
    }

    /// Looks at a code, if the account asks for one, and uses it up.
    pub(super) async fn ask_code(&self, user: UserId, code: Option<&str>) -> Result<Asked, Fault> {
        let Some(factor) = self.confirmed(user).await? else { return Ok(Asked::Nothing) };
        let Some(code) = code.map(factors::tidy).filter(|code| !code.is_empty()) else {
            return Ok(Asked::Missing);
        };
        let used = if code.len() == 6 {
            match self.factors.step_of(user, &factor.sealed, &code, self.clock.now())? {
                Some(step) if step > factor.last_step => self.store.use_step(user, step).await,
                _ => Ok(false),
            }
        } else {
            self.store.use_recovery_code(user, factors::recovery_hash(user, &code)).await
        };
        Ok(if used.map_err(store_fault)? { Asked::Right } else { Asked::Wrong })
    }

    /// The stored hash, for who knows the password, and the code where one is asked for. Guesses
    /// count like those at the door.
    pub(super) async fn confirm_identity(
        &self,
        user: &User,
        (password, field): (&str, &'static str),
        code: Option<&str>,
    ) -> Result<String, Fault> {
        let account = account_of(user);
        self.limit(account)?;
        let stored = self.store.password_of(user.id).await.map_err(store_fault)?;
        let fits = self.passwords.fits(password, stored.clone()).await?;
        let Some(stored) = stored.filter(|_| fits) else {
            self.limiter.failed(account, self.clock.now());
            return Err(Invalid::new(field, "is not your password").into());
        };
        match self.ask_code(user.id, code).await? {
            // Whoever knows the password alone goes on waiting for wrong codes.
            Asked::Missing => Err(Invalid::new("code", "is needed: a second factor is set").into()),
            Asked::Wrong => {
                self.limiter.failed(account, self.clock.now());
                Err(wrong_code())
            }
            Asked::Nothing | Asked::Right => {
                self.limiter.succeeded(account, self.clock.now());
                Ok(stored)
            }
        }
    }

    /// Seals with the present key what was sealed with another. What no key opens is said in the
    /// log: its owners need a recovery code.
    pub async fn reseal_second_factors(&self) {
        let (mut resealed, mut lost, mut after) = (0_u64, 0_u64, None);
        loop {
            let key = self.factors.key_id().to_owned();
            let page = match self.store.sealed_otherwise(key, after, PAGE).await {
                Ok(page) => page,
                Err(error) => return log::warn!("second factors were not sealed anew: {error}"),
            };
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (user, before) in page {
                let Ok(Some(anew)) = self.factors.reseal(user, &before, &*self.clock) else {
                    lost += 1;
                    continue;
                };
                if let Err(error) = self.store.reseal(user, before, anew).await {
                    return log::warn!("second factors were not sealed anew: {error}");
                }
                resealed += 1;
            }
        }
        if resealed > 0 {
            log::info!("{resealed} second factors were sealed with the present secret");
        }
        if lost > 0 {
            log::error!("JWT_SECRET: {lost} second factors are sealed with a secret that is not among these");
        }
    }
}

pub(super) fn account_of(user: &User) -> Key {
    Key::LoginAccount(refresh::hash(&user.email.key()))
}

fn wrong_code() -> Fault {
    Invalid::new("code", "is wrong, or was used before").into()
}

fn not_set() -> Fault {
    Fault::new(Code::Conflict, "no second factor is set")
}
