//! Notices that a database is not the one that was last used here: restored from a backup, or
//! brought from elsewhere. Its clients must forget what they know then, which another epoch tells
//! them (I21).
//!
//! Every transaction that writes counts itself in the database; a small file beside it says how
//! far the count was. The file is written after a commit, and never before: a crash leaves it
//! behind the database, and only another database is behind the file. Next: [`super::fault`],
//! where transactions are counted.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use diesel::prelude::*;

use super::connection::create;
use super::fault::{Fault, OpenError};
use super::repair;
use super::statements::{ReadStanding, StandingRow};
use crate::domain::Epoch;
use crate::store::StoreError;

/// Which history a database has, and how many transactions wrote to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    epoch: Epoch,
    commits: i64,
}

/// The file beside a database.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    file: File,
    said: Standing,
}

impl Witness {
    /// Compares the database with the file beside it. Where they contradict each other, the
    /// database's epoch becomes `new_epoch`. Afterwards the file is on the disk and says what the
    /// database does.
    pub(super) fn confront(
        conn: &mut SqliteConnection,
        database: &Path,
        new_epoch: Epoch,
    ) -> Result<Self, OpenError> {
        let path = beside(database, "-commits");
        let not_written = |cause| OpenError::NotWritable { path: path.clone(), cause };
        let failed = |fault: Fault| OpenError::Connection {
            path: database.to_owned(),
            cause: StoreError::from(fault).to_string(),
        };
        let said = read(&path).map_err(not_written)?;
        let (mut standing, epoch_before) = stored(conn).map_err(|error| failed(error.into()))?;
        if let Some(reason) = contradiction(said, standing, epoch_before) {
            log::warn!(
                "{}: {reason}; every client is told to start anew (epoch {new_epoch})",
                database.display()
            );
            repair::renew_epoch(conn, new_epoch).map_err(failed)?;
            (standing, _) = stored(conn).map_err(|error| failed(error.into()))?;
        }
        // Put in place whole and for good: from here on a crash finds the old text or the new one.
        let fresh = beside(&path, "-new");
        let mut file = create(&fresh).map_err(not_written)?;
        let placed = file
            .set_len(0)
            .and_then(|()| file.write_all(text(standing).as_bytes()))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&fresh, &path))
            .and_then(|()| sync_directory(&path));
        placed.map_err(not_written)?;
        Ok(Self { path, file, said: standing })
    }

    /// Writes down how far the database is, if that is not what the file says. To be called
    /// between transactions.
    pub(super) fn follow(&mut self, conn: &mut SqliteConnection) {
        let followed = stored(conn).map_err(|error| error.to_string()).and_then(|(standing, _)| {
            if standing == self.said {
                return Ok(());
            }
            // Not waited for: a crash leaves an older text, and the length is always the same.
            self.file.rewind().map_err(|error| error.to_string())?;
            self.file.write_all(text(standing).as_bytes()).map_err(|error| error.to_string())?;
            self.said = standing;
            Ok(())
        });
        if let Err(error) = followed {
            // It stays behind, which is no harm: only a later restore might go unnoticed.
            log::warn!("{} was not written: {error}", self.path.display());
        }
    }
}

/// What speaks against this database being the one that was last used here.
fn contradiction(
    said: Option<Standing>,
    stored: Standing,
    epoch_before: Option<Epoch>,
) -> Option<&'static str> {
    match said {
        None if stored.commits == 0 => None,
        None => Some("the file that says how far this database was is missing"),
        Some(said) if stored.commits < said.commits => {
            Some("this database is behind what it was when it was last used here: a restored backup")
        }
        // The epoch was renewed, and the process died before the file was written.
        Some(said) if said.epoch != stored.epoch && epoch_before == Some(said.epoch) => None,
        Some(said) if said.epoch != stored.epoch => Some("this is not the database that was last used here"),
        Some(_) => None,
    }
}

/// Named as SQLite names its own files, so that what moves all of them moves it, too.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    PathBuf::from(path)
}

fn text(standing: Standing) -> String {
    format!("{} {:020}\n", standing.epoch, standing.commits)
}

/// What the file says; `None` where there is none. What cannot be read as a text of ours was
/// written by somebody else, and is like no file.
fn read(path: &Path) -> io::Result<Option<Standing>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(1_024).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&bytes);
    let parsed = text.trim_end().split_once(' ').and_then(|(epoch, commits)| {
        Some(Standing { epoch: epoch.parse().ok()?, commits: commits.parse().ok()? })
    });
    Ok(parsed)
}

/// What the database says, and its epoch before it was last renewed.
fn stored(conn: &mut SqliteConnection) -> QueryResult<(Standing, Option<Epoch>)> {
    let (epoch, commits, before) = ReadStanding.get_result::<StandingRow>(conn)?;
    Ok((Standing { epoch: epoch.into(), commits }, before.map(Epoch::from)))
}

/// A new name is on the disk when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(directory) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn standing(epoch: u128, commits: i64) -> Standing {
        Standing { epoch: Epoch(Uuid::from_u128(epoch)), commits }
    }

    #[test]
    fn only_another_database_contradicts_the_file() {
        let stored = standing(1, 10);
        let before = Some(Epoch(Uuid::from_u128(7)));
        for (said, fine) in [
            (Some(standing(1, 10)), true),
            // Died before it was written.
            (Some(standing(1, 0)), true),
            (Some(standing(7, 9)), true),
            (Some(standing(1, 11)), false),
            (Some(standing(7, 11)), false),
            (Some(standing(2, 10)), false),
            (None, false),
        ] {
            assert_eq!(contradiction(said, stored, before).is_none(), fine, "{said:?}");
        }
        assert!(contradiction(None, standing(1, 0), None).is_none(), "a new database");
        assert!(contradiction(Some(standing(2, 0)), standing(1, 0), None).is_some());
    }

    #[test]
    fn a_text_is_read_as_it_was_written_and_always_as_long() {
        let directory = super::super::connection::TemporaryDirectory::new().expect("a directory");
        let path = directory.path().join("chat.db-commits");
        assert_eq!(read(&path).expect("an answer"), None);
        for commits in [0, 7, i64::MAX] {
            let text = text(standing(3, commits));
            assert_eq!(text.len(), 58);
            fs::write(&path, text).expect("written");
            assert_eq!(read(&path).expect("an answer"), Some(standing(3, commits)));
        }
        fs::write(&path, "who knows").expect("written");
        assert_eq!(read(&path).expect("an answer"), None);
    }
}
