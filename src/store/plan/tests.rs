//! Decisions as stories. A [`World`] plays the store. What holds for any: [`super::properties`].

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::world::{ALICE, BOB, CAROL, HERE, LINK, THERE, World, seq};
use super::*;
use crate::domain::{Actor, AuditEvent, AuditRecord, Content, Draft, Outcome, Refusal, Role, policy};

pub(super) fn id(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(n))
}

fn content(text: &str) -> Content {
    Content::parse(text, 100).expect("valid")
}

pub(super) fn send(author: UserId, key: u128, message: u128, text: &str) -> Operation {
    let client_msg_id = ClientMsgId(Uuid::from_u128(key));
    let draft = Draft { client_msg_id, content: content(text), attachments: Vec::new(), reply_to: None };
    Operation::Send { author, message: id(message), draft }
}

pub(super) fn edit(by: UserId, message: u128, text: &str) -> Operation {
    Operation::Edit { by, message: id(message), content: content(text) }
}

fn delete(by: UserId, message: u128) -> Operation {
    let (nil, at, event) = (Uuid::nil(), Timestamp::from_millis(1), AuditEvent::MessageRemoved);
    let record = Box::new(AuditRecord::new(nil, at, event, Actor::User(by)));
    Operation::Delete { by, message: id(message), reason: None, record }
}

pub(super) fn batch(room: RoomId, operations: Vec<Operation>) -> RoomBatch {
    RoomBatch { room, now: Timestamp::from_millis(1), operations, present: Vec::new() }
}

/// The numbers that were answered.
fn seqs(outcomes: &[Outcome]) -> Vec<Option<u64>> {
    outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|c| c.entry.seq.get())).collect()
}

#[test]
fn only_what_may_matter_is_asked_for() {
    let plain = needs(&[batch(HERE, vec![send(ALICE, 1, 1, "hi"), send(ALICE, 2, 2, "ho")])]);
    let keys = [1, 2].map(|key| (ALICE, ClientMsgId(Uuid::from_u128(key))));
    let expected = Needs {
        rooms: BTreeSet::from([HERE]),
        members: BTreeSet::from([(HERE, ALICE)]),
        keys: BTreeSet::from(keys),
        ..Needs::default()
    };
    assert_eq!(plain, expected);
    let (leave, join) = (Operation::Leave { user: ALICE }, Operation::Join { user: CAROL });
    let rare =
        needs(&[batch(HERE, vec![edit(BOB, 7, "@Carol."), leave.clone(), join]), batch(HERE, vec![leave])]);
    assert_eq!(rare.messages, BTreeSet::from([id(7)]));
    assert_eq!(rare.names[&HERE], BTreeSet::from(["carol".to_owned(), "carol.".to_owned()]));
    assert_eq!(rare.makers, BTreeSet::from([(HERE, ALICE)]));
    assert_eq!((rare.users, rare.heirs), (BTreeSet::from([ALICE, CAROL]), BTreeMap::from([(HERE, 3)])));
}

#[test]
fn twins_in_one_commit_are_one_row() {
    let mut world = World::new();
    let twin = |message| send(ALICE, 1, message, "hi");
    let decision = world.commit(&[batch(HERE, vec![twin(1), twin(2)]), batch(HERE, vec![twin(3)])]);
    assert_eq!((decision.writes.messages.len(), decision.writes.log.len()), (1, 1));
    let answers: Vec<_> = decision.applied.iter().flat_map(|applied| &applied.outcomes).collect();
    let first = answers[0].as_ref().expect("sent");
    for twin in &answers[1..] {
        let twin = twin.as_ref().expect("the first outcome");
        assert_eq!((&twin.entry, twin.duplicate), (&first.entry, true));
    }
    // And later, elsewhere, and with another body.
    assert_eq!(world.commit(&[batch(HERE, vec![twin(4)])]).writes, Writes::default());
    let conflicts = [batch(THERE, vec![twin(5)]), batch(HERE, vec![send(ALICE, 1, 6, "ho")])];
    for applied in world.commit(&conflicts).applied {
        assert_eq!(applied.outcomes, [Err(Refusal::IdempotencyConflict)]);
    }
}

#[test]
fn what_happens_to_a_new_message_in_its_commit_is_one_row() {
    let mut world = World::new();
    let operations = vec![
        send(ALICE, 1, 1, "@bob"),
        edit(ALICE, 1, "@bob and @carol"),
        send(ALICE, 2, 2, "@bob"),
        delete(ALICE, 2),
        edit(ALICE, 2, "back"),
    ];
    let decision = world.commit(&[batch(HERE, operations)]);
    assert_eq!(seqs(&decision.applied[0].outcomes), [Some(3), Some(4), Some(5), Some(6), None]);
    let writes = decision.writes;
    let rows: Vec<_> =
        writes.messages.iter().map(|new| (new.message.content.as_str(), new.last_seq)).collect();
    assert_eq!(rows, [("@bob and @carol", seq(4)), ("", seq(6))]);
    assert!(writes.rewritten.is_empty() && writes.mentions_removed.is_empty());
    // Carol is no member, and a deleted message names nobody.
    assert_eq!(writes.mentions_added, [MentionRow { message: id(1), user: BOB, room: HERE, seq: seq(3) }]);
    assert_eq!(decision.applied[0].messages, 2);
}

#[test]
fn an_answer_from_before_there_were_threads_leads_to_where_its_thread_began() {
    let mut world = World::new();
    let answer = |n, to| {
        let mut answer = send(BOB, n, n, "so?");
        if let Operation::Send { draft, .. } = &mut answer {
            draft.reply_to = Some(id(to));
        }
        answer
    };
    world.commit(&[batch(HERE, vec![send(ALICE, 1, 1, "hi"), answer(2, 1)])]);
    world.0.messages.get_mut(&id(2)).expect("sent").message.thread_root = None;
    let writes = world.commit(&[batch(HERE, vec![answer(3, 2)])]).writes;
    assert_eq!(writes.messages[0].message.thread_root, Some(id(1)));
}

#[test]
fn a_file_has_one_message_and_goes_with_it() {
    let mut world = World::new();
    let file = FileId(Uuid::from_u128(9));
    let name = crate::domain::FileName::from_stored("a.png".to_owned());
    let media_type = "image/png".to_owned();
    let attachment = Attachment { id: file, name, media_type, size: 1, has_thumbnail: false };
    let known = KnownFile { owner: ALICE, message: None, attachment: attachment.clone() };
    world.0.files.insert(file, known);
    let with = |author, message| {
        let mut send = send(author, message, message, "look");
        if let Operation::Send { draft, .. } = &mut send {
            draft.attachments.push(file);
        }
        send
    };
    let operations = vec![with(BOB, 1), with(ALICE, 2), with(ALICE, 3), edit(ALICE, 2, "see")];
    let Decision { applied, writes } = world.commit(&[batch(HERE, operations)]);
    assert_eq!(seqs(&applied[0].outcomes), [None, Some(3), None, Some(4)]);
    assert_eq!((&writes.files_used, writes.files_released.len()), (&vec![(file, id(2))], 0));
    assert_eq!(writes.messages[0].message.attachments, [attachment]);
    let operations = vec![delete(ALICE, 2), with(ALICE, 4)];
    let Decision { applied, writes } = world.commit(&[batch(HERE, operations)]);
    assert_eq!(seqs(&applied[0].outcomes), [Some(5), None], "it does not come back");
    assert_eq!(writes.files_released, [(id(2), Timestamp::from_millis(1))]);
    assert!(writes.rewritten[0].attachments.is_empty() && writes.files_used.is_empty());
}

#[test]
fn a_message_that_was_there_is_rewritten_once_and_mentions_anew() {
    let mut world = World::new();
    world.commit(&[batch(HERE, vec![send(ALICE, 1, 1, "@bob")])]);
    let operations = vec![edit(ALICE, 1, "one"), edit(ALICE, 1, "@bob"), edit(ALICE, 1, "@alice two")];
    let writes = world.commit(&[batch(HERE, operations)]).writes;
    assert_eq!(writes.rewritten.len(), 1);
    assert_eq!((writes.rewritten[0].content.as_str(), writes.rewritten[0].last_seq), ("@alice two", seq(6)));
    assert_eq!((writes.mentions_removed, writes.mentions_added), (vec![id(1)], Vec::new()));
}

#[test]
fn who_joins_may_send_and_who_left_may_not() {
    let mut world = World::new();
    let (join, leave) = (Operation::Join { user: CAROL }, Operation::Leave { user: CAROL });
    let say = |n| send(CAROL, n, n, "hi");
    let operations = vec![say(1), join.clone(), say(2), join.clone(), leave.clone(), say(3), leave];
    let decision = world.commit(&[batch(HERE, operations), batch(THERE, vec![join])]);
    let expected = [None, Some(3), Some(4), Some(3), Some(5), None, None];
    assert_eq!(seqs(&decision.applied[0].outcomes), expected);
    assert_eq!(decision.applied[1].outcomes, [Err(Refusal::NotFound("room"))]);
    let writes = decision.writes;
    // She came and went: no row of hers changes, and she is told of both.
    assert!(writes.members_inserted.is_empty() && writes.members_deleted.is_empty());
    assert!(writes.marks.is_empty());
    let kinds: Vec<_> = writes.user_log.iter().map(|entry| entry.change.kind()).collect();
    assert_eq!((kinds, writes.user_heads), (vec!["room.added", "room.removed"], vec![(CAROL, seq(2))]));
}

#[test]
fn who_comes_back_is_another_member() {
    let mut world = World::new();
    let operations =
        vec![Operation::Leave { user: BOB }, Operation::Join { user: BOB }, send(BOB, 1, 1, "hi")];
    let writes = world.commit(&[batch(HERE, operations)]).writes;
    assert_eq!(writes.members_deleted, [(HERE, BOB)]);
    let [(_, back)] = writes.members_inserted.as_slice() else { panic!("{writes:?}") };
    assert_eq!((back.member.joined_seq, back.marks.read), (seq(4), seq(5)));
    assert!(writes.marks.is_empty() && writes.roles.is_empty());
}

#[test]
fn a_room_is_inherited_as_often_as_it_is_left() {
    let mut world = World::new();
    let admin = world.0.members.get_mut(&(HERE, BOB)).expect("a member");
    admin.member.role = Role::Administrator;
    world.commit(&[batch(HERE, vec![Operation::Join { user: CAROL }])]);
    let leave = |user| Operation::Leave { user };
    let writes = world.commit(&[batch(HERE, vec![leave(ALICE), leave(BOB)])]).writes;
    assert_eq!(writes.roles, [(HERE, CAROL, Role::Owner)]);
    let writes = world.commit(&[batch(HERE, vec![leave(CAROL), Operation::Join { user: BOB }])]).writes;
    assert_eq!(writes.members_deleted, [(HERE, CAROL)]);
    assert_eq!(world.0.members[&(HERE, BOB)].member.role, Role::Owner, "he has it for himself");
}

#[test]
fn an_heir_looks_after_the_room_already_or_has_been_there_longest() {
    for (first, why) in [
        (Operation::SetRole { by: ALICE, user: CAROL, role: Role::Administrator }, "she looks after it"),
        (Operation::Remove { by: ALICE, user: BOB }, "who came before her is put out in that commit"),
    ] {
        let mut world = World::new();
        world.commit(&[batch(HERE, vec![Operation::Join { user: CAROL }])]);
        let operations = vec![first, Operation::Leave { user: ALICE }];
        assert_eq!(
            world.commit(&[batch(HERE, operations)]).writes.roles,
            [(HERE, CAROL, Role::Owner)],
            "{why}"
        );
    }
}

#[test]
fn a_refused_operation_writes_nothing() {
    let mut world = World::new();
    let nowhere = RoomId(Uuid::from_u128(404));
    let operations = vec![send(CAROL, 1, 1, "@bob"), edit(ALICE, 9, "no"), Operation::Leave { user: CAROL }];
    let decision = world.commit(&[batch(HERE, operations), batch(nowhere, vec![send(ALICE, 1, 1, "hi")])]);
    assert_eq!(decision.writes, Writes::default());
    let missing = Err(Refusal::NotFound("message"));
    assert_eq!(decision.applied[0].outcomes, [Err(Refusal::NotMember), missing, Err(Refusal::NotMember)]);
    assert_eq!((decision.applied[1].outcomes.len(), decision.applied[1].messages), (1, 0));
}

#[test]
fn a_clock_that_went_back_takes_no_activity_back() {
    let mut world = World::new();
    let late = RoomBatch { now: Timestamp::from_millis(9), ..batch(HERE, vec![send(ALICE, 1, 1, "hi")]) };
    world.commit(&[late, batch(HERE, vec![send(ALICE, 2, 2, "hi")])]);
    assert_eq!(world.0.rooms[&HERE].totals.last_activity, Timestamp::from_millis(9));
}

#[test]
fn what_somebody_takes_with_him_he_takes_from_archived_rooms_too() {
    let mut world = World::new();
    world.commit(&[batch(HERE, vec![send(BOB, 1, 1, "mine"), send(BOB, 2, 2, "mine too")])]);
    let operations = vec![
        Operation::Archive { by: ALICE, archived: true },
        delete(BOB, 1),
        Operation::Erase { author: BOB, message: id(1) },
        delete(BOB, 1),
        Operation::Leave { user: BOB },
        Operation::Erase { author: BOB, message: id(2) },
    ];
    let Decision { applied, .. } = world.commit(&[batch(HERE, operations)]);
    assert_eq!(seqs(&applied[0].outcomes), [Some(5), None, Some(6), Some(6), Some(7), Some(8)]);
    assert_eq!(applied[0].outcomes[1], Err(Refusal::RoomArchived));
}

#[test]
fn who_is_out_of_reach_is_put_in_by_nobody_else_and_told_of_as_a_stranger() {
    let mut world = World::new();
    world.0.out_of_reach.insert((ALICE, CAROL));
    let stranger = UserId(Uuid::from_u128(99));
    let add = |user| Operation::Add { by: ALICE, user };
    let Decision { applied, .. } = world.commit(&[batch(THERE, vec![add(CAROL), add(stranger)])]);
    for (outcome, user) in applied[0].outcomes.iter().zip([CAROL, stranger]) {
        assert_eq!(outcome, &Err(policy::not_to_be_added("userId", user).into()));
    }
    let join = vec![Operation::Join { user: CAROL }, add(CAROL)];
    assert_eq!(seqs(&world.commit(&[batch(HERE, join)]).applied[0].outcomes), [Some(3), Some(3)]);
}

#[test]
fn an_invitation_ends_with_the_power_of_who_made_it() {
    let mut world = World::new();
    let dave = UserId(Uuid::from_u128(4));
    world.0.users.insert(dave, KnownUser { username: "dave".to_owned(), head: Seq::START });
    let mine = |n, by, user| {
        let link = world.0.invites[&LINK].clone();
        Invite { id: InviteId(Uuid::from_u128(n)), room: HERE, by, user, ..link }
    };
    let of_bob = [mine(201, BOB, None), mine(202, BOB, Some(CAROL))];
    let of_alice = [mine(203, ALICE, Some(dave)), mine(204, ALICE, Some(CAROL))];
    for invite in of_bob.into_iter().chain(of_alice) {
        world.0.invites.insert(invite.id, invite);
    }
    world.0.members.get_mut(&(HERE, BOB)).expect("a member").member.role = Role::Administrator;
    let ended = |n| InviteId(Uuid::from_u128(n));
    let demote = Operation::SetRole { by: ALICE, user: BOB, role: Role::Member };
    let writes = world.commit(&[batch(HERE, vec![demote])]).writes;
    assert_eq!(writes.invites_ended, [ended(201)], "in a public room members invite people");
    let remove = Operation::Remove { by: ALICE, user: BOB };
    let late = Operation::Accept { user: CAROL, invite: ended(202) };
    let Decision { applied, writes } = world.commit(&[batch(HERE, vec![remove, late])]);
    assert_eq!(applied[0].outcomes[1], Err(Refusal::NotFound("invitation")), "in the same commit");
    assert_eq!(writes.invites_ended, [ended(202)]);
    let told: Vec<_> = writes.user_log.iter().map(|entry| (entry.user, entry.change.kind())).collect();
    assert_eq!(told, [(BOB, "room.removed"), (CAROL, "invite.revoked")]);
    let come = Operation::Accept { user: CAROL, invite: ended(204) };
    let writes = world.commit(&[batch(HERE, vec![come, Operation::Leave { user: ALICE }])]).writes;
    assert_eq!(writes.invites_ended, [ended(203), ended(204)]);
    let told: Vec<_> = writes.user_log.iter().map(|entry| (entry.user, entry.change.kind())).collect();
    assert_eq!(told, [(CAROL, "room.added"), (ALICE, "room.removed"), (dave, "invite.revoked")]);
}

#[test]
fn of_two_neither_speaks_while_one_blocks_the_other() {
    let mut world = World::new();
    world.commit(&[batch(THERE, vec![send(ALICE, 1, 1, "hi"), send(BOB, 2, 2, "ho")])]);
    world.0.rooms.get_mut(&THERE).expect("a room").is_direct = true;
    for user in [ALICE, BOB] {
        world.0.members.get_mut(&(THERE, user)).expect("a member").member.role = Role::Member;
    }
    world.0.blockers.insert(THERE, vec![ALICE]);
    let react =
        |by, on| Operation::React { by, message: id(1), emoji: Emoji::parse("👍").expect("a sign"), on };
    let pin = |by| Operation::Pin { by, message: id(1), on: true };
    let all = vec![
        send(BOB, 3, 3, "hear me"),
        edit(BOB, 2, "hear me"),
        react(BOB, true),
        pin(BOB),
        send(ALICE, 4, 4, "no answer, please"),
        Operation::Leave { user: BOB },
    ];
    let Decision { applied, writes } = world.commit(&[batch(THERE, all)]);
    assert!(applied[0].outcomes.iter().all(|outcome| matches!(outcome, Err(Refusal::Forbidden(_)))));
    assert_eq!(writes, Writes::default());
    // What was sent is answered again, and what is his he may take back.
    let rest = vec![send(BOB, 2, 5, "ho"), delete(BOB, 2)];
    assert_eq!(seqs(&world.commit(&[batch(THERE, rest)]).applied[0].outcomes), [Some(4), Some(5)]);
}
