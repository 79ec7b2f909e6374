//! What providers need besides a key (contract 1.2).

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::{Object, Reading};

/// The header, without `x-portkey-`, whose twin a field of a config is. A field is named as it is, with `_`, but for these.
const RENAMED: [(&str, &str); 3] = [
    ("resource_name", "azure-resource-name"),
    ("deployment_id", "azure-deployment-id"),
    ("api_version", "azure-api-version"),
];

const TWINS: [&str; 63] = [
    "openai-organization",
    "openai-project",
    "openai-beta",
    "azure-resource-name",
    "azure-deployment-id",
    "azure-api-version",
    "azure-ad-token",
    "azure-auth-mode",
    "azure-managed-client-id",
    "azure-workload-client-id",
    "azure-entra-client-id",
    "azure-entra-client-secret",
    "azure-entra-tenant-id",
    "azure-entra-scope",
    "azure-model-name",
    "azure-foundry-url",
    "azure-endpoint-name",
    "azure-extra-params",
    "aws-access-key-id",
    "aws-secret-access-key",
    "aws-session-token",
    "aws-region",
    "aws-role-arn",
    "aws-auth-type",
    "aws-external-id",
    "aws-s3-bucket",
    "aws-s3-object-key",
    "aws-bedrock-model",
    "amz-server-side-encryption",
    "amz-server-side-encryption-aws-kms-key-id",
    "amzn-sagemaker-custom-attributes",
    "amzn-sagemaker-target-model",
    "amzn-sagemaker-target-variant",
    "amzn-sagemaker-target-container-hostname",
    "amzn-sagemaker-inference-id",
    "amzn-sagemaker-enable-explanations",
    "amzn-sagemaker-inference-component",
    "amzn-sagemaker-session-id",
    "amzn-sagemaker-model-name",
    "vertex-project-id",
    "vertex-region",
    "vertex-service-account-json",
    "vertex-storage-bucket-name",
    "anthropic-beta",
    "anthropic-version",
    "workers-ai-account-id",
    "huggingface-base-url",
    "mistral-fim-completion",
    "fireworks-account-id",
    "snowflake-account",
    "stability-client-id",
    "stability-client-user-id",
    "stability-client-version",
    "oracle-api-version",
    "oracle-region",
    "oracle-compartment-id",
    "oracle-serving-mode",
    "oracle-tenancy",
    "oracle-user",
    "oracle-fingerprint",
    "oracle-private-key",
    "oracle-key-passphrase",
    "file-purpose",
];

/// Bytes of one: a service account's JSON.
const MAX_BYTES: usize = 16 << 10;

pub(super) fn read(reading: &mut Reading, object: &Object<'_>) -> BTreeMap<&'static str, String> {
    let mut extras = BTreeMap::new();
    for twin in TWINS {
        let renamed = RENAMED.iter().find(|(_, header)| *header == twin).map(|(field, _)| *field);
        let same = twin.replace('-', "_");
        let field = renamed.filter(|field| object.has(field)).unwrap_or(&same);
        let Some(value) = object.get(field) else { continue };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Null => String::new(),
            other => other.to_string(),
        };
        if text.is_empty() || text.len() > MAX_BYTES {
            reading.mistake(&object.path(field), &format!("must be a string of at most {MAX_BYTES} bytes"));
            continue;
        }
        extras.insert(twin, text);
    }
    extras
}
