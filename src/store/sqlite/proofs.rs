//! Proofs that came by mail, changes of addresses and passwords. Sees hashes only. Next:
//! [`crate::store::Proofs`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::{Key, UserRow};
use super::schema::{email_changes, proofs, users};
use super::{accounts, audit, letters};
use crate::domain::{
    AuditRecord, Email, EmailChange, EmailStep, Letter, Proof, Purpose, Refusal, SessionId, Timestamp, User,
    UserId,
};

pub(super) fn keep(conn: &mut SqliteConnection, proof: &Proof, now: Timestamp) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        diesel::delete(proofs::table.filter(proofs::expires_at.le(now.millis()))).execute(conn)?;
        diesel::insert_into(proofs::table)
            .values((
                proofs::hash.eq(proof.hash.as_slice()),
                proofs::purpose.eq(proof.purpose.as_str()),
                proofs::user_id.eq(Key::from(proof.user)),
                proofs::email_key.eq(proof.address.key()),
                proofs::expires_at.eq(proof.expires_at.millis()),
            ))
            .execute(conn)?;
        Ok(())
    })
}

pub(super) fn user(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<User>, Fault> {
    Ok(good(conn, hash, &[purpose], now)?.map(|good| good.user.into()))
}

/// A proof that is good now, with the address it was sent to.
struct Good {
    user: UserRow,
    id: Key,
    purpose: String,
    sent_to: String,
    email_key: String,
}

fn good(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    purposes: &[Purpose],
    now: Timestamp,
) -> Result<Option<Good>, Fault> {
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    let row: Option<(UserRow, Key, String, String, String)> = proofs::table
        .inner_join(users::table)
        .filter(proofs::hash.eq(hash.as_slice()))
        .filter(proofs::purpose.eq_any(purposes))
        .filter(proofs::expires_at.gt(now.millis()))
        .select((UserRow::as_select(), users::id, proofs::purpose, proofs::email_key, users::email_key))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(user, id, purpose, sent_to, email_key)| Good { user, id, purpose, sent_to, email_key }))
}

/// Uses up all that a user has for some purposes.
pub(super) fn forget(conn: &mut SqliteConnection, user: Key, purposes: &[Purpose]) -> Result<(), Fault> {
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    let of_user = proofs::table.filter(proofs::user_id.eq(user));
    diesel::delete(of_user.filter(proofs::purpose.eq_any(purposes))).execute(conn)?;
    Ok(())
}

pub(super) fn verify_email(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<User>, Fault> {
    fault::write(conn, |conn| {
        let Some(good) = good(conn, hash, &[Purpose::VerifyEmail], now)? else { return Ok(None) };
        forget(conn, good.id, &[Purpose::VerifyEmail])?;
        if good.sent_to != good.email_key {
            return Ok(None);
        }
        verified(conn, good.id, now)?;
        Ok(Some(User { email_verified: true, ..good.user.into() }))
    })
}

pub(super) fn verified(conn: &mut SqliteConnection, user: Key, now: Timestamp) -> Result<(), Fault> {
    diesel::update(users::table.find(user).filter(users::email_verified_at.is_null()))
        .set(users::email_verified_at.eq(now.millis()))
        .execute(conn)?;
    Ok(())
}

pub(super) fn reset_password(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    password_hash: &str,
    notice: Option<&Letter>,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Option<(UserId, Vec<SessionId>)>, Fault> {
    fault::write(conn, |conn| {
        let Some(good) = good(conn, hash, &[Purpose::ResetPassword], now)? else { return Ok(None) };
        if good.sent_to != good.email_key {
            return Ok(None);
        }
        forget(conn, good.id, &Purpose::ALL)?;
        diesel::delete(email_changes::table.find(good.id)).execute(conn)?;
        diesel::update(users::table.find(good.id))
            .set(users::password_hash.eq(password_hash))
            .execute(conn)?;
        verified(conn, good.id, now)?;
        let ended = accounts::revoke_all(conn, good.id.into(), None, now)?;
        notice.map_or(Ok(()), |letter| letters::insert(conn, letter))?;
        audit::insert(conn, record, Some(good.id.into()))?;
        Ok(Some((good.id.into(), ended)))
    })
}

pub(super) fn change_password(
    conn: &mut SqliteConnection,
    user: UserId,
    (before, after): &(String, String),
    keep: Option<SessionId>,
    notice: Option<&Letter>,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Option<Vec<SessionId>>, Fault> {
    fault::write(conn, |conn| {
        if !replace(conn, user, before, after)? {
            return Ok(None);
        }
        let [old, new] = BOTH;
        forget(conn, user.into(), &[Purpose::ResetPassword, old, new])?;
        diesel::delete(email_changes::table.find(Key::from(user))).execute(conn)?;
        let ended = accounts::revoke_all(conn, user, keep, now)?;
        notice.map_or(Ok(()), |letter| letters::insert(conn, letter))?;
        audit::insert(conn, record, Some(user))?;
        Ok(Some(ended))
    })
}

fn replace(conn: &mut SqliteConnection, user: UserId, before: &str, after: &str) -> Result<bool, Fault> {
    let present = users::table.find(Key::from(user)).filter(users::password_hash.eq(before));
    Ok(diesel::update(present).set(users::password_hash.eq(after)).execute(conn)? > 0)
}

pub(super) fn rehash_password(
    conn: &mut SqliteConnection,
    user: UserId,
    before: &str,
    after: &str,
) -> Result<(), Fault> {
    fault::write(conn, |conn| replace(conn, user, before, after).map(drop))
}

pub(super) fn password_of(conn: &mut SqliteConnection, user: UserId) -> Result<Option<String>, Fault> {
    Ok(users::table.find(Key::from(user)).select(users::password_hash).get_result(conn).optional()?)
}

fn refuse_taken(conn: &mut SqliteConnection, email_key: &str) -> Result<(), Fault> {
    if select(exists(users::table.filter(users::email_key.eq(email_key)))).get_result(conn)? {
        return Err(Refusal::Conflict("this e-mail address is taken").into());
    }
    Ok(())
}

const BOTH: [Purpose; 2] = [Purpose::ConfirmOldEmail, Purpose::ConfirmNewEmail];

pub(super) fn wish_email(
    conn: &mut SqliteConnection,
    change: &EmailChange,
    written: &[Letter],
) -> Result<(), Fault> {
    let (user, email_key) = (Key::from(change.user), change.address.key());
    fault::write(conn, |conn| {
        refuse_taken(conn, &email_key)?;
        forget(conn, user, &BOTH)?;
        diesel::replace_into(email_changes::table)
            .values((
                email_changes::user_id.eq(user),
                email_changes::email.eq(change.address.as_str()),
                email_changes::email_key.eq(&email_key),
                email_changes::old_confirmed.eq(change.old_confirmed),
                email_changes::expires_at.eq(change.expires_at.millis()),
            ))
            .execute(conn)?;
        written.iter().try_for_each(|letter| letters::insert(conn, letter))
    })
}

pub(super) fn wished_email(
    conn: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<EmailChange>, Fault> {
    let row: Option<(String, bool, i64)> = email_changes::table
        .find(Key::from(user))
        .filter(email_changes::expires_at.gt(now.millis()))
        .select((email_changes::email, email_changes::old_confirmed, email_changes::expires_at))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(address, old_confirmed, expires_at)| {
        let (address, expires_at) = (Email::from_stored(address), Timestamp::from_millis(expires_at));
        EmailChange { user, address, old_confirmed, expires_at }
    }))
}

pub(super) fn confirm_email(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    notices: &[Letter],
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<EmailStep, Fault> {
    fault::write(conn, |conn| {
        let Some(good) = good(conn, hash, &BOTH, now)? else { return Ok(EmailStep::Refused) };
        let wished: Option<(String, bool, bool)> = email_changes::table
            .find(good.id)
            // Proofs of either side are of the address that is wished.
            .filter(email_changes::email_key.eq(&good.sent_to))
            .filter(email_changes::expires_at.gt(now.millis()))
            .select((email_changes::email, email_changes::old_confirmed, email_changes::new_confirmed))
            .get_result(conn)
            .optional()?;
        let Some((email, old, new)) = wished else { return Ok(EmailStep::Refused) };
        let is_old = good.purpose == Purpose::ConfirmOldEmail.as_str();
        forget(conn, good.id, &[if is_old { Purpose::ConfirmOldEmail } else { Purpose::ConfirmNewEmail }])?;
        let (old, new) = (old || is_old, new || !is_old);
        if !(old && new) {
            diesel::update(email_changes::table.find(good.id))
                .set((email_changes::old_confirmed.eq(old), email_changes::new_confirmed.eq(new)))
                .execute(conn)?;
            return Ok(EmailStep::Waiting);
        }
        refuse_taken(conn, &good.sent_to)?;
        diesel::delete(email_changes::table.find(good.id)).execute(conn)?;
        forget(conn, good.id, &Purpose::ALL)?;
        diesel::update(users::table.find(good.id))
            .set((
                users::email.eq(&email),
                users::email_key.eq(&good.sent_to),
                users::email_verified_at.eq(now.millis()),
            ))
            .execute(conn)?;
        notices.iter().try_for_each(|letter| letters::insert(conn, letter))?;
        audit::insert(conn, record, Some(good.id.into()))?;
        let user = User::from(good.user);
        let before = user.email.clone();
        let user = User { email: Email::from_stored(email), email_verified: true, ..user };
        Ok(EmailStep::Changed { user, before })
    })
}
