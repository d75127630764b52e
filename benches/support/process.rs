//! A server in a process of its own, so that what it spends is its own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chat::settings::{RedisUrl, Secret, Settings};

/// Names what the child is to serve.
pub const ROLE: &str = "CHAT_BENCH_SERVER";
/// Where the child finds its database and its Redis; without them it is the embedded default.
pub const DATABASE: &str = "CHAT_BENCH_DATABASE";
pub const REDIS: &str = "CHAT_BENCH_REDIS";
/// With it new sockets are admitted at the default rate; otherwise nothing has a rate.
pub const ADMISSION: &str = "CHAT_BENCH_ADMISSION";

/// What it logs; nothing without.
pub const LOG: &str = "CHAT_BENCH_LOG";

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    _data: Option<tempfile::TempDir>,
}

impl Server {
    pub fn start(which: &str) -> Self {
        Self::start_on(which, &[])
    }

    /// With these settings of its environment.
    pub fn start_on(which: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_by(&[], which, settings)
    }

    /// Run by this program.
    pub fn start_by(by: &[&str], which: &str, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let this = std::env::current_exe().unwrap();
        let line: Vec<_> = by.iter().map(OsStr::new).chain([this.as_os_str()]).collect();
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .env(ROLE, which)
            .env("CHAT_BENCH_DATA", data.path())
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap_or_else(|_| panic!("the server says {line:?}"));
        Self { child, address, _data: Some(data) }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// Bytes of resident memory.
    pub fn resident(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most that they were.
    pub fn peak(&self) -> usize {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> usize {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// CPU time of all its threads, user and system, from the kernel's own accounting in ticks of
    /// 10 ms.
    pub fn cpu(&self) -> (Duration, Duration) {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |field: usize| Duration::from_millis(fields[field].parse::<u64>().unwrap() * 10);
        (ticks(11), ticks(12))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The child's main.
pub fn serve(which: &str) {
    match which {
        "bare" => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            println!("{}", listener.local_addr().unwrap());
            super::bare::serve(listener);
        }
        _ => actix_web::rt::System::new().block_on(async {
            if let Ok(filters) = std::env::var(LOG) {
                env_logger::Builder::new().parse_filters(&filters).init();
            }
            let mut settings = Settings {
                port: 0,
                workers: 2,
                data_dir: std::env::var_os("CHAT_BENCH_DATA").unwrap().into(),
                database_url: std::env::var(DATABASE).ok(),
                redis_url: std::env::var(REDIS).ok().map(|url| RedisUrl::parse(&url).unwrap()),
                jwt_secret: vec![Secret::new("the secret of all servers of a benchmark")],
                ..Settings::default()
            };
            settings.limits.rates_on = std::env::var_os(ADMISSION).is_some();
            settings.limits.registrations_per_minute_per_ip = 1_000_000;
            settings.limits.connections_per_user = 100_000;
            settings.limits.connections_per_ip = 1_000_000;
            settings.accounts.bcrypt_cost = 4;
            // The readers never say anything, not even pong.
            settings.timing.idle_timeout = Duration::from_secs(86_400);
            let running = chat::app::start(settings).await.unwrap();
            println!("{}", running.address());
            std::future::pending::<()>().await;
        }),
    }
}
