//! What people are mailed, and what they do with it.

use std::time::Duration;

use serde_json::json;

use super::outbox::token;
use super::support::{Answer, Person, Site, request};
use chat::settings::{EmailVerification, MailTransport};

const MINUTE: Duration = Duration::from_secs(60);

pub async fn strict() -> Site {
    Site::with(|settings| settings.accounts.email_verification = EmailVerification::Required).await
}

pub async fn present(site: &Site, path: &str, token: &str) -> Answer {
    site.call("POST", path, None, Some(json!({ "token": token }))).await
}

async fn log_in(site: &Site, email: &str, password: &str) -> Answer {
    site.call("POST", "/auth/login", None, Some(json!({ "email": email, "password": password }))).await
}

async fn forget(site: &Site, email: &str) -> Answer {
    site.call("POST", "/auth/forgot-password", None, Some(json!({ "email": email }))).await
}

async fn reset(site: &Site, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    site.call("POST", "/auth/reset-password", None, Some(body)).await
}

#[actix_web::test]
async fn until_she_has_confirmed_her_address_a_newcomer_joins_and_reads_and_no_more() {
    let site = strict().await;
    let carol = site.register("carol").await;
    let mails = site.mails().await;
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    let room = site.room(&carol, false).await;
    let old = site.say(&carol, &room, "welcome").await["id"].as_str().unwrap().to_owned();

    let alice = site.register("alice").await;
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["emailVerified"], false);
    site.post(&format!("/rooms/{room}/join"), &alice, json!({})).await.expect(200);
    site.get(&format!("/messages?roomId={room}"), &alice).await.expect(200);
    let say = || site.post("/messages", &alice, json!({ "roomId": room, "content": "hi" }));
    say().await.problem(403, "emailNotVerified");
    site.post("/rooms", &alice, json!({ "name": "mine" })).await.problem(403, "emailNotVerified");
    let path = format!("/messages/{old}");
    let edit = Some(json!({ "content": "x" }));
    site.call("PATCH", &path, Some(&alice), edit).await.problem(403, "emailNotVerified");
    site.call("DELETE", &path, Some(&alice), None).await.problem(403, "emailNotVerified");

    let mails = site.mails().await;
    let [mail] = &mails[..] else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(mail.to.as_str(), "alice@example.com");
    let value = token(mail, "verify-email");
    present(&site, "/auth/verify-email", "no token").await.wrong("token");
    present(&site, "/auth/verify-email", &value).await.expect(204);
    // The very token that she registered with.
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["emailVerified"], true);
    say().await.expect(201);
    present(&site, "/auth/verify-email", &value).await.wrong("token");
    site.post("/auth/verify-email/resend", &alice, json!({})).await.problem(409, "conflict");
    assert!(site.mails().await.is_empty());
    let seen = site.get(&format!("/rooms/{room}/members"), &carol).await.expect(200);
    assert!(seen["members"][1].get("emailVerified").is_none(), "{seen}");
}

#[actix_web::test]
async fn a_confirmation_is_mailed_again_and_each_is_good_for_a_day() {
    let site = strict().await;
    let alice = site.register("alice").await;
    let first = token(&site.mails().await[0], "verify-email");
    site.pass(23 * 60 * MINUTE);
    let alice = Person {
        token: log_in(&site, "alice@example.com", "password-1").await.expect(200)["token"]
            .as_str()
            .unwrap()
            .into(),
        ..alice
    };
    site.post("/auth/verify-email/resend", &alice, json!({})).await.expect(202);
    let second = token(&site.mails().await[0], "verify-email");
    site.pass(60 * MINUTE);
    present(&site, "/auth/verify-email", &first).await.wrong("token");
    present(&site, "/auth/verify-email", &second).await.expect(204);
}

#[actix_web::test]
async fn where_nobody_asks_newcomers_count_as_confirmed_and_get_no_mail() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["emailVerified"], true);
    site.room(&alice, false).await;
    assert!(site.mails().await.is_empty());
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced_and_every_login_ends() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    log_in(&site, "alice@example.com", "password-1").await.expect(200);
    assert!(forget(&site, "ALICE@example.com").await.text.is_empty());
    let mails = site.mails().await;
    assert_eq!(mails[0].to.as_str(), "alice@example.com");
    let value = token(&mails[0], "reset-password");
    reset(&site, &value, "short").await.wrong("password");
    reset(&site, &value, "password123").await.wrong("password");
    reset(&site, &value, "alice@example.com").await.wrong("password");
    reset(&site, &value, "another password").await.expect(204);
    assert_eq!(site.ended.lock().unwrap().len(), 2, "both logins");
    site.get("/users/me", &alice).await.problem(401, "unauthorized");
    log_in(&site, "alice@example.com", "password-1").await.problem(401, "unauthorized");
    log_in(&site, "alice@example.com", "another password").await.expect(200);
    reset(&site, &value, "a third password").await.wrong("token");
    let told = site.mails().await;
    assert_eq!((told.len(), told[0].to.as_str()), (1, "alice@example.com"));
    assert_eq!(told[0].words.subject, "Your password was changed");
}

#[actix_web::test]
async fn a_link_for_a_password_is_good_for_an_hour_from_when_it_is_mailed() {
    let site = Site::new().await;
    site.register("alice").await;
    forget(&site, "alice@example.com").await.expect(202);
    site.pass(2 * 60 * MINUTE);
    let late = token(&site.mails().await[0], "reset-password");
    forget(&site, "alice@example.com").await.expect(202);
    site.pass(MINUTE);
    let in_time = token(&site.mails().await[0], "reset-password");
    site.pass(59 * MINUTE);
    reset(&site, &late, "another password").await.wrong("token");
    reset(&site, &in_time, "another password").await.expect(204);
}

/// What is done before the answer is one row in the queue, whoever is asked for.
#[actix_web::test]
async fn whether_an_address_is_anybodys_is_not_told() {
    let site = Site::new().await;
    site.register("alice").await;
    let mut answers = Vec::new();
    for email in ["alice@example.com", "nobody@example.com"] {
        let before = site.http.pod.store.letters_waiting().await.unwrap().0;
        let answer = forget(&site, email).await;
        answers.push((answer.status, answer.text, answer.headers.len()));
        assert_eq!(site.http.pod.store.letters_waiting().await.unwrap().0, before + 1);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(site.mails().await.len(), 1);
    assert_eq!(site.http.pod.store.letters_waiting().await.unwrap().0, 0, "nobody's letter is dropped");
    forget(&site, "no address").await.wrong("email");
}

#[actix_web::test]
async fn who_knows_the_password_changes_it_and_stays() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    log_in(&site, "alice@example.com", "password-1").await.expect(200);
    let change = async |present: &str, new: &str| {
        let body = json!({ "currentPassword": present, "newPassword": new });
        site.call("PUT", "/users/me/password", Some(&alice), Some(body)).await
    };
    change("wrong-password", "another password").await.wrong("currentPassword");
    change("password-1", "qwertyuiop").await.wrong("newPassword");
    change("password-1", "another password").await.expect(204);
    assert_eq!(site.ended.lock().unwrap().len(), 1, "the other login");
    site.get("/users/me", &alice).await.expect(200);
    log_in(&site, "alice@example.com", "another password").await.expect(200);
    assert_eq!(site.mails().await.len(), 1);
}

async fn change_email(site: &Site, who: &Person, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    site.call("PUT", "/users/me/email", Some(who), Some(body)).await
}

#[actix_web::test]
async fn an_address_is_changed_when_both_have_agreed() {
    let site = Site::new().await;
    let (alice, _) = (site.register("alice").await, site.register("bob").await);
    change_email(&site, &alice, "new@example.com", "wrong-password").await.wrong("password");
    change_email(&site, &alice, "ALICE@example.com", "password-1").await.wrong("email");
    change_email(&site, &alice, "bob@example.com", "password-1").await.problem(409, "conflict");
    change_email(&site, &alice, "new@example.com", "password-1").await.expect(202);
    let mut mails = site.mails().await;
    mails.sort_by_key(|mail| mail.to.key());
    let [old, new] = &mails[..] else { panic!("two mails, not {}", mails.len()) };
    assert_eq!((old.to.as_str(), new.to.as_str()), ("alice@example.com", "new@example.com"));
    assert!(old.words.text().contains("new@example.com"), "the present address is told what is wanted");
    let confirm = async |mail| present(&site, "/auth/confirm-email", &token(mail, "confirm-email")).await;
    assert_eq!(confirm(new).await.expect(200)["changed"], false);
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["email"], "alice@example.com");
    assert_eq!(confirm(old).await.expect(200)["changed"], true);
    confirm(old).await.wrong("token");
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["email"], "new@example.com");
    log_in(&site, "alice@example.com", "password-1").await.problem(401, "unauthorized");
    log_in(&site, "new@example.com", "password-1").await.expect(200);
    let mut told: Vec<_> = site.mails().await.into_iter().map(|mail| mail.to.key()).collect();
    told.sort();
    assert_eq!(told, ["alice@example.com", "new@example.com"]);
}

#[actix_web::test]
async fn a_mistyped_address_is_corrected_without_asking_it() {
    let site = strict().await;
    let alice = site.register("alice").await;
    site.mails().await;
    change_email(&site, &alice, "right@example.com", "password-1").await.expect(202);
    let mails = site.mails().await;
    let [mail] = &mails[..] else { panic!("one mail, not {}", mails.len()) };
    let answer = present(&site, "/auth/confirm-email", &token(mail, "confirm-email")).await;
    assert_eq!(answer.expect(200)["changed"], true);
    let me = site.get("/users/me", &alice).await.expect(200);
    assert_eq!((&me["email"], &me["emailVerified"]), (&json!("right@example.com"), &json!(true)));
}

#[actix_web::test]
async fn nothing_is_lost_while_mail_cannot_leave() {
    let site = strict().await;
    site.outbox.break_down(true);
    site.register("alice").await;
    let due = |site: &Site| site.courier.counts.failed.load(std::sync::atomic::Ordering::Relaxed);
    for attempt in 1..=8 {
        assert!(site.mails().await.is_empty());
        assert_eq!(due(&site), attempt);
        // Not before its time.
        assert!(site.mails().await.is_empty());
        assert_eq!(due(&site), attempt);
        site.pass(60 * MINUTE);
    }
    assert!(site.courier.counts.oldest(chat::clock::Clock::now(&*site.clock)) >= 7 * 60 * MINUTE);
    site.outbox.break_down(false);
    let mails = site.mails().await;
    assert_eq!(mails.len(), 1);
    // The link is young, however long it took.
    present(&site, "/auth/verify-email", &token(&mails[0], "verify-email")).await.expect(204);
    assert_eq!(site.courier.counts.waiting.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[actix_web::test]
async fn mail_that_never_leaves_is_given_up_after_a_day() {
    let site = strict().await;
    site.outbox.break_down(true);
    site.register("alice").await;
    let given_up = || site.courier.counts.given_up.load(std::sync::atomic::Ordering::Relaxed);
    site.mails().await;
    site.pass(24 * 60 * MINUTE);
    assert_eq!(given_up(), 0);
    site.mails().await;
    assert_eq!(given_up(), 1);
    site.outbox.break_down(false);
    site.pass(60 * MINUTE);
    assert!(site.mails().await.is_empty());
}

#[actix_web::test]
async fn without_mail_what_needs_it_is_refused() {
    let site = Site::with(|settings| settings.mail.transport = MailTransport::Off).await;
    let alice = site.register("alice").await;
    forget(&site, "alice@example.com").await.problem(403, "forbidden");
    change_email(&site, &alice, "new@example.com", "password-1").await.problem(403, "forbidden");
    site.post("/auth/verify-email/resend", &alice, json!({})).await.problem(403, "forbidden");
    let body = json!({ "currentPassword": "password-1", "newPassword": "another password" });
    site.call("PUT", "/users/me/password", Some(&alice), Some(body)).await.expect(204);
    assert_eq!(site.http.pod.store.letters_waiting().await.unwrap().0, 0);
}

#[actix_web::test]
async fn mail_is_asked_for_five_times_an_hour_for_each_address_known_or_not() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    site.register("alice").await;
    for email in ["alice@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            forget(&site, email).await.expect(202);
        }
        forget(&site, email).await.problem(429, "rateLimited");
    }
    site.pass(12 * MINUTE);
    forget(&site, "alice@example.com").await.expect(202);
    for n in 0..20 {
        let answer = present(&site, "/auth/verify-email", &format!("guess {n}")).await;
        answer.wrong("token");
    }
    present(&site, "/auth/verify-email", "guess").await.problem(429, "rateLimited");
    reset(&site, "guess", "another password").await.problem(429, "rateLimited");
}

#[actix_web::test]
async fn a_new_password_ends_the_wait_that_guesses_brought() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    site.register("alice").await;
    for _ in 0..5 {
        log_in(&site, "alice@example.com", "wrong-password").await.problem(401, "unauthorized");
    }
    site.pass(30 * Duration::from_secs(1));
    for _ in 0..2 {
        log_in(&site, "alice@example.com", "wrong-password").await;
    }
    forget(&site, "alice@example.com").await.expect(202);
    let value = token(&site.mails().await[0], "reset-password");
    reset(&site, &value, "another password").await.expect(204);
    site.pass(12 * Duration::from_secs(1));
    log_in(&site, "alice@example.com", "another password").await.expect(200);
}

#[actix_web::test]
async fn logins_are_seen_and_ended_one_by_one_or_all() {
    let site = Site::new().await;
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    site.pass(MINUTE);
    let login = json!({ "email": "alice@example.com", "password": "password-1" });
    let login = request("POST", "/auth/login", None, Some(login)).insert_header(("user-agent", "Phone"));
    let body = site.ask(login.peer_addr("203.0.113.77:5000".parse().unwrap())).await.expect(200);
    let phone = Person { token: body["token"].as_str().unwrap().into(), ..alice.clone() };
    let list = async |who: &Person| site.get("/auth/sessions", who).await.expect(200)["sessions"].clone();
    let seen = list(&phone).await;
    assert_eq!(seen.as_array().unwrap().len(), 2);
    let [newest, oldest] = [&seen[0], &seen[1]];
    assert_eq!((&newest["device"], &newest["network"]), (&json!("Phone"), &json!("203.0.113.0/24")));
    assert_eq!((&newest["isCurrent"], &oldest["isCurrent"]), (&json!(true), &json!(false)));
    assert_eq!(newest["createdAt"], newest["lastUsedAt"]);
    assert_ne!(newest["createdAt"], oldest["createdAt"]);
    let path = format!("/auth/sessions/{}", newest["id"].as_str().unwrap());
    site.call("DELETE", &path, Some(&bob), None).await.problem(404, "notFound");
    site.call("DELETE", &path, Some(&alice), None).await.expect(204);
    assert_eq!(site.ended.lock().unwrap().len(), 1);
    site.get("/users/me", &phone).await.problem(401, "unauthorized");
    site.call("DELETE", &path, Some(&alice), None).await.problem(404, "notFound");
    log_in(&site, "alice@example.com", "password-1").await.expect(200);
    site.post("/auth/logout-all", &alice, json!({})).await.expect(204);
    assert_eq!(site.ended.lock().unwrap().len(), 3);
    site.get("/users/me", &alice).await.problem(401, "unauthorized");
    site.get("/users/me", &bob).await.expect(200);
}

#[actix_web::test]
async fn a_password_is_hashed_anew_at_the_next_login_when_the_cost_rose() {
    let site = Site::with(|settings| settings.accounts.bcrypt_cost = 5).await;
    let alice = site.register("alice").await;
    let store = &site.http.pod.store;
    let id = alice.id.parse().unwrap();
    let cheap = bcrypt_of("password-1");
    let dear = store.password_of(id).await.unwrap().unwrap();
    store.rehash_password(id, dear, cheap.clone()).await.unwrap();
    log_in(&site, "alice@example.com", "wrong-password").await.problem(401, "unauthorized");
    assert_eq!(store.password_of(id).await.unwrap(), Some(cheap));
    log_in(&site, "alice@example.com", "password-1").await.expect(200);
    assert!(store.password_of(id).await.unwrap().unwrap().starts_with("$2b$05$"));
    log_in(&site, "alice@example.com", "password-1").await.expect(200);
}

/// As a server with a lower cost made it.
fn bcrypt_of(password: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = sha2::Sha384::digest(password.as_bytes());
    bcrypt::hash(base64::engine::general_purpose::STANDARD.encode(digest), 4).unwrap()
}
