//! The connection to Redis: bounded in time, made anew after every failure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind};
use secrecy::{ExposeSecret as _, SecretString};

/// How long Redis is left alone after a failure, so that one that is away costs its time-out now and then, not every time.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a connection may take to open, in the background.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The text is no address of a Redis. It is not repeated: there may be a password in it.
#[derive(Debug, thiserror::Error)]
#[error("redis_url (TURNPIKE_REDIS_URL) cannot be used; expected redis://HOST:PORT or rediss://HOST:PORT")]
pub struct BadUrl;

/// A connection to Redis, shared by all steps of one ledger.
pub struct Link {
    client: Client,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    connection: ConnectionManager,
    failed: Option<Instant>,
}

impl Link {
    /// Connects in the background; needs a Tokio runtime. No step takes longer than `timeout`.
    ///
    /// # Errors
    /// [`BadUrl`]. That nobody answers there is none.
    pub fn new(url: &SecretString, timeout: Duration) -> Result<Self, BadUrl> {
        let client = Client::open(url.expose_secret()).map_err(|_| BadUrl)?;
        let connection = connection(&client, timeout).map_err(|_| BadUrl)?;
        Ok(Self { client, timeout, state: Mutex::new(State { connection, failed: None }) })
    }

    /// Runs `ask` on the connection.
    ///
    /// # Errors
    /// When it fails, takes too long, or Redis is left alone after a failure.
    pub async fn run<T>(
        &self,
        ask: impl AsyncFnOnce(&mut ConnectionManager) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut connection = {
            let state = self.state();
            if state.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
                return Err(error("left alone for a moment after a failure"));
            }
            state.connection.clone()
        };
        let asked = tokio::time::timeout(self.timeout, ask(&mut connection)).await;
        let answer = asked.unwrap_or_else(|_| Err(error("no answer in time")));
        if answer.is_err() {
            self.renew();
        }
        answer
    }

    /// A connection that hangs may do so for ever: the next try has a new one.
    fn renew(&self) {
        let fresh = connection(&self.client, self.timeout);
        let mut state = self.state();
        state.failed = Some(Instant::now());
        if let Ok(fresh) = fresh {
            state.connection = fresh;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins to connect: who asks waits for no more than its own time-out, which may be shorter than opening takes.
fn connection(client: &Client, timeout: Duration) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(timeout))
        .set_number_of_retries(0);
    let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
    let mut opening = connection.clone();
    tokio::spawn(async move {
        // What comes of it is for the first to see who asks for something.
        let _ = opening.send_packed_command(&redis::cmd("PING")).await;
    });
    Ok(connection)
}

/// Takes a step of a script, which Redis is told where it does not know it: it was started anew, or told to forget its scripts.
///
/// # Errors
/// As for [`Link::run`].
pub async fn script<T: redis::FromRedisValue>(
    link: &Link,
    script: &Script,
    text: &str,
    keys: &[String],
    arguments: &[Vec<u8>],
) -> RedisResult<T> {
    let command = |verb: &str, what: &str| {
        let mut command = redis::cmd(verb);
        command.arg(what).arg(keys.len()).arg(keys).arg(arguments);
        command
    };
    link.run(async |connection| {
        let answer: RedisResult<T> = command("EVALSHA", script.get_hash()).query_async(connection).await;
        match answer {
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                command("EVAL", text).query_async(connection).await
            }
            answer => answer,
        }
    })
    .await
}

fn error(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, what))
}
