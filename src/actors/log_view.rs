//! One room's log as this process sees it: the cursor, the last entries in memory, the members,
//! and which workers have readers. No I/O: the room actor performs what comes of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::mail::{Hidden, HubId, RoomFrame};
use crate::domain::timeline::{Offer, Timeline};
use crate::domain::{Change, Entry, HistoryVisibility, MessageId, Role, RoomKind, Seq, Timestamp, UserId};
use crate::protocol::{Links, server};
use crate::store::RoomSnapshot;

struct Kept {
    frame: RoomFrame,
    message: Option<MessageId>,
}

/// The state of an open room.
pub struct LogView {
    timeline: Timeline,
    first_retained: Seq,
    is_private: bool,
    history: HistoryVisibility,
    /// Who is inside, and the `seq` by which he joined.
    members: HashMap<UserId, Seq>,
    owner: Option<UserId>,
    /// Until when somebody may not write; perhaps over.
    muted: HashMap<UserId, Timestamp>,
    is_direct: bool,
    recent: VecDeque<Kept>,
    keep: usize,
    links: Links,
    /// Readers per hub, by the hub's number.
    audience: Vec<usize>,
    /// Messages ever sent, as far as this process has heard.
    messages: u64,
}

impl LogView {
    /// From one snapshot of the store; at most `keep` entries stay in memory.
    #[must_use]
    pub fn new(snapshot: &RoomSnapshot, keep: usize, links: Links) -> Self {
        Self {
            timeline: Timeline::new(snapshot.room.head, keep.max(16)),
            first_retained: snapshot.room.first_retained,
            is_private: snapshot.room.is_private,
            history: snapshot.room.history,
            owner: snapshot
                .members
                .iter()
                .find(|member| member.role == Role::Owner)
                .map(|member| member.user),
            muted: snapshot.muted.iter().copied().collect(),
            is_direct: snapshot.room.kind == RoomKind::Direct,
            members: snapshot.members.iter().map(|member| (member.user, member.joined_seq)).collect(),
            recent: VecDeque::new(),
            keep,
            links,
            audience: Vec::new(),
            messages: 0,
        }
    }

    /// The last position delivered here.
    #[must_use]
    pub const fn cursor(&self) -> Seq {
        self.timeline.cursor()
    }

    /// Messages ever sent, as far as this process has heard.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// So many messages were ever sent; answers the greatest number heard.
    pub fn counted(&mut self, messages: u64) -> u64 {
        self.messages = self.messages.max(messages);
        self.messages
    }

    /// How many people are in the room.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    #[must_use]
    pub const fn first_retained(&self) -> Seq {
        self.first_retained
    }

    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.is_private
    }

    pub fn members(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().copied()
    }

    #[must_use]
    pub fn is_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    /// For how long a member may still not write. Nobody keeps the owner from it.
    #[must_use]
    pub fn muted_for(&self, user: UserId, now: Timestamp) -> Duration {
        let until = self.muted.get(&user).filter(|_| self.owner != Some(user));
        until.map_or(Duration::ZERO, |until| until.since(now))
    }

    /// Whether it may be a conversation of two, one of whom may block the other.
    #[must_use]
    pub fn may_be_pair(&self) -> bool {
        self.is_direct && self.members.len() == 2
    }

    /// Where a member's part of the log begins.
    #[must_use]
    pub fn visible_from(&self, user: UserId) -> Seq {
        self.members.get(&user).map_or(Seq::START, |joined| self.history.visible_from(*joined))
    }

    /// Whether entries are missing that only the store has.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.timeline.has_gap()
    }

    /// The places of entries that wait behind a gap.
    #[must_use]
    pub fn held(&self) -> Vec<Seq> {
        self.timeline.held()
    }

    /// Entries that were held before the store was asked, and that it has not: of a history that is no more.
    pub fn forget_held(&mut self, seqs: impl IntoIterator<Item = Seq>) {
        self.timeline.forget_held(seqs);
    }

    /// Takes entries from any source and answers what is to be delivered now, encoded once.
    pub fn accept(&mut self, entries: impl IntoIterator<Item = Entry>) -> (Arc<[RoomFrame]>, bool) {
        let mut gap = false;
        for entry in entries {
            gap |= self.timeline.offer(entry) == Offer::Gap;
        }
        let frames: Vec<RoomFrame> =
            self.timeline.take().into_iter().map(|entry| self.apply(&entry)).collect();
        (frames.into(), gap && self.timeline.has_gap())
    }

    /// The entries after `after`, if all of them are in memory.
    #[must_use]
    pub fn recent_after(&self, after: Seq) -> Option<Vec<RoomFrame>> {
        if after == self.cursor() {
            return Some(Vec::new());
        }
        let first = self.recent.front()?.frame.seq;
        (first <= after.next())
            .then(|| self.recent.iter().map(|kept| &kept.frame).filter(|f| f.seq > after).cloned().collect())
    }

    /// One more reader at a hub.
    pub fn attach(&mut self, hub: HubId) {
        if self.audience.len() <= hub.0 {
            self.audience.resize(hub.0 + 1, 0);
        }
        if let Some(readers) = self.audience.get_mut(hub.0) {
            *readers += 1;
        }
    }

    /// One reader fewer at a hub.
    pub fn detach(&mut self, hub: HubId) {
        if let Some(readers) = self.audience.get_mut(hub.0) {
            *readers = readers.saturating_sub(1);
        }
    }

    /// Readers here.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.audience.iter().sum()
    }

    /// The hubs that have readers.
    pub fn hubs(&self) -> impl Iterator<Item = HubId> {
        self.audience.iter().enumerate().filter(|(_, readers)| **readers > 0).map(|(hub, _)| HubId(hub))
    }

    fn apply(&mut self, entry: &Entry) -> RoomFrame {
        match &entry.change {
            Change::MemberJoined { member, .. } => {
                self.members.insert(member.user, member.joined_seq);
                self.has_role(member.user, member.role);
            }
            Change::MemberUpdated { user, role } => self.has_role(*user, *role),
            Change::MemberMuted { user, mute, .. } => {
                match mute.until {
                    Some(until) => self.muted.insert(*user, until),
                    None => self.muted.remove(user),
                };
            }
            Change::MemberLeft { user, .. } => {
                self.members.remove(user);
            }
            Change::RoomUpdated(facts) | Change::RoomArchived(facts) if facts.history != self.history => {
                self.history = facts.history;
                // Encoded for who might see what until now.
                self.recent.clear();
            }
            _ => {}
        }
        let frame = RoomFrame { hidden: self.hidden(entry), ..encode(entry, &self.links) };
        self.remember(entry, frame.clone());
        frame
    }

    /// Who is told nothing of an entry, for it is about a message from before he came.
    fn hidden(&self, entry: &Entry) -> Option<Arc<Hidden>> {
        let message = entry.change.about().filter(|message| message.seq < entry.seq)?;
        let may_not = |joined: &Seq| self.history.visible_from(*joined) > message.seq;
        let from: HashSet<UserId> =
            self.members.iter().filter(|(_, joined)| may_not(joined)).map(|(user, _)| *user).collect();
        if from.is_empty() {
            return None;
        }
        let entry = Entry { change: Change::Hidden, ..*entry };
        Some(Arc::new(Hidden { from, frame: server::entry(&entry, None, &self.links) }))
    }

    fn has_role(&mut self, user: UserId, role: Role) {
        if role == Role::Owner {
            self.owner = Some(user);
        } else if self.owner == Some(user) {
            self.owner = None;
        }
    }

    /// Keeps the frame for readers that come back soon. A replayed entry shows the message as it
    /// is now, so copies from before this change are forgotten with all that came before them:
    /// what is kept is a suffix of the log, and every suffix of a suffix is one.
    fn remember(&mut self, entry: &Entry, frame: RoomFrame) {
        if let Some(message) = entry.change.supersedes()
            && let Some(last) = self.recent.iter().rposition(|kept| kept.message == Some(message))
        {
            self.recent.drain(..=last);
        }
        self.recent.push_back(Kept { frame, message: entry.change.message().map(|m| m.id) });
        if self.recent.len() > self.keep {
            self.recent.pop_front();
        }
    }
}

fn encode(entry: &Entry, links: &Links) -> RoomFrame {
    let author = match &entry.change {
        Change::MessageCreated(m) | Change::MessageUpdated(m) | Change::MessageDeleted(m) => Some(m.author),
        _ => None,
    };
    RoomFrame {
        seq: entry.seq,
        common: server::entry(entry, None, links),
        own: author.map(|author| (author, server::entry(entry, Some(author), links))),
        at: entry.at,
        message: match &entry.change {
            Change::MessageCreated(message) => Some(message.id),
            _ => None,
        },
        left: match entry.change {
            Change::MemberLeft { user, .. } => Some(user),
            _ => None,
        },
        hidden: None,
    }
}
