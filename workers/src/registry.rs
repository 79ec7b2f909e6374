//! How long the rows of each table are kept: all of them, in one place.

/// How long a table's rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// As long as the organisation's plan shows them.
    ByPlan,
    /// This many days.
    Days(u32),
    /// For as long as the database is, because of this.
    Kept(&'static str),
}

/// Monthly counts are what invoices are made of: seven years and the one that is running, as books are kept.
pub(crate) const USAGE_DAYS: u32 = 8 * 366;

/// A mark is needed while its segment may come again, from a spool folder that was set aside.
pub(crate) const SPOOL_MARK_DAYS: u32 = 400;

/// A session that has ended is looked at when something seems wrong with an account: for a quarter.
pub(crate) const SESSION_DAYS: u32 = 90;

/// A key that signs no more is needed for as long as what it signed last, which is minutes.
pub(crate) const SIGNING_KEY_DAYS: u32 = 1;

/// After a day without an attempt an account's failures are forgotten.
pub(crate) const SIGN_IN_ATTEMPT_DAYS: u32 = 1;

/// What an operator looks back on. The newest run of each job stays: it tells what was missed.
pub(crate) const JOB_RUN_DAYS: u32 = 30;

/// What an organisation was told is looked up for as long as its statistics are.
pub(crate) const ALERT_DAYS: u32 = 400;

/// Of a job that runs every some seconds, that is too much to keep for as long.
pub(crate) const FREQUENT_JOB_RUN_DAYS: u32 = 1;

/// What was spent in a period is looked up for as long as statistics are, after its end.
pub(crate) const SPENDING_DAYS: u32 = 400;

/// Who was asked to join is looked up for as long as statistics are.
pub(crate) const INVITE_DAYS: u32 = 400;

/// A mail says nothing any more once it is sent or given up; that it was is looked up for a while.
pub(crate) const MAIL_DAYS: u32 = 30;

/// A token that is past its hour is of no use.
pub(crate) const PASSWORD_RESET_DAYS: u32 = 1;

/// What logs' costs were corrected by is looked up for as long as statistics are.
pub(crate) const CORRECTION_DAYS: u32 = 400;

/// An export is of logs that are shown now; in a month they can be others.
pub(crate) const LOG_EXPORT_DAYS: u32 = 30;

/// An event of the payment provider's can be sent again for a month.
pub(crate) const PAYMENT_EVENT_DAYS: u32 = 90;

/// Every table of the schema. A test holds it against a migrated database.
#[must_use]
pub const fn retention_registry() -> &'static [(&'static str, Retention)] {
    use Retention::{ByPlan, Days, Kept};
    &[
        ("log", ByPlan),
        ("log_payload", ByPlan),
        ("log_external_id", ByPlan),
        ("log_text", ByPlan),
        ("log_export", Days(LOG_EXPORT_DAYS)),
        ("log_export_part", Days(LOG_EXPORT_DAYS)),
        ("log_export_restriction", Kept("one row a subject, which is an organisation or a workspace")),
        ("text_outbox", Kept("a row ends as its logs are made findable")),
        ("usage", Days(USAGE_DAYS)),
        ("spool_mark", Days(SPOOL_MARK_DAYS)),
        ("session", Days(SESSION_DAYS)),
        ("signing_key", Days(SIGNING_KEY_DAYS)),
        ("sign_in_attempt", Days(SIGN_IN_ATTEMPT_DAYS)),
        (
            "process",
            Kept("a process takes its row away when it stops; the next start takes those of dead ones"),
        ),
        ("job_run", Days(JOB_RUN_DAYS)),
        ("job_lease", Kept("one row a job")),
        ("organisation", Kept("what all else belongs to; it ends by request, not by age")),
        ("workspace", Kept("ends with its organisation")),
        ("users", Kept("people may belong to several organisations and sign in after any pause")),
        ("membership", Kept("ends when it is taken away")),
        ("workspace_member", Kept("ends when it is taken away")),
        ("invite", Days(INVITE_DAYS)),
        ("mail", Days(MAIL_DAYS)),
        ("password_reset", Days(PASSWORD_RESET_DAYS)),
        ("api_key", Kept("archived ones too: logs name the key they came by")),
        ("virtual_key", Kept("archived ones too: logs name them, and replay asks whether they are archived")),
        ("config", Kept("archived ones too: logs name the config that they ran under")),
        ("config_version", Kept("logs name the version that they ran under")),
        ("guardrail", Kept("archived ones too: logs name the guardrails that were run")),
        ("guardrail_version", Kept("what a guardrail said is looked up for as long as it is")),
        ("plan_period", Kept("what invoices are made from, and ends with its organisation")),
        ("overage_block", Kept("what is owed, with the invoice that it stands on")),
        ("credit", Kept("what is owed, with the invoice that it stands on")),
        ("invoice", Kept("numbers are without gaps, and what is final is never deleted")),
        ("invoice_number", Kept("one row")),
        ("saved_filter", Kept("ends when it is deleted")),
        ("usage_hourly", ByPlan),
        ("feedback", ByPlan),
        ("alert", Days(ALERT_DAYS)),
        ("alert_delivery", Days(ALERT_DAYS)),
        ("webhook_endpoint", Kept("ends when it is deleted")),
        ("subject_limits", Kept("ends with what has the limits")),
        ("spending", Days(SPENDING_DAYS)),
        ("otel_destination", Kept("ends when it is deleted")),
        ("otel_outbox", Kept("a row ends as it is sent, and a day later all the same")),
        ("audit_entry", Kept("by default for ever, as the contract has it")),
        ("payment_customer", Kept("ends with its organisation")),
        ("payment_event", Days(PAYMENT_EVENT_DAYS)),
        ("meter_event", Kept("what the payment provider was told, with the block that it is of")),
        ("price_list", Kept("logs say which prices they were costed by")),
        ("price", Kept("ends with its list")),
        ("price_adjustment", Kept("those that were taken away too: logs say which they were costed by")),
        ("cost_correction", Days(CORRECTION_DAYS)),
        ("seaql_migrations", Kept("which migrations were applied")),
    ]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

    use super::*;
    use crate::Job;
    use crate::testing::World;

    #[tokio::test]
    async fn every_table_of_the_schema_is_in_the_registry_and_no_other() {
        let world = World::new().await;
        let backend = world.db().get_database_backend();
        let sql = match backend {
            // Partitions go with their table.
            DbBackend::Postgres => {
                "SELECT relname::text AS name FROM pg_class
                 WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
            }
            // The tables that an index of words is made of are part of it, and it of the table that it is beside.
            _ => {
                "SELECT name FROM pragma_table_list
                 WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                 UNION SELECT replace(name, '_fts', '') FROM pragma_table_list WHERE type = 'virtual'"
            }
        };
        let rows = world.db().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        let named: BTreeSet<String> =
            retention_registry().iter().map(|(table, _)| (*table).to_owned()).collect();
        assert_eq!(named, there, "left: the registry; right: the schema");
        assert_eq!(named.len(), retention_registry().len(), "a table is named once");
    }

    #[tokio::test]
    async fn the_retention_job_looks_after_every_table_that_ages_by_days() {
        let world = World::new().await;
        let report = crate::run_now(Job::Retention, &world.parts).await.unwrap();
        for (table, retention) in retention_registry() {
            if matches!(retention, Retention::Days(_)) {
                assert_eq!(report.count(table), Some(0), "{table}");
            }
        }
    }
}
