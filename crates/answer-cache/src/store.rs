//! A place that answers are kept in.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Entry, Place};

/// The store does not answer: there is nothing in it for now, and what was to be kept is not.
#[derive(Debug, thiserror::Error)]
#[error("the store of answers does not answer")]
pub struct Unavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where answers are kept. It may forget any of them at any time; it never gives one under another place.
#[async_trait]
pub trait Store: Send + Sync {
    /// What is in this process's memory.
    fn at_hand(&self, place: &Place) -> Option<Arc<Entry>>;

    /// What is kept there; also what has ended.
    async fn get(&self, place: &Place) -> Result<Option<Arc<Entry>>, Unavailable>;

    /// Keeps an answer from `now_ms` to its end, in place of what was there.
    async fn put(&self, place: &Place, entry: &Arc<Entry>, now_ms: i64) -> Result<(), Unavailable>;

    /// Bytes of this process's memory that answers take.
    fn size(&self) -> u64;
}
