//! A commit whose answer was lost: nobody is told more than is known, and nothing is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chat::domain::*;
use chat::store::sqlite::SqliteStore;
use chat::store::*;
use tokio::sync::{Notify, Semaphore};

use super::support::Site;
use crate::support::wrapped::store_wrapper;

/// Holds the first of the appends that are counted, and loses the answer of the second.
struct Forgetful {
    inner: Arc<SqliteStore>,
    appends: AtomicUsize,
    /// The first of them.
    from: AtomicUsize,
    gate: Semaphore,
    /// It is held.
    held: Notify,
}

impl Forgetful {
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        make: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        if call != "append" {
            return make();
        }
        let number = self.appends.fetch_add(1, Ordering::SeqCst);
        let from = self.from.load(Ordering::SeqCst);
        Box::pin(async move {
            if number == from {
                self.held.notify_one();
                drop(self.gate.acquire().await.expect("open for ever"));
            }
            let answer = make().await?;
            if number == from + 1 {
                return Err(StoreError::InDoubt("the answer was lost".into()));
            }
            Ok(answer)
        })
    }
}

store_wrapper!(Forgetful);

#[actix_web::test]
async fn what_may_be_stored_already_is_not_stored_again() {
    let mut store = None;
    let wrap = |inner| {
        let (appends, from) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX - 1));
        let (gate, held) = (Semaphore::new(0), Notify::new());
        let forgetful = Arc::new(Forgetful { inner, appends, from, gate, held });
        store = Some(forgetful.clone());
        forgetful as Arc<dyn Store>
    };
    let site = Site::over(wrap, |_| {}).await;
    let store = store.expect("wrapped");
    let (alice, bob) = (site.register("alice").await, site.register("bob").await);
    let mut leaves = Vec::new();
    for _ in 0..4 {
        let room = site.room(&alice, false).await;
        site.call("POST", &format!("/rooms/{room}/join"), Some(&bob), None).await.expect(200);
        leaves.push(format!("/rooms/{room}/leave"));
    }
    store.from.store(store.appends.load(Ordering::SeqCst), Ordering::SeqCst);
    let leave = |path: &str| {
        let path = path.to_owned();
        let (site, bob) = (&site, &bob);
        async move { site.call("POST", &path, Some(bob), None).await.status }
    };
    let open = async {
        // The others wait meanwhile and go together. Should they not, nothing below is less true.
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        store.gate.add_permits(1);
    };
    let others = async {
        store.held.notified().await;
        tokio::join!(leave(&leaves[1]), leave(&leaves[2]), leave(&leaves[3]), open)
    };
    let (first, (second, third, fourth, ())) = tokio::join!(leave(&leaves[0]), others);
    assert_eq!(first, 204);
    let others = [second, third, fourth];
    assert!(others.contains(&503), "an answer was lost");
    assert!(others.iter().all(|status| matches!(status, 204 | 503)), "{others:?}");
    // All of it was stored.
    assert_eq!(site.get("/rooms", &bob).await.expect(200).as_array().map(Vec::len), Some(0));
}
