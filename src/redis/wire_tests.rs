//! What is told to other processes comes back as it went; see [`super::wire`].

#![cfg(test)]

use std::sync::Arc;

use proptest::prelude::*;

use uuid::Uuid;

use super::wire::{Unread, decode, encode};
use crate::bus::{Announcement, RoomNews, Whisper};
use crate::domain::journey::{Device, Station, Step};
use crate::domain::policy::EditWindow;
use crate::domain::{
    Attachment, Change, ClientMsgId, Concern, ConnId, Description, Emoji, Entry, FileId, FileName,
    HistoryVisibility, InviteId, LogHead, Marks, Member, Message, MessageAt, MessageId, Mute, PodId, Reason,
    Removal, Role, RoomFacts, RoomId, RoomName, RoomSettings, Seq, SessionId, SlowMode, Timestamp, Topic,
    Unread as Unseen, UserChange, UserEntry, UserId, Whom,
};

fn ids() -> impl Strategy<Value = Uuid> + Clone {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn seqs() -> impl Strategy<Value = Seq> + Clone {
    (0..=Seq::MAX).prop_map(|n| Seq::new(n).expect("in range"))
}

fn times() -> impl Strategy<Value = Timestamp> + Clone {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn files() -> impl Strategy<Value = Attachment> {
    (ids(), ".{0,9}", ".{0,9}", any::<u64>(), any::<bool>()).prop_map(|(id, name, media_type, size, has)| {
        let (id, name) = (FileId(id), FileName::from_stored(name));
        Attachment { id, name, media_type, size, has_thumbnail: has }
    })
}

fn messages(room: Uuid) -> impl Strategy<Value = Message> {
    let texts = (".{0,40}", proptest::collection::vec(files(), 0..3), proptest::option::of(ids()));
    let places = (ids(), seqs(), ids(), ids(), times(), times(), proptest::option::of(times()));
    (places, texts).prop_map(move |(place, (content, attachments, reply_to))| Message {
        id: MessageId(place.0),
        room: RoomId(room),
        seq: place.1,
        author: UserId(place.2),
        client_msg_id: ClientMsgId(place.3),
        content,
        attachments,
        reply_to: reply_to.map(MessageId),
        thread_root: reply_to.map(MessageId),
        created_at: place.4,
        updated_at: place.5,
        removal: place
            .6
            .map(|_| Removal { by: UserId(place.0), reason: Some(Reason::from_stored("spam".into())) }),
        deleted_at: place.6,
    })
}

fn facts() -> impl Strategy<Value = RoomFacts> {
    let texts = (".{1,20}", proptest::option::of(".{1,20}"), proptest::option::of(".{1,20}"));
    (texts, any::<bool>(), proptest::option::of(times())).prop_map(|(texts, all, archived_at)| RoomFacts {
        name: RoomName::from_stored(texts.0),
        description: texts.1.map(Description::from_stored),
        topic: texts.2.map(Topic::from_stored),
        history: if all { HistoryVisibility::All } else { HistoryVisibility::SinceJoined },
        archived_at,
        edit_window: all.then(|| EditWindow::from_stored(60)),
        slow_mode: SlowMode::from_stored(if all { 30 } else { 0 }),
    })
}

fn entries(room: Uuid) -> impl Strategy<Value = Entry> {
    let roles = prop_oneof![Just(Role::Member), Just(Role::Administrator), Just(Role::Owner)];
    let member = (ids(), roles, times(), seqs()).prop_map(|(user, role, joined_at, joined_seq)| Member {
        user: UserId(user),
        role,
        joined_at,
        joined_seq,
    });
    let change = prop_oneof![
        messages(room).prop_map(Change::MessageCreated),
        messages(room).prop_map(Change::MessageUpdated),
        messages(room).prop_map(Change::MessageDeleted),
        (member, ".{1,20}").prop_map(|(member, username)| Change::MemberJoined { member, username }),
        (ids(), proptest::option::of(ids()), any::<bool>()).prop_map(|(user, by, is_banned)| {
            Change::MemberLeft { user: UserId(user), by: by.map(UserId), is_banned }
        }),
        ids().prop_map(|user| Change::MemberUpdated { user: UserId(user), role: Role::Administrator }),
        (ids(), ids(), proptest::option::of(times()), proptest::option::of(".{1,20}")).prop_map(
            |(user, by, until, reason)| {
                let mute = Mute { until, by: UserId(by), reason: reason.map(Reason::from_stored) };
                Change::MemberMuted { user: UserId(user), role: Role::Member, mute }
            }
        ),
        (ids(), ids()).prop_map(|(user, by)| Change::MemberBanned { user: UserId(user), by: UserId(by) }),
        (ids(), ids()).prop_map(|(user, by)| Change::MemberUnbanned { user: UserId(user), by: UserId(by) }),
        (ids(), seqs(), ids(), any::<bool>()).prop_map(|(message, seq, user, on)| {
            let (message, user) = (MessageAt { id: MessageId(message), seq }, UserId(user));
            let emoji = Emoji::parse("👍").expect("a sign");
            if on {
                Change::ReactionAdded { message, user, emoji }
            } else {
                Change::ReactionRemoved { message, user, emoji }
            }
        }),
        (ids(), seqs(), ids(), any::<bool>()).prop_map(|(message, seq, user, on)| {
            let (message, user) = (MessageAt { id: MessageId(message), seq }, UserId(user));
            if on {
                Change::MessagePinned { message, user }
            } else {
                Change::MessageUnpinned { message, user }
            }
        }),
        facts().prop_map(Change::RoomUpdated),
        facts().prop_map(Change::RoomArchived),
        "later\\.[a-z]{1,9}".prop_map(|kind| Change::Other { kind: kind.into() }),
    ];
    (seqs(), times(), change).prop_map(move |(seq, at, change)| Entry { room: RoomId(room), seq, at, change })
}

fn user_entries() -> impl Strategy<Value = UserEntry> {
    let moved = (ids(), seqs(), seqs(), any::<u64>(), any::<u64>());
    let change = prop_oneof![
        ids().prop_map(|room| UserChange::RoomAdded { room: RoomId(room) }),
        ids().prop_map(|room| UserChange::RoomRemoved { room: RoomId(room) }),
        moved.prop_map(|(room, received, read, messages, mentions)| UserChange::MarkMoved {
            room: RoomId(room),
            marks: Marks { received, read },
            unread: Unseen { messages, mentions },
        }),
        (ids(), any::<bool>(), proptest::option::of(times())).prop_map(
            |(room, is_favourite, muted_until)| {
                let settings = RoomSettings { is_favourite, muted_until, ..RoomSettings::default() };
                UserChange::SettingsUpdated { room: RoomId(room), settings }
            }
        ),
        (ids(), ids(), ids()).prop_map(|(invite, room, by)| UserChange::InviteReceived {
            invite: InviteId(invite),
            room: RoomId(room),
            by: UserId(by),
        }),
        (ids(), ids()).prop_map(|(invite, room)| UserChange::InviteRevoked {
            invite: InviteId(invite),
            room: RoomId(room),
        }),
        Just(UserChange::ProfileUpdated),
        "later\\.[a-z]{1,9}".prop_map(|kind| UserChange::Other { kind }),
    ];
    (ids(), seqs(), times(), change).prop_map(|(user, seq, at, change)| UserEntry {
        user: UserId(user),
        seq,
        at,
        change,
    })
}

fn whispers() -> impl Strategy<Value = Whisper> {
    let people = proptest::collection::vec((ids().prop_map(UserId), any::<u32>(), times()), 0..4);
    prop_oneof![
        (ids(), ids(), times()).prop_map(|(room, user, until)| Whisper::Typing {
            room: RoomId(room),
            user: UserId(user),
            until
        }),
        (ids(), ids(), seqs(), seqs()).prop_map(|(room, user, received, read)| Whisper::Marks {
            room: RoomId(room),
            user: UserId(user),
            marks: Marks { received, read }
        }),
        (ids(), people)
            .prop_map(|(pod, people)| Whisper::Presence { pod: PodId(pod), people: people.into() }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let device = || (ids(), ids()).prop_map(|(user, conn)| Device { user: UserId(user), conn: ConnId(conn) });
    let station = prop_oneof![
        any::<bool>().prop_map(|by_request| Station::Submitted { by_request }),
        Just(Station::Storing),
        Just(Station::Refused),
        Just(Station::Committed),
        Just(Station::Announced),
        Just(Station::Heard),
        any::<u32>().prop_map(|sockets| Station::Offered { sockets }),
        device().prop_map(Station::Written),
        device().prop_map(Station::Replayed),
        device().prop_map(Station::Lagged),
    ];
    (ids(), times(), ids(), station).prop_map(|(message, at, pod, station)| Step {
        message: MessageId(message),
        at,
        pod: PodId(pod),
        station,
    })
}

fn whom() -> impl Strategy<Value = Whom> {
    prop_oneof![
        Just(Whom::everyone()),
        proptest::collection::vec(ids(), 0..3).prop_map(|people| {
            let mut whom = Whom::default();
            whom.add(people.into_iter().map(UserId));
            whom
        }),
    ]
}

fn announcements() -> impl Strategy<Value = Announcement> {
    let news = (ids(), any::<u64>(), whom(), whom()).prop_flat_map(|(room, messages, unread, mentions)| {
        let entries = proptest::collection::vec(entries(room), 0..4);
        let concern = Concern { unread, mentions };
        entries.prop_map(move |entries| {
            let concern = concern.clone();
            let members = messages.checked_sub(7);
            RoomNews { room: RoomId(room), entries, messages, members, concern }
        })
    });
    prop_oneof![
        news.prop_map(|news| Announcement::Room(Arc::new(news))),
        proptest::collection::vec(user_entries(), 0..4).prop_map(|list| Announcement::Users(list.into())),
        (ids(), seqs()).prop_map(|(room, seq)| Announcement::Head(LogHead::Room(RoomId(room), seq))),
        (ids(), seqs()).prop_map(|(user, seq)| Announcement::Head(LogHead::User(UserId(user), seq))),
        ids().prop_map(|session| Announcement::LoginEnded(SessionId(session))),
        whispers().prop_map(Announcement::Whisper),
        (ids(), ids(), ids()).prop_map(|(question, message, user)| Announcement::Asked {
            question,
            message: MessageId(message),
            user: UserId(user)
        }),
        (ids(), proptest::collection::vec(steps(), 0..4))
            .prop_map(|(question, steps)| Announcement::Noted { question, steps: steps.into() }),
    ]
}

proptest! {
    #[test]
    fn every_announcement_comes_back_as_it_went(announcement in announcements()) {
        let bytes = encode(&announcement).expect("can be written");
        prop_assert_eq!(decode(&bytes), Ok(announcement));
    }

    #[test]
    fn no_bytes_are_a_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

#[test]
fn what_a_later_version_writes_is_skipped_or_read_as_far_as_it_is_known() {
    assert_eq!(decode(br#"{"v":2,"k":"room","d":{}}"#), Err(Unread::Unknown));
    assert_eq!(decode(br#"{"v":1,"k":"reaction","d":[1]}"#), Err(Unread::Unknown));
    assert_eq!(decode(br#"{"v":1,"k":"ended","d":{}}"#), Err(Unread::Malformed));
    assert_eq!(decode(b"hello"), Err(Unread::Malformed));
    let id = Uuid::from_u128(7);
    let more = format!(r#"{{"v":1,"k":"ended","d":{{"s":"{id}","why":"later"}},"x":0}}"#);
    assert_eq!(decode(more.as_bytes()), Ok(Announcement::LoginEnded(SessionId(id))));
}

#[test]
fn a_change_of_an_unknown_kind_keeps_its_place() {
    let id = Uuid::from_u128(7);
    let entry = r#"{"s":5,"t":9,"k":"room.painted","d":{"by":1}}"#;
    let text = format!(r#"{{"v":1,"k":"room","d":{{"r":"{id}","m":3,"e":[{entry}]}}}}"#);
    let Ok(Announcement::Room(news)) = decode(text.as_bytes()) else { panic!("not read: {text}") };
    let change = Change::Other { kind: "room.painted".into() };
    let (room, seq) = (RoomId(id), Seq::new(5).expect("small"));
    assert_eq!(news.entries, [Entry { room, seq, at: Timestamp::from_millis(9), change }]);
}
