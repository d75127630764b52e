//! The HTTP façade over the SQLite store: stories of people, and of odd requests.

mod accounts;
mod doubts;
mod fuzz;
mod mails;
mod messages;
mod outbox;
mod people;
mod private;
mod problems;
mod rooms;
mod support;
