//! `/ws/ticket`: how a browser opens a socket.

use actix_web::web::Data;
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;

use super::Http;
use super::answer::Created;
use super::extract::{Caller, PageOrigin};
use super::problem::Problem;
use crate::domain::Refusal;
use crate::limits::Key;

/// A ticket for one socket.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticket {
    /// Offered as the subprotocol `ticket.<value>` beside `chat.v1.json`.
    ticket: String,
    /// Seconds in which it must be used. {{"example":30}}
    expires_in: u64,
}

#[api_v2_operation(
    summary = "Get a ticket for a WebSocket",
    description = "Good for one socket, from the page that asked, within seconds. Open `/ws` with the subprotocols `chat.v1.json` and `ticket.<value>`.",
    operation_id = "createTicket",
    tags(Realtime)
)]
pub(super) async fn issue(
    caller: Caller,
    http: Data<Http>,
    origin: PageOrigin,
) -> Result<Created<Ticket>, Problem> {
    let clock = &*http.pod.clock;
    http.limiter
        .check(Key::Ticket(caller.user.id), clock.now())
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let ticket = http.tickets.issue(caller.user, caller.identity, origin.0, clock).await?;
    Ok(Created::new(Ticket { ticket, expires_in: http.tickets.life().as_secs() }))
}
