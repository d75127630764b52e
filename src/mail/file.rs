//! Mail that goes no further than this machine: into files that every mail program opens, or into
//! the log. For trying things out.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::{Mail, Mailer, NotSent, Sender, message};

/// Files that are kept; the oldest go first.
const KEPT: usize = 1_000;

/// Writes each mail to a file of its own, `<id>.eml`; later ones sort later.
pub struct FolderMailer {
    folder: PathBuf,
    from: Sender,
}

impl FolderMailer {
    /// The folder is made when the first mail comes.
    #[must_use]
    pub const fn new(folder: PathBuf, from: Sender) -> Self {
        Self { folder, from }
    }
}

impl Mailer for FolderMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), NotSent>> {
        async move {
            let bytes = message(&self.from, &mail)?.formatted();
            let (folder, name) = (self.folder.clone(), format!("{}.eml", mail.id));
            let written = tokio::task::spawn_blocking(move || keep(&folder, &name, &bytes)).await;
            let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
            written.map_err(|error| NotSent(format!("{}: {error}", self.folder.display())))
        }
        .boxed()
    }
}

/// Only the server's own account may read it: there are links in it that let people in.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.recursive(true).create(folder)?;
    // Under another name until it is whole, so that nobody reads a half.
    let (half, whole) = (folder.join(format!("{name}.part")), folder.join(name));
    options.open(&half)?.write_all(bytes)?;
    fs::rename(&half, &whole)?;
    let mut names: Vec<_> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    names.sort();
    for old in names.iter().take(names.len().saturating_sub(KEPT)) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// Writes mails into the log, what they say included.
pub struct LogMailer;

impl Mailer for LogMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), NotSent>> {
        log::info!("a mail, as CHAT_MAIL=log wants it: {}\n{}", mail.words.subject, mail.words.text());
        ready(Ok(())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::Email;
    use crate::mail::Words;

    #[tokio::test]
    async fn each_mail_is_a_file_and_the_oldest_go() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("mail");
        let mailer =
            FolderMailer::new(folder.clone(), Sender::parse("Chat <chat@localhost>").expect("valid"));
        let mail = |n: u128| Mail {
            id: Uuid::from_u128(n),
            to: Email::from_stored("alice@example.com".into()),
            words: Words::new("Hello").line(format!("Number {n}.")),
        };
        for n in [1, 2, 2] {
            mailer.send(mail(n)).await.expect("written");
        }
        let files = || fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(files(), 2, "sent twice, kept once");
        for n in 3..=(KEPT as u128 + 3) {
            fs::write(folder.join(format!("{}.eml", Uuid::from_u128(n))), "").expect("written");
        }
        mailer.send(mail(5)).await.expect("written");
        assert_eq!(files(), KEPT);
        assert!(!folder.join(format!("{}.eml", Uuid::from_u128(1))).exists());
        let text = fs::read_to_string(folder.join(format!("{}.eml", Uuid::from_u128(5)))).expect("a file");
        assert!(text.contains("Subject: Hello") && text.contains("Number 5."), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode(&folder), 0o700);
            assert_eq!(mode(&folder.join(format!("{}.eml", Uuid::from_u128(5)))), 0o600);
        }
    }
}
