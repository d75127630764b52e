//! Where mail ends in these stories.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use chat::mail::{Mail, Mailer, NotSent};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

/// Takes mail, unless it is broken.
#[derive(Default)]
pub struct Outbox {
    mails: Mutex<Vec<Mail>>,
    broken: AtomicBool,
}

impl Outbox {
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.mails.lock().unwrap())
    }

    pub fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

impl Mailer for Outbox {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), NotSent>> {
        let sent = if self.broken.load(Ordering::SeqCst) {
            Err(NotSent("nobody is there".into()))
        } else {
            self.mails.lock().unwrap().push(mail);
            Ok(())
        };
        ready(sent).boxed()
    }
}

/// What the link of a mail to `action` carries.
#[track_caller]
pub fn token(mail: &Mail, action: &str) -> String {
    let text = mail.words.text();
    let start = format!("https://chat.example.com/app/#/{action}/");
    let Some((_, rest)) = text.split_once(&start) else { panic!("no {action} in {text}") };
    rest.split_whitespace().next().expect("a token").to_owned()
}
