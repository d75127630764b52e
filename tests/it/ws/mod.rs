//! Stories of people on real sockets: what `docs/reference/protocol.md` promises, one file a theme.

mod draining;
