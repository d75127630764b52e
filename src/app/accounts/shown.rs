//! How accounts, logins and records are shown: in columns for people, or as JSON.

use serde_json::{Value, json};

use super::Output;
use crate::domain::{AuditRecord, Login, User, UserId};
use crate::protocol::wire::rfc3339;

/// JSON, as it is printed.
pub(super) fn listed(value: &Value) -> String {
    format!("{value}\n")
}

fn object(user: &User) -> Value {
    json!({
        "id": user.id.0,
        "username": user.username.as_str(),
        "email": user.email.as_str(),
        "emailVerified": user.email_verified,
        "serverRole": user.server_role.as_str(),
        "status": user.status.as_str(),
        "displayName": user.profile.display_name,
        "createdAt": rfc3339(user.created_at),
        "lastSeen": user.last_seen.map(rfc3339),
    })
}

pub(super) fn user(output: &Output, user: &User) -> String {
    if output.json {
        return listed(&object(user));
    }
    let seen = user.last_seen.map_or_else(|| "not known".to_owned(), rfc3339);
    let verified = if user.email_verified { "confirmed" } else { "not confirmed" };
    format!(
        "id         {}\nname       {}\naddress    {} ({verified})\nrole       {}\nstatus     {}\nmade       {}\nlast seen  {seen}\n",
        user.id,
        user.username.as_str(),
        user.email.as_str(),
        user.server_role.as_str(),
        user.status.as_str(),
        rfc3339(user.created_at),
    )
}

pub(super) fn users(output: &Output, people: &[User]) -> String {
    if output.json {
        return listed(&Value::Array(people.iter().map(object).collect()));
    }
    let line = |user: &User| {
        let (role, status) = (user.server_role.as_str(), user.status.as_str());
        format!("{}  {role:<13}  {status:<8}  {}  {}\n", user.id, user.username.as_str(), user.email.as_str())
    };
    people.iter().map(line).collect()
}

pub(super) fn logins(output: &Output, logins: &[Login]) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "not known".to_owned());
    if output.json {
        let object = |Login { session, last_used_at }: &Login| {
            json!({
                "id": session.id.0,
                "device": session.device,
                "network": session.network,
                "createdAt": rfc3339(session.created_at),
                "lastUsedAt": rfc3339(*last_used_at),
            })
        };
        return listed(&Value::Array(logins.iter().map(object).collect()));
    }
    let line = |Login { session, last_used_at }: &Login| {
        let (used, network) = (rfc3339(*last_used_at), text(&session.network));
        format!("{}  last used {used}  {network}  {}\n", session.id, text(&session.device))
    };
    logins.iter().map(line).collect()
}

pub(super) fn audit(output: &Output, records: &[AuditRecord]) -> String {
    let id = |user: Option<UserId>| user.map(|user| user.to_string());
    if output.json {
        let object = |record: &AuditRecord| {
            json!({
                "id": record.id.0,
                "at": rfc3339(record.at),
                "event": record.event.as_str(),
                "actor": record.actor.as_str(),
                "actorId": id(record.actor.user()),
                "subjectId": id(record.subject),
                "network": record.network,
                "requestId": record.request,
                "detail": record.detail,
            })
        };
        return listed(&Value::Array(records.iter().map(object).collect()));
    }
    let line = |record: &AuditRecord| {
        let actor = id(record.actor.user()).unwrap_or_else(|| record.actor.as_str().to_owned());
        let subject = id(record.subject).unwrap_or_else(|| "nobody known".to_owned());
        let network = record.network.as_deref().unwrap_or("-");
        let detail = record.detail.as_deref().unwrap_or_default();
        let line = format!(
            "{}  {:<19}  by {actor}  about {subject}  {network}  {detail}",
            rfc3339(record.at),
            record.event.as_str()
        );
        format!("{}\n", line.trim_end())
    };
    records.iter().map(line).collect()
}
