//! What a ledger comes to: the rows to write.

use std::collections::BTreeMap;

use super::{Changed, Ledger};
use crate::domain::{Message, Seq, UserId};
use crate::store::plan::{ConductRow, GroupRow, KnownMessage, MentionRow, NewMessage, Rewritten, Writes};

impl Ledger {
    /// Everything that changed.
    pub(in crate::store::plan) fn into_writes(self) -> Writes {
        let mut writes = Writes {
            log: self.log,
            user_log: self.user_log,
            audit: self.audit,
            files_used: self.files_used,
            files_released: self.files_released,
            ..Writes::default()
        };
        for Changed { now, is_new, mentioned, group } in self.messages {
            let KnownMessage { message, last_seq, body_hash } = now;
            let (id, room, seq, author) = (message.id, message.room, message.seq, message.author);
            let row = |user| MentionRow { message: id, user, room, seq };
            writes.mentions_added.extend(mentioned.into_iter().map(row));
            writes.groups.extend(group.map(|named| GroupRow { message: id, room, seq, author, named }));
            if is_new {
                writes.messages.push(NewMessage { message, last_seq, body_hash });
            } else {
                // Also where the old text names nobody: what other versions take for a mention is
                // not known here.
                writes.mentions_removed.push(id);
                let Message { content, attachments, updated_at, deleted_at, removal, .. } = message;
                writes.rewritten.push(Rewritten {
                    id,
                    content,
                    attachments,
                    updated_at,
                    deleted_at,
                    removal,
                    last_seq,
                });
            }
        }
        let heads: BTreeMap<UserId, Seq> =
            writes.user_log.iter().map(|entry| (entry.user, entry.seq)).collect();
        writes.user_heads = heads.into_iter().collect();
        for ((room, user), now) in self.members {
            let before = self.known.members.get(&(room, user));
            match (before, now) {
                (Some(before), Some(now)) if before.member.joined_seq == now.member.joined_seq => {
                    let (role, marks) = (now.member.role, now.marks);
                    writes.roles.extend((role != before.member.role).then_some((room, user, role)));
                    writes.marks.extend((marks != before.marks).then_some((room, user, marks)));
                }
                // Who left and came back is another member than before.
                (before, now) => {
                    writes.members_deleted.extend(before.map(|_| (room, user)));
                    writes.members_inserted.extend(now.map(|now| (room, now)));
                }
            }
        }
        for (place, now) in self.bans {
            match (self.known.bans.contains(&place), now) {
                (false, Some(ban)) => writes.bans_inserted.push(ban),
                (true, None) => writes.bans_deleted.push(place),
                // It is as it was, whatever was between.
                (true, Some(_)) | (false, None) => {}
            }
        }
        let row = |((room, user), conduct)| ConductRow { room, user, conduct };
        writes.conduct = self.conduct.into_iter().map(row).collect();
        let used = self.invites.into_iter().filter(|(id, _)| !self.ended.contains(id));
        writes.invites_used = used.map(|(id, invite)| (id, invite.uses)).collect();
        writes.invites_ended = self.ended.into_iter().collect();
        writes.conversations_lost = self.lost.into_iter().collect();
        for (place, now) in self.reacted {
            let (message, emoji, user) = place.clone();
            match (self.known.reacted.contains(&place), now) {
                (false, Some(at)) => writes.reactions_inserted.push((message, emoji, user, at)),
                (true, None) => writes.reactions_deleted.push(place),
                (true, Some(_)) | (false, None) => {}
            }
        }
        for (message, now) in self.pinned {
            // Pinned anew it has another place among the others.
            writes.pins_deleted.extend(self.known.pins.contains(&message).then_some(message));
            writes.pins_inserted.extend(now);
        }
        writes.facts = self.facts.into_iter().collect();
        writes.rooms = self.rooms.into_iter().map(|(room, now)| (room, now.totals)).collect();
        writes
    }
}
