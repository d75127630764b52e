//! Registering, signing in, staying signed in.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::json;

use super::support::{Person, Site, request};

#[actix_web::test]
async fn a_newcomer_is_signed_in_at_once_and_sees_her_own_address() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let me = site.get("/users/me", &alice).await.expect(200);
    assert_eq!((&me["username"], &me["email"]), (&json!("alice"), &json!("alice@example.com")));
    assert!(me["avatar"].is_null());
    let login = json!({ "email": "ALICE@example.com", "password": "password-1" });
    let body = site.call("POST", "/auth/login", None, Some(login)).await.expect(200);
    assert_eq!(body["user"], me);
    assert!(body["token"].is_string() && body["refreshToken"].is_string());
}

#[actix_web::test]
async fn what_breaks_a_rule_is_said_all_at_once_and_what_is_taken_is_a_conflict() {
    let site = Site::new().await;
    let answer = site
        .call("POST", "/auth/register", None, Some(json!({ "username": "a", "email": "b", "password": "c" })))
        .await;
    for field in ["username", "email", "password"] {
        answer.wrong(field);
    }
    site.register("alice").await;
    for (name, email) in [("ALICE", "other@example.com"), ("other", "Alice@Example.com")] {
        let body = json!({ "username": name, "email": email, "password": "password-1" });
        site.call("POST", "/auth/register", None, Some(body)).await.problem(409, "conflict");
    }
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let site = Site::new().await;
    site.register("alice").await;
    let mut texts = Vec::new();
    for email in ["alice@example.com", "nobody@example.com", "no address", "\0"] {
        let body = json!({ "email": email, "password": "wrong-password" });
        let answer = site.call("POST", "/auth/login", None, Some(body)).await;
        answer.problem(401, "unauthorized");
        texts.push(answer.text);
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
}

/// With a cost at which hashing outweighs everything else, both take a hash's time.
#[actix_web::test]
async fn an_unknown_address_costs_as_much_work() {
    let site = Site::new().await;
    site.register("alice").await;
    for email in ["alice@example.com", "nobody@example.com"] {
        let before = site.http.accounts.passwords.compared();
        let body = json!({ "email": email, "password": "wrong-password" });
        site.call("POST", "/auth/login", None, Some(body)).await.problem(401, "unauthorized");
        assert_eq!(site.http.accounts.passwords.compared() - before, 1, "{email}: one hash of the same cost");
    }
}

async fn refresh(site: &Site, token: &str) -> super::support::Answer {
    site.call("POST", "/auth/refresh", None, Some(json!({ "refreshToken": token }))).await
}

#[actix_web::test]
async fn two_tabs_may_refresh_at_once_and_a_replay_ends_the_login() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let first = refresh(&site, &alice.refresh).await.expect(200);
    site.pass(Duration::from_secs(14));
    let second = refresh(&site, &alice.refresh).await.expect(200);
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    let tab = Person { token: first["token"].as_str().unwrap().into(), ..alice.clone() };
    site.get("/users/me", &tab).await.expect(200);

    site.pass(Duration::from_secs(60));
    refresh(&site, &alice.refresh).await.problem(401, "unauthorized");
    assert_eq!(site.ended.lock().unwrap().len(), 1, "its sockets are closed");
    site.get("/users/me", &tab).await.problem(401, "unauthorized");
    for pair in [first, second] {
        refresh(&site, pair["refreshToken"].as_str().unwrap()).await.problem(401, "unauthorized");
    }
    for garbage in ["", "x", "\0", "🦀"] {
        refresh(&site, garbage).await.problem(401, "unauthorized");
    }
}

#[actix_web::test]
async fn an_access_token_ends_by_time_and_with_its_login() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    assert!(site.call("POST", "/auth/logout", Some(&bob), None).await.text.is_empty());
    site.get("/users/me", &bob).await.problem(401, "unauthorized");
    refresh(&site, &bob.refresh).await.problem(401, "unauthorized");
    site.get("/users/me", &alice).await.expect(200);
    site.pass(Duration::from_secs(15 * 60));
    let answer = site.get("/users/me", &alice).await;
    answer.problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[actix_web::test]
async fn a_token_counts_in_its_header_only() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    site.call("GET", "/users/me", None, None).await.problem(401, "unauthorized");
    for name in ["token", "access_token", "authorization"] {
        let path = format!("/users/me?{name}={}", alice.token);
        site.call("GET", &path, None, None).await.problem(401, "unauthorized");
    }
    let basic = TestRequest::get().uri("/users/me").insert_header(("authorization", "Basic YTpi"));
    site.ask(basic).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn guessing_a_password_is_slowed_down() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    site.register("alice").await;
    let login = |password: &str| {
        let body = json!({ "email": "alice@example.com", "password": password });
        request("POST", "/auth/login", None, Some(body))
    };
    for _ in 0..5 {
        site.ask(login("wrong-password")).await.problem(401, "unauthorized");
    }
    let answer = site.ask(login("password-1")).await;
    answer.problem(429, "rateLimited");
    assert!(answer.body["retryAfterMs"].as_u64().unwrap() > 0);
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    site.pass(Duration::from_secs(60));
    site.ask(login("password-1")).await.expect(200);
}

#[actix_web::test]
async fn a_ticket_is_for_one_socket_of_one_page_and_ten_are_made_per_minute() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    let alice = site.register("alice").await;
    let ask = || {
        request("POST", "/ws/ticket", Some(&alice), None).insert_header(("origin", "https://app.example.com"))
    };
    let body = site.ask(ask()).await.expect(201);
    assert_eq!(body["expiresIn"], 30);
    let (value, now) = (body["ticket"].as_str().unwrap(), chat::clock::Clock::now(&*site.clock));
    let take = || site.tickets.take(value, Some("https://app.example.com"), now);
    let (user, identity) = take().await.expect("good once");
    assert_eq!((user.id.to_string(), identity.user), (alice.id.clone(), user.id));
    assert!(take().await.is_err());
    for _ in 0..9 {
        site.ask(ask()).await.expect(201);
    }
    site.ask(ask()).await.problem(429, "rateLimited");
}

#[actix_web::test]
async fn when_too_many_passwords_wait_to_be_hashed_the_others_are_asked_to_come_back() {
    let site = Site::with(|settings| {
        settings.accounts.bcrypt_cost = 10;
        settings.accounts.bcrypt_threads = 1;
        settings.accounts.bcrypt_queue = 1;
    })
    .await;
    let log_in = || {
        let body = json!({ "email": "nobody@example.com", "password": "password-1" });
        site.call("POST", "/auth/login", None, Some(body))
    };
    // One is hashed and one waits, each for longer than it takes the others to arrive.
    let answers = futures_util::future::join_all((0..10).map(|_| log_in())).await;
    let (served, turned_away): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 401);
    assert!(!served.is_empty() && !turned_away.is_empty());
    for answer in turned_away {
        answer.problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    log_in().await.problem(401, "unauthorized");
}
