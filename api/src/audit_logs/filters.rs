//! What a list of the audit log is narrowed by.

use std::net::IpAddr;

use sea_orm::prelude::Uuid;
use utoipa::IntoParams;

use crate::Error;
use crate::query::Parameters;

/// Characters of what is looked for as it is.
const MAX_TEXT: usize = 2_048;

/// Characters of a kind of resource.
const MAX_WORD: usize = 40;

/// Which entries.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Filters {
    /// From when on.
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z")]
    start_time: String,
    /// Until when, and with it.
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z")]
    end_time: String,
    /// The caller's own organisation.
    organisation_id: Option<Uuid>,
    /// The request's: `POST`, `PUT` or `DELETE`.
    #[param(pattern = "^(POST|PUT|DELETE)$")]
    method: Option<String>,
    /// The request's path, whole.
    #[param(max_length = 2048)]
    uri: Option<String>,
    /// The request's id, as its answer has it in `x-turnpike-request-id`.
    #[param(max_length = 2048)]
    request_id: Option<String>,
    /// Who made the change: a person or an API key.
    user_id: Option<Uuid>,
    /// What they are: `user`, `api_key`, or who makes changes without a request: `operator`, `payment-provider`, `turnpike`.
    #[param(pattern = "^(user|api_key|operator|payment-provider|turnpike)$")]
    user_type: Option<String>,
    /// The slug or id of the workspace whose it is that was changed.
    workspace_id: Option<String>,
    /// What the request was answered with: 200, since one that was refused changes nothing.
    #[param(minimum = 100, maximum = 599)]
    response_status_code: Option<i16>,
    /// What was changed, such as `config`, `virtual_key`, `guardrail`, `api_key`, `limits` or `plan`.
    #[param(pattern = "^[a-z_]{1,40}$")]
    resource_type: Option<String>,
    /// What was done.
    #[param(pattern = "^(create|update|delete|publish|export|rotate|manage|duplicate)$")]
    action: Option<String>,
    /// The client's address.
    #[param(value_type = Option<String>, max_length = 45)]
    client_ip: Option<IpAddr>,
    /// Where that address is, which is not looked up: nothing has one.
    #[param(max_length = 2048)]
    country: Option<String>,
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserType {
    User,
    ApiKey,
    Operator,
    PaymentProvider,
    Turnpike,
}

impl UserType {
    pub const ALL: [Self; 5] =
        [Self::User, Self::ApiKey, Self::Operator, Self::PaymentProvider, Self::Turnpike];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
            Self::PaymentProvider => "payment-provider",
            Self::Turnpike => "turnpike",
        }
    }

    /// What its actors begin with in the database.
    pub fn actor(self) -> &'static str {
        match self {
            Self::User => "person:",
            Self::ApiKey => "key:",
            other => other.as_str(),
        }
    }

    /// Of an actor as it stands in the database, with the id of who has one.
    pub fn of(actor: &str) -> Option<(Self, Option<Uuid>)> {
        Self::ALL.into_iter().find_map(|of| {
            let rest = actor.strip_prefix(of.actor())?;
            Some((of, rest.parse().ok()))
        })
    }
}

/// What is done to a thing, as the contract names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done(&'static str);

impl Done {
    const ALL: [Self; 8] = [
        Self("create"),
        Self("update"),
        Self("delete"),
        Self("publish"),
        Self("export"),
        Self("rotate"),
        Self("manage"),
        Self("duplicate"),
    ];

    /// The words that it goes by in the database.
    pub fn words(self) -> Vec<&'static str> {
        if self.0 == "update" { vec!["update", "change"] } else { vec![self.0] }
    }
}

/// What is looked for.
pub(crate) struct Filter {
    pub from_ms: i64,
    pub until_ms: i64,
    pub method: Option<String>,
    pub uri: Option<String>,
    pub request_id: Option<String>,
    pub user_id: Option<Uuid>,
    pub user_type: Option<UserType>,
    pub workspace_id: Option<Uuid>,
    pub status: Option<i16>,
    pub resource_type: Option<String>,
    pub action: Option<Done>,
    pub client: Option<IpAddr>,
    /// Where the client is, which nothing is known of.
    pub country: Option<String>,
}

/// What was sent of it: the time is looked at when all else was taken, and the workspace is looked up by its name.
pub(super) struct Sent {
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    pub workspace: Option<String>,
    filter: Filter,
}

impl Sent {
    pub fn take(query: &mut Parameters) -> Result<Self, Error> {
        let method = |method: &String| matches!(method.as_str(), "POST" | "PUT" | "DELETE");
        let status = |status: &i16| (100..600).contains(status);
        let is_word = |word: &String| {
            (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let filter = Filter {
            from_ms: 0,
            until_ms: 0,
            method: query.parsed("method", method, "POST, PUT or DELETE")?,
            uri: text(query, "uri", "the path of a request")?,
            request_id: text(query, "request_id", "the id of a request")?,
            user_id: query.parsed("user_id", |_| true, "the UUID of a person or of an API key")?,
            user_type: one_of(query, "user_type", UserType::ALL, UserType::as_str)?,
            workspace_id: None,
            status: query.parsed("response_status_code", status, "an HTTP status code")?,
            resource_type: query.parsed("resource_type", is_word, "a kind of thing, such as config")?,
            action: one_of(query, "action", Done::ALL, |done| done.0)?,
            client: query.parsed("client_ip", |_| true, "an IP address")?,
            country: text(query, "country", "a country")?,
        };
        let (from_ms, until_ms) = (query.moment("start_time")?, query.moment("end_time")?);
        Ok(Self { from_ms, until_ms, workspace: query.take("workspace_id"), filter })
    }

    pub fn filter(self, workspace_id: Option<Uuid>) -> Result<Filter, Error> {
        let missing = |name| Error::invalid(name, "missing", crate::instant::EXPECTED);
        let from_ms = self.from_ms.ok_or_else(|| missing("start_time"))?;
        let until_ms = self.until_ms.ok_or_else(|| missing("end_time"))?;
        if until_ms < from_ms {
            return Err(Error::invalid("end_time", "before start_time", "a time from start_time on"));
        }
        Ok(Filter { from_ms, until_ms, workspace_id, ..self.filter })
    }
}

fn text(query: &mut Parameters, name: &'static str, expected: &str) -> Result<Option<String>, Error> {
    let Some(text) = query.take(name) else { return Ok(None) };
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid(name, "too long", expected));
    }
    Ok(Some(text))
}

fn one_of<T: Copy, const N: usize>(
    query: &mut Parameters,
    name: &'static str,
    all: [T; N],
    named: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Error> {
    let Some(text) = query.take(name) else { return Ok(None) };
    match all.into_iter().find(|one| named(*one) == text) {
        Some(one) => Ok(Some(one)),
        None => Err(Error::invalid(name, format!("found `{text}`"), all.map(named).join(", "))),
    }
}
