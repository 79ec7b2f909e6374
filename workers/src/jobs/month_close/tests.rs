#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use entity::{credit, invoice, organisation, overage_block, plan_period};
use plans::{Overrides, Plan};
use sea_orm::prelude::*;
use sea_orm::{IntoActiveModel as _, QueryOrder as _};
use tenancy::audit::Actor;

use crate::testing::{DAY, START_MS, World};
use crate::{Job, run_now};

/// From the world's start, a 23rd, to the end of its month.
const TO_THE_MONTHS_END: Duration = Duration::from_hours(8 * 24);

/// An organisation that is on a plan since the world's start.
async fn organisation(world: &World, plan: Plan) -> Uuid {
    let id = world.organisation(plan.as_str(), Overrides::default()).await;
    let row = plan_period::Model {
        organisation_id: id,
        from_ms: START_MS,
        plan: plan.as_str().to_owned(),
        overrides: serde_json::json!({}),
    };
    plan_period::Entity::insert(row.into_active_model()).exec_without_returning(world.db()).await.unwrap();
    id
}

async fn block(world: &World, organisation_id: Uuid, month: i32, block: i32) {
    let row = overage_block::Model {
        organisation_id,
        month,
        block,
        opened_at: world.parts.clock.now_ms(),
        used_at_opening: 0,
        first_log: i64::from(block) * 1_000 + 1,
        last_log: (i64::from(block) + 1) * 1_000,
        price_cents: 900,
        catalogue_version: plans::CATALOGUE_VERSION.to_owned(),
        invoice_id: None,
    };
    overage_block::Entity::insert(row.into_active_model()).exec_without_returning(world.db()).await.unwrap();
}

async fn give(world: &World, organisation_id: Uuid, amount_cents: i64) {
    let new = billing::NewCredit { organisation_id, amount_cents, reason: "an outage".to_owned() };
    billing::give(world.db(), &world.ids, world.parts.clock.now_ms(), Actor::Operator, new).await.unwrap();
}

async fn run(world: &World, job: Job) -> crate::Report {
    // No two runs are of one millisecond.
    world.parts.clock.advance(Duration::from_millis(1));
    run_now(job, &world.parts).await.unwrap()
}

/// Month, status, number and total of an organisation's invoices, oldest first.
async fn invoices(world: &World, organisation: Uuid) -> Vec<(i32, String, Option<i32>, i64)> {
    let rows = invoice::Entity::find()
        .filter(invoice::Column::OrganisationId.eq(organisation))
        .order_by_asc(invoice::Column::Month);
    let rows = rows.all(world.db()).await.unwrap();
    rows.into_iter().map(|row| (row.month, row.status, row.number, row.total_cents)).collect()
}

fn draft(month: i32, cents: i64) -> (i32, String, Option<i32>, i64) {
    (month, "draft".to_owned(), None, cents)
}

fn last(month: i32, number: i32, cents: i64) -> (i32, String, Option<i32>, i64) {
    (month, "final".to_owned(), Some(number), cents)
}

/// 8 of 30 days of 49.00.
const EIGHT_DAYS: i64 = 1_307;

#[tokio::test]
async fn a_month_becomes_a_draft_and_after_its_grace_final_and_who_owes_nothing_gets_none() {
    let world = World::new().await;
    let production = organisation(&world, Plan::Production).await;
    let developer = organisation(&world, Plan::Developer).await;
    give(&world, developer, -900).await;
    assert_eq!(run(&world, Job::MonthClose).await.count("drafts"), Some(0));
    world.parts.clock.advance(TO_THE_MONTHS_END);
    assert_eq!(run(&world, Job::MonthClose).await.count("drafts"), Some(1));
    assert_eq!(run(&world, Job::MonthClose).await.count("drafts"), Some(0), "it is safe to repeat");
    assert_eq!(run(&world, Job::Invoices).await.count("finalised"), Some(0));
    assert_eq!(invoices(&world, production).await, [draft(202_611, EIGHT_DAYS)]);
    // Within the grace a late block and a credit come.
    block(&world, production, 202_611, 1).await;
    give(&world, production, -7).await;
    world.parts.clock.advance(DAY);
    assert_eq!(run(&world, Job::Invoices).await.count("finalised"), Some(1));
    assert_eq!(invoices(&world, production).await, [last(202_611, 1, EIGHT_DAYS + 893)]);
    assert_eq!(run(&world, Job::Invoices).await.count("finalised"), Some(0));
    assert!(invoices(&world, developer).await.is_empty());
    // After it, a block goes on the next.
    block(&world, production, 202_611, 2).await;
    world.parts.clock.advance(DAY * 31);
    run(&world, Job::MonthClose).await;
    run(&world, Job::Invoices).await;
    assert_eq!(
        invoices(&world, production).await,
        [last(202_611, 1, EIGHT_DAYS + 893), last(202_612, 2, 4_900 + 900)]
    );
    let open = overage_block::Entity::find().filter(overage_block::Column::InvoiceId.is_null());
    assert_eq!(open.all(world.db()).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_late_block_is_billed_though_nothing_else_is_owed_any_more() {
    let world = World::new().await;
    let id = organisation(&world, Plan::Production).await;
    world.parts.clock.advance(TO_THE_MONTHS_END + DAY);
    run(&world, Job::MonthClose).await;
    run(&world, Job::Invoices).await;
    let now_ms = world.parts.clock.now_ms();
    world.change_plan(id, Plan::Developer).await;
    let december = invoice::Entity::find().filter(invoice::Column::OrganisationId.eq(id));
    assert_eq!(december.all(world.db()).await.unwrap().len(), 1, "at {now_ms}");
    block(&world, id, 202_611, 1).await;
    for month in [31, 31] {
        world.parts.clock.advance(DAY * month);
        run(&world, Job::MonthClose).await;
        run(&world, Job::Invoices).await;
    }
    let day = 158; // Of December's 31 of 49.00, on Production.
    assert_eq!(invoices(&world, id).await, [last(202_611, 1, EIGHT_DAYS), last(202_612, 2, day + 900)]);
    block(&world, id, 202_611, 2).await;
    run(&world, Job::MonthClose).await;
    run(&world, Job::Invoices).await;
    assert_eq!(invoices(&world, id).await[2], last(202_701, 3, 900), "the late block alone");
    assert_eq!(billing::prove(world.db()).await.unwrap(), (3, vec![]));
}

#[tokio::test]
async fn months_that_were_missed_are_made_up_for_each_with_its_own() {
    let world = World::new().await;
    let production = organisation(&world, Plan::Production).await;
    block(&world, production, 202_612, 1).await;
    give(&world, production, -10_000).await;
    world.parts.clock.advance(TO_THE_MONTHS_END + DAY * (31 + 31));
    assert_eq!(run(&world, Job::MonthClose).await.count("drafts"), Some(3));
    run(&world, Job::Invoices).await;
    // Whose last month ended just now.
    let expected = [last(202_611, 1, 0), last(202_612, 2, 0), draft(202_701, 4_900)];
    assert_eq!(invoices(&world, production).await, expected);
    world.parts.clock.advance(DAY);
    run(&world, Job::Invoices).await;
    // 100.00 were 13.07 of November, 58.00 of December and 28.93 of January.
    assert_eq!(invoices(&world, production).await[2], last(202_701, 3, 4_900 - 2_893));
    let open = credit::Entity::find().filter(credit::Column::InvoiceId.is_null());
    assert_eq!(open.all(world.db()).await.unwrap().len(), 0);
    for row in invoice::Entity::find().all(world.db()).await.unwrap() {
        let of = organisation::Entity::find_by_id(production).one(world.db()).await.unwrap().unwrap();
        let again = billing::recompute(world.db(), &of, &row, &world.parts.plan_overrides).await.unwrap();
        assert_eq!(serde_json::to_value(again).unwrap(), row.document);
    }
}

#[tokio::test]
async fn numbers_have_no_gaps_though_many_finalise_at_once_and_some_fail_half_way() {
    let world = World::new().await;
    let mut organisations = Vec::new();
    for _ in 0..6 {
        let id = organisation(&world, Plan::Production).await;
        // It leaves a credit, which is the last that is written.
        give(&world, id, -10_000).await;
        organisations.push(id);
    }
    world.parts.clock.advance(TO_THE_MONTHS_END + DAY);
    run(&world, Job::MonthClose).await;
    let ripe = billing::ripe(world.db(), world.parts.clock.now_ms()).await.unwrap();
    assert_eq!(ripe.len(), 6);
    let finalise = async |id: Uuid| {
        use sea_orm::TransactionTrait as _;
        let txn = world.db().begin().await?;
        let (now_ms, of_plans) = (world.parts.clock.now_ms(), &world.parts.plan_overrides);
        let done = billing::finalise(&txn, &world.ids, now_ms, of_plans, id).await?;
        txn.commit().await?;
        Ok::<_, billing::Error>(done)
    };
    scratch::refuse(world.db(), "broken", "INSERT ON credit", "TRUE").await;
    for id in &ripe[..2] {
        finalise(*id).await.unwrap_err();
    }
    assert_eq!(billing::ripe(world.db(), world.parts.clock.now_ms()).await.unwrap(), ripe);
    scratch::allow(world.db(), "broken").await;

    let again = |id: &Uuid| {
        let id = *id;
        let finalise = &finalise;
        async move {
            // SQLite may say that it is busy; what failed has changed nothing.
            loop {
                if let Ok(done) = finalise(id).await {
                    return done;
                }
            }
        }
    };
    let (first, second) = (ripe.iter().map(again), ripe.iter().map(again));
    let all = futures_util::future::join_all(first.chain(second)).await;
    let mut numbers: Vec<i32> = all
        .iter()
        .filter_map(|done| match done {
            billing::Finalised::Numbered(number) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let carried = credit::Entity::find().filter(credit::Column::InvoiceId.is_null());
    assert_eq!(carried.all(world.db()).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_final_invoice_is_never_changed_or_deleted_and_a_draft_may_be() {
    use sea_orm::ConnectionTrait as _;
    let world = World::new().await;
    let id = organisation(&world, Plan::Production).await;
    world.parts.clock.advance(TO_THE_MONTHS_END);
    run(&world, Job::MonthClose).await;
    let tried = async |sql: &str| world.db().execute_unprepared(sql).await.map(|done| done.rows_affected());
    assert_eq!(tried("UPDATE invoice SET total_cents = 1").await.unwrap(), 1);
    world.parts.clock.advance(DAY);
    run(&world, Job::Invoices).await;
    for sql in [
        "UPDATE invoice SET total_cents = 1",
        "UPDATE invoice SET status = 'draft'",
        "UPDATE invoice SET number = number",
        "DELETE FROM invoice",
    ] {
        let refused = tried(sql).await.unwrap_err().to_string();
        assert!(refused.contains("a final invoice is never"), "{sql}: {refused}");
    }
    assert_eq!(invoices(&world, id).await, [last(202_611, 1, EIGHT_DAYS)]);
}

#[tokio::test]
async fn a_change_of_plan_is_settled_when_its_notice_is_over() {
    let world = World::new().await;
    let id = organisation(&world, Plan::Production).await;
    let now_ms = world.parts.clock.now_ms();
    let actor = Actor::Turnpike;
    billing::request(world.db(), &world.ids, now_ms, actor, id, Plan::Developer).await.unwrap();
    let plan = async || {
        let row = organisation::Entity::find_by_id(id).one(world.db()).await.unwrap().unwrap();
        (row.plan, row.next_plan)
    };
    let (production, developer) = ("production".to_owned(), "developer".to_owned());
    // But for the last hour.
    world.parts.clock.advance(TO_THE_MONTHS_END + DAY * 6 + Duration::from_hours(23));
    run(&world, Job::MonthClose).await;
    assert_eq!(plan().await, (production, Some(developer.clone())));
    world.parts.clock.advance(Duration::from_hours(1));
    assert_eq!(run(&world, Job::MonthClose).await.count("plan_changes"), Some(1));
    assert_eq!(plan().await, (developer, None));
    assert_eq!(invoices(&world, id).await.len(), 1, "nothing is owed for December");
}
