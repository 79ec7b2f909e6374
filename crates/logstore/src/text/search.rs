//! A query by words: all of them, and the last also as the beginning of one.

use entity::log;
use sea_orm::prelude::*;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{DbBackend, Select, Value};
use tenancy::TenantScope;

use super::words::each;
use crate::Range;

/// Letters from which on the last word stands for all that begin with it: one would be in almost every log.
const MIN_PREFIX_CHARS: usize = 2;

/// Words that a log's prompt and answer have between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

impl Search {
    /// None: there is no word in the text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut words = Vec::new();
        each(text, |word| words.push(word.to_owned()));
        (!words.is_empty()).then_some(Self { words })
    }

    /// As FTS5 or PostgreSQL has it. Words are letters and digits: in quotes they are nothing else to either.
    fn query(&self, organisation: Uuid, backend: DbBackend) -> String {
        let (quote, and, prefix) = match backend {
            DbBackend::Postgres => ('\'', " & ", ":*"),
            _ => ('"', " AND ", "*"),
        };
        let quoted = |word: &str| format!("{quote}{word}{quote}");
        let mut query = quoted(&mark(organisation));
        for word in &self.words {
            query.push_str(and);
            query.push_str(&quoted(word));
        }
        if self.words.last().is_some_and(|last| last.chars().nth(MIN_PREFIX_CHARS - 1).is_some()) {
            query.push_str(prefix);
        }
        query
    }
}

/// What every log of an organisation has among its words, so that a common word costs nobody the logs of all others. No text has it,
/// as its sign is no letter.
pub(super) fn mark(organisation: Uuid) -> String {
    format!("§{}", organisation.simple())
}

/// Narrows `rows`, which are within `scope`, to those with the words. What is known of their time tells PostgreSQL the days to look in.
pub(crate) fn narrow(
    rows: Select<log::Entity>,
    search: Option<&Search>,
    scope: &TenantScope,
    created_ms: Range,
    cutoff_ms: Option<i64>,
    backend: DbBackend,
) -> Select<log::Entity> {
    let Some(search) = search else { return rows };
    let organisation = scope.organisation();
    let query = Value::from(search.query(organisation, backend));
    let has: SimpleExpr = if backend == DbBackend::Postgres {
        let from = Ord::max(created_ms.min, cutoff_ms).unwrap_or(i64::MIN);
        let to = created_ms.max.unwrap_or(i64::MAX);
        let sql = r#"EXISTS (SELECT 1 FROM log_text WHERE log_text.retention_class = "log"."retention_class"
            AND log_text.created_at = "log"."created_at" AND log_text.id = "log"."id"
            AND log_text.organisation_id = $1 AND log_text.words @@ $2::text::tsquery
            AND log_text.created_at >= $3 AND log_text.created_at <= $4)"#;
        Expr::cust_with_values(sql, [organisation.into(), query, from.into(), to.into()])
    } else {
        let sql = r#""log"."id" IN (SELECT id FROM log_text WHERE organisation_id = ? AND seq IN
            (SELECT rowid FROM log_text_fts WHERE log_text_fts MATCH ?))"#;
        Expr::cust_with_values(sql, [organisation.into(), query])
    };
    rows.filter(has)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_query_is_words_in_quotes_whatever_was_asked() {
        let organisation = Uuid::nil();
        let own = format!("§{}", "0".repeat(32));
        for (text, sqlite, postgres) in [
            ("Hello", "\"hello\"*", "'hello':*"),
            ("hello a", "\"hello\" AND \"a\"", "'hello' & 'a'"),
            ("to be", "\"to\" AND \"be\"*", "'to' & 'be':*"),
            ("a\" OR \"b' | !c:*", "\"a\" AND \"or\" AND \"b\" AND \"c\"", "'a' & 'or' & 'b' & 'c'"),
            ("東京", "\"東\" AND \"京\"", "'東' & '京'"),
        ] {
            let search = Search::read(text).unwrap();
            assert_eq!(search.query(organisation, DbBackend::Sqlite), format!("\"{own}\" AND {sqlite}"));
            assert_eq!(search.query(organisation, DbBackend::Postgres), format!("'{own}' & {postgres}"));
        }
        for text in ["", " ", "!?", "§", "\"\""] {
            assert_eq!(Search::read(text), None, "{text}");
        }
    }
}
