//! New rooms and new conversations. Next: [`super::rooms`], which reads them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rows::{NewRoomRow, RoomRow};
use super::schema::rooms;
use super::writes::{InsertEntries, InsertMembers, LockUsers, NoteGrowth, tell, user_growth};
use super::{people, transaction};
use crate::domain::{
    Change, Entry, HistoryVisibility, LogHead, Member, Refusal, Role, RoomId, RoomKind, Seq, Timestamp,
    UserChange, UserEntry, UserId, policy,
};
use crate::store::plan::{KnownMember, LogRow};
use crate::store::{Direct, DirectMade, NewRoom, NewRoomMade};

pub(super) async fn create_room(conn: &mut AsyncPgConnection, new: &NewRoom) -> Result<NewRoomMade, Fault> {
    transaction::write(conn, async |conn| {
        let mut people = vec![new.owner];
        let mut seen = HashSet::from([new.owner]);
        people.extend(new.members.iter().copied().filter(|user| seen.insert(*user)));
        let role = |user| if user == new.owner { Role::Owner } else { Role::Member };
        let made = Made::of(conn, new.id, new.now, new.owner, &people, role, "members").await?;
        let row = NewRoomRow {
            id: new.id.0,
            name: new.name.as_str(),
            description: new.description.as_ref().map(|text| text.as_str()),
            is_private: new.is_private,
            created_by: new.owner.0,
            created_at: new.now.millis(),
            last_seq: made.head.stored(),
            first_retained: Seq::START.next().stored(),
            member_count: made.head.stored(),
            last_activity: new.now.millis(),
            kind: RoomKind::Room.as_str(),
            topic: new.topic.as_ref().map(|text| text.as_str()),
            history: new.history.as_str(),
            direct_key: None,
        };
        made.reaches(conn, new.owner, "members").await?;
        made.store(conn, row).await
    })
    .await
}

/// The rows of these people are locked first: who comes second finds what the first has made.
pub(super) async fn direct(conn: &mut AsyncPgConnection, direct: &Direct) -> Result<DirectMade, Fault> {
    transaction::write(conn, async |conn| {
        let (people, key) = (direct.people(), direct.key());
        let member = |_| Role::Member;
        let made = Made::of(conn, direct.id, direct.now, direct.by, &people, member, "userIds").await?;
        let found: Option<Uuid> = rooms::table
            .filter(rooms::direct_key.eq(key.as_slice()))
            .select(rooms::id)
            .get_result(conn)
            .await
            .optional()?;
        if let Some(room) = found {
            return Ok(DirectMade { room: RoomId(room), made: None });
        }
        made.reaches(conn, direct.by, "userIds").await?;
        let row = NewRoomRow {
            id: direct.id.0,
            name: "",
            description: None,
            is_private: true,
            created_by: direct.by.0,
            created_at: direct.now.millis(),
            last_seq: made.head.stored(),
            first_retained: Seq::START.next().stored(),
            member_count: made.head.stored(),
            last_activity: direct.now.millis(),
            kind: RoomKind::Direct.as_str(),
            topic: None,
            history: HistoryVisibility::All.as_str(),
            direct_key: Some(key.as_slice()),
        };
        Ok(DirectMade { room: direct.id, made: Some(made.store(conn, row).await?) })
    })
    .await
}

/// A room while its members are put together.
struct Made {
    room: RoomId,
    now: Timestamp,
    members: Vec<(RoomId, KnownMember)>,
    entries: Vec<Entry>,
    told: Vec<UserEntry>,
    head: Seq,
}

impl Made {
    /// Locks these people's rows and lets them join in their order.
    async fn of(
        conn: &mut AsyncPgConnection,
        room: RoomId,
        now: Timestamp,
        by: UserId,
        people: &[UserId],
        role: impl Fn(UserId) -> Role,
        field: &'static str,
    ) -> Result<Self, Fault> {
        let users = people.iter().map(|user| user.0).collect();
        let found: Vec<(Uuid, String, i64)> = LockUsers { users }.load(conn).await?;
        let found: HashMap<UserId, (String, i64)> =
            found.into_iter().map(|(id, name, seq)| (UserId(id), (name, seq))).collect();
        if !found.contains_key(&by) {
            return Err(Refusal::NotFound("user").into());
        }
        let (members, entries, told) = (Vec::new(), Vec::new(), Vec::new());
        let mut made = Self { room, now, members, entries, told, head: Seq::START };
        for user in people.iter().copied() {
            let (username, user_seq) =
                found.get(&user).cloned().ok_or_else(|| policy::not_to_be_added(field, user))?;
            made.join(user, role(user), username, Seq::from_stored(user_seq));
        }
        Ok(made)
    }

    /// Whether all these may be put there by whoever does it.
    async fn reaches(
        &self,
        conn: &mut AsyncPgConnection,
        by: UserId,
        field: &'static str,
    ) -> Result<(), Fault> {
        let people: Vec<_> = self.members.iter().map(|(_, known)| known.member.user).collect();
        match people::out_of_reach(conn, &people, by).await? {
            Some(user) => Err(policy::not_to_be_added(field, user).into()),
            None => Ok(()),
        }
    }

    fn join(&mut self, user: UserId, role: Role, username: String, user_seq: Seq) {
        let (room, at) = (self.room, self.now);
        self.head = self.head.next();
        let member = Member { user, role, joined_at: at, joined_seq: self.head };
        let change = Change::MemberJoined { member: member.clone(), username };
        self.entries.push(Entry { room, seq: self.head, at, change });
        let change = UserChange::RoomAdded { room };
        self.told.push(UserEntry { user, seq: user_seq.next(), at, change });
        self.members.push((room, KnownMember::newcomer(member)));
    }

    async fn store(self, conn: &mut AsyncPgConnection, row: NewRoomRow<'_>) -> Result<NewRoomMade, Fault> {
        let row: RoomRow = diesel::insert_into(rooms::table)
            .values(row)
            .returning(RoomRow::as_returning())
            .get_result(conn)
            .await?;
        let mut pipeline = Pipeline::new(conn);
        pipeline.add(self.members.len(), || InsertMembers::new(&self.members));
        let log: Vec<LogRow> = self
            .entries
            .iter()
            .map(|entry| LogRow::new(entry.room, entry.seq, entry.at, &entry.change))
            .collect();
        pipeline.add(log.len(), || InsertEntries::new(&log));
        tell(&mut pipeline, &self.told);
        let room = std::iter::once((LogHead::Room(self.room, self.head), self.now));
        pipeline.add(1, || NoteGrowth::new(room.chain(user_growth(&self.told))));
        pipeline.run().await?;
        Ok(NewRoomMade { room: row.into(), entries: self.entries, told: self.told })
    }
}
