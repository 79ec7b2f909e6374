//! The orders that a list may have, and going on in one.

use std::str::FromStr;

use entity::log::{self, Column, Entity};
use sea_orm::prelude::*;
use sea_orm::sea_query::{NullOrdering, SimpleExpr};
use sea_orm::{Condition, ExprTrait as _, Order, QueryFilter, QueryOrder as _, QueryTrait as _, Select};

use crate::Cursor;
use crate::page::Start;

/// What logs are sorted by. Where it is the same, or not known, the newer log is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    CreatedAt,
    Cost,
    TotalTokens,
    ResponseTime,
}

/// An order. What is not known comes last in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: By,
    pub descending: bool,
}

impl By {
    /// Everything.
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::Cost, Self::TotalTokens, Self::ResponseTime];

    /// Its name in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Cost => "cost",
            Self::TotalTokens => "total_tokens",
            Self::ResponseTime => "response_time",
        }
    }

    /// What is compared; none: the id, which is in the order of time.
    fn expression(self) -> Option<SimpleExpr> {
        match self {
            Self::CreatedAt => None,
            Self::Cost => Some(Expr::col(Column::CostPusd)),
            Self::TotalTokens => {
                Some(Expr::cust("COALESCE(input_tokens + output_tokens, input_tokens, output_tokens)"))
            }
            Self::ResponseTime => Some(Expr::col(Column::LatencyUs)),
        }
    }

    /// Whether every log has it.
    const fn is_always_known(self) -> bool {
        matches!(self, Self::CreatedAt | Self::ResponseTime)
    }

    /// The same of a log that was read.
    fn value(self, log: &log::Model) -> Option<i64> {
        match self {
            Self::CreatedAt => None,
            Self::Cost => log.cost_pusd,
            Self::TotalTokens => match (log.input_tokens, log.output_tokens) {
                (Some(input), Some(output)) => Some(input.saturating_add(output)),
                (input, output) => input.or(output),
            },
            Self::ResponseTime => Some(log.latency_us),
        }
    }
}

/// A name of nothing that logs are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("logs are not sorted by this")]
pub struct BadSort;

impl FromStr for By {
    type Err = BadSort;

    fn from_str(text: &str) -> Result<Self, BadSort> {
        Self::ALL.into_iter().find(|by| by.as_str() == text).ok_or(BadSort)
    }
}

impl Sort {
    /// The newest log first.
    pub const NEWEST: Self = Self { by: By::CreatedAt, descending: true };

    /// Every order.
    pub fn all() -> impl Iterator<Item = Self> {
        By::ALL.into_iter().flat_map(|by| [true, false].map(|descending| Self { by, descending }))
    }

    /// As a cursor has it.
    pub(crate) const fn code(self) -> u8 {
        ((self.by as u8) << 1) | (!self.descending) as u8
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::all().find(|sort| sort.code() == code)
    }

    pub(crate) fn cursor(self, last: &log::Model) -> Cursor {
        Cursor { sort: self, value: self.by.value(last), id: last.id }
    }
}

/// The logs from `start` on, in its order.
pub(crate) fn sorted(rows: Select<Entity>, start: Start) -> Select<Entity> {
    let sort = start.sort();
    let rows = match start {
        Start::First(_) => rows,
        Start::After(cursor) => after(rows, cursor),
    };
    let order = if sort.descending { Order::Desc } else { Order::Asc };
    let rows = rows.apply_if(sort.by.expression(), |rows, value| {
        if sort.by.is_always_known() {
            // An index is in one order of nulls, also where there are none.
            return rows.order_by(value, order.clone());
        }
        rows.order_by_with_nulls(value, order.clone(), NullOrdering::Last)
    });
    rows.order_by(Column::Id, order)
}

fn after(rows: Select<Entity>, Cursor { sort, value, id }: Cursor) -> Select<Entity> {
    let descending = sort.descending;
    let next = if descending { Column::Id.lt(id) } else { Column::Id.gt(id) };
    let Some(by) = sort.by.expression() else {
        // Partitions go by the time.
        let at = |ms: i64| if descending { Column::CreatedAt.lte(ms) } else { Column::CreatedAt.gte(ms) };
        return rows.filter(next).apply_if(clock::millis(id), |rows, ms| rows.filter(at(ms)));
    };
    let Some(value) = value else { return rows.filter(by.is_null().and(next)) };
    let further = if descending { by.clone().lt(value) } else { by.clone().gt(value) };
    let beside = by.clone().eq(value).and(next);
    rows.filter(Condition::any().add(further).add(beside).add(by.is_null()))
}
