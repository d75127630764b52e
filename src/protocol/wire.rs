//! The JSON shapes that REST and socket share, so that the two cannot drift: `d` of
//! `message.created` **is** the [`Message`] of the REST contract.
//!
//! A `{{…}}` block at the end of a field's doc is merged into the OpenAPI schema.

use paperclip::actix::Apiv2Schema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Links;
pub use super::times::{parse_rfc3339, rfc3339};
use crate::domain::{self, Role, RoomKind};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Never changes.
    pub id: Uuid,
    /// The name people see. {{"minLength":3,"maxLength":30,"example":"alice"}}
    pub username: String,
    /// The real address for oneself and for administrators; a placeholder at `users.invalid` for everyone else. {{"format":"email","example":"alice@example.com"}}
    pub email: String,
    /// Whether the address is confirmed; of yourself, and to administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// What the person may do on the server: `user`, `moderator` or `administrator`; of yourself, and to administrators. {{"example":"user"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_role: Option<String>,
    /// The name that the person wants to be shown; anybody may have the same. {{"maxLength":50,"example":"Alice Liddell"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A line that the person tells of himself. {{"maxLength":140,"example":"Down the hole"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// Whether signing in asks for a code beside the password; of yourself only, where you sign in or ask for yourself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<bool>,
    /// Where the picture is. {{"nullable":true}}
    pub avatar: Option<String>,
    /// Among the members of a room: what the person is in it. {{"enum":["member","administrator","owner"]}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Among the members of a room: until when the person may not write there. Told to the person, and to the owner and the administrators; absent where it is not so. {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<String>,
    /// Beside `mutedUntil`: why; absent where nobody said. {{"maxLength":500}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_reason: Option<String>,
    /// Whether a connection of the person is open, or was until some seconds ago. Absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_online: Option<bool>,
    /// When the person was last connected. {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

impl User {
    /// As the person sees himself: with the real address.
    #[must_use]
    pub fn own(user: &domain::User) -> Self {
        let email_verified = Some(user.email_verified);
        let server_role = Some(user.server_role.as_str().to_owned());
        Self { email: user.email.as_str().to_owned(), email_verified, server_role, ..Self::of(user) }
    }

    /// As `viewer` sees the person: only oneself with the real address, and whoever administers the
    /// server everybody.
    #[must_use]
    pub fn seen_by(user: &domain::User, viewer: impl Into<domain::Viewer>) -> Self {
        let viewer = viewer.into();
        if user.id == viewer.id || viewer.administers { Self::own(user) } else { Self::of(user) }
    }

    /// As others see the person: the address is replaced.
    #[must_use]
    pub fn of(user: &domain::User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str().to_owned(),
            email: format!("{}@users.invalid", user.id),
            email_verified: None,
            server_role: None,
            display_name: user.profile.display_name.clone(),
            status_text: user.profile.status_text.clone(),
            second_factor: None,
            avatar: user.avatar.clone(),
            role: None,
            muted_until: None,
            mute_reason: None,
            is_online: None,
            last_seen: user.last_seen.map(rfc3339),
        }
    }
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub id: Uuid,
    /// Where it is read, by members. {{"format":"uri"}}
    pub url: String,
    /// A small picture of it. {{"format":"uri","nullable":true}}
    pub thumbnail_url: Option<String>,
    pub name: String,
    /// The media type.
    pub r#type: String,
    /// Bytes.
    pub size: i64,
}

impl Attachment {
    #[must_use]
    pub fn of(file: &domain::Attachment, links: &Links) -> Self {
        Self {
            id: file.id.0,
            url: links.attachment(file.id),
            thumbnail_url: file.has_thumbnail.then(|| links.thumbnail(file.id)),
            name: file.name.as_str().to_owned(),
            r#type: file.media_type.clone(),
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
        }
    }
}

/// A message as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: Uuid,
    /// Empty when deleted, and where files say it all. {{"example":"hi"}}
    pub content: String,
    /// The author.
    pub user_id: Uuid,
    pub room_id: Uuid,
    /// Files, in the author's order; none when deleted.
    pub attachments: Vec<Attachment>,
    /// By the server's clock. {{"format":"date-time"}}
    pub created_at: String,
    /// Later than `createdAt` once edited or deleted. {{"format":"date-time"}}
    pub updated_at: String,
    /// The place of its creation in the room's log. {{"minimum":1,"example":44}}
    #[serde(default)]
    pub seq: u64,
    /// The author's own name for it; shown to the author only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<Uuid>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Uuid>,
    /// Of a reply: the message that its thread began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_root: Option<Uuid>,
    /// Where it is asked for over HTTP, of a message with replies: its thread, as you see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Where they are asked for over HTTP: what people express about it. Sockets tell each change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Vec<Reaction>>,
    /// Where it is asked for over HTTP: set on a pinned message. Sockets tell each change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_pinned: Option<bool>,
    /// Set on a deleted message, whose content is empty. {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// Who deleted it, where that was not its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Uuid>,
    /// Why, as that person said. {{"maxLength":500}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Message {
    /// As `viewer` sees it: `clientMsgId` is for the author alone.
    #[must_use]
    pub fn of(message: &domain::Message, viewer: Option<domain::UserId>, links: &Links) -> Self {
        Self {
            id: message.id.0,
            content: message.content.clone(),
            user_id: message.author.0,
            room_id: message.room.0,
            attachments: message.attachments.iter().map(|file| Attachment::of(file, links)).collect(),
            created_at: rfc3339(message.created_at),
            updated_at: rfc3339(message.updated_at),
            seq: message.seq.get(),
            client_msg_id: (viewer == Some(message.author)).then_some(message.client_msg_id.0),
            reply_to: message.reply_to.map(|id| id.0),
            thread_root: message.thread_root.map(|id| id.0),
            thread: None,
            reactions: None,
            is_pinned: None,
            deleted_at: message.deleted_at.map(rfc3339),
            by: message.removal.as_ref().map(|removal| removal.by.0),
            reason: message
                .removal
                .as_ref()
                .and_then(|removal| Some(removal.reason.as_ref()?.as_str().to_owned())),
        }
    }
}

/// The thread that a message began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// How many messages answer it, or answers of it; deleted ones left out.
    pub replies: u64,
    /// {{"format":"date-time"}}
    pub last_reply_at: String,
    /// Who wrote them, the last first, at most 5.
    pub participants: Vec<Uuid>,
    /// Replies by others above your mark of the thread, since you joined.
    pub unread: u64,
}

impl From<&domain::Thread> for Thread {
    fn from(thread: &domain::Thread) -> Self {
        Self {
            replies: thread.replies,
            last_reply_at: rfc3339(thread.last_reply_at),
            participants: thread.participants.iter().map(|user| user.0).collect(),
            unread: thread.unread,
        }
    }
}

/// One sign that people express about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The sign. {{"example":"👍"}}
    pub emoji: String,
    /// How many people.
    pub count: u64,
    /// The first of them, at most 20.
    pub user_ids: Vec<Uuid>,
    /// Whether you are among them.
    pub is_own: bool,
}

impl From<&domain::Reaction> for Reaction {
    fn from(reaction: &domain::Reaction) -> Self {
        Self {
            emoji: reaction.emoji.as_str().to_owned(),
            count: reaction.count,
            user_ids: reaction.users.iter().map(|user| user.0).collect(),
            is_own: reaction.is_own,
        }
    }
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    pub id: Uuid,
    /// Need not be unique. {{"minLength":1,"maxLength":80,"example":"general"}}
    pub name: String,
    /// What the room is for. {{"maxLength":1000,"nullable":true}}
    pub description: Option<String>,
    /// What it talks about just now; absent for someone outside. {{"maxLength":250}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `room`, or `direct`: a conversation of at most eight, whom nobody joins, and two of whom neither leaves. Its name is those of the others. {{"enum":["room","direct"]}}
    pub kind: String,
    /// How much of its history members may read: `all` of it, or what came `sinceJoined`. {{"enum":["all","sinceJoined"]}}
    pub history_visibility: String,
    /// Since when nothing can be written into it. {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<String>,
    /// For how many seconds members may edit and delete what they wrote, where it is not as everywhere; absent for someone outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit_window_seconds: Option<u64>,
    /// How many seconds a member waits between two messages; 0 where he need not, absent for someone outside. {{"example":0}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_mode_seconds: Option<u64>,
    /// What you are in it; absent for someone outside. {{"enum":["member","administrator","owner"]}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Until when you may not write here; absent where you may. {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<String>,
    /// Beside `mutedUntil`: why; absent where nobody said. {{"maxLength":500}}
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_reason: Option<String>,
    /// What you have set for yourself; absent for someone outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<RoomSettings>,
    /// A private room looks absent to everyone outside it.
    pub is_private: bool,
    /// The first of its members, at most 100; the rest is at `/rooms/{roomId}/members`. Empty for someone outside.
    pub members: Vec<User>,
    /// By the server's clock. {{"format":"date-time"}}
    pub created_at: String,
    /// How many members there are.
    pub member_count: u64,
    /// The last `seq` of the room's log; absent for someone outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<u64>,
}

impl Room {
    /// As somebody outside sees it: nothing of what goes on there.
    #[must_use]
    pub fn of(room: &domain::Room) -> Self {
        Self {
            id: room.id.0,
            name: room.name.as_str().to_owned(),
            description: room.description.as_ref().map(|text| text.as_str().to_owned()),
            topic: None,
            kind: room.kind.as_str().to_owned(),
            history_visibility: room.history.as_str().to_owned(),
            archived_at: room.archived_at.map(rfc3339),
            edit_window_seconds: None,
            slow_mode_seconds: None,
            role: None,
            muted_until: None,
            mute_reason: None,
            settings: None,
            is_private: room.is_private,
            members: Vec::new(),
            created_at: rfc3339(room.created_at),
            member_count: room.member_count,
            head: None,
        }
    }

    /// As somebody in it sees it, with these of its members. A conversation is called by the others.
    #[must_use]
    pub fn inside(
        room: &domain::Room,
        members: Vec<User>,
        viewer: domain::UserId,
        (role, settings): (Role, domain::RoomSettings),
    ) -> Self {
        let mut seen = Self::of(room);
        if room.kind == RoomKind::Direct {
            let others = members.iter().filter(|user| user.id != viewer.0);
            seen.name = others.map(|user| user.username.as_str()).collect::<Vec<_>>().join(", ");
        }
        Self {
            topic: room.topic.as_ref().map(|text| text.as_str().to_owned()),
            edit_window_seconds: room.edit_window.map(|window| window.0.as_secs()),
            slow_mode_seconds: Some(room.slow_mode.seconds()),
            role: Some(role.as_str().to_owned()),
            settings: Some(settings.into()),
            members,
            head: Some(room.head.get()),
            ..seen
        }
    }
}

/// What a member has set for himself in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub struct RoomSettings {
    /// Of what you want to be notified. {{"enum":["all","mentions","none"]}}
    pub notifications: String,
    /// Until when you want to be notified of nothing. {{"format":"date-time","nullable":true}}
    pub muted_until: Option<String>,
    /// Whether it is one of your favourites.
    pub is_favourite: bool,
}

impl From<domain::RoomSettings> for RoomSettings {
    fn from(settings: domain::RoomSettings) -> Self {
        Self {
            notifications: settings.notifications.as_str().to_owned(),
            muted_until: settings.muted_until.map(rfc3339),
            is_favourite: settings.is_favourite,
        }
    }
}
