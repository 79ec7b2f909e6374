//! What is said of a key's rotation, and how it is shown.

use entity::api_key;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::Value;
use tenancy::rotation::{self, MIN_TRANSITION_MS};
use tenancy::{RotationPeriod, RotationPolicy};
use utoipa::ToSchema;

use crate::fields::{Fields, Sent, shown};
use crate::{Error, instant};

/// When a key is to have another secret. Its owners are told when that is due; the secret is made when one of them asks for it.
#[derive(ToSchema)]
#[schema(as = RotationPolicy)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Policy {
    /// `weekly` (on Mondays) or `monthly` (on the first), at 00:00 UTC.
    #[schema(pattern = "^(weekly|monthly)$")]
    rotation_period: String,
    /// How long both secrets work after a rotation, unless that says something else; less than the period. 30 minutes by default.
    #[schema(minimum = 1_800_000, maximum = 2_592_000_000_i64)]
    key_transition_period_ms: Option<i64>,
    /// The first turn, in place of the period's: the day that this is on in UTC, one to come.
    #[schema(format = DateTime)]
    next_rotation_at: Option<String>,
}

/// The same, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = RotationPolicyState)]
pub(crate) struct Shown {
    rotation_period: &'static str,
    key_transition_period_ms: i64,
    #[schema(format = DateTime)]
    next_rotation_at: Option<String>,
    /// Always `ACTIVE`.
    status: &'static str,
}

impl Shown {
    /// # Errors
    /// When the row is not as we write it.
    pub fn of(row: &api_key::Model) -> Result<Option<Self>, DbErr> {
        let shown = |policy: RotationPolicy| Self {
            rotation_period: policy.rotation_period.as_str(),
            key_transition_period_ms: policy.key_transition_period_ms.unwrap_or(MIN_TRANSITION_MS),
            next_rotation_at: row.next_rotation_at.map(instant::iso),
            status: "ACTIVE",
        };
        Ok(RotationPolicy::of(row)?.map(shown))
    }
}

/// A policy, and when its first turn is.
pub(super) struct Taken {
    pub policy: RotationPolicy,
    pub next_at: i64,
}

/// `rotation_policy`; null takes it away.
pub(super) fn take(fields: &mut Fields, now_ms: i64) -> Result<Sent<Taken>, Error> {
    let at = fields.path("rotation_policy");
    fields.sent("rotation_policy").read(|value| {
        let mut fields = Fields::of(value, &at)?;
        let expected = "weekly or monthly";
        let named = fields.line("rotation_period", 20)?;
        let named = fields.required("rotation_period", named, expected)?;
        let unknown =
            |_| Error::invalid(format!("{at}.rotation_period"), format!("found `{named}`"), expected);
        let rotation_period: RotationPeriod = named.parse().map_err(unknown)?;
        let policy = RotationPolicy { rotation_period, key_transition_period_ms: None };
        let key_transition_period_ms = transition(&mut fields, Some(policy))?;
        let first = first_turn(&mut fields, now_ms)?;
        fields.finish()?;
        let next_at = first.unwrap_or_else(|| rotation_period.next_after(now_ms));
        Ok(Taken { policy: RotationPolicy { key_transition_period_ms, ..policy }, next_at })
    })
}

/// `key_transition_period_ms`, of a key that has this policy.
pub(super) fn transition(fields: &mut Fields, policy: Option<RotationPolicy>) -> Result<Option<i64>, Error> {
    const NAME: &str = "key_transition_period_ms";
    let Some(value) = fields.take(NAME) else { return Ok(None) };
    let below = rotation::transition_below_ms(policy);
    if let Some(ms) = value.as_i64().filter(|ms| (MIN_TRANSITION_MS..below).contains(ms)) {
        return Ok(Some(ms));
    }
    let shorter = if policy.is_some() { ", shorter than the rotation period" } else { "" };
    let expected = format!("milliseconds from {MIN_TRANSITION_MS} to {}{shorter}", below - 1);
    Err(Error::invalid(fields.path(NAME), format!("found {}", shown(&value)), expected))
}

fn first_turn(fields: &mut Fields, now_ms: i64) -> Result<Option<i64>, Error> {
    const NAME: &str = "next_rotation_at";
    let Some(text) = fields.line(NAME, 40)? else { return Ok(None) };
    let invalid = |problem, expected| Err(Error::invalid(fields.path(NAME), problem, expected));
    match instant::parse(&text).map(rotation::midnight) {
        None => invalid(format!("found `{text}`"), instant::EXPECTED),
        Some(ms) if ms <= now_ms => {
            invalid(format!("the day of `{text}` has begun"), "a day to come, in UTC")
        }
        Some(ms) => Ok(Some(ms)),
    }
}

/// Addresses that a key may name.
const MAX_EMAILS: usize = 20;

/// `alert_emails`, in lower case and each once; null and an empty array take them away.
pub(super) fn take_emails(fields: &mut Fields) -> Result<Sent<Json>, Error> {
    let at = fields.path("alert_emails");
    let expected = format!("an array of at most {MAX_EMAILS} e-mail addresses");
    let sent = fields.sent("alert_emails").read(|value| {
        let Value::Array(items) = &value else {
            return Err(Error::invalid(&at, format!("found {}", shown(&value)), expected));
        };
        if items.len() > MAX_EMAILS {
            return Err(Error::invalid(&at, format!("{} addresses", items.len()), expected));
        }
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let read = item.as_str().ok_or("not a string").and_then(tenancy::email::normal);
            let email = read.map_err(|problem| {
                Error::invalid(format!("{at}[{index}]"), problem, "an e-mail address such as ops@example.com")
            })?;
            if !all.contains(&email) {
                all.push(email);
            }
        }
        Ok(all)
    })?;
    Ok(match sent {
        Sent::As(all) if all.is_empty() => Sent::Null,
        sent => sent.map(Json::from),
    })
}
