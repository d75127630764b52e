//! What every store promises, as stories: each module holds functions of a store, and
//! [`contract`] makes a test of each of them for one adapter. A promise that only one adapter can
//! make (files, pragmas) is told in that adapter's own module.

mod accounts;
mod changing;
mod history;
mod membership;
mod model;
mod replay;
mod rooms;
mod sending;
pub mod sqlite;
mod sqlite_file;
pub mod support;

/// One test per story: `contract!(name, open)`, where `open` is an `async fn() -> Arc<dyn Store>`
/// that answers an empty store with the default edit window.
macro_rules! contract {
    ($adapter:ident, $open:path) => {
        mod $adapter {
            $crate::contract::contract! { @stories $open;
                sending {
                    numbers_are_gapless_under_concurrent_appenders
                    concurrent_twins_with_one_key_yield_one_row
                    twins_in_one_batch_yield_one_row
                    twins_in_different_rooms_are_a_conflict
                    a_retry_answers_the_first_outcome
                    a_retry_answers_with_the_message_as_it_is_now
                    a_deleted_message_keeps_its_key
                    another_body_under_one_key_is_a_conflict
                    a_used_key_answers_before_a_wrong_reference
                    two_people_may_use_one_key
                    a_refusal_does_not_use_up_the_key
                    a_sender_who_left_is_an_outsider_even_for_his_own_key
                    pipelined_sends_keep_their_order
                    a_refused_operation_does_not_disturb_the_others
                    a_room_named_twice_in_one_commit_goes_on_counting
                    an_unknown_room_refuses_its_own_batch_only
                    a_reply_points_into_its_own_room
                    an_attachment_must_be_known
                    a_committed_message_is_in_the_history_at_once
                    nothing_to_append_is_no_error
                }
                changing {
                    an_edit_takes_a_number_and_keeps_the_place
                    a_deletion_leaves_an_empty_tombstone
                    editing_to_the_same_content_writes_nothing
                    deleting_twice_writes_nothing
                    the_window_is_counted_by_the_servers_time
                    what_is_so_already_needs_no_window
                    only_the_author_may_change_a_message
                    a_deleted_message_cannot_be_edited
                    a_message_of_another_room_is_not_found
                    outsiders_learn_nothing_of_messages
                    a_message_may_be_edited_in_the_commit_that_sends_it
                }
                membership {
                    joining_a_public_room_takes_a_number
                    joining_twice_writes_nothing
                    a_private_room_looks_absent_to_who_would_join
                    a_member_of_a_private_room_has_joined_already
                    nobody_cannot_join
                    leaving_takes_a_number_and_ends_reading
                    leaving_a_room_one_is_not_in_is_refused
                    coming_back_is_a_new_membership
                    membership_changes_count_within_a_batch
                    an_owner_who_leaves_is_followed_by_the_longest_standing_member
                    a_room_everyone_left_has_no_owner
                }
                replay {
                    a_log_is_read_page_by_page_without_a_hole
                    replay_shows_messages_as_they_are_now
                    replay_names_who_joined_and_who_left
                    a_reader_is_judged_in_the_same_snapshot
                    without_a_reader_nobody_is_judged
                    a_position_at_or_beyond_the_head_has_nothing_after_it
                    a_snapshot_has_all_members_and_the_head
                    heads_leave_unknown_rooms_out
                    heads_of_many_rooms_are_answered_at_once
                    heads_of_a_user_come_newest_activity_first
                    every_committed_snapshot_is_whole
                    old_entries_are_forgotten_from_the_beginning_and_messages_stay
                }
                rooms {
                    making_a_room_writes_who_joined_in_order
                    who_is_named_twice_joins_once
                    a_room_with_a_stranger_is_not_made
                    the_rooms_of_a_user_come_newest_activity_first
                    rooms_of_a_user_embed_the_first_members_of_each
                    a_member_sees_members_and_an_outsider_does_not
                    a_private_room_looks_absent
                    the_directory_is_paged_without_repeat_or_hole
                    the_directory_holds_public_rooms_only
                    members_are_paged_without_repeat_or_hole
                    members_are_for_members
                    the_epoch_stays_and_the_store_answers
                }
                history {
                    history_is_paged_from_the_newest_without_repeat_or_hole
                    a_full_last_page_has_no_cursor
                    history_keeps_tombstones_and_edits_in_place
                    history_is_for_members
                    one_message_is_for_members
                    a_key_finds_its_message
                }
                accounts {
                    an_account_is_found_by_address_without_case
                    a_username_is_taken_without_case
                    an_address_is_taken_without_case
                    a_refused_account_leaves_nothing
                    of_racing_twins_one_gets_the_name
                    a_refresh_token_works_and_its_successor_too
                    two_tabs_within_the_grace_are_both_renewed
                    tabs_at_the_same_moment_are_both_renewed
                    the_grace_counts_from_the_first_use
                    later_reuse_revokes_the_whole_family
                    an_expired_or_unknown_token_is_refused
                    a_revoked_login_is_worthless
                    logins_of_one_person_are_separate
                }
            }
        }
    };
    (@stories $open:path; $($file:ident { $($story:ident)* })*) => {$(
        mod $file {$(
            #[test]
            fn $story() {
                $crate::contract::support::run(async {
                    $crate::contract::$file::$story($open().await).await;
                });
            }
        )*}
    )*};
}

use contract;

contract!(on_a_file, crate::contract::sqlite::temporary);
contract!(inline, crate::contract::sqlite::inline);
