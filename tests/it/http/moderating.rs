//! Looking after how people treat each other, over HTTP.

use std::time::Duration;

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
