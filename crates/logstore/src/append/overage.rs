//! What a batch makes an organisation owe, and what it is told of it.
//!
//! A block is opened by the first log that is neither included nor in a block, under the lock of its meter: once, however many
//! append at the same time. Its row is what is billed.

use alerts::{Alert, Kind};
use clock::{Clock, Ids};
use entity::overage_block;
use plans::{Block, CATALOGUE_VERSION, Terms};
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, IntoActiveModel, QueryOrder as _};
use serde_json::json;

use super::meter::Meter;
use super::{MeterKey, signed, unsigned};

/// Parts of the included logs that an organisation is told of, in per cent.
const THRESHOLDS: [i32; 2] = [80, 100];

/// Opens the blocks that the meter's logs have come to, and raises what is to be told. How many were opened.
pub(super) async fn open(
    txn: &DatabaseTransaction,
    (organisation_id, month): MeterKey,
    meter: &Meter,
    clock: &Clock,
) -> Result<u64, DbErr> {
    let (before, used) = (unsigned(meter.before.used), meter.tally.used);
    let mut told = Vec::new();
    let mut opened = 0;
    if meter.terms.overage.is_some_and(|_| meter.terms.included.is_some_and(|included| used > included)) {
        let last = last_block(txn, (organisation_id, month)).await?;
        let number = last.as_ref().map_or(0, |block| unsigned(i64::from(block.block)));
        let covered = before.max(last.map_or(0, |block| unsigned(block.last_log)));
        for block in meter.terms.blocks_to(used, covered, number) {
            insert(txn, (organisation_id, month), block, used, clock.now_ms()).await?;
            told.push((Kind::Block, i32::try_from(block.number).unwrap_or(i32::MAX)));
            opened += 1;
        }
    }
    told.extend(reached(&meter.terms, before, used));
    let ids = Ids::new(clock.clone());
    for (kind, threshold) in told {
        let alert = Alert {
            organisation_id,
            kind,
            subject: String::new(),
            period: month.to_string(),
            threshold,
            data: data(&meter.terms, used, kind),
        };
        alerts::raise(txn, &ids, clock.now_ms(), alert).await?;
    }
    Ok(opened)
}

async fn last_block(
    txn: &DatabaseTransaction,
    (organisation_id, month): MeterKey,
) -> Result<Option<overage_block::Model>, DbErr> {
    overage_block::Entity::find()
        .filter(overage_block::Column::OrganisationId.eq(organisation_id))
        .filter(overage_block::Column::Month.eq(month.as_i32()))
        .order_by_desc(overage_block::Column::Block)
        .one(txn)
        .await
}

async fn insert(
    txn: &DatabaseTransaction,
    (organisation_id, month): MeterKey,
    block: Block,
    used: u64,
    now_ms: i64,
) -> Result<(), DbErr> {
    let row = overage_block::Model {
        organisation_id,
        month: month.as_i32(),
        block: i32::try_from(block.number).unwrap_or(i32::MAX),
        opened_at: now_ms,
        used_at_opening: signed(used),
        first_log: signed(block.first_log),
        last_log: signed(block.last_log),
        price_cents: signed(block.price_cents),
        catalogue_version: CATALOGUE_VERSION.to_owned(),
        invoice_id: None,
    };
    overage_block::Entity::insert(row.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}

/// The thresholds that are passed on the way from `before` to `used` logs.
fn reached(terms: &Terms, before: u64, used: u64) -> Vec<(Kind, i32)> {
    let passed = |count: u64| before < count && count <= used;
    let Some(included) = terms.included.filter(|included| *included > 0) else { return Vec::new() };
    let mut reached: Vec<_> = THRESHOLDS
        .into_iter()
        .filter(|percent| passed((included * unsigned(i64::from(*percent))).div_ceil(100)))
        .map(|percent| (Kind::Allowance, percent))
        .collect();
    if terms.limit().is_some_and(|limit| limit > included && passed(limit)) {
        reached.push((Kind::Limit, 100));
    }
    reached
}

fn data(terms: &Terms, used: u64, kind: Kind) -> Json {
    let mut data = json!({"used": used, "included": terms.included, "limit": terms.limit()});
    if kind == Kind::Block {
        data["price_cents"] = terms.overage.map(|overage| overage.block_price_cents).into();
    }
    data
}
