//! The network in front of one process: brings bytes both ways, until it is told to cut a
//! connection or to bring nothing for a while.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Bytes of a packet, as on a network.
const SEGMENT: u32 = 1_400;
/// Bytes that wait at most on either side of the proxy, before the kernel's own rounding.
const BUFFER: usize = 16 * 1_024;

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both ends get a reset.
    Reset,
    /// Neither end is told anything; from now on nothing comes.
    Silence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Cut(Cut),
}

#[derive(Default)]
struct Links {
    /// By the client's port.
    open: BTreeMap<u16, watch::Sender<Way>>,
}

/// A listener whose connections lead to one address at a time.
pub struct Proxy {
    pub address: SocketAddr,
    links: Arc<Mutex<Links>>,
    hole: watch::Sender<bool>,
    target: watch::Sender<SocketAddr>,
    listener: AbortHandle,
}

impl Proxy {
    /// # Errors
    /// When no port is free.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let links = Arc::new(Mutex::new(Links::default()));
        let (hole, in_hole) = watch::channel(false);
        let (target, to) = watch::channel(target);
        let accepting = tokio::spawn(accept(listener, to, links.clone(), in_hole));
        Ok(Self { address, links, hole, target, listener: accepting.abort_handle() })
    }

    /// The clients' ports of the connections that are open and not cut.
    #[must_use]
    pub fn peers(&self) -> Vec<u16> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.open.iter().filter(|(_, way)| *way.borrow() == Way::Open).map(|(peer, _)| *peer).collect()
    }

    /// Cuts the connection of this client; false when there is none.
    #[must_use]
    pub fn cut(&self, peer: u16, how: Cut) -> bool {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.open.get(&peer).is_some_and(|way| way.send(Way::Cut(how)).is_ok())
    }

    /// Where new connections lead.
    #[must_use]
    pub fn target(&self) -> SocketAddr {
        *self.target.borrow()
    }

    /// New connections lead there from now on; those that are open stay.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// From now on connections are taken and bytes are kept, and nothing is brought.
    pub fn blackhole(&self) {
        self.hole.send_replace(true);
    }

    /// Everything that was kept is brought.
    pub fn heal(&self) {
        self.hole.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: watch::Receiver<SocketAddr>,
    links: Arc<Mutex<Links>>,
    hole: watch::Receiver<bool>,
) {
    loop {
        let Ok((client, from)) = listener.accept().await else {
            // Out of descriptors for a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (way, told) = watch::channel(Way::Open);
        let peer = from.port();
        links.lock().unwrap_or_else(PoisonError::into_inner).open.insert(peer, way.clone());
        let (links, hole, target) = (links.clone(), hole.clone(), *target.borrow());
        tokio::spawn(async move {
            bring(client, target, told, hole).await;
            let mut links = links.lock().unwrap_or_else(PoisonError::into_inner);
            // A port may have been given to the next connection already.
            if links.open.get(&peer).is_some_and(|open| open.same_channel(&way)) {
                links.open.remove(&peer);
            }
        });
    }
}

async fn bring(
    client: TcpStream,
    target: SocketAddr,
    told: watch::Receiver<Way>,
    hole: watch::Receiver<bool>,
) {
    if open(&mut hole.clone(), &mut told.clone()).await != Way::Open {
        return reset(&client);
    }
    let Ok(server) = connect(target).await else { return reset(&client) };
    // Kept small, or a loopback swallows megabytes before anybody feels that nothing is read.
    let _larger = socket2::SockRef::from(&client).set_send_buffer_size(BUFFER);
    // Small frames leave at once; where that cannot be had it is only slower.
    let _slower = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let ways = (
        copy(from_client, to_server, told.clone(), hole.clone()),
        copy(from_server, to_client, told.clone(), hole.clone()),
    );
    let ((from_client, to_server), (from_server, to_client)) = tokio::join!(ways.0, ways.1);
    if *told.borrow() == Way::Cut(Cut::Reset)
        && let (Ok(client), Ok(server)) = (from_client.reunite(to_client), from_server.reunite(to_server))
    {
        reset(&client);
        reset(&server);
    }
}

/// Opens the server's side with the packets and the buffers of a network, not of a loopback.
async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket2::SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
    socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
    socket.connect(target).await
}

/// Waits until nothing holds the bytes up, or the connection is cut.
async fn open(hole: &mut watch::Receiver<bool>, told: &mut watch::Receiver<Way>) -> Way {
    tokio::select! {
        biased;
        way = told.wait_for(|way| *way != Way::Open) => way.map_or(Way::Cut(Cut::Reset), |way| *way),
        // The proxy itself has ended when nobody can tell any more.
        is_hole = hole.wait_for(|hole| !hole) => is_hole.map_or(Way::Cut(Cut::Reset), |_| Way::Open),
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut told: watch::Receiver<Way>,
    mut hole: watch::Receiver<bool>,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut buffer = vec![0; BUFFER];
    let way = loop {
        let read = tokio::select! {
            biased;
            way = told.wait_for(|way| *way != Way::Open) => break way.map_or(Cut::Reset, |way| cut_of(*way)),
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        match open(&mut hole, &mut told).await {
            Way::Open => {}
            Way::Cut(cut) => break cut,
        }
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            // The end is brought too; the other direction goes on.
            let _gone = to.shutdown().await;
            return (from, to);
        };
        let written = tokio::select! {
            biased;
            way = told.wait_for(|way| *way != Way::Open) => break way.map_or(Cut::Reset, |way| cut_of(*way)),
            written = to.write_all(bytes) => written,
        };
        if written.is_err() {
            return (from, to);
        }
    };
    if way == Cut::Silence {
        // What this end says is swallowed until it gives up.
        while matches!(from.read(&mut buffer).await, Ok(read) if read > 0) {}
    }
    (from, to)
}

const fn cut_of(way: Way) -> Cut {
    match way {
        Way::Cut(cut) => cut,
        Way::Open => Cut::Reset,
    }
}

/// Makes the end of this connection a reset.
fn reset(stream: &TcpStream) {
    // It may have ended by itself.
    let _ended = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);

    /// A proxy in front of an echo, and a client whose connection works.
    async fn scene() -> (Proxy, TcpStream) {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let target = echo.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ended = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = Proxy::start(target).await.expect("a proxy");
        let mut client = TcpStream::connect(proxy.address).await.expect("open");
        assert_eq!(say(&mut client, b"hello").await.expect("an echo"), b"hello");
        (proxy, client)
    }

    async fn say(client: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        client.write_all(text).await?;
        let mut heard = vec![0; text.len()];
        client.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn a_cut_connection_gets_a_reset_and_others_go_on() {
        let (proxy, mut client) = scene().await;
        let mut other = TcpStream::connect(proxy.address).await.expect("open");
        assert_eq!(say(&mut other, b"one").await.expect("an echo"), b"one");
        assert!(proxy.cut(client.local_addr().expect("open").port(), Cut::Reset));
        let end = client.read_u8().await.expect_err("cut");
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        assert_eq!(say(&mut other, b"two").await.expect("an echo"), b"two");
        assert_eq!(proxy.peers(), [other.local_addr().expect("open").port()]);
    }

    #[tokio::test]
    async fn after_a_silent_cut_nothing_comes_and_nothing_ends() {
        let (proxy, mut client) = scene().await;
        assert!(proxy.cut(client.local_addr().expect("open").port(), Cut::Silence));
        assert!(timeout(MOMENT, say(&mut client, b"hello?")).await.is_err());
        assert!(proxy.peers().is_empty());
    }

    #[tokio::test]
    async fn a_hole_keeps_what_it_takes_until_it_is_healed() {
        let (proxy, mut client) = scene().await;
        proxy.blackhole();
        assert!(timeout(MOMENT, say(&mut client, b"lost?")).await.is_err());
        let mut late = TcpStream::connect(proxy.address).await.expect("taken");
        late.write_all(b"late").await.expect("taken");
        assert!(timeout(MOMENT, late.read_u8()).await.is_err());
        proxy.heal();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).await.expect("brought");
        assert_eq!(&heard, b"lost?");
        let mut heard = [0; 4];
        late.read_exact(&mut heard).await.expect("brought");
        assert_eq!(&heard, b"late");
    }

    #[tokio::test]
    async fn where_nobody_listens_the_connection_ends() {
        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let target = nobody.local_addr().expect("an address");
        drop(nobody);
        let proxy = Proxy::start(target).await.expect("a proxy");
        let mut client = TcpStream::connect(proxy.address).await.expect("taken");
        assert!(timeout(Duration::from_secs(5), client.read_u8()).await.expect("ends").is_err());
    }
}
