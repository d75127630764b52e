//! Which limits each operation meets: beside the one of its address, and of the account behind an
//! access token, those that stand here.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::limits::noted::{Note, Policy};
use crate::limits::policies::POLICIES;
use crate::limits::rate_of;
use crate::settings::Limits;

/// By the operations' ids. Every other operation has the usual ones.
const MORE: &[(&str, &[&str])] = &[
    ("register", &["register_address"]),
    ("login", &["login_address", "login_account"]),
    ("refresh", &["refresh_address"]),
    ("verifyEmail", &["proof_address"]),
    ("resetPassword", &["proof_address"]),
    ("confirmEmail", &["proof_address"]),
    ("resendVerification", &["mail_address", "mail_to"]),
    ("forgotPassword", &["mail_address", "mail_to"]),
    ("changePassword", &["login_account"]),
    ("changeEmail", &["login_account", "mail_address", "mail_to"]),
    ("beginSecondFactor", &["login_account"]),
    ("confirmSecondFactor", &["login_account"]),
    ("renewRecoveryCodes", &["login_account"]),
    ("removeSecondFactor", &["login_account"]),
    ("deleteAccount", &["login_account"]),
    ("findUsers", &["lookup"]),
    ("getUser", &["lookup"]),
    ("uploadAttachment", &["upload"]),
    ("setAvatar", &["upload"]),
    ("createRoom", &["create_room"]),
    ("openDirectRoom", &["create_room"]),
    ("sendMessage", &["send"]),
    ("searchMessages", &["search"]),
    ("createTicket", &["ticket"]),
    ("reportMessage", &["report"]),
];
const HEALTH: [&str; 2] = ["getHealth", "getReadiness"];

fn names(operation: &str, has_token: bool) -> Vec<&'static str> {
    let address = if HEALTH.contains(&operation) { "health_address" } else { "request_address" };
    let account = has_token.then_some("request");
    let more = MORE.iter().find(|(known, _)| *known == operation).map_or(&[][..], |(_, more)| more);
    std::iter::once(address).chain(account).chain(more.iter().copied()).collect()
}

fn policy(name: &str) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.name() == name)
}

/// As it is unless it is set otherwise.
fn by_default(policy: &Policy) -> Note {
    Note::full(0, rate_of(&Limits::default(), policy.key))
}

fn spoken(note: Note) -> String {
    match note.window.as_secs() {
        3_600 => format!("{} an hour", note.quota),
        60 => format!("{} a minute", note.quota),
        seconds => format!("{} in {} s", note.quota, seconds.max(1)),
    }
}

/// Writes them into an operation: `x-rate-limit`, and a sentence.
pub(super) fn tell(operation: &mut Map<String, Value>, id: &str, has_token: bool) {
    let mut list = Vec::new();
    let mut sentence = String::from("Limits:");
    for policy in names(id, has_token).into_iter().filter_map(policy) {
        let note = by_default(policy);
        let window = note.window.as_secs().max(1);
        list.push(
            json!({ "policy": policy.name(), "by": policy.by, "quota": note.quota, "windowSeconds": window }),
        );
        let comma = if list.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(sentence, "{comma} {} by {} (`{}`)", spoken(note), policy.by, policy.name());
    }
    sentence.push('.');
    let before = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = if before.is_empty() { sentence } else { format!("{before}\n\n{sentence}") };
    operation.insert("description".into(), description.into());
    operation.insert("x-rate-limit".into(), Value::Array(list));
}

/// `docs/reference/rate-limits.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = "# Rate limits

Written from the tables in `src/limits/policies.rs` and `src/http/openapi/limits.rs`;
`UPDATE_DOCS=1 cargo test reference_page` writes it again.

Each limit is a bucket: so many at once, refilled evenly. With Redis a limit holds for all processes together; without,
or while Redis is away, each process holds its part. An address of IPv6 counts by its first 64 bits. The address is that of
the client behind [proxies that are trusted](../how-to/run-behind-a-proxy.md), and of nobody else.

## What answers tell

Every answer over HTTP, whatever its status, tells of the limits that it met, after
[draft-ietf-httpapi-ratelimit-headers-10](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10):

```http
RateLimit-Policy: \"request_address\";q=400;w=2, \"login_account\";q=5;w=60
RateLimit: \"request_address\";r=399;t=1, \"login_account\";r=4;t=12
```

`q` is how many there may be at once and `w` the seconds in which as many are refilled; `r` is how many are left, and `t` the seconds
until all of them are, or, in an answer 429, until one is. The older form, `RateLimit-Limit`, `-Remaining` and `-Reset`, has
room for one limit, and an answer here meets up to four. A request beyond a limit is answered 429 with the code `rateLimited`,
`Retry-After` in seconds and `retryAfterMs` in its body.

## Limits

| Limit | By | By default | Setting | What |
|---|---|---|---|---|
"
    .to_owned();
    for policy in &POLICIES {
        let (name, by, setting, about) = (policy.name(), policy.by, policy.setting, policy.about);
        // Writing to a String cannot fail.
        let _ =
            writeln!(page, "| `{name}` | {by} | {} | `{setting}` | {about} |", spoken(by_default(policy)));
    }
    page.push_str(
        "
## Routes

| Route | Operation | Limits |
|---|---|---|
",
    );
    let spec = super::spec();
    for (path, item) in spec.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let limits = operation.get("x-rate-limit").and_then(Value::as_array).into_iter().flatten();
            let names: Vec<_> =
                limits.filter_map(|l| l.get("policy")?.as_str()).map(|n| format!("`{n}`")).collect();
            let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(page, "| `{} {path}` | `{id}` | {} |", method.to_uppercase(), names.join(", "));
        }
    }
    let limits = Limits::default();
    let Limits { connections_per_user, connections_per_ip, frames_per_second, frames_burst, .. } = limits;
    let _ = write!(
        page,
        "
Pages, `/openapi.json` and the upgrade at `/ws` meet `request_address`; `/metrics` meets `health_address`.

## Sockets

| Action | By | By default | Setting |
|---|---|---|---|
| opening a socket | account | {connections_per_user} at once | `CHAT_LIMIT_CONNECTIONS_PER_USER` |
| opening a socket | network address | {connections_per_ip} at once, each process | `CHAT_LIMIT_CONNECTIONS_PER_IP` |
| any frame | connection | {frames_per_second} a second, {frames_burst} at once | `CHAT_RATE_FRAMES_PER_SECOND` |

Of what comes in the frames, `message.send` meets `send`, `ping` nothing more, and every other action `act`. The frames of an address are
bounded by its sockets. What is beyond is answered `rateLimited` with `retryAfterMs`; who goes on regardless is closed with
[4102](close-codes.md).
"
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Key;

    #[test]
    fn the_reference_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/rate-limits.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference()).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == reference(),
            "rate-limits.md is out of date: UPDATE_DOCS=1 cargo test reference_page"
        );
    }

    #[test]
    fn every_operation_has_its_limits_and_every_limit_a_name() {
        let spec = super::super::spec();
        for item in spec["paths"].as_object().expect("paths").values() {
            for operation in item.as_object().expect("operations").values() {
                let id = operation["operationId"].as_str().expect("an id");
                let expected =
                    names(id, operation["security"].as_array().is_some_and(|ways| !ways.is_empty()));
                let told = operation["x-rate-limit"].as_array().expect("limits");
                let told: Vec<_> = told.iter().filter_map(|limit| limit["policy"].as_str()).collect();
                assert_eq!(told, expected, "{id}");
                assert!(operation["responses"].get("429").is_some(), "{id}");
            }
        }
        let all: Vec<_> = super::super::table::OPERATIONS.iter().map(|row| row.operation).collect();
        for (id, more) in MORE {
            assert!(all.contains(id), "{id}");
            assert!(more.iter().all(|name| policy(name).is_some()), "{id}");
        }
        assert!(Key::KINDS.iter().all(|name| policy(name).is_some()));
    }
}
