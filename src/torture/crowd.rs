//! The people and their rooms: who is where, drawn from the seed, and made over HTTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::chance::Chance;
use super::client::Habits;
use super::options::Size;
use super::record::RoomSheet;
use super::rest::{Person, Rest};

/// Accounts and rooms are made so many at a time.
const AT_ONCE: usize = 8;
/// Rooms of a slow reader, whose connection has to bring enough to fill up.
const SLOW_ROOMS: usize = 40;
/// One in so many is a slow reader.
const SLOW_SHARE: usize = 32;
/// For so many rooms there is one more in which people come and go.
const LIVELY_SHARE: usize = 25;
/// And there are so many at least: half of them show what was before one's joining, half do not.
const LEAST_LIVELY: usize = 2;
/// Who comes and goes there, beside its owner.
const GUESTS: usize = 6;

/// One client to be.
#[derive(Clone, Debug)]
pub struct Member {
    pub person: Person,
    pub name: String,
    /// Rooms, each with whether it is always followed in full.
    pub rooms: Vec<(usize, bool)>,
    pub habits: Habits,
}

/// Everybody, and the rooms, those last where people come and go.
pub struct Crowd {
    pub members: Vec<Member>,
    pub rooms: Vec<RoomSheet>,
}

/// The lively rooms: each an owner and his guests. Slow readers are none of them: what they see late
/// would be no proof.
fn draw_lively(size: &Size, chance: &mut Chance) -> Vec<Vec<usize>> {
    let mut clients: Vec<usize> = (0..size.clients).filter(|client| !is_slow(*client)).collect();
    let count = (size.rooms / LIVELY_SHARE).max(LEAST_LIVELY);
    let draw = |_| {
        chance.shuffle(&mut clients);
        clients.iter().copied().take(1 + GUESTS).collect()
    };
    (0..count).map(draw).collect()
}

/// Who is in which room, the owner first. Everybody is in one at least.
fn draw(size: &Size, chance: &mut Chance) -> Vec<Vec<usize>> {
    let mut rooms: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); size.rooms];
    for client in 0..size.clients {
        rooms[client % size.rooms].insert(client);
    }
    let (least, most) = size.members;
    for room in &mut rooms {
        let wanted = least + chance.index(most + 1 - least);
        while room.len() < wanted {
            room.insert(chance.index(size.clients));
        }
    }
    for client in (0..size.clients).filter(|client| is_slow(*client)) {
        for _ in 0..SLOW_ROOMS.min(size.rooms) {
            rooms[chance.index(size.rooms)].insert(client);
        }
    }
    let shuffled = rooms.into_iter().map(|room| {
        let mut members: Vec<usize> = room.into_iter().collect();
        chance.shuffle(&mut members);
        members
    });
    shuffled.collect()
}

const fn is_slow(client: usize) -> bool {
    client % SLOW_SHARE == SLOW_SHARE / 4
}

/// Makes accounts and rooms, spread over the processes.
///
/// # Errors
/// The first answer that was not as expected.
pub async fn gather(
    size: &Size,
    chance: &mut Chance,
    pods: &[SocketAddr],
    rest: &Rest,
) -> Result<Crowd, String> {
    let at = |n: usize| pods[n % pods.len()];
    let people = stream::iter(0..size.clients)
        .map(|n| async move { rest.register(at(n), &format!("person-{n}")).await })
        .buffered(AT_ONCE);
    let people: Vec<Result<Person, String>> = people.collect().await;
    let people: Vec<Person> = people.into_iter().collect::<Result<_, _>>()?;
    let drawn = draw(size, chance);
    let people = &people;
    let made = stream::iter(drawn.iter().enumerate())
        .map(|(n, members)| async move {
            let others: Vec<_> = members[1..].iter().map(|member| people[*member].id).collect();
            rest.create_room(at(n), &people[members[0]], &format!("room {n}"), &others).await
        })
        .buffered(AT_ONCE);
    let made: Vec<Result<uuid::Uuid, String>> = made.collect().await;
    let mut rooms = Vec::new();
    for (id, members) in made.into_iter().zip(drawn) {
        rooms.push(RoomSheet { id: id?, members, guests: Vec::new(), since_joined: false });
    }
    for (n, people_there) in draw_lively(size, chance).into_iter().enumerate() {
        let Some((owner, guests)) = people_there.split_first() else { continue };
        let (since_joined, name) = (n % 2 == 1, format!("lively room {n}"));
        let id = rest.create_lively_room(at(n), &people[*owner], &name, since_joined).await?;
        rooms.push(RoomSheet { id, members: vec![*owner], guests: guests.to_vec(), since_joined });
    }
    let burst = 5;
    let mean_burst = (1 + burst) as f64 / 2.0;
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let pause = size.clients as f64 * mean_burst / size.rate as f64;
    let members = people.iter().enumerate().map(|(n, person)| {
        let slow = is_slow(n);
        let mine = rooms.iter().enumerate().filter(|(_, room)| room.knows(n));
        let mine: Vec<(usize, bool)> = mine.map(|(index, _)| (index, slow || chance.permille(700))).collect();
        let habits = Habits {
            pause: Duration::from_secs_f64(pause),
            burst,
            by_rest: 200,
            at_once: 20,
            witnessed: 20,
            probed: 5,
            changes: 250,
            // In a small run there is to be some of everything.
            uploads: if size.clients < 100 { 60 } else { 15 },
            slow,
        };
        Member { person: person.clone(), name: format!("person-{n}"), rooms: mine, habits }
    });
    Ok(Crowd { members: members.collect(), rooms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::plan::Kind;

    fn size(clients: usize, rooms: usize) -> Size {
        Size {
            seed: 1,
            calm: Duration::ZERO,
            faults_for: Duration::ZERO,
            pods: 3,
            clients,
            rooms,
            rate: 60,
            kinds: Kind::ALL.to_vec(),
            lasting: None,
            after: Duration::ZERO,
            attached: false,
            members: (6, 10),
            drain: Duration::from_secs(2),
            patience: 1,
        }
    }

    #[test]
    fn everybody_is_in_a_room_and_rooms_are_small() {
        for (clients, rooms) in [(300, 200), (12, 6), (40, 10)] {
            let drawn = draw(&size(clients, rooms), &mut Chance::new(5));
            assert_eq!(drawn.len(), rooms);
            let everyone: BTreeSet<usize> = drawn.iter().flatten().copied().collect();
            assert_eq!(everyone.len(), clients);
            assert!(drawn.iter().all(|room| room.len() >= 6));
            let mean = drawn.iter().map(Vec::len).sum::<usize>() / rooms;
            assert!(mean <= 12, "{mean}");
        }
        assert_eq!(draw(&size(40, 10), &mut Chance::new(5)), draw(&size(40, 10), &mut Chance::new(5)));
    }

    #[test]
    fn there_are_lively_rooms_of_both_sorts_with_guests_who_read() {
        for (clients, rooms, count) in [(300, 200, 8), (12, 6, 2), (2, 1, 2)] {
            let lively = draw_lively(&size(clients, rooms), &mut Chance::new(5));
            assert_eq!(lively.len(), count);
            for people in &lively {
                let different: BTreeSet<usize> = people.iter().copied().collect();
                assert_eq!(different.len(), people.len());
                assert!(
                    people.len() >= clients.min(1 + GUESTS) - 1 && people.iter().all(|one| !is_slow(*one))
                );
            }
        }
    }

    #[test]
    fn some_are_slow_and_most_are_not() {
        let slow = (0..300).filter(|client| is_slow(*client)).count();
        assert!((5..30).contains(&slow), "{slow}");
        assert!((0..12).any(is_slow), "in a small run too");
    }
}
