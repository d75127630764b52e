//! Invitations, links, and conversations that are found again.

use std::sync::Arc;

use chat::domain::{
    Change, Committed, Invite, InviteId, Operation, Refusal, Role, RoomId, RoomKind, UserChange, UserId,
};
use chat::store::{Direct, NewInvite, Store};
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

pub fn invitation(room: RoomId, by: UserId, user: Option<UserId>) -> NewInvite {
    let invite = Invite {
        id: InviteId(new_id()),
        room,
        by,
        user,
        created_at: at(0),
        expires_at: Some(at(1_000)),
        max_uses: user.map(|_| 1),
        uses: 0,
    };
    NewInvite { invite, token_hash: None, most: 3 }
}

fn link(room: RoomId, by: UserId, uses: u32, token: u8) -> NewInvite {
    let new = invitation(room, by, None);
    NewInvite { invite: Invite { max_uses: Some(uses), ..new.invite }, token_hash: Some([token; 32]), ..new }
}

fn accept(user: UserId, invite: InviteId) -> Operation {
    Operation::Accept { user, invite }
}

async fn three(store: &S) -> (UserId, UserId, UserId) {
    (person(store, "alice").await, person(store, "bob").await, person(store, "carol").await)
}

fn gone() -> Refusal {
    Refusal::NotFound("invitation")
}

pub async fn somebody_is_invited_and_accepts(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = private_room(&store, alice, &[]).await;
    let (invite, entry) = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    let received = UserChange::InviteReceived { invite: invite.id, room, by: alice };
    assert_eq!(entry.as_ref().map(|entry| entry.change.clone()), Some(received));
    assert_eq!(told(&store, bob).await, Vec::from_iter(entry));
    // Invited twice, he has the first and is not told again.
    let again = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    assert_eq!(again, (invite.clone(), None));
    let mine = store.invites_of(bob, at(1)).await.expect("invitations");
    assert_eq!(mine.iter().map(|p| (p.invite.id, p.room.id)).collect::<Vec<_>>(), [(invite.id, room)]);
    assert!(store.invites_of(bob, at(1_000)).await.expect("invitations").is_empty(), "too late");
    assert_eq!(refuse(&store, room, 1, accept(carol, invite.id)).await, gone());
    assert_eq!(refuse(&store, room, 1_000, accept(bob, invite.id)).await, gone());
    let joined = write(&store, room, 2, accept(bob, invite.id)).await;
    assert!(matches!(joined.change, Change::MemberJoined { .. }));
    repeat(&store, room, 3, accept(bob, invite.id)).await;
    assert!(store.invites_of(bob, at(3)).await.expect("invitations").is_empty());
    assert!(store.invites_of_room(room, alice, at(3)).await.expect("invitations").is_empty());
}

pub async fn an_invitation_is_declined_or_taken_back(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = private_room(&store, alice, &[]).await;
    let (invite, _) = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    assert_eq!(refusal(store.decline_invite(carol, invite.id, at(1)).await), gone());
    let entry = store.decline_invite(bob, invite.id, at(1)).await.expect("declined");
    assert_eq!(entry.change, UserChange::InviteRevoked { invite: invite.id, room });
    assert_eq!(refuse(&store, room, 2, accept(bob, invite.id)).await, gone());
    let (invite, _) = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    assert_eq!(refusal(store.revoke_invite(room, bob, invite.id, at(2)).await), Refusal::NotFound("room"));
    let revoked = store.revoke_invite(room, alice, invite.id, at(2)).await.expect("revoked");
    assert_eq!(revoked.as_ref().map(|entry| entry.user), Some(bob));
    assert_eq!(told(&store, bob).await.pop(), revoked);
    assert_eq!(refuse(&store, room, 3, accept(bob, invite.id)).await, gone());
    assert_eq!(refusal(store.revoke_invite(room, alice, invite.id, at(3)).await), gone());
}

pub async fn a_link_lets_in_as_many_as_it_says(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = private_room(&store, alice, &[]).await;
    let (invite, told) = store.invite(link(room, alice, 1, 7)).await.expect("a link");
    assert_eq!(told, None);
    let preview = store.invite_by_token([7; 32], bob, at(1)).await.expect("a preview");
    assert_eq!((preview.invite.id, preview.room.id), (invite.id, room));
    assert_eq!(refusal(store.invite_by_token([8; 32], bob, at(1)).await), gone());
    assert_eq!(refusal(store.invite_by_token([7; 32], bob, at(1_000)).await), gone());
    // Who is in uses nothing up.
    repeat(&store, room, 1, accept(alice, invite.id)).await;
    write(&store, room, 1, accept(bob, invite.id)).await;
    assert_eq!(refuse(&store, room, 2, accept(carol, invite.id)).await, gone());
    assert_eq!(refusal(store.invite_by_token([7; 32], carol, at(2)).await), gone());
    assert!(store.invite_by_token([7; 32], bob, at(2)).await.is_ok());
    // Used up, it makes room for others.
    for token in 10..13 {
        store.invite(link(room, alice, 1, token)).await.expect("a link");
    }
    assert!(matches!(refusal(store.invite(link(room, alice, 1, 13)).await), Refusal::TooLarge(_)));
    assert_eq!(store.invites_of_room(room, alice, at(2)).await.expect("links").len(), 3);
    assert!(store.invites_of_room(room, bob, at(2)).await.expect("links").is_empty());
}

pub async fn of_racing_guests_as_many_come_in_as_the_link_lets(store: S) {
    let alice = person(&store, "alice").await;
    let room = private_room(&store, alice, &[]).await;
    let (invite, _) = store.invite(link(room, alice, 3, 7)).await.expect("a link");
    let mut guests = Vec::new();
    for n in 0..8 {
        guests.push(person(&store, &format!("guest{n}")).await);
    }
    let wishes =
        guests.iter().map(|guest| store.append(vec![batch(room, at(1), vec![accept(*guest, invite.id)])]));
    let answers = join_all(wishes).await;
    let inside =
        answers.into_iter().filter(|answer| answer.as_ref().expect("a commit")[0].outcomes[0].is_ok());
    assert_eq!(inside.count(), 3);
    let snapshot = store.room_snapshot(room).await.expect("an answer").expect("a room");
    assert_eq!((snapshot.members.len(), snapshot.room.member_count), (4, 4));
    assert_eq!(numbers(&log(&store, room).await), up_to(4));
}

pub async fn bans_win_over_invitations(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = private_room(&store, alice, &[]).await;
    let (mine, _) = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    let (any, _) = store.invite(link(room, alice, 9, 7)).await.expect("a link");
    write(&store, room, 1, Operation::Ban { by: alice, user: bob }).await;
    for invite in [mine.id, any.id] {
        assert_eq!(refuse(&store, room, 2, accept(bob, invite)).await, gone());
    }
    assert_eq!(refusal(store.invite_by_token([7; 32], bob, at(2)).await), gone());
    assert!(store.invites_of(bob, at(2)).await.expect("invitations").is_empty());
    let anew = store.invite(invitation(room, alice, Some(bob))).await;
    assert!(matches!(refusal(anew), Refusal::Conflict(_)));
    write(&store, room, 3, accept(carol, any.id)).await;
}

pub async fn who_was_put_out_has_no_old_invitation(store: S) {
    let (alice, bob, _) = three(&store).await;
    let room = private_room(&store, alice, &[]).await;
    let (invite, _) = store.invite(invitation(room, alice, Some(bob))).await.expect("an invitation");
    write(&store, room, 1, Operation::Add { by: alice, user: bob }).await;
    write(&store, room, 2, Operation::Remove { by: alice, user: bob }).await;
    assert_eq!(refuse(&store, room, 3, accept(bob, invite.id)).await, gone());
}

pub async fn an_invitation_ends_with_the_power_of_who_made_it(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let give = |role| Operation::SetRole { by: alice, user: bob, role };
    let (remove, leave) = (Operation::Remove { by: alice, user: bob }, Operation::Leave { user: bob });
    let ban = Operation::Ban { by: alice, user: bob };
    for (n, end) in (1_u8..).zip([give(Role::Member), remove, leave, ban]) {
        let room = private_room(&store, alice, &[bob]).await;
        write(&store, room, 0, give(Role::Administrator)).await;
        let by_link = store.invite(link(room, bob, 9, n)).await.expect("a link").0;
        let (for_carol, _) = store.invite(invitation(room, bob, Some(carol))).await.expect("an invitation");
        let kept = store.invite(link(room, alice, 9, n + 100)).await.expect("a link").0;
        // And of what he made elsewhere nothing ends.
        let elsewhere = private_room(&store, bob, &[]).await;
        store.invite(link(elsewhere, bob, 9, n + 200)).await.expect("a link");
        let Committed { entry, told: now_told, .. } =
            outcome(&store, room, 1, end).await.expect("no refusal");
        let revoked = UserChange::InviteRevoked { invite: for_carol.id, room };
        let last = told(&store, carol).await.pop().expect("an entry");
        assert_eq!((&last.change, last.at), (&revoked, entry.at));
        assert_eq!(now_told.last(), Some(&last), "her devices are told at once");
        assert!(store.invites_of(carol, at(1)).await.expect("invitations").is_empty());
        for invite in [by_link.id, for_carol.id] {
            assert_eq!(refuse(&store, room, 1, accept(carol, invite)).await, gone());
        }
        assert_eq!(refusal(store.invite_by_token([n; 32], carol, at(1)).await), gone());
        store.invite_by_token([n + 200; 32], carol, at(1)).await.expect("elsewhere he still may");
        let open = store.invites_of_room(room, alice, at(1)).await.expect("invitations");
        assert_eq!(open.iter().map(|invite| invite.id).collect::<Vec<_>>(), [kept.id]);
        write(&store, room, 2, accept(carol, kept.id)).await;
    }
}

pub async fn what_a_member_may_do_too_outlasts_his_role(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = room(&store, alice, &[bob]).await;
    let give = |role| Operation::SetRole { by: alice, user: bob, role };
    write(&store, room, 0, give(Role::Administrator)).await;
    store.invite(link(room, bob, 9, 1)).await.expect("a link");
    let (invite, _) = store.invite(invitation(room, bob, Some(carol))).await.expect("an invitation");
    write(&store, room, 1, give(Role::Member)).await;
    let open = store.invites_of_room(room, alice, at(1)).await.expect("invitations");
    assert_eq!(open.iter().map(|invite| invite.id).collect::<Vec<_>>(), [invite.id]);
    write(&store, room, 2, accept(carol, invite.id)).await;
}

pub async fn who_may_not_invite_does_not(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let (open, closed) = (room(&store, alice, &[bob]).await, private_room(&store, alice, &[bob]).await);
    let invite = |room, by, user| store.invite(invitation(room, by, user));
    assert!(matches!(refusal(invite(closed, bob, Some(carol)).await), Refusal::Forbidden(_)));
    assert!(matches!(refusal(invite(open, bob, None).await), Refusal::Forbidden(_)));
    assert_eq!(refusal(invite(closed, carol, Some(carol)).await), Refusal::NotFound("room"));
    assert_eq!(field(&refusal(invite(open, alice, Some(UserId(new_id()))).await)), "userId");
    assert!(matches!(refusal(invite(open, alice, Some(bob)).await), Refusal::Conflict(_)));
    // Everybody may come into a public room, so any member may say so to somebody.
    let (own, _) = invite(open, bob, Some(carol)).await.expect("an invitation");
    let listed = store.invites_of_room(open, bob, at(1)).await.expect("his own");
    assert_eq!(listed, [own]);
    write(&store, open, 1, Operation::Archive { by: alice, archived: true }).await;
    assert_eq!(refusal(invite(open, alice, Some(carol)).await), Refusal::RoomArchived);
}

pub fn conversation(by: UserId, others: &[UserId]) -> Direct {
    Direct { id: RoomId(new_id()), by, others: others.to_vec(), now: at(0) }
}

pub async fn a_conversation_is_found_again(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let made = store.direct(conversation(alice, &[bob])).await.expect("a conversation");
    let new = made.made.expect("it is new");
    assert_eq!((numbers(&new.entries), new.told.len()), (up_to(2), 2));
    assert_eq!((new.room.kind, new.room.is_private), (RoomKind::Direct, true));
    for again in [conversation(alice, &[bob]), conversation(bob, &[alice])] {
        let found = store.direct(again).await.expect("a conversation");
        assert_eq!((found.room, found.made.is_none()), (made.room, true));
    }
    let three = store.direct(conversation(bob, &[carol, alice])).await.expect("a conversation");
    assert_ne!(three.room, made.room);
    assert_eq!(store.direct(conversation(carol, &[alice, bob])).await.expect("found").room, three.room);
    let stranger = store.direct(conversation(alice, &[UserId(new_id())])).await;
    assert_eq!(field(&refusal(stranger)), "userIds");
    assert!(store.directory(alice, 9, None, None).await.expect("a page").rooms.is_empty());
}

pub async fn of_racing_openers_all_get_the_same_conversation(store: S) {
    let (alice, bob, _) = three(&store).await;
    let wishes = (0..8).map(|n| {
        let (by, other) = if n % 2 == 0 { (alice, bob) } else { (bob, alice) };
        store.direct(conversation(by, &[other]))
    });
    let made: Vec<_> = join_all(wishes).await.into_iter().map(|made| made.expect("a conversation")).collect();
    assert!(made.iter().all(|found| found.room == made[0].room));
    assert_eq!(made.iter().filter(|found| found.made.is_some()).count(), 1);
    assert_eq!(user_numbers(&told(&store, alice).await), up_to(1));
}

pub async fn who_leaves_a_group_conversation_is_out_of_it(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = store.direct(conversation(alice, &[bob, carol])).await.expect("a conversation").room;
    let left = write(&store, room, 1, Operation::Leave { user: carol }).await;
    assert_eq!(left.change, Change::MemberLeft { user: carol, by: None, is_banned: false });
    assert_eq!(refuse(&store, room, 2, say(carol, "back")).await, Refusal::NotFound("room"));
    write(&store, room, 2, say(bob, "we go on")).await;
    // The same people who ask again get another, and all find that one then.
    let again = store.direct(conversation(bob, &[alice, carol])).await.expect("a conversation");
    assert!(again.room != room && again.made.is_some());
    assert_eq!(store.direct(conversation(carol, &[alice, bob])).await.expect("found").room, again.room);
    // Two who are left are a conversation of two, beside the one that was made for them.
    let pair = store.direct(conversation(alice, &[bob])).await.expect("a conversation");
    assert!(pair.made.is_some());
    store.block(alice, bob, 9, at(2)).await.expect("blocked");
    for two in [room, pair.room] {
        assert_eq!(store.blockers(two).await.expect("an answer"), [alice]);
        assert!(matches!(refuse(&store, two, 3, say(bob, "hi")).await, Refusal::Forbidden(_)));
        assert_eq!(refuse(&store, two, 3, Operation::Leave { user: bob }).await, direct());
    }
}

fn direct() -> Refusal {
    Refusal::Forbidden("a direct conversation stays as it was made")
}

pub async fn nobody_comes_into_a_conversation_or_goes(store: S) {
    let (alice, bob, carol) = three(&store).await;
    let room = store.direct(conversation(alice, &[bob])).await.expect("a conversation").room;
    for operation in [
        Operation::Leave { user: alice },
        Operation::Add { by: alice, user: carol },
        Operation::Remove { by: alice, user: bob },
        Operation::Ban { by: alice, user: bob },
        Operation::Archive { by: alice, archived: true },
        Operation::Transfer { by: alice, user: bob },
    ] {
        assert!(matches!(refuse(&store, room, 1, operation).await, Refusal::Forbidden(_)));
    }
    assert_eq!(refuse(&store, room, 1, Operation::Join { user: carol }).await, Refusal::NotFound("room"));
    let invited = store.invite(invitation(room, alice, Some(carol))).await;
    assert!(matches!(refusal(invited), Refusal::Forbidden(_)));
    write(&store, room, 2, say(bob, "hi")).await;
    let bans = refusal(store.bans(room, alice, 9, None).await);
    assert_eq!(bans, Refusal::Forbidden("nobody is banned from a direct conversation"));
}
