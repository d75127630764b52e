//! Answers that are not simply 200 with a body.

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use paperclip::actix::{AcceptedJson, CreatedJson, OperationModifier};
use paperclip::v2::models::{DefaultOperationRaw, Either, Response};
use paperclip::v2::schema::Apiv2Schema;
use serde::Serialize;

use super::wrapped::with_schema_within;

/// 201 with what was made; `replayed` when it had been made before by the same request.
pub(super) struct Created<T> {
    pub(super) body: T,
    pub(super) replayed: bool,
}

impl<T> Created<T> {
    pub(super) const fn new(body: T) -> Self {
        Self { body, replayed: false }
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Created();
        if self.replayed {
            response.insert_header(("Idempotent-Replayed", "true"));
        }
        response.json(self.body)
    }
}

with_schema_within!(Created, Pending, Public);

impl<T: Serialize + Apiv2Schema> OperationModifier for Created<T> {
    fn update_response(operation: &mut DefaultOperationRaw) {
        CreatedJson::<T>::update_response(operation);
    }
}

/// 204: it is so now, and there is nothing to say about it.
pub(super) struct Done;

impl Responder for Done {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

impl Apiv2Schema for Done {}

impl OperationModifier for Done {
    fn update_response(operation: &mut DefaultOperationRaw) {
        operation.responses.insert("204".to_owned(), Either::Right(Response::default()));
    }
}

/// 202: it will be done, and there is nothing to say about it yet.
pub(super) struct Accepted;

impl Responder for Accepted {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
}

impl Apiv2Schema for Accepted {}

impl OperationModifier for Accepted {
    fn update_response(operation: &mut DefaultOperationRaw) {
        operation.responses.insert("202".to_owned(), Either::Right(Response::default()));
    }
}

/// 202 with what will be done.
pub(super) struct Pending<T>(pub(super) T);

impl<T: Serialize> Responder for Pending<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().json(self.0)
    }
}

/// 200 with what everybody may see and keep for five minutes.
pub(super) struct Public<T>(pub(super) T);

impl<T: Serialize> Responder for Public<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(self.0)
    }
}

impl<T: Serialize + Apiv2Schema> OperationModifier for Pending<T> {
    fn update_response(operation: &mut DefaultOperationRaw) {
        AcceptedJson::<T>::update_response(operation);
    }
}

impl<T: Serialize + Apiv2Schema> OperationModifier for Public<T> {
    fn update_response(operation: &mut DefaultOperationRaw) {
        actix_web::web::Json::<T>::update_response(operation);
    }
}
