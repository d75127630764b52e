//! Private rooms are closed to whoever has not confirmed the address, where that is asked for. What
//! was held back comes as soon as it is known that he has. A part of [`super::session`].

use std::collections::HashSet;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::session::{Session, fault_of};
use crate::domain::subscription::Level;
use crate::domain::{Refusal, RoomId, UserId};
use crate::error::Fault;
use crate::protocol::{Command, Reference, server};
use crate::store::Store;

/// The rooms that a command wants to read something of.
pub(super) fn opens(command: &Command) -> impl Iterator<Item = RoomId> + '_ {
    let one = match command {
        Command::Subscribe { room, level, .. } if *level != Level::None => Some(*room),
        Command::Mark { room, .. } => Some(*room),
        _ => None,
    };
    let many = match command {
        Command::Resume(resume) => resume.rooms.as_slice(),
        _ => &[],
    };
    one.into_iter().chain(many.iter().filter(|wish| wish.level != Level::None).map(|wish| wish.room))
}

/// The private ones among the rooms that somebody is in.
pub(super) async fn rooms_of(store: &dyn Store, user: UserId) -> Result<HashSet<RoomId>, Fault> {
    let rooms = store.rooms_of(user, 0).await.map_err(fault_of)?;
    Ok(rooms.into_iter().filter(|view| view.room.is_private).map(|view| view.room.id).collect())
}

impl Session {
    /// Does what reads rooms if none of them is closed to the user. Later frames wait until it is
    /// known.
    pub(super) fn once_open(
        &self,
        command: Command,
        reference: Option<Reference>,
        user: UserId,
        ctx: &mut Context<Self>,
    ) {
        self.link.pause(true);
        let store = self.parts.hub.pod.store.clone();
        let found = async move {
            let known = store.user(user).await.map_err(fault_of)?;
            let known = known.ok_or_else(|| Fault::from(Refusal::Unauthorized))?;
            Ok::<_, Fault>((known, rooms_of(&*store, user).await?))
        };
        ctx.spawn(found.into_actor(self).map(move |found, session, ctx| {
            match found {
                Ok((known, _)) if session.is_writer(&known).is_ok() => {
                    session.verified(user, ctx);
                    session.perform(command, reference, user, ctx);
                }
                Ok((_, closed)) if opens(&command).any(|room| closed.contains(&room)) => {
                    session.error(reference.as_ref(), &Refusal::EmailNotVerified.into());
                }
                Ok(_) => session.perform(command, reference, user, ctx),
                Err(fault) => session.error(reference.as_ref(), &fault),
            }
            session.link.pause(false);
        }));
    }

    /// The user has confirmed the address: he is told of the rooms that were held back.
    pub(super) fn verified(&mut self, user: UserId, ctx: &mut Context<Self>) {
        self.may_write = true;
        self.link.sees_private.set(true);
        let store = self.parts.hub.pod.store.clone();
        let heads = async move {
            let mut heads = store.heads_of(user).await.map_err(fault_of)?;
            let held_back = rooms_of(&*store, user).await?;
            heads.rooms.retain(|state| held_back.contains(&state.head.room));
            Ok::<_, Fault>(heads.rooms)
        };
        ctx.spawn(heads.into_actor(self).map(|heads, session, _| match heads {
            Ok(heads) if !heads.is_empty() => {
                session.parts.hub.follow(&session.link, &heads);
                for frame in server::heads(&heads) {
                    session.link.outbox.borrow_mut().push_replay(frame.frame().clone());
                }
            }
            Ok(_) => {}
            // It is told by the next connection.
            Err(fault) => log::debug!("rooms were not told: {}", fault.detail),
        }));
    }

    /// The user came into a room, which may be closed to him.
    pub(super) fn added(&self, room: RoomId, ctx: &mut Context<Self>) {
        let Some(user) = self.user() else { return };
        let store = self.parts.hub.pod.store.clone();
        let closed = async move { rooms_of(&*store, user).await };
        ctx.spawn(closed.into_actor(self).map(move |closed, session, _| {
            if closed.is_ok_and(|closed| !closed.contains(&room)) {
                session.parts.hub.follow_new(&session.link, room);
            }
        }));
    }
}
