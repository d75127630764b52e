//! What the adapters count, under the names of the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::actors::Pod;
use crate::auth::audit::Audited;
use crate::auth::courier::Counts as MailCounts;
use crate::bus::{Bus as _, Shard};
use crate::clock::SharedClock;
use crate::domain::JobCounts;
use crate::files::{Counts as FileCounts, Outcome};
use crate::limits::{Key, Limiter};
use crate::redis::Counts;
use crate::redis::bus::RedisBus;
use crate::store::postgres::{Costs, PgStore, PoolStatus};
use crate::store::{CallKind, CallSpread, CallTimes};
use crate::telemetry::{Kind, Metric, Sample, Spread, SpreadSample};

/// What the store costs PostgreSQL.
pub(super) fn postgres(store: &Arc<PgStore>) -> Vec<Sample> {
    let sample = |metric, of: fn(Costs) -> u64| {
        let store = store.clone();
        Sample { metric, label: None, kind: Kind::Counter, read: Box::new(move || of(store.costs())) }
    };
    let pool = |metric, pool: (usize, &'static str), of: fn(PoolStatus) -> usize| {
        let store = store.clone();
        let read = Box::new(move || store.pools().get(pool.0).map_or(0, |status| of(*status) as u64));
        Sample { metric, label: Some(("pool", pool.1.into())), kind: Kind::Gauge, read }
    };
    let pools = [(0, "write"), (1, "read")].into_iter().flat_map(|of| {
        [
            pool(Metric::StoreConnectionsUsed, of, |status| status.used),
            pool(Metric::StoreConnectionsMost, of, |status| status.most),
            pool(Metric::StoreWaiting, of, |status| status.waiting),
        ]
    });
    let mut samples: Vec<_> = pools.collect();
    samples.extend([
        sample(Metric::StoreTransactions, |costs| costs.transactions),
        sample(Metric::StoreStatements, |costs| costs.statements),
        sample(Metric::StoreRoundTrips, |costs| costs.round_trips),
    ]);
    samples
}

/// How long calls of the store take, and those that failed.
pub(super) fn calls(times: &Arc<CallTimes>) -> (Vec<SpreadSample>, Vec<Sample>) {
    let kinds = [(CallKind::Read, ("kind", "read")), (CallKind::Write, ("kind", "write"))];
    let spread = |(kind, label)| {
        let times = times.clone();
        let read = Box::new(move || {
            let CallSpread { bounds, counts, sum } = times.spread(kind);
            Spread { bounds, counts, sum }
        });
        SpreadSample { metric: Metric::StoreCalls, label, read }
    };
    let failed = |(kind, label): (CallKind, (&'static str, &'static str))| {
        let times = times.clone();
        let read = Box::new(move || times.failed(kind));
        Sample {
            metric: Metric::StoreCallsFailed,
            label: Some((label.0, label.1.into())),
            kind: Kind::Counter,
            read,
        }
    };
    (kinds.map(spread).into(), kinds.map(failed).into())
}

/// What the engine knows without counting.
pub(super) fn pod(pod: &Arc<Pod>) -> Vec<Sample> {
    let sample = |metric, of: fn(&Pod) -> usize| {
        // The registry belongs to the pod.
        let pod = Arc::downgrade(pod);
        let read = Box::new(move || pod.upgrade().map_or(0, |pod| of(&pod) as u64));
        Sample { metric, label: None, kind: Kind::Gauge, read }
    };
    vec![
        sample(Metric::RoomsOpen, Pod::rooms_open),
        sample(Metric::PresencePods, |pod| pod.roster().pods()),
        sample(Metric::PresencePeople, |pod| pod.roster().online().count()),
    ]
}

/// What waits of the work on people's own data.
pub(super) fn jobs(pod: &Arc<Pod>) -> Vec<Sample> {
    let state = |word: &'static str, of: fn(JobCounts) -> u64| {
        // The registry belongs to the pod.
        let pod = Arc::downgrade(pod);
        let read = Box::new(move || pod.upgrade().map_or(0, |pod| of(pod.jobs.counts())));
        Sample { metric: Metric::Jobs, label: Some(("state", word.into())), kind: Kind::Gauge, read }
    };
    let oldest = {
        let pod = Arc::downgrade(pod);
        let millis = move || {
            let pod = pod.upgrade()?;
            let age = pod.clock.now().since(pod.jobs.counts().oldest?);
            u64::try_from(age.as_millis()).ok()
        };
        let read = Box::new(move || millis().unwrap_or(0));
        Sample { metric: Metric::JobsOldest, label: None, kind: Kind::Seconds, read }
    };
    vec![
        state("queued", |counts| counts.queued),
        state("running", |counts| counts.running),
        state("failed", |counts| counts.failed),
        oldest,
    ]
}

/// What waits for the index of messages.
pub(super) fn following(waiting: &Arc<AtomicU64>) -> Vec<Sample> {
    let waiting = waiting.clone();
    let read = Box::new(move || waiting.load(Ordering::Relaxed));
    vec![Sample { metric: Metric::SearchQueue, label: None, kind: Kind::Gauge, read }]
}

/// What happened to accounts.
pub(super) fn accounts(audited: &Audited) -> impl Iterator<Item = Sample> {
    let words = audited.counts().map(|(word, _)| word).collect::<Vec<_>>();
    words.into_iter().enumerate().map(|(at, word)| {
        let audited = audited.clone();
        let read = Box::new(move || audited.counts().nth(at).map_or(0, |(_, count)| count));
        let label = Some(("action", word.into()));
        Sample { metric: Metric::AccountEvents, label, kind: Kind::Counter, read }
    })
}

/// How often each limit was reached.
pub(super) fn limiter(limiter: &Arc<Limiter>) -> impl Iterator<Item = Sample> {
    Key::KINDS.into_iter().enumerate().map(|(kind, word)| {
        let limiter = limiter.clone();
        let read = Box::new(move || limiter.refusals(kind));
        Sample { metric: Metric::RateLimited, label: Some(("limit", word.into())), kind: Kind::Counter, read }
    })
}

/// What becomes of mail.
pub(super) fn mail(counts: &Arc<MailCounts>, clock: &SharedClock) -> Vec<Sample> {
    let letters = |outcome: &'static str, of: fn(&MailCounts) -> &AtomicU64| {
        let counts = counts.clone();
        let read = Box::new(move || of(&counts).load(Ordering::Relaxed));
        Sample {
            metric: Metric::MailLetters,
            label: Some(("outcome", outcome.into())),
            kind: Kind::Counter,
            read,
        }
    };
    let waiting = {
        let counts = counts.clone();
        let read = Box::new(move || counts.waiting.load(Ordering::Relaxed));
        Sample { metric: Metric::MailQueue, label: None, kind: Kind::Gauge, read }
    };
    let oldest = {
        let (counts, clock) = (counts.clone(), clock.clone());
        let millis = move || u64::try_from(counts.oldest(clock.now()).as_millis()).unwrap_or(u64::MAX);
        Sample { metric: Metric::MailOldest, label: None, kind: Kind::Seconds, read: Box::new(millis) }
    };
    vec![
        waiting,
        oldest,
        letters("sent", |counts| &counts.sent),
        letters("failed", |counts| &counts.failed),
        letters("given_up", |counts| &counts.given_up),
        letters("dropped", |counts| &counts.dropped),
    ]
}

/// What becomes of files.
pub(super) fn files(
    counts: &Arc<FileCounts>,
    collected: &Arc<AtomicU64>,
) -> (Vec<Sample>, Vec<SpreadSample>) {
    let uploads = Outcome::ALL.into_iter().map(|outcome| {
        let counts = counts.clone();
        let label = Some(("outcome", outcome.as_str().into()));
        let read = Box::new(move || counts.of(outcome));
        Sample { metric: Metric::FileUploads, label, kind: Kind::Counter, read }
    });
    let sample = |metric, of: fn(&FileCounts) -> u64| {
        let counts = counts.clone();
        Sample { metric, label: None, kind: Kind::Counter, read: Box::new(move || of(&counts)) }
    };
    let mut samples: Vec<_> = uploads.collect();
    samples.push(sample(Metric::FileBytes, FileCounts::bytes));
    samples.push(sample(Metric::FileThumbnails, FileCounts::thumbnails));
    let collected = collected.clone();
    let read = Box::new(move || collected.load(Ordering::Relaxed));
    samples.push(Sample { metric: Metric::FilesCollected, label: None, kind: Kind::Counter, read });
    let counts = counts.clone();
    let read = Box::new(move || {
        let (bounds, counts, sum) = counts.times();
        Spread { bounds, counts, sum }
    });
    let spread = SpreadSample { metric: Metric::FileSeconds, label: ("outcome", "stored"), read };
    (samples, vec![spread])
}

/// What the bus does with Redis, and what it could not do.
pub(super) fn redis(bus: &Arc<RedisBus>) -> Vec<Sample> {
    let sample = |metric, reason: Option<&'static str>, of: fn(Counts) -> u64| {
        let bus = bus.clone();
        let label = reason.map(|reason| ("reason", reason.into()));
        Sample { metric, label, kind: Kind::Counter, read: Box::new(move || of(bus.counts())) }
    };
    let up = {
        let bus = bus.clone();
        let read = Box::new(move || u64::from(bus.is_up()));
        Sample { metric: Metric::BusUp, label: None, kind: Kind::Gauge, read }
    };
    let lags = Shard::all().map(|shard| {
        let (bus, label) = (bus.clone(), Some(("shard", shard.index().to_string().into())));
        let read = Box::new(move || bus.lag(shard));
        Sample { metric: Metric::BusLag, label, kind: Kind::Seconds, read }
    });
    let counts = [
        up,
        sample(Metric::BusAnnouncements, None, |counts| counts.appends),
        sample(Metric::BusPipelines, None, |counts| counts.pipelines),
        sample(Metric::BusWritten, None, |counts| counts.entries),
        sample(Metric::BusReads, None, |counts| counts.reads),
        sample(Metric::BusReceived, None, |counts| counts.received),
        sample(Metric::BusDropped, Some("queue_full"), |counts| counts.dropped_full),
        sample(Metric::BusDropped, Some("not_written"), |counts| counts.dropped_failed),
        sample(Metric::BusDropped, Some("reader_full"), |counts| counts.dropped_readers),
        sample(Metric::BusDropped, Some("unknown"), |counts| counts.unknown),
        sample(Metric::BusDropped, Some("malformed"), |counts| counts.malformed),
        sample(Metric::BusReconnects, None, |counts| counts.reconnects),
        sample(Metric::BusRestarts, None, |counts| counts.restarts),
    ];
    counts.into_iter().chain(lags).collect()
}
