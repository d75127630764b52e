//! Reading an upload: one file, as a form (`multipart/form-data`, field `file`) or bare. Nothing is
//! read before the handler asks for it, so whoever may not upload is not listened to.

use actix_multipart::{Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::{Ready, ready};
use paperclip::actix::OperationModifier;
use paperclip::v2::schema::Apiv2Schema;

use super::Http;
use super::extract::http;
use super::problem::Problem;
use crate::domain::refusal::Invalid;
use crate::error::{Code, Fault};
use crate::files::Outcome;

/// The field of the form.
const FIELD: &str = "file";
/// What a form may have beside its file: boundaries and headers.
const WRAPPING: u64 = 16 * 1024;

enum Body {
    Form(Box<Multipart>),
    Bare(Payload),
}

/// A body that holds a file, not read yet.
pub(super) struct Upload {
    body: Body,
    /// As the client says it.
    length: Option<u64>,
}

/// A file as it came.
pub(super) struct Received {
    pub(super) name: Option<String>,
    pub(super) bytes: Bytes,
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let payload = payload.take();
        let body = if request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            Body::Form(Box::new(Multipart::new(request.headers(), payload)))
        } else {
            Body::Bare(payload)
        };
        ready(http(request).map(|_| Self { body, length }))
    }
}

impl Apiv2Schema for Upload {}
impl OperationModifier for Upload {}

impl Upload {
    /// Only a form will do.
    pub(super) fn must_be_form(&self) -> Result<(), Fault> {
        match self.body {
            Body::Form(_) => Ok(()),
            Body::Bare(_) => {
                Err(Fault::new(Code::UnsupportedMedia, "the content type must be multipart/form-data"))
            }
        }
    }

    /// Reads the file, of at most `most` bytes.
    pub(super) async fn read(self, http: &Http, most: usize) -> Result<Received, Fault> {
        let counts = http.files.counts();
        let read = tokio::time::timeout(http.pod.settings.files.upload, self.receive(most)).await;
        match read {
            Ok(Ok(received)) => Ok(received),
            Ok(Err(Ended::Refused(fault))) => {
                counts.ended(Outcome::Refused);
                Err(fault)
            }
            Ok(Err(Ended::Cut)) => {
                counts.ended(Outcome::Cut);
                Err(Invalid::new(FIELD, "ended before it was whole").into())
            }
            Err(_) => {
                counts.ended(Outcome::Cut);
                Err(Invalid::new(FIELD, "took too long to arrive").into())
            }
        }
    }

    async fn receive(self, most: usize) -> Result<Received, Ended> {
        let too_large =
            || Ended::Refused(Fault::new(Code::TooLarge, format!("a file may have at most {most} bytes")));
        if self.length.is_some_and(|length| length > most as u64 + WRAPPING) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        let mut form = match self.body {
            Body::Form(form) => form,
            Body::Bare(mut payload) => {
                while let Some(part) = payload.next().await {
                    let part = part.map_err(|_| Ended::Cut)?;
                    if bytes.len() + part.len() > most {
                        return Err(too_large());
                    }
                    bytes.extend_from_slice(&part);
                }
                return some(None, bytes);
            }
        };
        let mut field = form.next().await.ok_or_else(|| wrong("is missing"))??;
        if field.name() != Some(FIELD) {
            return Err(wrong("must be the only field of the form"));
        }
        let name = field.content_disposition().and_then(|about| about.get_filename()).map(unescaped);
        while let Some(part) = field.next().await {
            let part = part?;
            if bytes.len() + part.len() > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&part);
        }
        drop(field);
        match form.next().await {
            None => some(name, bytes),
            Some(Ok(_)) => Err(wrong("must be the only field of the form")),
            Some(Err(error)) => Err(error.into()),
        }
    }
}

/// A name as it was before a browser put it into a form, which can hold neither quotes nor new lines
/// there (HTML, "multipart form data").
fn unescaped(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

fn some(name: Option<String>, bytes: BytesMut) -> Result<Received, Ended> {
    if bytes.is_empty() { Err(wrong("is empty")) } else { Ok(Received { name, bytes: bytes.freeze() }) }
}

fn wrong(why: &'static str) -> Ended {
    Ended::Refused(Invalid::new(FIELD, why).into())
}

enum Ended {
    Refused(Fault),
    Cut,
}

impl From<MultipartError> for Ended {
    fn from(error: MultipartError) -> Self {
        match error {
            MultipartError::Incomplete | MultipartError::Payload(_) => Self::Cut,
            other => Self::Refused(Invalid::new(FIELD, format!("cannot be read: {other}")).into()),
        }
    }
}
