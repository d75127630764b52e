//! Where somebody stands to a message, for those who look after the server.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::fault::Fault;
use super::rooms::room_row;
use super::rows::{MessageRow, marks};
use super::schema::{members, messages, outbox};
use super::writes::ROOM;
use super::{accounts, transaction};
use crate::domain::{Message, MessageId, Refusal, Seq, UserId};
use crate::store::{Membership, Standing};

pub(super) async fn standing(
    conn: &mut AsyncPgConnection,
    message: MessageId,
    user: UserId,
) -> Result<Standing, Fault> {
    transaction::snapshot(conn, async |conn| {
        let row: Option<MessageRow> = messages::table
            .find(message.0)
            .select(MessageRow::as_select())
            .get_result(conn)
            .await
            .optional()?;
        let message: Message = row.ok_or(Refusal::NotFound("message"))?.into();
        let row = room_row(conn, message.room).await?.ok_or(Refusal::NotFound("room"))?;
        let user = accounts::user(conn, user).await?.ok_or(Refusal::NotFound("user"))?;
        let member: Option<(i64, i64, i64)> = members::table
            .find((message.room.0, user.id.0))
            .select((members::joined_seq, members::received_seq, members::read_seq))
            .get_result(conn)
            .await
            .optional()?;
        let waits = outbox::table.filter(outbox::kind.eq(ROOM)).filter(outbox::id.eq(message.room.0));
        let is_unannounced = diesel::select(exists(waits)).get_result(conn).await?;
        let member = member.map(|(joined, received, read)| Membership {
            joined: Seq::from_stored(joined),
            visible_from: row.visible_from(Seq::from_stored(joined)),
            marks: marks((received, read)),
        });
        Ok(Standing { message, user, member, is_unannounced })
    })
    .await
}
