//! Who looks after the server. Asked of the store with each request, so that a role that was taken
//! away counts from the next request on.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use paperclip::actix::OperationModifier;
use paperclip::v2::models::DefaultOperationRaw;
use paperclip::v2::schema::Apiv2Schema;

use super::extract::{Caller, bearer, http};
use super::problem::Problem;
use crate::domain::{Actor, ServerRole};

/// An extractor of a caller who has at least a role.
macro_rules! caller_who_is {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(pub Caller);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let caller = Caller::from_request(request, payload);
                Box::pin(async move {
                    let caller = caller.await?;
                    caller.user.must_be(ServerRole::$name)?;
                    Ok(Self(caller))
                })
            }
        }

        impl Apiv2Schema for $name {}

        impl OperationModifier for $name {
            fn update_security(operation: &mut DefaultOperationRaw) {
                Caller::update_security(operation);
            }
        }
    };
}

caller_who_is! {
    /// Somebody who administers the server.
    Administrator
}
caller_who_is! {
    /// Somebody who moderates the server, or administers it.
    Moderator
}

/// An administrator, or the operator: somebody who has the server's own secret, and showed it by a
/// token of a minute, as `chat admin` does.
pub struct Overseer(pub Actor);

impl FromRequest for Overseer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let operator = http(request).and_then(|http| {
            let now = http.pod.clock.now();
            Ok(http.accounts.tokens.verify_operator(&bearer(request)?, now)?)
        });
        let administrator = Administrator::from_request(request, payload);
        Box::pin(async move {
            match operator {
                Ok(()) => Ok(Self(Actor::Operator)),
                Err(_) => Ok(Self(Actor::User(administrator.await?.0.user.id))),
            }
        })
    }
}

impl Apiv2Schema for Overseer {}

impl OperationModifier for Overseer {
    fn update_security(operation: &mut DefaultOperationRaw) {
        Caller::update_security(operation);
    }
}
