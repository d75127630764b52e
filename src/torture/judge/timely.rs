//! Clocks: I6, I17, I13, and the doorbell while all is well.
//!
//! The clock of an entry starts at the earliest sign of its commit, or when the socket became live,
//! and starts anew when something ends that excuses a delay: the database was away, the process of
//! the socket stood still or could not be reached, the client itself did not read, the connection
//! was cut in silence, or the machine let nobody run.

use std::collections::HashMap;
use std::time::Duration;

use super::{Facts, Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::{Moment, Span, Spans};
use crate::torture::plan::Kind;
use crate::torture::record::{Sighting, Times, Way, What};

/// I6.
pub(super) const HOLE: Duration = Duration::from_secs(2);
/// I6 for a slow reader: four KiB in flight are all that its connection holds, so what piled up
/// while it did not read, or while the database was away, comes in its own time.
const SLOW_HOLE: Duration = Duration::from_secs(10);
/// Of a hundred deliveries across processes 99 come so soon while all is well.
const DOORBELL: Duration = Duration::from_millis(250);
/// I17, while Redis is away.
const WITHOUT_REDIS: Duration = Duration::from_secs(1);
/// I17: so long after its return everything is as before.
const RECOVERY: Duration = Duration::from_secs(5);
/// And for so long that is watched.
const WATCHED: Duration = Duration::from_secs(10);
/// After the database is back its connections have to be made anew.
const CONNECTING: Duration = Duration::from_secs(1);
/// After any fault clients come back, which is work for everyone.
const AFTERMATH: Duration = Duration::from_secs(3);
/// A tail of fewer times is no tail.
pub(super) const ENOUGH: usize = 100;

/// One room on one socket.
#[derive(Clone, Copy)]
struct Follow {
    since: Moment,
    next: u64,
    /// Nothing is promised up to here: the server said that it fell back.
    lagged: u64,
}

/// What a time is sorted by.
struct Weather {
    calm: Span,
    redis_away: Spans,
    redis_back: Spans,
}

/// What excuses a delay.
pub(super) struct Excuses {
    /// On every socket.
    everywhere: Spans,
    pods: Vec<Spans>,
}

impl Excuses {
    pub(super) fn new(history: &History) -> Self {
        let database = Spans::new(history.database_away.iter().map(|span| span.and(CONNECTING)));
        let pods = history.clients.iter().flat_map(|client| &client.sockets).map(|socket| socket.pod + 1);
        let pods = pods.max().unwrap_or(0);
        Self {
            everywhere: database.or(&history.starved),
            pods: (0..pods).map(|pod| history.pod_away(pod)).collect(),
        }
    }

    /// When a delay on this socket is excused.
    pub(super) fn of(&self, history: &History, client: usize, socket: usize) -> Spans {
        let sheet = &history.clients[client];
        let socket_sheet = &sheet.sockets[socket];
        let stalls = sheet.stalls.iter().filter(|(which, _)| *which == socket).map(|(_, span)| *span);
        let life = Span::new(socket_sheet.asked, socket_sheet.end());
        let cuts = history.cuts.iter().filter(|cut| {
            cut.silent && cut.pod == socket_sheet.pod && cut.peer == socket_sheet.peer && life.holds(cut.at)
        });
        let own = stalls.chain(cuts.map(|cut| Span::new(cut.at, socket_sheet.end())));
        Spans::new(
            own.chain(self.everywhere.iter().copied()).chain(self.pods[socket_sheet.pod].iter().copied()),
        )
    }
}

struct Clocks<'a> {
    history: &'a History,
    facts: &'a Facts<'a>,
    weather: Weather,
    excuses: Excuses,
    /// When somebody in a room did not read.
    slow: Vec<Spans>,
    calm_here: Times,
    /// To readers that read, in rooms where everybody does.
    apart: Times,
}

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut clocks = Clocks::new(history, facts);
    for client in 0..history.clients.len() {
        clocks.client(client, verdict);
        clocks.acknowledged(client, verdict);
    }
    clocks.tails(verdict);
}

impl<'a> Clocks<'a> {
    fn new(history: &'a History, facts: &'a Facts<'a>) -> Self {
        let slow = history.rooms.iter().map(|room| {
            Spans::new(room.members.iter().flat_map(|member| {
                history
                    .clients
                    .get(*member)
                    .into_iter()
                    .flat_map(|sheet| sheet.stalls.iter().map(|(_, span)| *span))
            }))
        });
        Self {
            history,
            facts,
            weather: Weather::new(history),
            excuses: Excuses::new(history),
            slow: slow.collect(),
            calm_here: Times::default(),
            apart: Times::default(),
        }
    }

    /// I6 for this client.
    fn hole(&self, client: usize) -> Duration {
        self.history.bound(if self.history.clients[client].slow { SLOW_HOLE } else { HOLE })
    }

    fn client(&mut self, client: usize, verdict: &mut Verdict) {
        let sheet = &self.history.clients[client];
        let excuses: Vec<Spans> =
            (0..sheet.sockets.len()).map(|socket| self.excuses.of(self.history, client, socket)).collect();
        let mut follows: HashMap<(u32, u32), Follow> = HashMap::new();
        for sighting in &sheet.seen {
            let Sighting { at, socket, room, what } = *sighting;
            let key = (socket, room);
            let Some(excuses) = excuses.get(socket as usize) else { continue };
            match what {
                What::Subscribed { next, live: true, reset: false } => {
                    follows.insert(key, Follow { since: at, next, lagged: 0 });
                }
                What::Subscribed { .. } | What::Reset => {
                    follows.remove(&key);
                }
                What::Lowered => {
                    if let Some(follow) = follows.remove(&key) {
                        self.missing(client, room, follow, at, excuses, verdict);
                    }
                }
                What::Lagged { head } => {
                    verdict.figures.lagged += 1;
                    if let Some(follow) = follows.get_mut(&key) {
                        follow.lagged = follow.lagged.max(head);
                    }
                }
                What::Entry { seq, .. } => {
                    if let Some(follow) = follows.get_mut(&key) {
                        let before = *follow;
                        follow.next = seq + 1;
                        self.arrived(client, sighting, before, excuses, verdict);
                    }
                }
            }
        }
        for ((socket, room), follow) in follows {
            let end = sheet.sockets[socket as usize].end().min(self.history.end);
            self.missing(client, room, follow, end, &excuses[socket as usize], verdict);
        }
    }

    /// How long people wait until they know that a message is stored.
    fn acknowledged(&self, client: usize, verdict: &mut Verdict) {
        for attempt in self.history.clients[client].sends.iter().flat_map(|send| &send.attempts) {
            if let (Way::Socket(_), Some((answered, answer))) = (attempt.way, &attempt.answer)
                && answer.stored().is_some()
                && self.weather.calm.holds(attempt.at)
                && self.weather.calm.holds(*answered)
            {
                verdict.figures.acknowledged.add(answered.since(attempt.at));
            }
        }
    }

    fn arrived(
        &mut self,
        client: usize,
        sighting: &Sighting,
        follow: Follow,
        excuses: &Spans,
        verdict: &mut Verdict,
    ) {
        let Sighting { at, socket, room, what } = *sighting;
        let What::Entry { seq, .. } = what else { return };
        let Some(entry) = self.facts.entry(room as usize, seq) else { return };
        if seq <= follow.lagged {
            return;
        }
        let base = entry.commit.max(follow.since);
        let late = at.since(excuses.restart(base, at));
        verdict.require("I6", late <= self.hole(client), || {
            let what = format!(
                "{}: {seq} of room {room} came on socket {socket} at {at}, {late:?} after it could have come; committed \
                 by {}",
                self.history.clients[client].name, entry.commit
            );
            Violation::new("I6", at, what).of_client(client).of_entry(room as usize, seq)
        });
        if entry.commit <= follow.since || excuses.meet(entry.commit, at) {
            return;
        }
        let pod = self.history.clients[client].sockets[socket as usize].pod;
        let time = at.since(entry.commit);
        // What one process loses on purpose has the two seconds of I6 and no less.
        let reliable = entry.pod.is_some_and(|by| Some(by) != self.history.unreliable);
        let figures = &mut verdict.figures;
        if self.weather.calm.holds(entry.commit) {
            figures.calm.add(time);
            match entry.pod {
                Some(by) if by == pod => self.calm_here.add(time),
                Some(_) if reliable => figures.calm_across.add(time),
                _ => {}
            }
        } else if self.weather.redis_away.hold(entry.commit) {
            figures.redis_down.add(time);
        } else {
            figures.faulty.add(time);
            if reliable && self.weather.redis_back.hold(entry.commit) {
                figures.redis_back.add(time);
            }
            let reads = !self.history.clients[client].slow && reliable;
            if reads && self.slow[room as usize].hold(entry.commit) {
                figures.beside_slow.add(time);
            } else if reads {
                self.apart.add(time);
            }
        }
    }

    /// I6 for what did not come at all before the socket ended.
    fn missing(
        &self,
        client: usize,
        room: u32,
        follow: Follow,
        end: Moment,
        excuses: &Spans,
        verdict: &mut Verdict,
    ) {
        let Some(entry) = self.facts.entry(room as usize, follow.next) else { return };
        if follow.next <= follow.lagged || entry.commit >= end {
            return;
        }
        let late = end.since(excuses.restart(entry.commit.max(follow.since), end));
        verdict.require("I6", late <= self.hole(client), || {
            let what = format!(
                "{}: {} of room {room}, committed by {}, never came on a socket that stayed open until {end}",
                self.history.clients[client].name, follow.next, entry.commit
            );
            Violation::new("I6", end, what).of_client(client).of_entry(room as usize, follow.next)
        });
    }

    /// Medians and tails.
    fn tails(&self, verdict: &mut Verdict) {
        let calm = self.weather.calm.to;
        // On a machine that is busy with others local deliveries are slow too: the doorbell may
        // not add to that.
        let slow = self.calm_here.permille(990).unwrap_or_default() * 2;
        let doorbell = self.history.bound(DOORBELL);
        let bound = doorbell.max(slow);
        let figures = &verdict.figures;
        let slow_before = self.apart.permille(990).unwrap_or_default() * 2;
        let tails = [
            (
                "doorbell",
                figures.calm_across.permille(990),
                figures.calm_across.count(),
                bound,
                "across processes in the calm",
            ),
            (
                "I17",
                figures.redis_down.permille(990),
                figures.redis_down.count(),
                self.history.bound(WITHOUT_REDIS),
                "while Redis is away",
            ),
            (
                "I17",
                figures.redis_back.permille(990),
                figures.redis_back.count(),
                bound,
                "5 s after Redis came back",
            ),
            (
                "I13",
                figures.beside_slow.permille(990),
                figures.beside_slow.count(),
                doorbell.max(slow_before),
                "beside readers that do not read",
            ),
        ];
        for (promise, tail, count, bound, when) in tails {
            let Some(tail) = tail.filter(|_| count >= ENOUGH) else { continue };
            verdict.checked(promise, count - 1);
            verdict.require(promise, tail <= bound, || {
                let what = format!(
                    "of {count} deliveries {when} one in a hundred took {tail:?} or longer, not {bound:?}"
                );
                Violation::new(promise, calm, what)
            });
        }
    }
}

impl Weather {
    fn new(history: &History) -> Self {
        let calm = history.calm.unwrap_or(Span::new(Moment::START, Moment::START));
        let kinds = [Kind::RedisKill, Kind::DatabaseRestart, Kind::DatabaseCut];
        let faults = history.faults.iter().filter(|fault| kinds.contains(&fault.kind));
        let disturbed = Spans::new(faults.map(|fault| fault.span.and(AFTERMATH)));
        // What else goes on excuses only those whom it concerns.
        let back = history.redis_away.iter().filter_map(|away| {
            let from = away.to.plus(RECOVERY);
            let next = disturbed.iter().filter(|span| span.to > from).map(|span| span.from).min();
            let to = away.to.plus(RECOVERY + WATCHED).min(history.hushed).min(next.unwrap_or(Moment::END));
            (to > from).then_some(Span::new(from, to))
        });
        Self { calm, redis_away: history.redis_away.clone(), redis_back: Spans::new(back) }
    }
}
