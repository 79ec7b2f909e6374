//! What a password must be like.

use secrecy::{ExposeSecret as _, SecretString};

/// Characters of a password.
pub const MIN: usize = 12;
pub const MAX: usize = 256;

/// The most common passwords of at least [`MIN`] characters, in lower case: those that are guessed first.
const COMMON: &str = include_str!("common.txt");

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("too short")]
    TooShort,
    #[error("too long")]
    TooLong,
    #[error("one of those that are guessed first")]
    Common,
    #[error("the same as the e-mail address")]
    Address,
}

impl Weak {
    /// What it should have been.
    pub const EXPECTED: &'static str =
        "a password of 12 to 256 characters that is neither a common one nor the e-mail address";
}

/// Whether who has this address may have this password.
///
/// # Errors
/// [`Weak`] says why not.
pub fn check(password: &SecretString, email: &str) -> Result<(), Weak> {
    let password = password.expose_secret();
    match password.chars().count() {
        ..MIN => return Err(Weak::TooShort),
        MIN..=MAX => {}
        _ => return Err(Weak::TooLong),
    }
    let lower = password.to_lowercase();
    if lower == email.to_lowercase() {
        return Err(Weak::Address);
    }
    let mut chars = lower.chars();
    let first = chars.next();
    let one_character = chars.all(|next| Some(next) == first);
    if one_character || COMMON.lines().any(|common| common == lower) {
        return Err(Weak::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_not_everybodys_and_not_the_address() {
        for (password, outcome) in [
            ("correct horse battery", Ok(())),
            ("ünïcödé-ünïc", Ok(())),
            ("elevenchars", Err(Weak::TooShort)),
            ("Password1234", Err(Weak::Common)),
            ("123456789012", Err(Weak::Common)),
            ("aaaaaaaaaaaaaaaa", Err(Weak::Common)),
            ("Somebody@Example.com", Err(Weak::Address)),
        ] {
            assert_eq!(check(&password.into(), "somebody@example.com"), outcome, "{password}");
        }
        for (length, outcome) in [(256, Ok(())), (257, Err(Weak::TooLong))] {
            let password: String = "ab".repeat(200).chars().take(length).collect();
            assert_eq!(check(&password.into(), "a@b.co"), outcome);
        }
    }

    #[test]
    fn the_list_is_in_order_in_lower_case_and_of_passwords_that_are_long_enough() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 100 && lines.is_sorted());
        for line in lines {
            assert!(line.chars().count() >= MIN && line.to_lowercase() == line, "{line}");
        }
    }
}
