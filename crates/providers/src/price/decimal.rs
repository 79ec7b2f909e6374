//! Amounts as decimal text: exact, or not taken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Pico-dollars a token: written as USD a million tokens, in decimal, with at most six places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PerToken(i64);

/// What a cost is multiplied by: decimal, with at most six places, up to a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Multiplier(i64);

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADecimal {
    #[error("{0:?} is no price: a decimal number with at most six places")]
    Price(String),
    #[error("{0:?} is no multiplier: a decimal number from 0 to 1000 with at most six places")]
    Multiplier(String),
    #[error("{0} is no number")]
    Number(String),
    #[error("{0} is below 0")]
    Negative(String),
    #[error("{0} is finer than a pico-dollar a token")]
    TooFine(String),
    #[error("{0} is too large")]
    TooLarge(String),
}

const MILLION: i64 = 1_000_000;

impl PerToken {
    /// In pico-dollars.
    #[must_use]
    pub fn pico(self) -> i64 {
        self.0
    }

    /// From a JSON number's text, in units of 10^`exponent` pico-dollars: 12 for USD, 10 for US cents. Exact.
    ///
    /// # Errors
    /// [`NotADecimal`] where that is no whole number of pico-dollars.
    pub(super) fn scaled(text: &str, exponent: i64) -> Result<Self, NotADecimal> {
        let not_a_number = || NotADecimal::Number(text.chars().take(40).collect());
        if text.starts_with('-') {
            return Err(NotADecimal::Negative(text.to_owned()));
        }
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(places) {
            return Err(not_a_number());
        }
        let power: i64 = power.parse().map_err(|_| not_a_number())?;
        let digits = format!("{whole}{places}");
        let significant = digits.trim_end_matches('0');
        let dropped = digits.len() - significant.len();
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self(0));
        }
        let shifted = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let power = power
            .saturating_add(exponent)
            .saturating_add(shifted(dropped))
            .saturating_sub(shifted(places.len()));
        let power = u32::try_from(power).map_err(|_| NotADecimal::TooFine(text.to_owned()))?;
        let pico = significant.parse::<i64>().ok().zip(10_i64.checked_pow(power));
        let pico = pico.and_then(|(digits, unit)| digits.checked_mul(unit));
        pico.map(Self).ok_or_else(|| NotADecimal::TooLarge(text.to_owned()))
    }

    /// In US cents, as a decimal number's text: exact.
    #[must_use]
    pub fn cents(self) -> String {
        decimal(self.0, 10)
    }
}

impl Multiplier {
    /// That share of a cost, rounded to whole pico-dollars, half of one up.
    #[must_use]
    pub fn of(self, cost_pusd: i64) -> i64 {
        let product = i128::from(cost_pusd) * i128::from(self.0);
        let rounded = (product + i128::from(MILLION / 2)).div_euclid(i128::from(MILLION));
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }
}

/// Decimal text with at most six places, in millionths.
fn millionths(text: &str) -> Option<i64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{places:0<6}");
    let is_decimal = !whole.is_empty() && places.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    is_decimal.then(|| digits.parse().ok()).flatten()
}

/// `n` in units of 10^-`places`, without zeros at the end.
fn decimal(n: i64, places: usize) -> String {
    let digits = format!("{n:0>width$}", width = places + 1);
    let (whole, places) = digits.split_at(digits.len() - places);
    let places = places.trim_end_matches('0');
    if places.is_empty() { whole.to_owned() } else { format!("{whole}.{places}") }
}

impl FromStr for PerToken {
    type Err = NotADecimal;

    /// USD a million tokens, in millionths, is pico-dollars a token.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        millionths(text).map(Self).ok_or_else(|| NotADecimal::Price(text.to_owned()))
    }
}

impl FromStr for Multiplier {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let millionths = millionths(text).filter(|n| *n <= 1_000 * MILLION);
        millionths.map(Self).ok_or_else(|| NotADecimal::Multiplier(text.to_owned()))
    }
}

impl TryFrom<String> for PerToken {
    type Error = NotADecimal;

    fn try_from(text: String) -> Result<Self, NotADecimal> {
        text.parse()
    }
}

impl TryFrom<String> for Multiplier {
    type Error = NotADecimal;

    fn try_from(text: String) -> Result<Self, NotADecimal> {
        text.parse()
    }
}

impl From<PerToken> for String {
    fn from(price: PerToken) -> Self {
        price.to_string()
    }
}

impl From<Multiplier> for String {
    fn from(multiplier: Multiplier) -> Self {
        multiplier.to_string()
    }
}

/// USD a million tokens.
impl fmt::Display for PerToken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&decimal(self.0, 6))
    }
}

impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&decimal(self.0, 6))
    }
}
