//! Rooms as their owners and administrators look after them, ways into them, and conversations.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Person, Site};

async fn put(site: &Site, path: &str, who: &Person, body: Value) -> super::support::Answer {
    site.call("PUT", path, Some(who), Some(body)).await
}

async fn delete(site: &Site, path: &str, who: &Person) -> super::support::Answer {
    site.call("DELETE", path, Some(who), None).await
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[actix_web::test]
async fn an_owner_changes_and_archives_a_room() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    let path = format!("/rooms/{room}");
    let patch = |body: Value| site.call("PATCH", &path, Some(&alice), Some(body));
    let changed =
        patch(json!({"name": " Garden ", "topic": "Sunday", "historyVisibility": "sinceJoined"})).await;
    let changed = changed.expect(200);
    assert_eq!((&changed["name"], &changed["topic"]), (&json!("Garden"), &json!("Sunday")));
    assert_eq!((&changed["historyVisibility"], &changed["role"]), (&json!("sinceJoined"), &json!("owner")));
    assert_eq!(patch(json!({"topic": ""})).await.expect(200).get("topic"), None);
    patch(json!({"historyVisibility": "some"})).await.wrong("historyVisibility");
    patch(json!({"name": " "})).await.wrong("name");
    // Null is a value here: as everywhere. What is left out stays.
    assert_eq!(patch(json!({"editWindowSeconds": 60})).await.expect(200)["editWindowSeconds"], 60);
    assert_eq!(patch(json!({"topic": "Monday"})).await.expect(200)["editWindowSeconds"], 60);
    patch(json!({"editWindowSeconds": 2_678_401})).await.wrong("editWindowSeconds");
    assert_eq!(patch(json!({"editWindowSeconds": null})).await.expect(200).get("editWindowSeconds"), None);
    let refused = site.call("PATCH", &path, Some(&bob), Some(json!({"name": "mine"}))).await;
    refused.problem(403, "notMember");

    let archived = site.post(&format!("{path}/archive"), &alice, json!({})).await.expect(200);
    assert!(archived["archivedAt"].is_string());
    let body = json!({"roomId": room, "content": "too late"});
    site.post("/messages", &alice, body.clone()).await.problem(409, "roomArchived");
    site.post(&format!("{path}/join"), &bob, json!({})).await.problem(409, "roomArchived");
    let opened = site.post(&format!("{path}/unarchive"), &alice, json!({})).await.expect(200);
    assert_eq!(opened.get("archivedAt"), None);
    site.post("/messages", &alice, body).await.expect(201);
}

#[actix_web::test]
async fn members_are_put_in_given_roles_and_put_out() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let room = site.room(&alice, true).await;
    let members = format!("/rooms/{room}/members");
    site.post(&members, &alice, json!({"userId": bob.id})).await.expect(204);
    site.post(&members, &bob, json!({"userId": eve.id})).await.problem(403, "forbidden");
    site.post(&members, &eve, json!({"userId": eve.id})).await.problem(404, "notFound");
    let role = format!("{members}/{}/role", bob.id);
    put(&site, &role, &alice, json!({"role": "owner"})).await.wrong("role");
    put(&site, &role, &bob, json!({"role": "administrator"})).await.problem(403, "forbidden");
    put(&site, &role, &alice, json!({"role": "administrator"})).await.expect(204);
    let listed = site.get(&members, &bob).await.expect(200);
    let roles: Vec<_> = listed["members"].as_array().expect("a list").iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["owner", "administrator"]);
    site.post(&members, &bob, json!({"userId": eve.id})).await.expect(204);
    delete(&site, &format!("{members}/{}", alice.id), &bob).await.problem(403, "forbidden");
    delete(&site, &format!("{members}/{}", eve.id), &bob).await.expect(204);
    site.get(&members, &eve).await.problem(404, "notFound");
    site.post(&format!("/rooms/{room}/transfer"), &alice, json!({"userId": bob.id})).await.expect(204);
    let seen = site.get(&format!("/rooms/{room}"), &alice).await.expect(200);
    assert_eq!(seen["role"], "administrator");
}

#[actix_web::test]
async fn whoever_is_banned_stays_outside() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    let (bans, ban) = (format!("/rooms/{room}/bans"), format!("/rooms/{room}/bans/{}", bob.id));
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    site.get(&bans, &bob).await.problem(403, "forbidden");
    put(&site, &ban, &alice, json!({})).await.expect(204);
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.problem(403, "forbidden");
    let listed = site.get(&bans, &alice).await.expect(200);
    assert_eq!(listed["bans"][0]["user"]["username"], "bob");
    assert_eq!(listed["bans"][0]["user"]["email"], format!("{}@users.invalid", bob.id));
    assert_eq!((&listed["bans"][0]["bannedBy"], &listed["nextCursor"]), (&json!(alice.id), &Value::Null));
    delete(&site, &ban, &alice).await.expect(204);
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
}

#[actix_web::test]
async fn somebody_is_invited_and_accepts_or_declines() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let room = site.room(&alice, true).await;
    let invites = format!("/rooms/{room}/invites");
    let made = site.post(&invites, &alice, json!({"userId": bob.id})).await.expect(201);
    assert_eq!((made.get("token"), &made["maxUses"]), (None, &json!(1)));
    let mine = site.get("/users/me/invites", &bob).await.expect(200);
    assert_eq!(
        (&mine["invites"][0]["invite"]["id"], &mine["invites"][0]["room"]["id"]),
        (&made["id"], &json!(room))
    );
    assert_eq!(mine["invites"][0]["room"]["members"], json!([]));
    let his = format!("/users/me/invites/{}", text(&made["id"]));
    site.post(&format!("{his}/accept"), &eve, json!({})).await.problem(404, "notFound");
    delete(&site, &his, &eve).await.problem(404, "notFound");
    site.post(&format!("{his}/accept"), &bob, json!({})).await.expect(200);
    assert_eq!(site.get("/users/me/invites", &bob).await.expect(200)["invites"], json!([]));
    let second = site.post(&invites, &alice, json!({"userId": eve.id})).await.expect(201);
    delete(&site, &format!("/users/me/invites/{}", text(&second["id"])), &eve).await.expect(204);
    assert_eq!(site.get(&invites, &alice).await.expect(200)["invites"], json!([]));
    site.post(&invites, &bob, json!({"userId": eve.id})).await.problem(403, "forbidden");
    site.post(&invites, &alice, json!({"userId": bob.id})).await.problem(409, "conflict");
    site.post(&invites, &alice, json!({"expiresIn": 1})).await.wrong("expiresIn");
    site.post(&invites, &alice, json!({"maxUses": 0})).await.wrong("maxUses");
}

#[actix_web::test]
async fn a_link_lets_in_until_it_is_used_up_late_or_taken_back() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let room = site.room(&alice, true).await;
    let invites = format!("/rooms/{room}/invites");
    let link = async |body: Value| {
        let made = site.post(&invites, &alice, body).await.expect(201);
        (text(&made["id"]), text(&made["token"]))
    };
    let (_, token) = link(json!({"maxUses": 1, "expiresIn": 3_600})).await;
    let listed = site.get(&invites, &alice).await;
    assert!(!listed.text.contains(&token), "it is told once");
    let preview = site.get(&format!("/invites/{token}"), &bob).await.expect(200);
    assert_eq!((&preview["room"]["id"], &preview["room"]["members"]), (&json!(room), &json!([])));
    site.call("GET", &format!("/invites/{token}"), None, None).await.problem(401, "unauthorized");
    site.post(&format!("/invites/{token}/accept"), &bob, json!({})).await.expect(200);
    site.post(&format!("/invites/{token}/accept"), &bob, json!({})).await.expect(200);
    site.post(&format!("/invites/{token}/accept"), &eve, json!({})).await.problem(404, "notFound");
    let (id, token) = link(json!({})).await;
    delete(&site, &format!("{invites}/{id}"), &eve).await.problem(404, "notFound");
    delete(&site, &format!("{invites}/{id}"), &alice).await.expect(204);
    site.get(&format!("/invites/{token}"), &eve).await.problem(404, "notFound");
    let (_, token) = link(json!({"expiresIn": 60})).await;
    site.pass(Duration::from_secs(61));
    site.post(&format!("/invites/{token}/accept"), &eve, json!({})).await.problem(404, "notFound");
    site.get("/invites/%00", &eve).await.problem(404, "notFound");
}

#[actix_web::test]
async fn a_conversation_is_called_by_the_others() {
    let site = Site::new().await;
    let (alice, bob, eve) =
        (site.register("alice").await, site.register("bob").await, site.register("eve").await);
    let made = site.post("/direct-rooms", &alice, json!({"userIds": [bob.id]})).await.expect(200);
    assert_eq!(
        (&made["kind"], &made["name"], &made["isPrivate"]),
        (&json!("direct"), &json!("bob"), &json!(true))
    );
    let found = site.post("/direct-rooms", &bob, json!({"userIds": [alice.id]})).await.expect(200);
    assert_eq!((&found["id"], &found["name"]), (&made["id"], &json!("alice")));
    let room = text(&made["id"]);
    site.say(&bob, &room, "hi").await;
    assert_eq!(site.get("/rooms", &alice).await.expect(200)[0]["name"], "bob");
    site.get(&format!("/rooms/{room}"), &eve).await.problem(404, "notFound");
    site.post(&format!("/rooms/{room}/leave"), &bob, json!({})).await.problem(403, "forbidden");
    site.post(&format!("/rooms/{room}/invites"), &alice, json!({})).await.problem(403, "forbidden");
    site.post("/direct-rooms", &alice, json!({"userIds": [alice.id]})).await.wrong("userIds");
    site.post("/direct-rooms", &alice, json!({"userIds": [uuid::Uuid::nil()]})).await.wrong("userIds");
    site.post("/direct-rooms", &alice, json!({"userIds": vec![bob.id.clone(); 8]})).await.wrong("userIds");
}

#[actix_web::test]
async fn settings_and_the_directory_are_ones_own() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    let path = format!("/rooms/{room}/settings");
    let wanted =
        json!({"notifications": "mentions", "mutedUntil": "2030-01-01T00:00:00.000Z", "isFavourite": true});
    assert_eq!(put(&site, &path, &alice, wanted.clone()).await.expect(200), wanted);
    assert_eq!(site.get("/rooms", &alice).await.expect(200)[0]["settings"], wanted);
    put(&site, &path, &bob, wanted).await.problem(403, "notMember");
    let odd = json!({"notifications": "some", "isFavourite": false});
    put(&site, &path, &alice, odd).await.wrong("notifications");
    let odd = json!({"notifications": "all", "mutedUntil": "tomorrow", "isFavourite": false});
    put(&site, &path, &alice, odd).await.wrong("mutedUntil");
    let search = async |query: &str| {
        let found = site.get(&format!("/directory/rooms?query={query}"), &bob).await.expect(200);
        found["rooms"].as_array().expect("a list").len()
    };
    let name = text(&site.get(&format!("/rooms/{room}"), &bob).await.expect(200)["name"]);
    assert_eq!((search(&name.to_uppercase()).await, search("nowhere").await, search("").await), (1, 0, 1));
    site.get(&format!("/directory/rooms?query={}", "x".repeat(101)), &bob).await.wrong("query");
    // Strangers see what a room is for, and nothing of what goes on there.
    let change = json!({"topic": "secret plans", "slowModeSeconds": 30, "editWindowSeconds": 60});
    site.call("PATCH", &format!("/rooms/{room}"), Some(&alice), Some(change)).await.expect(200);
    assert_eq!((search("secret").await, search(&format!("{name}%20{name}")).await), (0, 1));
    let inside = site.get(&format!("/rooms/{room}"), &alice).await.expect(200);
    let listed = site.get("/directory/rooms", &bob).await.expect(200)["rooms"][0].take();
    for outside in [site.get(&format!("/rooms/{room}"), &bob).await.expect(200), listed] {
        assert_eq!((&outside["name"], &outside["memberCount"]), (&json!(name), &json!(1)));
        for hidden in ["topic", "head", "slowModeSeconds", "editWindowSeconds"] {
            assert!(outside.get(hidden).is_none() && inside.get(hidden).is_some(), "{hidden}");
        }
    }
    // Nobody can join what is archived.
    site.post(&format!("/rooms/{room}/archive"), &alice, json!({})).await.expect(200);
    assert_eq!(search("").await, 0);
}
