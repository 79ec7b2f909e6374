//! Which models may be called with a virtual key.

use serde_json::Value;

/// The models that may be called: names, or beginnings with a `*` after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models(Vec<String>);

impl Models {
    /// Of a JSON array of strings, as in the database and on the wire. What else is in it permits nothing.
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        let names = json.as_array().into_iter().flatten().filter_map(Value::as_str);
        Self(names.map(str::to_owned).collect())
    }

    /// The whole names among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|name| !name.ends_with('*'))
    }

    /// Whether `model` may be called.
    #[must_use]
    pub fn permit(&self, model: &str) -> bool {
        self.0.iter().any(|permitted| match permitted.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => model == permitted,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_permitted_by_its_name_or_its_beginning() {
        let models = Models::from_json(&json!(["gpt-4o-mini", "o3*", "a*b", 7]));
        for (model, permitted) in [
            ("gpt-4o-mini", true),
            ("gpt-4o", false),
            ("gpt-4o-mini-2024-07-18", false),
            ("GPT-4o-mini", false),
            ("o3", true),
            ("o3-pro", true),
            ("o", false),
            ("a*b", true),
            ("axb", false),
            ("", false),
        ] {
            assert_eq!(models.permit(model), permitted, "{model}");
        }
        assert_eq!(models.names().collect::<Vec<_>>(), ["gpt-4o-mini", "a*b"]);
        assert!(Models::from_json(&json!(["*"])).permit("anything"));
        for nothing in [json!([]), json!(null), json!("gpt-4o")] {
            assert!(!Models::from_json(&nothing).permit("gpt-4o"), "{nothing}");
        }
    }
}
