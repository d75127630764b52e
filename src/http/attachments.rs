//! `/attachments`: files for messages. Each time one is read it is asked anew who may.

use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt as _;
use paperclip::actix::api_v2_operation;
use uuid::Uuid;

use super::answer::Created;
use super::extract::{Caller, Peer, Writer};
use super::problem::Problem;
use super::ranges::{self, Wanted};
use super::upload::Upload;
use super::{Http, private, problem};
use crate::domain::{Actor, Attachment, AuditEvent, FileId, Refusal, ServerRole};
use crate::error::{Code, Fault};
use crate::files::{Blob, BlobError, Piece, disposition, judge};
use crate::limits::Key;
use crate::protocol::wire;
use crate::store::{ReadableFile, StoreError};

/// What a browser must not do with a file that it opens by itself.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'";
/// Kept by the reader alone, and asked for again each time: he may have left the room.
const CACHE: &str = "private, no-cache";
/// A picture that was made here is never larger.
const MADE_BYTES: usize = 4 * 1024 * 1024;

#[api_v2_operation(
    summary = "Upload a file",
    description = "One file, as `file` of a form. What it is, its content says: JPEG, PNG, GIF, PDF, DOC or DOCX; pictures are stripped of where and with what they were taken. Send the `id` with a message within a day. At most 9.5 MiB.",
    operation_id = "uploadAttachment",
    tags(Files)
)]
pub(super) async fn upload(
    Writer(caller): Writer,
    http: Data<Http>,
    upload: Upload,
) -> Result<Created<wire::Attachment>, Problem> {
    let owner = caller.user.id;
    http.limiter
        .check(Key::Upload(owner), http.pod.clock.now())
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    upload.must_be_form()?;
    let _place = http.files.place()?;
    let received = upload.read(&http, http.pod.settings.files.bytes).await?;
    let attachment = http.files.attachment(owner, received.name.as_deref(), received.bytes).await?;
    Ok(Created::new(wire::Attachment::of(&attachment, &http.pod.links)))
}

#[api_v2_operation(
    summary = "Read a file",
    description = "For those who may read its message, and for who uploaded it until then; while a report of the message is open, also for those who moderate the server, which is recorded. Ranges are answered. Where files lie in S3 the answer leads there, by an address that is good for 30 s.",
    operation_id = "readAttachment",
    tags(Files)
)]
pub(super) async fn read(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    request: HttpRequest,
    file: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let id = FileId(*file);
    let file = readable(&http, &caller, &peer, id).await?;
    let files = &http.pod.settings.files;
    if files.redirects
        && let Some(address) =
            http.files.blobs().link(Blob::Attachment(id), files.link).await.map_err(fault)?
    {
        return Ok(HttpResponse::Found()
            .insert_header((header::LOCATION, address))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish());
    }
    let tag = ranges::tag(&file.sha256);
    if ranges::is_known(&request, &tag) {
        return Ok(labelled(HttpResponse::NotModified(), &tag).finish());
    }
    let wanted = ranges::wanted(&request, &tag, file.attachment.size);
    let range = match wanted {
        Wanted::All => None,
        Wanted::Part(ref range) => Some(range.clone()),
        Wanted::Beyond => {
            let size = file.attachment.size;
            let detail = format!("the file has {size} bytes, and the range begins behind them");
            let mut response = problem::response(&Fault::new(Code::RangeNotSatisfiable, detail));
            // Digits are a header's value.
            if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            return Ok(response);
        }
    };
    let piece = http.files.blobs().get(Blob::Attachment(id), range).await.map_err(fault)?;
    let mut response = match wanted {
        Wanted::Part(_) => {
            let Piece { size, ref range, .. } = piece;
            let mut response = labelled(HttpResponse::PartialContent(), &tag);
            let last = range.end.saturating_sub(1);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {}-{last}/{size}", range.start)));
            response
        }
        _ => labelled(HttpResponse::Ok(), &tag),
    };
    describe(&mut response, &file.attachment);
    let length = piece.range.end.saturating_sub(piece.range.start);
    response.no_chunking(length);
    Ok(response.streaming(piece.bytes.map_err(|error| {
        log::error!("a file could not be read to its end: {error}");
        error
    })))
}

#[api_v2_operation(
    summary = "Read a small picture of a file",
    description = "At most 480 pixels wide and high, for those who may read the file; pictures have one.",
    operation_id = "readThumbnail",
    tags(Files)
)]
pub(super) async fn thumbnail(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    request: HttpRequest,
    file: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let id = FileId(*file);
    let file = readable(&http, &caller, &peer, id).await?;
    if !file.attachment.has_thumbnail {
        return Err(Refusal::NotFound("thumbnail").into());
    }
    let tag = ranges::tag(&file.sha256);
    if ranges::is_known(&request, &tag) {
        return Ok(labelled(HttpResponse::NotModified(), &tag).finish());
    }
    let bytes = gathered(http.files.blobs().get(Blob::Thumbnail(id), None).await.map_err(fault)?).await?;
    let mut response = labelled(HttpResponse::Ok(), &tag);
    response.insert_header((header::CONTENT_TYPE, judge::shown_as(&bytes)));
    Ok(response.body(bytes))
}

/// All of a small blob.
pub(super) async fn gathered(mut piece: Piece) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(part) = piece.bytes.try_next().await.map_err(fault)? {
        if bytes.len() + part.len() > MADE_BYTES {
            return Err(Fault::internal(&"a picture that was made here is too large").into());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn labelled(mut response: HttpResponseBuilder, tag: &str) -> HttpResponseBuilder {
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        // Files are packed already, and a part of a packed one would be no part of it.
        .insert_header(ContentEncoding::Identity);
    response
}

fn describe(response: &mut HttpResponseBuilder, file: &Attachment) {
    let is_image = file.kind().is_some_and(|kind| kind.is_image());
    // What this version does not take, a newer one does: then it is for saving.
    let media_type = file.kind().map_or("application/octet-stream", |kind| kind.media_type());
    response
        .insert_header((header::CONTENT_TYPE, media_type))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    if let Ok(value) = HeaderValue::from_str(&disposition(is_image, file.name.as_str())) {
        response.insert_header((header::CONTENT_DISPOSITION, value));
    }
}

fn fault(error: BlobError) -> Problem {
    match error {
        // Its row says that it is there: somebody else took it away.
        BlobError::Absent => Fault::internal(&"a file is noted and not there").into(),
        BlobError::Unavailable(cause) => problem::unavailable(&cause),
    }
}

/// A file that the caller may read. Private rooms are closed until his address is confirmed.
async fn readable(http: &Http, caller: &Caller, peer: &Peer, id: FileId) -> Result<ReadableFile, Problem> {
    let user = caller.user.id;
    match http.pod.store.file(id, user).await {
        Ok(file) => {
            if let Some(room) = file.room {
                private::check(http, caller, room).await?;
            }
            Ok(file)
        }
        Err(StoreError::Refused(_)) if caller.user.must_be(ServerRole::Moderator).is_ok() => {
            let file = http.pod.store.reported_file(id, user).await?;
            // Before a byte of it is handed out.
            let record = http.accounts.audit(AuditEvent::ReportedFileRead, Actor::User(user), &peer.0);
            http.accounts.record(record.detail(format!("attachment {id}"))).await?;
            Ok(file)
        }
        Err(error) => Err(error.into()),
    }
}
