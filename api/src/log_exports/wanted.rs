//! What a body says of an export: which logs, and what of them.

use std::collections::BTreeSet;

use logstore::Filter;
use serde_json::{Map, Value};

use super::field::Field;
use crate::fields::Fields;
use crate::logs::{filter_set, filters};
use crate::query::Parameters;
use crate::{Api, Error};

/// Logs in a file, at most (3).
const MAX_LOGS: i64 = 50_000;

/// Pages are for what does not go into one file.
const MAX_PAGE: i64 = 100_000;

/// Which logs.
pub(super) struct Chosen {
    /// The filters as they were sent.
    pub filters: Value,
    pub filter: Filter,
    pub page_size: i64,
    pub current_page: i64,
    /// The workspace that is named among the filters.
    pub workspace: Option<String>,
}

/// What is in both bodies.
pub(super) struct Wanted {
    pub workspace: Option<String>,
    pub chosen: Option<Chosen>,
    pub requested_data: Option<BTreeSet<Field>>,
}

impl Wanted {
    pub fn take(fields: &mut Fields, api: &Api) -> Result<Self, Error> {
        let workspace = fields.line("workspace_id", 100)?;
        let chosen = filter_set::take(fields)?.map(|named| Chosen::of(named, api)).transpose()?;
        let requested_data = Field::take(fields, "requested_data", 1)?;
        let among_filters = chosen.as_ref().and_then(|chosen| chosen.workspace.clone());
        if let (Some(named), Some(also)) = (&workspace, &among_filters)
            && named != also
        {
            let problem = format!("found `{also}`, and workspace_id is `{named}`");
            return Err(Error::invalid("filters.workspace_slug", problem, "the same, or only one of them"));
        }
        Ok(Self { workspace: workspace.or(among_filters), chosen, requested_data })
    }
}

impl Chosen {
    fn of(named: Map<String, Value>, api: &Api) -> Result<Self, Error> {
        let read = |query: &mut Parameters| {
            let size = format!("a number from 1 to {MAX_LOGS}");
            let page_size = query.parsed("page_size", |size| (1..=MAX_LOGS).contains(size), &size)?;
            let page = "the number of a page; the first is 0";
            let current_page = query.parsed("current_page", |page| (0..=MAX_PAGE).contains(page), page)?;
            let workspace = query.take("workspace_slug");
            let filter = filters::take(query)?;
            filters::check_searched(api, &filter)?;
            Ok(Self {
                filters: Value::Null,
                filter,
                page_size: page_size.unwrap_or(MAX_LOGS),
                current_page: current_page.unwrap_or(0),
                workspace,
            })
        };
        let chosen = filter_set::read(filter_set::texts(&named)?, read)?;
        Ok(Self { filters: Value::Object(named), ..chosen })
    }
}
