//! As much of a frame as a client needs.

use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

/// The envelope.
#[derive(Debug, Deserialize)]
pub struct Frame<'a> {
    #[serde(borrow)]
    pub t: Cow<'a, str>,
    #[serde(rename = "ref")]
    pub reference: Option<u64>,
    pub room: Option<Uuid>,
    pub seq: Option<u64>,
    #[serde(borrow, default)]
    pub d: Data<'a>,
}

/// The members that matter of any `d`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Data<'a> {
    pub id: Option<Uuid>,
    pub seq: Option<u64>,
    #[serde(borrow)]
    pub content: Option<Cow<'a, str>>,
    pub user_id: Option<Uuid>,
    pub client_msg_id: Option<Uuid>,
    pub duplicate: bool,
    #[serde(borrow)]
    pub mode: Option<Cow<'a, str>>,
    pub more: bool,
    pub from: Option<u64>,
    pub to: Option<u64>,
    pub head: Option<u64>,
    #[serde(borrow)]
    pub code: Option<Cow<'a, str>>,
    pub retryable: bool,
    pub retry_after_ms: Option<u64>,
    #[serde(borrow)]
    pub epoch: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub conn_id: Option<Cow<'a, str>>,
    pub heartbeat_ms: Option<u64>,
    #[serde(borrow)]
    pub features: Vec<Cow<'a, str>>,
    pub delay_ms: Option<u64>,
    pub heads: Vec<(Uuid, u64)>,
    #[serde(borrow)]
    pub reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub emoji: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub deleted_at: Option<Cow<'a, str>>,
    pub room_id: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frames_of_the_protocol_are_read() {
        let id = "00000000-0000-0000-0000-000000000001";
        let text = format!(
            r#"{{"t":"message.created","room":"{id}","seq":44,"ts":"x","d":{{"id":"{id}","userId":"{id}","content":"a\"b","attachments":[],"seq":44}}}}"#
        );
        let frame: Frame<'_> = serde_json::from_str(&text).expect("a frame");
        assert_eq!((frame.seq, frame.d.content.as_deref()), (Some(44), Some("a\"b")));
        let hello: Frame<'_> = serde_json::from_str(
            r#"{"t":"hello","d":{"version":"chat.v1","connId":"c","epoch":"e","heartbeatMs":3000,"limits":{},"features":["resume","levels"]}}"#,
        )
        .expect("a frame");
        assert_eq!((hello.d.features.len(), hello.d.heartbeat_ms), (2, Some(3_000)));
        for text in [
            r#"{"t":"heads","d":{"rooms":[],"more":false}}"#,
            r#"{"t":"pong","ref":9,"d":{"heads":[["00000000-0000-0000-0000-000000000001",44]]}}"#,
            r#"{"t":"ready","d":{"user":{"id":"x","username":"a"},"sessionId":"y","userSeq":12}}"#,
            r#"{"t":"server.draining","d":{"delayMs":1830,"deadline":"z"}}"#,
            r#"{"t":"anything"}"#,
        ] {
            assert!(serde_json::from_str::<Frame<'_>>(text).is_ok(), "{text}");
        }
    }
}
