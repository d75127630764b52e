//! Deliberate faults, for the torture to notice: a judge that never found anything proves nothing.
//! Compiled for the torture only, and then chosen by `CHAT_BROKEN`.

use std::sync::OnceLock;

use super::mail::Submission;
use super::reply::Reply;
use crate::domain::{Change, Committed, Entry, Message, Operation, RoomBatch, RoomId, Seq, Timestamp};
use crate::error::Fault;

/// Whether this process is broken in this way.
pub(super) fn is(how: &str) -> bool {
    static HOW: OnceLock<Option<String>> = OnceLock::new();
    HOW.get_or_init(|| std::env::var("CHAT_BROKEN").ok()).as_deref() == Some(how)
}

/// `stumble`: a message that says `panic` ends its room, one that says `fault` is answered as a fault
/// of the server.
pub(super) fn stumble(submissions: &mut [Submission]) {
    if !is("stumble") {
        return;
    }
    for submission in submissions {
        let Operation::Send { draft, .. } = &submission.operation else { continue };
        match draft.content.as_str() {
            #[expect(clippy::panic, reason = "the torture asks for it")]
            "panic" => panic!("a panic on purpose"),
            "fault" => {
                let fault = Fault::internal(&"a fault on purpose");
                std::mem::replace(&mut submission.reply, Reply::nobody()).send(Err(fault));
            }
            _ => {}
        }
    }
}

/// `stumble`: a message that says `the end` ends the writer.
pub(super) fn fall(batches: &[RoomBatch]) {
    let ends = |operation: &Operation| matches!(operation, Operation::Send { draft, .. } if draft.content.as_str() == "the end");
    if is("stumble") && batches.iter().flat_map(|batch| &batch.operations).any(ends) {
        #[expect(clippy::panic, reason = "the torture asks for it")]
        {
            panic!("the end of the writer, on purpose");
        }
    }
}

/// `early-ack`: acknowledges what is only about to be stored, by the number that it will likely get.
pub(super) fn acknowledge_early(room: RoomId, head: Seq, now: Timestamp, submissions: &mut [Submission]) {
    if !is("early-ack") {
        return;
    }
    let mut seq = head;
    for submission in submissions {
        let Operation::Send { author, message, draft } = submission.operation.clone() else { continue };
        seq = seq.next();
        let change = Change::MessageCreated(Message {
            id: message,
            room,
            seq,
            author,
            client_msg_id: draft.client_msg_id,
            content: draft.content.into_string(),
            attachments: Vec::new(),
            reply_to: draft.reply_to,
            thread_root: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            removal: None,
        });
        let entry = Entry { room, seq, at: now, change };
        let guess = Committed { entry, also: Vec::new(), duplicate: false, told: Vec::new() };
        std::mem::replace(&mut submission.reply, Reply::nobody()).send(Ok(guess));
    }
}
