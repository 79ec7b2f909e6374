//! Which of a batch's logs go where, written with them: none is sent that is not in, and none is in and not sent.

use std::collections::BTreeMap;

use clock::{Clock, Ids};
use entity::{feedback, log, otel_outbox};
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, IntoActiveModel};

use crate::exports::Exports;

/// Rows a statement takes at the most.
const ROWS: usize = 1_000;

/// The ids of logs, and of feedback, by organisation and destination.
#[derive(Default)]
pub(super) struct Outbox(BTreeMap<(&'static str, Uuid, Uuid), Vec<Uuid>>);

impl Outbox {
    pub fn of<'a>(exports: &Exports, logs: impl Iterator<Item = &'a log::Model>) -> Self {
        let mut outbox = Self::default();
        logs.for_each(|log| outbox.add(exports, log));
        outbox
    }

    pub fn add(&mut self, exports: &Exports, log: &log::Model) {
        for destination in exports.of(log) {
            self.0.entry(("log", log.organisation_id, destination)).or_default().push(log.id);
        }
    }

    pub fn add_feedback(&mut self, exports: &Exports, row: &feedback::Model) {
        for destination in exports.of_trace(row.organisation_id, row.workspace_id, &row.trace_id) {
            self.0.entry(("feedback", row.organisation_id, destination)).or_default().push(row.id);
        }
    }

    pub async fn save(self, txn: &DatabaseTransaction, clock: &Clock) -> Result<(), DbErr> {
        let ids = Ids::new(clock.clone());
        let row = |((kind, organisation_id, destination_id), subjects): ((&str, Uuid, Uuid), Vec<Uuid>)| {
            otel_outbox::Model {
                id: ids.fresh(),
                destination_id,
                organisation_id,
                n: i32::try_from(subjects.len()).unwrap_or(i32::MAX),
                kind: kind.to_owned(),
                subjects: clock::pack(&subjects),
                created_at: clock.now_ms(),
            }
        };
        let rows: Vec<_> = self.0.into_iter().map(row).map(IntoActiveModel::into_active_model).collect();
        for rows in rows.chunks(ROWS) {
            otel_outbox::Entity::insert_many(rows.iter().cloned()).exec_without_returning(txn).await?;
        }
        Ok(())
    }
}
