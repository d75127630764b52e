//! Tickets in Redis: kept under their hash, taken out by one taker.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::{self, Value};
use futures_util::FutureExt as _;

use super::desk::{Desk, Order};
use super::lanes::Lanes;
use crate::auth::ticket::{DrawerAnswer, DrawerAway, SharedDrawer};

/// How long somebody who opens a socket waits for Redis before the database is asked instead.
const PATIENCE: Duration = Duration::from_secs(1);

/// A [`SharedDrawer`] in Redis.
pub struct RedisDrawer {
    pub(super) desk: Desk,
    pub(super) lanes: Lanes,
}

impl RedisDrawer {
    fn key(&self, hash: [u8; 32]) -> String {
        self.lanes.own(&format!("ticket:{}", URL_SAFE_NO_PAD.encode(hash)))
    }
}

impl SharedDrawer for RedisDrawer {
    fn keep(&self, hash: [u8; 32], sealed: Vec<u8>, life: Duration) -> DrawerAnswer<'_, ()> {
        let mut set = redis::cmd("SET");
        let millis = u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1);
        set.arg(self.key(hash)).arg(sealed).arg("NX").arg("PX").arg(millis);
        async move {
            match self.desk.ask(Order::One(set), PATIENCE).await {
                Ok(Value::Okay) => Ok(()),
                // Something lies there already. No two tickets are alike, so it is this one.
                Ok(_) => Err(DrawerAway("the place is taken".to_owned())),
                Err(fault) => Err(DrawerAway(fault.to_string())),
            }
        }
        .boxed()
    }

    fn take(&self, hash: [u8; 32]) -> DrawerAnswer<'_, Option<Vec<u8>>> {
        let mut take = redis::cmd("GETDEL");
        take.arg(self.key(hash));
        async move {
            let sealed = self.desk.ask::<Option<Vec<u8>>>(Order::One(take), PATIENCE).await;
            sealed.map_err(|fault| DrawerAway(fault.to_string()))
        }
        .boxed()
    }
}
