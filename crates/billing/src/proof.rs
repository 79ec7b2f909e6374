//! Whether final invoices say what the rows say that stand on them.

use entity::{credit, invoice, invoice_number, overage_block};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder, QuerySelect};
use serde::Serialize;

use crate::history::FINAL;
use crate::invoice::{Document, Kind, total};

/// Invoices read at a time.
const PAGE: u64 = 500;

/// What is not as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    #[error("an invoice has a total of {total_cents} cents, and its lines come to {lines_cents}")]
    InvoiceTotal { total_cents: i64, lines_cents: i64 },
    #[error(
        "an invoice has {lines_cents} cents of overage, and the blocks that stand on it come to {blocks_cents}"
    )]
    InvoiceBlocks { lines_cents: i64, blocks_cents: i64 },
    #[error(
        "an invoice has {lines_cents} cents of credits, and the credits that stand on it come to {credits_cents}"
    )]
    InvoiceCredits { lines_cents: i64, credits_cents: i64 },
    #[error("invoice {number} follows number {after}")]
    InvoiceNumbers { number: i32, after: i32 },
}

/// A difference, and whose it is.
pub type Found = (Uuid, Month, Difference);

/// How many invoices are final, and all that is wrong with them.
///
/// # Errors
/// [`DbErr`] when the database fails, or holds an invoice that cannot be read.
pub async fn prove(db: &impl ConnectionTrait) -> Result<(u64, Vec<Found>), DbErr> {
    let (mut proven, mut found, mut last) = (0, Vec::new(), 0);
    loop {
        let page = invoice::Entity::find()
            .filter(invoice::Column::Status.eq(FINAL))
            .filter(invoice::Column::Number.gt(last))
            .order_by_asc(invoice::Column::Number)
            .limit(PAGE)
            .all(db)
            .await?;
        for row in &page {
            let number = row.number.unwrap_or(0);
            let month = month(row.month)?;
            let mut differences = of_one(db, row).await?;
            if number != last + 1 {
                differences.push(Difference::InvoiceNumbers { number, after: last });
            }
            last = number;
            proven += 1;
            found.extend(differences.into_iter().map(|difference| (row.organisation_id, month, difference)));
        }
        if page.is_empty() {
            break;
        }
    }
    if let Some(taken) = invoice_number::Entity::find().one(db).await?.filter(|row| row.last != last) {
        let difference = Difference::InvoiceNumbers { number: taken.last + 1, after: last };
        found.push((Uuid::nil(), Month::of(0), difference));
    }
    Ok((proven, found))
}

async fn of_one(db: &impl ConnectionTrait, row: &invoice::Model) -> Result<Vec<Difference>, DbErr> {
    let document: Document = serde_json::from_value(row.document.clone())
        .map_err(|error| DbErr::Type(format!("the document of invoice {}: {error}", row.id)))?;
    let of = |kinds: &[Kind]| -> i64 {
        let lines = document.lines.iter().filter(|line| kinds.contains(&line.kind));
        lines.map(|line| line.amount_cents).sum()
    };
    let blocks =
        overage_block::Entity::find().filter(overage_block::Column::InvoiceId.eq(row.id)).all(db).await?;
    let credits = credit::Entity::find().filter(credit::Column::InvoiceId.eq(row.id)).all(db).await?;
    let blocks_cents = blocks.iter().map(|block| block.price_cents).sum();
    let credits_cents = credits.iter().map(|credit| credit.amount_cents).sum();

    let mut differences = Vec::new();
    let lines_cents = total(&document.lines);
    if row.total_cents != lines_cents || document.total_cents != lines_cents {
        differences.push(Difference::InvoiceTotal { total_cents: row.total_cents, lines_cents });
    }
    let lines_cents = of(&[Kind::Overage, Kind::LateOverage]);
    if lines_cents != blocks_cents {
        differences.push(Difference::InvoiceBlocks { lines_cents, blocks_cents });
    }
    let lines_cents = of(&[Kind::Credit]);
    if lines_cents != credits_cents {
        differences.push(Difference::InvoiceCredits { lines_cents, credits_cents });
    }
    Ok(differences)
}

fn month(yyyymm: i32) -> Result<Month, DbErr> {
    Month::from_i32(yyyymm).ok_or_else(|| DbErr::Type(format!("{yyyymm} is no month")))
}
