//! What every store promises, as stories: each module holds functions of a store, and
//! [`contract`] makes a test of each of them for one adapter. A promise that only one adapter can
//! make (files, pragmas) is told in that adapter's own module.

mod accounts;
pub mod administering;
mod changing;
mod files;
mod history;
pub mod indexing;
mod inviting;
mod jobs;
mod letters;
mod managing;
mod marks;
mod membership;
mod mentioning;
mod model;
mod moderating;
mod people;
mod pinning;
mod proofs;
mod reacting;
mod repairing;
mod replay;
mod reporting;
mod rooms;
pub mod searching;
mod second_factors;
mod sending;
pub mod sqlite;
mod sqlite_file;
mod sqlite_history;
mod sqlite_migrating;
pub mod standing;
pub mod support;
mod threads;
mod user_logs;
pub mod widened;

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
                    who_looks_after_a_room_deletes_at_any_time
                    who_looks_after_a_room_edits_his_own_at_any_time
                    a_room_may_have_a_window_of_its_own
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
                    who_comes_first_into_a_room_everyone_left_owns_it
                }
                indexing {
                    the_newest_is_indexed_first_and_little_at_a_time
                    a_text_that_changes_while_it_is_cut_is_never_found_as_it_was
                    what_was_read_long_ago_disturbs_nothing
                }
                searching {
                    any_part_of_a_text_is_found_in_any_case_and_script
                    all_that_is_asked_for_must_hold
                    what_was_edited_or_deleted_is_not_found_from_that_commit_on
                    only_who_may_read_a_message_finds_it
                    hits_are_paged_from_the_newest_without_repeat_or_hole
                    a_hit_stands_between_its_neighbours
                    what_one_can_see_is_found_and_nothing_else
                }
                reacting {
                    a_sign_is_expressed_once_and_taken_back
                    a_message_has_at_most_twenty_kinds
                    who_may_not_read_or_write_does_not_react
                }
                pinning {
                    who_looks_after_a_room_pins_and_unpins
                    a_room_has_at_most_fifty_pins
                    who_may_not_read_or_write_does_not_pin
                    in_a_conversation_everybody_pins
                    what_was_before_joining_is_neither_shown_nor_touched
                }
                threads {
                    an_answer_to_an_answer_belongs_to_the_same_thread
                    a_thread_tells_who_answered_and_when
                    each_has_a_mark_of_his_own_in_each_thread
                    of_a_thread_one_reads_what_came_since_he_may
                }
                managing {
                    a_room_is_changed_by_those_who_may
                    what_is_so_already_is_not_written_again
                    nothing_is_written_into_an_archived_room
                    somebody_is_put_in_and_out
                    roles_are_given_by_the_owner
                    an_owner_transfers_the_room
                    who_is_banned_stays_outside_until_he_is_not
                    bans_are_paged_for_those_who_may_ban
                    what_happens_to_messages_from_before_takes_its_number_and_tells_nothing
                    who_joins_reads_from_there_on_where_that_is_the_rule
                    what_one_sets_for_himself_is_told_to_his_devices
                    the_directory_is_searched_in_any_case
                }
                moderating {
                    in_slow_mode_members_wait_and_administrators_do_not
                    in_one_commit_too_only_one_message_passes
                    who_leaves_and_comes_back_waits_all_the_same
                    who_is_muted_reads_on_and_writes_nothing
                    nobody_mutes_who_is_not_below_him
                    a_mute_outlasts_leaving_and_coming_back
                    a_mute_is_seen_by_the_person_and_by_who_may_mute
                    the_reason_of_a_mute_ends_with_it
                    who_deletes_what_another_wrote_may_say_why
                    a_message_may_be_taken_away_in_the_commit_that_sends_it
                }
                reporting {
                    what_several_say_of_a_message_is_one_report
                    what_one_reported_is_told_to_oneself_alone
                    one_reports_what_one_may_read_and_did_not_write
                    reports_are_for_those_who_look_after_others
                    who_looks_after_a_room_sees_no_reports_from_before_he_joined_where_that_is_hidden
                    a_report_is_resolved_once
                    a_moderator_of_the_server_takes_down_what_is_anywhere
                }
                inviting {
                    somebody_is_invited_and_accepts
                    an_invitation_is_declined_or_taken_back
                    a_link_lets_in_as_many_as_it_says
                    of_racing_guests_as_many_come_in_as_the_link_lets
                    bans_win_over_invitations
                    who_was_put_out_has_no_old_invitation
                    an_invitation_ends_with_the_power_of_who_made_it
                    what_a_member_may_do_too_outlasts_his_role
                    who_may_not_invite_does_not
                    a_conversation_is_found_again
                    of_racing_openers_all_get_the_same_conversation
                    who_leaves_a_group_conversation_is_out_of_it
                    nobody_comes_into_a_conversation_or_goes
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
                    the_growth_of_rooms_is_their_head_and_their_messages
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
                    an_archived_room_is_in_the_directory_of_its_members
                    members_are_paged_without_repeat_or_hole
                    members_are_for_members
                    the_epoch_stays_and_the_store_answers
                }
                history {
                    history_is_paged_from_the_newest_without_repeat_or_hole
                    a_full_last_page_has_no_cursor
                    history_keeps_tombstones_and_edits_in_place
                    a_page_is_about_a_message_or_a_moment
                    pages_go_on_to_newer_messages_as_to_older_ones
                    history_is_for_members
                    what_was_before_joining_is_no_place_to_jump_to
                    one_message_is_for_members
                    a_key_finds_its_message
                }
                marks {
                    marks_merge_by_maximum_and_never_pass_the_head
                    who_has_read_has_received
                    a_move_is_told_with_the_counts_of_the_moment
                    what_does_not_move_writes_nothing
                    moves_of_one_member_in_one_commit_are_one_entry
                    an_outsider_moves_no_marks
                    sending_moves_the_own_marks_and_tells_nobody
                    a_retry_moves_no_marks
                    joining_starts_with_nothing_unread
                    unread_is_what_others_wrote_and_did_not_delete
                    heads_of_a_user_tell_all_of_each_room
                    what_counts_for_members_is_asked_for_many_at_once
                    each_commit_tells_how_many_messages_were_ever_sent
                    each_commit_tells_whose_counts_it_changed
                    each_commit_tells_how_many_are_in_the_room_then
                    marks_of_members_are_paged_without_repeat_or_hole
                    marks_are_for_members
                }
                mentioning {
                    a_member_who_is_named_is_mentioned
                    nobody_mentions_himself
                    an_outsider_is_not_mentioned_even_when_he_joins_later
                    who_joins_in_the_same_commit_is_mentioned_from_then_on
                    an_edit_mentions_anew
                    a_deletion_takes_its_mentions_back
                    in_one_commit_the_last_text_counts
                    who_looks_after_a_room_mentions_all_at_once
                    who_comes_and_goes_in_the_same_commit_is_meant_by_when
                    in_a_conversation_everybody_mentions_all
                    a_text_full_of_names_is_stored_all_the_same
                }
                user_logs {
                    who_is_in_a_new_room_is_told_once
                    a_room_that_is_not_made_is_told_to_nobody
                    joining_and_leaving_are_told_once_to_who_does
                    numbers_of_a_users_log_are_gapless_whatever_is_written_at_once
                    a_users_log_is_read_page_by_page_without_a_hole
                    heads_of_users_leave_unknown_ones_out
                    old_entries_of_users_are_forgotten_from_the_beginning
                    when_someone_was_here_never_goes_back
                }
                repairing {
                    of_racing_takers_one_gets_the_ticket
                    an_expired_ticket_is_never_taken
                    a_ticket_kept_twice_is_taken_once
                    a_renewed_epoch_is_the_epoch
                    logins_that_ended_are_found_by_when_they_did
                    a_store_without_an_outbox_has_nothing_to_announce
                }
                standing {
                    the_marks_and_the_membership_are_told_also_of_a_private_room
                    what_is_not_there_is_not_found
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
                administering {
                    a_role_is_given_and_recorded_in_one
                    of_those_who_may_the_first_administers
                    who_may_not_does_not_administer_though_he_is_the_first
                    a_closed_account_has_no_login_and_gets_none
                    a_password_is_set_and_every_login_ends
                    people_are_found_by_name_and_address_and_listed_once_each
                    an_address_is_confirmed_by_hand
                    records_are_paged_and_filtered_newest_first
                    a_record_says_what_was_said
                    old_records_go_and_young_ones_stay_whatever_is_asked
                    what_happens_is_recorded_with_it_or_not_at_all
                }
                people {
                    a_profile_is_changed_and_the_own_devices_are_told_once
                    people_are_found_by_the_beginning_of_their_names
                    who_is_blocked_cannot_put_the_blocker_into_a_room
                    who_is_blocked_neither_adds_nor_invites_nor_writes_to_the_blocker
                    of_two_neither_speaks_while_one_blocks_the_other
                    blocks_are_listed_the_last_first_and_bounded
                }
                jobs {
                    a_job_is_one_workers_until_his_time_is_over
                    of_racing_workers_one_gets_each_job
                    a_failed_attempt_is_made_again_when_it_is_time
                    one_export_at_a_time_and_the_newest_is_kept
                    what_is_over_is_dropped_with_its_result
                    own_messages_are_read_in_the_order_of_their_keys
                    a_closed_account_keeps_its_place_and_nothing_of_its_owner
                    an_erased_message_leaves_its_place_whenever_and_wherever
                }
                files {
                    a_message_shows_its_files_wherever_it_is_read
                    a_retry_compares_the_files_in_their_order
                    a_file_is_sent_once_and_by_its_owner
                    of_racing_messages_in_many_rooms_one_gets_the_file
                    an_unfinished_file_cannot_be_sent_or_read
                    a_file_is_read_by_who_reads_its_message
                    a_file_from_before_is_not_shown_to_who_came_later
                    a_file_of_a_reported_message_is_for_moderators_while_it_is_reported
                    a_deleted_message_shows_no_files_and_lets_them_go
                    an_unused_file_goes_to_one_collector_and_never_comes_back
                    all_files_of_one_user_together_have_a_limit
                    a_picture_takes_the_place_of_the_one_before
                }
                letters {
                    a_letter_is_handed_out_again_until_it_is_done
                    of_racing_carriers_one_gets_each_letter
                    the_longest_due_goes_first
                    the_queue_tells_its_length_and_its_oldest
                    a_newcomer_is_written_with_the_account_or_not_at_all
                }
                second_factors {
                    a_secret_waits_until_it_is_confirmed
                    a_step_is_used_once_and_none_before_it
                    of_racing_users_of_one_code_one_succeeds
                    recovery_codes_are_replaced_all_at_once
                    what_is_switched_off_leaves_nothing
                    secrets_of_another_key_are_found_and_sealed_anew
                    the_owner_is_written_with_each_change_or_not_at_all
                }
                proofs {
                    an_address_is_verified_once_and_in_time
                    a_proof_is_good_for_its_purpose_alone
                    a_proof_of_another_address_verifies_nothing
                    a_reset_sets_the_password_and_ends_every_login
                    of_racing_resets_one_sets_the_password
                    a_changed_password_keeps_the_login_that_changed_it
                    a_password_is_hashed_anew_only_if_it_is_the_same
                    an_address_is_changed_when_both_have_agreed
                    an_address_that_nobody_confirmed_is_not_asked
                    a_later_wish_takes_the_place_of_an_earlier_one
                    an_address_of_somebody_else_is_refused_now_and_later
                    a_reset_forgets_the_wish_for_another_address
                    living_logins_are_listed_the_last_used_first
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
contract!(on_postgres, crate::postgres::temporary);
