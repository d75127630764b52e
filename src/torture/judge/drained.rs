//! How processes end and clients come back and go over: I16, I15, I11 where nothing excuses it.

use std::time::Duration;

use super::{Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::{Moment, Spans};
use crate::torture::plan::Kind;
use crate::torture::pod::End;
use crate::torture::record::{ClientSheet, Ending, Opening, SocketSheet};

/// I16: of a hundred moves 99 leave no longer gap.
const GAP: Duration = Duration::from_millis(250);
/// I16: while all processes are exchanged nobody moves more often than this on the average, where
/// they had as many sockets each.
const MOVES: f64 = 1.5;
/// I15: of a hundred sockets 99 are ready so soon.
const READY: Duration = Duration::from_secs(2);
/// Fewer say nothing of an average or a tail.
const ENOUGH: usize = 100;

pub fn judge(history: &History, verdict: &mut Verdict) {
    ends(history, verdict);
    for (client, sheet) in history.clients.iter().enumerate() {
        openings(history, client, sheet, verdict);
        moves(history, sheet, verdict);
    }
    rollouts(history, verdict);
    ready(history, verdict);
    let figures = &verdict.figures;
    let (count, tail) = (figures.moving.count(), figures.moving.permille(990));
    if let Some(tail) = tail.filter(|_| count >= ENOUGH) {
        let bound = history.bound(GAP);
        verdict.checked("I16", count - 1);
        verdict.require("I16", tail <= bound, || {
            let what =
                format!("of {count} moves one in a hundred left a gap of {tail:?} or longer, not {bound:?}");
            Violation::new("I16", history.end, what)
        });
    }
}

/// I16: how often those who were there when a rollout began had to move in it.
fn rollouts(history: &History, verdict: &mut Verdict) {
    let (mut there, mut moves, mut allowed) = (0_usize, 0, 0.0);
    let sockets = history.clients.iter().flat_map(|sheet| &sheet.sockets);
    let processes = sockets.map(|socket| socket.pod + 1).max().unwrap_or(0);
    for rollout in history.faults.iter().filter(|fault| fault.kind == Kind::Rollout) {
        // They are exchanged in this order.
        let mut spread = vec![0_usize; processes];
        for sheet in history.clients.iter().filter(|sheet| !sheet.slow) {
            let sockets = &sheet.sockets;
            let opened = |socket: &&SocketSheet| {
                socket.resumed.is_some_and(|at| at <= rollout.span.from) && socket.end() > rollout.span.from
            };
            if let Some(socket) = sockets.iter().find(opened) {
                spread[socket.pod] += 1;
                let told = sockets.iter().filter_map(|socket| socket.draining);
                moves += told.filter(|told| rollout.span.holds(*told)).count();
            }
        }
        let people: usize = spread.iter().sum();
        there += people;
        allowed += MOVES * people as f64 * unevenness(&spread);
    }
    if there == 0 {
        return;
    }
    // Fewer people than there are mistakes in counting a float by.
    let mean = moves as f64 / there as f64;
    verdict.figures.moves_per_rollout = Some(mean);
    if there >= ENOUGH {
        verdict.require("I16", moves as f64 <= allowed, || {
            let what = format!(
                "{there} clients moved {moves} times while all processes were exchanged, not {allowed:.0}"
            );
            Violation::new("I16", history.end, what)
        });
    }
}

/// By what factor a rollout moves people oftener because of where they are when it begins; at least
/// one. Who was on the processes that are exchanged first is moved more often again, and after a kill
/// they are all there.
fn unevenness(spread: &[usize]) -> f64 {
    let moves = |mut spread: Vec<f64>| {
        let (processes, mut moves) = (spread.len(), 0.0);
        for exchanged in 0..processes {
            // Each goes to any, also to the new one in its place.
            let each = spread[exchanged] / processes as f64;
            moves += spread[exchanged];
            spread[exchanged] = 0.0;
            spread.iter_mut().for_each(|people| *people += each);
        }
        moves
    };
    let people: usize = spread.iter().sum();
    if people == 0 {
        return 1.0;
    }
    let even = moves(vec![people as f64 / spread.len() as f64; spread.len()]);
    (moves(spread.iter().map(|people| *people as f64).collect()) / even).max(1.0)
}

/// I15: who comes back is soon served, whoever else comes back.
fn ready(history: &History, verdict: &mut Verdict) {
    let (count, tail) = (verdict.figures.opening.count(), verdict.figures.opening.permille(990));
    let Some(tail) = tail.filter(|_| count >= ENOUGH) else { return };
    verdict.checked("I15", count - 1);
    verdict.require("I15", tail <= history.bound(READY), || {
        let what = format!("of {count} sockets one in a hundred was ready after {tail:?} or later");
        Violation::new("I15", history.end, what)
    });
}

/// Who is told to end, ends well and in time; nobody else ends.
fn ends(history: &History, verdict: &mut Verdict) {
    for life in &history.lives {
        match life.ended {
            Some((at, End::Drained { code, took })) => {
                verdict.figures.drains.add(took);
                let well = code == Some(0) && took <= history.grace;
                verdict.require("I16", well, || {
                    let what = format!(
                        "process {} was told to end, took {took:?} and ended with {code:?}",
                        life.pod
                    );
                    Violation::new("I16", at, what)
                });
            }
            Some((at, End::Died)) => {
                verdict.broken(Violation::new("crash", at, format!("process {} ended by itself", life.pod)));
            }
            Some((_, End::Killed)) | None => {}
        }
    }
}

fn openings(history: &History, client: usize, sheet: &ClientSheet, verdict: &mut Verdict) {
    for socket in &sheet.sockets {
        if let Some(ready) = socket.ready.filter(|ready| !excused(history, socket.pod, socket.asked, *ready))
        {
            verdict.figures.opening.add(ready.since(socket.asked));
        }
        if !socket.ticket {
            continue;
        }
        let calm = history.calm.is_some_and(|calm| socket.asked < calm.to);
        let lost = matches!(socket.ended, Some((_, Ending::Closed(4_302))));
        verdict.require("I11", !(calm && lost), || {
            let what = format!("{}: a fresh ticket was not taken while all was well", sheet.name);
            Violation::new("I11", socket.end(), what).of_client(client)
        });
    }
}

/// The time without any live socket, where a process told its sockets to go.
fn moves(history: &History, sheet: &ClientSheet, verdict: &mut Verdict) {
    // Who does not read hears too late that he is to go.
    if sheet.slow {
        return;
    }
    for (index, socket) in sheet.sockets.iter().enumerate() {
        let Some(told) = socket.draining else { continue };
        let cut = history
            .cuts
            .iter()
            .any(|cut| cut.pod == socket.pod && cut.peer == socket.peer && cut.at >= socket.asked);
        if cut || told > history.hushed {
            continue;
        }
        let mut later = sheet.sockets.iter().skip(index + 1).filter(|next| next.resumed.is_some());
        let next = later
            .clone()
            .find(|next| next.why == Opening::Move(index))
            .or_else(|| later.find(|next| next.asked >= told));
        let Some((next, live)) = next.and_then(|next| Some((next, next.resumed?))) else { continue };
        verdict.figures.moves += 1;
        let gap = live.since(socket.end());
        // What kept it from opening the next one in time is as good an excuse as what came later.
        if gap.is_zero() || !excused(history, next.pod, told, live) {
            verdict.figures.moving.add(gap);
        }
    }
}

fn excused(history: &History, pod: usize, from: Moment, to: Moment) -> bool {
    let killed = history.lives.iter().filter(|life| life.pod == pod).filter_map(|life| {
        let (at, _) = life.ended?;
        Some(crate::torture::moment::Span::new(at, at.plus(Duration::from_secs(5))))
    });
    let killed = Spans::new(killed);
    let away = history.pod_away(pod).or(&history.database_away).or(&history.starved).or(&killed);
    away.meet(from, to)
}

#[cfg(test)]
mod tests {
    use super::unevenness;

    #[test]
    fn who_is_where_when_a_rollout_begins_decides_how_often_they_move() {
        let factor = |spread: &[usize]| (unevenness(spread) * 1_000.0).round();
        assert_eq!(factor(&[100, 100, 100]), 1_000.0);
        // One half after the other: 1/2, 2/3 and 7/18 instead of 1/3, 4/9 and 16/27.
        assert_eq!(factor(&[150, 150, 0]), 1_135.0);
        assert_eq!(factor(&[0, 150, 150]), 1_000.0, "it allows no less");
        assert_eq!(factor(&[]), 1_000.0);
    }
}
