//! How mail leaves: by TLS or not at all, again after a failure, into a folder where there is no
//! mail server.

use std::time::Duration;

use chat::settings::SmtpUrl;
use serde_json::json;

use super::{Catcher, Manner, counts, follow, mail_by, server};
use crate::support::process::{complaint, run};
use crate::support::{TestServer, eventually};

#[test]
fn mail_travels_by_tls_and_the_server_is_told_who_sends() {
    let catcher = Catcher::start(Manner::Tls);
    let server = server(&catcher);
    server.person("alice");
    let mail = catcher.mail();
    assert!(mail.is_secret);
    assert_eq!((mail.to.as_str(), mail.credentials.as_deref()), ("alice@example.com", Some("chat p@ss")));
    assert_eq!(mail.header("From"), "Chat <chat@example.com>");
    assert_eq!(mail.header("Subject"), "Confirm your e-mail address");
    assert!(mail.header("Message-ID").ends_with("@example.com>"));
    assert!(mail.raw.contains("text/html"));
    follow(&server, &mail, "verify-email", json!({})).expect(204);
    eventually("it is counted", || counts(&server, "mail_letters_total{outcome=\"sent\"} 1"));
}

#[test]
fn mail_waits_for_starttls_and_a_server_without_it_gets_none() {
    let catcher = Catcher::start(Manner::StartTls);
    let first = server(&catcher);
    first.person("alice");
    let mail = catcher.mail();
    assert!(mail.is_secret);
    follow(&first, &mail, "verify-email", json!({})).expect(204);

    let refused = Catcher::start(Manner::NoStartTls);
    let second = server(&refused);
    second.person("bob");
    eventually("it was tried", || counts(&second, "mail_letters_total{outcome=\"failed\"} 1"));
    assert!(refused.is_empty());
}

#[test]
fn a_certificate_that_nobody_vouches_for_gets_no_mail() {
    let catcher = Catcher::start(Manner::Tls);
    let server = TestServer::with(|settings| {
        mail_by(settings, &catcher);
        settings.mail.smtp_ca_file = None;
    });
    server.person("alice");
    eventually("it was tried", || counts(&server, "mail_letters_total{outcome=\"failed\"} 1"));
    assert!(catcher.is_empty());
}

/// The wait after a first failure is ten seconds at most, which is what this story takes.
#[test]
fn what_was_refused_comes_again_and_outlives_the_process() {
    let catcher = Catcher::start(Manner::Plain);
    catcher.refuse(true);
    let mut server = server(&catcher);
    server.person("alice");
    eventually("it was refused", || catcher.refused() > 0);
    eventually("it waits", || counts(&server, "mail_queue_letters 1"));
    server.stop();
    catcher.refuse(false);
    server.start_again();
    let mail = catcher.mail();
    follow(&server, &mail, "verify-email", json!({})).expect(204);
    eventually("nothing waits", || counts(&server, "mail_queue_letters 0"));
    assert!(catcher.is_empty(), "once");
}

#[test]
fn without_a_mail_server_mail_lies_in_a_folder() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let body = json!({ "email": alice.email });
    server.ask(None, "POST", "/auth/forgot-password", Some(&body)).expect(202);
    let folder = server.data_dir().join("mail");
    let mails = || -> Vec<_> { std::fs::read_dir(&folder).into_iter().flatten().flatten().collect() };
    let is_mail = |path: &std::path::Path| path.extension().is_some_and(|extension| extension == "eml");
    eventually("a file", || mails().iter().any(|file| is_mail(&file.path())));
    let text = std::fs::read_to_string(mails()[0].path()).expect("a mail");
    assert!(text.contains("Subject: Choose a new password") && text.contains("/app/#/reset-password/"));
}

#[test]
fn what_mail_lacks_is_said_before_the_start() {
    let smtp = ("CHAT_SMTP_URL", "smtps://chat:hunter2@mail.example.com");
    for (environment, name) in [
        (vec![smtp], "CHAT_MAIL_FROM"),
        (
            vec![smtp, ("CHAT_MAIL_FROM", "nobody"), ("PUBLIC_URL", "https://chat.example.com")],
            "CHAT_MAIL_FROM",
        ),
        (vec![("CHAT_EMAIL_VERIFICATION", "required"), ("CHAT_MAIL", "off")], "CHAT_EMAIL_VERIFICATION"),
    ] {
        let output = run(&["check-config"], &environment);
        assert_eq!(output.status.code(), Some(78), "{}", complaint(&output));
        let said = complaint(&output);
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
    let whole = [smtp, ("CHAT_MAIL_FROM", "chat@example.com"), ("PUBLIC_URL", "https://chat.example.com")];
    let data = tempfile::tempdir().expect("a folder");
    let folder = ("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8"));
    for command in ["check-config", "migrate"] {
        let output = run(&[command], &[&whole[..], &[folder]].concat());
        assert!(output.status.success(), "{command}: {}", complaint(&output));
    }
    assert!(SmtpUrl::parse("smtps://mail.example.com").is_ok());
    assert_eq!(Duration::from_secs(30), chat::settings::MailSettings::default().timeout);
}
