//! What goes over the wire: JSON shapes shared by REST and socket, client frames in, server
//! frames out, close codes. Knows the domain and serde; no actor, no socket, no database.
//!
//! The wire is described for people in `docs/reference/protocol.md` and pinned by the golden
//! frames in `openapi/frames/`. Next: [`wire`], [`client`], [`server`], [`news`], [`encoded`].

pub mod client;
pub mod close;
mod command;
pub mod encoded;
mod entries;
mod links;
pub mod news;
mod scan;
pub mod server;
mod times;
pub mod wire;

pub use client::{ClientFrame, Command, Limits, Malformed, Reference};
pub use close::CloseCode;
pub use encoded::Encoded;
pub use links::Links;

/// The subprotocol's name; its number is the major version.
pub const SUBPROTOCOL: &str = "chat.v1.json";
/// The version as `hello` tells it.
pub const VERSION: &str = "chat.v1";
/// What this server can do beyond the minimum, in `hello`.
pub const FEATURES: &[&str] = &["resume", "levels", "marks", "typing", "presence", "receipts"];
