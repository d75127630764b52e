//! Who is asking, and from where.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use paperclip::actix::OperationModifier;
use paperclip::v2::models::{DataType, DataTypeFormat, DefaultOperationRaw, Either, Parameter, ParameterIn};
use paperclip::v2::schema::Apiv2Schema;
use uuid::Uuid;

use super::problem::Problem;
use super::{Http, client};
use crate::auth::accounts;
use crate::domain::refusal::Invalid;
use crate::domain::session::Identity;
use crate::domain::{ClientMsgId, Refusal, User};
use crate::error::{Code, Fault};
use crate::limits::Key;

/// Someone with a good access token, who does not ask too often.
pub struct Caller {
    pub user: User,
    pub identity: Identity,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let http = http(request);
        let token = bearer(request);
        Box::pin(async move {
            let (http, token) = (http?, token?);
            let (user, identity) = http.authenticator.verify(&token).await?;
            http.limiter
                .check(Key::Request(user.id), http.pod.clock.now())
                .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
            Ok(Self { user, identity })
        })
    }
}

/// The same, who may write: the address is confirmed, where that is asked for.
pub struct Writer(pub Caller);

impl FromRequest for Writer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (http, caller) = (http(request), Caller::from_request(request, payload));
        Box::pin(async move {
            let caller = caller.await?;
            caller.user.may_write(http?.pod.settings.accounts.asks_for_verification())?;
            Ok(Self(caller))
        })
    }
}

impl Apiv2Schema for Writer {}

impl OperationModifier for Writer {
    fn update_security(operation: &mut DefaultOperationRaw) {
        Caller::update_security(operation);
    }
}

pub(super) fn http(request: &HttpRequest) -> Result<Data<Http>, Problem> {
    // Each application is given its data together with its routes.
    request.app_data::<Data<Http>>().cloned().ok_or_else(|| Fault::internal(&"no data in the app").into())
}

/// The token of the `Authorization` header; no other place is looked at.
pub(super) fn bearer(request: &HttpRequest) -> Result<String, Problem> {
    let refused = |detail| Problem(Fault::new(Code::Unauthorized, detail));
    let value =
        request.headers().get(header::AUTHORIZATION).ok_or_else(|| refused("an access token is needed"))?;
    let value = value.to_str().map_err(|_| refused("the access token is not valid"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim().to_owned()),
        _ => Err(refused("the Authorization header must be: Bearer <access token>")),
    }
}

impl Apiv2Schema for Caller {}

impl OperationModifier for Caller {
    fn update_security(operation: &mut DefaultOperationRaw) {
        operation.security.push([("bearerAuth".to_owned(), Vec::new())].into());
    }
}

/// Where a request comes from, for the flows of accounts.
pub struct Peer(pub accounts::Caller);

impl FromRequest for Peer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let ip = match http(request) {
            Ok(http) => client::address(request, &http.pod.settings.trusted_proxies),
            Err(fault) => return ready(Err(fault)),
        };
        let agent = request.headers().get(header::USER_AGENT);
        let device = agent.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        let request = super::request::current().map(|(name, _)| name);
        ready(Ok(Self(accounts::Caller { ip, device, request })))
    }
}

impl Apiv2Schema for Peer {}
impl OperationModifier for Peer {}

/// The page that asks, where it is one.
pub struct PageOrigin(pub Option<String>);

impl FromRequest for PageOrigin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let origin = request.headers().get(header::ORIGIN).map(|origin| origin.to_str().map(str::to_owned));
        ready(origin.transpose().map(Self).map_err(|_| Invalid::new("request", "has an odd Origin").into()))
    }
}

impl Apiv2Schema for PageOrigin {}
impl OperationModifier for PageOrigin {}

/// The sender's own name for a message; the same key space as `clientMsgId` on the socket.
pub struct IdempotencyKey(pub Option<ClientMsgId>);

impl IdempotencyKey {
    /// The header's name.
    pub const HEADER: &'static str = "Idempotency-Key";
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(Self::HEADER) else { return ready(Ok(Self(None))) };
        let key = value.to_str().ok().and_then(|value| Uuid::try_parse(value).ok());
        ready(match key {
            Some(key) => Ok(Self(Some(ClientMsgId(key)))),
            None => Err(Invalid::new(Self::HEADER, "must be a UUID").into()),
        })
    }
}

impl Apiv2Schema for IdempotencyKey {}

impl OperationModifier for IdempotencyKey {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        let description = "Chosen once per message and kept through every retry: the message is stored once. \
                           The same key with another body or room is refused with 409.";
        operation.parameters.push(Either::Right(Parameter {
            name: Self::HEADER.to_owned(),
            in_: ParameterIn::Header,
            description: Some(description.to_owned()),
            data_type: Some(DataType::String),
            format: Some(DataTypeFormat::Uuid),
            ..Parameter::default()
        }));
    }
}
