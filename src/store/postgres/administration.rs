//! What is done to accounts from outside. Whatever changes one holds its row first. Next:
//! [`crate::store::Administration`] for the promises.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::rows::UserRow;
use super::schema::{email_changes, users};
use super::{PgStore, accounts, audit, proofs, transaction};
use crate::domain::{AuditRecord, Purpose, ServerRole, SessionId, Timestamp, User, UserId};
use crate::store::{Administration, Answer};

async fn find(conn: &mut AsyncPgConnection, key: &str) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = users::table
        .filter(users::username_key.eq(key).or(users::email_key.eq(key)))
        .select(UserRow::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(User::from))
}

async fn page(conn: &mut AsyncPgConnection, limit: usize, after: Option<UserId>) -> Result<Vec<User>, Fault> {
    let rows: Vec<UserRow> = users::table
        .filter(users::id.gt(after.map_or(Uuid::nil(), |user| user.0)))
        .order(users::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(UserRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Does it to an account that is there and was not deleted, and writes the record.
async fn change<T>(
    conn: &mut AsyncPgConnection,
    user: UserId,
    record: &AuditRecord,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    transaction::write(conn, async |conn| {
        let held = users::table.find(user.0).filter(users::deleted_at.is_null()).select(users::id);
        let held: Option<Uuid> = held.for_no_key_update().get_result(conn).await.optional()?;
        if held.is_none() {
            return Ok(None);
        }
        let done = work(conn).await?;
        audit::insert(conn, Some(record), Some(user)).await?;
        Ok(Some(done))
    })
    .await
}

async fn set_role(
    conn: &mut AsyncPgConnection,
    user: UserId,
    role: ServerRole,
    record: &AuditRecord,
) -> Result<bool, Fault> {
    let changed = change(conn, user, record, async |conn| {
        let of_user = diesel::update(users::table.find(user.0));
        Ok(of_user.set(users::server_role.eq(role.as_str())).execute(conn).await?)
    });
    Ok(changed.await?.is_some())
}

async fn disable(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
    record: &AuditRecord,
) -> Result<Option<Vec<SessionId>>, Fault> {
    change(conn, user, record, async |conn| {
        let open = users::table.find(user.0).filter(users::disabled_at.is_null());
        diesel::update(open).set(users::disabled_at.eq(now.millis())).execute(conn).await?;
        accounts::revoke_logins(conn, user, None, now).await
    })
    .await
}

async fn enable(conn: &mut AsyncPgConnection, user: UserId, record: &AuditRecord) -> Result<bool, Fault> {
    let changed = change(conn, user, record, async |conn| {
        let of_user = diesel::update(users::table.find(user.0));
        Ok(of_user.set(users::disabled_at.eq(None::<i64>)).execute(conn).await?)
    });
    Ok(changed.await?.is_some())
}

async fn confirm_address(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
    record: &AuditRecord,
) -> Result<bool, Fault> {
    let changed = change(conn, user, record, async |conn| proofs::verified(conn, user, now).await);
    Ok(changed.await?.is_some())
}

async fn set_password(
    conn: &mut AsyncPgConnection,
    user: UserId,
    password_hash: &str,
    now: Timestamp,
    record: &AuditRecord,
) -> Result<Option<Vec<SessionId>>, Fault> {
    change(conn, user, record, async |conn| {
        proofs::forget(conn, user, &Purpose::ALL).await?;
        diesel::delete(email_changes::table.find(user.0)).execute(conn).await?;
        let of_user = diesel::update(users::table.find(user.0));
        of_user.set(users::password_hash.eq(password_hash)).execute(conn).await?;
        accounts::revoke_logins(conn, user, None, now).await
    })
    .await
}

impl Administration for PgStore {
    fn find_user(&self, key: String) -> Answer<'_, Option<User>> {
        self.executor.read(key, |conn, key| find(conn, key).boxed())
    }

    fn users_page(&self, limit: usize, after: Option<UserId>) -> Answer<'_, Vec<User>> {
        self.executor.read((), move |conn, ()| page(conn, limit, after).boxed())
    }

    fn set_role(&self, user: UserId, role: ServerRole, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(record, move |conn, record| set_role(conn, user, role, record).boxed())
    }

    fn disable_account(
        &self,
        user: UserId,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write(record, move |conn, record| disable(conn, user, now, record).boxed())
    }

    fn enable_account(&self, user: UserId, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(record, move |conn, record| enable(conn, user, record).boxed())
    }

    fn confirm_address(&self, user: UserId, now: Timestamp, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(record, move |conn, record| confirm_address(conn, user, now, record).boxed())
    }

    fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write((password_hash, record), move |conn, (hash, record)| {
            set_password(conn, user, hash, now, record).boxed()
        })
    }
}
