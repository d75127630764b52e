//! Where files are read: absolute addresses below the one by which people reach the server.

use std::sync::Arc;

use crate::domain::FileId;

/// Makes addresses of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links(Arc<str>);

impl Links {
    /// Below `public`, such as `https://chat.example.com`.
    #[must_use]
    pub fn new(public: &str) -> Self {
        Self(public.trim_end_matches('/').into())
    }

    /// The attachment itself.
    #[must_use]
    pub fn attachment(&self, id: FileId) -> String {
        format!("{}/attachments/{id}", self.0)
    }

    /// A small picture of it.
    #[must_use]
    pub fn thumbnail(&self, id: FileId) -> String {
        format!("{}/attachments/{id}/thumbnail", self.0)
    }

    /// Somebody's picture.
    #[must_use]
    pub fn avatar(&self, id: FileId) -> String {
        format!("{}/avatars/{id}", self.0)
    }
}
