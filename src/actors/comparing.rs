//! Compares what is known here with the store, where announcements can get lost: rooms that are
//! read, users' own logs, and rooms that are only followed. A part of [`super::sweeper`].
//!
//! The hubs are asked how far their sockets are each time, so nothing is kept here for sockets that
//! are gone, and who is still behind is told again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::sync::mpsc;

use super::mail::{Grown, ToHub, ToRoom};
use super::sweeper::Sweeper;
use crate::domain::{Concern, Head, LogHead, RoomId, Seq, UserId};
use crate::store::{Store, StoreError};

/// Logs compared in one statement.
const LOGS: usize = 5_000;
/// How long a hub may take to answer. The sockets of one that takes longer wait for more than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is being compared just now, and what was found.
#[derive(Default)]
pub(super) struct Comparisons {
    rooms: bool,
    users: bool,
    followed: bool,
    pub(super) unread: bool,
    /// Where open rooms stood when they were last compared, so that only news is told.
    known: HashMap<RoomId, Seq>,
}

impl Comparisons {
    /// The history is another one.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

impl Sweeper {
    /// Heads of the rooms that are read here.
    pub(super) fn compare_rooms(&mut self, ctx: &mut Context<Self>) {
        let rooms = self.pod.open_rooms();
        if rooms.is_empty() || std::mem::replace(&mut self.comparisons.rooms, true) {
            return;
        }
        let store = self.pod.store.clone();
        let heads = async move {
            let mut heads = Vec::with_capacity(rooms.len());
            for some in rooms.chunks(LOGS) {
                heads.extend(store.heads(some.to_vec()).await?);
            }
            Ok::<_, StoreError>(heads)
        };
        ctx.spawn(heads.into_actor(self).map(|heads, sweeper, _| {
            sweeper.comparisons.rooms = false;
            match heads {
                Ok(heads) => sweeper.compared_rooms(&heads),
                Err(error) => log::warn!("heads were not compared: {error}"),
            }
        }));
    }

    fn compared_rooms(&mut self, heads: &[Head]) {
        let known = &mut self.comparisons.known;
        for head in heads {
            if known.get(&head.room) != Some(&head.head) {
                self.pod.tell_room(head.room, ToRoom::HeadIs(head.head));
            }
        }
        *known = heads.iter().map(|head| (head.room, head.head)).collect();
    }

    /// Heads of the own logs of those who are connected here.
    pub(super) fn compare_users(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.comparisons.users, true) {
            return;
        }
        let (store, lists) = (self.pod.store.clone(), self.pod.ask_hubs(ToHub::ListUsers));
        let ahead = async move { users_ahead(&store, gathered(lists).await).await };
        ctx.spawn(ahead.into_actor(self).map(|ahead, sweeper, _| {
            sweeper.comparisons.users = false;
            match ahead {
                Ok(ahead) => {
                    ahead.into_iter().for_each(|(user, head)| sweeper.pod.heard(LogHead::User(user, head)));
                }
                Err(error) => log::warn!("users' logs were not compared: {error}"),
            }
        }));
    }

    /// The rooms that are followed here and not read: a bump that got lost is sent after all.
    pub(super) fn compare_followed(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.comparisons.followed, true) {
            return;
        }
        let (store, lists) = (self.pod.store.clone(), self.pod.ask_hubs(ToHub::ListFollowed));
        let grown = async move { rooms_grown(&store, gathered(lists).await).await };
        ctx.spawn(grown.into_actor(self).map(|grown, sweeper, _| {
            sweeper.comparisons.followed = false;
            match grown {
                Ok(grown) => grown.into_iter().for_each(|grown| sweeper.pod.grew(grown)),
                Err(error) => log::warn!("followed rooms were not compared: {error}"),
            }
        }));
    }
}

/// Of these users, those whose logs reach further than all their connections have it.
async fn users_ahead(
    store: &Arc<dyn Store>,
    list: Vec<(UserId, Seq)>,
) -> Result<Vec<(UserId, Seq)>, StoreError> {
    let mut known = BTreeMap::new();
    for (user, seq) in list {
        let least = known.entry(user).or_insert(seq);
        *least = seq.min(*least);
    }
    let users: Vec<_> = known.keys().copied().collect();
    let mut ahead = Vec::new();
    for some in users.chunks(LOGS) {
        let heads = store.user_heads(some.to_vec()).await?;
        ahead.extend(heads.into_iter().filter(|(user, head)| known.get(user).is_some_and(|at| at < head)));
    }
    Ok(ahead)
}

/// Of these rooms, those that grew further than everyone here was told.
async fn rooms_grown(store: &Arc<dyn Store>, list: Vec<Grown>) -> Result<Vec<Grown>, StoreError> {
    let mut known = BTreeMap::new();
    for Grown { room, head, messages, .. } in list {
        let least = known.entry(room).or_insert((head, messages));
        *least = (head.min(least.0), messages.min(least.1));
    }
    let rooms: Vec<_> = known.keys().copied().collect();
    let mut grown = Vec::new();
    for some in rooms.chunks(LOGS) {
        let found = store.growth(some.to_vec()).await?;
        let further = found.into_iter().filter(|(room, head, messages)| {
            known.get(room).is_some_and(|told| told.0 < *head || told.1 < *messages)
        });
        // Whoever made it grow announced it to nobody here.
        grown.extend(further.map(|(room, head, messages)| {
            let concern = Concern::everyone();
            Grown { room, head, messages, members: None, concern }
        }));
    }
    Ok(grown)
}

/// What the hubs answered within the time.
pub(super) async fn gathered<T>(mut lists: mpsc::Receiver<Vec<T>>) -> Vec<T> {
    let mut all = Vec::new();
    let answers = async {
        while let Some(some) = lists.recv().await {
            all.extend(some);
        }
    };
    // What came until then is compared all the same.
    let _late = tokio::time::timeout(PATIENCE, answers).await;
    all
}
