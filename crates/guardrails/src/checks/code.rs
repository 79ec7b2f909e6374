//! `containsCode`: a fenced block of a language is in the text.

use serde_json::json;

use super::structure::fences;
use super::{Finding, Subject};
use crate::parse::Parameters;

/// Languages by the names that fences give them, all in lower case.
const LANGUAGES: [(&str, &[&str]); 26] = [
    ("sql", &["postgresql", "mysql", "sqlite"]),
    ("python", &["py", "python3"]),
    ("typescript", &["ts", "tsx"]),
    ("javascript", &["js", "jsx", "node"]),
    ("java", &[]),
    ("c#", &["cs", "csharp"]),
    ("c++", &["cpp", "cxx", "cc"]),
    ("c", &["h"]),
    ("ruby", &["rb"]),
    ("php", &[]),
    ("swift", &[]),
    ("kotlin", &["kt", "kts"]),
    ("go", &["golang"]),
    ("rust", &["rs"]),
    ("scala", &[]),
    ("r", &[]),
    ("perl", &["pl"]),
    ("shell", &["sh", "bash", "zsh"]),
    ("html", &["htm"]),
    ("css", &[]),
    ("xml", &[]),
    ("json", &[]),
    ("yaml", &["yml"]),
    ("markdown", &["md"]),
    ("dockerfile", &["docker"]),
    ("powershell", &["ps1", "pwsh"]),
];

#[derive(Debug)]
pub(crate) struct ContainsCode {
    /// In lower case.
    format: String,
    not: bool,
}

impl ContainsCode {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let not = parameters.flag("not", false);
        let format = parameters.needed_text("format")?.to_lowercase();
        Some(Self { format: language(&format), not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let found: Vec<String> = fences(subject.text)
            .filter(|(info, _)| !info.is_empty())
            .map(|(info, _)| language(&info.to_lowercase()))
            .take(32)
            .collect();
        let has = found.contains(&self.format);
        Finding::found(has, self.not, "code of the language")
            .with("searchedFormat", self.format.as_str())
            .with("foundFormats", json!(found))
    }
}

/// A language by its own name.
fn language(name: &str) -> String {
    let known = LANGUAGES.iter().find(|(_, others)| others.contains(&name));
    known.map_or(name, |(own, _)| own).to_owned()
}
