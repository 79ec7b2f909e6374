//! What an organisation is on and what it owes, as its owner sees it: plans, caps, invoices.

use std::time::Duration;

use billing::{Cap, Limits, NewCredit};
use entity::{audit_entry, membership, overage_block};
use plans::{Overrides, Plan};
use reqwest::Method;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use tenancy::audit::Actor;
use tenancy::organisation::{NewPlan, set_plan};
use workers::Job;

use crate::harness::{Caller, NEVER, Org, TestApp, ask, chat, log_id};

const DAY: Duration = Duration::from_hours(24);

/// From the middle of the 15th, where tests begin, to the end of November.
const TO_THE_MONTHS_END: Duration = Duration::from_hours(15 * 24 + 12);

/// What November costs from there on: 15.5 of 30 days of 49.00.
const THE_REST: i64 = 2_532;

/// A server whose own jobs do not close months within any test.
async fn start() -> TestApp {
    TestApp::with(|settings| {
        NEVER.clone_into(&mut settings.jobs.month_close_cron);
        NEVER.clone_into(&mut settings.jobs.invoices_cron);
    })
    .await
}

/// Runs a job; what it did.
async fn run(app: &TestApp, job: Job) -> workers::Report {
    workers::run_now(job, &workers::Parts::over(&app.running)).await.unwrap()
}

async fn get(caller: &Caller<'_>, path: &str) -> Value {
    let (status, body) = ask(caller, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn put(caller: &Caller<'_>, path: &str, body: Value) -> Value {
    let (status, answer) = ask(caller, Method::PUT, path, Some(&body)).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn invoice(caller: &Caller<'_>, id: &str) -> Value {
    get(caller, &format!("/v1/billing/invoices/{id}")).await
}

/// Kind and amount of each line, and the total, which is their sum.
fn amounts(invoice: &Value) -> (Vec<(&str, i64)>, i64) {
    let lines = invoice["lines"].as_array().unwrap().iter();
    let lines: Vec<(&str, i64)> =
        lines.map(|line| (line["kind"].as_str().unwrap(), line["amount_cents"].as_i64().unwrap())).collect();
    let total = invoice["total_cents"].as_i64().unwrap();
    assert_eq!(total, lines.iter().map(|(_, cents)| cents).sum::<i64>(), "{invoice}");
    (lines, total)
}

/// Month, status, number and total of each, as they are listed.
fn listed(page: &Value) -> Vec<(&str, &str, Option<i64>, i64)> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|invoice| {
        let text = |name: &str| invoice[name].as_str().unwrap();
        let total = invoice["total_cents"].as_i64().unwrap();
        (text("month"), text("status"), invoice["number"].as_i64(), total)
    })
    .collect()
}

/// Opens blocks of an organisation's month, as its logs do.
async fn open_blocks(org: &Org<'_>, month: i32, blocks: std::ops::RangeInclusive<i32>) {
    for block in blocks {
        let row = overage_block::Model {
            organisation_id: org.id,
            month,
            block,
            opened_at: org.app.clock.now_ms(),
            used_at_opening: i64::from(block) * 100_000 + 1,
            first_log: i64::from(block) * 100_000 + 1,
            last_log: (i64::from(block) + 1) * 100_000,
            price_cents: 900,
            catalogue_version: plans::CATALOGUE_VERSION.to_owned(),
            invoice_id: None,
        };
        let db = &org.app.running.db;
        overage_block::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
    }
}

async fn give(org: &Org<'_>, amount_cents: i64) {
    let (running, now_ms) = (&org.app.running, org.app.clock.now_ms());
    let new = NewCredit { organisation_id: org.id, amount_cents, reason: "<b>outage</b> & co".to_owned() };
    billing::give(&running.db, &running.ids, now_ms, Actor::Operator, new).await.unwrap();
}

/// Actor, action and change of each entry, oldest first.
async fn audited(org: &Org<'_>) -> Vec<(String, String, Value)> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::OrganisationId.eq(org.id))
        .order_by_asc(audit_entry::Column::CreatedAt);
    let rows = rows.all(&org.app.running.db).await.unwrap();
    rows.into_iter().map(|row| (row.actor, row.action, row.change)).collect()
}

#[tokio::test]
async fn an_upgrade_holds_at_once_and_costs_its_share_of_the_month() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let owner = org.owner().await;
    let before = get(&owner, "/v1/billing/plan").await;
    assert_eq!((&before["plan"], &before["terms"]["included_logs"]), (&json!("developer"), &json!(10_000)));
    assert_eq!(before["catalogue"][1]["terms"]["monthly_price_cents"], 4_900);
    assert_eq!(amounts(&invoice(&owner, "gathering").await), (vec![], 0));
    assert_eq!(org.usage().await["included"], 10_000);

    let after = put(&owner, "/v1/billing/plan", json!({"plan": "production"})).await;
    assert_eq!((&after["plan"], &after["next"]), (&json!("production"), &Value::Null));
    assert_eq!(after, get(&owner, "/v1/billing/plan").await);
    // Nobody waits for a cache: not who has a key, nor who is signed in.
    for usage in [org.usage().await, get(&owner, "/v1/usage").await] {
        assert_eq!((&usage["plan"], &usage["included"]), (&json!("production"), &json!(100_000)));
    }
    let gathering = invoice(&owner, "gathering").await;
    assert_eq!(amounts(&gathering), (vec![("plan", THE_REST)], THE_REST));
    assert_eq!((&gathering["status"], &gathering["id"]), (&json!("gathering"), &json!("2026-11")));
    let line = &gathering["lines"][0];
    assert_eq!((&line["to"], &line["unit_price_cents"]), (&json!("2026-12-01T00:00:00.000Z"), &json!(4_900)));

    assert_eq!(put(&owner, "/v1/billing/plan", json!({"plan": "production"})).await, after);
    let audited = audited(&org).await;
    let [(actor, action, change)] = &audited[..] else { panic!("{audited:?}") };
    assert!(actor.starts_with("person:") && action == "plan.change", "{audited:?}");
    assert_eq!((&change["was"]["plan"], &change["now"]["plan"]), (&json!("developer"), &json!("production")));
    // The calls of the month are on the invoice, as many as the usage says.
    org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    assert_eq!(org.usage_of(1).await["used"], invoice(&owner, "2026-11").await["logs"]);
}

#[tokio::test]
async fn a_downgrade_waits_for_the_months_end_and_leaves_a_week_of_the_longer_retention() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    app.clock.advance(DAY * 14 + DAY / 2);
    let log = log_id(&org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap());
    org.log(&log).await;
    let owner = org.owner().await;
    let change = json!({"plan": "developer"});
    let asked = put(&owner, "/v1/billing/plan", change.clone()).await;
    assert_eq!((&asked["plan"], &asked["next"]["plan"]), (&json!("production"), &json!("developer")));
    assert_eq!(asked["next"]["from"], "2026-12-01T00:00:00.000Z");
    assert_eq!(asked["next"]["terms"]["included_logs"], 10_000);
    let notice = json!({"log_retention_days": 30, "then_days": 3, "from": "2026-12-08T00:00:00.000Z"});
    assert_eq!(asked["retention_notice"], notice);
    assert_eq!(org.usage().await["plan"], "production");

    // Taken back, and asked for once more; asked for twice is asked for once.
    let kept = put(&owner, "/v1/billing/plan", json!({"plan": "production"})).await;
    assert_eq!((&kept["next"], &kept["retention_notice"]), (&Value::Null, &Value::Null));
    put(&owner, "/v1/billing/plan", change.clone()).await;
    assert_eq!(put(&owner, "/v1/billing/plan", change.clone()).await["next"], asked["next"]);
    assert_eq!(audited(&org).await.len(), 3);
    assert_eq!(app.count("SELECT count(*) FROM plan_period").await, 2);

    app.clock.advance(DAY * 6);
    let owner = org.owner().await;
    let plan = get(&owner, "/v1/billing/plan").await;
    assert_eq!((&plan["plan"], &plan["next"]), (&json!("developer"), &Value::Null));
    assert_eq!(plan["retention_notice"], notice);
    assert_eq!(amounts(&invoice(&owner, "gathering").await), (vec![], 0));
    assert_eq!(amounts(&invoice(&owner, "2026-11").await).1, THE_REST);
    // Asked for what it is on already, nothing changes, and the notice stays.
    assert_eq!(put(&owner, "/v1/billing/plan", change).await["retention_notice"], notice);
    assert_eq!(org.get(&format!("/v1/logs/{log}")).await.status(), 200, "on the sixth day");
    run(&app, Job::MonthClose).await;
    assert_eq!(org.get(&format!("/v1/logs/{log}")).await.status(), 200);
    app.clock.advance(DAY * 2);
    assert_eq!(org.get(&format!("/v1/logs/{log}")).await.status(), 404, "after the notice");
    assert_eq!(run(&app, Job::MonthClose).await.count("plan_changes"), Some(1));
    let plan = get(&org.owner().await, "/v1/billing/plan").await;
    assert_eq!((&plan["plan"], &plan["retention_notice"]), (&json!("developer"), &Value::Null));
}

#[tokio::test]
async fn a_month_is_gathered_drafted_and_final_and_what_comes_late_is_on_the_next() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    open_blocks(&org, 202_611, 1..=2).await;
    give(&org, -100).await;
    app.clock.advance(TO_THE_MONTHS_END);
    let owner = org.owner().await;
    let lines = |blocks: i64| vec![("plan", THE_REST), ("overage", 900 * blocks), ("credit", -100)];
    // November has ended, and no job has run yet.
    let page = get(&owner, "/v1/billing/invoices").await;
    let total = THE_REST + 1_700;
    let expected = [("2026-12", "gathering", None, 4_900), ("2026-11", "gathering", None, total)];
    assert_eq!(listed(&page), expected);

    assert_eq!(run(&app, Job::MonthClose).await.count("drafts"), Some(2));
    let draft = invoice(&owner, "2026-11").await;
    assert_eq!(amounts(&draft), (lines(2), total));
    open_blocks(&org, 202_611, 3..=3).await;
    let draft_id = draft["id"].as_str().unwrap();
    let draft = invoice(&owner, draft_id).await;
    assert_eq!((&draft["status"], &draft["number"]), (&json!("draft"), &Value::Null));
    assert_eq!(amounts(&draft), (lines(3), total + 900));
    let text = "3 blocks of 100,000, logs 100,001 to 400,000, at 9.00;";
    assert!(draft["lines"][1]["description"].as_str().unwrap().starts_with(text), "{draft}");
    assert_eq!(run(&app, Job::Invoices).await.count("finalised"), Some(0), "its grace is not over");

    app.clock.advance(DAY);
    assert_eq!(run(&app, Job::Invoices).await.count("finalised"), Some(2));
    let owner = org.owner().await;
    let made = invoice(&owner, draft_id).await;
    assert_eq!((&made["status"], amounts(&made)), (&json!("final"), (lines(3), total + 900)));
    let theirs = invoice(&other.owner().await, "2026-11").await;
    let mut numbers = [&made, &theirs].map(|invoice| invoice["number"].as_i64().unwrap());
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);

    // Too late for November: on December's, where its month is named.
    open_blocks(&org, 202_611, 4..=4).await;
    give(&org, 50).await;
    let december = invoice(&owner, "gathering").await;
    let expected = (vec![("plan", 4_900), ("late_overage", 900), ("credit", 50)], 5_850);
    assert_eq!(amounts(&december), expected);
    assert_eq!(december["lines"][1]["month"], "2026-11");
    assert_eq!(invoice(&owner, "2026-11").await, made, "what is final is never changed");
    app.clock.advance(DAY * 31);
    run(&app, Job::MonthClose).await;
    run(&app, Job::Invoices).await;
    let owner = org.owner().await;
    let page = get(&owner, "/v1/billing/invoices?page_size=2").await;
    let number = page["data"][1]["number"].as_i64();
    assert_eq!(listed(&page), [("2027-01", "gathering", None, 4_900), ("2026-12", "final", number, 5_850)]);
    let page = get(&owner, "/v1/billing/invoices?page_size=2&current_page=1").await;
    assert_eq!((page["total"].as_i64(), listed(&page)[0].0), (Some(3), "2026-11"));
    assert_eq!(app.count("SELECT max(number) FROM invoice").await, 4);
    assert_eq!(app.count("SELECT last FROM invoice_number").await, 4);
}

#[tokio::test]
async fn the_invoice_and_the_usage_say_the_same_with_every_call() {
    let app = TestApp::with(|settings| {
        let small = Overrides { included_logs: Some(3), block_logs: Some(2), ..Overrides::default() };
        settings.plans.insert(Plan::Production, small);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let owner = org.owner().await;
    put(&owner, "/v1/billing/plan", json!({"plan": "production"})).await;
    for calls in 1..=6 {
        let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let usage = org.usage_of(calls).await;
        let invoice = invoice(&owner, "gathering").await;
        assert_eq!(invoice["logs"], usage["used"]);
        let blocks = invoice["lines"][1]["quantity"].as_i64().unwrap_or(0);
        assert_eq!(Some(blocks), usage["overage_blocks"].as_i64(), "{calls}: {invoice}");
        assert_eq!(amounts(&invoice).1, THE_REST + 900 * blocks);
    }
    let text = "2 blocks of 2, logs 4 to 7, at 9.00;";
    let invoice = invoice(&owner, "gathering").await;
    assert!(invoice["lines"][1]["description"].as_str().unwrap().starts_with(text), "{invoice}");
}

#[tokio::test]
async fn more_credit_than_is_owed_is_carried_over_and_an_invoice_is_never_below_nothing() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    give(&org, -5_000).await;
    let rest = 5_000 - THE_REST;
    let credited = vec![("plan", THE_REST), ("credit", -5_000), ("carried_over", rest)];
    assert_eq!(amounts(&invoice(&org.owner().await, "gathering").await), (credited.clone(), 0));
    app.clock.advance(TO_THE_MONTHS_END + DAY);
    run(&app, Job::MonthClose).await;
    run(&app, Job::Invoices).await;
    let owner = org.owner().await;
    assert_eq!(amounts(&invoice(&owner, "2026-11").await), (credited, 0));
    let december = invoice(&owner, "gathering").await;
    assert_eq!(amounts(&december), (vec![("plan", 4_900), ("credit", -rest)], 4_900 - rest));
    assert_eq!(december["lines"][1]["description"], "Credit: carried over from invoice 1");
    let [(actor, action, _)] = &audited(&org).await[..] else { panic!("one entry") };
    assert_eq!((actor.as_str(), action.as_str()), ("operator", "credit.create"));
}

#[tokio::test]
async fn an_invoice_is_a_page_to_be_printed_that_loads_nothing_and_escapes_what_it_shows() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    open_blocks(&org, 202_611, 1..=3).await;
    give(&org, -900).await;
    let owner = org.owner().await;
    let page = async |path: &str, accept: &str| {
        let request = owner.request(Method::GET, path).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        response.text().await.unwrap()
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let html = page("/v1/billing/invoices/gathering", browser).await;
    assert_eq!(page("/v1/billing/invoices/2026-11/html", "*/*").await, html);
    for shown in ["2026-11", "Acme", "gathering", "27.00", "-9.00", "43.32", plans::CATALOGUE_VERSION] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(html.contains("&#60;b&#62;outage"), "{html}");
    for never in ["<b>", "<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!html.contains(never), "{never}: {html}");
    }
    app.clock.advance(TO_THE_MONTHS_END + DAY);
    run(&app, Job::MonthClose).await;
    run(&app, Job::Invoices).await;
    app.execute("UPDATE organisation SET name = 'Renamed'").await;
    let owner = org.owner().await;
    let html = owner.request(Method::GET, "/v1/billing/invoices/2026-11/html").send().await.unwrap();
    let html = html.text().await.unwrap();
    assert!(html.contains("Invoice 1") && html.contains("Acme") && !html.contains("Renamed"), "{html}");
}

#[tokio::test]
async fn a_cap_is_in_blocks_or_dollars_and_calls_past_it_pass_or_not() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    let owner = org.owner().await;
    let caps = |plan: &Value| {
        (plan["cap_blocks"].clone(), plan["cap_usd"].clone(), plan["terms"]["max_logs"].clone())
    };
    for (body, blocks, usd, max_logs) in [
        (json!({"cap_blocks": 2}), json!(2), Value::Null, 300_000),
        (json!({"over_quota": "reject"}), json!(2), Value::Null, 300_000),
        (json!({"cap_usd": 18.99}), Value::Null, json!(18.99), 300_000),
        (json!({"cap_usd": 0.29}), Value::Null, json!(0.29), 100_000),
        (json!({"cap_blocks": 0, "cap_usd": null}), json!(0), Value::Null, 100_000),
        (json!({"cap_blocks": null}), Value::Null, Value::Null, 3_000_000),
        (json!({}), Value::Null, Value::Null, 3_000_000),
    ] {
        let plan = put(&owner, "/v1/billing/caps", body.clone()).await;
        assert_eq!(caps(&plan), (blocks, usd, json!(max_logs)), "{body}");
        assert_eq!(org.usage().await["limit"], max_logs, "{body}");
    }
    assert_eq!(get(&owner, "/v1/billing/plan").await["over_quota"], "reject");
    let audited = audited(&org).await;
    assert_eq!(audited.len(), 6, "{audited:?}");
    assert_eq!(audited[0].2["now"]["cap_blocks"], 2);

    for (body, message) in [
        (json!({"cap_blocks": 1, "cap_usd": 1}), "cap_usd: given beside cap_blocks"),
        (json!({"cap_blocks": 1.5}), "cap_blocks: found 1.5"),
        (json!({"cap_blocks": -1}), "cap_blocks: found -1"),
        (json!({"cap_blocks": "many"}), "cap_blocks: found a string"),
        (json!({"cap_usd": 1e300}), "cap_usd: found 1e+300"),
        (json!({"over_quota": "drop"}), "over_quota: found `drop`; expected pass or reject"),
        (json!({"cap": 1}), "cap: no such field"),
    ] {
        let (status, answer) = ask(&owner, Method::PUT, "/v1/billing/caps", Some(&body)).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["data"]["message"].as_str().unwrap().starts_with(message), "{answer}");
    }
    let running = &app.running;
    let limits = Limits { cap: Some(Cap::Blocks(1)), ..Limits::default() };
    let nobody = uuid::Uuid::nil();
    billing::set_limits(&running.db, &running.ids, 0, Actor::Operator, nobody, limits).await.unwrap_err();
}

#[tokio::test]
async fn enterprise_is_the_operators_to_give_with_terms_and_a_day_from_which_they_hold() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    let owner = org.owner().await;
    let refused = async |owner: &Caller<'_>, plan: &str, status: u16, says: &str| {
        let asked = ask(owner, Method::PUT, "/v1/billing/plan", Some(&json!({"plan": plan}))).await;
        assert_eq!(asked.0, status, "{plan}: {}", asked.1);
        assert!(asked.1["data"]["message"].as_str().unwrap().contains(says), "{}", asked.1);
    };
    refused(&owner, "enterprise", 403, "ask the operator").await;
    refused(&owner, "gold", 400, "plan: found `gold`; expected developer or production").await;

    let running = &app.running;
    let ten_days_on = app.clock.now_ms() + 10 * 86_400_000;
    let overrides = Overrides { monthly_price_cents: Some(300_000), ..Overrides::default() };
    let new = NewPlan { plan: Plan::Enterprise, overrides: Some(overrides), from_ms: Some(ten_days_on) };
    set_plan(&running.db, &running.ids, org.id, new, app.clock.now_ms()).await.unwrap();
    let plan = get(&owner, "/v1/billing/plan").await;
    assert_eq!((&plan["plan"], &plan["next"]["plan"]), (&json!("production"), &json!("enterprise")));
    assert_eq!(plan["next"]["terms"]["monthly_price_cents"], 300_000);
    refused(&owner, "developer", 403, "ask the operator").await;
    // 10 of 30 days of 49.00, and 5.5 of 3,000.00.
    let lines = vec![("plan", 1_633), ("plan", 55_000)];
    assert_eq!(amounts(&invoice(&owner, "gathering").await).0, lines);
    app.clock.advance(DAY * 11);
    let owner = org.owner().await;
    assert_eq!(get(&owner, "/v1/billing/plan").await["plan"], "enterprise");
    assert_eq!(org.usage().await["limit"], Value::Null);
    assert_eq!(amounts(&invoice(&owner, "gathering").await).0, lines);
    refused(&owner, "developer", 403, "ask the operator").await;

    let past = NewPlan { from_ms: Some(app.clock.now_ms() - 40 * 86_400_000), ..new };
    let error = set_plan(&running.db, &running.ids, org.id, past, app.clock.now_ms()).await.unwrap_err();
    assert!(error.to_string().starts_with("from: it is before this month"), "{error}");
    // Back to the catalogue at once: what was due is settled first, so that no override is left.
    let now = NewPlan { overrides: Some(Overrides::default()), ..Plan::Production.into() };
    set_plan(&running.db, &running.ids, org.id, now, app.clock.now_ms()).await.unwrap();
    let plan = get(&owner, "/v1/billing/plan").await;
    assert_eq!((&plan["plan"], &plan["terms"]["monthly_price_cents"]), (&json!("production"), &json!(4_900)));
    assert_eq!(amounts(&invoice(&owner, "gathering").await).0.len(), 3);
    assert_eq!(audited(&org).await.len(), 2);
}

#[tokio::test]
async fn billing_is_the_owners_and_a_key_may_read_it() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    app.clock.advance(TO_THE_MONTHS_END);
    run(&app, Job::MonthClose).await;
    let theirs = invoice(&other.owner().await, "2026-11").await["id"].as_str().unwrap().to_owned();
    let nobodys = "22222222-2222-4222-8222-222222222222";
    let owner = org.owner().await;
    for path in ["/v1/billing/invoices/{}", "/v1/billing/invoices/{}/html"] {
        let answers = [theirs.as_str(), nobodys].map(|id| (path.replace("{}", id), id));
        for (path, id) in answers {
            let (status, answer) = ask(&owner, Method::GET, &path, None).await;
            assert_eq!((status, &answer["data"]["errorCode"]), (404, &json!("AB08")), "{path}");
            assert_eq!(answer["data"]["message"], format!("no invoice `{id}`"));
        }
    }
    for (id, status) in [("2026-10", 404), ("2027-01", 404), ("2026-13", 400), ("last", 400)] {
        let path = format!("/v1/billing/invoices/{id}");
        assert_eq!(ask(&owner, Method::GET, &path, None).await.0, status, "{id}");
    }

    let role = async |role: &str| {
        let rows = membership::Entity::find().filter(membership::Column::OrganisationId.eq(org.id));
        let mut row = rows.one(&app.running.db).await.unwrap().unwrap().into_active_model();
        row.role = sea_orm::Set(role.to_owned());
        membership::Entity::update(row).exec(&app.running.db).await.unwrap();
        org.owner().await
    };
    let paths = ["plan", "invoices", "invoices/gathering", "invoices/gathering/html"];
    let read = async |caller: &Caller<'_>, status: u16| {
        for path in paths {
            let path = format!("/v1/billing/{path}");
            let response = caller.request(Method::GET, &path).send().await.unwrap();
            assert_eq!(response.status(), status, "{path}");
        }
    };
    let change = async |caller: &Caller<'_>, status: u16| {
        for (path, body) in [("plan", json!({"plan": "production"})), ("caps", json!({}))] {
            let path = format!("/v1/billing/{path}");
            assert_eq!(ask(caller, Method::PUT, &path, Some(&body)).await.0, status, "{path}");
        }
    };
    read(&owner, 200).await;
    change(&owner, 200).await;
    read(&org.admin(), 200).await;
    change(&org.admin(), 403).await;
    for caller in [org.with_key(&org.key), role("admin").await, role("member").await] {
        read(&caller, 403).await;
        change(&caller, 403).await;
    }
}
