//! A shard of the room registry: knows which rooms of its part run in this process, starts them
//! when something is sent to them, and lets the idle ones go.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, StreamHandler};
use futures_util::stream;
use tokio::time::Instant;

use super::lives::Vital;
use super::mail::{ForgetRooms, Grown, Idle, Stop, ToHub, ToPresence, ToRoom, ToShard, Typing, deliver};
use super::pod::Pod;
use super::room::Room;
use crate::bus::{Announcement, RoomNews, Shard, Whisper};
use crate::domain::journey::Station;
use crate::domain::{Concern, LogHead, RoomId};

/// How often those who follow rooms from afar are told that they grew.
const BUMP: Duration = Duration::from_secs(1);

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
    /// Rooms that grew since the last bump.
    grown: BTreeMap<RoomId, Grown>,
    bumped_at: Option<Instant>,
    /// A bump is on its way.
    bumping: bool,
    _vital: Vital,
}

impl RegistryShard {
    #[must_use]
    pub fn new(shard: Shard, pod: Arc<Pod>) -> Self {
        let vital = pod.vital("shard");
        Self {
            shard,
            pod,
            rooms: BTreeMap::new(),
            grown: BTreeMap::new(),
            bumped_at: None,
            bumping: false,
            _vital: vital,
        }
    }

    fn forward(&mut self, room: RoomId, command: ToRoom, ctx: &Context<Self>) {
        // Nobody here reads a room that does not run here.
        if !command.wakes() && !self.rooms.contains_key(&room) {
            return;
        }
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
        self.rooms.retain(|_, running| running.room.connected());
        for running in self.rooms.values_mut() {
            running.forwarded += 1;
            deliver(&running.room, ToRoom::AreYouIdle);
        }
    }

    /// A room grew, here or elsewhere: those who follow it from afar are told at most once per
    /// second.
    fn grew(&mut self, news: Grown, ctx: &mut Context<Self>) {
        match self.grown.entry(news.room) {
            Entry::Vacant(place) => drop(place.insert(news)),
            Entry::Occupied(mut grown) => {
                let grown = grown.get_mut();
                if news.head >= grown.head {
                    grown.members = news.members.or(grown.members);
                }
                grown.head = grown.head.max(news.head);
                grown.messages = grown.messages.max(news.messages);
                grown.concern.join(&news.concern);
            }
        }
        if self.bumping {
            return;
        }
        let since = self.bumped_at.map_or(BUMP, |at| at.elapsed());
        if since >= BUMP {
            return self.bump();
        }
        self.bumping = true;
        ctx.run_later(BUMP - since, |shard, _| shard.bump());
    }

    fn bump(&mut self) {
        self.bumping = false;
        self.bumped_at = Some(Instant::now());
        let grown: Arc<[Grown]> = std::mem::take(&mut self.grown).into_values().collect();
        self.pod.tell_every_hub(|| ToHub::Grew(grown.clone()));
    }

    fn heard(&mut self, news: Announcement, ctx: &mut Context<Self>) {
        match news {
            Announcement::Room(news) => {
                if let Some(last) = news.entries.last() {
                    let RoomNews { room, messages, members, concern, .. } = &*news;
                    let (room, messages, members) = (*room, *messages, *members);
                    let concern = concern.clone();
                    self.grew(Grown { room, head: last.seq, messages, members, concern }, ctx);
                }
                news.entries.iter().for_each(|entry| self.pod.note_entry(entry, Station::Heard));
                self.forward(news.room, ToRoom::Announce(news), ctx);
            }
            Announcement::Users(entries) => self.pod.hear_users(&entries),
            Announcement::Head(head) => {
                if let LogHead::Room(room, head) = head {
                    let concern = Concern::everyone();
                    self.grew(Grown { room, head, messages: 0, members: None, concern }, ctx);
                }
                self.pod.heard(head);
            }
            Announcement::LoginEnded(session) => self.pod.login_ended(session),
            Announcement::Asked { question, message, user } => self.pod.asked(question, message, user),
            Announcement::Noted { question, steps } => self.pod.noted(question, &steps),
            Announcement::Whisper(Whisper::Typing { room, user, until }) => {
                self.forward(room, ToRoom::Typing(Typing { user, until, reply: None }), ctx);
            }
            Announcement::Whisper(Whisper::Marks { room, user, marks }) => {
                self.forward(room, ToRoom::Marked { user, marks }, ctx);
            }
            Announcement::Whisper(whisper @ Whisper::Presence { .. }) => {
                self.pod.tell_presence(ToPresence::Whispered(whisper));
            }
        }
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
    }
}

impl StreamHandler<Announcement> for RegistryShard {
    fn handle(&mut self, news: Announcement, ctx: &mut Context<Self>) {
        self.heard(news, ctx);
    }

    // The bus ending is no reason to end: own commits and the store still serve the readers.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<ToShard> for RegistryShard {
    type Result = ();

    fn handle(&mut self, to: ToShard, ctx: &mut Context<Self>) {
        self.forward(to.room, to.command, ctx);
    }
}

impl Handler<Grown> for RegistryShard {
    type Result = ();

    fn handle(&mut self, grown: Grown, ctx: &mut Context<Self>) {
        self.grew(grown, ctx);
    }
}

impl Handler<ForgetRooms> for RegistryShard {
    type Result = ();

    fn handle(&mut self, _: ForgetRooms, _: &mut Context<Self>) {
        for running in std::mem::take(&mut self.rooms).into_values() {
            deliver(&running.room, Stop);
        }
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
