//! Files, from the form that a browser sends to the bytes that another one shows.

mod avatars;
mod clamd;
mod collecting;
mod documents;
mod hostile;
mod reading;
mod s3;
pub mod samples;
mod sending;
pub mod support;
