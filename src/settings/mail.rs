//! Mail: where it goes, and the address of the server that takes it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::address::{decoded, host_and_port};
use super::table::group;
use super::value::{Bounds, Secret, Value};
use super::{EmailVerification, Environment, SettingError, Settings};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

group! {
    /// Mail to the people of this installation.
    MailSettings {
        /// Where mail goes: `smtp` to the server of `CHAT_SMTP_URL`; `folder` into files in `mail` in the data folder; `log` into the log, links and all, for development on one's own machine; `off` nowhere. `auto` is `smtp` where `CHAT_SMTP_URL` is set, else `folder` in development and tests and `off` in staging and production.
        transport: MailTransport = MailTransport::Auto, ["CHAT_MAIL"], "";
        /// The mail server: `smtps://[user:password@]host[:port]` for TLS from the first byte (port 465), `smtp+starttls://` for TLS before anything else is said (port 587), `smtp://` without TLS (port 25), in development and tests only. Marks in the user and the password are percent-encoded.
        smtp_url: Option<SmtpUrl> = None, ["CHAT_SMTP_URL"], "";
        /// A file with the certificates (PEM) that sign the mail server's certificate, instead of those known to everybody.
        smtp_ca_file: Option<PathBuf> = None, ["CHAT_SMTP_CA_FILE"], "";
        /// Whom mail is from, such as `Chat <chat@example.com>`. Needed for `smtp`.
        from: Option<String> = None, ["CHAT_MAIL_FROM"], "";
        /// Where the page is, such as `https://chat.example.com`: links in mails lead there. `PUBLIC_URL` when not set; one of them is needed for `smtp`.
        page_url: Option<String> = None, ["CHAT_PAGE_URL"], "";
        /// How long the mail server may take for one mail.
        timeout: Duration = secs(30), ["CHAT_MAIL_TIMEOUT_SECONDS"], "seconds", 1..=120;
        /// How often a process looks for mail that another one left.
        poll: Duration = secs(5), ["CHAT_MAIL_POLL_SECONDS"], "seconds", 1..=3_600;
        /// A mail that could not be delivered for so long is given up.
        give_up: Duration = secs(24 * 3_600), ["CHAT_MAIL_GIVE_UP_SECONDS"], "seconds", 60..=2_592_000;
    }
}

impl MailSettings {
    /// Where mail goes in this environment; never `Auto`.
    #[must_use]
    pub const fn goes_by(&self, environment: Environment) -> MailTransport {
        match (self.transport, &self.smtp_url) {
            (MailTransport::Auto, Some(_)) => MailTransport::Smtp,
            (MailTransport::Auto, None) if environment.is_served() => MailTransport::Off,
            (MailTransport::Auto, None) => MailTransport::Folder,
            (given, _) => given,
        }
    }
}

/// What of mail one setting alone cannot tell.
pub(super) fn validate(settings: &Settings) -> Result<(), SettingError> {
    let refuse = |name, why: &str| Err(SettingError::new(name, why));
    let MailSettings { smtp_url, smtp_ca_file, from, page_url, .. } = &settings.mail;
    if page_url.as_deref().is_some_and(|url| !super::is_origin(url.trim_end_matches('/'))) {
        return refuse("CHAT_PAGE_URL", "must be scheme://host or scheme://host:port, with http or https");
    }
    if smtp_ca_file.is_some() && !smtp_url.as_ref().is_some_and(|url| url.security != SmtpSecurity::None) {
        return refuse("CHAT_SMTP_CA_FILE", "is for a CHAT_SMTP_URL with TLS");
    }
    match (settings.mail.goes_by(settings.environment), smtp_url) {
        (MailTransport::Smtp, None) => {
            return refuse("CHAT_SMTP_URL", "is needed for CHAT_MAIL=smtp");
        }
        (MailTransport::Smtp, Some(url)) => {
            if settings.environment.is_served() && url.security == SmtpSecurity::None {
                return refuse("CHAT_SMTP_URL", "must begin with smtps or smtp+starttls: mail holds secrets");
            }
            if from.is_none() {
                return refuse("CHAT_MAIL_FROM", "is needed for mail by SMTP");
            }
            if page_url.is_none() && settings.public_url.is_none() {
                return refuse(
                    "CHAT_PAGE_URL",
                    "is needed for mail by SMTP, or PUBLIC_URL: links lead there",
                );
            }
        }
        (MailTransport::Off, _) if settings.accounts.email_verification == EmailVerification::Required => {
            return refuse(
                "CHAT_EMAIL_VERIFICATION",
                "required needs mail: set CHAT_SMTP_URL, or leave it off",
            );
        }
        (MailTransport::Log, _) if settings.environment.is_served() => {
            return refuse("CHAT_MAIL", "log writes secrets into the log: for development and tests only");
        }
        _ => {}
    }
    Ok(())
}

/// Where mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTransport {
    /// As the other settings have it.
    Auto,
    Off,
    Log,
    Folder,
    Smtp,
}

impl MailTransport {
    const ALL: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("off", Self::Off),
        ("log", Self::Log),
        ("folder", Self::Folder),
        ("smtp", Self::Smtp),
    ];
}

impl Value for MailTransport {
    const TYPE: &'static str = "`auto`, `off`, `log`, `folder`, `smtp`";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(word, _)| *word == raw);
        found.map(|(_, kind)| *kind).ok_or_else(|| "must be auto, off, log, folder or smtp".into())
    }

    fn show(&self) -> String {
        Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(word, _)| word).to_owned()
    }
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// With the first byte.
    Tls,
    /// Before anything else is said; a server that does not offer it is not used.
    StartTls,
    None,
}

/// The address of a mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub security: SmtpSecurity,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub host: String,
    pub port: u16,
}

impl SmtpUrl {
    /// # Errors
    /// What is wrong, without the address itself: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let form = || "must be smtps://[user:password@]host[:port], or smtp+starttls://".to_owned();
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        let (security, port) = match scheme {
            "smtps" => (SmtpSecurity::Tls, 465),
            "smtp+starttls" => (SmtpSecurity::StartTls, 587),
            "smtp" => (SmtpSecurity::None, 25),
            _ => return Err(form()),
        };
        // A password may hold an @ that somebody forgot to encode: the last one ends it.
        let (credentials, host) = match rest.rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, rest),
        };
        if host.contains(['?', '#']) {
            return Err("takes no ? and no #; in a password they are %3F and %23".to_owned());
        }
        let (host, port) = host_and_port(host.trim_end_matches('/'), port).ok_or_else(form)?;
        let (user, password) = match credentials {
            None => (None, None),
            Some(credentials) => {
                let (user, password) = credentials
                    .split_once(':')
                    .ok_or_else(|| "before the @ stands user:password".to_owned())?;
                let plain = |text| decoded(text).ok_or_else(|| "a % is followed by two digits".to_owned());
                (Some(plain(user)?), Some(Secret::new(plain(password)?)))
            }
        };
        Ok(Self { security, user, password, host, port })
    }
}

/// Without user and password.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({:?} {}:{})", self.security, self.host, self.port)
    }
}

impl Value for Option<SmtpUrl> {
    const TYPE: &'static str = "address";
    const SECRET: bool = true;

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        SmtpUrl::parse(raw).map(Some)
    }

    fn show(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::from_env(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    const SMTP: (&str, &str) = ("CHAT_SMTP_URL", "smtps://chat:hunter2@mail.example.com");
    const FROM: (&str, &str) = ("CHAT_MAIL_FROM", "Chat <chat@example.com>");
    const PAGE: (&str, &str) = ("CHAT_PAGE_URL", "https://chat.example.com");
    const SERVED: (&str, &str) = ("CHAT_ENV", "production");

    fn transport(pairs: &[(&str, &str)]) -> MailTransport {
        let settings = with(pairs).expect("valid");
        settings.mail.goes_by(settings.environment)
    }

    #[test]
    fn mail_goes_where_it_can_be_read() {
        assert_eq!(transport(&[]), MailTransport::Folder);
        assert_eq!(transport(&[SERVED]), MailTransport::Off);
        assert_eq!(transport(&[SERVED, SMTP, FROM, PAGE]), MailTransport::Smtp);
        assert_eq!(transport(&[SMTP, FROM, PAGE, ("CHAT_MAIL", "off")]), MailTransport::Off);
        assert_eq!(transport(&[("CHAT_MAIL", "log")]), MailTransport::Log);
    }

    #[test]
    fn mail_that_could_not_be_sent_or_would_be_read_by_others_is_refused() {
        let plain = ("CHAT_SMTP_URL", "smtp://mail.example.com");
        for (pairs, name) in [
            (&[("CHAT_MAIL", "smtp")] as &[_], "CHAT_SMTP_URL"),
            (&[("CHAT_EMAIL_VERIFICATION", "required"), SERVED], "CHAT_EMAIL_VERIFICATION"),
            (&[SMTP, PAGE], "CHAT_MAIL_FROM"),
            (&[SMTP, FROM], "CHAT_PAGE_URL"),
            (&[SERVED, plain, FROM, PAGE], "CHAT_SMTP_URL"),
            (&[SERVED, ("CHAT_MAIL", "log")], "CHAT_MAIL"),
            (&[("CHAT_PAGE_URL", "https://chat.example.com/app/")], "CHAT_PAGE_URL"),
            (&[plain, FROM, PAGE, ("CHAT_SMTP_CA_FILE", "/ca.pem")], "CHAT_SMTP_CA_FILE"),
            (&[("CHAT_MAIL", "pigeon")], "CHAT_MAIL"),
        ] {
            assert_eq!(with(pairs).expect_err(name).name, name);
        }
        with(&[plain, FROM, PAGE]).expect("nobody else listens on one's own machine");
    }

    #[test]
    fn addresses_say_when_tls_begins() {
        let parsed = |url| SmtpUrl::parse(url).expect(url);
        let url = parsed("smtps://chat%40example.com:p%3ass@mail.example.com");
        assert_eq!((url.security, url.port), (SmtpSecurity::Tls, 465));
        assert_eq!(url.user.as_deref(), Some("chat@example.com"));
        assert_eq!(url.password, Some(Secret::new("p:ss")));
        assert_eq!(parsed("smtp+starttls://mail.example.com").port, 587);
        let local = parsed("smtp://[::1]:1025/");
        assert_eq!((local.host.as_str(), local.port, local.security), ("::1", 1_025, SmtpSecurity::None));
        assert!(!format!("{url:?}").contains("p:ss"));
        for wrong in [
            "mail.example.com",
            "https://hunter2",
            "smtps://",
            "smtps://hunter2@host",
            "smtps://u:hunter2@host?tls=off",
            "smtps://u:hunter2%zz@host",
        ] {
            let why = SmtpUrl::parse(wrong).expect_err(wrong);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
