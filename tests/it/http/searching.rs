//! Search over HTTP: what is asked, what it looks like, and how often one may.

use chat::store::{Portion, index_portion};
use serde_json::{Value, json};

use super::support::{Answer, Person, Site};

/// Lets the index catch up.
pub async fn follow(site: &Site) {
    while index_portion(&*site.http.pod.store, Portion::USUAL).await.unwrap().done > 0 {}
}

/// In the way of a form: everything but letters and digits as its bytes.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

async fn search(site: &Site, who: &Person, query: &str, more: &str) -> Answer {
    site.get(&format!("/messages/search?query={}{more}", encoded(query)), who).await
}

fn contents(page: &Value) -> Vec<&str> {
    let results = page["results"].as_array().unwrap();
    results.iter().map(|result| result["message"]["content"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn messages_are_found_by_their_words_page_by_page() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let room = site.room(&alice, false).await;
    let mut sent = Vec::new();
    for text in ["deploy one", "lunch?", "Deploy TWO", "deploy three"] {
        sent.push(site.say(&alice, &room, text).await);
    }
    follow(&site).await;
    let page = search(&site, &alice, "deploy", "&limit=2").await.expect(200);
    assert_eq!(contents(&page), ["deploy three", "Deploy TWO"]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let rest = search(&site, &alice, "deploy", &format!("&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((contents(&rest), &rest["nextCursor"]), (vec!["deploy one"], &Value::Null));
    let hit = &rest["results"][0];
    assert_eq!((&hit["before"], &hit["after"]["content"]), (&Value::Null, &json!("lunch?")));
    assert_eq!(hit["message"]["seq"], sent[0]["seq"]);
    assert_eq!(hit["message"]["reactions"], json!([]));
    assert_eq!(hit["message"]["clientMsgId"], sent[0]["clientMsgId"], "her own");
    // Who is not in the room finds nothing, whatever he asks.
    for query in ["deploy", "from:alice", &format!("in:{room}")] {
        assert!(contents(&search(&site, &bob, query, "").await.expect(200)).is_empty(), "{query}");
    }
    site.post(&format!("/rooms/{room}/join"), &bob, json!({})).await.expect(200);
    let seen = search(&site, &bob, "deploy from:@Alice", "").await.expect(200);
    assert_eq!(contents(&seen), ["deploy three", "Deploy TWO", "deploy one"]);
    assert!(seen["results"][0]["message"].get("clientMsgId").is_none());
}

#[actix_web::test]
async fn what_cannot_be_meant_is_refused_on_its_field() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    for n in 0..2 {
        site.say(&alice, &room, &format!("no. {n}")).await;
    }
    for query in ["", "a", "a b", "by:bob", "has:legs", "before:yesterday", "from:", "\"\""] {
        search(&site, &alice, query, "").await.wrong("query");
    }
    site.get("/messages/search", &alice).await.wrong("query");
    search(&site, &alice, "no", "&limit=0").await.wrong("limit");
    let other = site.get(&format!("/messages?roomId={room}&limit=1"), &alice).await.expect(200);
    for cursor in ["nonsense", other["nextCursor"].as_str().unwrap()] {
        search(&site, &alice, "no", &format!("&cursor={cursor}")).await.wrong("cursor");
    }
    site.call("GET", "/messages/search?query=ab", None, None).await.problem(401, "unauthorized");
    site.post("/messages/search", &alice, json!({})).await.problem(405, "methodNotAllowed");
}

#[actix_web::test]
async fn searching_has_a_limit_of_its_own() {
    let site = Site::with(|settings| {
        settings.limits.rates_on = true;
        settings.limits.searches_per_minute = 2;
    })
    .await;
    let alice = site.register("alice").await;
    // What is no search counts for none.
    search(&site, &alice, "a", "").await.wrong("query");
    for _ in 0..2 {
        search(&site, &alice, "ab", "").await.expect(200);
    }
    let refused = search(&site, &alice, "ab", "").await;
    refused.problem(429, "rateLimited");
    assert!(refused.header("ratelimit").unwrap().contains("\"search\";r=0"));
}
