//! What an organisation is told of by itself: each once for its threshold and period.
//!
//! An alert is raised in the transaction that makes it true, so that neither is there without the other. A job then makes its
//! [deliveries](delivery), one for each destination, and attempts each until it is taken. To add an alert: a variant of [`Kind`],
//! whose event is in `event` and whose words are in `text`. Mail that is no alert goes by the [`outbox`].

mod backoff;
pub mod delivery;
mod event;
mod mail;
pub mod outbox;
mod outcome;
mod recipients;
mod secret;
mod sender;
mod text;
mod webhook;

pub use backoff::DELAYS_MS;
pub use event::{TEST, name as event_name};
pub use mail::{BadSmtp, Letter, Mailer};
pub use outcome::Outcome;
pub use secret::{SecretError, make as make_secret, seal as seal_secret};
pub use sender::Sender;
pub use webhook::FORMER_SECRET_MS;

use clock::Ids;
use entity::alert;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The month's included logs are used up to a threshold, in per cent.
    Allowance,
    /// A block of overage is opened; the threshold is its number.
    Block,
    /// The month's last log that may be recorded is: what comes is dropped. The threshold is 100.
    Limit,
    /// A budget is used up to a threshold, in per cent.
    Budget,
    /// Whether invoices are paid has changed.
    Standing,
    /// An API key is due to have another secret.
    Rotation,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub organisation_id: Uuid,
    pub kind: Kind,
    /// What it is about, as `key:<id>`; empty for the organisation itself.
    pub subject: String,
    /// In which it is told once: a month as `2026-11`, or another period of the subject's.
    pub period: String,
    /// Per cent, or a number.
    pub threshold: i32,
    /// An object: what else is to be told.
    pub data: Json,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Allowance, Self::Block, Self::Limit, Self::Budget, Self::Standing, Self::Rotation];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowance => "allowance",
            Self::Block => "block",
            Self::Limit => "limit",
            Self::Budget => "budget",
            Self::Standing => "standing",
            Self::Rotation => "rotation",
        }
    }
}

/// Raises an alert, unless it was raised before. True when it is new.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn raise(txn: &impl ConnectionTrait, ids: &Ids, now_ms: i64, alert: Alert) -> Result<bool, DbErr> {
    let row = alert::Model {
        id: ids.fresh(),
        organisation_id: alert.organisation_id,
        kind: alert.kind.as_str().to_owned(),
        subject: alert.subject,
        period: alert.period,
        threshold: alert.threshold,
        data: alert.data,
        created_at: now_ms,
        announced_at: None,
    };
    let once = [
        alert::Column::OrganisationId,
        alert::Column::Kind,
        alert::Column::Subject,
        alert::Column::Period,
        alert::Column::Threshold,
    ];
    let raised = alert::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(raised == 1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clock::Clock;

    use super::*;

    #[tokio::test]
    async fn an_alert_is_raised_once_for_its_threshold_and_period() {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let ids = Ids::new(Clock::system());
        let alert = |period: &str, threshold| Alert {
            organisation_id: Uuid::nil(),
            kind: Kind::Allowance,
            subject: String::new(),
            period: period.to_owned(),
            threshold,
            data: serde_json::json!({"used": 8}),
        };
        for (period, threshold, is_new) in
            [("2026-11", 80, true), ("2026-11", 80, false), ("2026-11", 100, true), ("2026-12", 80, true)]
        {
            let raised = raise(&db, &ids, 1, alert(period, threshold)).await.unwrap();
            assert_eq!(raised, is_new, "{period} {threshold}");
        }
    }
}
