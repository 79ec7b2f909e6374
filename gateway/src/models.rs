//! `GET /v1/models` without a target: what the workspace can call, by its virtual keys.

use bytes::Bytes;
use serde_json::json;

use crate::Gateway;
use crate::admit::Admitted;
use crate::error::Error;

/// The list, in OpenAI's shape: of each virtual key the models that have a price, and those that it names itself.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot answer.
pub(crate) async fn list(admitted: &Admitted, gateway: &Gateway) -> Result<Bytes, Error> {
    let scope = admitted.tenant.scope();
    let mut keys = gateway.virtual_keys.list(&scope).await.map_err(|_| Error::Unavailable)?;
    keys.retain(|key| providers::provider(&key.provider).is_some());
    keys.sort_unstable_by(|one, other| one.slug.cmp(&other.slug));
    let created = gateway.clock.now_s();
    let model =
        |id: String, owner: &str| json!({"id": id, "object": "model", "created": created, "owned_by": owner});
    let mut data = vec![model("echo".to_owned(), "echo")];
    for key in &keys {
        let mut names = providers::models(&key.provider);
        if let Some(models) = &key.models {
            names.retain(|name| models.permit(name));
            names.extend(models.names());
            names.sort_unstable();
            names.dedup();
        }
        data.extend(names.iter().map(|name| model(format!("@{}/{name}", key.slug), &key.provider)));
    }
    Ok(Bytes::from(json!({"object": "list", "data": data}).to_string()))
}
