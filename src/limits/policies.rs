//! Each limit as people read of it: one row for each kind of [`Key`], in their order.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::Key;
use super::noted::Policy;
use crate::domain::{RoomId, UserId};

const SOMEBODY: UserId = UserId(Uuid::nil());
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

const fn row(key: Key, by: &'static str, setting: &'static str, about: &'static str) -> Policy {
    Policy { key, by, about, setting }
}

const ACCOUNT: &str = "account";
const ADDRESS: &str = "network address";

/// All of them.
pub const POLICIES: [Policy; Key::KINDS.len()] = [
    row(
        Key::Send(SOMEBODY, RoomId(Uuid::nil())),
        "account and room",
        "CHAT_RATE_SENDS_PER_SECOND",
        "Messages, over HTTP and sockets together.",
    ),
    row(Key::Ticket(SOMEBODY), ACCOUNT, "CHAT_RATE_TICKETS_PER_MINUTE", "WebSocket tickets."),
    row(
        Key::LoginAccount([0; 32]),
        ACCOUNT,
        "CHAT_RATE_LOGINS_PER_MINUTE",
        "Passwords and codes, wherever they are asked for. After as many failures each further one doubles the wait, up to 15 minutes.",
    ),
    row(Key::LoginIp(SOMEWHERE), ADDRESS, "CHAT_RATE_LOGINS_PER_MINUTE_PER_IP", "Attempts to sign in."),
    row(Key::RegisterIp(SOMEWHERE), ADDRESS, "CHAT_RATE_REGISTRATIONS_PER_MINUTE_PER_IP", "New accounts."),
    row(
        Key::RefreshIp(SOMEWHERE),
        ADDRESS,
        "CHAT_RATE_REFRESHES_PER_MINUTE_PER_IP",
        "Refresh tokens presented.",
    ),
    row(Key::CreateRoom(SOMEBODY), ACCOUNT, "CHAT_RATE_ROOMS_PER_MINUTE", "New rooms."),
    row(
        Key::Request(SOMEBODY),
        ACCOUNT,
        "CHAT_RATE_REQUESTS_PER_SECOND_PER_USER",
        "Everything that takes an access token.",
    ),
    row(Key::MailTo([0; 32]), "mail address", "CHAT_RATE_MAILS_PER_HOUR", "Mails that somebody asked for."),
    row(Key::MailIp(SOMEWHERE), ADDRESS, "CHAT_RATE_MAILS_PER_HOUR_PER_IP", "Mails that somebody asked for."),
    row(
        Key::ProofIp(SOMEWHERE),
        ADDRESS,
        "CHAT_RATE_PROOFS_PER_MINUTE_PER_IP",
        "Links that came by mail. After as many wrong ones each further one doubles the wait, up to 15 minutes.",
    ),
    row(
        Key::Lookup(SOMEBODY),
        ACCOUNT,
        "CHAT_RATE_LOOKUPS_PER_MINUTE",
        "Questions about other people: who is it, and whose name begins so.",
    ),
    row(
        Key::RequestIp(SOMEWHERE),
        ADDRESS,
        "CHAT_RATE_REQUESTS_PER_SECOND_PER_IP",
        "Everything, pages included, but for `/health`, `/health/ready` and `/metrics`.",
    ),
    row(
        Key::HealthIp(SOMEWHERE),
        ADDRESS,
        "CHAT_RATE_REQUESTS_PER_SECOND_PER_IP",
        "`/health`, `/health/ready` and `/metrics`: those who ask for them are not disturbed by others behind their address.",
    ),
    row(
        Key::Act(SOMEBODY),
        ACCOUNT,
        "CHAT_RATE_ACTIONS_PER_SECOND_PER_USER",
        "Every action over sockets but `message.send`, which has its own, and `ping`.",
    ),
    row(Key::Upload(SOMEBODY), ACCOUNT, "CHAT_RATE_UPLOADS_PER_MINUTE", "Files and pictures of oneself."),
    row(Key::Search(SOMEBODY), ACCOUNT, "CHAT_RATE_SEARCHES_PER_MINUTE", "Searches of messages."),
    row(Key::Report(SOMEBODY), ACCOUNT, "CHAT_RATE_REPORTS_PER_MINUTE", "Messages reported."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_row_in_its_place() {
        for (kind, policy) in POLICIES.iter().enumerate() {
            assert_eq!(policy.key.kind(), kind, "{}", policy.about);
            assert!(policy.setting.starts_with("CHAT_RATE_"));
        }
    }
}
