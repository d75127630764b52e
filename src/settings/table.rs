//! The table's macro: a row gives a setting its field, variables, unit, default, bounds and doc
//! at once, so none of them can be forgotten and the reference cannot lie.

use std::{fmt, fs};

use super::value::{Bounds, Value};

/// Where values come from: the environment, or a map in tests.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting that cannot be used. Shows as one line that names the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    pub name: &'static str,
    /// Holds no secret.
    pub why: String,
}

impl SettingError {
    pub(super) fn new(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, why: why.into() }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

impl std::error::Error for SettingError {}

/// A setting as the reference shows it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) names: &'static [&'static str],
    pub(super) kind: &'static str,
    pub(super) unit: &'static str,
    pub(super) default: String,
    pub(super) bounds: Bounds,
    pub(super) doc: &'static str,
}

/// Variables whose value may stand in a file, which the same name with `_FILE` names: what holds a
/// secret, so that none stands in an environment, where every tool shows it.
pub(super) const IN_FILES: [&str; 8] = [
    "DATABASE_URL",
    "REDIS_URL",
    "SENTRY_DSN",
    "CHAT_OTLP_HEADERS",
    "JWT_SECRET",
    "CHAT_SMTP_URL",
    "CHAT_S3_ACCESS_KEY_ID",
    "CHAT_S3_SECRET_ACCESS_KEY",
];

/// What is given for a variable, in the environment or in a file. A file that is named and gives
/// nothing is a fault: whoever named it meant something.
fn given(env: Env<'_>, name: &'static str) -> Result<Option<String>, SettingError> {
    let set = |name: &str| env(name).map(|raw| raw.trim().to_owned()).filter(|raw| !raw.is_empty());
    let direct = set(name);
    let path = if IN_FILES.contains(&name) { set(&format!("{name}_FILE")) } else { None };
    let Some(path) = path else { return Ok(direct) };
    if direct.is_some() {
        return Err(SettingError::new(name, format!("{name}_FILE is set too: leave one of them unset")));
    }
    let text = fs::read_to_string(&path)
        .map_err(|cause| SettingError::new(name, format!("{name}_FILE: {path}: {cause}")))?;
    match text.trim() {
        "" => Err(SettingError::new(name, format!("{name}_FILE: {path} is empty"))),
        text => Ok(Some(text.to_owned())),
    }
}

/// Reads one setting by the first of its variables that is set. An empty one counts as not set,
/// because compose files and manifests pass empty variables along.
pub(super) fn read<T: Value>(
    env: Env<'_>,
    names: &'static [&'static str],
    bounds: Bounds,
    default: T,
) -> Result<T, SettingError> {
    for name in names {
        let Some(raw) = given(env, name)? else { continue };
        return T::parse(&raw, bounds).map_err(|why| {
            SettingError::new(name, if T::SECRET { why } else { format!("{why}, not {raw:?}") })
        });
    }
    Ok(default)
}

macro_rules! group {
    (
        $(#[doc = $group_doc:literal])+
        $group:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr,
                    $names:expr, $unit:literal $(, $min:literal..=$max:literal)?;
            )*
        }
        $(groups { $( $(#[doc = $sub_doc:literal])+ $sub:ident: $sub_type:ty;)* })?
    ) => {
        $(#[doc = $group_doc])+
        #[derive(Clone, Debug)]
        pub struct $group {
            $($(#[doc = $doc])+ pub $field: $type,)*
            $($($(#[doc = $sub_doc])+ pub $sub: $sub_type,)*)?
        }

        impl Default for $group {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($($sub: Default::default(),)*)?
                }
            }
        }

        impl $group {
            pub(in crate::settings) fn read(env: $crate::settings::Env<'_>) -> Result<Self, $crate::settings::SettingError> {
                Ok(Self {
                    $($field: $crate::settings::table::read(
                        env,
                        &$names,
                        $crate::settings::table::bounds!($($min, $max)?),
                        $default,
                    )?,)*
                    $($($sub: <$sub_type>::read(env)?,)*)?
                })
            }

            pub(in crate::settings) fn rows() -> Vec<$crate::settings::table::Row> {
                vec![$($crate::settings::table::Row {
                    names: &$names,
                    kind: <$type as $crate::settings::value::Value>::TYPE,
                    unit: $unit,
                    default: $crate::settings::value::Value::show(&{ let value: $type = $default; value }),
                    bounds: $crate::settings::table::bounds!($($min, $max)?),
                    doc: concat!($($doc),+),
                },)*]
            }
        }
    };
}

macro_rules! bounds {
    () => {
        None
    };
    ($min:literal, $max:literal) => {
        Some(($min, $max))
    };
}

pub(super) use {bounds, group};
