//! [`Memberships`]: each call goes to a connection. Next: [`super::invites`].

use futures_util::FutureExt as _;

use super::{PgStore, invites, making};
use crate::domain::{Invite, InviteId, RoomId, RoomSettings, Timestamp, UserEntry, UserId};
use crate::store::{Answer, BanPage, Direct, DirectMade, Memberships, NewInvite, PendingInvite};

impl Memberships for PgStore {
    fn invite(&self, new: NewInvite) -> Answer<'_, (Invite, Option<UserEntry>)> {
        self.executor.write(new, |conn, new| invites::invite(conn, new).boxed())
    }

    fn invites_of_room(&self, room: RoomId, viewer: UserId, now: Timestamp) -> Answer<'_, Vec<Invite>> {
        self.executor.read((), move |conn, ()| invites::of_room(conn, room, viewer, now).boxed())
    }

    fn revoke_invite(
        &self,
        room: RoomId,
        by: UserId,
        invite: InviteId,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>> {
        self.executor.write((), move |conn, ()| invites::revoke(conn, room, by, invite, now).boxed())
    }

    fn invites_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<PendingInvite>> {
        self.executor.read((), move |conn, ()| invites::of_user(conn, user, now).boxed())
    }

    fn decline_invite(&self, user: UserId, invite: InviteId, now: Timestamp) -> Answer<'_, UserEntry> {
        self.executor.write((), move |conn, ()| invites::decline(conn, user, invite, now).boxed())
    }

    fn invite_by_token(&self, hash: [u8; 32], viewer: UserId, now: Timestamp) -> Answer<'_, PendingInvite> {
        self.executor.read(hash, move |conn, hash| invites::by_token(conn, hash, viewer, now).boxed())
    }

    fn bans(&self, room: RoomId, viewer: UserId, limit: usize, after: Option<UserId>) -> Answer<'_, BanPage> {
        self.executor.read((), move |conn, ()| invites::bans(conn, room, viewer, limit, after).boxed())
    }

    fn direct(&self, direct: Direct) -> Answer<'_, DirectMade> {
        self.executor.write(direct, |conn, direct| making::direct(conn, direct).boxed())
    }

    fn set_settings(
        &self,
        room: RoomId,
        user: UserId,
        settings: RoomSettings,
        now: Timestamp,
    ) -> Answer<'_, Option<UserEntry>> {
        self.executor
            .write((), move |conn, ()| invites::set_settings(conn, room, user, settings, now).boxed())
    }
}
