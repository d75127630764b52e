//! The session actor: one per socket. Takes messages in order, asks the rules, performs effects.

use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, StreamHandler};

use super::catch_up_jobs::CatchUp;
use super::people::Typed;
use super::private::opens;
use super::socket::Inbound;
use crate::actors::lives::Alive;
use crate::actors::mail::{Submission, ToRoom, ToSession};
use crate::actors::{HubCore, Link, Reply};
use crate::auth::Authenticator;
use crate::domain::journey::Station;
use crate::domain::rate::Rate;
use crate::domain::session::{Patience, Session as Rules, SessionRules};
use crate::domain::subscription::{Answer, Level};
use crate::domain::{
    AuditEvent, AuditRecord, Change, Entry, MarkMove, MessageId, Operation, Refusal, RoomId, Seq, User,
    UserId,
};
use crate::error::{Code, Fault};
use crate::limits::{ConnectionGuard, Key, Limiter};
use crate::protocol::client::{self, Limits, decode};
use crate::protocol::encoded::control;
use crate::protocol::{CloseCode, Command, Encoded, Reference, server};
use crate::settings::Settings;
use crate::store::StoreError;

/// What a session needs besides its link: one for all sessions of a thread, because thousands of
/// idle ones hold it.
pub struct SessionParts {
    pub hub: Rc<HubCore>,
    pub authenticator: Arc<Authenticator>,
    pub limiter: Arc<Limiter>,
    pub(super) rules: SessionRules,
    limits: Limits,
}

impl SessionParts {
    #[must_use]
    pub fn new(hub: Rc<HubCore>, authenticator: Arc<Authenticator>, limiter: Arc<Limiter>) -> Self {
        let rules = session_rules(&hub.pod.settings);
        let limits = frame_limits(&hub.pod.settings);
        Self { hub, authenticator, limiter, rules, limits }
    }
}

/// The actor of one connection.
pub struct Session {
    pub(super) parts: Rc<SessionParts>,
    pub(super) link: Rc<Link>,
    pub(super) catch_up: CatchUp,
    pub(super) state: Rules,
    pub(super) typed: Typed,
    /// Whether the user was known to be allowed to when somebody last looked.
    pub(super) may_write: bool,
    /// Who came in with the upgrade, until he is welcomed.
    newcomer: Option<Box<User>>,
    pub(super) guards: Vec<ConnectionGuard>,
    _alive: Alive,
}

impl Session {
    /// `newcomer` is whom the link's identity names, where it has one; `guards` count this
    /// connection for as long as it lives.
    #[must_use]
    pub fn new(
        parts: Rc<SessionParts>,
        link: Rc<Link>,
        newcomer: Option<Box<User>>,
        guards: Vec<ConnectionGuard>,
    ) -> Self {
        let alive = parts.hub.pod.census();
        Self {
            state: Rules::new(link.identity()),
            catch_up: CatchUp::default(),
            typed: Typed::default(),
            may_write: false,
            newcomer,
            parts,
            link,
            guards,
            _alive: alive,
        }
    }

    pub(super) fn push(&self, frame: &Encoded) {
        self.parts.hub.push(&self.link, frame);
    }

    /// Tells how a wish to follow a room in full is answered.
    pub(super) fn tell_answer(&self, reference: Option<&Reference>, room: RoomId, how: Answer, head: Seq) {
        self.parts.hub.pod.telemetry.subscribed(&how);
        self.push(&server::subscribed(reference, room, Level::Full, how, head));
    }

    /// Queues an entry that was read from the log.
    pub(super) fn push_replay(&self, entry: &Entry) {
        let frame = server::entry(entry, self.user(), &self.parts.hub.pod.links);
        self.link.outbox.borrow_mut().push_replay(frame.frame().clone());
        if let Change::MessageCreated(message) = &entry.change {
            self.parts.hub.note(message.id, &self.link, Station::Replayed);
        }
    }

    pub(super) fn close(&self, code: CloseCode) {
        self.parts.hub.close(&self.link, code);
    }

    pub(super) fn user(&self) -> Option<UserId> {
        self.link.user()
    }

    pub(super) fn error(&mut self, reference: Option<&Reference>, fault: &Fault) {
        self.push(&server::error(reference, fault));
        if fault.code == Code::RateLimited {
            let now = self.parts.hub.pod.clock.now();
            if self.state.refused(&self.parts.rules, now) == Patience::Close {
                self.close(CloseCode::RateLimited);
            }
        }
    }

    fn text(&mut self, text: &str, ctx: &mut Context<Self>) {
        let now = self.parts.hub.pod.clock.now();
        let over_rate = self.state.count_frame(&self.parts.rules, now).err();
        let frame = decode(text, &self.parts.limits);
        if let Some((refusal, patience)) = over_rate {
            let reference = match &frame {
                Ok(frame) => frame.reference.as_ref(),
                Err(malformed) => malformed.reference.as_ref(),
            };
            self.push(&server::error(reference, &refusal.into()));
            if patience == Patience::Close {
                self.close(CloseCode::RateLimited);
            }
            return;
        }
        let frame = match frame {
            Ok(frame) => frame,
            Err(malformed) => {
                self.push(&server::error(malformed.reference.as_ref(), &malformed.fault));
                if self.state.malformed(&self.parts.rules, now) == Patience::Close {
                    self.close(CloseCode::Violation);
                } else if self.state.identity().is_none() {
                    self.close(CloseCode::AuthTimeout);
                }
                return;
            }
        };
        let reference = frame.reference;
        let Some(identity) = self.state.identity() else {
            return match frame.command {
                Ok(Command::Auth { token }) => self.authenticate(token, reference, ctx),
                // One frame is all that a stranger has.
                _ => {
                    self.error(reference.as_ref(), &Refusal::Unauthorized.into());
                    self.close(CloseCode::AuthTimeout);
                }
            };
        };
        if identity.expires_at <= now {
            return self.close(CloseCode::TokenExpired);
        }
        match frame.command {
            Ok(command) => self.command(command, reference, identity.user, ctx),
            Err(fault) => self.error(reference.as_ref(), &fault),
        }
    }

    pub(super) fn command(
        &mut self,
        command: Command,
        reference: Option<Reference>,
        user: UserId,
        ctx: &mut Context<Self>,
    ) {
        if !self.may_write && is_writing(&command) {
            return self.once_verified(command, reference, user, ctx);
        }
        if let Err(refused) = self.may_act(&command, user) {
            return self.error(reference.as_ref(), &refused.into());
        }
        if !self.may_write && opens(&command).next().is_some() {
            return self.once_open(command, reference, user, ctx);
        }
        self.perform(command, reference, user, ctx);
    }

    pub(super) fn perform(
        &mut self,
        command: Command,
        reference: Option<Reference>,
        user: UserId,
        ctx: &mut Context<Self>,
    ) {
        match command {
            Command::Ping => {
                let heads = self.parts.hub.live_heads(&self.link);
                let heads: Vec<_> = heads.iter().map(|head| (head.room, head.head)).collect();
                self.push(&server::pong(reference.as_ref(), &heads));
            }
            Command::Auth { .. } => {
                let fault = Refusal::Conflict("this connection is signed in already").into();
                self.error(reference.as_ref(), &fault);
            }
            Command::AuthRefresh { token } => self.renew(token, reference, ctx),
            Command::Send { room, draft } => {
                let message = MessageId(self.parts.hub.pod.clock.id());
                self.submit(room, Operation::Send { author: user, message, draft }, reference);
            }
            Command::Edit { room, message, content } => {
                self.submit(room, Operation::Edit { by: user, message, content }, reference);
            }
            Command::Delete { room, message, reason } => {
                let clock = &self.parts.hub.pod.clock;
                let (event, actor) = (AuditEvent::MessageRemoved, crate::domain::Actor::User(user));
                let record = Box::new(AuditRecord::new(clock.id(), clock.now(), event, actor));
                self.submit(room, Operation::Delete { by: user, message, reason, record }, reference);
            }
            Command::React { room, message, emoji, on } => {
                self.submit(room, Operation::React { by: user, message, emoji, on }, reference);
            }
            Command::Pin { room, message, on } => {
                self.submit(room, Operation::Pin { by: user, message, on }, reference);
            }
            Command::Subscribe { room, level, after } => self.subscribe(room, level, after, reference, ctx),
            Command::Resume(resume) => self.resume(&resume, reference, ctx),
            Command::Unsubscribe { room } => {
                self.unsubscribe(room);
                self.push(&server::done(reference.as_ref()));
            }
            Command::Mark { room, received, read } => {
                self.mark(MarkMove { user, room, received, read }, reference);
            }
            Command::Typing { room, on } => self.typing(user, room, on, reference),
            Command::PresenceSet { is_online } => self.set_presence(user, is_online, reference.as_ref()),
            Command::PresenceWatch { users } => self.watch_presence(users, reference.as_ref()),
        }
    }

    /// Counts it for the user, whichever of his sockets it comes by.
    fn may_act(&self, command: &Command, user: UserId) -> Result<(), Refusal> {
        let key = match command {
            Command::Ping => return Ok(()),
            Command::Send { room, .. } => Key::Send(user, *room),
            _ => Key::Act(user),
        };
        let now = self.parts.hub.pod.clock.now();
        self.parts.limiter.check(key, now).map_err(|retry_after| Refusal::RateLimited { retry_after })
    }

    fn submit(&self, room: RoomId, operation: Operation, reference: Option<Reference>) {
        let hub = &self.parts.hub;
        self.link.asked();
        let reply = Reply::socket(hub.pod.clone(), hub.place(&self.link), reference);
        hub.pod.tell_room(room, ToRoom::Submit(Submission { operation, reply }));
    }
}

/// What somebody whose address is not confirmed may not do.
const fn is_writing(command: &Command) -> bool {
    matches!(
        command,
        Command::Send { .. }
            | Command::Edit { .. }
            | Command::Delete { .. }
            | Command::React { .. }
            | Command::Pin { .. }
            | Command::Typing { .. }
    )
}

/// A failure of the store, as the client is told it.
pub(super) fn fault_of(error: StoreError) -> Fault {
    match error {
        StoreError::Refused(refusal) => refusal.into(),
        StoreError::Unavailable(cause) | StoreError::InDoubt(cause) => {
            log::warn!("the store did not answer a session: {cause}");
            Fault::new(Code::Unavailable, "try again")
        }
    }
}

fn session_rules(settings: &Settings) -> SessionRules {
    let limits = &settings.limits;
    let frames = Rate::per_second(limits.frames_per_second, limits.frames_burst);
    SessionRules {
        frames: limits.rates_on.then_some(frames),
        malformed_limit: limits.malformed_frames,
        refused_limit: limits.refusals,
        abuse_within: std::time::Duration::from_secs(limits.abuse_seconds),
        expiry_notice: settings.timing.expiry_notice,
    }
}

fn frame_limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    client::Limits {
        frame_bytes: limits.frame_bytes,
        resume_frame_bytes: limits.resume_frame_bytes,
        json_depth: limits.json_depth,
        content_chars: limits.content_chars,
        attachments: limits.attachments,
        subscriptions: limits.subscriptions,
        watched: limits.watched,
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.link.set_mailbox(ctx.address().recipient());
        if let (Some(user), Some(identity)) = (self.newcomer.take(), self.link.identity()) {
            self.begin(*user, identity, None, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.link.finish();
        self.parts.hub.leave(&self.link);
    }
}

impl StreamHandler<Inbound> for Session {
    fn handle(&mut self, message: Inbound, ctx: &mut Context<Self>) {
        let link = self.link.clone();
        link.clock.heard.set(self.parts.hub.now());
        self.parts.hub.meter.received();
        if link.closed().is_some() {
            // We have said goodbye; what still comes is read only to find the peer's own.
            if matches!(message, Inbound::Close(_)) {
                link.finish();
            }
            return;
        }
        match message {
            Inbound::Text(text) => self.text(&text, ctx),
            Inbound::Ping(payload) => {
                // Counted like any frame; a refused ping is not answered, and that is all.
                let now = self.parts.hub.pod.clock.now();
                match self.state.count_frame(&self.parts.rules, now) {
                    Ok(()) => {}
                    Err((_, Patience::Answer)) => return,
                    Err((_, Patience::Close)) => return self.close(CloseCode::RateLimited),
                }
                if link.outbox.borrow_mut().push(control::pong(&payload)).is_err() {
                    self.close(CloseCode::SlowConsumer);
                }
            }
            Inbound::Pong => {}
            Inbound::Binary(_) => self.close(CloseCode::UnsupportedData),
            Inbound::Close(number) => link.close_as_asked(number),
            Inbound::Violation(code) => self.close(code),
        }
        if link.is_held_back(self.parts.hub.pod.settings.limits.unanswered) {
            self.parts.hub.meter.held_back();
        }
    }

    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<ToSession> for Session {
    type Result = ();

    fn handle(&mut self, message: ToSession, ctx: &mut Context<Self>) {
        match message {
            ToSession::Attached { room, replayed } => self.attached(room, replayed, ctx),
            ToSession::History { room } => self.read_history(room, ctx),
            ToSession::Refused { room, fault } => self.refused(room, &fault, ctx),
            ToSession::LetGo { room } => self.let_go(room, ctx),
            ToSession::Behind { room, after } => self.fell_behind(room, after, ctx),
            ToSession::Lagged { room, after } => self.lagged(room, after, ctx),
            ToSession::UserBehind => self.user_behind(ctx),
            ToSession::Added { room } => self.added(room, ctx),
            ToSession::Removed { room } => self.removed(room),
            ToSession::CheckExpiry => self.check_expiry(),
        }
    }
}
