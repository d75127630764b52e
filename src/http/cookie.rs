//! The refresh token of a page, in a cookie that no script can read.
//!
//! A browser sends a cookie with whatever goes here, whoever made it go. So what a cookie lets in has
//! to come from an origin that is allowed, and with a header that a page elsewhere can set only
//! after the browser asked for leave, which it does not get.

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use cookie::time::Duration as Span;
use cookie::{Cookie, SameSite};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use paperclip::actix::OperationModifier;
use paperclip::v2::models::{
    DataType, DefaultOperationRaw, DefaultSchemaRaw, Either, Parameter, ParameterIn, SecurityScheme,
};
use paperclip::v2::schema::Apiv2Schema;

use super::client;
use super::extract::{Caller, http};
use super::problem::Problem;
use super::wrapped::with_schema_within;
use crate::domain::session::Identity;
use crate::error::{Code, Fault};
use crate::settings::Settings;

/// Over https. The prefix makes browsers insist on `Secure`, on `/`, and on this host alone, so that
/// no neighbour below the same domain can put a cookie of its own here.
const OVER_HTTPS: &str = "__Host-chat_refresh";
/// Over http, as on one's own machine, where browsers take neither prefix nor `Secure`; then the
/// path is as narrow as can be.
const OVER_HTTP: &str = "chat_refresh";
/// What a page says that it is, for the cookie to count.
pub(super) const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
const PAGE: &str = "chat";

fn name(settings: &Settings) -> &'static str {
    if settings.is_https() { OVER_HTTPS } else { OVER_HTTP }
}

fn bake(settings: &Settings, value: String, life: Span) -> Option<HeaderValue> {
    let is_https = settings.is_https();
    let cookie = Cookie::build((name(settings), value))
        .http_only(true)
        .secure(is_https)
        .same_site(SameSite::Strict)
        .path(if is_https { "/" } else { "/auth" })
        .max_age(life)
        .build();
    // A refresh token is letters and digits.
    HeaderValue::try_from(cookie.to_string()).ok()
}

/// Takes the refresh token out of an answer and into a cookie, if the page asked for that.
pub(super) fn put(settings: &Settings, wanted: bool, token: String) -> (Option<String>, Option<HeaderValue>) {
    if !wanted {
        return (Some(token), None);
    }
    let life = i64::try_from(settings.accounts.refresh_token.as_secs()).unwrap_or(i64::MAX);
    (None, bake(settings, token, Span::seconds(life)))
}

/// The cookie that a request came with.
pub(super) struct PageCookie {
    token: Option<String>,
    is_asked_by_page: bool,
}

impl PageCookie {
    fn of(request: &HttpRequest, settings: &Settings) -> Self {
        let sent = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        let token = sent
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name(settings))
            .map(|cookie| cookie.value().to_owned());
        let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let is_allowed =
            origin.is_some_and(|origin| client::is_own(request, origin) || settings.allows_origin(origin));
        let is_said = request.headers().get(REQUESTED_WITH).is_some_and(|with| with == PAGE);
        Self { token, is_asked_by_page: is_allowed && is_said }
    }

    pub(super) const fn is_there(&self) -> bool {
        self.token.is_some()
    }

    /// The refresh token, for a page that may use it.
    ///
    /// # Errors
    /// `unauthorized` without a cookie; `forbidden` for whoever makes a browser send it.
    pub(super) fn token(self) -> Result<String, Problem> {
        match self.token {
            None => Err(Fault::new(Code::Unauthorized, "a refresh token is needed").into()),
            Some(_) if !self.is_asked_by_page => {
                let rule = "a cookie counts from an allowed origin, with the header X-Requested-With: chat";
                Err(Fault::new(Code::Forbidden, rule).into())
            }
            Some(token) => Ok(token),
        }
    }
}

impl FromRequest for PageCookie {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(http(request).map(|http| Self::of(request, &http.pod.settings)))
    }
}

impl Apiv2Schema for PageCookie {}

impl OperationModifier for PageCookie {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        let description = "`chat`, from a page that lets its cookie count: what another page cannot send.";
        operation.parameters.push(Either::Right(Parameter {
            name: "X-Requested-With".to_owned(),
            in_: ParameterIn::Header,
            description: Some(description.to_owned()),
            data_type: Some(DataType::String),
            ..Parameter::default()
        }));
    }
}

/// Who leaves: the login of the access token, else that of the cookie.
pub(super) struct Leaver {
    pub(super) session: Option<Identity>,
    pub(super) cookie: PageCookie,
}

impl FromRequest for Leaver {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let cookie = http(request).map(|http| PageCookie::of(request, &http.pod.settings));
        let caller = Caller::from_request(request, payload);
        let has_token = request.headers().contains_key(header::AUTHORIZATION);
        Box::pin(async move {
            let cookie = cookie?;
            let is_caller = has_token || !cookie.is_there();
            let session = if is_caller { Some(caller.await?.identity) } else { None };
            Ok(Self { session, cookie })
        })
    }
}

impl Apiv2Schema for Leaver {}

impl OperationModifier for Leaver {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        PageCookie::update_parameter(operation);
    }

    fn update_security(operation: &mut DefaultOperationRaw) {
        Caller::update_security(operation);
        operation.security.push([("refreshCookie".to_owned(), Vec::new())].into());
    }
}

/// An answer that sets a cookie, or none.
pub(super) struct WithCookie<T>(pub(super) T, pub(super) Option<HeaderValue>);

impl<T> WithCookie<T> {
    /// An answer that takes the cookie away.
    pub(super) fn without(answer: T, settings: &Settings) -> Self {
        Self(answer, bake(settings, String::new(), Span::ZERO))
    }
}

impl<T: Responder> Responder for WithCookie<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.0.respond_to(request).map_into_boxed_body();
        if let Some(cookie) = self.1 {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

with_schema_within!(WithCookie);

impl<T: OperationModifier> OperationModifier for WithCookie<T> {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        T::update_parameter(operation);
    }

    fn update_response(operation: &mut DefaultOperationRaw) {
        T::update_response(operation);
    }

    fn update_definitions(definitions: &mut std::collections::BTreeMap<String, DefaultSchemaRaw>) {
        T::update_definitions(definitions);
    }

    fn update_security(operation: &mut DefaultOperationRaw) {
        T::update_security(operation);
    }

    fn update_security_definitions(schemes: &mut std::collections::BTreeMap<String, SecurityScheme>) {
        T::update_security_definitions(schemes);
    }
}
