//! The real binary in a process of its own, killed at the latest when its value is dropped.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use chat::clock::{Clock, SystemClock};
use chat::torture::kept_environment;

use super::eventually;

/// `chat` with nothing in its environment but what a test gives it.
pub fn command(arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command
        .args(arguments)
        .env_clear()
        .envs(kept_environment())
        .envs(env.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Runs `chat` to its end.
#[track_caller]
pub fn run(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    command(arguments, env).output().expect("the binary runs")
}

/// A port that nobody listens on, and that the system gives to nobody who asks for any: a server
/// that is down for a moment finds it free again.
pub fn quiet_port() -> u16 {
    loop {
        let port = 12_000 + u16::try_from(SystemClock.below(18_000)).expect("small");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// `chat serve`, listening.
pub struct ChatProcess {
    child: Child,
    pub address: SocketAddr,
}

impl ChatProcess {
    /// Starts on this port and waits until it says that it listens.
    #[track_caller]
    pub fn serve(data: &Path, port: u16, env: &[(&str, &str)]) -> Self {
        Self::start(command(&["serve"], &[]), data, port, env)
    }

    /// The same, from a shell that does this first.
    #[track_caller]
    pub fn serve_after(first: &str, data: &Path, port: u16, env: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("{first}; exec \"$0\" serve")).arg(env!("CARGO_BIN_EXE_chat"));
        shell.env_clear().envs(kept_environment()).stdin(Stdio::null());
        Self::start(shell, data, port, env)
    }

    #[track_caller]
    fn start(mut command: Command, data: &Path, port: u16, env: &[(&str, &str)]) -> Self {
        let data = data.to_str().expect("UTF-8");
        let port = port.to_string();
        let mut all = vec![
            ("HOST", "127.0.0.1"),
            ("PORT", &port),
            ("CHAT_DATA_DIR", data),
            ("CHAT_BCRYPT_COST", "4"),
            ("CHAT_RATE_LIMITS", "off"),
            ("CHAT_WORKERS", "2"),
            ("CHAT_LOG", "warn"),
        ];
        all.extend_from_slice(env);
        let mut child = command.envs(all).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            // It has ended, or says something else.
            drop(child.kill());
            panic!("{:?} instead of where it listens; {:?}", line, child.wait());
        };
        Self { child, address }
    }

    /// Ends it as a lost machine would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let id = self.child.id();
        let told = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status();
        assert!(told.expect("a shell").success());
    }

    /// How large its files may become: so many bytes, or `unlimited`. What is larger already stays.
    #[track_caller]
    pub fn limit_files(&self, bytes: &str) {
        let mut limit = Command::new("prlimit");
        limit.arg("--pid").arg(self.child.id().to_string()).arg(format!("--fsize={bytes}:"));
        assert!(limit.status().expect("prlimit of util-linux").success());
    }

    /// Asks it to end, as an operator would, and waits.
    #[track_caller]
    pub fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn ended(mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("it ended")
    }
}

impl Drop for ChatProcess {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a process said on its standard error, once it ended.
#[track_caller]
pub fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}
