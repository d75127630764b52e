//! Files: taken, cut, and got in the end.
#![cfg(test)]

use uuid::Uuid;

use super::scene::{BOB, CAROL, USERS, at, good};
use crate::torture::books::FileRow;
use crate::torture::deeds::{FetchSheet, UploadSheet, Uploaded};
use crate::torture::history::History;
use crate::torture::judge::judge;

const FILE: Uuid = Uuid::from_u128(900);
const UNSENT: Uuid = Uuid::from_u128(901);

fn upload(name: &str, stored: Option<Uuid>) -> UploadSheet {
    UploadSheet {
        name: name.to_owned(),
        sha256: [0xab; 32],
        pod: 0,
        asked: at(3_000),
        is_cut: stored.is_none(),
        answer: stored.map(|id| (at(3_100), Uploaded::Stored(id))),
    }
}

fn noted(id: Uuid, name: &str, message: Option<Uuid>) -> FileRow {
    let (owner, name, sha256) = (USERS[0], name.to_owned(), "ab".repeat(32));
    FileRow { id, owner, name, sha256, is_complete: true, message }
}

fn fetch(file: Uuid, client: usize, got: Result<[u8; 32], &str>) -> FetchSheet {
    FetchSheet { file, client, at: at(20_000), got: got.map_err(str::to_owned) }
}

/// Alice sent a file with her sixth message, another with none, and a third was cut.
fn filed() -> History {
    let mut h = good();
    let send = &mut h.clients[0].sends[5];
    send.attachment = Some(FILE);
    let key = send.key;
    let message = h.books.messages.iter().find(|row| row.key == key).map(|row| row.id);
    let uploads = [("sent.pdf", Some(FILE)), ("unsent.pdf", Some(UNSENT)), ("cut.pdf", None)];
    h.clients[0].uploads = uploads.iter().map(|(name, stored)| upload(name, *stored)).collect();
    h.books.files = vec![noted(FILE, "sent.pdf", message), noted(UNSENT, "unsent.pdf", None)];
    h.blobs = Some(vec![FILE.to_string(), UNSENT.to_string(), format!("{UNSENT}#1")]);
    let whole = Ok([0xab; 32]);
    h.fetches = vec![
        fetch(FILE, 0, whole),
        fetch(FILE, BOB, whole),
        fetch(UNSENT, 0, whole),
        fetch(UNSENT, BOB, Err("notFound")),
    ];
    h
}

fn broken(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
    let mut history = filed();
    spoil(&mut history);
    judge(&history).named().collect()
}

#[track_caller]
fn finds(promise: &str, spoil: impl FnOnce(&mut History)) {
    let named = broken(spoil);
    assert!(named.contains(&promise), "{promise} is not among {named:?}");
}

#[test]
fn files_that_are_whole_pass() {
    let verdict = judge(&filed());
    assert!(verdict.holds(), "{:?}", verdict.violations);
    assert!(verdict.tallies["upload"].checked > 0);
}

#[test]
fn a_file_that_was_taken_and_is_lost_is_found() {
    finds("I1", |h| drop(h.books.files.remove(0)));
    finds("I1", |h| h.books.files[0].is_complete = false);
    finds("I1", |h| h.books.files[0].sha256 = "00".repeat(32));
    finds("I1", |h| h.books.files[0].message = None);
    finds("I1", |h| drop(h.blobs.as_mut().map(|blobs| blobs.remove(0))));
    finds("I1", |h| h.fetches[1].got = Ok([0; 32]));
    finds("I1", |h| h.fetches[1].got = Err("notFound".to_owned()));
    finds("I1", |h| h.fetches[2].got = Err("internal".to_owned()));
}

#[test]
fn a_file_got_by_who_may_not_have_it_is_found() {
    finds("I10", |h| h.fetches[3].got = Ok([0xab; 32]));
    finds("I10", |h| h.fetches[3].got = Err("forbidden".to_owned()));
    finds("I10", |h| h.rooms[0].members.retain(|client| *client != BOB));
    finds("I10", |h| {
        // Of a deleted message nobody has it.
        let message = h.books.files[0].message;
        h.books
            .messages
            .iter_mut()
            .filter(|row| Some(row.id) == message)
            .for_each(|row| row.is_deleted = true);
    });
}

#[test]
fn what_a_cut_file_leaves_is_found() {
    finds("upload", |h| h.books.files.push(noted(Uuid::from_u128(902), "cut.pdf", None)));
    let blobs = |h: &mut History, name: String| h.blobs.as_mut().expect("listed").push(name);
    finds("upload", |h| blobs(h, Uuid::from_u128(902).to_string()));
    finds("upload", |h| blobs(h, "something".to_owned()));
    let died = broken(|h| {
        // Whose server died is told nothing, and the collector finds the row.
        let mut open = upload("open.pdf", None);
        open.is_cut = false;
        h.clients[CAROL].uploads.push(open);
        let row = FileRow { is_complete: false, ..noted(Uuid::from_u128(903), "open.pdf", None) };
        h.books.files.push(row);
    });
    assert!(died.is_empty(), "{died:?}");
}
