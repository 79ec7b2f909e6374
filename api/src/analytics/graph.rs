use serde::Serialize;
use utoipa::ToSchema;

/// A graph as the contract wraps it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Graph<S, P> {
    /// Always `analytics-graph`.
    object: &'static str,
    summary: S,
    data_points: Vec<P>,
}

impl<S, P> Graph<S, P> {
    pub fn of(summary: S, data_points: Vec<P>) -> Self {
        Self { object: "analytics-graph", summary, data_points }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackTotal {
    pub total: i64,
}
