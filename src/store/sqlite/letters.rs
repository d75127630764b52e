//! The queue of mail. Next: [`crate::store::Letters`] for the promises.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::Key;
use super::schema::letters;
use crate::domain::{Email, Letter, LetterId, LetterKind, Timestamp, UserId};

pub(super) fn insert(conn: &mut SqliteConnection, letter: &Letter) -> Result<(), Fault> {
    diesel::insert_into(letters::table)
        .values((
            letters::id.eq(Key::from(letter.id)),
            letters::kind.eq(letter.kind.as_str()),
            letters::user_id.eq(letter.user.map(Key::from)),
            letters::address.eq(letter.address.as_str()),
            letters::created_at.eq(letter.created_at.millis()),
            letters::due_at.eq(letter.created_at.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn post(conn: &mut SqliteConnection, letter: &Letter) -> Result<(), Fault> {
    fault::write(conn, |conn| insert(conn, letter))
}

type Row = (Key, String, Option<Key>, String, i64, i64);

pub(super) fn take(
    conn: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Letter>, Fault> {
    let known: Vec<_> = LetterKind::ALL.iter().map(|kind| kind.as_str()).collect();
    fault::write(conn, |conn| {
        let due: Vec<Row> = letters::table
            .filter(letters::due_at.le(now.millis()))
            .filter(letters::kind.eq_any(known))
            .order((letters::due_at, letters::id))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select((
                letters::id,
                letters::kind,
                letters::user_id,
                letters::address,
                letters::created_at,
                letters::attempts,
            ))
            .load(conn)?;
        for (id, ..) in &due {
            diesel::update(letters::table.find(id))
                .set((letters::due_at.eq(until.millis()), letters::attempts.eq(letters::attempts + 1)))
                .execute(conn)?;
        }
        Ok(due.into_iter().filter_map(letter).collect())
    })
}

fn letter((id, kind, user, address, created_at, attempts): Row) -> Option<Letter> {
    Some(Letter {
        id: id.into(),
        kind: LetterKind::parse(&kind)?,
        user: user.map(UserId::from),
        address: Email::from_stored(address),
        created_at: Timestamp::from_millis(created_at),
        attempts: u32::try_from(attempts).unwrap_or(0).saturating_add(1),
    })
}

pub(super) fn done(conn: &mut SqliteConnection, id: LetterId) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        diesel::delete(letters::table.find(Key::from(id))).execute(conn)?;
        Ok(())
    })
}

pub(super) fn later(conn: &mut SqliteConnection, id: LetterId, due: Timestamp) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        diesel::update(letters::table.find(Key::from(id)))
            .set(letters::due_at.eq(due.millis()))
            .execute(conn)?;
        Ok(())
    })
}

pub(super) fn waiting(conn: &mut SqliteConnection) -> Result<(u64, Option<Timestamp>), Fault> {
    use diesel::dsl::{count_star, min};
    let (count, oldest): (i64, Option<i64>) =
        letters::table.select((count_star(), min(letters::created_at))).get_result(conn)?;
    Ok((u64::try_from(count).unwrap_or(0), oldest.map(Timestamp::from_millis)))
}
