//! Who is here: counts this process's people, hears of those of others, and tells who watches.
//!
//! What follows for a person is decided by [`crate::domain::presence::Roster`]; here it is fed and
//! its changes are told, at most once per second and connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tokio::time::Instant;

use super::lives::Vital;
use super::mail::{HubId, LinkKey, Place, Stop, ToHub, ToPresence};
use super::outbox::Topic;
use super::pod::Pod;
use crate::bus::{Announcement, Shard, Whisper};
use crate::domain::presence::{Presence as Standing, Seen};
use crate::domain::{Timestamp, UserId};
use crate::protocol::news;

/// How long changes of this process's people gather before they are written and whispered.
const GATHER: Duration = Duration::from_millis(250);
/// How long at least lies between two digests to one connection.
const DIGEST: Duration = Duration::from_secs(1);
/// How often the leases of all processes are read.
const READ: Duration = Duration::from_secs(5);

/// The one keeper of presence of a process.
pub struct Presence {
    pod: Arc<Pod>,
    /// Connections here that count.
    here: HashMap<UserId, u32>,
    /// Where people stand whose change is not told yet.
    changed: BTreeMap<UserId, Standing>,
    /// Who left from here, until he counts as offline or comes back.
    left: BTreeMap<UserId, Timestamp>,
    watchers: HashMap<UserId, Vec<Place>>,
    watched: HashMap<Place, Vec<UserId>>,
    /// Of whom a connection is to be told, as soon as its last digest is old enough.
    owed: BTreeMap<(HubId, LinkKey), BTreeSet<UserId>>,
    /// When a connection was told last. Kept when it watches others, or nobody: whoever asks anew all
    /// the time is told no more often.
    told: HashMap<Place, Instant>,
    writing: bool,
    reading: bool,
    _vital: Vital,
}

impl Presence {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let vital = pod.vital("keeper of presence");
        Self {
            pod,
            here: HashMap::new(),
            changed: BTreeMap::new(),
            left: BTreeMap::new(),
            watchers: HashMap::new(),
            watched: HashMap::new(),
            owed: BTreeMap::new(),
            told: HashMap::new(),
            writing: false,
            reading: false,
            _vital: vital,
        }
    }

    fn count(&mut self, user: UserId, connections: u32) {
        let now = self.pod.clock.now();
        if connections == 0 {
            self.here.remove(&user);
            self.left.insert(user, now);
        } else {
            self.here.insert(user, connections);
            self.left.remove(&user);
        }
        let (user, standing) = self.pod.roster().own(user, connections, now);
        self.changed.insert(user, standing);
    }

    /// Tells the leases and the other processes what changed here.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.changed.is_empty() || std::mem::replace(&mut self.writing, true) {
            return;
        }
        let changed: Vec<_> = std::mem::take(&mut self.changed).into_iter().collect();
        let people = changed.iter().map(|(user, now)| (*user, now.connections, now.last_seen)).collect();
        let whisper = Whisper::Presence { pod: self.pod.id, people };
        self.pod.bus.publish(Shard::of_id(self.pod.id.0), Announcement::Whisper(whisper));
        let leases = self.pod.leases.clone();
        let put = async move { leases.put(changed).await }.into_actor(self);
        ctx.spawn(put.map(|put, presence, _| {
            presence.writing = false;
            if let Err(error) = put {
                log::debug!("presence was not written now: {error}");
            }
        }));
    }

    /// What the leases say puts right what whispers missed, and ends who died.
    fn read(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.reading, true) {
            return;
        }
        let leases = self.pod.leases.clone();
        let all = async move { leases.all().await }.into_actor(self);
        ctx.spawn(all.map(|all, presence, _| {
            presence.reading = false;
            match all {
                Ok(all) => presence.pod.roster().read(&all, presence.pod.clock.now()),
                Err(error) => log::debug!("presence was not read now: {error}"),
            }
        }));
    }

    /// Notes who is to be told of what changed, and tells those whose last digest is old enough.
    fn digest(&mut self, ctx: &mut Context<Self>) {
        let changes = self.pod.roster().changes(self.pod.clock.now());
        let mut offline = Vec::new();
        for Seen { user, online, .. } in changes {
            if !online && let Some(left) = self.left.remove(&user) {
                offline.push((user, left));
            }
            for place in self.watchers.get(&user).into_iter().flatten() {
                self.owed.entry((place.hub, place.link)).or_default().insert(user);
            }
        }
        let owed: Vec<_> = self.owed.keys().copied().collect();
        for (hub, link) in owed {
            self.tell(Place { hub, link });
        }
        self.note_seen(offline, ctx);
    }

    fn note_seen(&self, seen: Vec<(UserId, Timestamp)>, ctx: &mut Context<Self>) {
        if seen.is_empty() {
            return;
        }
        let store = self.pod.store.clone();
        let noted = async move { store.note_seen(seen).await }.into_actor(self);
        ctx.spawn(noted.map(|noted, _, _| {
            if let Err(error) = noted {
                log::warn!("when people were last seen was not stored: {error}");
            }
        }));
    }

    /// Tells a connection what it is owed, unless it was told within the last second: then a later
    /// digest does, of where people stand by then.
    fn tell(&mut self, place: Place) {
        if self.told.get(&place).is_some_and(|at| at.elapsed() < DIGEST) {
            return;
        }
        let Some(users) = self.owed.remove(&(place.hub, place.link)) else { return };
        self.told.insert(place, Instant::now());
        let frame = news::presence(&self.standing(place, &users));
        let message = ToHub::WhisperTo { links: vec![place.link], topic: Topic::Presence, frame };
        self.pod.tell_hub(place.hub, message);
    }

    fn watch(&mut self, place: Place, users: Vec<UserId>) {
        self.unwatch(place);
        if users.is_empty() {
            return;
        }
        for user in &users {
            let watchers = self.watchers.entry(*user).or_default();
            if !watchers.contains(&place) {
                watchers.push(place);
            }
        }
        self.watched.insert(place, users);
        self.owe_everyone(place);
        self.tell(place);
    }

    fn owe_everyone(&mut self, place: Place) {
        if let Some(users) = self.watched.get(&place) {
            self.owed.insert((place.hub, place.link), users.iter().copied().collect());
        }
    }

    /// Where these people stand, in the order in which they were asked for.
    fn standing(&self, place: Place, users: &BTreeSet<UserId>) -> Vec<news::Presence> {
        let roster = self.pod.roster();
        let now = |user: &UserId| news::Presence {
            user: *user,
            is_online: roster.is_online(*user),
            last_seen: roster.last_seen(*user),
        };
        let watched = self.watched.get(&place).into_iter().flatten();
        watched.filter(|user| users.contains(user)).map(now).collect()
    }

    fn unwatch(&mut self, place: Place) {
        self.owed.remove(&(place.hub, place.link));
        for user in self.watched.remove(&place).unwrap_or_default() {
            if let Some(watchers) = self.watchers.get_mut(&user) {
                watchers.retain(|watcher| *watcher != place);
                if watchers.is_empty() {
                    self.watchers.remove(&user);
                }
            }
        }
    }
}

impl Actor for Presence {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(GATHER, |presence, ctx| {
            presence.flush(ctx);
            presence.digest(ctx);
        });
        ctx.run_interval(READ, |presence, ctx| presence.read(ctx));
        self.read(ctx);
    }
}

impl Handler<ToPresence> for Presence {
    type Result = ();

    fn handle(&mut self, told: ToPresence, _: &mut Context<Self>) {
        match told {
            ToPresence::Came { user } => self.count(user, self.here.get(&user).copied().unwrap_or(0) + 1),
            ToPresence::Went { user } => {
                let before = self.here.get(&user).copied().unwrap_or(0);
                self.count(user, before.saturating_sub(1));
            }
            ToPresence::Watch { place, users } => self.watch(place, users),
            // A digest has changes only: who lacks one is told of everyone he watches.
            ToPresence::Missed { place } => self.owe_everyone(place),
            ToPresence::Unwatch { place } => {
                self.unwatch(place);
                self.told.remove(&place);
            }
            ToPresence::Whispered(Whisper::Presence { pod, people }) => {
                self.pod.roster().heard(pod, &people, self.pod.clock.now());
            }
            ToPresence::Whispered(Whisper::Typing { .. } | Whisper::Marks { .. }) => {}
        }
    }
}

/// Stops after it is stored when those who were here last were.
impl Handler<Stop> for Presence {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        let now = self.pod.clock.now();
        let mut seen = std::mem::take(&mut self.left);
        seen.extend(self.here.keys().map(|user| (*user, now)));
        let store = self.pod.store.clone();
        let noted = async move {
            if !seen.is_empty()
                && let Err(error) = store.note_seen(seen.into_iter().collect()).await
            {
                log::warn!("when people were last seen was not stored: {error}");
            }
        };
        ctx.wait(noted.into_actor(self).map(|(), _, ctx: &mut Context<Self>| ctx.stop()));
    }
}
