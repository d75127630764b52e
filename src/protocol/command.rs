//! The actions: what each wants in `room` and `d`. The other half of [`super::client`].

use serde::Deserialize;
use uuid::Uuid;

use super::client::{Command, Envelope, Limits, Resume, ResumeRoom};
use crate::domain::refusal::Invalid;
use crate::domain::subscription::Level;
use crate::domain::{ClientMsgId, Content, Draft, Emoji, FileId, MessageId, Reason, RoomId, Seq, UserId};
use crate::error::{Code, Fault};

/// The command of an envelope.
///
/// # Errors
/// What is wrong with it, for an answer; the socket lives on.
pub(super) fn command(envelope: &Envelope<'_>, limits: &Limits) -> Result<Command, Fault> {
    Ok(match envelope.t.as_ref() {
        "auth" => Command::Auth { token: data::<Token>(envelope)?.token },
        "auth.refresh" => Command::AuthRefresh { token: data::<Token>(envelope)?.token },
        "resume" => Command::Resume(resume(data(envelope)?, limits)?),
        "room.subscribe" => {
            let Subscribe { level: wanted, after } = optional(envelope)?;
            let level = wanted.as_deref().map_or(Ok(Level::Full), level)?;
            Command::Subscribe { room: room(envelope)?, level, after: after.map(after_position).transpose()? }
        }
        "room.unsubscribe" => Command::Unsubscribe { room: room(envelope)? },
        "message.send" => Command::Send { room: room(envelope)?, draft: draft(data(envelope)?, limits)? },
        "message.edit" => {
            let Edit { id, content } = data(envelope)?;
            let content = Content::parse(&content, limits.content_chars)?;
            Command::Edit { room: room(envelope)?, message: MessageId(id), content }
        }
        "message.delete" => {
            let Deletion { id, reason } = data(envelope)?;
            let reason = Reason::optional(reason.as_deref())?;
            Command::Delete { room: room(envelope)?, message: MessageId(id), reason }
        }
        action @ ("reaction.add" | "reaction.remove") => {
            let Reaction { id, emoji } = data(envelope)?;
            let (message, emoji) = (MessageId(id), Emoji::parse(&emoji)?);
            Command::React { room: room(envelope)?, message, emoji, on: action == "reaction.add" }
        }
        action @ ("message.pin" | "message.unpin") => {
            let message = MessageId(data::<Named>(envelope)?.id);
            Command::Pin { room: room(envelope)?, message, on: action == "message.pin" }
        }
        "mark.read" => {
            let read = position("seq", data::<At>(envelope)?.seq)?;
            Command::Mark { room: room(envelope)?, received: Seq::START, read }
        }
        "mark.received" => {
            let received = position("seq", data::<At>(envelope)?.seq)?;
            Command::Mark { room: room(envelope)?, received, read: Seq::START }
        }
        "typing.start" => Command::Typing { room: room(envelope)?, on: true },
        "typing.stop" => Command::Typing { room: room(envelope)?, on: false },
        "presence.set" => Command::PresenceSet { is_online: data::<Online>(envelope)?.is_online },
        "presence.watch" => {
            let Watch { users } = data(envelope)?;
            at_most("users", users.len(), limits.watched)?;
            Command::PresenceWatch { users: users.into_iter().map(UserId).collect() }
        }
        "ping" => Command::Ping,
        _ => return Err(Fault::new(Code::UnknownType, "this action is not known here")),
    })
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

#[derive(Deserialize)]
struct Deletion {
    id: Uuid,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Edit {
    id: Uuid,
    content: String,
}

#[derive(Deserialize)]
struct Reaction {
    id: Uuid,
    emoji: String,
}

#[derive(Deserialize, Default)]
struct Subscribe {
    level: Option<String>,
    after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Send {
    client_msg_id: Uuid,
    content: String,
    #[serde(default)]
    attachments: Vec<Uuid>,
    reply_to: Option<Uuid>,
}

#[derive(Deserialize)]
struct At {
    seq: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Online {
    is_online: bool,
}

#[derive(Deserialize)]
struct Watch {
    users: Vec<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resumption {
    epoch: Option<String>,
    user_after: Option<u64>,
    #[serde(default)]
    rooms: Vec<(Uuid, String, Option<u64>)>,
    replaces: Option<String>,
}

fn data<'a, T: Deserialize<'a>>(envelope: &Envelope<'a>) -> Result<T, Fault> {
    let raw = envelope.d.ok_or_else(|| Fault::from(Invalid::new("d", "is missing")))?;
    serde_json::from_str(raw.get()).map_err(|e| wrong_data(&e))
}

fn optional<'a, T: Deserialize<'a> + Default>(envelope: &Envelope<'a>) -> Result<T, Fault> {
    match envelope.d {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|e| wrong_data(&e)),
        None => Ok(T::default()),
    }
}

/// serde's message names the field and the type expected; what it quotes is the client's own.
fn wrong_data(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let text = text.split(" at line").next().unwrap_or_default();
    Fault::from(Invalid::new("d", format!("is not as expected: {text}")))
}

fn room(envelope: &Envelope<'_>) -> Result<RoomId, Fault> {
    envelope
        .room
        .and_then(|raw| serde_json::from_str::<Uuid>(raw.get()).ok())
        .map(RoomId)
        .ok_or_else(|| Invalid::new("room", "must be a room's id").into())
}

fn position(field: &'static str, at: u64) -> Result<Seq, Fault> {
    Seq::new(at).ok_or_else(|| Invalid::new(field, "must be below 2^53").into())
}

fn after_position(at: u64) -> Result<Seq, Fault> {
    position("after", at)
}

fn level(word: &str) -> Result<Level, Fault> {
    Level::parse(word).ok_or_else(|| Invalid::new("level", "must be \"full\", \"bump\" or \"none\"").into())
}

fn at_most(field: &'static str, count: usize, most: usize) -> Result<(), Fault> {
    if count > most {
        return Err(Invalid::new(field, format!("may hold at most {most}")).into());
    }
    Ok(())
}

fn draft(send: Send, limits: &Limits) -> Result<Draft, Fault> {
    at_most("attachments", send.attachments.len(), limits.attachments)?;
    Ok(Draft {
        client_msg_id: ClientMsgId(send.client_msg_id),
        content: Content::beside_files(&send.content, limits.content_chars, send.attachments.len())?,
        attachments: send.attachments.into_iter().map(FileId).collect(),
        reply_to: send.reply_to.map(MessageId),
    })
}

fn resume(wanted: Resumption, limits: &Limits) -> Result<Resume, Fault> {
    at_most("rooms", wanted.rooms.len(), limits.subscriptions)?;
    let mut rooms = Vec::with_capacity(wanted.rooms.len());
    for (room, word, after) in wanted.rooms {
        let after = after.map(after_position).transpose()?;
        rooms.push(ResumeRoom { room: RoomId(room), level: level(&word)?, after });
    }
    Ok(Resume {
        // An epoch that is no id at all is simply not ours: every room is answered by a reset.
        epoch: wanted.epoch.and_then(|e| e.parse().ok()),
        user_after: wanted.user_after.map(|at| position("userAfter", at)).transpose()?,
        rooms,
        // Nor is such a connection one of ours.
        replaces: wanted.replaces.and_then(|conn| conn.parse().ok()),
    })
}
