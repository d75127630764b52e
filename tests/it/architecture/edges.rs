//! Who may name whom. The table is the architecture; `docs/explanation/architecture.md` draws what of it is used.

use std::collections::BTreeSet;

use super::source::{Named, paths, tokens};
use super::{files, none, read};

/// What files below a place may name. Of several places that fit, the longest counts.
struct Place {
    /// From the root, without `.rs`.
    at: &'static str,
    /// Parts of this crate. `actors::Pod` allows that name alone.
    may: &'static [&'static str],
    /// Libraries.
    never: &'static [&'static str],
}

const ACTIX: &str = "actix";
const WEB: &str = "actix_web";
const WEBSOCKET: [&str; 2] = ["actix_web_actors", "actix_http"];
const DIESEL: &str = "diesel";
const REDIS: &str = "redis";

const TABLE: &[Place] = &[
    Place {
        at: "src/domain",
        may: &[],
        never: &[ACTIX, WEB, DIESEL, REDIS, "tokio", "serde", "serde_json", "paperclip", "prometheus", "log"],
    },
    Place { at: "src/error", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS, "tokio"] },
    Place { at: "src/clock", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS, "tokio"] },
    Place { at: "src/settings", may: &[], never: &[ACTIX, WEB, DIESEL, REDIS, "tokio"] },
    Place { at: "src/protocol", may: &["domain", "error"], never: &[ACTIX, WEB, DIESEL, REDIS, "tokio"] },
    Place { at: "src/store", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    Place { at: "src/store/sqlite", may: &["domain", "store"], never: &[ACTIX, WEB, REDIS] },
    Place { at: "src/store/postgres", may: &["domain", "store"], never: &[ACTIX, WEB, REDIS] },
    Place { at: "src/bus", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    Place { at: "src/presence", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    // Implements the traits of those it names.
    Place {
        at: "src/redis",
        may: &["domain", "bus", "presence", "auth::ticket", "limits", "clock", "settings"],
        never: &[ACTIX, WEB, DIESEL],
    },
    // Servers and clients under every fault: knows the servers from outside only.
    Place { at: "src/torture", may: &["clock"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    // Reads the tables past the server.
    Place { at: "src/torture/books", may: &[], never: &[ACTIX, WEB, REDIS] },
    Place { at: "src/telemetry", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    // The metrics of requests: a middleware.
    Place { at: "src/telemetry/http", may: &[], never: &[ACTIX, DIESEL, REDIS] },
    Place {
        at: "src/files",
        may: &["domain", "error", "store", "clock", "settings"],
        never: &[ACTIX, WEB, DIESEL, REDIS],
    },
    // Pure: bytes in, bytes out.
    Place {
        at: "src/files/judge",
        may: &["domain"],
        never: &[ACTIX, WEB, DIESEL, REDIS, "tokio", "object_store"],
    },
    Place { at: "src/mail", may: &["domain"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    Place { at: "src/limits", may: &["domain", "settings"], never: &[ACTIX, WEB, DIESEL, REDIS] },
    Place {
        at: "src/auth",
        may: &["domain", "error", "store", "clock", "settings", "limits", "mail"],
        never: &[ACTIX, WEB, DIESEL, REDIS],
    },
    Place {
        at: "src/actors",
        may: &[
            "domain",
            "protocol",
            "store",
            "bus",
            "presence",
            "clock",
            "settings",
            "telemetry",
            "error",
            // How a record is told in the log, whoever wrote it.
            "auth::audit",
        ],
        never: &[WEB, DIESEL, REDIS],
    },
    Place {
        at: "src/ws",
        may: &[
            "actors",
            "domain",
            "protocol",
            "auth",
            "limits",
            "settings",
            "error",
            "store",
            "clock",
            "http::client",
            "http::problem",
        ],
        never: &[DIESEL, REDIS],
    },
    Place {
        at: "src/http",
        may: &[
            "actors::Registry",
            "actors::pod::Pod",
            "auth",
            "domain",
            "error",
            "files",
            "limits",
            "protocol",
            "settings",
            "store",
            "telemetry",
        ],
        never: &[DIESEL, REDIS],
    },
    // The composition root: names everything, above all the adapters.
    Place {
        at: "src/app",
        may: &[
            "actors",
            "auth",
            "bus",
            "clock",
            "domain",
            "error",
            "files",
            "http",
            "limits",
            "mail",
            "presence",
            "protocol",
            "redis",
            "settings",
            "store",
            "telemetry",
            "torture",
            "ws",
        ],
        never: &[],
    },
    Place { at: "src/main", may: &["app"], never: &[] },
    Place { at: "src/lib", may: &[], never: &[] },
];

/// Only the composition root and the adapters themselves name these.
const ADAPTERS: [&str; 7] = [
    "store::sqlite",
    "store::postgres",
    "bus::alone",
    "bus::local",
    "presence::local",
    "redis",
    "files::objects",
];
/// The only file that names a WebSocket library.
const SOCKET: &str = "src/ws/socket.rs";

fn part_of(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

fn place_of(file: &str) -> Option<&'static Place> {
    let name = file.trim_end_matches(".rs");
    TABLE
        .iter()
        .filter(|place| {
            name.strip_prefix(place.at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|place| place.at.len())
}

/// The path from the crate's root, for what a file names of this crate.
fn own(file: &str, named: &Named) -> Option<Vec<String>> {
    let mut here: Vec<String> = part_of(file).split("::").map(str::to_owned).collect();
    let rest = match named.path.first().map(String::as_str) {
        Some("crate") => return Some(named.path[1..].to_vec()),
        // The binary is a crate of its own beside the library.
        Some("chat") if file == "src/main.rs" => return Some(named.path[1..].to_vec()),
        Some("super") => {
            let up = named.path.iter().take_while(|p| *p == "super").count();
            here.truncate(here.len().saturating_sub(up));
            &named.path[up..]
        }
        _ => return None,
    };
    Some(here.into_iter().chain(rest.iter().cloned()).collect())
}

fn covers(allowed: &str, path: &[String]) -> bool {
    allowed.split("::").enumerate().all(|(i, part)| path.get(i).is_some_and(|p| p == part))
}

fn judge(file: &str, source: &str) -> Vec<String> {
    let Some(place) = place_of(file) else {
        return vec![format!("{file}: no row of the table in tests/it/architecture/edges.rs is about it")];
    };
    let part = part_of(file);
    let home = place.at.trim_start_matches("src/").replace('/', "::");
    let is_root = home == "app";
    let top: Vec<_> = TABLE.iter().map(|p| p.at.trim_start_matches("src/")).collect();
    let mut faults = Vec::new();
    for named in paths(&tokens(source)) {
        let mut fault = |why: &str| {
            faults.push(format!(
                "{file}:{}: {} names {}: {why}",
                named.line,
                place.at,
                named.path.join("::")
            ));
        };
        if let Some(path) = own(file, &named) {
            let known = path.first().is_some_and(|first| top.contains(&first.as_str()));
            let adapter = ADAPTERS.iter().find(|adapter| covers(adapter, &path));
            if let Some(adapter) = adapter
                && !is_root
                && part != *adapter
                && !part.starts_with(&format!("{adapter}::"))
            {
                fault("only the composition root names a concrete adapter");
            } else if known && !covers(&home, &path) && !place.may.iter().any(|m| covers(m, &path)) {
                fault("this edge is not in the table");
            }
        } else if let Some(library) = named.path.first().filter(|_| named.path.len() > 1) {
            if place.never.iter().any(|never| is_library(library, never)) {
                fault("not here");
            }
            if WEBSOCKET.contains(&library.as_str()) && file != SOCKET {
                fault("only src/ws/socket.rs names a WebSocket library");
            }
        }
    }
    faults
}

/// The parts at the top, of this crate, that a file names.
pub fn named_parts(file: &str, source: &str) -> BTreeSet<String> {
    let own = paths(&tokens(source)).into_iter().filter_map(|named| own(file, &named)?.into_iter().next());
    own.filter(|part| TABLE.iter().any(|place| place.at.strip_prefix("src/") == Some(part))).collect()
}

/// `diesel` stands for `diesel_migrations` too; `actix` is the actor library alone.
fn is_library(named: &str, never: &str) -> bool {
    named == never
        || (matches!(never, DIESEL | REDIS) && named.starts_with(never))
        || (never == REDIS && named.ends_with("redis"))
        || (never == WEB && (named.starts_with("actix_web") || named == "actix_http"))
}

#[test]
fn no_part_names_what_it_must_not_know() {
    let faults: Vec<_> = files("src", &["rs"]).iter().flat_map(|file| judge(file, &read(file))).collect();
    none(&faults);
}

#[test]
fn no_edge_of_the_table_is_without_use() {
    let mut faults = Vec::new();
    for place in TABLE {
        let home = place.at.trim_start_matches("src/").replace('/', "::");
        let below: Vec<_> = files("src", &["rs"])
            .into_iter()
            .filter(|file| place_of(file).is_some_and(|p| p.at == place.at))
            .collect();
        let named: Vec<_> = below
            .iter()
            .flat_map(|file| paths(&tokens(&read(file))).into_iter().filter_map(|named| own(file, &named)))
            .filter(|path| !covers(&home, path))
            .collect();
        let idle = place.may.iter().filter(|may| !named.iter().any(|path| covers(may, path)));
        faults.extend(idle.map(|may| format!("{} may name {may}, and does not", place.at)));
    }
    none(&faults);
}

#[test]
fn a_forbidden_edge_is_found() {
    for (file, source) in [
        ("src/domain/seq.rs", "use crate::error::Code;"),
        ("src/domain/seq.rs", "#[derive(serde::Serialize)] struct A;"),
        ("src/protocol/wire.rs", "fn f(x: actix::Addr<A>) {}"),
        ("src/protocol/wire.rs", "use super::super::actors::Pod;"),
        ("src/store/log.rs", "use crate::{domain::Seq, store::sqlite::SqliteStore};"),
        ("src/store/sqlite/rows.rs", "use crate::protocol::wire;"),
        ("src/store/postgres/rows.rs", "use crate::store::sqlite::migrate;"),
        ("src/error.rs", "use super::protocol::CloseCode;"),
        ("src/actors/room.rs", "use diesel_migrations::MigrationHarness;"),
        ("src/actors/room.rs", "use crate::bus::local::LocalBus;"),
        ("src/actors/room.rs", "use crate::http::problem;"),
        ("src/actors/pod.rs", "use crate::redis::RedisBus;"),
        ("src/bus/mod.rs", "use deadpool_redis::redis::Cmd;"),
        ("src/redis/bus.rs", "use crate::store::Store;"),
        ("src/auth/token.rs", "use crate::actors::Registry;"),
        ("src/ws/session.rs", "use actix_http::ws::Codec;"),
        ("src/ws/session.rs", "use crate::http::rooms;"),
        ("src/http/rooms.rs", "use crate::actors::{Registry, mail::ToRoom};"),
        ("src/http/rooms.rs", "use crate::ws::Session;"),
        ("src/main.rs", "fn main() { chat::store::sqlite::migrate(); }"),
        ("src/surprise/mod.rs", ""),
    ] {
        assert!(!judge(file, source).is_empty(), "{file}: {source}");
    }
}

#[test]
fn an_allowed_edge_is_not_found() {
    for (file, source) in [
        ("src/domain/seq.rs", "use super::{Entry, Refusal}; use std::fmt;"),
        ("src/protocol/encoded.rs", "#[cfg(test)] mod tests { use actix_http::ws::Codec; }"),
        ("src/store/sqlite/rows.rs", "use crate::store::StoreError; use diesel::prelude::*;"),
        ("src/bus/mod.rs", "pub mod local; use crate::domain::Entry;"),
        ("src/redis/bus.rs", "use crate::bus::Bus; use deadpool_redis::redis::Cmd;"),
        ("src/ws/socket.rs", "use actix_web_actors::ws::Frame; use crate::actors::outbox::Next;"),
        ("src/ws/upgrade.rs", "use crate::http::problem;"),
        ("src/http/rooms.rs", "use crate::actors::{pod::Pod, Registry};"),
        ("src/app/mod.rs", "use crate::bus::local::LocalBus; use crate::store::sqlite::SqliteStore;"),
    ] {
        assert_eq!(judge(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}
