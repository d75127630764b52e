//! One real WebSocket: a task that reads and one that writes, so that neither waits for the other.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Event;
use crate::torture::moment::Stopwatch;
use crate::torture::record::Ending;

/// Longest time from the first packet to the end of the upgrade.
const PATIENCE: Duration = Duration::from_secs(3);

/// What proves who one is.
pub enum Credential {
    Bearer(String),
    Ticket(String),
}

/// A connection that was upgraded.
pub struct Opened {
    pub stream: WebSocketStream<TcpStream>,
    /// This end's port.
    pub peer: u16,
}

/// Opens a connection. With `small` buffers what is not read is soon felt at the other end.
///
/// # Errors
/// What went wrong.
pub async fn open(at: SocketAddr, credential: &Credential, small: bool) -> Result<Opened, String> {
    timeout(PATIENCE, upgrade(at, credential, small)).await.map_err(|_| "no answer in time".to_owned())?
}

async fn upgrade(at: SocketAddr, credential: &Credential, small: bool) -> Result<Opened, String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let socket = TcpSocket::new_v4().map_err(|error| say(&error))?;
    if small {
        socket.set_recv_buffer_size(4_096).map_err(|error| say(&error))?;
    }
    let stream = socket.connect(at).await.map_err(|error| say(&error))?;
    stream.set_nodelay(true).map_err(|error| say(&error))?;
    let peer = stream.local_addr().map_err(|error| say(&error))?.port();
    let mut request = format!("ws://{at}/ws").into_client_request().map_err(|error| say(&error))?;
    let (name, value) = match credential {
        Credential::Bearer(token) => ("authorization", format!("Bearer {token}")),
        Credential::Ticket(ticket) => ("sec-websocket-protocol", format!("chat.v1.json, ticket.{ticket}")),
    };
    request.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(|error| say(&error))?);
    match client_async(request, stream).await {
        Ok((stream, _)) => Ok(Opened { stream, peer }),
        Err(Error::Http(answer)) => Err(format!("HTTP {}", answer.status().as_u16())),
        Err(error) => Err(error.to_string()),
    }
}

/// The client's end of an open socket. Dropped, the connection is closed at once.
pub struct Wire {
    out: mpsc::UnboundedSender<Message>,
    reads: watch::Sender<bool>,
    tasks: [AbortHandle; 2],
}

impl Wire {
    /// Starts to read and to write; what comes goes to `inbox` under this index.
    pub fn start(
        opened: Opened,
        socket: usize,
        inbox: mpsc::UnboundedSender<Event>,
        watch: Stopwatch,
    ) -> Self {
        let (sink, mut stream) = opened.stream.split();
        let (out, outgoing) = mpsc::unbounded_channel::<Message>();
        let (reads, mut may_read) = watch::channel(true);
        let reading = tokio::spawn(async move {
            let ending = loop {
                if may_read.wait_for(|may| *may).await.is_err() {
                    break Ending::Left;
                }
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        // The client has ended when nobody takes it.
                        if inbox.send(Event::Frame { socket, at: watch.now(), text }).is_err() {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(frame))) => {
                        break Ending::Closed(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Ending::Cut(error.to_string()),
                    None => break Ending::Cut("end of stream".to_owned()),
                }
            };
            let _over = inbox.send(Event::Ended { socket, at: watch.now(), ending });
        });
        let writing = tokio::spawn(write(sink, outgoing));
        Self { out, reads, tasks: [reading.abort_handle(), writing.abort_handle()] }
    }

    pub fn send(&self, text: String) {
        // A socket that is gone takes nothing; its reader tells.
        let _gone = self.out.send(Message::Text(Utf8Bytes::from(text)));
    }

    /// Says goodbye, as who goes deliberately.
    pub fn goodbye(&self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        let _gone = self.out.send(Message::Close(Some(frame)));
    }

    /// Stops reading, or goes on.
    pub fn read(&self, on: bool) {
        self.reads.send_replace(on);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn write(
    mut sink: futures_util::stream::SplitSink<WebSocketStream<TcpStream>, Message>,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
) {
    while let Some(message) = outgoing.recv().await {
        if sink.feed(message).await.is_err() {
            return;
        }
        // What is there already leaves in one write: sends are pipelined.
        while let Ok(message) = outgoing.try_recv() {
            if sink.feed(message).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}
