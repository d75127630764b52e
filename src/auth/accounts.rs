//! The flows of accounts: register, login, refresh, logout.

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::audit::Audited;
use super::second_factor::Asked;
use super::{Factors, Passwords, Post, Tickets, Tokens, logins, password, refresh, store_fault};
use crate::clock::SharedClock;
use crate::domain::job;
use crate::domain::refusal::Invalid;
use crate::domain::{
    AccountStatus, Actor, AuditEvent, AuditRecord, Email, LetterKind, LoginSession, Profile, RefreshToken,
    Refusal, Rotation, ServerRole, SessionId, User, UserId, Username, mention,
};
use crate::error::{Code, Fault};
use crate::limits::{Key, Limiter};
use crate::settings::AccountSettings;
use crate::store::{NewAccount, Store};

/// Characters of a device's name that are kept.
const DEVICE_CHARS: usize = 200;

/// What is told of a login that ended, so that its sockets are closed.
pub type OnEnd = Arc<dyn Fn(SessionId) + Send + Sync>;

/// What somebody gives to get an account.
#[derive(Clone)]
pub struct Registration {
    pub username: String,
    pub email: String,
    pub password: String,
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Caller {
    pub ip: IpAddr,
    /// What the client calls itself.
    pub device: Option<String>,
    /// The request, as the log names it.
    pub request: Option<String>,
}

/// What somebody gives to sign in.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub email: &'a str,
    pub password: &'a str,
    /// Six digits or a recovery code, where the account asks for one.
    pub code: Option<&'a str>,
}

/// Somebody who is signed in now.
#[derive(Clone)]
pub struct SignedIn {
    pub user: User,
    /// Whether a code was asked for.
    pub second_factor: bool,
    pub token: String,
    pub refresh_token: String,
}

/// Everything that starts and ends a login.
pub struct AccountFlows {
    pub store: Arc<dyn Store>,
    pub clock: SharedClock,
    pub passwords: Passwords,
    pub factors: Factors,
    pub tokens: Arc<Tokens>,
    pub tickets: Arc<Tickets>,
    pub limiter: Arc<Limiter>,
    pub post: Post,
    pub settings: AccountSettings,
    pub on_end: OnEnd,
    /// Whether the first account administers the server: where nobody else could be meant.
    pub first_administers: bool,
    /// Tells and counts what is kept of what happens to accounts.
    pub audited: Audited,
}

impl AccountFlows {
    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// `badRequest` with every field that breaks its rule; `conflict` when the name or the address
    /// is taken; `rateLimited`; `unavailable`.
    pub async fn register(&self, given: Registration, from: Caller) -> Result<SignedIn, Fault> {
        self.limit(Key::RegisterIp(from.ip))?;
        let mut wrong = Vec::new();
        let username = Username::parse(&given.username).map_err(|e| wrong.push(e)).ok();
        if username.as_ref().is_some_and(|name| job::is_reserved(&name.key())) {
            wrong.push(Invalid::new("username", "is kept for accounts that have ended"));
        }
        if username.as_ref().is_some_and(|name| mention::GROUPS.contains(&name.key().as_str())) {
            wrong.push(Invalid::new("username", "is kept for mentions of many"));
        }
        let email = Email::parse(&given.email).map_err(|e| wrong.push(e)).ok();
        if let Err(invalid) = password::check(&given.password, &[&given.username, &given.email]) {
            wrong.push(invalid);
        }
        let (Some(username), Some(email), true) = (username, email, wrong.is_empty()) else {
            let detail = wrong.iter().map(Invalid::to_string).collect::<Vec<_>>().join("; ");
            return Err(Fault { errors: wrong, ..Fault::bad_request(detail) });
        };
        let password_hash = self.passwords.hash(&given.password).await?;
        let user = User {
            id: UserId(self.clock.id()),
            username,
            email,
            avatar: None,
            created_at: self.clock.now(),
            last_seen: None,
            email_verified: !self.settings.asks_for_verification(),
            server_role: ServerRole::User,
            status: AccountStatus::Active,
            profile: Profile::default(),
        };
        let welcome = || self.post.letter(LetterKind::VerifyEmail, Some(user.id), user.email.clone());
        let welcome = if user.email_verified { None } else { welcome() };
        let (login, value, refresh) = self.login_of(user.id, &from);
        let id = user.id;
        let signed_in = self.signed_in(user.clone(), login.id, value)?;
        let record = self.own(AuditEvent::AccountCreated, id, &from);
        let may_found = self.first_administers;
        let kept = Some(record.clone());
        let account = NewAccount { user, password_hash, login, refresh, welcome, may_found, record: kept };
        self.store.create_account(account).await.map_err(store_fault)?;
        self.audited.tell(&record);
        self.post.ring();
        if !may_found {
            return Ok(signed_in);
        }
        // Whether he is the first is known by the store.
        let user = self.store.user(id).await.map_err(store_fault)?.unwrap_or(signed_in.user);
        Ok(SignedIn { user, ..signed_in })
    }

    /// Signs in. Whether the address or the password was wrong is not told, not even by time.
    ///
    /// # Errors
    /// `unauthorized`; with the right password `accountDisabled` for a closed account,
    /// `secondFactorRequired` and `secondFactorInvalid`; `rateLimited` with a wait that grows with each
    /// failure; `unavailable`.
    pub async fn login(&self, given: Credentials<'_>, from: Caller) -> Result<SignedIn, Fault> {
        let Credentials { email, password, code } = given;
        // What is no address is looked up by nothing and costs the same as an unknown one.
        let email_key = Email::parse(email).ok().map(|email| email.key());
        let account = Key::LoginAccount(refresh::hash(email_key.as_deref().unwrap_or(email)));
        self.limit(Key::LoginIp(from.ip))?;
        self.limit(account)?;
        let known = match email_key {
            Some(key) => self.store.credentials(key).await.map_err(store_fault)?,
            None => None,
        };
        let subject = known.as_ref().map(|credentials| credentials.user.id);
        let stored = known.as_ref().map(|credentials| credentials.password_hash.clone());
        let fits = self.passwords.fits(password, stored.clone()).await?;
        let Some(user) = known.filter(|_| fits).map(|credentials| credentials.user) else {
            self.limiter.failed(account, self.clock.now());
            let failed = self.audit(AuditEvent::LoginFailed, Actor::Nobody, &from);
            let failed = AuditRecord { subject, ..failed };
            if let Err(fault) = self.record(failed).await {
                log::warn!("a failed login was not recorded: {}", fault.detail);
            }
            return Err(Fault::new(Code::Unauthorized, "the e-mail address or the password is wrong"));
        };
        let second_factor = match self.ask_code(user.id, code).await? {
            Asked::Nothing => false,
            Asked::Right => true,
            // The failures stay: whoever knows the password could forget them between two guesses.
            Asked::Missing => {
                return Err(Fault::new(Code::SecondFactorRequired, "a code of the second factor is needed"));
            }
            Asked::Wrong => {
                self.limiter.failed(account, self.clock.now());
                return Err(Fault::new(Code::SecondFactorInvalid, "the code is wrong, or was used before"));
            }
        };
        self.limiter.succeeded(account, self.clock.now());
        user.may_enter()?;
        self.rehash(user.id, password, stored).await;
        let (login, value, refresh) = self.login_of(user.id, &from);
        let record = self.own(AuditEvent::LoginSucceeded, user.id, &from);
        let signed_in = SignedIn { second_factor, ..self.signed_in(user, login.id, value)? };
        self.store.start_login(login, refresh, Some(record.clone())).await.map_err(store_fault)?;
        self.audited.tell(&record);
        Ok(signed_in)
    }

    /// Gives a new pair of tokens for a refresh token. One used before ends the login (I18).
    ///
    /// # Errors
    /// `unauthorized`; `rateLimited`; `unavailable`.
    pub async fn refresh(&self, value: &str, from: Caller) -> Result<SignedIn, Fault> {
        self.limit(Key::RefreshIp(from.ip))?;
        let now = self.clock.now();
        // The store fills in the login that the presented token belongs to.
        let unknown = SessionId(Uuid::nil());
        let (successor, kept) = refresh::mint(&*self.clock, unknown, now, self.settings.refresh_token);
        let grace = i64::try_from(self.settings.refresh_grace.as_millis()).unwrap_or(i64::MAX);
        let (store, hash, ended) = (self.store.clone(), refresh::hash(value), self.ended());
        let reuse = self.audit(AuditEvent::RefreshReused, Actor::Nobody, &from);
        let audited = self.audited.clone();
        let rotation = to_the_end(async move {
            let rotation = store.rotate_refresh(hash, kept, now, grace, Some(reuse.clone())).await;
            let rotation = rotation.map_err(store_fault)?;
            if let Rotation::Reused { session, user } = rotation {
                ended(session);
                audited.tell(&reuse.about(user));
            }
            Ok(rotation)
        })
        .await?;
        let refused = || Fault::new(Code::Unauthorized, "the refresh token is not valid");
        match rotation {
            Rotation::Renewed { user, session } => {
                let user = self.store.user(user).await.map_err(store_fault)?.ok_or_else(refused)?;
                user.may_enter().map_err(|_| refused())?;
                self.signed_in(user, session, successor)
            }
            Rotation::Reused { user, .. } => {
                log::warn!(user = user.to_string().as_str(); "a used refresh token came again: login ended");
                Err(refused())
            }
            Rotation::Refused => Err(refused()),
        }
    }

    /// Ends a login.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn logout(&self, user: UserId, session: SessionId, from: &Caller) -> Result<(), Fault> {
        let (store, now, ended) = (self.store.clone(), self.clock.now(), self.ended());
        let record = self.own(AuditEvent::Logout, user, from);
        let audited = self.audited.clone();
        to_the_end(async move {
            store.revoke_login(session, now, Some(record.clone())).await.map_err(store_fault)?;
            ended(session);
            audited.tell(&record);
            Ok(())
        })
        .await
    }

    /// Ends the login that a refresh token belongs to, used or not. That of an unknown one has ended.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn logout_by_refresh(&self, value: &str, from: &Caller) -> Result<(), Fault> {
        let login = self.store.refresh_session(refresh::hash(value)).await.map_err(store_fault)?;
        match login {
            Some((user, session)) => self.logout(user, session, from).await,
            None => Ok(()),
        }
    }

    /// Puts a hash of the present cost in the place of a cheaper one. When it cannot be done now, the
    /// next login does it.
    async fn rehash(&self, user: UserId, password: &str, stored: Option<String>) {
        let Some(before) = stored.filter(|stored| self.passwords.is_outdated(stored)) else { return };
        let Ok(after) = self.passwords.hash(password).await else { return };
        if let Err(error) = self.store.rehash_password(user, before, after).await {
            log::warn!("a password was not hashed anew: {error}");
        }
    }

    /// What is to be done when a login has ended.
    pub(super) fn ended(&self) -> impl Fn(SessionId) + Send + 'static {
        let (tickets, on_end) = (self.tickets.clone(), self.on_end.clone());
        move |session| {
            tickets.forget(session);
            on_end(session);
        }
    }

    pub(super) fn limit(&self, key: Key) -> Result<(), Fault> {
        self.limiter
            .check(key, self.clock.now())
            .map_err(|retry_after| Refusal::RateLimited { retry_after }.into())
    }

    fn login_of(&self, user: UserId, from: &Caller) -> (LoginSession, String, RefreshToken) {
        let now = self.clock.now();
        let device = from
            .device
            .as_ref()
            .map(|name| name.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS).collect::<String>())
            .filter(|name| !name.is_empty());
        let network = Some(logins::network(from.ip));
        let login = LoginSession { id: SessionId(self.clock.id()), user, created_at: now, device, network };
        let (value, refresh) = refresh::mint(&*self.clock, login.id, now, self.settings.refresh_token);
        (login, value, refresh)
    }

    fn signed_in(&self, user: User, session: SessionId, refresh_token: String) -> Result<SignedIn, Fault> {
        let token = self.tokens.sign(user.id, session, self.clock.now())?;
        Ok(SignedIn { user, second_factor: false, token, refresh_token })
    }
}

/// Runs what must not stop halfway: a request that is cut takes its handler with it, but not a
/// commit that has begun, and what follows from that commit has to follow.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    tokio::spawn(work).await.unwrap_or_else(|error| Err(Fault::internal(&error)))
}
