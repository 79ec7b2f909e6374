//! The rows of logs, all at once or one by one.

use entity::{log, log_payload};
use sea_orm::prelude::*;
use sea_orm::sqlx::Error as SqlxError;
use sea_orm::{DatabaseTransaction, DbBackend, IntoActiveModel, RuntimeErr, TransactionTrait};

use super::{Entry, rows};

/// Inserts all, or fails and leaves the transaction to be rolled back.
pub(super) async fn all(txn: &DatabaseTransaction, entries: Vec<Entry>) -> Result<(), DbErr> {
    let mut logs = Vec::with_capacity(entries.len());
    let mut payloads = Vec::with_capacity(entries.len());
    for Entry { log, payload, .. } in entries {
        payloads.extend(payload.map(|content| payload_row(&log, content)));
        logs.push(log.into_active_model());
    }
    rows::insert(txn, logs).await?;
    rows::insert(txn, payloads).await
}

/// Inserts one log; without its content when that is what the store refuses. False when it refuses the log.
pub(super) async fn one(txn: &DatabaseTransaction, entry: Entry) -> Result<bool, DbErr> {
    let log = entry.log.clone();
    let Some(error) = refusal(txn, entry).await? else { return Ok(true) };
    tracing::warn!(log_id = %log.id, %error, "a log is kept without its content, which the store refused");
    let log = log::Model { payload: "unstorable".to_owned(), ..log };
    let id = log.id;
    let Some(error) = refusal(txn, Entry { log, payload: None, opinions: Vec::new() }).await? else {
        return Ok(true);
    };
    tracing::error!(log_id = %id, %error, "the store refused a log, which is counted as unrecorded");
    Ok(false)
}

/// Inserts one log as it is; why not, when the store refused it, and then all else of the transaction stands.
async fn refusal(txn: &DatabaseTransaction, entry: Entry) -> Result<Option<DbErr>, DbErr> {
    let savepoint = txn.begin().await?;
    let Err(error) = all(&savepoint, vec![entry]).await else {
        return savepoint.commit().await.map(|()| None);
    };
    savepoint.rollback().await?;
    if is_refusal(&error, txn.get_database_backend()) { Ok(Some(error)) } else { Err(error) }
}

/// Whether the store does not take these values and never will. Any other failure may pass.
pub(super) fn is_refusal(error: &DbErr, backend: DbBackend) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let code = match error.as_ref() {
        SqlxError::Encode(_) => return true,
        // No partition for the row: retention dropped it just now. The batch comes again, and it is made again. A check that
        // fails has a name.
        SqlxError::Database(error)
            if error.code().as_deref() == Some("23514") && error.constraint().is_none() =>
        {
            return false;
        }
        SqlxError::Database(error) => error.code().unwrap_or_default(),
        _ => return false,
    };
    match backend {
        // Too big, constraint, mismatch: https://www.sqlite.org/rescode.html; the low byte is the primary code.
        DbBackend::Sqlite => code.parse::<u16>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
        // Data exception, integrity constraint violation, program limit exceeded: the classes of SQLSTATE.
        _ => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
    }
}

fn payload_row(log: &log::Model, content: Vec<u8>) -> log_payload::ActiveModel {
    log_payload::Model {
        id: log.id,
        organisation_id: log.organisation_id,
        created_at: log.created_at,
        retention_class: log.retention_class,
        content,
    }
    .into_active_model()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::sync::Arc;

    use sea_orm::sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Code(&'static str);

    impl DatabaseError for Code {
        fn message(&self) -> &str {
            self.0
        }
        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn only_what_is_wrong_with_the_values_is_a_refusal() {
        let database = |code| SqlxError::Database(Box::new(Code(code)));
        let is = |error, backend| is_refusal(&DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))), backend);
        // Too big, unique, trigger, mismatch; busy, out of memory, read error, disk full.
        for (code, refusal) in [
            ("18", true),
            ("2067", true),
            ("1811", true),
            ("20", true),
            ("5", false),
            ("7", false),
            ("266", false),
            ("13", false),
        ] {
            assert_eq!(is(database(code), DbBackend::Sqlite), refusal, "{code}");
        }
        // No such character, unique, too many columns; no partition, cancelled, disk full, shut down, serialisation.
        for (code, refusal) in [
            ("22021", true),
            ("23505", true),
            ("54011", true),
            ("23514", false),
            ("57014", false),
            ("53100", false),
            ("57P01", false),
            ("40001", false),
        ] {
            assert_eq!(is(database(code), DbBackend::Postgres), refusal, "{code}");
        }
        assert!(!is(SqlxError::PoolTimedOut, DbBackend::Sqlite));
        assert!(!is_refusal(&DbErr::RecordNotInserted, DbBackend::Sqlite));
    }
}
