//! The refresh token of a page: in a cookie that no script reads, and that counts for pages alone
//! that are allowed.

use std::time::Duration;

use actix_web::http::header;
use actix_web::test::TestRequest;
use cookie::{Cookie, SameSite};
use serde_json::{Value, json};

use super::support::{Answer, Person, Site, request};

const PAGE: &str = "https://app.example.com";

/// A page that sends what a browser would: its cookie, its origin, and its header.
fn page(path: &str, cookie: &Cookie<'_>, body: Value) -> TestRequest {
    request("POST", path, None, Some(body))
        .insert_header((header::COOKIE, format!("theme=dark; {}={}", cookie.name(), cookie.value())))
        .insert_header((header::ORIGIN, PAGE))
        .insert_header(("x-requested-with", "chat"))
}

fn cookie_of(answer: &Answer) -> Option<Cookie<'static>> {
    let set = answer.header("set-cookie")?.to_owned();
    Some(Cookie::parse(set).unwrap())
}

async fn log_in(site: &Site) -> Cookie<'static> {
    let body = json!({ "email": "alice@example.com", "password": "password-1", "refreshCookie": true });
    let answer = site.call("POST", "/auth/login", None, Some(body)).await;
    let cookie = cookie_of(&answer).expect("a cookie");
    let body = answer.expect(200);
    assert!(body["token"].is_string() && body.get("refreshToken").is_none(), "it is in the cookie alone");
    cookie
}

async fn refresh(site: &Site, cookie: &Cookie<'_>) -> Answer {
    site.ask(page("/auth/refresh", cookie, json!({}))).await
}

fn with_token(person: &Person, answer: Value) -> Person {
    Person { token: answer["token"].as_str().unwrap().into(), ..person.clone() }
}

#[actix_web::test]
async fn over_https_the_cookie_is_bound_to_this_host_and_to_no_script() {
    let site = Site::with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    let body = json!({ "username": "alice", "email": "alice@example.com", "password": "password-1" });
    let mut wanted = body.clone();
    wanted["refreshCookie"] = true.into();
    let answer = site.call("POST", "/auth/register", None, Some(wanted)).await;
    let cookie = cookie_of(&answer).expect("a cookie");
    assert!(answer.expect(201).get("refreshToken").is_none());
    assert_eq!((cookie.name(), cookie.path(), cookie.domain()), ("__Host-chat_refresh", Some("/"), None));
    assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
    assert_eq!(cookie.same_site(), Some(SameSite::Strict));
    assert_eq!(cookie.max_age().map(|age| age.whole_days()), Some(30));
    // The other name counts for nothing here.
    let other = Cookie::new("chat_refresh", cookie.value().to_owned());
    refresh(&site, &other).await.problem(401, "unauthorized");
    refresh(&site, &cookie).await.expect(200);
}

#[actix_web::test]
async fn on_ones_own_machine_it_does_without_tls_and_has_the_narrowest_path() {
    let site = Site::with(|settings| settings.public_url = Some("http://localhost:3000".into())).await;
    site.register("alice").await;
    let cookie = log_in(&site).await;
    assert_eq!((cookie.name(), cookie.path()), ("chat_refresh", Some("/auth")));
    assert_eq!((cookie.secure(), cookie.http_only()), (None, Some(true)));
    assert_eq!(cookie.same_site(), Some(SameSite::Strict));
}

#[actix_web::test]
async fn who_asks_for_no_cookie_gets_none() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let body = json!({ "refreshToken": alice.refresh });
    let answer = site.call("POST", "/auth/refresh", None, Some(body)).await;
    assert!(cookie_of(&answer).is_none());
    let next = answer.expect(200)["refreshToken"].as_str().unwrap().to_owned();
    // From the body into the cookie.
    let body = json!({ "refreshToken": next, "refreshCookie": true });
    let answer = site.call("POST", "/auth/refresh", None, Some(body)).await;
    let cookie = cookie_of(&answer).expect("a cookie");
    assert!(answer.expect(200).get("refreshToken").is_none());
    refresh(&site, &cookie).await.expect(200);
    site.call("POST", "/auth/refresh", None, Some(json!({}))).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn two_tabs_with_one_cookie_refresh_at_once_and_neither_is_logged_out() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let cookie = log_in(&site).await;
    let (one, two) = futures_util::join!(refresh(&site, &cookie), refresh(&site, &cookie));
    let kept = [cookie_of(&one).unwrap(), cookie_of(&two).unwrap()];
    for answer in [one, two] {
        site.get("/users/me", &with_token(&alice, answer.expect(200))).await.expect(200);
    }
    // A browser keeps the one that came last; which, nobody knows. Both go on, for as long as it takes.
    site.pass(Duration::from_secs(600));
    for cookie in &kept {
        refresh(&site, cookie).await.expect(200);
    }
    assert!(site.ended.lock().unwrap().is_empty());
    // The first one, copied by somebody and used late, ends the login for both.
    refresh(&site, &cookie).await.problem(401, "unauthorized");
    assert_eq!(site.ended.lock().unwrap().len(), 1);
    refresh(&site, &kept[0]).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_page_elsewhere_that_makes_a_browser_send_it_is_refused_and_uses_nothing_up() {
    let site = Site::with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    site.register("alice").await;
    let cookie = log_in(&site).await;
    for path in ["/auth/refresh", "/auth/logout"] {
        for origin in [
            "https://evil.example.com",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com:8443",
            "null",
        ] {
            let mut asked = page(path, &cookie, json!({}));
            asked = asked.insert_header((header::ORIGIN, origin));
            let answer = site.ask(asked).await;
            answer.problem(403, "forbidden");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
        let sent = format!("{}={}", cookie.name(), cookie.value());
        let bare =
            || request("POST", path, None, Some(json!({}))).insert_header((header::COOKIE, sent.clone()));
        site.ask(bare()).await.problem(403, "forbidden");
        site.ask(bare().insert_header(("x-requested-with", "chat"))).await.problem(403, "forbidden");
        site.ask(bare().insert_header((header::ORIGIN, PAGE))).await.problem(403, "forbidden");
        let other = bare()
            .insert_header((header::ORIGIN, PAGE))
            .insert_header(("x-requested-with", "XMLHttpRequest"));
        site.ask(other).await.problem(403, "forbidden");
    }
    for own in [PAGE, "https://chat.example.com"] {
        let asked = page("/auth/refresh", &cookie, json!({})).insert_header((header::ORIGIN, own));
        site.ask(asked).await.expect(200);
    }
    let own = page("/auth/refresh", &cookie, json!({}))
        .insert_header((header::ORIGIN, "http://127.0.0.1:3000"))
        .insert_header((header::HOST, "127.0.0.1:3000"));
    site.ask(own).await.expect(200);
}

#[actix_web::test]
async fn logging_out_ends_the_login_and_takes_the_cookie_away() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let cookie = log_in(&site).await;
    let body = refresh(&site, &cookie).await.expect(200);
    // A used token, too, says whose login it was.
    let answer = site.ask(page("/auth/logout", &cookie, json!({}))).await;
    let gone = cookie_of(&answer).expect("taken away");
    assert_eq!((gone.name(), gone.value(), gone.path()), (cookie.name(), "", cookie.path()));
    assert!(gone.max_age().is_some_and(|age| age.is_zero()));
    answer.expect(204);
    assert_eq!(site.ended.lock().unwrap().len(), 1);
    site.get("/users/me", &with_token(&alice, body)).await.problem(401, "unauthorized");
    site.get("/users/me", &alice).await.expect(200);
    refresh(&site, &cookie).await.problem(401, "unauthorized");
    // Again, and with one that never was, there is nothing left to do.
    for value in [cookie.value(), "never was"] {
        let cookie = Cookie::new(cookie.name().to_owned(), value.to_owned());
        site.ask(page("/auth/logout", &cookie, json!({}))).await.expect(204);
    }
    site.call("POST", "/auth/logout", None, None).await.problem(401, "unauthorized");

    // With both, the access token says who leaves.
    let cookie = log_in(&site).await;
    let both = page("/auth/logout", &cookie, json!({}))
        .insert_header((header::AUTHORIZATION, format!("Bearer {}", alice.token)));
    let answer = site.ask(both).await;
    assert!(cookie_of(&answer).is_some());
    answer.expect(204);
    site.get("/users/me", &alice).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn odd_cookies_are_answered_and_nothing_more() {
    let site = Site::new().await;
    site.register("alice").await;
    for odd in [
        "",
        ";",
        "=",
        "chat_refresh",
        "chat_refresh=",
        "chat_refresh=;",
        "chat_refresh=\"",
        "a=b; ;;=c; chat_refresh=%00",
    ] {
        let asked = request("POST", "/auth/refresh", None, Some(json!({})))
            .insert_header((header::COOKIE, odd))
            .insert_header((header::ORIGIN, PAGE))
            .insert_header(("x-requested-with", "chat"));
        site.ask(asked).await.problem(401, "unauthorized");
    }
}
