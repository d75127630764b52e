//! The baseline: a broadcast as the tutorials of actix-web-actors show it. One room actor, one
//! session actor per socket, no storage, no order, no bound.

use std::net::TcpListener;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Recipient, StreamHandler};
use actix_web::web::{Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws;
use bytestring::ByteString;

#[derive(Message, Clone)]
#[rtype(result = "()")]
struct Text(ByteString);

#[derive(Message)]
#[rtype(result = "()")]
struct Join(Recipient<Text>);

#[derive(Default)]
struct Room {
    members: Vec<Recipient<Text>>,
}

impl Actor for Room {
    type Context = Context<Self>;
}

impl Handler<Join> for Room {
    type Result = ();

    fn handle(&mut self, join: Join, _: &mut Context<Self>) {
        self.members.push(join.0);
    }
}

impl Handler<Text> for Room {
    type Result = ();

    fn handle(&mut self, text: Text, _: &mut Context<Self>) {
        for member in &self.members {
            member.do_send(text.clone());
        }
    }
}

struct Session {
    room: Addr<Room>,
}

impl Actor for Session {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.room.do_send(Join(ctx.address().recipient()));
    }
}

impl Handler<Text> for Session {
    type Result = ();

    fn handle(&mut self, text: Text, ctx: &mut Self::Context) {
        ctx.text(text.0);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(ws::Message::Text(text)) => self.room.do_send(Text(text)),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Close(_)) | Err(_) => ctx.stop(),
            Ok(_) => {}
        }
    }
}

async fn open(request: HttpRequest, payload: Payload, room: Data<Addr<Room>>) -> HttpResponse {
    let session = Session { room: room.get_ref().clone() };
    ws::start(session, &request, payload).unwrap_or_else(|error| error.error_response())
}

/// Serves until the process is killed.
pub fn serve(listener: TcpListener) {
    actix_web::rt::System::new().block_on(async {
        let room = Data::new(Room::default().start());
        HttpServer::new(move || App::new().app_data(room.clone()).route("/ws", web::get().to(open)))
            .workers(2)
            .backlog(4_096)
            .listen(listener)
            .unwrap()
            .run()
            .await
            .unwrap();
    });
}
