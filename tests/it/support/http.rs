//! HTTP as little of it as the tests need: one request on one connection, all of the answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The code of a problem, which must have this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        super::text(&self.expect(status), "code")
    }

    /// From the whole of an answer, or of its head.
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(wrong)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        let headers: Vec<_> = lines.filter_map(header).collect();
        let body = &bytes[end + 4..];
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if let Some(length) = length.and_then(|(_, length)| length.parse::<usize>().ok())
            && body.len() < length
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let body = String::from_utf8(body.to_vec()).map_err(|_| wrong())?;
        Ok(Self { status: status.ok_or_else(wrong)?, headers, body })
    }
}

/// An answer whose body need not be text.
#[derive(Debug)]
pub struct Raw {
    /// Without the body.
    pub head: Answer,
    pub bytes: Vec<u8>,
}

/// Sends a body of any kind, and reads an answer of any kind to its end.
pub fn ask_raw(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Raw> {
    let mut stream = TcpStream::connect_timeout(&server, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    request += "\r\n";
    stream.write_all(request.as_bytes())?;
    // Whoever refuses a body need not read all of it.
    let _refused = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(wrong)? + 4;
    let bytes = answer.split_off(end);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // Its length is checked here, as the head is parsed alone.
    let head = String::from_utf8_lossy(&answer).replace("content-length", "length");
    let mut head = Answer::parse(head.as_bytes())?;
    if method != "HEAD" && head.header("length").is_some_and(|length| length.parse() != Ok(bytes.len())) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    head.body = text;
    Ok(Raw { head, bytes })
}

/// Asks, and reads the answer to its end.
pub fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    match body {
        Some(body) => {
            let body = body.to_string();
            let length = body.len();
            request += &format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        }
        None => request += "\r\n",
    }
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Answer::parse(&answer)
}
