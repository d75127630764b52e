//! Reads the announcements of one lane, from positions that are remembered here.
//!
//! Never from `$`, which means "from now on" anew at each read: what comes between two reads of a
//! silent stream would be lost. The ids of a stream grow with Redis' clock, so a remembered id holds
//! when the stream was trimmed, emptied, or made anew by a Redis that lost its data. Only where such
//! a Redis gives ids below ours (its clock went back) would nothing more be read; so each lane looks
//! from time to time, and begins such a stream anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_redis::redis::{self, RedisResult, Value};
use tokio::sync::oneshot;

use super::bus::Listeners;
use super::connection::{Backoff, Connection, Server};
use super::health::{Counters, Lags, Pulse, add};
use super::lanes::Lanes;
use super::wire::{self, Unread};
use super::writer::{BY, WHAT};
use crate::bus::Shard;
use crate::domain::PodId;

/// How long Redis holds a read back that finds nothing. A reader that hears nothing for much longer
/// knows that Redis is away.
const BLOCK: Duration = Duration::from_secs(1);
/// Most entries of each stream in one answer.
const COUNT: usize = 512;
/// How often the remembered positions are compared with the streams.
const CHECK: Duration = Duration::from_secs(5);
/// Where each of the streams stands, in one round trip and without its entries.
const POSITIONS: &str = "
local ids = {}
for i, key in ipairs(KEYS) do
  local info = redis.pcall('XINFO', 'STREAM', key)
  ids[i] = '0-0'
  if not info.err then
    for j = 1, #info, 2 do
      if info[j] == 'last-generated-id' then ids[i] = info[j + 1] end
    end
  end
end
return ids";

/// A position in a stream: milliseconds, and a number within them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Id(u64, u64);

impl Id {
    fn parse(text: &[u8]) -> Option<Self> {
        let (millis, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self(millis.parse().ok()?, number.parse().ok()?))
    }
}

struct Stream {
    shard: Shard,
    key: String,
    /// The last entry that was read.
    at: Id,
}

/// The reader of one lane.
pub(super) struct Reader {
    server: Arc<Server>,
    pod: PodId,
    streams: Vec<Stream>,
    by_key: HashMap<Vec<u8>, usize>,
    listeners: Arc<Listeners>,
    counters: Arc<Counters>,
    lags: Arc<Lags>,
    pulse: Arc<Pulse>,
    /// To be told once positions are known.
    known: Option<oneshot::Sender<()>>,
    checked: Instant,
    /// The last connection carried not one read: that another one can be had says nothing then.
    refused: bool,
    #[cfg(feature = "torture")]
    dollar: bool,
}

impl Reader {
    #[allow(clippy::too_many_arguments, reason = "called in one place, with parts that belong to others")]
    pub(super) fn new(
        server: Arc<Server>,
        lanes: &Lanes,
        lane: usize,
        pod: PodId,
        listeners: Arc<Listeners>,
        counters: Arc<Counters>,
        lags: Arc<Lags>,
        known: oneshot::Sender<()>,
        #[cfg(feature = "torture")] dollar: bool,
    ) -> Self {
        let streams: Vec<_> = lanes
            .shards(lane)
            .map(|shard| Stream { shard, key: lanes.stream(shard), at: Id::default() })
            .collect();
        let by_key = streams.iter().enumerate().map(|(i, s)| (s.key.clone().into_bytes(), i)).collect();
        Self {
            server,
            pod,
            streams,
            by_key,
            listeners,
            counters,
            lags,
            pulse: Arc::new(Pulse::new(BLOCK + Duration::from_secs(1))),
            known: Some(known),
            checked: Instant::now(),
            refused: false,
            #[cfg(feature = "torture")]
            dollar,
        }
    }

    pub(super) fn pulse(&self) -> Arc<Pulse> {
        self.pulse.clone()
    }

    /// Reads until it is dropped.
    pub(super) async fn run(mut self) {
        let mut backoff = self.server.backoff();
        loop {
            let why = match self.open().await {
                Ok(mut redis) => {
                    if !self.refused {
                        backoff.reset();
                    }
                    self.follow(&mut redis, &mut backoff).await
                }
                Err(why) => why,
            };
            if self.pulse.failed() {
                add(&self.counters.reconnects, 1);
                log::warn!("announcements are not read from Redis, heads are compared instead: {why}");
            }
            backoff.wait().await;
        }
    }

    async fn open(&mut self) -> RedisResult<Connection> {
        let mut redis = self.server.connect(BLOCK + self.server.timeout()).await?;
        self.compare(&mut redis).await?;
        Ok(redis)
    }

    /// The first time takes the positions; later notices a stream that begins anew below ours.
    async fn compare(&mut self, redis: &mut Connection) -> RedisResult<()> {
        let mut ask = redis::cmd("EVAL");
        ask.arg(POSITIONS).arg(self.streams.len());
        for stream in &self.streams {
            ask.arg(&stream.key);
        }
        self.pulse.begin();
        let ids: Vec<Vec<u8>> = ask.query_async(redis).await?;
        if !self.refused {
            self.well();
        }
        self.checked = Instant::now();
        let ids = ids.iter().map(|id| Id::parse(id).unwrap_or_default());
        let is_first = self.known.is_some();
        for (stream, id) in self.streams.iter_mut().zip(ids) {
            if is_first {
                stream.at = id;
            } else if id < stream.at {
                stream.at = Id::default();
                add(&self.counters.restarts, 1);
            }
        }
        if let Some(known) = self.known.take() {
            // Who started the bus may have given up waiting.
            let _nobody_waits = known.send(());
        }
        Ok(())
    }

    /// Until something goes wrong.
    async fn follow(&mut self, redis: &mut Connection, backoff: &mut Backoff) -> redis::RedisError {
        let mut reads = false;
        loop {
            if self.checked.elapsed() >= CHECK
                && let Err(why) = self.compare(redis).await
            {
                return why;
            }
            self.pulse.begin();
            match self.read().query_async(redis).await {
                Ok(found) => {
                    (self.refused, reads) = (false, true);
                    self.well();
                    backoff.reset();
                    add(&self.counters.reads, 1);
                    self.hand_on(found);
                }
                Err(why) => {
                    self.refused = !reads;
                    return why;
                }
            }
        }
    }

    fn well(&self) {
        if self.pulse.answered() {
            log::info!("announcements are read from Redis");
        }
    }

    fn read(&self) -> redis::Cmd {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(COUNT).arg("BLOCK").arg(u64::try_from(BLOCK.as_millis()).unwrap_or(u64::MAX));
        read.arg("STREAMS");
        for stream in &self.streams {
            read.arg(&stream.key);
        }
        for Stream { at: Id(millis, number), .. } in &self.streams {
            #[cfg(feature = "torture")]
            if self.dollar {
                read.arg("$");
                continue;
            }
            read.arg(format!("{millis}-{number}"));
        }
        read
    }

    /// `[[key, [[id, [name, value, ...]], ...]], ...]`, or nothing at all. A stream that is not in it
    /// holds nothing that was not read, whatever waited there before.
    fn hand_on(&mut self, found: Value) {
        let before: Vec<_> = self.streams.iter().map(|stream| stream.at).collect();
        self.tell(found);
        for (stream, before) in self.streams.iter().zip(before) {
            let waited = (stream.at != before).then_some(stream.at.0);
            self.lags.note(stream.shard, waited);
        }
    }

    fn tell(&mut self, found: Value) {
        for (key, entries) in list(found).into_iter().filter_map(pair) {
            let Some(stream) = bytes(key).and_then(|key| self.by_key.get(&key)).copied() else { continue };
            let Some(stream) = self.streams.get_mut(stream) else { continue };
            for (id, members) in list(entries).into_iter().filter_map(pair) {
                let Some(id) = bytes(id).and_then(|id| Id::parse(&id)) else { continue };
                stream.at = id;
                let members: Vec<_> = list(members).into_iter().map(bytes).collect();
                let member = |name: &str| {
                    members.as_chunks().0.iter().find_map(|[given, value]| {
                        (given.as_deref() == Some(name.as_bytes())).then_some(value.as_deref()).flatten()
                    })
                };
                if member(BY) == Some(self.pod.0.as_bytes()) {
                    continue;
                }
                add(&self.counters.received, 1);
                match member(WHAT).ok_or(Unread::Malformed).and_then(wire::decode) {
                    Ok(told) => {
                        self.listeners.tell(stream.shard, &told, &self.counters.dropped_readers);
                    }
                    Err(Unread::Unknown) => add(&self.counters.unknown, 1),
                    Err(Unread::Malformed) => add(&self.counters.malformed, 1),
                }
            }
        }
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn pair(value: Value) -> Option<(Value, Value)> {
    let [first, second] = <[Value; 2]>::try_from(list(value)).ok()?;
    Some((first, second))
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_compared_as_numbers() {
        let id = |text: &str| Id::parse(text.as_bytes());
        assert!(id("9-10") > id("9-9") && id("10-0") > id("9-10"));
        assert_eq!(id("0-0"), Some(Id::default()));
        assert_eq!(id("$"), None);
        assert_eq!(id("1-x"), None);
    }
}
