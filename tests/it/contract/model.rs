//! Random commits against a model that fits on a page: whatever is done in whatever order, the
//! store answers what the model answers and keeps what the model keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chat::domain::policy::EditWindow;
use chat::domain::{ClientMsgId, MessageId, Operation, Outcome, Refusal, RoomId, UserId};
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use proptest::prelude::*;
use uuid::Uuid;

use super::sqlite::options;
use super::support::*;

const PEOPLE: usize = 3;
/// The second room is private.
const ROOMS: usize = 2;
const WINDOW: Duration = Duration::from_millis(5_000);

#[derive(Clone, Debug)]
enum Wish {
    Send { key: usize, text: usize, reply: Option<usize> },
    Edit { message: usize, text: usize },
    Delete { message: usize },
    Join,
    Leave,
}

/// A commit: batches of (room, time passed before it, wishes of people).
type Commit = Vec<(usize, i64, Vec<(usize, Wish)>)>;

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        6 => (0..8_usize, 0..3_usize, prop::option::weighted(0.2, 0..12_usize))
            .prop_map(|(key, text, reply)| Wish::Send { key, text, reply }),
        3 => (0..12_usize, 0..3_usize).prop_map(|(message, text)| Wish::Edit { message, text }),
        2 => (0..12_usize).prop_map(|message| Wish::Delete { message }),
        2 => Just(Wish::Join),
        1 => Just(Wish::Leave),
    ]
}

fn commits() -> impl Strategy<Value = Vec<Commit>> {
    let wishes = prop::collection::vec((0..PEOPLE, wish()), 0..8);
    let commit = prop::collection::vec((0..ROOMS, 0..2_000_i64, wishes), 1..4);
    prop::collection::vec(commit, 1..12)
}

struct ModelMessage {
    room: usize,
    author: usize,
    key: usize,
    body: (usize, Option<usize>),
    seq: u64,
    last_seq: u64,
    text: Option<usize>,
    at: i64,
}

#[derive(Default)]
struct Model {
    heads: [u64; ROOMS],
    /// Who is in, by person, with the number of joining.
    members: [BTreeMap<usize, u64>; ROOMS],
    messages: Vec<ModelMessage>,
}

/// What an operation comes to: number, whether it stood there already, and the text.
type Verdict = Result<(u64, bool, Option<String>), &'static str>;

impl Model {
    fn next(&mut self, room: usize) -> u64 {
        self.heads[room] += 1;
        self.heads[room]
    }

    fn apply(&mut self, room: usize, now: i64, who: usize, wish: &Wish) -> Verdict {
        let inside = self.members[room].get(&who).copied();
        let outsider = if room == 1 { "room not found" } else { "you are not a member of this room" };
        match (wish, inside) {
            (Wish::Join, Some(seq)) => Ok((seq, true, None)),
            (Wish::Join, None) if room == 1 => Err(outsider),
            (Wish::Join, None) => {
                let seq = self.next(room);
                self.members[room].insert(who, seq);
                Ok((seq, false, None))
            }
            (_, None) => Err(outsider),
            (Wish::Leave, Some(_)) => {
                self.members[room].remove(&who);
                Ok((self.next(room), false, None))
            }
            (Wish::Send { key, text, reply }, Some(_)) => {
                let body = (*text, *reply);
                if let Some(first) = self.messages.iter().find(|m| (m.author, m.key) == (who, *key)) {
                    return if (first.room, first.body) == (room, body) {
                        Ok((first.seq, true, Some(words(first.text))))
                    } else {
                        Err("this key was used for another message")
                    };
                }
                if reply.is_some_and(|n| self.messages.get(n).is_none_or(|m| m.room != room)) {
                    return Err("replyTo is no message of this room");
                }
                let seq = self.next(room);
                let text = Some(*text);
                let last_seq = seq;
                let (author, key) = (who, *key);
                self.messages.push(ModelMessage { room, author, key, body, seq, last_seq, text, at: now });
                Ok((seq, false, Some(words(text))))
            }
            (Wish::Edit { message, text }, Some(_)) => {
                self.change(room, now, who, *message, Some(*text), "the message was deleted")
            }
            (Wish::Delete { message }, Some(_)) => self.change(room, now, who, *message, None, ""),
        }
    }

    fn change(
        &mut self,
        room: usize,
        now: i64,
        who: usize,
        message: usize,
        text: Option<usize>,
        gone: &'static str,
    ) -> Verdict {
        let next = self.heads[room] + 1;
        let Some(found) = self.messages.get_mut(message).filter(|m| m.room == room) else {
            return Err("message not found");
        };
        if found.author != who {
            return Err("only the author may change a message");
        }
        if found.text.is_none() && text.is_some() {
            return Err(gone);
        }
        if found.text == text {
            return Ok((found.last_seq, true, Some(words(text))));
        }
        if now - found.at > 5_000 {
            return Err("messages can be changed for 0 minutes");
        }
        found.text = text;
        found.last_seq = next;
        self.heads[room] = next;
        Ok((next, false, Some(words(text))))
    }
}

fn words(text: Option<usize>) -> String {
    text.map(|n| ["one", "two", "three"][n].to_owned()).unwrap_or_default()
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

async fn play(commits: Vec<Commit>) -> Result<(), TestCaseError> {
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
    let joined = BTreeMap::from([(0, 1), (1, 2)]);
    let mut model = Model { heads: [2; ROOMS], members: [joined.clone(), joined], messages: Vec::new() };
    let mut now = 0;
    for commit in commits {
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

/// At rest the store holds what the model holds.
async fn check(store: &Arc<dyn Store>, cast: &Cast, model: &Model) -> Result<(), TestCaseError> {
    for (n, room) in cast.rooms.iter().enumerate() {
        prop_assert_eq!(numbers(&log(store, *room).await), up_to(model.heads[n]));
        let snapshot = store.room_snapshot(*room).await.expect("an answer").expect("a room");
        prop_assert_eq!(snapshot.room.head, seq(model.heads[n]));
        prop_assert_eq!(snapshot.room.member_count, model.members[n].len() as u64);
        let members: BTreeSet<_> = snapshot.members.iter().map(|m| (m.user, m.joined_seq.get())).collect();
        let expected = model.members[n].iter().map(|(who, seq)| (cast.people[*who], *seq)).collect();
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
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn random_commits_end_as_in_the_model(commits in commits()) {
        run(play(commits))?;
    }
}

#[test]
fn the_model_speaks_the_words_of_refusals() {
    assert_eq!(Refusal::NotFound("room").to_string(), "room not found");
    assert_eq!(Refusal::NotMember.to_string(), "you are not a member of this room");
}
