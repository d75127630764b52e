//! The address of a Redis, or of a Redis Cluster.

use std::fmt;

use super::value::{Bounds, Secret, Value};

/// Where Redis listens when the address does not say.
const PORT: u16 = 6_379;

/// `redis[s][+cluster]://[[user]:password@]host[:port][,host[:port]...][/db]`.
///
/// `rediss` speaks TLS. `+cluster` means a Redis Cluster, of which the hosts are some nodes; without
/// it there is one host. Marks in the user and the password that mean something in an address are
/// percent-encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub tls: bool,
    pub cluster: bool,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// Never empty.
    pub nodes: Vec<(String, u16)>,
    pub db: u16,
}

impl RedisUrl {
    /// # Errors
    /// What is wrong, without the address itself: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let form = || {
            "must be redis://[user:password@]host[:port][/db], with rediss for TLS; a Redis Cluster is \
             redis+cluster://host1,host2"
                .to_owned()
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        let (tls, cluster) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+cluster" => (false, true),
            "rediss+cluster" => (true, true),
            _ => return Err(form()),
        };
        if rest.contains(['?', '#']) {
            return Err("takes no ? and no #; in a password they are %3F and %23".to_owned());
        }
        // A password may hold an @ that somebody forgot to encode: the last one ends it.
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (hosts, db) = rest.split_once('/').unwrap_or((rest, ""));
        let db = match db {
            "" => 0,
            number => number.parse().map_err(|_| "the database after the / must be a number".to_owned())?,
        };
        if cluster && db != 0 {
            return Err("a Redis Cluster has database 0 only".to_owned());
        }
        let nodes = hosts
            .split(',')
            .map(|host| host_and_port(host, PORT))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(form)?;
        if nodes.len() > 1 && !cluster {
            return Err(
                "several hosts are a Redis Cluster: begin with redis+cluster:// or rediss+cluster://"
                    .to_owned(),
            );
        }
        let (user, password) = match credentials {
            None => (None, None),
            Some(credentials) => {
                let (user, password) = credentials
                    .split_once(':')
                    .ok_or_else(|| "before the @ stands user:password, or :password".to_owned())?;
                let plain = |text| decoded(text).ok_or_else(|| "a % is followed by two digits".to_owned());
                let password = plain(password)?;
                let user = Some(plain(user)?).filter(|user| !user.is_empty());
                (user, (!password.is_empty()).then(|| Secret::new(password)))
            }
        };
        Ok(Self { tls, cluster, user, password, nodes, db })
    }
}

/// `host`, `host:port` or `[v6]:port`.
pub(super) fn host_and_port(text: &str, default: u16) -> Option<(String, u16)> {
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[') {
        Some(v6) => {
            let (host, port) = v6.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
    is_host.then(|| (host.to_owned(), port))
}

/// Without the percent signs.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|n| u8::try_from(n).ok());
            digit()? * 16 + digit()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

/// Shows neither user nor password.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without user and password: for logs.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tls, cluster) = (if self.tls { "s" } else { "" }, if self.cluster { "+cluster" } else { "" });
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(
                |(host, port)| {
                    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
                },
            )
            .collect();
        write!(f, "redis{tls}{cluster}://{}", nodes.join(","))?;
        if self.db != 0 {
            write!(f, "/{}", self.db)?;
        }
        Ok(())
    }
}

impl Value for Option<RedisUrl> {
    const TYPE: &'static str = "address";
    const SECRET: bool = true;

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        RedisUrl::parse(raw).map(Some)
    }

    fn show(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> RedisUrl {
        RedisUrl::parse(url).expect("a good address")
    }

    #[test]
    fn the_usual_forms_are_understood() {
        let plain = parsed("redis://localhost");
        assert_eq!((plain.tls, plain.cluster, plain.db), (false, false, 0));
        assert_eq!(plain.nodes, [("localhost".to_owned(), 6_379)]);
        let full = parsed("rediss://chat:p%40ss%3a@redis.example.com:7000/3");
        assert_eq!((full.tls, full.user.as_deref(), full.db), (true, Some("chat"), 3));
        assert_eq!(full.password, Some(Secret::new("p@ss:")));
        assert_eq!(parsed("redis://:secret@[::1]:7000").nodes, [("::1".to_owned(), 7_000)]);
        assert_eq!(parsed("redis://:a@b@host").password, Some(Secret::new("a@b")));
    }

    #[test]
    fn a_cluster_says_so_and_names_some_nodes() {
        let cluster = parsed("redis+cluster://:secret@one,two:7001,[::1]");
        assert!(cluster.cluster && !cluster.tls && cluster.user.is_none());
        assert_eq!(cluster.nodes.len(), 3);
        assert!(parsed("rediss+cluster://one").tls);
        assert!(RedisUrl::parse("redis://one,two").expect_err("no cluster").contains("redis+cluster"));
        assert!(RedisUrl::parse("redis+cluster://one/2").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for wrong in [
            "localhost:6379",
            "http://hunter2",
            "redis://",
            "redis://:hunter2@",
            "redis://hunter2@host",
            "redis://:hunter2@host:port",
            "redis://:hunter2@host/db",
            "redis://:hunter2%zz@host",
            "redis://:hunter2@host?protocol=resp3",
        ] {
            let why = RedisUrl::parse(wrong).expect_err(wrong);
            assert!(!why.contains("hunter2") && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn it_is_shown_without_user_and_password() {
        let url = parsed("rediss+cluster://chat:hunter2@one:1,[::1]:2");
        assert_eq!(url.to_string(), "rediss+cluster://one:1,[::1]:2");
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
