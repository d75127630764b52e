//! A Redis, or a Redis Cluster, of one's own: on a free port of this machine, with a folder that
//! goes with it, to be killed, stopped and emptied at will. It ends with the process that started
//! it, however that ends.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::clock::{Clock as _, SystemClock};

/// How long a Redis may take to answer its first question.
const PATIENCE: Duration = Duration::from_secs(30);
/// Said when the programs are not there.
const MISSING: &str = "redis-server and redis-cli are missing: install the packages redis-server and \
                       redis-tools (Debian's names)";

/// How a Redis is started.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Whether data outlive a restart: each write is on the disk before it is answered.
    pub persistent: bool,
    /// Asked of everybody who connects.
    pub password: Option<String>,
    /// Speaks TLS and nothing else, with a certificate for `localhost` of an authority of its own.
    pub tls: bool,
    /// A node of a cluster; see [`RedisCluster`].
    pub cluster: bool,
}

/// A running Redis.
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: RedisOptions,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When the programs are missing, or it does not come up.
    pub fn start(options: RedisOptions) -> io::Result<Self> {
        let port = quiet_port()?;
        let folder = std::env::temp_dir().join(format!("redis-{port}-{}", SystemClock.id()));
        fs::create_dir_all(&folder)?;
        if options.tls {
            certificates(&folder)?;
        }
        let mut server = Self { port, folder, options, child: None };
        server.start_again()?;
        Ok(server)
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The value for `REDIS_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.options.password.as_ref().map(|p| format!(":{p}@")).unwrap_or_default();
        // The certificate is for a name.
        let (scheme, host) = if self.options.tls { ("rediss", "localhost") } else { ("redis", "127.0.0.1") };
        format!("{scheme}://{password}{host}:{}", self.port)
    }

    /// The certificate of the authority that signed this server's, for `CHAT_REDIS_CA_FILE`.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Starts again on the same port, after [`Self::kill`] or [`Self::stop`].
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&mut self) -> io::Result<()> {
        let mut command = outliving_nobody("redis-server");
        command.current_dir(&self.folder).args(["--bind", "127.0.0.1", "--loglevel", "warning"]);
        command.arg("--dir").arg(&self.folder);
        let port = self.port.to_string();
        if self.options.tls {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.args(["--tls-cert-file", "server.pem", "--tls-key-file", "server.key"]);
            command.args(["--tls-ca-cert-file", "ca.pem"]);
        } else {
            command.args(["--port", &port]);
        }
        command.args(["--save", ""]);
        if self.options.persistent {
            command.args(["--appendonly", "yes", "--appendfsync", "always"]);
        }
        if let Some(password) = &self.options.password {
            command.args(["--requirepass", password]);
        }
        if self.options.cluster {
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
        }
        let log = fs::File::create(self.folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().map_err(missing)?);
        let end = Instant::now() + PATIENCE;
        while self.ask(&["PING"]).ok().as_deref() != Some("PONG") {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > end {
                let said = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("redis-server did not come up: {said}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends it as a lost machine would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> io::Result<()> {
        self.signal("TERM")?;
        if let Some(mut child) = self.child.take() {
            child.wait()?;
        }
        Ok(())
    }

    /// It neither answers nor ends: connections are accepted by the system, and nothing comes back.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("STOP")
    }

    /// Ends a [`Self::pause`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    /// Empties it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn flush(&self) -> io::Result<()> {
        self.ask(&["FLUSHALL"]).map(drop)
    }

    /// Leaves so many entries in each stream whose name begins so.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn trim(&self, prefix: &str, entries: usize) -> io::Result<()> {
        let keys = self.ask(&["--scan", "--pattern", &format!("{prefix}bus:*")])?;
        for key in keys.lines().filter(|key| !key.is_empty()) {
            self.ask(&["XTRIM", key, "MAXLEN", &entries.to_string()])?;
        }
        Ok(())
    }

    /// What `redis-cli` answers to this.
    ///
    /// # Errors
    /// When it does not answer, or answers with an error.
    pub fn ask(&self, arguments: &[&str]) -> io::Result<String> {
        // One that hangs does not hold up who asks.
        let mut command = Command::new("timeout");
        command.args(["10", "redis-cli", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if self.options.tls {
            command.args(["-h", "localhost", "--tls", "--cacert"]).arg(self.ca_file());
        }
        if let Some(password) = &self.options.password {
            command.env("REDISCLI_AUTH", password);
        }
        if self.options.cluster {
            command.arg("-c");
        }
        said(command.args(arguments).stdin(Stdio::null()).output().map_err(missing)?)
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let kill = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", child.id())).output()?;
        said(kill).map(drop)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already, and a folder in /tmp that stays is no harm.
        drop(self.kill());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Three masters and no replica.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three, joins them, and waits until each serves all slots.
    ///
    /// # Errors
    /// When the programs are missing, or they do not come up.
    pub fn start() -> io::Result<Self> {
        let node = |_| RedisServer::start(RedisOptions { cluster: true, ..RedisOptions::default() });
        let nodes = (0..3).map(node).collect::<io::Result<Vec<_>>>()?;
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (node, (from, to)) in nodes.iter().zip(slots) {
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", from, to])?;
        }
        if let Some((first, others)) = nodes.split_first() {
            for other in others {
                first.ask(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string()])?;
            }
        }
        let end = Instant::now() + PATIENCE;
        for node in &nodes {
            loop {
                let info = node.ask(&["CLUSTER", "INFO"])?;
                let has = |line: &str| info.lines().any(|given| given.trim() == line);
                if has("cluster_state:ok") && has("cluster_known_nodes:3") && has("cluster_size:3") {
                    break;
                }
                if Instant::now() > end {
                    return Err(io::Error::other(format!("the cluster did not come up: {info}")));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(Self { nodes })
    }

    /// The value for `REDIS_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Empties every node.
    ///
    /// # Errors
    /// When one does not answer.
    pub fn flush(&self) -> io::Result<()> {
        self.nodes.iter().try_for_each(RedisServer::flush)
    }
}

/// A command whose process is killed when the thread that starts it ends, or the process: a child
/// that is left behind keeps its port and its memory.
fn outliving_nobody(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

fn missing(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), MISSING),
        _ => error,
    }
}

fn said(output: Output) -> io::Result<String> {
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let is_error = ["ERR", "NOAUTH", "WRONGTYPE", "CLUSTERDOWN"].iter().any(|word| told.starts_with(word));
    if output.status.success() && !is_error {
        return Ok(told);
    }
    Err(io::Error::other(format!("{told}{}", String::from_utf8_lossy(&output.stderr))))
}

/// A port that nobody listens on, and that the system gives to nobody who asks for any: a server
/// that is down for a moment finds it free again. A node of a cluster listens 10,000 above it too.
fn quiet_port() -> io::Result<u16> {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    for _ in 0..1_000 {
        let port = 12_000 + u16::try_from(SystemClock.below(10_000)).unwrap_or(0);
        if is_free(port) && is_free(port + 10_000) {
            return Ok(port);
        }
    }
    Err(io::Error::other("no port is free"))
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(folder: &Path) -> io::Result<()> {
    let mut extensions = fs::File::create(folder.join("san"))?;
    extensions.write_all(b"subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
    let run = |line: &str| -> io::Result<()> {
        let mut command = Command::new("openssl");
        command.current_dir(folder).args(line.split(' ')).stdin(Stdio::null());
        said(command.output()?).map(drop)
    };
    run("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem")?;
    run("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr")?;
    run(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
    )
}
