//! What a graph is of: a stretch of time, a workspace, and the filters of a list.

use logstore::Range;
use logstore::opinions::Asked;
use tenancy::TenantScope;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::logs::filters;
use crate::query::Query;
use crate::{Api, Error, instant};

/// Points of a graph, at most.
const MAX_POINTS: i64 = 400;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How long a stretch of a graph may be, in milliseconds: the first that has the time in as many points.
const WIDTHS_MS: [i64; 6] =
    [MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, 6 * 60 * MINUTE_MS, DAY_MS, 7 * DAY_MS];

/// When and where to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(super) struct When {
    /// When the feedback was given, at the earliest; ISO 8601.
    #[param(format = DateTime, example = "2026-11-01T00:00:00Z")]
    time_of_generation_min: String,
    /// When the feedback was given, at the latest; ISO 8601. At most 2,800 days later.
    #[param(format = DateTime, example = "2026-12-01T00:00:00Z")]
    time_of_generation_max: String,
    /// The slug or id of a workspace; left out, the key's own, or all that are reached.
    workspace_slug: Option<String>,
    /// The same.
    workspace_id: Option<String>,
}

/// What was asked for.
pub(super) struct Question {
    pub scope: TenantScope,
    pub asked: Asked,
    /// The time as asked, in unix milliseconds.
    min_ms: i64,
    max_ms: i64,
    pub width_ms: i64,
}

impl Question {
    pub async fn take(caller: &Caller, api: &Api, query: Query) -> Result<Self, Error> {
        let mut query = query.parameters()?;
        let mut filter = filters::take(&mut query)?;
        let workspace = query.workspace();
        query.finish()?;
        let Range { min, max } = std::mem::take(&mut filter.created_ms);
        let needed = |name: &str| Error::invalid(name, "missing", instant::EXPECTED);
        let min_ms = min.ok_or_else(|| needed("time_of_generation_min"))?;
        let max_ms = max.ok_or_else(|| needed("time_of_generation_max"))?;
        let width_ms = width(min_ms, max_ms)?;

        let scope = caller.reach(api, workspace.as_deref()).await?;
        let (terms, now_ms) = (&caller.tenant.terms, api.clock.now_ms());
        let shown = plans::analytics_cutoff(terms, now_ms).unwrap_or(i64::MIN);
        let given = Range { min: Some(min_ms.max(shown)), max: Some(max_ms) };
        let asked = Asked { given, filter, cutoff_ms: plans::retention_cutoff(terms, now_ms) };
        Ok(Self { scope, asked, min_ms, max_ms, width_ms })
    }

    /// Every stretch of the time, counted from 1970.
    pub fn stretches(&self) -> std::ops::RangeInclusive<i64> {
        self.min_ms.div_euclid(self.width_ms)..=self.max_ms.div_euclid(self.width_ms)
    }
}

fn width(min_ms: i64, max_ms: i64) -> Result<i64, Error> {
    let invalid = |problem, expected| Error::invalid("time_of_generation_max", problem, expected);
    if max_ms < min_ms {
        return Err(invalid("it is before time_of_generation_min", "a later time"));
    }
    let fits = |width: &i64| (max_ms - min_ms) / width < MAX_POINTS;
    WIDTHS_MS.into_iter().find(fits).ok_or_else(|| invalid("it is too far", "at most 2,800 days"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_has_as_fine_stretches_as_fit() {
        let width_of = |ms: i64| width(-7, ms - 7).ok();
        let hour = 60 * MINUTE_MS;
        for (ms, expected) in [
            (0, Some(MINUTE_MS)),
            (6 * hour, Some(MINUTE_MS)),
            (400 * MINUTE_MS, Some(10 * MINUTE_MS)),
            (DAY_MS, Some(10 * MINUTE_MS)),
            (7 * DAY_MS, Some(hour)),
            (90 * DAY_MS, Some(6 * hour)),
            (365 * DAY_MS, Some(DAY_MS)),
            (2_800 * DAY_MS - 1, Some(7 * DAY_MS)),
            (2_800 * DAY_MS, None),
            (-1, None),
        ] {
            assert_eq!(width_of(ms), expected, "{ms}");
        }
    }
}
