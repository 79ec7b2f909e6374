//! A query string taken apart parameter by parameter: what is malformed, repeated or unknown is refused by name.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use url::form_urlencoded;

use crate::{Error, instant};

/// Items of a comma list.
const MAX_ITEMS: usize = 100;

/// The query of a request, as it was sent.
pub(crate) struct Query(String);

impl FromRequest for Query {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.query_string().to_owned())))
    }
}

impl Query {
    /// The parameters; one without a value counts as not sent.
    pub fn parameters(self) -> Result<Parameters, Error> {
        let mut map = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(self.0.as_bytes()) {
            if map.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Error::invalid(
                    name,
                    "given twice",
                    "it once; several values go in one, with commas",
                ));
            }
        }
        Parameters::of(map)
    }

    /// The workspace that is named in `workspace_id`, where there is no other parameter.
    pub fn workspace(self) -> Result<Option<String>, Error> {
        let mut parameters = self.parameters()?;
        let workspace = parameters.take("workspace_id");
        parameters.finish()?;
        Ok(workspace)
    }

    /// Refuses any parameter.
    pub fn none(self) -> Result<(), Error> {
        self.parameters()?.finish()
    }
}

pub(crate) struct Parameters {
    map: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Parameters {
    /// These values by name.
    pub fn of(map: BTreeMap<String, String>) -> Result<Self, Error> {
        // In no text of the database: PostgreSQL refuses even to look for one.
        if let Some((name, _)) = map.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Error::invalid(name, "a NUL character is in it", "text without one"));
        }
        Ok(Self { map, known: Vec::new() })
    }

    pub fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.map.remove(name).filter(|value| !value.is_empty())
    }

    /// The same, where nothing at all would be a mistake.
    pub fn given(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.map.remove(name)
    }

    /// The workspace that is named, by either of its parameters.
    pub fn workspace(&mut self) -> Option<String> {
        self.take("workspace_slug").or(self.take("workspace_id"))
    }

    /// A value that parses and is one of `accepted`.
    pub fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        accepted: impl FnOnce(&T) -> bool,
        expected: &str,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.trim().parse::<T>().ok().filter(accepted) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::invalid(name, format!("found `{text}`"), expected)),
        }
    }

    /// A comma list, each item of which `read` takes.
    pub fn items<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<T>, Error> {
        let Some(text) = self.take(name) else { return Ok(Vec::new()) };
        let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        if items.len() > MAX_ITEMS {
            return Err(Error::invalid(
                name,
                format!("{} items", items.len()),
                format!("at most {MAX_ITEMS}"),
            ));
        }
        let read_item =
            |item: &str| read(item).ok_or_else(|| Error::invalid(name, format!("found `{item}`"), expected));
        items.into_iter().map(read_item).collect()
    }

    /// A moment, in unix milliseconds.
    pub fn moment(&mut self, name: &'static str) -> Result<Option<i64>, Error> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match instant::parse(&text) {
            Some(ms) => Ok(Some(ms)),
            None => Err(Error::invalid(name, format!("found `{text}`"), instant::EXPECTED)),
        }
    }

    /// Refuses parameters that nobody took.
    pub fn finish(mut self) -> Result<(), Error> {
        let Some(name) = self.map.keys().next() else { return Ok(()) };
        self.known.sort_unstable();
        let expected = if self.known.is_empty() {
            "no parameters here".to_owned()
        } else {
            format!("only {}", self.known.join(", "))
        };
        Err(Error::invalid(name, "no such parameter", expected))
    }
}
