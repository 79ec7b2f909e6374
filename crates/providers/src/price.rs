//! What a call cost. The prices are data: `prices.toml`, and what an operator has instead.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Usage, registry};

mod decimal;
mod import;
mod model;
mod names;

pub use decimal::{Multiplier, NotADecimal, PerToken};
pub use import::{Format, Import, ImportError, LeftOut, import};
pub use model::{BadPrice, Price};
pub use names::named;

/// The longest name of a provider or model, in bytes.
const MAX_NAME: usize = 256;

/// Stands for every model of a provider that has no price of its own.
pub const ANY: &str = "*";

/// The cost of `usage` in pico-dollars (10⁻¹² USD) by the prices that come with this release, exact; it saturates rather than
/// overflows. `None`: the price of this provider's model is not known. Cached, written, audio, image and reasoning tokens are
/// charged once, at their own prices.
///
/// A name that is not in the data is looked up without its version suffix, longest known name first: see [`named`]. So
/// `gpt-4o-2024-08-06` is `gpt-4o`, and `gpt-4o-mini` never is.
#[must_use]
pub fn cost(provider: &str, model: &str, usage: &Usage) -> Option<i64> {
    PRICES.cost(provider, model, usage)
}

/// The models of this provider whose price is known, in alphabetical order.
#[must_use]
pub fn models(provider: &str) -> Vec<&'static str> {
    let mut models: Vec<&str> = PRICES
        .providers
        .get(slug(provider))
        .into_iter()
        .flat_map(|list| list.models.keys().map(String::as_str))
        .filter(|model| *model != ANY)
        .collect();
    models.sort_unstable();
    models
}

/// The date of the newest price that comes with this release, as `2026-11-05`.
#[must_use]
pub fn prices_version() -> &'static str {
    &PRICES.version
}

/// The prices that come with this release.
#[must_use]
pub fn built_in() -> &'static Prices {
    &PRICES
}

/// Empty if the embedded data were broken, which a test rules out.
static PRICES: LazyLock<Prices> =
    LazyLock::new(|| Prices::parse(include_str!("prices.toml")).unwrap_or_default());

/// A list of prices, by provider and model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    version: String,
    providers: HashMap<String, PriceList>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PriceList {
    /// The vendor's public page.
    source: String,
    /// When the page said so.
    date: String,
    /// By model; `*` stands for every other one.
    models: HashMap<String, Price>,
}

/// Why a text is no list of prices.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrices {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("providers.{provider}.models.{model:?}: {why}")]
    Price { provider: String, model: String, why: BadPrice },
    #[error("{0:?} is too long for the name of a provider or a model: at most {MAX_NAME} bytes")]
    Name(String),
}

impl Prices {
    /// Reads a list in the format of `prices.toml`.
    ///
    /// # Errors
    /// [`InvalidPrices`], to be shown to who wrote it.
    pub fn parse(text: &str) -> Result<Self, InvalidPrices> {
        let read: Self = toml::from_str(text)?;
        let mut prices = Self { version: read.version, providers: HashMap::new() };
        for (provider, list) in read.providers {
            let known = prices.providers.entry(slug(&provider).to_owned()).or_default();
            let models = std::mem::take(&mut known.models);
            *known = PriceList { models: models.into_iter().chain(list.models).collect(), ..list };
        }
        for (provider, model, price) in prices.iter() {
            if let Some(long) = [provider, model].into_iter().find(|name| name.len() > MAX_NAME) {
                return Err(InvalidPrices::Name(long.chars().take(40).collect()));
            }
            price.check().map_err(|why| InvalidPrices::Price {
                provider: provider.to_owned(),
                model: model.to_owned(),
                why,
            })?;
        }
        Ok(prices)
    }

    /// Puts a price in, in place of the one that the model had.
    pub fn set(&mut self, provider: &str, model: &str, price: Price) {
        let list = self.providers.entry(slug(provider).to_owned()).or_default();
        list.models.insert(model.to_owned(), price);
    }

    /// Every price, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Price)> {
        self.providers.iter().flat_map(|(provider, list)| {
            list.models.iter().map(move |(model, price)| (provider.as_str(), model.as_str(), price))
        })
    }

    /// The price under exactly this name.
    #[must_use]
    pub fn get(&self, provider: &str, model: &str) -> Option<&Price> {
        self.providers.get(slug(provider))?.models.get(model)
    }

    /// The price of a model by its name, with or without its version.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&Price> {
        named(&self.providers.get(slug(provider))?.models, model)
    }

    /// The cost of a call in pico-dollars; a model that is not in the list has the price of any.
    #[must_use]
    pub fn cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<i64> {
        let price = self.find(provider, model).or_else(|| self.get(provider, ANY))?;
        Some(price.cost(usage))
    }

    /// In an order, as text: what tells two lists of the same prices from others.
    #[must_use]
    pub fn sorted(&self) -> BTreeMap<(&str, &str), &Price> {
        self.iter().map(|(provider, model, price)| ((provider, model), price)).collect()
    }
}

/// The slug of a provider that is known under another name; any other name as it is.
#[must_use]
pub fn slug(provider: &str) -> &str {
    registry::provider(provider).map_or(provider, |known| known.slug.as_str())
}

#[cfg(test)]
mod tests;
