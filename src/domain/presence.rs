//! Who is online, from what many processes say.
//!
//! A person is online while any process has a connection of his, and for a grace after the last one
//! ended: a cut that is mended within it is seen by nobody. No clock: `now` comes with each call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{PodId, Timestamp, UserId};

/// Where a person stands with one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    pub connections: u32,
    /// When this was so; of two statements of one process about one person the later one holds.
    pub last_seen: Timestamp,
}

impl Presence {
    /// What is so when all of his connections to that process end.
    #[must_use]
    pub fn ended(self, now: Timestamp) -> Self {
        match self.connections {
            0 => self,
            _ => Self { connections: 0, last_seen: now.max(self.last_seen.plus(Duration::from_millis(1))) },
        }
    }
}

/// Times that a roster goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceRules {
    /// How long after his last connection a person still counts as online.
    pub grace: Duration,
    /// For how long a process was silent, at least, when its lease is found to have lapsed: a bit less
    /// than its life without the interval of its renewal. The grace of its people began so long ago.
    pub silent: Duration,
    /// A process of which nothing was heard for so long is forgotten, whatever the reason: also when
    /// the leases themselves cannot be read.
    pub forget: Duration,
    /// How long it is remembered when somebody who is offline was last there.
    pub remember: Duration,
}

impl Default for PresenceRules {
    /// 15 s of grace; leases of 15 s, renewed every 5 s and read every 5 s: whoever was on a process
    /// that died is offline 16 to 26 s later.
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { grace: secs(15), silent: secs(9), forget: secs(30), remember: secs(600) }
    }
}

/// What is told of a person whose standing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub user: UserId,
    pub online: bool,
    pub last_seen: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Pod {
    heard: Timestamp,
    /// Those of another process who are gone stay until a read lacks them: an older statement that
    /// comes later must not bring them back.
    people: BTreeMap<UserId, Presence>,
}

/// A person, summed over all processes.
#[derive(Clone, Copy, Debug)]
struct Person {
    connections: u32,
    last_seen: Timestamp,
    /// What was told last, or would have been at the first question.
    told: bool,
    /// Since when he has no connection.
    gone: Option<Timestamp>,
}

/// One process's view of everybody who is connected anywhere.
///
/// Fed with what its own sockets do ([`Self::own`]), what other processes whisper
/// ([`Self::heard`]), and what the leases say from time to time ([`Self::read`]); asked for what
/// changed by [`Self::changes`], which also lets time pass. Whispers may be lost, doubled or late,
/// and reads may be older than whispers: for each process and person the latest statement holds, and
/// what is wrong after that is put right by the next read.
#[derive(Debug)]
pub struct Roster {
    own: PodId,
    rules: PresenceRules,
    pods: BTreeMap<PodId, Pod>,
    people: BTreeMap<UserId, Person>,
    /// Whose standing may differ from what was told.
    touched: BTreeSet<UserId>,
    /// The latest that was stated of anybody here.
    stated: Timestamp,
    /// When time alone changes something: the grace of somebody ends, or what is remembered of him.
    due: BTreeSet<(Timestamp, UserId)>,
}

impl Roster {
    #[must_use]
    pub fn new(own: PodId, rules: PresenceRules) -> Self {
        Self {
            own,
            rules,
            pods: BTreeMap::new(),
            people: BTreeMap::new(),
            touched: BTreeSet::new(),
            stated: Timestamp::default(),
            due: BTreeSet::new(),
        }
    }

    /// A person has so many connections to this process now. Answers what the leases and the other
    /// processes are to be told. That is never older than what was stated before: else the others
    /// would pass it over when this process's clock went back.
    pub fn own(&mut self, user: UserId, connections: u32, now: Timestamp) -> (UserId, Presence) {
        self.stated = self.stated.max(now);
        let before = self.people.get(&user).map_or(Timestamp::default(), |person| person.last_seen);
        let last_seen = self.stated.max(before.plus(Duration::from_millis(1)));
        let presence = Presence { connections, last_seen };
        let people = &mut self.pods.entry(self.own).or_default().people;
        if connections == 0 {
            people.remove(&user);
        } else {
            people.insert(user, presence);
        }
        self.sum(user, last_seen, now);
        (user, presence)
    }

    /// The people of this process: to be put under a lease, or told to a newcomer.
    #[must_use]
    pub fn own_people(&self) -> Vec<(UserId, Presence)> {
        let own = self.pods.get(&self.own);
        own.map(|pod| pod.people.iter().map(|(user, presence)| (*user, *presence)).collect())
            .unwrap_or_default()
    }

    /// Another process told where some of its people stand.
    pub fn heard(&mut self, pod: PodId, people: &[(UserId, u32, Timestamp)], now: Timestamp) {
        if pod == self.own {
            return;
        }
        let known = self.pods.entry(pod).or_default();
        known.heard = known.heard.max(now);
        for (user, connections, last_seen) in people {
            self.state(pod, *user, Presence { connections: *connections, last_seen: *last_seen }, now);
        }
    }

    /// All leases were read. A process that is not among them died: one that ended in order is among
    /// them for a while longer, with nobody connected, so that the grace of those who were begins
    /// then and not some time before. Somebody who is not
    /// among the people of his process is gone from it. Where this process itself is not among them
    /// the leases were lost, not their holders: then nobody is forgotten.
    pub fn read(&mut self, all: &BTreeMap<PodId, BTreeMap<UserId, Presence>>, now: Timestamp) {
        let own = self.own;
        if all.contains_key(&own) {
            let lapsed: Vec<_> =
                self.pods.keys().filter(|pod| **pod != own && !all.contains_key(pod)).copied().collect();
            for pod in lapsed {
                self.forget(pod, now.minus(self.rules.silent));
            }
        }
        for (pod, people) in all.iter().filter(|(pod, _)| **pod != own) {
            let known = self.pods.entry(*pod).or_default();
            known.heard = known.heard.max(now);
            let left: Vec<_> = known.people.keys().filter(|u| !people.contains_key(u)).copied().collect();
            for user in left {
                self.drop_from(*pod, user, now);
            }
            for (user, presence) in people {
                self.state(*pod, *user, *presence, now);
            }
        }
    }

    /// Processes that are known to live, this one included.
    #[must_use]
    pub fn pods(&self) -> usize {
        self.pods.keys().filter(|pod| **pod != self.own).count() + 1
    }

    /// Whether somebody counts as online, as of the last call that was given the time.
    #[must_use]
    pub fn is_online(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| person.connections > 0 || person.gone.is_some())
    }

    /// When somebody was last there, as far as it is remembered.
    #[must_use]
    pub fn last_seen(&self, user: UserId) -> Option<Timestamp> {
        self.people.get(&user).map(|person| person.last_seen)
    }

    /// Somebody's connections to all processes.
    #[must_use]
    pub fn connections(&self, user: UserId) -> u32 {
        self.people.get(&user).map_or(0, |person| person.connections)
    }

    /// Somebody's connections to the other processes, as far as they are known.
    #[must_use]
    pub fn connections_elsewhere(&self, user: UserId) -> u32 {
        let others = self.pods.iter().filter(|(pod, _)| **pod != self.own);
        let of_pods = others.filter_map(|(_, pod)| pod.people.get(&user));
        of_pods.map(|p| p.connections).fold(0, u32::saturating_add)
    }

    /// Everybody who counts as online.
    pub fn online(&self) -> impl Iterator<Item = UserId> + '_ {
        self.people.keys().filter(|user| self.is_online(**user)).copied()
    }

    /// Lets time pass, and answers whose standing is another one than when this was last asked: once
    /// each, and nobody who came and went in between.
    pub fn changes(&mut self, now: Timestamp) -> Vec<Seen> {
        self.pass(now);
        let touched = std::mem::take(&mut self.touched);
        let mut changes = Vec::new();
        for user in touched {
            let online = self.is_online(user);
            if let Some(person) = self.people.get_mut(&user)
                && person.told != online
            {
                person.told = online;
                changes.push(Seen { user, online, last_seen: person.last_seen });
            }
        }
        changes
    }

    fn pass(&mut self, now: Timestamp) {
        let silent: Vec<_> = self
            .pods
            .iter()
            .filter(|(pod, known)| **pod != self.own && now.since(known.heard) >= self.rules.forget)
            .map(|(pod, known)| (*pod, known.heard))
            .collect();
        for (pod, heard) in silent {
            self.forget(pod, heard);
        }
        while let Some((at, user)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, user));
            self.settle(user, now);
        }
    }

    /// Ends somebody's grace, or the memory of him, when its time has come.
    fn settle(&mut self, user: UserId, now: Timestamp) {
        let Some(person) = self.people.get_mut(&user).filter(|person| person.connections == 0) else {
            return;
        };
        if let Some(gone) = person.gone {
            let end = gone.plus(self.rules.grace);
            if now < end {
                self.due.insert((end, user));
                return;
            }
            person.gone = None;
            self.touched.insert(user);
            self.due.insert((now.plus(self.rules.remember), user));
        } else if person.told {
            // Nobody asked yet for what changed: he is remembered until somebody does.
            self.due.insert((now.plus(self.rules.remember), user));
        } else {
            self.people.remove(&user);
        }
    }

    /// The grace of its people began `since`.
    fn forget(&mut self, pod: PodId, since: Timestamp) {
        let people = self.pods.get(&pod).map(|known| known.people.keys().copied().collect::<Vec<_>>());
        for user in people.unwrap_or_default() {
            self.drop_from(pod, user, since);
        }
        self.pods.remove(&pod);
    }

    /// A statement of another process about a person.
    fn state(&mut self, pod: PodId, user: UserId, presence: Presence, now: Timestamp) {
        let known = self.pods.entry(pod).or_default();
        let before = known.people.get(&user).copied();
        if before.is_some_and(|before| before.last_seen > presence.last_seen) {
            return;
        }
        known.people.insert(user, presence);
        if before.is_some_and(|before| before.connections > 0) || presence.connections > 0 {
            self.sum(user, presence.last_seen, now);
        } else if before.is_none() {
            self.missed(user, presence.last_seen, now);
        }
    }

    /// Somebody left before anything was heard of him here, as to a process that has just started:
    /// what is left of his grace is granted here too.
    fn missed(&mut self, user: UserId, last_seen: Timestamp, now: Timestamp) {
        // Another clock may be ahead.
        let since = last_seen.min(now);
        let end = since.plus(self.rules.grace);
        if end <= now {
            return;
        }
        let fresh = Person { connections: 0, last_seen, told: false, gone: None };
        let person = self.people.entry(user).or_insert(fresh);
        if person.connections == 0 && person.gone.is_none() {
            person.gone = Some(since);
            person.last_seen = person.last_seen.max(last_seen);
            self.due.insert((end, user));
            self.touched.insert(user);
        }
    }

    fn drop_from(&mut self, pod: PodId, user: UserId, since: Timestamp) {
        let before = self.pods.get_mut(&pod).and_then(|known| known.people.remove(&user));
        if let Some(before) = before.filter(|before| before.connections > 0) {
            self.sum(user, before.last_seen.max(since), since);
        }
    }

    /// Adds a person up anew; when nothing is left now, his grace began `since`.
    fn sum(&mut self, user: UserId, last_seen: Timestamp, since: Timestamp) {
        let of_pods = self.pods.values().filter_map(|pod| pod.people.get(&user));
        let connections = of_pods.map(|p| p.connections).fold(0, u32::saturating_add);
        let fresh = Person { connections: 0, last_seen, told: false, gone: None };
        let person = self.people.entry(user).or_insert(fresh);
        let had = person.connections > 0;
        person.connections = connections;
        person.last_seen = person.last_seen.max(last_seen);
        if connections > 0 {
            person.gone = None;
        } else if had {
            person.gone = Some(since);
            self.due.insert((since.plus(self.rules.grace), user));
        } else if person.gone.is_none() && !person.told {
            // Never there, as far as this roster knows.
            self.people.remove(&user);
        }
        self.touched.insert(user);
    }
}

#[cfg(test)]
mod tests;
