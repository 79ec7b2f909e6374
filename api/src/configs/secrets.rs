//! Providers' keys inside a config: masked where it is shown, and left as they are where a mask is sent back.

use serde_json::Value;

use crate::Error;

/// What the name of a field says whose text is a secret, without its underscores and in lower case.
const SECRET: [&str; 9] = [
    "apikey",
    "secret",
    "token",
    "password",
    "passphrase",
    "privatekey",
    "credential",
    "authorization",
    "serviceaccount",
];

/// An object whose every text is taken for one: the headers that a webhook is called with.
const HEADERS: &str = "headers";

/// Puts hints in place of the secrets.
pub(crate) fn mask(value: &mut Value, at: &str) {
    each(value, &mut at.to_owned(), false, &mut |_, text| {
        *text = tenancy::secret::hint(text);
    });
}

/// Puts the secrets of `before` where the value, which is at the path `at`, has their masks: the one at the same place,
/// else the only one that looks like it.
///
/// # Errors
/// Names a mask of a secret that is not there.
pub(crate) fn unmask(value: &mut Value, at: &str, before: Option<&Value>) -> Result<(), Error> {
    let mut known = Vec::new();
    if let Some(before) = before {
        each(&mut before.clone(), &mut at.to_owned(), false, &mut |path, text| {
            known.push((path.to_owned(), std::mem::take(text)));
        });
    }
    let mut wrong = None;
    each(value, &mut at.to_owned(), false, &mut |path, text| {
        let mut alike: Vec<&(String, String)> =
            known.iter().filter(|(_, secret)| tenancy::secret::hint(secret) == *text).collect();
        if let Some(here) = alike.iter().find(|(at, _)| at == path) {
            alike = vec![here];
        }
        alike.dedup_by(|one, other| one.1 == other.1);
        match alike.as_slice() {
            [(_, secret)] => text.clone_from(secret),
            _ if is_mask(text) => wrong = wrong.take().or_else(|| Some(path.to_owned())),
            _ => {}
        }
    });
    match wrong {
        None => Ok(()),
        Some(at) => {
            Err(Error::invalid(at, "this is a mask and no secret that is kept here", "the secret itself"))
        }
    }
}

/// Whether a text looks as [`tenancy::secret::hint`] makes it.
fn is_mask(text: &str) -> bool {
    text.contains('…') || (!text.is_empty() && text.bytes().all(|byte| byte == b'*'))
}

/// Every secret of `value`, which is at `path`. `secret`: every text in it is one.
fn each(value: &mut Value, path: &mut String, secret: bool, visit: &mut impl FnMut(&str, &mut String)) {
    let length = path.len();
    match value {
        Value::String(text) if secret && !text.is_empty() => visit(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.extend(["[", &index.to_string(), "]"]);
                each(item, path, secret, visit);
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push('.');
                path.push_str(name);
                each(field, path, secret || is_secret(name), visit);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain == HEADERS || SECRET.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "strategy": {"mode": "fallback"},
            "targets": [
                {"provider": "openai", "api_key": "sk-0123456789abcdef", "weight": 1, "override_params": {"max_tokens": 7}},
                {"provider": "bedrock", "awsSecretAccessKey": "fedcba9876543210", "aws_access_key_id": "AKIA1", "api_key": ""},
                {"provider": "vertex-ai", "vertex_service_account_json": {"private_key": "-----BEGIN PRIVATE KEY-----"}},
                {"virtual_key": "x", "input_guardrails": [
                    {"default.webhook": {"webhookURL": "https://a.b", "headers": {"x-mine": "of the webhook's owner"}}}]},
            ],
        })
    }

    #[test]
    fn what_is_secret_is_masked_and_nothing_else() {
        let mut shown = config();
        mask(&mut shown, "config");
        let mut expected = config();
        expected["targets"][0]["api_key"] = json!("sk-…ef");
        expected["targets"][1]["awsSecretAccessKey"] = json!("fed…10");
        expected["targets"][2]["vertex_service_account_json"]["private_key"] = json!("---…--");
        expected["targets"][3]["input_guardrails"][0]["default.webhook"]["headers"]["x-mine"] =
            json!("of …er");
        assert_eq!(shown, expected);
    }

    #[test]
    fn masks_that_come_back_are_the_secrets_wherever_they_moved() {
        let mut back = config();
        mask(&mut back, "config");
        unmask(&mut back, "config", Some(&config())).unwrap();
        assert_eq!(back, config());

        let mut moved = config();
        moved["targets"].as_array_mut().unwrap().reverse();
        let expected = moved.clone();
        mask(&mut moved, "config");
        unmask(&mut moved, "config", Some(&config())).unwrap();
        assert_eq!(moved, expected);
    }

    #[test]
    fn of_secrets_that_look_alike_each_stays_at_its_place() {
        let before =
            json!({"targets": [{"api_key": "sk-0123456789abcdef"}, {"api_key": "sk-9876543210xxxxef"}]});
        let mut back = before.clone();
        mask(&mut back, "config");
        assert_eq!(back["targets"][0], back["targets"][1]);
        unmask(&mut back, "config", Some(&before)).unwrap();
        assert_eq!(back, before);
        // Elsewhere nobody can tell which is meant.
        let mut moved = json!({"api_key": "sk-…ef"});
        let error = unmask(&mut moved, "config", Some(&before)).unwrap_err().to_string();
        assert!(error.starts_with("config.api_key: this is a mask"), "{error}");
        // One secret in two places is one secret.
        let same =
            json!({"targets": [{"api_key": "sk-0123456789abcdef"}, {"api_key": "sk-0123456789abcdef"}]});
        unmask(&mut moved, "config", Some(&same)).unwrap();
        assert_eq!(moved["api_key"], "sk-0123456789abcdef");
    }

    #[test]
    fn a_mask_of_nothing_is_refused_and_a_new_secret_is_taken() {
        for mask in ["sk-…zz", "********"] {
            let mut sent = json!({"targets": [{"api_key": mask}]});
            let error = unmask(&mut sent, "config", None).unwrap_err().to_string();
            assert!(error.starts_with("config.targets[0].api_key: "), "{error}");
            assert!(unmask(&mut sent, "config", Some(&config())).is_err());
        }
        let mut sent = json!({"api_key": "sk-new", "note": "********"});
        unmask(&mut sent, "config", Some(&config())).unwrap();
        assert_eq!(sent["api_key"], "sk-new");
    }
}
