use std::time::Duration;

use serde::Deserialize;

use crate::bounds;

/// Section `jobs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsSettings {
    /// When alerts that are due are sent, by webhook and by e-mail, UTC, as `retention_cron`. Default: `*/10 * * * * *` (each ten
    /// seconds).
    #[serde(deserialize_with = "bounds::schedule")]
    pub alert_deliveries_cron: String,
    /// When those whose invoices stay unpaid are restricted or suspended, UTC, as `retention_cron`. Default: `0 10 * * * *` (each
    /// hour).
    #[serde(deserialize_with = "bounds::schedule")]
    pub dunning_cron: String,
    /// When the owners of API keys are told whose rotation is due, UTC, as `retention_cron`; turns are at midnight. Default:
    /// `0 2 * * * *` (each hour).
    #[serde(deserialize_with = "bounds::schedule")]
    pub key_rotation_cron: String,
    /// When the logs of exports that were started are chosen, UTC, as `retention_cron`; up to 100 of them a run. Default:
    /// `*/5 * * * * *` (each five seconds).
    #[serde(deserialize_with = "bounds::schedule")]
    pub log_exports_cron: String,
    /// When mail that is no alert is sent, such as invites, UTC, as `retention_cron`. Default: `*/10 * * * * *` (each ten seconds).
    #[serde(deserialize_with = "bounds::schedule")]
    pub mails_cron: String,
    /// When the payment provider is told of finished blocks of overage, UTC, as `retention_cron`. Default: `20 * * * * *` (each
    /// minute).
    #[serde(deserialize_with = "bounds::schedule")]
    pub meter_events_cron: String,
    /// When the partitions of the next two days are made on PostgreSQL, UTC, as `retention_cron`; also done at the start.
    /// Default: `0 30 * * * *` (each hour).
    #[serde(deserialize_with = "bounds::schedule")]
    pub partitions_cron: String,
    /// When months that have ended get drafts of their invoices, UTC, as `retention_cron`; what was missed is made up for.
    /// Default: `0 0 * * * *` (each hour).
    #[serde(deserialize_with = "bounds::schedule")]
    pub month_close_cron: String,
    /// When drafts become final whose 24 hours are over, UTC, as `retention_cron`. Default: `0 5 * * * *` (each hour).
    #[serde(deserialize_with = "bounds::schedule")]
    pub invoices_cron: String,
    /// When logs past their retention are deleted, UTC: second, minute, hour, day of month, month, day of week, and
    /// a year if wanted. Default: `0 * * * * *` (each minute).
    #[serde(deserialize_with = "bounds::schedule")]
    pub retention_cron: String,
    /// The most logs that one transaction deletes. Default: 1,000.
    #[serde(deserialize_with = "bounds::positive")]
    pub retention_chunk: u64,
    /// When logs are sent as spans to those who want them, UTC, as `retention_cron`; a run goes on while there are any. Default:
    /// `*/5 * * * * *` (each five seconds).
    #[serde(deserialize_with = "bounds::schedule")]
    pub span_export_cron: String,
    /// How long a log waits for a receiver that does not take it, before it is given up. Default: 86,400,000 ms (a day).
    #[serde(rename = "span_export_max_age_ms", deserialize_with = "bounds::millis")]
    pub span_export_max_age: Duration,
    /// The most logs that wait for one destination; past that the oldest are given up. Default: 200,000.
    #[serde(deserialize_with = "bounds::positive")]
    pub span_export_max_logs: u64,
    /// When logs become findable by the words of their prompts and answers (`log.text_index`), UTC, as `retention_cron`; a run goes on while
    /// there are any. Default: `*/5 * * * * *` (each five seconds).
    #[serde(deserialize_with = "bounds::schedule")]
    pub text_index_cron: String,
    /// How long a worker that says nothing more keeps its job from the others; it says so three times as often. Default:
    /// 30,000 ms.
    #[serde(rename = "lease_ms", deserialize_with = "bounds::millis")]
    pub lease: Duration,
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self {
            alert_deliveries_cron: "*/10 * * * * *".to_owned(),
            dunning_cron: "0 10 * * * *".to_owned(),
            key_rotation_cron: "0 2 * * * *".to_owned(),
            log_exports_cron: "*/5 * * * * *".to_owned(),
            mails_cron: "*/10 * * * * *".to_owned(),
            meter_events_cron: "20 * * * * *".to_owned(),
            partitions_cron: "0 30 * * * *".to_owned(),
            month_close_cron: "0 0 * * * *".to_owned(),
            invoices_cron: "0 5 * * * *".to_owned(),
            retention_cron: "0 * * * * *".to_owned(),
            retention_chunk: 1000,
            span_export_cron: "*/5 * * * * *".to_owned(),
            span_export_max_age: Duration::from_hours(24),
            span_export_max_logs: 200_000,
            text_index_cron: "*/5 * * * * *".to_owned(),
            lease: Duration::from_secs(30),
        }
    }
}
