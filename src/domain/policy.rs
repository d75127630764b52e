//! Who may do what. Called inside the transaction that would do it, with the rows of that moment.

use std::time::Duration;

use super::refusal::Invalid;
use super::{Content, Message, Refusal, Role, Timestamp, UserId};

/// How long an author may edit or delete an own message, by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditWindow(pub Duration);

impl EditWindow {
    /// The longest that a room may have for itself: a month.
    pub const MOST_SECONDS: u64 = 31 * 24 * 3_600;

    /// A room's own.
    ///
    /// # Errors
    /// When it is longer than a room's may be.
    pub fn of_room(seconds: u64) -> Result<Self, Invalid> {
        if seconds > Self::MOST_SECONDS {
            let rule = format!("may be at most {}", Self::MOST_SECONDS);
            return Err(Invalid::new("editWindowSeconds", rule));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }

    /// From a stored row, in seconds.
    #[must_use]
    pub fn from_stored(seconds: i64) -> Self {
        Self(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// For a row.
    #[must_use]
    pub fn stored(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }
}

impl Default for EditWindow {
    fn default() -> Self {
        Self(Duration::from_secs(300))
    }
}

/// What a change of a message comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Write an entry.
    Write,
    /// It is so already: answer the present state.
    AlreadySo,
}

/// May `by`, who has this role in the room, give `message` this content at `now`? Nobody writes in the
/// name of another; the window holds members only, as for [`may_delete`].
///
/// # Errors
/// `Forbidden` for someone else's message, `EditWindowClosed` after the window, `Conflict` for a
/// deleted one.
pub fn may_edit(
    message: &Message,
    by: UserId,
    role: Role,
    content: &Content,
    now: Timestamp,
    window: EditWindow,
) -> Result<Verdict, Refusal> {
    own(message, by)?;
    if message.deleted_at.is_some() {
        return Err(Refusal::Conflict("the message was deleted"));
    }
    if message.content == content.as_str() {
        return Ok(Verdict::AlreadySo);
    }
    if looks_after(role) { Ok(Verdict::Write) } else { within(message, now, window) }
}

/// May `by`, who has this role in the room, delete `message` at `now`? Administrators look after the
/// room: they may delete what anybody wrote, and at any time.
///
/// # Errors
/// `Forbidden` for someone else's message, `EditWindowClosed` after the window.
pub fn may_delete(
    message: &Message,
    by: UserId,
    role: Role,
    now: Timestamp,
    window: EditWindow,
) -> Result<Verdict, Refusal> {
    let moderates = looks_after(role);
    if !moderates {
        own(message, by)?;
    }
    if message.deleted_at.is_some() {
        return Ok(Verdict::AlreadySo);
    }
    if moderates { Ok(Verdict::Write) } else { within(message, now, window) }
}

/// How an outsider is told that a room is closed to him: a private one looks absent.
#[must_use]
pub const fn outsider(room_is_private: bool) -> Refusal {
    if room_is_private { Refusal::NotFound("room") } else { Refusal::NotMember }
}

/// How somebody is told that another cannot be put into a room: the same whether there is no such
/// account, or it was closed, or its owner blocks him. That one is blocked is told to nobody.
#[must_use]
pub fn not_to_be_added(field: &'static str, user: UserId) -> Invalid {
    Invalid::new(field, format!("{user} cannot be added"))
}

/// May somebody speak in a conversation of two in which these block the other? Who is blocked is told no
/// more than that he cannot; who blocks has to let the other answer first.
///
/// # Errors
/// `Forbidden`.
pub fn may_speak(by: UserId, blockers: &[UserId]) -> Result<(), Refusal> {
    match blockers {
        [] => Ok(()),
        blockers if blockers.contains(&by) => {
            Err(Refusal::Forbidden("you block this person: unblock first, then write"))
        }
        _ => Err(Refusal::Forbidden("you cannot write to this person")),
    }
}

fn looks_after(role: Role) -> bool {
    role >= Role::Administrator
}

fn own(message: &Message, by: UserId) -> Result<(), Refusal> {
    if message.author == by {
        Ok(())
    } else {
        Err(Refusal::Forbidden("only the author may change a message"))
    }
}

fn within(message: &Message, now: Timestamp, window: EditWindow) -> Result<Verdict, Refusal> {
    // Up to and including the last millisecond of the window (I19).
    if now.since(message.created_at) <= window.0 {
        Ok(Verdict::Write)
    } else {
        Err(Refusal::EditWindowClosed(window.0))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{ClientMsgId, MessageId, RoomId, Seq};

    const AUTHOR: UserId = UserId(Uuid::from_u128(1));

    fn message() -> Message {
        Message {
            id: MessageId(Uuid::nil()),
            room: RoomId(Uuid::nil()),
            seq: Seq::START.next(),
            author: AUTHOR,
            client_msg_id: ClientMsgId(Uuid::nil()),
            content: "hi".into(),
            attachments: Vec::new(),
            reply_to: None,
            thread_root: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            deleted_at: None,
            removal: None,
        }
    }

    fn edit_at(millis: i64) -> Result<Verdict, Refusal> {
        let content = Content::parse("hello", 100).expect("valid");
        edit_as(Role::Member, &content, millis)
    }

    fn edit_as(role: Role, content: &Content, millis: i64) -> Result<Verdict, Refusal> {
        may_edit(&message(), AUTHOR, role, content, Timestamp::from_millis(millis), EditWindow::default())
    }

    fn delete_as(by: UserId, role: Role, millis: i64) -> Result<Verdict, Refusal> {
        may_delete(&message(), by, role, Timestamp::from_millis(millis), EditWindow::default())
    }

    #[test]
    fn an_edit_is_accepted_up_to_five_minutes_and_not_a_millisecond_longer() {
        assert_eq!(edit_at(300_000), Ok(Verdict::Write));
        assert!(matches!(edit_at(300_001), Err(Refusal::EditWindowClosed(_))));
    }

    #[test]
    fn a_clock_that_went_back_does_not_close_the_window() {
        assert_eq!(edit_at(-5_000), Ok(Verdict::Write));
    }

    #[test]
    fn nobody_changes_what_another_wrote() {
        let stranger = UserId(Uuid::from_u128(2));
        assert!(matches!(delete_as(stranger, Role::Member, 1), Err(Refusal::Forbidden(_))));
        let content = Content::parse("mine now", 100).expect("valid");
        let at = Timestamp::from_millis(1);
        let refused = may_edit(&message(), stranger, Role::Owner, &content, at, EditWindow::default());
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "the owner neither");
    }

    #[test]
    fn who_looks_after_a_room_edits_his_own_at_any_time() {
        let content = Content::parse("hello", 100).expect("valid");
        for role in [Role::Administrator, Role::Owner] {
            assert_eq!(edit_as(role, &content, 10_000_000), Ok(Verdict::Write));
        }
    }

    #[test]
    fn of_two_neither_speaks_while_one_blocks_the_other() {
        let other = UserId(Uuid::from_u128(2));
        let words = |by, blockers: &[UserId]| may_speak(by, blockers).map_err(|refusal| refusal.to_string());
        assert_eq!(words(AUTHOR, &[]), Ok(()));
        assert_eq!(words(AUTHOR, &[other]), Err("you cannot write to this person".into()));
        let own = words(AUTHOR, &[AUTHOR]).expect_err("his own block");
        assert!(own.contains("unblock"));
        // Of the other's block he learns nothing by his own.
        assert_eq!(words(AUTHOR, &[AUTHOR, other]), Err(own));
    }

    #[test]
    fn who_looks_after_a_room_deletes_what_anybody_wrote_at_any_time() {
        let moderator = UserId(Uuid::from_u128(2));
        for role in [Role::Administrator, Role::Owner] {
            assert_eq!(delete_as(moderator, role, 10_000_000), Ok(Verdict::Write));
            assert_eq!(delete_as(AUTHOR, role, 10_000_000), Ok(Verdict::Write));
        }
        assert!(matches!(delete_as(AUTHOR, Role::Member, 300_001), Err(Refusal::EditWindowClosed(_))));
    }

    #[test]
    fn deleting_twice_and_editing_to_the_same_are_already_so_even_late() {
        let late = Timestamp::from_millis(10_000_000);
        let same = Content::parse("hi", 100).expect("valid");
        let edited = may_edit(&message(), AUTHOR, Role::Member, &same, late, EditWindow::default());
        assert_eq!(edited, Ok(Verdict::AlreadySo));
        let mut gone = message();
        gone.deleted_at = Some(Timestamp::from_millis(9));
        assert_eq!(
            may_delete(&gone, AUTHOR, Role::Member, late, EditWindow::default()),
            Ok(Verdict::AlreadySo)
        );
    }

    #[test]
    fn a_private_room_looks_absent() {
        assert_eq!(outsider(true), Refusal::NotFound("room"));
        assert_eq!(outsider(false), Refusal::NotMember);
    }
}
