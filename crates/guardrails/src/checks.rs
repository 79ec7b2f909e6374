//! The checks of the plugin `default` that need no outside service, and those that ask one (contract: 6.2).

mod code;
mod edits;
mod jwt;
mod models;
mod posts;
mod request;
mod structure;
mod texts;
mod urls;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

pub(crate) use edits::Edit;
pub(crate) use jwt::KeySets;

use crate::parse::Parameters;
use crate::{Call, Outside, Phase};

/// Plugins whose checks ask a service of their maker's.
pub(crate) const PARTNERS: [&str; 20] = [
    "portkey",
    "patronus",
    "qualifire",
    "pangea",
    "promptfoo",
    "promptsecurity",
    "pillar",
    "azure",
    "bedrock",
    "mistral",
    "aporia",
    "acuvity",
    "sydelabs",
    "lasso",
    "exa",
    "javelin",
    "panwPrismaAirs",
    "panw-prisma-airs",
    "walledai",
    "crowdstrike-aidr",
];

/// One check of a guardrail.
#[derive(Debug)]
pub(crate) struct Check {
    /// With its plugin, as in `default.contains`.
    pub id: String,
    pub rule: Rule,
    /// Whether it fails when it could not be made; else it then passes.
    pub fail_on_error: bool,
}

impl Check {
    pub fn header(&self) -> Option<&str> {
        match &self.rule {
            Rule::Jwt(jwt) => Some(jwt.header()),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Rule {
    Match(texts::Match),
    Count(texts::Count),
    Contains(texts::Contains),
    EndsWith(texts::EndsWith),
    Case(texts::Case),
    NotNull(texts::NotNull),
    JsonSchema(structure::Schema),
    JsonKeys(structure::Keys),
    ContainsCode(code::ContainsCode),
    ModelWhitelist(models::Whitelist),
    ModelRules(models::Rules),
    RequestTypes(request::RequestTypes),
    MetadataKeys(request::MetadataKeys),
    ValidUrls(urls::ValidUrls),
    Webhook(posts::Webhook),
    Log(posts::Log),
    Jwt(jwt::Jwt),
    RegexReplace(edits::RegexReplace),
    AddPrefix(edits::AddPrefix),
}

pub(crate) type Read = fn(&mut Parameters<'_>) -> Option<Rule>;

/// Each check by its name, aliases beside it.
const TABLE: [(&[&str], Read); 22] = [
    (&["regexMatch"], |p| texts::Match::read(p).map(Rule::Match)),
    (&["sentenceCount"], |p| texts::Count::read(p, texts::Unit::Sentences).map(Rule::Count)),
    (&["wordCount"], |p| texts::Count::read(p, texts::Unit::Words).map(Rule::Count)),
    (&["characterCount"], |p| texts::Count::read(p, texts::Unit::Characters).map(Rule::Count)),
    (&["contains"], |p| texts::Contains::read(p).map(Rule::Contains)),
    (&["endsWith"], |p| texts::EndsWith::read(p).map(Rule::EndsWith)),
    (&["alluppercase", "allUppercase", "isAllUpperCase"], |p| Some(Rule::Case(texts::Case::read(p, true)))),
    (&["alllowercase", "allLowerCase", "isAllLowerCase"], |p| Some(Rule::Case(texts::Case::read(p, false)))),
    (&["notNull"], |p| Some(Rule::NotNull(texts::NotNull::read(p)))),
    (&["jsonSchema"], |p| structure::Schema::read(p).map(Rule::JsonSchema)),
    (&["jsonKeys"], |p| structure::Keys::read(p).map(Rule::JsonKeys)),
    (&["containsCode"], |p| code::ContainsCode::read(p).map(Rule::ContainsCode)),
    (&["modelWhitelist", "modelwhitelist"], |p| models::Whitelist::read(p).map(Rule::ModelWhitelist)),
    (&["modelRules", "modelrules"], |p| models::Rules::read(p).map(Rule::ModelRules)),
    (&["allowedRequestTypes"], |p| Some(Rule::RequestTypes(request::RequestTypes::read(p)))),
    (&["requiredMetadataKeys"], |p| request::MetadataKeys::read(p).map(Rule::MetadataKeys)),
    (&["validUrls"], |p| Some(Rule::ValidUrls(urls::ValidUrls::read(p)))),
    (&["webhook"], |p| posts::Webhook::read(p).map(Rule::Webhook)),
    (&["log"], |p| posts::Log::read(p).map(Rule::Log)),
    (&["jwt"], |p| jwt::Jwt::read(p).map(Rule::Jwt)),
    (&["regexReplace"], |p| edits::RegexReplace::read(p).map(Rule::RegexReplace)),
    (&["addPrefix"], |p| edits::AddPrefix::read(p).map(Rule::AddPrefix)),
];

/// How the check of that name is read; its reader gives none where the parameters are mistaken, of which it tells.
pub(crate) fn reader(name: &str) -> Option<Read> {
    TABLE.iter().find(|(names, _)| names.contains(&name)).map(|(_, read)| *read)
}

/// The names of all checks.
pub(crate) fn names() -> String {
    let names: Vec<String> =
        TABLE.iter().filter_map(|(names, _)| names.first().map(|name| format!("default.{name}"))).collect();
    names.join(", ")
}

/// What a check looks at.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub call: &'a Call,
    pub phase: Phase,
    pub request: &'a Value,
    pub response: Option<&'a Value>,
    pub status: Option<u16>,
    /// The text under test.
    pub text: &'a str,
    /// Whether a hook before has changed what this one sees.
    pub changed: bool,
}

impl<'a> Subject<'a> {
    /// The body of the phase.
    pub fn json(&self) -> &'a Value {
        match (self.phase, self.response) {
            (Phase::Output, Some(response)) => response,
            _ => self.request,
        }
    }

    /// The model that the request names.
    pub fn model(&self) -> Option<&'a str> {
        self.request.get("model")?.as_str().filter(|model| !model.is_empty())
    }
}

/// What a check works with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub outside: &'a dyn Outside,
    pub key_sets: &'a KeySets,
    pub now_ms: i64,
}

/// What a check found.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub verdict: bool,
    /// What it saw: may have content in it.
    pub data: Map<String, Value>,
    /// Why it could not be made, if it could not.
    pub error: Option<Trouble>,
    pub change: Option<Change<'a>>,
}

/// Why a check could not be made.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub name: &'static str,
    pub message: Cow<'static, str>,
}

/// What a check does to the body.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    /// It is this one now.
    Whole(Value),
    Edit(&'a dyn Edit),
}

impl<'a> Finding<'a> {
    pub fn of(verdict: bool, explanation: impl Into<String>) -> Self {
        let data = Map::from_iter([("explanation".to_owned(), explanation.into().into())]);
        Self { verdict, data, error: None, change: None }
    }

    /// With what was found turned round where the check says `not`.
    pub fn found(found: bool, not: bool, what: &str) -> Self {
        let was = if found { "was found" } else { "was not found" };
        let mut finding = Self::of(found != not, format!("{what} {was}"));
        if not {
            finding.data.insert("not".to_owned(), true.into());
        }
        finding
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    pub fn changing(mut self, change: Change<'a>) -> Self {
        self.change = Some(change);
        self
    }

    pub fn trouble(name: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let error = Some(Trouble { name, message: message.into() });
        Self { verdict: false, data: Map::new(), error, change: None }
    }
}

impl Rule {
    pub async fn judge(&self, subject: Subject<'_>, means: Means<'_>) -> Finding<'_> {
        match self {
            Self::Match(check) => check.judge(subject),
            Self::Count(check) => check.judge(subject),
            Self::Contains(check) => check.judge(subject),
            Self::EndsWith(check) => check.judge(subject),
            Self::Case(check) => check.judge(subject),
            Self::NotNull(check) => check.judge(subject),
            Self::JsonSchema(check) => check.judge(subject),
            Self::JsonKeys(check) => check.judge(subject),
            Self::ContainsCode(check) => check.judge(subject),
            Self::ModelWhitelist(check) => check.judge(subject),
            Self::ModelRules(check) => check.judge(subject),
            Self::RequestTypes(check) => check.judge(subject),
            Self::MetadataKeys(check) => check.judge(subject),
            Self::RegexReplace(check) => check.judge(subject),
            Self::AddPrefix(check) => check.judge(subject),
            Self::ValidUrls(check) => check.judge(subject, means).await,
            Self::Webhook(check) => check.judge(subject, means).await,
            Self::Log(check) => check.judge(subject, means).await,
            Self::Jwt(check) => check.judge(subject, means).await,
        }
    }
}

/// How many of some things there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Any,
    All,
    None,
}

impl Operator {
    fn read(parameters: &mut Parameters<'_>, default: Self) -> Self {
        match parameters.get("operator").map(Value::as_str) {
            None => default,
            Some(Some("any")) => Self::Any,
            Some(Some("all")) => Self::All,
            Some(Some("none")) => Self::None,
            Some(_) => {
                parameters.mistake("operator", "must be any, all or none");
                default
            }
        }
    }

    /// Which of `wanted` are there, and whether that is as it should be.
    fn judge(self, wanted: &[String], there: impl Fn(&str) -> bool) -> Finding<'static> {
        let (found, missing): (Vec<&str>, Vec<&str>) =
            wanted.iter().map(String::as_str).partition(|wanted| there(wanted));
        let verdict = match self {
            Self::Any => !found.is_empty(),
            Self::All => missing.is_empty(),
            Self::None => found.is_empty(),
        };
        let operator = match self {
            Self::Any => "any",
            Self::All => "all",
            Self::None => "none",
        };
        let explanation = format!("{} of {} found, {operator} wanted", found.len(), wanted.len());
        Finding::of(verdict, explanation)
            .with("found", json!(found))
            .with("missing", json!(missing))
            .with("operator", operator)
    }
}

#[cfg(test)]
mod tests;
