//! Counters, the outbox and the history read elsewhere: I23, I25, I8.

use std::time::Duration;

use super::{Facts, Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::{Moment, Span, Spans};
use crate::torture::plan::Kind;

/// I25: an announcement may be missing for so long.
const ANNOUNCED: Duration = Duration::from_secs(2);
/// Looks into the outbox are half a second apart, at both ends.
const LOOKS: Duration = Duration::from_secs(1);
/// What was announced is taken out of the outbox with the sweeper's next turn.
const TAKEN: Duration = Duration::from_secs(1);
/// After a disturbance the sweeper's time begins anew: a row that was handed to a process that is
/// gone is handed out again.
const AFTERMATH: Duration = Duration::from_millis(2_500);
/// The first sign of a commit may come so much later than the commit.
const SIGN: Duration = Duration::from_secs(3);

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    witnesses(history, verdict);
    census(history, verdict);
    counters(history, facts, verdict);
    outbox(history, verdict);
}

/// I8: right after the answer the history of another process has the message.
fn witnesses(history: &History, verdict: &mut Verdict) {
    for (client, sheet) in history.clients.iter().enumerate() {
        for witness in &sheet.witnesses {
            let Some(found) = witness.found else { continue };
            verdict.require("I8", found, || {
                let send = &sheet.sends[witness.send];
                let what = format!(
                    "{}: {} was acknowledged at {:?}, and process {} asked at {} does not show it",
                    sheet.name, send.key, send.stored, witness.pod, witness.asked
                );
                Violation::new("I8", witness.asked, what).of_client(client).of_key(send.key)
            });
        }
    }
}

/// I23 at rest before the first fault: counted is exactly what is stored.
fn census(history: &History, verdict: &mut Verdict) {
    let Some(census) = history.census else { return };
    verdict.require("I23", census.counted == census.rows, || {
        let what = format!("at rest {} messages are counted, and {} are stored", census.counted, census.rows);
        Violation::new("I23", census.at, what)
    });
}

/// I23 over the whole run. A killed process takes with it what it counted since it was last read,
/// and while the database goes away a commit may be stored without being known: so much may be
/// missing. Nothing may be counted that is not stored.
fn counters(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    // Of somebody else's servers nothing is known but what they answer.
    if history.lives.is_empty() {
        return;
    }
    let (mut counted, mut unread) = (0, Vec::new());
    for life in &history.lives {
        let end = life.ended.map_or(Moment::END, |(at, _)| at);
        let span = Span::new(life.reached.0, life.reached.1.unwrap_or(end));
        let last =
            history.scrapes.iter().rev().find(|scrape| scrape.pod == life.pod && span.holds(scrape.at));
        counted += last.map_or(0, |scrape| scrape.committed);
        let since = last.map_or(life.started, |scrape| scrape.at);
        unread.push(Span::new(since, end.min(history.end)).and(history.bound(SIGN)));
    }
    unread.extend(history.database_away.iter().map(|span| span.and(history.bound(SIGN))));
    let unread = Spans::new(unread);
    let stored = history.books.messages.len() as u64;
    let places = history.places();
    let unknown = history.books.messages.iter().filter(|row| {
        let commit =
            places.get(&row.room).and_then(|room| facts.entry(*room, row.seq)).map(|entry| entry.commit);
        commit.is_none_or(|commit| unread.hold(commit))
    });
    let unknown = unknown.count() as u64;
    let right = counted <= stored && stored <= counted + unknown;
    verdict.require("I23", right, || {
        let what = format!(
            "{counted} messages are counted and {stored} are stored; {unknown} could have been lost with a process"
        );
        Violation::new("I23", history.end, what)
    });
}

/// I25: what was committed is announced, unless something keeps everyone from it.
fn outbox(history: &History, verdict: &mut Verdict) {
    if !history.has_outbox {
        return;
    }
    let disturbing = [
        Kind::Kill,
        Kind::Stop,
        Kind::Drain,
        Kind::Rollout,
        Kind::RedisKill,
        Kind::DatabaseRestart,
        Kind::DatabaseCut,
    ];
    let faults =
        history.faults.iter().filter(|fault| disturbing.contains(&fault.kind)).map(|fault| fault.span);
    let away =
        history.redis_away.iter().chain(history.database_away.iter()).chain(history.starved.iter()).copied();
    let disturbed = Spans::new(faults.chain(away).map(|span| span.and(AFTERMATH)));
    verdict.checked("I25", history.outbox_looks);
    for waiting in &history.waiting {
        let Span { from, to } = waiting.span;
        let waited = to.since(disturbed.restart(from, to));
        if waited > history.bound(ANNOUNCED + TAKEN) + LOOKS {
            let what = format!("{:?} waited {waited:?} in the outbox while nothing was wrong", waiting.row);
            let violation = Violation::new("I25", to, what);
            let room = history.rooms.iter().position(|room| room.id == waiting.row.id);
            verdict.broken(match room {
                Some(room) => violation.of_entry(room, waiting.row.seq),
                None => violation,
            });
        }
    }
}
