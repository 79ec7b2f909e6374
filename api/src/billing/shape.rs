//! A plan and an invoice as they are told.

use billing::invoice::{Document, Line as Billed};
use entity::invoice;
use plans::{Month, Plan as Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::instant::iso;

/// What a plan gives and costs; null: unlimited, or not sold.
#[derive(Serialize, ToSchema)]
pub(crate) struct Terms {
    /// In US cents, of a whole month.
    monthly_price_cents: u64,
    /// Logs a month in the price.
    included_logs: Option<u64>,
    /// Logs in a block of overage.
    block_logs: Option<u64>,
    block_price_cents: Option<u64>,
    /// Logs a month after which recording stops.
    max_logs: Option<u64>,
    log_retention_days: Option<u32>,
    analytics_retention_days: Option<u32>,
    /// Seconds that a cached answer may be given again.
    max_cache_age_s: Option<u32>,
}

impl Terms {
    pub fn of(terms: &plans::Terms) -> Self {
        Self {
            monthly_price_cents: terms.monthly_price_cents,
            included_logs: terms.included,
            block_logs: terms.overage.map(|overage| overage.block_logs),
            block_price_cents: terms.overage.map(|overage| overage.block_price_cents),
            max_logs: terms.limit(),
            log_retention_days: terms.log_retention_days,
            analytics_retention_days: terms.analytics_retention_days,
            max_cache_age_s: terms.max_cache_age_s,
        }
    }
}

/// An invoice without its lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct Summary {
    /// Always `invoice`.
    object: &'static str,
    /// A UUID, or its month where it is not drafted yet.
    pub id: String,
    /// Of this installation, without gaps; null until it is final.
    pub number: Option<i32>,
    /// `gathering` (its month runs), `draft` (late logs still come on it) or `final`.
    #[schema(pattern = "^(gathering|draft|final)$")]
    pub status: String,
    /// As `2026-11`.
    pub month: String,
    #[schema(format = DateTime)]
    start: String,
    /// The first moment that is not in it.
    #[schema(format = DateTime)]
    end: String,
    pub organisation_id: Uuid,
    /// As it was called then.
    pub organisation_name: String,
    /// Always `USD`.
    currency: &'static str,
    pub total_cents: i64,
    /// Logs recorded in the month.
    pub logs: i64,
    /// Of the catalogue of plans that it is made under.
    pub catalogue_version: String,
    #[schema(format = DateTime)]
    drafted_at: Option<String>,
    #[schema(format = DateTime)]
    pub finalised_at: Option<String>,
}

/// An invoice.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invoice {
    #[serde(flatten)]
    pub summary: Summary,
    /// They add up to the total.
    pub lines: Vec<Line>,
    pub what_counts: String,
}

/// A line of an invoice.
#[derive(Serialize, ToSchema)]
pub(crate) struct Line {
    /// `plan`, `overage`, `late_overage` (blocks of an earlier month), `credit` or `carried_over`.
    kind: &'static str,
    pub description: String,
    pub quantity: i64,
    pub unit_price_cents: i64,
    pub amount_cents: i64,
    /// Of a plan when it began within the month, of blocks when the first was opened, of a credit when it was given.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Of a plan its end within the month, of blocks when the last was opened.
    #[schema(format = DateTime)]
    to: Option<String>,
    /// That blocks are of, as `2026-11`.
    month: Option<String>,
    /// Of the blocks, counted from 1 in their month.
    first_log: Option<i64>,
    last_log: Option<i64>,
}

impl Invoice {
    /// `row`: where it is drafted.
    pub fn of(document: Document, row: Option<&invoice::Model>) -> Self {
        let month = month(document.month);
        let summary = Summary {
            object: "invoice",
            id: row.map_or_else(|| month.clone(), |row| row.id.to_string()),
            number: row.and_then(|row| row.number),
            status: row.map_or_else(|| "gathering".to_owned(), |row| row.status.clone()),
            month,
            start: iso(document.start_ms),
            end: iso(document.end_ms),
            organisation_id: document.organisation_id,
            organisation_name: document.organisation_name,
            currency: "USD",
            total_cents: document.total_cents,
            logs: document.logs,
            catalogue_version: document.catalogue_version,
            drafted_at: row.map(|row| iso(row.drafted_at)),
            finalised_at: row.and_then(|row| row.finalised_at).map(iso),
        };
        let lines = document.lines.into_iter().map(Line::of).collect();
        Self { summary, lines, what_counts: document.what_counts }
    }
}

impl Line {
    fn of(line: Billed) -> Self {
        Self {
            kind: line.kind.as_str(),
            description: line.description,
            quantity: line.quantity,
            unit_price_cents: line.unit_price_cents,
            amount_cents: line.amount_cents,
            from: line.from_ms.map(iso),
            to: line.to_ms.map(iso),
            month: line.month.map(month),
            first_log: line.first_log,
            last_log: line.last_log,
        }
    }
}

/// As `2026-11`.
fn month(yyyymm: i32) -> String {
    Month::from_i32(yyyymm).map(|month| month.to_string()).unwrap_or_default()
}

/// A plan that can be had without a contract, and its terms.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offer {
    plan: &'static str,
    terms: Terms,
}

impl Offer {
    /// Those of the catalogue as the settings have it.
    pub fn all(of_plans: &tenancy::PlanOverrides) -> Vec<Self> {
        let offered = Name::ALL.into_iter().filter(|plan| *plan != Name::Enterprise);
        let terms = |plan| plans::terms(plan, &of_plans.get(&plan).copied().unwrap_or_default());
        offered.map(|plan| Self { plan: plan.as_str(), terms: Terms::of(&terms(plan)) }).collect()
    }
}
