//! Checks of the text alone.

use regex::Regex;

use super::{Finding, Operator, Subject};
use crate::parse::Parameters;

/// `regexMatch`: the pattern is found.
#[derive(Debug)]
pub(crate) struct Match {
    rule: Regex,
    not: bool,
}

impl Match {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let not = parameters.flag("not", false);
        Some(Self { rule: parameters.pattern("rule")?, not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        Finding::found(self.rule.is_match(subject.text), self.not, "the pattern")
            .with("rule", self.rule.as_str())
    }
}

/// What is counted of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// `sentenceCount`: full stops, exclamation and question marks.
    Sentences,
    /// `wordCount`: what blanks separate.
    Words,
    /// `characterCount`
    Characters,
}

/// The count is in a range.
#[derive(Debug)]
pub(crate) struct Count {
    unit: Unit,
    min: u64,
    max: u64,
    not: bool,
}

impl Count {
    pub fn read(parameters: &mut Parameters<'_>, unit: Unit) -> Option<Self> {
        const EXPECTED: &str = "a whole number from 0 on";
        let (min_name, max_name) = match unit {
            Unit::Sentences => ("minSentences", "maxSentences"),
            Unit::Words => ("minWords", "maxWords"),
            Unit::Characters => ("minCharacters", "maxCharacters"),
        };
        let not = parameters.flag("not", false);
        let mut min = parameters.whole(min_name, EXPECTED, 0..=u64::MAX);
        let mut max = parameters.whole(max_name, EXPECTED, 0..=u64::MAX);
        if matches!(unit, Unit::Words) {
            min = parameters.needs(min_name, min, EXPECTED);
            max = parameters.needs(max_name, max, EXPECTED);
        } else if parameters.get(min_name).is_none() && parameters.get(max_name).is_none() {
            parameters
                .mistake(min_name, format!("is missing: one of {min_name} and {max_name} must be there"));
            return None;
        } else {
            min = min.or_else(|| parameters.get(min_name).is_none().then_some(0));
            max = max.or_else(|| parameters.get(max_name).is_none().then_some(u64::MAX));
        }
        let (min, max) = (min?, max?);
        if min > max {
            parameters.mistake(max_name, format!("must not be less than {min_name}"));
            return None;
        }
        Some(Self { unit, min, max, not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let (count, what) = match self.unit {
            Unit::Sentences => {
                (subject.text.bytes().filter(|c| matches!(c, b'.' | b'!' | b'?')).count(), "sentences")
            }
            Unit::Words => (subject.text.split_whitespace().count(), "words"),
            Unit::Characters => (subject.text.chars().count(), "characters"),
        };
        let within = (self.min..=self.max).contains(&(count as u64));
        let explanation =
            format!("{count} {what}, {} the range", if within { "within" } else { "outside of" });
        Finding::of(within != self.not, explanation).with("count", count).with("not", self.not)
    }
}

/// `contains`: words are in the text, as they are written.
#[derive(Debug)]
pub(crate) struct Contains {
    words: Vec<String>,
    operator: Operator,
    not: bool,
}

impl Contains {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let operator = Operator::read(parameters, Operator::Any);
        let not = parameters.flag("not", false);
        let words = parameters.needed_texts("words")?;
        Some(Self { words, operator, not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let mut finding = self.operator.judge(&self.words, |word| subject.text.contains(word));
        finding.verdict ^= self.not;
        finding
    }
}

/// `endsWith`: the suffix, with or without a full stop after it.
#[derive(Debug)]
pub(crate) struct EndsWith {
    suffix: String,
    not: bool,
}

impl EndsWith {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let not = parameters.flag("not", false);
        Some(Self { suffix: parameters.needed_text("suffix")?, not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let bare = subject.text.strip_suffix('.').unwrap_or(subject.text);
        let ends = subject.text.ends_with(&self.suffix) || bare.ends_with(&self.suffix);
        Finding::found(ends, self.not, "the suffix").with("suffix", self.suffix.as_str())
    }
}

/// `alluppercase`, `alllowercase`
#[derive(Debug)]
pub(crate) struct Case {
    upper: bool,
    not: bool,
}

impl Case {
    pub fn read(parameters: &mut Parameters<'_>, upper: bool) -> Self {
        Self { upper, not: parameters.flag("not", false) }
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let other = if self.upper { char::is_lowercase } else { char::is_uppercase };
        let all = !subject.text.contains(other);
        Finding::found(!all, !self.not, "a letter of the other case")
    }
}

/// `notNull`: there is content.
#[derive(Debug)]
pub(crate) struct NotNull {
    not: bool,
}

impl NotNull {
    pub fn read(parameters: &mut Parameters<'_>) -> Self {
        Self { not: parameters.flag("not", false) }
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        Finding::found(!subject.text.trim().is_empty(), self.not, "content")
    }
}
