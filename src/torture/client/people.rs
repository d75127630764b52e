//! Who is there: watches the people of its rooms, and stays away itself when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Client;
use super::connecting::Asked;
use crate::torture::moment::{Moment, Span};
use crate::torture::record::Glimpse;

/// People that one socket may watch, by the protocol.
const WATCHED: usize = 200;

#[derive(Deserialize)]
struct Presence {
    d: People,
}

#[derive(Deserialize)]
struct People {
    users: Vec<Shown>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    user_id: Uuid,
    is_online: bool,
}

impl Client {
    /// Asks for everyone with whom it shares a room.
    pub(super) fn watch_people(&mut self, socket: usize) {
        let rooms = self.rooms.iter().map(|room| &self.world.rooms[room.index]);
        // Guests come and go, and who shares no room with somebody is told nothing of him.
        let rooms = rooms.filter(|room| !room.is_lively());
        let people: BTreeSet<usize> = rooms.flat_map(|room| room.members.iter().copied()).collect();
        let users = people.into_iter().map(|client| self.world.users[client]);
        let users: Vec<Uuid> = users.filter(|user| *user != self.me.id).take(WATCHED).collect();
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        let reference = live.reference();
        live.asked.insert(reference, Asked::Watch);
        self.say(socket, &json!({"t": "presence.watch", "ref": reference, "d": {"users": users}}));
    }

    pub(super) fn presence(&mut self, socket: usize, at: Moment, text: &str) {
        let Ok(Presence { d: People { users } }) = serde_json::from_str(text) else {
            return self.wrong(at, "I24", format!("no digest of presence: {text}"));
        };
        let everyone: BTreeMap<Uuid, usize> =
            self.world.users.iter().enumerate().map(|(client, user)| (*user, client)).collect();
        for Shown { user_id, is_online } in users {
            if let Some(client) = everyone.get(&user_id) {
                self.sheet.glimpses.push(Glimpse { at, socket, client: *client, online: is_online });
            }
        }
    }

    /// From now on it opens no socket, for so long.
    pub(super) fn stay_away(&mut self, time: Duration) {
        if self.talks() && self.away.is_none() {
            let now = self.now();
            self.away = Some(Span::new(now, now.plus(time)));
        }
    }

    /// It opens sockets again, at the time or before.
    pub(super) fn come_back(&mut self) {
        if let Some(away) = self.away.take() {
            let now = self.now();
            self.sheet.absences.push(Span::new(away.from, now));
            self.due.reopen = self.due.reopen.min(now);
        }
    }
}
