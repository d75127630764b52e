//! The roster told as stories, and against a model that knows everything.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

type All = BTreeMap<PodId, BTreeMap<UserId, Presence>>;

fn pod(n: u128) -> PodId {
    PodId(Uuid::from_u128(n))
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
}

fn roster() -> Roster {
    Roster::new(pod(0), PresenceRules::default())
}

/// A process and its people: who, connections, last seen.
type Said<'a> = (u128, &'a [(u128, u32, i64)]);

fn all(pods: &[Said<'_>]) -> All {
    let people = |people: &[(u128, u32, i64)]| {
        people
            .iter()
            .map(|(n, connections, seen)| {
                (user(*n), Presence { connections: *connections, last_seen: at(*seen) })
            })
            .collect()
    };
    pods.iter().map(|(n, list)| (pod(*n), people(list))).collect()
}

fn told(roster: &mut Roster, seconds: i64) -> Vec<(UserId, bool)> {
    roster.changes(at(seconds)).iter().map(|seen| (seen.user, seen.online)).collect()
}

#[test]
fn a_cut_that_is_mended_within_the_grace_is_seen_by_nobody() {
    let mut roster = roster();
    roster.own(user(1), 1, at(0));
    assert_eq!(told(&mut roster, 0), [(user(1), true)]);
    roster.own(user(1), 0, at(10));
    assert_eq!(told(&mut roster, 24), []);
    assert!(roster.is_online(user(1)) && roster.connections(user(1)) == 0);
    roster.heard(pod(1), &[(user(1), 1, at(24))], at(24));
    assert_eq!(told(&mut roster, 50), [], "the first end is forgotten");
}

#[test]
fn who_stays_away_is_offline_after_the_grace_and_remembered_for_a_while() {
    let mut roster = roster();
    roster.own(user(1), 2, at(0));
    assert_eq!(told(&mut roster, 0), [(user(1), true)]);
    roster.own(user(1), 0, at(10));
    assert_eq!(told(&mut roster, 25), [(user(1), false)]);
    assert_eq!(roster.last_seen(user(1)), Some(at(10)));
    assert_eq!(told(&mut roster, 26), []);
    assert_eq!(told(&mut roster, 25 + 601), []);
    assert_eq!(roster.last_seen(user(1)), None);
}

#[test]
fn people_of_a_process_that_died_are_offline_within_thirty_seconds() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    assert_eq!(told(&mut roster, 0), [(user(1), true)]);
    // It dies at once; its lease lapses at 15, which the read at 20 finds at the latest.
    for seconds in [5, 10, 15] {
        roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(seconds));
    }
    roster.read(&all(&[(0, &[])]), at(20));
    assert_eq!(told(&mut roster, 25), []);
    assert_eq!(told(&mut roster, 26), [(user(1), false)]);
}

#[test]
fn people_of_a_process_that_ended_in_order_have_their_whole_grace_from_then_on() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    assert_eq!(told(&mut roster, 0), [(user(1), true)]);
    // It ends at 100, and until 115 everybody can read so.
    let ended = Presence { connections: 1, last_seen: at(0) }.ended(at(100));
    assert_eq!(ended, Presence { connections: 0, last_seen: at(100) });
    for seconds in [100, 105, 110] {
        roster.read(&all(&[(0, &[]), (1, &[(1, 0, 100)])]), at(seconds));
    }
    assert_eq!(told(&mut roster, 114), []);
    assert_eq!(told(&mut roster, 115), [(user(1), false)]);
    roster.read(&all(&[(0, &[])]), at(115));
    assert_eq!((told(&mut roster, 130), roster.last_seen(user(1))), (vec![], Some(at(100))));
}

#[test]
fn a_process_that_starts_within_somebodys_grace_grants_him_the_rest() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 0, 95), (2, 0, 85)])]), at(100));
    assert_eq!(told(&mut roster, 100), [(user(1), true)], "the other left fifteen seconds ago");
    roster.read(&all(&[(0, &[]), (1, &[(1, 0, 95), (2, 0, 85)])]), at(105));
    assert_eq!(told(&mut roster, 109), []);
    assert_eq!(told(&mut roster, 110), [(user(1), false)]);
    roster.read(&all(&[(0, &[]), (1, &[(1, 0, 95), (2, 0, 85)])]), at(110));
    assert_eq!(told(&mut roster, 200), [], "read again, it is no new end");
    // A clock that is an hour ahead gives nobody an hour.
    roster.heard(pod(2), &[(user(3), 0, at(3_800))], at(200));
    assert_eq!(told(&mut roster, 200), [(user(3), true)]);
    assert_eq!(told(&mut roster, 215), [(user(3), false)]);
}

#[test]
fn somebody_was_there_as_long_as_his_process_was() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    roster.read(&all(&[(0, &[])]), at(3_600));
    assert_eq!(roster.last_seen(user(1)), Some(at(3_591)), "not since he came an hour ago");
}

#[test]
fn who_comes_back_elsewhere_within_the_grace_was_never_away() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    assert_eq!(told(&mut roster, 0), [(user(1), true)]);
    // The lease lapses as early as it can, and he comes back as late as he may.
    roster.read(&all(&[(0, &[])]), at(10));
    assert_eq!(told(&mut roster, 14), []);
    roster.own(user(1), 1, at(15));
    assert_eq!(told(&mut roster, 60), []);
}

#[test]
fn where_nothing_is_heard_any_more_a_process_is_forgotten() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    assert_eq!(told(&mut roster, 29), [(user(1), true)]);
    assert_eq!(told(&mut roster, 30), [(user(1), false)]);
    assert_eq!(roster.pods(), 1);
}

#[test]
fn leases_that_were_lost_are_no_reason_to_think_that_anybody_left() {
    let mut roster = roster();
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(0));
    roster.read(&All::new(), at(5));
    assert_eq!(told(&mut roster, 12), [(user(1), true)]);
}

#[test]
fn an_older_statement_that_comes_later_is_ignored() {
    let mut roster = roster();
    roster.heard(pod(1), &[(user(1), 1, at(0))], at(0));
    roster.heard(pod(1), &[(user(1), 0, at(5))], at(5));
    roster.read(&all(&[(0, &[]), (1, &[(1, 1, 0)])]), at(5));
    assert_eq!(roster.connections(user(1)), 0);
    roster.read(&all(&[(0, &[]), (1, &[(1, 0, 5)])]), at(10));
    roster.heard(pod(1), &[(user(1), 1, at(11))], at(11));
    assert_eq!(roster.connections(user(1)), 1);
}

#[test]
fn a_clock_that_goes_back_makes_nobody_unheard() {
    let (mut here, mut there) = (roster(), Roster::new(pod(9), PresenceRules::default()));
    let tell = |there: &mut Roster, (user, presence): (UserId, Presence)| {
        there.heard(pod(0), &[(user, presence.connections, presence.last_seen)], at(100));
        (there.connections(user), presence.last_seen)
    };
    let (_, first) = tell(&mut there, here.own(user(1), 2, at(3_600)));
    // An hour, and what happens within one millisecond.
    let mut last = first;
    for connections in [1, 0, 1] {
        let (heard, stated) = tell(&mut there, here.own(user(1), connections, at(0)));
        assert_eq!(heard, connections);
        assert!(stated > last, "{stated:?} after {last:?}");
        last = stated;
    }
    // Of others nothing is stated that is older either, and once it is later again it is now.
    assert_eq!(tell(&mut there, here.own(user(2), 1, at(0))), (1, first));
    assert_eq!(tell(&mut there, here.own(user(1), 1, at(3_601))), (1, at(3_601)));
}

#[derive(Clone, Debug)]
enum Step {
    Own(u128, u32),
    Heard(u128, u128, u32),
    Read,
    Kill(u128),
    Ask,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        (0..4_u128, 0..3_u32).prop_map(|(user, n)| Step::Own(user, n)),
        (1..4_u128, 0..4_u128, 0..3_u32).prop_map(|(pod, user, n)| Step::Heard(pod, user, n)),
        Just(Step::Read),
        (1..4_u128).prop_map(Step::Kill),
        Just(Step::Ask),
    ];
    proptest::collection::vec((0..4_i64, step), 0..60)
}

proptest! {
    /// Against a model that knows everything: whatever was heard or missed, after a read the sums
    /// are right, what was told agrees with what is, nobody is told twice, and once all is quiet
    /// those without a connection are offline and forgotten.
    #[test]
    fn it_agrees_with_the_leases(steps in steps(), lost in proptest::collection::vec(any::<bool>(), 60)) {
        let mut roster = roster();
        let mut leases = all(&[(0, &[])]);
        let mut now = 0;
        let mut online = BTreeSet::new();
        let mut ask = |roster: &mut Roster, now: i64| {
            for seen in roster.changes(at(now)) {
                let was = !online.insert(seen.user);
                prop_assert_ne!(was, seen.online, "told twice");
                if !seen.online {
                    online.remove(&seen.user);
                }
            }
            for n in 0..4 {
                prop_assert_eq!(online.contains(&user(n)), roster.is_online(user(n)));
            }
            Ok(())
        };
        for ((wait, step), lost) in steps.into_iter().zip(lost) {
            now += wait;
            match step {
                Step::Own(n, connections) => {
                    let (user, presence) = roster.own(user(n), connections, at(now));
                    leases.entry(pod(0)).or_default().insert(user, presence);
                }
                Step::Heard(of, n, connections) => {
                    let presence = Presence { connections, last_seen: at(now) };
                    leases.entry(pod(of)).or_default().insert(user(n), presence);
                    if !lost {
                        roster.heard(pod(of), &[(user(n), connections, at(now))], at(now));
                    }
                }
                Step::Kill(of) => drop(leases.remove(&pod(of))),
                Step::Read => {
                    roster.read(&leases, at(now));
                    for n in 0..4 {
                        let sum: u32 = leases
                            .values()
                            .filter_map(|people| people.get(&user(n)))
                            .map(|presence| presence.connections)
                            .sum();
                        prop_assert_eq!(roster.connections(user(n)), sum);
                    }
                }
                Step::Ask => ask(&mut roster, now)?,
            }
        }
        for n in 0..4 {
            roster.own(user(n), 0, at(now));
        }
        ask(&mut roster, now)?;
        for later in [40, 80, 800, 1_600] {
            ask(&mut roster, now + later)?;
        }
        prop_assert_eq!(roster.online().count(), 0);
        prop_assert!(roster.people.is_empty() && roster.due.is_empty() && roster.touched.is_empty());
    }
}
