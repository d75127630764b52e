//! Pictures of people: one's own to be changed, and everybody's to be seen by whoever knows where.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use paperclip::actix::api_v2_operation;
use uuid::Uuid;

use super::answer::Done;
use super::extract::Writer;
use super::problem::Problem;
use super::upload::Upload;
use super::{Http, attachments, problem, users};
use crate::domain::{FileId, Refusal};
use crate::files::{Blob, BlobError, judge};
use crate::limits::Key;
use crate::protocol::wire;

/// A picture never changes; another one is another address.
const CACHE: &str = "public, max-age=31536000, immutable";

#[api_v2_operation(
    summary = "Change your picture",
    description = "A JPEG, PNG or GIF of at most 2 MiB, as `file` of a form or as the body itself. Its middle is kept, 256 pixels wide and high, and nothing else of it. Everybody who knows its address sees it.",
    operation_id = "setAvatar",
    tags(Users)
)]
pub(super) async fn change(
    Writer(caller): Writer,
    http: Data<Http>,
    upload: Upload,
) -> Result<Json<wire::User>, Problem> {
    let user = caller.user.id;
    http.limiter
        .check(Key::Upload(user), http.pod.clock.now())
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let _place = http.files.place()?;
    let received = upload.read(&http, http.pod.settings.files.avatar_bytes).await?;
    http.files.avatar(user, received.bytes).await?;
    let user = http.pod.store.user(user).await?.ok_or(Refusal::NotFound("user"))?;
    Ok(Json(users::online(&http, wire::User::own(&user))))
}

#[api_v2_operation(
    summary = "Take your picture away",
    description = "Without one nothing happens.",
    operation_id = "removeAvatar",
    tags(Users)
)]
pub(super) async fn remove(Writer(caller): Writer, http: Data<Http>) -> Result<Done, Problem> {
    http.pod.store.set_avatar(caller.user.id, None).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Read somebody's picture",
    description = "For everybody who knows its address, which nobody can guess.",
    operation_id = "readAvatar",
    tags(Users)
)]
pub(super) async fn read(http: Data<Http>, avatar: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let blob = Blob::Avatar(FileId(*avatar));
    let bytes = match http.files.blobs().get(blob, None).await {
        Ok(piece) => attachments::gathered(piece).await?,
        Err(BlobError::Absent) => return Err(Refusal::NotFound("avatar").into()),
        Err(BlobError::Unavailable(cause)) => return Err(problem::unavailable(&cause)),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, judge::shown_as(&bytes)))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .body(bytes))
}
