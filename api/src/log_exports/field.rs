//! What an export may have of each log (3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Error;
use crate::fields::{Fields, kind};

/// A field of a line, by its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = LogExportField)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    Id,
    TraceId,
    CreatedAt,
    Request,
    Response,
    IsSuccess,
    AiOrg,
    AiModel,
    ReqUnits,
    ResUnits,
    TotalUnits,
    RequestUrl,
    Cost,
    CostCurrency,
    ResponseTime,
    ResponseStatusCode,
    Mode,
    Config,
    PromptSlug,
    Metadata,
}

/// More than one of each is a mistake.
const MAX_FIELDS: usize = 20;

const EXPECTED: &str = "id, trace_id, created_at, request, response, is_success, ai_org, ai_model, req_units, \
res_units, total_units, request_url, cost, cost_currency, response_time, response_status_code, mode, config, \
prompt_slug or metadata";

/// Its name.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Field {
    /// What is said in it once more: where that is denied, so is this.
    pub const fn repeats(self) -> &'static [Self] {
        match self {
            Self::Request => &[
                Self::TraceId,
                Self::AiOrg,
                Self::AiModel,
                Self::RequestUrl,
                Self::Config,
                Self::PromptSlug,
                Self::Metadata,
            ],
            Self::Response => &[
                Self::IsSuccess,
                Self::AiModel,
                Self::ReqUnits,
                Self::ResUnits,
                Self::TotalUnits,
                Self::ResponseTime,
                Self::ResponseStatusCode,
            ],
            _ => &[],
        }
    }

    /// Whether it is of what Do Not Track keeps back, and not of the statistics.
    pub const fn is_content(self) -> bool {
        matches!(self, Self::Request | Self::Response)
    }

    /// An array of names in a body, of at least `least`.
    pub fn take(
        fields: &mut Fields,
        name: &'static str,
        least: usize,
    ) -> Result<Option<BTreeSet<Self>>, Error> {
        let expected = format!("an array of {least} to {MAX_FIELDS} names of fields");
        let Some(items) = fields.items(name, least..=MAX_FIELDS, &expected)? else { return Ok(None) };
        let read = |(n, item): (usize, Value)| {
            let found = match &item {
                Value::String(text) => format!("found `{text}`"),
                other => format!("found {}", kind(other)),
            };
            serde_json::from_value(item).map_err(|_| Error::invalid(format!("{name}[{n}]"), found, EXPECTED))
        };
        items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// What was written down of a set; a name that a newer version has written is left out.
    pub fn stored(names: &Value) -> BTreeSet<Self> {
        let names = names.as_array().into_iter().flatten();
        names.filter_map(|name| Self::deserialize(name).ok()).collect()
    }
}
