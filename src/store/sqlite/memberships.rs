//! [`Memberships`]: each call goes to the thread that does it. Next: [`super::invites`].

use super::{SqliteStore, invites, making};
use crate::domain::{Invite, InviteId, RoomId, RoomSettings, Timestamp, UserEntry, UserId};
use crate::store::{Answer, BanPage, Direct, DirectMade, Memberships, NewInvite, PendingInvite};

impl Memberships for SqliteStore {
    fn invite(&self, new: NewInvite) -> Answer<'_, (Invite, Option<UserEntry>)> {
        self.executor.write(move |conn| invites::invite(conn, &new))
    }

    fn invites_of_room(&self, room: RoomId, viewer: UserId, now: Timestamp) -> Answer<'_, Vec<Invite>> {
        self.executor.read(move |conn| invites::of_room(conn, room, viewer, now))
    }

    fn revoke_invite(
        &self,
        room: RoomId,
        by: UserId,
        invite: InviteId,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>> {
        self.executor.write(move |conn| invites::revoke(conn, room, by, invite, now))
    }

    fn invites_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<PendingInvite>> {
        self.executor.read(move |conn| invites::of_user(conn, user, now))
    }

    fn decline_invite(&self, user: UserId, invite: InviteId, now: Timestamp) -> Answer<'_, UserEntry> {
        self.executor.write(move |conn| invites::decline(conn, user, invite, now))
    }

    fn invite_by_token(&self, hash: [u8; 32], viewer: UserId, now: Timestamp) -> Answer<'_, PendingInvite> {
        self.executor.read(move |conn| invites::by_token(conn, &hash, viewer, now))
    }

    fn bans(&self, room: RoomId, viewer: UserId, limit: usize, after: Option<UserId>) -> Answer<'_, BanPage> {
        self.executor.read(move |conn| invites::bans(conn, room, viewer, limit, after))
    }

    fn direct(&self, direct: Direct) -> Answer<'_, DirectMade> {
        self.executor.write(move |conn| making::direct(conn, &direct))
    }

    fn set_settings(
        &self,
        room: RoomId,
        user: UserId,
        settings: RoomSettings,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>> {
        self.executor.write(move |conn| invites::set_settings(conn, room, user, settings, now))
    }
}
