//! WebSocket frames over a plain connection, from the client's side. It can write what no library
//! would, and it reads strictly: what RFC 6455 forbids a server fails the test.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

const FIN: u8 = 0x80;
const MASK: [u8; 4] = [0x5a, 0xc3, 0x01, 0xfe];

/// One frame of the server.
#[derive(Debug)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

/// What reading comes to.
#[derive(Debug)]
pub enum Seen {
    Frame(Frame),
    /// Nothing within the time.
    Silence,
    /// The connection ended.
    End,
}

/// One frame of a client, masked.
pub fn encode(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The header of a masked frame that announces `length` bytes.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | u8::try_from(length).expect("small")),
        126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).expect("small").to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// The first byte of a whole frame.
pub const fn whole(opcode: u8) -> u8 {
    FIN | opcode
}

/// A connection after its upgrade.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// `rest` came together with the answer to the upgrade.
    pub fn new(stream: TcpStream, rest: Vec<u8>) -> Self {
        Self { stream, buffer: rest }
    }

    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Any bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next frame, as long as one comes within the time.
    pub fn read(&mut self, within: Duration) -> Seen {
        let end = Instant::now() + within;
        loop {
            if let Some(frame) = self.decode() {
                return Seen::Frame(frame);
            }
            // A time of zero would mean none.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left)).expect("a time above zero");
            let mut chunk = [0; 16_384];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Seen::End,
                Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        if Instant::now() >= end {
                            return Seen::Silence;
                        }
                    }
                    io::ErrorKind::Interrupted => {}
                    _ => return Seen::End,
                },
            }
        }
    }

    fn decode(&mut self) -> Option<Frame> {
        let [first, second] = *self.buffer.first_chunk()?;
        assert_eq!(first & 0xf0, FIN, "this server neither fragments nor extends: {first:#x}");
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (start, length) = match second {
            126 => {
                let [_, _, a, b] = *self.buffer.first_chunk()?;
                let length = u64::from(u16::from_be_bytes([a, b]));
                assert!(length > 125, "the length has a shorter form");
                (4, length)
            }
            127 => {
                let [_, _, rest @ ..]: [u8; 10] = *self.buffer.first_chunk()?;
                let length = u64::from_be_bytes(rest);
                assert!(length > 0xffff, "the length has a shorter form");
                (10, length)
            }
            short => (2, u64::from(short)),
        };
        let opcode = first & 0x0f;
        assert!(opcode < CLOSE || length <= 125, "a control frame is short");
        let end = start + usize::try_from(length).expect("fits");
        let payload = self.buffer.get(start..end)?.to_vec();
        self.buffer.drain(..end);
        Some(Frame { opcode, payload })
    }
}
