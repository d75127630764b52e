//! What is kept of what happens to accounts: put together here, written by the store with what it is
//! about, and told in the log under a target of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::accounts::Caller;
use super::{AccountFlows, logins, store_fault};
use crate::domain::{Actor, AuditEvent, AuditRecord, UserId};
use crate::error::Fault;

/// The target of these lines, which an auditor reads.
const AUDIT: &str = "chat::audit";

/// Tells in the log what was written, and counts it by its event. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Audited(Arc<[AtomicU64; AuditEvent::ALL.len()]>);

impl Audited {
    /// To be called once for each record, after it was written.
    pub fn tell(&self, record: &AuditRecord) {
        let id = |user: Option<UserId>| user.map(|user| user.to_string()).unwrap_or_default();
        let (action, actor) = (record.event.as_str(), record.actor.as_str());
        let (actor_id, user) = (id(record.actor.user()), id(record.subject));
        let outcome = if record.event == AuditEvent::LoginFailed { "failure" } else { "success" };
        if let Some(count) =
            AuditEvent::ALL.iter().position(|e| *e == record.event).and_then(|at| self.0.get(at))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        log::info!(
            target: AUDIT,
            action, outcome, actor,
            actor_id = actor_id.as_str(),
            user = user.as_str(),
            network = record.network.as_deref().unwrap_or_default(),
            request = record.request.as_deref().unwrap_or_default(),
            detail = record.detail.as_deref().unwrap_or_default();
            "{action} by {actor} {actor_id}, about {user}"
        );
    }

    /// How often each event was told by this process, by its word.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        AuditEvent::ALL.iter().map(AuditEvent::as_str).zip(counts)
    }
}

impl AccountFlows {
    /// A record of something that is asked for from somewhere.
    #[must_use]
    pub fn audit(&self, event: AuditEvent, actor: Actor, from: &Caller) -> AuditRecord {
        let record = AuditRecord::new(self.clock.id(), self.clock.now(), event, actor);
        AuditRecord { network: Some(logins::network(from.ip)), request: from.request.clone(), ..record }
    }

    /// Of what somebody does to his own account.
    pub(super) fn own(&self, event: AuditEvent, user: UserId, from: &Caller) -> AuditRecord {
        self.audit(event, Actor::User(user), from).about(user)
    }

    /// Keeps a record of what changes nothing else.
    ///
    /// # Errors
    /// `unavailable`: it was not kept.
    pub async fn record(&self, record: AuditRecord) -> Result<(), Fault> {
        self.audited.tell(&record);
        self.store.record(record).await.map_err(store_fault)
    }
}
