//! People.

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;
use super::{Profile, Refusal, ServerRole, Timestamp, UserId};

/// A name of 3 to 30 characters: letters, digits, `_`, `-` and `.`; compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Characters of a name.
    pub const MAX: usize = 30;

    /// Whether a name may hold this character.
    #[must_use]
    pub fn allows(c: char) -> bool {
        c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
    }

    /// # Errors
    /// When the length or a character is not allowed.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let name: String = raw.trim().nfc().collect();
        let length = name.chars().count();
        if !(3..=Self::MAX).contains(&length) {
            return Err(Invalid::new("username", "must have 3 to 30 characters"));
        }
        if !name.chars().all(Self::allows) {
            return Err(Invalid::new("username", "may hold letters, digits, '_', '-' and '.' only"));
        }
        Ok(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What must be unique: the name with compatibility forms and case folded.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.nfkc().collect::<String>().to_lowercase()
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }
}

/// An e-mail address, checked for shape only: whether it is reachable, only a mail can tell.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// When it has no local part, no dotted domain, white space, or more than 254 characters.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let email: String = raw.trim().nfc().collect();
        let wrong = || Invalid::new("email", "must be an e-mail address");
        let (local, domain) = email.rsplit_once('@').ok_or_else(wrong)?;
        let labels_ok = domain.contains('.')
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            });
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
        if email.len() > 254 || !labels_ok || !local_ok {
            return Err(wrong());
        }
        Ok(Self(email))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What must be unique and what a login is looked up by.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(email: String) -> Self {
        Self(email)
    }
}

// An address is personal: logs and panics never print it.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A person as others see them. Whether the address is shown is decided where it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: Username,
    pub email: Email,
    pub avatar: Option<String>,
    pub created_at: Timestamp,
    pub last_seen: Option<Timestamp>,
    /// Whether somebody has shown to read the address.
    pub email_verified: bool,
    pub server_role: ServerRole,
    pub status: AccountStatus,
    pub profile: Profile,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountStatus {
    #[default]
    Active,
    /// By an administrator; may be opened again.
    Disabled,
    /// By its owner, for ever.
    Deleted,
}

impl AccountStatus {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// From a stored row: when it was disabled, and when deleted.
    #[must_use]
    pub const fn from_stored(disabled_at: Option<i64>, deleted_at: Option<i64>) -> Self {
        match (disabled_at, deleted_at) {
            (_, Some(_)) => Self::Deleted,
            (Some(_), None) => Self::Disabled,
            (None, None) => Self::Active,
        }
    }
}

/// Who looks at people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: UserId,
    /// Whether he sees the addresses of others.
    pub administers: bool,
}

impl From<UserId> for Viewer {
    fn from(id: UserId) -> Self {
        Self { id, administers: false }
    }
}

impl From<&User> for Viewer {
    fn from(user: &User) -> Self {
        Self { id: user.id, administers: user.server_role >= ServerRole::Administrator }
    }
}

impl User {
    /// Whether the account may be used.
    ///
    /// # Errors
    /// `AccountDisabled`.
    pub const fn may_enter(&self) -> Result<(), Refusal> {
        if matches!(self.status, AccountStatus::Active) { Ok(()) } else { Err(Refusal::AccountDisabled) }
    }

    /// Whether anybody is left behind the account.
    #[must_use]
    pub const fn is_somebody(&self) -> bool {
        !matches!(self.status, AccountStatus::Deleted)
    }

    /// Whether the person has this role on the server, or a greater one.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn must_be(&self, role: ServerRole) -> Result<(), Refusal> {
        if self.server_role >= role {
            return Ok(());
        }
        Err(Refusal::Forbidden(match role {
            ServerRole::Administrator => "only administrators may do this",
            ServerRole::User | ServerRole::Moderator => "only moderators may do this",
        }))
    }

    /// Whether the person may read a private room that he is in; `asked` as below. Whoever put him
    /// there may have been deceived by a name.
    #[must_use]
    pub fn may_read_private(&self, asked: bool) -> bool {
        self.may_write(asked).is_ok()
    }

    /// Whether the person may do more than join and read; `asked` is whether an address must be
    /// confirmed first.
    ///
    /// # Errors
    /// `EmailNotVerified`.
    pub const fn may_write(&self, asked: bool) -> Result<(), Refusal> {
        if asked && !self.email_verified { Err(Refusal::EmailNotVerified) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_keeps_its_case_and_is_unique_without_it() {
        let name = Username::parse(" Älice_1 ").expect("valid");
        assert_eq!(name.as_str(), "Älice_1");
        assert_eq!(name.key(), "älice_1");
    }

    #[test]
    fn usernames_outside_the_rules_name_the_field() {
        for bad in ["ab", "a b c", &"x".repeat(31), "a\u{0}bc", "<script>"] {
            assert_eq!(Username::parse(bad).expect_err(bad).field, "username");
        }
    }

    #[test]
    fn addresses_need_a_local_part_and_a_dotted_domain() {
        assert!(Email::parse("alice+chat@mail.example.com").is_ok());
        for bad in ["alice", "@example.com", "alice@", "alice@localhost", "a b@example.com", "a@-x.com"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_not_printed_by_debug() {
        let email = Email::parse("alice@example.com").expect("valid");
        assert!(!format!("{email:?}").contains("alice"));
    }
}
