//! Rooms, members and messages as people look at them.

use super::Answer;
use crate::domain::powers::{self, Action};
use crate::domain::{
    ClientMsgId, Description, Entry, HistoryVisibility, Marks, Message, MessageId, Muted, Role, Room, RoomId,
    RoomName, RoomSettings, Seq, Timestamp, Topic, User, UserEntry, UserId,
};

/// A room to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    pub id: RoomId,
    pub name: RoomName,
    pub description: Option<Description>,
    pub topic: Option<Topic>,
    pub is_private: bool,
    pub history: HistoryVisibility,
    pub owner: UserId,
    /// In the order given, without the owner and without repeats.
    pub members: Vec<UserId>,
    pub now: Timestamp,
}

/// A room that was made.
#[derive(Clone, Debug)]
pub struct NewRoomMade {
    pub room: Room,
    pub entries: Vec<Entry>,
    /// What each member is told in his own log.
    pub told: Vec<UserEntry>,
}

/// A room with the first of its members.
#[derive(Clone, Debug)]
pub struct RoomView {
    pub room: Room,
    /// By `joined_seq`; at most as many as asked for; none for someone outside.
    pub members: Vec<Insider>,
    /// What the viewer is in it, and what he has set for himself; `None` for someone outside.
    pub mine: Option<(Role, RoomSettings)>,
    /// That the viewer may not write, if he was muted; it may be over.
    pub muted: Option<Muted>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insider {
    pub user: User,
    pub role: Role,
    /// That he may not write, if he was muted; it may be over. Told to himself, and to those who may
    /// mute others.
    pub muted: Option<Muted>,
}

impl Insider {
    /// As a viewer sees him who is this in the room.
    pub(super) fn seen_by(self, viewer: UserId, role: Role, is_private: bool) -> Self {
        let is_told = self.user.id == viewer || powers::may(role, Action::Mute, is_private).is_ok();
        Self { muted: held(self.muted.filter(|_| is_told), self.role), ..self }
    }
}

/// A mute, of somebody who is this in the room. Nobody keeps the owner from writing.
pub(super) fn held(muted: Option<Muted>, role: Role) -> Option<Muted> {
    muted.filter(|_| role != Role::Owner)
}

/// Continues a listing of the directory: after this room, in (creation, id) descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryCursor {
    pub created_at: Timestamp,
    pub id: RoomId,
}

impl DirectoryCursor {
    /// Continues after this room.
    #[must_use]
    pub const fn after(room: &Room) -> Self {
        Self { created_at: room.created_at, id: room.id }
    }
}

/// Continues a listing of members: after this `joined_seq`.
pub type MemberCursor = Seq;

#[derive(Clone, Debug)]
pub struct RoomPage {
    pub rooms: Vec<Room>,
    pub next: Option<DirectoryCursor>,
}

#[derive(Clone, Debug)]
pub struct MemberPage {
    pub members: Vec<Insider>,
    pub next: Option<MemberCursor>,
}

/// Messages by `seq` of creation, descending, deleted ones included.
#[derive(Clone, Debug)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// Where the older ones begin: strictly below this `seq`.
    pub next: Option<Seq>,
    /// Where the newer ones begin: strictly above this `seq`.
    pub newer: Option<Seq>,
}

/// Where somebody stands to a message.
#[derive(Clone, Debug)]
pub struct Standing {
    /// As it is now; its `seq` is that of its creation.
    pub message: Message,
    pub user: User,
    /// `None` when he is no member of the room now.
    pub member: Option<Membership>,
    /// The room grew by something that is not known to be announced.
    pub is_unannounced: bool,
}

/// Somebody's membership of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub joined: Seq,
    /// Where his part of the room's log begins.
    pub visible_from: Seq,
    pub marks: Marks,
}

/// Rooms, members and messages.
pub trait Rooms: Send + Sync + 'static {
    /// Makes a room and writes `member.joined` of its owner (seq 1) and of each initial member in
    /// the order given, in one transaction, and `room.added` into the log of each of them. Answers
    /// the room and these entries.
    ///
    /// # Errors
    /// `Invalid` on `members` when one of them is no user, or blocks the owner: the two are not told
    /// apart.
    fn create_room(&self, room: NewRoom) -> Answer<'_, NewRoomMade>;

    /// The rooms of a user, newest activity first, each with at most `embed` members.
    fn rooms_of(&self, user: UserId, embed: usize) -> Answer<'_, Vec<RoomView>>;

    /// One room: for a member with members, for others when it is public without.
    ///
    /// # Errors
    /// `NotFound` when it is absent, or private and the viewer is outside.
    fn room(&self, room: RoomId, viewer: UserId, embed: usize) -> Answer<'_, RoomView>;

    /// Public rooms, newest first; archived ones only where the viewer is in them, as nobody can join
    /// them. With a search, those of them whose name or description holds each of its words (see
    /// [`Room::matches`]). A page of a search may hold fewer than asked for, or none,
    /// and another one follow.
    fn directory(
        &self,
        viewer: UserId,
        limit: usize,
        after: Option<DirectoryCursor>,
        search: Option<String>,
    ) -> Answer<'_, RoomPage>;

    /// Members by `joined_seq`.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the viewer may not see them.
    fn members(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<MemberCursor>,
    ) -> Answer<'_, MemberPage>;

    /// A page of what the viewer may see of the history: strictly before `before`, or from the newest.
    /// For other places see [`super::History`].
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the viewer may not read the room.
    fn messages(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        before: Option<Seq>,
    ) -> Answer<'_, MessagePage>;

    /// One message.
    ///
    /// # Errors
    /// `NotFound` when it is absent or in a part of a room that the viewer may not read.
    fn message(&self, id: MessageId, viewer: UserId) -> Answer<'_, Message>;

    /// Where somebody stands to a message: for those who look after the server, whom no rule of rooms
    /// keeps out.
    ///
    /// # Errors
    /// `NotFound` when there is no such message, or no such user.
    fn standing(&self, message: MessageId, user: UserId) -> Answer<'_, Standing>;

    /// The message that a sender's key stands for, if it was used.
    fn message_by_key(&self, author: UserId, key: ClientMsgId) -> Answer<'_, Option<Message>>;
}
