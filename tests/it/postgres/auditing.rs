//! What was recorded cannot be changed, not even past the server.

use chat::domain::{AuditEvent, AuditFilter, ServerRole, UserId};
use chat::store::{Accounts, Administration, Audits};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{database, open, server};
use crate::contract::administering::record;
use crate::contract::support::{account, run};

#[test]
fn the_database_refuses_to_change_what_was_recorded() {
    run(async {
        let name = database();
        let store = open(&name).await;
        let person = account("alice", "alice@example.com");
        let alice = person.user.id;
        store.create_account(person).await.expect("an account");
        store.set_role(alice, ServerRole::Moderator, record(AuditEvent::RoleChanged)).await.expect("a role");
        for change in ["UPDATE audit SET event = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
            let refused = server().sql(&name, change).expect_err(change);
            assert!(refused.to_string().contains("audit is append-only"), "{change}: {refused}");
        }
        let page = store.audit_page(AuditFilter::default(), 10, None).await.expect("a page");
        assert_eq!(page.records.len(), 1);
    });
}

#[test]
fn of_founders_at_the_same_moment_one_administers() {
    run(async {
        let name = database();
        let store = open(&name).await;
        let founders = (0..8).map(|n| {
            let mut founder = account(&format!("founder{n}"), &format!("f{n}@example.com"));
            founder.may_found = true;
            store.create_account(founder)
        });
        for made in join_all(founders).await {
            made.expect("an account");
        }
        let people = store.users_page(100, None).await.expect("people");
        let administrators = people.iter().filter(|user| user.server_role == ServerRole::Administrator);
        assert_eq!((people.len(), administrators.count()), (8, 1));
        assert!(store.users_page(100, Some(UserId(Uuid::max()))).await.expect("people").is_empty());
    });
}
