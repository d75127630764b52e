//! The tables as the migrations leave them, in diesel's words. Written by `diesel print-schema`
//! (see `diesel.toml`); knows no domain type. Next: [`super::rows`].

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Binary,
    }
}

diesel::table! {
    users (id) {
        id -> Binary,
        username -> Text,
        username_key -> Text,
        email -> Text,
        email_key -> Text,
        avatar -> Nullable<Text>,
        password_hash -> Text,
        created_at -> BigInt,
        last_seen -> Nullable<BigInt>,
        user_seq -> BigInt,
        user_first_retained -> BigInt,
        email_verified_at -> Nullable<BigInt>,
        server_role -> Text,
        disabled_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        display_name -> Nullable<Text>,
        status_text -> Nullable<Text>,
    }
}

diesel::table! {
    logins (id) {
        id -> Binary,
        user_id -> Binary,
        created_at -> BigInt,
        device -> Nullable<Text>,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        network -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> Binary,
        issued_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    rooms (id) {
        id -> Binary,
        name -> Text,
        description -> Nullable<Text>,
        is_private -> Bool,
        created_by -> Binary,
        created_at -> BigInt,
        last_seq -> BigInt,
        first_retained -> BigInt,
        member_count -> BigInt,
        last_activity -> BigInt,
        message_count -> BigInt,
        kind -> Text,
        topic -> Nullable<Text>,
        history -> Text,
        archived_at -> Nullable<BigInt>,
        edit_window -> Nullable<BigInt>,
        slow_mode -> BigInt,
        direct_key -> Nullable<Binary>,
    }
}

diesel::table! {
    members (room_id, user_id) {
        room_id -> Binary,
        user_id -> Binary,
        role -> Text,
        joined_at -> BigInt,
        joined_seq -> BigInt,
        received_seq -> BigInt,
        read_seq -> BigInt,
        notifications -> Text,
        muted_until -> Nullable<BigInt>,
        is_favourite -> Bool,
    }
}

diesel::table! {
    messages (id) {
        id -> Binary,
        room_id -> Binary,
        seq -> BigInt,
        last_seq -> BigInt,
        author_id -> Binary,
        client_msg_id -> Binary,
        body_hash -> Binary,
        content -> Text,
        reply_to -> Nullable<Binary>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        attachments -> Nullable<Text>,
        thread_root -> Nullable<Binary>,
        removed_by -> Nullable<Binary>,
        removed_reason -> Nullable<Text>,
    }
}

diesel::table! {
    log (room_id, seq) {
        room_id -> Binary,
        seq -> BigInt,
        kind -> Text,
        at -> BigInt,
        message_id -> Nullable<Binary>,
        user_id -> Nullable<Binary>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    user_log (user_id, seq) {
        user_id -> Binary,
        seq -> BigInt,
        kind -> Text,
        at -> BigInt,
        room_id -> Nullable<Binary>,
        received_seq -> Nullable<BigInt>,
        read_seq -> Nullable<BigInt>,
        unread -> Nullable<BigInt>,
        mentions -> Nullable<BigInt>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    mentions (message_id, user_id) {
        message_id -> Binary,
        user_id -> Binary,
        room_id -> Binary,
        seq -> BigInt,
    }
}

diesel::table! {
    tickets (hash) {
        hash -> Binary,
        ticket -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    letters (id) {
        id -> Binary,
        kind -> Text,
        user_id -> Nullable<Binary>,
        address -> Text,
        created_at -> BigInt,
        due_at -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    proofs (hash) {
        hash -> Binary,
        purpose -> Text,
        user_id -> Binary,
        email_key -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    email_changes (user_id) {
        user_id -> Binary,
        email -> Text,
        email_key -> Text,
        old_confirmed -> Bool,
        new_confirmed -> Bool,
        expires_at -> BigInt,
    }
}

diesel::table! {
    reactions (message_id, emoji, user_id) {
        message_id -> Binary,
        emoji -> Text,
        user_id -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    thread_marks (root_id, user_id) {
        root_id -> Binary,
        user_id -> Binary,
        read_seq -> BigInt,
    }
}

diesel::table! {
    pins (message_id) {
        message_id -> Binary,
        room_id -> Binary,
        seq -> BigInt,
        user_id -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    bans (room_id, user_id) {
        room_id -> Binary,
        user_id -> Binary,
        banned_by -> Binary,
        banned_at -> BigInt,
    }
}

diesel::table! {
    conduct (room_id, user_id) {
        room_id -> Binary,
        user_id -> Binary,
        sent_at -> Nullable<BigInt>,
        muted_until -> Nullable<BigInt>,
        mute_reason -> Nullable<Text>,
    }
}

diesel::table! {
    reports (id) {
        id -> Binary,
        message_id -> Binary,
        room_id -> Binary,
        created_at -> BigInt,
        resolved_at -> Nullable<BigInt>,
        resolved_by -> Nullable<Binary>,
        action -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    reporters (report_id, user_id) {
        report_id -> Binary,
        user_id -> Binary,
        reason -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    invites (id) {
        id -> Binary,
        room_id -> Binary,
        invited_by -> Binary,
        user_id -> Nullable<Binary>,
        token_hash -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        max_uses -> Nullable<BigInt>,
        uses -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Binary,
        at -> BigInt,
        event -> Text,
        actor -> Text,
        actor_id -> Nullable<Binary>,
        subject_id -> Nullable<Binary>,
        network -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    blocks (user_id, blocked_id) {
        user_id -> Binary,
        blocked_id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    second_factors (user_id) {
        user_id -> Binary,
        sealed -> Binary,
        key_id -> Text,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Binary,
        user_id -> Binary,
        kind -> Text,
        options -> Nullable<Text>,
        state -> Text,
        progress -> BigInt,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        due_at -> BigInt,
        attempts -> BigInt,
        at -> Nullable<Text>,
        parts -> BigInt,
    }
}

diesel::table! {
    job_parts (job_id, part) {
        job_id -> Binary,
        part -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    recovery_codes (user_id, hash) {
        user_id -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    files (id) {
        id -> Binary,
        owner_id -> Binary,
        purpose -> Text,
        name -> Text,
        media_type -> Text,
        stored_size -> BigInt,
        size -> BigInt,
        has_thumbnail -> Bool,
        sha256 -> Binary,
        created_at -> BigInt,
        is_complete -> Bool,
        message_id -> Nullable<Binary>,
        unused_since -> Nullable<BigInt>,
        collected_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    search_queue (n) {
        n -> BigInt,
        message_id -> Binary,
    }
}

diesel::table! {
    search (place) {
        place -> BigInt,
        message_id -> Binary,
        room_id -> Binary,
        seq -> BigInt,
        folded -> Text,
    }
}

diesel::joinable!(logins -> users (user_id));
diesel::joinable!(refresh_tokens -> logins (session_id));
diesel::joinable!(proofs -> users (user_id));
diesel::joinable!(members -> rooms (room_id));
diesel::joinable!(members -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(logins, refresh_tokens, users);
diesel::allow_tables_to_appear_in_same_query!(log, members, messages, rooms);
diesel::allow_tables_to_appear_in_same_query!(users, log);
diesel::allow_tables_to_appear_in_same_query!(users, members, conduct);
diesel::allow_tables_to_appear_in_same_query!(conduct, rooms);
diesel::allow_tables_to_appear_in_same_query!(messages, pins);
diesel::allow_tables_to_appear_in_same_query!(users, messages);
diesel::allow_tables_to_appear_in_same_query!(user_log, users);
diesel::allow_tables_to_appear_in_same_query!(proofs, users);
diesel::joinable!(bans -> users (user_id));
diesel::joinable!(invites -> rooms (room_id));

diesel::allow_tables_to_appear_in_same_query!(bans, users);
diesel::allow_tables_to_appear_in_same_query!(invites, members);
diesel::allow_tables_to_appear_in_same_query!(invites, rooms);
diesel::allow_tables_to_appear_in_same_query!(blocks, users);
diesel::allow_tables_to_appear_in_same_query!(messages, reports, reporters);
