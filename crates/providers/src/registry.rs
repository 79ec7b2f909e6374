//! The providers the gateway can call. The rows are data: `registry.toml`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use url::Url;

use crate::Endpoint;

/// How a provider's requests and answers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The `OpenAI` wire format.
    #[default]
    OpenAi,
    /// A format of its own: passed through, not translated.
    Native,
}

/// Where the provider's key goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// A header of this name, in lower case, that holds the key alone.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// No key is needed.
    None,
}

/// One provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in headers, configs and logs.
    pub slug: String,
    /// How it speaks.
    pub shape: Shape,
    /// Its address; `None`: only with a custom host (or built in, `echo`). A [`Url`] without a path writes a slash
    /// at its end: trim it before appending.
    pub base: Option<Url>,
    /// The path between the base and an endpoint's own path: `/v1`, or empty when the base holds it.
    pub prefix: String,
    /// Where its key goes.
    pub auth: Auth,
    /// Headers, names in lower case, that every request carries unless the caller sets them.
    pub headers: Vec<(String, String)>,
    /// Its OpenTelemetry `gen_ai.provider.name`.
    pub gen_ai_system: String,
    /// What it answers besides [`Endpoint::Models`] and [`Endpoint::Proxy`].
    pub endpoints: Vec<Endpoint>,
}

impl Provider {
    /// Whether the provider answers this endpoint as the caller sends it. Listing models and the proxy need no
    /// translation, so every provider has them.
    #[must_use]
    pub fn supports(&self, endpoint: Endpoint) -> bool {
        matches!(endpoint, Endpoint::Proxy | Endpoint::Models) || self.endpoints.contains(&endpoint)
    }
}

/// The provider with this slug or alias.
#[must_use]
pub fn provider(slug: &str) -> Option<&'static Provider> {
    REGISTRY.providers.get(*REGISTRY.by_name.get(slug)?)
}

/// Providers whose dialect is not spoken yet: their credentials may be kept, and calls to them are refused.
pub const AWAITED: [&str; 11] = [
    "azure-ai",
    "azure-openai",
    "bedrock",
    "bytez",
    "cortex",
    "meshy",
    "oracle",
    "predibase",
    "sagemaker",
    "vertex-ai",
    "workers-ai",
];

/// Every provider once, in the data's order.
pub fn all() -> impl Iterator<Item = &'static Provider> {
    REGISTRY.providers.iter()
}

/// Empty if the embedded data were broken, which a test rules out.
static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::parse(include_str!("registry.toml")).unwrap_or_default());

#[derive(Debug, Default)]
struct Registry {
    providers: Vec<Provider>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug, thiserror::Error)]
enum RegistryError {
    #[error("the registry is no valid TOML")]
    Toml(#[from] toml::de::Error),
    #[error("the base address of {slug} is no URL")]
    Base { slug: String, source: url::ParseError },
    #[error("two providers are called {0}")]
    Repeated(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    slug: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    shape: Shape,
    base: Option<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    gen_ai_system: Option<String>,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

impl Registry {
    fn parse(text: &str) -> Result<Self, RegistryError> {
        let file: File = toml::from_str(text)?;
        let mut registry = Self::default();
        for mut row in file.provider {
            let index = registry.providers.len();
            for name in std::mem::take(&mut row.aliases).into_iter().chain([row.slug.clone()]) {
                if registry.by_name.insert(name.clone(), index).is_some() {
                    return Err(RegistryError::Repeated(name));
                }
            }
            registry.providers.push(row.try_into()?);
        }
        Ok(registry)
    }
}

impl TryFrom<Row> for Provider {
    type Error = RegistryError;

    fn try_from(row: Row) -> Result<Self, RegistryError> {
        let base = row
            .base
            .map(|base| Url::parse(&base))
            .transpose()
            .map_err(|source| RegistryError::Base { slug: row.slug.clone(), source })?;
        Ok(Self {
            gen_ai_system: row.gen_ai_system.unwrap_or_else(|| row.slug.clone()),
            slug: row.slug,
            shape: row.shape,
            base,
            prefix: row.prefix,
            auth: row.auth,
            headers: row.headers.into_iter().collect(),
            endpoints: row.endpoints,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, RegistryError};

    #[test]
    fn the_embedded_registry_parses() {
        let parsed = Registry::parse(include_str!("registry.toml"));
        assert!(parsed.is_ok_and(|registry| !registry.providers.is_empty()));
    }

    #[test]
    fn a_name_given_twice_is_an_error() {
        let text = "[[provider]]\nslug = \"a\"\n[[provider]]\nslug = \"b\"\naliases = [\"a\"]";
        assert!(matches!(Registry::parse(text), Err(RegistryError::Repeated(name)) if name == "a"));
    }
}
