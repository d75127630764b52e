//! What entries of logs hold beside the people, rooms and messages that their rows name: the column
//! `data`, the same in all stores. Next: [`super::plan`], which writes rooms' entries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::policy::EditWindow;
use crate::domain::{
    Change, Description, Emoji, HistoryVisibility, InviteId, Marks, MessageAt, Mute, Notifications, Reason,
    Role, RoomFacts, RoomId, RoomName, RoomSettings, SlowMode, Timestamp, Topic, Unread, UserChange, UserId,
};

/// Stands for an entry of a known kind whose row lacks what the kind needs, which only a damaged
/// database holds. The name of no event: it must not be taken for what it is not.
pub(super) const UNREADABLE: &str = "unreadable";

#[derive(Serialize, Deserialize)]
struct Facts {
    name: String,
    description: Option<String>,
    topic: Option<String>,
    history: String,
    archived: Option<i64>,
    #[serde(default)]
    window: Option<i64>,
    #[serde(default)]
    slow: i64,
}

/// Of who was muted, or may write again. Versions that do not know it read the role of a plain member,
/// whom it mostly is about.
#[derive(Serialize, Deserialize)]
struct Muted {
    role: String,
    until: Option<i64>,
    by: Uuid,
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Deed {
    by: Uuid,
    #[serde(default)]
    banned: bool,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    notifications: String,
    muted_until: Option<i64>,
    is_favourite: bool,
}

#[derive(Serialize, Deserialize)]
struct Invited {
    invite: Uuid,
    by: Option<Uuid>,
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    // Plain data with names for keys: there is nothing in it that could not be written.
    serde_json::to_string(value).ok()
}

fn parsed<'d, T: Deserialize<'d>>(data: Option<&'d str>) -> Option<T> {
    serde_json::from_str(data?).ok()
}

impl Muted {
    fn new(role: Role, mute: &Mute) -> Self {
        let Mute { until, by, reason } = mute;
        Self {
            role: role.as_str().to_owned(),
            until: until.map(Timestamp::millis),
            by: by.0,
            reason: reason.as_ref().map(|reason| reason.as_str().to_owned()),
        }
    }

    fn change(self, user: UserId) -> Change {
        let until = self.until.map(Timestamp::from_millis);
        let mute = Mute { until, by: UserId(self.by), reason: self.reason.map(Reason::from_stored) };
        Change::MemberMuted { user, role: Role::from_stored(&self.role), mute }
    }
}

impl From<&RoomFacts> for Facts {
    fn from(facts: &RoomFacts) -> Self {
        Self {
            name: facts.name.as_str().to_owned(),
            description: facts.description.as_ref().map(|text| text.as_str().to_owned()),
            topic: facts.topic.as_ref().map(|text| text.as_str().to_owned()),
            history: facts.history.as_str().to_owned(),
            archived: facts.archived_at.map(Timestamp::millis),
            window: facts.edit_window.map(EditWindow::stored),
            slow: facts.slow_mode.stored(),
        }
    }
}

impl From<Facts> for RoomFacts {
    fn from(facts: Facts) -> Self {
        Self {
            name: RoomName::from_stored(facts.name),
            description: facts.description.map(Description::from_stored),
            topic: facts.topic.map(Topic::from_stored),
            history: HistoryVisibility::from_stored(&facts.history),
            archived_at: facts.archived.map(Timestamp::from_millis),
            edit_window: facts.window.map(EditWindow::from_stored),
            slow_mode: SlowMode::from_stored(facts.slow),
        }
    }
}

/// The `data` of a room's entry.
pub(super) fn data(change: &Change) -> Option<Cow<'static, str>> {
    match change {
        // Of who joined, his role then.
        Change::MemberJoined { member, .. } => Some(member.role.as_str().into()),
        Change::MemberUpdated { role, .. } => Some(role.as_str().into()),
        Change::MemberMuted { role, mute, .. } => json(&Muted::new(*role, mute)).map(Cow::Owned),
        Change::MemberLeft { by, is_banned, .. } => {
            json(&Deed { by: (*by)?.0, banned: *is_banned }).map(Cow::Owned)
        }
        Change::MemberBanned { by, .. } | Change::MemberUnbanned { by, .. } => {
            json(&Deed { by: by.0, banned: false }).map(Cow::Owned)
        }
        Change::ReactionAdded { emoji, .. } | Change::ReactionRemoved { emoji, .. } => {
            Some(emoji.as_str().to_owned().into())
        }
        Change::RoomUpdated(facts) | Change::RoomArchived(facts) => json(&Facts::from(facts)).map(Cow::Owned),
        Change::MessageCreated(_)
        | Change::MessageUpdated(_)
        | Change::MessageDeleted(_)
        | Change::MessagePinned { .. }
        | Change::MessageUnpinned { .. }
        | Change::Hidden
        | Change::Other { .. } => None,
    }
}

/// The person that a room's entry is about.
pub(super) const fn user(change: &Change) -> Option<UserId> {
    match change {
        Change::MemberJoined { member, .. } => Some(member.user),
        Change::MemberLeft { user, .. }
        | Change::MemberUpdated { user, .. }
        | Change::MemberMuted { user, .. }
        | Change::MemberBanned { user, .. }
        | Change::MemberUnbanned { user, .. }
        | Change::ReactionAdded { user, .. }
        | Change::ReactionRemoved { user, .. }
        | Change::MessagePinned { user, .. }
        | Change::MessageUnpinned { user, .. } => Some(*user),
        _ => None,
    }
}

/// The change of an entry that is neither about a message nor about somebody who joined.
pub(super) fn change(
    kind: String,
    message: Option<MessageAt>,
    user: Option<UserId>,
    data: Option<&str>,
) -> Change {
    let reaction = || Some((message?, user?, Emoji::from_stored(data?.to_owned())));
    let facts = || parsed::<Facts>(data).map(RoomFacts::from);
    let deed = || parsed::<Deed>(data);
    let read = match (kind.as_str(), user) {
        ("member.left", Some(user)) => {
            let deed = deed();
            let is_banned = deed.as_ref().is_some_and(|deed| deed.banned);
            Some(Change::MemberLeft { user, by: deed.map(|deed| UserId(deed.by)), is_banned })
        }
        ("member.updated", Some(user)) => match parsed::<Muted>(data) {
            Some(muted) => Some(muted.change(user)),
            None => data.map(|word| Change::MemberUpdated { user, role: Role::from_stored(word) }),
        },
        ("member.banned", Some(user)) => {
            deed().map(|deed| Change::MemberBanned { user, by: UserId(deed.by) })
        }
        ("member.unbanned", Some(user)) => {
            deed().map(|deed| Change::MemberUnbanned { user, by: UserId(deed.by) })
        }
        ("reaction.added", _) => {
            reaction().map(|(message, user, emoji)| Change::ReactionAdded { message, user, emoji })
        }
        ("reaction.removed", _) => {
            reaction().map(|(message, user, emoji)| Change::ReactionRemoved { message, user, emoji })
        }
        ("message.pinned", Some(user)) => message.map(|message| Change::MessagePinned { message, user }),
        ("message.unpinned", Some(user)) => message.map(|message| Change::MessageUnpinned { message, user }),
        ("room.updated", _) => facts().map(Change::RoomUpdated),
        ("room.archived", _) => facts().map(Change::RoomArchived),
        (
            "message.created" | "message.updated" | "message.deleted" | "message.pinned" | "message.unpinned"
            | "member.joined" | "member.left" | "member.updated" | "member.banned" | "member.unbanned",
            _,
        ) => None,
        _ => return Change::Other { kind: kind.into() },
    };
    read.unwrap_or_else(|| {
        log::error!("an entry, {kind}, lacks what it needs");
        Change::Other { kind: UNREADABLE.into() }
    })
}

/// The `data` of an entry of a user's own log.
pub(super) fn user_data(change: &UserChange) -> Option<String> {
    match change {
        UserChange::SettingsUpdated { settings, .. } => json(&Settings {
            notifications: settings.notifications.as_str().to_owned(),
            muted_until: settings.muted_until.map(Timestamp::millis),
            is_favourite: settings.is_favourite,
        }),
        UserChange::InviteReceived { invite, by, .. } => json(&Invited { invite: invite.0, by: Some(by.0) }),
        UserChange::InviteRevoked { invite, .. } => json(&Invited { invite: invite.0, by: None }),
        UserChange::RoomAdded { .. }
        | UserChange::RoomRemoved { .. }
        | UserChange::MarkMoved { .. }
        | UserChange::ProfileUpdated
        | UserChange::Other { .. } => None,
    }
}

/// The change of an entry of a user's own log.
pub(super) fn user_change(
    kind: String,
    room: Option<RoomId>,
    moved: Option<(Marks, Unread)>,
    data: Option<&str>,
) -> UserChange {
    let invited = || parsed::<Invited>(data);
    let read = match (kind.as_str(), room) {
        ("room.added", Some(room)) => Some(UserChange::RoomAdded { room }),
        ("room.removed", Some(room)) => Some(UserChange::RoomRemoved { room }),
        ("mark.moved", Some(room)) => {
            moved.map(|(marks, unread)| UserChange::MarkMoved { room, marks, unread })
        }
        ("settings.updated", Some(room)) => parsed::<Settings>(data).map(|settings| {
            let settings = RoomSettings {
                notifications: Notifications::from_stored(&settings.notifications),
                muted_until: settings.muted_until.map(Timestamp::from_millis),
                is_favourite: settings.is_favourite,
            };
            UserChange::SettingsUpdated { room, settings }
        }),
        ("invite.received", Some(room)) => invited().and_then(|Invited { invite, by }| {
            Some(UserChange::InviteReceived { invite: InviteId(invite), room, by: UserId(by?) })
        }),
        ("invite.revoked", Some(room)) => {
            invited().map(|invited| UserChange::InviteRevoked { invite: InviteId(invited.invite), room })
        }
        ("profile.updated", _) => Some(UserChange::ProfileUpdated),
        (
            "room.added" | "room.removed" | "mark.moved" | "settings.updated" | "invite.received"
            | "invite.revoked",
            None,
        ) => None,
        _ => return UserChange::Other { kind },
    };
    read.unwrap_or_else(|| {
        log::error!("an entry of a user's log, {kind}, lacks what it needs");
        UserChange::Other { kind: UNREADABLE.to_owned() }
    })
}
