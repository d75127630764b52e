//! Does to the cluster what the plan says, and notes what happened when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc::UnboundedSender;

use super::chance::Chance;
use super::client::{Event, Standing};
use super::history::{CutSheet, FaultSheet};
use super::moment::{Moment, Span, Stopwatch};
use super::plan::{Kind, Plan, Planned, Track};
use super::pod::Pod;
use super::process::log_line;
use super::proxy::{Cut, Proxy};
use super::rest::Rest;

/// Longer than anybody may be taken for present who is not.
const AWAY: Duration = Duration::from_secs(75);

/// After a command.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Default)]
pub struct Notes {
    pub faults: Vec<FaultSheet>,
    pub cuts: Vec<CutSheet>,
    pub database_away: Vec<Span>,
    pub redis_away: Vec<Span>,
}

/// Everything that faults are done to, but for the processes themselves.
pub struct Scene {
    pub watch: Stopwatch,
    pub rest: Rest,
    pub proxies: Vec<Arc<Proxy>>,
    pub clients: Vec<UnboundedSender<Event>>,
    pub standings: Vec<Arc<Standing>>,
    /// When nothing more is composed.
    pub end: Moment,
    pub notes: Arc<Mutex<Notes>>,
    pub seed: u64,
    /// What a process may take to end.
    pub grace: Duration,
    /// While a new release is rolled out a client cannot know who is old and who is new.
    pub rolling: Arc<AtomicBool>,
}

impl Scene {
    /// What happened so far.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, fault: &Planned, from: Moment, note: String) {
        let of_one = fault.kind.track() == Track::Processes && fault.kind != Kind::Rollout;
        let pod = of_one.then_some(fault.pod);
        let sheet = FaultSheet { kind: fault.kind, pod, span: Span::new(from, self.watch.now()), note };
        log_line(&sheet.to_string());
        self.notes().faults.push(sheet);
    }

    /// Waits until a fault is due, counted from `begin`.
    pub async fn wait(&self, begin: Moment, fault: &Planned) {
        tokio::time::sleep(begin.plus(fault.at).since(self.watch.now())).await;
    }

    /// Somebody else's servers are released anew by a command; afterwards people go on for a while.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn command(&self, command: &str) -> Result<(), String> {
        self.rolling.store(true, Ordering::Relaxed);
        let from = self.watch.now();
        let status = Command::new("sh").arg("-c").arg(command).kill_on_drop(true).status().await;
        let status = status.map_err(|error| format!("{command}: {error}"))?;
        let (kind, span) = (Kind::Rollout, Span::new(from, self.watch.now()));
        let sheet = FaultSheet { kind, pod: None, span, note: command.to_owned() };
        log_line(&sheet.to_string());
        self.notes().faults.push(sheet);
        tokio::time::sleep(AFTERWARDS).await;
        if status.success() { Ok(()) } else { Err(format!("{command}: {status}")) }
    }

    /// Faults of processes, one after the other.
    ///
    /// # Errors
    /// When one does not come up again.
    pub async fn processes(&self, plan: &Plan, begin: Moment, pods: &mut [Pod]) -> Result<(), String> {
        for fault in plan.of(Track::Processes) {
            self.wait(begin, fault).await;
            for pod in &mut *pods {
                if pod.died(self.watch) {
                    log_line(&format!("process {} died by itself", pod.index));
                    pod.start(self.watch, &self.rest).await?;
                }
            }
            let from = self.watch.now();
            if fault.kind == Kind::Rollout {
                self.roll_out(pods).await?;
                self.note(fault, from, String::new());
                continue;
            }
            let Some(pod) = pods.get_mut(fault.pod) else { continue };
            match fault.kind {
                Kind::Kill => {
                    self.send_away(fault.pod);
                    pod.kill(self.watch).await;
                    tokio::time::sleep(fault.lasting).await;
                    pod.start(self.watch, &self.rest).await?;
                }
                Kind::Stop => {
                    pod.signal("STOP").await;
                    tokio::time::sleep(fault.lasting).await;
                    pod.signal("CONT").await;
                }
                Kind::Drain => {
                    pod.drain(self.watch, self.grace).await;
                    pod.start(self.watch, &self.rest).await?;
                }
                _ => {
                    pod.proxy.blackhole();
                    tokio::time::sleep(fault.lasting).await;
                    pod.proxy.heal();
                }
            }
            self.note(fault, from, String::new());
        }
        Ok(())
    }

    /// Another process in place of each, one after the other.
    async fn roll_out(&self, pods: &mut [Pod]) -> Result<(), String> {
        self.rolling.store(true, Ordering::Relaxed);
        for pod in pods {
            pod.replace(self.watch, &self.rest, self.grace).await?;
        }
        self.rolling.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Two of those on this process do not come back for a while: others have to hear that.
    fn send_away(&self, pod: usize) {
        if self.watch.now().plus(AWAY) > self.end {
            return;
        }
        let there = self.standings.iter().zip(&self.clients);
        let there = there.filter(|(standing, _)| standing.pod.load(Ordering::Relaxed) == pod + 1);
        for (_, client) in there.take(2) {
            // A client that has ended tells so itself.
            let _ended = client.send(Event::Away(AWAY));
        }
    }

    /// Cuts of connections.
    pub async fn network(&self, plan: &Plan, begin: Moment) {
        let mut chance = Chance::new(self.seed ^ 0x6e65_7477);
        for fault in plan.of(Track::Network) {
            self.wait(begin, fault).await;
            let from = self.watch.now();
            let mut open: Vec<(usize, u16)> = Vec::new();
            for (pod, proxy) in self.proxies.iter().enumerate() {
                open.extend(proxy.peers().into_iter().map(|peer| (pod, peer)));
            }
            chance.shuffle(&mut open);
            let many = if fault.kind == Kind::CutOne { 1 } else { open.len().div_ceil(3) };
            open.truncate(many);
            let how = if fault.reset { Cut::Reset } else { Cut::Silence };
            let mut done = 0;
            for (pod, peer) in open {
                // Noted first: what is cut may be seen at once.
                let at = self.watch.now();
                if self.proxies[pod].cut(peer, how) {
                    self.notes().cuts.push(CutSheet { at, pod, peer, silent: how == Cut::Silence });
                    done += 1;
                }
            }
            self.note(fault, from, format!("{done} connections by {how:?}"));
        }
    }

    /// One message through every way at once.
    pub async fn senders(&self, plan: &Plan, begin: Moment) {
        let mut chance = Chance::new(self.seed ^ 0x7261_6365);
        for fault in plan.of(Track::Senders) {
            self.wait(begin, fault).await;
            let from = self.watch.now();
            for _ in 0..3 {
                if let Some(client) = self.clients.get(chance.index(self.clients.len())) {
                    // A client that has ended tells so itself.
                    let _ended = client.send(Event::Race);
                }
            }
            self.note(fault, from, String::new());
        }
    }
}
