//! Which of a batch's logs are to be found by their words: those with content. Written with them, and so for each log that is in.

use std::collections::BTreeMap;

use entity::{log, text_outbox};
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, IntoActiveModel as _};

use super::rows;
use crate::text::LOGS_A_ROW;

/// The ids of logs, by organisation.
#[derive(Default)]
pub(super) struct Texts(BTreeMap<Uuid, Vec<Uuid>>);

impl Texts {
    pub fn add(&mut self, log: &log::Model) {
        self.0.entry(log.organisation_id).or_default().push(log.id);
    }

    pub async fn save(self, txn: &DatabaseTransaction, now_ms: i64) -> Result<(), DbErr> {
        let row = |organisation_id: Uuid, subjects: &[Uuid]| {
            let row = text_outbox::Model {
                // The first of them: no other row has it, and rows are in the order of their logs.
                id: subjects.first().copied().unwrap_or_default(),
                organisation_id,
                subjects: clock::pack(subjects),
                n: i32::try_from(subjects.len()).unwrap_or(i32::MAX),
                created_at: now_ms,
            };
            row.into_active_model()
        };
        let rows = self.0.iter().flat_map(|(organisation, subjects)| {
            subjects.chunks(LOGS_A_ROW).map(|subjects| row(*organisation, subjects))
        });
        rows::insert(txn, rows.collect()).await
    }
}
