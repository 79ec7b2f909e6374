//! What calls spend of the budgets of who made them: counted with their logs, exactly once, and told to the ledger of limits.
//!
//! Calls of the gateway count, also those whose logs are dropped. Inserted logs do not: nobody was asked whether they may be.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use alerts::{Alert, Kind, raise};
use clock::{Clock, Ids};
use entity::{log, spending};
use limits::{Budget, BudgetOf, Limits, Settling, Spent, SubjectKind};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DatabaseTransaction, IntoActiveModel, QuerySelect, Set};

/// A call, as far as budgets are about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    id: Uuid,
    organisation_id: Uuid,
    workspace_id: Uuid,
    api_key_id: Option<Uuid>,
    virtual_key: Option<String>,
    at_ms: i64,
    spent: Spent,
}

/// The limits of those who made some calls.
#[derive(Default)]
pub struct Limited {
    of: HashMap<Uuid, Limits>,
    virtual_keys: HashMap<(Uuid, String), Uuid>,
}

/// What is added to a row.
struct Added<'a> {
    limits: &'a Limits,
    ends_ms: Option<i64>,
    spent: Spent,
}

impl Call {
    /// None for a log of what was no call.
    #[must_use]
    pub fn of(log: &log::Model) -> Option<Self> {
        let at_least_0 = |n: Option<i64>| n.unwrap_or(0).max(0);
        // A kept answer costs nothing, and its tokens were spent when it was made.
        let spent = if log.cache_status.ends_with("HIT") {
            Spent::default()
        } else {
            let tokens = at_least_0(log.input_tokens).saturating_add(at_least_0(log.output_tokens));
            Spent { tokens, cost_pusd: at_least_0(log.cost_pusd) }
        };
        (log.source == "gateway").then(|| Self {
            id: log.id,
            organisation_id: log.organisation_id,
            workspace_id: log.workspace_id,
            api_key_id: log.api_key_id,
            virtual_key: log.virtual_key.clone(),
            at_ms: log.created_at,
            spent,
        })
    }
}

impl Limited {
    /// Read before a batch is taken in: a limit that is set later counts what is called later.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn load(db: &impl ConnectionTrait, calls: &[Call]) -> Result<Self, DbErr> {
        let subjects: BTreeSet<Uuid> =
            calls.iter().flat_map(|call| call.api_key_id.into_iter().chain([call.workspace_id])).collect();
        let slugs: BTreeSet<(Uuid, String)> =
            calls.iter().filter_map(|call| Some((call.organisation_id, call.virtual_key.clone()?))).collect();
        if subjects.is_empty() {
            return Ok(Self::default());
        }
        let all = limits::load_readable(db, subjects, slugs).await?;
        let virtual_keys = all
            .iter()
            .filter(|limits| limits.subject.kind == SubjectKind::VirtualKey)
            .map(|limits| ((limits.organisation_id, limits.name.clone()), limits.subject.id));
        Ok(Self {
            virtual_keys: virtual_keys.collect(),
            of: all.into_iter().map(|limits| (limits.subject.id, limits)).collect(),
        })
    }

    /// Whether who made the call has limits.
    #[must_use]
    pub fn is_about(&self, call: &Call) -> bool {
        self.of(call).next().is_some()
    }

    fn of(&self, call: &Call) -> impl Iterator<Item = &Limits> {
        let named = call.virtual_key.clone().map(|slug| (call.organisation_id, slug));
        let virtual_key = named.and_then(|named| self.virtual_keys.get(&named).copied());
        let subjects = [call.api_key_id, Some(call.workspace_id), virtual_key];
        subjects.into_iter().flatten().filter_map(|id| self.of.get(&id))
    }
}

/// Adds what the calls among the logs have spent to the rows, and raises the alerts that are due. It belongs in the transaction
/// that takes the logs in.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub(crate) async fn count(
    txn: &DatabaseTransaction,
    logs: impl Iterator<Item = &log::Model>,
    limited: &Limited,
    clock: &Clock,
) -> Result<(), DbErr> {
    if limited.of.is_empty() {
        return Ok(());
    }
    let calls: Vec<Call> = logs.filter_map(Call::of).collect();
    for ((subject, period), added) in added(&calls, limited) {
        let spent = add(txn, subject, &period, &added, clock.now_ms()).await?;
        tell(txn, &period, &added, spent, clock).await?;
    }
    Ok(())
}

/// By subject and period, in an order, so that two batches never wait for each other crosswise.
fn added<'a>(calls: &[Call], limited: &'a Limited) -> BTreeMap<(Uuid, String), Added<'a>> {
    let mut sums = BTreeMap::new();
    for call in calls.iter().filter(|call| call.spent != Spent::default()) {
        for limits in limited.of(call) {
            let periods = limits.budgets.iter().filter_map(|budget| {
                let period = budget.period(limits.counted_from_ms, call.at_ms)?;
                Some((period.name, period.ends_ms))
            });
            // Two budgets may have one period.
            for (period, ends_ms) in periods.collect::<BTreeMap<_, _>>() {
                let none = || Added { limits, ends_ms, spent: Spent::default() };
                let sum: &mut Added<'_> = sums.entry((limits.subject.id, period)).or_insert_with(none);
                sum.spent.tokens = sum.spent.tokens.saturating_add(call.spent.tokens);
                sum.spent.cost_pusd = sum.spent.cost_pusd.saturating_add(call.spent.cost_pusd);
            }
        }
    }
    sums
}

/// What is spent then.
async fn add(
    txn: &DatabaseTransaction,
    subject: Uuid,
    period: &str,
    added: &Added<'_>,
    now_ms: i64,
) -> Result<Spent, DbErr> {
    let zero = spending::Model {
        subject_id: subject,
        period: period.to_owned(),
        subject_kind: added.limits.subject.kind.as_str().to_owned(),
        organisation_id: added.limits.organisation_id,
        ends_at: added.ends_ms,
        tokens: 0,
        cost_pusd: 0,
        updated_at: now_ms,
    };
    let once = [spending::Column::SubjectId, spending::Column::Period];
    spending::Entity::insert(zero.into_active_model())
        .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let before = spending::Entity::find_by_id((subject, period.to_owned()))
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("spending of {subject} in {period}")))?;
    let spent = Spent {
        tokens: before.tokens.saturating_add(added.spent.tokens),
        cost_pusd: before.cost_pusd.saturating_add(added.spent.cost_pusd),
    };
    let mut row = before.into_active_model();
    (row.tokens, row.cost_pusd, row.updated_at) = (Set(spent.tokens), Set(spent.cost_pusd), Set(now_ms));
    row.update(txn).await?;
    Ok(spent)
}

/// Raises what is due of the budgets that have this period.
async fn tell(
    txn: &DatabaseTransaction,
    period: &str,
    added: &Added<'_>,
    spent: Spent,
    clock: &Clock,
) -> Result<(), DbErr> {
    let Added { limits, ends_ms, .. } = added;
    let at_ms = ends_ms.map_or(limits.counted_from_ms, |ends_ms| ends_ms - 1);
    let has_it =
        |budget: &&Budget| budget.period(limits.counted_from_ms, at_ms).is_some_and(|its| its.name == period);
    for budget in limits.budgets.iter().filter(has_it) {
        let units = budget.spent_units(spent);
        let threshold = budget.threshold_units().zip(budget.threshold_percent());
        let due = threshold.into_iter().chain([(budget.limit_units(), 100)]);
        for (_, threshold) in due.filter(|(from, _)| units >= *from) {
            let alert = Alert {
                organisation_id: limits.organisation_id,
                kind: Kind::Budget,
                subject: limits.subject.to_string(),
                // A budget of money and one of tokens may have one period.
                period: format!("{} {period}", budget.of.as_str()),
                threshold,
                data: serde_json::json!({
                    "type": budget.of.as_str(),
                    "credit_limit": budget.credit_limit,
                    "alert_threshold": budget.alert_threshold,
                    "current_usage": usage(budget, spent),
                    "resets_at_ms": ends_ms,
                }),
            };
            raise(txn, &Ids::new(clock.clone()), clock.now_ms(), alert).await?;
        }
    }
    Ok(())
}

/// What is used of a budget, in its own unit: USD or tokens.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "it is shown, not counted with")]
pub fn usage(budget: &Budget, spent: Spent) -> Json {
    match budget.of {
        BudgetOf::Cost => (spent.cost_pusd as f64 / 1e12).into(),
        BudgetOf::Tokens => spent.tokens.into(),
    }
}

/// What the ledger is to be told of these calls, by organisation, with the rows as they are now.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn settlings(
    db: &impl ConnectionTrait,
    calls: &[Call],
    limited: &Limited,
) -> Result<BTreeMap<Uuid, Vec<Settling>>, DbErr> {
    let mut rows: HashMap<(Uuid, String), Spent> = HashMap::new();
    for call in calls {
        for limits in limited.of(call) {
            for budget in &limits.budgets {
                let Some(period) = budget.period(limits.counted_from_ms, call.at_ms) else { continue };
                if let Entry::Vacant(row) = rows.entry((limits.subject.id, period.name)) {
                    let spent = limits::spending::read(db, limits.subject.id, &row.key().1).await?;
                    row.insert(spent);
                }
            }
        }
    }
    let mut settlings: BTreeMap<(Uuid, String), Settling> = BTreeMap::new();
    for call in calls {
        for limits in limited.of(call) {
            let row = |budget: &Budget, period: &str| {
                let spent = rows.get(&(limits.subject.id, period.to_owned()));
                spent.map_or(0, |spent| budget.spent_units(*spent))
            };
            for settling in limits.settlings(call.at_ms, row) {
                let key = (call.organisation_id, settling.counter.clone());
                let used = u64::try_from(call.spent.tokens).unwrap_or(0);
                settlings.entry(key).or_insert(settling).calls.push((call.id, used));
            }
        }
    }
    let mut by_organisation: BTreeMap<Uuid, Vec<Settling>> = BTreeMap::new();
    for ((organisation, _), settling) in settlings {
        by_organisation.entry(organisation).or_default().push(settling);
    }
    Ok(by_organisation)
}
