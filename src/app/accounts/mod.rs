//! `chat admin user`, `session` and `audit`: accounts, looked after by hand in the database that the
//! settings name, beside the servers that use it. They notice within two seconds.

mod commands;
mod shown;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use thiserror::Error;
use uuid::Uuid;

use super::database::{self, DatabaseError};
use crate::auth::Passwords;
use crate::clock::{SharedClock, SystemClock};
use crate::domain::job::Messages;
use crate::domain::{Actor, AuditEvent, AuditRecord, Email, ServerRole, User, UserId, Username};
use crate::error::Fault;
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// How the answer looks.
#[derive(Args, Clone, Debug)]
pub(super) struct Output {
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
}

/// What cannot be taken back is asked about.
#[derive(Args, Clone, Debug)]
pub(super) struct Consent {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// A role on the server, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleWord {
    User,
    Moderator,
    Administrator,
}

impl From<RoleWord> for ServerRole {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::User => Self::User,
            RoleWord::Moderator => Self::Moderator,
            RoleWord::Administrator => Self::Administrator,
        }
    }
}

/// What becomes of somebody's messages, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MessagesWord {
    Keep,
    Delete,
}

impl From<MessagesWord> for Messages {
    fn from(word: MessagesWord) -> Self {
        match word {
            MessagesWord::Keep => Self::Keep,
            MessagesWord::Delete => Self::Delete,
        }
    }
}

/// Looks after accounts. USER is an id, a name or an address.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum UserCommand {
    /// All accounts, the oldest first.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// One account.
    Show {
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// Give an account a role on the server.
    Role {
        user: String,
        role: RoleWord,
        #[command(flatten)]
        output: Output,
    },
    /// Close an account to its owner: its logins end, and no other begins.
    Disable {
        user: String,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        output: Output,
    },
    /// Open it again.
    Enable {
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// Set a new password made by chance, which is shown once; every login of the account ends.
    ResetPassword {
        user: String,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        output: Output,
    },
    /// End an account for ever: it is closed at once, and a server does the rest.
    Delete {
        user: String,
        /// What becomes of what its owner wrote.
        #[arg(long, value_enum, default_value = "keep")]
        messages: MessagesWord,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        output: Output,
    },
    /// The address counts as confirmed from now on.
    Verify {
        user: String,
        #[command(flatten)]
        output: Output,
    },
}

/// Looks after logins.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// The living logins of an account.
    List {
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// End one login of an account, or all where none is named; their sockets close.
    Revoke {
        user: String,
        session: Option<Uuid>,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        output: Output,
    },
}

/// What happened to accounts, the newest first.
#[derive(Args, Clone, Debug)]
pub(super) struct AuditQuestion {
    /// Only what this user did, or what is about him: an id, a name or an address.
    #[arg(long)]
    user: Option<String>,
    /// Only this event, such as loginFailed.
    #[arg(long)]
    event: Option<String>,
    /// Only from this time on, such as 2026-11-21T15:52:00Z.
    #[arg(long)]
    since: Option<String>,
    /// Only before this time.
    #[arg(long)]
    until: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    output: Output,
}

/// What is to be done.
pub(super) enum Command {
    User(UserCommand),
    Session(SessionCommand),
    Audit(AuditQuestion),
}

/// Why it was not done: one line.
#[derive(Debug, Error)]
pub(super) enum AccountsError {
    #[error("{0}")]
    Database(#[from] DatabaseError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("there is no account {0:?}, by id, name or address")]
    Unknown(String),
    #[error("the account was deleted meanwhile, or before")]
    Gone,
    #[error("the account has no such living login")]
    NoLogin,
    #[error("--{0}: {1:?} is no time as in RFC 3339")]
    Time(&'static str, String),
    #[error("nobody is here to be asked: say --yes where that is meant")]
    NobodyToAsk,
    #[error("nothing was done")]
    Declined,
    #[error("the password: {0}")]
    Password(String),
    #[error("the runtime: {0}")]
    Runtime(#[from] io::Error),
}

impl From<Fault> for AccountsError {
    fn from(fault: Fault) -> Self {
        Self::Password(fault.detail)
    }
}

/// What the commands work with.
struct Desk {
    store: Arc<dyn Store>,
    clock: SharedClock,
    settings: Settings,
}

/// Does it, and answers what is to be said. Blocks.
pub(super) fn run(settings: &Settings, command: Command) -> Result<String, AccountsError> {
    actix_web::rt::System::new().block_on(async {
        let clock: SharedClock = Arc::new(SystemClock);
        let store = database::attend(settings, &clock).await?;
        let desk = Desk { store, clock, settings: settings.clone() };
        match command {
            Command::User(command) => desk.user(command).await,
            Command::Session(command) => desk.session(command).await,
            Command::Audit(question) => desk.audit(question).await,
        }
    })
}

impl Desk {
    /// By id, name or address.
    async fn find(&self, text: &str) -> Result<User, AccountsError> {
        let known = match Uuid::try_parse(text) {
            Ok(id) => self.store.user(UserId(id)).await?,
            Err(_) => {
                let key = match Email::parse(text) {
                    Ok(email) => email.key(),
                    Err(_) => Username::from_stored(text.to_owned()).key(),
                };
                self.store.find_user(key).await?
            }
        };
        known.ok_or_else(|| AccountsError::Unknown(text.to_owned()))
    }

    fn record(&self, event: AuditEvent, subject: UserId) -> AuditRecord {
        AuditRecord::new(self.clock.id(), self.clock.now(), event, Actor::Operator).about(subject)
    }

    /// A password that nobody guesses, and its hash.
    async fn new_password(&self) -> Result<(String, String), AccountsError> {
        let password = crate::auth::refresh::opaque(&*self.clock);
        let hash = Passwords::new(&self.settings.accounts)?.hash(&password).await?;
        Ok((password, hash))
    }
}

/// Asks whoever sits there.
fn consent(given: &Consent, question: &str) -> Result<(), AccountsError> {
    if given.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(AccountsError::NobodyToAsk);
    }
    let mut screen = io::stderr();
    write!(screen, "{question} Type yes to go on: ")?;
    screen.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("yes") { Ok(()) } else { Err(AccountsError::Declined) }
}
