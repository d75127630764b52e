//! Everything that lives in Redis, and nothing that may be lost with it: the bus, tickets, shared
//! rates, leases.
mod announced;
mod bus;
mod connection;
mod desk;
mod health;
mod lanes;
mod reader;
mod wire;
mod wire_logs;
mod writer;
