//! Client frames: from text to a [`Command`] within limits, or to the error that says why not.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::scan::{deeper_than, reference_of, salvage};
use crate::domain::refusal::Invalid;
use crate::domain::{ClientMsgId, Content, Draft, Epoch, MessageId, RoomId, Seq};
use crate::error::{Code, Fault};

/// Sizes that a frame is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Bytes of a `resume`, which lists rooms.
    pub resume_frame_bytes: usize,
    /// Levels of nesting.
    pub json_depth: usize,
    /// Characters of a message.
    pub content_chars: usize,
    /// Attachments of a message.
    pub attachments: usize,
    /// Rooms of one `resume`.
    pub subscriptions: usize,
}

/// The client's own name for a request, echoed in its answer as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reference {
    Number(i64),
    /// At most 64 bytes.
    Text(Box<str>),
}

/// A well-formed envelope: which request it is, and what it asks, where that is understood.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientFrame {
    pub reference: Option<Reference>,
    pub command: Result<Command, Fault>,
}

/// A text that is no envelope. Counts towards a close.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where one could be read all the same.
    pub reference: Option<Reference>,
    pub fault: Fault,
}

/// One room of a `resume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeRoom {
    pub room: RoomId,
    /// The last position received; absent: from the head on.
    pub after: Option<Seq>,
}

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Auth { token: String },
    AuthRefresh { token: String },
    Resume { epoch: Option<Epoch>, rooms: Vec<ResumeRoom> },
    Subscribe { room: RoomId, after: Option<Seq> },
    Unsubscribe { room: RoomId },
    Send { room: RoomId, draft: Draft },
    Edit { room: RoomId, message: MessageId, content: Content },
    Delete { room: RoomId, message: MessageId },
    Ping,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow, rename = "ref")]
    reference: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

/// Reads one text frame.
///
/// # Errors
/// [`Malformed`] when it is not JSON, not an envelope, too deep or too large.
pub fn decode(text: &str, limits: &Limits) -> Result<ClientFrame, Malformed> {
    let no_envelope = |detail: &str, reference| Malformed { reference, fault: Fault::bad_request(detail) };
    if text.len() > limits.resume_frame_bytes {
        return Err(Malformed {
            reference: None,
            fault: Fault::new(Code::TooLarge, "the frame is too large"),
        });
    }
    if deeper_than(text, limits.json_depth) {
        return Err(no_envelope("the frame is nested too deeply", None));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| {
        no_envelope("the frame is not an envelope: an object with \"t\" is expected", salvage(text))
    })?;
    let reference = match envelope.reference.map(reference_of) {
        None => None,
        Some(Some(reference)) => Some(reference),
        Some(None) => {
            return Err(no_envelope("\"ref\" must be a string of at most 64 bytes or an integer", None));
        }
    };
    let command = if text.len() > limits.frame_bytes && envelope.t != "resume" {
        Err(Fault::new(Code::TooLarge, format!("a frame may have at most {} bytes", limits.frame_bytes)))
    } else {
        command(&envelope, limits)
    };
    Ok(ClientFrame { reference, command })
}

fn command(envelope: &Envelope<'_>, limits: &Limits) -> Result<Command, Fault> {
    Ok(match envelope.t.as_ref() {
        "auth" => Command::Auth { token: data::<Token>(envelope)?.token },
        "auth.refresh" => Command::AuthRefresh { token: data::<Token>(envelope)?.token },
        "resume" => resume(data(envelope)?, limits)?,
        "room.subscribe" => {
            let Subscribe { level, after } = optional(envelope)?;
            full(level.as_deref())?;
            Command::Subscribe { room: room(envelope)?, after: after.map(position).transpose()? }
        }
        "room.unsubscribe" => Command::Unsubscribe { room: room(envelope)? },
        "message.send" => Command::Send { room: room(envelope)?, draft: draft(data(envelope)?, limits)? },
        "message.edit" => {
            let Edit { id, content } = data(envelope)?;
            let content = Content::parse(&content, limits.content_chars)?;
            Command::Edit { room: room(envelope)?, message: MessageId(id), content }
        }
        "message.delete" => {
            Command::Delete { room: room(envelope)?, message: MessageId(data::<Named>(envelope)?.id) }
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
struct Edit {
    id: Uuid,
    content: String,
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
struct Resume {
    epoch: Option<String>,
    #[serde(default)]
    rooms: Vec<(Uuid, String, Option<u64>)>,
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

fn position(after: u64) -> Result<Seq, Fault> {
    Seq::new(after).ok_or_else(|| Invalid::new("after", "must be below 2^53").into())
}

fn full(level: Option<&str>) -> Result<(), Fault> {
    match level {
        None | Some("full") => Ok(()),
        Some(_) => Err(Invalid::new("level", "must be \"full\" on this server").into()),
    }
}

fn draft(send: Send, limits: &Limits) -> Result<Draft, Fault> {
    if send.attachments.len() > limits.attachments {
        let rule = format!("may hold at most {}", limits.attachments);
        return Err(Invalid::new("attachments", rule).into());
    }
    Ok(Draft {
        client_msg_id: ClientMsgId(send.client_msg_id),
        content: Content::parse(&send.content, limits.content_chars)?,
        attachments: send.attachments,
        reply_to: send.reply_to.map(MessageId),
    })
}

fn resume(resume: Resume, limits: &Limits) -> Result<Command, Fault> {
    if resume.rooms.len() > limits.subscriptions {
        let rule = format!("may hold at most {}", limits.subscriptions);
        return Err(Invalid::new("rooms", rule).into());
    }
    let mut rooms = Vec::with_capacity(resume.rooms.len());
    for (room, level, after) in resume.rooms {
        full(Some(&level))?;
        rooms.push(ResumeRoom { room: RoomId(room), after: after.map(position).transpose()? });
    }
    // An epoch that is no id at all is simply not ours: every room is answered by a reset.
    let epoch = resume.epoch.and_then(|e| e.parse().ok());
    Ok(Command::Resume { epoch, rooms })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        frame_bytes: 1_000,
        resume_frame_bytes: 4_000,
        json_depth: 16,
        content_chars: 100,
        attachments: 2,
        subscriptions: 3,
    };
    const ID: &str = "00000000-0000-0000-0000-000000000001";

    fn frame(text: &str) -> ClientFrame {
        decode(text, &LIMITS).expect(text)
    }

    fn refusal(text: &str) -> Fault {
        frame(text).command.expect_err(text)
    }

    #[test]
    fn a_ref_is_echoed_as_it_came() {
        assert_eq!(frame(r#"{"t":"ping","ref":9}"#).reference, Some(Reference::Number(9)));
        assert_eq!(frame(r#"{"t":"ping","ref":"a"}"#).reference, Some(Reference::Text("a".into())));
        assert_eq!(frame(r#"{"t":"ping"}"#).reference, None);
        let long = format!(r#"{{"t":"ping","ref":"{}"}}"#, "x".repeat(65));
        for bad in [r#"{"t":"ping","ref":{}}"#, r#"{"t":"ping","ref":1.5}"#, &long] {
            assert!(decode(bad, &LIMITS).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_told_apart_from_a_wrong_request() {
        for bad in ["", "nonsense", "[]", "[{\"t\":\"ping\"}]", "{}", "null", "1", r#"{"t":1,"ref":7}"#] {
            assert_eq!(decode(bad, &LIMITS).expect_err(bad).fault.code, Code::BadRequest, "{bad}");
        }
        let salvaged = decode(r#"{"t":1,"ref":7}"#, &LIMITS).expect_err("no envelope").reference;
        assert_eq!(salvaged, Some(Reference::Number(7)));
        assert_eq!(refusal(r#"{"t":"message.shout","ref":1}"#).code, Code::UnknownType);
        assert_eq!(refusal(r#"{"t":"message.send","ref":1}"#).code, Code::BadRequest);
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_count() {
        let deep = format!(r#"{{"t":"ping","d":{}{}}}"#, "[".repeat(16), "]".repeat(16));
        assert!(decode(&deep, &LIMITS).is_err());
        let text = format!(r#"{{"t":"ping","d":"{}\"{}"}}"#, "[".repeat(50), "{".repeat(50));
        assert_eq!(frame(&text).command, Ok(Command::Ping));
    }

    #[test]
    fn only_a_resume_may_be_longer_than_a_frame() {
        let long = format!(r#"{{"t":"ping","ref":1,"d":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(refusal(&long).code, Code::TooLarge);
        let resume = format!(r#"{{"t":"resume","d":{{"epoch":"{}"}}}}"#, "x".repeat(1_000));
        assert!(frame(&resume).command.is_ok());
    }

    #[test]
    fn a_message_needs_its_own_key_and_says_what_is_wrong() {
        let good = format!(
            r#"{{"t":"message.send","ref":4,"room":"{ID}","d":{{"clientMsgId":"{ID}","content":" hi "}}}}"#
        );
        let Ok(Command::Send { draft, .. }) = frame(&good).command else { panic!("{good}") };
        assert_eq!(draft.content.as_str(), "hi");
        let no_key = format!(r#"{{"t":"message.send","ref":4,"room":"{ID}","d":{{"content":"hi"}}}}"#);
        assert!(refusal(&no_key).detail.contains("clientMsgId"));
        let empty =
            format!(r#"{{"t":"message.send","room":"{ID}","d":{{"clientMsgId":"{ID}","content":" "}}}}"#);
        assert_eq!(refusal(&empty).errors.first().map(|e| e.field), Some("content"));
    }

    #[test]
    fn a_resume_lists_rooms_with_level_and_position() {
        let text =
            format!(r#"{{"t":"resume","d":{{"epoch":"{ID}","userAfter":1,"rooms":[["{ID}","full",41]]}}}}"#);
        let Ok(Command::Resume { epoch, rooms }) = frame(&text).command else { panic!("{text}") };
        assert!(epoch.is_some());
        assert_eq!(rooms.first().and_then(|r| r.after), Seq::new(41));
        let bump = format!(r#"{{"t":"resume","d":{{"rooms":[["{ID}","bump",41]]}}}}"#);
        assert_eq!(refusal(&bump).errors.first().map(|e| e.field), Some("level"));
        let many = format!(
            r#"{{"t":"resume","d":{{"rooms":[{}]}}}}"#,
            vec![format!(r#"["{ID}","full",1]"#); 4].join(",")
        );
        assert_eq!(refusal(&many).code, Code::BadRequest);
    }

    proptest! {
        /// Whatever arrives, the decoder answers and never panics.
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,300}") {
            let _ = decode(&text, &LIMITS);
        }

        /// Envelopes with any members: an answer, and the ref kept.
        #[test]
        fn any_envelope_keeps_its_ref(
            t in prop::sample::select(vec!["auth", "auth.refresh", "resume", "room.subscribe",
                "room.unsubscribe", "message.send", "message.edit", "message.delete", "ping", "x"]),
            reference in -1_000_000_i64..1_000_000,
            d in prop::sample::select(vec!["null", "[]", "{}", "1", "\"x\"", "{\"id\":1}", "{\"token\":[]}",
                "{\"rooms\":[[1]]}", "{\"clientMsgId\":{}}", "{\"after\":-1}", "{\"after\":1e99}"]),
        ) {
            let text = format!(r#"{{"t":"{t}","ref":{reference},"room":"{ID}","d":{d}}}"#);
            prop_assert_eq!(frame(&text).reference, Some(Reference::Number(reference)));
        }
    }
}
