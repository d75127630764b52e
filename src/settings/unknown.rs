//! Variables that look like settings and are none: most are misspelt, and what was meant is not set.

use std::fmt;

use super::reference;
use super::table::IN_FILES;

/// What the names of this program's own variables begin with.
const OWN: &str = "CHAT_";
/// Letters that may differ where one name is taken for another.
const NEAR: usize = 4;

/// A variable that is set and that no setting reads. Shows as one line that names it, and nothing
/// of what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub name: String,
    /// What may have been meant.
    pub near: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set, and there is no such setting", self.name)?;
        self.near.as_ref().map_or(Ok(()), |near| write!(f, "; there is {near}"))
    }
}

/// Those of an environment; an empty one counts as not set. Kubernetes tells the address of a Service
/// named `chat` in such variables too: they are none of these.
pub(super) fn of(environment: impl IntoIterator<Item = (String, String)>) -> Vec<Unknown> {
    let known = known();
    let mut unknown: Vec<_> = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(OWN) && !known.contains(name))
        .filter(|(name, value)| !value.trim().is_empty() && !is_of_a_service(name, value))
        .map(|(name, _)| Unknown { near: nearest(&name, &known), name })
        .collect();
    unknown.sort_by(|one, other| one.name.cmp(&other.name));
    unknown
}

fn known() -> Vec<String> {
    let rows = reference::all().into_iter().flat_map(|(_, rows)| rows);
    let names = rows.flat_map(|row| row.names).map(|name| (*name).to_owned());
    names.chain(IN_FILES.iter().map(|name| format!("{name}_FILE"))).collect()
}

/// `CHAT_SERVICE_HOST`, `CHAT_SERVICE_PORT`, `CHAT_SERVICE_PORT_HTTP`, `CHAT_PORT_3000_TCP_ADDR`, those of
/// Services whose names begin so, and `CHAT_PORT`, which holds an address.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT") && value.contains("://")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| is_number(rest))
}

fn nearest(name: &str, known: &[String]) -> Option<String> {
    let distance = |other: &String| strsim::damerau_levenshtein(name, other);
    known.iter().min_by_key(|other| distance(other)).filter(|other| distance(other) <= NEAR).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> Vec<String> {
        let set = names.iter().map(|name| ((*name).to_owned(), "tcp://10.0.0.7:3000".to_owned()));
        of(set).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_misspelt_is_told_with_what_was_meant() {
        let told = told(&["CHAT_LOGFORMAT", "CHAT_NO_SUCH_THING_AT_ALL", "CHAT_LOG", "PATH"]);
        assert_eq!(
            told,
            [
                "CHAT_LOGFORMAT is set, and there is no such setting; there is CHAT_LOG_FORMAT",
                "CHAT_NO_SUCH_THING_AT_ALL is set, and there is no such setting",
            ]
        );
    }

    #[test]
    fn what_is_known_and_what_kubernetes_sets_is_not() {
        let of_a_service = [
            "CHAT_SERVICE_HOST",
            "CHAT_SERVICE_PORT",
            "CHAT_SERVICE_PORT_HTTP",
            "CHAT_PORT",
            "CHAT_PORT_3000_TCP",
            "CHAT_PORT_3000_TCP_ADDR",
            "CHAT_BACKEND_PORT_3000_TCP_PROTO",
        ];
        assert!(told(&of_a_service).is_empty());
        assert!(told(&["CHAT_SMTP_URL_FILE", "CHAT_METRICS_PORT", "CHAT_DATA_DIR"]).is_empty());
        assert_eq!(told(&["CHAT_DATA_DIR_FILE"]).len(), 1, "what is no secret stands in no file");
        assert_eq!(of([("CHAT_NO_SUCH".to_owned(), " ".to_owned())]), []);
        let misspelt = of([("CHAT_METRIC_PORT".to_owned(), "9090".to_owned())]);
        assert_eq!(misspelt[0].near.as_deref(), Some("CHAT_METRICS_PORT"));
    }
}
