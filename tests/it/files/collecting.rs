//! What nothing shows is taken away, whoever dies on the way.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chat::clock::{Clock, SystemClock};
use chat::domain::policy::EditWindow;
use chat::domain::{Epoch, Timestamp};
use chat::files::{Blob, BlobError, Blobs, Collector, Done, Intake, Labels, Piece};
use chat::settings::FileSettings;
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use futures_util::FutureExt as _;

use super::samples::png;
use crate::contract::support::{delete, draft, key, person, room, run, send_draft, write};

/// Keeps what is put, and breaks when it is told to.
#[derive(Default)]
struct Shelf {
    kept: Mutex<HashSet<Blob>>,
    is_broken: AtomicBool,
}

impl Shelf {
    fn attempt<T: Send + 'static>(&self, work: impl FnOnce(&mut HashSet<Blob>) -> T) -> Done<'_, T> {
        let done = if self.is_broken.load(Ordering::SeqCst) {
            Err(BlobError::Unavailable("cut".into()))
        } else {
            Ok(work(&mut self.kept.lock().expect("no panic")))
        };
        async move { done }.boxed()
    }

    fn count(&self) -> usize {
        self.kept.lock().expect("no panic").len()
    }
}

impl Blobs for Shelf {
    fn put(&self, blob: Blob, _: Bytes, _: Labels) -> Done<'_, ()> {
        let done = self.attempt(|kept| {
            kept.insert(blob);
        });
        // The file itself is stored, its thumbnail is not: a crash in the middle.
        if matches!(blob, Blob::Attachment(_)) && CUT.with(|cut| cut.get()) {
            self.is_broken.store(true, Ordering::SeqCst);
        }
        done
    }

    fn get(&self, _: Blob, _: Option<Range<u64>>) -> Done<'_, Piece> {
        async { Err(BlobError::Absent) }.boxed()
    }

    fn link(&self, _: Blob, _: Duration) -> Done<'_, Option<String>> {
        async { Ok(None) }.boxed()
    }

    fn delete(&self, blob: Blob) -> Done<'_, ()> {
        self.attempt(|kept| {
            kept.remove(&blob);
        })
    }

    fn ping(&self) -> Done<'_, ()> {
        self.attempt(|_| ())
    }
}

thread_local! {
    static CUT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A clock that is set.
struct Set(Mutex<Timestamp>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic")
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemClock.random(bytes);
    }
}

struct World {
    store: Arc<dyn Store>,
    shelf: Arc<Shelf>,
    clock: Arc<Set>,
    intake: Intake,
    collector: Collector,
}

impl World {
    fn new() -> Self {
        let options = SqliteOptions {
            edit_window: EditWindow::default(),
            ..SqliteOptions::new(Epoch(SystemClock.id()))
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::temporary(options).expect("a store"));
        let (shelf, clock) =
            (Arc::<Shelf>::default(), Arc::new(Set(Mutex::new(crate::contract::support::at(0)))));
        let settings = FileSettings::default();
        let intake = Intake::new(store.clone(), shelf.clone(), clock.clone(), None, settings.clone());
        let collector = Collector {
            store: store.clone(),
            blobs: shelf.clone(),
            clock: clock.clone(),
            settings,
            collected: Arc::<AtomicU64>::default(),
        };
        Self { store, shelf, clock, intake, collector }
    }

    fn pass(&self, hours: u64) {
        let mut now = self.clock.0.lock().expect("no panic");
        *now = now.plus(Duration::from_secs(hours * 3_600));
    }

    async fn collect(&self) -> usize {
        self.collector.round().await.expect("a round")
    }

    fn collected(&self) -> u64 {
        self.collector.collected.load(Ordering::SeqCst)
    }
}

fn picture() -> Bytes {
    png(9, 9).into()
}

#[test]
fn what_was_never_sent_goes_after_a_day_and_what_was_sent_stays() {
    run(async {
        let world = World::new();
        let alice = person(&world.store, "alice").await;
        let room = room(&world.store, alice, &[]).await;
        let unsent = world.intake.attachment(alice, Some("a.png"), picture()).await.expect("taken").id;
        let sent = world.intake.attachment(alice, Some("b.png"), picture()).await.expect("taken").id;
        let mut laden = draft(key(), "look");
        laden.attachments.push(sent);
        let message = write(&world.store, room, 0, send_draft(alice, laden)).await;
        assert_eq!(world.shelf.count(), 4);
        world.pass(23);
        assert_eq!(world.collect().await, 0);
        world.pass(1);
        assert_eq!(world.collect().await, 1);
        assert!(world.store.file(unsent, alice).await.is_err());
        assert!(world.store.file(sent, alice).await.is_ok());
        assert_eq!((world.shelf.count(), world.collected()), (2, 1));
        // Deleted: unseen at once, gone after the retention.
        let id = message.change.message().expect("a message").id;
        write(&world.store, room, 1_000, delete(alice, id)).await;
        world.pass(29 * 24);
        assert_eq!(world.collect().await, 0);
        world.pass(24);
        assert_eq!((world.collect().await, world.shelf.count()), (1, 0));
    });
}

#[test]
fn an_upload_that_dies_between_row_and_bytes_is_found_and_taken_away() {
    run(async {
        let world = World::new();
        let alice = person(&world.store, "alice").await;
        CUT.with(|cut| cut.set(true));
        let cut = world.intake.attachment(alice, Some("a.png"), picture()).await.expect_err("cut");
        assert_eq!(cut.code.as_str(), "unavailable");
        CUT.with(|cut| cut.set(false));
        assert_eq!(world.shelf.count(), 1, "the file without its thumbnail");
        world.pass(24);
        // The store of files is still away: nothing is forgotten.
        assert_eq!((world.collect().await, world.collected()), (1, 0));
        world.shelf.is_broken.store(false, Ordering::SeqCst);
        assert_eq!(world.collect().await, 0, "it is the first collector's for a while");
        world.pass(1);
        assert_eq!((world.collect().await, world.collected(), world.shelf.count()), (1, 1, 0));
        assert_eq!(world.collect().await, 0, "its row went last, and went");
    });
}

#[test]
fn a_picture_that_was_replaced_goes_at_once() {
    run(async {
        let world = World::new();
        let alice = person(&world.store, "alice").await;
        let first = world.intake.avatar(alice, picture()).await.expect("taken");
        let second = world.intake.avatar(alice, picture()).await.expect("taken");
        assert_eq!(world.shelf.count(), 2);
        assert_eq!(world.collect().await, 1);
        let kept = world.shelf.kept.lock().expect("no panic").clone();
        assert_eq!(kept, HashSet::from([Blob::Avatar(second)]));
        assert_ne!(first, second);
    });
}
