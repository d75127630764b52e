//! The signing secret of an installation that was given none: made once, kept in the data folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Clock;
use crate::settings::Secret;

/// The file's name in the data folder.
pub const FILE: &str = "jwt-secret";

/// Reads the secret, or makes it. Of two processes that start at once, both get the same.
///
/// # Errors
/// When the folder cannot be written, or the file is damaged.
pub fn load_or_make(data_dir: &Path, clock: &dyn Clock) -> io::Result<Secret> {
    let path = data_dir.join(FILE);
    if let Some(secret) = load(data_dir)? {
        return Ok(secret);
    }
    fs::create_dir_all(data_dir)?;
    let draft = data_dir.join(format!("{FILE}.{}", clock.id()));
    let made = write(&draft, clock).and_then(|()| match fs::hard_link(&draft, &path) {
        // Another process was first: its secret counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // A draft that stays behind does no harm.
    let _ = fs::remove_file(&draft);
    made?;
    File::open(data_dir)?.sync_all()?;
    read(&path)
}

/// Reads the secret, if one was made.
///
/// # Errors
/// When the file cannot be read, or is damaged.
pub fn load(data_dir: &Path) -> io::Result<Option<Secret>> {
    match read(&data_dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn read(path: &Path) -> io::Result<Secret> {
    let text = fs::read_to_string(path)?;
    let text = text.trim();
    if text.len() < 32 {
        let message =
            format!("{} holds fewer than 32 bytes: remove it to have a new one made", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Secret::new(text))
}

fn write(path: &Path, clock: &dyn Clock) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut random = [0; 48];
    clock.random(&mut random);
    let mut file = options.open(path)?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(random))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn it_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = load_or_make(&data, &SystemClock).expect("made");
        assert_eq!(load_or_make(&data, &SystemClock).expect("read"), first);
        let mode = fs::metadata(data.join(FILE)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).expect("a folder").count(), 1, "no draft is left");
    }

    #[test]
    fn processes_that_start_at_once_share_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = || load_or_make(folder.path(), &SystemClock).expect("made");
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(secrets.windows(2).all(|pair| pair.first() == pair.last()));
    }

    #[test]
    fn a_damaged_file_is_said_and_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), "short").expect("written");
        assert!(load_or_make(folder.path(), &SystemClock).is_err());
    }
}
