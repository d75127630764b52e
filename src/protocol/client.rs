//! Client frames: from text to a [`Command`] within limits, or to the error that says why not.

use std::borrow::Cow;

use super::command::command;
use super::scan::{deeper_than, reference_of, salvage};
use crate::domain::subscription::Level;
use crate::domain::{ConnId, Content, Draft, Emoji, Epoch, MessageId, Reason, RoomId, Seq, UserId};
use crate::error::{Code, Fault};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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
    /// People of one `presence.watch`.
    pub watched: usize,
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
    pub level: Level,
    /// The last position received; absent: from the head on.
    pub after: Option<Seq>,
}

/// Where a client stood when its last connection ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The history that its positions belong to.
    pub epoch: Option<Epoch>,
    /// The last position received of the user's own log.
    pub user_after: Option<Seq>,
    pub rooms: Vec<ResumeRoom>,
    /// The connection that this one takes the place of: it may be closed once this one is live.
    pub replaces: Option<ConnId>,
}

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Auth {
        token: String,
    },
    AuthRefresh {
        token: String,
    },
    Resume(Resume),
    Subscribe {
        room: RoomId,
        level: Level,
        after: Option<Seq>,
    },
    Unsubscribe {
        room: RoomId,
    },
    /// Marks; [`Seq::START`] for the one that is not told of.
    Mark {
        room: RoomId,
        received: Seq,
        read: Seq,
    },
    Typing {
        room: RoomId,
        on: bool,
    },
    /// Whether this connection counts as presence.
    PresenceSet {
        is_online: bool,
    },
    /// Whose presence this connection wants to be told.
    PresenceWatch {
        users: Vec<UserId>,
    },
    Send {
        room: RoomId,
        draft: Draft,
    },
    Edit {
        room: RoomId,
        message: MessageId,
        content: Content,
    },
    Delete {
        room: RoomId,
        message: MessageId,
        reason: Option<Reason>,
    },
    React {
        room: RoomId,
        message: MessageId,
        emoji: Emoji,
        on: bool,
    },
    Pin {
        room: RoomId,
        message: MessageId,
        on: bool,
    },
    Ping,
}

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub t: Cow<'a, str>,
    #[serde(borrow, rename = "ref")]
    reference: Option<&'a RawValue>,
    #[serde(borrow)]
    pub room: Option<&'a RawValue>,
    #[serde(borrow)]
    pub d: Option<&'a RawValue>,
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
        watched: 2,
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
        let Ok(Command::Resume(resume)) = frame(&text).command else { panic!("{text}") };
        assert!(resume.epoch.is_some());
        assert_eq!(resume.user_after, Seq::new(1));
        assert_eq!(resume.rooms.first().map(|r| (r.level, r.after)), Some((Level::Full, Seq::new(41))));
        let half = format!(r#"{{"t":"resume","d":{{"rooms":[["{ID}","half",41]]}}}}"#);
        assert_eq!(refusal(&half).errors.first().map(|e| e.field), Some("level"));
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
