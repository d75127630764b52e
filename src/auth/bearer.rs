//! Who is behind an access token, for requests and sockets alike.

use std::sync::Arc;

use super::{Tokens, store_fault};
use crate::clock::SharedClock;
use crate::domain::session::Identity;
use crate::domain::{SessionId, User};
use crate::error::{Code, Fault};
use crate::store::Store;

/// Checks access tokens: signature, end, and that the login was not ended. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    tokens: Arc<Tokens>,
    store: Arc<dyn Store>,
    clock: SharedClock,
}

impl Authenticator {
    #[must_use]
    pub fn new(tokens: Arc<Tokens>, store: Arc<dyn Store>, clock: SharedClock) -> Self {
        Self { tokens, store, clock }
    }

    /// Who presents this token.
    ///
    /// # Errors
    /// `unauthorized` when it is wrong, over, or of an ended login; `unavailable` when the store
    /// does not answer.
    pub async fn verify(&self, token: &str) -> Result<(User, Identity), Fault> {
        let identity = self.tokens.verify(token, self.clock.now())?;
        let user = self.user_of(identity.session).await?;
        // The token and the login name the same user, or one of them is not ours.
        match user.filter(|user| user.id == identity.user) {
            Some(user) => Ok((user, identity)),
            None => Err(Fault::new(Code::Unauthorized, "this login has ended")),
        }
    }

    /// Whose login this is, while it lives.
    async fn user_of(&self, session: SessionId) -> Result<Option<User>, Fault> {
        self.store.login_user(session).await.map_err(store_fault)
    }
}
