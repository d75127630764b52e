//! What every bus promises, as stories: within a process, on a Redis, and on a Redis Cluster.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::bus::local::{Exchange, LocalBus};
use chat::bus::{Announcement, Bus as _, RoomNews, Shard, SharedBus, Whisper};
use chat::clock::{Clock as _, SystemClock};
use chat::domain::{
    Attachment, Change, ClientMsgId, Concern, Entry, FileId, FileName, LogHead, Marks, Message, MessageId,
    PodId, RoomId, Seq, SessionId, Timestamp, Unread, UserChange, UserEntry, UserId,
};
use chat::torture::redis::RedisServer;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::{cluster, news, next, pod, server, try_pod};

/// Two processes, and what carries their announcements.
struct Two {
    one: SharedBus,
    other: SharedBus,
    _kept: Box<dyn Any>,
}

async fn local() -> Two {
    let exchange = Arc::new(Exchange::default());
    let one = Arc::new(LocalBus::new(exchange.clone(), 0));
    Two { one, other: Arc::new(LocalBus::new(exchange, 1)), _kept: Box::new(()) }
}

async fn single() -> Two {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    Two { one: one.bus().clone(), other: other.bus().clone(), _kept: Box::new((one, other, server)) }
}

async fn clustered() -> Two {
    let cluster = cluster();
    let (one, other) = (pod(&cluster.url()).await, pod(&cluster.url()).await);
    Two { one: one.bus().clone(), other: other.bus().clone(), _kept: Box::new((one, other, cluster)) }
}

macro_rules! contract {
    ($($adapter:ident)+; $stories:tt) => {
        $(contract! { @one $adapter $stories })+
    };
    (@one $adapter:ident { $($story:ident)+ }) => {
        mod $adapter {
            $(#[tokio::test] async fn $story() { super::$story(super::$adapter().await).await; })+
        }
    };
}

contract! { local single clustered; {
    an_announcement_reaches_the_readers_of_its_shard_and_no_other
    every_kind_arrives_as_it_was_sent
    the_order_within_a_shard_is_kept
    ten_thousand_all_arrive
    a_reader_that_went_harms_no_other
    a_reader_that_does_not_read_stops_nobody
} }

fn ended(n: u128) -> Announcement {
    Announcement::LoginEnded(SessionId(uuid::Uuid::from_u128(n)))
}

fn shard(n: usize) -> Shard {
    Shard::all().nth(n).expect("a shard")
}

fn is_silent(from: &mut Receiver<Announcement>) -> bool {
    matches!(from.try_recv(), Err(TryRecvError::Empty))
}

async fn an_announcement_reaches_the_readers_of_its_shard_and_no_other(two: Two) {
    let mut readers: Vec<_> = Shard::all().map(|shard| two.other.subscribe(shard)).collect();
    // Each shard in turn: what went astray would have come before the next is heard.
    for shard in Shard::all() {
        let sent = news().1;
        two.one.publish(shard, sent.clone());
        assert_eq!(next(&mut readers[shard.index()]).await, sent);
    }
    assert!(readers.iter_mut().all(is_silent));
}

async fn every_kind_arrives_as_it_was_sent(two: Two) {
    let (id, at) = (SystemClock.id(), Timestamp::from_millis(1_800_000_000_123));
    let (room, user, seq) = (RoomId(id), UserId(id), Seq::new(7).expect("small"));
    let message = Message {
        id: MessageId(id),
        room,
        seq,
        author: user,
        client_msg_id: ClientMsgId(id),
        content: "\u{1f44d} \"hi\"\n".into(),
        attachments: vec![Attachment {
            id: FileId(id),
            name: FileName::from_stored("a.png".into()),
            media_type: "image/png".into(),
            size: 7,
            has_thumbnail: true,
        }],
        reply_to: Some(MessageId(id)),
        thread_root: Some(MessageId(id)),
        created_at: at,
        updated_at: at,
        deleted_at: None,
        removal: None,
    };
    let entry = Entry { room, seq, at, change: Change::MessageCreated(message) };
    let marks = Marks { received: seq, read: seq };
    let moved = UserChange::MarkMoved { room, marks, unread: Unread { messages: 1, mentions: 1 } };
    let mut concern = Concern::default();
    concern.unread.add([user]);
    let all = [
        Announcement::Room(Arc::new(RoomNews {
            room,
            entries: vec![entry],
            messages: 3,
            members: Some(2),
            concern,
        })),
        Announcement::Users([UserEntry { user, seq, at, change: moved }].into()),
        Announcement::Head(LogHead::Room(room, seq)),
        Announcement::Head(LogHead::User(user, seq)),
        ended(1),
        Announcement::Whisper(Whisper::Typing { room, user, until: at }),
        Announcement::Whisper(Whisper::Marks { room, user, marks }),
        Announcement::Whisper(Whisper::Presence { pod: PodId(id), people: [(user, 2, at)].into() }),
    ];
    let mut heard = two.other.subscribe(shard(3));
    for sent in all {
        two.one.publish(shard(3), sent.clone());
        assert_eq!(next(&mut heard).await, sent);
    }
}

async fn the_order_within_a_shard_is_kept(two: Two) {
    let mut heard = two.other.subscribe(shard(5));
    for n in 0..500 {
        two.one.publish(shard(5), ended(n));
        two.one.publish(shard(6), ended(n));
    }
    for n in 0..500 {
        assert_eq!(next(&mut heard).await, ended(n));
    }
}

async fn ten_thousand_all_arrive(two: Two) {
    let mut readers: Vec<_> = Shard::all().map(|shard| two.other.subscribe(shard)).collect();
    let mut total = 0;
    // As many at once as nobody has to drop.
    for _ in 0..10 {
        for n in 0..1_000 {
            two.one.publish(shard(n % 64), ended(0));
        }
        for (n, heard) in readers.iter_mut().enumerate() {
            for _ in (n..1_000).step_by(64) {
                next(heard).await;
                total += 1;
            }
        }
    }
    assert_eq!(total, 10_000);
    assert!(readers.iter_mut().all(is_silent));
}

async fn a_reader_that_went_harms_no_other(two: Two) {
    let gone = two.other.subscribe(shard(1));
    let mut heard = two.other.subscribe(shard(1));
    drop(gone);
    for n in 0..3 {
        two.one.publish(shard(1), ended(n));
        assert_eq!(next(&mut heard).await, ended(n));
    }
}

async fn a_reader_that_does_not_read_stops_nobody(two: Two) {
    let _full = two.other.subscribe(shard(1));
    let mut heard = two.other.subscribe(shard(2));
    for n in 0..3_000 {
        two.one.publish(shard(1), ended(n));
    }
    two.one.publish(shard(2), ended(9));
    assert_eq!(next(&mut heard).await, ended(9));
}

/// What is announced as soon as a process is there arrives: its positions are taken before.
#[tokio::test]
async fn nothing_is_lost_between_the_start_and_the_first_read() {
    let server = server();
    let one = pod(&server.url()).await;
    for n in 0..20 {
        // On streams that are there and on streams that are not.
        let shard = shard(n % 25);
        let other = pod(&server.url()).await;
        let mut heard = other.bus().subscribe(shard);
        let sent = news().1;
        one.bus().publish(shard, sent.clone());
        assert_eq!(next(&mut heard).await, sent);
    }
}

#[tokio::test]
async fn a_burst_needs_few_round_trips_and_a_single_one_leaves_at_once() {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    let bus: SharedBus = one.bus().clone();
    let mut heard = other.bus().subscribe(shard(0));
    for n in 0..5_000 {
        bus.publish(shard(n % 64), ended(0));
    }
    one.bus().flush().await;
    let counts = one.bus().counts();
    assert_eq!((counts.appends, counts.entries, counts.dropped_full), (5_000, 5_000, 0));
    assert!(counts.pipelines <= 500, "{} round trips for 5,000", counts.pipelines);
    for _ in (0..5_000).step_by(64) {
        next(&mut heard).await;
    }
    let before = one.bus().counts().pipelines;
    let begun = Instant::now();
    bus.publish(shard(0), ended(1));
    assert_eq!(next(&mut heard).await, ended(1));
    assert_eq!(one.bus().counts().pipelines, before + 1);
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited {:?}", begun.elapsed());
}

#[tokio::test]
async fn what_was_surely_announced_is_told_once_per_log() {
    let server = server();
    let one = pod(&server.url()).await;
    let bus: SharedBus = one.bus().clone();
    let (room, user) = (RoomId(SystemClock.id()), UserId(SystemClock.id()));
    let seq = |n| Seq::new(n).expect("small");
    for n in 1..=100 {
        bus.publish(Shard::of(room), Announcement::Head(LogHead::Room(room, seq(n))));
        bus.publish(Shard::of_user(user), Announcement::Head(LogHead::User(user, seq(n))));
        bus.publish(shard(0), ended(0));
    }
    one.bus().flush().await;
    assert_eq!(bus.take_announced(), [LogHead::Room(room, seq(100)), LogHead::User(user, seq(100))]);
    assert_eq!(bus.take_announced(), []);
}

#[tokio::test]
async fn a_stream_holds_about_as_many_entries_as_it_is_told_to() {
    const LENGTH: usize = 200;
    let server = server();
    let one = try_pod(&server.url(), |settings| settings.stream_length = LENGTH).await.expect("it starts");
    let long = |server: &RedisServer| {
        let streams = server.ask(&["--scan", "--pattern", "bus:*"]).expect("keys");
        let long =
            |stream| server.ask(&["XLEN", stream]).expect("a length").parse::<usize>().expect("a number");
        streams.lines().map(long).max().unwrap_or(0)
    };
    for _ in 0..5 {
        for _ in 0..1_000 {
            one.bus().publish(shard(7), ended(7));
        }
        one.bus().flush().await;
        // Redis forgets whole nodes of a stream, of a hundred entries each.
        let found = long(&server);
        assert!((LENGTH..=LENGTH + 100).contains(&found), "{found} entries");
    }
    assert_eq!(one.bus().counts().dropped_full, 0, "all were written");
}

#[tokio::test]
async fn the_lanes_of_a_cluster_lie_in_slots_of_their_own_and_a_stream_in_that_of_its_lane() {
    let cluster = cluster();
    let one = pod(&cluster.url()).await;
    for shard in Shard::all() {
        one.bus().publish(shard, ended(1));
    }
    one.bus().flush().await;
    let (mut slots, mut streams, mut nodes) = (BTreeMap::<String, BTreeSet<String>>::new(), 0, 0);
    for node in &cluster.nodes {
        let found = node.ask(&["--scan", "--pattern", "bus:*"]).expect("keys");
        nodes += usize::from(!found.is_empty());
        for stream in found.lines() {
            let slot = node.ask(&["CLUSTER", "KEYSLOT", stream]).expect("a slot");
            let lane = stream.split(['{', '}']).nth(1).expect("a hash tag");
            slots.entry(lane.to_owned()).or_default().insert(slot);
            streams += 1;
        }
    }
    assert_eq!(streams, usize::from(chat::bus::SHARDS));
    assert_eq!(slots.len(), 8, "{slots:?}");
    assert!(slots.values().all(|slots| slots.len() == 1), "{slots:?}");
    assert_eq!(slots.values().flatten().collect::<BTreeSet<_>>().len(), 8, "{slots:?}");
    assert_eq!(nodes, 3, "every node carries some");
}
