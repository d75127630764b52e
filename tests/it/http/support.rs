//! An application over a database of its own, asked without a socket.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, test};
use chat::actors::pod::Pod;
use chat::actors::{Adapters, Engine};
use chat::auth::audit::Audited;
use chat::auth::courier::Counts;
use chat::auth::{AccountFlows, Authenticator, Courier, Factors, Passwords, Post, Tickets, Tokens};
use chat::bus::local::{Exchange, LocalBus};
use chat::clock::{Clock, SharedClock, SystemClock};
use chat::domain::policy::EditWindow;
use chat::domain::{Epoch, PodId, SessionId, Timestamp};
use chat::files::Intake;
use chat::files::objects::Objects;
use chat::http::{self, Http};
use chat::limits::Limiter;
use chat::mail::Mail;
use chat::presence::local::LocalLeases;
use chat::settings::{MailTransport, Secret, Settings};
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::telemetry::Telemetry;
use paperclip::actix::OpenApiExt as _;
use serde_json::{Value, json};

use super::outbox::Outbox;
use crate::support::answers;

/// A clock that goes on only when told to.
pub struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemClock.random(bytes);
    }
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Asserts a problem body, complete and of this code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        assert!(self.body["retryable"].is_boolean());
        assert_eq!(status == 400, self.body["errors"].is_array(), "{}", self.text);
    }

    #[track_caller]
    pub fn wrong(&self, field: &str) {
        self.problem(400, "badRequest");
        let fields: Vec<_> = self.body["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert!(fields.iter().any(|f| **f == field), "{field}: {fields:?}");
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Call = Box<dyn Fn(test::TestRequest) -> std::pin::Pin<Box<dyn Future<Output = Answer>>>>;

/// An application with everything behind it.
pub struct Site {
    pub clock: Arc<ManualClock>,
    pub tickets: Arc<Tickets>,
    pub ended: Arc<Mutex<Vec<SessionId>>>,
    pub http: Data<Http>,
    /// Where the application announces, as another process hears it.
    pub news: LocalBus,
    /// Mail as it leaves.
    pub outbox: Arc<Outbox>,
    pub courier: Courier,
    call: Call,
    pub engine: Engine,
    _folder: tempfile::TempDir,
}

/// Somebody signed in.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub token: String,
    pub refresh: String,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With rates off, unless `change` turns them on.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::over(|store| store, change).await
    }

    /// The same, over a store of one's own round the real one.
    pub async fn over(
        wrap: impl FnOnce(Arc<SqliteStore>) -> Arc<dyn Store>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings::default();
        settings.limits.rates_on = false;
        settings.accounts.bcrypt_cost = 4;
        settings.allowed_origins = vec!["https://app.example.com".into()];
        change(&mut settings);
        let settings = Arc::new(settings);
        let manual = Arc::new(ManualClock(AtomicI64::new(1_800_000_000_000)));
        let clock: SharedClock = manual.clone();
        let epoch = Epoch(clock.id());
        let options = SqliteOptions {
            edit_window: EditWindow(settings.accounts.edit_window),
            ..SqliteOptions::new(epoch)
        };
        let store = wrap(Arc::new(SqliteStore::temporary(options).unwrap()));
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let metrics = chat::telemetry::http::middleware(telemetry.registry()).unwrap();
        let exchange = Arc::<Exchange>::default();
        let news = LocalBus::new(exchange.clone(), 1);
        let bus = Arc::new(LocalBus::new(exchange, 0));
        let id = PodId(clock.id());
        let leases = Arc::new(LocalLeases::new(Arc::default(), id));
        let adapters = Adapters { store: store.clone(), bus, leases, clock: clock.clone() };
        let pod = Arc::new(Pod::new(id, adapters, settings.clone(), telemetry, epoch));
        let engine = Engine::start(pod.clone(), 0);
        let registry = engine.registry();
        let keys = chat::auth::keys::load(&settings.jwt_keys).unwrap();
        let tokens = Tokens::new(&Secret::new([7; 32]), &[], settings.accounts.access_token);
        let tokens = Arc::new(tokens.signed_with(&keys));
        let tickets = Arc::new(Tickets::new(settings.accounts.ticket));
        let limiter = Arc::new(Limiter::new(settings.limits.clone()));
        let ended = Arc::new(Mutex::new(Vec::new()));
        let sends_mail = settings.mail.goes_by(settings.environment) != MailTransport::Off;
        let (post, outbox) = (Post::new(clock.clone(), sends_mail), Arc::<Outbox>::default());
        let courier = Courier {
            store: store.clone(),
            clock: clock.clone(),
            mailer: outbox.clone(),
            post: post.clone(),
            page: "https://chat.example.com".into(),
            mail: settings.mail.clone(),
            accounts: settings.accounts.clone(),
            counts: Arc::<Counts>::default(),
        };
        let (noted, closer) = (ended.clone(), registry.clone());
        let accounts = AccountFlows {
            store: store.clone(),
            clock: clock.clone(),
            passwords: Passwords::new(&settings.accounts).unwrap(),
            factors: Factors::new(&Secret::new([7; 32]), &[], "chat.example.com"),
            tokens: tokens.clone(),
            tickets: tickets.clone(),
            limiter: limiter.clone(),
            post,
            settings: settings.accounts.clone(),
            on_end: Arc::new(move |session| {
                noted.lock().unwrap().push(session);
                closer.end_login(session);
            }),
            first_administers: false,
            audited: Audited::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Objects::folder(folder.path()).unwrap());
        let files = Intake::new(store.clone(), blobs, clock.clone(), None, settings.files.clone());
        let files = Arc::new(files);
        let authenticator = Arc::new(Authenticator::new(tokens, store, clock));
        let data = Data::new(Http {
            pod,
            registry,
            accounts,
            authenticator,
            tickets: tickets.clone(),
            limiter,
            files,
        });
        let app = App::new()
            .wrap_api()
            .configure(http::configure_api(data.clone()))
            .build()
            .configure(http::configure_raw(&Settings::default()))
            .wrap(metrics)
            .wrap(from_fn(http::headers::secure));
        let app = std::rc::Rc::new(test::init_service(app).await);
        let call: Call = Box::new(move |request| {
            let app = app.clone();
            Box::pin(async move { read(app.call(request.to_request()).await.unwrap()).await })
        });
        Self {
            http: data,
            news,
            clock: manual,
            tickets,
            ended,
            outbox,
            courier,
            call,
            engine,
            _folder: folder,
        }
    }

    /// Lets the courier carry what is due, and answers what left.
    pub async fn mails(&self) -> Vec<Mail> {
        self.courier.round().await.unwrap();
        self.outbox.take()
    }

    pub fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub async fn ask(&self, request: test::TestRequest) -> Answer {
        (self.call)(request).await
    }

    pub async fn call(&self, method: &str, path: &str, who: Option<&Person>, body: Option<Value>) -> Answer {
        self.ask(request(method, path, who, body)).await
    }

    pub async fn get(&self, path: &str, who: &Person) -> Answer {
        self.call("GET", path, Some(who), None).await
    }

    pub async fn post(&self, path: &str, who: &Person, body: Value) -> Answer {
        self.call("POST", path, Some(who), Some(body)).await
    }

    pub async fn register(&self, name: &str) -> Person {
        let body =
            json!({ "username": name, "email": format!("{name}@example.com"), "password": "password-1" });
        let body = self.call("POST", "/auth/register", None, Some(body)).await.expect(201);
        Person {
            id: body["user"]["id"].as_str().unwrap().into(),
            token: body["token"].as_str().unwrap().into(),
            refresh: body["refreshToken"].as_str().unwrap().into(),
        }
    }

    pub async fn room(&self, owner: &Person, is_private: bool) -> String {
        let body = self.post("/rooms", owner, json!({ "name": "general", "isPrivate": is_private })).await;
        body.expect(201)["id"].as_str().unwrap().into()
    }

    pub async fn say(&self, who: &Person, room: &str, content: &str) -> Value {
        self.post("/messages", who, json!({ "roomId": room, "content": content })).await.expect(201)
    }
}

pub fn request(method: &str, path: &str, who: Option<&Person>, body: Option<Value>) -> test::TestRequest {
    let mut request =
        test::TestRequest::default().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    if let Some(who) = who {
        request = request.insert_header((header::AUTHORIZATION, format!("Bearer {}", who.token)));
    }
    if let Some(body) = body {
        request = request.set_json(body);
    }
    request
}

async fn read<B: MessageBody + 'static>(response: ServiceResponse<B>) -> Answer {
    let (method, path) = (response.request().method().to_string(), response.request().path().to_owned());
    let status = response.status();
    let headers = response.headers().clone();
    let bytes = actix_web::body::to_bytes(response.into_body().boxed()).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    answers::check(&method, &path, status.as_u16(), media, &text);
    assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{text}");
    Answer {
        status: status.as_u16(),
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}
