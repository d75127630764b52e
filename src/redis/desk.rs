//! Ordinary commands: tickets, rates, leases. Each is answered within a deadline, and at once while
//! Redis is known to be away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::{Cmd, FromRedisValue, Pipeline, RedisError};
use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use tokio::runtime::Handle;

use super::connection::{Connection, RedisFault, Server};

/// Connections of the pool. Each carries any number of commands at once; several keep a large answer
/// from holding up the others.
const POOL: usize = 4;
/// After a command that got no answer, others are refused for so long without being tried.
const PAUSE: Duration = Duration::from_millis(500);

/// What is asked. A pipeline's keys lie in one slot.
pub(super) enum Order {
    One(Cmd),
    Many(Pipeline),
}

enum Way {
    Single(Pool),
    /// One connection serves everybody, and finds the nodes again by itself; it is made anew only
    /// after it failed.
    Cluster(tokio::sync::Mutex<Option<ClusterConnection>>),
}

/// Where ordinary commands are handed in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desk(Arc<Inner>);

struct Inner {
    io: Handle,
    server: Arc<Server>,
    way: Way,
    closed_until: Mutex<Option<Instant>>,
}

impl Desk {
    pub(super) fn new(io: &Handle, server: Arc<Server>) -> Result<Self, RedisFault> {
        let wrong = |error: &dyn std::fmt::Display| RedisFault::Misconfigured(error.to_string());
        let timeout = server.timeout();
        let way = match server.single() {
            Some(client) => {
                let config = server.connection_config(timeout);
                let manager = Manager::new_with_config(client.get_connection_info().clone(), config)
                    .map_err(|error| wrong(&error))?;
                let pool = Pool::builder(manager)
                    .max_size(POOL)
                    .wait_timeout(Some(timeout))
                    .create_timeout(Some(timeout))
                    .recycle_timeout(Some(timeout))
                    .runtime(Runtime::Tokio1);
                Way::Single(pool.build().map_err(|error| wrong(&error))?)
            }
            None => Way::Cluster(tokio::sync::Mutex::default()),
        };
        let inner = Inner { io: io.clone(), server, way, closed_until: Mutex::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// Hands in an order, on the runtime of Redis.
    ///
    /// # Errors
    /// `Away` when no answer came within `patience`, or lately to somebody else. Whether the order
    /// was carried out is not known then.
    pub(super) async fn ask<T>(&self, order: Order, patience: Duration) -> Result<T, RedisFault>
    where
        T: FromRedisValue + Send + 'static,
    {
        if self.closed_until().is_some_and(|until| Instant::now() < until) {
            return Err(RedisFault::Away("Redis did not answer lately".to_owned()));
        }
        let inner = self.0.clone();
        let work = async move { tokio::time::timeout(patience, inner.carry_out(&order)).await };
        // The connections' own tasks run where they were made, which is there and nowhere else.
        let outcome = self.0.io.spawn(work).await;
        let fault = match outcome {
            Ok(Ok(Ok(answer))) => {
                *self.lock() = None;
                return Ok(answer);
            }
            // Redis answered, only not what was hoped for.
            Ok(Ok(Err(error))) if error.code().is_some() => {
                return Err(RedisFault::Away(error.to_string()));
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(_)) => "no answer in time".to_owned(),
            Err(_) => "the tasks of Redis have ended".to_owned(),
        };
        *self.lock() = Some(Instant::now() + PAUSE);
        Err(RedisFault::Away(fault))
    }

    fn closed_until(&self) -> Option<Instant> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // One value is written at once: a panic leaves nothing half done.
        self.0.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    async fn carry_out<T: FromRedisValue>(&self, order: &Order) -> Result<T, RedisError> {
        let mut connection = self.hold().await?;
        let outcome = match order {
            Order::One(command) => command.query_async(&mut connection).await,
            Order::Many(pipeline) => pipeline.query_async(&mut connection).await,
        };
        if let (Way::Cluster(kept), Err(error)) = (&self.way, &outcome)
            && error.code().is_none()
        {
            *kept.lock().await = None;
        }
        outcome
    }

    async fn hold(&self) -> Result<Connection, RedisError> {
        match &self.way {
            Way::Single(pool) => match pool.get().await {
                Ok(connection) => Ok(Connection::Pooled(connection)),
                Err(PoolError::Backend(error)) => Err(error),
                Err(error) => Err(std::io::Error::other(error.to_string()).into()),
            },
            Way::Cluster(kept) => {
                let mut kept = kept.lock().await;
                if let Some(connection) = &*kept {
                    return Ok(Connection::Cluster(connection.clone()));
                }
                let made = self.server.connect(self.server.timeout()).await?;
                if let Connection::Cluster(connection) = &made {
                    *kept = Some(connection.clone());
                }
                Ok(made)
            }
        }
    }
}
