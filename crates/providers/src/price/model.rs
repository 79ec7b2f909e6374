//! The prices of one model, and what a call costs by them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PerToken;
use crate::{ServiceTier, Usage};

/// What the tokens of a model cost. `long` replaces prices of the whole call when its input is above so many tokens, the largest
/// bound that it is above; `batch`, `flex` and `priority` where the provider says that it answered so.
///
/// A price that is left out is that of the whole it is part of (input or output), in the same place; what a long input or a
/// tier says nothing of is as without it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Only of a long input. Tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_input: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<PerToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<PerToken>,
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub long: Vec<Self>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flex: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Box<Self>>,
}

/// Why a price is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPrice {
    #[error("input and output must be given")]
    NoInputOrOutput,
    #[error("above is for a long input alone, which must have it")]
    Above,
    #[error("a long input and a tier have no tiers of their own, and a long input has no longer one in it")]
    Nested,
}

type Of = fn(&Price) -> Option<PerToken>;

impl Price {
    /// Whether every part is where it may be.
    ///
    /// # Errors
    /// [`BadPrice`], with what must be otherwise.
    pub fn check(&self) -> Result<(), BadPrice> {
        if self.input.is_none() || self.output.is_none() {
            return Err(BadPrice::NoInputOrOutput);
        }
        self.check_longs()?;
        for tier in self.tiers().map(|(_, tier)| tier) {
            if tier.tiers().next().is_some() {
                return Err(BadPrice::Nested);
            }
            tier.check_longs()?;
        }
        Ok(())
    }

    fn check_longs(&self) -> Result<(), BadPrice> {
        if self.above.is_some() || self.long.iter().any(|long| long.above.is_none()) {
            return Err(BadPrice::Above);
        }
        let is_nested = |long: &Self| !long.long.is_empty() || long.tiers().next().is_some();
        if self.long.iter().any(is_nested) { Err(BadPrice::Nested) } else { Ok(()) }
    }

    /// The tiers that have prices of their own.
    pub fn tiers(&self) -> impl Iterator<Item = (ServiceTier, &Self)> {
        let tiers = [
            (ServiceTier::Batch, &self.batch),
            (ServiceTier::Flex, &self.flex),
            (ServiceTier::Priority, &self.priority),
        ];
        tiers.into_iter().filter_map(|(name, tier)| Some((name, tier.as_deref()?)))
    }

    /// What a call costs, in pico-dollars; it saturates rather than overflows.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> i64 {
        let places = self.places(usage);
        let part = |of: Of, whole: Of| part(places, of, whole).pico();
        let apart = |of: Of, whole: Of| apart(places, of).unwrap_or(part(whole, whole));
        let (whole_input, whole_output): (Of, Of) = (|p| p.input, |p| p.output);
        // Each kind is taken out of the whole once, so that no token is charged twice.
        let (mut input, mut output) = (usage.input_tokens, usage.output_tokens);
        let cached = take(&mut input, usage.cached_input_tokens);
        let mut written = take(&mut input, usage.cache_write_tokens);
        let written_1h = take(&mut written, usage.cache_write_1h_tokens);
        let audio_input = take(&mut input, usage.audio_input_tokens);
        let image_input = take(&mut input, usage.image_input_tokens);
        let audio_output = take(&mut output, usage.audio_output_tokens);
        let image_output = take(&mut output, usage.image_output_tokens);
        let reasoning = take(&mut output, usage.reasoning_tokens);
        let mut total = 0_i128;
        let mut add = |tokens: u64, price: &dyn Fn() -> i64| {
            if tokens > 0 {
                total = total.saturating_add(i128::from(tokens) * i128::from(price()));
            }
        };
        add(cached, &|| part(|p| p.cached_input, whole_input));
        add(written, &|| part(|p| p.cache_write, whole_input));
        add(written_1h, &|| part(|p| p.cache_write_1h.or(p.cache_write), whole_input));
        add(audio_input, &|| apart(|p| p.audio_input, whole_input));
        add(image_input, &|| apart(|p| p.image_input, whole_input));
        add(input, &|| part(whole_input, whole_input));
        add(audio_output, &|| apart(|p| p.audio_output, whole_output));
        add(image_output, &|| apart(|p| p.image_output, whole_output));
        add(reasoning, &|| part(|p| p.reasoning, whole_output));
        add(output, &|| part(whole_output, whole_output));
        i64::try_from(total).unwrap_or(i64::MAX)
    }

    /// Where prices of this call are looked for, in turn.
    fn places(&self, usage: &Usage) -> [&Self; 3] {
        let tier = match usage.service_tier {
            ServiceTier::Standard => None,
            ServiceTier::Batch => self.batch.as_deref(),
            ServiceTier::Flex => self.flex.as_deref(),
            ServiceTier::Priority => self.priority.as_deref(),
        };
        let tier = tier.unwrap_or(self);
        let longs =
            tier.long.iter().filter(|long| long.above.is_some_and(|above| usage.input_tokens > above));
        [longs.max_by_key(|long| long.above).unwrap_or(tier), tier, self]
    }
}

/// The price of a kind of tokens that goes with the whole's: in the first place that says either.
fn part(places: [&Price; 3], of: Of, whole: Of) -> PerToken {
    places.into_iter().find_map(|place| of(place).or_else(|| whole(place))).unwrap_or_default()
}

/// The price of a kind of tokens that is apart from the whole's.
fn apart(places: [&Price; 3], of: Of) -> Option<i64> {
    places.into_iter().find_map(of).map(PerToken::pico)
}

/// Takes up to `wanted` out of `rest`, and says how much that was.
fn take(rest: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*rest);
    *rest -= taken;
    taken
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Price>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        // First, for a list is a struct to serde as well.
        Many(Vec<Price>),
        One(Box<Price>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(price) => vec![*price],
        OneOrMany::Many(prices) => prices,
    })
}

/// For people: USD a million tokens, as `2.5 in, 10 out, 1.25 cached`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let prices = [
            ("in", self.input),
            ("out", self.output),
            ("cached", self.cached_input),
            ("cache write", self.cache_write),
            ("cache write 1h", self.cache_write_1h),
            ("audio in", self.audio_input),
            ("audio out", self.audio_output),
            ("image in", self.image_input),
            ("image out", self.image_output),
            ("reasoning", self.reasoning),
        ];
        let mut comma = "";
        for (name, price) in prices.iter().filter_map(|(name, price)| Some((name, price.as_ref()?))) {
            write!(f, "{comma}{price} {name}")?;
            comma = ", ";
        }
        for long in &self.long {
            write!(
                f,
                "; above {}: {}",
                long.above.unwrap_or_default(),
                Self { above: None, ..long.clone() }
            )?;
        }
        for (tier, price) in self.tiers() {
            write!(f, "; {}: {price}", format!("{tier:?}").to_lowercase())?;
        }
        Ok(())
    }
}
