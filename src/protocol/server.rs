//! Server frames, each made by one function and pinned by a golden frame.

use serde::Serialize;
use uuid::Uuid;

use super::client::Reference;
pub use super::entries::entry;
use super::wire::{self, rfc3339};
use super::{Encoded, FEATURES, VERSION};
use crate::domain::subscription::{Answer as Subscribed, Level, ResetReason};
use crate::domain::{
    Change, Committed, ConnId, Epoch, Head, RoomId, RoomSettings, RoomState, Seq, SessionId, Timestamp, User,
};
use crate::error::Fault;

/// The envelope: `t`, and what belongs to it.
#[derive(Serialize)]
pub(super) struct Frame<'a, D> {
    pub(super) t: &'a str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<&'a Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts: Option<String>,
    pub(super) d: D,
}

fn plain<D: Serialize>(t: &str, d: D) -> Encoded {
    Encoded::json(&Frame { t, reference: None, room: None, seq: None, ts: None, d })
}

fn reply<D: Serialize>(t: &str, reference: Option<&Reference>, room: Option<RoomId>, d: D) -> Encoded {
    Encoded::json(&Frame { t, reference, room: room.map(|r| r.0), seq: None, ts: None, d })
}

#[derive(Serialize)]
struct Empty {}

/// What `hello` tells of the limits: a key for each of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloLimits {
    pub frame_bytes: usize,
    pub resume_frame_bytes: usize,
    pub json_depth: usize,
    pub content_chars: usize,
    pub attachments: usize,
    /// Of one file that is uploaded.
    pub file_bytes: usize,
    /// In which an author may change an own message, where the room has no time of its own.
    pub edit_window_seconds: u64,
    pub subscriptions: usize,
    pub watched: usize,
    pub connections_per_user: usize,
    pub connections_per_ip: usize,
    pub frames_per_second: u32,
    pub frames_burst: u32,
    pub sends_per_second: u32,
    pub sends_burst: u32,
    pub tickets_per_minute: u32,
    pub logins_per_minute: u32,
    pub logins_per_minute_per_ip: u32,
}

/// The first frame of every connection.
#[must_use]
pub fn hello(conn: ConnId, epoch: Epoch, now: Timestamp, heartbeat_ms: u64, limits: &HelloLimits) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Hello<'a> {
        version: &'a str,
        conn_id: Uuid,
        epoch: Uuid,
        now: String,
        heartbeat_ms: u64,
        limits: &'a HelloLimits,
        features: &'a [&'a str],
    }
    plain(
        "hello",
        Hello {
            version: VERSION,
            conn_id: conn.0,
            epoch: epoch.0,
            now: rfc3339(now),
            heartbeat_ms,
            limits,
            features: FEATURES,
        },
    )
}

/// Authentication succeeded.
#[must_use]
pub fn ready(reference: Option<&Reference>, user: &User, session: SessionId, user_seq: Seq) -> Encoded {
    #[derive(Serialize)]
    struct Who<'a> {
        id: Uuid,
        username: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ready<'a> {
        user: Who<'a>,
        session_id: Uuid,
        user_seq: u64,
    }
    let who = Who { id: user.id.0, username: user.username.as_str() };
    reply("ready", reference, None, Ready { user: who, session_id: session.0, user_seq: user_seq.get() })
}

/// Rooms per `heads` frame.
pub const HEADS_PER_FRAME: usize = 200;

/// Where a user's rooms stand, newest activity first, [`HEADS_PER_FRAME`] per frame; at least one
/// frame.
#[must_use]
pub fn heads(rooms: &[RoomState]) -> Vec<Encoded> {
    #[derive(Serialize)]
    struct Row {
        #[serde(flatten)]
        place: Place,
        messages: u64,
        read: u64,
        received: u64,
        unread: u64,
        mentions: u64,
        /// Where the member has set any.
        #[serde(skip_serializing_if = "Option::is_none")]
        settings: Option<wire::RoomSettings>,
    }
    let row = |state: &RoomState| Row {
        place: Place::of(&state.head),
        messages: state.messages,
        read: state.marks.read.get(),
        received: state.marks.received.get(),
        unread: state.unread.messages,
        mentions: state.unread.mentions,
        settings: (state.settings != RoomSettings::default()).then(|| state.settings.into()),
    };
    heads_frames(rooms, row)
}

/// How far the logs of open rooms go: what a client notices silence by.
#[must_use]
pub fn live_heads(heads: &[Head]) -> Vec<Encoded> {
    heads_frames(heads, Place::of)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    room: Uuid,
    head: u64,
    first_retained: u64,
}

impl Place {
    fn of(h: &Head) -> Self {
        Self { room: h.room.0, head: h.head.get(), first_retained: h.first_retained.get() }
    }
}

fn heads_frames<T, R: Serialize>(rooms: &[T], row: impl Fn(&T) -> R) -> Vec<Encoded> {
    #[derive(Serialize)]
    struct Heads<R> {
        rooms: Vec<R>,
        more: bool,
    }
    let frame = |page: &[T], more| plain("heads", Heads { rooms: page.iter().map(&row).collect(), more });
    if rooms.is_empty() {
        return vec![frame(&[], false)];
    }
    let frames = rooms.len().div_ceil(HEADS_PER_FRAME);
    let pages = rooms.chunks(HEADS_PER_FRAME).enumerate();
    pages.map(|(i, page)| frame(page, i + 1 < frames)).collect()
}

/// The answer to `room.subscribe`, and one per room of a `resume`.
#[must_use]
pub fn subscribed(
    reference: Option<&Reference>,
    room: RoomId,
    level: Level,
    how: Subscribed,
    head: Seq,
) -> Encoded {
    #[derive(Serialize)]
    struct Data {
        mode: &'static str,
        level: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        more: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
        head: u64,
    }
    let empty = Data {
        mode: "uptodate",
        level: level.as_str(),
        from: None,
        to: None,
        more: None,
        reason: None,
        head: head.get(),
    };
    let answer = match how {
        Subscribed::UpToDate => empty,
        Subscribed::Replay { from, to, more } => {
            Data { mode: "replay", from: Some(from.get()), to: Some(to.get()), more: Some(more), ..empty }
        }
        Subscribed::Reset(reason) => Data { mode: "reset", reason: Some(reason.as_str()), ..empty },
    };
    reply("room.subscribed", reference, Some(room), answer)
}

/// All rooms of a `resume` are answered.
#[must_use]
pub fn resumed(reference: Option<&Reference>, user_seq: Seq) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Resumed {
        user_seq: u64,
    }
    reply("resumed", reference, None, Resumed { user_seq: user_seq.get() })
}

/// A message action is committed.
#[must_use]
pub fn ack(reference: Option<&Reference>, committed: &Committed) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ack {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Uuid>,
        seq: u64,
        ts: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_msg_id: Option<Uuid>,
        duplicate: bool,
    }
    let entry = &committed.entry;
    let message = entry.change.message();
    let created = matches!(entry.change, Change::MessageCreated(_));
    reply(
        "ack",
        reference,
        None,
        Ack {
            id: entry.change.about().map(|message| message.id.0),
            seq: entry.seq.get(),
            ts: rfc3339(entry.at),
            client_msg_id: message.filter(|_| created).map(|m| m.client_msg_id.0),
            duplicate: committed.duplicate,
        },
    )
}

/// An action without a result of its own is done.
#[must_use]
pub fn done(reference: Option<&Reference>) -> Encoded {
    reply("ack", reference, None, Empty {})
}

/// An action was refused.
#[must_use]
pub fn error(reference: Option<&Reference>, fault: &Fault) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Error<'a> {
        code: &'a str,
        message: &'a str,
        retryable: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'a str>,
    }
    reply(
        "error",
        reference,
        None,
        Error {
            code: fault.code.as_str(),
            message: &fault.detail,
            retryable: fault.code.retryable(),
            retry_after_ms: fault.retry_after_ms(),
            field: fault.errors.first().map(|e| e.field),
        },
    )
}

/// The answer to `ping`, with the heads of the open rooms.
#[must_use]
pub fn pong(reference: Option<&Reference>, heads: &[(RoomId, Seq)]) -> Encoded {
    #[derive(Serialize)]
    struct Pong {
        heads: Vec<(Uuid, u64)>,
    }
    let heads = heads.iter().map(|(room, head)| (room.0, head.get())).collect();
    reply("pong", reference, None, Pong { heads })
}

/// The access token ends soon: answer with `auth.refresh`.
#[must_use]
pub fn auth_expiring(expires_at: Timestamp) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Expiring {
        expires_at: String,
    }
    plain("auth.expiring", Expiring { expires_at: rfc3339(expires_at) })
}

/// This process is ending: come back after the delay.
#[must_use]
pub fn draining(delay_ms: u64, deadline: Timestamp) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Draining {
        delay_ms: u64,
        deadline: String,
    }
    plain("server.draining", Draining { delay_ms, deadline: rfc3339(deadline) })
}

/// The login was ended; a close with 4303 follows.
#[must_use]
pub fn session_revoked() -> Encoded {
    plain("session.revoked", Empty {})
}

/// Unasked: the room is no longer live on this connection, and its cache is worthless.
#[must_use]
pub fn reset(room: RoomId, reason: ResetReason, head: Seq, first_retained: Seq) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Reset {
        reason: &'static str,
        head: u64,
        first_retained: u64,
    }
    let d = Reset { reason: reason.as_str(), head: head.get(), first_retained: first_retained.get() };
    reply("room.reset", None, Some(room), d)
}
