//! `jwt`: a header of the request holds a token that one of a set of public keys signed, and that is good now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{AlgorithmFamily, DecodingKey, Validation};
use serde_json::{Map, Value};
use url::Url;

use super::{Finding, Means, Subject};
use crate::parse::Parameters;

/// How long the keys may take to come.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Key sets that are kept. Ours.
const MAX_SETS: usize = 256;
/// A key that is not in the set is looked for again, this long after the set came. Milliseconds. Ours.
const AGAIN_MS: i64 = 60_000;
/// Longer than any token. Bytes.
const MAX_TOKEN: usize = 16 << 10;

#[derive(Debug)]
pub(crate) struct Jwt {
    keys: Url,
    /// In lower case.
    header: String,
    cache_max_age_s: i64,
    clock_tolerance_s: i64,
    max_age_s: i64,
}

impl Jwt {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        const EXPECTED: &str = "a whole number of seconds from 0 to 2592000";
        let header =
            parameters.text("headerKey").unwrap_or_else(|| "authorization".to_owned()).to_lowercase();
        if http::HeaderName::try_from(&header).is_err() {
            parameters.mistake("headerKey", "must be a header's name");
        }
        let mut seconds = |name, default| {
            let seconds = parameters.whole(name, EXPECTED, 0..=2_592_000).unwrap_or(default);
            i64::try_from(seconds).unwrap_or(i64::MAX)
        };
        let (cache_max_age_s, clock_tolerance_s) =
            (seconds("cacheMaxAge", 86_400), seconds("clockTolerance", 5));
        let max_age_s = match parameters.get("maxTokenAge") {
            None => Some(86_400),
            Some(Value::String(text)) => span_s(text),
            Some(seconds) => seconds.as_i64().filter(|seconds| *seconds > 0),
        };
        if max_age_s.is_none() {
            parameters.mistake("maxTokenAge", "must be a time such as 30s, 15m, 12h or 1d");
        }
        let keys = parameters.url("jwksUri")?;
        Some(Self { keys, header, cache_max_age_s, clock_tolerance_s, max_age_s: max_age_s? })
    }

    pub fn header(&self) -> &str {
        &self.header
    }

    pub async fn judge(&self, subject: Subject<'_>, means: Means<'_>) -> Finding<'static> {
        let Some(sent) = subject.call.headers.get(&self.header) else {
            return Finding::of(false, "the request has no token");
        };
        let token = match sent.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim(),
            _ => sent.trim(),
        };
        let header = if token.len() > MAX_TOKEN { None } else { jsonwebtoken::decode_header(token).ok() };
        let Some(header) = header else { return Finding::of(false, "what the request has is no token") };
        let Some(kid) = &header.kid else { return Finding::of(false, "the token names no key") };
        let key = match self.key(kid, means).await {
            Ok(Some(key)) => key,
            Ok(None) => return Finding::of(false, "no key of the set has the name that the token gives"),
            Err(error) => return Finding::trouble("JwksError", error),
        };
        // The key says how it signs, and a public key is no secret to sign with: so nobody can choose HMAC with it.
        if key.family() == AlgorithmFamily::Hmac || header.alg.family() != key.family() {
            return Finding::of(false, "the token is not signed as its key signs");
        }
        let mut validation = Validation::new(header.alg);
        // The time is not the library's to tell: it is checked below, against the clock that we were given.
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        validation.required_spec_claims.clear();
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(token) => match self.untimely(&token.claims, means.now_ms.div_euclid(1000)) {
                None => Finding::of(true, "the token is good"),
                Some(why) => Finding::of(false, why),
            },
            Err(_) => Finding::of(false, "the token is not signed by its key"),
        }
    }

    /// Why the token is not good at that time.
    fn untimely(&self, claims: &Map<String, Value>, now_s: i64) -> Option<&'static str> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a date far beyond all dates is as good as the last"
        )]
        let at = |claim: &str| claims.get(claim).and_then(Value::as_f64).map(|seconds| seconds as i64);
        let tolerance = self.clock_tolerance_s;
        if claims.contains_key("exp") && at("exp").is_none_or(|exp| now_s >= exp.saturating_add(tolerance)) {
            return Some("the token has expired");
        }
        if claims.contains_key("nbf") && at("nbf").is_none_or(|nbf| now_s < nbf.saturating_sub(tolerance)) {
            return Some("the token is not good yet");
        }
        let Some(issued) = at("iat") else { return Some("the token does not say when it was issued") };
        let age_s = now_s.saturating_sub(issued);
        if age_s > self.max_age_s.saturating_add(tolerance) {
            return Some("the token is too old");
        }
        (age_s < -tolerance).then_some("the token was issued in the future")
    }

    async fn key(&self, kid: &str, means: Means<'_>) -> Result<Option<DecodingKey>, String> {
        let kept = means.key_sets.get(self.keys.as_str());
        let age_ms = kept.as_ref().map(|kept| means.now_ms.saturating_sub(kept.at_ms));
        let fresh = age_ms.is_some_and(|age_ms| age_ms < self.cache_max_age_s.saturating_mul(1000));
        if let Some(kept) = kept.filter(|_| fresh) {
            let known = kept.set.find(kid);
            if known.is_some() || age_ms < Some(AGAIN_MS) {
                return decoding(known);
            }
        }
        let body = means.outside.get(&self.keys, TIMEOUT).await.map_err(|failure| failure.to_string())?;
        let set: JwkSet =
            serde_json::from_slice(&body).map_err(|_| "what jwksUri gives is no set of keys".to_owned())?;
        let kept = Kept { set, at_ms: means.now_ms };
        let kept = means.key_sets.keep(self.keys.as_str(), kept);
        decoding(kept.set.find(kid))
    }
}

fn decoding(key: Option<&jsonwebtoken::jwk::Jwk>) -> Result<Option<DecodingKey>, String> {
    let Some(key) = key else { return Ok(None) };
    DecodingKey::from_jwk(key).map(Some).map_err(|_| "the key is of a kind that is not known".to_owned())
}

/// A time such as `15m`, in seconds.
fn span_s(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let seconds = match text[unit..].trim() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    text[..unit].parse::<i64>().ok().filter(|n| (1..=100_000).contains(n)).map(|n| n * seconds)
}

/// Sets of public keys, by where they come from.
#[derive(Default)]
pub(crate) struct KeySets(Mutex<HashMap<String, Arc<Kept>>>);

struct Kept {
    set: JwkSet,
    at_ms: i64,
}

impl KeySets {
    fn get(&self, from: &str) -> Option<Arc<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(from).cloned()
    }

    fn keep(&self, from: &str, kept: Kept) -> Arc<Kept> {
        let kept = Arc::new(kept);
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MAX_SETS
            && let Some(oldest) = sets.iter().min_by_key(|(_, kept)| kept.at_ms).map(|(from, _)| from.clone())
        {
            sets.remove(&oldest);
        }
        sets.insert(from.to_owned(), Arc::clone(&kept));
        kept
    }
}
