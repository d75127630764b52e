//! `/messages/search`: finding messages.

use actix_web::web::{Data, Json, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::extract::Caller;
use super::messages::as_seen;
use super::problem::Problem;
use super::{Http, cursor, page, private};
use crate::domain::Refusal;
use crate::limits::Key;
use crate::protocol::wire;
use crate::store::Search;

/// Messages that one page of hits holds.
const MOST: usize = 50;

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    /// Words and "quoted phrases", at least one of them of 2 characters or more, anywhere in the text and in any case; `from:name`, `from:id` or `from:me`, `in:room`, `has:file`, `has:image`, `has:link`, `before:2026-01-31`, `after:2026-01-31`. All must hold. {{"minLength":1,"maxLength":500,"example":"\"disk is full\" from:alice after:2026-01-31"}}
    query: String,
    /// How many at most; more than 50 count as 50. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A message that was found, and those beside it.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchResult {
    message: wire::Message,
    /// The message before it in its room; null where you see none. {{"nullable":true}}
    before: Option<wire::Message>,
    /// The message after it in its room; null when it is the last. {{"nullable":true}}
    after: Option<wire::Message>,
}

/// A page of messages that were found.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchPage {
    /// Newest first. A page may hold fewer than asked for, and another one follow.
    results: Vec<SearchResult>,
    /// Leads to older ones; null when there are none. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "Search messages",
    description = "In all rooms that you are in now, as far as you may read them; newest first. A message is found within a second after it was sent or edited, and a deleted one no more. A text is found by any part of it, of 2 characters or more, in every script.",
    operation_id = "searchMessages",
    tags(Messages)
)]
pub(super) async fn find(
    caller: Caller,
    http: Data<Http>,
    asked: Query<Asked>,
) -> Result<Json<SearchPage>, Problem> {
    let viewer = caller.user.id;
    let search = Search {
        viewer,
        query: crate::domain::Query::parse(&asked.query)?,
        private: private::are_open(&http, &caller),
        limit: page::limit(asked.limit.as_deref())?.min(MOST),
        after: asked.cursor.as_deref().map(cursor::parse_in_search).transpose()?,
    };
    http.limiter
        .check(Key::Search(viewer), http.pod.clock.now())
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let found = http.pod.store.search(search).await?;
    let mut messages = Vec::new();
    for hit in &found.hits {
        messages.push(hit.message.clone());
        messages.extend(hit.before.iter().chain(&hit.after).cloned());
    }
    // In the order in which they were put together.
    let mut seen = as_seen(&http, &messages, viewer).await?.into_iter();
    let mut results = Vec::new();
    for hit in &found.hits {
        let Some(message) = seen.next() else { break };
        let before = hit.before.as_ref().and_then(|_| seen.next());
        let after = hit.after.as_ref().and_then(|_| seen.next());
        results.push(SearchResult { message, before, after });
    }
    Ok(Json(SearchPage { results, next_cursor: found.next.map(cursor::in_search) }))
}
