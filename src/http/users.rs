//! `/users`: people.

use actix_web::web::Json;
use paperclip::actix::api_v2_operation;

use super::extract::Caller;
use super::problem::Problem;
use crate::protocol::wire;

#[api_v2_operation(
    summary = "Get yourself",
    description = "With the real e-mail address, which others do not see.",
    operation_id = "getMe",
    tags(Users)
)]
pub(super) async fn me(caller: Caller) -> Result<Json<wire::User>, Problem> {
    Ok(Json(wire::User::own(&caller.user)))
}
