//! Prices from the two public formats, and from our own: as exact as they were written, with a note of all that is left out.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{ANY, InvalidPrices, MAX_NAME, PerToken, Price, Prices, slug};

mod litellm;
mod portkey;

/// The longest file that is read, in bytes. The public ones have some megabytes.
const MAX_BYTES: usize = 64 << 20;

/// How deep a price that is left out is looked into.
const MAX_DEPTH: u8 = 8;

/// Whose format a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A provider's models, in US cents a token: `pricing/<provider>.json` of Portkey's public models.
    Portkey,
    /// `model_prices_and_context_window.json`: all providers' models, in USD a token.
    LiteLlm,
    /// Ours, as `prices.toml`: what an operator has instead of any other price.
    Overrides,
}

/// What a file says.
#[derive(Debug)]
pub struct Import {
    pub format: Format,
    pub prices: Prices,
    pub left_out: Vec<LeftOut>,
}

/// Something of a file that is no part of our prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The model, and the field of it.
    pub path: String,
    pub why: String,
}

/// Why a file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file has more than {MAX_BYTES} bytes")]
    TooLong,
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("neither of Portkey's format (pricing_config) nor of LiteLLM's (litellm_provider)")]
    UnknownFormat,
    #[error("whose models these are is not in the file: name it with --provider")]
    NoProvider,
    #[error("the file names its providers itself: leave --provider out")]
    ProviderNotWanted,
    #[error(transparent)]
    Invalid(#[from] InvalidPrices),
}

impl Format {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portkey => "portkey",
            Self::LiteLlm => "litellm",
            Self::Overrides => "overrides",
        }
    }
}

/// Reads a file of any of the formats. `provider` is whose models a file of Portkey's has.
///
/// Of a public file, a price of 0 for cached, audio, image or reasoning tokens is taken for one that is not given: both formats
/// fill fields so, and nobody gives such tokens away.
///
/// # Errors
/// [`ImportError`]; a single price that cannot be taken is no error but left out.
pub fn import(text: &str, provider: Option<&str>) -> Result<Import, ImportError> {
    if text.len() > MAX_BYTES {
        return Err(ImportError::TooLong);
    }
    if !text.trim_start().starts_with('{') {
        if provider.is_some() {
            return Err(ImportError::ProviderNotWanted);
        }
        let prices = Prices::parse(text)?;
        return Ok(Import { format: Format::Overrides, prices, left_out: Vec::new() });
    }
    let models: Fields = serde_json::from_str(text)?;
    let has = |field: &str| models.values().filter_map(|model| fields(model)).any(|m| m.contains_key(field));
    if has("litellm_provider") {
        if provider.is_some() {
            return Err(ImportError::ProviderNotWanted);
        }
        return Ok(Taking::of(Format::LiteLlm).models(&models, litellm::take));
    }
    if has("pricing_config") || has("custom_pricing") {
        let provider = slug(provider.ok_or(ImportError::NoProvider)?).to_owned();
        let taken = Taking::of(Format::Portkey)
            .models(&models, |taking, model, raw| portkey::take(taking, &provider, model, raw));
        return Ok(portkey::join_lengths(taken));
    }
    Err(ImportError::UnknownFormat)
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The fields of what is an object.
fn fields(raw: &RawValue) -> Option<Fields<'_>> {
    if raw.get().starts_with('{') { serde_json::from_str(raw.get()).ok() } else { None }
}

/// An import as it is made.
struct Taking {
    import: Import,
    /// A price a token of the model that is taken cannot be taken: nor can the model, which would be too cheap without.
    has_failed: bool,
}

impl Taking {
    fn of(format: Format) -> Self {
        Self { import: Import { format, prices: Prices::default(), left_out: Vec::new() }, has_failed: false }
    }

    fn models(mut self, models: &Fields, mut take: impl FnMut(&mut Self, &str, &Fields)) -> Import {
        for (model, raw) in models {
            match fields(raw) {
                Some(_) if model.len() > MAX_NAME => self.leave_out(model, &"the name is too long"),
                Some(found) => take(&mut self, model, &found),
                None => self.leave_out(model, &"no object"),
            }
        }
        self.import
    }

    fn leave_out(&mut self, path: impl Into<String>, why: &impl ToString) {
        let mut path = path.into();
        if path.len() > 2 * MAX_NAME {
            path = path.chars().take(MAX_NAME).collect();
        }
        self.import.left_out.push(LeftOut { path, why: why.to_string() });
    }

    /// What is a price of something that has none here, unless it is nothing.
    fn leave_out_price(&mut self, path: &str, raw: &RawValue) {
        if is_something(raw, 0) {
            self.leave_out(path, &"there is no such price here");
        }
    }

    /// A number's price a token; none where it is not given, or left out.
    fn price(&mut self, path: &str, raw: &RawValue, exponent: i64) -> Option<PerToken> {
        if raw.get() == "null" {
            return None;
        }
        let price = PerToken::scaled(raw.get(), exponent);
        if let Err(error) = &price {
            self.leave_out(path, error);
            self.has_failed = true;
        }
        price.ok()
    }

    /// Puts a model's price in, unless it is none.
    fn put(&mut self, provider: &str, model: &str, mut price: Price, before: usize) {
        let has_failed = std::mem::take(&mut self.has_failed);
        if provider.is_empty() || provider.len() > MAX_NAME || model.is_empty() {
            return self.leave_out(format!("{provider}/{model}"), &"the provider or the model has no name");
        }
        if has_failed {
            return self.leave_out(model, &"one of its prices cannot be taken");
        }
        if price.input.is_none() && price.output.is_none() {
            return self.leave_out(model, &"no price a token");
        }
        let nothing = PerToken::default();
        // What embeds has no output, and what speaks may charge for nothing else.
        let (input, output) = (*price.input.get_or_insert(nothing), *price.output.get_or_insert(nothing));
        tidy(&mut price);
        let is_free = input == nothing && output == nothing;
        if is_free && model == ANY {
            return; // Says that the price of any other model is not known.
        }
        if is_free && self.import.left_out.len() > before {
            return self.leave_out(model, &"free a token, and charged otherwise");
        }
        if let Err(error) = price.check() {
            return self.leave_out(model, &error);
        }
        match self.import.prices.get(provider, model) {
            Some(known) if *known != price => {
                self.leave_out(
                    format!("{provider}/{model}"),
                    &"there twice, with other prices: the first is taken",
                );
            }
            _ => self.import.prices.set(provider, model, price),
        }
    }
}

/// Without prices of parts that are 0, and without places that say nothing.
fn tidy(price: &mut Price) {
    for part in [
        &mut price.cached_input,
        &mut price.cache_write,
        &mut price.cache_write_1h,
        &mut price.audio_input,
        &mut price.audio_output,
        &mut price.image_input,
        &mut price.image_output,
        &mut price.reasoning,
    ] {
        *part = part.filter(|price| *price != PerToken::default());
    }
    price.long.iter_mut().for_each(tidy);
    price.long.retain(|long| *long != Price { above: long.above, ..Price::default() });
    price.long.sort_by_key(|long| long.above);
    for tier in [&mut price.batch, &mut price.flex, &mut price.priority] {
        if let Some(tier) = tier.as_deref_mut() {
            // Filled in, as nobody works for nothing.
            if [tier.input, tier.output]
                .iter()
                .all(|price| price.is_none_or(|price| price == PerToken::default()))
            {
                (tier.input, tier.output) = (None, None);
            }
            tidy(tier);
        }
        if tier.as_deref().is_some_and(|tier| *tier == Price::default()) {
            *tier = None;
        }
    }
}

/// The prices of a long input above so many tokens.
fn long_of(price: &mut Price, above: u64) -> &mut Price {
    let at = price.long.iter().position(|long| long.above == Some(above)).unwrap_or_else(|| {
        price.long.push(Price { above: Some(above), ..Price::default() });
        price.long.len() - 1
    });
    &mut price.long[at]
}

/// Whether a number that is not 0 is anywhere in it, or something so deep that it is not looked at.
fn is_something(raw: &RawValue, depth: u8) -> bool {
    let text = raw.get();
    if depth > MAX_DEPTH {
        return true;
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            fields(raw).is_none_or(|fields| fields.values().any(|field| is_something(field, depth + 1)))
        }
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)
            .is_ok_and(|items| items.iter().any(|item| is_something(item, depth + 1))),
        Some(b'0'..=b'9' | b'-') => PerToken::scaled(text, 12) != Ok(PerToken::default()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
