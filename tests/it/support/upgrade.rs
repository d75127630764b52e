//! The upgrade to a WebSocket, with any headers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;
use super::client::TestClient;
use super::http::Answer;
use super::wire::Wire;

/// A handshake in the making.
pub struct Upgrade {
    server: SocketAddr,
    path: String,
    headers: Vec<(String, String)>,
    receive_buffer: Option<usize>,
}

/// What the server made of it.
pub enum Upgraded {
    Open(TestClient),
    Refused(Answer),
}

impl Upgrade {
    pub fn new(server: SocketAddr) -> Self {
        Self { server, path: "/ws".to_owned(), headers: Vec::new(), receive_buffer: None }
    }

    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn origin(self, origin: &str) -> Self {
        self.header("origin", origin)
    }

    pub fn protocols(self, names: &str) -> Self {
        self.header("sec-websocket-protocol", names)
    }

    /// As a browser does it.
    pub fn ticket(self, ticket: &str) -> Self {
        self.protocols(&format!("chat.v1.json, ticket.{ticket}"))
    }

    /// Bytes that the kernel takes in while nobody reads.
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let socket =
            socket2::Socket::new(socket2::Domain::for_address(self.server), socket2::Type::STREAM, None)?;
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect_timeout(&self.server.into(), PATIENCE)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(socket.into())
    }

    /// Asks for the upgrade.
    pub fn ask(self) -> io::Result<Upgraded> {
        let mut stream = self.connect()?;
        let Self { server, path, headers, .. } = &self;
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            let mut chunk = [0; 4_096];
            match stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        };
        let switched = Answer::parse(&bytes[..end]).is_ok_and(|answer| answer.status == 101);
        if !switched {
            // The server keeps the connection for the next request; only the body is of interest.
            let answer = loop {
                match Answer::parse(&bytes) {
                    Ok(answer) => break answer,
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                    Err(error) => return Err(error),
                }
                let mut chunk = [0; 4_096];
                match stream.read(&mut chunk)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => bytes.extend_from_slice(&chunk[..read]),
                }
            };
            return Ok(Upgraded::Refused(answer));
        }
        let answer = Answer::parse(&bytes[..end])?;
        // RFC 6455 4.2.2: the answer to the key above.
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let protocol = answer.header("sec-websocket-protocol").map(str::to_owned);
        Ok(Upgraded::Open(TestClient::new(Wire::new(stream, bytes.split_off(end)), protocol)))
    }

    /// A socket, whatever comes on it.
    #[track_caller]
    pub fn open(self) -> TestClient {
        match self.ask().expect("the server answers") {
            Upgraded::Open(client) => client,
            Upgraded::Refused(answer) => panic!("not upgraded: {answer:?}"),
        }
    }

    /// The answer to an upgrade that must be refused over HTTP.
    #[track_caller]
    pub fn refused(self) -> Answer {
        match self.ask().expect("the server answers") {
            Upgraded::Open(_) => panic!("upgraded, and should not have been"),
            Upgraded::Refused(answer) => answer,
        }
    }

    /// A socket that is signed in: `hello`, `ready` and `heads` have come.
    #[track_caller]
    pub fn ready(self) -> TestClient {
        let mut client = self.open();
        client.greeted();
        client
    }
}
