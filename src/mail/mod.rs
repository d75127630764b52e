//! Mail: what is said, and how it leaves. Who is told what and when, and that nothing gets lost, is
//! the business of [`crate::auth::courier`].
//!
//! Knows the domain and its own library; no store, no actor, no HTTP. Next: [`words`] (what is
//! said), then [`smtp`].

pub mod file;
pub mod smtp;
pub mod words;

use std::fmt;

use futures_util::future::BoxFuture;
use lettre::Message;
use lettre::message::{Mailbox, MultiPart, header};
use uuid::Uuid;

pub use words::Words;

use crate::domain::Email;

/// A mail that is ready to go.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The same for each attempt to deliver it.
    pub id: Uuid,
    pub to: Email,
    pub words: Words,
}

/// Why a mail did not leave. For the log: it never holds what the mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent(pub String);

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A way for mail to leave.
pub trait Mailer: Send + Sync + 'static {
    /// Answers when somebody else has it.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), NotSent>>;
}

/// Whom all mail is from.
#[derive(Clone, Debug)]
pub struct Sender(Mailbox);

impl Sender {
    /// From `name@example.com` or `Name <name@example.com>`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "must be an address, or Name <address>".to_owned())
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// The mail as it travels: text and HTML, of which the reader's program shows one.
fn message(from: &Sender, mail: &Mail) -> Result<Message, NotSent> {
    let wrong = |error: &dyn fmt::Display| NotSent(format!("no mail can be made for this address: {error}"));
    let to = mail.to.as_str().parse().map_err(|error| wrong(&error))?;
    Message::builder()
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.words.subject.clone())
        // A mail that is sent twice, since the answer was lost, is shown once.
        .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(mail.words.text(), mail.words.html()))
        .map_err(|error| wrong(&error))
}

/// Tells other programs not to answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> Mail {
        let words = Words::new("Grüße").line("Hello <alice>.").link("Open", "https://chat.example.com/#/a");
        Mail { id: Uuid::from_u128(7), to: Email::from_stored(to.into()), words }
    }

    #[test]
    fn a_mail_has_text_and_html_and_one_name_for_ever() {
        let from = Sender::parse("Chat <chat@example.com>").expect("valid");
        let bytes = message(&from, &mail("alice@example.com")).expect("a mail").formatted();
        let raw = String::from_utf8(bytes).expect("ASCII");
        assert!(raw.is_ascii(), "{raw}");
        for part in [
            "From: Chat <chat@example.com>\r\n",
            "To: alice@example.com\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative",
            "Hello <alice>.",
            "Hello &lt;alice&gt;.",
        ] {
            assert!(raw.contains(part), "{part} in {raw}");
        }
    }

    #[test]
    fn an_address_that_no_mail_can_have_is_told_without_it() {
        let from = Sender::parse("chat@example.com").expect("valid");
        let error = message(&from, &mail("al..ice@example.com")).expect_err("two dots");
        assert!(!error.to_string().contains("ice"), "{error}");
        assert!(Sender::parse("nobody").is_err());
    }
}
