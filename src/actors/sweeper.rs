//! Repairs silence: what was committed and perhaps never announced, what other processes announced
//! and this one never heard, and a history that was exchanged for another.
//!
//! Each turn costs at most a few statements per process, whatever the number of rooms.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::mail::{Stop, ToHub, ToRoom};
use super::pod::{Alive, Pod};
use crate::bus::{Announcement, Shard};
use crate::domain::{Epoch, Head, RoomId, Seq, SessionId, Timestamp};
use crate::protocol::CloseCode;
use crate::store::StoreError;

/// How often the sweeper looks whether something is due: the pace of repairs while the bus is away.
const TURN: Duration = Duration::from_millis(250);
/// How old an unannounced commit must be to be someone else's business.
const OVERDUE: Duration = Duration::from_secs(1);
/// How often logins and the epoch are looked at: what has no log to show a gap.
const LOOK: Duration = Duration::from_secs(5);
/// Logs announced in one go.
const SWEEP: usize = 500;
/// Rooms compared in one statement.
const ROOMS: usize = 5_000;

/// The one sweeper of a process.
pub struct Sweeper {
    pod: Arc<Pod>,
    turns: u32,
    sweeping: bool,
    comparing: bool,
    looking: bool,
    /// Where rooms stood when they were last compared, so that only news is told.
    known: HashMap<RoomId, Seq>,
    /// From when on revoked logins are asked about.
    logins_since: Timestamp,
    _alive: Alive,
}

impl Sweeper {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let alive = pod.census();
        let logins_since = pod.clock.now();
        Self {
            pod,
            turns: 0,
            sweeping: false,
            comparing: false,
            looking: false,
            known: HashMap::new(),
            logins_since,
            _alive: alive,
        }
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        self.turns = self.turns.wrapping_add(1);
        let every =
            |often: Duration| u32::try_from(often.as_millis() / TURN.as_millis()).unwrap_or(u32::MAX).max(1);
        if self.turns.is_multiple_of(every(OVERDUE)) && sweeps() {
            self.sweep(ctx);
        }
        let pace = if self.pod.bus.passes() { self.pod.settings.timing.reconcile } else { TURN };
        if self.turns.is_multiple_of(every(pace)) {
            self.compare_rooms(ctx);
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

    /// Heads of the rooms that are read here, where the bus may lose announcements.
    fn compare_rooms(&mut self, ctx: &mut Context<Self>) {
        let rooms = self.pod.open_rooms();
        if !self.pod.bus.is_lossy() || rooms.is_empty() || std::mem::replace(&mut self.comparing, true) {
            return;
        }
        let store = self.pod.store.clone();
        let heads = async move {
            let mut heads = Vec::with_capacity(rooms.len());
            for some in rooms.chunks(ROOMS) {
                heads.extend(store.heads(some.to_vec()).await?);
            }
            Ok::<_, StoreError>(heads)
        };
        ctx.spawn(heads.into_actor(self).map(|heads, sweeper, _| {
            sweeper.comparing = false;
            match heads {
                Ok(heads) => sweeper.compared(&heads),
                Err(error) => log::warn!("heads were not compared: {error}"),
            }
        }));
    }

    fn compared(&mut self, heads: &[Head]) {
        for head in heads {
            if self.known.get(&head.room) != Some(&head.head) {
                self.pod.tell_room(head.room, ToRoom::HeadIs(head.head));
            }
        }
        self.known = heads.iter().map(|head| (head.room, head.head)).collect();
    }

    /// Logins that were revoked elsewhere, and the epoch.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if !self.pod.bus.is_lossy() || std::mem::replace(&mut self.looking, true) {
            return;
        }
        let (store, since) = (self.pod.store.clone(), self.logins_since);
        let now = self.pod.clock.now();
        let look = async move {
            let revoked = store.logins_revoked_since(since).await?;
            Ok::<_, StoreError>((revoked, store.epoch().await?))
        };
        ctx.spawn(look.into_actor(self).map(move |found, sweeper, _| {
            sweeper.looking = false;
            match found {
                Ok((revoked, epoch)) => {
                    // Twice as far back as the last look: clocks of processes differ.
                    sweeper.logins_since = now.minus(LOOK * 2);
                    sweeper.found(&revoked, epoch);
                }
                Err(error) => log::warn!("logins and epoch were not looked at: {error}"),
            }
        }));
    }

    fn found(&mut self, revoked: &[SessionId], epoch: Epoch) {
        for session in revoked.iter().filter(|session| !self.pod.has_ended(**session)) {
            self.pod.login_ended(*session);
        }
        if epoch != self.pod.epoch() {
            log::warn!("the database's history is another one: every client starts anew");
            self.known.clear();
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
