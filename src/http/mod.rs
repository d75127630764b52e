//! The HTTP façade: extract, call, respond. One resource a file.
//!
//! Knows actors, auth, domain, the store's traits and the wire's shapes; no concrete store. Next:
//! [`extract`] (who is asking), [`problem`] (how errors leave), then any resource, e.g.
//! [`messages`].
//!
//! An application is built in this order; the last wrap runs first, so an error reporter goes
//! last, outside everything:
//!
//! ```text
//! App::new()
//!     .wrap_api()                              // paperclip: OpenApiExt
//!     .configure(http::configure_api(data))    // documented routes, and how bodies are read
//!     .build()
//!     .configure(ws::configure)                // undocumented: sockets
//!     .configure(http::configure_raw(settings)) // undocumented: metrics, pages; last, as it has the 404
//!     .wrap(metrics)                           // telemetry::http::middleware, cloned per worker
//!     .wrap(Compress::default())
//!     .wrap(from_fn(http::headers::secure))    // outermost, on the 404s too; boxes what a connection keeps
//! ```

mod admin;
mod answer;
mod attachments;
mod audit;
mod auth;
mod avatars;
mod blocks;
mod body;
pub mod client;
mod cookie;
mod cursor;
mod direct;
mod directory;
mod docs;
pub mod extract;
pub mod headers;
mod health;
mod invites;
mod jobs;
mod keys;
mod manage;
mod marks;
mod messages;
mod moderation;
pub mod openapi;
mod page;
mod pins;
mod private;
pub mod problem;
mod ranges;
mod rates;
mod recovery;
mod reports;
pub mod request;
mod roles;
mod rooms;
mod search;
mod second_factor;
mod sessions;
mod threads;
mod tickets;
mod upload;
mod users;
mod wrapped;

use std::sync::Arc;

use actix_web::web::{Data, JsonConfig, PathConfig, QueryConfig};
use paperclip::actix::web;

use crate::actors::Registry;
use crate::actors::pod::Pod;
use crate::auth::{AccountFlows, Authenticator, Tickets};
use crate::files::Intake;
use crate::limits::Limiter;
use crate::settings::Settings;

/// What the handlers work with.
pub struct Http {
    pub pod: Arc<Pod>,
    pub registry: Registry,
    pub accounts: AccountFlows,
    pub authenticator: Arc<Authenticator>,
    pub tickets: Arc<Tickets>,
    pub limiter: Arc<Limiter>,
    pub files: Arc<Intake>,
}

/// The documented routes with their data.
pub fn configure_api(http: Data<Http>) -> impl FnOnce(&mut web::ServiceConfig<'_>) {
    move |config| {
        let bytes = http.pod.settings.limits.frame_bytes;
        config.app_data(http);
        config.app_data(JsonConfig::default().limit(bytes).error_handler(problem::wrong_body));
        config.app_data(PathConfig::default().error_handler(problem::wrong_path));
        config.app_data(QueryConfig::default().error_handler(problem::wrong_query));
        routes(config);
    }
}

/// The undocumented routes: metrics, the OpenAPI document, pages; and the answer to all else.
pub fn configure_raw(settings: &Settings) -> impl FnOnce(&mut actix_web::web::ServiceConfig) {
    let elsewhere = settings.metrics_port.is_some();
    move |config| {
        if !elsewhere {
            health::configure(config);
        }
        docs::configure(config);
        config.default_service(actix_web::web::to(problem::unknown_route));
    }
}

/// The routes of the port that metrics may have for themselves.
pub fn configure_metrics(http: Data<Http>) -> impl FnOnce(&mut actix_web::web::ServiceConfig) {
    move |config| {
        config.app_data(http);
        health::configure(config);
        config.default_service(actix_web::web::to(problem::unknown_route));
    }
}

/// The documented routes alone, which is all that the OpenAPI document needs.
fn routes(config: &mut web::ServiceConfig<'_>) {
    use problem::only;
    use web::{delete, get, patch, post, put, resource};

    config
        .service(resource("/auth/register").route(post().to(auth::register)).default_service(only("POST")))
        .service(resource("/auth/login").route(post().to(auth::login)).default_service(only("POST")))
        .service(resource("/auth/refresh").route(post().to(auth::refresh)).default_service(only("POST")))
        .service(resource("/auth/logout").route(post().to(auth::logout)).default_service(only("POST")))
        .service(
            resource("/auth/logout-all").route(post().to(sessions::end_all)).default_service(only("POST")),
        )
        .service(resource("/auth/sessions").route(get().to(sessions::list)).default_service(only("GET")))
        .service(
            resource("/auth/sessions/{sessionId}")
                .route(delete().to(sessions::end))
                .default_service(only("DELETE")),
        )
        .service(
            resource("/auth/verify-email")
                .route(post().to(recovery::verify_email))
                .default_service(only("POST")),
        )
        .service(
            resource("/auth/verify-email/resend")
                .route(post().to(recovery::resend_verification))
                .default_service(only("POST")),
        )
        .service(
            resource("/auth/forgot-password")
                .route(post().to(recovery::forgot_password))
                .default_service(only("POST")),
        )
        .service(
            resource("/auth/reset-password")
                .route(post().to(recovery::reset_password))
                .default_service(only("POST")),
        )
        .service(
            resource("/auth/confirm-email")
                .route(post().to(recovery::confirm_email))
                .default_service(only("POST")),
        )
        .service(
            resource("/users/me")
                .route(get().to(users::me))
                .route(patch().to(users::change))
                .route(delete().to(jobs::delete))
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(resource("/users").route(get().to(users::find)).default_service(only("GET")))
        .service(resource("/users/me/export").route(post().to(jobs::export)).default_service(only("POST")))
        .service(resource("/users/me/jobs").route(get().to(jobs::list)).default_service(only("GET")))
        .service(resource("/users/me/jobs/{jobId}").route(get().to(jobs::read)).default_service(only("GET")))
        .service(
            resource("/users/me/jobs/{jobId}/result")
                .route(get().to(jobs::result))
                .default_service(only("GET")),
        )
        .service(resource("/users/me/blocks").route(get().to(blocks::list)).default_service(only("GET")))
        .service(
            resource("/users/me/blocks/{userId}")
                .route(put().to(blocks::add))
                .route(delete().to(blocks::remove))
                .default_service(only("PUT, DELETE")),
        )
        .service(
            resource("/users/me/password")
                .route(put().to(recovery::change_password))
                .default_service(only("PUT")),
        )
        .service(
            resource("/users/me/second-factor")
                .route(post().to(second_factor::begin))
                .route(delete().to(second_factor::remove))
                .default_service(only("POST, DELETE")),
        )
        .service(
            resource("/users/me/second-factor/confirm")
                .route(post().to(second_factor::confirm))
                .default_service(only("POST")),
        )
        .service(
            resource("/users/me/second-factor/recovery-codes")
                .route(post().to(second_factor::renew_recovery_codes))
                .default_service(only("POST")),
        )
        .service(
            resource("/users/me/email").route(put().to(recovery::change_email)).default_service(only("PUT")),
        )
        // After all that begins with `/users/me`.
        .service(resource("/users/{userId}").route(get().to(users::read)).default_service(only("GET")))
        .service(
            resource("/rooms")
                .route(get().to(rooms::list))
                .route(post().to(rooms::create))
                .default_service(only("GET, POST")),
        )
        .service(
            resource("/rooms/{roomId}")
                .route(get().to(rooms::read))
                .route(patch().to(manage::update))
                .default_service(only("GET, PATCH")),
        )
        .service(resource("/rooms/{roomId}/join").route(post().to(rooms::join)).default_service(only("POST")))
        .service(
            resource("/rooms/{roomId}/leave").route(post().to(rooms::leave)).default_service(only("POST")),
        )
        .service(
            resource("/rooms/{roomId}/members")
                .route(get().to(rooms::members))
                .route(post().to(manage::add))
                .default_service(only("GET, POST")),
        )
        .service(
            resource("/rooms/{roomId}/marks").route(put().to(marks::update)).default_service(only("PUT")),
        )
        .service(
            resource("/rooms/{roomId}/receipts")
                .route(get().to(marks::receipts))
                .default_service(only("GET")),
        )
        .service(resource("/directory/rooms").route(get().to(directory::list)).default_service(only("GET")))
        .service(
            resource("/messages")
                .route(get().to(messages::list))
                .route(post().to(messages::send))
                .default_service(only("GET, POST")),
        )
        // Before the messages by their ids.
        .service(resource("/messages/search").route(get().to(search::find)).default_service(only("GET")))
        .service(
            resource("/messages/{messageId}")
                .route(get().to(messages::read))
                .route(patch().to(messages::edit))
                .route(delete().to(messages::remove))
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(resource("/attachments").route(post().to(attachments::upload)).default_service(only("POST")))
        .service(
            resource("/attachments/{attachmentId}")
                .route(get().to(attachments::read))
                .default_service(only("GET")),
        )
        .service(
            resource("/attachments/{attachmentId}/thumbnail")
                .route(get().to(attachments::thumbnail))
                .default_service(only("GET")),
        )
        .service(
            resource("/users/me/avatar")
                .route(put().to(avatars::change))
                .route(delete().to(avatars::remove))
                .default_service(only("PUT, DELETE")),
        )
        .service(resource("/avatars/{avatarId}").route(get().to(avatars::read)).default_service(only("GET")))
        .service(
            resource("/admin/messages/{messageId}/journey")
                .route(get().to(admin::journey))
                .default_service(only("GET")),
        )
        .service(resource("/admin/audit").route(get().to(audit::list)).default_service(only("GET")))
        .service(resource("/.well-known/jwks.json").route(get().to(keys::keys)).default_service(only("GET")))
        .service(resource("/ws/ticket").route(post().to(tickets::issue)).default_service(only("POST")))
        .service(resource("/health").route(get().to(health::alive)).default_service(only("GET")))
        .service(resource("/health/ready").route(get().to(health::ready)).default_service(only("GET")));
    managing(config);
    moderation::routes(config);
    reports::routes(config);
}

/// What is done to rooms, and the ways into them.
fn managing(config: &mut web::ServiceConfig<'_>) {
    use problem::only;
    use web::{delete, get, post, put, resource};

    config
        .service(
            resource("/rooms/{roomId}/archive")
                .route(post().to(manage::archive))
                .default_service(only("POST")),
        )
        .service(
            resource("/rooms/{roomId}/unarchive")
                .route(post().to(manage::unarchive))
                .default_service(only("POST")),
        )
        .service(
            resource("/rooms/{roomId}/members/{userId}")
                .route(delete().to(manage::remove))
                .default_service(only("DELETE")),
        )
        .service(
            resource("/rooms/{roomId}/members/{userId}/role")
                .route(put().to(manage::set_role))
                .default_service(only("PUT")),
        )
        .service(
            resource("/rooms/{roomId}/transfer")
                .route(post().to(manage::transfer))
                .default_service(only("POST")),
        )
        .service(resource("/rooms/{roomId}/bans").route(get().to(manage::bans)).default_service(only("GET")))
        .service(
            resource("/rooms/{roomId}/bans/{userId}")
                .route(put().to(manage::ban))
                .route(delete().to(manage::unban))
                .default_service(only("PUT, DELETE")),
        )
        .service(
            resource("/rooms/{roomId}/invites")
                .route(get().to(invites::list))
                .route(post().to(invites::create))
                .default_service(only("GET, POST")),
        )
        .service(
            resource("/rooms/{roomId}/invites/{inviteId}")
                .route(delete().to(invites::revoke))
                .default_service(only("DELETE")),
        )
        .service(
            resource("/rooms/{roomId}/settings")
                .route(put().to(direct::settings))
                .default_service(only("PUT")),
        )
        .service(
            resource("/messages/{messageId}/reactions/{emoji}")
                .route(put().to(messages::react))
                .route(delete().to(messages::unreact))
                .default_service(only("PUT, DELETE")),
        )
        .service(
            resource("/messages/{messageId}/thread")
                .route(get().to(threads::list))
                .default_service(only("GET")),
        )
        .service(
            resource("/messages/{messageId}/thread/read")
                .route(put().to(threads::mark))
                .default_service(only("PUT")),
        )
        .service(
            resource("/messages/{messageId}/pin")
                .route(put().to(pins::pin))
                .route(delete().to(pins::unpin))
                .default_service(only("PUT, DELETE")),
        )
        .service(resource("/rooms/{roomId}/pins").route(get().to(pins::list)).default_service(only("GET")))
        .service(resource("/direct-rooms").route(post().to(direct::open)).default_service(only("POST")))
        .service(resource("/users/me/invites").route(get().to(invites::mine)).default_service(only("GET")))
        .service(
            resource("/users/me/invites/{inviteId}")
                .route(delete().to(invites::decline))
                .default_service(only("DELETE")),
        )
        .service(
            resource("/users/me/invites/{inviteId}/accept")
                .route(post().to(invites::accept_mine))
                .default_service(only("POST")),
        )
        .service(resource("/invites/{token}").route(get().to(invites::preview)).default_service(only("GET")))
        .service(
            resource("/invites/{token}/accept")
                .route(post().to(invites::accept))
                .default_service(only("POST")),
        );
}
