//! Profiles, looking people up, blocking them, and what administrators see.

use chat::domain::{Actor, AuditEvent, AuditRecord, ServerRole, UserId};
use serde_json::{Value, json};

use super::support::{Answer, Person, Site};

fn id(person: &Person) -> UserId {
    person.id.parse().unwrap()
}

fn by_hand(site: &Site, event: AuditEvent) -> AuditRecord {
    let clock = &site.http.pod.clock;
    AuditRecord::new(clock.id(), clock.now(), event, Actor::Operator)
}

async fn administrator(site: &Site, name: &str) -> Person {
    let person = site.register(name).await;
    let record = by_hand(site, AuditEvent::RoleChanged);
    assert!(site.http.pod.store.set_role(id(&person), ServerRole::Administrator, record).await.unwrap());
    person
}

async fn change(site: &Site, who: &Person, body: Value) -> Answer {
    site.call("PATCH", "/users/me", Some(who), Some(body)).await
}

async fn audit(site: &Site, who: &Person, query: &str) -> Vec<Value> {
    let body = site.get(&format!("/admin/audit?{query}"), who).await.expect(200);
    body["records"].as_array().unwrap().clone()
}

fn events(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["event"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn what_she_tells_of_herself_is_seen_by_others_and_cleared_by_null() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let body = change(&site, &alice, json!({ "displayName": " A\u{308}lice ", "statusText": "away" })).await;
    let body = body.expect(200);
    assert_eq!((&body["displayName"], &body["statusText"]), (&json!("Älice"), &json!("away")));
    assert_eq!(body["email"], "alice@example.com");
    let seen = site.get(&format!("/users/{}", alice.id), &bob).await.expect(200);
    assert_eq!((&seen["displayName"], &seen["statusText"]), (&json!("Älice"), &json!("away")));
    assert_eq!(seen["email"], format!("{}@users.invalid", alice.id));
    assert!(seen.get("serverRole").is_none() && seen.get("emailVerified").is_none());

    let body = change(&site, &alice, json!({ "statusText": null })).await.expect(200);
    assert_eq!((&body["displayName"], body.get("statusText")), (&json!("Älice"), None));
    change(&site, &alice, json!({ "displayName": "a\nb" })).await.wrong("displayName");
    change(&site, &alice, json!({ "statusText": "x".repeat(141) })).await.wrong("statusText");
    change(&site, &alice, json!({ "displayName": 7 })).await.problem(400, "badRequest");
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["displayName"], "Älice");
}

#[actix_web::test]
async fn people_are_looked_up_by_two_letters_or_more_and_not_too_often() {
    let site = Site::with(|settings| {
        settings.limits.rates_on = true;
        settings.limits.lookups_per_minute = 4;
    })
    .await;
    let (alice, alan) = (site.register("Alice").await, site.register("alan").await);
    site.get("/users?username=a", &alan).await.wrong("username");
    site.get("/users", &alan).await.problem(400, "badRequest");
    let found = site.get("/users?username=AL&limit=500", &alan).await.expect(200);
    let found = &found["users"];
    let names: Vec<_> = found.as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, ["alan", "Alice"]);
    assert_eq!(found[0]["email"], "alan@example.com");
    assert_eq!(found[1]["email"], format!("{}@users.invalid", alice.id));
    assert_eq!(
        site.get("/users?username=al&limit=1", &alan).await.expect(200)["users"].as_array().unwrap().len(),
        1
    );
    site.get(&format!("/users/{}", alice.id), &alan).await.expect(200);
    site.get("/users/00000000-0000-7000-8000-000000000000", &alan).await.problem(404, "notFound");
    site.get("/users?username=al", &alan).await.problem(429, "rateLimited");
    site.get("/users?username=al", &alice).await.expect(200);
}

#[actix_web::test]
async fn who_is_blocked_is_not_told_and_puts_nobody_into_a_room() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let path = format!("/users/me/blocks/{}", bob.id);
    site.call("PUT", &path, Some(&alice), None).await.expect(204);
    site.call("PUT", &path, Some(&alice), None).await.expect(204);
    let own = format!("/users/me/blocks/{}", alice.id);
    site.call("PUT", &own, Some(&alice), None).await.wrong("userId");
    let blocks = site.get("/users/me/blocks", &alice).await.expect(200);
    assert_eq!(blocks["users"][0]["username"], "bob");
    assert_eq!(site.get("/users/me/blocks", &bob).await.expect(200), json!({ "users": [] }));
    let room = json!({ "name": "trap", "members": [alice.id] });
    let refused = site.post("/rooms", &bob, room.clone()).await;
    refused.wrong("members");
    assert!(!refused.text.contains("block"), "{}", refused.text);
    let own = site.room(&bob, true).await;
    for place in ["members", "invites"] {
        let wish = json!({ "userId": alice.id });
        let refused = site.post(&format!("/rooms/{own}/{place}"), &bob, wish).await;
        refused.wrong("userId");
        assert!(!refused.text.contains("block"), "{}", refused.text);
    }
    site.post("/direct-rooms", &bob, json!({ "userIds": [alice.id] })).await.wrong("userIds");
    assert_eq!(site.get(&format!("/users/{}", alice.id), &bob).await.expect(200)["username"], "alice");
    site.call("DELETE", &path, Some(&alice), None).await.expect(204);
    site.post("/rooms", &bob, room).await.expect(201);
}

#[actix_web::test]
async fn an_administrator_sees_addresses_and_a_role_counts_from_the_next_request() {
    let site = Site::new().await;
    let (boss, alice) = (administrator(&site, "boss").await, site.register("alice").await);
    let path = format!("/users/{}", alice.id);
    let seen = site.get(&path, &boss).await.expect(200);
    assert_eq!((&seen["email"], &seen["serverRole"]), (&json!("alice@example.com"), &json!("user")));
    assert_eq!(site.get("/users/me", &boss).await.expect(200)["serverRole"], "administrator");
    let room = site.post("/rooms", &alice, json!({ "name": "a", "members": [boss.id] })).await.expect(201);
    let members =
        site.get(&format!("/rooms/{}/members", room["id"].as_str().unwrap()), &boss).await.expect(200);
    assert_eq!(members["members"][0]["email"], "alice@example.com");
    assert_eq!(room["members"][1]["email"], format!("{}@users.invalid", boss.id));

    site.get("/admin/audit", &alice).await.problem(403, "forbidden");
    site.get("/admin/audit", &boss).await.expect(200);
    let record = by_hand(&site, AuditEvent::RoleChanged);
    site.http.pod.store.set_role(id(&boss), ServerRole::Moderator, record).await.unwrap();
    site.get("/admin/audit", &boss).await.problem(403, "forbidden");
    assert_eq!(site.get(&path, &boss).await.expect(200)["email"], format!("{}@users.invalid", alice.id));
}

#[actix_web::test]
async fn a_closed_account_is_told_so_only_with_the_right_password() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let log_in = |password: &str| {
        let body = json!({ "email": "alice@example.com", "password": password });
        site.call("POST", "/auth/login", None, Some(body))
    };
    let record = by_hand(&site, AuditEvent::AccountDisabled);
    site.http.pod.store.disable_account(id(&alice), site.http.pod.clock.now(), record).await.unwrap();
    site.get("/users/me", &alice).await.problem(401, "unauthorized");
    let body = json!({ "refreshToken": alice.refresh });
    site.call("POST", "/auth/refresh", None, Some(body)).await.problem(401, "unauthorized");
    log_in("password-2").await.problem(401, "unauthorized");
    log_in("password-1").await.problem(403, "accountDisabled");
    site.http.pod.store.enable_account(id(&alice), by_hand(&site, AuditEvent::AccountEnabled)).await.unwrap();
    log_in("password-1").await.expect(200);
}

#[actix_web::test]
async fn what_happens_to_accounts_is_recorded_without_addresses_or_secrets() {
    let site = Site::new().await;
    let (boss, alice) = (administrator(&site, "boss").await, site.register("alice").await);
    let log_in = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        site.call("POST", "/auth/login", None, Some(body))
    };
    log_in("alice@example.com", "wrong-password").await.problem(401, "unauthorized");
    log_in("nobody@example.com", "wrong-password").await.problem(401, "unauthorized");
    let token = log_in("alice@example.com", "password-1").await.expect(200)["token"].clone();
    let second = Person { token: token.as_str().unwrap().into(), ..alice.clone() };
    let body = json!({ "currentPassword": "password-1", "newPassword": "password-2" });
    site.call("PUT", "/users/me/password", Some(&second), Some(body)).await.expect(204);
    site.call("POST", "/auth/logout", Some(&second), None).await.expect(204);

    let records = audit(&site, &boss, &format!("userId={}", alice.id)).await;
    let expected = ["logout", "passwordChanged", "loginSucceeded", "loginFailed", "accountCreated"];
    let mut found = events(&records);
    // The clock stands still here: of one millisecond the order is chance.
    found.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(found, sorted);
    let all = site.get("/admin/audit?limit=200", &boss).await;
    for secret in ["password-1", "password-2", "wrong-password", "@example.com"] {
        assert!(!all.text.contains(secret), "{}", all.text);
    }
    let failed = audit(&site, &boss, "event=loginFailed").await;
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|record| record["actor"] == "nobody" && record.get("actorId").is_none()));
    assert_eq!(failed.iter().filter(|record| record.get("subjectId").is_some()).count(), 1);
    let logout = &audit(&site, &boss, "event=logout").await[0];
    assert_eq!((&logout["actor"], &logout["actorId"]), (&json!("user"), &json!(alice.id)));
    assert!(logout["requestId"].as_str().is_some_and(|name| !name.is_empty()), "{logout}");
    assert!(!audit(&site, &boss, "event=auditRead").await.is_empty(), "reading is recorded");
}

#[actix_web::test]
async fn records_are_paged_to_the_end_and_odd_questions_are_refused() {
    let site = Site::new().await;
    let boss = administrator(&site, "boss").await;
    for n in 0..5 {
        site.pass(std::time::Duration::from_millis(5));
        site.register(&format!("person{n}")).await;
    }
    let (mut found, mut cursor) = (0, String::new());
    loop {
        let page =
            site.get(&format!("/admin/audit?event=accountCreated&limit=2{cursor}"), &boss).await.expect(200);
        found += page["records"].as_array().unwrap().len();
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, 6);
    site.get("/admin/audit?userId=alice", &boss).await.wrong("userId");
    site.get("/admin/audit?since=yesterday", &boss).await.wrong("since");
    site.get("/admin/audit?until=2", &boss).await.wrong("until");
    site.get("/admin/audit?cursor=x", &boss).await.wrong("cursor");
    assert!(audit(&site, &boss, "until=2000-01-01T00:00:00Z").await.is_empty());
}
