//! How each type of setting is read from a text and shown in the reference.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Smallest and greatest number allowed, both included.
pub(super) type Bounds = Option<(u64, u64)>;

/// A type that a setting may have.
pub(super) trait Value: Sized {
    /// The word for people.
    const TYPE: &'static str;
    /// Whether a wrong value must not be repeated in an error.
    const SECRET: bool = false;

    /// The error says what was expected and never holds the value.
    fn parse(raw: &str, bounds: Bounds) -> Result<Self, String>;

    /// The default as the reference shows it; empty for "not set".
    fn show(&self) -> String;
}

/// Bytes that no log and no error shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves; the name is there to be found by a search.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the installation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Test,
    Staging,
    Production,
}

impl Environment {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether it is run for others, by somebody who does not sit before it.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// As the environment needs it.
    Auto,
    Text,
    /// One object a line.
    Json,
}

/// Whether an address must be confirmed before its owner may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailVerification {
    Off,
    Required,
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const TYPE: &'static str = "whole number";

            fn parse(raw: &str, bounds: Bounds) -> Result<Self, String> {
                let number: u64 = raw.parse().map_err(|_| "must be a whole number".to_owned())?;
                let (min, max) = bounds.unwrap_or((0, u64::MAX));
                if !(min..=max).contains(&number) {
                    return Err(format!("must be {min} to {max}"));
                }
                Self::try_from(number).map_err(|_| "is too large".to_owned())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

numbers!(u16, u32, u64, usize);

impl Value for Duration {
    const TYPE: &'static str = "number";

    #[allow(clippy::cast_precision_loss, reason = "bounds are small")]
    fn parse(raw: &str, bounds: Bounds) -> Result<Self, String> {
        let seconds: f64 = raw.parse().map_err(|_| "must be a number of seconds".to_owned())?;
        let (min, max) = bounds.unwrap_or((0, u64::from(u32::MAX)));
        // Also false for what is no number.
        if !(min as f64..=max as f64).contains(&seconds) {
            return Err(format!("must be {min} to {max} seconds"));
        }
        Self::try_from_secs_f64(seconds).map_err(|_| "must be a number of seconds".to_owned())
    }

    fn show(&self) -> String {
        self.as_secs_f64().to_string()
    }
}

impl Value for bool {
    const TYPE: &'static str = "`on`, `off`";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        match raw {
            "on" | "true" | "1" => Ok(true),
            "off" | "false" | "0" => Ok(false),
            _ => Err("must be on or off".into()),
        }
    }

    fn show(&self) -> String {
        if *self { "on" } else { "off" }.into()
    }
}

impl Value for String {
    const TYPE: &'static str = "text";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        Ok(raw.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// A text without a default. Database addresses can hold a password, so none is repeated.
impl Value for Option<String> {
    const TYPE: &'static str = "text";
    const SECRET: bool = true;

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        Ok(Some(raw.to_owned()))
    }

    fn show(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

impl Value for Option<Secret> {
    const TYPE: &'static str = "secret";
    const SECRET: bool = true;

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        Ok(Some(Secret::new(raw)))
    }

    fn show(&self) -> String {
        String::new()
    }
}

impl Value for Vec<Secret> {
    const TYPE: &'static str = "secrets, by comma";
    const SECRET: bool = true;

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        let secrets: Self = parts(raw).map(Secret::new).collect();
        if secrets.iter().any(|secret| secret.expose().len() < 32) {
            return Err("each secret must have at least 32 bytes".into());
        }
        Ok(secrets)
    }

    fn show(&self) -> String {
        String::new()
    }
}

impl Value for Vec<String> {
    const TYPE: &'static str = "texts, by comma";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        Ok(parts(raw).map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        self.join(",")
    }
}

impl Value for PathBuf {
    const TYPE: &'static str = "path";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        Ok(Self::from(raw))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Value for IpAddr {
    const TYPE: &'static str = "IP address";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        raw.parse().map_err(|_| "must be an IP address such as 127.0.0.1 or ::".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Without a default.
macro_rules! optional {
    ($($type:ty),*) => {$(
        impl Value for Option<$type> {
            const TYPE: &'static str = <$type>::TYPE;

            fn parse(raw: &str, bounds: Bounds) -> Result<Self, String> {
                <$type>::parse(raw, bounds).map(Some)
            }

            fn show(&self) -> String {
                self.as_ref().map(Value::show).unwrap_or_default()
            }
        }
    )*};
}

optional!(u16, IpAddr, PathBuf);

impl Value for Environment {
    const TYPE: &'static str = "`development`, `test`, `staging`, `production`";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        [Self::Development, Self::Test, Self::Staging, Self::Production]
            .into_iter()
            .find(|environment| environment.as_str() == raw)
            .ok_or_else(|| "must be development, test, staging or production".into())
    }

    fn show(&self) -> String {
        self.as_str().into()
    }
}

impl Value for LogFormat {
    const TYPE: &'static str = "`auto`, `text`, `json`";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        match raw {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be auto, text or json".into()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
        .into()
    }
}

impl Value for EmailVerification {
    const TYPE: &'static str = "`off`, `required`";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        match raw {
            "off" => Ok(Self::Off),
            "required" => Ok(Self::Required),
            _ => Err("must be off or required".into()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Required => "required",
        }
        .into()
    }
}

pub(super) fn parts(raw: &str) -> impl Iterator<Item = &str> {
    raw.split(',').map(str::trim).filter(|part| !part.is_empty())
}
