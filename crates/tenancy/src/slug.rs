//! Slugs: short names for people to copy, unique by chance.

use crate::secret::{NoRandomness, random_hex};

/// Characters of the name in its slug.
const NAME_CHARS: usize = 24;

/// `prefix`, the letters and digits of `name` in lower case, cut, and six random hexadecimal digits.
///
/// # Errors
/// [`NoRandomness`] if the operating system has none to give.
pub fn slug(prefix: &str, name: &str) -> Result<String, NoRandomness> {
    let mut stem = String::with_capacity(NAME_CHARS);
    for char in name.chars().map(|char| char.to_ascii_lowercase()) {
        if stem.len() == NAME_CHARS {
            break;
        }
        if char.is_ascii_alphanumeric() {
            stem.push(char);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    let dash = if stem.is_empty() { "" } else { "-" };
    Ok(format!("{prefix}{stem}{dash}{}", random_hex(3)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_slug_is_the_name_made_plain_and_six_digits() {
        for (prefix, name, stem) in [
            ("", "OpenAI  (prod)", "openai-prod-"),
            ("ws-", "Shared Team Workspace", "ws-shared-team-workspace-"),
            ("", "a name that is far longer than its slug", "a-name-that-is-far-longe-"),
            ("", "キー", ""),
            ("ws-", "--", "ws-"),
        ] {
            let slug = slug(prefix, name).unwrap();
            let digits = slug.strip_prefix(stem).unwrap();
            assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{slug}");
        }
    }
}
