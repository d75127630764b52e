//! Private rooms are closed to whoever has not confirmed the address, where that is asked for:
//! somebody may have been put into one under an address that is another's.

use super::Http;
use super::extract::Caller;
use super::problem::Problem;
use crate::domain::{Refusal, Room, RoomId};
use crate::store::StoreError;

/// Whether the caller may read private rooms that he is in.
pub(super) fn are_open(http: &Http, caller: &Caller) -> bool {
    caller.user.may_read_private(http.pod.settings.accounts.asks_for_verification())
}

/// Whether the caller may see this room, which he knows by an invitation, or come into it.
///
/// # Errors
/// `emailNotVerified`.
pub(super) fn check_invited(http: &Http, caller: &Caller, room: &Room) -> Result<(), Problem> {
    if room.is_private && !are_open(http, caller) { Err(Refusal::EmailNotVerified.into()) } else { Ok(()) }
}

/// Whether the caller may read this room, as far as his address is concerned. Whether he is in it, is
/// said by who reads it.
///
/// # Errors
/// `emailNotVerified`; `unavailable`.
pub(super) async fn check(http: &Http, caller: &Caller, room: RoomId) -> Result<(), Problem> {
    if are_open(http, caller) {
        return Ok(());
    }
    match http.pod.store.room(room, caller.user.id, 0).await {
        Ok(view) if view.room.is_private => Err(Refusal::EmailNotVerified.into()),
        // It looks absent to him, and his request says so.
        Ok(_) | Err(StoreError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
