use settings::JobsSettings;

use crate::lease::Lease;
use crate::{Error, Parts, Report, jobs};

/// Every job there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Makes room for the logs of the next days, where the database wants it.
    Partitions,
    /// Deletes what is past its retention.
    Retention,
    /// Tells organisations what they are alerted to.
    AlertDeliveries,
    /// Sends what people are told by mail that is no alert.
    Mails,
    /// Makes drafts of the invoices of months that have ended.
    MonthClose,
    /// Makes drafts final whose grace is over.
    Invoices,
    /// Tells the payment provider of finished blocks of overage.
    MeterEvents,
    /// Restricts and suspends who does not pay.
    Dunning,
    /// Tells whose API keys are due to have another secret.
    KeyRotation,
    /// Sends logs as spans to those who want them.
    SpanExport,
    /// Makes logs findable by the words of their prompts and answers.
    TextIndex,
    /// Chooses the logs of exports that were started.
    LogExports,
}

impl Job {
    /// All of them, in the order in which those that are due at once run.
    pub const ALL: [Self; 12] = [
        Self::Partitions,
        Self::Retention,
        Self::AlertDeliveries,
        Self::Mails,
        Self::MonthClose,
        Self::Invoices,
        Self::MeterEvents,
        Self::Dunning,
        Self::KeyRotation,
        Self::SpanExport,
        Self::TextIndex,
        Self::LogExports,
    ];

    /// Its name in the database and in our own log lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::Retention => "retention",
            Self::AlertDeliveries => "alert_deliveries",
            Self::Mails => "mails",
            Self::MonthClose => "month_close",
            Self::Invoices => "invoices",
            Self::MeterEvents => "meter_events",
            Self::Dunning => "dunning",
            Self::KeyRotation => "key_rotation",
            Self::SpanExport => "span_export",
            Self::TextIndex => "text_index",
            Self::LogExports => "log_exports",
        }
    }

    /// When it runs, as a cron expression with seconds, UTC.
    pub(crate) fn cron(self, settings: &JobsSettings) -> &str {
        match self {
            Self::Partitions => &settings.partitions_cron,
            Self::Retention => &settings.retention_cron,
            Self::AlertDeliveries => &settings.alert_deliveries_cron,
            Self::Mails => &settings.mails_cron,
            Self::MonthClose => &settings.month_close_cron,
            Self::Invoices => &settings.invoices_cron,
            Self::MeterEvents => &settings.meter_events_cron,
            Self::Dunning => &settings.dunning_cron,
            Self::KeyRotation => &settings.key_rotation_cron,
            Self::SpanExport => &settings.span_export_cron,
            Self::TextIndex => &settings.text_index_cron,
            Self::LogExports => &settings.log_exports_cron,
        }
    }

    /// Whether it runs beside the others: it may have work without end, and waits for none of them.
    pub(crate) fn runs_beside(self) -> bool {
        matches!(self, Self::SpanExport | Self::TextIndex | Self::LogExports)
    }

    /// Whether it runs every some seconds.
    pub(crate) fn is_frequent(self) -> bool {
        self.runs_beside() || matches!(self, Self::AlertDeliveries | Self::Mails)
    }

    /// Runs it once, now, under its lease. Safe to repeat.
    pub(crate) async fn run(self, parts: &Parts, lease: &Lease) -> Result<Report, Error> {
        match self {
            Self::Partitions => jobs::partitions::run(parts).await,
            Self::Retention => jobs::retention::run(parts, lease).await,
            // In a box: what it takes to send would be room in every job's future.
            Self::AlertDeliveries => Box::pin(jobs::alert_deliveries::run(parts, lease)).await,
            Self::Mails => Box::pin(jobs::mails::run(parts, lease)).await,
            Self::MonthClose => jobs::month_close::run(parts, lease).await,
            Self::Invoices => jobs::invoices::run(parts, lease).await,
            Self::MeterEvents => Box::pin(jobs::meter_events::run(parts, lease)).await,
            Self::Dunning => jobs::dunning::run(parts, lease).await,
            Self::KeyRotation => jobs::key_rotation::run(parts, lease).await,
            Self::SpanExport => Box::pin(jobs::span_export::run(parts, lease)).await,
            Self::TextIndex => jobs::text_index::run(parts, lease).await,
            Self::LogExports => jobs::log_exports::run(parts, lease).await,
        }
    }
}
