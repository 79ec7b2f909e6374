//! What some providers need besides a secret (7.2): where an account, a region or a deployment is.

use std::collections::BTreeMap;

use entity::virtual_key;
use sea_orm::prelude::{Json, Uuid};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use tenancy::virtual_keys::{context_of_extras, open_extras};

use crate::fields::{Fields, Sent, kind};
use crate::{Api, Error};

/// Characters of one of them.
const MAX_EXTRA: usize = 1_024;

/// Deployments of one key.
const MAX_DEPLOYMENTS: usize = 100;

/// One of them: its field, the header that a call would bring it in (1.2), and whose it is.
struct Extra {
    field: &'static str,
    header: &'static str,
    is_secret: bool,
    providers: &'static [&'static str],
}

const AZURE: &[&str] = &["azure-openai"];
const AWS: &[&str] = &["bedrock", "sagemaker"];
const VERTEX: &[&str] = &["vertex-ai"];

const EXTRAS: [Extra; 11] = [
    extra("apiVersion", "azure-api-version", AZURE),
    extra("resourceName", "azure-resource-name", AZURE),
    extra("deploymentName", "azure-deployment-id", AZURE),
    extra("awsAccessKeyId", "aws-access-key-id", AWS),
    Extra { is_secret: true, ..extra("awsSecretAccessKey", "aws-secret-access-key", AWS) },
    extra("awsRegion", "aws-region", AWS),
    extra("vertexProjectId", "vertex-project-id", VERTEX),
    extra("vertexRegion", "vertex-region", VERTEX),
    extra("workersAiAccountId", "workers-ai-account-id", &["workers-ai"]),
    extra("openaiOrganization", "openai-organization", &["openai"]),
    extra("openaiProject", "openai-project", &["openai"]),
];

const fn extra(field: &'static str, header: &'static str, providers: &'static [&'static str]) -> Extra {
    Extra { field, header, is_secret: false, providers }
}

/// What was sent of them.
pub(super) struct Extras {
    each: Vec<(&'static Extra, Sent<String>)>,
    deployments: Sent<Value>,
}

/// What is stored of them.
pub(super) struct Stored {
    pub extras: Option<Vec<u8>>,
    pub model_config: Option<Json>,
}

/// Reads them, for a key of `provider`: what another provider needs is refused.
pub(super) fn take(fields: &mut Fields, provider: &str) -> Result<Extras, Error> {
    let mut each = Vec::with_capacity(EXTRAS.len());
    for extra in &EXTRAS {
        let sent = fields.sent_line(extra.field, MAX_EXTRA)?;
        if let Sent::As(text) = &sent {
            check_provider(extra.field, extra.providers, provider)?;
            // A mask is not of ASCII, and may come back.
            let fits = text.trim() == text
                && (extra.is_secret || text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            if !fits {
                let problem = "a character that no header may hold is in it";
                return Err(Error::invalid(extra.field, problem, "ASCII, without blanks around it"));
            }
        }
        each.push((extra, sent));
    }
    let deployments = fields.sent("deploymentConfig").read(|value| {
        check_provider("deploymentConfig", AZURE, provider)?;
        deployments(value)
    })?;
    Ok(Extras { each, deployments })
}

fn check_provider(field: &str, providers: &[&str], provider: &str) -> Result<(), Error> {
    if providers.contains(&provider) {
        return Ok(());
    }
    let problem = format!("{provider} has none");
    Err(Error::invalid(field, problem, format!("it with {} only", providers.join(" or "))))
}

/// `[{apiVersion, deploymentName, alias?, is_default?}]` as it was sent.
fn deployments(value: Value) -> Result<Value, Error> {
    const FIELD: &str = "deploymentConfig";
    let Value::Array(items) = &value else {
        return Err(Error::invalid(FIELD, format!("found {}", kind(&value)), "an array of deployments"));
    };
    if items.len() > MAX_DEPLOYMENTS {
        let problem = format!("found {} deployments", items.len());
        return Err(Error::invalid(FIELD, problem, format!("at most {MAX_DEPLOYMENTS}")));
    }
    for (index, item) in items.iter().enumerate() {
        let mut fields = Fields::of(item.clone(), &format!("{FIELD}[{index}]"))?;
        for name in ["apiVersion", "deploymentName"] {
            let text = fields.line(name, MAX_EXTRA)?;
            fields.required(name, text, "a string")?;
        }
        fields.line("alias", MAX_EXTRA)?;
        fields.flag("is_default")?;
        fields.finish()?;
    }
    Ok(value)
}

impl Extras {
    /// Whether a credential is among them, so that there need be no other.
    pub fn are_credential(&self) -> bool {
        self.each.iter().any(|(extra, sent)| extra.is_secret && matches!(sent, Sent::As(_)))
    }

    /// What to store for a row of an organisation. `row`: the one that is changed, whose own stay where nothing was sent, and
    /// its secrets where their hint was; none when there is nothing to change.
    pub fn store(
        self,
        api: &Api,
        row: Option<&virtual_key::Model>,
        organisation_id: Uuid,
        id: Uuid,
    ) -> Result<Option<Stored>, Error> {
        let nothing = |sent: &Sent<String>| matches!(sent, Sent::Not);
        if self.each.iter().all(|(_, sent)| nothing(sent)) && matches!(self.deployments, Sent::Not) {
            return Ok(None);
        }
        let mut values = row.map_or(Ok(BTreeMap::new()), |row| open_extras(&api.vault, row))?;
        for (extra, sent) in self.each {
            match sent {
                Sent::Not => {}
                Sent::Null => drop(values.remove(extra.header)),
                Sent::As(text) => {
                    let is =
                        values.get(extra.header).map(|value| tenancy::secret::hint(value.expose_secret()));
                    if extra.is_secret && is.as_deref() == Some(text.as_str()) {
                        continue;
                    }
                    if !text.is_ascii() {
                        return Err(Error::invalid(
                            extra.field,
                            "a character that no header may hold is in it",
                            "ASCII",
                        ));
                    }
                    values.insert(extra.header.to_owned(), text.into());
                }
            }
        }
        let deployments = match self.deployments {
            Sent::Not => row.and_then(|row| row.model_config.as_ref()?.get("deploymentConfig").cloned()),
            Sent::Null => None,
            Sent::As(deployments) => Some(deployments),
        };
        let sealed = if values.is_empty() { None } else { Some(seal(api, &values, organisation_id, id)?) };
        Ok(Some(Stored { extras: sealed, model_config: shown(&values, deployments) }))
    }
}

fn seal(
    api: &Api,
    values: &BTreeMap<String, SecretString>,
    organisation_id: Uuid,
    id: Uuid,
) -> Result<Vec<u8>, Error> {
    let plain: BTreeMap<&String, &str> =
        values.iter().map(|(header, value)| (header, value.expose_secret())).collect();
    let text = SecretString::from(json!(plain).to_string());
    api.vault.seal(&text, context_of_extras(organisation_id, id).as_bytes()).map_err(Error::internal)
}

/// By their fields; secrets as hints.
fn shown(values: &BTreeMap<String, SecretString>, deployments: Option<Value>) -> Option<Json> {
    let mut shown = Map::new();
    for extra in &EXTRAS {
        if let Some(value) = values.get(extra.header).map(SecretString::expose_secret) {
            let value = if extra.is_secret { tenancy::secret::hint(value) } else { value.to_owned() };
            shown.insert(extra.field.to_owned(), Value::String(value));
        }
    }
    shown.extend(deployments.map(|deployments| ("deploymentConfig".to_owned(), deployments)));
    (!shown.is_empty()).then_some(Value::Object(shown))
}
