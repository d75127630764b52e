//! Who is here: counts this process's people, hears of those of others, and tells who watches.

use std::sync::Arc;

use actix::{Actor, ActorContext, Context, Handler};

use super::mail::{Stop, ToPresence};
use super::pod::{Alive, Pod};

/// The one keeper of presence of a process.
pub struct Presence {
    _pod: Arc<Pod>,
    _alive: Alive,
}

impl Presence {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let alive = pod.census();
        Self { _pod: pod, _alive: alive }
    }
}

impl Actor for Presence {
    type Context = Context<Self>;
}

impl Handler<ToPresence> for Presence {
    type Result = ();

    fn handle(&mut self, _: ToPresence, _: &mut Context<Self>) {}
}

impl Handler<Stop> for Presence {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
