//! What is done to accounts from outside. Next: [`crate::store::Administration`] for the promises.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::{Key, UserRow};
use super::schema::{email_changes, users};
use super::{SqliteStore, accounts, audit, proofs};
use crate::domain::{AuditRecord, Purpose, ServerRole, SessionId, Timestamp, User, UserId};
use crate::store::{Administration, Answer};

fn find(conn: &mut SqliteConnection, key: &str) -> Result<Option<User>, Fault> {
    let row: Option<UserRow> = users::table
        .filter(users::username_key.eq(key).or(users::email_key.eq(key)))
        .select(UserRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(User::from))
}

fn page(conn: &mut SqliteConnection, limit: usize, after: Option<UserId>) -> Result<Vec<User>, Fault> {
    let after = Key::from(after.unwrap_or(UserId(uuid::Uuid::nil())));
    let rows: Vec<UserRow> = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(UserRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Whether there is such an account, and it was not deleted.
fn is_there(conn: &mut SqliteConnection, user: UserId) -> Result<bool, Fault> {
    let found = users::table.find(Key::from(user)).filter(users::deleted_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn)?)
}

/// Does it to an account that is there, and writes the record.
fn change<T>(
    conn: &mut SqliteConnection,
    user: UserId,
    record: &AuditRecord,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    fault::write(conn, |conn| {
        if !is_there(conn, user)? {
            return Ok(None);
        }
        let done = work(conn)?;
        audit::insert(conn, Some(record), Some(user))?;
        Ok(Some(done))
    })
}

impl Administration for SqliteStore {
    fn find_user(&self, key: String) -> Answer<'_, Option<User>> {
        self.executor.read(move |conn| find(conn, &key))
    }

    fn users_page(&self, limit: usize, after: Option<UserId>) -> Answer<'_, Vec<User>> {
        self.executor.read(move |conn| page(conn, limit, after))
    }

    fn set_role(&self, user: UserId, role: ServerRole, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(move |conn| {
            let changed = change(conn, user, &record, |conn| {
                let of_user = diesel::update(users::table.find(Key::from(user)));
                Ok(of_user.set(users::server_role.eq(role.as_str())).execute(conn)?)
            });
            Ok(changed?.is_some())
        })
    }

    fn disable_account(
        &self,
        user: UserId,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write(move |conn| {
            change(conn, user, &record, |conn| {
                let open = users::table.find(Key::from(user)).filter(users::disabled_at.is_null());
                diesel::update(open).set(users::disabled_at.eq(now.millis())).execute(conn)?;
                accounts::revoke_all(conn, user, None, now)
            })
        })
    }

    fn enable_account(&self, user: UserId, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(move |conn| {
            let changed = change(conn, user, &record, |conn| {
                let of_user = diesel::update(users::table.find(Key::from(user)));
                Ok(of_user.set(users::disabled_at.eq(None::<i64>)).execute(conn)?)
            });
            Ok(changed?.is_some())
        })
    }

    fn confirm_address(&self, user: UserId, now: Timestamp, record: AuditRecord) -> Answer<'_, bool> {
        self.executor.write(move |conn| {
            let changed = change(conn, user, &record, |conn| proofs::verified(conn, user.into(), now));
            Ok(changed?.is_some())
        })
    }

    fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write(move |conn| {
            change(conn, user, &record, |conn| {
                proofs::forget(conn, user.into(), &Purpose::ALL)?;
                diesel::delete(email_changes::table.find(Key::from(user))).execute(conn)?;
                let of_user = diesel::update(users::table.find(Key::from(user)));
                of_user.set(users::password_hash.eq(&password_hash)).execute(conn)?;
                accounts::revoke_all(conn, user, None, now)
            })
        })
    }
}
