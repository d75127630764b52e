//! What the commands do.

use serde_json::{Value, json};

use super::shown::{self, listed};
use super::{AccountsError, AuditQuestion, Desk, Output, SessionCommand, UserCommand, consent};
use crate::domain::{AuditEvent, AuditFilter, Job, JobId, JobKind, SessionId, Timestamp, User};
use crate::protocol::wire;

/// Accounts read at once.
const PAGE: usize = 500;

type Said = Result<String, AccountsError>;

impl Desk {
    pub(super) async fn user(&self, command: UserCommand) -> Said {
        match command {
            UserCommand::List { output } => self.list(&output).await,
            UserCommand::Show { user, output } => Ok(shown::user(&output, &self.find(&user).await?)),
            UserCommand::Role { user, role, output } => {
                let user = self.find(&user).await?;
                let change = format!("{} -> {}", user.server_role.as_str(), {
                    crate::domain::ServerRole::from(role).as_str()
                });
                let record = self.record(AuditEvent::RoleChanged, user.id).detail(change);
                there(self.store.set_role(user.id, role.into(), record).await?)?;
                self.again(&output, &user).await
            }
            UserCommand::Disable { user, consent: given, output } => {
                let user = self.find(&user).await?;
                let name = user.username.as_str();
                consent(&given, &format!("The account {name} will be closed and all its logins end."))?;
                let record = self.record(AuditEvent::AccountDisabled, user.id);
                let ended = self.store.disable_account(user.id, self.clock.now(), record).await?;
                Ok(done(&output, "closed", &user, ended.ok_or(AccountsError::Gone)?.len(), None))
            }
            UserCommand::Enable { user, output } => {
                let user = self.find(&user).await?;
                let record = self.record(AuditEvent::AccountEnabled, user.id);
                there(self.store.enable_account(user.id, record).await?)?;
                self.again(&output, &user).await
            }
            UserCommand::ResetPassword { user, consent: given, output } => {
                let user = self.find(&user).await?;
                let name = user.username.as_str();
                consent(&given, &format!("{name} gets another password, and all logins end."))?;
                let (password, hash) = self.new_password().await?;
                let record = self.record(AuditEvent::PasswordReset, user.id).detail("by the operator");
                let ended = self.store.set_password(user.id, hash, self.clock.now(), record).await?;
                let ended = ended.ok_or(AccountsError::Gone)?.len();
                Ok(done(&output, "given another password", &user, ended, Some(&password)))
            }
            UserCommand::Delete { user, messages, consent: given, output } => {
                let user = self.find(&user).await?;
                let name = user.username.as_str();
                consent(&given, &format!("The account {name} will end for ever."))?;
                let (kind, now) = (JobKind::Deletion { messages: messages.into() }, self.clock.now());
                let job = Job::new(JobId(self.clock.id()), user.id, kind, now);
                let record = self.record(AuditEvent::AccountDeleted, user.id);
                let ended = self.store.close_account(job, record).await?;
                Ok(done(&output, "closed for ever", &user, ended.ok_or(AccountsError::Gone)?.len(), None))
            }
            UserCommand::Verify { user, output } => {
                let user = self.find(&user).await?;
                let record = self.record(AuditEvent::EmailConfirmed, user.id);
                there(self.store.confirm_address(user.id, self.clock.now(), record).await?)?;
                self.again(&output, &user).await
            }
        }
    }

    async fn list(&self, output: &Output) -> Said {
        let mut people: Vec<User> = Vec::new();
        loop {
            let page = self.store.users_page(PAGE, people.last().map(|user| user.id)).await?;
            let is_last = page.len() < PAGE;
            people.extend(page);
            if is_last {
                return Ok(shown::users(output, &people));
            }
        }
    }

    /// As it is now.
    async fn again(&self, output: &Output, user: &User) -> Said {
        let user = self.store.user(user.id).await?.ok_or(AccountsError::Gone)?;
        Ok(shown::user(output, &user))
    }

    pub(super) async fn session(&self, command: SessionCommand) -> Said {
        let now = self.clock.now();
        match command {
            SessionCommand::List { user, output } => {
                let user = self.find(&user).await?;
                Ok(shown::logins(&output, &self.store.logins_of(user.id, now).await?))
            }
            SessionCommand::Revoke { user, session, consent: given, output } => {
                let user = self.find(&user).await?;
                let name = user.username.as_str();
                let Some(session) = session else {
                    consent(&given, &format!("All logins of {name} will end."))?;
                    let record = self.record(AuditEvent::SessionsRevoked, user.id);
                    let ended = self.store.revoke_logins(user.id, now, Some(record)).await?.len();
                    return Ok(done(&output, "logged out", &user, ended, None));
                };
                consent(&given, &format!("The login {session} of {name} will end."))?;
                let record = self.record(AuditEvent::SessionRevoked, user.id);
                let revoked = self.store.revoke_login_of(user.id, SessionId(session), now, Some(record));
                if !revoked.await? {
                    return Err(AccountsError::NoLogin);
                }
                Ok(done(&output, "logged out", &user, 1, None))
            }
        }
    }

    pub(super) async fn audit(&self, question: AuditQuestion) -> Said {
        let AuditQuestion { user, event, since, until, limit, output } = question;
        let user = match user {
            Some(text) => Some(self.find(&text).await?.id),
            None => None,
        };
        let filter = AuditFilter { user, event, since: time("since", since)?, until: time("until", until)? };
        let mut records = Vec::new();
        let mut before = None;
        while records.len() < limit {
            let most = (limit - records.len()).min(PAGE);
            let page = self.store.audit_page(filter.clone(), most, before).await?;
            records.extend(page.records);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(shown::audit(&output, &records))
    }
}

fn there(found: bool) -> Result<(), AccountsError> {
    if found { Ok(()) } else { Err(AccountsError::Gone) }
}

fn time(name: &'static str, given: Option<String>) -> Result<Option<Timestamp>, AccountsError> {
    let Some(text) = given else { return Ok(None) };
    wire::parse_rfc3339(&text).map(Some).ok_or(AccountsError::Time(name, text))
}

/// What is said of something that ended logins.
fn done(output: &Output, what: &str, user: &User, ended: usize, password: Option<&str>) -> String {
    let name = user.username.as_str();
    if output.json {
        let mut answer = json!({ "id": user.id.0, "username": name, "endedLogins": ended });
        if let (Some(object), Some(password)) = (answer.as_object_mut(), password) {
            object.insert("password".into(), Value::from(password));
        }
        return listed(&answer);
    }
    let mut said = format!("{name} is {what}; {ended} logins ended, and their sockets close within 2 s\n");
    if let Some(password) = password {
        said.push_str(&format!("the password, shown this once: {password}\n"));
    }
    said
}
