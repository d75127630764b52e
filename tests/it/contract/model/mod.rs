//! Random commits against a model that fits on a page: whatever is done in whatever order, the
//! store answers what the model answers and keeps what the model keeps. What is unread and who is
//! mentioned equals a recount over all messages (I12).

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chat::domain::policy::EditWindow;
use chat::domain::{
    ClientMsgId, MarkMove, Marks, MessageId, Operation, Outcome, Refusal, RoomId, UserChange, UserId,
};
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use proptest::prelude::*;
use uuid::Uuid;

use self::rules::{Model, ModelMember, Moves, PEOPLE, ROOMS, TEXTS, Wish, words};
use super::sqlite::options;
use super::support::*;

const WINDOW: Duration = Duration::from_millis(5_000);

/// A commit: batches of (room, time passed before it, wishes of people).
type Commit = Vec<(usize, i64, Vec<(usize, Wish)>)>;

#[derive(Clone, Debug)]
enum Step {
    Commit(Commit),
    Move(Moves),
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        6 => (0..8_usize, 0..TEXTS.len(), prop::option::weighted(0.2, 0..12_usize))
            .prop_map(|(key, text, reply)| Wish::Send { key, text, reply }),
        3 => (0..12_usize, 0..TEXTS.len()).prop_map(|(message, text)| Wish::Edit { message, text }),
        2 => (0..12_usize).prop_map(|message| Wish::Delete { message }),
        2 => Just(Wish::Join),
        1 => Just(Wish::Leave),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wishes = prop::collection::vec((0..PEOPLE, wish()), 0..8);
    let commit = prop::collection::vec((0..ROOMS, 0..2_000_i64, wishes), 1..4);
    let moves = prop::collection::vec((0..PEOPLE, 0..ROOMS, 0..30_u64, 0..30_u64), 0..5);
    let step = prop_oneof![3 => commit.prop_map(Step::Commit), 1 => moves.prop_map(Step::Move)];
    prop::collection::vec(step, 1..16)
}

fn verdict(outcome: &Outcome) -> Result<(u64, bool, Option<String>), String> {
    match outcome {
        Ok(c) => Ok((c.entry.seq.get(), c.duplicate, c.entry.change.message().map(|m| m.content.clone()))),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// The ids behind the numbers of a schedule. A message is called by the order of its creation.
struct Cast {
    people: Vec<UserId>,
    rooms: Vec<RoomId>,
    messages: Vec<MessageId>,
}

impl Cast {
    fn operation(&self, who: usize, wish: &Wish, id: MessageId) -> Operation {
        let by = self.people[who];
        // Not yet created: an id that no message has.
        let message = |n: usize| self.messages.get(n).copied().unwrap_or(MessageId(Uuid::nil()));
        match wish {
            Wish::Send { key, text, reply } => {
                let mut draft = draft(ClientMsgId(Uuid::from_u128(*key as u128)), &words(Some(*text)));
                // A reply to nothing keeps its number, so that a retry of it has the same body.
                draft.reply_to = reply.map(|n| {
                    self.messages.get(n).copied().unwrap_or(MessageId(Uuid::from_u128(n as u128 + 1)))
                });
                Operation::Send { author: by, message: id, draft }
            }
            Wish::Edit { message: n, text } => edit(by, message(*n), &words(Some(*text))),
            Wish::Delete { message: n } => delete(by, message(*n)),
            Wish::Join => Operation::Join { user: by },
            Wish::Leave => Operation::Leave { user: by },
        }
    }
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let options = SqliteOptions { edit_window: EditWindow(WINDOW), ..options() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::inline(options).expect("a database"));
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(person(&store, name).await);
    }
    let rooms = vec![
        room(&store, people[0], &people[1..2]).await,
        private_room(&store, people[0], &people[1..2]).await,
    ];
    let mut cast = Cast { people, rooms, messages: Vec::new() };
    let joined = || BTreeMap::from([(0, ModelMember::new(1)), (1, ModelMember::new(2))]);
    let both = vec![("room.added", 0), ("room.added", 1)];
    let mut model = Model {
        heads: [2; ROOMS],
        members: [joined(), joined()],
        owners: [Some(0); ROOMS],
        messages: Vec::new(),
        told: [both.clone(), both, Vec::new()],
    };
    let mut now = 0;
    for step in steps {
        let commit = match step {
            Step::Commit(commit) => commit,
            Step::Move(moves) => {
                move_marks(&store, &cast, &mut model, &moves).await?;
                continue;
            }
        };
        let (mut batches, mut expected) = (Vec::new(), Vec::new());
        for (room, passed, wishes) in commit {
            now += passed;
            let (mut operations, mut verdicts) = (Vec::new(), Vec::new());
            for (who, wish) in wishes {
                let id = MessageId(new_id());
                operations.push(cast.operation(who, &wish, id));
                let known = model.messages.len();
                verdicts.push(model.apply(room, now, who, &wish).map_err(str::to_owned));
                cast.messages.extend((model.messages.len() > known).then_some(id));
            }
            batches.push(batch(cast.rooms[room], at(now), operations));
            expected.push(verdicts);
        }
        let append = store.append(batches).await.expect("a commit");
        let answered: Vec<Vec<_>> =
            append.iter().map(|batch| batch.outcomes.iter().map(verdict).collect()).collect();
        prop_assert_eq!(answered, expected);
    }
    check(&store, &cast, &model).await
}

/// Moves marks; each answer has the marks of the member and a recount of what is unread.
async fn move_marks(
    store: &Arc<dyn Store>,
    cast: &Cast,
    model: &mut Model,
    moves: &Moves,
) -> Result<(), TestCaseError> {
    model.advance(moves);
    let wish = |(who, room, received, read): &(usize, usize, u64, u64)| MarkMove {
        user: cast.people[*who],
        room: cast.rooms[*room],
        received: seq(*received),
        read: seq(*read),
    };
    let answers = store.move_marks(moves.iter().map(wish).collect(), at(0)).await.expect("a commit");
    prop_assert_eq!(answers.len(), moves.len());
    for ((who, room, ..), answer) in moves.iter().zip(answers) {
        let expected = model.members[*room].get(who).map(marks);
        prop_assert_eq!(answer.as_ref().ok().map(|moved| moved.marks), expected);
        if let Ok(moved) = answer {
            prop_assert_eq!(moved.unread, model.unread(*who, *room));
        }
    }
    Ok(())
}

fn marks(member: &ModelMember) -> Marks {
    Marks { received: seq(member.received), read: seq(member.read) }
}

/// What each person finds when he comes in, and what he was told.
async fn check_people(store: &Arc<dyn Store>, cast: &Cast, model: &Model) -> Result<(), TestCaseError> {
    for (who, user) in cast.people.iter().enumerate() {
        let heads = store.heads_of(*user).await.expect("heads");
        prop_assert_eq!(heads.user_seq, seq(model.told[who].len() as u64));
        let entries = told(store, *user).await;
        prop_assert_eq!(user_numbers(&entries), up_to(model.told[who].len() as u64));
        for (entry, (kind, room)) in entries.iter().zip(&model.told[who]) {
            let (UserChange::RoomAdded { room: told }
            | UserChange::RoomRemoved { room: told }
            | UserChange::MarkMoved { room: told, .. }) = &entry.change
            else {
                panic!("nobody writes {:?}", entry.change)
            };
            prop_assert_eq!((entry.change.kind(), *told), (*kind, cast.rooms[*room]));
        }
        let inside = (0..ROOMS).filter(|room| model.members[*room].contains_key(&who));
        prop_assert_eq!(heads.rooms.len(), inside.clone().count());
        for room in inside {
            let state = state(store, *user, cast.rooms[room]).await;
            prop_assert_eq!(state.head.head, seq(model.heads[room]));
            prop_assert_eq!(state.marks, marks(&model.members[room][&who]));
            prop_assert_eq!(state.unread, model.unread(who, room));
            let sent = model.messages.iter().filter(|m| m.room == room).count();
            prop_assert_eq!(state.messages, sent as u64);
        }
    }
    Ok(())
}

/// At rest the store holds what the model holds.
async fn check(store: &Arc<dyn Store>, cast: &Cast, model: &Model) -> Result<(), TestCaseError> {
    for (n, room) in cast.rooms.iter().enumerate() {
        prop_assert_eq!(numbers(&log(store, *room).await), up_to(model.heads[n]));
        let snapshot = store.room_snapshot(*room).await.expect("an answer").expect("a room");
        prop_assert_eq!(snapshot.room.head, seq(model.heads[n]));
        prop_assert_eq!(snapshot.room.member_count, model.members[n].len() as u64);
        let members: BTreeSet<_> = snapshot.members.iter().map(|m| (m.user, m.joined_seq.get())).collect();
        let expected =
            model.members[n].iter().map(|(who, member)| (cast.people[*who], member.joined)).collect();
        prop_assert_eq!(members, expected);
    }
    for (id, known) in cast.messages.iter().zip(&model.messages) {
        let key = ClientMsgId(Uuid::from_u128(known.key as u128));
        let found = store.message_by_key(cast.people[known.author], key).await.expect("an answer");
        let found = found.expect("the message");
        prop_assert_eq!((found.id, found.room, found.seq), (*id, cast.rooms[known.room], seq(known.seq)));
        prop_assert_eq!(found.content, words(known.text));
        prop_assert_eq!(found.deleted_at.is_some(), known.text.is_none());
    }
    check_people(store, cast, model).await
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn random_steps_end_as_in_the_model(steps in steps()) {
        run(play(steps))?;
    }
}

#[test]
fn the_model_speaks_the_words_of_refusals() {
    assert_eq!(Refusal::NotFound("room").to_string(), "room not found");
    assert_eq!(Refusal::NotMember.to_string(), "you are not a member of this room");
}
