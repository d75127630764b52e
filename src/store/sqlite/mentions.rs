//! Whom messages name. Next: [`crate::domain::mention`], which finds the names.

use std::collections::HashMap;

use diesel::prelude::*;

use super::fault::Fault;
use super::rows::{Key, NewMention};
use super::schema::{members, mentions, users};
use crate::domain::{Message, MessageId, UserId, mention};

/// Names looked up in one statement; far below SQLite's limit of bound values.
const NAMES_AT_ONCE: usize = 500;

/// Stores whom a message names: members of this moment, its author left out.
pub(super) fn store(conn: &mut SqliteConnection, message: &Message) -> Result<(), Fault> {
    let candidates = mention::candidates(&message.content);
    let mut known = HashMap::new();
    for some in candidates.chunks(NAMES_AT_ONCE) {
        let found: Vec<(String, Key)> = members::table
            .inner_join(users::table)
            .filter(members::room_id.eq(Key::from(message.room)))
            .filter(users::username_key.eq_any(some))
            .select((users::username_key, users::id))
            .load(conn)?;
        known.extend(found);
    }
    for user in mention::mentioned(&message.content, |key| known.get(key).copied().map(UserId::from)) {
        if user != message.author {
            let mention = NewMention {
                message_id: message.id.into(),
                user_id: user.into(),
                room_id: message.room.into(),
                seq: message.seq.stored(),
            };
            diesel::insert_into(mentions::table).values(mention).execute(conn)?;
        }
    }
    Ok(())
}

/// Forgets whom a message named.
pub(super) fn forget(conn: &mut SqliteConnection, message: MessageId) -> Result<(), Fault> {
    diesel::delete(mentions::table.filter(mentions::message_id.eq(Key::from(message)))).execute(conn)?;
    Ok(())
}
