//! What was changed, told to the other processes, so that none of them believes what it has read before.
//!
//! A process without others has [`Notices::none`]. Those that share a Redis run a [`Channel`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::prelude::Uuid;
use tokio::sync::Notify;

mod channel;

pub use channel::{Channel, Error};

/// Changes that wait to be told: past that, everything counts as changed.
const MAX_WAITING: usize = 1_000;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One API key, by [`crate::secret::hash`].
    ApiKey([u8; 32]),
    /// One virtual key.
    VirtualKey { organisation: Uuid, slug: String },
    /// One saved config.
    Config { organisation: Uuid, slug: String },
    /// One saved guardrail.
    Guardrail { organisation: Uuid, slug: String },
    /// A person's session: it has ended.
    Session(Uuid),
    /// What a person is in an organisation or in its workspaces.
    Person(Uuid),
    /// An organisation's plan or workspaces.
    Organisation(Uuid),
    /// Anything.
    Everything,
}

/// Where changes are told. Clones share it.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<Outbox>>);

#[derive(Default)]
struct Outbox {
    waiting: Mutex<VecDeque<Change>>,
    added: Notify,
}

impl Notices {
    /// There is nobody to tell.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// For a [`Channel`] to tell the others.
    #[must_use]
    pub fn to_others() -> Self {
        Self(Some(Arc::default()))
    }

    /// Tells the others, without waiting for it.
    pub fn tell(&self, change: Change) {
        let Some(outbox) = &self.0 else { return };
        let mut waiting = outbox.waiting();
        if waiting.len() >= MAX_WAITING {
            waiting.clear();
            waiting.push_back(Change::Everything);
        } else {
            waiting.push_back(change);
        }
        drop(waiting);
        outbox.added.notify_one();
    }

    /// The next change to tell, in order; waits for one.
    async fn next(&self) -> Change {
        let Some(outbox) = &self.0 else { return std::future::pending().await };
        loop {
            if let Some(change) = self.waiting() {
                return change;
            }
            outbox.added.notified().await;
        }
    }

    /// The next change to tell, if one waits.
    fn waiting(&self) -> Option<Change> {
        self.0.as_ref()?.waiting().pop_front()
    }
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    /// As it is sent: a word and what it is about.
    fn to_line(&self) -> String {
        match self {
            Self::ApiKey(hash) => format!("api_key {}", URL_SAFE_NO_PAD.encode(hash)),
            Self::VirtualKey { organisation, slug } => format!("virtual_key {organisation} {slug}"),
            Self::Config { organisation, slug } => format!("config {organisation} {slug}"),
            Self::Guardrail { organisation, slug } => format!("guardrail {organisation} {slug}"),
            Self::Session(id) => format!("session {id}"),
            Self::Person(id) => format!("person {id}"),
            Self::Organisation(id) => format!("organisation {id}"),
            Self::Everything => "everything".to_owned(),
        }
    }

    /// What cannot be read was sent by another release, and may be about anything.
    fn from_line(line: &str) -> Self {
        let (word, about) = line.split_once(' ').unwrap_or((line, ""));
        let read = match word {
            "api_key" => hash(about).map(Self::ApiKey),
            "virtual_key" => named(about).map(|(organisation, slug)| Self::VirtualKey { organisation, slug }),
            "config" => named(about).map(|(organisation, slug)| Self::Config { organisation, slug }),
            "guardrail" => named(about).map(|(organisation, slug)| Self::Guardrail { organisation, slug }),
            "session" => about.parse().ok().map(Self::Session),
            "person" => about.parse().ok().map(Self::Person),
            "organisation" => about.parse().ok().map(Self::Organisation),
            _ => None,
        };
        read.unwrap_or(Self::Everything)
    }
}

/// An organisation and a slug in it.
fn named(text: &str) -> Option<(Uuid, String)> {
    let (organisation, slug) = text.split_once(' ')?;
    Some((organisation.parse().ok()?, slug.to_owned()))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
