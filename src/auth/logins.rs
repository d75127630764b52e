//! The flows of somebody's logins: seeing them, ending them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::accounts::{Caller, to_the_end};
use super::{AccountFlows, store_fault};
use crate::domain::{AuditEvent, Login, Refusal, SessionId, UserId};
use crate::error::Fault;

/// What is kept of where a login came from: enough to tell home from elsewhere, and no more.
pub(super) fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("{}/24", Ipv4Addr::from(u32::from(ip) & (u32::MAX << 8))),
        IpAddr::V6(ip) => format!("{}/48", Ipv6Addr::from(u128::from(ip) & (u128::MAX << 80))),
    }
}

impl AccountFlows {
    /// Somebody's living logins, the last used first.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn logins(&self, user: UserId) -> Result<Vec<Login>, Fault> {
        self.store.logins_of(user, self.clock.now()).await.map_err(store_fault)
    }

    /// Ends one of somebody's logins.
    ///
    /// # Errors
    /// `notFound` when it is not his, or has ended; `unavailable`.
    pub async fn end_login(&self, user: UserId, session: SessionId, from: &Caller) -> Result<(), Fault> {
        let (store, now, ended) = (self.store.clone(), self.clock.now(), self.ended());
        let record = self.own(AuditEvent::SessionRevoked, user, from);
        let audited = self.audited.clone();
        to_the_end(async move {
            let revoked = store.revoke_login_of(user, session, now, Some(record.clone())).await;
            if !revoked.map_err(store_fault)? {
                return Err(Refusal::NotFound("session").into());
            }
            ended(session);
            audited.tell(&record);
            Ok(())
        })
        .await
    }

    /// Ends all of somebody's logins.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn end_all_logins(&self, user: UserId, from: &Caller) -> Result<(), Fault> {
        let (store, now, ended) = (self.store.clone(), self.clock.now(), self.ended());
        let record = self.own(AuditEvent::SessionsRevoked, user, from);
        let audited = self.audited.clone();
        to_the_end(async move {
            let revoked = store.revoke_logins(user, now, Some(record.clone())).await;
            revoked.map_err(store_fault)?.into_iter().for_each(ended);
            audited.tell(&record);
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_its_network_is_kept() {
        for (address, kept) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(network(address.parse().expect("an address")), kept);
        }
    }
}
