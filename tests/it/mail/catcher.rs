//! A mail server that keeps what it gets: plain, with TLS, or with STARTTLS; it can be away, or
//! refuse.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Plain,
    Tls,
    StartTls,
    /// Says that it cannot, whatever the client wants.
    NoStartTls,
}

/// A mail that came.
#[derive(Clone, Debug)]
pub struct Caught {
    pub to: String,
    pub raw: String,
    pub is_secret: bool,
    /// User and password, where they were told.
    pub credentials: Option<String>,
}

impl Caught {
    /// The part in plain text, without the line breaks of its encoding.
    pub fn text(&self) -> String {
        let part = self.raw.split("text/plain").nth(1).expect("a part in plain text");
        part.replace("=\r\n", "").replace("=3D", "=")
    }

    /// What the link to `action` carries.
    #[track_caller]
    pub fn token(&self, action: &str) -> String {
        let text = self.text();
        let start = format!("https://chat.example.com/app/#/{action}/");
        let Some((_, rest)) = text.split_once(&start) else { panic!("no {action} in {text}") };
        rest.split_whitespace().next().expect("a token").to_owned()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.raw.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.raw)).trim_end().to_owned()
    }
}

struct Shared {
    manner: Manner,
    tls: Option<Arc<ServerConfig>>,
    mails: Mutex<mpsc::Sender<Caught>>,
    refuses: AtomicBool,
    refused: AtomicUsize,
}

/// The server; dropped it hears nobody any more.
pub struct Catcher {
    port: u16,
    shared: Arc<Shared>,
    mails: mpsc::Receiver<Caught>,
    folder: TempDir,
}

impl Catcher {
    pub fn start(manner: Manner) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tls = matches!(manner, Manner::Tls | Manner::StartTls).then(|| certified(&folder));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (sender, mails) = mpsc::channel();
        let shared = Arc::new(Shared {
            manner,
            tls,
            mails: Mutex::new(sender),
            refuses: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        });
        let serving = Arc::downgrade(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Accepted, and nobody is there any more: the test is over.
                let Some(shared) = serving.upgrade() else { return };
                let Ok(stream) = stream else { return };
                thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { port, shared, mails, folder }
    }

    pub fn url(&self) -> String {
        let (scheme, user) = match self.shared.manner {
            Manner::Plain => ("smtp", ""),
            Manner::Tls => ("smtps", "chat:p%40ss@"),
            Manner::StartTls | Manner::NoStartTls => ("smtp+starttls", ""),
        };
        format!("{scheme}://{user}localhost:{}", self.port)
    }

    /// Who signed its certificate.
    pub fn authority(&self) -> Option<PathBuf> {
        self.shared.tls.is_some().then(|| self.folder.path().join("authority.pem"))
    }

    /// Whether every mail is answered "later".
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }

    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// The next mail.
    #[track_caller]
    pub fn mail(&self) -> Caught {
        self.mails.recv_timeout(PATIENCE).expect("a mail comes")
    }

    /// The next mail to this address; others are passed over.
    #[track_caller]
    pub fn mail_to(&self, address: &str) -> Caught {
        loop {
            let mail = self.mail();
            if mail.to == address {
                return mail;
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.mails.try_recv().is_err()
    }
}

fn certified(folder: &TempDir) -> Arc<ServerConfig> {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("authority.pem"), signed.cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(signed.cert.der().to_vec())], key)
        .expect("a certificate with its key");
    Arc::new(config)
}

fn encrypted(shared: &Shared, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let config = shared.tls.clone().expect("asked for in this manner only");
    StreamOwned::new(ServerConnection::new(config).expect("a connection"), stream)
}

fn serve(shared: &Shared, mut stream: TcpStream) {
    match shared.manner {
        Manner::Tls => drop(talk(shared, &mut encrypted(shared, stream), true, true)),
        Manner::StartTls => {
            if talk(shared, &mut stream, false, true) == Some(Next::Tls) {
                talk(shared, &mut encrypted(shared, stream), true, false);
            }
        }
        Manner::Plain | Manner::NoStartTls => drop(talk(shared, &mut stream, false, true)),
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Tls,
    End,
}

/// `None` when the client is gone.
fn talk(shared: &Shared, stream: &mut (impl Read + Write), is_secret: bool, greets: bool) -> Option<Next> {
    let mut stream = BufReader::new(stream);
    let mut credentials = None;
    let mut to = String::new();
    if greets {
        say(&mut stream, "220 catcher")?;
    }
    loop {
        let line = hear(&mut stream)?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word.to_ascii_uppercase().as_str() {
            "EHLO" if shared.manner == Manner::StartTls && !is_secret => {
                say(&mut stream, "250-catcher\r\n250 STARTTLS")?;
            }
            "EHLO" => say(&mut stream, "250-catcher\r\n250 AUTH PLAIN")?,
            "STARTTLS" if shared.manner == Manner::StartTls => {
                say(&mut stream, "220 go ahead")?;
                return Some(Next::Tls);
            }
            "AUTH" => {
                let told = STANDARD.decode(rest.trim_start_matches("PLAIN ")).expect("base64");
                credentials =
                    Some(String::from_utf8(told).expect("text").replace('\0', " ").trim().to_owned());
                say(&mut stream, "235 welcome")?;
            }
            "RCPT" => {
                let address = rest.split(['<', '>']).nth(1).unwrap_or_default();
                address.clone_into(&mut to);
                if shared.refuses.load(Ordering::SeqCst) {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    say(&mut stream, "451 later")?;
                } else {
                    say(&mut stream, "250 fine")?;
                }
            }
            "DATA" => {
                say(&mut stream, "354 go on")?;
                let mut raw = String::new();
                loop {
                    match hear(&mut stream)?.as_str() {
                        "." => break,
                        line => raw.extend([line.strip_prefix('.').unwrap_or(line), "\r\n"]),
                    }
                }
                let mail = Caught { to: to.clone(), raw, is_secret, credentials: credentials.clone() };
                let _over = shared.mails.lock().expect("nobody panics in here").send(mail);
                say(&mut stream, "250 kept")?;
            }
            "MAIL" | "RSET" | "NOOP" => say(&mut stream, "250 fine")?,
            "QUIT" => {
                say(&mut stream, "221 bye")?;
                return Some(Next::End);
            }
            _ => say(&mut stream, "502 what")?,
        }
    }
}

fn say<S: Read + Write>(stream: &mut BufReader<S>, line: &str) -> Option<()> {
    let stream = stream.get_mut();
    stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| stream.flush()).ok()
}

fn hear(stream: &mut BufReader<impl Read>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
