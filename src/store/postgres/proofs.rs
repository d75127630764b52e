//! Proofs that came by mail, changes of addresses and passwords. Sees hashes only. Whatever changes
//! a user here holds his row first, so that of two with one proof the second finds it used up. Next:
//! [`crate::store::Proofs`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::UserRow;
use super::schema::{email_changes, proofs, users};
use super::{accounts, audit, letters, transaction};
use crate::domain::{
    AuditRecord, Email, EmailChange, EmailStep, Letter, Proof, Purpose, Refusal, SessionId, Timestamp, User,
    UserId,
};

/// Proofs that are over and go along with a new one.
const ALONG: i64 = 100;

pub(super) async fn keep(conn: &mut AsyncPgConnection, proof: &Proof, now: Timestamp) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        // Locked ones go with another.
        let over: Vec<Vec<u8>> = proofs::table
            .filter(proofs::expires_at.le(now.millis()))
            .order(proofs::expires_at)
            .limit(ALONG)
            .select(proofs::hash)
            .for_update()
            .skip_locked()
            .load(conn)
            .await?;
        diesel::delete(proofs::table.filter(proofs::hash.eq_any(over))).execute(conn).await?;
        diesel::insert_into(proofs::table)
            .values((
                proofs::hash.eq(proof.hash.as_slice()),
                proofs::purpose.eq(proof.purpose.as_str()),
                proofs::user_id.eq(proof.user.0),
                proofs::email_key.eq(proof.address.key()),
                proofs::expires_at.eq(proof.expires_at.millis()),
            ))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

pub(super) async fn user(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = proofs::table
        .inner_join(users::table)
        .filter(proofs::hash.eq(hash.as_slice()))
        .filter(proofs::purpose.eq(purpose.as_str()))
        .filter(proofs::expires_at.gt(now.millis()))
        .select(UserRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(User::from))
}

/// A proof that is good now, with the address it was sent to.
struct Good {
    user: User,
    purpose: String,
    sent_to: String,
    email_key: String,
}

/// Holds the user's row, then looks again: another may have had it.
async fn good(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    purposes: &[Purpose],
    now: Timestamp,
) -> Result<Option<Good>, Fault> {
    let owner: Option<Uuid> =
        proofs::table.find(hash.as_slice()).select(proofs::user_id).get_result(conn).await.optional()?;
    let Some(owner) = owner else { return Ok(None) };
    let (user, email_key): (UserRow, String) = users::table
        .find(owner)
        .select((UserRow::as_select(), users::email_key))
        .for_no_key_update()
        .get_result(conn)
        .await?;
    let row: Option<(String, String)> = proofs::table
        .find(hash.as_slice())
        .filter(proofs::purpose.eq_any(words(purposes)))
        .filter(proofs::expires_at.gt(now.millis()))
        .select((proofs::purpose, proofs::email_key))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(purpose, sent_to)| Good { user: user.into(), purpose, sent_to, email_key }))
}

fn words(purposes: &[Purpose]) -> Vec<&'static str> {
    purposes.iter().map(|purpose| purpose.as_str()).collect()
}

/// Uses up all that a user has for some purposes.
pub(super) async fn forget(
    conn: &mut AsyncPgConnection,
    user: UserId,
    purposes: &[Purpose],
) -> Result<(), Fault> {
    let of_user = proofs::table.filter(proofs::user_id.eq(user.0));
    diesel::delete(of_user.filter(proofs::purpose.eq_any(words(purposes)))).execute(conn).await?;
    Ok(())
}

pub(super) async fn verify_email(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<User>, Fault> {
    transaction::write(conn, async |conn| {
        let Some(good) = good(conn, hash, &[Purpose::VerifyEmail], now).await? else { return Ok(None) };
        forget(conn, good.user.id, &[Purpose::VerifyEmail]).await?;
        if good.sent_to != good.email_key {
            return Ok(None);
        }
        verified(conn, good.user.id, now).await?;
        Ok(Some(User { email_verified: true, ..good.user }))
    })
    .await
}

pub(super) async fn verified(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<(), Fault> {
    diesel::update(users::table.find(user.0).filter(users::email_verified_at.is_null()))
        .set(users::email_verified_at.eq(now.millis()))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn reset_password(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    password_hash: &str,
    notice: &Option<Letter>,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Option<(UserId, Vec<SessionId>)>, Fault> {
    transaction::write(conn, async |conn| {
        let Some(good) = good(conn, hash, &[Purpose::ResetPassword], now).await? else { return Ok(None) };
        if good.sent_to != good.email_key {
            return Ok(None);
        }
        let user = good.user.id;
        forget(conn, user, &Purpose::ALL).await?;
        diesel::delete(email_changes::table.find(user.0)).execute(conn).await?;
        diesel::update(users::table.find(user.0))
            .set(users::password_hash.eq(password_hash))
            .execute(conn)
            .await?;
        verified(conn, user, now).await?;
        let ended = accounts::revoke_logins(conn, user, None, now).await?;
        letters::insert(conn, notice.as_slice()).await?;
        audit::insert(conn, record, Some(user)).await?;
        Ok(Some((user, ended)))
    })
    .await
}

pub(super) async fn change_password(
    conn: &mut AsyncPgConnection,
    user: UserId,
    (before, after): &(String, String),
    keep: Option<SessionId>,
    notice: &Option<Letter>,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Option<Vec<SessionId>>, Fault> {
    transaction::write(conn, async |conn| {
        if !replace(conn, user, before, after).await? {
            return Ok(None);
        }
        let [old, new] = BOTH;
        forget(conn, user, &[Purpose::ResetPassword, old, new]).await?;
        diesel::delete(email_changes::table.find(user.0)).execute(conn).await?;
        let ended = accounts::revoke_logins(conn, user, keep, now).await?;
        letters::insert(conn, notice.as_slice()).await?;
        audit::insert(conn, record, Some(user)).await?;
        Ok(Some(ended))
    })
    .await
}

/// One statement.
pub(super) async fn replace(
    conn: &mut AsyncPgConnection,
    user: UserId,
    before: &str,
    after: &str,
) -> Result<bool, Fault> {
    let present = users::table.find(user.0).filter(users::password_hash.eq(before));
    Ok(diesel::update(present).set(users::password_hash.eq(after)).execute(conn).await? > 0)
}

pub(super) async fn password_of(conn: &mut AsyncPgConnection, user: UserId) -> Result<Option<String>, Fault> {
    let hash = users::table.find(user.0).select(users::password_hash).get_result(conn).await;
    Ok(hash.optional()?)
}

async fn refuse_taken(conn: &mut AsyncPgConnection, email_key: &str) -> Result<(), Fault> {
    let taken = users::table.filter(users::email_key.eq(email_key));
    if select(exists(taken)).get_result(conn).await? {
        return Err(Refusal::Conflict("this e-mail address is taken").into());
    }
    Ok(())
}

const BOTH: [Purpose; 2] = [Purpose::ConfirmOldEmail, Purpose::ConfirmNewEmail];

pub(super) async fn wish_email(
    conn: &mut AsyncPgConnection,
    change: &EmailChange,
    written: &[Letter],
) -> Result<(), Fault> {
    let email_key = change.address.key();
    transaction::write(conn, async |conn| {
        refuse_taken(conn, &email_key).await?;
        let held = users::table.find(change.user.0).select(users::id).for_no_key_update();
        let _: Uuid = held.get_result(conn).await?;
        forget(conn, change.user, &BOTH).await?;
        diesel::delete(email_changes::table.find(change.user.0)).execute(conn).await?;
        diesel::insert_into(email_changes::table)
            .values((
                email_changes::user_id.eq(change.user.0),
                email_changes::email.eq(change.address.as_str()),
                email_changes::email_key.eq(&email_key),
                email_changes::old_confirmed.eq(change.old_confirmed),
                email_changes::expires_at.eq(change.expires_at.millis()),
            ))
            .execute(conn)
            .await?;
        letters::insert(conn, written).await
    })
    .await
}

pub(super) async fn wished_email(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<EmailChange>, Fault> {
    let row: Option<(String, bool, i64)> = email_changes::table
        .find(user.0)
        .filter(email_changes::expires_at.gt(now.millis()))
        .select((email_changes::email, email_changes::old_confirmed, email_changes::expires_at))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(address, old_confirmed, expires_at)| {
        let (address, expires_at) = (Email::from_stored(address), Timestamp::from_millis(expires_at));
        EmailChange { user, address, old_confirmed, expires_at }
    }))
}

/// An address that is taken between the look and the change is found by the unique index: then the
/// whole is made again, and the look finds it.
pub(super) async fn confirm_email(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    notices: &[Letter],
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<EmailStep, Fault> {
    transaction::write(conn, async |conn| {
        let Some(good) = good(conn, hash, &BOTH, now).await? else { return Ok(EmailStep::Refused) };
        let user = good.user.id;
        let wished: Option<(String, bool, bool)> = email_changes::table
            .find(user.0)
            // Proofs of either side are of the address that is wished.
            .filter(email_changes::email_key.eq(&good.sent_to))
            .filter(email_changes::expires_at.gt(now.millis()))
            .select((email_changes::email, email_changes::old_confirmed, email_changes::new_confirmed))
            .get_result(conn)
            .await
            .optional()?;
        let Some((email, old, new)) = wished else { return Ok(EmailStep::Refused) };
        let is_old = good.purpose == Purpose::ConfirmOldEmail.as_str();
        forget(conn, user, &[if is_old { Purpose::ConfirmOldEmail } else { Purpose::ConfirmNewEmail }])
            .await?;
        let (old, new) = (old || is_old, new || !is_old);
        if !(old && new) {
            diesel::update(email_changes::table.find(user.0))
                .set((email_changes::old_confirmed.eq(old), email_changes::new_confirmed.eq(new)))
                .execute(conn)
                .await?;
            return Ok(EmailStep::Waiting);
        }
        refuse_taken(conn, &good.sent_to).await?;
        diesel::delete(email_changes::table.find(user.0)).execute(conn).await?;
        forget(conn, user, &Purpose::ALL).await?;
        diesel::update(users::table.find(user.0))
            .set((
                users::email.eq(&email),
                users::email_key.eq(&good.sent_to),
                users::email_verified_at.eq(now.millis()),
            ))
            .execute(conn)
            .await?;
        letters::insert(conn, notices).await?;
        audit::insert(conn, record, Some(user)).await?;
        let before = good.user.email.clone();
        let user = User { email: Email::from_stored(email), email_verified: true, ..good.user };
        Ok(EmailStep::Changed { user, before })
    })
    .await
}
