//! What lies outside the database. Next: [`crate::store::Files`] for the promises.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::statements::statement;
use super::{PgStore, rooms, transaction};
use crate::domain::{Attachment, FileId, FileName, MessageId, Refusal, RoomId, Timestamp, UserId};
use crate::store::plan::KnownFile;
use crate::store::{Answer, FilePurpose, Files, NewFile, ReadableFile, Unused};

type FileColumns = (SqlUuid, SqlUuid, Nullable<SqlUuid>, Text, Text, BigInt, Bool);
pub(super) type FileRow = (Uuid, Uuid, Option<Uuid>, String, String, i64, bool);

pub(super) fn known((id, owner, message, name, media_type, size, has_thumbnail): FileRow) -> KnownFile {
    KnownFile {
        owner: UserId(owner),
        message: message.map(MessageId),
        attachment: Attachment {
            id: FileId(id),
            name: FileName::from_stored(name),
            media_type,
            size: u64::try_from(size).unwrap_or(0),
            has_thumbnail,
        },
    }
}

statement! {
    /// Those that a message may be sent with. Their locks come after those of members.
    LockFiles { files: Vec<Uuid> => Array<SqlUuid> } -> FileColumns,
    "SELECT id, owner_id, message_id, name, media_type, size, has_thumbnail FROM files \
     WHERE id = ANY(?) AND purpose = 'attachment' AND is_complete AND collected_until IS NULL \
     ORDER BY id FOR NO KEY UPDATE"
}

statement! {
    UseFiles { files: Vec<Uuid> => Array<SqlUuid>, messages: Vec<Uuid> => Array<SqlUuid> } -> (),
    "UPDATE files f SET message_id = w.message, unused_since = NULL \
     FROM unnest(?, ?) AS w (file, message) WHERE f.id = w.file"
}

impl UseFiles {
    pub(super) fn new(rows: &[(FileId, MessageId)]) -> Self {
        let (files, messages) = rows.iter().map(|(file, message)| (file.0, message.0)).unzip();
        Self { files, messages }
    }
}

statement! {
    ReleaseFiles { messages: Vec<Uuid> => Array<SqlUuid>, ats: Vec<i64> => Array<BigInt> } -> (),
    "UPDATE files f SET unused_since = w.at FROM unnest(?, ?) AS w (message, at) WHERE f.message_id = w.message"
}

impl ReleaseFiles {
    pub(super) fn new(rows: &[(MessageId, Timestamp)]) -> Self {
        let (messages, ats) = rows.iter().map(|(message, at)| (message.0, at.millis())).unzip();
        Self { messages, ats }
    }
}

statement! {
    /// Whoever uploads at the same time waits, so that two cannot share what is left.
    LockOwner { user: Uuid => SqlUuid } -> SqlUuid,
    "SELECT id FROM users WHERE id = ? FOR NO KEY UPDATE"
}

statement! {
    UsedBy { user: Uuid => SqlUuid, but: Uuid => SqlUuid } -> BigInt,
    "SELECT coalesce(sum(stored_size), 0)::bigint FROM files \
     WHERE owner_id = ? AND collected_until IS NULL AND id <> ?"
}

statement! {
    // A call that is made again, since its answer was lost, finds its row.
    Reserve {
        id: Uuid => SqlUuid,
        owner: Uuid => SqlUuid,
        purpose: &'static str => Text,
        name: String => Text,
        media_type: String => Text,
        stored_size: i64 => BigInt,
        size: i64 => BigInt,
        has_thumbnail: bool => Bool,
        sha256: Vec<u8> => Binary,
        created_at: i64 => BigInt,
        unused_since: i64 => BigInt,
    } -> (),
    "INSERT INTO files (id, owner_id, purpose, name, media_type, stored_size, size, has_thumbnail, sha256, \
     created_at, unused_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
}

fn stored(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

async fn reserve(conn: &mut AsyncPgConnection, file: &NewFile, quota: u64) -> Result<(), Fault> {
    let (shown, owner) = (&file.attachment, file.owner.0);
    transaction::write(conn, async |conn| {
        let _: Uuid = LockOwner { user: owner }.get_result(conn).await?;
        let used: i64 = UsedBy { user: owner, but: shown.id.0 }.get_result(conn).await?;
        let used = u64::try_from(used).unwrap_or(0);
        if used.saturating_add(file.stored_size) > quota {
            return Err(Refusal::OverQuota { used, quota }.into());
        }
        let row = Reserve {
            id: shown.id.0,
            owner,
            purpose: file.purpose.as_str(),
            name: shown.name.as_str().to_owned(),
            media_type: shown.media_type.clone(),
            stored_size: stored(file.stored_size),
            size: stored(shown.size),
            has_thumbnail: shown.has_thumbnail,
            sha256: file.sha256.to_vec(),
            created_at: file.now.millis(),
            unused_since: file.now.millis(),
        };
        row.execute(conn).await?;
        Ok(())
    })
    .await
}

statement! {
    Complete { id: Uuid => SqlUuid } -> (),
    "UPDATE files SET is_complete = TRUE WHERE id = ? AND collected_until IS NULL"
}

statement! {
    RetireAvatar { user: Uuid => SqlUuid, but: Uuid => SqlUuid } -> (),
    "UPDATE files SET unused_since = 0 WHERE owner_id = ? AND purpose = 'avatar' \
     AND unused_since IS NULL AND id <> ?"
}

statement! {
    UseAvatar { id: Uuid => SqlUuid, user: Uuid => SqlUuid } -> (),
    "UPDATE files SET unused_since = NULL WHERE id = ? AND owner_id = ? AND purpose = 'avatar' \
     AND is_complete AND collected_until IS NULL"
}

statement! {
    NameAvatar { avatar: Option<String> => Nullable<Text>, user: Uuid => SqlUuid } -> (),
    "UPDATE users SET avatar = ? WHERE id = ?"
}

async fn set_avatar(conn: &mut AsyncPgConnection, user: UserId, avatar: Option<FileId>) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        let _: Uuid = LockOwner { user: user.0 }.get_result(conn).await?;
        let but = avatar.map_or(Uuid::nil(), |id| id.0);
        RetireAvatar { user: user.0, but }.execute(conn).await?;
        if let Some(id) = avatar
            && (UseAvatar { id: id.0, user: user.0 }).execute(conn).await? != 1
        {
            return Err(Refusal::NotFound("avatar").into());
        }
        NameAvatar { avatar: avatar.map(|id| id.to_string()), user: user.0 }.execute(conn).await?;
        Ok(())
    })
    .await
}

statement! {
    ReadFile { id: Uuid => SqlUuid } -> (FileColumns, Binary),
    "SELECT id, owner_id, message_id, name, media_type, size, has_thumbnail, sha256 FROM files \
     WHERE id = ? AND purpose = 'attachment' AND is_complete AND collected_until IS NULL"
}

async fn read(conn: &mut AsyncPgConnection, id: FileId, viewer: UserId) -> Result<ReadableFile, Fault> {
    transaction::snapshot(conn, async |conn| {
        let absent = || Refusal::NotFound("attachment");
        let row: Option<(FileRow, Vec<u8>)> = ReadFile { id: id.0 }.get_result(conn).await.optional()?;
        let (row, sha256) = row.ok_or_else(absent)?;
        let sha256 = sha256.try_into().map_err(|_| absent())?;
        let KnownFile { owner, message, attachment } = known(row);
        let room = match message {
            // Whoever may not read the message is told of the file alone, and that as of any other.
            Some(message) => match rooms::message(conn, message, viewer).await {
                Ok(message) if message.deleted_at.is_none() => Some(message.room),
                Ok(_) | Err(Fault::Refused(_)) => return Err(absent().into()),
                Err(fault) => return Err(fault),
            },
            None if owner == viewer => None,
            None => return Err(absent().into()),
        };
        Ok(ReadableFile { attachment, sha256, room })
    })
    .await
}

statement! {
    ReportedIn { message: Uuid => SqlUuid, moderator: Uuid => SqlUuid } -> SqlUuid,
    "SELECT m.room_id FROM messages m JOIN reports r ON r.message_id = m.id \
     WHERE m.id = ? AND m.author_id <> ? AND m.deleted_at IS NULL AND r.resolved_at IS NULL"
}

async fn read_reported(
    conn: &mut AsyncPgConnection,
    id: FileId,
    moderator: UserId,
) -> Result<ReadableFile, Fault> {
    transaction::snapshot(conn, async |conn| {
        let absent = || Refusal::NotFound("attachment");
        let row: Option<(FileRow, Vec<u8>)> = ReadFile { id: id.0 }.get_result(conn).await.optional()?;
        let (row, sha256) = row.ok_or_else(absent)?;
        let sha256 = sha256.try_into().map_err(|_| absent())?;
        let KnownFile { message, attachment, .. } = known(row);
        let reported = ReportedIn { message: message.ok_or_else(absent)?.0, moderator: moderator.0 };
        let room: Option<Uuid> = reported.get_result(conn).await.optional()?;
        Ok(ReadableFile { attachment, sha256, room: Some(RoomId(room.ok_or_else(absent)?)) })
    })
    .await
}

statement! {
    /// What another collector takes at this moment is left to it.
    TakeUnused {
        never_sent: i64 => BigInt,
        deleted: i64 => BigInt,
        now: i64 => BigInt,
        limit: i64 => BigInt,
        until: i64 => BigInt,
    } -> (SqlUuid, Text, BigInt),
    "WITH due AS MATERIALIZED (SELECT id FROM files WHERE \
       ((message_id IS NULL AND unused_since <= ?) OR (message_id IS NOT NULL AND unused_since <= ?)) \
       AND (collected_until IS NULL OR collected_until <= ?) \
       ORDER BY unused_since, id LIMIT ? FOR UPDATE SKIP LOCKED) \
     UPDATE files f SET collected_until = ? FROM due WHERE f.id = due.id \
     RETURNING f.id, f.purpose, f.unused_since"
}

async fn take_unused(
    conn: &mut AsyncPgConnection,
    due: Unused,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(FileId, FilePurpose)>, Fault> {
    let take = TakeUnused {
        never_sent: due.never_sent.millis(),
        deleted: due.deleted.millis(),
        now: now.millis(),
        limit: i64::try_from(limit).unwrap_or(i64::MAX),
        until: until.millis(),
    };
    let mut rows: Vec<(Uuid, String, i64)> = take.load(conn).await?;
    rows.sort_by_key(|(id, _, since)| (*since, *id));
    Ok(rows.into_iter().filter_map(|(id, word, _)| Some((FileId(id), FilePurpose::parse(&word)?))).collect())
}

statement! {
    Gone { id: Uuid => SqlUuid } -> (),
    "DELETE FROM files WHERE id = ? AND collected_until IS NOT NULL"
}

impl Files for PgStore {
    fn reserve_file(&self, file: NewFile, quota: u64) -> Answer<'_, ()> {
        self.executor.write(file, move |conn, file| reserve(conn, file, quota).boxed())
    }

    fn complete_file(&self, id: FileId) -> Answer<'_, bool> {
        self.executor.write((), move |conn, ()| {
            async move { Ok(Complete { id: id.0 }.execute(conn).await? == 1) }.boxed()
        })
    }

    fn set_avatar(&self, user: UserId, avatar: Option<FileId>) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| set_avatar(conn, user, avatar).boxed())
    }

    fn file(&self, id: FileId, viewer: UserId) -> Answer<'_, ReadableFile> {
        self.executor.read((), move |conn, ()| read(conn, id, viewer).boxed())
    }

    fn reported_file(&self, id: FileId, moderator: UserId) -> Answer<'_, ReadableFile> {
        self.executor.read((), move |conn, ()| read_reported(conn, id, moderator).boxed())
    }

    fn take_unused_files(
        &self,
        due: Unused,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Answer<'_, Vec<(FileId, FilePurpose)>> {
        self.executor.write((), move |conn, ()| take_unused(conn, due, now, until, limit).boxed())
    }

    fn file_gone(&self, id: FileId) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| {
            async move {
                Gone { id: id.0 }.execute(conn).await?;
                Ok(())
            }
            .boxed()
        })
    }
}
