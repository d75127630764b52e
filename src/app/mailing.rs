//! Which way mail leaves, and the courier who carries it there.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::metered;
use crate::auth::courier::Counts;
use crate::auth::{Courier, Post};
use crate::clock::SharedClock;
use crate::mail::file::{FolderMailer, LogMailer};
use crate::mail::smtp::{Relay, Security, SmtpMailer};
use crate::mail::{Mailer, Sender};
use crate::settings::{MailTransport, Settings, SmtpSecurity, SmtpUrl};
use crate::store::Store;
use crate::telemetry::Sample;

/// How long letters under way may take at the end. Others wait for the next start, or another
/// process.
const CLOSE: Duration = Duration::from_secs(3);

/// What the installation writes to people with.
pub(super) struct Mailing {
    pub post: Post,
    clock: SharedClock,
    counts: Arc<Counts>,
    courier: Option<(Arc<Notify>, JoinHandle<()>)>,
}

impl Mailing {
    /// Starts the courier, where mail goes anywhere.
    ///
    /// # Errors
    /// One line that names the setting.
    pub(super) fn start(
        settings: &Settings,
        store: Arc<dyn Store>,
        clock: &SharedClock,
    ) -> Result<Self, String> {
        let mailer = mailer(settings)?;
        let post = Post::new(clock.clone(), mailer.is_some());
        let counts = Arc::<Counts>::default();
        let courier = mailer.map(|mailer| {
            let courier = Courier {
                store,
                clock: clock.clone(),
                mailer,
                post: post.clone(),
                page: page(settings),
                mail: settings.mail.clone(),
                accounts: settings.accounts.clone(),
                counts: counts.clone(),
            };
            let stop = Arc::<Notify>::default();
            (stop.clone(), tokio::spawn(courier.work(stop)))
        });
        Ok(Self { post, clock: clock.clone(), counts, courier })
    }

    /// What it counts; where no mail is sent, nothing.
    pub(super) fn samples(&self) -> Vec<Sample> {
        metered::mail(&self.counts, &self.clock)
    }

    /// Waits for what is under way.
    pub(super) async fn close(self) {
        let Some((stop, mut courier)) = self.courier else { return };
        stop.notify_one();
        if tokio::time::timeout(CLOSE, &mut courier).await.is_err() {
            // Its letters are due again when the lease is over.
            courier.abort();
        }
    }
}

/// Reads what mail needs, as far as it can be known without sending any.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    mailer(settings).map(drop)
}

fn mailer(settings: &Settings) -> Result<Option<Arc<dyn Mailer>>, String> {
    let from = settings.mail.from.as_deref().unwrap_or("Chat <chat@localhost>");
    let from = Sender::parse(from).map_err(|why| format!("CHAT_MAIL_FROM: {why}"))?;
    Ok(match (settings.mail.goes_by(settings.environment), &settings.mail.smtp_url) {
        (MailTransport::Smtp, Some(url)) => Some(Arc::new(smtp(settings, url, from)?)),
        (MailTransport::Folder, _) => Some(Arc::new(FolderMailer::new(settings.data_dir.join("mail"), from))),
        (MailTransport::Log, _) => Some(Arc::new(LogMailer)),
        _ => None,
    })
}

fn smtp(settings: &Settings, url: &SmtpUrl, from: Sender) -> Result<SmtpMailer, String> {
    let roots = settings.mail.smtp_ca_file.as_ref().map(|path| {
        fs::read(path).map_err(|cause| format!("CHAT_SMTP_CA_FILE: {}: {cause}", path.display()))
    });
    let plain = |secret: &crate::settings::Secret| String::from_utf8_lossy(secret.expose()).into_owned();
    let relay = Relay {
        host: &url.host,
        port: url.port,
        security: match url.security {
            SmtpSecurity::Tls => Security::Tls,
            SmtpSecurity::StartTls => Security::StartTls,
            SmtpSecurity::None => Security::None,
        },
        credentials: url.user.clone().zip(url.password.as_ref().map(plain)),
        roots: roots.transpose()?,
        timeout: settings.mail.timeout,
    };
    SmtpMailer::new(relay, from).map_err(|why| format!("CHAT_SMTP_CA_FILE: {why}"))
}

fn page(settings: &Settings) -> String {
    let set = settings.mail.page_url.clone().or_else(|| settings.public_url.clone());
    set.unwrap_or_else(|| format!("http://localhost:{}", settings.port))
}
