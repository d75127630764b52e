//! What stands beside the servers: the database and Redis, each a real one of the test's own.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::books::Database;
use super::faults::Scene;
use super::history::FaultSheet;
use super::moment::{Moment, Span};
use super::plan::{Kind, Plan, Planned, Track};
use super::postgres::{PgServer, Setup, Stop};
use super::process::log_line;
use super::redis::{RedisOptions, RedisServer};

/// The name of the database.
const NAME: &str = "chat";
/// How long transactions are held up in the middle before they are cut.
const INSIDE: Duration = Duration::from_millis(300);

/// The servers' surroundings.
pub struct Outside {
    pub database: Arc<Database>,
    /// What each server is told of them.
    pub env: Vec<(String, String)>,
    postgres: Option<Keeper<PgServer>>,
    redis: Option<Keeper<RedisServer>>,
}

impl Outside {
    /// The file of the only process.
    #[must_use]
    pub fn sqlite(data: &Path) -> Self {
        let database = Arc::new(Database::Sqlite(data.join("chat.db")));
        Self { database, env: Vec::new(), postgres: None, redis: None }
    }

    /// Starts both.
    ///
    /// # Errors
    /// What is missing, or why one does not start.
    pub async fn cluster() -> Result<Self, String> {
        let postgres = Keeper::start(|| {
            let server = PgServer::start(Setup::default())?;
            server.create_database(NAME, None)?;
            Ok(server)
        });
        let redis = Keeper::start(|| {
            RedisServer::start(RedisOptions::default()).map_err(|error| format!("Redis: {error}"))
        });
        let (postgres, redis) = (postgres.await?, redis.await?);
        let url = postgres.tell(|server| server.url(NAME)).await?;
        let redis_url = redis.tell(|server| server.url()).await?;
        Ok(Self {
            database: Arc::new(Database::postgres(&url)),
            env: vec![("DATABASE_URL".to_owned(), url), ("REDIS_URL".to_owned(), redis_url)],
            postgres: Some(postgres),
            redis: Some(redis),
        })
    }

    /// What somebody else's servers have: their database is looked at.
    ///
    /// # Errors
    /// When nobody says which it is, or it does not answer.
    pub async fn attached() -> Result<Self, String> {
        let url = std::env::var("DATABASE_URL").map_err(|_| "--attach wants DATABASE_URL".to_owned())?;
        let database = Arc::new(Database::postgres(&url));
        database.message_count().await?;
        Ok(Self { database, env: Vec::new(), postgres: None, redis: None })
    }

    /// Whether there is a bus outside the processes.
    #[must_use]
    pub const fn has_redis(&self) -> bool {
        self.redis.is_some()
    }

    /// Whether what is committed waits in a table until it is announced.
    #[must_use]
    pub fn has_outbox(&self) -> bool {
        matches!(*self.database, Database::Postgres(_))
    }

    /// Faults of the database and of Redis, those of each one after the other.
    ///
    /// # Errors
    /// When one does not come up again.
    pub async fn suffer(&self, scene: &Scene, plan: &Plan, begin: Moment) -> Result<(), String> {
        let (database, redis) =
            tokio::join!(self.database_suffers(scene, plan, begin), self.redis_suffers(scene, plan, begin));
        database.and(redis)
    }

    async fn database_suffers(&self, scene: &Scene, plan: &Plan, begin: Moment) -> Result<(), String> {
        let Some(postgres) = &self.postgres else { return Ok(()) };
        for fault in plan.of(Track::Database) {
            scene.wait(begin, fault).await;
            let from = scene.watch.now();
            if fault.kind == Kind::DatabaseCut {
                self.database.cut(INSIDE).await?;
            } else {
                postgres.tell(|server| server.stop(Stop::Immediate)).await??;
                tokio::time::sleep(fault.lasting).await;
                // Answers when the database does.
                postgres.tell(PgServer::restart).await??;
            }
            let span = Span::new(from, scene.watch.now());
            scene.notes().database_away.push(span);
            note(scene, fault, span);
        }
        Ok(())
    }

    async fn redis_suffers(&self, scene: &Scene, plan: &Plan, begin: Moment) -> Result<(), String> {
        let Some(redis) = &self.redis else { return Ok(()) };
        let wrong = |error: std::io::Error| format!("Redis: {error}");
        for fault in plan.of(Track::Redis) {
            scene.wait(begin, fault).await;
            let from = scene.watch.now();
            match fault.kind {
                Kind::RedisKill => {
                    redis.tell(RedisServer::kill).await?.map_err(wrong)?;
                    tokio::time::sleep(fault.lasting).await;
                    redis.tell(RedisServer::start_again).await?.map_err(wrong)?;
                    scene.notes().redis_away.push(Span::new(from, scene.watch.now()));
                }
                Kind::RedisFlush => redis.tell(|server| server.flush()).await?.map_err(wrong)?,
                _ => redis.tell(|server| server.trim("", 1)).await?.map_err(wrong)?,
            }
            note(scene, fault, Span::new(from, scene.watch.now()));
        }
        Ok(())
    }
}

fn note(scene: &Scene, fault: &Planned, span: Span) {
    let sheet = FaultSheet { kind: fault.kind, pod: None, span, note: String::new() };
    log_line(&sheet.to_string());
    scene.notes().faults.push(sheet);
}

type Wish<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread of its own for a server that is driven by blocking calls. The kernel ends some of their
/// children with the thread that started them, so it has to live as long as they.
struct Keeper<T> {
    wishes: Option<Sender<Wish<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: 'static> Keeper<T> {
    async fn start(make: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<Self, String> {
        let (wishes, waiting) = channel::<Wish<T>>();
        let (made, is_made) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let mut kept = match make() {
                Ok(kept) => kept,
                Err(error) => return drop(made.send(Err(error))),
            };
            if made.send(Ok(())).is_ok() {
                while let Ok(wish) = waiting.recv() {
                    wish(&mut kept);
                }
            }
        });
        let keeper = Self { wishes: Some(wishes), thread: Some(thread) };
        is_made.await.map_err(|_| "a thread ended".to_owned())??;
        Ok(keeper)
    }

    async fn tell<R: Send + 'static>(
        &self,
        wish: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, String> {
        let (answer, answered) = oneshot::channel();
        let wish: Wish<T> = Box::new(move |kept| drop(answer.send(wish(kept))));
        let told = self.wishes.as_ref().is_some_and(|wishes| wishes.send(wish).is_ok());
        match answered.await {
            Ok(answer) if told => Ok(answer),
            _ => Err("a thread ended".to_owned()),
        }
    }
}

impl<T> Drop for Keeper<T> {
    /// Ends the server, and waits until it has tidied up.
    fn drop(&mut self) {
        self.wishes = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log_line("a thread that kept a server panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_keeper_does_what_it_is_told_in_order_and_ends_what_it_keeps() {
        let (ended, has_ended) = channel();
        struct Kept(Vec<u32>, Sender<usize>);
        impl Drop for Kept {
            fn drop(&mut self) {
                let _told = self.1.send(self.0.len());
            }
        }
        let keeper = Keeper::start(move || Ok(Kept(Vec::new(), ended))).await.expect("kept");
        keeper.tell(|kept| kept.0.push(1)).await.expect("told");
        assert_eq!(keeper.tell(|kept| kept.0.len()).await, Ok(1));
        drop(keeper);
        assert_eq!(has_ended.recv(), Ok(1));
        let refused = Keeper::<u32>::start(|| Err("no".to_owned())).await;
        assert_eq!(refused.err().as_deref(), Some("no"));
    }
}
