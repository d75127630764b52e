//! Messages: sending once, walking back, changing in time.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::support::{Person, Site, request};

async fn send(site: &Site, who: &Person, key: &str, room: &str, content: &str) -> super::support::Answer {
    let body = json!({ "roomId": room, "content": content });
    site.ask(request("POST", "/messages", Some(who), Some(body)).insert_header(("Idempotency-Key", key)))
        .await
}

#[actix_web::test]
async fn a_retry_with_its_key_is_stored_once() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let (room, other) = (site.room(&alice, false).await, site.room(&alice, false).await);
    let key = Uuid::from_u128(7).to_string();
    let first = send(&site, &alice, &key, &room, " hi ").await;
    assert_eq!(first.header("idempotent-replayed"), None);
    let first = first.expect(201);
    assert_eq!(
        (&first["content"], &first["clientMsgId"], &first["seq"]),
        (&json!("hi"), &json!(key), &json!(2))
    );
    let again = send(&site, &alice, &key, &room, "hi").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    send(&site, &alice, &key, &room, "other").await.problem(409, "idempotencyConflict");
    send(&site, &alice, &key, &other, "hi").await.problem(409, "idempotencyConflict");
    send(&site, &alice, "no-uuid", &room, "hi").await.wrong("Idempotency-Key");
    let history = site.get(&format!("/messages?roomId={room}"), &alice).await.expect(200);
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn history_is_walked_from_the_newest_to_the_first() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let (room, other) = (site.room(&alice, false).await, site.room(&alice, false).await);
    for n in 0..7 {
        site.say(&alice, &room, &n.to_string()).await;
    }
    let (mut seen, mut cursor, mut last) = (Vec::new(), String::new(), String::new());
    loop {
        let page = site.get(&format!("/messages?roomId={room}&limit=3{cursor}"), &alice).await.expect(200);
        seen.extend(
            page["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextCursor"].as_str() else { break };
        last = next.to_owned();
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    site.get(&format!("/messages?roomId={other}&cursor={last}"), &alice).await.wrong("cursor");
    site.get(&format!("/messages?roomId={room}&cursor=%00"), &alice).await.wrong("cursor");
    for (limit, count) in [("1", 1), ("200", 7), ("201", 7), ("99999999999999999999", 7)] {
        let page = site.get(&format!("/messages?roomId={room}&limit={limit}"), &alice).await.expect(200);
        assert_eq!(page["messages"].as_array().unwrap().len(), count);
    }
    for limit in ["0", "-1", "x", "", "1.5"] {
        site.get(&format!("/messages?roomId={room}&limit={limit}"), &alice).await.wrong("limit");
    }
    site.get("/messages", &alice).await.wrong("roomId");
    site.get("/messages?roomId=x", &alice).await.wrong("roomId");
}

#[actix_web::test]
async fn history_is_entered_at_a_message_a_moment_or_a_number() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    let mut sent = Vec::new();
    for n in 0..7 {
        sent.push(site.say(&alice, &room, &n.to_string()).await);
        site.pass(Duration::from_secs(60));
    }
    let (site, alice, room) = (&site, &alice, &room);
    let get = async |query: String| site.get(&format!("/messages?roomId={room}&{query}"), alice).await;
    let texts = |page: &Value| -> String {
        page["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect()
    };
    let id = sent[3]["id"].as_str().unwrap();
    let about = get(format!("limit=3&around={id}")).await.expect(200);
    assert_eq!(texts(&about), "432");
    let newer = get(format!("limit=3&cursor={}", about["newerCursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((texts(&newer), &newer["newerCursor"]), ("65".to_owned(), &Value::Null));
    let older = get(format!("limit=3&cursor={}", about["nextCursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((texts(&older), &older["nextCursor"]), ("10".to_owned(), &Value::Null));
    let then = sent[2]["createdAt"].as_str().unwrap();
    assert_eq!(texts(&get(format!("limit=2&at={then}")).await.expect(200)), "21");
    let missed = get(format!("after={}", sent[4]["seq"])).await.expect(200);
    assert_eq!(texts(&missed), "65");
    for (query, field) in [
        ("around=x", "around"),
        ("at=yesterday", "at"),
        ("after=-1", "after"),
        ("after=9007199254740992", "after"),
        ("after=1&at=2026-11-21T15:52:00Z", "cursor"),
        ("cursor=x", "cursor"),
    ] {
        get(query.to_owned()).await.wrong(field);
    }
    get(format!("around={}", Uuid::nil())).await.problem(404, "notFound");
}

#[actix_web::test]
async fn a_thread_is_read_apart_from_its_room() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    site.call("POST", &format!("/rooms/{room}/join"), Some(&bob), None).await.expect(200);
    let root = site.say(&alice, &room, "root").await;
    let mut last = root["id"].clone();
    for text in ["1", "2", "3"] {
        let body = json!({"roomId": room, "content": text, "replyTo": last});
        let sent = site.call("POST", "/messages", Some(&alice), Some(body)).await.expect(201);
        assert_eq!((&sent["threadRoot"], &sent["replyTo"]), (&root["id"], &last));
        last = sent["id"].clone();
    }
    let path = |id: &Value| format!("/messages/{}/thread", id.as_str().unwrap());
    let page = site.get(&format!("{}?limit=2", path(&last)), &bob).await.expect(200);
    assert_eq!((&page["root"]["id"], &page["messages"][1]["content"]), (&root["id"], &json!("2")));
    let thread = &page["root"]["thread"];
    assert_eq!((&thread["replies"], &thread["unread"]), (&json!(3), &json!(3)));
    assert_eq!(
        (&thread["participants"], &thread["lastReplyAt"]),
        (&json!([alice.id]), &page["messages"][0]["createdAt"])
    );
    let cursor = page["nextCursor"].as_str().unwrap();
    let rest = site.get(&format!("{}?cursor={cursor}", path(&root["id"])), &bob).await.expect(200);
    assert_eq!((&rest["messages"][0]["content"], &rest["nextCursor"]), (&json!("1"), &Value::Null));
    site.get(&format!("/messages?roomId={room}&cursor={cursor}"), &bob).await.wrong("cursor");

    let mark = format!("{}/read", path(&root["id"]));
    let read = json!({"seq": page["messages"][1]["seq"]});
    site.call("PUT", &mark, Some(&bob), Some(read)).await.expect(204);
    let history = site.get(&format!("/messages?roomId={room}"), &bob).await.expect(200);
    assert_eq!(history["messages"][3]["thread"]["unread"], 1);
    assert!(history["messages"][0].get("thread").is_none());
    site.call("PUT", &mark, Some(&bob), Some(json!({"seq": 9_007_199_254_740_992_u64}))).await.wrong("seq");
    // Who may not read where it began reads what came since.
    let change = json!({"historyVisibility": "sinceJoined"});
    site.call("PATCH", &format!("/rooms/{room}"), Some(&alice), Some(change)).await.expect(200);
    let dan = site.register("dan").await;
    site.call("POST", &format!("/rooms/{room}/join"), Some(&dan), None).await.expect(200);
    let body = json!({"roomId": room, "content": "4", "replyTo": last});
    let since = site.call("POST", "/messages", Some(&alice), Some(body)).await.expect(201);
    let page = site.get(&path(&since["id"]), &dan).await.expect(200);
    assert_eq!((page.get("root"), page["messages"].as_array().map(Vec::len)), (None, Some(1)));
    assert_eq!((&page["messages"][0]["content"], &page["nextCursor"]), (&json!("4"), &Value::Null));
    let carol = site.register("carol").await;
    site.get(&path(&root["id"]), &carol).await.problem(404, "notFound");
    site.call("PUT", &mark, Some(&carol), Some(json!({"seq": 1}))).await.problem(404, "notFound");
}

#[actix_web::test]
async fn an_own_message_is_changed_for_five_minutes_and_deleted_for_good() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&site.register("owner").await, false).await;
    for person in [&alice, &bob] {
        site.call("POST", &format!("/rooms/{room}/join"), Some(person), None).await.expect(200);
    }
    let path = |message: &Value| format!("/messages/{}", message["id"].as_str().unwrap());
    let (kept, gone) = (site.say(&alice, &room, "one").await, site.say(&alice, &room, "two").await);
    let edit = |content: &str| Some(json!({ "content": content }));

    site.pass(Duration::from_secs(300));
    let edited = site.call("PATCH", &path(&kept), Some(&alice), edit("uno")).await.expect(200);
    assert_eq!((&edited["content"], &edited["seq"]), (&json!("uno"), &kept["seq"]));
    assert_ne!(edited["updatedAt"], edited["createdAt"]);
    site.call("PATCH", &path(&kept), Some(&bob), edit("mine")).await.problem(403, "forbidden");
    site.call("DELETE", &path(&gone), Some(&bob), None).await.problem(403, "forbidden");
    for _ in 0..2 {
        site.call("DELETE", &path(&gone), Some(&alice), None).await.expect(204);
    }
    site.call("PATCH", &path(&gone), Some(&alice), edit("back")).await.problem(409, "conflict");
    let tombstone = site.get(&path(&gone), &bob).await.expect(200);
    assert_eq!(tombstone["content"], "");
    assert!(tombstone["deletedAt"].is_string() && tombstone.get("clientMsgId").is_none());
    let history = site.get(&format!("/messages?roomId={room}"), &bob).await.expect(200);
    assert_eq!(history["messages"][0], tombstone);

    site.pass(Duration::from_millis(1));
    site.call("PATCH", &path(&kept), Some(&alice), edit("eins")).await.problem(403, "editWindowClosed");
    site.call("DELETE", &path(&kept), Some(&alice), None).await.problem(403, "editWindowClosed");
    site.call("PATCH", &path(&kept), Some(&alice), edit("uno")).await.expect(200);
}

#[actix_web::test]
async fn what_is_no_message_is_refused_by_field() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    for (body, field) in [
        (json!({ "roomId": room, "content": " " }), "content"),
        (json!({ "roomId": room, "content": "a\u{0}b" }), "content"),
        (json!({ "roomId": room, "content": "é".repeat(8_001) }), "content"),
        (json!({ "roomId": room }), "content"),
        (json!({ "content": "x" }), "roomId"),
        (json!({ "roomId": room, "content": "x", "attachments": [Uuid::nil()] }), "attachments"),
        (json!({ "roomId": room, "content": "x", "attachments": vec![Uuid::nil(); 11] }), "attachments"),
        (json!({ "roomId": room, "content": "x", "replyTo": Uuid::nil() }), "replyTo"),
    ] {
        site.post("/messages", &alice, body).await.wrong(field);
    }
    site.say(&alice, &room, &"é".repeat(8_000)).await;
}

#[actix_web::test]
async fn ten_messages_at_once_and_then_five_per_second() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    for n in 0..10 {
        site.say(&alice, &room, &n.to_string()).await;
    }
    let answer = site.post("/messages", &alice, json!({ "roomId": room, "content": "x" })).await;
    answer.problem(429, "rateLimited");
    assert_eq!((&answer.body["retryAfterMs"], answer.header("retry-after")), (&json!(200), Some("1")));
    site.pass(Duration::from_millis(200));
    site.say(&alice, &room, "x").await;
}
