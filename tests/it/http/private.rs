//! Private rooms, and those whose addresses nobody has confirmed.

use serde_json::json;

use super::mails::{present, strict};
use super::outbox::token;

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
}
