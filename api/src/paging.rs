//! Pages by number, as the contract has them for short lists (0-based), and the envelope of a list.

use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, FromQueryResult, QuerySelect as _, Select};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::Error;
use crate::query::Parameters;

/// Entries of a page, at most.
const MAX_SIZE: u64 = 1_000;

/// Pages are for short lists.
const MAX_PAGE: u64 = 100_000;

/// Which page.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Entries of a page.
    #[param(rename = "page_size", required = false, minimum = 1, maximum = 1000)]
    pub size: u64,
    /// The number of the page; the first is 0.
    #[param(rename = "current_page", required = false, minimum = 0, maximum = 100_000)]
    pub page: u64,
}

impl Paging {
    pub fn take(query: &mut Parameters, default_size: u64) -> Result<Self, Error> {
        Self::take_up_to(query, default_size, MAX_SIZE)
    }

    /// The same with smaller pages.
    pub fn take_up_to(query: &mut Parameters, default_size: u64, max_size: u64) -> Result<Self, Error> {
        let (size, page) = Self::named(query, ["page_size", "current_page"], max_size)?;
        Ok(Self { size: size.unwrap_or(default_size), page: page.unwrap_or(0) })
    }

    /// The same in either spelling: the contract has both, and its SDKs send the other than it says.
    pub fn take_either(query: &mut Parameters, default_size: u64) -> Result<Self, Error> {
        let camel = Self::named(query, ["pageSize", "currentPage"], MAX_SIZE)?;
        let snake = Self::named(query, ["page_size", "current_page"], MAX_SIZE)?;
        Ok(Self { size: camel.0.or(snake.0).unwrap_or(default_size), page: camel.1.or(snake.1).unwrap_or(0) })
    }

    fn named(
        query: &mut Parameters,
        [size, page]: [&'static str; 2],
        max_size: u64,
    ) -> Result<(Option<u64>, Option<u64>), Error> {
        let expected = format!("a number from 1 to {max_size}");
        let size = query.parsed(size, |size| (1..=max_size).contains(size), &expected)?;
        let page = query.parsed(page, |page| *page <= MAX_PAGE, "the number of a page; the first is 0")?;
        Ok((size, page))
    }

    pub fn offset(self) -> u64 {
        self.size * self.page
    }

    /// The page of these rows, which are in order, and how many there are in all.
    pub async fn read<E>(
        self,
        db: &impl ConnectionTrait,
        rows: Select<E>,
    ) -> Result<(u64, Vec<E::Model>), DbErr>
    where
        E: EntityTrait,
        E::Model: FromQueryResult + Send + Sync,
    {
        let total = rows.clone().count(db).await?;
        Ok((total, rows.limit(self.size).offset(self.offset()).all(db).await?))
    }
}

/// Which page, in the other spelling.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct CamelPaging {
    /// The same as `page_size`.
    #[param(rename = "pageSize", required = false, minimum = 1, maximum = 1000)]
    size: u64,
    /// The same as `current_page`.
    #[param(rename = "currentPage", required = false, minimum = 0, maximum = 100_000)]
    page: u64,
}

/// A list as the contract wraps it (0).
#[derive(Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// Always `list`.
    pub object: &'static str,
    /// How many there are in all.
    pub total: u64,
    pub data: Vec<T>,
}

impl<T> List<T> {
    pub fn new(total: u64, data: Vec<T>) -> Self {
        Self { object: "list", total, data }
    }
}
