//! A timing wheel: one per worker looks after the deadlines of all its sockets, instead of a
//! timer per socket.

/// Keys waiting for a tick. Every key is looked at when its tick comes and decides itself whether
/// anything is due, so a deadline that moved (each frame moves one) costs nothing until then.
#[derive(Debug)]
pub struct Wheel<K> {
    slots: Vec<Vec<K>>,
    now: u64,
}

impl<K> Wheel<K> {
    /// A wheel of `slots` ticks; a deadline further away is looked at once per turn.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: (0..slots.max(2)).map(|_| Vec::new()).collect(), now: 0 }
    }

    /// Ticks so far.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Puts a key where tick `due` will find it: never earlier than the next tick, and after at
    /// most one turn.
    pub fn insert(&mut self, due: u64, key: K) {
        let turn = self.slots.len() as u64;
        let due = due.clamp(self.now + 1, self.now + turn - 1);
        let slot = usize::try_from(due % turn).unwrap_or(0);
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.push(key);
        }
    }

    /// Goes one tick on and hands out the keys to look at.
    pub fn tick(&mut self) -> Vec<K> {
        self.now += 1;
        let slot = usize::try_from(self.now % self.slots.len() as u64).unwrap_or(0);
        self.slots.get_mut(slot).map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_up_at_its_tick() {
        let mut wheel = Wheel::new(8);
        wheel.insert(3, 'a');
        wheel.insert(0, 'b');
        assert_eq!(wheel.tick(), ['b']);
        assert!(wheel.tick().is_empty());
        assert_eq!(wheel.tick(), ['a']);
        assert!((0..20).all(|_| wheel.tick().is_empty()));
    }

    #[test]
    fn a_far_deadline_is_looked_at_once_per_turn() {
        let mut wheel = Wheel::new(4);
        wheel.insert(1_000, 'a');
        let seen: usize = (0..4).map(|_| wheel.tick().len()).sum();
        assert_eq!(seen, 1);
    }
}
