//! The typed tree of a config.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::retry::Retry;

/// A config, checked, with what its targets inherit in its leaves.
#[derive(Clone, Debug)]
pub struct Config {
    pub root: Node,
    /// Whether a condition, or a sticky draw, looks at the request's body.
    pub reads_params: bool,
    /// Roughly what it takes of memory beyond what its text does: compiled patterns, and parameters that are inherited.
    pub extra_bytes: usize,
}

/// A target, or a group of them.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its JSON path, as in the header `x-portkey-last-used-option-index`: `config`, `config.targets[1].targets[0]`.
    pub path: String,
    /// What conditions call it.
    pub name: Option<String>,
    /// Its share of a load balance; 0: no calls.
    pub weight: f64,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Leaf(Arc<Leaf>),
    /// With at least one target.
    Group(Strategy, Vec<Node>),
}

/// How a group chooses among its targets.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// The first.
    Single,
    /// One after the other, while answers have a status of `on`; without a list, while they are no 2xx.
    Fallback { on: Option<Vec<u16>> },
    /// One, by weight.
    LoadBalance { sticky: Option<Sticky> },
    /// The target of the first condition that holds, else the default. Both are positions in the group.
    Conditional { conditions: Vec<Condition>, default: Option<usize> },
}

/// Calls that agree in these fields go to the same target, for a time.
#[derive(Clone, Debug)]
pub struct Sticky {
    pub fields: Vec<crate::condition::Field>,
    /// How long a draw holds, at the most.
    pub ttl: Duration,
}

/// One provider to ask, and how.
#[derive(Clone)]
pub struct Leaf {
    pub path: String,
    pub name: Option<String>,
    /// A provider's slug. Neither this nor a virtual key: the request's own headers say.
    pub provider: Option<String>,
    /// Its slug, without `@`. It goes before the provider.
    pub virtual_key: Option<String>,
    pub api_key: Option<SecretString>,
    /// What is a provider's own (contract 1.2), by the name of the header that says the same, without `x-portkey-`.
    pub extras: BTreeMap<&'static str, String>,
    pub policy: Policy,
}

/// What a target has of its own or inherits (contract 2.1).
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub retry: Retry,
    pub cache: Option<Cache>,
    /// Until the head of an answer, for each attempt.
    pub request_timeout: Option<Duration>,
    pub custom_host: Option<String>,
    /// Lower-case names.
    pub forward_headers: Option<Vec<String>>,
    pub strict: Option<bool>,
    /// Put over the request's JSON body; mostly empty.
    pub override_params: Arc<Map<String, Value>>,
    pub input_hooks: Arc<[Hook]>,
    pub output_hooks: Arc<[Hook]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    pub mode: CacheMode,
    /// How long an answer may be given again.
    pub max_age: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    Simple,
    Semantic,
}

/// A guardrail or a mutator, as the config gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Its JSON path, as in a [`crate::Mistake`].
    pub path: String,
    pub given: Given,
    /// It is a mutator: its verdict counts for nothing.
    pub mutator: bool,
}

#[derive(Clone)]
pub enum Given {
    /// The id or slug of a saved one.
    Saved(String),
    /// In short (contract 6.1) or in full (`checks`).
    Inline(Arc<guardrails::Guardrail>),
}

impl PartialEq for Given {
    /// One that was read again is another.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Saved(one), Self::Saved(other)) => one == other,
            (Self::Inline(one), Self::Inline(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Config {
    /// A config that leaves all to the call itself.
    #[must_use]
    pub fn of_call() -> Self {
        let path = "config".to_owned();
        let leaf = Leaf {
            path: path.clone(),
            name: None,
            provider: None,
            virtual_key: None,
            api_key: None,
            extras: BTreeMap::new(),
            policy: Policy::default(),
        };
        let root = Node { path, name: None, weight: 1.0, kind: Kind::Leaf(Arc::new(leaf)) };
        Self { root, reads_params: false, extra_bytes: 0 }
    }

    /// The root's strategy, as logs have it.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match &self.root.kind {
            Kind::Leaf(_) | Kind::Group(Strategy::Single, _) => "single",
            Kind::Group(Strategy::Fallback { .. }, _) => "fallback",
            Kind::Group(Strategy::LoadBalance { .. }, _) => "loadbalance",
            Kind::Group(Strategy::Conditional { .. }, _) => "conditional",
        }
    }

    /// Every leaf, in the order of the text.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Arc<Leaf>> {
        let mut leaves = Vec::new();
        self.root.gather(&mut leaves);
        leaves
    }

    /// Whether a call may go where the request's own headers say.
    #[must_use]
    pub fn names_no_target(&self) -> bool {
        self.leaves().iter().any(|leaf| leaf.names_no_target())
    }
}

impl Node {
    fn gather<'a>(&'a self, leaves: &mut Vec<&'a Arc<Leaf>>) {
        match &self.kind {
            Kind::Leaf(leaf) => leaves.push(leaf),
            Kind::Group(_, targets) => targets.iter().for_each(|target| target.gather(leaves)),
        }
    }
}

/// Without what is said inline, which may have the headers of a webhook.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saved(id) => f.debug_tuple("Saved").field(id).finish(),
            Self::Inline(_) => f.debug_tuple("Inline").finish_non_exhaustive(),
        }
    }
}

/// Without what may be secret: keys, and what is a provider's own.
impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("path", &self.path)
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("virtual_key", &self.virtual_key)
            .field("extras", &self.extras.keys())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Leaf {
    /// Whether the request's own headers say where it goes.
    #[must_use]
    pub fn names_no_target(&self) -> bool {
        self.provider.is_none() && self.virtual_key.is_none()
    }
}
