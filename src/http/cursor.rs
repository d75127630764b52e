//! Cursors: opaque to clients. Each names its kind and, where it belongs to a room, the room, so
//! that one of another listing is refused instead of giving a wrong page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::refusal::Invalid;
use crate::domain::search::Place as HitPlace;
use crate::domain::{AuditId, MessageId, ReportId, RoomId, Seq, Timestamp, UserId};
use crate::store::{DirectoryCursor, HitCursor, MessagePage, Place};

/// What a cursor continues.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Messages = 1,
    Members = 2,
    Directory = 3,
    Receipts = 4,
    Bans = 5,
    Search = 6,
    Reports = 17,
    Audit = 16,
    NewerMessages = 32,
    Thread = 33,
    NewerInThread = 34,
}

/// A position in a room's listing.
pub(super) fn in_room(listing: Listing, room: RoomId, seq: Seq) -> String {
    encode(listing, room.0, seq.get())
}

/// Reads a position in the listing of `room`.
pub(super) fn parse_in_room(listing: Listing, room: RoomId, text: &str) -> Result<Seq, Invalid> {
    let (id, number) = decode(listing, text).ok_or_else(wrong)?;
    if id != room.0 {
        return Err(Invalid::new("cursor", "is of another room"));
    }
    Seq::new(number).ok_or_else(wrong)
}

/// Where a page of messages goes on: to older ones, and to newer ones.
pub(super) fn of_messages(room: RoomId, page: &MessagePage) -> (Option<String>, Option<String>) {
    let older = page.next.map(|seq| in_room(Listing::Messages, room, seq));
    (older, page.newer.map(|seq| in_room(Listing::NewerMessages, room, seq)))
}

/// Reads where a page of messages goes on.
pub(super) fn parse_in_messages(room: RoomId, text: &str) -> Result<Place, Invalid> {
    if decode(Listing::NewerMessages, text).is_some() {
        return parse_in_room(Listing::NewerMessages, room, text).map(Place::After);
    }
    parse_in_room(Listing::Messages, room, text).map(Place::Before)
}

/// Where a page of a thread goes on: to older replies, and to newer ones.
pub(super) fn of_thread(root: MessageId, page: &MessagePage) -> (Option<String>, Option<String>) {
    let at = |listing, seq: Option<Seq>| seq.map(|seq| encode(listing, root.0, seq.get()));
    (at(Listing::Thread, page.next), at(Listing::NewerInThread, page.newer))
}

/// Reads where a page of a thread goes on.
pub(super) fn parse_in_thread(root: MessageId, text: &str) -> Result<Place, Invalid> {
    let read = |listing| decode(listing, text).filter(|(id, _)| *id == root.0);
    let at = |(_, number)| Seq::new(number);
    let older = read(Listing::Thread).and_then(at).map(Place::Before);
    older.or_else(|| read(Listing::NewerInThread).and_then(at).map(Place::After)).ok_or_else(wrong)
}

/// A position in the directory.
pub(super) fn in_directory(cursor: DirectoryCursor) -> String {
    encode(Listing::Directory, cursor.id.0, cursor.created_at.millis().cast_unsigned())
}

/// Reads a position in the directory.
pub(super) fn parse_in_directory(text: &str) -> Result<DirectoryCursor, Invalid> {
    let (id, number) = decode(Listing::Directory, text).ok_or_else(wrong)?;
    Ok(DirectoryCursor { created_at: Timestamp::from_millis(number.cast_signed()), id: RoomId(id) })
}

/// A position among hits.
pub(super) fn in_search(cursor: HitCursor) -> String {
    encode(Listing::Search, cursor.message.0, cursor.place.stored().cast_unsigned())
}

/// Reads a position among hits.
pub(super) fn parse_in_search(text: &str) -> Result<HitCursor, Invalid> {
    let (id, number) = decode(Listing::Search, text).ok_or_else(wrong)?;
    Ok(HitCursor { place: HitPlace::from_stored(number.cast_signed()), message: MessageId(id) })
}

/// A position among people, after this one.
pub(super) fn after_user(user: UserId) -> String {
    encode(Listing::Bans, user.0, 0)
}

/// Reads a position among people.
pub(super) fn parse_user(text: &str) -> Result<UserId, Invalid> {
    decode(Listing::Bans, text).map(|(id, _)| UserId(id)).ok_or_else(wrong)
}

/// A position among the records of what happened.
pub(super) fn in_audit(id: AuditId) -> String {
    encode(Listing::Audit, id.0, 0)
}

/// Reads a position among the records of what happened.
pub(super) fn parse_in_audit(text: &str) -> Result<AuditId, Invalid> {
    decode(Listing::Audit, text).map(|(id, _)| AuditId(id)).ok_or_else(wrong)
}

/// A position among reports.
pub(super) fn in_reports(id: ReportId) -> String {
    encode(Listing::Reports, id.0, 0)
}

/// Reads a position among reports.
pub(super) fn parse_in_reports(text: &str) -> Result<ReportId, Invalid> {
    decode(Listing::Reports, text).map(|(id, _)| ReportId(id)).ok_or_else(wrong)
}

fn wrong() -> Invalid {
    Invalid::new("cursor", "is none of this listing")
}

fn encode(listing: Listing, id: Uuid, number: u64) -> String {
    let mut bytes = vec![listing as u8];
    bytes.extend(id.as_bytes());
    bytes.extend(number.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(listing: Listing, text: &str) -> Option<(Uuid, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (kind, rest) = bytes.split_first()?;
    let (id, number) = rest.split_first_chunk::<16>()?;
    let number = <[u8; 8]>::try_from(number).ok()?;
    (*kind == listing as u8).then(|| (Uuid::from_bytes(*id), u64::from_be_bytes(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(n: u128) -> RoomId {
        RoomId(Uuid::from_u128(n))
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let seq = Seq::new(44).expect("small");
        let text = in_room(Listing::Messages, room(1), seq);
        assert_eq!(parse_in_room(Listing::Messages, room(1), &text), Ok(seq));
        assert_eq!(parse_in_messages(room(1), &text), Ok(Place::Before(seq)));
        let newer = in_room(Listing::NewerMessages, room(1), seq);
        assert_eq!(parse_in_messages(room(1), &newer), Ok(Place::After(seq)));
        assert!(parse_in_messages(room(2), &newer).is_err());
        let cursor = DirectoryCursor { created_at: Timestamp::from_millis(-7), id: room(2) };
        assert_eq!(parse_in_directory(&in_directory(cursor)), Ok(cursor));
        let hit = HitCursor { place: HitPlace::from_stored(9 << 50), message: MessageId(Uuid::from_u128(4)) };
        assert_eq!(parse_in_search(&in_search(hit)), Ok(hit));
        let root = MessageId(room(4).0);
        let page = MessagePage { messages: Vec::new(), next: Some(seq), newer: Some(seq) };
        let (older, newer) = of_thread(root, &page);
        let read = |text: Option<String>| parse_in_thread(root, &text.expect("a cursor"));
        assert_eq!((read(older), read(newer)), (Ok(Place::Before(seq)), Ok(Place::After(seq))));
        assert!(parse_in_thread(root, &in_room(Listing::Messages, RoomId(root.0), seq)).is_err());
        assert_eq!(parse_user(&after_user(UserId(room(3).0))), Ok(UserId(room(3).0)));
    }

    #[test]
    fn cursors_of_other_listings_and_garbage_are_refused() {
        let text = in_room(Listing::Messages, room(1), Seq::START);
        assert!(parse_in_room(Listing::Messages, room(2), &text).is_err());
        assert!(parse_in_room(Listing::Members, room(1), &text).is_err());
        assert!(parse_in_directory(&text).is_err());
        assert!(parse_in_audit(&text).is_err());
        assert!(parse_in_search(&text).is_err());
        assert!(parse_in_reports(&in_audit(AuditId(Uuid::nil()))).is_err());
        let report = ReportId(Uuid::from_u128(4));
        assert_eq!(parse_in_reports(&in_reports(report)), Ok(report));
        let record = AuditId(Uuid::from_u128(3));
        assert_eq!(parse_in_audit(&in_audit(record)), Ok(record));
        for garbage in ["", "x", "\0", "🦀", "AAAA", &format!("{text}AA")] {
            assert!(parse_in_room(Listing::Messages, room(1), garbage).is_err(), "{garbage:?}");
        }
        let beyond = encode(Listing::Messages, room(1).0, u64::MAX);
        assert!(parse_in_room(Listing::Messages, room(1), &beyond).is_err());
    }
}
