//! The WebSocket itself, and the only file that names a library for it.
//!
//! Reading: bytes of the request's payload become whole messages within limits, fragments joined,
//! text checked, violations named by their close code. Writing: the response's body hands the
//! connection whatever waits in the link's outbox; all of it leaves in one write. The session actor
//! stands beside both, so a peer that does not read never stops its session's timers.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_codec::Decoder;
use actix_http::ws::{Codec, Item};
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws::{Frame, HandshakeError, ProtocolError, handshake_with_protocols};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use futures_util::Stream;

use crate::actors::outbox::Next;
use crate::actors::{HubCore, Link};
use crate::protocol::CloseCode;

/// The longest header of a masked frame.
const HEADER: usize = 14;

/// Fragments of one message.
const FRAGMENTS: usize = 4_096;

/// What a peer sent, checked and whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// With the peer's own code, to be echoed.
    Close(Option<u16>),
    /// The peer broke the protocol or a limit.
    Violation(CloseCode),
}

/// Sizes a connection is held to.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    /// Bytes of a message, all fragments together.
    pub message: usize,
    /// Bytes of a message before the peer has proven who it is.
    pub unauthenticated: usize,
    /// Commands that may wait for an answer before reading stops.
    pub unanswered: usize,
}

/// A message of which some fragments have come.
#[derive(Default)]
struct Partial {
    data: BytesMut,
    text: bool,
    /// Bytes known to be UTF-8.
    checked: usize,
    fragments: usize,
}

/// The messages of one peer. Reading stops while the link has too much unanswered, so that TCP
/// pushes back on who sends too fast.
pub struct Frames {
    payload: Payload,
    link: Rc<Link>,
    limits: FrameLimits,
    codec: Codec,
    buffer: BytesMut,
    partial: Option<Partial>,
    /// Frames can no longer be told apart; bytes are thrown away, so that our close frame reaches
    /// a peer that is still sending.
    broken: bool,
}

impl Frames {
    #[must_use]
    pub fn new(payload: Payload, link: Rc<Link>, limits: FrameLimits) -> Self {
        let codec = Codec::new().max_size(limits.message);
        Self { payload, link, limits, codec, buffer: BytesMut::new(), partial: None, broken: false }
    }

    fn limit(&self) -> usize {
        if self.link.identity().is_some() { self.limits.message } else { self.limits.unauthenticated }
    }

    /// The next whole message in the buffer.
    fn decode(&mut self) -> Option<Inbound> {
        if self.broken {
            self.buffer.clear();
            return None;
        }
        loop {
            let frame = match self.codec.decode(&mut self.buffer) {
                Ok(Some(frame)) => frame,
                // The codec itself would wait for a frame of any announced size.
                Ok(None) if self.buffer.len() > self.limit() + HEADER => {
                    self.broken = true;
                    return Some(Inbound::Violation(CloseCode::TooBig));
                }
                Ok(None) => return None,
                Err(error) => {
                    self.broken = true;
                    return Some(Inbound::Violation(code_of(&error)));
                }
            };
            match self.take(frame) {
                Ok(Some(message)) => return Some(message),
                Ok(None) => {}
                Err(code) => {
                    self.partial = None;
                    return Some(Inbound::Violation(code));
                }
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Result<Option<Inbound>, CloseCode> {
        Ok(match frame {
            Frame::Ping(payload) => Some(Inbound::Ping(payload)),
            Frame::Pong(_) => Some(Inbound::Pong),
            Frame::Close(reason) => Some(Inbound::Close(reason.map(|r| r.code.into()))),
            Frame::Text(_) | Frame::Binary(_) if self.partial.is_some() => {
                return Err(CloseCode::ProtocolError);
            }
            Frame::Text(data) => {
                self.fits(data.len())?;
                Some(Inbound::Text(ByteString::try_from(data).map_err(|_| CloseCode::InvalidText)?))
            }
            Frame::Binary(data) => {
                self.fits(data.len())?;
                Some(Inbound::Binary(data))
            }
            Frame::Continuation(item) => self.join(item)?,
        })
    }

    fn join(&mut self, item: Item) -> Result<Option<Inbound>, CloseCode> {
        let (data, last) = match item {
            Item::FirstText(data) | Item::FirstBinary(data) if self.partial.is_some() => {
                drop(data);
                return Err(CloseCode::ProtocolError);
            }
            Item::FirstText(data) => {
                self.partial = Some(Partial { text: true, ..Partial::default() });
                (data, false)
            }
            Item::FirstBinary(data) => {
                self.partial = Some(Partial::default());
                (data, false)
            }
            Item::Continue(data) => (data, false),
            Item::Last(data) => (data, true),
        };
        let mut partial = self.partial.take().ok_or(CloseCode::ProtocolError)?;
        partial.fragments += 1;
        // Empty fragments would add nothing for ever.
        if partial.fragments > FRAGMENTS {
            return Err(CloseCode::TooBig);
        }
        self.fits(partial.data.len() + data.len())?;
        partial.data.extend_from_slice(&data);
        if partial.text {
            partial.check(last)?;
        }
        if !last {
            self.partial = Some(partial);
            return Ok(None);
        }
        let data = partial.data.freeze();
        Ok(Some(if partial.text {
            Inbound::Text(ByteString::try_from(data).map_err(|_| CloseCode::InvalidText)?)
        } else {
            Inbound::Binary(data)
        }))
    }

    fn fits(&self, bytes: usize) -> Result<(), CloseCode> {
        if bytes <= self.limit() { Ok(()) } else { Err(CloseCode::TooBig) }
    }
}

impl Partial {
    /// Checks what came since the last check, so that wrong text fails at once and no byte is
    /// looked at twice.
    fn check(&mut self, last: bool) -> Result<(), CloseCode> {
        let fresh = self.data.get(self.checked..).unwrap_or_default();
        match std::str::from_utf8(fresh) {
            Ok(_) => self.checked = self.data.len(),
            // A character may be cut by the end of a fragment, but not by the end of the message.
            Err(error) if error.error_len().is_none() && !last => self.checked += error.valid_up_to(),
            Err(_) => return Err(CloseCode::InvalidText),
        }
        Ok(())
    }
}

impl Stream for Frames {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let this = self.get_mut();
        loop {
            if this.link.is_finished() {
                return Poll::Ready(None);
            }
            if !this.link.may_read(this.limits.unanswered, cx.waker()) {
                return Poll::Pending;
            }
            if let Some(message) = this.decode() {
                return Poll::Ready(Some(message));
            }
            match Pin::new(&mut this.payload).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => this.buffer.extend_from_slice(&bytes),
                // Cut by the peer or by the network: there is nobody to answer.
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                Poll::Pending => {
                    if this.buffer.is_empty() {
                        // An idle socket keeps no buffer.
                        this.buffer = BytesMut::new();
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

fn code_of(error: &ProtocolError) -> CloseCode {
    match error {
        ProtocolError::Overflow => CloseCode::TooBig,
        _ => CloseCode::ProtocolError,
    }
}

/// What the connection writes: the link's outbox.
struct Body {
    link: Rc<Link>,
    /// Where it is counted what the connection takes.
    hub: Option<Rc<HubCore>>,
}

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        match self.link.outbox.borrow_mut().next(cx.waker()) {
            Next::Frame(frame, news) => {
                if let Some(hub) = &self.hub {
                    hub.took(&self.link, news);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Next::Empty => Poll::Pending,
            Next::Finished => Poll::Ready(None),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // The connection is gone, whoever ended it.
        self.link.finish();
    }
}

/// The subprotocols that a client offers.
#[must_use]
pub fn offered(request: &HttpRequest) -> Vec<String> {
    request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether the request is a valid WebSocket handshake; the text says what is wrong.
///
/// # Errors
/// When it is not.
pub fn check(request: &HttpRequest) -> Result<(), String> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| STANDARD.decode(key.as_bytes()));
    if !matches!(key, Some(Ok(key)) if key.len() == 16) {
        return Err("Sec-WebSocket-Key must be 16 bytes in base64".to_owned());
    }
    if request.headers().get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err("Sec-WebSocket-Version must be 13".to_owned());
    }
    handshake_with_protocols(request, &[]).map(drop).map_err(|e: HandshakeError| e.to_string())
}

/// The 101 whose body is the link's outbox. [`check`] comes before.
///
/// # Errors
/// When the handshake is not valid after all.
pub fn accept(
    request: &HttpRequest,
    protocol: Option<&str>,
    link: Rc<Link>,
    hub: Option<Rc<HubCore>>,
) -> Result<HttpResponse, String> {
    let protocols: Vec<&str> = protocol.into_iter().collect();
    let mut response =
        handshake_with_protocols(request, &protocols).map_err(|error: HandshakeError| error.to_string())?;
    response
        .message_body(Body { link, hub })
        .map(HttpResponse::map_into_boxed_body)
        .map_err(|e| e.to_string())
}
