//! Stories of one server in which something happens just then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat::actors::mail::{HubId, ToRoom};
use chat::bus::RoomNews;
use chat::clock::{Clock, SystemClock};
use chat::domain::job::wait_after;
use chat::domain::subscription::Level;
use chat::domain::*;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::led::{is_cut_off, next, story, story_of};
use super::socket::Socket;
use crate::contract::administering::record;
use crate::contract::support::{account, at, new_id, write};
use crate::support::TestClient;

#[test]
fn what_is_written_while_the_log_is_read_is_read_after_it() {
    story(async |alone| {
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        alone.say_elsewhere("two").await;
        // Heads are compared meanwhile.
        sleep(Duration::from_secs(2)).await;
        drop(hold);
        alone.hears(&["one", "two"]).await;
    });
}

#[test]
fn what_comes_while_the_log_is_read_is_filled_up_at_once() {
    story(async |alone| {
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        let began = Instant::now();
        alone.say_elsewhere("two").await;
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "three");
        assert_eq!(alone.send(&message).await, "ack");
        drop(hold);
        alone.hears(&["one", "two", "three"]).await;
        assert!(began.elapsed() < Duration::from_millis(100), "before heads are compared again");
    });
}

#[test]
fn however_much_was_missed_all_of_it_is_read() {
    story(async |alone| {
        let all: Vec<_> = (0..1_100).map(|n| n.to_string()).collect();
        for text in &all {
            alone.say_elsewhere(text).await;
        }
        alone.hears(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    });
}

#[test]
fn what_could_not_be_read_is_read_later() {
    story(async |alone| {
        alone.fails_next("log_page");
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
    });
}

#[test]
fn who_missed_what_is_pruned_is_told_so_though_nobody_speaks() {
    story(async |alone| {
        alone.say_elsewhere("one").await;
        alone.say_elsewhere("two").await;
        while alone.elsewhere().prune_log(at(1), 100).await.expect("an answer") > 0 {}
        assert_eq!(next(&alone.socket, "room.reset").await["d"]["reason"], "retention");
    });
}

#[test]
fn who_joins_elsewhere_while_the_log_is_read_reads_here_at_once() {
    story(async |alone| {
        let account = account("bob", "bob@example.com");
        let bob = account.user.clone();
        alone.elsewhere().create_account(account).await.expect("an account");
        let socket = Socket::open((alone.parts)(), bob.clone(), false);
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        write(&alone.elsewhere(), alone.room, 0, Operation::Join { user: bob.id }).await;
        socket.subscribe(alone.room, Level::Full, 1);
        // He asks before what was read is answered.
        sleep(Duration::from_millis(1)).await;
        drop(hold);
        next(&socket, "room.subscribed").await;
    });
}

#[test]
fn who_asks_while_what_others_missed_is_pruned_reads_on() {
    story(async |alone| {
        let account = account("bob", "bob@example.com");
        let bob = account.user.clone();
        alone.elsewhere().create_account(account).await.expect("an account");
        let socket = Socket::open((alone.parts)(), bob.clone(), false);
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        write(&alone.elsewhere(), alone.room, 0, Operation::Join { user: bob.id }).await;
        alone.say_elsewhere("two").await;
        while alone.elsewhere().prune_log(at(1), 100).await.expect("an answer") > 0 {}
        socket.subscribe(alone.room, Level::Full, 1);
        // He asks before what was read is answered.
        sleep(Duration::from_millis(1)).await;
        drop(hold);
        next(&socket, "room.subscribed").await;
        assert_eq!(next(&alone.socket, "room.reset").await["d"]["reason"], "retention");
        alone.say_elsewhere("three").await;
        assert_eq!(next(&socket, "message.created").await["d"]["content"], "three");
    });
}

#[test]
fn who_was_put_out_elsewhere_follows_nothing_though_it_is_not_known_here() {
    story(async |alone| {
        let account = account("bob", "bob@example.com");
        let bob = account.user.clone();
        alone.elsewhere().create_account(account).await.expect("an account");
        write(&alone.elsewhere(), alone.room, 0, Operation::Join { user: bob.id }).await;
        let socket = Socket::open((alone.parts)(), bob.clone(), false);
        next(&alone.socket, "member.joined").await;
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        let remove = Operation::Remove { by: alone.alice.id, user: bob.id };
        write(&alone.elsewhere(), alone.room, 0, remove).await;
        // His own log is read, the room's is not.
        next(&socket, "room.removed").await;
        socket.subscribe(alone.room, Level::Bump, 1);
        sleep(Duration::from_millis(1)).await;
        drop(hold);
        assert_eq!(next(&socket, "error").await["d"]["code"], "notMember");
    });
}

/// A hub may let go of readers of a former actor after others asked this one.
#[test]
fn who_left_a_former_actor_of_a_room_is_none_of_its_readers() {
    story(async |alone| {
        let pod = alone.engine.pod();
        pod.tell_room(alone.room, ToRoom::Detached { hub: HubId(0), by: pod.new_actor() });
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
    });
}

/// I5, I21. The database was restored, and somebody still announces what was before.
#[test]
fn what_is_announced_of_another_history_is_neither_waited_for_nor_told() {
    story(async |alone| {
        let at = |seq: u64| Seq::new(seq).expect("small");
        let head = alone.elsewhere().heads(vec![alone.room]).await.expect("heads")[0].head.get();
        let change = Change::MemberLeft { user: UserId(new_id()), by: None, is_banned: false };
        let ghost = Entry { room: alone.room, seq: at(head + 3), at: SystemClock.now(), change };
        let news = RoomNews {
            room: alone.room,
            entries: vec![ghost],
            messages: 0,
            members: None,
            concern: Concern::default(),
        };
        let before = alone.led.reads.load(Ordering::Relaxed);
        alone.engine.pod().tell_room(alone.room, ToRoom::Announce(Arc::new(news)));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(alone.led.reads.load(Ordering::Relaxed) - before, 1);
        for text in ["one", "two", "three", "four"] {
            alone.say_elsewhere(text).await;
        }
        alone.hears(&["one", "two", "three", "four"]).await;
    });
}

#[test]
fn who_gave_up_a_room_gets_nothing_of_it_that_he_was_too_slow_for() {
    story_of(16, async |alone| {
        for n in 0..40 {
            alone.say_elsewhere(&n.to_string()).await;
        }
        // He reads none of it.
        sleep(Duration::from_secs(3)).await;
        alone.socket.subscribe(alone.room, Level::None, 1);
        sleep(Duration::from_secs(1)).await;
        let answered = |frame: &Value| frame["t"] == "room.subscribed" && frame["d"]["level"] == "none";
        let mut has_lagged = false;
        loop {
            let frame = timeout(Duration::from_secs(5), alone.socket.next())
                .await
                .expect("it is answered")
                .expect("it is open");
            has_lagged |= frame["t"] == "room.lagged";
            if answered(&frame) {
                break;
            }
        }
        assert!(has_lagged);
        while let Ok(frame) = timeout(Duration::from_secs(5), alone.socket.next()).await {
            assert_ne!(frame.expect("it is not closed")["t"], "message.created");
        }
    });
}

#[test]
fn what_a_room_was_writing_when_it_died_is_heard_from_the_next_at_once() {
    story(async |alone| {
        let hold = alone.led.may_append.acquire().await.expect("open for ever");
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "two");
        let sender = Socket::open((alone.parts)(), alone.alice.clone(), false);
        sender.send(&message);
        alone.kills_next("log_page");
        alone.say_elsewhere("one").await;
        // Who sent it comes back and sends it again: here nobody knows any more whether it was stored.
        is_cut_off(&sender).await;
        alone.hears(&["one"]).await;
        let began = Instant::now();
        drop(hold);
        alone.hears(&["two"]).await;
        assert!(began.elapsed() < Duration::from_millis(100), "before heads are compared again");
    });
}

#[test]
fn who_would_never_be_answered_is_cut_off() {
    story(async |alone| {
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "one");
        let sender = Socket::open((alone.parts)(), alone.alice.clone(), false);
        alone.bus.kills.store(true, Ordering::Relaxed);
        sender.send(&message);
        is_cut_off(&sender).await;
        // It was stored.
        alone.hears(&["one"]).await;
        assert_eq!(alone.send(&message).await, "ack");
    });
}

#[test]
fn work_that_makes_the_clerk_panic_is_work_that_failed() {
    story(async |alone| {
        alone.kills_next("user");
        let now = SystemClock.now();
        let job = Job::new(JobId(new_id()), alone.alice.id, JobKind::Export, now);
        alone.elsewhere().ask_export(job, record(AuditEvent::ExportRequested)).await.expect("a job");
        while alone.led.kills.lock().expect("not poisoned").is_some() {
            sleep(Duration::from_secs(1)).await;
        }
        sleep(Duration::from_secs(1)).await;
        // Earlier than if its clerk were lost, and with nobody lost.
        let soon = now.plus(wait_after(1) + Duration::from_secs(5));
        let again =
            alone.elsewhere().take_job(soon, soon).await.expect("an answer").expect("it is due again");
        assert_eq!(again.attempts, 2);
        assert!(timeout(Duration::from_secs(1), alone.engine.pod().failed()).await.is_err());
    });
}

#[test]
fn a_server_without_a_writer_has_failed() {
    story(async |alone| {
        alone.kills_next("append");
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "one");
        // It may be stored, or not.
        assert_eq!(alone.send(&message).await, "error");
        timeout(Duration::from_secs(1), alone.engine.pod().failed()).await.expect("it is told");
    });
}

#[test]
fn who_asks_for_a_room_and_takes_it_back_hears_nothing() {
    story(async |alone| {
        let socket = Socket::open((alone.parts)(), alone.alice.clone(), false);
        // The second is read before the room has answered the first.
        socket.subscribe(alone.room, Level::Full, 1);
        socket.subscribe(alone.room, Level::None, 1);
        next(&socket, "room.subscribed").await;
        next(&socket, "room.subscribed").await;
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
        while let Ok(frame) = timeout(Duration::from_secs(1), socket.next()).await {
            assert_ne!(frame.expect("it is not closed")["t"], "message.created");
        }
    });
}

/// I7.
#[test]
fn what_was_not_stored_comes_first_and_then_the_rest() {
    story(async |alone| {
        let room = alone.room.0.to_string();
        let [first, second, third] =
            ["one", "two", "three"].map(|text| TestClient::message(&room, &new_id().to_string(), text));
        alone.fails_next("append");
        for (message, answer) in
            [(&first, "error"), (&second, "error"), (&first, "ack"), (&second, "ack"), (&third, "ack")]
        {
            assert_eq!(alone.send(message).await, answer, "{message}");
        }
    });
}
