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
use super::wire_logs::EntryDto;
use super::wire_users::UserEntryDto;
use crate::bus::{Announcement, RoomNews, Whisper};
use crate::domain::{
    Concern, LogHead, Marks, MessageId, PodId, RoomId, Seq, SessionId, Timestamp, UserId, Whom,
};

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
    /// Its members, where they are others.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    n: Option<u64>,
    /// Older versions do not tell it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    c: Option<ConcernDto>,
}

/// Whose counts are others.
#[derive(Serialize, Deserialize)]
struct ConcernDto {
    /// What is unread.
    #[serde(skip_serializing_if = "WhomDto::is_nobody", default)]
    u: WhomDto,
    /// Who is mentioned.
    #[serde(skip_serializing_if = "WhomDto::is_nobody", default)]
    m: WhomDto,
}

/// People, or with `a` all.
#[derive(Default, Serialize, Deserialize)]
struct WhomDto {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    p: Vec<Uuid>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    a: bool,
}

impl WhomDto {
    fn new(whom: &Whom) -> Self {
        Self { p: whom.people.iter().map(|user| user.0).collect(), a: whom.everyone }
    }

    const fn is_nobody(&self) -> bool {
        !self.a && self.p.is_empty()
    }

    fn whom(self) -> Whom {
        let mut whom = if self.a { Whom::everyone() } else { Whom::default() };
        whom.add(self.p.into_iter().map(UserId));
        whom
    }
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
            let Concern { unread, mentions } = &news.concern;
            let c = Some(ConcernDto { u: WhomDto::new(unread), m: WhomDto::new(mentions) });
            bytes("room", RoomDto { r: news.room.0, m: news.messages, e, n: news.members, c })
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
            let RoomDto { r, m, e, n, c } = serde_json::from_str(data)?;
            let room = RoomId(r);
            let entries = e.into_iter().map(|entry| entry.entry(room)).collect::<Result<Vec<_>, _>>()?;
            let concern = match c {
                Some(ConcernDto { u, m }) => Concern { unread: u.whom(), mentions: m.whom() },
                None => Concern::of(&entries),
            };
            Announcement::Room(Arc::new(RoomNews { room, entries, messages: m, members: n, concern }))
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
