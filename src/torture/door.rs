//! Who comes and goes: at the door of each lively room stands one who lets guests in, puts them out
//! and keeps them out, one act after the other, while everybody chats.

use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use super::client::{Orders, World};
use super::deeds::{Act, ActSheet, Fate, Outcome};
use super::rest::Person;

/// Mean time between two acts.
const PAUSE: Duration = Duration::from_millis(600);

/// How a guest stands, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Out,
    In,
    Banned,
    /// The last act was not answered.
    Unknown,
}

struct Guest {
    client: usize,
    person: Person,
    standing: Standing,
}

/// The door of one room.
pub struct Door {
    world: Arc<World>,
    /// Index among all rooms.
    room: usize,
    owner: Person,
    guests: Vec<Guest>,
    chance: Chance,
}

impl Door {
    /// `people` is everybody, by index.
    #[must_use]
    pub fn new(world: Arc<World>, room: usize, people: &[Person], chance: Chance) -> Self {
        let sheet = &world.rooms[room];
        let guest = |client: &usize| Guest {
            client: *client,
            person: people[*client].clone(),
            standing: Standing::Out,
        };
        let (owner, guests) = (people[sheet.members[0]].clone(), sheet.guests.iter().map(guest).collect());
        Self { world, room, owner, guests, chance }
    }

    /// Stands there until everybody leaves.
    pub async fn keep(mut self) -> Vec<ActSheet> {
        let mut orders = self.world.orders.clone();
        let mut acts = Vec::new();
        loop {
            let wait = self.chance.wait(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = orders.changed() => if changed.is_err() { return acts },
            }
            let order = orders.borrow_and_update().clone();
            match order {
                Orders::Talk => acts.extend(self.act().await),
                Orders::Leave => return acts,
                Orders::Hush | Orders::Finish(_) => {}
            }
        }
    }

    async fn act(&mut self) -> Option<ActSheet> {
        let place = self.chance.index(self.guests.len());
        let pod = self.chance.index(self.world.pods.len());
        let what = choose(self.guests.get(place)?.standing, self.chance.below(100));
        let guest = self.guests.get_mut(place)?;
        let (room, asked) = (self.world.rooms[self.room].id, self.world.watch.now());
        let outcome = self.world.rest.act(self.world.pods[pod], room, &self.owner, &guest.person, what).await;
        let outcome = as_known(what, outcome);
        guest.standing = after(guest.standing, what, outcome.fate());
        let answered = self.world.watch.now();
        Some(ActSheet { room: self.room, guest: guest.client, what, pod, asked, answered, outcome })
    }
}

/// Who joined and was put out by an open act before he was told is answered as if he had not: it is open, too.
fn as_known(what: Act, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused { code, .. } if what == Act::Join && (code == "notMember" || code == "notFound") => {
            Outcome::Failed(code)
        }
        outcome => outcome,
    }
}

/// What is done to a guest, by chance: mostly what moves him, at times what has to be refused.
const fn choose(standing: Standing, chance: u64) -> Act {
    match (standing, chance) {
        (Standing::Out, 0..55) => Act::Add,
        (Standing::Out, 55..90) => Act::Join,
        (Standing::Out, _) => Act::Ban,
        (Standing::In, 0..40) => Act::Leave,
        (Standing::In, 40..75) => Act::Remove,
        (Standing::In, _) => Act::Ban,
        (Standing::Banned, 0..60) => Act::Unban,
        (Standing::Banned, 60..80) => Act::Join,
        (Standing::Banned, _) => Act::Add,
        // What says afterwards how he stands.
        (Standing::Unknown, 0..50) => Act::Add,
        (Standing::Unknown, _) => Act::Ban,
    }
}

const fn after(before: Standing, what: Act, fate: Fate) -> Standing {
    match (fate, what) {
        (Fate::Open, _) => Standing::Unknown,
        (Fate::Void, _) => before,
        (Fate::Done, Act::Add | Act::Join) => Standing::In,
        (Fate::Done, Act::Leave | Act::Remove | Act::Unban) => Standing::Out,
        (Fate::Done, Act::Ban) => Standing::Banned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_comes_goes_and_is_kept_out() {
        let mut chance = Chance::new(4);
        let (mut standing, mut seen) = (Standing::Out, std::collections::BTreeSet::new());
        for _ in 0..500 {
            let act = choose(standing, chance.below(100));
            let refused = standing == Standing::Banned && matches!(act, Act::Join | Act::Add);
            seen.insert((act, refused));
            standing = after(standing, act, if refused { Fate::Void } else { Fate::Done });
        }
        assert_eq!(seen.len(), 8, "each act, and two that are refused: {seen:?}");
    }

    #[test]
    fn after_an_open_act_nothing_is_taken_for_granted() {
        assert_eq!(after(Standing::In, Act::Leave, Fate::Open), Standing::Unknown);
        assert_eq!(after(Standing::Unknown, Act::Add, Fate::Void), Standing::Unknown);
        assert_eq!(after(Standing::Unknown, Act::Ban, Fate::Done), Standing::Banned);
    }
}
