use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::Settings;

const PREFIX: &str = "TURNPIKE_";
const FILE: &str = "turnpike.toml";
/// The variable that names another settings file; not a setting itself.
const FILE_VARIABLE: &str = "TURNPIKE_CONFIG";

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is unknown or malformed; `name` is its variable, or its key and file.
    #[error("{name}: {}", problem.kind)]
    Setting { name: String, problem: Box<figment::Error> },
    /// A variable holds something other than text.
    #[error("{name}: expected UTF-8 text")]
    NotText { name: String },
    /// A segment would not fit into the spool.
    #[error(
        "spool.segment_bytes is {segment_bytes}, over spool.max_bytes, {max_bytes}; expected at most that"
    )]
    SegmentOverSpool { segment_bytes: u64, max_bytes: u64 },
    /// The settings file is not TOML.
    #[error("{file}, line {line}: {problem}")]
    Syntax { file: String, line: usize, problem: String },
    /// The settings file is there, or was asked for, and could not be read.
    #[error("the settings file {} could not be read", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// The settings from this process's variables and the file that `TURNPIKE_CONFIG` names, or else `turnpike.toml` in the
/// working folder if it is there.
///
/// # Errors
/// [`Error`] names the setting, or the file, that is wrong.
pub fn load() -> Result<Settings, Error> {
    load_with(std::env::vars_os())
}

pub(crate) fn load_with(env: impl Iterator<Item = (OsString, OsString)>) -> Result<Settings, Error> {
    let variables: BTreeMap<String, String> = env.filter_map(ours).collect::<Result<_, Error>>()?;
    let asked = variables.get(FILE_VARIABLE).filter(|path| !path.is_empty());
    let path = asked.map_or(FILE, String::as_str);
    let file = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && asked.is_none() => None,
        Err(source) => return Err(Error::File { path: path.into(), source }),
    };
    read(variables.clone(), path, file.as_deref())
}

/// The settings from these variables and this file's text, for tests.
///
/// # Errors
/// [`Error`] names the setting that is wrong.
pub fn load_from(
    env: impl IntoIterator<Item = (String, String)>,
    toml: Option<&str>,
) -> Result<Settings, Error> {
    read(env, FILE, toml)
}

/// A variable of ours as text; others may hold anything.
fn ours((name, value): (OsString, OsString)) -> Option<Result<(String, String), Error>> {
    let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
    Some(value.into_string().map(|value| (name.clone(), value)).map_err(|_| Error::NotText { name }))
}

fn read(
    env: impl IntoIterator<Item = (String, String)>,
    file_name: &str,
    file: Option<&str>,
) -> Result<Settings, Error> {
    let mut sources = Figment::new();
    if let Some(text) = file {
        sources = sources.merge(File { name: file_name.to_owned(), settings: parse(file_name, text)? });
    }
    for (name, value) in env {
        let is_setting = name.starts_with(PREFIX) && name != FILE_VARIABLE && !value.is_empty();
        if is_setting {
            sources = sources.merge(Variable { name, value });
        }
    }
    // Lossy: a variable is text, and becomes a number or a bool only where one is wanted.
    let settings: Settings = sources.extract_lossy().map_err(|error| named(&sources, error))?;

    let (segment_bytes, max_bytes) = (settings.spool.segment_bytes, settings.spool.max_bytes);
    if segment_bytes > max_bytes {
        return Err(Error::SegmentOverSpool { segment_bytes, max_bytes });
    }
    Ok(settings)
}

/// Finds what the setting at fault is called where it was written. The error's own origin may be that of its section.
fn named(sources: &Figment, error: figment::Error) -> Error {
    let path = &error.path;
    let origin = sources.find_metadata(&path.join(".")).or(error.metadata.as_ref());
    let name = match origin {
        Some(origin) => origin.interpolate(&Profile::Default, path),
        None => path.join("."),
    };
    Error::Setting { name, problem: Box::new(error) }
}

/// Reads the file. Its text is not repeated in the error, as there may be secrets in it.
fn parse(file: &str, text: &str) -> Result<Dict, Error> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|at| text.get(..at.start)).unwrap_or_default();
        Error::Syntax {
            file: file.to_owned(),
            line: before.split('\n').count(),
            problem: error.message().to_owned(),
        }
    })
}

/// The settings file.
struct File {
    name: String,
    settings: Dict,
}

impl Provider for File {
    fn metadata(&self) -> Metadata {
        let file = self.name.clone();
        Metadata::named(file.clone()).interpolater(move |_, keys| format!("{} in {file}", keys.join(".")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.settings.clone()))
    }
}

/// One variable is one source, so that an error names it.
struct Variable {
    name: String,
    value: String,
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        let name = self.name.clone();
        Metadata::named(name.clone()).interpolater(move |_, _| name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let path = self.name.strip_prefix(PREFIX).unwrap_or(&self.name).to_ascii_lowercase();
        let leaf = Value::from(self.value.as_str());
        let nested = path.rsplit("__").fold(leaf, |inner, key| Dict::from([(key.to_owned(), inner)]).into());
        Ok(Profile::Default.collect(nested.into_dict().unwrap_or_default()))
    }
}
