use actix_web::web;
use logstore::opinions;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{Question, When};
use super::graph::{FeedbackTotal, Graph};
use crate::access::Caller;
use crate::logs::filters::Filters;
use crate::query::Query;
use crate::{Api, Error};

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackScore {
    /// -10 to 10.
    score: i16,
    total: i64,
}

/// How often each value was given, the lowest first.
#[utoipa::path(get, path = "/v1/analytics/graphs/feedbacks/scores", operation_id = "feedback_scores", params(When, Filters), responses((status = 200, body = Graph<FeedbackTotal, FeedbackScore>)))]
pub(crate) async fn scores(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Graph<FeedbackTotal, FeedbackScore>>, Error> {
    let Question { scope, asked, .. } = Question::take(&caller, &api, query).await?;
    let scores = opinions::by_score(&api.db, &scope, &asked).await?;
    let total = scores.iter().map(|score| score.total).sum();
    let point = |of: opinions::Score| FeedbackScore { score: of.score, total: of.total };
    Ok(web::Json(Graph::of(FeedbackTotal { total }, scores.into_iter().map(point).collect())))
}
