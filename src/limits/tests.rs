//! Limits as they are met.

#![cfg(test)]

use std::net::Ipv4Addr;

use uuid::Uuid;

use super::*;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis)
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

#[test]
fn ten_tickets_a_minute_and_each_user_for_himself() {
    let limiter = Limiter::new(Limits::default());
    assert!((0..10).all(|_| limiter.check(Key::Ticket(user(1)), at(0)).is_ok()));
    assert_eq!(limiter.check(Key::Ticket(user(1)), at(0)), Err(Duration::from_secs(6)));
    assert!(limiter.check(Key::Ticket(user(2)), at(0)).is_ok());
    assert!(limiter.check(Key::Ticket(user(1)), at(6_000)).is_ok());
}

#[test]
fn failures_to_sign_in_double_the_wait_and_success_forgets_them() {
    let limiter = Limiter::new(Limits::default());
    let key = Key::LoginAccount([7; 32]);
    for i in 0..5 {
        assert!(limiter.check(key, at(i)).is_ok());
        limiter.failed(key, at(i));
    }
    assert!(limiter.check(key, at(5)).is_err(), "the penalty of the fifth failure");
    let later = 600_000;
    assert!(limiter.check(key, at(later)).is_ok());
    limiter.failed(key, at(later));
    assert_eq!(limiter.check(key, at(later)), Err(Duration::from_secs(2)));
    limiter.succeeded(key, at(later));
    assert!(limiter.check(key, at(later)).is_ok());
}

#[test]
fn everything_passes_when_rates_are_off() {
    let limits = Limits { rates_on: false, connections_per_user: 1, ..Limits::default() };
    let limiter = Limiter::new(limits.clone());
    assert!((0..1_000).all(|_| limiter.check(Key::LoginIp(HOME), at(0)).is_ok()));
    let connections = Connections::new(limits);
    let guards: Vec<_> = (0..5).map(|_| connections.enter_user(user(1), 7)).collect();
    assert!(guards.iter().all(Result::is_ok));
}

#[test]
fn the_number_of_keys_is_bounded() {
    let limiter = Limiter::new(Limits::default());
    for n in 0..(SHARDS * KEYS_PER_SHARD + 20_000) as u128 {
        let _ = limiter.check(Key::Ticket(user(n)), at(0));
    }
    assert!(limiter.keys() <= SHARDS * KEYS_PER_SHARD);
}

#[test]
fn an_address_of_version_six_counts_by_its_first_half() {
    let one: IpAddr = "2001:db8::1".parse().expect("an address");
    let two: IpAddr = "2001:db8::ffff:1".parse().expect("an address");
    let other: IpAddr = "2001:db8:0:1::1".parse().expect("an address");
    assert_eq!(network(one), network(two));
    assert_ne!(network(one), network(other));
    assert_eq!(network("::ffff:127.0.0.1".parse().expect("an address")), HOME);
}
