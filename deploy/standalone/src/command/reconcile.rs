//! `turnpike reconcile`: proves that meters, logs, the ledger and invoices agree, or says where they do not.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clock::Clock;
use entity::organisation;
use host::say;
use logstore::reconcile::{self, Cutoffs, Held};
use logstore::{MeterKey, append};
use plans::Month;
use quota::{Counted, Key, Ledger as _};
use sea_orm::DatabaseConnection;
use serde::Serialize;
use settings::Settings;
use tenancy::PlanOverrides;
use uuid::Uuid;

/// How long Redis may take. Nobody waits for it as calls do.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// A ledger is asked this often before what it says counts as different: a batch may be between the store and it.
const TRIES: u32 = 6;

/// Between two tries. All of them take longer than Redis is left alone after a failure.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn run(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let ledger = match &settings.redis_url {
        Some(url) => Some(quota::Redis::connect(url, REDIS_TIMEOUT)?),
        None => None,
    };
    let db = host::database(settings).await?;
    let now_ms = Clock::system().now_ms();
    let mut report = Report { json, found: Found::default() };
    let mut after = None;
    loop {
        let cutoffs = |row: &organisation::Model| cutoffs(row, &settings.plans, now_ms);
        let page = reconcile::page(&db, after, cutoffs).await?;
        let mut last = None;
        for (key, held) in &page.months {
            report.found.organisations += u64::from(last.replace(key.0) != Some(key.0));
            report.month(*key, held)?;
            if let Some(ledger) = &ledger {
                report.ledger(&db, ledger, *key).await?;
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for (organisation, difference) in reconcile::content(&db).await? {
        report.differs(organisation, None, difference)?;
    }
    let (invoices, differences) = billing::prove(&db).await?;
    report.found.invoices = invoices;
    for (organisation, month, difference) in differences {
        report.differs(organisation, Some(month), difference)?;
    }
    db.close().await?;
    report.end(ledger.is_some())
}

/// As the job that deletes has it: where the terms cannot be read, nothing is deleted.
fn cutoffs(organisation: &organisation::Model, of_plans: &PlanOverrides, now_ms: i64) -> Cutoffs {
    let Ok((_, terms)) = tenancy::terms(organisation, of_plans, now_ms) else { return Cutoffs::default() };
    Cutoffs {
        logs: plans::retention_cutoff(&terms, now_ms),
        statistics: plans::analytics_cutoff(&terms, now_ms),
    }
}

struct Report {
    json: bool,
    found: Found,
}

/// All months together.
#[derive(Default, Serialize)]
struct Found {
    organisations: u64,
    months: u64,
    used: u64,
    logs: u64,
    dropped: i64,
    unrecorded: i64,
    /// Months of which retention may have deleted logs, and what of `used` and `logs` is theirs.
    months_past_retention: u64,
    used_past_retention: u64,
    logs_past_retention: u64,
    /// Months that the ledger in Redis knows, and has right; and those that it does not know.
    ledger_agrees: u64,
    ledger_unknown: u64,
    /// Those that are final.
    invoices: u64,
    differences: u64,
}

/// A difference, as it is shown to machines.
#[derive(Serialize)]
struct Line<T> {
    organisation_id: Uuid,
    month: Option<String>,
    #[serde(flatten)]
    difference: T,
}

/// What the ledger in Redis has wrong.
#[derive(Serialize, thiserror::Error, Debug)]
#[serde(tag = "difference", rename = "ledger")]
#[error(
    "the ledger in Redis has {row} logs and {on_its_way} on their way, usage has {used}; the organisation's next logs \
     set it right"
)]
struct LedgerDiffers {
    row: u64,
    on_its_way: u64,
    used: u64,
}

impl Report {
    fn month(&mut self, (organisation, month): MeterKey, held: &Held) -> anyhow::Result<()> {
        let found = &mut self.found;
        found.months += 1;
        found.used += held.used();
        found.logs += held.logs;
        if let Some(usage) = &held.usage {
            found.dropped += usage.dropped;
            found.unrecorded += usage.unrecorded;
        }
        if held.is_past_retention {
            found.months_past_retention += 1;
            found.used_past_retention += held.used();
            found.logs_past_retention += held.logs;
        }
        for difference in held.differences() {
            self.differs(organisation, Some(month), difference)?;
        }
        Ok(())
    }

    async fn ledger(
        &mut self,
        db: &DatabaseConnection,
        ledger: &quota::Redis,
        key: MeterKey,
    ) -> anyhow::Result<()> {
        match compare(db, ledger, key).await? {
            None => self.found.ledger_unknown += 1,
            Some(Ok(())) => self.found.ledger_agrees += 1,
            Some(Err(differs)) => self.differs(key.0, Some(key.1), differs)?,
        }
        Ok(())
    }

    fn differs(
        &mut self,
        organisation_id: Uuid,
        month: Option<Month>,
        difference: impl Serialize + Display,
    ) -> anyhow::Result<()> {
        self.found.differences += 1;
        let month = month.map(|month| month.to_string());
        if self.json {
            say(&serde_json::to_string(&Line { organisation_id, month, difference })?)?;
        } else {
            let month = month.map(|month| format!(" {month}")).unwrap_or_default();
            say(&format!("{organisation_id}{month}: {difference}"))?;
        }
        Ok(())
    }

    fn end(self, has_ledger: bool) -> anyhow::Result<ExitCode> {
        if self.json {
            say(&serde_json::to_string(&self.found)?)?;
        } else {
            say(&self.found.told(has_ledger))?;
        }
        Ok(if self.found.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Found {
    fn told(&self, has_ledger: bool) -> String {
        let Self { organisations, months, used, logs, dropped, unrecorded, .. } = self;
        let mut lines = vec![format!(
            "Organisations: {organisations}; months of theirs: {months}. Logs: {used} in usage, {logs} there; {dropped} dropped, \
             {unrecorded} unrecorded."
        )];
        if self.months_past_retention > 0 {
            let Self { months_past_retention: months, logs_past_retention: logs, .. } = self;
            let used = self.used_past_retention;
            lines.push(format!(
                "Past retention at least in part, so that fewer logs may be there: {months} of the months, with logs {logs} of {used}."
            ));
        }
        lines.push(if has_ledger {
            let Self { ledger_agrees: agrees, ledger_unknown: unknown, .. } = self;
            format!("Months that the ledger in Redis has right: {agrees}; that it does not know: {unknown}.")
        } else {
            "The ledger is embedded in the server: there is nothing to compare with.".to_owned()
        });
        lines.push(format!(
            "Final invoices, each as the blocks and credits that stand on it: {}.",
            self.invoices
        ));
        lines.push(match self.differences {
            0 => "No differences.".to_owned(),
            n => format!("Differences: {n}."),
        });
        lines.join("\n")
    }
}

/// None where the ledger does not know the month, which is never wrong.
async fn compare(
    db: &DatabaseConnection,
    ledger: &quota::Redis,
    key: MeterKey,
) -> anyhow::Result<Option<Result<(), LedgerDiffers>>> {
    let in_ledger = Key { organisation: key.0, month: key.1 };
    let mut tries = 1;
    loop {
        let before = append::used(db, key).await?;
        let read = ledger.read(in_ledger).await;
        let used = append::used(db, key).await?;
        let is_last = tries == TRIES;
        match read {
            Ok(None) => return Ok(None),
            Ok(Some(counted)) if counted.agrees(before, used) => return Ok(Some(Ok(()))),
            Ok(Some(Counted { row, on_its_way })) if is_last => {
                return Ok(Some(Err(LedgerDiffers { row, on_its_way, used })));
            }
            Err(error) if is_last => {
                return Err(error).context(
                    "the ledger cannot be compared; check that Redis runs at redis_url (TURNPIKE_REDIS_URL)",
                );
            }
            _ => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
