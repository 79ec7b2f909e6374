//! An alert as those who receive it are told.

use clock::iso;
use entity::{alert, alert_delivery};
use sea_orm::prelude::Json;
use serde_json::json;

use crate::Kind;

/// What a webhook is sent to see whether it works.
pub const TEST: &str = "webhook.test";

impl Kind {
    /// The `type` of its webhooks.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Allowance => "usage.allowance_reached",
            Self::Block => "usage.block_opened",
            Self::Limit => "usage.limit_reached",
            Self::Budget => "budget.threshold_reached",
            Self::Standing => "billing.standing_changed",
            Self::Rotation => "api_key.rotation_due",
        }
    }

    /// The kind of an event by its name; the test's has none.
    #[must_use]
    pub fn of_event(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.event() == name)
    }

    /// The kind that a row names; `None`: a newer version's.
    #[must_use]
    pub fn of(row: &alert::Model) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == row.kind)
    }
}

/// The name of an alert's event; without an alert the test's.
#[must_use]
pub fn name(alert: Option<&alert::Model>) -> &str {
    let Some(alert) = alert else { return TEST };
    match Kind::of(alert) {
        Some(kind) => kind.event(),
        None => &alert.kind,
    }
}

/// The body of a webhook; without an alert the test's.
pub(crate) fn payload(delivery: &alert_delivery::Model, alert: Option<&alert::Model>) -> Json {
    let Some(alert) = alert else {
        let data = json!({"organisation_id": delivery.organisation_id});
        return json!({"type": TEST, "timestamp": iso(delivery.created_at), "data": data});
    };
    let mut data = json!({
        "organisation_id": alert.organisation_id,
        "alert_id": alert.id,
        "kind": alert.kind,
        "subject": (!alert.subject.is_empty()).then_some(&alert.subject),
        "period": alert.period,
        "threshold": alert.threshold,
    });
    if let (Some(data), Some(more)) = (data.as_object_mut(), alert.data.as_object()) {
        for (name, value) in more {
            data.entry(name).or_insert_with(|| value.clone());
        }
    }
    json!({"type": name(Some(alert)), "timestamp": iso(alert.created_at), "data": data})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_event_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_event(kind.event()), Some(kind));
            assert_ne!(kind.event(), TEST);
        }
        assert_eq!(Kind::of_event(TEST), None);
    }
}
