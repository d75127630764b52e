//! Whole servers and a mail server of the tests' own: what people find in their mail, and that it
//! gets there.

mod carrying;
mod catcher;
mod delivering;
mod sockets;

pub use catcher::{Catcher, Caught, Manner};

use chat::settings::{EmailVerification, Settings, SmtpUrl};
use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::http::Answer;

/// What of a server's settings is about this mail server.
pub fn mail_by(settings: &mut Settings, catcher: &Catcher) {
    settings.mail.smtp_url = Some(SmtpUrl::parse(&catcher.url()).expect("an address"));
    settings.mail.smtp_ca_file = catcher.authority();
    settings.mail.from = Some("Chat <chat@example.com>".into());
    settings.mail.page_url = Some("https://chat.example.com".into());
    settings.mail.poll = std::time::Duration::from_millis(100);
    settings.accounts.email_verification = EmailVerification::Required;
}

/// A server that mails by it, and wants addresses confirmed.
pub fn server(catcher: &Catcher) -> TestServer {
    TestServer::with(|settings| mail_by(settings, catcher))
}

/// Follows the link of a mail.
#[track_caller]
pub fn follow(server: &TestServer, mail: &Caught, action: &str, more: Value) -> Answer {
    let mut body = json!({ "token": mail.token(action) });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    server.ask(None, "POST", &format!("/auth/{action}"), Some(&body))
}

/// Whether the metrics have this line by now.
pub fn counts(server: &TestServer, line: &str) -> bool {
    server.ask(None, "GET", "/metrics", None).body.lines().any(|known| known == line)
}
