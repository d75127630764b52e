//! Processes that end with this one, however it ends.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What a program keeps of our environment when it is given one of its own: the file that a build which counts the
/// lines it runs writes to. Without the name it writes to the folder it is started in, and its lines are not counted.
pub fn kept_environment() -> Option<(&'static str, OsString)> {
    const NAME: &str = "LLVM_PROFILE_FILE";
    std::env::var_os(NAME).map(|file| (NAME, file))
}

/// A child. Dropped, it is killed.
pub struct Process {
    child: Child,
    id: u32,
}

impl Process {
    /// Starts a program with nothing but this environment; what it says goes to the end of a file.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        env: &[(String, String)],
        log: &Path,
    ) -> io::Result<Self> {
        let said = File::options().create(true).append(true).open(log)?;
        let mut command = match setpriv() {
            // The kernel ends it when this process is gone without a word.
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(arguments).env_clear().envs(kept_environment()).envs(env.iter().cloned());
        // A group of its own: what a terminal sends to ours does not reach it.
        command.process_group(0).kill_on_drop(true);
        let said_too = said.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(said).stderr(said_too).spawn()?;
        let id = child.id().ok_or_else(|| io::Error::other("ended at once"))?;
        Ok(Self { child, id })
    }

    /// Sends a signal by its name. To one that has ended already it goes nowhere.
    pub async fn signal(&self, name: &str) {
        if self.child.id().is_some() {
            let told = Command::new("kill").args([format!("-{name}"), self.id.to_string()]).status().await;
            if let Err(error) = told {
                log_line(&format!("kill -{name} {}: {error}", self.id));
            }
        }
    }

    /// Waits for its end.
    pub async fn end(&mut self, longest: Duration) -> Option<ExitStatus> {
        timeout(longest, self.child.wait()).await.ok()?.ok()
    }

    /// SIGKILL, and waits.
    pub async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            log_line(&format!("process {}: {error}", self.id));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Where `setpriv` of util-linux is, if it is here and can do what is needed.
fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || {
        let places = std::env::var_os("PATH")?;
        let found =
            std::env::split_paths(&places).map(|place| place.join("setpriv")).find(|path| path.is_file())?;
        let works = std::process::Command::new(&found).args(["--pdeathsig", "KILL", "--", "true"]).status();
        works.is_ok_and(|status| status.success()).then_some(found)
    };
    FOUND.get_or_init(look).as_deref()
}

/// Says something to who runs the test.
pub fn log_line(text: &str) {
    use std::io::Write as _;
    // Who closed the output does not listen.
    let _closed = writeln!(io::stderr(), "torture: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_told_and_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let script = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.05; done";
        let env = [("PATH".to_owned(), std::env::var("PATH").expect("a path"))];
        let mut process = Process::start(Path::new("/bin/sh"), &["-c", script], &env, &log).expect("a shell");
        while !std::fs::read_to_string(&log).expect("readable").contains("up") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!process.has_ended());
        process.signal("TERM").await;
        let status = process.end(Duration::from_secs(5)).await.expect("it ends");
        assert_eq!(status.code(), Some(3));
        assert!(std::fs::read_to_string(&log).expect("readable").contains("told"));
        // To nobody: nothing happens.
        process.signal("TERM").await;
    }
}
