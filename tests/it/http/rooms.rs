//! Rooms: making, finding, joining, leaving, and not seeing.

use std::collections::BTreeSet;
use std::task::Poll;
use std::time::{Duration, Instant};

use chat::bus::{Announcement, Bus as _, Shard};
use serde_json::json;
use uuid::Uuid;

use super::support::Site;
use crate::support::PATIENCE;

#[actix_web::test]
async fn a_room_is_made_with_its_members_each_once() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let body = json!({ "name": " general ", "description": "all", "members": [bob.id, alice.id, bob.id] });
    let room = site.post("/rooms", &alice, body).await.expect(201);
    assert_eq!((&room["name"], &room["isPrivate"]), (&json!("general"), &json!(false)));
    assert_eq!((&room["memberCount"], &room["head"]), (&json!(2), &json!(2)));
    assert_eq!(room["members"][0]["email"], "alice@example.com");
    assert!(room["members"][1]["email"].as_str().unwrap().ends_with("@users.invalid"));
    let path = format!("/rooms/{}", room["id"].as_str().unwrap());
    assert_eq!(site.get(&path, &bob).await.expect(200)["members"][1]["email"], "bob@example.com");
    assert_eq!(site.get("/rooms", &bob).await.expect(200)[0]["id"], room["id"]);

    site.post("/rooms", &alice, json!({ "name": "x", "members": [Uuid::nil()] })).await.wrong("members");
    site.post("/rooms", &alice, json!({ "name": " " })).await.wrong("name");
    site.post("/rooms", &alice, json!({ "name": "a\u{0}b" })).await.wrong("name");
    site.post("/rooms", &alice, json!({})).await.wrong("name");
}

#[actix_web::test]
async fn whoever_is_put_into_a_room_is_told_though_the_request_was_cut() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let mut shards: Vec<_> = Shard::all().map(|shard| site.news.subscribe(shard)).collect();
    let body = json!({ "name": "general" });
    // Cut at every place at which it waits, so also while the room is stored.
    for places in 1..20 {
        let mut asked = Box::pin(site.post("/rooms", &alice, body.clone()));
        let mut waited = 0;
        std::future::poll_fn(|context| {
            waited += 1;
            if waited > places || asked.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
    // What was begun is done, and this after it.
    let last = site.post("/rooms", &alice, body).await.expect(201);
    let mut told = BTreeSet::new();
    until(|| {
        for shard in &mut shards {
            while let Ok(announcement) = shard.try_recv() {
                if let Announcement::Room(news) = announcement {
                    told.insert(news.room.to_string());
                }
            }
        }
        told.contains(last["id"].as_str().unwrap())
    })
    .await;
    let rooms = site.get("/rooms", &alice).await.expect(200);
    let rooms: BTreeSet<_> =
        rooms.as_array().unwrap().iter().map(|room| room["id"].as_str().unwrap().to_owned()).collect();
    assert!(rooms.len() > 1, "some were made");
    assert_eq!(rooms, told);
}

/// Waits for what must come true.
async fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it does not come");
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_private_room_looks_absent_in_every_way() {
    let site = Site::new().await;
    let (alice, eve) = (site.register("alice").await, site.register("eve").await);
    let secret = site.room(&alice, true).await;
    let message = site.say(&alice, &secret, "canary").await;
    let message = message["id"].as_str().unwrap();
    let absent = Uuid::from_u128(4).to_string();
    for (method, there, nowhere, body) in [
        ("GET", format!("/rooms/{secret}"), format!("/rooms/{absent}"), None),
        ("POST", format!("/rooms/{secret}/join"), format!("/rooms/{absent}/join"), None),
        ("POST", format!("/rooms/{secret}/leave"), format!("/rooms/{absent}/leave"), None),
        ("GET", format!("/rooms/{secret}/members"), format!("/rooms/{absent}/members"), None),
        ("GET", format!("/messages?roomId={secret}"), format!("/messages?roomId={absent}"), None),
        ("GET", format!("/messages/{message}"), format!("/messages/{absent}"), None),
        ("DELETE", format!("/messages/{message}"), format!("/messages/{absent}"), None),
        (
            "PATCH",
            format!("/messages/{message}"),
            format!("/messages/{absent}"),
            Some(json!({"content": "x"})),
        ),
    ] {
        let seen = site.call(method, &there, Some(&eve), body.clone()).await;
        seen.problem(404, "notFound");
        let nothing = site.call(method, &nowhere, Some(&eve), body).await;
        assert_eq!(seen.text, nothing.text, "{method} {there}");
    }
    for room in [&secret, &absent] {
        let body = json!({ "roomId": room, "content": "let me in" });
        site.post("/messages", &eve, body).await.problem(404, "notFound");
    }
    assert_eq!(site.get("/directory/rooms", &eve).await.expect(200)["rooms"], json!([]));
    assert_eq!(site.get("/rooms", &eve).await.expect(200), json!([]));
}

#[actix_web::test]
async fn a_public_room_is_found_joined_read_and_left() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    site.say(&alice, &room, "hi").await;
    let found = site.get("/directory/rooms", &bob).await.expect(200);
    assert_eq!((&found["rooms"][0]["id"], &found["rooms"][0]["members"]), (&json!(room), &json!([])));
    assert!(found["nextCursor"].is_null());
    let history = format!("/messages?roomId={room}");
    site.get(&history, &bob).await.problem(403, "notMember");
    site.post("/messages", &bob, json!({ "roomId": room, "content": "x" })).await.problem(403, "notMember");
    site.get(&format!("/rooms/{room}/members"), &bob).await.problem(403, "notMember");
    for _ in 0..2 {
        let joined = site.call("POST", &format!("/rooms/{room}/join"), Some(&bob), None).await.expect(200);
        assert_eq!(joined["memberCount"], 2);
    }
    assert_eq!(site.get(&history, &bob).await.expect(200)["messages"][0]["content"], "hi");
    let leave = format!("/rooms/{room}/leave");
    site.call("POST", &leave, Some(&bob), None).await.expect(204);
    site.get(&history, &bob).await.problem(403, "notMember");
    site.call("POST", &leave, Some(&bob), None).await.problem(403, "notMember");
}

#[actix_web::test]
async fn members_and_directory_are_walked_page_by_page() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(site.register(&format!("user-{n}")).await.id);
    }
    let body = json!({ "name": "many", "members": ids });
    let room = site.post("/rooms", &alice, body).await.expect(201)["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        site.room(&alice, false).await;
    }
    ids.insert(0, alice.id.clone());
    for (path, list, expected) in
        [(format!("/rooms/{room}/members"), "members", 6), ("/directory/rooms".into(), "rooms", 4)]
    {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get(&format!("{path}?limit=2{cursor}"), &alice).await.expect(200);
            seen.extend(page[list].as_array().unwrap().iter().map(|x| x["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), expected);
        if list == "members" {
            assert_eq!(seen, ids, "in the order of joining");
        }
        site.get(&format!("{path}?cursor=garbage"), &alice).await.wrong("cursor");
    }
}

#[actix_web::test]
async fn nobody_is_flooded_with_rooms() {
    let site = Site::with(|settings| {
        settings.limits.rates_on = true;
        settings.limits.rooms_per_minute = 2;
    })
    .await;
    let alice = site.register("alice").await;
    let crowd: Vec<_> = (0..501_u128).map(Uuid::from_u128).collect();
    let body = json!({ "name": "crowd", "members": crowd });
    site.post("/rooms", &alice, body).await.wrong("members");
    site.room(&alice, false).await;
    let third = site.post("/rooms", &alice, json!({ "name": "third" })).await;
    third.problem(429, "rateLimited");
    assert!(third.header("retry-after").is_some());
    site.pass(Duration::from_secs(60));
    site.room(&alice, false).await;
}
