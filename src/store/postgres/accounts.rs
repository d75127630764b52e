//! People, their logins and refresh families. Never sees a password or a token, only hashes.
//! Next: [`crate::store::Accounts`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::{NewLogin, NewRefreshToken, NewUser, UserColumns, UserRow, user_columns};
use super::schema::{logins, refresh_tokens, users};
use super::statements::statement;
use super::{audit, letters, transaction};
use crate::domain::{
    AuditRecord, Login, LoginSession, RefreshToken, Refusal, Rotation, ServerRole, SessionId, Timestamp,
    User, UserId,
};
use crate::store::{Credentials, NewAccount};

/// A name that is taken between the look and the insertion is found by the unique index: then the
/// whole is made again, and the look finds it.
pub(super) async fn create_account(conn: &mut AsyncPgConnection, account: &NewAccount) -> Result<(), Fault> {
    let user = &account.user;
    let (username_key, email_key) = (user.username.key(), user.email.key());
    transaction::write(conn, async |conn| {
        let named = users::table.filter(users::username_key.eq(&username_key));
        if select(exists(named)).get_result(conn).await? {
            return Err(Refusal::Conflict("this username is taken").into());
        }
        let reached = users::table.filter(users::email_key.eq(&email_key));
        if select(exists(reached)).get_result(conn).await? {
            return Err(Refusal::Conflict("this e-mail address is taken").into());
        }
        let role = if account.may_found && !is_settled(conn).await? {
            ServerRole::Administrator
        } else {
            user.server_role
        };
        diesel::insert_into(users::table)
            .values(NewUser {
                id: user.id.0,
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
            .execute(conn)
            .await?;
        insert_login(conn, &account.login, &account.refresh).await?;
        letters::insert(conn, account.welcome.as_slice()).await?;
        audit::insert(conn, account.record.as_ref(), Some(user.id)).await
    })
    .await
}

/// Whether there is any account. Of two founders at once the second waits, and finds the first.
async fn is_settled(conn: &mut AsyncPgConnection) -> Result<bool, Fault> {
    diesel::sql_query("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(select(exists(users::table.select(users::id))).get_result(conn).await?)
}

pub(super) async fn credentials(
    conn: &mut AsyncPgConnection,
    email_key: &str,
) -> Result<Option<Credentials>, Fault> {
    let row: Option<(UserRow, String)> = users::table
        .filter(users::email_key.eq(email_key))
        .select((UserRow::as_select(), users::password_hash))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(user, password_hash)| Credentials { user: user.into(), password_hash }))
}

pub(super) async fn user(conn: &mut AsyncPgConnection, id: UserId) -> Result<Option<User>, Fault> {
    let row = users::table.find(id.0).select(UserRow::as_select()).get_result(conn).await.optional()?;
    Ok(row.map(User::from))
}

pub(super) async fn start_login(
    conn: &mut AsyncPgConnection,
    login: &LoginSession,
    refresh: &RefreshToken,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        // Held, so that who closes the account waits, and then finds this login.
        let held = users::table.find(login.user.0).select(UserRow::as_select()).for_share();
        let user: Option<UserRow> = held.get_result(conn).await.optional()?;
        user.map(User::from).ok_or(Refusal::AccountDisabled)?.may_enter()?;
        insert_login(conn, login, refresh).await?;
        audit::insert(conn, record, Some(login.user)).await
    })
    .await
}

pub(super) async fn refresh_session(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
) -> Result<Option<(UserId, SessionId)>, Fault> {
    let row: Option<(Uuid, Uuid)> = refresh_tokens::table
        .inner_join(logins::table)
        .filter(refresh_tokens::hash.eq(hash.as_slice()))
        .select((logins::user_id, logins::id))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(user, session)| (UserId(user), SessionId(session))))
}

async fn insert_login(
    conn: &mut AsyncPgConnection,
    login: &LoginSession,
    refresh: &RefreshToken,
) -> Result<(), Fault> {
    diesel::insert_into(logins::table)
        .values(NewLogin {
            id: login.id.0,
            user_id: login.user.0,
            created_at: login.created_at.millis(),
            device: login.device.as_deref(),
            network: login.network.as_deref(),
            last_used_at: Some(login.created_at.millis()),
        })
        .execute(conn)
        .await?;
    insert_token(conn, login.id, refresh).await
}

async fn insert_token(
    conn: &mut AsyncPgConnection,
    session: SessionId,
    token: &RefreshToken,
) -> Result<(), Fault> {
    diesel::insert_into(refresh_tokens::table)
        .values(NewRefreshToken {
            hash: &token.hash,
            session_id: session.0,
            issued_at: token.issued_at.millis(),
            expires_at: token.expires_at.millis(),
        })
        .execute(conn)
        .await?;
    Ok(())
}

/// The token's row is locked first: of two tabs the second sees what the first did.
pub(super) async fn rotate_refresh(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    successor: &RefreshToken,
    now: Timestamp,
    grace_ms: i64,
    reuse: Option<&AuditRecord>,
) -> Result<Rotation, Fault> {
    transaction::write(conn, async |conn| {
        let found: Option<(Uuid, i64, Option<i64>)> = refresh_tokens::table
            .find(hash.as_slice())
            .select((refresh_tokens::session_id, refresh_tokens::expires_at, refresh_tokens::used_at))
            .for_no_key_update()
            .get_result(conn)
            .await
            .optional()?;
        let Some((session, expires_at, first_use)) = found else { return Ok(Rotation::Refused) };
        // Locked too, so that a revocation comes before or after, never between.
        let user: Option<Uuid> = logins::table
            .find(session)
            .filter(logins::revoked_at.is_null())
            .select(logins::user_id)
            .for_no_key_update()
            .get_result(conn)
            .await
            .optional()?;
        let Some(user) = user else { return Ok(Rotation::Refused) };
        if now.millis() >= expires_at {
            return Ok(Rotation::Refused);
        }
        let (session, user) = (SessionId(session), UserId(user));
        match first_use {
            None => {
                diesel::update(refresh_tokens::table.find(hash.as_slice()))
                    .set(refresh_tokens::used_at.eq(now.millis()))
                    .execute(conn)
                    .await?;
            }
            // Counted from the first use, so that using it again does not keep it alive.
            Some(first_use) if now.millis().saturating_sub(first_use) <= grace_ms => {}
            Some(_) => {
                revoke(conn, session, now, None).await?;
                audit::insert(conn, reuse, Some(user)).await?;
                return Ok(Rotation::Reused { user, session });
            }
        }
        // An expired token is refused just as an unknown one is, so it need not be kept.
        let of_login = refresh_tokens::table.filter(refresh_tokens::session_id.eq(session.0));
        diesel::delete(of_login.filter(refresh_tokens::expires_at.le(now.millis()))).execute(conn).await?;
        insert_token(conn, session, successor).await?;
        diesel::update(logins::table.find(session.0))
            .set(logins::last_used_at.eq(now.millis()))
            .execute(conn)
            .await?;
        Ok(Rotation::Renewed { user, session })
    })
    .await
}

pub(super) async fn revoke_login(
    conn: &mut AsyncPgConnection,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    transaction::write(conn, async |conn| revoke(conn, session, now, record).await).await
}

async fn revoke(
    conn: &mut AsyncPgConnection,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<(), Fault> {
    let of: Option<Uuid> = diesel::update(logins::table.find(session.0).filter(logins::revoked_at.is_null()))
        .set(logins::revoked_at.eq(now.millis()))
        .returning(logins::user_id)
        .get_result(conn)
        .await
        .optional()?;
    match of {
        Some(user) => audit::insert(conn, record, Some(UserId(user))).await,
        None => Ok(()),
    }
}

statement! {
    LoginUser { session: Uuid => SqlUuid } -> UserColumns,
    concat!(
        "SELECT ",
        user_columns!(),
        " FROM logins l JOIN users u ON u.id = l.user_id WHERE l.id = ? AND l.revoked_at IS NULL \
         AND u.disabled_at IS NULL AND u.deleted_at IS NULL"
    )
}

/// One statement.
pub(super) async fn login_user(
    conn: &mut AsyncPgConnection,
    session: SessionId,
) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = LoginUser { session: session.0 }.get_result(conn).await.optional()?;
    Ok(row.map(User::from))
}

pub(super) async fn logins_of(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Login>, Fault> {
    type Row = (Uuid, i64, Option<i64>, Option<String>, Option<String>);
    let usable = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(logins::id))
        .filter(refresh_tokens::expires_at.gt(now.millis()));
    let rows: Vec<Row> = logins::table
        .filter(logins::user_id.eq(user.0))
        .filter(logins::revoked_at.is_null())
        .filter(exists(usable))
        .select((logins::id, logins::created_at, logins::last_used_at, logins::device, logins::network))
        .load(conn)
        .await?;
    let login = |(id, created_at, last_used_at, device, network): Row| {
        let created_at = Timestamp::from_millis(created_at);
        let session = LoginSession { id: SessionId(id), user, created_at, device, network };
        Login { session, last_used_at: last_used_at.map_or(created_at, Timestamp::from_millis) }
    };
    let mut found: Vec<_> = rows.into_iter().map(login).collect();
    found.sort_by_key(|login| (std::cmp::Reverse(login.last_used_at), login.session.id));
    Ok(found)
}

pub(super) async fn revoke_login_of(
    conn: &mut AsyncPgConnection,
    user: UserId,
    session: SessionId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        let own = logins::table.find(session.0).filter(logins::user_id.eq(user.0));
        let ended = diesel::update(own.filter(logins::revoked_at.is_null()))
            .set(logins::revoked_at.eq(now.millis()))
            .execute(conn)
            .await?;
        if ended > 0 {
            audit::insert(conn, record, Some(user)).await?;
        }
        Ok(ended > 0)
    })
    .await
}

/// Ends all of a user's logins.
pub(super) async fn end_logins(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
    record: Option<&AuditRecord>,
) -> Result<Vec<SessionId>, Fault> {
    transaction::write(conn, async |conn| {
        let ended = revoke_logins(conn, user, None, now).await?;
        audit::insert(conn, record, Some(user)).await?;
        Ok(ended)
    })
    .await
}

/// Ends all of a user's logins but one, in one statement. A login that begins meanwhile began after.
pub(super) async fn revoke_logins(
    conn: &mut AsyncPgConnection,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    // No login has this id.
    let keep = keep.map_or(Uuid::nil(), |session| session.0);
    let others = logins::table.filter(logins::user_id.eq(user.0)).filter(logins::id.ne(keep));
    let ended: Vec<Uuid> = diesel::update(others.filter(logins::revoked_at.is_null()))
        .set(logins::revoked_at.eq(now.millis()))
        .returning(logins::id)
        .get_results(conn)
        .await?;
    Ok(ended.into_iter().map(SessionId).collect())
}

statement! {
    NoteSeen {
        users: Vec<Uuid> => diesel::sql_types::Array<SqlUuid>,
        seen: Vec<i64> => diesel::sql_types::Array<BigInt>,
    } -> (),
    "WITH seen AS (SELECT u.id, max(s.at) AS at FROM unnest(?, ?) AS s (id, at) \
     JOIN users u ON u.id = s.id GROUP BY u.id ORDER BY u.id), \
     held AS (SELECT u.id FROM users u JOIN seen ON seen.id = u.id ORDER BY u.id FOR NO KEY UPDATE OF u) \
     UPDATE users u SET last_seen = seen.at FROM seen, held WHERE u.id = seen.id AND held.id = seen.id \
     AND (u.last_seen IS NULL OR u.last_seen < seen.at)"
}

/// One statement; rows are held in the order of their ids.
pub(super) async fn note_seen(
    conn: &mut AsyncPgConnection,
    seen: &[(UserId, Timestamp)],
) -> Result<(), Fault> {
    NoteSeen {
        users: seen.iter().map(|(user, _)| user.0).collect(),
        seen: seen.iter().map(|(_, at)| at.millis()).collect(),
    }
    .execute(conn)
    .await?;
    Ok(())
}
