//! Work on people's own data: kept, handed out to one, taken up again, and dropped.

use std::sync::Arc;

use chat::domain::job::Messages;
use chat::domain::{
    AccountStatus, AuditEvent, ClientMsgId, Job, JobId, JobKind, JobPlace, JobState, JobStep, Operation,
    Refusal, UserId,
};
use chat::store::Store;
use futures_util::future::join_all;
use uuid::Uuid;

use super::administering::{kept, record};
use super::inviting::invitation;
use super::support::*;

type S = Arc<dyn Store>;

const DELETION: JobKind = JobKind::Deletion { messages: Messages::Keep };

fn job(user: UserId, kind: JobKind, now: i64) -> Job {
    Job::new(JobId(new_id()), user, kind, at(now))
}

async fn export(store: &S, user: UserId, now: i64) -> Job {
    let asked = store.ask_export(job(user, JobKind::Export, now), record(AuditEvent::ExportRequested)).await;
    asked.expect("a job")
}

async fn take(store: &S, now: i64, until: i64) -> Option<Job> {
    store.take_job(at(now), at(until)).await.expect("an answer")
}

fn step(place: JobPlace, progress: u16, part: Option<&str>) -> JobStep {
    JobStep { at: place, progress, part: part.map(str::to_owned) }
}

/// What is to be done for somebody who goes.
pub fn ended(user: UserId) -> Job {
    job(user, DELETION, 5)
}

pub async fn a_job_is_one_workers_until_his_time_is_over(store: S) {
    let alice = person(&store, "alice").await;
    let asked = export(&store, alice, 0).await;
    assert!(take(&store, -1, 10).await.is_none(), "not due yet");
    let first = take(&store, 0, 100).await.expect("a job");
    assert_eq!(first, Job { state: JobState::Running, attempts: 1, ..asked.clone() });
    assert!(take(&store, 99, 200).await.is_none(), "somebody has it");
    let place = JobPlace::Message(key());
    let kept = store.job_step(first.id, 1, step(place, 250, Some("one\n")), at(300)).await;
    assert!(kept.expect("an answer"), "a step makes it his for longer");
    assert!(take(&store, 299, 400).await.is_none());
    // Whoever had it died, or is thought dead.
    let second = take(&store, 300, 400).await.expect("a job");
    assert_eq!((second.attempts, second.at, second.progress, second.parts), (2, Some(place), 250, 1));
    let late = store.job_step(first.id, 1, step(JobPlace::Rest, 999, Some("late\n")), at(900)).await;
    assert!(!late.expect("an answer"), "the first changes nothing any more");
    assert!(!store.job_over(first.id, 1, JobState::Done, at(310)).await.expect("an answer"));
    assert!(!store.job_later(first.id, 1, at(310)).await.expect("an answer"));
    store.job_step(second.id, 2, step(JobPlace::Rest, 999, Some("two\n")), at(500)).await.expect("an answer");
    assert!(store.job_over(second.id, 2, JobState::Done, at(320)).await.expect("an answer"));
    assert!(take(&store, 9_000, 9_999).await.is_none(), "it is over");
    let [done] = &store.jobs_of(alice).await.expect("jobs")[..] else { panic!("one job") };
    assert_eq!((done.state, done.progress, done.finished_at), (JobState::Done, 1_000, Some(at(320))));
    let part = |n| store.job_part(done.id, n);
    assert_eq!(part(0).await.expect("an answer").as_deref(), Some("one\n"));
    assert_eq!(part(1).await.expect("an answer").as_deref(), Some("two\n"));
    assert_eq!(part(2).await.expect("an answer"), None);
}

pub async fn of_racing_workers_one_gets_each_job(store: S) {
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(person(&store, &format!("person{n}")).await);
        export(&store, people[n], n as i64).await;
    }
    let taken = join_all((0..12).map(|_| store.take_job(at(100), at(1_000)))).await;
    let mut users: Vec<_> =
        taken.into_iter().filter_map(|job| job.expect("an answer")).map(|job| job.user).collect();
    // A worker who found the one he wanted taken may have gone with nothing.
    while let Some(job) = take(&store, 100, 1_000).await {
        users.push(job.user);
    }
    users.sort();
    people.sort();
    assert_eq!(users, people);
}

pub async fn a_failed_attempt_is_made_again_when_it_is_time(store: S) {
    let alice = person(&store, "alice").await;
    export(&store, alice, 0).await;
    let first = take(&store, 0, 100).await.expect("a job");
    assert!(store.job_later(first.id, 1, at(5_000)).await.expect("an answer"));
    assert!(take(&store, 4_999, 6_000).await.is_none());
    let counts = store.job_counts().await.expect("counts");
    assert_eq!((counts.queued, counts.running, counts.failed, counts.oldest), (0, 1, 0, Some(at(0))));
    let second = take(&store, 5_000, 6_000).await.expect("a job");
    assert!(store.job_over(second.id, 2, JobState::Failed, at(5_001)).await.expect("an answer"));
    let counts = store.job_counts().await.expect("counts");
    assert_eq!((counts.queued, counts.running, counts.failed, counts.oldest), (0, 0, 1, None));
}

pub async fn one_export_at_a_time_and_the_newest_is_kept(store: S) {
    let alice = person(&store, "alice").await;
    let first = export(&store, alice, 0).await;
    assert_eq!(export(&store, alice, 1).await.id, first.id, "one is under way");
    let taken = take(&store, 1, 100).await.expect("a job");
    store.job_step(taken.id, 1, step(JobPlace::Rest, 999, Some("all\n")), at(100)).await.expect("an answer");
    assert_eq!(export(&store, alice, 2).await.id, first.id, "also while it runs");
    store.job_over(taken.id, 1, JobState::Done, at(3)).await.expect("an answer");
    let second = export(&store, alice, 4).await;
    assert_ne!(second.id, first.id);
    let jobs = store.jobs_of(alice).await.expect("jobs");
    assert_eq!(jobs, [second]);
    assert_eq!(store.job_part(first.id, 0).await.expect("an answer"), None, "its result went with it");
    assert_eq!(kept(&store, alice).await, ["exportRequested"; 2]);
}

pub async fn what_is_over_is_dropped_with_its_result(store: S) {
    let [alice, bob] = [person(&store, "alice").await, person(&store, "bob").await];
    for (user, now) in [(alice, 0), (bob, 1_000)] {
        export(&store, user, now).await;
        let job = take(&store, now, now + 100).await.expect("a job");
        store
            .job_step(job.id, 1, step(JobPlace::Rest, 9, Some("x\n")), at(now + 100))
            .await
            .expect("an answer");
        store.job_over(job.id, 1, JobState::Done, at(now)).await.expect("an answer");
    }
    let gone = store.jobs_of(alice).await.expect("jobs")[0].id;
    assert_eq!(store.prune_jobs(at(0), 10).await.expect("an answer"), 0);
    assert_eq!(store.prune_jobs(at(1_000), 10).await.expect("an answer"), 1);
    assert!(store.jobs_of(alice).await.expect("jobs").is_empty());
    assert_eq!(store.job_part(gone, 0).await.expect("an answer"), None);
    assert_eq!(store.jobs_of(bob).await.expect("jobs").len(), 1);
}

pub async fn own_messages_are_read_in_the_order_of_their_keys(store: S) {
    let [alice, bob] = [person(&store, "alice").await, person(&store, "bob").await];
    let rooms = [room(&store, alice, &[bob]).await, private_room(&store, bob, &[alice]).await];
    let mut keys = Vec::new();
    for n in 0..7_u128 {
        let key = ClientMsgId(Uuid::from_u128(((n * 5) % 7 + 1) << 64));
        write(&store, rooms[(n % 2) as usize], 1, send(alice, key, "mine")).await;
        keys.push(key);
        message(&store, rooms[0], 1, bob, "not mine").await;
    }
    keys.sort();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.own_messages(alice, after, 3).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.client_msg_id);
        assert!(page.iter().all(|message| message.author == alice && message.content == "mine"));
        found.extend(page.iter().map(|message| message.client_msg_id));
    }
    assert_eq!(found, keys);
    assert_eq!(store.own_message_count(alice).await.expect("a count"), 7);
}

pub async fn a_closed_account_keeps_its_place_and_nothing_of_its_owner(store: S) {
    let (account, bob) = (account("alice", "alice@example.com"), person(&store, "bob").await);
    let (alice, session) = (account.user.id, account.login.id);
    store.create_account(account).await.expect("an account");
    let shared = room(&store, bob, &[alice]).await;
    let said = message(&store, shared, 1, alice, "what was said").await;
    let closed = private_room(&store, bob, &[]).await;
    store.invite(invitation(closed, bob, Some(alice))).await.expect("an invitation");
    store.block(alice, bob, 10, at(1)).await.expect("blocked");
    store.block(bob, alice, 10, at(1)).await.expect("blocked");
    let asked = job(alice, DELETION, 5);
    let ended =
        store.close_account(asked.clone(), record(AuditEvent::AccountDeleted)).await.expect("an answer");
    assert_eq!(ended, Some(vec![session]));
    let again = store.close_account(job(alice, DELETION, 6), record(AuditEvent::AccountDeleted)).await;
    assert_eq!(again.expect("an answer"), None);
    let begun = store.start_login(login(alice), token(session), None).await;
    assert_eq!(refusal(begun), Refusal::AccountDisabled);
    let invited = store.invite(invitation(private_room(&store, bob, &[]).await, bob, Some(alice))).await;
    assert_eq!(field(&refusal(invited)), "userId");
    // Until its owner is forgotten nobody is put anywhere who is gone.
    assert_eq!(field(&refusal(store.create_room(new_room(bob, &[alice])).await)), "members");

    store.anonymise(bob).await.expect("an answer");
    assert_eq!(store.user(bob).await.expect("an answer").expect("somebody").username.as_str(), "bob");
    for _ in 0..2 {
        store.anonymise(alice).await.expect("forgotten");
    }
    let left = store.user(alice).await.expect("an answer").expect("a place");
    assert_eq!(left.status, AccountStatus::Deleted);
    assert!(left.username.as_str().starts_with("deleted-"), "{:?}", left.username);
    assert_eq!((left.avatar, left.last_seen, left.profile), (None, None, Default::default()));
    assert!(store.credentials("alice@example.com".into()).await.expect("an answer").is_none());
    assert!(store.find_user("alice".into()).await.expect("an answer").is_none());
    assert_eq!(store.password_of(alice).await.expect("an answer").as_deref(), Some("!"));
    assert!(store.blocks_of(alice).await.expect("an answer").is_empty());
    assert!(store.blocks_of(bob).await.expect("an answer").is_empty());
    assert!(told(&store, alice).await.is_empty());
    assert!(store.invites_of_room(closed, bob, at(9)).await.expect("invitations").is_empty());
    assert_eq!(store.message(said.id, bob).await.expect("the message").content, "what was said");
    assert_eq!(
        store.logins_revoked_since(at(0)).await.expect("an answer"),
        [session],
        "others still look for it"
    );
    person(&store, "alice").await;
    assert_eq!(kept(&store, alice).await, ["accountDeleted"]);
}

pub async fn an_erased_message_leaves_its_place_whenever_and_wherever(store: S) {
    let [alice, bob] = [person(&store, "alice").await, person(&store, "bob").await];
    let shared = private_room(&store, bob, &[alice]).await;
    let said = message(&store, shared, 1, alice, "long ago").await;
    write(&store, shared, 2, Operation::Leave { user: alice }).await;
    let late = 100_000_000;
    assert_eq!(refuse(&store, shared, late, delete(alice, said.id)).await, Refusal::NotFound("room"));
    let erase = || Operation::Erase { author: alice, message: said.id };
    let entry = write(&store, shared, late, erase()).await;
    assert_eq!(entry.change.kind(), "message.deleted");
    assert_eq!(repeat(&store, shared, late, erase()).await.seq, entry.seq);
    let left = store.message(said.id, bob).await.expect("its place");
    assert_eq!((left.content.as_str(), left.seq, left.deleted_at), ("", said.seq, Some(at(late))));
    let other = message(&store, shared, 3, bob, "mine").await;
    // Also where nothing else is written any more, and by who is still in it.
    let closed = room(&store, bob, &[alice]).await;
    let said = message(&store, closed, 1, alice, "before it ended").await;
    write(&store, closed, 2, Operation::Archive { by: bob, archived: true }).await;
    assert_eq!(refuse(&store, closed, 3, delete(alice, said.id)).await, Refusal::RoomArchived);
    write(&store, closed, 3, Operation::Erase { author: alice, message: said.id }).await;
    write(&store, closed, 4, Operation::Leave { user: alice }).await;
    let foreign = Operation::Erase { author: alice, message: other.id };
    assert_eq!(refuse(&store, shared, late, foreign).await, Refusal::NotFound("message"));
}
