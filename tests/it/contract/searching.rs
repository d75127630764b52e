//! Search: any part of a text finds it, for whoever may read it and for nobody else.

use std::sync::Arc;

use chat::domain::search::fold;
use chat::domain::{
    Draft, FileId, FileName, HistoryVisibility, Message, Operation, Query, RoomId, RoomName, RoomPatch,
    UserId,
};
use chat::store::{FilePurpose, Hit, HitPage, NewFile, NewRoom, Search, Store};

use super::indexing::follow;
use super::support::*;

type S = Arc<dyn Store>;

/// Takes the search out of a database, as a server left it that knows of none.
macro_rules! undo {
    ($backend:literal) => {
        concat!(
            include_str!(concat!(
                "../../../migrations/",
                $backend,
                "/2026-11-26-410001_search_backlog/down.sql"
            )),
            include_str!(concat!("../../../migrations/", $backend, "/2026-11-26-410000_search/down.sql")),
            "DELETE FROM __diesel_schema_migrations WHERE version LIKE '2026112641000%'"
        )
    };
}

pub const BACKLOG_DOWN_SQLITE: &str = undo!("sqlite");
pub const BACKLOG_DOWN_POSTGRES: &str = undo!("postgres");

/// Somebody who wrote three messages that are still there.
pub async fn before(store: &S) -> UserId {
    let alice = person(store, "alice").await;
    let room = room(store, alice, &[]).await;
    for n in 0..3 {
        message(store, room, n, alice, &format!("needle {n}")).await;
    }
    let gone = message(store, room, 3, alice, "needle gone").await;
    write(store, room, 4, delete(alice, gone.id)).await;
    alice
}

/// They are found, and so is what is written from now on.
pub async fn finds(store: &S, alice: UserId) {
    follow(store).await;
    assert_eq!(found(store, alice, "needle").await, ["needle 2", "needle 1", "needle 0"]);
    let room = store.rooms_of(alice, 0).await.expect("rooms").remove(0).room.id;
    message(store, room, 5, alice, "needle 5").await;
    follow(store).await;
    assert_eq!(found(store, alice, "needle").await.len(), 4);
}

pub async fn page(store: &S, viewer: UserId, query: &str, limit: usize, after: Option<&HitPage>) -> HitPage {
    let query = Query::parse(query).expect("a query");
    let after = after.and_then(|page| page.next);
    store.search(Search { viewer, query, private: true, limit, after }).await.expect("an answer")
}

/// All of it, page by page.
pub async fn hits(store: &S, viewer: UserId, query: &str) -> Vec<Hit> {
    let (mut all, mut last) = (Vec::new(), None::<HitPage>);
    loop {
        let next = page(store, viewer, query, 3, last.as_ref()).await;
        assert!(next.hits.len() <= 3);
        all.extend(next.hits.clone());
        if next.next.is_none() {
            return all;
        }
        last = Some(next);
    }
}

/// The texts that are found, newest first.
pub async fn found(store: &S, viewer: UserId, query: &str) -> Vec<String> {
    hits(store, viewer, query).await.into_iter().map(|hit| hit.message.content).collect()
}

pub async fn any_part_of_a_text_is_found_in_any_case_and_script(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let texts =
        ["The disk is FULL", "Straße gesperrt", "東京都に行きます", "100%_sure \\o/", "👍🏽 ok", "Οδός ΟΔΟΣ"];
    for (n, text) in (0..).zip(texts) {
        message(&store, room, n, alice, text).await;
    }
    assert!(found(&store, alice, "disk").await.is_empty(), "the index follows");
    follow(&store).await;
    for (query, expected) in [
        ("isk", Some(0)),
        ("\"K IS FU\"", Some(0)),
        ("ＤＩＳＫ", Some(0)),
        ("STRASSE", Some(1)),
        ("ße", Some(1)),
        ("京都", Some(2)),
        ("きま", Some(2)),
        ("0%_", Some(3)),
        ("\\o", Some(3)),
        ("👍🏽", Some(4)),
        ("ΟΔΟΣ", Some(5)),
        ("_%", None),
        ("dsk", None),
        ("\"disk full\"", None),
        ("xx", None),
    ] {
        let expected: Vec<_> = expected.map(|n: usize| texts[n].to_owned()).into_iter().collect();
        assert_eq!(found(&store, alice, query).await, expected, "{query}");
    }
}

pub async fn all_that_is_asked_for_must_hold(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let named =
        |name: &str| NewRoom { name: RoomName::parse(name).expect("a name"), ..new_room(alice, &[bob]) };
    let big = store.create_room(named("Big Hall")).await.expect("a room").room.id;
    let small = store.create_room(named("small")).await.expect("a room").room.id;
    const DAY: i64 = 86_400_000;
    message(&store, big, 1, alice, "deploy failed at noon").await;
    message(&store, small, DAY, bob, "the deploy of Bob").await;
    message(&store, small, 2 * DAY, alice, "see https://example.com/deploy").await;
    let new = file(alice);
    store.reserve_file(new.clone(), 1_000).await.expect("reserved");
    assert!(store.complete_file(new.attachment.id).await.expect("an answer"));
    let draft = Draft { attachments: vec![new.attachment.id], ..draft(key(), "plan") };
    write(&store, big, 3 * DAY, send_draft(alice, draft)).await;
    follow(&store).await;
    // Stories begin on 2027-01-15, at eight in the morning.
    for (query, expected) in [
        ("deploy noon", &["deploy failed at noon"][..]),
        ("failed bob", &[]),
        ("deploy from:bob", &["the deploy of Bob"]),
        ("deploy from:me in:\"big hall\"", &["deploy failed at noon"]),
        ("from:nobody", &[]),
        ("in:elsewhere", &[]),
        ("has:link", &["see https://example.com/deploy"]),
        ("has:file has:image from:alice", &["plan"]),
        ("has:file deploy", &[]),
        ("in:small", &["see https://example.com/deploy", "the deploy of Bob"]),
        ("after:2027-01-16 before:2027-01-18", &["see https://example.com/deploy"]),
        ("before:2027-01-16", &["deploy failed at noon"]),
        ("after:2027-01-15 deploy", &["see https://example.com/deploy", "the deploy of Bob"]),
        ("after:2027-01-17", &["plan"]),
        ("before:1999-01-01", &[]),
    ] {
        assert_eq!(found(&store, alice, query).await, expected, "{query}");
    }
    // A single letter is in no index, and all the same it must hold.
    for (query, expected) in [
        ("deploy a n", &["deploy failed at noon"][..]),
        ("deploy / from:alice", &["see https://example.com/deploy"]),
        ("deploy z", &[]),
    ] {
        assert_eq!(found(&store, alice, query).await, expected, "{query}");
    }
    assert_eq!(found(&store, alice, &format!("from:{}", bob.0)).await, ["the deploy of Bob"]);
    assert!(found(&store, alice, &format!("from:{}", new_id())).await.is_empty());
    assert_eq!(found(&store, alice, &format!("in:{} deploy", big.0)).await.len(), 1);
    assert_eq!(found(&store, bob, "from:me").await, ["the deploy of Bob"]);
}

fn file(owner: UserId) -> NewFile {
    let attachment = chat::domain::Attachment {
        id: FileId(new_id()),
        name: FileName::from_stored("deploy.png".into()),
        media_type: "image/png".into(),
        size: 60,
        has_thumbnail: false,
    };
    let purpose = FilePurpose::Attachment;
    NewFile { owner, purpose, attachment, stored_size: 100, sha256: [7; 32], now: at(0) }
}

pub async fn what_was_edited_or_deleted_is_not_found_from_that_commit_on(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let edited = message(&store, room, 0, alice, "first words").await;
    let deleted = message(&store, room, 1, alice, "other words").await;
    follow(&store).await;
    assert_eq!(found(&store, alice, "words").await, ["other words", "first words"]);
    write(&store, room, 2, edit(alice, edited.id, "second thoughts")).await;
    write(&store, room, 3, delete(alice, deleted.id)).await;
    assert!(found(&store, alice, "words").await.is_empty(), "at once");
    follow(&store).await;
    assert!(found(&store, alice, "words").await.is_empty());
    assert_eq!(found(&store, alice, "thoughts").await, ["second thoughts"]);
    // All of it before the index looks.
    let hasty = message(&store, room, 4, alice, "hasty one").await;
    write(&store, room, 4, edit(alice, hasty.id, "hasty two")).await;
    follow(&store).await;
    assert_eq!(found(&store, alice, "hasty").await, ["hasty two"]);
}

pub async fn only_who_may_read_a_message_finds_it(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let open = room(&store, alice, &[bob]).await;
    let secret = private_room(&store, alice, &[bob]).await;
    let new = NewRoom { history: HistoryVisibility::SinceJoined, ..new_room(alice, &[]) };
    let since = store.create_room(new).await.expect("a room").room.id;
    for (room, text) in [(open, "canary open"), (secret, "canary secret"), (since, "canary before")] {
        message(&store, room, 1, alice, text).await;
    }
    write(&store, since, 2, Operation::Join { user: bob }).await;
    message(&store, since, 3, alice, "canary after").await;
    follow(&store).await;
    for query in ["canary", "from:alice", "canary from:alice", "after:2020-01-01"] {
        let mut seen = found(&store, bob, query).await;
        seen.sort();
        assert_eq!(seen, ["canary after", "canary open", "canary secret"], "{query}");
        assert!(found(&store, carol, query).await.is_empty(), "{query}");
    }
    assert!(found(&store, carol, &format!("canary in:{}", open.0)).await.is_empty());
    // What stands beside a hit is nobody's who may not read it.
    let hit = hits(&store, bob, "after").await.remove(0);
    assert_eq!((hit.before, hit.after), (None, None));
    let query = Query::parse("canary").expect("a query");
    let closed = Search { viewer: bob, query, private: false, limit: 9, after: None };
    let closed = store.search(closed).await.expect("an answer").hits;
    assert!(closed.iter().all(|hit| hit.message.room != secret) && closed.len() == 2);
    // From the commit on that ends it, and again from that which begins it anew.
    write(&store, open, 4, Operation::Ban { by: alice, user: bob }).await;
    write(&store, since, 5, Operation::Leave { user: bob }).await;
    assert_eq!(found(&store, bob, "canary").await, ["canary secret"]);
    message(&store, since, 6, alice, "canary behind his back").await;
    write(&store, since, 7, Operation::Join { user: bob }).await;
    follow(&store).await;
    assert_eq!(found(&store, bob, "canary").await, ["canary secret"]);
    let all = RoomPatch { history: Some(HistoryVisibility::All), ..RoomPatch::default() };
    write(&store, since, 8, Operation::Update { by: alice, patch: all }).await;
    assert_eq!(found(&store, bob, "canary").await.len(), 4);
}

pub async fn hits_are_paged_from_the_newest_without_repeat_or_hole(store: S) {
    let alice = person(&store, "alice").await;
    let (here, there) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
    let mut texts = Vec::new();
    for n in 0..10 {
        for room in [here, there] {
            let text = format!("needle {n} of {room}");
            message(&store, room, n, alice, &text).await;
            message(&store, room, n, alice, "hay").await;
            texts.push(text);
        }
    }
    follow(&store).await;
    let all = found(&store, alice, "needle").await;
    assert_eq!(all.len(), 20);
    let number = |text: &String| text.split(' ').nth(1).map(str::to_owned);
    let order: Vec<_> = all.iter().map(number).collect();
    assert_eq!(order, texts.iter().rev().map(number).collect::<Vec<_>>());
    let (mut sorted, mut expected) = (all, texts);
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected, "each once");
    let full = page(&store, alice, "needle", 20, None).await;
    assert_eq!((full.hits.len(), full.next), (20, None), "a full last page has no cursor");
    // What comes or goes meanwhile moves nothing.
    let first = page(&store, alice, "needle", 2, None).await;
    message(&store, here, 99, alice, "needle of later").await;
    write(&store, first.hits[1].message.room, 99, delete(alice, first.hits[1].message.id)).await;
    follow(&store).await;
    let rest = page(&store, alice, "needle", 50, Some(&first)).await;
    assert_eq!((rest.hits.len(), rest.next), (18, None));
}

pub async fn a_hit_stands_between_its_neighbours(store: S) {
    let alice = person(&store, "alice").await;
    let (here, there) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
    let mut sent = Vec::new();
    for (n, text) in (0..).zip(["one", "gone", "needle", "four"]) {
        sent.push(message(&store, here, n, alice, text).await);
        message(&store, there, n, alice, "elsewhere").await;
    }
    write(&store, here, 9, delete(alice, sent[1].id)).await;
    follow(&store).await;
    let hit = hits(&store, alice, "needle").await.remove(0);
    assert_eq!(
        hit,
        Hit { message: sent[2].clone(), before: Some(sent[0].clone()), after: Some(sent[3].clone()) }
    );
    let last = hits(&store, alice, "four").await.remove(0);
    assert_eq!((last.before, last.after), (Some(sent[2].clone()), None));
}

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn text(&mut self, longest: usize) -> String {
        const LETTERS: [&str; 8] = ["a", "B", "b", " ", "ß", "京", "都", "S"];
        (0..=self.below(longest)).map(|_| LETTERS[self.below(8)]).collect()
    }
}

/// All that somebody can see, by looking at it.
async fn visible(store: &S, rooms: &[RoomId], viewer: UserId) -> Vec<Message> {
    let mut all = Vec::new();
    for room in rooms {
        if let Ok(page) = store.messages(*room, viewer, usize::MAX, None).await {
            all.extend(page.messages.into_iter().filter(|message| message.deleted_at.is_none()));
        }
    }
    all
}

pub async fn what_one_can_see_is_found_and_nothing_else(store: S) {
    let mut dice = Dice(7);
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(person(&store, name).await);
    }
    let mut rooms = Vec::new();
    for history in [HistoryVisibility::All, HistoryVisibility::SinceJoined] {
        let new = NewRoom { history, ..new_room(people[0], &people[1..2]) };
        rooms.push(store.create_room(new).await.expect("a room").room.id);
    }
    let mut sent = Vec::new();
    for step in 0..240 {
        let (by, room) = (people[dice.below(3)], rooms[dice.below(2)]);
        let operation = match dice.below(10) {
            0 => Operation::Join { user: by },
            1 if by != people[0] => Operation::Leave { user: by },
            2 | 3 if !sent.is_empty() => {
                let (author, message) = sent[dice.below(sent.len())];
                match chat::domain::Content::parse(&dice.text(6), 99) {
                    Ok(content) => Operation::Edit { by: author, message, content },
                    Err(_) => continue,
                }
            }
            4 if !sent.is_empty() => {
                let (author, message) = sent[dice.below(sent.len())];
                delete(author, message)
            }
            _ => match dice.text(9).trim() {
                "" => continue,
                text => say(by, text),
            },
        };
        if let (Operation::Send { author, message, .. }, Ok(_)) =
            (operation.clone(), outcome(&store, room, step, operation).await)
        {
            sent.push((author, message));
        }
        if step % 16 == 15 {
            judge(&store, &mut dice, &rooms, &people, false).await;
            follow(&store).await;
            judge(&store, &mut dice, &rooms, &people, true).await;
        }
    }
    assert!(sent.len() > 50);
}

/// Everything that is found can be seen and holds the word; and the other way round, once the index
/// has followed.
async fn judge(store: &S, dice: &mut Dice, rooms: &[RoomId], people: &[UserId], followed: bool) {
    for viewer in people {
        let all = visible(store, rooms, *viewer).await;
        for _ in 0..6 {
            let text = dice.text(3);
            let Ok(query) = Query::parse(&format!("\"{text}\"")) else { continue };
            let word = fold(&text);
            assert_eq!(query.words, std::slice::from_ref(&word));
            let mut expected: Vec<_> =
                all.iter().filter(|message| fold(&message.content).contains(&word)).map(|m| m.id).collect();
            let found = hits(store, *viewer, &format!("\"{text}\"")).await;
            assert!(found.is_sorted_by_key(|hit| std::cmp::Reverse(hit.message.created_at)));
            let mut found: Vec<_> = found.into_iter().map(|hit| hit.message.id).collect();
            found.sort_unstable();
            expected.sort_unstable();
            if followed {
                assert_eq!(found, expected, "{word:?}");
            } else {
                assert!(found.iter().all(|id| expected.contains(id)), "{word:?}");
            }
        }
    }
}
