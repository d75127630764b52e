//! Mentions of many at once: a row for each of them, from the members of this moment.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary};

use super::fault::Fault;
use super::rows::Key;
use crate::store::plan::{GroupRow, Named, Writes};

const EVERYONE: &str = "INSERT OR IGNORE INTO mentions (message_id, user_id, room_id, seq) \
    SELECT ?, user_id, room_id, ? FROM members WHERE room_id = ? AND user_id <> ? AND joined_seq < ?";
const ONE: &str = "INSERT OR IGNORE INTO mentions (message_id, user_id, room_id, seq) \
    SELECT ?, user_id, room_id, ? FROM members WHERE room_id = ? AND user_id <> ? AND joined_seq < ? \
    AND user_id = ?";

/// To be written once members are as they are after the commit: who came after the message is not
/// meant.
pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for row in &writes.groups {
        let bound = |text| {
            let GroupRow { message, room, seq, author, .. } = row;
            sql_query(text)
                .bind::<Binary, _>(Key::from(*message))
                .bind::<BigInt, _>(seq.stored())
                .bind::<Binary, _>(Key::from(*room))
                .bind::<Binary, _>(Key::from(*author))
                .bind::<BigInt, _>(seq.stored())
        };
        match &row.named {
            Named::Everyone => {
                bound(EVERYONE).execute(conn)?;
            }
            Named::These(people) => {
                for user in people {
                    bound(ONE).bind::<Binary, _>(Key::from(*user)).execute(conn)?;
                }
            }
        }
    }
    Ok(())
}
