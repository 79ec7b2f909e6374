use actix_web::web;
use logstore::opinions;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{Question, When};
use super::graph::Graph;
use crate::access::Caller;
use crate::logs::filters::Filters;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error};

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackOfModel {
    ai_model: String,
    total: i64,
    avg_weighted_feedback: f64,
}

/// What feedback was by model, those with the most first.
///
/// A feedback counts for each model that answered in its trace, as long as the logs of that are kept; at most
/// 1,000 models.
#[utoipa::path(get, path = "/v1/analytics/graphs/feedbacks/ai-models", operation_id = "feedback_models", params(When, Filters), responses((status = 200, body = Graph<Nothing, FeedbackOfModel>)))]
pub(crate) async fn models(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Graph<Nothing, FeedbackOfModel>>, Error> {
    let Question { scope, asked, .. } = Question::take(&caller, &api, query).await?;
    let models = opinions::by_model(&api.db, &scope, &asked).await?;
    let point = |of: opinions::OfModel| FeedbackOfModel {
        ai_model: of.model,
        total: of.total,
        avg_weighted_feedback: of.mean,
    };
    Ok(web::Json(Graph::of(Nothing {}, models.into_iter().map(point).collect())))
}
