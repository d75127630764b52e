//! A scanner is asked about every upload: one that finds, one that is silent, one that is not there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::samples::{pdf, png};
use super::support::*;
use crate::support::TestServer;

/// Stands for clamd: reads what is streamed, and finds what holds `/Evil`. `answer` is said else.
fn scanner(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let file = streamed(&mut stream).expect("a stream of parts");
            let is_evil = file.windows(5).any(|window| window == b"/Evil");
            let said = if is_evil { "stream: Test.Evil FOUND\0" } else { answer };
            let _gone = stream.write_all(said.as_bytes());
        }
    });
    address
}

fn streamed(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut command = [0; 10];
    stream.read_exact(&mut command)?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut file = Vec::new();
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        match u32::from_be_bytes(length) {
            0 => return Ok(file),
            length => {
                let mut part = vec![0; usize::try_from(length).expect("small")];
                stream.read_exact(&mut part)?;
                file.extend(part);
            }
        }
    }
}

fn server(scanner: SocketAddr) -> TestServer {
    TestServer::with(|settings| settings.files.clamd_address = Some(scanner.to_string()))
}

#[test]
fn what_the_scanner_finds_is_refused() {
    let server = server(scanner("stream: OK\0"));
    let alice = server.person("alice");
    uploaded(&server, &alice, "a.pdf", &pdf(""));
    assert_eq!(upload(&server, &alice, "b.pdf", &pdf("/Evil true")).head.problem(415), "unsupportedMedia");
    let metrics = server.ask(None, "GET", "/metrics", None).body;
    assert!(metrics.contains("file_uploads_total{outcome=\"infected\"} 1"), "{metrics}");
    assert!(metrics.contains("file_uploads_total{outcome=\"refused\"} 0"), "{metrics}");
    let picture = send(&server, &alice, "PUT", "/users/me/avatar", "image/png", &png(8, 8)).head;
    assert_eq!(picture.status, 200);
}

#[test]
fn nothing_is_taken_while_the_scanner_does_not_answer() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for address in [gone, scanner("INSTREAM size limit exceeded. ERROR\0")] {
        let server = server(address);
        let alice = server.person("alice");
        let answer = upload(&server, &alice, "a.pdf", &pdf("")).head;
        assert_eq!((answer.problem(503), answer.header("retry-after")), ("unavailable".into(), Some("2")));
        assert!(!server.data_dir().join("files/attachments").exists());
    }
}
