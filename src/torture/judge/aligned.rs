//! Whether what stands in a log comes of what was done, where the fate of some deeds is not known.

use std::collections::BTreeSet;

use crate::torture::deeds::Fate;

/// Kinds of entries that are told apart.
pub const CLASSES: usize = 4;

/// A deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The kind of entry that it leaves, below [`CLASSES`].
    pub class: usize,
    pub fate: Fate,
}

type States = BTreeSet<(usize, [u16; CLASSES])>;

/// Whether these entries come of these deeds, one after the other: each that was acknowledged left one,
/// each that was refused none, and an open one left one at any time after it was asked for, or never. After
/// an open one the next may have found done already what it wanted.
#[must_use]
pub fn explains(steps: &[Step], rows: &[usize]) -> bool {
    // How many entries are explained, and how many open deeds of each class might still leave one.
    let mut states = States::from([(0, [0; CLASSES])]);
    let mut is_unsure = false;
    for step in steps {
        let Some(class) = Some(step.class).filter(|class| *class < CLASSES) else { return false };
        states = match step.fate {
            Fate::Void => states,
            Fate::Open => {
                is_unsure = true;
                let open = |(at, mut floating): (usize, [u16; CLASSES])| {
                    floating[class] = floating[class].saturating_add(1);
                    (at, floating)
                };
                states.into_iter().map(open).collect()
            }
            Fate::Done => {
                let ready = late(states, rows);
                let left = |(at, floating): &(usize, [u16; CLASSES])| {
                    (rows.get(*at) == Some(&class)).then_some((at + 1, *floating))
                };
                let mut next: States = ready.iter().filter_map(left).collect();
                let is_so = |(at, _): &(usize, [u16; CLASSES])| {
                    at.checked_sub(1).and_then(|last| rows.get(last)) == Some(&class)
                };
                next.extend(ready.into_iter().filter(|state| is_unsure && is_so(state)));
                next
            }
        };
    }
    late(states, rows).iter().any(|(at, _)| *at == rows.len())
}

/// With what open deeds may have left by now.
fn late(states: States, rows: &[usize]) -> States {
    let (mut all, mut new) = (states.clone(), states);
    while !new.is_empty() {
        let left = |(at, mut floating): (usize, [u16; CLASSES])| {
            let waiting = floating.get_mut(*rows.get(at)?)?;
            *waiting = waiting.checked_sub(1)?;
            Some((at + 1, floating))
        };
        new = new.into_iter().filter_map(left).filter(|state| !all.contains(state)).collect();
        all.extend(new.iter().copied());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(class: usize, fate: Fate) -> Step {
        Step { class, fate }
    }

    #[test]
    fn what_was_acknowledged_is_there_once_and_in_order() {
        let done = [step(0, Fate::Done), step(1, Fate::Done), step(0, Fate::Done)];
        assert!(explains(&done, &[0, 1, 0]));
        for wrong in [&[0, 1][..], &[0, 0, 1], &[0, 1, 0, 1], &[]] {
            assert!(!explains(&done, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_was_refused_is_not_there() {
        assert!(explains(&[step(0, Fate::Void)], &[]));
        assert!(!explains(&[step(0, Fate::Void)], &[0]));
    }

    #[test]
    fn what_is_open_is_there_at_any_later_time_once_or_never() {
        let open = [step(1, Fate::Open), step(0, Fate::Done), step(2, Fate::Done)];
        for right in [&[0, 2][..], &[1, 0, 2], &[0, 1, 2], &[0, 2, 1]] {
            assert!(explains(&open, right), "{right:?}");
        }
        assert!(!explains(&open, &[1, 0, 1, 2]), "not twice");
        assert!(
            !explains(&[step(0, Fate::Done), step(1, Fate::Open)], &[1, 0]),
            "not before it was asked for"
        );
    }

    #[test]
    fn after_an_open_one_the_next_may_have_found_it_done() {
        let steps = [step(0, Fate::Open), step(0, Fate::Done)];
        assert!(explains(&steps, &[0]) && explains(&steps, &[0, 0]));
        assert!(!explains(&steps, &[]), "one of the two left something");
        assert!(!explains(&[step(0, Fate::Done)], &[]), "without an open one it is there");
    }
}
