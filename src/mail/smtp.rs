//! Mail to a server that speaks SMTP: what installations use.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Mail, Mailer, NotSent, Sender, message};

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the first byte.
    Tls,
    /// Before anything else is said; a server that does not offer it gets no mail.
    StartTls,
    None,
}

/// The mail server.
pub struct Relay<'a> {
    pub host: &'a str,
    pub port: u16,
    pub security: Security,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// Certificates (PEM) that sign the server's own, instead of those known to everybody.
    pub roots: Option<Vec<u8>>,
    /// How long the server may take for each answer.
    pub timeout: Duration,
}

/// Sends to one server, over connections that stay open for a while.
pub struct SmtpMailer {
    from: Sender,
    builder: AsyncSmtpTransportBuilder,
    /// Made with the first mail: it needs a runtime, and who only checks the settings has none.
    transport: OnceLock<AsyncSmtpTransport<Tokio1Executor>>,
    /// For a whole mail.
    timeout: Duration,
}

impl SmtpMailer {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// When the certificates cannot be used.
    pub fn new(relay: Relay<'_>, from: Sender) -> Result<Self, String> {
        let tls = match relay.security {
            Security::None => Tls::None,
            Security::Tls => Tls::Wrapper(parameters(&relay)?),
            Security::StartTls => Tls::Required(parameters(&relay)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(relay.host)
            .port(relay.port)
            .tls(tls)
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .timeout(Some(relay.timeout));
        if let Some((user, password)) = relay.credentials {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { from, builder, transport: OnceLock::new(), timeout: relay.timeout })
    }
}

fn parameters(relay: &Relay<'_>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(relay.host.to_owned());
    if let Some(roots) = &relay.roots {
        let roots = Certificate::from_pem(roots).map_err(|error| error.to_string())?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(roots);
    }
    builder.build().map_err(|error| error.to_string())
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), NotSent>> {
        async move {
            let message = message(&self.from, &mail)?;
            let transport = self.transport.get_or_init(|| self.builder.clone().build());
            match tokio::time::timeout(self.timeout, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(NotSent(cause(&error))),
                Err(_) => Err(NotSent("the mail server did not answer in time".into())),
            }
        }
        .boxed()
    }
}

/// What the server said may repeat the address, which belongs in no log: its number is told.
fn cause(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server refused with {code}"),
        None => format!("the mail server: {error}"),
    }
}
