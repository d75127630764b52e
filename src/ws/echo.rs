//! `/ws/echo`: sends back what comes, over the very same reading and writing as the chat, so that
//! a conformance suite can judge them. Behind the cargo feature `ws-echo`; never in a release.

use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use std::rc::Rc;

use super::socket::{self, FrameLimits, Frames, Inbound};
use crate::actors::Link;
use crate::actors::mail::LinkKey;
use crate::actors::outbox::OutboxLimits;
use crate::domain::ConnId;
use crate::error::Fault;
use crate::http::problem;
use crate::protocol::encoded::control;

const LARGEST: usize = 16 << 20;

struct Echo {
    link: Rc<Link>,
}

pub(super) async fn echo(request: HttpRequest, payload: Payload) -> HttpResponse {
    if let Err(wrong) = socket::check(&request) {
        return problem::response(&Fault::bad_request(wrong));
    }
    let limits = OutboxLimits { frames: usize::MAX, bytes: usize::MAX };
    let link = Link::new(LinkKey(0), ConnId(uuid::Uuid::nil()), None, limits, 0);
    let frames = FrameLimits { message: LARGEST, unauthenticated: LARGEST, unanswered: usize::MAX };
    match socket::accept(&request, None, link.clone(), None) {
        Ok(response) => {
            Echo::create(|ctx| {
                ctx.add_stream(Frames::new(payload, link.clone(), frames));
                Echo { link }
            });
            response
        }
        Err(wrong) => problem::response(&Fault::bad_request(wrong)),
    }
}

impl Actor for Echo {
    type Context = Context<Self>;
}

impl StreamHandler<Inbound> for Echo {
    fn handle(&mut self, message: Inbound, _: &mut Context<Self>) {
        let send = |frame: Bytes| self.link.outbox.borrow_mut().push_replay(frame);
        match message {
            Inbound::Text(text) => send(control::data(true, text.as_bytes())),
            Inbound::Binary(data) => send(control::data(false, &data)),
            Inbound::Ping(payload) => send(control::pong(&payload)),
            Inbound::Pong => {}
            Inbound::Close(number) => self.link.close_as_asked(number),
            Inbound::Violation(code) => {
                self.link.close(code, 0);
                self.link.finish();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Context<Self>) {
        self.link.finish();
        ctx.stop();
    }
}
