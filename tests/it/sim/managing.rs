//! How people come and go, by themselves and by the owner, who also gives roles and changes rooms; as
//! over HTTP. A part of [`super::client`].

use chat::actors::Registry;
use chat::domain::{Committed, Operation, Role, RoomId, RoomPatch, Topic, UserId};
use chat::error::{Code, Fault};
use uuid::Uuid;

use super::client::Client;
use super::held::Membership;
use super::socket::Socket;

/// Who made the rooms.
const OWNER: UserId = UserId(Uuid::from_u128(101));

impl Client {
    /// Leaves the public room or joins it.
    pub(super) async fn leave_or_join(&self, socket: &Socket) {
        let Some(room) = self.public else { return };
        let (was, banned) = self.held(room, |held| (held.membership, held.banned));
        let waits = self.outbox.borrow().iter().any(|composed| composed.room == room);
        if was == Membership::Inside && waits {
            return;
        }
        let joins = matches!(was, Membership::Outside(_) | Membership::Joining);
        self.held(room, |held| {
            held.membership = if joins { Membership::Joining } else { Membership::Leaving }
        });
        if joins && banned && !self.is_forgiven(socket, room).await {
            return;
        }
        let operation = if joins { self.comes() } else { self.goes() };
        let bans = matches!(operation, Operation::Ban { .. });
        let answer = submit(socket, room, operation).await;
        let mut rooms = self.rooms.borrow_mut();
        let held = rooms.get_mut(&room).expect("a room of the simulation");
        // Also where it is not known what became of it: taking back what is not so changes nothing.
        held.banned |= bans;
        match answer {
            Ok(_) if joins => {
                self.note("joined");
                held.membership = Membership::Inside;
                held.memberships += 1;
                held.read = 0;
            }
            // He was outside already: an earlier try that seemed to fail.
            Ok(committed) if committed.entry.change.kind() == "member.banned" => {
                held.membership = Membership::Outside(u64::MAX);
            }
            Ok(committed) => held.membership = Membership::Outside(committed.entry.seq.get()),
            Err(fault) if matches!(fault.code, Code::NotMember | Code::NotFound) && !joins => {
                held.membership = Membership::Outside(u64::MAX);
            }
            Err(fault) => assert!(is_passing(&fault), "{}: {fault:?}", self.name),
        }
    }

    /// Whether the owner manages; no chance is drawn where he never does.
    fn is_managed(&self) -> bool {
        let manages = self.habits.manages;
        manages > 0 && self.chance(|c| c.percent(manages))
    }

    fn comes(&self) -> Operation {
        let user = self.user;
        if self.is_managed() {
            self.note("was put in");
            return Operation::Add { by: OWNER, user };
        }
        Operation::Join { user }
    }

    fn goes(&self) -> Operation {
        let user = self.user;
        if !self.is_managed() {
            return Operation::Leave { user };
        }
        if self.chance(|c| c.percent(50)) {
            self.note("was banned");
            return Operation::Ban { by: OWNER, user };
        }
        self.note("was put out");
        Operation::Remove { by: OWNER, user }
    }

    async fn is_forgiven(&self, socket: &Socket, room: RoomId) -> bool {
        match submit(socket, room, Operation::Unban { by: OWNER, user: self.user }).await {
            Ok(_) => {
                self.held(room, |held| held.banned = false);
                true
            }
            Err(fault) => {
                assert!(is_passing(&fault), "{}: {fault:?}", self.name);
                false
            }
        }
    }

    /// The owner gives somebody another role, or a room another topic.
    pub(super) async fn manage(&self, socket: &Socket) {
        let (room, user) = {
            let rooms = self.rooms.borrow();
            let room = *rooms.keys().nth(self.chance(|c| c.index(rooms.len()))).expect("within");
            (room, UserId(Uuid::from_u128(102 + u128::from(self.chance(|c| c.below(3))))))
        };
        let operation = if self.chance(|c| c.percent(60)) {
            let role = if self.chance(|c| c.percent(50)) { Role::Administrator } else { Role::Member };
            Operation::SetRole { by: OWNER, user, role }
        } else {
            let topic = Topic::parse(&self.chance(|c| c.below(4)).to_string()).expect("valid");
            Operation::Update { by: OWNER, patch: RoomPatch { topic: Some(topic), ..RoomPatch::default() } }
        };
        match submit(socket, room, operation).await {
            Ok(committed) => self.note(committed.entry.change.kind()),
            // Of somebody who is outside just now, or is not among the people of this run.
            Err(fault) => {
                assert!(fault.code == Code::NotFound || is_passing(&fault), "{}: {fault:?}", self.name)
            }
        }
    }
}

/// Nothing was stored, or the room was lost with it: tried again.
const fn is_passing(fault: &Fault) -> bool {
    matches!(fault.code, Code::Unavailable | Code::Internal)
}

async fn submit(socket: &Socket, room: RoomId, operation: Operation) -> Result<Committed, Fault> {
    Registry::new(socket.hub.pod.clone()).submit(room, operation).await
}
