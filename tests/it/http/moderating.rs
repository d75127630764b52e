//! Looking after how people treat each other, over HTTP.

use std::time::Duration;

use chat::clock::Clock as _;
use chat::protocol::wire::rfc3339;
use serde_json::json;

use super::support::Site;

#[actix_web::test]
async fn in_slow_mode_a_member_is_told_how_long_to_wait() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    let path = format!("/rooms/{room}");
    assert_eq!(site.get(&path, &bob).await.expect(200)["slowModeSeconds"], 0);
    let patch = |seconds: u64| {
        site.call("PATCH", &path, Some(&alice), Some(json!({ "slowModeSeconds": seconds })))
    };
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
async fn a_muted_member_is_told_until_when() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
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
    let refused = site.post("/messages", &bob, json!({ "roomId": room, "content": "no" })).await;
    refused.problem(403, "forbidden");
    assert_eq!((refused.header("retry-after"), &refused.body["retryAfterMs"]), (Some("60"), &json!(60_000)));
    site.call("DELETE", &path, Some(&bob), None).await.problem(403, "forbidden");
    site.call("DELETE", &path, Some(&alice), None).await.expect(204);
    site.say(&bob, &room, "thanks").await;
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
    assert_eq!((&seen["by"], &seen["reason"], &seen["content"]), (&json!(alice.id), &json!("spam"), &json!("")));
    let own = path(&site.say(&bob, &room, "oops").await);
    site.call("DELETE", &format!("{own}?reason="), Some(&bob), None).await.expect(204);
    assert_eq!(site.get(&own, &alice).await.expect(200).get("by"), None);
}
