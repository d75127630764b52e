//! What lies outside the database. Next: [`crate::store::Files`] for the promises.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::Key;
use super::schema::{files, messages, reports, users};
use super::{SqliteStore, rooms};
use crate::domain::{Attachment, FileId, FileName, MessageId, Refusal, Timestamp, UserId};
use crate::store::plan::KnownFile;
use crate::store::{Answer, FilePurpose, Files, NewFile, ReadableFile, Unused};

#[derive(Queryable, Selectable)]
#[diesel(table_name = files, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct FileRow {
    id: Key,
    owner_id: Key,
    name: String,
    media_type: String,
    size: i64,
    has_thumbnail: bool,
    sha256: Vec<u8>,
    message_id: Option<Key>,
}

impl From<FileRow> for KnownFile {
    fn from(row: FileRow) -> Self {
        Self {
            owner: row.owner_id.into(),
            message: row.message_id.map(MessageId::from),
            attachment: Attachment {
                id: row.id.into(),
                name: FileName::from_stored(row.name),
                media_type: row.media_type,
                size: u64::try_from(row.size).unwrap_or(0),
                has_thumbnail: row.has_thumbnail,
            },
        }
    }
}

fn reserve(conn: &mut SqliteConnection, file: &NewFile, quota: u64) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let sizes: Vec<i64> = files::table
            .filter(files::owner_id.eq(Key::from(file.owner)))
            .filter(files::collected_until.is_null())
            .select(files::stored_size)
            .load(conn)?;
        let used: u64 = sizes.into_iter().filter_map(|size| u64::try_from(size).ok()).sum();
        if used.saturating_add(file.stored_size) > quota {
            return Err(Refusal::OverQuota { used, quota }.into());
        }
        let shown = &file.attachment;
        diesel::insert_into(files::table)
            .values((
                files::id.eq(Key::from(shown.id)),
                files::owner_id.eq(Key::from(file.owner)),
                files::purpose.eq(file.purpose.as_str()),
                files::name.eq(shown.name.as_str()),
                files::media_type.eq(&shown.media_type),
                files::stored_size.eq(i64::try_from(file.stored_size).unwrap_or(i64::MAX)),
                files::size.eq(i64::try_from(shown.size).unwrap_or(i64::MAX)),
                files::has_thumbnail.eq(shown.has_thumbnail),
                files::sha256.eq(file.sha256.as_slice()),
                files::created_at.eq(file.now.millis()),
                files::unused_since.eq(file.now.millis()),
            ))
            .execute(conn)?;
        Ok(())
    })
}

fn complete(conn: &mut SqliteConnection, id: FileId) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let row = files::table.find(Key::from(id)).filter(files::collected_until.is_null());
        Ok(diesel::update(row).set(files::is_complete.eq(true)).execute(conn)? == 1)
    })
}

fn set_avatar(conn: &mut SqliteConnection, user: UserId, avatar: Option<FileId>) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let own = files::table
            .filter(files::owner_id.eq(Key::from(user)))
            .filter(files::purpose.eq(FilePurpose::Avatar.as_str()))
            .filter(files::collected_until.is_null());
        diesel::update(own.filter(files::unused_since.is_null()))
            .set(files::unused_since.eq(0))
            .execute(conn)?;
        if let Some(id) = avatar {
            let new = own.filter(files::id.eq(Key::from(id))).filter(files::is_complete);
            if diesel::update(new).set(files::unused_since.eq(None::<i64>)).execute(conn)? != 1 {
                return Err(Refusal::NotFound("avatar").into());
            }
        }
        diesel::update(users::table.find(Key::from(user)))
            .set(users::avatar.eq(avatar.map(|id| id.to_string())))
            .execute(conn)?;
        Ok(())
    })
}

/// A file that a message may be sent with, or has.
pub(super) fn attachable(conn: &mut SqliteConnection, id: FileId) -> Result<Option<FileRow>, Fault> {
    let row = files::table
        .find(Key::from(id))
        .filter(files::purpose.eq(FilePurpose::Attachment.as_str()))
        .filter(files::is_complete)
        .filter(files::collected_until.is_null())
        .select(FileRow::as_select())
        .get_result(conn);
    Ok(row.optional()?)
}

fn read(conn: &mut SqliteConnection, id: FileId, viewer: UserId) -> Result<ReadableFile, Fault> {
    fault::read(conn, |conn| {
        let absent = || Refusal::NotFound("attachment");
        let row = attachable(conn, id)?.ok_or_else(absent)?;
        let sha256 = row.sha256.as_slice().try_into().map_err(|_| absent())?;
        let KnownFile { owner, message, attachment } = row.into();
        let room = match message {
            // Whoever may not read the message is told of the file alone, and that as of any other.
            Some(message) => match rooms::message(conn, message, viewer) {
                Ok(message) if message.deleted_at.is_none() => Some(message.room),
                Ok(_) | Err(Fault::Refused(_)) => return Err(absent().into()),
                Err(fault) => return Err(fault),
            },
            None if owner == viewer => None,
            None => return Err(absent().into()),
        };
        Ok(ReadableFile { attachment, sha256, room })
    })
}

fn read_reported(conn: &mut SqliteConnection, id: FileId, moderator: UserId) -> Result<ReadableFile, Fault> {
    fault::read(conn, |conn| {
        let absent = || Refusal::NotFound("attachment");
        let row = attachable(conn, id)?.ok_or_else(absent)?;
        let sha256 = row.sha256.as_slice().try_into().map_err(|_| absent())?;
        let KnownFile { message, attachment, .. } = row.into();
        let message = Key::from(message.ok_or_else(absent)?);
        let room: Option<Key> = messages::table
            .inner_join(reports::table.on(reports::message_id.eq(messages::id)))
            .filter(messages::id.eq(message))
            .filter(messages::author_id.ne(Key::from(moderator)))
            .filter(messages::deleted_at.is_null())
            .filter(reports::resolved_at.is_null())
            .select(messages::room_id)
            .first(conn)
            .optional()?;
        Ok(ReadableFile { attachment, sha256, room: Some(room.ok_or_else(absent)?.into()) })
    })
}

fn take_unused(
    conn: &mut SqliteConnection,
    due: Unused,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(FileId, FilePurpose)>, Fault> {
    fault::write(conn, |conn| {
        let rows: Vec<(Key, String)> = files::table
            .filter(
                files::message_id
                    .is_null()
                    .and(files::unused_since.le(due.never_sent.millis()))
                    .or(files::message_id.is_not_null().and(files::unused_since.le(due.deleted.millis()))),
            )
            .filter(files::collected_until.is_null().or(files::collected_until.le(now.millis())))
            .order((files::unused_since, files::id))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select((files::id, files::purpose))
            .load(conn)?;
        for (id, _) in &rows {
            diesel::update(files::table.find(id))
                .set(files::collected_until.eq(until.millis()))
                .execute(conn)?;
        }
        Ok(rows.into_iter().filter_map(|(id, word)| Some((id.into(), FilePurpose::parse(&word)?))).collect())
    })
}

fn gone(conn: &mut SqliteConnection, id: FileId) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let taken = files::table.find(Key::from(id)).filter(files::collected_until.is_not_null());
        diesel::delete(taken).execute(conn)?;
        Ok(())
    })
}

/// Writes which message has these files, and whose files nobody sees any more.
pub(super) fn write(
    conn: &mut SqliteConnection,
    used: &[(FileId, MessageId)],
    released: &[(MessageId, Timestamp)],
) -> Result<(), Fault> {
    for (file, message) in used {
        diesel::update(files::table.find(Key::from(*file)))
            .set((files::message_id.eq(Key::from(*message)), files::unused_since.eq(None::<i64>)))
            .execute(conn)?;
    }
    for (message, at) in released {
        diesel::update(files::table.filter(files::message_id.eq(Key::from(*message))))
            .set(files::unused_since.eq(at.millis()))
            .execute(conn)?;
    }
    Ok(())
}

impl Files for SqliteStore {
    fn reserve_file(&self, file: NewFile, quota: u64) -> Answer<'_, ()> {
        self.executor.write(move |conn| reserve(conn, &file, quota))
    }

    fn complete_file(&self, id: FileId) -> Answer<'_, bool> {
        self.executor.write(move |conn| complete(conn, id))
    }

    fn set_avatar(&self, user: UserId, avatar: Option<FileId>) -> Answer<'_, ()> {
        self.executor.write(move |conn| set_avatar(conn, user, avatar))
    }

    fn file(&self, id: FileId, viewer: UserId) -> Answer<'_, ReadableFile> {
        self.executor.read(move |conn| read(conn, id, viewer))
    }

    fn reported_file(&self, id: FileId, moderator: UserId) -> Answer<'_, ReadableFile> {
        self.executor.read(move |conn| read_reported(conn, id, moderator))
    }

    fn take_unused_files(
        &self,
        due: Unused,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Answer<'_, Vec<(FileId, FilePurpose)>> {
        self.executor.write(move |conn| take_unused(conn, due, now, until, limit))
    }

    fn file_gone(&self, id: FileId) -> Answer<'_, ()> {
        self.executor.write(move |conn| gone(conn, id))
    }
}
