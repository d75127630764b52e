//! Invitations: a way into a room, for one person or for whoever has the link.

use super::powers::{self, Action};
use super::{InviteId, Refusal, Role, RoomId, Timestamp, UserId};

/// An invitation as it is kept. Of a link only the hash of its token is kept, apart from this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    pub id: InviteId,
    pub room: RoomId,
    pub by: UserId,
    /// Whom it is for; `None`: whoever has the link.
    pub user: Option<UserId>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// How many may come in by it.
    pub max_uses: Option<u32>,
    /// How many have.
    pub uses: u32,
}

impl Invite {
    /// What somebody does who makes it.
    #[must_use]
    pub const fn action(&self) -> Action {
        if self.user.is_some() { Action::Invite } else { Action::ManageInvites }
    }

    /// Whether it holds when whoever made it has this role from now on, or is outside: an invitation is
    /// worth what its maker could do himself.
    #[must_use]
    pub fn outlasts(&self, role: Option<Role>, room_is_private: bool) -> bool {
        role.is_some_and(|role| powers::may(role, self.action(), room_is_private).is_ok())
    }

    /// Whether somebody may still come in by it.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end) && self.max_uses.is_none_or(|most| self.uses < most)
    }

    /// May `user` come in by it at `now`?
    ///
    /// # Errors
    /// `NotFound` for one that is not his, or is not open any more.
    pub fn accepts(&self, user: UserId, now: Timestamp) -> Result<(), Refusal> {
        let is_his = self.user.is_none_or(|invited| invited == user);
        if is_his && self.is_open(now) { Ok(()) } else { Err(Refusal::NotFound("invitation")) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const BOB: UserId = UserId(Uuid::from_u128(2));

    fn link() -> Invite {
        Invite {
            id: InviteId(Uuid::nil()),
            room: RoomId(Uuid::nil()),
            by: UserId(Uuid::nil()),
            user: None,
            created_at: Timestamp::from_millis(0),
            expires_at: Some(Timestamp::from_millis(1_000)),
            max_uses: Some(2),
            uses: 1,
        }
    }

    #[test]
    fn a_link_ends_by_its_time_and_by_its_uses() {
        assert_eq!(link().accepts(BOB, Timestamp::from_millis(999)), Ok(()));
        assert!(link().accepts(BOB, Timestamp::from_millis(1_000)).is_err());
        assert!(!Invite { uses: 2, ..link() }.is_open(Timestamp::from_millis(0)));
        let endless = Invite { expires_at: None, max_uses: None, uses: u32::MAX, ..link() };
        assert!(endless.is_open(Timestamp::from_millis(i64::MAX)));
    }

    #[test]
    fn it_holds_as_long_as_its_maker_might_make_it() {
        let for_bob = Invite { user: Some(BOB), ..link() };
        assert!(link().outlasts(Some(Role::Administrator), true));
        assert!(!link().outlasts(Some(Role::Member), false) && !for_bob.outlasts(Some(Role::Member), true));
        assert!(for_bob.outlasts(Some(Role::Member), false), "in a public room members invite people");
        assert!(!link().outlasts(None, false) && !for_bob.outlasts(None, false));
    }

    #[test]
    fn an_invitation_of_another_is_not_found() {
        let his = Invite { user: Some(UserId(Uuid::from_u128(3))), ..link() };
        assert_eq!(his.accepts(BOB, Timestamp::from_millis(0)), Err(Refusal::NotFound("invitation")));
    }
}
