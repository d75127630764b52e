//! Tells the other processes what was taken of shared rates, and hears what they took.
//!
//! No request waits for this: each is decided at once, and what it took is told within
//! [`EVERY`]. Redis adds up by the generic cell rate algorithm, as the buckets here do, so one number
//! per key is all there is, and it ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::{self, FromRedisValue as _, Pipeline, RedisResult, Script, Value};

use super::connection::RedisFault;
use super::desk::{Desk, Order};
use super::lanes::Lanes;
use crate::clock::SharedClock;
use crate::limits::Limiter;
use crate::limits::shared::{Standing, Used};

/// The shortest time between two rounds.
const EVERY: Duration = Duration::from_millis(50);
/// How long a round may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most keys of one round. The others follow in the next.
const MOST: usize = 4_096;

/// Adds what was taken; answers the milliseconds until the bucket is full. Nobody is held to more
/// than twice a full bucket, which several processes could pass before they heard of each other.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = tonumber(redis.call('GET', KEYS[1]) or 0)
if full < now then full = now end
full = math.min(full + ARGV[1] * ARGV[2], now + ARGV[3])
local left = full - now
if left > 0 then
  redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(left))
end
return string.format('%.3f', left)";

/// Adds failures to sign in, or forgets them; answers their number and the rest of the wait. Where
/// nothing is remembered, what this process remembers holds.
const FAIL: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fresh, forgiven = tonumber(ARGV[1]), ARGV[2] == '1'
local free, longest = tonumber(ARGV[5]), tonumber(ARGV[6])
local kept = redis.call('HMGET', KEYS[1], 'n', 'u')
local n, ends
if forgiven then
  n, ends = 0, 0
elseif kept[1] then
  n, ends = tonumber(kept[1]), tonumber(kept[2])
else
  n, ends = math.max(0, ARGV[3] - fresh), now + ARGV[4]
end
if fresh > 0 then
  n = n + fresh
  if n >= free then
    ends = math.max(ends, now + math.min(longest, 1000 * 2 ^ math.min(16, n - free)))
  end
end
if n > 0 or forgiven or kept[1] then
  redis.call('HSET', KEYS[1], 'n', n, 'u', ends)
  redis.call('PEXPIRE', KEYS[1], longest * 2)
end
return {n, math.max(0, ends - now)}";

/// The task that shares one limiter's rates.
pub(super) struct Rates {
    pub desk: Desk,
    pub lanes: Lanes,
    pub limiter: Arc<Limiter>,
    pub clock: SharedClock,
    /// Veils the keys; the same in every process.
    pub salt: [u8; 32],
    /// Processes last seen alive.
    pub pods: Arc<AtomicU32>,
}

/// One call of a script.
struct Call {
    /// Which of the keys used it is about.
    used: usize,
    is_fail: bool,
    key: String,
    arguments: Vec<String>,
}

impl Rates {
    pub(super) async fn run(self) {
        let scripts = Scripts { take: Script::new(TAKE), fail: Script::new(FAIL) };
        loop {
            self.limiter.used().await;
            let used = self.limiter.to_tell(MOST, self.clock.now());
            let mut by_lane: Vec<Vec<Used>> = vec![Vec::new(); usize::from(self.lanes.count())];
            for key in used {
                if let Some(lane) = by_lane.get_mut(usize::from(self.lane(&key))) {
                    lane.push(key);
                }
            }
            let rounds =
                by_lane.iter().filter(|used| !used.is_empty()).map(|used| self.round(&scripts, used));
            match futures_util::future::try_join_all(rounds).await {
                Ok(_) => self.limiter.part_of(1),
                Err(fault) => {
                    log::debug!("rates are not shared: {fault}");
                    self.limiter.part_of(self.pods.load(Ordering::Relaxed));
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    fn lane(&self, used: &Used) -> u16 {
        let [first, ..] = used.key.veiled(&self.salt);
        u16::from(first) % self.lanes.count()
    }

    /// The keys of one lane, in one pipeline.
    async fn round(&self, scripts: &Scripts, used: &[Used]) -> Result<(), RedisFault> {
        let calls: Vec<_> = used.iter().enumerate().flat_map(|(n, used)| self.calls(n, used)).collect();
        let mut answers = self.call(scripts, &calls, false).await?;
        let missing: Vec<_> =
            answers.iter().enumerate().filter(|(_, a)| is_no_script(a)).map(|(n, _)| n).collect();
        if !missing.is_empty() {
            let again = missing.iter().filter_map(|n| calls.get(*n));
            let again = self.call(scripts, again, true).await?;
            for (n, answer) in missing.into_iter().zip(again) {
                if let Some(place) = answers.get_mut(n) {
                    *place = answer;
                }
            }
        }
        let mut standings = vec![Standing { full_in: Duration::ZERO, failures: None }; used.len()];
        for (call, answer) in calls.iter().zip(answers) {
            let answer = answer.map_err(|error| RedisFault::Away(error.to_string()))?;
            let Some(standing) = standings.get_mut(call.used) else { continue };
            let read = read(call, answer, standing);
            read.map_err(|error| RedisFault::Away(error.to_string()))?;
        }
        let now = self.clock.now();
        for (used, standing) in used.iter().zip(standings) {
            self.limiter.told(used.key, standing, now);
        }
        Ok(())
    }

    fn calls(&self, n: usize, used: &Used) -> Vec<Call> {
        let veiled = used.key.veiled(&self.salt);
        // Half of it is enough to tell keys apart.
        let name = URL_SAFE_NO_PAD.encode(veiled.get(..16).unwrap_or_default());
        let key = self.lanes.key("limit", self.lane(used), &name);
        let token = used.rate.millis_per_token();
        let most = token * f64::from(used.rate.burst) * 2.0;
        let take = Call {
            used: n,
            is_fail: false,
            key: key.clone(),
            arguments: vec![used.taken.to_string(), format!("{token:.3}"), format!("{most:.0}")],
        };
        let fail = used.attempts.map(|attempts| Call {
            used: n,
            is_fail: true,
            key: format!("{key}:f"),
            arguments: vec![
                attempts.failures.to_string(),
                u8::from(attempts.forgiven).to_string(),
                attempts.all.to_string(),
                attempts.wait.as_millis().to_string(),
                attempts.free.to_string(),
                attempts.longest.as_millis().to_string(),
            ],
        });
        std::iter::once(take).chain(fail).collect()
    }

    /// By the scripts' hashes, or by their text where Redis does not have them.
    async fn call<'a>(
        &self,
        scripts: &Scripts,
        calls: impl IntoIterator<Item = &'a Call>,
        by_text: bool,
    ) -> Result<Vec<RedisResult<Value>>, RedisFault> {
        let mut pipeline = Pipeline::new();
        pipeline.ignore_errors();
        for call in calls {
            let (script, text) = if call.is_fail { (&scripts.fail, FAIL) } else { (&scripts.take, TAKE) };
            let command = if by_text {
                pipeline.cmd("EVAL").arg(text)
            } else {
                pipeline.cmd("EVALSHA").arg(script.get_hash())
            };
            command.arg(1).arg(&call.key).arg(&call.arguments);
        }
        self.desk.ask(Order::Many(pipeline), PATIENCE).await
    }
}

struct Scripts {
    take: Script,
    fail: Script,
}

fn read(call: &Call, answer: Value, standing: &mut Standing) -> Result<(), redis::ParsingError> {
    if call.is_fail {
        let (failures, wait) = <(u32, u64)>::from_redis_value(answer)?;
        standing.failures = Some((failures, Duration::from_millis(wait)));
    } else {
        let left = f64::from_redis_value(answer)?.max(0.0);
        standing.full_in = Duration::try_from_secs_f64(left / 1_000.0).unwrap_or_default();
    }
    Ok(())
}

fn is_no_script(answer: &RedisResult<Value>) -> bool {
    answer.as_ref().is_err_and(|error| error.code() == Some("NOSCRIPT"))
}
