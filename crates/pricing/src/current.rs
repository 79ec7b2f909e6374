//! The prices that hold now, as far as this process knows.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use entity::{price_adjustment, price_list};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, QuerySelect as _};
use tokio::sync::Mutex;

use crate::{Book, Error};

/// The prices that hold now. Clones share them.
#[derive(Clone, Debug)]
pub struct Current(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    book: RwLock<Arc<Book>>,
    looked: Mutex<Option<Looked>>,
    every_ms: i64,
}

/// When the database was asked last, and what it had.
#[derive(Debug)]
struct Looked {
    at_ms: i64,
    had: State,
}

/// Lists, adjustments, and adjustments that were taken away: none of them ever becomes fewer.
type State = (i64, i64, i64);

impl Current {
    /// Those of this release, until the database is asked; afterwards again when that is `every` ago.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let book = RwLock::new(Arc::new(Book::built_in()));
        Self(Arc::new(Inner { book, looked: Mutex::default(), every_ms }))
    }

    /// As known last; for estimates.
    #[must_use]
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.0.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// As they are, or were some seconds ago; for costs that are kept.
    ///
    /// # Errors
    /// [`Error::Database`] where the database cannot be asked: what was known before is still given by [`Self::book`].
    pub async fn fresh(&self, db: &DatabaseConnection, now_ms: i64) -> Result<Arc<Book>, Error> {
        let mut looked = self.0.looked.lock().await;
        let is_due = looked.as_ref().is_none_or(|looked| {
            now_ms < looked.at_ms || now_ms.saturating_sub(looked.at_ms) >= self.0.every_ms
        });
        if is_due {
            // Before the prices are read: what is added meanwhile is seen the next time.
            let had = state(db).await?;
            if looked.as_ref().is_none_or(|looked| looked.had != had) {
                match Book::load(db).await {
                    Ok(book) => *self.0.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book),
                    Err(error @ Error::Database(_)) => return Err(error),
                    // No reason to hold up logs: their version says what they were costed by.
                    Err(error) => tracing::error!(%error, "new prices are not used"),
                }
            }
            *looked = Some(Looked { at_ms: now_ms, had });
        }
        Ok(self.book())
    }
}

async fn state(db: &DatabaseConnection) -> Result<State, DbErr> {
    let lists = i64::try_from(price_list::Entity::find().count(db).await?).unwrap_or(i64::MAX);
    let adjusted: Option<(i64, i64)> = price_adjustment::Entity::find()
        .select_only()
        .column_as(price_adjustment::Column::Id.count(), "n")
        .column_as(price_adjustment::Column::RemovedAt.count(), "removed")
        .into_tuple()
        .one(db)
        .await?;
    let (adjustments, removed) = adjusted.unwrap_or_default();
    Ok((lists, adjustments, removed))
}
