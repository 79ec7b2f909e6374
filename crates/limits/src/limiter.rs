//! The limits of a call, asked for and told of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{DatabaseConnection, DbErr};
use uuid::Uuid;

use crate::budget::nano;
use crate::ledger::{Answer, Ask, Call, Error, Kind, Ledger, Settling};
use crate::{Budget, BudgetOf, Limits, RateLimit, RateOf, SubjectKind, spending};

/// How long a budget's counter is kept after it was asked for last. What is missing then is read from the row again.
const KEEP_BUDGET_MS: u64 = 2 * 86_400_000;

/// How much longer a window's counter is kept than the window: clocks differ a little.
const AFTER_WINDOW_MS: i64 = 10_000;

/// What becomes of a call with limits that nobody can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwayPolicy {
    Pass,
    Refuse,
}

/// What a call may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worst {
    /// Tokens at the most.
    pub tokens: u64,
    /// Its cost at the most, in pico-dollars; 0 where no price is known.
    pub cost_pusd: u64,
    /// Tokens that are likely.
    pub likely_tokens: u64,
}

/// Why a call is turned away.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A budget has not enough left.
    #[error("{}", exhausted(*.kind, .budget, *.used, *.wanted))]
    Exhausted { kind: SubjectKind, budget: Budget, used: u64, wanted: u64 },
    #[error(
        "the rate limit of this {} is reached: {} {} a {}",
        .kind.in_words(), .rate.value, .rate.of.as_str(), .rate.unit.in_words()
    )]
    TooMany { kind: SubjectKind, rate: RateLimit, retry_after_ms: i64 },
    #[error("the limits of this call cannot be checked at the moment; try again shortly")]
    Away,
}

/// Asks the ledger for calls, and seeds it from the store.
#[derive(Clone)]
pub struct Limiter {
    ledger: Arc<dyn Ledger>,
    db: DatabaseConnection,
    when_away: AwayPolicy,
    /// Nobody could count when it was asked last.
    is_away: Arc<AtomicBool>,
}

/// Why limits cannot be counted.
#[derive(Debug, thiserror::Error)]
enum Away {
    #[error(transparent)]
    Ledger(#[from] Error),
    #[error("what was spent cannot be read")]
    Database(#[from] DbErr),
}

/// One limit of a call, beside what is asked for it.
enum Of<'a> {
    Budget(&'a Limits, Budget, String),
    Rate(SubjectKind, RateLimit, i64),
}

impl Limiter {
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, db: DatabaseConnection, when_away: AwayPolicy) -> Self {
        Self { ledger, db, when_away, is_away: Arc::default() }
    }

    /// Reserves what a call may use of all its limits, or turns it away and reserves nothing.
    ///
    /// # Errors
    /// [`Refusal`]; [`Refusal::Away`] only where settings say so.
    pub async fn reserve(
        &self,
        call: Call,
        limits: impl Iterator<Item = &Limits>,
        worst: Worst,
    ) -> Result<(), Refusal> {
        self.reserve_anew(call, limits, worst, &[]).await
    }

    /// The same for a call that may have reserved before: that is replaced, and where its request is `counted` it counts no more.
    ///
    /// # Errors
    /// As [`Limiter::reserve`]'s.
    pub async fn reserve_anew(
        &self,
        call: Call,
        limits: impl Iterator<Item = &Limits>,
        worst: Worst,
        counted: &[Uuid],
    ) -> Result<(), Refusal> {
        let (of, asks): (Vec<Of<'_>>, Vec<Ask>) = limits
            .flat_map(|limits| {
                let counted = counted.contains(&limits.subject.id);
                let mut asks = asks(limits, call, worst);
                asks.retain(|(_, ask)| !(counted && ask.kind == Kind::Requests));
                asks
            })
            .unzip();
        if asks.is_empty() {
            return Ok(());
        }
        let asked = self.ask(call, &of, &asks).await;
        self.say(asked.as_ref().err());
        match (asked, self.when_away) {
            (Ok(None), _) | (Err(_), AwayPolicy::Pass) => Ok(()),
            (Ok(Some((at, used))), _) => Err(refusal(&of[at], &asks[at], used, call.at_ms)),
            (Err(_), AwayPolicy::Refuse) => Err(Refusal::Away),
        }
    }

    /// Ends what a call has reserved of these limits, where they are not those that its log will be settled by. A ledger that does not
    /// answer lets it end with its time.
    pub async fn release(&self, call: Call, limits: &Limits) {
        let asks = asks(limits, call, Worst::default()).into_iter().map(|(_, ask)| ask);
        let counters: Vec<String> =
            asks.filter(|ask| ask.kind != Kind::Requests).map(|ask| ask.counter).collect();
        if counters.is_empty() {
            return;
        }
        if let Err(error) = self.ledger.release(call, &counters).await {
            let source = std::error::Error::source(&error);
            tracing::debug!(%error, ?source, "a reservation is held until its time is over");
        }
    }

    /// Once that limits cannot be counted, and once that they are again.
    fn say(&self, error: Option<&Away>) {
        if self.is_away.load(Ordering::Relaxed) == error.is_some() {
            return;
        }
        match (error, self.is_away.swap(error.is_some(), Ordering::Relaxed)) {
            (Some(error), false) => {
                let source = std::error::Error::source(error);
                tracing::warn!(%error, ?source, when_away = ?self.when_away, "limits cannot be counted");
            }
            (None, true) => tracing::info!("limits are counted again"),
            _ => {}
        }
    }

    /// Where there is no room, and what is used there.
    async fn ask(&self, call: Call, of: &[Of<'_>], asks: &[Ask]) -> Result<Option<(usize, u64)>, Away> {
        match self.ledger.reserve(call, asks).await? {
            Answer::Reserved => return Ok(None),
            Answer::Refused { at, used } => return Ok(Some((at, used))),
            Answer::Unknown(places) => {
                for at in places {
                    let Of::Budget(limits, budget, period) = &of[at] else { continue };
                    let spent = spending::read(&self.db, limits.subject.id, period).await?;
                    let row = budget.spent_units(spent);
                    self.ledger.seed(call.organisation, &asks[at].counter, row, KEEP_BUDGET_MS).await?;
                }
            }
        }
        match self.ledger.reserve(call, asks).await? {
            Answer::Reserved => Ok(None),
            Answer::Refused { at, used } => Ok(Some((at, used))),
            Answer::Unknown(_) => Err(Error::Unavailable("what was set is not there".into()).into()),
        }
    }
}

fn asks(limits: &Limits, call: Call, worst: Worst) -> Vec<(Of<'_>, Ask)> {
    let mut asks = Vec::with_capacity(limits.budgets.len() + limits.rates.len());
    for budget in &limits.budgets {
        let Some(period) = budget.period(limits.counted_from_ms, call.at_ms) else { continue };
        let n = match budget.of {
            BudgetOf::Cost => nano(worst.cost_pusd),
            BudgetOf::Tokens => worst.tokens,
        };
        let counter = budget_counter(limits, budget, &period.name);
        let limit = budget.limit_units();
        let ask = Ask { counter, kind: Kind::Budget, limit, n, keep_ms: KEEP_BUDGET_MS };
        asks.push((Of::Budget(limits, *budget, period.name), ask));
    }
    for rate in &limits.rates {
        let (starts_ms, ends_ms) = rate.unit.window(call.at_ms);
        let (kind, n) = match rate.of {
            RateOf::Requests => (Kind::Requests, 1),
            RateOf::Tokens => (Kind::Tokens, worst.likely_tokens),
        };
        let keep_ms = u64::try_from(ends_ms - call.at_ms + AFTER_WINDOW_MS).unwrap_or(0);
        let counter = rate_counter(limits, rate, starts_ms);
        let ask = Ask { counter, kind, limit: rate.value, n, keep_ms };
        asks.push((Of::Rate(limits.subject.kind, *rate, ends_ms), ask));
    }
    asks
}

fn refusal(of: &Of<'_>, ask: &Ask, used: u64, at_ms: i64) -> Refusal {
    match of {
        Of::Budget(limits, budget, _) => {
            Refusal::Exhausted { kind: limits.subject.kind, budget: *budget, used, wanted: ask.n }
        }
        Of::Rate(kind, rate, ends_ms) => {
            Refusal::TooMany { kind: *kind, rate: *rate, retry_after_ms: ends_ms - at_ms }
        }
    }
}

fn exhausted(kind: SubjectKind, budget: &Budget, used: u64, wanted: u64) -> String {
    let kind = kind.in_words();
    let amount = |units: u64| match budget.of {
        BudgetOf::Cost => format!("{}.{:06} USD", units / 1_000_000_000, units % 1_000_000_000 / 1_000),
        BudgetOf::Tokens => format!("{units} tokens"),
    };
    let limit = budget.limit_units();
    if used >= limit {
        return format!("the budget of this {kind} is exhausted: {} are used", amount(limit));
    }
    format!(
        "the budget of this {kind} has {} left, of which calls under way may still need a part, and this one may need {}; \
         ask for fewer tokens (max_tokens)",
        amount(limit - used),
        amount(wanted)
    )
}

impl Limits {
    /// What is to be settled in the ledger of calls that came in at `at_ms`; the row is what the store has of a period.
    pub fn settlings<'a>(
        &'a self,
        at_ms: i64,
        row: impl Fn(&Budget, &str) -> u64 + 'a,
    ) -> impl Iterator<Item = Settling> + 'a {
        let budgets = self.budgets.iter().filter_map(move |budget| {
            let period = budget.period(self.counted_from_ms, at_ms)?;
            Some(Settling {
                counter: budget_counter(self, budget, &period.name),
                kind: Kind::Budget,
                row: row(budget, &period.name),
                calls: Vec::new(),
                keep_ms: KEEP_BUDGET_MS,
            })
        });
        let tokens = self.rates.iter().filter(|rate| rate.of == RateOf::Tokens);
        let tokens = tokens.map(move |rate| Settling {
            counter: rate_counter(self, rate, rate.unit.window(at_ms).0),
            kind: Kind::Tokens,
            row: 0,
            calls: Vec::new(),
            keep_ms: 0,
        });
        budgets.chain(tokens)
    }
}

fn budget_counter(limits: &Limits, budget: &Budget, period: &str) -> String {
    format!("{}:{}:{period}", limits.subject, budget.of.as_str())
}

fn rate_counter(limits: &Limits, rate: &RateLimit, starts_ms: i64) -> String {
    format!("{}:{}:{}:{starts_ms}", limits.subject, rate.of.as_str(), rate.unit.as_str())
}
