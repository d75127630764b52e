//! The promises, against the truth in the store. Each is recounted here in a few lines that share
//! nothing with the code that keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat::domain::{Change, Entry, Message, Role, RoomId, Seq, UserChange, UserId};
use chat::store::{History, Log, LogPage, Rooms, UserLogs};

use super::client::Client;
use super::held::{Held, Membership, OwnEntry, Shown};
use super::plan::{Plan, What};
use super::world::World;

pub fn shown(message: Message) -> (String, Shown) {
    (message.id.0.to_string(), (message.content, message.deleted_at.is_some()))
}

/// What the truth has of one room.
struct Room {
    id: RoomId,
    log: Vec<Entry>,
    first_retained: u64,
    messages: Vec<Message>,
}

pub async fn judge(world: &World, rooms: &[RoomId], clients: &[&Client], plan: &Plan) {
    let mut stored = 0;
    for id in rooms {
        let (log, present) = world.log(*id).await;
        log_is_whole(&log, &present);
        roles_are_told(world, *id, &log).await;
        let everything = world.store.messages(*id, clients[0].user, 100_000, None).await;
        let messages = everything.expect("the truth answers").messages;
        let room = Room { id: *id, log, first_retained: present.first_retained.get(), messages };
        reacted(world, clients[0].user, &room).await;
        let seq_of_key = keys(&room.messages);
        stored += room.messages.len() as u64;
        for client in clients {
            let rooms = client.rooms.borrow();
            let held = &rooms[id];
            delivered(client.name, held, &room);
            acked(client, &room, &seq_of_key);
            counted(client, held, &room);
        }
    }
    committed(world.messages_committed(), stored, plan);
    let slowest = world.outbox.slowest();
    assert!(slowest <= Duration::from_secs(2), "I25: announced after {slowest:?} without faults");
    for client in clients {
        own_log(world, client, rooms).await;
        if !plan.faults.slow() {
            // A server that is killed says nothing, and one that drains says so.
            let failed = client.tally.borrow().0.contains_key("closed: 4100");
            assert!(!failed, "I16: {} was told that a server failed, and none did", client.name);
            let slowest = client.slowest.get();
            assert!(slowest <= Duration::from_secs(2), "I6: {slowest:?} from commit to {}", client.name);
            // Heads are compared four times a second while the bus is away, and once when it is back.
            let (still, back) = client.slowest_away.get();
            let (quick, promised) = (Duration::from_millis(500), Duration::from_secs(1));
            assert!(still <= quick, "I17: {still:?} to {} while the bus was away", client.name);
            assert!(back <= promised, "I17: {back:?} to {} over the bus's return", client.name);
        }
    }
}

/// What servers counted is what there is, but for commits whose answer nobody lived to hear.
fn committed(counted: u64, stored: u64, plan: &Plan) {
    let dies = plan.schedule.iter().any(|scheduled| matches!(scheduled.what, What::Kill { .. }));
    if dies || plan.faults.answers_lost > 0 || plan.faults.rooms_die > 0 {
        assert!(counted <= stored, "I23: {counted} messages were counted, {stored} are stored");
    } else {
        assert_eq!(counted, stored, "I23: messages counted, and stored");
    }
}

fn log_is_whole(log: &[Entry], present: &LogPage) {
    let numbers: Vec<u64> = log.iter().map(|entry| entry.seq.get()).collect();
    let gapless: Vec<u64> = (1..=log.len() as u64).collect();
    assert_eq!(numbers, gapless, "I2: the log has a hole or a double");
    let kept: Vec<u64> = present.entries.iter().map(|entry| entry.seq.get()).collect();
    let expected: Vec<u64> = (present.first_retained.get()..=log.len() as u64).collect();
    assert_eq!(kept, expected, "I2: the log is not what stays after pruning its beginning");
    assert_eq!(present.head.get(), log.len() as u64, "I2: the head is not the last entry");
}

/// Who is in a room, and as what, is what its log tells; and it has one owner.
async fn roles_are_told(world: &World, room: RoomId, log: &[Entry]) {
    let mut told = BTreeMap::new();
    for entry in log {
        match &entry.change {
            // Of those who are inside, replayed as what they are now.
            Change::MemberJoined { member, .. } => drop(told.insert(member.user, member.role)),
            Change::MemberUpdated { user, role } => drop(told.insert(*user, *role)),
            Change::MemberLeft { user, .. } => drop(told.remove(user)),
            _ => {}
        }
    }
    let snapshot = world.store.room_snapshot(room).await.expect("the truth answers").expect("a room");
    let found: BTreeMap<_, _> = snapshot.members.iter().map(|member| (member.user, member.role)).collect();
    assert_eq!(told, found, "members and roles as the log tells them");
    assert_eq!(found.values().filter(|role| **role == Role::Owner).count(), 1, "one owner");
}

/// Each sign was expressed once and taken back once, and what is left is what is shown.
async fn reacted(world: &World, viewer: UserId, room: &Room) {
    let mut told = BTreeSet::new();
    for entry in &room.log {
        match &entry.change {
            Change::ReactionAdded { message, user, emoji } => {
                assert!(told.insert((message.id, emoji.clone(), *user)), "I2: expressed twice: {entry:?}");
            }
            Change::ReactionRemoved { message, user, emoji } => {
                let was = told.remove(&(message.id, emoji.clone(), *user));
                assert!(was, "I2: taken back, and never expressed: {entry:?}");
            }
            _ => {}
        }
    }
    let ids = room.messages.iter().map(|message| message.id).collect();
    let shown = world.store.annotations(ids, viewer).await.expect("the truth answers").reactions;
    let found: BTreeSet<_> = shown
        .iter()
        .flat_map(|sign| sign.users.iter().map(|user| (sign.message, sign.emoji.clone(), *user)))
        .collect();
    assert_eq!(told, found, "I4: signs as the log tells them");
    assert!(shown.iter().all(|sign| sign.count == sign.users.len() as u64), "counted: {shown:?}");
}

fn keys(messages: &[Message]) -> BTreeMap<uuid::Uuid, u64> {
    let mut seq_of_key = BTreeMap::new();
    for message in messages {
        let before = seq_of_key.insert(message.client_msg_id.0, message.seq.get());
        assert_eq!(before, None, "I3: one key, two rows");
    }
    seq_of_key
}

/// Every stretch is the log as it is, each reset had its reason, and the cache shows what is.
fn delivered(who: &str, held: &Held, room: &Room) {
    let kinds: Vec<&str> = room.log.iter().map(|entry| entry.change.kind()).collect();
    let mut stood = 0;
    for stretch in &held.stretches {
        assert_eq!(stretch.stood, stood, "the model: a stretch begins where the one before ended");
        let after = usize::try_from(stretch.after).expect("small");
        let truth = kinds.get(after..after + stretch.kinds.len());
        assert_eq!(
            truth,
            Some(&stretch.kinds.iter().map(String::as_str).collect::<Vec<_>>()[..]),
            "I4, I5: {who}"
        );
        if stretch.why == "retention" {
            assert!(
                stretch.named + 1 < room.first_retained,
                "I6: {who} at {} was reset, but nothing is missing",
                stretch.named
            );
        }
        stood = stretch.after + stretch.kinds.len() as u64;
    }
    assert_eq!(stood, room.log.len() as u64, "I4: {who} has everything");
    let truth: BTreeMap<String, Shown> = room.messages.iter().cloned().map(shown).collect();
    assert_eq!(held.messages, truth, "I4: {who} shows what there is");
}

fn acked(client: &Client, room: &Room, seq_of_key: &BTreeMap<uuid::Uuid, u64>) {
    let composed = client.composed.borrow().get(&room.id).cloned().unwrap_or_default();
    let order: Vec<u64> = composed.iter().filter_map(|key| seq_of_key.get(key)).copied().collect();
    assert!(order.is_sorted(), "I7: what {} sent keeps its order", client.name);
    assert_eq!(order.len(), composed.len(), "I1: what {} sent is stored", client.name);
    for key in &composed {
        let acked = client.acked.borrow().get(key).expect("everything was acked in the end").1;
        assert_eq!(seq_of_key.get(key), Some(&acked), "I1: the ack tells the truth");
    }
    let acks = client.acked.borrow();
    for (key, bubble) in client.bubbles.borrow().iter() {
        assert_eq!(acks.get(key), Some(bubble), "I9: {} has one bubble for {key}", client.name);
    }
}

/// Marks and what is unread above them, as a new connection is told, against a recount.
fn counted(client: &Client, held: &Held, room: &Room) {
    let (read, unread, mentions) = held.standing.expect("a connection began");
    assert!(read >= held.read, "marks never go back: {} had {}, is told {read}", client.name, held.read);
    let name = format!("@{}", client.name);
    let above: Vec<&Message> = room
        .messages
        .iter()
        .filter(|m| m.author != client.user && m.deleted_at.is_none() && m.seq.get() > read)
        .collect();
    let named = above.iter().filter(|m| m.content.contains(&name));
    let recount = (above.len() as u64, named.count() as u64);
    assert_eq!((unread, mentions), recount, "I12: {} above {read}", client.name);
}

/// A user's own log: what he got is what there is, and each thing stands in it once.
async fn own_log(world: &World, client: &Client, rooms: &[RoomId]) {
    let page = world.store.user_log_page(client.user, Seq::START, 100_000).await.expect("the truth answers");
    let mut marks = BTreeMap::new();
    let mut inside = BTreeMap::new();
    let mut truth: Vec<OwnEntry> = Vec::new();
    for (at, entry) in (1..).zip(&page.entries) {
        assert_eq!(entry.seq.get(), at, "I22: the own log of {} has a hole", client.name);
        let (room, received, read) = match &entry.change {
            UserChange::RoomAdded { room } => {
                assert_eq!(
                    inside.insert(*room, true),
                    if at <= 2 { None } else { Some(false) },
                    "I22: added twice"
                );
                marks.remove(room);
                (room, 0, 0)
            }
            UserChange::RoomRemoved { room } => {
                assert_eq!(inside.insert(*room, false), Some(true), "I22: removed twice");
                (room, 0, 0)
            }
            UserChange::MarkMoved { room, marks: now, .. } => {
                let now = (now.received.get(), now.read.get());
                let before = marks.insert(*room, now).unwrap_or_default();
                assert!(
                    now != before && now.0 >= before.0 && now.1 >= before.1,
                    "I22: {before:?} to {now:?}"
                );
                (room, now.0, now.1)
            }
            other => panic!("nobody wrote {}", other.kind()),
        };
        truth.push((at, entry.change.kind().to_owned(), room.0.to_string(), received, read));
    }
    for room in rooms {
        assert_eq!(inside.get(room), Some(&true), "everyone is inside in the end");
        let (log, _) = world.log(*room).await;
        let joins = log.iter().filter(
            |entry| matches!(&entry.change, Change::MemberJoined { member, .. } if member.user == client.user),
        );
        let id = room.0.to_string();
        let told = truth.iter().filter(|entry| entry.1 == "room.added" && entry.2 == id);
        assert_eq!(told.count(), joins.count(), "I22: each joining is told {} once", client.name);
    }
    let own = client.own_log.borrow();
    let seen: Vec<&OwnEntry> = own.seen.iter().collect();
    assert_eq!(own.at, page.head.get(), "{} has his own log to its end", client.name);
    if client.tally.borrow().0.contains_key("came with another epoch") {
        // What another history had is not asked for again; what came is true and came once.
        assert!(seen.windows(2).all(|two| two[0].0 < two[1].0), "I22: {} got it twice", client.name);
        assert!(seen.iter().all(|entry| truth.contains(entry)), "I22: {} got what is not", client.name);
    } else {
        assert_eq!(seen, truth.iter().collect::<Vec<_>>(), "I22: {} got it whole and once", client.name);
    }
    let everywhere = client.rooms.borrow().values().all(|held| held.membership == Membership::Inside);
    assert!(everywhere, "{} knows that he is inside", client.name);
}
