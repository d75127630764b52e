//! Where somebody stands to a message, for those who look after the server.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rooms::room_row;
use super::rows::{Key, MessageRow};
use super::schema::{members, messages};
use super::{accounts, user_logs};
use crate::domain::{Message, MessageId, Refusal, Seq, UserId};
use crate::store::{Membership, Standing};

pub(super) fn standing(
    conn: &mut SqliteConnection,
    message: MessageId,
    user: UserId,
) -> Result<Standing, Fault> {
    fault::read(conn, |conn| {
        let row: Option<MessageRow> = messages::table
            .find(Key::from(message))
            .select(MessageRow::as_select())
            .get_result(conn)
            .optional()?;
        let message: Message = row.ok_or(Refusal::NotFound("message"))?.into();
        let row = room_row(conn, message.room)?.ok_or(Refusal::NotFound("room"))?;
        let user = accounts::user(conn, user)?.ok_or(Refusal::NotFound("user"))?;
        let member: Option<(i64, i64, i64)> = members::table
            .find((Key::from(message.room), Key::from(user.id)))
            .select((members::joined_seq, members::received_seq, members::read_seq))
            .get_result(conn)
            .optional()?;
        let member = member.map(|(joined, received, read)| Membership {
            joined: Seq::from_stored(joined),
            visible_from: row.visible_from(Seq::from_stored(joined)),
            marks: user_logs::marks((received, read)),
        });
        // One process is told of everything by itself.
        Ok(Standing { message, user, member, is_unannounced: false })
    })
}
