use actix_web::web;

use super::shape::Pricing;
use crate::error::NoModel;
use crate::query::Query;
use crate::{Api, Error};

/// What a model costs, in US cents a token.
///
/// As price lists that are public have it: an operator's own prices, and what is adjusted for organisations, are not shown. A model
/// is found by its name with or without its version. A `/` in a name is sent as `%2F`. Prices of long inputs, and of calls that are
/// answered as `flex` or `priority`, have no place here.
#[utoipa::path(
    get,
    path = "/v1/model-configs/pricing/{provider}/{model}",
    params(("provider" = String, Path), ("model" = String, Path)),
    responses(
        (status = 200, body = Pricing),
        (status = 404, description = "The price of the model is not known.", body = NoModel),
    )
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    path: web::Path<(String, String)>,
    query: Query,
) -> Result<web::Json<Pricing>, Error> {
    query.none()?;
    let (provider, model) = path.into_inner();
    let book = api.prices.fresh(&api.db, api.clock.now_ms()).await.map_err(Error::unavailable)?;
    let price = book.published(&provider, &model).ok_or(Error::NoModel)?;
    Ok(web::Json(Pricing::of(price).map_err(Error::internal)?))
}
