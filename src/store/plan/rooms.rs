//! The rules of the group commit for rooms and who is in them; a part of [`super::decide()`].
//! Next: [`crate::domain::powers`] for who may do what to whom.

use super::decide::Desk;
use super::{BanRow, KnownMember, KnownRoom};
use crate::domain::powers::{self, Action};
use crate::domain::{
    Change, Committed, Entry, InviteId, Member, Outcome, Refusal, Role, RoomFacts, RoomPatch, Seq,
    UserChange, UserEntry, UserId, policy,
};

impl Desk<'_> {
    pub(super) fn join(&mut self, user: UserId) -> Outcome {
        if let Some(standing) = self.already_in(user)? {
            return Ok(standing);
        }
        if self.is_private {
            return Err(Refusal::NotFound("room"));
        }
        self.enter(user, Refusal::Forbidden("you are banned from this room"))
    }

    pub(super) fn accept(&mut self, user: UserId, id: InviteId) -> Outcome {
        if let Some(standing) = self.already_in(user)? {
            return Ok(standing);
        }
        let gone = Refusal::NotFound("invitation");
        let invite = self.ledger.invite(id).filter(|invite| invite.room == self.room).ok_or(gone.clone())?;
        invite.accepts(user, self.now)?;
        // Who is banned is told nothing of a room that he may not see.
        let committed = self.enter(user, gone)?;
        self.ledger.use_invite(id);
        Ok(committed)
    }

    pub(super) fn add(&mut self, by: UserId, user: UserId) -> Outcome {
        self.manage(by, Action::Add)?;
        if let Some(standing) = self.already_in(user)? {
            return Ok(standing);
        }
        // Whether there is such an account, or its owner wants nothing of who asks, is not told.
        if self.ledger.username(user).is_none() || self.ledger.is_out_of_reach(by, user) {
            return Err(policy::not_to_be_added("userId", user).into());
        }
        self.enter(user, Refusal::Conflict("that person is banned from this room"))
    }

    /// What is answered to who is in already.
    fn already_in(&self, user: UserId) -> Result<Option<Committed>, Refusal> {
        let Some(member) = self.ledger.member(self.room, user).map(|known| known.member.clone()) else {
            return Ok(None);
        };
        let username = self.username(user)?;
        let (seq, at) = (member.joined_seq, member.joined_at);
        Ok(Some(self.standing(seq, at, Change::MemberJoined { member, username })))
    }

    fn username(&self, user: UserId) -> Result<String, Refusal> {
        self.ledger.username(user).map(str::to_owned).ok_or(Refusal::NotFound("user"))
    }

    /// Somebody comes in, unless he is banned.
    fn enter(&mut self, user: UserId, banned: Refusal) -> Outcome {
        let username = self.username(user)?;
        if self.ledger.is_banned(self.room, user) {
            return Err(banned);
        }
        self.writable()?;
        // A room with somebody in it has an owner: who comes into an empty one has it for himself.
        let is_empty = self.ledger.room(self.room).is_some_and(|room| room.totals.members == 0);
        let role = if is_empty && !self.is_direct { Role::Owner } else { Role::Member };
        let member = Member { user, role, joined_at: self.now, joined_seq: self.next() };
        self.ledger.set_member(self.room, user, Some(KnownMember::newcomer(member.clone())));
        let told = self.ledger.tell(user, self.now, UserChange::RoomAdded { room: self.room });
        let told = Vec::from_iter(told);
        Ok(Committed { told, ..self.written(Change::MemberJoined { member, username }) })
    }

    pub(super) fn leave(&mut self, user: UserId) -> Outcome {
        let role = self.insider(user)?;
        if self.ledger.room(self.room).is_some_and(KnownRoom::is_pair) {
            return Err(DIRECT);
        }
        if self.is_direct {
            // He could not come back by it: the same people who ask again get another.
            self.ledger.lose(self.room);
        }
        let mut committed = self.put_out(user, None, false);
        // A room never is without an owner; an empty one has none.
        if role == Role::Owner
            && let Some(heir) = self.ledger.heir(self.room)
        {
            committed.also.push(self.give(heir, Role::Owner));
        }
        Ok(committed)
    }

    pub(super) fn remove(&mut self, by: UserId, user: UserId) -> Outcome {
        self.manage_member(by, Action::Remove, user)?;
        Ok(self.put_out(user, Some(by), false))
    }

    fn put_out(&mut self, user: UserId, by: Option<UserId>, is_banned: bool) -> Committed {
        self.ledger.set_member(self.room, user, None);
        let told = self.ledger.tell(user, self.now, UserChange::RoomRemoved { room: self.room });
        let told = told.into_iter().chain(self.end_invites(user, None)).collect();
        Committed { told, ..self.written(Change::MemberLeft { user, by, is_banned }) }
    }

    /// What somebody made in this room when he could, and could not any more, ends.
    fn end_invites(&mut self, by: UserId, role: Option<Role>) -> Vec<UserEntry> {
        let mut told = Vec::new();
        for invite in self.ledger.made(self.room, by) {
            if invite.outlasts(role, self.is_private) {
                continue;
            }
            self.ledger.end_invite(invite.id);
            let Some(invited) = invite.user.filter(|_| invite.is_open(self.now)) else { continue };
            // Who came in by it meanwhile lost nothing.
            if self.ledger.member(self.room, invited).is_none() {
                let change = UserChange::InviteRevoked { invite: invite.id, room: self.room };
                told.extend(self.ledger.tell(invited, self.now, change));
            }
        }
        told
    }

    pub(super) fn ban(&mut self, by: UserId, user: UserId) -> Outcome {
        self.manage(by, Action::Ban)?;
        self.username(user)?;
        let is_member = self.ledger.member(self.room, user).is_some();
        if is_member {
            self.manage_member(by, Action::Ban, user)?;
        } else if self.ledger.is_banned(self.room, user) {
            return Ok(self.so_already(Change::MemberBanned { user, by }));
        }
        let ban = BanRow { room: self.room, user, by, at: self.now };
        self.ledger.set_ban(self.room, user, Some(ban));
        if is_member {
            return Ok(self.put_out(user, Some(by), true));
        }
        Ok(self.written(Change::MemberBanned { user, by }))
    }

    pub(super) fn unban(&mut self, by: UserId, user: UserId) -> Outcome {
        self.manage(by, Action::Ban)?;
        let change = Change::MemberUnbanned { user, by };
        if !self.ledger.is_banned(self.room, user) {
            return Ok(self.so_already(change));
        }
        self.ledger.set_ban(self.room, user, None);
        Ok(self.written(change))
    }

    pub(super) fn set_role(&mut self, by: UserId, user: UserId, role: Role) -> Outcome {
        let own = self.manager(by)?;
        let target = self.target(user)?;
        // Who is an administrator may give that up.
        if by != user || role > own || own == Role::Owner {
            powers::may_to(own, Action::SetRole, self.is_private, target.member.role)?;
        }
        if target.member.role == role {
            return Ok(self.so_already(Change::MemberUpdated { user, role }));
        }
        let entry = self.give(target, role);
        let told = self.end_invites(user, Some(role));
        Ok(Committed { entry, also: Vec::new(), duplicate: false, told })
    }

    pub(super) fn transfer(&mut self, by: UserId, user: UserId) -> Outcome {
        self.manage(by, Action::Transfer)?;
        if by == user {
            return Ok(self.so_already(Change::MemberUpdated { user, role: Role::Owner }));
        }
        let (owner, heir) = (self.target(by)?, self.target(user)?);
        // First the old one steps down: there is never more than one.
        let also = self.give(owner, Role::Administrator);
        let entry = self.give(heir, Role::Owner);
        Ok(Committed { entry: also, also: vec![entry], duplicate: false, told: Vec::new() })
    }

    fn give(&mut self, mut to: KnownMember, role: Role) -> Entry {
        let user = to.member.user;
        to.member.role = role;
        self.ledger.set_member(self.room, user, Some(to));
        self.written(Change::MemberUpdated { user, role }).entry
    }

    pub(super) fn update(&mut self, by: UserId, patch: &RoomPatch) -> Outcome {
        self.manage(by, Action::Update)?;
        let before = self.facts()?;
        let after = patch.applied(before.clone());
        if after == before {
            return Ok(self.so_already(Change::RoomUpdated(after)));
        }
        self.writable()?;
        Ok(self.written(Change::RoomUpdated(after)))
    }

    pub(super) fn archive(&mut self, by: UserId, archived: bool) -> Outcome {
        self.manage(by, Action::Archive)?;
        let before = self.facts()?;
        let named = |facts| if archived { Change::RoomArchived(facts) } else { Change::RoomUpdated(facts) };
        if before.archived_at.is_some() == archived {
            return Ok(self.so_already(named(before)));
        }
        let archived_at = archived.then_some(self.now);
        Ok(self.written(named(RoomFacts { archived_at, ..before })))
    }

    fn facts(&self) -> Result<RoomFacts, Refusal> {
        self.ledger.facts(self.room).cloned().ok_or(Refusal::NotFound("room"))
    }

    /// The role of somebody in a room that can be managed.
    fn manager(&self, by: UserId) -> Result<Role, Refusal> {
        let role = self.insider(by)?;
        if self.is_direct { Err(DIRECT) } else { Ok(role) }
    }

    fn manage(&self, by: UserId, action: Action) -> Result<(), Refusal> {
        powers::may(self.manager(by)?, action, self.is_private)
    }

    pub(super) fn manage_member(&self, by: UserId, action: Action, user: UserId) -> Result<(), Refusal> {
        let role = self.manager(by)?;
        powers::may(role, action, self.is_private)?;
        powers::may_to(role, action, self.is_private, self.target(user)?.member.role)
    }

    /// The member whom it concerns.
    fn target(&self, user: UserId) -> Result<KnownMember, Refusal> {
        self.ledger.member(self.room, user).cloned().ok_or(Refusal::NotFound("member"))
    }

    /// It is so, and since when is not looked up: the answer is as of the head.
    pub(super) fn so_already(&self, change: Change) -> Committed {
        let head = self.ledger.room(self.room).map_or(Seq::START, |room| room.totals.head);
        self.standing(head, self.now, change)
    }
}

const DIRECT: Refusal = Refusal::Forbidden("a direct conversation stays as it was made");
