//! A PostgreSQL server of one's own: made in a folder, started on a free port, stopped, killed and
//! started again, and gone when it is dropped or when this process is, however that ends.
//!
//! Uses the programs of an installed PostgreSQL; as root, through the account `postgres`, since
//! the server refuses to run as root. Knows nothing of the chat.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The account that servers run as when we are root, and the role that owns everything in them.
const ACCOUNT: &str = "postgres";
/// How long is waited for a server that starts or stops, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Everyone comes in from this machine.
const ACCESS: &str = "local all all trust\nhost all all 127.0.0.1/32 trust\n";

/// Ends the server when it is told how, by one line, or when nobody is left who could tell it:
/// the other end of its standard input is held by the process that started it.
const KEEPER: &str = r#"
"$@" </dev/null >>log 2>&1 &
server=$!
orphan=
read -r how || { how=QUIT; orphan=yes; }
main=$(head -n 1 data/postmaster.pid 2>/dev/null)
[ -n "$main" ] || main=$server
kill "-$how" "$main" 2>/dev/null
(trap 'kill $!; exit' TERM; sleep 30 & wait; kill -KILL "$main") </dev/null >/dev/null 2>&1 &
late=$!
wait "$server"
kill "$late" 2>/dev/null
if [ -n "$orphan" ] && [ -e temporary ]; then rm -rf "$PWD"; fi
"#;

/// Why there is no server: one line that says what to do.
pub type Failed = String;

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where the data lies, kept afterwards and used again; a temporary folder when absent.
    pub folder: Option<PathBuf>,
    /// Settings of the server, such as `("fsync", "off")`. It keeps what it promises by default.
    pub settings: Vec<(String, String)>,
    /// Lines of `pg_hba.conf` that count before those that let everyone in.
    pub access: String,
    /// A certificate and its key, both PEM: the server then offers TLS.
    pub certificate: Option<(String, String)>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are ended, everything is written.
    Fast,
    /// As when the power fails, but for the children, which are told: recovery at the next start.
    Immediate,
    /// The main process is killed; the children find out.
    Kill,
}

/// A running, or stopped, server.
#[derive(Debug)]
pub struct PgServer {
    programs: PathBuf,
    folder: PathBuf,
    temporary: bool,
    settings: Vec<(String, String)>,
    port: u16,
    keeper: Option<Child>,
}

impl PgServer {
    /// Makes the data if there is none, and starts.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(setup: Setup) -> Result<Self, Failed> {
        let programs = programs()?;
        let temporary = setup.folder.is_none();
        let folder = setup.folder.unwrap_or_else(temporary_folder);
        let mut server =
            Self { programs, folder, temporary, settings: setup.settings, port: 0, keeper: None };
        if !server.folder.join("data/PG_VERSION").exists() {
            server.initialize(&setup.access)?;
        }
        if let Some((certificate, key)) = setup.certificate {
            server.offer_tls(&certificate, &key)?;
        }
        server.begin()?;
        Ok(server)
    }

    /// Where clients connect to; `database` as it stands in a URL.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ACCOUNT}@127.0.0.1:{}/{database}", self.port)
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder with everything of this server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs statements as the owner of everything and answers what they print, one row a line,
    /// columns separated by `|`.
    ///
    /// # Errors
    /// What the database says against it.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, Failed> {
        let arguments = ["--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-Atq", "-d", database, "-c", statements];
        self.run("psql", &arguments).map(|text| text.trim_end().to_owned())
    }

    /// Makes a database, as a copy of `template` when there is one, which takes milliseconds.
    ///
    /// # Errors
    /// When there is one of that name, or the template is in use.
    pub fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), Failed> {
        let copy = template.map(|template| format!(" TEMPLATE \"{template}\"")).unwrap_or_default();
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\"{copy}")).map(drop)
    }

    /// Runs a program of this installation, such as `pg_dump`, against this server.
    ///
    /// # Errors
    /// What it says against it.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new(self.programs.join(program));
        command.env("PGHOST", &self.folder).env("PGPORT", self.port.to_string()).env("PGUSER", ACCOUNT);
        output(command.args(arguments))
    }

    /// Ends the server and waits until it has ended. A stopped one stays stopped.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self, how: Stop) -> Result<(), Failed> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(()) };
        let signal = match how {
            Stop::Fast => "INT\n",
            Stop::Immediate => "QUIT\n",
            Stop::Kill => "KILL\n",
        };
        if let Some(mut keeper) = keeper.stdin.take() {
            keeper.write_all(signal.as_bytes()).map_err(|error| format!("the keeper is gone: {error}"))?;
        }
        keeper.wait().map_err(|error| format!("the server did not end: {error}"))?;
        Ok(())
    }

    /// Starts a stopped server again, on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), Failed> {
        self.stop(Stop::Fast)?;
        let begun = Instant::now();
        loop {
            match self.launch() {
                // The children of one that was killed may hold its memory for a moment.
                Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(100)),
                result => return result,
            }
        }
    }

    fn initialize(&self, access: &str) -> Result<(), Failed> {
        fs::create_dir_all(&self.folder).map_err(|error| format!("{}: {error}", self.folder.display()))?;
        if self.temporary {
            self.write("temporary", "")?;
        }
        self.hand_over(&self.folder)?;
        let mut initdb = self.as_account("initdb");
        initdb.args(["-D", "data", "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        output(&mut initdb)?;
        self.write("data/pg_hba.conf", &format!("{access}\n{ACCESS}"))
    }

    fn offer_tls(&mut self, certificate: &str, key: &str) -> Result<(), Failed> {
        self.write("data/server.crt", certificate)?;
        self.write("data/server.key", key)?;
        let key = self.folder.join("data/server.key");
        self.hand_over(&key)?;
        output(Command::new("chmod").arg("600").arg(&key))?;
        self.settings.push(("ssl".into(), "on".into()));
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failed> {
        fs::write(self.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    }

    fn hand_over(&self, path: &Path) -> Result<(), Failed> {
        if is_root() { output(Command::new("chown").arg(ACCOUNT).arg(path)).map(drop) } else { Ok(()) }
    }

    /// Starts on a free port. Another process may take it first: then on another.
    fn begin(&mut self) -> Result<(), Failed> {
        let mut failed = String::new();
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            self.port = free.map_err(|error| format!("no free port: {error}"))?.port();
            match self.launch() {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn launch(&mut self) -> Result<(), Failed> {
        let said = fs::metadata(self.folder.join("log")).map_or(0, |log| log.len());
        let server = self.as_account("postgres");
        let mut keeper = Command::new("sh");
        keeper.current_dir(&self.folder).args(["-c", KEEPER, "keeper"]);
        keeper.arg(server.get_program()).args(server.get_args());
        keeper.args(["-D", "data", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]);
        keeper.arg("-p").arg(self.port.to_string()).arg("-k").arg(&self.folder);
        for (name, value) in &self.settings {
            keeper.arg("-c").arg(format!("{name}={value}"));
        }
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.keeper = Some(keeper.map_err(|error| format!("sh: {error}"))?);
        let begun = Instant::now();
        while self.sql("postgres", "SELECT 1").is_err() {
            let fatal = self.fatal(said);
            if fatal.is_some() || begun.elapsed() > PATIENCE {
                self.stop(Stop::Immediate)?;
                let why = fatal.unwrap_or_else(|| "it does not answer".into());
                return Err(format!("PostgreSQL did not start in {}: {why}", self.folder.display()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What ended the server, from the part of its log after the first `said` bytes. That it is
    /// still starting up is fatal too, but only to those who ask too early.
    fn fatal(&self, said: u64) -> Option<String> {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let new = log.get(usize::try_from(said).unwrap_or(usize::MAX)..).unwrap_or_default();
        let text = String::from_utf8_lossy(new);
        let ends = ["FATAL:  could not", "FATAL:  lock file", "FATAL:  pre-existing", "invalid value"];
        text.lines().find(|line| ends.iter().any(|end| line.contains(end))).map(str::to_owned)
    }

    /// A program that runs in the folder, as someone whom the server accepts.
    fn as_account(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if !is_root() {
            Command::new(program)
        } else if found("setpriv").is_some() {
            let mut command = Command::new("setpriv");
            let (user, group) = (format!("--reuid={ACCOUNT}"), format!("--regid={ACCOUNT}"));
            command.args([&user, &group, "--init-groups", "--"]).arg(program);
            command
        } else {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(program);
            command
        };
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for PgServer {
    fn drop(&mut self) {
        if let Err(error) = self.stop(Stop::Immediate) {
            log::error!("{error}");
        }
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            log::warn!("{} was not removed: {error}", self.folder.display());
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn temporary_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Short: the path of a socket has a bound of about a hundred characters.
    let name = format!("chat-pg-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// Where the programs of the newest PostgreSQL are.
///
/// # Errors
/// What to install.
pub fn programs() -> Result<PathBuf, Failed> {
    let complete = |folder: &PathBuf| ["postgres", "initdb", "psql"].iter().all(|p| folder.join(p).exists());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    versions.sort();
    let on_path = || Some(found("initdb")?.canonicalize().ok()?.parent()?.to_path_buf()).filter(complete);
    versions.pop().map(|(_, folder)| folder).or_else(on_path).ok_or_else(|| {
        "PostgreSQL is not installed: initdb, postgres and psql are neither in /usr/lib/postgresql nor on \
         the PATH (Debian: apt-get install postgresql)"
            .to_owned()
    })
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn output(command: &mut Command) -> Result<String, Failed> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ")))
    }
}
