//! The tables as the migrations leave them, in diesel's words. Held to the database by a test
//! (`tests/it/postgres/drift.rs`); knows no domain type. Next: [`super::rows`].

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Binary,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
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
        id -> Uuid,
        user_id -> Uuid,
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
        session_id -> Uuid,
        issued_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    rooms (id) {
        id -> Uuid,
        name -> Text,
        description -> Nullable<Text>,
        is_private -> Bool,
        created_by -> Uuid,
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
        room_id -> Uuid,
        user_id -> Uuid,
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
        id -> Uuid,
        room_id -> Uuid,
        seq -> BigInt,
        last_seq -> BigInt,
        author_id -> Uuid,
        client_msg_id -> Uuid,
        body_hash -> Binary,
        content -> Text,
        reply_to -> Nullable<Uuid>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        attachments -> Nullable<Text>,
        thread_root -> Nullable<Uuid>,
        removed_by -> Nullable<Uuid>,
        removed_reason -> Nullable<Text>,
    }
}

diesel::table! {
    log (room_id, seq) {
        room_id -> Uuid,
        seq -> BigInt,
        kind -> Text,
        at -> BigInt,
        message_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    user_log (user_id, seq) {
        user_id -> Uuid,
        seq -> BigInt,
        kind -> Text,
        at -> BigInt,
        room_id -> Nullable<Uuid>,
        received_seq -> Nullable<BigInt>,
        read_seq -> Nullable<BigInt>,
        unread -> Nullable<BigInt>,
        mentions -> Nullable<BigInt>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    mentions (message_id, user_id) {
        message_id -> Uuid,
        user_id -> Uuid,
        room_id -> Uuid,
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
    outbox (kind, id) {
        kind -> Text,
        id -> Uuid,
        seq -> BigInt,
        at -> BigInt,
    }
}

diesel::table! {
    letters (id) {
        id -> Uuid,
        kind -> Text,
        user_id -> Nullable<Uuid>,
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
        user_id -> Uuid,
        email_key -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    email_changes (user_id) {
        user_id -> Uuid,
        email -> Text,
        email_key -> Text,
        old_confirmed -> Bool,
        new_confirmed -> Bool,
        expires_at -> BigInt,
    }
}

diesel::table! {
    reactions (message_id, emoji, user_id) {
        message_id -> Uuid,
        emoji -> Text,
        user_id -> Uuid,
        at -> BigInt,
    }
}

diesel::table! {
    thread_marks (root_id, user_id) {
        root_id -> Uuid,
        user_id -> Uuid,
        read_seq -> BigInt,
    }
}

diesel::table! {
    pins (message_id) {
        message_id -> Uuid,
        room_id -> Uuid,
        seq -> BigInt,
        user_id -> Uuid,
        at -> BigInt,
    }
}

diesel::table! {
    bans (room_id, user_id) {
        room_id -> Uuid,
        user_id -> Uuid,
        banned_by -> Uuid,
        banned_at -> BigInt,
    }
}

diesel::table! {
    conduct (room_id, user_id) {
        room_id -> Uuid,
        user_id -> Uuid,
        sent_at -> Nullable<BigInt>,
        muted_until -> Nullable<BigInt>,
        mute_reason -> Nullable<Text>,
    }
}

diesel::table! {
    reports (id) {
        id -> Uuid,
        message_id -> Uuid,
        room_id -> Uuid,
        created_at -> BigInt,
        resolved_at -> Nullable<BigInt>,
        resolved_by -> Nullable<Uuid>,
        action -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    reporters (report_id, user_id) {
        report_id -> Uuid,
        user_id -> Uuid,
        reason -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    invites (id) {
        id -> Uuid,
        room_id -> Uuid,
        invited_by -> Uuid,
        user_id -> Nullable<Uuid>,
        token_hash -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        max_uses -> Nullable<BigInt>,
        uses -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        at -> BigInt,
        event -> Text,
        actor -> Text,
        actor_id -> Nullable<Uuid>,
        subject_id -> Nullable<Uuid>,
        network -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    blocks (user_id, blocked_id) {
        user_id -> Uuid,
        blocked_id -> Uuid,
        created_at -> BigInt,
    }
}

diesel::table! {
    second_factors (user_id) {
        user_id -> Uuid,
        sealed -> Binary,
        key_id -> Text,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        user_id -> Uuid,
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
        job_id -> Uuid,
        part -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    recovery_codes (user_id, hash) {
        user_id -> Uuid,
        hash -> Binary,
    }
}

diesel::table! {
    files (id) {
        id -> Uuid,
        owner_id -> Uuid,
        purpose -> Text,
        name -> Text,
        media_type -> Text,
        stored_size -> BigInt,
        size -> BigInt,
        has_thumbnail -> Bool,
        sha256 -> Binary,
        created_at -> BigInt,
        is_complete -> Bool,
        message_id -> Nullable<Uuid>,
        unused_since -> Nullable<BigInt>,
        collected_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    search_queue (n) {
        n -> BigInt,
        message_id -> Uuid,
    }
}

diesel::table! {
    search (message_id) {
        message_id -> Uuid,
        place -> BigInt,
        room_id -> Uuid,
        seq -> BigInt,
        folded -> Text,
        terms -> Array<Integer>,
    }
}

diesel::joinable!(logins -> users (user_id));
diesel::joinable!(refresh_tokens -> logins (session_id));
diesel::joinable!(proofs -> users (user_id));
diesel::joinable!(members -> rooms (room_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(bans -> users (user_id));
diesel::joinable!(invites -> rooms (room_id));

diesel::allow_tables_to_appear_in_same_query!(logins, refresh_tokens, users);
diesel::allow_tables_to_appear_in_same_query!(members, messages, rooms);
diesel::allow_tables_to_appear_in_same_query!(users, members, conduct);
diesel::allow_tables_to_appear_in_same_query!(conduct, rooms);
diesel::allow_tables_to_appear_in_same_query!(messages, pins);
diesel::allow_tables_to_appear_in_same_query!(proofs, users);
diesel::allow_tables_to_appear_in_same_query!(bans, users);
diesel::allow_tables_to_appear_in_same_query!(invites, members);
diesel::allow_tables_to_appear_in_same_query!(invites, rooms);
diesel::allow_tables_to_appear_in_same_query!(blocks, users);
diesel::allow_tables_to_appear_in_same_query!(messages, reports, reporters);
