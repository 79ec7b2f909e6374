//! Limits on their way into the database.

use limits::{Budget, Limits, RateLimit, Subject, SubjectKind};
use sea_orm::DatabaseTransaction;
use sea_orm::prelude::Uuid;
use serde_json::json;

use super::body;
use crate::access::Caller;
use crate::fields::{Fields, Sent};
use crate::{Api, Error, db};

/// What is to change of the limits of one thing; what was not sent stays.
pub(crate) struct Change {
    rates: Sent<Vec<RateLimit>>,
    budgets: Sent<Vec<Budget>>,
    /// What was spent of the period is forgotten.
    reset: bool,
    /// Whose it is that has the limits.
    workspace_id: Option<Uuid>,
}

impl Change {
    /// Of a new key, or a new virtual key.
    pub fn of_new(fields: &mut Fields) -> Result<Self, Error> {
        let (rates, budgets) = (body::rates(fields)?, body::budget(fields)?);
        Ok(Self { rates, budgets, reset: false, workspace_id: None })
    }

    /// Of a key or a virtual key.
    pub fn of_key(fields: &mut Fields) -> Result<Self, Error> {
        let reset = fields.flag("reset_usage")?.unwrap_or(false);
        Ok(Self { reset, ..Self::of_new(fields)? })
    }

    /// Of a workspace, which may have several budgets.
    pub fn of_workspace(fields: &mut Fields) -> Result<Self, Error> {
        let reset = fields.flag("reset_usage")?.unwrap_or(false);
        Ok(Self { reset, ..Self::of_new_workspace(fields)? })
    }

    /// Of a new workspace.
    pub fn of_new_workspace(fields: &mut Fields) -> Result<Self, Error> {
        let (rates, budgets) = (body::rates(fields)?, body::budgets(fields)?);
        Ok(Self { rates, budgets, reset: false, workspace_id: None })
    }

    /// Says whose it is that has the limits, for the audit log.
    pub fn in_workspace(self, workspace_id: Option<Uuid>) -> Self {
        Self { workspace_id, ..self }
    }

    /// Makes it so; in the transaction of the change of what has the limits. `name`: what logs name a virtual key by.
    pub async fn save(
        self,
        txn: &DatabaseTransaction,
        api: &Api,
        caller: &Caller,
        subject: Subject,
        name: &str,
    ) -> Result<(), Error> {
        if matches!((&self.rates, &self.budgets, self.reset), (Sent::Not, Sent::Not, false)) {
            return Ok(());
        }
        let (now_ms, organisation_id) = (api.clock.now_ms(), caller.scope.organisation());
        let none = Limits {
            subject,
            organisation_id,
            name: name.to_owned(),
            rates: Vec::new(),
            budgets: Vec::new(),
            counted_from_ms: now_ms,
        };
        let was = db::limits::lock(txn, &caller.scope, &none, now_ms).await?;
        let mut now = Limits {
            rates: sent(self.rates).unwrap_or_else(|| was.rates.clone()),
            budgets: sent(self.budgets).unwrap_or_else(|| was.budgets.clone()),
            ..was.clone()
        };
        // A budget that is new counts from now on.
        if self.reset || was.budgets.is_empty() {
            now.counted_from_ms = now_ms;
        }
        db::limits::save(txn, &now, now_ms).await?;
        let said = |limits: &Limits| json!({"rate_limits": limits.rates, "usage_limits": limits.budgets});
        let change = json!({"from": said(&was), "to": said(&now), "reset_usage": self.reset});
        let workspace = match subject.kind {
            SubjectKind::Workspace => Some(subject.id),
            SubjectKind::Key | SubjectKind::VirtualKey => self.workspace_id,
        };
        Ok(caller.note_in(txn, api, workspace, "limits.change", subject.to_string(), change).await?)
    }
}

/// What was sent, null as an empty list; none when nothing was.
fn sent<T>(sent: Sent<Vec<T>>) -> Option<Vec<T>> {
    match sent {
        Sent::Not => None,
        Sent::Null => Some(Vec::new()),
        Sent::As(items) => Some(items),
    }
}
