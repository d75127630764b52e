//! What owners and administrators do to rooms and members, and what members set for themselves.

use std::sync::Arc;

use chat::domain::{
    Change, Description, Emoji, HistoryVisibility, Notifications, Operation, Refusal, Role, RoomId, RoomName,
    RoomPatch, RoomSettings, Seq, Topic, UserChange, UserId,
};
use chat::store::{NewRoom, Store};

use super::support::*;

type S = Arc<dyn Store>;

fn named(name: &str) -> RoomPatch {
    RoomPatch { name: Some(RoomName::parse(name).expect("a name")), ..RoomPatch::default() }
}

async fn role(store: &S, room: RoomId, user: UserId) -> Option<Role> {
    let snapshot = store.room_snapshot(room).await.expect("an answer").expect("a room");
    snapshot.members.iter().find(|member| member.user == user).map(|member| member.role)
}

async fn three(store: &S) -> (UserId, UserId, UserId) {
    (person(store, "alice").await, person(store, "bob").await, person(store, "carol").await)
}

fn give(by: UserId, user: UserId, role: Role) -> Operation {
    Operation::SetRole { by, user, role }
}

pub async fn a_room_is_changed_by_those_who_may(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let patch = RoomPatch { topic: Some(Topic::parse("Sunday").expect("valid")), ..named("garden") };
    let entry = write(&store, room, 7, Operation::Update { by: alice, patch: patch.clone() }).await;
    let Change::RoomUpdated(facts) = &entry.change else { panic!("{entry:?}") };
    assert_eq!((facts.name.as_str(), facts.topic.as_ref().map(Topic::as_str)), ("garden", Some("Sunday")));
    assert_eq!(log(&store, room).await.pop(), Some(entry.clone()));
    let found = store.room(room, bob, 9).await.expect("a room").room;
    assert_eq!((found.facts(), found.head), (facts.clone(), entry.seq));
    let by = |by| Operation::Update { by, patch: patch.clone() };
    assert!(matches!(refuse(&store, room, 8, by(bob)).await, Refusal::Forbidden(_)));
    assert_eq!(refuse(&store, room, 8, by(carol)).await, Refusal::NotMember);
    write(&store, room, 9, give(alice, bob, Role::Administrator)).await;
    let gone = RoomPatch { topic: Some(None), ..RoomPatch::default() };
    write(&store, room, 9, Operation::Update { by: bob, patch: gone }).await;
    let view = store.room(room, bob, 9).await.expect("a room");
    assert_eq!((view.room.topic, view.mine.map(|mine| mine.0)), (None, Some(Role::Administrator)));
}

pub async fn what_is_so_already_is_not_written_again(store: S) {
    let (alice, bob, _) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let same = named("general");
    for operation in [
        Operation::Update { by: alice, patch: same },
        Operation::Archive { by: alice, archived: false },
        Operation::Add { by: alice, user: bob },
        give(alice, bob, Role::Member),
        Operation::Transfer { by: alice, user: alice },
        Operation::Unban { by: alice, user: bob },
    ] {
        repeat(&store, room, 5, operation).await;
    }
    assert_eq!(numbers(&log(&store, room).await), up_to(2));
}

pub async fn nothing_is_written_into_an_archived_room(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let (first, sent) = (key(), message(&store, room, 0, alice, "before").await);
    write(&store, room, 0, send(bob, first, "mine")).await;
    let entry = write(&store, room, 1, Operation::Archive { by: alice, archived: true }).await;
    let Change::RoomArchived(facts) = &entry.change else { panic!("{entry:?}") };
    assert_eq!(facts.archived_at, Some(at(1)));
    for operation in [
        say(alice, "after"),
        edit(alice, sent.id, "changed"),
        delete(alice, sent.id),
        Operation::Join { user: carol },
        Operation::Add { by: alice, user: carol },
        Operation::Update { by: alice, patch: named("other") },
    ] {
        assert_eq!(refuse(&store, room, 2, operation).await, Refusal::RoomArchived);
    }
    // A retry of what was sent before is answered as ever, and who wants to goes.
    repeat(&store, room, 3, send(bob, first, "mine")).await;
    write(&store, room, 3, Operation::Leave { user: bob }).await;
    assert!(store.messages(room, alice, 9, None).await.is_ok());
    let opened = write(&store, room, 4, Operation::Archive { by: alice, archived: false }).await;
    assert!(matches!(&opened.change, Change::RoomUpdated(facts) if facts.archived_at.is_none()));
    write(&store, room, 5, say(alice, "again")).await;
}

pub async fn somebody_is_put_in_and_out(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = private_room(&store, alice, &[bob]).await;
    assert!(matches!(
        refuse(&store, room, 0, Operation::Add { by: bob, user: carol }).await,
        Refusal::Forbidden(_)
    ));
    write(&store, room, 1, Operation::Add { by: alice, user: carol }).await;
    assert_eq!(role(&store, room, carol).await, Some(Role::Member));
    let entry = write(&store, room, 2, Operation::Remove { by: alice, user: carol }).await;
    assert_eq!(entry.change, Change::MemberLeft { user: carol, by: Some(alice), is_banned: false });
    assert_eq!(log(&store, room).await.pop(), Some(entry));
    let told = told(&store, carol).await;
    let changes: Vec<_> = told.into_iter().map(|entry| entry.change).collect();
    assert_eq!(changes, [UserChange::RoomAdded { room }, UserChange::RoomRemoved { room }]);
    for closed in [
        refusal(store.messages(room, carol, 9, None).await),
        refusal(store.log_page(room, Some(carol), Seq::START, 9).await),
        refusal(store.members(room, carol, 9, None).await),
        refusal(store.marks_of(room, carol, 9, None).await),
        refusal(store.room(room, carol, 9).await),
    ] {
        assert_eq!(closed, Refusal::NotFound("room"));
    }
    let gone = Operation::Remove { by: alice, user: carol };
    assert_eq!(refuse(&store, room, 3, gone).await, Refusal::NotFound("member"));
    let stranger = Operation::Add { by: alice, user: UserId(new_id()) };
    assert_eq!(field(&refuse(&store, room, 3, stranger).await), "userId");
}

pub async fn roles_are_given_by_the_owner(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob, carol]).await;
    let forbidden = |refusal| matches!(refusal, Refusal::Forbidden(_));
    assert!(forbidden(refuse(&store, room, 0, give(bob, bob, Role::Administrator)).await));
    let entry = write(&store, room, 1, give(alice, bob, Role::Administrator)).await;
    assert_eq!(entry.change, Change::MemberUpdated { user: bob, role: Role::Administrator });
    assert_eq!(log(&store, room).await.pop(), Some(entry));
    // An administrator puts plain members out, and neither his like nor the owner.
    write(&store, room, 2, give(alice, carol, Role::Administrator)).await;
    for user in [alice, carol] {
        assert!(forbidden(refuse(&store, room, 3, Operation::Remove { by: bob, user }).await));
        assert!(forbidden(refuse(&store, room, 3, Operation::Ban { by: bob, user }).await));
    }
    assert!(forbidden(refuse(&store, room, 3, give(bob, carol, Role::Member)).await));
    assert!(forbidden(refuse(&store, room, 3, give(alice, alice, Role::Member)).await));
    // He may step down himself.
    write(&store, room, 4, give(carol, carol, Role::Member)).await;
    write(&store, room, 5, Operation::Remove { by: bob, user: carol }).await;
    assert_eq!(role(&store, room, carol).await, None);
}

pub async fn an_owner_transfers_the_room(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let to = |by, user| Operation::Transfer { by, user };
    assert!(matches!(refuse(&store, room, 0, to(bob, bob)).await, Refusal::Forbidden(_)));
    assert_eq!(refuse(&store, room, 0, to(alice, carol)).await, Refusal::NotFound("member"));
    write(&store, room, 1, to(alice, bob)).await;
    let changes: Vec<_> = log(&store, room).await.into_iter().skip(2).map(|entry| entry.change).collect();
    let updated = |user, role| Change::MemberUpdated { user, role };
    assert_eq!(changes, [updated(alice, Role::Administrator), updated(bob, Role::Owner)]);
    assert_eq!(role(&store, room, alice).await, Some(Role::Administrator));
    assert_eq!(role(&store, room, bob).await, Some(Role::Owner));
}

pub async fn who_is_banned_stays_outside_until_he_is_not(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let ban = |user| Operation::Ban { by: alice, user };
    let entry = write(&store, room, 1, ban(bob)).await;
    assert_eq!(entry.change, Change::MemberLeft { user: bob, by: Some(alice), is_banned: true });
    // Also somebody who never was inside.
    let outside = write(&store, room, 2, ban(carol)).await;
    assert_eq!(outside.change, Change::MemberBanned { user: carol, by: alice });
    repeat(&store, room, 3, ban(bob)).await;
    assert_eq!(log(&store, room).await[2..], [entry, outside]);
    for user in [bob, carol] {
        assert!(matches!(refuse(&store, room, 4, Operation::Join { user }).await, Refusal::Forbidden(_)));
        let add = Operation::Add { by: alice, user };
        assert!(matches!(refuse(&store, room, 4, add).await, Refusal::Conflict(_)));
    }
    let entry = write(&store, room, 5, Operation::Unban { by: alice, user: bob }).await;
    assert_eq!(entry.change, Change::MemberUnbanned { user: bob, by: alice });
    write(&store, room, 6, Operation::Join { user: bob }).await;
}

pub async fn bans_are_paged_for_those_who_may_ban(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let mut banned = Vec::new();
    for n in 0..3 {
        let user = person(&store, &format!("user{n}")).await;
        write(&store, room, n, Operation::Ban { by: alice, user }).await;
        banned.push(user);
    }
    banned.sort_unstable();
    let first = store.bans(room, alice, 2, None).await.expect("a page");
    let rest = store.bans(room, alice, 2, first.next).await.expect("a page");
    let listed: Vec<_> = first.bans.iter().chain(&rest.bans).map(|ban| ban.user.id).collect();
    assert_eq!((listed, first.next, rest.next), (banned.clone(), Some(banned[1]), None));
    assert_eq!(first.bans[0].by, alice);
    assert!(matches!(refusal(store.bans(room, bob, 2, None).await), Refusal::Forbidden(_)));
    assert_eq!(refusal(store.bans(room, carol, 2, None).await), Refusal::NotMember);
}

pub async fn what_happens_to_messages_from_before_takes_its_number_and_tells_nothing(store: S) {
    let (alice, bob, _) = three(&store).await;
    let new = NewRoom { history: HistoryVisibility::SinceJoined, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let canary = message(&store, room, 0, alice, "canary").await;
    write(&store, room, 1, Operation::Join { user: bob }).await;
    let heard = message(&store, room, 2, alice, "welcome").await;
    let emoji = Emoji::parse("👍").expect("a sign");
    for id in [canary.id, heard.id] {
        write(&store, room, 3, edit(alice, id, "canary, changed")).await;
        let react = |on| Operation::React { by: alice, message: id, emoji: emoji.clone(), on };
        write(&store, room, 4, react(true)).await;
        write(&store, room, 5, react(false)).await;
        write(&store, room, 6, Operation::Pin { by: alice, message: id, on: true }).await;
        write(&store, room, 7, Operation::Pin { by: alice, message: id, on: false }).await;
        write(&store, room, 8, delete(alice, id)).await;
    }
    let page = store.log_page(room, Some(bob), Seq::START, 99).await.expect("a page");
    assert_eq!(numbers(&page.entries), (3..=16).collect::<Vec<_>>());
    let said = [
        "message.updated",
        "reaction.added",
        "reaction.removed",
        "message.pinned",
        "message.unpinned",
        "message.deleted",
    ];
    let told = kinds(&page.entries);
    assert_eq!(told[..2], ["member.joined", "message.created"]);
    assert_eq!(told[2..8], ["entry.hidden"; 6]);
    assert_eq!(told[8..], said);
    for reader in [None, Some(alice)] {
        let page = store.log_page(room, reader, Seq::START, 99).await.expect("a page");
        assert_eq!(kinds(&page.entries)[4..10], said);
    }
}

pub async fn who_joins_reads_from_there_on_where_that_is_the_rule(store: S) {
    let (alice, bob, _) = three(&store).await;
    let new = NewRoom { history: HistoryVisibility::SinceJoined, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let canary = message(&store, room, 0, alice, "canary").await;
    let joined = write(&store, room, 1, Operation::Join { user: bob }).await.seq;
    let heard = message(&store, room, 2, alice, "welcome").await;
    let seen = |messages: Vec<chat::domain::Message>| messages.iter().map(|m| m.id).collect::<Vec<_>>();
    let page = store.messages(room, bob, 9, None).await.expect("a page");
    assert_eq!((seen(page.messages), page.next), (vec![heard.id], None));
    let page = store.messages(room, bob, 1, None).await.expect("a page");
    assert_eq!(page.next, None, "nothing before it is his");
    assert_eq!(refusal(store.message(canary.id, bob).await), Refusal::NotFound("message"));
    assert_eq!(store.message(heard.id, bob).await.expect("a message"), heard);
    let page = store.log_page(room, Some(bob), Seq::START, 9).await.expect("a page");
    assert_eq!((numbers(&page.entries), page.visible_from), (vec![3, 4], joined));
    let all = store.log_page(room, None, Seq::START, 9).await.expect("a page");
    assert_eq!(numbers(&all.entries), up_to(4));
    let owner = store.log_page(room, Some(alice), Seq::START, 9).await.expect("a page");
    assert_eq!(numbers(&owner.entries), up_to(4));
    let standing = store.standing(canary.id, bob).await.expect("an answer");
    assert_eq!(standing.member.map(|member| member.visible_from), Some(joined));
    // Who was put out and comes back begins anew.
    write(&store, room, 3, Operation::Leave { user: bob }).await;
    message(&store, room, 4, alice, "behind his back").await;
    write(&store, room, 5, Operation::Join { user: bob }).await;
    assert!(store.messages(room, bob, 9, None).await.expect("a page").messages.is_empty());
    // And where all is shown again, all is.
    let all = RoomPatch { history: Some(HistoryVisibility::All), ..RoomPatch::default() };
    write(&store, room, 6, Operation::Update { by: alice, patch: all }).await;
    assert_eq!(store.messages(room, bob, 9, None).await.expect("a page").messages.len(), 3);
    assert_eq!(store.message(canary.id, bob).await.expect("a message"), canary);
}

pub async fn what_one_sets_for_himself_is_told_to_his_devices(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let settings = RoomSettings {
        notifications: Notifications::Mentions,
        muted_until: Some(at(9_000)),
        is_favourite: true,
    };
    let set = |user| store.set_settings(room, user, settings, at(1));
    let entry = set(bob).await.expect("an answer").expect("news");
    assert_eq!(entry.change, UserChange::SettingsUpdated { room, settings });
    assert_eq!(told(&store, bob).await.pop(), Some(entry));
    assert_eq!(set(bob).await.expect("an answer"), None, "it is so already");
    assert_eq!(state(&store, bob, room).await.settings, settings);
    assert_eq!(state(&store, alice, room).await.settings, RoomSettings::default());
    let view = &store.rooms_of(bob, 1).await.expect("rooms")[0];
    assert_eq!(view.mine, Some((Role::Member, settings)));
    assert_eq!(refusal(set(carol).await), Refusal::NotMember);
}

pub async fn the_directory_is_searched_in_any_case(store: S) {
    let alice = person(&store, "alice").await;
    let told = [
        ("Gärten", None),
        ("general", Some("the GÄRTEN of Babylon")),
        ("Hohe Straße", None),
        ("secret", None),
    ];
    for (n, (name, text)) in told.iter().enumerate() {
        let new = NewRoom {
            name: RoomName::parse(name).expect("a name"),
            description: text.and_then(|text| Description::parse(text).expect("valid")),
            // Strangers do not see it, so it is not found by it.
            topic: Topic::parse("gärt").expect("valid"),
            now: at(n as i64),
            ..new_room(alice, &[])
        };
        store.create_room(new).await.expect("a room");
    }
    let hidden = NewRoom {
        name: RoomName::parse("gärten").expect("a name"),
        is_private: true,
        ..new_room(alice, &[])
    };
    store.create_room(hidden).await.expect("a room");
    let names = |page: chat::store::RoomPage| {
        (page.rooms.iter().map(|room| room.name.as_str().to_owned()).collect::<Vec<_>>(), page.next)
    };
    let search = |limit, after, text: &str| store.directory(alice, limit, after, Some(text.to_owned()));
    let (found, next) = names(search(9, None, "ga\u{308}rt").await.expect("a page"));
    assert_eq!((found, next), (vec!["general".to_owned(), "Gärten".to_owned()], None));
    let (first, next) = names(search(1, None, "GÄRT").await.expect("a page"));
    assert_eq!(first, ["general"]);
    let (second, _) = names(search(1, next, "GÄRT").await.expect("a page"));
    assert_eq!(second, ["Gärten"]);
    // As messages are found: the folded letters of each word, in any order.
    assert_eq!(names(search(9, None, "STRASSE hohe").await.expect("a page")).0, ["Hohe Straße"]);
    assert_eq!(names(search(9, None, "babylon a gene").await.expect("a page")).0, ["general"]);
    assert!(names(search(9, None, "babylon hohe").await.expect("a page")).0.is_empty());
    assert!(names(search(9, None, "100%").await.expect("a page")).0.is_empty());
}
