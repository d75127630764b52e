//! The HTTP façade over the SQLite store: stories of people, and of odd requests.

mod accounts;
mod cookies;
mod doubts;
mod examples;
mod fuzz;
mod headers;
mod keys;
mod mails;
mod managing;
mod messages;
mod moderating;
mod outbox;
mod people;
mod private;
mod problems;
mod rates;
mod rooms;
mod searching;
mod second_factor;
mod support;
