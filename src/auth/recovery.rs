//! The flows that mail is a part of: confirming an address, choosing a new password, changing
//! either.

use super::accounts::{Caller, to_the_end};
use super::second_factor::account_of;
use super::{AccountFlows, password, refresh, store_fault};
use crate::domain::refusal::Invalid;
use crate::domain::session::Identity;
use crate::domain::{Actor, AuditEvent, Email, EmailChange, EmailStep, LetterKind, Purpose, User};
use crate::error::{Code, Fault};
use crate::limits::Key;

/// The only word about a proof that does not hold, whatever is wrong with it.
fn no_proof() -> Fault {
    Invalid::new("token", "is not valid: wrong, used before, or too old").into()
}

impl AccountFlows {
    /// Confirms an address by what was mailed to it.
    ///
    /// # Errors
    /// `badRequest` for a value that is not good; `rateLimited`; `unavailable`.
    pub async fn verify_email(&self, value: &str, from: &Caller) -> Result<User, Fault> {
        self.limit(Key::ProofIp(from.ip))?;
        let user = self.store.verify_email(refresh::hash(value), self.clock.now()).await;
        self.proven(user.map_err(store_fault)?, from)
    }

    /// Mails the link that confirms an address once more.
    ///
    /// # Errors
    /// `forbidden` where no mail is sent; `conflict` when it is confirmed; `rateLimited`;
    /// `unavailable`.
    pub async fn resend_verification(&self, user: &User, from: &Caller) -> Result<(), Fault> {
        self.post.needed()?;
        if user.email_verified {
            return Err(Fault::new(Code::Conflict, "the e-mail address is confirmed already"));
        }
        self.limit_mail(&user.email, from)?;
        self.write(LetterKind::VerifyEmail, Some(user), user.email.clone()).await
    }

    /// Mails a link for a new password, if the address is anybody's: which is found out later, so
    /// that neither answer nor time tells.
    ///
    /// # Errors
    /// `badRequest` for what is no address; `forbidden` where no mail is sent; `rateLimited`;
    /// `unavailable`.
    pub async fn forgot_password(&self, email: &str, from: &Caller) -> Result<(), Fault> {
        let email = Email::parse(email)?;
        self.post.needed()?;
        self.limit_mail(&email, from)?;
        self.write(LetterKind::ResetPassword, None, email).await
    }

    /// Sets a new password by what was mailed. Every login of the account ends.
    ///
    /// # Errors
    /// `badRequest` for a value that is not good or a password against the rules; `rateLimited`;
    /// `unavailable`.
    pub async fn reset_password(&self, value: &str, new: &str, from: &Caller) -> Result<(), Fault> {
        self.limit(Key::ProofIp(from.ip))?;
        let hash = refresh::hash(value);
        let user = self.store.proof_user(hash, Purpose::ResetPassword, self.clock.now()).await;
        // Before the password costs anything.
        let user = self.proven(user.map_err(store_fault)?, from)?;
        password::check(new, &[user.username.as_str(), user.email.as_str()])?;
        let password_hash = self.passwords.hash(new).await?;
        let notice = self.post.letter(LetterKind::PasswordChanged, Some(user.id), user.email.clone());
        let (store, now, ended) = (self.store.clone(), self.clock.now(), self.ended());
        let record =
            self.audit(AuditEvent::PasswordReset, Actor::Nobody, from).about(user.id).detail("by mail");
        let audited = self.audited.clone();
        let done = to_the_end(async move {
            let kept = Some(record.clone());
            let done = store.reset_password(hash, password_hash, notice, now, kept).await;
            let (_, sessions) = done.map_err(store_fault)?.ok_or_else(no_proof)?;
            sessions.into_iter().for_each(ended);
            audited.tell(&record);
            Ok(())
        });
        done.await?;
        self.post.ring();
        // Whoever tried the old one for too long may try the new one at once. Not where a code is asked
        // for: mail would forget the guesses of it.
        if matches!(self.has_second_factor(user.id).await, Ok(false)) {
            self.limiter.succeeded(account_of(&user), self.clock.now());
        }
        Ok(())
    }

    /// Sets a new password for who knows the present one. Every other login of the account ends.
    ///
    /// # Errors
    /// `badRequest` naming the field that is wrong; `rateLimited` as for signing in; `conflict` when
    /// it was changed meanwhile; `unavailable`.
    pub async fn change_password(
        &self,
        user: &User,
        identity: Identity,
        (present, new): (&str, &str),
        from: &Caller,
        code: Option<&str>,
    ) -> Result<(), Fault> {
        let before = self.confirm_identity(user, (present, "currentPassword"), code).await?;
        password::check(new, &[user.username.as_str(), user.email.as_str()])
            .map_err(|wrong| Invalid::new("newPassword", wrong.message))?;
        let after = self.passwords.hash(new).await?;
        let notice = self.post.letter(LetterKind::PasswordChanged, Some(user.id), user.email.clone());
        let (store, now, ended) = (self.store.clone(), self.clock.now(), self.ended());
        let (user, keep) = (user.id, Some(identity.session));
        let record = self.own(AuditEvent::PasswordChanged, user, from);
        let audited = self.audited.clone();
        to_the_end(async move {
            let kept = Some(record.clone());
            let done = store.change_password(user, (before, after), keep, notice, now, kept).await;
            let refused = || Fault::new(Code::Conflict, "the password was changed meanwhile");
            done.map_err(store_fault)?.ok_or_else(refused)?.into_iter().for_each(ended);
            audited.tell(&record);
            Ok(())
        })
        .await?;
        self.post.ring();
        Ok(())
    }

    /// Asks for another address; both addresses are asked whether they agree.
    ///
    /// # Errors
    /// `badRequest` naming the field that is wrong; `conflict` when somebody has the address;
    /// `forbidden` where no mail is sent; `rateLimited`; `unavailable`.
    pub async fn change_email(
        &self,
        user: &User,
        password: &str,
        code: Option<&str>,
        email: &str,
        from: &Caller,
    ) -> Result<(), Fault> {
        let address = Email::parse(email)?;
        self.post.needed()?;
        if address.key() == user.email.key() {
            return Err(Invalid::new("email", "is your address already").into());
        }
        self.confirm_identity(user, (password, "password"), code).await?;
        self.limit_mail(&address, from)?;
        let letters = [
            // Nobody has shown to read an address that is not confirmed: it is not asked.
            (user.email_verified).then_some((LetterKind::ConfirmOldEmail, user.email.clone())),
            Some((LetterKind::ConfirmNewEmail, address.clone())),
        ];
        let write = |(kind, address)| self.post.letter(kind, Some(user.id), address);
        let letters = letters.into_iter().flatten().filter_map(write).collect();
        let expires_at = self.clock.now().plus(self.settings.email_proof);
        let change = EmailChange { user: user.id, address, old_confirmed: !user.email_verified, expires_at };
        self.store.wish_email(change, letters).await.map_err(store_fault)?;
        self.post.ring();
        Ok(())
    }

    /// Confirms another address by what was mailed to it, or to the present one. Whether both have.
    ///
    /// # Errors
    /// `badRequest` for a value that is not good; `conflict` when somebody else took the address
    /// meanwhile; `rateLimited`; `unavailable`.
    pub async fn confirm_email(&self, value: &str, from: &Caller) -> Result<bool, Fault> {
        self.limit(Key::ProofIp(from.ip))?;
        let (hash, now) = (refresh::hash(value), self.clock.now());
        let mut user = None;
        for purpose in [Purpose::ConfirmNewEmail, Purpose::ConfirmOldEmail] {
            if user.is_none() {
                user = self.store.proof_user(hash, purpose, now).await.map_err(store_fault)?;
            }
        }
        let user = self.proven(user, from)?;
        let wish = self.store.wished_email(user.id, now).await.map_err(store_fault)?.ok_or_else(no_proof)?;
        let notices = [user.email, wish.address];
        let notice = |address| self.post.letter(LetterKind::EmailChanged, Some(user.id), address);
        let notices = notices.into_iter().filter_map(notice).collect();
        let record =
            self.audit(AuditEvent::EmailChanged, Actor::Nobody, from).about(user.id).detail("by mail");
        let step = self.store.confirm_email(hash, notices, now, Some(record.clone())).await;
        match step.map_err(store_fault)? {
            EmailStep::Waiting => Ok(false),
            EmailStep::Changed { .. } => {
                self.audited.tell(&record);
                self.post.ring();
                Ok(true)
            }
            EmailStep::Refused => Err(no_proof()),
        }
    }

    /// What a proof gave, or the wait that wrong ones bring: it grows.
    fn proven<T>(&self, found: Option<T>, from: &Caller) -> Result<T, Fault> {
        found.ok_or_else(|| {
            self.limiter.failed(Key::ProofIp(from.ip), self.clock.now());
            no_proof()
        })
    }

    fn limit_mail(&self, to: &Email, from: &Caller) -> Result<(), Fault> {
        self.limit(Key::MailIp(from.ip))?;
        self.limit(Key::MailTo(refresh::hash(&to.key())))
    }

    async fn write(&self, kind: LetterKind, user: Option<&User>, address: Email) -> Result<(), Fault> {
        if let Some(letter) = self.post.letter(kind, user.map(|user| user.id), address) {
            self.store.post(letter).await.map_err(store_fault)?;
            self.post.ring();
        }
        Ok(())
    }
}
