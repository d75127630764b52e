//! Looking after how people treat each other, over HTTP.

use std::time::Duration;

use chat::clock::Clock as _;
use chat::domain::{Actor, AuditEvent, AuditRecord, ServerRole};
use chat::protocol::wire::rfc3339;
use serde_json::{Value, json};

use super::support::{Answer, Person, Site};

async fn role(site: &Site, name: &str, role: ServerRole) -> Person {
    let person = site.register(name).await;
    let record =
        AuditRecord::new(site.clock.id(), site.clock.now(), AuditEvent::RoleChanged, Actor::Operator);
    assert!(site.http.pod.store.set_role(person.id.parse().unwrap(), role, record).await.unwrap());
    person
}

async fn report(site: &Site, who: &Person, message: &Value, reason: &str) -> Answer {
    let path = format!("/messages/{}/report", message["id"].as_str().expect("an id"));
    site.post(&path, who, json!({ "reason": reason })).await
}

async fn resolve(site: &Site, who: &Person, report: &Value, body: Value) -> Answer {
    site.post(&format!("/reports/{}/resolve", report["id"].as_str().expect("an id")), who, body).await
}

#[actix_web::test]
async fn in_slow_mode_a_member_is_told_how_long_to_wait() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    let path = format!("/rooms/{room}");
    assert_eq!(site.get(&path, &bob).await.expect(200)["slowModeSeconds"], 0);
    let patch =
        |seconds: u64| site.call("PATCH", &path, Some(&alice), Some(json!({ "slowModeSeconds": seconds })));
    patch(21_601).await.wrong("slowModeSeconds");
    assert_eq!(patch(30).await.expect(200)["slowModeSeconds"], 30);
    site.say(&bob, &room, "one").await;
    site.pass(Duration::from_millis(1_500));
    let refused = site.post("/messages", &bob, json!({ "roomId": room, "content": "two" })).await;
    refused.problem(429, "rateLimited");
    assert_eq!((refused.header("retry-after"), &refused.body["retryAfterMs"]), (Some("29"), &json!(28_500)));
    site.pass(Duration::from_millis(28_500));
    site.say(&bob, &room, "two").await;
}

#[actix_web::test]
async fn a_muted_member_is_told_until_when_and_why() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let room = site.room(&alice, false).await;
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    let path = format!("/rooms/{room}/members/{}/mute", bob.id);
    let until = rfc3339(site.clock.now().plus(Duration::from_secs(60)));
    let mute = |who, body| site.call("PUT", &path, Some(who), Some(body));
    mute(&alice, json!({ "until": "tomorrow" })).await.wrong("until");
    mute(&alice, json!({ "until": "2001-01-01T00:00:00Z" })).await.wrong("until");
    mute(&alice, json!({ "until": until, "reason": "x".repeat(501) })).await.wrong("reason");
    mute(&bob, json!({ "until": until })).await.problem(403, "forbidden");
    mute(&alice, json!({ "until": until, "reason": "spam" })).await.expect(204);
    // A page that is loaded later learns of it, too.
    let told = async |who: &Person| {
        let page = site.get(&format!("/rooms/{room}/members"), who).await.expect(200);
        assert_eq!(page["members"], site.get(&format!("/rooms/{room}"), who).await.expect(200)["members"]);
        ["mutedUntil", "muteReason"].map(|name| page["members"][1].get(name).cloned())
    };
    let (until_then, nothing) = ([Some(json!(until)), Some(json!("spam"))], [None, None]);
    site.post(&format!("/rooms/{room}/join"), &eve, json!({})).await.expect(200);
    let seen = (told(&alice).await, told(&bob).await, told(&eve).await);
    assert_eq!(seen, (until_then.clone(), until_then.clone(), nothing.clone()));
    // With the room as well: he may stand behind the first members of a large one.
    let own = async |who: &Person| {
        let (all, one) = (site.get("/rooms", who).await, site.get(&format!("/rooms/{room}"), who).await);
        let of = |room: &Value| ["mutedUntil", "muteReason"].map(|name| room.get(name).cloned());
        assert_eq!(of(&all.expect(200)[0]), of(&one.body));
        of(&one.expect(200))
    };
    let owns = (own(&alice).await, own(&bob).await, own(&eve).await);
    assert_eq!(owns, (nothing.clone(), until_then, nothing.clone()));
    let refused = site.post("/messages", &bob, json!({ "roomId": room, "content": "no" })).await;
    refused.problem(403, "forbidden");
    assert_eq!((refused.header("retry-after"), &refused.body["retryAfterMs"]), (Some("60"), &json!(60_000)));
    site.call("DELETE", &path, Some(&bob), None).await.problem(403, "forbidden");
    site.call("DELETE", &path, Some(&alice), None).await.expect(204);
    site.say(&bob, &room, "thanks").await;
    assert_eq!(told(&bob).await, nothing);
    mute(&alice, json!({ "until": until })).await.expect(204);
    assert_eq!(told(&bob).await, [Some(json!(until)), None]);
    mute(&alice, json!({ "until": until, "reason": "spam" })).await.expect(204);
    site.pass(Duration::from_secs(60));
    assert_eq!(
        [told(&alice).await, told(&bob).await, own(&bob).await],
        [nothing.clone(), nothing.clone(), nothing],
        "it is over"
    );
}

#[actix_web::test]
async fn a_deletion_tells_who_did_it_and_why() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    let path = |message: &serde_json::Value| format!("/messages/{}", message["id"].as_str().expect("an id"));
    let message = path(&site.say(&bob, &room, "buy this").await);
    let delete = async |who: &Person, query: &str| {
        site.call("DELETE", &format!("{message}{query}"), Some(who), None).await
    };
    delete(&bob, "?reason=mine").await.wrong("reason");
    delete(&alice, &format!("?reason={}", "x".repeat(501))).await.wrong("reason");
    delete(&alice, "?reason=spam").await.expect(204);
    let seen = site.get(&message, &bob).await.expect(200);
    assert_eq!(
        (&seen["by"], &seen["reason"], &seen["content"]),
        (&json!(alice.id), &json!("spam"), &json!(""))
    );
    let own = path(&site.say(&bob, &room, "oops").await);
    site.call("DELETE", &format!("{own}?reason="), Some(&bob), None).await.expect(204);
    assert_eq!(site.get(&own, &alice).await.expect(200).get("by"), None);
}

#[actix_web::test]
async fn a_report_is_seen_and_resolved_by_those_who_look_after_others() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let moderator = role(&site, "mod", ServerRole::Moderator).await;
    let room = site.room(&alice, true).await;
    for who in [&bob, &eve] {
        site.post(&format!("/rooms/{room}/members"), &alice, json!({ "userId": who.id })).await.expect(204);
    }
    let (spam, fair) = (site.say(&bob, &room, "buy this").await, site.say(&bob, &room, "hello").await);
    report(&site, &eve, &spam, " ").await.wrong("reason");
    report(&site, &bob, &spam, "mine").await.problem(403, "forbidden");
    report(&site, &moderator, &spam, "not my room").await.problem(404, "notFound");
    report(&site, &eve, &spam, "spam").await.expect(204);
    report(&site, &eve, &spam, "really spam").await.expect(204);
    site.pass(Duration::from_secs(1));
    report(&site, &eve, &fair, "dull").await.expect(204);

    let of_room = format!("/rooms/{room}/reports");
    site.get(&of_room, &bob).await.problem(403, "forbidden");
    site.get(&of_room, &moderator).await.problem(404, "notFound");
    site.get("/admin/reports", &alice).await.problem(403, "forbidden");
    site.get(&format!("{of_room}?status=odd"), &alice).await.wrong("status");
    site.get(&format!("{of_room}?cursor=odd"), &alice).await.wrong("cursor");
    let first = site.get(&format!("{of_room}?limit=1"), &alice).await.expect(200);
    let next = first["nextCursor"].as_str().expect("another page");
    let second = site.get(&format!("{of_room}?limit=1&cursor={next}"), &alice).await.expect(200);
    let (dull, unread) = (&first["reports"][0], &second["reports"][0]);
    assert_eq!((&unread["message"]["content"], &unread["status"]), (&json!("buy this"), &json!("open")));
    assert_eq!((&unread["resolution"], &second["nextCursor"]), (&Value::Null, &Value::Null));
    assert_eq!(unread["reporters"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&unread["reporters"][0]["userId"], &unread["reporters"][0]["reason"]),
        (&json!(eve.id), &json!("really spam"))
    );
    let everywhere = site.get("/admin/reports", &moderator).await.expect(200);
    assert_eq!(everywhere["reports"], json!([dull, unread]));

    resolve(&site, &eve, unread, json!({ "action": "dismiss" })).await.problem(404, "notFound");
    resolve(&site, &alice, unread, json!({ "action": "shrug" })).await.wrong("action");
    resolve(&site, &alice, dull, json!({ "action": "dismiss" })).await.expect(204);
    let delete = json!({ "action": "delete", "reason": "spam" });
    resolve(&site, &moderator, unread, delete.clone()).await.expect(204);
    resolve(&site, &alice, unread, delete).await.problem(409, "conflict");
    let seen =
        site.get(&format!("/messages/{}", spam["id"].as_str().expect("an id")), &bob).await.expect(200);
    assert_eq!((&seen["by"], &seen["reason"]), (&json!(moderator.id), &json!("spam")));
    assert_eq!(site.get(&format!("{of_room}?status=open"), &alice).await.expect(200)["reports"], json!([]));
    let resolved = site.get(&format!("{of_room}?status=resolved"), &alice).await.expect(200);
    let resolution = &resolved["reports"][1]["resolution"];
    assert_eq!(
        (&resolution["action"], &resolution["by"], &resolution["reason"]),
        (&json!("delete"), &json!(moderator.id), &json!("spam"))
    );

    let boss = role(&site, "boss", ServerRole::Administrator).await;
    let records = async |query: &str| {
        let found = site.get(&format!("/admin/audit?{query}"), &boss).await.expect(200);
        assert!(!found.to_string().contains("spam"), "records hold no reasons");
        found["records"].as_array().expect("a list").clone()
    };
    for (event, times) in
        [("messageReported", 3), ("reportResolved", 2), ("messageRemoved", 1), ("reportsRead", 1)]
    {
        assert_eq!(records(&format!("event={event}")).await.len(), times, "{event}");
    }
    // What bob may take along tells him who deleted his message, and not who reported it.
    let about = records(&format!("userId={}", bob.id)).await;
    assert!(!json!(about).to_string().contains(&eve.id));
    assert!(about.iter().any(|record| record["event"] == "messageRemoved"));
}
