//! How an announcement looks in a stream: `{"v":1,"k":kind,"d":{...}}`, with names of one letter.
//!
//! Pods of two versions read each other's entries. So a kind or version that is not known is skipped
//! and counted, members that are not known are ignored, and a change of an unknown kind keeps its
//! place in the log. Who skips an entry sees a gap and reads the store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::wire_journeys::{AskedDto, NotedDto, StepDto};
use super::wire_logs::{EntryDto, UserEntryDto};
use crate::bus::{Announcement, RoomNews, Whisper};
use crate::domain::{LogHead, Marks, MessageId, PodId, RoomId, Seq, SessionId, Timestamp, UserId};

/// The version that is written. A reader skips what is above it.
const VERSION: u32 = 1;

/// An entry that tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Of a newer version: not a fault.
    Unknown,
    /// Not written by any version of this server.
    Malformed,
}

impl From<serde_json::Error> for Unread {
    fn from(_: serde_json::Error) -> Self {
        Self::Malformed
    }
}

#[derive(Serialize)]
struct Sent<'a, T> {
    v: u32,
    k: &'a str,
    d: T,
}

#[derive(Deserialize)]
struct Received<'a> {
    v: u32,
    #[serde(default)]
    k: String,
    #[serde(borrow, default)]
    d: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
struct RoomDto {
    r: Uuid,
    /// Messages ever sent.
    m: u64,
    e: Vec<EntryDto>,
}

#[derive(Serialize, Deserialize)]
struct HeadDto {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    r: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    u: Option<Uuid>,
    s: u64,
}

#[derive(Serialize, Deserialize)]
struct EndedDto {
    s: Uuid,
}

#[derive(Serialize, Deserialize)]
struct TypingDto {
    r: Uuid,
    u: Uuid,
    t: i64,
}

#[derive(Serialize, Deserialize)]
struct MarksDto {
    r: Uuid,
    u: Uuid,
    /// Received.
    c: u64,
    /// Read.
    d: u64,
}

#[derive(Serialize, Deserialize)]
struct PresenceDto {
    p: Uuid,
    u: Vec<(Uuid, u32, i64)>,
}

pub(super) fn seq(value: u64) -> Result<Seq, Unread> {
    Seq::new(value).ok_or(Unread::Malformed)
}

/// The bytes of an entry.
///
/// # Errors
/// Never for the values of the domain; the serializer's type says that it could.
pub(super) fn encode(announcement: &Announcement) -> Result<Vec<u8>, serde_json::Error> {
    fn bytes<T: Serialize>(k: &str, d: T) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Sent { v: VERSION, k, d })
    }
    match announcement {
        Announcement::Room(news) => {
            let e = news.entries.iter().map(EntryDto::new).collect::<Result<_, _>>()?;
            bytes("room", RoomDto { r: news.room.0, m: news.messages, e })
        }
        Announcement::Users(entries) => {
            bytes("users", entries.iter().map(UserEntryDto::new).collect::<Result<Vec<_>, _>>()?)
        }
        Announcement::Head(LogHead::Room(room, seq)) => {
            bytes("head", HeadDto { r: Some(room.0), u: None, s: seq.get() })
        }
        Announcement::Head(LogHead::User(user, seq)) => {
            bytes("head", HeadDto { r: None, u: Some(user.0), s: seq.get() })
        }
        Announcement::LoginEnded(session) => bytes("ended", EndedDto { s: session.0 }),
        Announcement::Whisper(Whisper::Typing { room, user, until }) => {
            bytes("typing", TypingDto { r: room.0, u: user.0, t: until.millis() })
        }
        Announcement::Whisper(Whisper::Marks { room, user, marks }) => {
            let Marks { received, read } = marks;
            bytes("marks", MarksDto { r: room.0, u: user.0, c: received.get(), d: read.get() })
        }
        Announcement::Whisper(Whisper::Presence { pod, people }) => {
            let u = people.iter().map(|(user, count, at)| (user.0, *count, at.millis())).collect();
            bytes("presence", PresenceDto { p: pod.0, u })
        }
        Announcement::Asked { question, message, user } => {
            bytes("asked", AskedDto { q: *question, m: message.0, u: user.0 })
        }
        Announcement::Noted { question, steps } => {
            bytes("noted", NotedDto { q: *question, s: steps.iter().map(StepDto::new).collect() })
        }
    }
}

/// What an entry tells.
///
/// # Errors
/// See [`Unread`]; the reader goes on with the next entry.
pub(super) fn decode(bytes: &[u8]) -> Result<Announcement, Unread> {
    let Received { v, k, d } = serde_json::from_slice(bytes)?;
    if v > VERSION {
        return Err(Unread::Unknown);
    }
    let data = d.map(RawValue::get).unwrap_or_default();
    Ok(match k.as_str() {
        "room" => {
            let RoomDto { r, m, e } = serde_json::from_str(data)?;
            let room = RoomId(r);
            let entries = e.into_iter().map(|entry| entry.entry(room)).collect::<Result<_, _>>()?;
            Announcement::Room(Arc::new(RoomNews { room, entries, messages: m }))
        }
        "users" => {
            let entries: Vec<UserEntryDto> = serde_json::from_str(data)?;
            let entries = entries.into_iter().map(UserEntryDto::entry);
            Announcement::Users(entries.collect::<Result<Arc<[_]>, _>>()?)
        }
        "head" => Announcement::Head(match serde_json::from_str(data)? {
            HeadDto { r: Some(room), u: None, s } => LogHead::Room(RoomId(room), seq(s)?),
            HeadDto { r: None, u: Some(user), s } => LogHead::User(UserId(user), seq(s)?),
            // A log of another sort, by a later version.
            HeadDto { .. } => return Err(Unread::Unknown),
        }),
        "ended" => Announcement::LoginEnded(SessionId(serde_json::from_str::<EndedDto>(data)?.s)),
        "typing" => {
            let TypingDto { r, u, t } = serde_json::from_str(data)?;
            let until = Timestamp::from_millis(t);
            Announcement::Whisper(Whisper::Typing { room: RoomId(r), user: UserId(u), until })
        }
        "marks" => {
            let MarksDto { r, u, c, d } = serde_json::from_str(data)?;
            let marks = Marks { received: seq(c)?, read: seq(d)? };
            Announcement::Whisper(Whisper::Marks { room: RoomId(r), user: UserId(u), marks })
        }
        "presence" => {
            let PresenceDto { p, u } = serde_json::from_str(data)?;
            let people = u.into_iter().map(|(user, n, at)| (UserId(user), n, Timestamp::from_millis(at)));
            Announcement::Whisper(Whisper::Presence { pod: PodId(p), people: people.collect() })
        }
        "asked" => {
            let AskedDto { q, m, u } = serde_json::from_str(data)?;
            Announcement::Asked { question: q, message: MessageId(m), user: UserId(u) }
        }
        "noted" => {
            let NotedDto { q, s } = serde_json::from_str(data)?;
            Announcement::Noted { question: q, steps: s.into_iter().filter_map(StepDto::step).collect() }
        }
        _ => return Err(Unread::Unknown),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::journey::{Device, Station, Step};
    use crate::domain::{
        Attachment, Change, ClientMsgId, ConnId, Entry, FileId, FileName, Member, Message, Role,
        Unread as Unseen, UserChange, UserEntry,
    };

    fn ids() -> impl Strategy<Value = Uuid> + Clone {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    fn seqs() -> impl Strategy<Value = Seq> + Clone {
        (0..=Seq::MAX).prop_map(|n| Seq::new(n).expect("in range"))
    }

    fn times() -> impl Strategy<Value = Timestamp> + Clone {
        any::<i64>().prop_map(Timestamp::from_millis)
    }

    fn files() -> impl Strategy<Value = Attachment> {
        (ids(), ".{0,9}", ".{0,9}", any::<u64>(), any::<bool>()).prop_map(
            |(id, name, media_type, size, has)| {
                let (id, name) = (FileId(id), FileName::from_stored(name));
                Attachment { id, name, media_type, size, has_thumbnail: has }
            },
        )
    }

    fn messages(room: Uuid) -> impl Strategy<Value = Message> {
        let texts = (".{0,40}", proptest::collection::vec(files(), 0..3), proptest::option::of(ids()));
        let places = (ids(), seqs(), ids(), ids(), times(), times(), proptest::option::of(times()));
        (places, texts).prop_map(move |(place, (content, attachments, reply_to))| Message {
            id: MessageId(place.0),
            room: RoomId(room),
            seq: place.1,
            author: UserId(place.2),
            client_msg_id: ClientMsgId(place.3),
            content,
            attachments,
            reply_to: reply_to.map(MessageId),
            created_at: place.4,
            updated_at: place.5,
            deleted_at: place.6,
        })
    }

    fn entries(room: Uuid) -> impl Strategy<Value = Entry> {
        let roles = prop_oneof![Just(Role::Member), Just(Role::Administrator), Just(Role::Owner)];
        let member = (ids(), roles, times(), seqs()).prop_map(|(user, role, joined_at, joined_seq)| Member {
            user: UserId(user),
            role,
            joined_at,
            joined_seq,
        });
        let change = prop_oneof![
            messages(room).prop_map(Change::MessageCreated),
            messages(room).prop_map(Change::MessageUpdated),
            messages(room).prop_map(Change::MessageDeleted),
            (member, ".{1,20}").prop_map(|(member, username)| Change::MemberJoined { member, username }),
            ids().prop_map(|user| Change::MemberLeft { user: UserId(user) }),
            "later\\.[a-z]{1,9}".prop_map(|kind| Change::Other { kind: kind.into() }),
        ];
        (seqs(), times(), change).prop_map(move |(seq, at, change)| Entry {
            room: RoomId(room),
            seq,
            at,
            change,
        })
    }

    fn user_entries() -> impl Strategy<Value = UserEntry> {
        let moved = (ids(), seqs(), seqs(), any::<u64>(), any::<u64>());
        let change = prop_oneof![
            ids().prop_map(|room| UserChange::RoomAdded { room: RoomId(room) }),
            ids().prop_map(|room| UserChange::RoomRemoved { room: RoomId(room) }),
            moved.prop_map(|(room, received, read, messages, mentions)| UserChange::MarkMoved {
                room: RoomId(room),
                marks: Marks { received, read },
                unread: Unseen { messages, mentions },
            }),
            Just(UserChange::ProfileUpdated),
            "later\\.[a-z]{1,9}".prop_map(|kind| UserChange::Other { kind }),
        ];
        (ids(), seqs(), times(), change).prop_map(|(user, seq, at, change)| UserEntry {
            user: UserId(user),
            seq,
            at,
            change,
        })
    }

    fn whispers() -> impl Strategy<Value = Whisper> {
        let people = proptest::collection::vec((ids().prop_map(UserId), any::<u32>(), times()), 0..4);
        prop_oneof![
            (ids(), ids(), times()).prop_map(|(room, user, until)| Whisper::Typing {
                room: RoomId(room),
                user: UserId(user),
                until
            }),
            (ids(), ids(), seqs(), seqs()).prop_map(|(room, user, received, read)| Whisper::Marks {
                room: RoomId(room),
                user: UserId(user),
                marks: Marks { received, read }
            }),
            (ids(), people)
                .prop_map(|(pod, people)| Whisper::Presence { pod: PodId(pod), people: people.into() }),
        ]
    }

    fn steps() -> impl Strategy<Value = Step> {
        let device =
            || (ids(), ids()).prop_map(|(user, conn)| Device { user: UserId(user), conn: ConnId(conn) });
        let station = prop_oneof![
            any::<bool>().prop_map(|by_request| Station::Submitted { by_request }),
            Just(Station::Storing),
            Just(Station::Refused),
            Just(Station::Committed),
            Just(Station::Announced),
            Just(Station::Heard),
            any::<u32>().prop_map(|sockets| Station::Offered { sockets }),
            device().prop_map(Station::Written),
            device().prop_map(Station::Replayed),
            device().prop_map(Station::Lagged),
        ];
        (ids(), times(), ids(), station).prop_map(|(message, at, pod, station)| Step {
            message: MessageId(message),
            at,
            pod: PodId(pod),
            station,
        })
    }

    fn announcements() -> impl Strategy<Value = Announcement> {
        let news = (ids(), any::<u64>()).prop_flat_map(|(room, messages)| {
            let entries = proptest::collection::vec(entries(room), 0..4);
            entries.prop_map(move |entries| RoomNews { room: RoomId(room), entries, messages })
        });
        prop_oneof![
            news.prop_map(|news| Announcement::Room(Arc::new(news))),
            proptest::collection::vec(user_entries(), 0..4).prop_map(|list| Announcement::Users(list.into())),
            (ids(), seqs()).prop_map(|(room, seq)| Announcement::Head(LogHead::Room(RoomId(room), seq))),
            (ids(), seqs()).prop_map(|(user, seq)| Announcement::Head(LogHead::User(UserId(user), seq))),
            ids().prop_map(|session| Announcement::LoginEnded(SessionId(session))),
            whispers().prop_map(Announcement::Whisper),
            (ids(), ids(), ids()).prop_map(|(question, message, user)| Announcement::Asked {
                question,
                message: MessageId(message),
                user: UserId(user)
            }),
            (ids(), proptest::collection::vec(steps(), 0..4))
                .prop_map(|(question, steps)| Announcement::Noted { question, steps: steps.into() }),
        ]
    }

    proptest! {
        #[test]
        fn every_announcement_comes_back_as_it_went(announcement in announcements()) {
            let bytes = encode(&announcement).expect("can be written");
            prop_assert_eq!(decode(&bytes), Ok(announcement));
        }

        #[test]
        fn no_bytes_are_a_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn what_a_later_version_writes_is_skipped_or_read_as_far_as_it_is_known() {
        assert_eq!(decode(br#"{"v":2,"k":"room","d":{}}"#), Err(Unread::Unknown));
        assert_eq!(decode(br#"{"v":1,"k":"reaction","d":[1]}"#), Err(Unread::Unknown));
        assert_eq!(decode(br#"{"v":1,"k":"ended","d":{}}"#), Err(Unread::Malformed));
        assert_eq!(decode(b"hello"), Err(Unread::Malformed));
        let id = Uuid::from_u128(7);
        let more = format!(r#"{{"v":1,"k":"ended","d":{{"s":"{id}","why":"later"}},"x":0}}"#);
        assert_eq!(decode(more.as_bytes()), Ok(Announcement::LoginEnded(SessionId(id))));
    }

    #[test]
    fn a_change_of_an_unknown_kind_keeps_its_place() {
        let id = Uuid::from_u128(7);
        let entry = r#"{"s":5,"t":9,"k":"room.archived","d":{"by":1}}"#;
        let text = format!(r#"{{"v":1,"k":"room","d":{{"r":"{id}","m":3,"e":[{entry}]}}}}"#);
        let Ok(Announcement::Room(news)) = decode(text.as_bytes()) else { panic!("not read: {text}") };
        let change = Change::Other { kind: "room.archived".into() };
        let (room, seq) = (RoomId(id), Seq::new(5).expect("small"));
        assert_eq!(news.entries, [Entry { room, seq, at: Timestamp::from_millis(9), change }]);
    }
}
