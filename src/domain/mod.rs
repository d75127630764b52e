//! The rules of the chat as values: no actor, no runtime, no database, no clock, no I/O.
//!
//! Everything here takes input and `now` and returns a decision, so each rule is tested as a
//! function and whole clusters are simulated from a seed. It names nothing else of ours.
//! Next: [`entry`] (what a room's log holds), [`timeline`] (the one delivery rule),
//! [`session`] (what one connection may do), [`policy`] (who may do what).

pub mod account;
pub mod audit;
pub mod concern;
pub mod conduct;
pub mod entry;
pub mod file;
pub mod id;
pub mod invite;
pub mod job;
pub mod journey;
pub mod letter;
pub mod mark;
pub mod mention;
pub mod message;
pub mod operation;
pub mod policy;
pub mod powers;
pub mod presence;
pub mod profile;
pub mod proof;
pub mod query;
pub mod rate;
pub mod reaction;
pub mod refusal;
pub mod report;
pub mod room;
pub mod search;
pub mod second_factor;
pub mod seq;
pub mod server_role;
pub mod session;
pub mod subscription;
pub mod text;
pub mod thread;
pub mod time;
pub mod timeline;
pub mod user;
pub mod user_log;
pub mod wheel;

pub use account::{Login, LoginSession, RefreshToken, Rotation};
pub use audit::{Actor, AuditEvent, AuditFilter, AuditRecord};
pub use concern::{Concern, Whom};
pub use conduct::{Conduct, Mute, Muted, Reason, SlowMode};
pub use entry::{Change, Entry, Head, LogHead, MessageAt};
pub use file::{Attachment, FileKind, FileName};
pub use id::{
    AuditId, ClientMsgId, ConnId, Epoch, FileId, InviteId, JobId, LetterId, MessageId, PodId, ReportId,
    RoomId, SessionId, UserId,
};
pub use invite::Invite;
pub use job::{Job, JobCounts, JobKind, JobPlace, JobState, JobStep};
pub use letter::{Letter, LetterKind};
pub use mark::{Counts, MarkMove, Marks, RoomState, Unread};
pub use message::{Content, Draft, Message, Removal};
pub use operation::{Applied, Committed, Operation, Outcome, RoomBatch};
pub use profile::{Profile, ProfileChange};
pub use proof::{EmailChange, EmailStep, Proof, Purpose};
pub use query::Query;
pub use reaction::{Emoji, Reaction};
pub use refusal::Refusal;
pub use report::{OwnReport, Report, ReportAction, Reporter, Resolution};
pub use room::{
    Description, HistoryVisibility, Member, Notifications, Role, Room, RoomFacts, RoomKind, RoomName,
    RoomPatch, RoomSettings, Topic,
};
pub use second_factor::{RecoveryHash, SealedSecret, SecondFactor};
pub use seq::Seq;
pub use server_role::ServerRole;
pub use thread::Thread;
pub use time::Timestamp;
pub use user::{AccountStatus, Email, User, Username, Viewer};
pub use user_log::{UserChange, UserEntry};
