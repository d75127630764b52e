//! Who is shown to be there: I14. Only where the servers tell of presence at all.

use std::time::Duration;

use super::{Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::{Moment, Span, Spans};
use crate::torture::plan::Kind;
use crate::torture::record::{ClientSheet, Glimpse};

/// Who was on a killed process and stays away is shown as gone after so long.
const GONE: Duration = Duration::from_secs(30);
/// Whoever asks after this sees no ghost, whatever else goes wrong.
const GHOST: Duration = Duration::from_secs(60);
/// Who is back before this was never away.
const GRACE: Duration = Duration::from_secs(15);
/// Leases lie in Redis: after it was lost they have to be told anew.
const LEASES: Duration = Duration::from_secs(30);

pub fn judge(history: &History, verdict: &mut Verdict) {
    let faults = [Kind::RedisKill, Kind::RedisFlush, Kind::DatabaseRestart, Kind::Stop, Kind::Blackhole];
    let disturbed = history.faults.iter().filter(|fault| faults.contains(&fault.kind));
    let disturbed = Spans::new(disturbed.map(|fault| fault.span.and(LEASES))).or(&history.starved);
    for (observer, sheet) in history.clients.iter().enumerate() {
        for (client, absent) in history.clients.iter().enumerate() {
            for absence in &absent.absences {
                gone(history, (observer, sheet), (client, absent), *absence, &disturbed, verdict);
                ghosts(history, (observer, sheet), (client, absent), *absence, verdict);
            }
        }
        for glimpse in &sheet.glimpses {
            flicker(history, observer, glimpse, &disturbed, verdict);
        }
    }
}

/// Who saw him before sees that he is gone.
fn gone(
    history: &History,
    (observer, sheet): (usize, &ClientSheet),
    (client, absent): (usize, &ClientSheet),
    absence: Span,
    disturbed: &Spans,
    verdict: &mut Verdict,
) {
    let from = went(absent, absence);
    let limit = from.plus(history.bound(GONE));
    if limit > absence.to || disturbed.meet(from, limit) {
        return;
    }
    for (socket, watching) in sheet.sockets.iter().enumerate() {
        let whole = watching.resumed.is_some_and(|at| at < from) && watching.end() > limit;
        let reads = sheet.stalls.iter().all(|(which, span)| *which != socket || !span.meets(from, limit));
        let away = history.pod_away(watching.pod).meet(from, limit);
        if !whole || !reads || away {
            continue;
        }
        let about: Vec<&Glimpse> =
            sheet.glimpses.iter().filter(|it| it.socket == socket && it.client == client).collect();
        if !about.iter().rev().find(|it| it.at <= from).is_some_and(|it| it.online) {
            continue;
        }
        let told = about.iter().any(|it| !it.online && from <= it.at && it.at <= limit);
        verdict.require("I14", told, || {
            let what = format!(
                "{} went at {from} with a process, and {} was not told on socket {socket} by {limit}",
                absent.name, sheet.name
            );
            Violation::new("I14", limit, what).of_client(observer)
        });
    }
}

/// When his last socket ended.
fn went(absent: &ClientSheet, absence: Span) -> Moment {
    let ends = absent.sockets.iter().map(super::super::record::SocketSheet::end);
    ends.filter(|end| *end <= absence.to).max().unwrap_or(absence.to)
}

/// A minute after he went nobody is told that he is there.
fn ghosts(
    history: &History,
    (observer, sheet): (usize, &ClientSheet),
    (client, absent): (usize, &ClientSheet),
    absence: Span,
    verdict: &mut Verdict,
) {
    let from = went(absent, absence).plus(history.bound(GHOST));
    // Who does not read hears late what was true.
    if sheet.slow || from >= absence.to {
        return;
    }
    let later = sheet.glimpses.iter().filter(|it| it.client == client && from <= it.at && it.at < absence.to);
    for glimpse in later {
        let pod = sheet.sockets[glimpse.socket].pod;
        if history.pod_away(pod).meet(from, glimpse.at) {
            continue;
        }
        verdict.require("I14", !glimpse.online, || {
            let what = format!(
                "{} was shown to {} at {}, a minute after he went",
                absent.name, sheet.name, glimpse.at
            );
            Violation::new("I14", glimpse.at, what).of_client(observer)
        });
    }
}

/// Nobody is said to be gone who was there a moment ago.
fn flicker(history: &History, observer: usize, glimpse: &Glimpse, disturbed: &Spans, verdict: &mut Verdict) {
    let Glimpse { at, client, online, .. } = *glimpse;
    let since = at.minus(GRACE);
    if online || since == Moment::START || disturbed.meet(since, at) {
        return;
    }
    let shown = &history.clients[client];
    let ready =
        |socket: &&crate::torture::record::SocketSheet| socket.ready.is_some_and(|ready| ready < since);
    let there = shown.sockets.iter().filter(ready).any(|socket| socket.end() >= at);
    verdict.require("I14", !there, || {
        let what = format!("{} was said to be gone at {at}, with a socket open all the while", shown.name);
        Violation::new("I14", at, what).of_client(observer)
    });
}
