//! What a member may do to a room and to the others in it, by their roles. Called inside the
//! transaction that would do it, like [`super::policy`].

use super::{Refusal, Role};

/// What not everybody in a room may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Change name, description, topic and visibility.
    Update,
    /// Close it for writing, or open it again.
    Archive,
    /// Invite one person.
    Invite,
    /// Make and see links, see all invitations, and take those of others back.
    ManageInvites,
    /// Put somebody in.
    Add,
    /// Put a member out.
    Remove,
    /// Keep somebody out, let him in again, and see who is kept out.
    Ban,
    /// Keep a member from writing for a time, and let him again.
    Mute,
    /// See what is reported, and resolve it.
    Review,
    /// Give a role that is not the owner's.
    SetRole,
    /// Make another the owner.
    Transfer,
    /// Keep a message in view.
    Pin,
    /// Mention all members at once, or all who are there.
    MentionGroup,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Update,
        Self::Archive,
        Self::Invite,
        Self::ManageInvites,
        Self::Add,
        Self::Remove,
        Self::Ban,
        Self::Mute,
        Self::Review,
        Self::SetRole,
        Self::Transfer,
        Self::Pin,
        Self::MentionGroup,
    ];

    /// The least role that may. Into a public room everybody may come, so everybody in it may invite.
    const fn least(self, is_private: bool) -> Role {
        match self {
            Self::Invite if !is_private => Role::Member,
            Self::Update
            | Self::Archive
            | Self::Invite
            | Self::ManageInvites
            | Self::Add
            | Self::Remove
            | Self::Ban
            | Self::Mute
            | Self::Review
            | Self::Pin
            | Self::MentionGroup => Role::Administrator,
            Self::SetRole | Self::Transfer => Role::Owner,
        }
    }
}

/// May somebody with the role `by` do it at all?
///
/// # Errors
/// `Forbidden`.
pub fn may(by: Role, action: Action, is_private: bool) -> Result<(), Refusal> {
    if by >= action.least(is_private) {
        Ok(())
    } else {
        Err(Refusal::Forbidden("your role here does not allow that"))
    }
}

/// May he do it to a member with the role `target`? Nobody does to his equal or to one above him.
///
/// # Errors
/// `Forbidden`.
pub fn may_to(by: Role, action: Action, is_private: bool, target: Role) -> Result<(), Refusal> {
    may(by, action, is_private)?;
    if by > target { Ok(()) } else { Err(Refusal::Forbidden("that member's role is not below yours")) }
}

#[cfg(test)]
mod tests {
    use Role::{Administrator, Member, Owner};

    use super::*;

    type Row = (Action, [Role; 3], &'static [Role], &'static [Role]);

    /// Who may, in a private and in a public room: a row for each action.
    const TABLE: [Row; 13] = {
        const ALL: [Role; 3] = [Member, Administrator, Owner];
        const HIGH: &[Role] = &[Administrator, Owner];
        [
            (Action::Update, ALL, HIGH, HIGH),
            (Action::Archive, ALL, HIGH, HIGH),
            (Action::Invite, ALL, HIGH, &ALL),
            (Action::ManageInvites, ALL, HIGH, HIGH),
            (Action::Add, ALL, HIGH, HIGH),
            (Action::Remove, ALL, HIGH, HIGH),
            (Action::Ban, ALL, HIGH, HIGH),
            (Action::Mute, ALL, HIGH, HIGH),
            (Action::Review, ALL, HIGH, HIGH),
            (Action::SetRole, ALL, &[Owner], &[Owner]),
            (Action::Transfer, ALL, &[Owner], &[Owner]),
            (Action::Pin, ALL, HIGH, HIGH),
            (Action::MentionGroup, ALL, HIGH, HIGH),
        ]
    };

    #[test]
    fn the_table_holds_every_action_once() {
        assert_eq!(TABLE.map(|row| row.0), Action::ALL);
    }

    #[test]
    fn every_role_may_what_the_table_says() {
        for (action, roles, private, public) in TABLE {
            for by in roles {
                assert_eq!(may(by, action, true).is_ok(), private.contains(&by), "{by:?} {action:?} private");
                assert_eq!(may(by, action, false).is_ok(), public.contains(&by), "{by:?} {action:?} public");
            }
        }
    }

    #[test]
    fn nobody_does_to_his_equal_or_to_one_above_him() {
        for (action, roles, private, public) in TABLE {
            for (by, target) in roles.into_iter().flat_map(|by| roles.map(|target| (by, target))) {
                for (is_private, may) in [(true, private), (false, public)] {
                    let expected = may.contains(&by) && by > target;
                    let judged = may_to(by, action, is_private, target);
                    assert_eq!(judged.is_ok(), expected, "{by:?} {action:?} {target:?} {is_private}");
                }
            }
        }
    }
}
