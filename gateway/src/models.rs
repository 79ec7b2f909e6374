//! `GET /v1/models` without a target: what the workspace can call, by its virtual keys.

use bytes::Bytes;
use serde_json::json;

use crate::Gateway;
use crate::admit::Admitted;
use crate::error::Error;

/// The list, in OpenAI's shape.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot answer.
pub(crate) async fn list(admitted: &Admitted, gateway: &Gateway) -> Result<Bytes, Error> {
    let scope = admitted.tenant.scope();
    let keys = gateway.virtual_keys.list(&scope).await.map_err(|_| Error::Unavailable)?;
    let created = gateway.clock.now_s();
    let model =
        |id: String, owner: &str| json!({"id": id, "object": "model", "created": created, "owned_by": owner});
    let mut data = vec![model("echo".to_owned(), "echo")];
    for key in &keys {
        for name in providers::models(&key.provider) {
            data.push(model(format!("@{}/{name}", key.slug), &key.provider));
        }
    }
    Ok(Bytes::from(json!({"object": "list", "data": data}).to_string()))
}
