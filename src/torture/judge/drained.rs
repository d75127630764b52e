//! How processes end and clients go over: I16, I15 as a figure, I11 where nothing excuses it.

use std::time::Duration;

use super::{Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::{Moment, Spans};
use crate::torture::pod::End;
use crate::torture::record::{ClientSheet, Ending, Opening};

/// I16: of a hundred moves 99 leave no longer gap.
const GAP: Duration = Duration::from_millis(250);

pub fn judge(history: &History, verdict: &mut Verdict) {
    ends(history, verdict);
    for (client, sheet) in history.clients.iter().enumerate() {
        openings(history, client, sheet, verdict);
        moves(history, sheet, verdict);
    }
    let figures = &verdict.figures;
    let (count, tail) = (figures.moving.count(), figures.moving.permille(990));
    if let Some(tail) = tail {
        verdict.checked("I16", count);
        verdict.demand("I16", tail <= GAP, || {
            let what =
                format!("of {count} moves one in a hundred left a gap of {tail:?} or longer, not {GAP:?}");
            Violation::new("I16", history.end, what)
        });
    }
}

/// Who is told to end, ends well and in time; nobody else ends.
fn ends(history: &History, verdict: &mut Verdict) {
    for life in &history.lives {
        match life.ended {
            Some((at, End::Drained { code, took })) => {
                verdict.figures.drains.add(took);
                let well = code == Some(0) && took <= history.grace;
                verdict.demand("I16", well, || {
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
        if let Some(ready) = socket.ready {
            verdict.figures.opening.add(ready.since(socket.asked));
        }
        if !socket.ticket {
            continue;
        }
        let calm = history.calm.is_some_and(|calm| socket.asked < calm.to);
        let lost = matches!(socket.ended, Some((_, Ending::Closed(4_302))));
        verdict.demand("I11", !(calm && lost), || {
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
        if gap.is_zero() || !excused(history, next.pod, socket.end(), live) {
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
