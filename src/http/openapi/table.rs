//! What each operation answers: the part of the document that routes and types do not tell.

/// The answers of one operation.
pub(super) struct Answers {
    pub(super) operation: &'static str,
    pub(super) success: (u16, &'static str),
    pub(super) errors: &'static [(u16, &'static str)],
}

const fn row(
    operation: &'static str,
    success: (u16, &'static str),
    errors: &'static [(u16, &'static str)],
) -> Answers {
    Answers { operation, success, errors }
}

/// Errors that any operation with a body answers.
pub(super) const WITH_BODY: &[(u16, &str)] = &[
    (400, "Validation error"),
    (413, "The body is too large"),
    (415, "The content type is not application/json"),
];
/// Errors that any operation behind a token answers.
pub(super) const WITH_TOKEN: &[(u16, &str)] =
    &[(401, "No access token, or one that is wrong, expired or revoked"), (429, "Too many requests")];
/// Errors that any operation answers.
pub(super) const ANY: &[(u16, &str)] = &[
    (429, "Too many requests"),
    (500, "The server's own fault"),
    (503, "Overload or a lost database: try again"),
];

const VALIDATION: (u16, &str) = (400, "Validation error");
const NO_USER: (u16, &str) = (404, "No such user");
const NOT_ADMINISTRATOR: (u16, &str) = (403, "Only administrators may do this");
const NOT_MODERATOR: (u16, &str) = (403, "Only moderators may do this");
const NO_ROOM: (u16, &str) = (404, "Room not found");
const NO_MESSAGE: (u16, &str) = (404, "Message not found");
const TOO_MANY: (u16, &str) = (429, "Too many requests");
const NO_MAIL: (u16, &str) = (403, "This installation sends no mail");
const TAKEN: (u16, &str) = (409, "Somebody has the address");
const NOT_VERIFIED: (u16, &str) = (403, "Your e-mail address is not confirmed");
const NOT_A_PAGE: (u16, &str) = (403, "A cookie counts from an allowed origin with its header alone");
const NO_FILE: (u16, &str) = (404, "File not found");
const NO_SORT: (u16, &str) = (415, "None of the sorts of files that are taken");
const FILE_SIZE: (u16, &str) = (413, "The file is too large, or all of your files together are");
const NOT_MEMBER: (u16, &str) =
    (403, "Not a member of this public room, or your e-mail address is not confirmed and it is private");

const NOT_ALLOWED: (u16, &str) = (403, "Not a member, or your role does not allow it");
const ARCHIVED: (u16, &str) = (409, "The room is archived");
const NO_INVITE: (u16, &str) = (404, "Invitation not found, or not open any more");

/// By the operations' ids.
pub(super) const OPERATIONS: &[Answers] = &[
    row(
        "register",
        (201, "User created successfully"),
        &[VALIDATION, (409, "User already exists"), (429, "Too many requests")],
    ),
    row(
        "login",
        (200, "Login successful"),
        &[(401, "Invalid credentials"), (403, "The account was closed"), (429, "Too many requests")],
    ),
    row(
        "refresh",
        (200, "Tokens renewed"),
        &[(401, "Invalid refresh token"), NOT_A_PAGE, (429, "Too many requests")],
    ),
    row("logout", (204, "Login ended"), &[NOT_A_PAGE]),
    row("logoutAll", (204, "All logins ended"), &[]),
    row("listSessions", (200, "Your logins"), &[]),
    row("endSession", (204, "Login ended"), &[VALIDATION, (404, "You have no such login")]),
    row("getKeys", (200, "The keys"), &[]),
    row("verifyEmail", (204, "Address confirmed"), &[(400, "The token is not good"), TOO_MANY]),
    row(
        "resendVerification",
        (202, "A mail will come"),
        &[NO_MAIL, (409, "The address is confirmed already")],
    ),
    row(
        "forgotPassword",
        (202, "A mail will come, if there is such an account"),
        &[VALIDATION, NO_MAIL, TOO_MANY],
    ),
    row("resetPassword", (204, "Password set"), &[(400, "The token or the password is not good"), TOO_MANY]),
    row("confirmEmail", (200, "Confirmed"), &[(400, "The token is not good"), TAKEN, TOO_MANY]),
    row("changePassword", (204, "Password changed"), &[VALIDATION, (409, "It was changed meanwhile")]),
    row("changeEmail", (202, "Mails will come"), &[VALIDATION, NO_MAIL, TAKEN]),
    row(
        "beginSecondFactor",
        (201, "A secret to be confirmed"),
        &[VALIDATION, (409, "A second factor is set")],
    ),
    row(
        "confirmSecondFactor",
        (200, "Set; recovery codes"),
        &[VALIDATION, (409, "None waits to be confirmed")],
    ),
    row("renewRecoveryCodes", (200, "Other recovery codes"), &[VALIDATION, (409, "No second factor is set")]),
    row("removeSecondFactor", (204, "Switched off"), &[VALIDATION, (409, "No second factor is set")]),
    row("getMe", (200, "You"), &[]),
    row("changeProfile", (200, "You, as you are now"), &[VALIDATION]),
    row("deleteAccount", (202, "The account is closed, and will be gone"), &[VALIDATION]),
    row("exportData", (202, "It will be put together"), &[]),
    row("listJobs", (200, "Your jobs"), &[]),
    row("getJob", (200, "The job"), &[VALIDATION, (404, "You have no such job")]),
    row(
        "getJobResult",
        (200, "The result, as application/x-ndjson"),
        &[VALIDATION, (404, "There is none, or it was dropped"), (409, "The job is not done")],
    ),
    row("findUsers", (200, "People found"), &[VALIDATION]),
    row("getUser", (200, "The person"), &[VALIDATION, NO_USER]),
    row("listBlocks", (200, "Whom you block"), &[]),
    row("blockUser", (204, "Blocked"), &[VALIDATION, NO_USER, (413, "You block as many as one may")]),
    row("unblockUser", (204, "Not blocked"), &[VALIDATION]),
    row("listRooms", (200, "Rooms retrieved successfully"), &[]),
    row(
        "createRoom",
        (201, "Room created successfully"),
        &[VALIDATION, NOT_VERIFIED, (429, "Too many requests")],
    ),
    row("getRoom", (200, "The room"), &[VALIDATION, NOT_VERIFIED, NO_ROOM]),
    row(
        "joinRoom",
        (200, "The room joined"),
        &[
            VALIDATION,
            (403, "You are banned from it, or your e-mail address is not confirmed"),
            NO_ROOM,
            (409, "The room is archived"),
        ],
    ),
    row(
        "leaveRoom",
        (204, "Room left"),
        &[VALIDATION, (403, "Not a member of this public room, or a direct conversation"), NO_ROOM],
    ),
    row("listMembers", (200, "Members retrieved successfully"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row("updateRoom", (200, "The room as it is now"), &[VALIDATION, NOT_ALLOWED, NO_ROOM, ARCHIVED]),
    row("archiveRoom", (200, "The room as it is now"), &[VALIDATION, NOT_ALLOWED, NO_ROOM]),
    row("unarchiveRoom", (200, "The room as it is now"), &[VALIDATION, NOT_ALLOWED, NO_ROOM]),
    row(
        "addMember",
        (204, "In the room"),
        &[VALIDATION, NOT_ALLOWED, NO_ROOM, (409, "The person is banned, or the room is archived")],
    ),
    row(
        "removeMember",
        (204, "Out of the room"),
        &[VALIDATION, NOT_ALLOWED, (404, "Room or member not found")],
    ),
    row("setRole", (204, "Role given"), &[VALIDATION, NOT_ALLOWED, (404, "Room or member not found")]),
    row(
        "transferRoom",
        (204, "Room transferred"),
        &[VALIDATION, NOT_ALLOWED, (404, "Room or member not found")],
    ),
    row("banUser", (204, "Banned"), &[VALIDATION, NOT_ALLOWED, (404, "Room or user not found")]),
    row("unbanUser", (204, "No longer banned"), &[VALIDATION, NOT_ALLOWED, NO_ROOM]),
    row("muteMember", (204, "Muted"), &[VALIDATION, NOT_ALLOWED, (404, "Room or member not found")]),
    row("unmuteMember", (204, "Not muted"), &[VALIDATION, NOT_ALLOWED, (404, "Room or member not found")]),
    row("listBans", (200, "Bans retrieved successfully"), &[VALIDATION, NOT_ALLOWED, NO_ROOM]),
    row(
        "createInvite",
        (201, "Invitation made, or the one there is"),
        &[
            VALIDATION,
            NOT_ALLOWED,
            NO_ROOM,
            (409, "The person is in the room or banned from it, or it is archived"),
            (413, "The room has too many links, or the body is too large"),
        ],
    ),
    row("listInvites", (200, "Invitations retrieved successfully"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row(
        "revokeInvite",
        (204, "Taken back"),
        &[VALIDATION, NOT_MEMBER, (404, "Room or invitation not found")],
    ),
    row("listMyInvites", (200, "Invitations retrieved successfully"), &[]),
    row("acceptMyInvite", (200, "The room joined"), &[VALIDATION, NOT_VERIFIED, NO_INVITE, ARCHIVED]),
    row("declineMyInvite", (204, "Gone"), &[VALIDATION, NO_INVITE]),
    row("getInvite", (200, "The invitation and its room"), &[VALIDATION, NOT_VERIFIED, NO_INVITE]),
    row("acceptInvite", (200, "The room joined"), &[VALIDATION, NOT_VERIFIED, NO_INVITE, ARCHIVED]),
    row("openDirectRoom", (200, "The conversation"), &[VALIDATION, NOT_VERIFIED]),
    row("setRoomSettings", (200, "The settings as they are now"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row("moveMarks", (200, "The marks as they are now"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row("listReceipts", (200, "Marks retrieved successfully"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row("listDirectory", (200, "Rooms retrieved successfully"), &[VALIDATION]),
    row(
        "listMessages",
        (200, "Messages retrieved successfully"),
        &[VALIDATION, NOT_MEMBER, (404, "Room not found, or the message to jump to")],
    ),
    row(
        "sendMessage",
        (201, "Message sent successfully"),
        &[
            VALIDATION,
            (
                403,
                "Not a member of this public room, or muted in it, or your e-mail address is not confirmed",
            ),
            NO_ROOM,
            (409, "The key was used for another message, or the room is archived"),
        ],
    ),
    row("searchMessages", (200, "Messages found"), &[VALIDATION]),
    row("getMessage", (200, "The message"), &[VALIDATION, NOT_MEMBER, NO_MESSAGE]),
    row(
        "editMessage",
        (200, "The message as it is now"),
        &[
            VALIDATION,
            (403, "Not your own, or too late, or you are muted, or your e-mail address is not confirmed"),
            NO_MESSAGE,
            (409, "The message was deleted, or the room is archived"),
        ],
    ),
    row(
        "deleteMessage",
        (204, "Message deleted"),
        &[
            VALIDATION,
            (403, "Not your own, or too late, or your e-mail address is not confirmed"),
            NO_MESSAGE,
            (409, "The room is archived"),
        ],
    ),
    row(
        "addReaction",
        (204, "It is there"),
        &[
            VALIDATION,
            NOT_VERIFIED,
            NO_MESSAGE,
            (409, "The message was deleted, or has 20 kinds of reactions, or the room is archived"),
        ],
    ),
    row("removeReaction", (204, "It is gone"), &[VALIDATION, NOT_VERIFIED, NO_MESSAGE, ARCHIVED]),
    row("listThread", (200, "The thread"), &[VALIDATION, NOT_MEMBER, NO_MESSAGE]),
    row("markThread", (204, "The mark is there, or further"), &[VALIDATION, NOT_MEMBER, NO_MESSAGE]),
    row(
        "pinMessage",
        (204, "It is pinned"),
        &[
            VALIDATION,
            (403, "Your role does not allow it, or your e-mail address is not confirmed"),
            NO_MESSAGE,
            (409, "The message was deleted, or the room has 50 pins or is archived"),
        ],
    ),
    row(
        "unpinMessage",
        (204, "It is not pinned"),
        &[
            VALIDATION,
            (403, "Your role does not allow it, or your e-mail address is not confirmed"),
            NO_MESSAGE,
            ARCHIVED,
        ],
    ),
    row("listPins", (200, "The pins"), &[VALIDATION, NOT_MEMBER, NO_ROOM]),
    row(
        "reportMessage",
        (204, "Reported"),
        &[
            VALIDATION,
            (403, "Your own message, or your e-mail address is not confirmed"),
            NO_MESSAGE,
            (409, "The message was deleted"),
        ],
    ),
    row("listReports", (200, "Reports retrieved successfully"), &[VALIDATION, NOT_ALLOWED, NO_ROOM]),
    row("listAllReports", (200, "Reports retrieved successfully"), &[VALIDATION, NOT_MODERATOR]),
    row(
        "resolveReport",
        (204, "Resolved"),
        &[
            VALIDATION,
            NOT_ALLOWED,
            (404, "Report not found"),
            (409, "It is resolved, or the room is archived"),
        ],
    ),
    row(
        "getJourney",
        (200, "The message's way"),
        &[VALIDATION, NOT_ADMINISTRATOR, (404, "Message or user not found")],
    ),
    row("listAudit", (200, "What happened"), &[VALIDATION, NOT_ADMINISTRATOR]),
    row(
        "uploadAttachment",
        (201, "File stored"),
        &[(400, "No whole file, or more than one"), NOT_VERIFIED, FILE_SIZE, NO_SORT],
    ),
    row(
        "readAttachment",
        (200, "The file"),
        &[VALIDATION, NOT_VERIFIED, NO_FILE, (416, "There are no such bytes")],
    ),
    row("readThumbnail", (200, "The picture"), &[VALIDATION, NOT_VERIFIED, NO_FILE]),
    row(
        "setAvatar",
        (200, "You, with your picture"),
        &[(400, "No whole file, or more than one"), NOT_VERIFIED, FILE_SIZE, NO_SORT],
    ),
    row("removeAvatar", (204, "No picture any more"), &[NOT_VERIFIED]),
    row("readAvatar", (200, "The picture"), &[VALIDATION, (404, "No such picture")]),
    row("createTicket", (201, "Ticket issued"), &[VALIDATION]),
    row("getHealth", (200, "The process lives"), &[]),
    row("getReadiness", (200, "Requests are taken"), &[]),
];

/// Properties that every object of these schemas has, exactly.
pub(super) const REQUIRED: &[(&str, &[&str])] = &[
    ("User", &["id", "username", "email"]),
    ("Message", &["id", "content", "userId", "roomId"]),
    ("Room", &["id", "name", "isPrivate"]),
    ("Attachment", &["id", "url", "name", "type", "size"]),
    ("Problem", &["type", "title", "status", "detail", "code", "retryable"]),
    ("Jwk", &["kty", "crv", "alg", "use", "kid", "x"]),
    ("ThreadPage", &["messages", "nextCursor", "newerCursor"]),
    ("MessagePage", &["messages", "nextCursor", "newerCursor"]),
    ("MemberPage", &["members", "nextCursor"]),
    ("BanPage", &["bans", "nextCursor"]),
    ("ReceiptPage", &["receipts", "nextCursor"]),
    ("Report", &["id", "message", "reporters", "createdAt", "status", "resolution"]),
    ("ReportPage", &["reports", "nextCursor"]),
    ("Reporter", &["userId", "reason", "createdAt"]),
    ("RoomPage", &["rooms", "nextCursor"]),
    ("RoomSettings", &["notifications", "isFavourite"]),
    ("Invite", &["id", "roomId", "invitedBy", "createdAt", "expiresAt", "maxUses", "uses"]),
    ("AuditEntry", &["id", "at", "event", "actor"]),
    ("AuditPage", &["records", "nextCursor"]),
    ("Blocks", &["users"]),
    ("FoundUsers", &["users"]),
    ("Job", &["id", "kind", "state", "progress", "createdAt"]),
    ("Jobs", &["jobs"]),
    ("LoginSession", &["id", "device", "network", "createdAt", "lastUsedAt", "isCurrent"]),
];

/// Properties that are other schemas: schema, property, the other, and whether it is a list.
pub(super) const REFERENCES: &[(&str, &str, &str, bool)] = &[
    ("Room", "members", "User", true),
    ("Room", "settings", "RoomSettings", false),
    ("Invites", "invites", "Invite", true),
    ("Preview", "invite", "Invite", false),
    ("Preview", "room", "Room", false),
    ("Previews", "invites", "Preview", true),
    ("Ban", "user", "User", false),
    ("BanPage", "bans", "Ban", true),
    ("Message", "attachments", "Attachment", true),
    ("Message", "reactions", "Reaction", true),
    ("Pins", "messages", "Message", true),
    ("Message", "thread", "Thread", false),
    ("ThreadPage", "root", "Message", false),
    ("ThreadPage", "messages", "Message", true),
    ("Session", "user", "User", false),
    ("AuditPage", "records", "AuditEntry", true),
    ("Blocks", "users", "User", true),
    ("FoundUsers", "users", "User", true),
    ("Jobs", "jobs", "Job", true),
    ("LoginSessions", "sessions", "LoginSession", true),
    ("JwkSet", "keys", "Jwk", true),
    ("MessagePage", "messages", "Message", true),
    ("MemberPage", "members", "User", true),
    ("ReportPage", "reports", "Report", true),
    ("Report", "message", "Message", false),
    ("Report", "reporters", "Reporter", true),
    ("RoomPage", "rooms", "Room", true),
    ("Problem", "errors", "FieldError", true),
];

/// Tags in the order in which a newcomer meets them.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("Authentication", "Accounts, logins and their tokens."),
    ("Messages", "History and sending."),
    ("Rooms", "Rooms and their members."),
    ("Invitations", "Ways into rooms: for one person, or by a link."),
    ("Files", "Uploading and reading what messages are sent with."),
    ("Users", "People."),
    ("Directory", "Public rooms to join."),
    ("Realtime", "Opening a socket; what goes over it is described in AsyncAPI."),
    ("Administration", "For those who look after the server."),
    ("Health", "For those who run the server."),
];
