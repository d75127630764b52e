//! A shard of the room registry: knows which rooms of its part run in this process, starts them
//! when something is sent to them, and lets the idle ones go.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, StreamHandler, WrapFuture,
};
use futures_util::stream;

use super::mail::{Idle, Stop, ToRoom, ToShard, deliver};
use super::pod::{Alive, Pod};
use super::room::Room;
use crate::bus::{Announcement, Shard};
use crate::domain::RoomId;

struct Running {
    room: Addr<Room>,
    /// Commands sent to it. A room may only be let go when it has handled all of them.
    forwarded: u64,
}

/// One of the shards of the registry.
pub struct RegistryShard {
    shard: Shard,
    pod: Arc<Pod>,
    // Ordered, so that a simulation visits rooms in the same order each time.
    rooms: BTreeMap<RoomId, Running>,
    comparing: bool,
    _alive: Alive,
}

impl RegistryShard {
    #[must_use]
    pub fn new(shard: Shard, pod: Arc<Pod>) -> Self {
        let alive = pod.census();
        Self { shard, pod, rooms: BTreeMap::new(), comparing: false, _alive: alive }
    }

    fn forward(&mut self, room: RoomId, command: ToRoom, ctx: &Context<Self>) {
        // A room that panicked is gone for good: the next command starts it anew from the store.
        if self.rooms.get(&room).is_some_and(|running| !running.room.connected()) {
            self.rooms.remove(&room);
        }
        let running = self.rooms.entry(room).or_insert_with(|| Running {
            room: Room::new(room, self.pod.clone(), ctx.address()).start(),
            forwarded: 0,
        });
        running.forwarded += 1;
        deliver(&running.room, command);
    }

    fn ask_for_idle_rooms(&mut self) {
        for running in self.rooms.values_mut() {
            running.forwarded += 1;
            deliver(&running.room, ToRoom::AreYouIdle);
        }
    }

    /// The repair of silence where the bus may lose announcements.
    fn compare_heads(&mut self, ctx: &mut Context<Self>) {
        if self.rooms.is_empty() || self.comparing {
            return;
        }
        self.comparing = true;
        let store = self.pod.store.clone();
        let rooms = self.rooms.keys().copied().collect();
        let heads = async move { store.heads(rooms).await }.into_actor(self);
        ctx.spawn(heads.map(|heads, shard, ctx| {
            shard.comparing = false;
            match heads {
                Ok(heads) => {
                    for head in heads {
                        if shard.rooms.contains_key(&head.room) {
                            shard.forward(head.room, ToRoom::HeadIs(head.head), ctx);
                        }
                    }
                }
                Err(error) => log::warn!("heads were not compared: {error}"),
            }
        }));
    }
}

impl Actor for RegistryShard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let announcements = self.pod.bus.subscribe(self.shard);
        ctx.add_stream(stream::unfold(announcements, |mut from| async {
            let next = from.recv().await?;
            Some((next, from))
        }));
        let timing = &self.pod.settings.timing;
        ctx.run_interval(timing.room_idle / 4, |shard, _| shard.ask_for_idle_rooms());
        if self.pod.bus.is_lossy() {
            ctx.run_interval(timing.reconcile, |shard, ctx| shard.compare_heads(ctx));
        }
    }
}

impl StreamHandler<Announcement> for RegistryShard {
    fn handle(&mut self, announcement: Announcement, ctx: &mut Context<Self>) {
        let Announcement::Room(news) = announcement else { return };
        // Nobody here reads a room that does not run here.
        if self.rooms.contains_key(&news.room) {
            self.forward(news.room, ToRoom::Announce(news.entries.clone().into()), ctx);
        }
    }

    // The bus ending is no reason to end: own commits and the store still serve the readers.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<ToShard> for RegistryShard {
    type Result = ();

    fn handle(&mut self, to: ToShard, ctx: &mut Context<Self>) {
        if let ToRoom::Announce(_) = to.command
            && !self.rooms.contains_key(&to.room)
        {
            return;
        }
        self.forward(to.room, to.command, ctx);
    }
}

impl Handler<Idle> for RegistryShard {
    type Result = ();

    fn handle(&mut self, idle: Idle, _: &mut Context<Self>) {
        // With a command still on its way the room is needed after all.
        if self.rooms.get(&idle.room).is_some_and(|running| running.forwarded == idle.handled)
            && let Some(running) = self.rooms.remove(&idle.room)
        {
            deliver(&running.room, Stop);
        }
    }
}

impl Handler<Stop> for RegistryShard {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        for running in self.rooms.values() {
            deliver(&running.room, Stop);
        }
        ctx.stop();
    }
}
