//! Coming in and staying in: who a connection belongs to, the welcome, and the token's end. A part
//! of [`super::session`].

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::private;
use super::session::{Session, fault_of};
use crate::domain::session::{Expiry, Identity};
use crate::domain::{Refusal, User, UserId};
use crate::error::{Code, Fault};
use crate::protocol::{CloseCode, Command, Reference, server};
use crate::store::UserHeads;

impl Session {
    /// First-frame authentication. Later frames wait until it is decided.
    pub(super) fn authenticate(&self, token: String, reference: Option<Reference>, ctx: &mut Context<Self>) {
        self.link.pause(true);
        let authenticator = self.parts.authenticator.clone();
        let proof = async move { authenticator.verify(&token).await };
        ctx.spawn(proof.into_actor(self).map(move |proof, session, ctx| match proof {
            Ok((user, identity)) => session.admit(user, identity, reference, ctx),
            Err(fault) => {
                session.error(reference.as_ref(), &fault);
                session.close(match fault.code {
                    Code::Unauthorized => CloseCode::TokenExpired,
                    _ => CloseCode::Internal,
                });
                session.link.pause(false);
            }
        }));
    }

    fn admit(
        &mut self,
        user: User,
        identity: Identity,
        reference: Option<Reference>,
        ctx: &mut Context<Self>,
    ) {
        let elsewhere = self.parts.hub.pod.roster().connections_elsewhere(user.id);
        match self.parts.limiter.connections().enter_user(user.id, elsewhere) {
            Ok(guard) => self.guards.push(guard),
            Err(_) => {
                self.close(CloseCode::TooManyConnections);
                return self.link.pause(false);
            }
        }
        if self.state.sign_in(identity).is_ok() {
            self.link.set_identity(identity);
            self.begin(user, identity, reference, ctx);
        }
    }

    /// Reads where the user and his rooms stand, and welcomes him. The hub finds this connection
    /// by its user before the reading begins, so nothing falls between what is read and what comes.
    pub(super) fn begin(
        &mut self,
        user: User,
        identity: Identity,
        reference: Option<Reference>,
        ctx: &mut Context<Self>,
    ) {
        let hub = &self.parts.hub;
        if self.link.closed().is_some() {
            return;
        }
        hub.sign_in(&self.link, user.id);
        self.may_write = self.is_writer(&user).is_ok();
        if hub.pod.has_ended(identity.session) {
            return self.close(CloseCode::SessionRevoked);
        }
        self.link.pause(true);
        let store = hub.pod.store.clone();
        let id = user.id;
        let sees_all = self.may_write;
        self.link.sees_private.set(sees_all);
        let heads = async move {
            let mut heads = store.heads_of(id).await.map_err(fault_of)?;
            if !sees_all {
                let hidden = private::rooms_of(&*store, id).await?;
                heads.rooms.retain(|state| !hidden.contains(&state.head.room));
            }
            Ok::<_, Fault>(heads)
        };
        ctx.spawn(heads.into_actor(self).map(move |heads, session, ctx| {
            match heads {
                Ok(heads) => session.welcome(reference.as_ref(), &user, identity, &heads, ctx),
                Err(_) => session.close(CloseCode::Internal),
            }
            session.link.pause(false);
        }));
    }

    fn welcome(
        &mut self,
        reference: Option<&Reference>,
        user: &User,
        identity: Identity,
        heads: &UserHeads,
        ctx: &mut Context<Self>,
    ) {
        let hub = &self.parts.hub;
        hub.push(&self.link, &server::ready(reference, user, identity.session, heads.user_seq));
        hub.welcomed(&self.link);
        for frame in server::heads(&heads.rooms) {
            // However many rooms: the number is not the reader's fault, and he has not read yet.
            self.link.outbox.borrow_mut().push_replay(frame.frame().clone());
        }
        hub.follow(&self.link, &heads.rooms);
        self.link.user_log.advance(heads.user_seq);
        if !self.link.user_log.go_live() {
            self.user_behind(ctx);
        }
    }

    pub(super) fn is_writer(&self, user: &User) -> Result<(), Refusal> {
        user.may_write(self.parts.hub.pod.settings.accounts.asks_for_verification())
    }

    /// Looks whether the user has confirmed the address meanwhile. Later frames wait until it is
    /// known.
    pub(super) fn once_verified(
        &self,
        command: Command,
        reference: Option<Reference>,
        user: UserId,
        ctx: &mut Context<Self>,
    ) {
        self.link.pause(true);
        let store = self.parts.hub.pod.store.clone();
        let found = async move { store.user(user).await.map_err(fault_of) };
        ctx.spawn(found.into_actor(self).map(move |found, session, ctx| {
            let known = found.and_then(|user| user.ok_or_else(|| Refusal::Unauthorized.into()));
            match known.and_then(|user| session.is_writer(&user).map_err(Fault::from)) {
                Ok(()) => {
                    session.verified(user, ctx);
                    session.command(command, reference, user, ctx);
                }
                Err(fault) => session.error(reference.as_ref(), &fault),
            }
            session.link.pause(false);
        }));
    }

    pub(super) fn renew(&self, token: String, reference: Option<Reference>, ctx: &mut Context<Self>) {
        self.link.pause(true);
        let authenticator = self.parts.authenticator.clone();
        let proof = async move { authenticator.verify(&token).await };
        ctx.spawn(proof.into_actor(self).map(move |proof, session, _| {
            let renewed = proof.and_then(|(_, identity)| {
                session.state.renew(identity).map_err(Fault::from)?;
                Ok(identity)
            });
            match renewed {
                Ok(identity) => {
                    session.link.set_identity(identity);
                    session.push(&server::done(reference.as_ref()));
                }
                Err(fault) => session.error(reference.as_ref(), &fault),
            }
            session.link.pause(false);
        }));
    }

    pub(super) fn check_expiry(&mut self) {
        match self.state.expiry(&self.parts.rules, self.parts.hub.pod.clock.now()) {
            Expiry::Far => {}
            Expiry::Notice => {
                if let Some(identity) = self.state.identity() {
                    self.push(&server::auth_expiring(identity.expires_at));
                }
            }
            Expiry::Over => self.close(CloseCode::TokenExpired),
        }
    }
}
