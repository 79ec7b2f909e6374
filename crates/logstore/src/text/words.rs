//! What a word is: letters and digits of any script, in lower case.

use std::collections::HashSet;

/// What is read of a prompt, and of an answer, in bytes each: of a longer one its beginning and its end.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Characters of a word at the most; what follows is not asked and not kept.
const MAX_WORD_CHARS: usize = 64;

/// Different words of a log at the most.
const MAX_WORDS: usize = 4_096;

/// The words of a prompt and an answer, each once, with spaces between.
#[must_use]
pub fn words_of(texts: [&str; 2]) -> String {
    let mut seen = HashSet::new();
    let mut words = String::new();
    for text in texts.into_iter().flat_map(ends) {
        each(text, |word| {
            if seen.len() < MAX_WORDS && !seen.contains(word) {
                seen.insert(word.to_owned());
                words.push_str(if words.is_empty() { "" } else { " " });
                words.push_str(word);
            }
        });
    }
    words
}

/// Calls `take` with each word of the text, in order.
pub(super) fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    let mut chars = 0;
    for c in text.chars().chain([' ']) {
        let alone = stands_alone(c);
        if (alone || !c.is_alphanumeric()) && chars > 0 {
            take(&word);
            word.clear();
            chars = 0;
        }
        if alone {
            take(c.encode_utf8(&mut [0; 4]));
        } else if c.is_alphanumeric() && chars < MAX_WORD_CHARS {
            word.extend(c.to_lowercase());
            chars += 1;
        }
    }
}

/// Of scripts that put no space between words, each character is one.
fn stands_alone(c: char) -> bool {
    let ranges =
        ['\u{e00}'..='\u{eff}', '\u{1000}'..='\u{109f}', '\u{1780}'..='\u{17ff}', '\u{3040}'..='\u{30ff}'];
    let ideographs = ['\u{3400}'..='\u{9fff}', '\u{f900}'..='\u{faff}', '\u{20000}'..='\u{3ffff}'];
    c >= '\u{e00}' && c.is_alphanumeric() && ranges.iter().chain(&ideographs).any(|range| range.contains(&c))
}

/// The text, or its beginning and its end.
fn ends(text: &str) -> [&str; 2] {
    if text.len() <= MAX_TEXT_BYTES {
        return [text, ""];
    }
    let half = MAX_TEXT_BYTES / 2;
    [&text[..text.floor_char_boundary(half)], &text[text.ceil_char_boundary(text.len() - half)..]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case_each_once() {
        for (text, words) in [
            ("", ""),
            (" .,;!?'\"\\%*()\n\t\0", ""),
            ("Hello, World! hello", "hello world"),
            ("get_weather(city=\"Zürich\", n=42)", "get weather city zürich n 42"),
            ("don't e-mail a@b.example", "don t e mail a b example"),
            ("ÄÖÜ ΣΊΣΥΦΟΣ Привет", "äöü σίσυφοσ привет"),
            ("東京 tower とう", "東 京 tower と う"),
            ("สวัสดี", "ส ว ั ด ี"),
            ("한국어", "한국어"),
            ("\u{1f980}crab\u{1f980}", "crab"),
            ("§1 AND NOT x*", "1 and not x"),
        ] {
            assert_eq!(words_of([text, ""]), words, "{text:?}");
            assert_eq!(words_of(["", text]), words, "{text:?}");
        }
        assert_eq!(words_of(["one two", "two three"]), "one two three");
    }

    #[test]
    fn what_a_log_has_is_bounded() {
        let long = "é".repeat(MAX_WORD_CHARS * 3);
        assert_eq!(words_of([&long, ""]), "é".repeat(MAX_WORD_CHARS));
        let counted =
            |numbers: std::ops::Range<u32>| numbers.map(|n| format!("{n:x}")).collect::<Vec<_>>().join(" ");
        let many = counted(0..1_000_000);
        let words = words_of([&many, &many]);
        assert!(words.len() <= MAX_TEXT_BYTES, "both sides are the same");
        assert!(words.starts_with("0 1 2 ") && words.ends_with(" f423f"), "its beginning and its end");
        let other = counted(1_000_000..1_100_000);
        assert_eq!(words_of([&many, &other]).split(' ').count(), MAX_WORDS);
        // Cut in no character.
        let cut =
            words_of([&"\u{20000}".repeat(MAX_TEXT_BYTES), &format!("a{}", "é".repeat(MAX_TEXT_BYTES))]);
        assert!(cut.starts_with('\u{20000}') && cut.ends_with('é'), "{cut}");
    }
}
