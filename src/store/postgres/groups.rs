//! Mentions of many at once: a row for each of them, from the members of this moment.

use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use super::pipeline::Pipeline;
use super::statements::statement;
use crate::store::plan::{Named, Writes};

statement! {
    MentionEveryone {
        messages: Vec<Uuid> => Array<SqlUuid>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        authors: Vec<Uuid> => Array<SqlUuid>,
    } -> (),
    "INSERT INTO mentions (message_id, user_id, room_id, seq) \
     SELECT w.message, m.user_id, w.room, w.seq FROM unnest(?, ?, ?, ?) AS w (message, room, seq, author) \
     JOIN members m ON m.room_id = w.room AND m.user_id <> w.author AND m.joined_seq < w.seq \
     ON CONFLICT DO NOTHING"
}

statement! {
    MentionThese {
        messages: Vec<Uuid> => Array<SqlUuid>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        people: Vec<Uuid> => Array<SqlUuid>,
    } -> (),
    "INSERT INTO mentions (message_id, user_id, room_id, seq) \
     SELECT w.message, m.user_id, w.room, w.seq FROM unnest(?, ?, ?, ?) AS w (message, room, seq, person) \
     JOIN members m ON m.room_id = w.room AND m.user_id = w.person AND m.joined_seq < w.seq \
     ON CONFLICT DO NOTHING"
}

/// To be sent once members are as they are after the commit: who came after the message is not
/// meant.
pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let all: Vec<_> = writes.groups.iter().filter(|row| matches!(row.named, Named::Everyone)).collect();
    pipeline.add(all.len(), || MentionEveryone {
        messages: all.iter().map(|row| row.message.0).collect(),
        rooms: all.iter().map(|row| row.room.0).collect(),
        seqs: all.iter().map(|row| row.seq.stored()).collect(),
        authors: all.iter().map(|row| row.author.0).collect(),
    });
    let mut these = MentionThese { messages: vec![], rooms: vec![], seqs: vec![], people: vec![] };
    for row in &writes.groups {
        let Named::These(people) = &row.named else { continue };
        for user in people.iter().filter(|user| **user != row.author) {
            these.messages.push(row.message.0);
            these.rooms.push(row.room.0);
            these.seqs.push(row.seq.stored());
            these.people.push(user.0);
        }
    }
    pipeline.add(these.people.len(), || these);
}
