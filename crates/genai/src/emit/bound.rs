//! Lists as JSON of bounded length, that stays JSON.

use serde_json::Value;

/// No text is cut shorter than this, in bytes; rather, the oldest items go.
const SHORTEST: usize = 64;

/// The list as JSON of at most `max` bytes: texts too long are cut, and where that is not enough the last items are
/// kept. None of a list that is empty, or of which nothing fits.
pub(super) fn json(mut items: Vec<Value>, max: usize) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    let mut longest = max / 2;
    loop {
        let lengths: Vec<usize> = items.iter().map(|item| item.to_string().len() + 1).collect();
        if lengths.iter().sum::<usize>() < max {
            return Some(Value::Array(items).to_string());
        }
        if longest < SHORTEST {
            return last(items, &lengths, max);
        }
        for item in &mut items {
            cut(item, longest);
        }
        longest /= 2;
    }
}

/// The last of the items that fit together.
fn last(mut items: Vec<Value>, lengths: &[usize], max: usize) -> Option<String> {
    let mut room = max.saturating_sub(1);
    let fits = |length: &&usize| match room.checked_sub(**length) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let kept = lengths.iter().rev().take_while(fits).count();
    (kept > 0).then(|| Value::Array(items.split_off(items.len() - kept)).to_string())
}

/// Cuts the texts in a value to `longest` bytes, the mark that says so included.
fn cut(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.len() > longest => {
            text.truncate(text.floor_char_boundary(longest - '…'.len_utf8()));
            text.push('…');
        }
        Value::Array(items) => items.iter_mut().for_each(|item| cut(item, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, longest)),
        _ => {}
    }
}
