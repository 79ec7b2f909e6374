//! Telling and hearing of changes over Redis. What is published while a process does not hear is lost to it, so whenever it
//! begins to hear, it forgets all it has read.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, RedisResult};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use super::{Change, Notices};
use crate::{Configs, Guardrails, Keys, People, VirtualKeys};

const NAME: &str = "turnpike:invalidate";

/// Between two tries, when Redis is away.
const PAUSE: Duration = Duration::from_millis(500);

/// How long connecting, publishing and an answer to a ping may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long nothing may be heard until we ask whether Redis is still there: a connection can die without a word.
const QUIET: Duration = Duration::from_secs(5);

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
#[error("the other processes cannot be told through Redis")]
pub struct Error(#[from] RedisError);

/// One process's end of the channel.
pub struct Channel {
    client: Client,
    notices: Notices,
    keys: Keys,
    virtual_keys: VirtualKeys,
    configs: Configs,
    guardrails: Guardrails,
    people: People,
}

impl Channel {
    /// Does nothing until it is run: then it tells the others what `notices` is told, and lets `keys`,
    /// `virtual_keys`, `configs`, `guardrails` and `people` forget what the others tell.
    ///
    /// # Errors
    /// [`Error`] if `url` is no address of a Redis.
    pub fn new(
        url: &SecretString,
        notices: Notices,
        keys: Keys,
        virtual_keys: VirtualKeys,
        configs: Configs,
        guardrails: Guardrails,
        people: People,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Client::open(url.expose_secret())?,
            notices,
            keys,
            virtual_keys,
            configs,
            guardrails,
            people,
        })
    }

    /// Tells the others of one change, for a process that ends after it.
    ///
    /// # Errors
    /// [`Error`] if Redis does not take it.
    pub async fn tell_once(url: &SecretString, change: &Change) -> Result<(), Error> {
        let client = Client::open(url.expose_secret())?;
        Ok(publish(&client, &mut None, change).await?)
    }

    /// Tells and hears until `stop`; then tells what waits, if Redis takes it.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.tell() => {}
            () = self.hear() => {}
            () = stop.cancelled() => {}
        }
        let mut connection = None;
        while let Some(change) = self.notices.waiting() {
            if publish(&self.client, &mut connection, &change).await.is_err() {
                return;
            }
        }
    }

    async fn tell(&self) {
        let mut connection = None;
        loop {
            let change = self.notices.next().await;
            while let Err(error) = publish(&self.client, &mut connection, &change).await {
                tracing::warn!(%error, "a change waits to be told to the other processes");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn hear(&self) {
        let mut heard_before = true;
        loop {
            let ended = self.hear_while_connected(&mut heard_before).await;
            if heard_before {
                let error = ended.err();
                tracing::warn!(?error, "changes made by other processes are seen late until Redis is back");
                heard_before = false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn hear_while_connected(&self, heard: &mut bool) -> RedisResult<()> {
        let subscribing = async {
            let mut channel = self.client.get_async_pubsub().await?;
            channel.subscribe(NAME).await?;
            RedisResult::Ok(channel)
        };
        let (mut asking, mut changes) = in_time(subscribing).await?.split();
        if !std::mem::replace(heard, true) {
            tracing::info!("changes made by other processes are heard of again");
        }
        self.forget(&Change::Everything);
        loop {
            match tokio::time::timeout(QUIET, changes.next()).await {
                Ok(Some(message)) => {
                    let line = String::from_utf8_lossy(message.get_payload_bytes()).into_owned();
                    self.forget(&Change::from_line(&line));
                }
                Ok(None) => return Ok(()),
                Err(_) => in_time(asking.ping::<redis::Value>()).await.map(|_| ())?,
            }
        }
    }

    fn forget(&self, change: &Change) {
        self.keys.forget(change);
        self.virtual_keys.forget(change);
        self.configs.forget(change);
        self.guardrails.forget(change);
        self.people.forget(change);
    }
}

async fn publish(
    client: &Client,
    connection: &mut Option<MultiplexedConnection>,
    change: &Change,
) -> RedisResult<()> {
    let publishing = async {
        let mut open = match connection.take() {
            Some(open) => open,
            None => client.get_multiplexed_async_connection().await?,
        };
        redis::cmd("PUBLISH").arg(NAME).arg(change.to_line()).query_async::<()>(&mut open).await?;
        *connection = Some(open);
        Ok(())
    };
    in_time(publishing).await
}

async fn in_time<T>(asking: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = || RedisError::from((redis::ErrorKind::Io, "no answer in time"));
    tokio::time::timeout(TIMEOUT, asking).await.unwrap_or_else(|_| Err(late()))
}
