//! Private rooms, and those whose addresses nobody has confirmed.

use serde_json::json;

use super::mails::{present, strict};
use super::outbox::token;
use super::searching::follow;

#[actix_web::test]
async fn until_she_has_confirmed_her_address_private_rooms_are_closed_to_a_newcomer() {
    let site = strict().await;
    let owner = site.register("owner").await;
    let mails = site.mails().await;
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    let alice = site.register("alice").await;
    let body = json!({ "name": "secret", "isPrivate": true, "members": [alice.id] });
    let room = site.post("/rooms", &owner, body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let open = site.room(&owner, false).await;
    site.post(&format!("/rooms/{open}/join"), &alice, json!({})).await.expect(200);
    let message = site.say(&owner, &room, "for members").await["id"].as_str().unwrap().to_owned();

    let ways = [
        format!("/rooms/{room}"),
        format!("/rooms/{room}/members"),
        format!("/rooms/{room}/receipts"),
        format!("/rooms/{room}/invites"),
        format!("/messages?roomId={room}"),
        format!("/messages/{message}"),
    ];
    for path in &ways {
        site.get(path, &alice).await.problem(403, "emailNotVerified");
    }
    let join = site.post(&format!("/rooms/{room}/join"), &alice, json!({})).await;
    join.problem(403, "emailNotVerified");
    let marks =
        site.call("PUT", &format!("/rooms/{room}/marks"), Some(&alice), Some(json!({ "read": 1 }))).await;
    marks.problem(403, "emailNotVerified");
    let bans = site.get(&format!("/rooms/{room}/bans"), &alice).await;
    bans.problem(403, "emailNotVerified");
    let wish = json!({ "notifications": "none", "isFavourite": true });
    let settings = site.call("PUT", &format!("/rooms/{room}/settings"), Some(&alice), Some(wish)).await;
    settings.problem(403, "emailNotVerified");
    site.say(&owner, &open, "for everybody").await;
    follow(&site).await;
    let hits = async || {
        let found = site.get("/messages/search?query=for", &alice).await.expect(200);
        found["results"].as_array().unwrap().len()
    };
    assert_eq!(hits().await, 1);
    let listed = site.get("/rooms", &alice).await.expect(200);
    assert_eq!(listed.as_array().unwrap().iter().map(|room| &room["id"]).collect::<Vec<_>>(), [&json!(open)]);
    // What is not hers looks absent, as ever.
    let other = site.post("/rooms", &owner, json!({ "name": "x", "isPrivate": true })).await.expect(201);
    let other = other["id"].as_str().unwrap();
    site.get(&format!("/rooms/{other}"), &alice).await.problem(404, "notFound");
    site.get(&format!("/messages?roomId={open}"), &alice).await.expect(200);

    let mails = site.mails().await;
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    for path in &ways {
        site.get(path, &alice).await.expect(200);
    }
    assert_eq!(site.get("/rooms", &alice).await.expect(200).as_array().unwrap().len(), 2);
    assert_eq!(hits().await, 2);
}

#[actix_web::test]
async fn until_she_has_confirmed_her_address_no_invitation_opens_a_private_room() {
    let site = strict().await;
    let owner = site.register("owner").await;
    let mails = site.mails().await;
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    let alice = site.register("alice").await;
    let (room, open) = (site.room(&owner, true).await, site.room(&owner, false).await);
    let mut own = Vec::new();
    for place in [&room, &open] {
        let invites = format!("/rooms/{place}/invites");
        let made = site.post(&invites, &owner, json!({ "userId": alice.id })).await.expect(201);
        own.push(made["id"].as_str().unwrap().to_owned());
    }
    let link = site.post(&format!("/rooms/{room}/invites"), &owner, json!({})).await.expect(201);
    let link = format!("/invites/{}", link["token"].as_str().unwrap());
    let accept = format!("/users/me/invites/{}/accept", own[0]);
    let listed = site.get("/users/me/invites", &alice).await.expect(200);
    let ids: Vec<_> = listed["invites"].as_array().unwrap().iter().map(|all| &all["invite"]["id"]).collect();
    assert_eq!(ids, [&json!(own[1])], "of the private room nothing is told");
    site.get(&link, &alice).await.problem(403, "emailNotVerified");
    for way in [&accept, &format!("{link}/accept")] {
        site.post(way, &alice, json!({})).await.problem(403, "emailNotVerified");
    }
    assert_eq!(site.get("/rooms", &alice).await.expect(200), json!([]));
    site.post(&format!("/users/me/invites/{}/accept", own[1]), &alice, json!({})).await.expect(200);

    let mails = site.mails().await;
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    site.get(&link, &alice).await.expect(200);
    site.post(&accept, &alice, json!({})).await.expect(200);
    assert_eq!(site.get("/rooms", &alice).await.expect(200).as_array().unwrap().len(), 2);
}
