//! What a value must be beyond its type, checked as it is read, so that the error names the setting.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A number over 0.
pub fn positive<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default + PartialEq,
    D: Deserializer<'de>,
{
    let value = T::deserialize(deserializer)?;
    if value == T::default() { Err(D::Error::custom("found 0, expected a number over 0")) } else { Ok(value) }
}

/// Characters of a token that opens something.
const MIN_TOKEN: usize = 16;

/// Two contents and all else of a log must fit into one record of the spool, which takes 64 MiB. Bytes.
const MAX_PAYLOAD_BYTES: usize = 24 << 20;

/// How much of a content is kept, in bytes.
pub fn payload_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes: usize = positive(deserializer)?;
    if bytes > MAX_PAYLOAD_BYTES {
        let problem = format_args!("found {bytes}, expected at most {MAX_PAYLOAD_BYTES} (24 MiB)");
        return Err(D::Error::custom(problem));
    }
    Ok(bytes)
}

/// A number over 0 where none is needed.
pub fn optional_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    positive(deserializer).map(Some)
}

/// A time over 0, in milliseconds.
pub fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    positive(deserializer).map(Duration::from_millis)
}

/// A time over 0, in seconds.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    positive(deserializer).map(Duration::from_secs)
}

/// What cannot be guessed by trying.
pub fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let token = String::deserialize(deserializer)?;
    let length = token.chars().count();
    if length < MIN_TOKEN {
        let problem = format_args!("found {length} characters, expected {MIN_TOKEN} or more");
        return Err(D::Error::custom(problem));
    }
    Ok(Some(token.into()))
}

/// A cron expression, with seconds.
pub fn schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match cron::Schedule::from_str(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(D::Error::custom(format_args!(
            "{text:?} is no schedule ({error}); expected second, minute, hour, day of month, month and day of week, as \
             \"0 * * * * *\""
        ))),
    }
}

/// An address with its scheme. What was found is not repeated: another URL, put here by mistake, may hold a password.
pub fn http_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let url = String::deserialize(deserializer)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty()) {
        Ok(Some(url))
    } else {
        Err(D::Error::custom("expected http:// or https:// and a host"))
    }
}
