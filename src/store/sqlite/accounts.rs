//! People, their logins and refresh families. Never sees a password or a token, only hashes.
//! Next: [`crate::store::Accounts`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::{Key, NewLogin, NewRefreshToken, NewUser, UserRow};
use super::schema::{logins, refresh_tokens, users};
use super::{audit, letters};
use crate::domain::{
    AuditRecord, Login, LoginSession, RefreshToken, Refusal, Rotation, ServerRole, SessionId, Timestamp,
    User, UserId,
};
use crate::store::{Credentials, NewAccount};

pub(super) fn create_account(conn: &mut SqliteConnection, account: &NewAccount) -> Result<(), Fault> {
    let user = &account.user;
    let (username_key, email_key) = (user.username.key(), user.email.key());
    fault::write(conn, |conn| {
        let named = users::table.filter(users::username_key.eq(&username_key));
        if select(exists(named)).get_result(conn)? {
            return Err(Refusal::Conflict("this username is taken").into());
        }
        let reached = users::table.filter(users::email_key.eq(&email_key));
        if select(exists(reached)).get_result(conn)? {
            return Err(Refusal::Conflict("this e-mail address is taken").into());
        }
        let role = if account.may_found && !is_settled(conn)? {
            ServerRole::Administrator
        } else {
            user.server_role
        };
        diesel::insert_into(users::table)
            .values(NewUser {
                id: user.id.into(),
                username: user.username.as_str(),
                username_key: &username_key,
                email: user.email.as_str(),
                email_key: &email_key,
                avatar: user.avatar.as_deref(),
                password_hash: &account.password_hash,
                created_at: user.created_at.millis(),
                last_seen: user.last_seen.map(Timestamp::millis),
                email_verified_at: user.email_verified.then_some(user.created_at.millis()),
                server_role: role.as_str(),
            })
            .execute(conn)?;
        insert_login(conn, &account.login, &account.refresh)?;
        account.welcome.as_ref().map_or(Ok(()), |letter| letters::insert(conn, letter))?;
        audit::insert(conn, account.record.as_ref(), Some(user.id))
    })
}

/// Whether there is any account.
fn is_settled(conn: &mut SqliteConnection) -> Result<bool, Fault> {
    Ok(select(exists(users::table.select(users::id))).get_result(conn)?)
}

pub(super) fn credentials(
    conn: &mut SqliteConnection,
    email_key: &str,
) -> Result<Option<Credentials>, Fault> {
    let row: Option<(UserRow, String)> = users::table
        .filter(users::email_key.eq(email_key))
        .select((UserRow::as_select(), users::password_hash))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(user, password_hash)| Credentials { user: user.into(), password_hash }))
}

pub(super) fn user(conn: &mut SqliteConnection, id: UserId) -> Result<Option<User>, Fault> {
    let row = users::table.find(Key::from(id)).select(UserRow::as_select()).get_result(conn).optional()?;
    Ok(row.map(User::from))
}

pub(super) fn start_login(
    conn: &mut SqliteConnection,
    login: &LoginSession,
    refresh: &RefreshToken,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        user(conn, login.user)?.ok_or(Refusal::AccountDisabled)?.may_enter()?;
        insert_login(conn, login, refresh)?;
        audit::insert(conn, record, Some(login.user))
    })
}

pub(super) fn refresh_session(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
) -> Result<Option<(UserId, SessionId)>, Fault> {
    let row: Option<(Key, Key)> = refresh_tokens::table
        .inner_join(logins::table)
        .filter(refresh_tokens::hash.eq(hash.as_slice()))
        .select((logins::user_id, logins::id))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(user, session)| (user.into(), session.into())))
}

fn insert_login(
    conn: &mut SqliteConnection,
    login: &LoginSession,
    refresh: &RefreshToken,
) -> Result<(), Fault> {
    diesel::insert_into(logins::table)
        .values(NewLogin {
            id: login.id.into(),
            user_id: login.user.into(),
            created_at: login.created_at.millis(),
            device: login.device.as_deref(),
            network: login.network.as_deref(),
            last_used_at: Some(login.created_at.millis()),
        })
        .execute(conn)?;
    insert_token(conn, login.id, refresh)
}

fn insert_token(conn: &mut SqliteConnection, session: SessionId, token: &RefreshToken) -> Result<(), Fault> {
    diesel::insert_into(refresh_tokens::table)
        .values(NewRefreshToken {
            hash: &token.hash,
            session_id: session.into(),
            issued_at: token.issued_at.millis(),
            expires_at: token.expires_at.millis(),
        })
        .execute(conn)?;
    Ok(())
}

pub(super) fn rotate_refresh(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    successor: &RefreshToken,
    now: Timestamp,
    grace_ms: i64,
    reuse: Option<&AuditRecord>,
) -> Result<Rotation, Fault> {
    fault::write(conn, |conn| {
        let found: Option<(Key, Key, i64, Option<i64>)> = refresh_tokens::table
            .inner_join(logins::table)
            .filter(refresh_tokens::hash.eq(hash.as_slice()))
            .filter(logins::revoked_at.is_null())
            .select((logins::id, logins::user_id, refresh_tokens::expires_at, refresh_tokens::used_at))
            .get_result(conn)
            .optional()?;
        let Some((session, user, expires_at, first_use)) = found else { return Ok(Rotation::Refused) };
        if now.millis() >= expires_at {
            return Ok(Rotation::Refused);
        }
        let (session, user) = (SessionId::from(session), UserId::from(user));
        match first_use {
            None => {
                diesel::update(refresh_tokens::table.find(hash.as_slice()))
                    .set(refresh_tokens::used_at.eq(now.millis()))
                    .execute(conn)?;
            }
            // Counted from the first use, so that using it again does not keep it alive.
            Some(first_use) if now.millis().saturating_sub(first_use) <= grace_ms => {}
            Some(_) => {
                revoke(conn, session, now, None)?;
                audit::insert(conn, reuse, Some(user))?;
                return Ok(Rotation::Reused { user, session });
            }
        }
        // An expired token is refused just as an unknown one is, so it need not be kept.
        let of_login = refresh_tokens::table.filter(refresh_tokens::session_id.eq(Key::from(session)));
        diesel::delete(of_login.filter(refresh_tokens::expires_at.le(now.millis()))).execute(conn)?;
        insert_token(conn, session, successor)?;
        diesel::update(logins::table.find(Key::from(session)))
            .set(logins::last_used_at.eq(now.millis()))
            .execute(conn)?;
        Ok(Rotation::Renewed { user, session })
    })
}

pub(super) fn revoke_login(
    conn: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    fault::write(conn, |conn| revoke(conn, session, now, record))
}

fn revoke(
    conn: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    let of: Option<Key> =
        diesel::update(logins::table.find(Key::from(session)).filter(logins::revoked_at.is_null()))
            .set(logins::revoked_at.eq(now.millis()))
            .returning(logins::user_id)
            .get_result(conn)
            .optional()?;
    of.map_or(Ok(()), |user| audit::insert(conn, record, Some(user.into())))
}

pub(super) fn logins_of(
    conn: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Login>, Fault> {
    type Row = (Key, i64, Option<i64>, Option<String>, Option<String>);
    let usable = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(logins::id))
        .filter(refresh_tokens::expires_at.gt(now.millis()));
    let mut found: Vec<Login> = logins::table
        .filter(logins::user_id.eq(Key::from(user)))
        .filter(logins::revoked_at.is_null())
        .filter(exists(usable))
        .select((logins::id, logins::created_at, logins::last_used_at, logins::device, logins::network))
        .load::<Row>(conn)?
        .into_iter()
        .map(|(id, created_at, last_used_at, device, network)| {
            let created_at = Timestamp::from_millis(created_at);
            let session = LoginSession { id: id.into(), user, created_at, device, network };
            Login { session, last_used_at: last_used_at.map_or(created_at, Timestamp::from_millis) }
        })
        .collect();
    found.sort_by_key(|login| (std::cmp::Reverse(login.last_used_at), login.session.id));
    Ok(found)
}

pub(super) fn revoke_login_of(
    conn: &mut SqliteConnection,
    user: UserId,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let own = logins::table.find(Key::from(session)).filter(logins::user_id.eq(Key::from(user)));
        let ended = diesel::update(own.filter(logins::revoked_at.is_null()))
            .set(logins::revoked_at.eq(now.millis()))
            .execute(conn)?;
        if ended > 0 {
            audit::insert(conn, record, Some(user))?;
        }
        Ok(ended > 0)
    })
}

pub(super) fn revoke_logins(
    conn: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Vec<SessionId>, Fault> {
    fault::write(conn, |conn| {
        let ended = revoke_all(conn, user, None, now)?;
        audit::insert(conn, record, Some(user))?;
        Ok(ended)
    })
}

/// Ends all of a user's logins but one.
pub(super) fn revoke_all(
    conn: &mut SqliteConnection,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    // No login has this id.
    let keep = Key::from(keep.unwrap_or(SessionId(uuid::Uuid::nil())));
    let others = logins::table.filter(logins::user_id.eq(Key::from(user))).filter(logins::id.ne(keep));
    let ended: Vec<Key> = diesel::update(others.filter(logins::revoked_at.is_null()))
        .set(logins::revoked_at.eq(now.millis()))
        .returning(logins::id)
        .get_results(conn)?;
    Ok(ended.into_iter().map(SessionId::from).collect())
}

pub(super) fn login_user(conn: &mut SqliteConnection, session: SessionId) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = logins::table
        .inner_join(users::table)
        .filter(logins::id.eq(Key::from(session)))
        .filter(logins::revoked_at.is_null())
        .filter(users::disabled_at.is_null())
        .filter(users::deleted_at.is_null())
        .select(UserRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row.map(User::from))
}
