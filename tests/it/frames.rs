//! Every frame there is, pinned: `openapi/frames/` is read by the clients' tests too.
//! `UPDATE_FRAMES=1 cargo test` writes the server's frames anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use chat::domain::policy::EditWindow;
use chat::domain::refusal::Invalid;
use chat::domain::subscription::{Answer, Level, ResetReason};
use chat::domain::{
    Attachment, Change, ClientMsgId, Committed, ConnId, Counts, Email, Emoji, Entry, Epoch, FileId, FileName,
    Head, HistoryVisibility, InviteId, Marks, Member, Message, MessageAt, MessageId, Mute, Notifications,
    Reason, Refusal, Removal, Role, RoomFacts, RoomId, RoomName, RoomSettings, RoomState, Seq, SessionId,
    SlowMode, Timestamp, Topic, Unread, User, UserChange, UserEntry, UserId, Username,
};
use chat::error::{Code, Fault};
use chat::protocol::client::{Limits, decode};
use chat::protocol::news::{self, Presence};
use chat::protocol::server::{self, HelloLimits};
use chat::protocol::{Encoded, Links, Reference};
use uuid::Uuid;

const ROOM: RoomId = RoomId(id(1));
const ALICE: UserId = UserId(id(2));
const BOB: UserId = UserId(id(3));

const fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_7f4e_5b1a_7c2d_9e3f_0000_0000_0000 + n)
}

fn seq(n: u64) -> Seq {
    Seq::new(n).expect("small")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_276_320_123 + seconds * 1_000)
}

fn folder(side: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi/frames").join(side)
}

fn message() -> Message {
    Message {
        id: MessageId(id(10)),
        room: ROOM,
        seq: seq(44),
        author: ALICE,
        client_msg_id: ClientMsgId(id(11)),
        content: "hi".into(),
        attachments: Vec::new(),
        reply_to: None,
        thread_root: None,
        created_at: at(0),
        updated_at: at(0),
        deleted_at: None,
        removal: None,
    }
}

fn entry(n: u64, change: Change) -> Entry {
    Entry { room: ROOM, seq: seq(n), at: at(i64::try_from(n).expect("small") - 44), change }
}

fn left(by: Option<UserId>) -> Change {
    Change::MemberLeft { user: BOB, by, is_banned: by.is_some() }
}

fn files() -> Vec<Attachment> {
    let file = |n, name: &str, media_type: &str, has_thumbnail| Attachment {
        id: FileId(id(n)),
        name: FileName::from_stored(name.into()),
        media_type: media_type.into(),
        size: 48_213,
        has_thumbnail,
    };
    vec![file(11, "cat.jpg", "image/jpeg", true), file(12, "plan.pdf", "application/pdf", false)]
}

fn limits() -> HelloLimits {
    HelloLimits {
        frame_bytes: 65_536,
        resume_frame_bytes: 262_144,
        json_depth: 16,
        content_chars: 8_000,
        attachments: 10,
        file_bytes: 9_961_472,
        edit_window_seconds: 300,
        subscriptions: 1_000,
        watched: 200,
        connections_per_user: 20,
        connections_per_ip: 200,
        frames_per_second: 20,
        frames_burst: 40,
        sends_per_second: 5,
        sends_burst: 10,
        tickets_per_minute: 10,
        logins_per_minute: 5,
        logins_per_minute_per_ip: 20,
    }
}

fn server_frames() -> BTreeMap<String, Encoded> {
    let user = User {
        id: ALICE,
        username: Username::parse("alice").expect("valid"),
        email: Email::parse("alice@example.com").expect("valid"),
        avatar: None,
        created_at: at(0),
        last_seen: None,
        email_verified: true,
        server_role: chat::domain::ServerRole::User,
        status: chat::domain::AccountStatus::Active,
        profile: chat::domain::Profile::default(),
    };
    let reference = Reference::Number(4);
    let r = Some(&reference);
    let text = Reference::Text("a".into());
    let edited = Message { content: "hello".into(), updated_at: at(1), ..message() };
    let deleted = Message { content: String::new(), updated_at: at(2), deleted_at: Some(at(2)), ..message() };
    let joined = Change::MemberJoined {
        member: Member { user: BOB, role: Role::Member, joined_at: at(3), joined_seq: seq(47) },
        username: "bob".into(),
    };
    let created = entry(44, Change::MessageCreated(message()));
    let links = Links::new("https://chat.example.com");
    let mut frames = BTreeMap::new();
    let mut add = |name: &str, frame: Encoded| {
        assert!(frames.insert(name.to_owned(), frame).is_none(), "{name} stands twice");
    };
    add("hello", server::hello(ConnId(id(5)), Epoch(id(6)), at(0), 25_000, &limits()));
    add("ready", server::ready(None, &user, SessionId(id(7)), seq(12)));
    add("ready.reply", server::ready(r, &user, SessionId(id(7)), seq(12)));
    let head = Head { room: ROOM, head: seq(43), first_retained: seq(1) };
    let marks = Marks { received: seq(42), read: seq(40) };
    let unread = Unread { messages: 3, mentions: 1 };
    let settings = RoomSettings::default();
    let state = RoomState { head, messages: 38, marks, unread, settings };
    add("heads", server::heads(&[state]).remove(0));
    let settings = RoomSettings {
        notifications: Notifications::Mentions,
        muted_until: Some(at(3_600)),
        is_favourite: true,
    };
    add("heads.settings", server::heads(&[RoomState { settings, ..state }]).remove(0));
    add("heads.live", server::live_heads(&[head]).remove(0));
    add("heads.empty", server::heads(&[]).remove(0));
    let replay = Answer::Replay { from: seq(42), to: seq(43), more: false };
    add("room.subscribed.uptodate", server::subscribed(r, ROOM, Level::Bump, Answer::UpToDate, seq(43)));
    add("room.subscribed.replay", server::subscribed(Some(&text), ROOM, Level::Full, replay, seq(43)));
    let reset = Answer::Reset(ResetReason::Retention);
    add("room.subscribed.reset", server::subscribed(None, ROOM, Level::Full, reset, seq(43)));
    add("resumed", server::resumed(r, seq(14)));
    add("pong", server::pong(r, &[(ROOM, seq(44))]));
    let committed =
        Committed { entry: created.clone(), also: Vec::new(), duplicate: false, told: Vec::new() };
    add("ack.send", server::ack(r, &committed));
    add("ack.duplicate", server::ack(r, &Committed { duplicate: true, ..committed }));
    let edit = entry(45, Change::MessageUpdated(edited.clone()));
    add(
        "ack.edit",
        server::ack(
            r,
            &Committed { entry: edit.clone(), also: Vec::new(), duplicate: false, told: Vec::new() },
        ),
    );
    add("ack.done", server::done(r));
    add("auth.expiring", server::auth_expiring(at(60)));
    add("server.draining", server::draining(1_830, at(10)));
    add("session.revoked", server::session_revoked());
    add("room.reset", server::reset(ROOM, ResetReason::Membership, seq(48), seq(1)));
    add("message.created", server::entry(&created, None, &links));
    add("message.created.own", server::entry(&created, Some(ALICE), &links));
    let with_files = Message { content: String::new(), attachments: files(), ..message() };
    let with_files = entry(44, Change::MessageCreated(with_files));
    add("message.created.attachments", server::entry(&with_files, None, &links));
    add("message.updated", server::entry(&edit, None, &links));
    add("message.deleted", server::entry(&entry(46, Change::MessageDeleted(deleted.clone())), None, &links));
    let removal = Some(Removal { by: BOB, reason: Reason::optional(Some("spam")).expect("valid") });
    let removed = Change::MessageDeleted(Message { removal, ..deleted });
    add("message.deleted.removed", server::entry(&entry(46, removed), None, &links));
    add("member.joined", server::entry(&entry(47, joined), None, &links));
    add("member.left", server::entry(&entry(48, left(None)), None, &links));
    add("member.left.removed", server::entry(&entry(48, left(Some(ALICE))), None, &links));
    let role = Change::MemberUpdated { user: BOB, role: Role::Administrator };
    add("member.updated", server::entry(&entry(50, role), None, &links));
    let muted = |until, reason: Option<&str>| {
        let reason = reason.map(|text| Reason::parse(text).expect("valid"));
        let mute = Mute { until, by: ALICE, reason };
        entry(57, Change::MemberMuted { user: BOB, role: Role::Member, mute })
    };
    let frame = server::entry(&muted(Some(at(3_600)), Some("spam")), None, &links);
    add("member.updated.muted", frame);
    add("member.updated.unmuted", server::entry(&muted(None, None), None, &links));
    let banned = Change::MemberBanned { user: BOB, by: ALICE };
    add("member.banned", server::entry(&entry(51, banned), None, &links));
    let unbanned = Change::MemberUnbanned { user: BOB, by: ALICE };
    add("member.unbanned", server::entry(&entry(52, unbanned), None, &links));
    let facts = RoomFacts {
        name: RoomName::parse("general").expect("valid"),
        description: None,
        topic: Topic::parse("the picnic on Sunday").expect("valid"),
        history: HistoryVisibility::SinceJoined,
        archived_at: None,
        edit_window: None,
        slow_mode: SlowMode::of_room(30).expect("valid"),
    };
    add("room.updated", server::entry(&entry(53, Change::RoomUpdated(facts.clone())), None, &links));
    let edit_window = Some(EditWindow(Duration::from_secs(3_600)));
    let archived = RoomFacts { archived_at: Some(at(10)), edit_window, ..facts };
    let (message, user) = (MessageAt { id: MessageId(id(10)), seq: seq(44) }, BOB);
    let emoji = Emoji::parse("👍").expect("a sign");
    let added = Change::ReactionAdded { message, user, emoji: emoji.clone() };
    add("reaction.added", server::entry(&entry(55, added), None, &links));
    let reacted = entry(55, Change::ReactionAdded { message, user, emoji: emoji.clone() });
    let reacted = Committed { entry: reacted, also: Vec::new(), duplicate: false, told: Vec::new() };
    add("ack.react", server::ack(r, &reacted));
    let removed = Change::ReactionRemoved { message, user, emoji };
    add("reaction.removed", server::entry(&entry(56, removed), None, &links));
    let pinned = Change::MessagePinned { message, user };
    add("message.pinned", server::entry(&entry(57, pinned), None, &links));
    let unpinned = Change::MessageUnpinned { message, user };
    add("message.unpinned", server::entry(&entry(58, unpinned), None, &links));
    add("room.archived", server::entry(&entry(54, Change::RoomArchived(archived)), None, &links));
    add("entry.hidden", server::entry(&entry(59, Change::Hidden), None, &links));
    let newer = Change::Other { kind: "room.painted".into() };
    add("other", server::entry(&entry(49, newer), None, &links));
    let own =
        |n, change| UserEntry { user: ALICE, seq: seq(n), at: at(i64::try_from(n).expect("small")), change };
    add("room.added", news::user_entry(&own(13, UserChange::RoomAdded { room: ROOM })));
    add("room.removed", news::user_entry(&own(14, UserChange::RoomRemoved { room: ROOM })));
    add("mark.moved", news::user_entry(&own(15, UserChange::MarkMoved { room: ROOM, marks, unread })));
    let set = UserChange::SettingsUpdated { room: ROOM, settings };
    add("settings.updated", news::user_entry(&own(17, set)));
    let invite = InviteId(id(12));
    let received = UserChange::InviteReceived { invite, room: ROOM, by: BOB };
    add("invite.received", news::user_entry(&own(18, received)));
    add("invite.revoked", news::user_entry(&own(19, UserChange::InviteRevoked { invite, room: ROOM })));
    add("profile.updated", news::user_entry(&own(17, UserChange::ProfileUpdated)));
    add("other.user", news::user_entry(&own(16, UserChange::Other { kind: "badge.awarded".into() })));
    add("ack.marked", news::marked(r, marks, unread));
    add("room.bump", news::bump(ROOM, seq(51), 38, None));
    add("room.bump.members", news::bump(ROOM, seq(52), 38, Some(3)));
    let counts = Counts { room: ROOM, user: ALICE, head: seq(53), messages: 40, marks, unread };
    add("room.bump.counts", news::counts(&counts));
    add("room.lagged", news::lagged(ROOM, seq(900)));
    add("typing", news::typing(ROOM, BOB, at(6)));
    add("receipts", news::receipts(ROOM, [(&BOB, &marks)]));
    let present = Presence { user: BOB, is_online: true, last_seen: Some(at(0)) };
    let stranger = Presence { user: UserId(id(4)), is_online: false, last_seen: None };
    add("presence", news::presence(&[present, stranger]));
    add("error.field", server::error(r, &Fault::from(Invalid::new("content", "must not be empty"))));
    let rate = Refusal::RateLimited { retry_after: Duration::from_millis(200) };
    add("error.rate", server::error(r, &rate.into()));
    for code in Code::ALL {
        add(&format!("error.{}", code.as_str()), server::error(r, &Fault::new(*code, code.title())));
    }
    frames
}

#[test]
fn server_frames_are_as_pinned() {
    let folder = folder("server");
    let frames = server_frames();
    if std::env::var_os("UPDATE_FRAMES").is_some() {
        fs::create_dir_all(&folder).expect("writable");
        for (name, frame) in &frames {
            let value: serde_json::Value = serde_json::from_slice(&frame.payload()).expect("JSON");
            let text = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
            fs::write(folder.join(format!("{name}.json")), text).expect("writable");
        }
    }
    for (name, frame) in &frames {
        let path = folder.join(format!("{name}.json"));
        let pinned = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
        let pinned: serde_json::Value = serde_json::from_str(&pinned).expect("JSON");
        let actual: serde_json::Value = serde_json::from_slice(&frame.payload()).expect("JSON");
        assert_eq!(actual, pinned, "{name}: a frame changed; UPDATE_FRAMES=1 if it was meant");
    }
    let files = fs::read_dir(&folder).expect("the folder is there").count();
    assert_eq!(files, frames.len(), "a frame is pinned that no longer exists");
}

#[test]
fn client_frames_are_understood() {
    let limits = Limits {
        frame_bytes: 65_536,
        resume_frame_bytes: 262_144,
        json_depth: 16,
        content_chars: 8_000,
        attachments: 10,
        subscriptions: 1_000,
        watched: 200,
    };
    let mut seen = 0;
    for file in fs::read_dir(folder("client")).expect("the folder is there") {
        let path = file.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let frame = decode(&text, &limits).unwrap_or_else(|m| panic!("{}: {m:?}", path.display()));
        frame.command.unwrap_or_else(|fault| panic!("{}: {fault:?}", path.display()));
        seen += 1;
    }
    assert!(seen >= 15, "one file for each action");
}
