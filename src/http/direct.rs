//! `/direct-rooms` and `/rooms/{roomId}/settings`: conversations between a few people, and what
//! somebody sets for himself.

use std::collections::BTreeSet;

use actix_web::web::{Data, Json, Path};
use chrono::DateTime;
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Deserialize;
use uuid::Uuid;

use super::body::Body;
use super::extract::{Caller, Writer};
use super::invites::told;
use super::problem::Problem;
use super::rooms::view;
use super::{Http, private};
use crate::domain::refusal::Invalid;
use crate::domain::{Notifications, Refusal, RoomId, RoomSettings, Timestamp, UserId};
use crate::limits::Key;
use crate::protocol::wire;
use crate::store::{Direct, StoreError};

/// Others that a conversation may have.
const OTHERS: usize = 7;

/// Who is to be in the conversation.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenDirect {
    /// The others, from one to seven. {{"minItems":1,"maxItems":7,"example":["01937f4e-5b1a-7c2d-9e3f-000000000003"]}}
    user_ids: Vec<Uuid>,
}

#[api_v2_operation(
    summary = "Open a direct conversation",
    description = "With one other, or with up to seven. The same people always get the same conversation, whoever asks. Nobody joins it or is invited to it. One of more than two can be left; the same people who ask again get a new one.",
    operation_id = "openDirectRoom",
    tags(Rooms)
)]
pub(super) async fn open(
    Writer(caller): Writer,
    http: Data<Http>,
    body: Body<OpenDirect>,
) -> Result<Json<wire::Room>, Problem> {
    let (by, now) = (caller.user.id, http.pod.clock.now());
    http.limiter
        .check(Key::CreateRoom(by), now)
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let others: BTreeSet<UserId> =
        body.user_ids.iter().copied().map(UserId).filter(|user| *user != by).collect();
    if others.is_empty() || body.user_ids.len() > OTHERS {
        return Err(Invalid::new("userIds", format!("must name from 1 to {OTHERS} others")).into());
    }
    let others: Vec<_> = others.into_iter().collect();
    let direct = Direct { id: RoomId(http.pod.clock.id()), by, others, now };
    let work = http.clone();
    // As for a new room: whoever was put into it has to be told.
    let opened = tokio::spawn(async move {
        let direct = work.pod.store.direct(direct).await?;
        if let Some(made) = direct.made {
            work.registry.announce(made.entries, made.told);
        }
        Ok(direct.room)
    });
    let room = opened.await.unwrap_or_else(|error| Err(StoreError::InDoubt(error.to_string())))?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Set what you want of a room",
    description = "For yourself, on all your devices, which are told by `settings.updated`. Forgotten when you leave.",
    operation_id = "setRoomSettings",
    tags(Rooms)
)]
pub(super) async fn settings(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<wire::RoomSettings>,
) -> Result<Json<wire::RoomSettings>, Problem> {
    let (room, user, now) = (RoomId(*room), caller.user.id, http.pod.clock.now());
    let settings = RoomSettings {
        notifications: Notifications::parse(&body.notifications)?,
        muted_until: body.muted_until.as_deref().map(time).transpose()?,
        is_favourite: body.is_favourite,
    };
    private::check(&http, &caller, room).await?;
    let work = http.clone();
    told(&http, async move { Ok(((), work.pod.store.set_settings(room, user, settings, now).await?)) })
        .await?;
    Ok(Json(settings.into()))
}

fn time(text: &str) -> Result<Timestamp, Invalid> {
    let read = DateTime::parse_from_rfc3339(text).ok();
    // Before the first of all timestamps nothing was muted either.
    let millis = read.map(|at| at.timestamp_millis().max(0));
    millis.map(Timestamp::from_millis).ok_or_else(|| Invalid::new("mutedUntil", "must be a time of RFC 3339"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_taken_and_what_was_before_all_is_over() {
        let read = |text| time(text).map(Timestamp::millis).ok();
        assert_eq!(read("2030-01-01T02:00:00.000+02:00"), Some(1_893_456_000_000));
        assert_eq!(read("0080-10-25T04:15:37Z"), Some(0));
        assert_eq!(read("tomorrow"), None);
    }
}
