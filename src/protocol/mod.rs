//! What goes over the wire: JSON shapes shared by REST and socket, client frames in, server
//! frames out, close codes. Knows the domain and serde; no actor, no socket, no database.
//!
//! The wire is described for people in `docs/reference/protocol.md` and pinned by the golden
//! frames in `openapi/frames/`. Next: [`wire`], [`client`], [`server`], [`encoded`].

pub mod wire;
