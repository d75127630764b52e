//! Stories of people on real sockets: what `docs/reference/protocol.md` promises, one file a theme.

mod abuse;
mod acknowledging;
mod admission;
mod catching_up;
mod changing;
mod connecting;
mod draining;
mod expiring;
mod frames;
mod leaving;
mod levels;
mod limits;
mod managing;
mod marks;
mod metered;
mod origins;
mod outsiders;
mod presence;
mod reacting;
mod receipts;
mod resuming;
mod retrying;
mod slow;
mod tickets;
mod turnover;
mod typing;
