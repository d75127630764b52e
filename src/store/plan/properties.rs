//! What holds of decisions whatever is decided. A [`World`] plays the store, as for [`super::tests`].

#![cfg(test)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tests::{batch, edit, id, send};
use super::world::{ALICE, BOB, CAROL, HERE, LINK, THERE, World};
use super::*;
use crate::domain::{Role, RoomName, RoomPatch};

fn operation() -> impl Strategy<Value = Operation> {
    let who = prop::sample::select(vec![ALICE, BOB, CAROL]);
    let text = prop::sample::select(vec!["hi", "@bob @carol", "@alice."]);
    prop_oneof![
        5 => (who.clone(), 0..6_u128, text.clone()).prop_map(|(w, k, t)| send(w, k, 0, t)),
        3 => (who.clone(), 0..12_u128, text).prop_map(|(w, m, t)| edit(w, m, t)),
        2 => who.clone().prop_map(|user| Operation::Join { user }),
        2 => who.clone().prop_map(|user| Operation::Leave { user }),
        3 => (who.clone(), 0..12_u128, prop::sample::select(vec!["👍", "🎉"]), any::<bool>()).prop_map(
            |(by, m, sign, on)| Operation::React {
                by,
                message: id(m),
                emoji: Emoji::parse(sign).expect("a sign"),
                on,
            }
        ),
        2 => (who.clone(), 0..12_u128, any::<bool>())
            .prop_map(|(by, m, on)| Operation::Pin { by, message: id(m), on }),
        1 => (who.clone(), 0..12_u128).prop_map(|(author, m)| Operation::Erase { author, message: id(m) }),
        1 => who.clone().prop_map(|user| Operation::Accept { user, invite: LINK }),
        4 => (who.clone(), who.clone(), 0..7_u8).prop_map(|(by, user, what)| manage(by, user, what)),
        1 => (who.clone(), any::<bool>()).prop_map(|(by, archived)| Operation::Archive { by, archived }),
        1 => (who, "[ab]").prop_map(|(by, name)| {
            let name = Some(RoomName::parse(&name).expect("a name"));
            Operation::Update { by, patch: RoomPatch { name, ..RoomPatch::default() } }
        }),
    ]
}

fn manage(by: UserId, user: UserId, what: u8) -> Operation {
    match what {
        0 => Operation::Add { by, user },
        1 => Operation::Remove { by, user },
        2 => Operation::SetRole { by, user, role: Role::Administrator },
        3 => Operation::SetRole { by, user, role: Role::Member },
        4 => Operation::Transfer { by, user },
        5 => Operation::Ban { by, user },
        _ => Operation::Unban { by, user },
    }
}

proptest! {
    /// That rows are written once and numbers have no gap, the world itself insists on.
    #[test]
    fn one_commit_comes_to_the_same_as_many(
        operations in prop::collection::vec((prop::sample::select(vec![HERE, THERE]), operation()), 0..24),
        cut in 0..24_usize,
    ) {
        // A message is called by the place of the operation that sends it.
        let numbered = operations.into_iter().enumerate().map(|(n, (room, mut operation))| {
            if let Operation::Send { message, .. } = &mut operation {
                *message = id(n as u128);
            }
            batch(room, vec![operation])
        });
        let batches: Vec<_> = numbered.collect();
        let (mut together, mut apart) = (World::new(), World::new());
        let (first, second) = batches.split_at(cut.min(batches.len()));
        let mut at_once = together.commit(first).applied;
        at_once.extend(together.commit(second).applied);
        let one_by_one: Vec<_> =
            batches.iter().flat_map(|one| apart.commit(std::slice::from_ref(one)).applied).collect();
        prop_assert_eq!(at_once, one_by_one);
        prop_assert_eq!(&together.0.rooms, &apart.0.rooms);
        prop_assert_eq!(&together.0.members, &apart.0.members);
        prop_assert_eq!(&together.0.messages, &apart.0.messages);
        prop_assert_eq!(&together.0.users, &apart.0.users);
        prop_assert_eq!(&together.0.bans, &apart.0.bans);
        prop_assert_eq!(&together.0.reacted, &apart.0.reacted);
        prop_assert_eq!(&together.0.facts, &apart.0.facts);
        prop_assert_eq!(&together.0.invites, &apart.0.invites);
        let rows = together.0.messages.values().map(|known| (known.message.author, known.message.client_msg_id));
        prop_assert_eq!(rows.collect::<BTreeSet<_>>().len(), together.0.messages.len());
    }
}
