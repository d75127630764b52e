//! Tickets in Redis: kept under their hash, taken out by one taker.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::{self, Cmd, Value};
use futures_util::FutureExt as _;

use super::desk::{Desk, Order};
use super::lanes::Lanes;
use crate::auth::ticket::{DrawerAnswer, DrawerAway, SharedDrawer};

/// How long somebody who opens a socket waits for Redis before the database is asked instead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which memory this is: another one after each restart and each time that a replica takes over.
const MEMORY: &str = "
local told = redis.call('INFO', 'replication')
local memory = string.match(told, 'master_replid:(%x+)')
if not memory then return redis.error_reply('ERR it does not tell its replication id') end
";
/// Keeps a ticket together with the memory that it lies in.
const KEEP: &str = "
return redis.call('SET', KEYS[1], memory .. ' ' .. ARGV[1], 'NX', 'PX', ARGV[2])";
/// Takes it out, and gives it away only where it was kept in this same memory. A Redis that lost its
/// last writes may have lost that the ticket was taken, and not the ticket.
const TAKE: &str = "
local kept = redis.call('GETDEL', KEYS[1])
if kept and string.sub(kept, 1, #memory + 1) == memory .. ' ' then return string.sub(kept, #memory + 2) end
return false";

/// A [`SharedDrawer`] in Redis.
pub struct RedisDrawer {
    pub(super) desk: Desk,
    pub(super) lanes: Lanes,
}

impl RedisDrawer {
    fn script(&self, script: &str, hash: [u8; 32]) -> Cmd {
        let key = self.lanes.own(&format!("ticket:{}", URL_SAFE_NO_PAD.encode(hash)));
        let mut call = redis::cmd("EVAL");
        call.arg(format!("{MEMORY}{script}")).arg(1).arg(key);
        call
    }
}

impl SharedDrawer for RedisDrawer {
    fn keep(&self, hash: [u8; 32], sealed: Vec<u8>, life: Duration) -> DrawerAnswer<'_, ()> {
        let mut keep = self.script(KEEP, hash);
        keep.arg(sealed).arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1));
        async move {
            match self.desk.ask(Order::One(keep), PATIENCE).await {
                Ok(Value::Okay) => Ok(()),
                // Something lies there already. No two tickets are alike, so it is this one.
                Ok(_) => Err(DrawerAway("the place is taken".to_owned())),
                Err(fault) => Err(DrawerAway(fault.to_string())),
            }
        }
        .boxed()
    }

    fn take(&self, hash: [u8; 32]) -> DrawerAnswer<'_, Option<Vec<u8>>> {
        let take = self.script(TAKE, hash);
        async move {
            let sealed = self.desk.ask::<Option<Vec<u8>>>(Order::One(take), PATIENCE).await;
            sealed.map_err(|fault| DrawerAway(fault.to_string()))
        }
        .boxed()
    }
}
