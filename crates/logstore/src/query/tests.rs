#![expect(clippy::unwrap_used, reason = "tests")]
mod selection;
mod sorted;

use std::time::Duration;

use clock::{Clock, Ids};
use plans::Plan;
use sea_orm::{DatabaseConnection, IntoActiveModel, QueryOrder as _};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tenancy::organisation::{NewOrganisation, create};
use tenancy::{Keys, PlanOverrides};

use super::*;
use crate::partitions::{self, Partition};
use crate::sort::By;
use crate::status_labels::StatusLabels;
use crate::{Content, Cursor, Packer, Range, Retry, Sort, Span};

/// 2026-11-23T00:00:00Z.
const NOW: i64 = 1_795_392_000_000;

struct Fixture {
    db: DatabaseConnection,
    /// Of a workspace, of its whole organisation, and of a workspace of another.
    own: TenantScope,
    admin: TenantScope,
    stranger: TenantScope,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        partitions::ensure(&db, &[Partition::of(3, NOW)].into()).await.unwrap();
        let [own, admin] = scopes(&db).await;
        let [stranger, _] = scopes(&db).await;
        Self { db, own, admin, stranger, _folder: folder }
    }

    /// A log received `n` milliseconds after [`NOW`], changed as told.
    async fn log(&self, n: u16, change: impl FnOnce(&mut log::Model)) -> Uuid {
        let mut row = row(&self.own, n);
        change(&mut row);
        row.into_active_model().insert(&self.db).await.unwrap().id
    }

    /// The logs found, by their milliseconds after [`NOW`].
    async fn found(&self, filter: Filter) -> Vec<i64> {
        let page = list(&self.db, &self.own, &filter, None, Start::newest(), 100).await.unwrap();
        assert_eq!(page.next, None);
        numbers(&page)
    }
}

async fn scopes(db: &DatabaseConnection) -> [TenantScope; 2] {
    let clock = Clock::system();
    let new = NewOrganisation {
        name: "Acme".to_owned(),
        plan: Plan::Developer,
        owner_email: "o@example.com".to_owned(),
    };
    let made = create(db, &Ids::new(clock.clone()), &clock, new).await.unwrap();
    let keys = Keys::new(db.clone(), clock, Duration::ZERO, Duration::ZERO, PlanOverrides::new());
    let own = keys.identify(made.api_key.expose_secret()).await.unwrap().scope();
    [own, keys.identify(made.admin_api_key.expose_secret()).await.unwrap().scope()]
}

fn row(scope: &TenantScope, n: u16) -> log::Model {
    let id = clock::floor(NOW + i64::from(n));
    log::Model {
        workspace_id: scope.workspace().unwrap(),
        trace_id: format!("trace-{n}"),
        ..scratch::log(id, scope.organisation())
    }
}

fn numbers(page: &Page) -> Vec<i64> {
    page.rows.iter().map(|row| row.created_at - NOW).collect()
}

fn at_least(min: i64) -> Range {
    Range { min: Some(min), max: None }
}

fn at_most(max: i64) -> Range {
    Range { min: None, max: Some(max) }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat_while_logs_come_in() {
    let f = Fixture::new().await;
    for n in 1..=5 {
        f.log(n, |_| ()).await;
    }
    let page = async |cursor: Option<Cursor>| {
        list(&f.db, &f.own, &Filter::default(), None, cursor, 2).await.unwrap()
    };
    let first = page(None).await;
    assert_eq!(numbers(&first), [5, 4]);
    f.log(6, |_| ()).await;
    let second = page(first.next).await;
    assert_eq!(numbers(&second), [3, 2]);
    let third = page(second.next).await;
    assert_eq!((numbers(&third), third.next), (vec![1], None));
}

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last() {
    let f = Fixture::new().await;
    f.log(1, |_| ()).await;
    f.log(2, |_| ()).await;
    let page = list(&f.db, &f.own, &Filter::default(), None, Start::newest(), 2).await.unwrap();
    assert_eq!((numbers(&page), page.next), (vec![2, 1], None));
}

#[tokio::test]
async fn a_scope_reaches_its_own_logs_only() {
    let f = Fixture::new().await;
    let mine = f.log(1, |_| ()).await;
    let beside = f.log(2, |row| row.workspace_id = Uuid::max()).await;
    for (scope, found) in [(&f.own, vec![1]), (&f.admin, vec![2, 1]), (&f.stranger, vec![])] {
        let page = list(&f.db, scope, &Filter::default(), None, Start::newest(), 10).await.unwrap();
        assert_eq!(numbers(&page), found);
        for (id, n) in [(mine, 1), (beside, 2)] {
            let log = find(&f.db, scope, id, None).await.unwrap();
            assert_eq!(log.is_some(), found.contains(&n));
        }
    }
    let narrowed = f.admin.within(f.own.workspace().unwrap()).unwrap();
    assert_eq!(
        numbers(&list(&f.db, &narrowed, &Filter::default(), None, Start::newest(), 10).await.unwrap()),
        [1]
    );
    assert_eq!(f.own.within(Uuid::max()), None);
}

#[tokio::test]
async fn what_is_past_its_retention_is_not_shown_though_it_is_there() {
    let f = Fixture::new().await;
    let old = f.log(1, |_| ()).await;
    let new = f.log(2, |_| ()).await;
    let cutoff = Some(NOW + 2);
    assert!(find(&f.db, &f.own, old, cutoff).await.unwrap().is_none());
    assert!(find(&f.db, &f.own, new, cutoff).await.unwrap().is_some());
    let page = list(&f.db, &f.own, &Filter::default(), cutoff, Start::newest(), 10).await.unwrap();
    assert_eq!(numbers(&page), [2]);
}

#[tokio::test]
async fn a_log_comes_with_its_content_where_some_is_kept() {
    let f = Fixture::new().await;
    let (with, without) = (f.log(1, |_| ()).await, f.log(2, |_| ()).await);
    let side =
        |body: &'static str| Content { headers: [("a", "b")].into_iter().collect(), body: body.into() };
    let mut packer = Packer::new().unwrap();
    let payload = log_payload::Model {
        id: with,
        organisation_id: f.own.organisation(),
        created_at: NOW + 1,
        retention_class: 3,
        content: packer.pack(&side("ask"), &side("answer")).unwrap(),
    };
    payload.into_active_model().insert(&f.db).await.unwrap();
    let (_, exchange) = find(&f.db, &f.own, with, None).await.unwrap().unwrap();
    assert_eq!(exchange, Some(Exchange { request: side("ask"), response: side("answer") }));
    assert_eq!(find(&f.db, &f.own, without, None).await.unwrap().unwrap().1, None);

    log_payload::Entity::update_many()
        .col_expr(log_payload::Column::Content, Expr::value(vec![1_u8]))
        .exec(&f.db)
        .await
        .unwrap();
    assert!(matches!(find(&f.db, &f.own, with, None).await, Err(Error::Content(_))));
}

#[tokio::test]
async fn filters_by_word_take_any_of_theirs_and_all_must_hold() {
    let f = Fixture::new().await;
    f.log(1, |_| ()).await;
    f.log(2, |row| {
        row.status_code = 429;
        row.span_id = Some("span-2".to_owned());
        "timed_out".clone_into(&mut row.outcome);
    })
    .await;
    f.log(3, |row| {
        "otlp".clone_into(&mut row.source);
        "fallback".clone_into(&mut row.mode);
        row.provider = "anthropic".to_owned();
        row.model = Some("claude-2.1".to_owned());
        row.virtual_key = Some("prod-a1b2c3".to_owned());
    })
    .await;
    f.log(4, |row| {
        row.api_key_id = Some(Uuid::max());
        row.cache_status = "HIT".to_owned();
        row.model = None;
        "trace-1".clone_into(&mut row.trace_id);
    })
    .await;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let none = Filter::default;
    for (filter, found) in [
        (Filter { status_codes: vec![429], ..none() }, vec![2]),
        (Filter { status_codes: vec![429, 200], ..none() }, vec![4, 3, 2, 1]),
        (Filter { providers: words(&["anthropic", "groq"]), ..none() }, vec![3]),
        (Filter { models: words(&["gpt-4o", "claude-2.1"]), ..none() }, vec![3, 2, 1]),
        (
            Filter {
                provider_models: vec![pair("anthropic", "claude-2.1"), pair("openai", "claude-2.1")],
                ..none()
            },
            vec![3],
        ),
        (Filter { virtual_keys: words(&["prod-a1b2c3"]), ..none() }, vec![3]),
        (Filter { configs: words(&["pc-prod"]), ..none() }, vec![]),
        (Filter { api_key_ids: vec![Uuid::max()], ..none() }, vec![4]),
        (Filter { span_ids: words(&["span-2"]), ..none() }, vec![2]),
        (Filter { outcomes: words(&["timed_out"]), ..none() }, vec![2]),
        (Filter { sources: words(&["insert", "otlp"]), ..none() }, vec![3]),
        (Filter { modes: words(&["fallback"]), ..none() }, vec![3]),
        (Filter { cache_statuses: words(&["HIT", "MISS"]), ..none() }, vec![4]),
        (Filter { trace_ids: words(&["trace-1"]), ..none() }, vec![4, 1]),
        (Filter { trace_ids: words(&["trace-1", "trace-3"]), ..none() }, vec![4, 3, 1]),
        (Filter { trace_ids: words(&["trace-1"]), models: words(&["gpt-4o"]), ..none() }, vec![1]),
        (none(), vec![4, 3, 2, 1]),
    ] {
        assert_eq!(f.found(filter.clone()).await, found, "{filter:?}");
    }
}

#[tokio::test]
async fn ranges_hold_their_ends() {
    let f = Fixture::new().await;
    f.log(1, |row| row.latency_us = 2_000).await;
    f.log(2, |row| (row.input_tokens, row.output_tokens) = (Some(100), None)).await;
    f.log(3, |row| row.cost_pusd = None).await;
    f.log(4, |row| row.cost_pusd = Some(9_000)).await;
    let none = Filter::default;
    for (filter, found) in [
        (Filter { created_ms: at_least(NOW + 3), ..none() }, vec![4, 3]),
        (Filter { created_ms: Range { min: Some(NOW + 2), max: Some(NOW + 3) }, ..none() }, vec![3, 2]),
        (Filter { latency_us: at_least(2_000), ..none() }, vec![1]),
        (Filter { latency_us: at_most(1_999), ..none() }, vec![4, 3, 2]),
        (Filter { total_tokens: at_least(16), ..none() }, vec![2]),
        (Filter { total_tokens: at_most(15), ..none() }, vec![4, 3, 1]),
        (Filter { input_tokens: at_least(11), ..none() }, vec![2]),
        (Filter { output_tokens: at_most(4), ..none() }, vec![2]),
        (Filter { cost_pusd: at_least(1_001), ..none() }, vec![4]),
        (Filter { cost_pusd: at_most(9_000), ..none() }, vec![4, 2, 1]),
    ] {
        assert_eq!(f.found(filter.clone()).await, found, "{filter:?}");
    }
}

#[tokio::test]
async fn metadata_pairs_are_matched_whole_whatever_their_key() {
    let f = Fixture::new().await;
    f.log(1, |row| row.metadata = Some(json!({"env": "prod", "_user": "u1"}))).await;
    f.log(2, |row| row.metadata = Some(json!({"env": "dev", "a.b\"c' %": "x"}))).await;
    f.log(3, |_| ()).await;
    let pairs = |pairs: &[(&str, &str)]| Filter {
        metadata: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Filter::default()
    };
    for (asked, found) in [
        (vec![("env", "prod")], vec![1]),
        (vec![("env", "prod"), ("_user", "u1")], vec![1]),
        (vec![("env", "dev"), ("_user", "u1")], vec![]),
        (vec![("a.b\"c' %", "x")], vec![2]),
        (vec![("env", "pro")], vec![]),
        (vec![("en", "prod")], vec![]),
    ] {
        assert_eq!(f.found(pairs(&asked)).await, found, "{asked:?}");
    }
    let users = |users: &[&str]| Filter {
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        ..Filter::default()
    };
    assert_eq!(f.found(users(&["u1"])).await, [1]);
    assert_eq!(f.found(users(&["u", "u2"])).await, [0; 0]);
    assert_eq!(f.found(Filter { users: vec!["u1".to_owned()], ..pairs(&[("env", "dev")]) }).await, [0; 0]);
}

#[tokio::test]
async fn retries_are_told_by_their_outcome_and_labels_say_what_happened() {
    let f = Fixture::new().await;
    f.log(1, |_| ()).await;
    f.log(2, |row| row.retry_count = 2).await;
    f.log(3, |row| row.retry_count = -1).await;
    for (retries, found) in [
        (vec![Retry::NotTriggered], vec![1]),
        (vec![Retry::Succeeded], vec![2]),
        (vec![Retry::Failed], vec![3]),
        (vec![Retry::Failed, Retry::Succeeded], vec![3, 2]),
    ] {
        assert_eq!(f.found(Filter { retries, ..Filter::default() }).await, found);
    }

    for (cache_status, retry_count, mode, cache, retry, fallback, loadbalance) in [
        (
            "DISABLED",
            0,
            "single",
            "Cache Disabled",
            "Retry Not Triggered",
            "Fallback Disabled",
            "Loadbalancer Disabled",
        ),
        (
            "MISS",
            3,
            "fallback",
            "Cache Miss",
            "Retry Success on 3 Tries",
            "Fallback Active",
            "Loadbalancer Disabled",
        ),
        (
            "SEMANTIC MISS",
            -1,
            "loadbalance",
            "Cache Miss",
            "Retry Failed",
            "Fallback Disabled",
            "Loadbalancer Active",
        ),
        (
            "REFRESH",
            1,
            "single",
            "Cache Refreshed",
            "Retry Success on 1 Tries",
            "Fallback Disabled",
            "Loadbalancer Disabled",
        ),
        (
            "HIT",
            0,
            "FALLBACK",
            "Cache Hit",
            "Retry Not Triggered",
            "Fallback Active",
            "Loadbalancer Disabled",
        ),
        (
            "SEMANTIC HIT",
            0,
            "conditional",
            "Cache Semantic Hit",
            "Retry Not Triggered",
            "Fallback Disabled",
            "Loadbalancer Disabled",
        ),
    ] {
        let (cache_status, mode) = (cache_status.to_owned(), mode.to_owned());
        let labels = StatusLabels::of(&log::Model { cache_status, retry_count, mode, ..row(&f.own, 1) });
        let retry = retry.to_owned();
        assert_eq!(labels, StatusLabels { cache, retry, fallback, loadbalance });
    }
}

#[tokio::test]
async fn a_meter_is_its_own_organisations() {
    let f = Fixture::new().await;
    let month = Month::of(NOW);
    let row = usage::Model {
        organisation_id: f.own.organisation(),
        month: month.as_i32(),
        used: 7,
        dropped: 0,
        unrecorded: 0,
        expired: 0,
        overage_blocks: 0,
        updated_at: NOW,
    };
    row.into_active_model().insert(&f.db).await.unwrap();
    assert_eq!(usage(&f.db, &f.own, month).await.unwrap().unwrap().used, 7);
    assert_eq!(usage(&f.db, &f.own, month.previous()).await.unwrap(), None);
    assert_eq!(usage(&f.db, &f.stranger, month).await.unwrap(), None);
}

/// The days that PostgreSQL would look into, of those from two days before [`NOW`] to two days after; none on SQLite.
async fn looked_into(f: &Fixture, rows: Select<log::Entity>) -> Vec<i64> {
    if !scratch::on_postgres() {
        return Vec::new();
    }
    let days = || (-2..=2).map(|day| (day, Partition::of(3, NOW + day * DAY_MS)));
    partitions::ensure(&f.db, &days().map(|(_, day)| day).collect()).await.unwrap();
    let sql = format!("EXPLAIN {}", rows.build(sea_orm::DbBackend::Postgres));
    let plan = f.db.query_all_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await;
    let plan: Vec<String> = plan.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let there = |day: Partition| plan.iter().any(|line| line.contains(&day.name("log")));
    days().filter(|(_, day)| there(*day)).map(|(day, _)| day).collect()
}

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn a_look_up_is_in_one_day_and_a_list_in_those_it_may_find_something_in() {
    let f = Fixture::new().await;
    let on_postgres = |days: &[i64]| if scratch::on_postgres() { days.to_vec() } else { Vec::new() };
    let noon = NOW + DAY_MS / 2;
    let one = by_id(&f.own, clock::floor(noon), noon, None);
    assert_eq!(looked_into(&f, one).await, on_postgres(&[0]));
    let shown = || within(&f.own, Some(noon - DAY_MS));
    assert_eq!(looked_into(&f, shown()).await, on_postgres(&[-1, 0, 1, 2]));
    let last = Cursor { sort: Sort::NEWEST, value: None, id: clock::floor(noon) };
    let page = sorted(shown(), Start::After(last));
    assert_eq!(looked_into(&f, page).await, on_postgres(&[-1, 0]));
    let created_ms = Range { min: Some(noon), max: Some(noon + DAY_MS) };
    let asked = Filter { created_ms, ..Filter::default() }.apply(shown(), f.db.get_database_backend());
    assert_eq!(looked_into(&f, asked).await, on_postgres(&[0, 1]));
}

#[tokio::test]
async fn each_filter_finds_its_column_in_the_sums_of_postgres() {
    use sea_orm::{DbBackend, Statement, TransactionTrait as _};
    let f = Fixture::new().await;
    if !scratch::on_postgres() {
        return;
    }
    let none = Filter::default;
    let word = || vec!["a".to_owned()];
    // So that what no index has is looked for in none.
    let txn = f.db.begin().await.unwrap();
    txn.execute_unprepared("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off").await.unwrap();
    for filter in [
        Filter { status_codes: vec![429], ..none() },
        Filter { providers: word(), ..none() },
        Filter { models: word(), ..none() },
        Filter { provider_models: vec![("a".to_owned(), "b".to_owned())], ..none() },
        Filter { virtual_keys: word(), ..none() },
        Filter { api_key_ids: vec![Uuid::max()], ..none() },
        Filter { cache_statuses: word(), ..none() },
        Filter { retries: vec![Retry::Failed], ..none() },
        Filter { cost_pusd: at_least(1), ..none() },
        Filter { total_tokens: at_least(1), ..none() },
        Filter { input_tokens: at_least(1), ..none() },
        Filter { output_tokens: at_least(1), ..none() },
        Filter { latency_us: at_least(1), ..none() },
    ] {
        let asked = filter.apply(log::Entity::find(), DbBackend::Postgres).build(DbBackend::Postgres);
        let explain = Statement { sql: format!("EXPLAIN {}", asked.sql), ..asked };
        let plan = txn.query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert!(plan.iter().any(|line| line.contains("Index Cond")), "{filter:?}: {plan:#?}");
    }
}

#[tokio::test]
async fn sqlite_goes_to_a_trace_and_not_through_all_of_the_organisations_logs() {
    let f = Fixture::new().await;
    let backend = f.db.get_database_backend();
    if backend != sea_orm::DbBackend::Sqlite {
        return;
    }
    let filter = Filter { trace_ids: vec!["trace-1".to_owned()], ..Filter::default() };
    let asked =
        filter.apply(within(&f.own, Some(NOW)), backend).order_by_desc(log::Column::Id).build(backend);
    let explain = sea_orm::Statement::from_string(backend, format!("EXPLAIN QUERY PLAN {asked}"));
    let plan = f.db.query_one_raw(explain).await.unwrap().unwrap();
    let plan: String = plan.try_get("", "detail").unwrap();
    assert!(plan.contains("organisation_id=? AND trace_id=? AND id>?"), "{plan}");
}
