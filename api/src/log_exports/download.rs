use actix_web::web;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, not_now};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// Where the file is.
#[derive(Serialize, ToSchema)]
#[schema(as = LogExportDownload)]
pub(crate) struct Download {
    /// Good for a quarter of an hour, to whom it was given, with whatever client.
    signed_url: String,
    /// The same.
    url: String,
}

/// A link to the file of an export that is a success.
#[utoipa::path(get, path = "/v1/logs/exports/{id}/download", operation_id = "download_log_export", params(("id" = Uuid, Path)), responses((status = 200, body = Download)))]
pub(crate) async fn download(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Download>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    if row.status != "success" {
        return Err(not_now(&row, "success"));
    }
    let token =
        api.people.download_token(caller.downloads_as()?, row.id).await.map_err(Error::unavailable)?;
    let url = format!("{}/v1/logs/exports/{}/file?token={}", api.public_url, row.id, token.expose_secret());
    Ok(web::Json(Download { signed_url: url.clone(), url }))
}
