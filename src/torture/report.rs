//! What people get to read: a summary with figures, what was broken, and the first counter-example
//! with its history.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use super::deeds::{DeedSheet, Fate, UploadSheet};
use super::history::History;
use super::judge::{Verdict, Violation};
use super::moment::Moment;
use super::options::Size;
use super::plan::Kind;
use super::record::{Answer, Opening, Times, Way, journal_of};

/// Lines of frames that a counter-example shows per client.
const LINES: usize = 60;
/// Time around a counter-example that is shown.
const AROUND: Duration = Duration::from_secs(4);

/// The whole report.
#[must_use]
pub fn report(history: &History, verdict: &Verdict, size: &Size, folder: &Path) -> String {
    let mut text = String::new();
    summary(&mut text, history, verdict, size);
    promises(&mut text, verdict);
    if let Some(first) = verdict.first() {
        counter_example(&mut text, history, first, folder);
    }
    text
}

/// Writes a line. Writing to a text cannot fail.
macro_rules! line {
    ($text:expr, $($words:tt)*) => {
        let _never = writeln!($text, $($words)*);
    };
}

fn summary(text: &mut String, history: &History, verdict: &Verdict, size: &Size) {
    let sends = || history.clients.iter().flat_map(|client| &client.sends);
    let attempts = || sends().flat_map(|send| &send.attempts);
    let by_rest = attempts().filter(|attempt| matches!(attempt.way, Way::Rest(_))).count();
    let answered = |wanted: fn(&Answer) -> bool| {
        attempts().filter(|attempt| attempt.answer.as_ref().is_some_and(|(_, answer)| wanted(answer))).count()
    };
    let sockets = || history.clients.iter().flat_map(|client| &client.sockets);
    let again = sockets().filter(|socket| socket.why == Opening::Again).count();
    let moved = sockets().filter(|socket| matches!(socket.why, Opening::Move(_))).count();
    let seen: usize = history.clients.iter().map(|client| client.seen.len()).sum();
    let stalls: usize = history.clients.iter().map(|client| client.stalls.len()).sum();
    let refused: usize = history.clients.iter().map(|client| client.refused).sum();
    let acks = answered(|answer| answer.stored().is_some());
    let unavailable = answered(|answer| matches!(answer, Answer::Refused { .. }));
    let failed = answered(|answer| matches!(answer, Answer::Failed(_)));

    line!(
        text,
        "seed {}, {} processes, {} clients, {} rooms",
        size.seed,
        size.pods,
        size.clients,
        size.rooms
    );
    line!(text, "ran until {}; the machine stood still for {:?}", history.end, history.starved.total());
    line!(text, "messages composed   {:>9}, stored {}", sends().count(), history.books.messages.len());
    line!(text, "attempts            {:>9}, of them over HTTP {by_rest}", attempts().count());
    line!(text, "acks                {acks:>9}, refused for now {unavailable}, without an answer {failed}");
    line!(text, "room frames         {seen:>9}");
    deeds(text, history);
    line!(
        text,
        "sockets             {:>9}, reconnects {again}, moves {moved}, not opened {refused}",
        sockets().count()
    );
    line!(text, "readers that paused {stalls:>9}, rooms that fell back {}", verdict.figures.lagged);
    line!(text, "");
    let figures = &verdict.figures;
    line!(text, "time                         count       p50       p99       max");
    for (name, times) in [
        ("delivery, calm", &figures.calm),
        ("delivery, calm, across", &figures.calm_across),
        ("delivery, with faults", &figures.faulty),
        ("delivery, Redis away", &figures.redis_down),
        ("delivery, Redis back", &figures.redis_back),
        ("delivery beside the slow", &figures.beside_slow),
        ("until acknowledged, calm", &figures.acknowledged),
        ("from opening to ready", &figures.opening),
        ("gap of a move", &figures.moving),
        ("drain, to exit", &figures.drains),
    ] {
        line!(text, "{name:<26} {}", row(times));
    }
    if let Some(moves) = figures.moves_per_rollout {
        line!(text, "moves of a client per rollout {moves:.2}");
    }
    line!(text, "");
    line!(text, "fault              times");
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for fault in &history.faults {
        *counts.entry(fault.kind).or_default() += 1;
    }
    for kind in Kind::ALL {
        line!(text, "{:<18} {:>5}", kind.word(), counts.get(&kind).copied().unwrap_or(0));
    }
    line!(text, "");
}

/// What was done beside writing: how much of it, how much was acknowledged, refused, and is open.
fn deeds(text: &mut String, history: &History) {
    let of = |fates: Vec<Fate>| {
        let count = |fate| fates.iter().filter(|it| **it == fate).count();
        let (done, refused, open) = (count(Fate::Done), count(Fate::Void), count(Fate::Open));
        format!("{:>9}, done {done}, without effect {refused}, open {open}", fates.len())
    };
    let clients = || history.clients.iter();
    let changes = clients().flat_map(|client| client.deeds.iter().map(DeedSheet::fate)).collect();
    line!(text, "changes of messages {}", of(changes));
    line!(text, "comings and goings  {}", of(history.acts.iter().map(|act| act.outcome.fate()).collect()));
    let uploads = || clients().flat_map(|client| &client.uploads);
    let cut = uploads().filter(|upload| upload.is_cut).count();
    line!(text, "files               {}, cut {cut}", of(uploads().map(UploadSheet::fate).collect()));
    let (looks, fetches) = (history.looks.len(), history.fetches.len());
    line!(text, "read in the end     {looks:>9} histories, {fetches} times a file");
}

fn row(times: &Times) -> String {
    let show = |part| {
        times
            .permille(part)
            .map_or_else(|| format!("{:>9}", "-"), |time| format!("{:>6.1} ms", time.as_secs_f64() * 1e3))
    };
    format!("{:>7} {} {} {}", times.count(), show(500), show(990), show(1_000))
}

fn promises(text: &mut String, verdict: &Verdict) {
    line!(text, "promise      checked    broken");
    for (promise, tally) in &verdict.tallies {
        line!(text, "{promise:<9} {:>10} {:>9}", tally.checked, tally.broken);
    }
    line!(text, "");
    let named: Vec<_> = verdict.named().collect();
    if named.is_empty() {
        line!(text, "VERDICT: every promise held");
    } else {
        line!(text, "VERDICT: broken are {}", named.join(", "));
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in &verdict.violations {
            let times = shown.entry(violation.promise).or_default();
            *times += 1;
            if *times <= 3 {
                line!(text, "BROKEN {} at {}: {}", violation.promise, violation.at, violation.what);
            }
        }
    }
}

fn counter_example(text: &mut String, history: &History, first: &Violation, folder: &Path) {
    line!(text, "\nthe first counter-example: {} at {}\n{}", first.promise, first.at, first.what);
    let (from, to) = (first.at.minus(AROUND), first.at.plus(AROUND));
    line!(text, "\nfaults around it:");
    for fault in history.faults.iter().filter(|fault| fault.span.meets(from, to)) {
        line!(text, "  {fault}");
    }
    for life in &history.lives {
        if let Some((at, end)) = life.ended.filter(|(at, _)| from <= *at && *at <= to) {
            line!(text, "  process {} ended at {at}: {end:?}", life.pod);
        }
    }
    let key = first.key.or_else(|| {
        // The message at that place, when the proof names only the place.
        let room = history.rooms.get(first.room?)?.id;
        history
            .books
            .messages
            .iter()
            .find(|row| row.room == room && Some(row.seq) == first.seq)
            .map(|row| row.key)
    });
    if let Some(key) = key {
        for client in &history.clients {
            for send in client.sends.iter().filter(|send| send.key == key) {
                line!(text, "\n{} composed {key} for room {} at {}:", client.name, send.room, send.composed);
                for attempt in &send.attempts {
                    line!(text, "  {} by {:?}: {:?}", attempt.at, attempt.way, attempt.answer);
                }
            }
        }
        for row in history.books.messages.iter().filter(|row| row.key == key) {
            line!(text, "  stored: {row:?}");
        }
    }
    if let Some(client) = first.client {
        sockets(text, history, client, from, to);
        frames(text, history, first, client, folder);
    }
}

fn sockets(text: &mut String, history: &History, client: usize, from: Moment, to: Moment) {
    line!(text, "\nsockets of {} around it:", history.clients[client].name);
    for (index, socket) in history.clients[client].sockets.iter().enumerate() {
        if socket.asked <= to && socket.end() >= from {
            line!(
                text,
                "  socket {index} to process {} from {} to {:?}: {:?}",
                socket.pod,
                socket.opened,
                socket.ended,
                socket.why
            );
        }
    }
}

/// The frames about the room or the key, as near to the proof as there is place for.
fn frames(text: &mut String, history: &History, first: &Violation, client: usize, folder: &Path) {
    let Ok(file) = File::open(journal_of(folder, client)) else { return };
    let room = first.room.and_then(|room| history.rooms.get(room)).map(|room| room.id.to_string());
    let key = first.key.map(|key| key.to_string());
    let place = first.seq.map(|seq| format!("\"seq\":{seq},"));
    let mut near = std::collections::VecDeque::new();
    let mut after = 0;
    for told in BufReader::new(file).lines().map_while(Result::ok) {
        let about = room.as_ref().is_some_and(|room| told.contains(room.as_str()))
            || key.as_ref().is_some_and(|key| told.contains(key.as_str()))
            || told.contains(" ! ");
        if !about {
            continue;
        }
        let hit = match (&key, &place) {
            (Some(key), _) => told.contains(key.as_str()),
            (None, Some(place)) => told.contains(place.as_str()),
            (None, None) => false,
        };
        near.push_back(told);
        after = if hit { LINES / 3 } else { after };
        if near.len() > LINES {
            if after == 0 && near.iter().any(|line| is_hit(line, key.as_deref(), place.as_deref())) {
                break;
            }
            near.pop_front();
        }
        after = after.saturating_sub(1);
    }
    line!(text, "\nits frames about that (all in {}):", journal_of(folder, client).display());
    for told in near {
        line!(text, "  {told}");
    }
}

fn is_hit(line: &str, key: Option<&str>, place: Option<&str>) -> bool {
    key.or(place).is_some_and(|wanted| line.contains(wanted))
}
