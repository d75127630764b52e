//! Reactions: what a group commit asks and writes of them, and how they are listed.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Bool, Text};

use super::fault::Fault;
use super::ids::{Ids, ids};
use super::rows::Key;
use super::schema::reactions;
use crate::domain::{Emoji, Reaction, UserId};
use crate::store::plan::{Known, Needs, Writes};
use crate::store::reactions::{NAMED, gathered};

pub(super) fn read(conn: &mut SqliteConnection, needs: &Needs, known: &mut Known) -> Result<(), Fault> {
    for message in &needs.reactions {
        let rows: Vec<(String, i64)> = reactions::table
            .filter(reactions::message_id.eq(Key::from(*message)))
            .group_by(reactions::emoji)
            .select((reactions::emoji, diesel::dsl::count_star()))
            .load(conn)?;
        let count = |n| u64::try_from(n).unwrap_or(0);
        let kinds = rows.into_iter().map(|(emoji, n)| (Emoji::from_stored(emoji), count(n))).collect();
        known.reactions.insert(*message, kinds);
    }
    for place in &needs.reacted {
        let (message, emoji, user) = place;
        let found: Option<i64> = reactions::table
            .find((Key::from(*message), emoji.as_str(), Key::from(*user)))
            .select(reactions::at)
            .get_result(conn)
            .optional()?;
        known.reacted.extend(found.map(|_| place.clone()));
    }
    Ok(())
}

pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for (message, emoji, user) in &writes.reactions_deleted {
        let place = (Key::from(*message), emoji.as_str(), Key::from(*user));
        diesel::delete(reactions::table.find(place)).execute(conn)?;
    }
    for (message, emoji, user, at) in &writes.reactions_inserted {
        diesel::insert_into(reactions::table)
            .values((
                reactions::message_id.eq(Key::from(*message)),
                reactions::emoji.eq(emoji.as_str()),
                reactions::user_id.eq(Key::from(*user)),
                reactions::at.eq(at.millis()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct SignRow {
    #[diesel(sql_type = Binary)]
    message_id: Key,
    #[diesel(sql_type = Text)]
    emoji: String,
    #[diesel(sql_type = Binary)]
    user_id: Key,
    #[diesel(sql_type = BigInt)]
    people: i64,
    #[diesel(sql_type = Bool)]
    is_own: bool,
}

/// The signs of these, a list as [`Ids`] has it.
pub(super) fn of(conn: &mut SqliteConnection, ids: &Ids, viewer: UserId) -> Result<Vec<Reaction>, Fault> {
    let rows: Vec<SignRow> = sql_query(concat!(
        "SELECT * FROM (SELECT message_id, emoji, user_id, count(*) OVER sign AS people, \
         max(user_id = ?) OVER sign AS is_own, min(at) OVER sign AS first, \
         row_number() OVER (PARTITION BY message_id, emoji ORDER BY at, user_id) AS place \
         FROM reactions WHERE message_id IN ",
        ids!(),
        " WINDOW sign AS (PARTITION BY message_id, emoji)) \
         WHERE place <= ? ORDER BY message_id, first, emoji, place",
    ))
    .bind::<Binary, _>(Key::from(viewer))
    .bind::<Text, _>(ids.as_str())
    .bind::<BigInt, _>(NAMED)
    .load(conn)?;
    let row = |row: SignRow| (row.message_id.into(), row.emoji, row.user_id.into(), row.people, row.is_own);
    Ok(gathered(rows.into_iter().map(row)))
}
