#![expect(clippy::unwrap_used, reason = "tests")]
use clock::{Clock, Ids};
use entity::log_payload;
use plans::{Overrides, Plan};
use sea_orm::{ConnectionTrait as _, PaginatorTrait as _};

use super::*;

struct Fixture {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    segment: Uuid,
    organisation: Uuid,
    terms: BTreeMap<Uuid, Terms>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let organisation = ids.fresh();
        let terms = [(organisation, plans::terms(Plan::Developer, &Overrides::default()))].into();
        Self { db, segment: ids.fresh(), organisation, terms, clock, ids, _folder: folder }
    }

    /// The bytes `start..end` of the segment, with `n` logs that have content.
    fn batch(&self, start: u64, end: u64, n: usize) -> Batch {
        let entries = (0..n).map(|_| self.entry("whole")).collect();
        Batch { segment: self.segment, start, end, entries, late: Vec::new() }
    }

    fn entry(&self, trace_id: &str) -> Entry {
        let mut log = scratch::log(self.ids.log_id(), self.organisation);
        trace_id.clone_into(&mut log.trace_id);
        Entry { log, payload: Some(vec![1]), opinions: Vec::new() }
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        let calls: Vec<_> = batch.entries.iter().filter_map(|entry| spending::Call::of(&entry.log)).collect();
        let limited = Limited::load(&self.db, &calls).await?;
        let exports = Exports::load(&self.db, [self.organisation]).await?;
        let rules =
            Rules { terms: &|key| self.terms(key), limited: &limited, exports: &exports, searchable: true };
        append(&self.db, batch, rules, &self.clock).await
    }

    async fn limit(&self, key: Uuid, budgets: serde_json::Value) {
        let limits = entity::subject_limits::Model {
            subject_id: key,
            subject_kind: "key".to_owned(),
            organisation_id: self.organisation,
            name: String::new(),
            rate_limits: serde_json::json!([]),
            usage_limits: budgets,
            counted_from: 0,
            updated_at: 0,
        };
        limits.into_active_model().insert(&self.db).await.unwrap();
    }

    async fn append_singly(&self, batch: Batch) -> Result<Appended, DbErr> {
        let exports = Exports::load(&self.db, [self.organisation]).await?;
        let rules = Rules {
            terms: &|key| self.terms(key),
            limited: &Limited::default(),
            exports: &exports,
            searchable: true,
        };
        append_singly(&self.db, batch, rules, &self.clock).await
    }

    fn terms(&self, (organisation, _): MeterKey) -> Option<Terms> {
        self.terms.get(&organisation).copied()
    }

    /// Rows of `log` and of `log_payload`.
    async fn kept(&self) -> (u64, u64) {
        let logs = log::Entity::find().count(&self.db).await.unwrap();
        (logs, log_payload::Entity::find().count(&self.db).await.unwrap())
    }

    async fn execute(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }
}

/// The tally of the only meter.
fn tally(appended: Appended) -> Tally {
    let Appended::Now(tallies) = appended else { return Tally::default() };
    assert_eq!(tallies.len(), 1);
    tallies.into_values().next().unwrap()
}

#[tokio::test]
async fn a_batch_of_any_size_goes_in_once() {
    let fixture = Fixture::new().await;
    let mut in_all = 0;
    for (at, n) in [1, 2, 7, 31, 300].into_iter().enumerate() {
        let start = u64::try_from(at).unwrap();
        let mut batch = fixture.batch(start, start + 1, n);
        batch.entries[0].payload = None;
        in_all += u64::try_from(n).unwrap();
        assert_eq!(tally(fixture.append(batch).await.unwrap()).used, in_all);
        assert_eq!(fixture.kept().await, (in_all, in_all - start - 1));
        assert_eq!(fixture.append(fixture.batch(start, start + 1, n)).await.unwrap(), Appended::Before);
    }
    assert_eq!(fixture.append(fixture.batch(0, 1, 1)).await.unwrap(), Appended::Before);
    assert_eq!(fixture.kept().await.0, in_all);
}

#[tokio::test]
async fn a_store_that_lost_its_last_batches_takes_what_comes_after_them() {
    let fixture = Fixture::new().await;
    for start in 0..3 {
        fixture.append(fixture.batch(start, start + 1, 1)).await.unwrap();
    }
    // As after a restored backup: the mark stands before what the spool has forgotten.
    fixture.execute("UPDATE spool_mark SET next = 1").await;
    assert_eq!(tally(fixture.append(fixture.batch(3, 4, 2)).await.unwrap()).recorded, 2);
    assert_eq!(fixture.append(fixture.batch(3, 4, 2)).await.unwrap(), Appended::Before);
    fixture.execute("DELETE FROM spool_mark").await;
    assert_eq!(tally(fixture.append(fixture.batch(4, 5, 2)).await.unwrap()).recorded, 2);
    assert_eq!(fixture.append(fixture.batch(4, 5, 2)).await.unwrap(), Appended::Before);
    assert_eq!(fixture.kept().await.0, 7);
}

#[tokio::test]
async fn what_the_store_refuses_is_left_out_log_by_log_and_never_counted_as_used() {
    let fixture = Fixture::new().await;
    let content = "(SELECT trace_id FROM log WHERE id = NEW.id) = 'content'";
    scratch::refuse(&fixture.db, "content", "INSERT ON log_payload", content).await;
    scratch::refuse(&fixture.db, "row", "INSERT ON log", "NEW.trace_id = 'row'").await;
    let batch = || {
        let mut batch = fixture.batch(0, 1, 2);
        batch.entries.insert(1, fixture.entry("content"));
        batch.entries.insert(2, fixture.entry("row"));
        batch
    };
    assert!(matches!(fixture.append(batch()).await, Err(Error::Refused(_))));
    assert_eq!(fixture.kept().await, (0, 0));

    let tally = tally(fixture.append_singly(batch()).await.unwrap());
    assert_eq!((tally.used, tally.recorded, tally.refused), (3, 3, 1));
    assert_eq!(fixture.kept().await, (3, 2));
    let meter = usage::Entity::find().one(&fixture.db).await.unwrap().unwrap();
    assert_eq!((meter.used, meter.unrecorded), (3, 1));
    let bare = log::Entity::find().filter(log::Column::TraceId.eq("content")).one(&fixture.db).await.unwrap();
    assert_eq!(bare.unwrap().payload, "unstorable");
    assert_eq!(fixture.append(batch()).await.unwrap(), Appended::Before);
}

#[tokio::test]
async fn a_failure_that_may_pass_takes_no_content_from_a_log() {
    let fixture = Fixture::new().await;
    fixture.execute("ALTER TABLE log_payload RENAME TO away").await;
    assert!(matches!(fixture.append(fixture.batch(0, 1, 2)).await, Err(Error::Database(_))));
    assert!(fixture.append_singly(fixture.batch(0, 1, 2)).await.is_err());
    fixture.execute("ALTER TABLE away RENAME TO log_payload").await;
    assert_eq!(fixture.kept().await, (0, 0));
    assert_eq!(tally(fixture.append_singly(fixture.batch(0, 1, 2)).await.unwrap()).used, 2);
    assert_eq!(fixture.kept().await, (2, 2));
}

#[tokio::test]
async fn any_text_comes_back_as_it_was() {
    let fixture = Fixture::new().await;
    let odd = ["", "NULL", "{a,\"b\",'c'}", "\\\"\\", "\n\t\u{1}", "ü\u{1f980}"];
    let mut batch = fixture.batch(0, 1, odd.len() + 1);
    for (entry, text) in batch.entries.iter_mut().zip(odd) {
        let log = &mut entry.log;
        (log.model, log.url) = (Some(text.to_owned()), text.to_owned());
        (log.api_key_id, log.cost_pusd) = (Some(log.id), Some(i64::MIN));
        log.metadata = Some(serde_json::json!({ text: text }));
        entry.payload = Some(text.as_bytes().to_vec());
    }
    let whole: Vec<_> =
        batch.entries.iter().map(|entry| (entry.log.clone(), entry.payload.clone())).collect();
    fixture.append(batch).await.unwrap();
    for (log, payload) in whole {
        let kept = log::Entity::find().filter(log::Column::Id.eq(log.id)).one(&fixture.db).await.unwrap();
        assert_eq!(kept.as_ref(), Some(&log));
        let kept = log_payload::Entity::find().filter(log_payload::Column::Id.eq(log.id)).one(&fixture.db);
        assert_eq!(kept.await.unwrap().map(|kept| kept.content), payload);
    }
}

#[tokio::test]
async fn text_that_postgres_cannot_hold_is_refused_and_stands_in_nobodys_way() {
    let fixture = Fixture::new().await;
    let batch = || {
        let mut batch = fixture.batch(0, 1, 3);
        batch.entries[1].log.model = Some("gpt\0".to_owned());
        batch
    };
    let refused = matches!(fixture.append(batch()).await, Err(Error::Refused(_)));
    assert_eq!(refused, scratch::on_postgres());
    let n = u64::from(refused);
    let tally = if refused { tally(fixture.append_singly(batch()).await.unwrap()).refused } else { 0 };
    assert_eq!((tally, fixture.kept().await), (n, (3 - n, 3 - n)));
}

#[tokio::test]
async fn numbers_of_any_size_add_up_to_the_largest_there_is() {
    let fixture = Fixture::new().await;
    for at in 0..3 {
        let mut batch = fixture.batch(at, at + 1, 2);
        for entry in &mut batch.entries {
            (entry.log.input_tokens, entry.log.cost_pusd) = (Some(i64::MAX), Some(i64::MAX - 1));
            entry.log.output_tokens = Some(-5);
        }
        assert_eq!(tally(fixture.append(batch).await.unwrap()).recorded, 2);
    }
    let hours = entity::usage_hourly::Entity::find().all(&fixture.db).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.logs).sum::<i64>(), 6);
    for hour in hours {
        assert_eq!((hour.input_tokens, hour.output_tokens, hour.cost_pusd), (i64::MAX, 0, i64::MAX));
    }
}

#[tokio::test]
async fn what_calls_spend_is_counted_once_whether_or_not_their_logs_are_recorded() {
    let mut fixture = Fixture::new().await;
    let one = plans::Overrides { included_logs: Some(1), ..Overrides::default() };
    fixture.terms = [(fixture.organisation, plans::terms(Plan::Developer, &one))].into();
    let key = fixture.ids.fresh();
    // Two budgets of one period, and one of another.
    let budgets = serde_json::json!([
        {"type": "tokens", "credit_limit": 100, "alert_threshold": 40, "periodic_reset": "monthly"},
        {"type": "cost", "credit_limit": 5, "periodic_reset": "monthly"},
        {"type": "cost", "credit_limit": 5},
    ]);
    fixture.limit(key, budgets).await;
    // What cannot be read stands in nobody's way.
    fixture.limit(fixture.organisation, serde_json::json!([{"type": "sheep"}])).await;
    let batch = || {
        let mut batch = fixture.batch(0, 1, 5);
        for entry in &mut batch.entries[..4] {
            entry.log.api_key_id = Some(key);
        }
        batch.entries[3].log.source = "insert".to_owned();
        batch
    };
    assert_eq!(tally(fixture.append(batch()).await.unwrap()).recorded, 1);
    assert_eq!(fixture.append(batch()).await.unwrap(), Appended::Before);
    let rows = entity::spending::Entity::find().all(&fixture.db).await.unwrap();
    // Each has 15 tokens and costs 1,000.
    let spent: Vec<_> = rows.iter().map(|row| (row.tokens, row.cost_pusd)).collect();
    assert_eq!(spent, [(45, 3_000), (45, 3_000)]);
    let of_budgets = entity::alert::Column::Kind.eq("budget");
    let alerts = entity::alert::Entity::find().filter(of_budgets).all(&fixture.db).await.unwrap();
    let alerts: Vec<_> = alerts.iter().map(|alert| (alert.subject.clone(), alert.threshold)).collect();
    assert_eq!(alerts, [(format!("key:{key}"), 40)]);
}

fn opinion(value: i16) -> Opinion {
    Opinion { value, weight: 0.5, metadata: Some(serde_json::json!({"failedChecks": "default.contains"})) }
}

/// The feedback there is, as trace, value and weight.
async fn feedback(fixture: &Fixture) -> Vec<(String, i16, f64)> {
    let rows = entity::feedback::Entity::find().all(&fixture.db).await.unwrap();
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.trace_id, row.value, row.weight)).collect();
    rows.sort_by_key(|row| row.1);
    rows
}

#[tokio::test]
async fn what_guardrails_think_is_written_once_with_the_log_and_not_without_it() {
    let fixture = Fixture::new().await;
    scratch::refuse(&fixture.db, "row", "INSERT ON log", "NEW.trace_id = 'row'").await;
    let batch = || {
        let mut batch = fixture.batch(0, 1, 1);
        batch.entries[0].opinions = vec![opinion(-5), opinion(5)];
        batch
    };
    fixture.append(batch()).await.unwrap();
    assert_eq!(fixture.append(batch()).await.unwrap(), Appended::Before);
    let both = [("whole".to_owned(), -5, 0.5), ("whole".to_owned(), 5, 0.5)];
    assert_eq!(feedback(&fixture).await, both);

    let mut batch = fixture.batch(1, 2, 1);
    batch.entries.push(fixture.entry("row"));
    batch.entries[0].opinions = vec![opinion(7)];
    batch.entries[1].opinions = vec![opinion(8)];
    fixture.append_singly(batch).await.unwrap();
    assert_eq!(feedback(&fixture).await.last().unwrap().1, 7, "the log that was refused has none");
    assert_eq!(feedback(&fixture).await.len(), 3);
}

#[tokio::test]
async fn what_comes_late_goes_to_its_log_once_and_to_nobody_elses() {
    let fixture = Fixture::new().await;
    let mut batch = fixture.batch(0, 1, 1);
    let log_id = batch.entries[0].log.id;
    batch.entries[0].log.hook_results =
        Some(serde_json::json!({"before_request_hooks": [1], "after_request_hooks": []}));
    fixture.append(batch).await.unwrap();
    let late = |organisation_id, log_id| Late {
        log_id,
        organisation_id,
        hook_results: serde_json::json!({"before_request_hooks": [2], "after_request_hooks": [3]}),
        opinions: vec![opinion(-5)],
    };
    let late = [
        late(fixture.organisation, log_id),
        late(fixture.ids.fresh(), log_id),
        late(fixture.organisation, fixture.ids.log_id()),
    ];
    let batch = || Batch { late: late.to_vec(), ..fixture.batch(1, 2, 0) };
    fixture.append(batch()).await.unwrap();
    assert_eq!(fixture.append(batch()).await.unwrap(), Appended::Before);
    let row = log::Entity::find().one(&fixture.db).await.unwrap().unwrap();
    let expected = serde_json::json!({"before_request_hooks": [1, 2], "after_request_hooks": [3]});
    assert_eq!(row.hook_results, Some(expected));
    assert_eq!(feedback(&fixture).await, [("whole".to_owned(), -5, 0.5)]);
}
