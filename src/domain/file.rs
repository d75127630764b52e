//! Files that people send: which sorts are taken, what they are called, and what a message shows
//! of them. Who may read one follows from its message; see [`super::policy`].

use super::id::FileId;
use super::refusal::Invalid;
use super::text::{is_unseen, turns};

/// Longest name of a file, in characters.
const NAME_CHARS: usize = 120;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $mime:literal, $extension:literal, [$($other:literal),*], $is_image:literal;)*) => {
        /// The sorts of files that are taken. What a file is, its content says, never its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FileKind {
            $($(#[doc = $doc])* $name,)*
        }

        impl FileKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The media type.
            #[must_use]
            pub const fn media_type(self) -> &'static str {
                match self { $(Self::$name => $mime,)* }
            }

            /// How names of such files end.
            #[must_use]
            pub const fn extension(self) -> &'static str {
                match self { $(Self::$name => $extension,)* }
            }

            /// Whether a browser may show it where it stands: it is a picture and was rebuilt.
            #[must_use]
            pub const fn is_image(self) -> bool {
                match self { $(Self::$name => $is_image,)* }
            }

            const fn other_extensions(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($other),*],)* }
            }
        }
    };
}

kinds! {
    /// A photograph.
    Jpeg = "image/jpeg", "jpg", ["jpeg", "jpe", "jfif"], true;
    /// A drawing or a screenshot.
    Png = "image/png", "png", [], true;
    /// A small picture, perhaps a moving one.
    Gif = "image/gif", "gif", [], true;
    /// A document to be printed.
    Pdf = "application/pdf", "pdf", [], false;
    /// A document of Word up to 2003.
    Doc = "application/msword", "doc", [], false;
    /// A document of Word from 2007 on.
    Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", [], false;
}

impl FileKind {
    /// By its media type.
    #[must_use]
    pub fn of_media_type(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.media_type() == text)
    }
}

/// What a file is called: one line without a path, that ends as its sort does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Makes the best of what a client said, so that the name is safe wherever it is shown or
    /// saved: the last part of a path; without control marks and marks that turn the direction of
    /// reading; without dots at its ends; never longer than 120 characters; and with the ending of
    /// what the file is, whatever it pretended to be.
    #[must_use]
    pub fn tidy(raw: &str, kind: FileKind) -> Self {
        let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let clean: String = last.chars().filter(|c| is_plain(*c)).collect();
        let clean = clean.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
        let (stem, extension) = clean.rsplit_once('.').unwrap_or((clean, ""));
        let extension = extension.to_lowercase();
        let fits = extension == kind.extension() || kind.other_extensions().contains(&extension.as_str());
        let (stem, extension) = if fits { (stem, extension.as_str()) } else { (clean, kind.extension()) };
        let most = NAME_CHARS - extension.len() - 1;
        let stem: String = stem.chars().take(most).collect();
        let stem = stem.trim_matches(|c: char| c == '.' || c.is_whitespace());
        let stem = if stem.is_empty() { "file" } else { stem };
        Self(format!("{stem}.{extension}"))
    }

    /// One that was tidied before.
    #[must_use]
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a mark may stand in a name: no control mark, none that is not seen, none that turns the
/// direction of reading (`exe.` backwards looks harmless), none that file systems give a meaning.
fn is_plain(c: char) -> bool {
    !c.is_control() && !is_unseen(c) && !turns(c) && !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// A file as a message shows it. Never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub id: FileId,
    pub name: FileName,
    /// The media type: of [`FileKind`], or one that a newer version takes.
    pub media_type: String,
    /// Bytes, as it is served.
    pub size: u64,
    pub has_thumbnail: bool,
}

impl Attachment {
    /// What it is, if this version takes such files.
    #[must_use]
    pub fn kind(&self) -> Option<FileKind> {
        FileKind::of_media_type(&self.media_type)
    }
}

/// Checks the list of a draft: each file once.
///
/// # Errors
/// When one stands there twice.
pub fn each_once(files: &[FileId]) -> Result<(), Invalid> {
    let twice = |(n, file): (usize, &FileId)| files.iter().skip(n + 1).any(|other| other == file);
    if files.iter().enumerate().any(twice) {
        return Err(Invalid::new("attachments", "names a file twice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(raw: &str, kind: FileKind) -> String {
        FileName::tidy(raw, kind).as_str().to_owned()
    }

    #[test]
    fn a_name_is_one_part_of_a_path_and_ends_as_its_sort_does() {
        for (raw, kind, tidy) in [
            ("cat.png", FileKind::Png, "cat.png"),
            ("Cat.JPEG", FileKind::Jpeg, "Cat.jpeg"),
            ("../../etc/passwd", FileKind::Pdf, "passwd.pdf"),
            ("C:\\temp\\plan.docx", FileKind::Docx, "plan.docx"),
            ("invoice.pdf.exe", FileKind::Pdf, "invoice.pdf.exe.pdf"),
            ("page.html", FileKind::Png, "page.html.png"),
            ("gnp\u{202e}exe.png", FileKind::Png, "gnpexe.png"),
            ("a\0b\r\nc\".gif", FileKind::Gif, "abc.gif"),
            (".htaccess", FileKind::Gif, "htaccess.gif"),
            (" ... ", FileKind::Doc, "file.doc"),
            ("", FileKind::Doc, "file.doc"),
            (".png", FileKind::Png, "file.png"),
            ("\u{3164}.png", FileKind::Png, "file.png"),
            ("Übersicht ☕.pdf", FileKind::Pdf, "Übersicht ☕.pdf"),
        ] {
            assert_eq!(tidied(raw, kind), tidy, "{raw:?}");
        }
        let long = tidied(&"x".repeat(4_000), FileKind::Docx);
        assert_eq!((long.chars().count(), long.ends_with("x.docx")), (NAME_CHARS, true));
    }

    #[test]
    fn a_sort_is_found_by_its_media_type() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::of_media_type(kind.media_type()), Some(*kind));
        }
        assert_eq!(FileKind::of_media_type("image/svg+xml"), None);
    }
}
