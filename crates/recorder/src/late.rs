//! What is found out about a call after its record was handed over.

use std::future::Future;

use serde::{Deserialize, Serialize};
use spool::{Level, Spool};
use uuid::Uuid;

use crate::record::Feedback;
use crate::{Error, Recorder};

/// Results of guardrails that nobody waited for. It goes the way of the record, and comes after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// The record's id.
    pub late_for: Uuid,
    pub organisation_id: Uuid,
    /// As [`crate::Record::hook_results`]; it goes to the end of that.
    pub hook_results: serde_json::Value,
    pub feedback: Vec<Feedback>,
}

impl Recorder {
    /// Hands it over at once; the future resolves when it is appended. To be called after the call's record was handed over.
    ///
    /// # Errors
    /// [`Error`] when it did not get into the spool: the log then has nothing of it. A spool that is nearly full takes none.
    pub fn record_late(&self, late: &Late) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let room = self.spool.level() == Level::Normal;
        let appended =
            room.then(|| rmp_serde::to_vec_named(late).map(|bytes| Spool::append(&self.spool, bytes)));
        async move {
            match appended {
                None => Err(spool::AppendError::Full.into()),
                Some(appended) => Ok(appended?.await?),
            }
        }
    }
}
