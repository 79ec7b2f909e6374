//! What a call cost. The prices are data: `prices.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Usage, registry};

/// The cost of `usage` in pico-dollars (10⁻¹² USD), exact; it saturates rather than overflows. `None`: the price of this
/// provider's model is not known. Cached, written and audio tokens are charged once, at their own prices.
///
/// A name that is not in the data is looked up without its version suffix, longest known name first: see
/// [`is_version`]. So `gpt-4o-2024-08-06` is `gpt-4o`, and `gpt-4o-mini` never is.
#[must_use]
pub fn cost(provider: &str, model: &str, usage: &Usage) -> Option<i64> {
    PRICES.cost(provider, model, usage)
}

/// The models of this provider whose price is known, in alphabetical order.
#[must_use]
pub fn models(provider: &str) -> Vec<&'static str> {
    let slug = registry::provider(provider).map_or(provider, |known| known.slug.as_str());
    let mut models: Vec<&str> = PRICES
        .providers
        .get(slug)
        .into_iter()
        .flat_map(|list| list.models.keys().map(String::as_str))
        .filter(|model| *model != "*")
        .collect();
    models.sort_unstable();
    models
}

/// The date of the newest price in the data, as `2026-11-05`; kept with each cost on the log.
#[must_use]
pub fn prices_version() -> &'static str {
    &PRICES.version
}

/// Empty if the embedded data were broken, which a test rules out.
static PRICES: LazyLock<Prices> =
    LazyLock::new(|| Prices::parse(include_str!("prices.toml")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    version: String,
    #[serde(default)]
    providers: HashMap<String, PriceList>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceList {
    /// The vendor's public page.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who keep the data, and for the test of it"))]
    source: String,
    /// When the page said so.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who keep the data, and for the test of it"))]
    date: String,
    /// By model; `*` stands for every other one.
    models: HashMap<String, Price>,
}

/// A model's price list; `long` replaces it when the input has more than `above` tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    input: PerToken,
    output: PerToken,
    cached_input: Option<PerToken>,
    cache_write: Option<PerToken>,
    audio_input: Option<PerToken>,
    audio_output: Option<PerToken>,
    long: Option<Long>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    above: u64,
    input: PerToken,
    output: PerToken,
    cached_input: Option<PerToken>,
    cache_write: Option<PerToken>,
}

/// Pico-dollars a token: written in the data as USD a million tokens, in decimal, with at most six places.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct PerToken(i64);

/// The prices that hold for one call; what has no price of its own is charged as input or output.
struct Rates {
    input: PerToken,
    output: PerToken,
    cached_input: PerToken,
    cache_write: PerToken,
    audio_input: PerToken,
    audio_output: PerToken,
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no price: a decimal number with at most six places")]
struct NotAPrice(String);

impl Prices {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    pub(crate) fn cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<i64> {
        let slug = registry::provider(provider).map_or(provider, |known| known.slug.as_str());
        let price = self.providers.get(slug)?.find(model)?;
        Some(price.rates(usage.input_tokens).cost(usage))
    }
}

impl PriceList {
    fn find(&self, model: &str) -> Option<&Price> {
        let model = model.strip_prefix("models/").unwrap_or(model); // Google's resource names
        let unversioned = || {
            model
                .rmatch_indices('-')
                .filter(|(at, _)| is_version(&model[at + 1..]))
                .find_map(|(at, _)| self.models.get(&model[..at]))
        };
        self.models.get(model).or_else(unversioned).or_else(|| self.models.get("*"))
    }
}

/// Whether a suffix only says which release of a model: `latest`, `2024-08-06`, `20250514`, `0613` (month and day), `001`.
/// Anything else may name another model, with another price: `mini`, `1`, `preview`, `2411` (Mistral's year and month).
fn is_version(suffix: &str) -> bool {
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let year = |text| number(text, 4).is_some_and(|n| (2020..2100).contains(&n));
    let month = |text| number(text, 2).is_some_and(|n| (1..=12).contains(&n));
    let day = |text| number(text, 2).is_some_and(|n| (1..=31).contains(&n));
    if !suffix.is_ascii() {
        return false;
    }
    match suffix.len() {
        3 => suffix.starts_with('0') && number(suffix, 3).is_some(),
        4 => month(&suffix[..2]) && day(&suffix[2..]),
        6 => suffix == "latest",
        8 => year(&suffix[..4]) && month(&suffix[4..6]) && day(&suffix[6..]),
        10 => {
            let mut parts = suffix.split('-');
            parts.next().is_some_and(year) && parts.next().is_some_and(month) && parts.next().is_some_and(day)
        }
        _ => false,
    }
}

impl Price {
    fn rates(&self, input_tokens: u64) -> Rates {
        let (input, output, cached_input, cache_write) = match &self.long {
            Some(long) if input_tokens > long.above => {
                (long.input, long.output, long.cached_input, long.cache_write)
            }
            _ => (self.input, self.output, self.cached_input, self.cache_write),
        };
        Rates {
            input,
            output,
            cached_input: cached_input.unwrap_or(input),
            cache_write: cache_write.unwrap_or(input),
            audio_input: self.audio_input.unwrap_or(input),
            audio_output: self.audio_output.unwrap_or(output),
        }
    }
}

impl Rates {
    fn cost(&self, usage: &Usage) -> i64 {
        // Each kind is taken out of the whole once, so that no token is charged twice.
        let mut input = usage.input_tokens;
        let mut output = usage.output_tokens;
        let lines = [
            (take(&mut input, usage.cached_input_tokens), self.cached_input),
            (take(&mut input, usage.cache_write_tokens), self.cache_write),
            (take(&mut input, usage.audio_input_tokens), self.audio_input),
            (input, self.input),
            (take(&mut output, usage.audio_output_tokens), self.audio_output),
            (output, self.output),
        ];
        let costs = lines.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(price.0));
        let total = costs.fold(0, i128::saturating_add);
        i64::try_from(total).unwrap_or(i64::MAX)
    }
}

/// Takes up to `wanted` out of `rest`, and says how much that was.
fn take(rest: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*rest);
    *rest -= taken;
    taken
}

impl TryFrom<String> for PerToken {
    type Error = NotAPrice;

    fn try_from(text: String) -> Result<Self, NotAPrice> {
        let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{places:0<6}");
        // USD a million tokens, in millionths, is pico-dollars a token.
        match digits.parse() {
            Ok(pico)
                if !whole.is_empty() && places.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(pico))
            }
            _ => Err(NotAPrice(text)),
        }
    }
}

#[cfg(test)]
mod tests;
