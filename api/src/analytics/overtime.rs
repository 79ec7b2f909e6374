use std::collections::HashMap;

use actix_web::web;
use logstore::opinions::{self, Stretch};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{Question, When};
use super::graph::{FeedbackTotal, Graph};
use crate::access::Caller;
use crate::logs::filters::Filters;
use crate::query::Query;
use crate::{Api, Error, instant};

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackCount {
    /// When the stretch begins.
    #[schema(format = DateTime)]
    timestamp: String,
    total: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackMean {
    /// Of value times weight; 0 without feedback.
    avg: f64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackMeanAt {
    /// When the stretch begins.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Of value times weight; 0 without feedback.
    avg: f64,
}

/// How much feedback was given, over time.
///
/// A stretch is a minute to a week long, as fits 400 of them; one without feedback is there. With filters, of
/// traces that have such a log, as long as it is kept.
#[utoipa::path(get, path = "/v1/analytics/graphs/feedbacks", operation_id = "feedbacks", params(When, Filters), responses((status = 200, body = Graph<FeedbackTotal, FeedbackCount>)))]
pub(crate) async fn feedbacks(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Graph<FeedbackTotal, FeedbackCount>>, Error> {
    let (question, given) = ask(&caller, &api, query).await?;
    let point = |(nth, timestamp): (i64, String)| FeedbackCount {
        timestamp,
        total: given.get(&nth).map_or(0, |stretch| stretch.total),
    };
    let total = given.values().map(|stretch| stretch.total).sum();
    Ok(web::Json(Graph::of(FeedbackTotal { total }, stretches(&question).map(point).collect())))
}

/// What feedback was on average, over time.
///
/// Stretches are those of `feedbacks`.
#[utoipa::path(get, path = "/v1/analytics/graphs/feedbacks/weighted", operation_id = "weighted_feedbacks", params(When, Filters), responses((status = 200, body = Graph<FeedbackMean, FeedbackMeanAt>)))]
pub(crate) async fn weighted(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Graph<FeedbackMean, FeedbackMeanAt>>, Error> {
    let (question, given) = ask(&caller, &api, query).await?;
    let point = |(nth, timestamp): (i64, String)| FeedbackMeanAt {
        timestamp,
        avg: given.get(&nth).map_or(0.0, |stretch| mean(stretch.sum, stretch.total)),
    };
    let (sum, total) = (given.values().map(|of| of.sum).sum(), given.values().map(|of| of.total).sum());
    let summary = FeedbackMean { avg: mean(sum, total) };
    Ok(web::Json(Graph::of(summary, stretches(&question).map(point).collect())))
}

async fn ask(caller: &Caller, api: &Api, query: Query) -> Result<(Question, HashMap<i64, Stretch>), Error> {
    let question = Question::take(caller, api, query).await?;
    let given = opinions::over_time(&api.db, &question.scope, &question.asked, question.width_ms).await?;
    Ok((question, given.into_iter().map(|stretch| (stretch.nth, stretch)).collect()))
}

fn stretches(question: &Question) -> impl Iterator<Item = (i64, String)> {
    question.stretches().map(|nth| (nth, instant::iso(nth * question.width_ms)))
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many")]
fn mean(sum: f64, total: i64) -> f64 {
    if total == 0 { 0.0 } else { sum / total as f64 }
}
