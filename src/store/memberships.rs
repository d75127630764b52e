//! How people come to rooms, apart from the log: invitations, bans, direct conversations; and what
//! members set for themselves. Whoever comes or goes by it does so in [`super::Log::append`].

use sha2::{Digest, Sha256};

use super::{Answer, NewRoomMade};
use crate::domain::powers::{self, Action};
use crate::domain::{
    Invite, InviteId, Refusal, Role, Room, RoomId, RoomKind, RoomSettings, Timestamp, User, UserEntry,
    UserId, policy,
};

/// An invitation to be made.
#[derive(Clone, Debug)]
pub struct NewInvite {
    pub invite: Invite,
    /// Of a link: the SHA-256 of its token.
    pub token_hash: Option<[u8; 32]>,
    /// How many links a room may have.
    pub most: usize,
}

/// An invitation that somebody may accept, and the room it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInvite {
    pub invite: Invite,
    pub room: Room,
}

/// Somebody who may not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    pub user: User,
    pub by: UserId,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct BanPage {
    /// By the users' ids.
    pub bans: Vec<Ban>,
    /// Continues after this user.
    pub next: Option<UserId>,
}

/// A conversation to be found, or made.
#[derive(Clone, Debug)]
pub struct Direct {
    /// What it will be called if it is made.
    pub id: RoomId,
    pub by: UserId,
    /// Without repeats and without who asks.
    pub others: Vec<UserId>,
    pub now: Timestamp,
}

impl Direct {
    /// Everybody in it, in one order whoever asks.
    #[must_use]
    pub fn people(&self) -> Vec<UserId> {
        let mut people: Vec<_> = self.others.iter().copied().chain([self.by]).collect();
        people.sort_unstable();
        people
    }

    /// The same for the same people, and for nobody else.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for user in self.people() {
            hash.update(user.0.as_bytes());
        }
        hash.finalize().into()
    }
}

/// A conversation that was found, or made.
#[derive(Clone, Debug)]
pub struct DirectMade {
    pub room: RoomId,
    /// What is to be told, if it was not there before.
    pub made: Option<NewRoomMade>,
}

/// Invitations, bans, conversations, settings.
pub trait Memberships: Send + Sync + 'static {
    /// Keeps an invitation, and writes `invite.received` into the log of whom it is for. Who has one
    /// already is answered with that, and not told again.
    ///
    /// # Errors
    /// `Forbidden` by role; `Invalid` on `userId` for who is no user, whose account was closed, or who
    /// blocks who asks: these are not told apart; `Conflict` for who is in or banned; `RoomArchived`;
    /// `TooLarge` when there are as many links as may be.
    fn invite(&self, new: NewInvite) -> Answer<'_, (Invite, Option<UserEntry>)>;

    /// The invitations of a room that are open, oldest first: all for those who manage them, his own
    /// for everybody else inside.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` for who is outside.
    fn invites_of_room(&self, room: RoomId, viewer: UserId, now: Timestamp) -> Answer<'_, Vec<Invite>>;

    /// Takes an invitation back: one's own, or another's by those who manage them. Answers what is
    /// told to whom it was for.
    ///
    /// # Errors
    /// `NotFound` when there is none that he might take back.
    fn revoke_invite(
        &self,
        room: RoomId,
        by: UserId,
        invite: InviteId,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>>;

    /// What somebody is invited to and could accept now, newest first.
    fn invites_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<PendingInvite>>;

    /// Forgets an invitation of his own; answers what his devices are told.
    ///
    /// # Errors
    /// `NotFound` when it is not his.
    fn decline_invite(&self, user: UserId, invite: InviteId, now: Timestamp) -> Answer<'_, UserEntry>;

    /// Where a link leads, for somebody who could come in by it now or is in already.
    ///
    /// # Errors
    /// `NotFound` for an unknown one, one that is not open any more, and for who is banned.
    fn invite_by_token(&self, hash: [u8; 32], viewer: UserId, now: Timestamp) -> Answer<'_, PendingInvite>;

    /// Who may not come in, for those who may ban.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` for who is outside, `Forbidden` by role.
    fn bans(&self, room: RoomId, viewer: UserId, limit: usize, after: Option<UserId>) -> Answer<'_, BanPage>;

    /// The conversation of these people: the one there is, or a new one, which is told like a new
    /// room. Of any number that ask at once all get the same. One that somebody left is found no more.
    ///
    /// # Errors
    /// `Invalid` on `userIds` when one of them is no user, or blocks who asks and there is none yet: the
    /// two are not told apart.
    fn direct(&self, direct: Direct) -> Answer<'_, DirectMade>;

    /// Sets what a member wants for himself, and writes `settings.updated` into his log if it is
    /// another than before.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` for who is outside.
    fn set_settings(
        &self,
        room: RoomId,
        user: UserId,
        settings: RoomSettings,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>>;
}

/// What is known of a room and of whom it concerns, when somebody is to be invited.
pub(super) struct Inviting<'r> {
    pub(super) room: &'r Room,
    /// Of who invites; `None` when he is outside.
    pub(super) role: Option<Role>,
    /// Whether there is such a person whom he may ask in, he is in, and he is banned.
    pub(super) is_in_reach: bool,
    pub(super) is_member: bool,
    pub(super) is_banned: bool,
    /// Links that are open.
    pub(super) links: usize,
}

impl Inviting<'_> {
    /// May this invitation be made?
    pub(super) fn judge(&self, new: &NewInvite) -> Result<(), Refusal> {
        let role = self.role.ok_or_else(|| policy::outsider(self.room.is_private))?;
        if self.room.kind == RoomKind::Direct {
            return Err(Refusal::Forbidden("nobody is invited to a direct conversation"));
        }
        powers::may(role, new.invite.action(), self.room.is_private)?;
        if self.room.archived_at.is_some() {
            return Err(Refusal::RoomArchived);
        }
        match new.invite.user {
            Some(_) if self.is_member => Err(Refusal::Conflict("that person is in the room")),
            Some(user) if !self.is_in_reach => Err(policy::not_to_be_added("userId", user).into()),
            Some(_) if self.is_banned => Err(Refusal::Conflict("that person is banned from this room")),
            None if self.links >= new.most => Err(Refusal::TooLarge("the list of links")),
            _ => Ok(()),
        }
    }
}

/// Whether somebody with this role may see and take back the invitations of others.
pub(super) fn manages_invites(role: Role, room: &Room) -> bool {
    powers::may(role, Action::ManageInvites, room.is_private).is_ok()
}

/// May somebody with this role see who is banned?
pub(super) fn may_see_bans(role: Role, room: &Room) -> Result<(), Refusal> {
    if room.kind == RoomKind::Direct {
        return Err(Refusal::Forbidden("nobody is banned from a direct conversation"));
    }
    powers::may(role, Action::Ban, room.is_private)
}

/// Rooms looked at for one page of a search: what is found is few, what is looked at is bounded.
pub(super) const LOOKED_AT: usize = 5_000;
/// Rooms looked at in one statement.
pub(super) const AT_ONCE: usize = 500;
