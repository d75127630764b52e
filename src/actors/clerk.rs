//! Does the work on people's own data that waits in the database: exports, and accounts that end. One
//! in each process; a job is one clerk's at a time, for as long as he says that he goes on. What he
//! leaves halfway, because he died or was stopped, another takes up where it stopped.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::lives::Vital;
use super::mail::Stop;
use super::pod::Pod;
use super::registry::Registry;
use crate::domain::job::{MOST_ATTEMPTS, Messages, progress, wait_after};
use crate::domain::{
    AuditFilter, ClientMsgId, Job, JobKind, JobPlace, JobState, JobStep, Operation, RoomKind, UserId,
};
use crate::error::{Code, Fault};
use crate::protocol::wire::{self, rfc3339};
use crate::store::{RoomView, StoreError};

/// How often a clerk looks whether something waits.
const TURN: Duration = Duration::from_secs(5);
/// For how long a job is his after each step.
const LEASE: Duration = Duration::from_secs(30);
/// Messages of one step.
const PAGE: usize = 200;
/// Messages whose texts are taken away at once.
const AT_ONCE: usize = 16;
/// Records read at once.
const RECORDS: usize = 500;
/// Before every message: no message has this key.
const FIRST: ClientMsgId = ClientMsgId(Uuid::nil());

/// Something was asked for.
#[derive(Message)]
#[rtype(result = "()")]
pub struct JobWaits;

/// The one clerk of a process.
pub struct Clerk {
    pod: Arc<Pod>,
    working: bool,
    /// Told to whoever works, too.
    stopping: Rc<Cell<bool>>,
    _vital: Vital,
}

impl Clerk {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let vital = pod.vital("clerk");
        Self { pod, working: false, stopping: Rc::default(), _vital: vital }
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        if self.stopping.get() || std::mem::replace(&mut self.working, true) {
            return;
        }
        let (pod, stopping) = (self.pod.clone(), self.stopping.clone());
        let work = async move {
            while !stopping.get() {
                match take(&pod).await {
                    Ok(Some(job)) => attempt(&pod, &job, &stopping).await,
                    Ok(None) => break,
                    Err(error) => {
                        log::warn!("no job was taken: {error}");
                        break;
                    }
                }
            }
            match pod.store.job_counts().await {
                Ok(counts) => pod.jobs.note(counts),
                Err(error) => log::warn!("jobs were not counted: {error}"),
            }
        };
        ctx.spawn(work.into_actor(self).map(|(), clerk, ctx| {
            clerk.working = false;
            if clerk.stopping.get() {
                ctx.stop();
            }
        }));
    }
}

async fn take(pod: &Pod) -> Result<Option<Job>, StoreError> {
    let now = pod.clock.now();
    pod.store.take_job(now, now.plus(LEASE)).await
}

/// Why an attempt did not come to its end.
enum Halted {
    /// This process ends.
    Stopping,
    /// Another has the job by now.
    Lost,
    Failed(String),
}

impl From<StoreError> for Halted {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Fault> for Halted {
    fn from(fault: Fault) -> Self {
        Self::Failed(format!("{}: {}", fault.code.as_str(), fault.detail))
    }
}

async fn attempt(pod: &Arc<Pod>, job: &Job, stopping: &Cell<bool>) {
    let (id, kind, attempt) = (job.id, job.kind.as_str(), job.attempts);
    let desk = Desk { pod: pod.clone(), job, stopping };
    let work = async {
        match job.kind {
            JobKind::Export => desk.export().await,
            JobKind::Deletion { messages } => desk.end_account(messages).await,
        }
    };
    // A job that makes its clerk panic would end each process in turn.
    let done = AssertUnwindSafe(work).catch_unwind().await;
    let done = done.unwrap_or_else(|_| Err(Halted::Failed("it panicked".to_owned())));
    let now = pod.clock.now();
    let noted = match done {
        Ok(()) => pod.store.job_over(id, attempt, JobState::Done, now).await,
        Err(Halted::Lost) => return log::info!("job {id} ({kind}) is another's by now"),
        // Given back: another goes on with it at once. Rooms that end refuse everything.
        Err(Halted::Stopping) => pod.store.job_later(id, attempt, now).await,
        Err(Halted::Failed(_)) if stopping.get() => pod.store.job_later(id, attempt, now).await,
        // An account that was given up has to end, however long it takes.
        Err(Halted::Failed(why)) if attempt >= MOST_ATTEMPTS && job.kind == JobKind::Export => {
            log::error!("job {id} ({kind}) is given up after {attempt} attempts: {why}");
            pod.store.job_over(id, attempt, JobState::Failed, now).await
        }
        Err(Halted::Failed(why)) => {
            let wait = wait_after(attempt);
            log::warn!("job {id} ({kind}) failed, attempt {attempt}, next in {} s: {why}", wait.as_secs());
            pod.store.job_later(id, attempt, now.plus(wait)).await
        }
    };
    if let Err(error) = noted {
        // It is due again when it is nobody's any more.
        log::warn!("what became of job {id} ({kind}) was not noted: {error}");
    }
}

/// One attempt.
struct Desk<'j> {
    pod: Arc<Pod>,
    job: &'j Job,
    stopping: &'j Cell<bool>,
}

impl Desk<'_> {
    async fn step(&self, step: JobStep) -> Result<(), Halted> {
        let until = self.pod.clock.now().plus(LEASE);
        let kept = self.pod.store.job_step(self.job.id, self.job.attempts, step, until).await?;
        if kept { self.go_on() } else { Err(Halted::Lost) }
    }

    fn go_on(&self) -> Result<(), Halted> {
        if self.stopping.get() { Err(Halted::Stopping) } else { Ok(()) }
    }

    async fn export(&self) -> Result<(), Halted> {
        let (store, user) = (&self.pod.store, self.job.user);
        let mut after = match self.job.at {
            Some(JobPlace::Rest) => return Ok(()),
            Some(JobPlace::Message(key)) => key,
            None => {
                let part = Some(self.about(user).await?);
                self.step(JobStep { at: JobPlace::Message(FIRST), progress: 0, part }).await?;
                FIRST
            }
        };
        let all = store.own_message_count(user).await?;
        let mut done = u64::from(self.job.progress) * all / 1_000;
        loop {
            let page = store.own_messages(user, Some(after), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.client_msg_id;
            done += page.len() as u64;
            let line = |message| json!({ "type": "message", "message": wire::Message::of(message, Some(user), &self.pod.links) });
            let part = lines(page.iter().map(line));
            let step =
                JobStep { at: JobPlace::Message(after), progress: progress(done, all), part: Some(part) };
            self.step(step).await?;
        }
        Ok(())
    }

    /// All but the messages.
    async fn about(&self, user: UserId) -> Result<String, Halted> {
        let (store, now) = (&self.pod.store, self.pod.clock.now());
        let known =
            store.user(user).await?.ok_or_else(|| Halted::Failed("there is no such account".into()))?;
        let mut all = vec![json!({
            "type": "account",
            "createdAt": rfc3339(known.created_at),
            "user": wire::User::own(&known),
        })];
        all.extend(store.logins_of(user, now).await?.into_iter().map(|login| {
            json!({
                "type": "login",
                "device": login.session.device,
                "network": login.session.network,
                "createdAt": rfc3339(login.session.created_at),
                "lastUsedAt": rfc3339(login.last_used_at),
            })
        }));
        let blocks = store.blocks_of(user).await?;
        all.extend(blocks.iter().map(|user| json!({ "type": "block", "userId": user.id.0 })));
        let rooms = store.rooms_of(user, 0).await?;
        all.extend(rooms.iter().map(|view| {
            let room = &view.room;
            json!({
                "type": "room",
                "id": room.id.0,
                "name": room.name.as_str(),
                "isPrivate": room.is_private,
                "role": view.mine.map(|(role, _)| role.as_str()),
                "settings": view.mine.map(|(_, settings)| wire::RoomSettings::from(settings)),
            })
        }));
        all.extend(store.invites_of(user, now).await?.into_iter().map(|pending| {
            let invite = pending.invite;
            json!({
                "type": "invitation",
                "roomId": invite.room.0,
                "invitedBy": invite.by.0,
                "createdAt": rfc3339(invite.created_at),
            })
        }));
        all.extend(store.reports_by(user).await?.into_iter().map(|report| {
            json!({
                "type": "report",
                "messageId": report.message.0,
                "roomId": report.room.0,
                "reason": report.reason.as_str(),
                "at": rfc3339(report.at),
            })
        }));
        let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
        let mut before = None;
        loop {
            let page = store.audit_page(filter.clone(), RECORDS, before).await?;
            all.extend(page.records.into_iter().map(|record| {
                json!({
                    "type": "record",
                    "at": rfc3339(record.at),
                    "event": record.event.as_str(),
                    "actor": record.actor.as_str(),
                    "network": record.network,
                })
            }));
            before = page.next;
            if before.is_none() {
                return Ok(lines(all));
            }
        }
    }

    async fn end_account(&self, messages: Messages) -> Result<(), Halted> {
        if messages == Messages::Delete && self.job.at != Some(JobPlace::Rest) {
            self.erase().await?;
        }
        self.step(JobStep { at: JobPlace::Rest, progress: 900, part: None }).await?;
        let (user, registry) = (self.job.user, Registry::new(self.pod.clone()));
        // Conversations stay as they were made: there he is from now on somebody without a name.
        let left = |view: &RoomView| view.room.kind != RoomKind::Direct;
        for view in self.pod.store.rooms_of(user, 0).await?.into_iter().filter(left) {
            gone(registry.submit(view.room.id, Operation::Leave { user }).await.map(drop))?;
        }
        Ok(self.pod.store.anonymise(user).await?)
    }

    /// Takes away the texts of all messages, the way any deletion goes, so that everybody is told.
    async fn erase(&self) -> Result<(), Halted> {
        let (store, author) = (&self.pod.store, self.job.user);
        let registry = Registry::new(self.pod.clone());
        let mut after = match self.job.at {
            Some(JobPlace::Message(key)) => key,
            Some(JobPlace::Rest) | None => FIRST,
        };
        let all = store.own_message_count(author).await?;
        let mut done = u64::from(self.job.progress) * all / 1_000;
        loop {
            let page = store.own_messages(author, Some(after), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.client_msg_id;
            done += page.len() as u64;
            let left: Vec<_> = page.iter().filter(|message| message.deleted_at.is_none()).collect();
            for some in left.chunks(AT_ONCE) {
                let erase = |message: &&crate::domain::Message| {
                    registry.submit(message.room, Operation::Erase { author, message: message.id })
                };
                self.go_on()?;
                for outcome in join_all(some.iter().map(erase)).await {
                    gone(outcome.map(drop))?;
                }
            }
            let at = JobPlace::Message(after);
            self.step(JobStep { at, progress: progress(done, all).min(900), part: None }).await?;
        }
    }
}

/// What is not there any more needs no end.
fn gone(outcome: Result<(), Fault>) -> Result<(), Halted> {
    match outcome {
        Err(fault) if matches!(fault.code, Code::NotFound | Code::NotMember) => Ok(()),
        other => Ok(other?),
    }
}

fn lines(all: impl IntoIterator<Item = serde_json::Value>) -> String {
    all.into_iter().map(|line| format!("{line}\n")).collect()
}

impl Actor for Clerk {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(TURN, Self::turn);
    }
}

impl Handler<JobWaits> for Clerk {
    type Result = ();

    fn handle(&mut self, _: JobWaits, ctx: &mut Context<Self>) {
        self.turn(ctx);
    }
}

/// Stops when the step under way is done; the job is given back.
impl Handler<Stop> for Clerk {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        self.stopping.set(true);
        if !self.working {
            ctx.stop();
        }
    }
}
