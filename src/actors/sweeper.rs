//! Repairs silence: what was committed and perhaps never announced, what other processes announced
//! and this one never heard, and a history that was exchanged for another.
//!
//! Each turn costs at most a few statements per process, whatever the number of rooms. Here is when
//! what is due, the outbox and the epoch; how heads are compared stands in [`super::comparing`].

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::comparing::Comparisons;
use super::lives::Vital;
use super::mail::{Stop, ToHub};
use super::pod::Pod;
use crate::bus::{Announcement, Shard};
use crate::domain::{Epoch, Timestamp};
use crate::protocol::CloseCode;
use crate::store::StoreError;

/// How often the sweeper looks whether something is due: the pace of repairs while the bus is away.
const TURN: Duration = Duration::from_millis(250);
/// How old an unannounced commit must be to be someone else's business.
const OVERDUE: Duration = Duration::from_secs(1);
/// How often the epoch and the outbox's age are looked at: what has no log to show a gap.
const LOOK: Duration = Duration::from_secs(5);
/// How often logins that were ended elsewhere are looked for, by another process or at the command
/// line: their sockets have to close within two seconds.
const LOGINS: Duration = Duration::from_secs(1);
/// How far back is looked for them: clocks of processes differ.
const LOGINS_BACK: Duration = Duration::from_secs(10);
/// How often rooms are compared that are only followed. They are many, and nobody looks at them.
const FOLLOWED: Duration = Duration::from_secs(5);
/// The same while announcements do not pass: then nothing else tells of them.
const FOLLOWED_ALONE: Duration = Duration::from_secs(1);
/// Logs announced in one go.
const SWEEP: usize = 500;

/// The one sweeper of a process.
pub struct Sweeper {
    pub(super) pod: Arc<Pod>,
    turns: u32,
    sweeping: bool,
    looking: bool,
    looking_for_logins: bool,
    pub(super) comparisons: Comparisons,
    /// From when on revoked logins are asked about.
    logins_since: Timestamp,
    _vital: Vital,
}

impl Sweeper {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let vital = pod.vital("sweeper");
        let logins_since = pod.clock.now();
        Self {
            pod,
            turns: 0,
            sweeping: false,
            looking: false,
            looking_for_logins: false,
            comparisons: Comparisons::default(),
            logins_since,
            _vital: vital,
        }
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        self.turns = self.turns.wrapping_add(1);
        let every =
            |often: Duration| u32::try_from(often.as_millis() / TURN.as_millis()).unwrap_or(u32::MAX).max(1);
        if self.turns.is_multiple_of(every(OVERDUE)) && sweeps() {
            self.sweep(ctx);
        }
        if self.turns.is_multiple_of(every(LOGINS)) {
            self.look_for_logins(ctx);
        }
        let recount = every(self.pod.settings.timing.recount);
        if self.turns.is_multiple_of(recount) {
            self.recount(self.turns / recount, ctx);
        }
        if !self.pod.bus.is_lossy() {
            // Nobody else writes, and nothing gets lost.
            return;
        }
        let reconcile = self.pod.settings.timing.reconcile;
        let (open, followed) =
            if self.pod.bus.passes() { (reconcile, FOLLOWED) } else { (TURN, FOLLOWED_ALONE) };
        if self.turns.is_multiple_of(every(open)) {
            self.compare_rooms(ctx);
            self.compare_users(ctx);
        }
        if self.turns.is_multiple_of(every(followed)) {
            self.compare_followed(ctx);
        }
        if self.turns.is_multiple_of(every(LOOK)) {
            self.look(ctx);
        }
    }

    /// The outbox: takes away what was announced, announces what is overdue.
    fn sweep(&mut self, ctx: &mut Context<Self>) {
        if !self.pod.store.keeps_outbox() || std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        let pod = self.pod.clone();
        let sweep = async move {
            let announced = pod.bus.take_announced();
            if !announced.is_empty() {
                pod.store.announced(announced).await?;
            }
            if !pod.bus.is_up() {
                // Nobody would hear it; rooms are compared instead.
                return Ok(());
            }
            let now = pod.clock.now();
            for head in pod.store.unannounced(now.minus(OVERDUE), now, SWEEP).await? {
                pod.telemetry.swept();
                pod.bus.publish(Shard::of_log(head), Announcement::Head(head));
                // Our own rooms hear it too: it may have been another process that died.
                pod.heard(head);
            }
            Ok::<_, StoreError>(())
        };
        ctx.spawn(sweep.into_actor(self).map(|swept, sweeper, _| {
            sweeper.sweeping = false;
            if let Err(error) = swept {
                log::warn!("the outbox was not swept: {error}");
            }
        }));
    }

    /// Logins that were ended elsewhere.
    fn look_for_logins(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.looking_for_logins, true) {
            return;
        }
        let (store, since, now) = (self.pod.store.clone(), self.logins_since, self.pod.clock.now());
        let look = async move { store.logins_revoked_since(since).await };
        ctx.spawn(look.into_actor(self).map(move |found, sweeper, _| {
            sweeper.looking_for_logins = false;
            match found {
                Ok(revoked) => {
                    sweeper.logins_since = now.minus(LOGINS_BACK);
                    for session in revoked.iter().filter(|session| !sweeper.pod.has_ended(**session)) {
                        sweeper.pod.login_ended(*session);
                    }
                }
                Err(error) => log::warn!("logins were not looked at: {error}"),
            }
        }));
    }

    /// The epoch, and how old the outbox is.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let store = self.pod.store.clone();
        let (pod, now) = (self.pod.clone(), self.pod.clock.now());
        let look = async move {
            if store.keeps_outbox() {
                let (rows, oldest) = store.unannounced_now().await?;
                pod.telemetry.outbox(rows, oldest.map_or(Duration::ZERO, |oldest| now.since(oldest)));
            }
            store.epoch().await
        };
        ctx.spawn(look.into_actor(self).map(|found, sweeper, _| {
            sweeper.looking = false;
            match found {
                Ok(epoch) => sweeper.found(epoch),
                Err(error) => log::warn!("the epoch was not looked at: {error}"),
            }
        }));
    }

    fn found(&mut self, epoch: Epoch) {
        if epoch != self.pod.epoch() {
            log::warn!("the database's history is another one: every client starts anew");
            self.comparisons.forget();
            self.pod.begin_epoch(epoch);
            self.pod.tell_every_hub(|| ToHub::CloseAll { code: CloseCode::PositionLost });
        }
    }
}

/// Whether the outbox is swept: always, short of a deliberate fault.
#[cfg(feature = "torture")]
fn sweeps() -> bool {
    !super::broken::is("no-sweeper")
}

/// Whether the outbox is swept: always.
#[cfg(not(feature = "torture"))]
const fn sweeps() -> bool {
    true
}

impl Actor for Sweeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(TURN, |sweeper, ctx| sweeper.turn(ctx));
    }
}

impl Handler<Stop> for Sweeper {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
