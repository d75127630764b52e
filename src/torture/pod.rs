//! One server process of the cluster, behind its proxy.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::moment::{Moment, Stopwatch};
use super::process::{Process, log_line};
use super::proxy::Proxy;
use super::rest::Rest;
use super::targets::Targets;

/// Longest time that a start may take while everything else is well.
const START: Duration = Duration::from_secs(60);

/// How a life of a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Killed,
    /// Told to end, with the exit code and the time that it took.
    Drained {
        code: Option<i32>,
        took: Duration,
    },
    /// By itself, which it should not.
    Died,
}

/// One life of a process, from start to end.
#[derive(Clone, Debug)]
pub struct Life {
    pub pod: usize,
    pub started: Moment,
    pub ready: Option<Moment>,
    /// When it was told to end.
    pub told: Option<Moment>,
    pub ended: Option<(Moment, End)>,
    /// From when to when new connections reached it through its proxy.
    pub reached: (Moment, Option<Moment>),
}

/// A process that is started again and again behind the same proxy.
pub struct Pod {
    pub index: usize,
    /// Its own address, for the test itself.
    pub address: SocketAddr,
    pub proxy: Arc<Proxy>,
    pub lives: Vec<Life>,
    binary: PathBuf,
    /// What takes its place in the next rollout.
    other: PathBuf,
    env: Vec<(String, String)>,
    log: PathBuf,
    targets: Targets,
    process: Option<Process>,
}

impl Pod {
    /// # Errors
    /// When no port is free.
    pub async fn new(
        index: usize,
        (binary, other): (PathBuf, PathBuf),
        mut env: Vec<(String, String)>,
        (folder, targets): (&std::path::Path, Targets),
    ) -> io::Result<Self> {
        let address = quiet_address()?;
        env.push(("HOST".to_owned(), address.ip().to_string()));
        Ok(Self {
            index,
            address,
            proxy: Arc::new(Proxy::start(address).await?),
            lives: Vec::new(),
            binary,
            other,
            env,
            log: folder.join(format!("pod-{index}.log")),
            targets,
            process: None,
        })
    }

    /// Starts it and waits until it takes requests. While the database is away a start may fail:
    /// then again.
    ///
    /// # Errors
    /// When it does not come up at all.
    pub async fn start(&mut self, watch: Stopwatch, rest: &Rest) -> Result<(), String> {
        let begin = watch.now();
        let mut life = Life {
            pod: self.index,
            started: begin,
            ready: None,
            told: None,
            ended: None,
            reached: (begin, None),
        };
        while watch.now().since(begin) < START {
            let mut env = self.env.clone();
            env.push(("PORT".to_owned(), self.address.port().to_string()));
            let mut process = Process::start(&self.binary, &["serve"], &env, &self.log)
                .map_err(|error| format!("{}: {error}", self.binary.display()))?;
            while !process.has_ended() && watch.now().since(begin) < START {
                if rest.is_ready(self.address).await {
                    self.targets.add(self.index, self.address).map_err(|error| error.to_string())?;
                    life.ready = Some(watch.now());
                    self.process = Some(process);
                    self.lives.push(life);
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            if self.lives.is_empty() {
                // Everything was well: it would not come up another time either.
                break;
            }
            log_line(&format!("process {} did not come up, again", self.index));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = said.lines().last().unwrap_or("it said nothing");
        Err(format!("process {} does not come up: {last}; see {}", self.index, self.log.display()))
    }

    /// Ends it as a lost machine would.
    pub async fn kill(&mut self, watch: Stopwatch) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
        self.over(watch.now(), End::Killed);
    }

    /// Sends it a signal.
    pub async fn signal(&self, name: &str) {
        if let Some(process) = &self.process {
            process.signal(name).await;
        }
    }

    /// Tells it to end, and waits no longer than the grace.
    pub async fn drain(&mut self, watch: Stopwatch, grace: Duration) {
        if let Some(process) = self.process.take() {
            if let Err(error) = self.targets.remove(self.address) {
                log_line(&format!("the targets cannot be written: {error}"));
            }
            self.end(process, self.lives.len() - 1, watch, grace).await;
        }
    }

    /// Starts another process, leads new connections to it, and only then tells the old one to end.
    ///
    /// # Errors
    /// When the other one does not come up.
    pub async fn replace(&mut self, watch: Stopwatch, rest: &Rest, grace: Duration) -> Result<(), String> {
        let (old, life, was) = (self.process.take(), self.lives.len() - 1, self.address);
        self.address = quiet_address().map_err(|error| error.to_string())?;
        std::mem::swap(&mut self.binary, &mut self.other);
        self.start(watch, rest).await?;
        let now = watch.now();
        self.proxy.lead_to(self.address);
        self.lives[life].reached.1 = Some(now);
        if let Some(new) = self.lives.last_mut() {
            new.reached.0 = now;
        }
        self.targets.remove(was).map_err(|error| error.to_string())?;
        if let Some(old) = old {
            self.end(old, life, watch, grace).await;
        }
        Ok(())
    }

    /// Tells the process of this life to end.
    async fn end(&mut self, mut process: Process, life: usize, watch: Stopwatch, grace: Duration) {
        let begin = watch.now();
        self.lives[life].told = Some(begin);
        process.signal("TERM").await;
        let status = process.end(grace).await;
        let now = watch.now();
        let code = status.and_then(|status| status.code());
        if status.is_none() {
            process.kill().await;
        }
        self.lives[life].ended.get_or_insert((now, End::Drained { code, took: now.since(begin) }));
    }

    /// Notes that it ended by itself; true when it did.
    pub fn died(&mut self, watch: Stopwatch) -> bool {
        let died = self.process.as_mut().is_some_and(Process::has_ended);
        if died {
            self.process = None;
            self.over(watch.now(), End::Died);
        }
        died
    }

    fn over(&mut self, at: Moment, end: End) {
        if let Some(life) = self.lives.last_mut() {
            life.ended.get_or_insert((at, end));
        }
    }
}

/// A port that nobody listens on, below those that the system gives to who asks for any: a server
/// that is down for a moment finds it free again.
///
/// # Errors
/// When there is none.
pub fn quiet_address() -> io::Result<SocketAddr> {
    // A free port of the system's is a start that differs from run to run.
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let start = 12_000 + any % 18_000;
    for port in (start..30_000).chain(12_000..start) {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok((Ipv4Addr::LOCALHOST, port).into());
        }
    }
    Err(io::Error::other("no port is free"))
}
