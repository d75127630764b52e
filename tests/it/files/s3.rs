//! Files in a bucket: an S3 server within the test's process, which checks every signature.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chat::files::objects::{Bucket, Objects};
use chat::files::{Blob, BlobError, Blobs as _, Labels};
use chat::settings::Secret;
use futures_util::TryStreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::sync::oneshot;

use super::samples::{pdf, png};
use super::support::*;
use crate::contract::support::run;
use crate::support::TestServer;
use crate::support::http::ask_raw;

const KEY: &str = "chat-tests";
const SECRET: &str = "not a secret";
const BUCKET: &str = "files";

/// The server, until it is dropped.
struct S3 {
    address: SocketAddr,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3 {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let root = folder.path().to_owned();
        let (started, wait) = mpsc::channel();
        let (stop, mut stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let mut service = S3ServiceBuilder::new(FileSystem::new(root).expect("a folder"));
                service.set_auth(SimpleAuth::from_single(KEY, SECRET));
                let service = service.build();
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                started.send(listener.local_addr().expect("an address")).expect("the test waits");
                loop {
                    let (stream, _) = tokio::select! {
                        accepted = listener.accept() => accepted.expect("a connection"),
                        _ = &mut stopped => return,
                    };
                    let service = service.clone();
                    tokio::spawn(async move {
                        let served = Builder::new(TokioExecutor::new());
                        let _cut = served.serve_connection(TokioIo::new(stream), service).await;
                    });
                }
            });
        });
        let address = wait.recv().expect("the server starts");
        Self { address, folder, stop: Some(stop), thread: Some(thread) }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn objects(&self, secret: &str) -> Objects {
        let bucket = Bucket {
            name: BUCKET.into(),
            prefix: "chat/prod".into(),
            endpoint: Some(self.endpoint()),
            region: "eu-central-1".into(),
            key_id: KEY.into(),
            secret: secret.into(),
            roots: None,
            timeout: Duration::from_secs(10),
        };
        Objects::bucket(bucket).expect("a bucket")
    }

    fn server(&self, redirects: bool) -> TestServer {
        TestServer::with(|settings| {
            settings.files.url = Some(format!("s3://{BUCKET}"));
            settings.files.s3_endpoint = Some(self.endpoint());
            settings.files.s3_key_id = Some(Secret::new(KEY));
            settings.files.s3_secret = Some(Secret::new(SECRET));
            settings.files.redirects = redirects;
        })
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("ends well");
        }
    }
}

fn labels() -> Labels {
    Labels { media_type: "application/pdf".into(), disposition: "attachment; filename=\"a.pdf\"".into() }
}

#[test]
fn blobs_are_kept_in_parts_and_taken_away() {
    let s3 = S3::start();
    run_io(async {
        let objects = s3.objects(SECRET);
        let id = chat::domain::FileId(crate::contract::support::new_id());
        let blob = Blob::Attachment(id);
        objects.ping().await.expect("it answers");
        assert_eq!(objects.get(blob, None).await.expect_err("nothing"), BlobError::Absent);
        objects.put(blob, pdf("").into(), labels()).await.expect("stored");
        objects.put(blob, pdf("").into(), labels()).await.expect("stored again");
        let piece = objects.get(blob, Some(2..5)).await.expect("a part");
        assert_eq!((piece.size, piece.range.clone()), (pdf("").len() as u64, 2..5));
        let parts: Vec<_> = piece.bytes.try_collect().await.expect("bytes");
        assert_eq!(parts.concat(), pdf("")[2..5]);
        // Below the prefix, and nowhere else.
        assert!(s3.folder.path().join(BUCKET).join("chat/prod/attachments").join(id.to_string()).exists());
        objects.delete(blob).await.expect("gone");
        objects.delete(blob).await.expect("nothing to do");
        assert_eq!(objects.get(blob, None).await.expect_err("gone"), BlobError::Absent);
        let stranger = s3.objects("another secret");
        let refused = stranger.put(blob, pdf("").into(), labels()).await.expect_err("a wrong signature");
        assert!(
            matches!(&refused, BlobError::Unavailable(why) if !why.contains("another secret")),
            "{refused}"
        );
        assert!(stranger.ping().await.is_err());
    });
}

/// As [`run`], with a network.
fn run_io<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(story)
}

#[test]
fn readers_are_sent_to_the_bucket_for_half_a_minute() {
    let s3 = S3::start();
    let server = s3.server(true);
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.private_room(&alice, &[]);
    let file = uploaded(&server, &alice, "plan ü.pdf", &pdf(""));
    say_with(&server, &alice, &room, &[&file]);
    let answer = read(&server, &alice, &path_of(&file), &[]).head;
    assert_eq!((answer.status, answer.header("cache-control")), (302, Some("no-store")));
    let address = answer.header("location").expect("an address").to_owned();
    assert!(address.starts_with(&s3.endpoint()) && address.contains("X-Amz-Expires=30"), "{address}");
    assert!(!address.contains(SECRET));
    let path = &address[s3.endpoint().len()..];
    // Whoever has the address reads it, without the token.
    let found = ask_raw(s3.address, "GET", path, &[], &[]).expect("an answer");
    assert_eq!((found.head.status, found.bytes), (200, pdf("")));
    assert_eq!(found.head.header("content-type"), Some("application/pdf"));
    let how = found.head.header("content-disposition").expect("a disposition");
    assert!(how.starts_with("attachment; ") && how.ends_with("plan%20%C3%BC.pdf"), "{how}");
    let part = ask_raw(s3.address, "GET", path, &[("range", "bytes=0-3")], &[]).expect("an answer");
    assert_eq!((part.head.status, &part.bytes[..]), (206, &b"%PDF"[..]));
    // For this file alone.
    let spoilt = path.replace("X-Amz-Expires=30", "X-Amz-Expires=300");
    assert_eq!(ask_raw(s3.address, "GET", &spoilt, &[], &[]).expect("an answer").head.status, 403);
    // Who may not see the message is sent nowhere.
    assert_eq!(read(&server, &bob, &path_of(&file), &[]).head.problem(404), "notFound");
}

#[test]
fn without_redirects_the_server_hands_files_through() {
    let s3 = S3::start();
    let server = s3.server(false);
    let alice = server.person("alice");
    let file = uploaded(&server, &alice, "a.png", &png(700, 20));
    let answer = read(&server, &alice, &path_of(&file), &[("range", "bytes=1-3")]);
    assert_eq!((answer.head.status, &answer.bytes[..]), (206, &b"PNG"[..]));
    let small = read(&server, &alice, &format!("{}/thumbnail", path_of(&file)), &[]);
    assert_eq!(image::load_from_memory(&small.bytes).expect("a picture").width(), 480);
    let user = send(&server, &alice, "PUT", "/users/me/avatar", "image/png", &png(9, 9)).head.expect(200);
    let url = user["avatar"].as_str().expect("an address");
    let path = &url[url.find("/avatars/").expect("an address")..];
    assert_eq!(ask_raw(server.address(), "GET", path, &[], &[]).expect("an answer").head.status, 200);
}

#[test]
fn a_bucket_that_is_away_is_an_answer_and_not_a_wait() {
    let s3 = S3::start();
    let server = TestServer::with(|settings| {
        settings.files.url = Some(format!("s3://{BUCKET}"));
        settings.files.s3_endpoint = Some(s3.endpoint());
        settings.files.s3_key_id = Some(Secret::new(KEY));
        settings.files.s3_secret = Some(Secret::new(SECRET));
        settings.files.s3_timeout = Duration::from_secs(1);
    });
    let alice = server.person("alice");
    drop(s3);
    let answer = upload(&server, &alice, "a.png", &png(9, 9)).head;
    assert_eq!(answer.problem(503), "unavailable");
    assert_eq!(server.get(&alice, "/users/me").expect(200)["username"], "alice");
}

#[test]
fn a_folder_keeps_blobs_as_a_bucket_does() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let objects = Objects::folder(folder.path()).expect("a folder");
        let blob = Blob::Thumbnail(chat::domain::FileId(crate::contract::support::new_id()));
        assert!(objects.ping().await.is_ok());
        assert_eq!(objects.link(blob, Duration::from_secs(30)).await.expect("an answer"), None);
        assert_eq!(objects.get(blob, None).await.expect_err("nothing"), BlobError::Absent);
    });
}
