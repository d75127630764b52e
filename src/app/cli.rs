//! The command line: `chat serve | migrate | openapi | healthcheck | check-config | admin`.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use super::database::{self, DatabaseError};
use super::{accounts, admin, filing, logs, mailing, sentry, server};
use crate::auth::keys;
#[cfg(feature = "torture")]
use crate::clock::{Clock as _, SystemClock};
use crate::http::openapi;
use crate::settings::{Settings, Unknown};

/// The exit code of a wrong configuration (EX_CONFIG of sysexits.h).
const WRONG_CONFIGURATION: u8 = 78;

/// A self-hosted real-time chat server. Settings come from the environment; `chat check-config`
/// tells whether they are valid.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default).
    Serve,
    /// Bring the database's schema up to date and stop.
    Migrate,
    /// Print the OpenAPI document.
    Openapi,
    /// Ask the running server whether it lives; the exit code tells.
    Healthcheck,
    /// Check the settings and stop.
    CheckConfig,
    /// What a person in charge does by hand.
    #[command(subcommand)]
    Admin(Admin),
    #[cfg(feature = "torture")]
    Torture(Box<crate::torture::Options>),
}

#[derive(Clone, Subcommand)]
enum Admin {
    /// Declare the database's history another one: after a restore that cannot be noticed. Every
    /// client starts anew.
    NewEpoch,
    Why(admin::Why),
    /// Looks after accounts, in the database that the settings name.
    #[command(subcommand)]
    User(accounts::UserCommand),
    /// Looks after logins.
    #[command(subcommand)]
    Session(accounts::SessionCommand),
    Audit(accounts::AuditQuestion),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    if let Command::Openapi = command {
        return match openapi::yaml() {
            Ok(document) => say(&document),
            Err(error) => fail(&error, 1),
        };
    }
    let settings = match Settings::from_env(&|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, WRONG_CONFIGURATION),
    };
    if let Err(error) = database::check(&settings) {
        return fail(&error, WRONG_CONFIGURATION);
    }
    if let Err(error) = sentry::dsn(&settings) {
        return fail(&error, WRONG_CONFIGURATION);
    }
    if let Err(error) = keys::load(&settings.jwt_keys) {
        return fail(&format!("CHAT_JWT_KEYS: {error}"), WRONG_CONFIGURATION);
    }
    if let Err(error) = mailing::check(&settings) {
        return fail(&error, WRONG_CONFIGURATION);
    }
    if let Err(error) = filing::check(&settings) {
        return fail(&error, WRONG_CONFIGURATION);
    }
    match command {
        Command::Serve => serve(settings),
        Command::Migrate => migrate(&settings),
        Command::Healthcheck => healthcheck(&settings),
        Command::Admin(Admin::NewEpoch) => new_epoch(&settings),
        Command::Admin(Admin::Why(question)) => {
            let local = reachable(SocketAddr::new(settings.host, settings.port));
            match admin::why(&settings, &question, local) {
                Ok(answer) => say(&answer),
                Err(error) => fail(&error, 1),
            }
        }
        Command::Admin(Admin::User(command)) => by_hand(&settings, accounts::Command::User(command)),
        Command::Admin(Admin::Session(command)) => by_hand(&settings, accounts::Command::Session(command)),
        Command::Admin(Admin::Audit(question)) => by_hand(&settings, accounts::Command::Audit(question)),
        // A seed that is easy to read out.
        #[cfg(feature = "torture")]
        Command::Torture(options) => crate::torture::main(&options, SystemClock.below(1 << 32)),
        Command::CheckConfig | Command::Openapi => check_config(),
    }
}

/// What is set and is no setting.
fn unknown() -> Vec<Unknown> {
    let environment = std::env::vars_os();
    Settings::unknown(
        environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    )
}

fn check_config() -> ExitCode {
    for unknown in unknown() {
        let _closed = writeln!(io::stderr(), "chat: {unknown}");
    }
    say("the settings are valid\n")
}

fn serve(settings: Settings) -> ExitCode {
    logs::start(&settings);
    for unknown in unknown() {
        log::warn!("{unknown}");
    }
    let is_json = logs::is_json(&settings);
    let _reports = match sentry::init_sentry(&settings) {
        Ok(reports) => reports,
        Err(error) => return fail(&error, WRONG_CONFIGURATION),
    };
    let outcome = actix_web::rt::System::new().block_on(async {
        let (mut term, mut int) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(term), Ok(int)) => (term, int),
            (Err(error), _) | (_, Err(error)) => return Err((format!("signals: {error}"), 1)),
        };
        // The database may be waited for; who is told to stop meanwhile stops.
        let running = tokio::select! {
            started = server::start(settings) => started.map_err(|error| {
                let code = if error.is_configuration() { WRONG_CONFIGURATION } else { 1 };
                (error.to_string(), code)
            })?,
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
        };
        logs::name_node(running.pod().id);
        let address = reachable(running.address());
        if is_json {
            log::info!("listening at {address}");
        } else {
            say(&format!("chat is running: open http://{address}/app/\n"));
        }
        let failed = tokio::select! {
            _ = term.recv() => false,
            _ = int.recv() => false,
            () = running.pod().failed() => true,
        };
        log::info!("stopping: telling {} sockets", running.pod().telemetry.sockets());
        tokio::select! {
            () = running.stop() => log::info!("stopped; everything acknowledged is stored"),
            _ = term.recv() => log::warn!("told twice: stopped at once; everything acknowledged is stored"),
            _ = int.recv() => log::warn!("told twice: stopped at once; everything acknowledged is stored"),
        }
        // Whoever started it is to start it again.
        if failed {
            Err(("a part of it failed while it ran; the log says which".to_owned(), 1))
        } else {
            Ok(())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err((error, code)) => fail(&error, code),
    }
}

fn migrate(settings: &Settings) -> ExitCode {
    logs::start(settings);
    match database::migrate(settings) {
        Ok(applied) if applied.is_empty() => say("the schema is up to date\n"),
        Ok(applied) => {
            let lines: Vec<String> = applied.iter().map(|name| format!("applied {name}\n")).collect();
            say(&lines.concat())
        }
        Err(error) => fail(&error, exit_code(&error)),
    }
}

fn new_epoch(settings: &Settings) -> ExitCode {
    logs::start(settings);
    match database::new_epoch(settings) {
        Ok(epoch) => say(&format!("the epoch is {epoch} from now on; clients start anew\n")),
        Err(error) => fail(&error, exit_code(&error)),
    }
}

fn by_hand(settings: &Settings, command: accounts::Command) -> ExitCode {
    match accounts::run(settings, command) {
        Ok(answer) => say(&answer),
        Err(accounts::AccountsError::Database(error)) => fail(&error, exit_code(&error)),
        Err(error) => fail(&error, 1),
    }
}

/// The exit code for a database that cannot be used.
const fn exit_code(error: &DatabaseError) -> u8 {
    if error.is_configuration() { WRONG_CONFIGURATION } else { 1 }
}

/// One request over a plain socket: a probe has no use for more of HTTP.
fn healthcheck(settings: &Settings) -> ExitCode {
    let address = reachable(SocketAddr::new(settings.host, settings.port));
    let limit = Duration::from_secs(2);
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        write!(stream, "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/1.1 200")
    };
    match ask() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => fail(&format!("http://{address}/health does not answer 200"), 1),
        Err(error) => fail(&format!("http://{address}/health: {error}"), 1),
    }
}

/// Where a listener on all addresses is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn say(text: &str) -> ExitCode {
    // Who does not listen to what was asked for cannot be told so either.
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    let _closed = writeln!(io::stderr(), "chat: {error}");
    ExitCode::from(code)
}
