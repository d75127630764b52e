//! `GET /ws`: who may open a socket, and the start of its session.
//!
//! A browser cannot see the HTTP status of a refused upgrade, so everything but overload completes
//! the upgrade and closes with a code that says what to do.

use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, AsyncContext};
use actix_web::http::header;
use actix_web::web::{Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};

use super::admission::Admission;
use super::session::{Session, SessionParts};
use super::socket::{self, FrameLimits, Frames};
use crate::actors::Link;
use crate::auth::{TicketRefused, Tickets};
use crate::domain::session::Identity;
use crate::domain::{ConnId, User};
use crate::error::{Code, Fault};
use crate::http::{client, problem};
use crate::limits::ConnectionGuard;
use crate::protocol::server::{self, HelloLimits};
use crate::protocol::{CloseCode, SUBPROTOCOL};
use crate::settings::Settings;

/// Bytes that a stranger's only frame may have.
const STRANGER: usize = 4_096;
/// What precedes the ticket among the offered subprotocols.
const TICKET: &str = "ticket.";

/// What the endpoint needs of one worker.
pub struct Realtime {
    pub parts: Rc<SessionParts>,
    pub tickets: Arc<Tickets>,
    pub admission: Arc<Admission>,
}

/// Adds the realtime routes. The application's data holds `Data<Realtime>`, one per worker.
pub fn configure(config: &mut ServiceConfig) {
    config.route("/ws", web::get().to(upgrade));
    #[cfg(feature = "ws-echo")]
    config.route("/ws/echo", web::get().to(super::echo::echo));
}

async fn upgrade(request: HttpRequest, payload: Payload, realtime: Data<Realtime>) -> HttpResponse {
    let pod = &realtime.parts.hub.pod;
    if pod.is_draining() {
        let mut fault = Fault::new(Code::Unavailable, "this server is stopping");
        fault.retry_after = Some(std::time::Duration::from_secs(1));
        return problem::response(&fault);
    }
    if let Err(wrong) = socket::check(&request) {
        return problem::response(&Fault::bad_request(wrong));
    }
    if let Err(full) = realtime.admission.enter(pod.telemetry.sockets(), &*pod.clock) {
        pod.telemetry.turned_away();
        return problem::response(&full);
    }
    let offered = socket::offered(&request);
    // A browser hears a close code only if one of its own offers was taken.
    let spoken = offered.iter().find(|name| *name == SUBPROTOCOL);
    let taken = spoken.or_else(|| offered.iter().find(|name| !name.starts_with(TICKET)));
    let admitted = admit(&realtime, &request, &offered).await;

    let conn = ConnId(pod.clock.id());
    let (newcomer, identity) = match &admitted {
        Ok(Admitted { who: Some((user, identity)), .. }) => (Some(Box::new(user.clone())), Some(*identity)),
        _ => (None, None),
    };
    let link = realtime.parts.hub.enter(conn, identity);
    let response = match socket::accept(
        &request,
        taken.map(String::as_str),
        link.clone(),
        Some(realtime.parts.hub.clone()),
    ) {
        Ok(response) => response,
        Err(wrong) => {
            realtime.parts.hub.leave(&link);
            return problem::response(&Fault::bad_request(wrong));
        }
    };
    let guards = open(&realtime, &link, admitted);
    // What happened while the credential was looked at: from here on the hub finds this socket.
    if pod.is_draining() {
        realtime.parts.hub.close(&link, CloseCode::Draining);
    }
    let parts = realtime.parts.clone();
    let limits = frame_limits(&pod.settings);
    Session::create(|ctx| {
        ctx.add_stream(Frames::new(payload, link.clone(), limits));
        Session::new(parts, link, newcomer, guards)
    });
    response
}

/// Someone who may come in.
struct Admitted {
    who: Option<(User, Identity)>,
    guards: Vec<ConnectionGuard>,
}

/// Decides on version, origin, number of connections and credential, in this order.
async fn admit(
    realtime: &Realtime,
    request: &HttpRequest,
    offered: &[String],
) -> Result<Admitted, CloseCode> {
    if !offered.is_empty() && !offered.iter().any(|name| name == SUBPROTOCOL) {
        return Err(CloseCode::UnsupportedVersion);
    }
    let pod = &realtime.parts.hub.pod;
    let origin = match request.headers().get(header::ORIGIN) {
        None => None,
        Some(origin) => Some(origin.to_str().map_err(|_| CloseCode::OriginRefused)?),
    };
    if origin.is_some_and(|origin| !client::is_own(request, origin) && !pod.settings.allows_origin(origin)) {
        return Err(CloseCode::OriginRefused);
    }
    let address = client::address(request, &pod.settings.trusted_proxies);
    let connections = realtime.parts.limiter.connections();
    let mut guards = vec![connections.enter_address(address).map_err(|_| CloseCode::TooManyConnections)?];

    let ticket = offered.iter().find_map(|name| name.strip_prefix(TICKET));
    let bearer = request.headers().get(header::AUTHORIZATION);
    let proof = if let Some(ticket) = ticket {
        let taken = realtime.tickets.take(ticket, origin, pod.clock.now()).await;
        Some(taken.map_err(|refused| match refused {
            TicketRefused::Invalid => CloseCode::TicketInvalid,
            TicketRefused::Unavailable => CloseCode::Internal,
        })?)
    } else if let Some(bearer) = bearer {
        let token = bearer.to_str().ok().and_then(bearer_token).ok_or(CloseCode::TokenExpired)?;
        Some(realtime.parts.authenticator.verify(token).await.map_err(|fault| close_code(&fault))?)
    } else {
        None
    };
    let Some((user, identity)) = proof else { return Ok(Admitted { who: None, guards }) };
    let elsewhere = pod.roster().connections_elsewhere(user.id);
    let entered = connections.enter_user(user.id, elsewhere);
    guards.push(entered.map_err(|_| CloseCode::TooManyConnections)?);
    Ok(Admitted { who: Some((user, identity)), guards })
}

/// The first frame: `hello`, or a goodbye. The session welcomes whom it knows.
fn open(realtime: &Realtime, link: &Rc<Link>, admitted: Result<Admitted, CloseCode>) -> Vec<ConnectionGuard> {
    let hub = &realtime.parts.hub;
    match admitted {
        Ok(Admitted { guards, .. }) => {
            let settings = &hub.pod.settings;
            let heartbeat = u64::try_from(settings.timing.heartbeat.as_millis()).unwrap_or(u64::MAX);
            let (epoch, now) = (hub.pod.epoch(), hub.pod.clock.now());
            hub.push(link, &server::hello(link.conn, epoch, now, heartbeat, &hello_limits(settings)));
            guards
        }
        Err(code) => {
            hub.close(link, code);
            Vec::new()
        }
    }
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn close_code(fault: &Fault) -> CloseCode {
    match fault.code {
        Code::Unauthorized => CloseCode::TokenExpired,
        _ => CloseCode::Internal,
    }
}

fn frame_limits(settings: &Settings) -> FrameLimits {
    let limits = &settings.limits;
    FrameLimits {
        message: limits.resume_frame_bytes,
        unauthenticated: STRANGER,
        unanswered: limits.unanswered,
    }
}

fn hello_limits(settings: &Settings) -> HelloLimits {
    let limits = &settings.limits;
    HelloLimits {
        frame_bytes: limits.frame_bytes,
        resume_frame_bytes: limits.resume_frame_bytes,
        json_depth: limits.json_depth,
        content_chars: limits.content_chars,
        attachments: limits.attachments,
        file_bytes: settings.files.bytes,
        edit_window_seconds: settings.accounts.edit_window.as_secs(),
        subscriptions: limits.subscriptions,
        watched: limits.watched,
        connections_per_user: limits.connections_per_user,
        connections_per_ip: limits.connections_per_ip,
        frames_per_second: limits.frames_per_second,
        frames_burst: limits.frames_burst,
        sends_per_second: limits.sends_per_second,
        sends_burst: limits.sends_burst,
        tickets_per_minute: limits.tickets_per_minute,
        logins_per_minute: limits.logins_per_minute,
        logins_per_minute_per_ip: limits.logins_per_minute_per_ip,
    }
}
