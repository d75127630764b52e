//! Looks whether what people are told is unread is what a count over the log says (I12). A part of
//! [`super::sweeper`]: now and then one room of one of those who are
//! connected here. It costs what a reconnect does, and a page of the log.

use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::comparing::gathered;
use super::mail::ToHub;
use super::sweeper::Sweeper;
use crate::domain::{Change, RoomState, UserId};
use crate::store::{LogPage, Store, StoreError};

/// Of his rooms, those with the newest activity are looked at in turn.
const ROOMS: u32 = 20;
/// Entries that are counted over. Who is further behind is not looked at.
const ENTRIES: usize = 1_000;

/// What came of one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recount {
    /// What people are told.
    told: u64,
    /// What the log holds.
    counted: u64,
}

impl Sweeper {
    /// The look of this number.
    pub(super) fn recount(&mut self, number: u32, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.comparisons.unread, true) {
            return;
        }
        let (store, lists) = (self.pod.store.clone(), self.pod.ask_hubs(ToHub::ListUsers));
        let look = async move {
            let users = gathered(lists).await.into_iter().map(|(user, _)| user).collect::<Vec<_>>();
            let Some(user) = in_turn(&users, number) else { return Ok(None) };
            recounted(&store, *user, number).await
        };
        ctx.spawn(look.into_actor(self).map(|found, sweeper, _| {
            sweeper.comparisons.unread = false;
            match found {
                Ok(Some((state, Recount { told, counted }))) => {
                    sweeper.pod.telemetry.recounted(told == counted);
                    if told != counted {
                        let (room, after) = (state.head.room, state.marks.read);
                        log::error!(
                            room = room.to_string().as_str(), seq = after.get(), told, counted;
                            "{told} messages are said to be unread, and the log holds {counted}"
                        );
                    }
                }
                Ok(None) => {}
                Err(error) => log::warn!("what is unread was not counted anew: {error}"),
            }
        }));
    }
}

fn in_turn<T>(of: &[T], number: u32) -> Option<&T> {
    of.get(usize::try_from(number).ok()?.checked_rem(of.len())?)
}

/// `None` where nothing can be said: no rooms, too far behind, or the room changed meanwhile.
async fn recounted(
    store: &Arc<dyn Store>,
    user: UserId,
    number: u32,
) -> Result<Option<(RoomState, Recount)>, StoreError> {
    let states = store.heads_of(user).await?.rooms;
    let newest = states.get(..states.len().min(ROOMS as usize)).unwrap_or_default();
    let Some(state) = in_turn(newest, number).copied() else { return Ok(None) };
    let page = match store.log_page(state.head.room, Some(user), state.marks.read, ENTRIES).await {
        Ok(page) => page,
        // He left it meanwhile.
        Err(StoreError::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(compare(&state, user, &page).map(|recount| (state, recount)))
}

fn compare(state: &RoomState, user: UserId, page: &LogPage) -> Option<Recount> {
    let begins = state.marks.read.next();
    let ends = page.entries.last().map_or(state.marks.read, |entry| entry.seq);
    let is_whole = page.first_retained.max(page.visible_from) <= begins && ends == page.head;
    if page.head != state.head.head || !is_whole {
        return None;
    }
    let unread = page.entries.iter().filter(|entry| match &entry.change {
        Change::MessageCreated(message) => message.author != user && message.deleted_at.is_none(),
        _ => false,
    });
    Some(Recount { told: state.unread.messages, counted: unread.count() as u64 })
}
