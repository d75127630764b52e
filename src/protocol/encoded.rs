//! A server frame ready for the socket: encoded once, shared by all who get it.

use bytes::Bytes;
use serde::Serialize;

/// The longest header of an unmasked WebSocket frame.
const HEADER: usize = 10;

/// One unmasked WebSocket text frame (RFC 6455 5.2): header and JSON in one piece of memory, so
/// that a broadcast is encoded once per room and process and written to each socket as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    frame: Bytes,
    header: u8,
}

impl Encoded {
    /// Serialises `envelope`.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(envelope: &T) -> Self {
        // Room for the header is left in front and filled from the right once the length is known.
        let mut buffer = Vec::with_capacity(HEADER + 256);
        buffer.resize(HEADER, 0);
        // The shapes of `protocol::server` have string keys and finite numbers only, which is all
        // that serialising to memory can fail on.
        serde_json::to_writer(&mut buffer, envelope).expect("plain data serialises");
        let length = buffer.len() - HEADER;
        let mut header = [0_u8; HEADER];
        let used = write_header(&mut header, length);
        let start = HEADER - used;
        for (to, from) in buffer.iter_mut().skip(start).zip(header.iter().take(used)) {
            *to = *from;
        }
        let frame = Bytes::from(buffer).slice(start..);
        Self { frame, header: u8::try_from(used).unwrap_or(0) }
    }

    /// The whole frame as it goes to the socket.
    #[must_use]
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// A copy in memory of its own: its reference count is then not shared with other threads.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { frame: Bytes::copy_from_slice(&self.frame), header: self.header }
    }

    /// The JSON inside.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.frame.slice(usize::from(self.header)..)
    }
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.payload()))
    }
}

/// Writes FIN + text and the length in its shortest form; answers the bytes used.
fn write_header(header: &mut [u8; HEADER], length: usize) -> usize {
    const TEXT: u8 = 0x81;
    let [first, second, rest @ ..] = header;
    *first = TEXT;
    if let Ok(short) = u8::try_from(length)
        && short <= 125
    {
        *second = short;
        2
    } else if let Ok(medium) = u16::try_from(length) {
        *second = 126;
        rest.iter_mut().zip(medium.to_be_bytes()).for_each(|(to, from)| *to = from);
        4
    } else {
        *second = 127;
        *rest = (length as u64).to_be_bytes();
        HEADER
    }
}

/// Control frames (RFC 6455 5.5), unmasked: at most 125 bytes of payload.
pub mod control {
    use bytes::{BufMut, Bytes, BytesMut};

    use crate::protocol::CloseCode;

    /// Keeps proxies from taking the connection for dead.
    #[must_use]
    pub const fn ping() -> Bytes {
        Bytes::from_static(&[0x89, 0])
    }

    /// Answers a ping. A payload above 125 bytes is no valid ping and is cut.
    #[must_use]
    pub fn pong(payload: &[u8]) -> Bytes {
        frame(0x8a, payload.get(..125).unwrap_or(payload))
    }

    /// Ends the connection.
    #[must_use]
    pub fn close(code: CloseCode) -> Bytes {
        close_with(code.number(), code.reason())
    }

    /// Echoes the peer's own code; `reason` below 124 bytes.
    #[must_use]
    pub fn close_with(number: u16, reason: &str) -> Bytes {
        let mut payload = number.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        frame(0x88, &payload)
    }

    /// A whole message of any length, for the echo endpoint.
    #[cfg(feature = "ws-echo")]
    #[must_use]
    pub fn data(text: bool, payload: &[u8]) -> Bytes {
        let mut header = [0; super::HEADER];
        let used = super::write_header(&mut header, payload.len());
        let mut frame = BytesMut::with_capacity(used + payload.len());
        frame.extend(header.iter().take(used));
        frame.extend_from_slice(payload);
        if !text && let Some(first) = frame.first_mut() {
            *first = 0x82;
        }
        frame.freeze()
    }

    fn frame(first: u8, payload: &[u8]) -> Bytes {
        let mut frame = BytesMut::with_capacity(2 + payload.len());
        frame.put_u8(first);
        frame.put_u8(u8::try_from(payload.len()).unwrap_or(0));
        frame.put_slice(payload);
        frame.freeze()
    }
}

#[cfg(test)]
mod tests {
    use actix_codec::Decoder;
    use actix_http::ws::{Codec, Frame};
    use bytes::BytesMut;

    use super::*;

    #[test]
    fn any_length_is_read_back_by_an_independent_codec() {
        for length in [0, 1, 122, 123, 124, 125, 126, 127, 65_530, 65_533, 65_534, 70_000] {
            let text = "x".repeat(length);
            let encoded = Encoded::json(&text);
            let mut codec = Codec::new().client_mode().max_size(1 << 20);
            let mut bytes = BytesMut::from(&encoded.frame()[..]);
            let frame = codec.decode(&mut bytes).expect("valid").expect("whole");
            assert_eq!(frame, Frame::Text(encoded.payload()), "{length}");
            assert_eq!(encoded.payload().len(), length + 2);
            assert!(bytes.is_empty());
        }
    }
}
