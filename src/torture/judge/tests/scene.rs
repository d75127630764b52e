//! A history in which all is well, of one room and three people.
#![cfg(test)]

use std::time::Duration;

use uuid::Uuid;

use crate::torture::books::{Books, LogRow, MessageRow, OutboxRow, RoomCount};
use crate::torture::history::{Census, FaultSheet, History, Scrape, Waiting};
use crate::torture::moment::{Moment, Span, Spans};
use crate::torture::plan::Kind;
use crate::torture::pod::{End, Life};
use crate::torture::record::{
    Answer, Attempt, Bubble, ClientSheet, Ending, Opening, Probe, RoomSheet, SendSheet, Sighting,
    SocketSheet, Way, What, Witness, digest, said,
};

pub const ROOM: Uuid = Uuid::from_u128(9);
/// Alice writes, Bob writes over HTTP and moves, Carol is slow.
pub const USERS: [Uuid; 3] = [Uuid::from_u128(101), Uuid::from_u128(102), Uuid::from_u128(103)];
pub const MESSAGES: u64 = 1_000;
/// Three joinings come first.
pub const FIRST: u64 = 4;
pub const BOB: usize = 1;
pub const CAROL: usize = 2;

pub fn at(millis: u64) -> Moment {
    Moment::from_millis(millis)
}

pub fn span(from: u64, to: u64) -> Span {
    Span::new(at(from), at(to))
}

/// When the n-th message was committed: ten seconds without a pause, then from 14 s on.
fn commit(n: u64) -> u64 {
    if n < 800 { 2_000 + 10 * n } else { 6_000 + 10 * n }
}

fn author(n: u64) -> usize {
    usize::from(n % 4 == 3)
}

fn message(n: u64) -> MessageRow {
    MessageRow {
        id: Uuid::from_u128(10_000 + u128::from(n)),
        room: ROOM,
        seq: FIRST + n,
        author: USERS[author(n)],
        key: Uuid::from_u128(50_000 + u128::from(n)),
        content: format!("no. {n}"),
        is_deleted: false,
    }
}

fn socket(pod: usize, peer: u16, opened: u64, why: Opening) -> SocketSheet {
    SocketSheet {
        pod,
        peer,
        why,
        ticket: true,
        asked: at(opened - 20),
        opened: at(opened),
        ready: Some(at(opened + 1)),
        resumed: Some(at(opened + 10)),
        draining: None,
        ended: None,
    }
}

fn see(sheet: &mut ClientSheet, millis: u64, socket: u32, what: What) {
    sheet.seen.push(Sighting { at: at(millis), socket, room: 0, what });
}

fn entry(client: usize, seq: u64) -> What {
    if seq < FIRST {
        let user = USERS[usize::try_from(seq).expect("small") - 1];
        return What::Entry {
            seq,
            digest: digest("member.joined", Uuid::nil(), user, ""),
            said: said("", false),
            bubble: Bubble::None,
        };
    }
    let row = message(seq - FIRST);
    let bubble = if author(seq - FIRST) == client { Bubble::Own } else { Bubble::Others };
    let said = said(&row.content, false);
    What::Entry { seq, digest: digest("message.created", row.id, row.author, ""), said, bubble }
}

fn client(index: usize, name: &str) -> ClientSheet {
    let mut sheet = ClientSheet { name: name.to_owned(), user: USERS[index], ..ClientSheet::default() };
    sheet.sockets.push(socket(
        index % 2,
        40_000 + u16::try_from(index).expect("small"),
        1_000,
        Opening::First,
    ));
    see(&mut sheet, 1_100, 0, What::Subscribed { next: 1, live: true, reset: false });
    (1..FIRST).for_each(|seq| see(&mut sheet, 1_110, 0, entry(index, seq)));
    let (mut on, mut moved) = (0, false);
    for n in 0..MESSAGES {
        let mut when = commit(n) + 5;
        if index == BOB && n == 650 {
            // Told to go at 8 s, live elsewhere before the old socket ends.
            sheet.sockets[0].draining = Some(at(8_000));
            sheet.sockets[0].ended = Some((at(8_520), Ending::Left));
            sheet.sockets.push(socket(0, 41_000, 8_480, Opening::Move(0)));
            (on, moved) = (1, true);
            see(&mut sheet, commit(n) - 5, 1, What::Subscribed { next: FIRST + n, live: true, reset: false });
        }
        if index == CAROL && (700..790).contains(&n) {
            when = commit(790) + 5;
        }
        see(&mut sheet, when, on, entry(index, FIRST + n));
        if author(n) == index {
            let row = message(n);
            let way = if index == BOB { Way::Rest(0) } else { Way::Socket(0) };
            let answer = Answer::Stored { id: row.id, seq: row.seq, duplicate: false };
            let attempt = Attempt { at: at(commit(n) - 4), way, answer: Some((at(commit(n)), answer)) };
            sheet.sends.push(SendSheet {
                room: 0,
                key: row.key,
                content: row.content,
                attachment: None,
                composed: at(commit(n) - 4),
                attempts: vec![attempt],
                stored: Some(at(commit(n))),
            });
        }
    }
    assert_eq!(moved, index == BOB);
    if index == CAROL {
        sheet.slow = true;
        sheet.stalls.push((0, span(commit(700) - 5, commit(790))));
    }
    if index != CAROL {
        sheet.witnesses.push(Witness { send: 0, pod: 1, asked: at(3_000), found: Some(true) });
        let answer = Answer::Refused { code: "idempotencyConflict".to_owned(), retryable: false };
        sheet.probes.push(Probe { send: 0, at: at(3_000), answer });
    }
    sheet
}

fn life(pod: usize, started: u64, ended: Option<(u64, End)>) -> Life {
    let ended = ended.map(|(millis, end)| (at(millis), end));
    let (started, reached) = (at(started), (at(started), None));
    Life { pod, started, ready: Some(started.plus(Duration::from_millis(50))), told: None, ended, reached }
}

/// Everything as it should be, with a drain, a time without Redis and a reader that does not read.
pub fn good() -> History {
    let joined = (1..FIRST).map(|seq| LogRow {
        room: ROOM,
        seq,
        kind: "member.joined".to_owned(),
        message: None,
        user: Some(USERS[usize::try_from(seq).expect("small") - 1]),
        data: Some("member".to_owned()),
    });
    let messages: Vec<MessageRow> = (0..MESSAGES).map(message).collect();
    let created = messages.iter().map(|row| LogRow {
        room: ROOM,
        seq: row.seq,
        kind: "message.created".to_owned(),
        message: Some(row.id),
        user: None,
        data: None,
    });
    let head = FIRST + MESSAGES - 1;
    let members = USERS.iter().map(|user| (ROOM, *user)).collect();
    let drain = End::Drained { code: Some(0), took: Duration::from_secs(1) };
    History {
        rooms: vec![RoomSheet { id: ROOM, members: vec![0, 1, 2], guests: Vec::new(), since_joined: false }],
        clients: vec![client(0, "alice"), client(BOB, "bob"), client(CAROL, "carol")],
        faults: vec![
            FaultSheet { kind: Kind::RedisKill, pod: None, span: span(6_000, 7_500), note: String::new() },
            FaultSheet { kind: Kind::Drain, pod: Some(1), span: span(8_000, 9_500), note: String::new() },
        ],
        lives: vec![life(0, 0, None), life(1, 0, Some((9_000, drain))), life(1, 9_100, None)],
        calm: Some(span(1_500, 5_500)),
        hushed: at(16_100),
        end: at(20_000),
        redis_away: Spans::new([span(6_000, 7_500)]),
        heads: vec![(at(5_000), vec![FIRST + 300]), (at(20_000), vec![head])],
        snapshots: 5,
        waiting: vec![Waiting { row: waiting(3), span: span(6_000, 9_000) }],
        outbox_looks: 40,
        scrapes: vec![
            Scrape { at: at(8_900), pod: 1, committed: 0 },
            Scrape { at: at(19_000), pod: 1, committed: 0 },
            Scrape { at: at(19_000), pod: 0, committed: MESSAGES },
        ],
        census: Some(Census { at: at(5_500), counted: 350, rows: 350 }),
        books: Books { log: joined.chain(created).collect(), messages, members, ..Books::default() },
        counts: vec![RoomCount { room: ROOM, head, first: 1, rows: head, least: 1, greatest: head }],
        grace: Duration::from_secs(10),
        has_outbox: true,
        ..History::default()
    }
}

pub fn waiting(seq: u64) -> OutboxRow {
    OutboxRow { kind: "room".to_owned(), id: ROOM, seq }
}
