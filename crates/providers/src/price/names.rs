//! Models' names and their versions.

use std::collections::HashMap;
use std::hash::BuildHasher;

/// What is kept for a model under its name, else under its name without a version: the longest name that is there.
#[must_use]
pub fn named<'a, T, S: BuildHasher>(models: &'a HashMap<String, T, S>, model: &str) -> Option<&'a T> {
    let model = model.strip_prefix("models/").unwrap_or(model); // Google's resource names
    let unversioned = || {
        model
            .rmatch_indices('-')
            .filter(|(at, _)| is_version(&model[at + 1..]))
            .find_map(|(at, _)| models.get(&model[..at]))
    };
    models.get(model).filter(|_| model != super::ANY).or_else(unversioned)
}

/// Whether a suffix only says which release of a model: `latest`, `2024-08-06`, `20250514`, `0613` (month and day), `001`.
/// Anything else may name another model, with another price: `mini`, `1`, `preview`, `2411` (Mistral's year and month).
pub(super) fn is_version(suffix: &str) -> bool {
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
