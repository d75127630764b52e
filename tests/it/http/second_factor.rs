//! Codes beside the password: set, asked for, used up, lost, switched off.

use std::time::Duration;

use chat::clock::Clock as _;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::outbox::token;
use super::support::{Answer, Person, Site};

const STEP: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);

/// What shows codes.
struct Phone(String);

impl Phone {
    fn code(&self, site: &Site) -> String {
        let secret = Secret::try_from_base32(&self.0).unwrap();
        let seconds = u64::try_from(site.clock.now().millis() / 1_000).unwrap();
        Builder::new().with_secret(secret).build().unwrap().generate(seconds).to_string()
    }
}

async fn change(site: &Site, method: &str, path: &str, who: &Person, body: Value) -> Answer {
    site.call(method, &format!("/users/me/second-factor{path}"), Some(who), Some(body)).await
}

async fn begin(site: &Site, who: &Person) -> Phone {
    let body = change(site, "POST", "", who, json!({ "password": "password-1" })).await.expect(201);
    let (secret, uri) = (body["secret"].as_str().unwrap(), body["uri"].as_str().unwrap());
    assert!(uri.starts_with("otpauth://totp/chat.example.com:alice?secret="), "{uri}");
    assert!(uri.contains(secret));
    Phone(secret.into())
}

/// Alice with a phone and ten recovery codes, some time later.
async fn guarded(site: &Site) -> (Person, Phone, Vec<String>) {
    let alice = site.register("alice").await;
    let phone = begin(site, &alice).await;
    let body =
        change(site, "POST", "/confirm", &alice, json!({ "code": phone.code(site) })).await.expect(200);
    let codes: Vec<String> = serde_json::from_value(body["recoveryCodes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    site.pass(STEP);
    (alice, phone, codes)
}

async fn log_in(site: &Site, password: &str, code: Option<&str>) -> Answer {
    let body = json!({ "email": "alice@example.com", "password": password, "code": code });
    site.call("POST", "/auth/login", None, Some(body)).await
}

#[actix_web::test]
async fn nothing_is_asked_until_a_code_was_shown() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["secondFactor"], false);
    change(&site, "POST", "/confirm", &alice, json!({ "code": "123456" })).await.problem(409, "conflict");
    change(&site, "POST", "", &alice, json!({ "password": "wrong" })).await.wrong("password");
    let replaced = begin(&site, &alice).await;
    let phone = begin(&site, &alice).await;
    let confirm = |code: String| change(&site, "POST", "/confirm", &alice, json!({ "code": code }));
    confirm(replaced.code(&site)).await.wrong("code");
    assert_eq!(log_in(&site, "password-1", None).await.expect(200)["user"]["secondFactor"], false);
    let both = json!({ "password": "password-1", "code": phone.code(&site) });
    change(&site, "DELETE", "", &alice, both.clone()).await.problem(409, "conflict");
    change(&site, "POST", "/recovery-codes", &alice, both).await.problem(409, "conflict");

    confirm(phone.code(&site)).await.expect(200);
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["secondFactor"], true);
    confirm(phone.code(&site)).await.problem(409, "conflict");
    change(&site, "POST", "", &alice, json!({ "password": "password-1" })).await.problem(409, "conflict");
}

#[actix_web::test]
async fn signing_in_takes_password_and_code_and_each_code_once() {
    let site = Site::new().await;
    let (_, phone, _) = guarded(&site).await;
    let unknown = log_in(&site, "wrong-password", None).await;
    unknown.problem(401, "unauthorized");
    // With a wrong password nothing tells that a code would be asked for.
    assert_eq!(log_in(&site, "wrong-password", Some(&phone.code(&site))).await.text, unknown.text);
    for nothing in [None, Some(""), Some(" - ")] {
        log_in(&site, "password-1", nothing).await.problem(401, "secondFactorRequired");
    }
    for wrong in ["000000", "12345", "1234567", "no code", "\0", "🦀"] {
        log_in(&site, "password-1", Some(wrong)).await.problem(401, "secondFactorInvalid");
    }
    let code = phone.code(&site);
    let body = log_in(&site, "password-1", Some(&code)).await.expect(200);
    assert_eq!(body["user"]["secondFactor"], true);
    log_in(&site, "password-1", Some(&code)).await.problem(401, "secondFactorInvalid");
    site.pass(STEP);
    log_in(&site, "password-1", Some(&code)).await.problem(401, "secondFactorInvalid");
    let spaced = phone.code(&site);
    let spaced = format!(" {} {}", &spaced[..3], &spaced[3..]);
    log_in(&site, "password-1", Some(&spaced)).await.expect(200);
}

#[actix_web::test]
async fn a_phone_whose_clock_is_half_a_minute_off_still_works() {
    let site = Site::new().await;
    let (_, phone, _) = guarded(&site).await;
    let late = phone.code(&site);
    site.pass(STEP);
    log_in(&site, "password-1", Some(&late)).await.expect(200);
    let too_late = phone.code(&site);
    site.pass(STEP * 2);
    log_in(&site, "password-1", Some(&too_late)).await.problem(401, "secondFactorInvalid");
}

#[actix_web::test]
async fn who_lost_the_phone_has_ten_codes_each_good_once() {
    let site = Site::new().await;
    let (alice, phone, codes) = guarded(&site).await;
    log_in(&site, "password-1", Some(&codes[0])).await.expect(200);
    log_in(&site, "password-1", Some(&codes[0])).await.problem(401, "secondFactorInvalid");
    log_in(&site, "password-1", Some(&codes[1].to_uppercase().replace('-', " "))).await.expect(200);
    let both = json!({ "password": "password-1", "code": phone.code(&site) });
    let body = change(&site, "POST", "/recovery-codes", &alice, both).await.expect(200);
    log_in(&site, "password-1", Some(&codes[2])).await.problem(401, "secondFactorInvalid");
    let renewed = body["recoveryCodes"][9].as_str().unwrap();
    log_in(&site, "password-1", Some(renewed)).await.expect(200);
}

#[actix_web::test]
async fn switching_it_off_takes_both() {
    let site = Site::new().await;
    let (alice, phone, codes) = guarded(&site).await;
    let off = |password: &str, code: &str| {
        change(&site, "DELETE", "", &alice, json!({ "password": password, "code": code }))
    };
    off("wrong-password", &codes[0]).await.wrong("password");
    off("password-1", "000000").await.wrong("code");
    off("password-1", "").await.wrong("code");
    off("password-1", &phone.code(&site)).await.expect(204);
    assert_eq!(site.get("/users/me", &alice).await.expect(200)["secondFactor"], false);
    log_in(&site, "password-1", None).await.expect(200);
    off("password-1", &codes[1]).await.problem(409, "conflict");
}

#[actix_web::test]
async fn another_password_and_another_address_need_a_code() {
    let site = Site::new().await;
    let (alice, phone, codes) = guarded(&site).await;
    let password = |code: Option<&str>| {
        let body =
            json!({ "currentPassword": "password-1", "newPassword": "password-one-two", "code": code });
        site.call("PUT", "/users/me/password", Some(&alice), Some(body))
    };
    password(None).await.wrong("code");
    password(Some("000000")).await.wrong("code");
    password(Some(&phone.code(&site))).await.expect(204);
    let email = |code: Option<&str>| {
        let body = json!({ "email": "alice@new.example.com", "password": "password-one-two", "code": code });
        site.call("PUT", "/users/me/email", Some(&alice), Some(body))
    };
    email(None).await.wrong("code");
    email(Some(&codes[0])).await.expect(202);
}

#[actix_web::test]
async fn a_password_by_mail_does_not_switch_it_off() {
    let site = Site::new().await;
    let (_, phone, _) = guarded(&site).await;
    site.mails().await;
    let forgot = json!({ "email": "alice@example.com" });
    site.call("POST", "/auth/forgot-password", None, Some(forgot)).await.expect(202);
    let token = token(&site.mails().await[0], "reset-password");
    let reset = json!({ "token": token, "password": "password-one-two" });
    site.call("POST", "/auth/reset-password", None, Some(reset)).await.expect(204);
    log_in(&site, "password-one-two", None).await.problem(401, "secondFactorRequired");
    log_in(&site, "password-one-two", Some(&phone.code(&site))).await.expect(200);
}

#[actix_web::test]
async fn guessing_codes_is_slowed_down_and_the_password_alone_forgets_no_guess() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    let (_, phone, _) = guarded(&site).await;
    site.pass(MINUTE);
    for _ in 0..2 {
        log_in(&site, "password-1", Some("000000")).await.problem(401, "secondFactorInvalid");
    }
    log_in(&site, "password-1", None).await.problem(401, "secondFactorRequired");
    for _ in 0..2 {
        log_in(&site, "password-1", Some("000000")).await.problem(401, "secondFactorInvalid");
    }
    log_in(&site, "password-1", None).await.problem(429, "rateLimited");
    site.pass(MINUTE);
    log_in(&site, "password-1", Some("000000")).await.problem(401, "secondFactorInvalid");
    // The fifth failure: from now on each doubles the wait.
    log_in(&site, "password-1", Some(&phone.code(&site))).await.problem(429, "rateLimited");
    site.pass(MINUTE);
    log_in(&site, "password-1", Some(&phone.code(&site))).await.expect(200);
}

#[actix_web::test]
async fn its_owner_is_mailed_whenever_it_changes() {
    let site = Site::new().await;
    let (alice, phone, codes) = guarded(&site).await;
    let subjects = async || -> Vec<String> {
        let mails = site.mails().await;
        assert!(mails.iter().all(|mail| mail.to.as_str() == "alice@example.com"));
        // No mail holds a code.
        assert!(mails.iter().all(|mail| codes.iter().all(|code| !mail.words.text().contains(code.as_str()))));
        mails.into_iter().map(|mail| mail.words.subject).collect()
    };
    assert_eq!(subjects().await, ["A second factor was switched on"]);
    let both = |code: &str| json!({ "password": "password-1", "code": code });
    change(&site, "POST", "/recovery-codes", &alice, both("000000")).await.wrong("code");
    assert!(subjects().await.is_empty(), "nothing changed");
    change(&site, "POST", "/recovery-codes", &alice, both(&codes[0])).await.expect(200);
    assert_eq!(subjects().await, ["Your recovery codes were made anew"]);
    change(&site, "DELETE", "", &alice, both(&phone.code(&site))).await.expect(204);
    assert_eq!(subjects().await, ["The second factor was switched off"]);
}

#[actix_web::test]
async fn who_guessed_too_often_is_told_when_to_come_back() {
    let site = Site::with(|settings| settings.limits.rates_on = true).await;
    let (alice, phone, _) = guarded(&site).await;
    site.pass(MINUTE);
    let off =
        |code: String| change(&site, "DELETE", "", &alice, json!({ "password": "password-1", "code": code }));
    for _ in 0..5 {
        off("000000".into()).await.wrong("code");
    }
    let (signing_in, elsewhere) =
        (log_in(&site, "password-1", Some(&phone.code(&site))).await, off(phone.code(&site)).await);
    for refused in [signing_in, elsewhere] {
        refused.problem(429, "rateLimited");
        let wait: u64 = refused.header("retry-after").expect("a header").parse().unwrap();
        let millis = refused.body["retryAfterMs"].as_u64().expect("a wait");
        assert_eq!(wait, millis.div_ceil(1_000));
        assert!((1..=900).contains(&wait), "{wait} s");
    }
}
