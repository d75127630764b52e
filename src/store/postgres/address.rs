//! Where the database is, and how the way there is protected: a URL, read once at the start.
//! Knows no table and makes no connection. Next: [`super::connection`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What an idle connection is probed by, and how long unacknowledged data is waited for: a server
/// that is gone without a word is noticed within half a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
const USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a URL cannot be used. Never repeats it: there may be a password in it.
#[derive(Debug, Error)]
pub enum AddressError {
    #[error("is no address of a PostgreSQL database: {0}")]
    Url(String),
    #[error("names no host: write postgres://USER:PASSWORD@HOST/DATABASE")]
    NoHost,
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    #[error("sslmode=verify-ca needs sslrootcert=/path/to/ca.pem")]
    NoRoots,
    #[error("sslrootcert: {}: {cause}", path.display())]
    Roots { path: PathBuf, cause: String },
}

/// How the server is known to be the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Not at all; at most what is said is hidden from listeners.
    Anyone,
    /// Its certificate was signed by one of the roots.
    Issuer,
    /// And is for the host's name.
    IssuerAndName,
}

/// A database's address with everything needed to connect.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

/// Hosts, port and database, without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, host) in self.config.get_hosts().iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "," })?;
            match host {
                tokio_postgres::config::Host::Tcp(name) => f.write_str(name)?,
                tokio_postgres::config::Host::Unix(path) => write!(f, "{}", path.display())?,
            }
            let ports = self.config.get_ports();
            if let Some(port) = ports.get(n).or_else(|| ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        match self.config.get_dbname() {
            Some(name) => write!(f, "/{name}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl Address {
    /// Reads `postgres://` or `postgresql://` with its parts percent-encoded. `sslmode` and
    /// `sslrootcert` mean what they mean to libpq, except that the roots of the web stand in for
    /// an absent `sslrootcert`; the other parameters are those of `tokio_postgres`. Reads the
    /// file of roots.
    ///
    /// # Errors
    /// When it is no such URL, names no host, or its roots cannot be read.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (url, mode, roots) = without_tls(url)?;
        let mut config: Config = url.parse().map_err(|error| AddressError::Url(full(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost);
        }
        let (ssl, trust) = match mode.as_deref().unwrap_or("prefer") {
            "disable" => (SslMode::Disable, Trust::Anyone),
            "prefer" => (SslMode::Prefer, Trust::Anyone),
            // As with libpq, who gives roots wants them used.
            "require" if roots.is_some() => (SslMode::Require, Trust::Issuer),
            "require" => (SslMode::Require, Trust::Anyone),
            "verify-ca" if roots.is_none() => return Err(AddressError::NoRoots),
            "verify-ca" => (SslMode::Require, Trust::Issuer),
            "verify-full" => (SslMode::Require, Trust::IssuerAndName),
            _ => return Err(AddressError::SslMode),
        };
        config.ssl_mode(ssl);
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
        config.keepalives_retries(KEEPALIVE_RETRIES);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(USER_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("chat");
        }
        // Of several hosts the one that writes; one that only reads is of no use.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = tls(trust, roots.as_deref())?;
        Ok(Self { config, tls })
    }
}

/// Takes out of the query what `tokio_postgres` does not know.
fn without_tls(url: &str) -> Result<(String, Option<String>, Option<PathBuf>), AddressError> {
    let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), None, None)) };
    let (mut mode, mut roots, mut kept) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(decoded(value)?),
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decoded(value)?)),
            _ => kept.push(pair),
        }
    }
    Ok((format!("{address}?{}", kept.join("&")), mode, roots))
}

fn decoded(value: &str) -> Result<String, AddressError> {
    let wrong = || AddressError::Url("a percent sign begins two hexadecimal digits of UTF-8".into());
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).map_err(|_| wrong())?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
                after
            }
            (b'%', _) => return Err(wrong()),
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// An error with its causes, on one line.
pub(super) fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.replace(['\n', '\r'], " ")
}

fn tls(trust: Trust, roots: Option<&Path>) -> Result<MakeRustlsConnect, AddressError> {
    // Several libraries bring a provider of their own; whoever comes first decides, and that is us
    // or someone who decided the same.
    let _already = aws_lc_rs::default_provider().install_default();
    if trust == Trust::IssuerAndName && roots.is_none() {
        return Ok(MakeRustlsConnect::with_webpki_roots());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| AddressError::Url(error.to_string()))?;
    let verifier: Arc<dyn ServerCertVerifier> = match roots {
        None => Arc::new(Anyone(provider)),
        Some(path) => {
            let wrong = |cause: String| AddressError::Roots { path: path.to_owned(), cause };
            let roots = Arc::new(read_roots(path)?);
            let known = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| wrong(error.to_string()))?;
            if trust == Trust::IssuerAndName { known } else { Arc::new(Issuer(known)) }
        }
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // What a server asks for when TLS comes before everything else (`sslnegotiation=direct`).
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn read_roots(path: &Path) -> Result<RootCertStore, AddressError> {
    let wrong = |cause: String| AddressError::Roots { path: path.to_owned(), cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("holds no certificate".into())) } else { Ok(roots) }
}

/// Believes every certificate: `sslmode=prefer` and `require` promise secrecy, not identity.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Believes certificates of known issuers, whatever host they are for: `sslmode=verify-ca`.
#[derive(Debug)]
struct Issuer(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Issuer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::Error::InvalidCertificate;
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last, when everything else was found right.
            Err(InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_percent_decoded_and_no_secret_is_shown() {
        let address = Address::parse(
            "postgresql://us%40er:p%2Fa%20ss@db.example.com:6432/my%20chat?sslmode=require&options=-cgeqo%3Doff",
        )
        .expect("valid");
        assert_eq!(address.config.get_user(), Some("us@er"));
        assert_eq!(address.config.get_password(), Some("p/a ss".as_bytes()));
        assert_eq!(address.config.get_options(), Some("-cgeqo=off"));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.to_string(), "db.example.com:6432/my chat");
        assert!(!format!("{address:?}").contains("ss@"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_password() {
        for (url, part) in [
            ("postgres://u:hunter2@h:port/db", "port"),
            ("postgres://u:hunter2@h/db?sslmode=maybe", "sslmode"),
            ("postgres://u:hunter2@h/db?sslmode=verify-ca", "sslrootcert"),
            ("postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/no/such.pem", "/no/such.pem"),
            ("postgres://u:hunter2@h/db?sslmode=require&sslrootcert=%2", "percent"),
            ("postgres://u:hunter2@h/db?colour=red", "colour"),
            ("postgres:///db?user=u&password=hunter2", "names no host"),
            ("mysql://u:hunter2@h/db", ""),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.contains(part) && !error.contains("hunter2"), "{url}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_socket_and_several_hosts_are_addresses_too() {
        let socket = Address::parse("postgres://chat@%2Frun%2Fpostgresql/chat").expect("valid");
        assert_eq!(socket.to_string(), "/run/postgresql:5432/chat");
        let two = Address::parse("postgres://chat@a:1,b:2/chat?sslmode=verify-full").expect("valid");
        assert_eq!(two.to_string(), "a:1,b:2/chat");
    }
}
