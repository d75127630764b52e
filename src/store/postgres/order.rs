//! Calls about one room are done in the order in which they were made, although many connections
//! do them: each waits for the one before it. Knows no database. Next: [`super::executor`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, join_all};
use tokio::sync::oneshot;

use crate::domain::RoomId;

/// Resolves when a call is over, however it ended: its sender is dropped, never used.
type Over = Shared<oneshot::Receiver<()>>;

/// Who is last in the line of each room with calls.
#[derive(Default)]
pub(super) struct Order {
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    last: HashMap<RoomId, (u64, Over)>,
    calls: u64,
}

impl Order {
    /// A place at the end of the lines of all these rooms at once. Whoever has an earlier place in
    /// one of them has it in all that both stand in, so no two ever wait for each other.
    pub(super) fn place(self: &Arc<Self>, rooms: Vec<RoomId>) -> Place {
        let (over, is_over) = oneshot::channel();
        let is_over = is_over.shared();
        let mut lines = self.lock();
        lines.calls += 1;
        let call = lines.calls;
        let mut before = Vec::new();
        for room in &rooms {
            match lines.last.insert(*room, (call, is_over.clone())) {
                // The same room twice in one call.
                Some((earlier, _)) if earlier == call => {}
                Some((_, earlier)) => before.push(earlier),
                None => {}
            }
        }
        drop(lines);
        Place { order: self.clone(), call, rooms, before, _over: over }
    }

    /// Never held while anything runs, so a poisoned lock guards nothing half done.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the lines; given up when dropped.
pub(super) struct Place {
    order: Arc<Order>,
    call: u64,
    rooms: Vec<RoomId>,
    before: Vec<Over>,
    _over: oneshot::Sender<()>,
}

impl Place {
    /// Waits until everyone before is done.
    pub(super) async fn first(&mut self) {
        join_all(self.before.drain(..)).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.order.lock();
        for room in &self.rooms {
            if lines.last.get(room).is_some_and(|(call, _)| *call == self.call) {
                lines.last.remove(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn room(n: u128) -> RoomId {
        RoomId(Uuid::from_u128(n))
    }

    #[test]
    fn a_call_waits_for_those_before_it_in_any_of_its_rooms_and_for_nobody_else() {
        let order = Arc::new(Order::default());
        let mut first = order.place(vec![room(1), room(2), room(1)]);
        let mut second = order.place(vec![room(2), room(3)]);
        let mut third = order.place(vec![room(3)]);
        let mut other = order.place(vec![room(4)]);
        assert!(first.first().now_or_never().is_some());
        assert!(other.first().now_or_never().is_some());
        let mut waiting = Box::pin(second.first());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        assert!(waiting.now_or_never().is_some());
        assert!(third.first().now_or_never().is_none());
        drop(second);
        drop((third, other));
        assert!(order.lock().last.is_empty(), "nothing is left behind");
    }
}
