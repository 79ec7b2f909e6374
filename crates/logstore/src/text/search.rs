//! A query by words: all of them, and the last also as the beginning of one.

use entity::log;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Select, Statement, Value};
use serde::{Deserialize, Serialize};

use super::words::each;
use crate::Range;

/// Letters from which on the last word stands for all that begin with it: one would be in almost every log.
const MIN_PREFIX_CHARS: usize = 2;

/// Logs that are looked up one by one rather than met in the order of a list.
const FEW: usize = if cfg!(test) { 3 } else { 2_000 };

/// That the words are those of the log.
const OF_LOG: &str = r#"log_text.retention_class = "log"."retention_class"
    AND log_text.created_at = "log"."created_at" AND log_text.id = "log"."id""#;

/// That the words are among them, in PostgreSQL's own terms.
const FOUND: &str = "log_text.organisation_id = $1 AND log_text.words @@ $2::text::tsquery
    AND log_text.created_at >= $3 AND log_text.created_at <= $4";

/// Words that a log's prompt and answer have between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What is searched, and where.
#[derive(Clone, Copy)]
pub(crate) struct Searched<'s> {
    pub search: &'s Search,
    pub organisation: Uuid,
    /// What is known of the time, which tells PostgreSQL the days to look in.
    pub created_ms: Range,
    pub cutoff_ms: Option<i64>,
}

/// Narrows `rows`, which are within the organisation, to those with the words.
pub(crate) fn narrow(
    rows: Select<log::Entity>,
    searched: Searched<'_>,
    backend: DbBackend,
) -> Select<log::Entity> {
    if backend == DbBackend::Postgres {
        let sql = format!("EXISTS (SELECT 1 FROM log_text WHERE {OF_LOG} AND {FOUND})");
        return rows.filter(Expr::cust_with_values(sql, searched.values(backend)));
    }
    let sql = r#""log"."id" IN (SELECT id FROM log_text WHERE organisation_id = ? AND seq IN
        (SELECT rowid FROM log_text_fts WHERE log_text_fts MATCH ?))"#;
    let organisation = searched.organisation.into();
    rows.filter(Expr::cust_with_values(sql, [organisation, searched.query(backend)]))
}

/// The same for a list, of which some rows are wanted and no others. PostgreSQL joins all that is found with all that there is where it
/// thinks of each of both as many, so it is told how: few are looked up, and of many it is asked log by log whether it is one.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub(crate) async fn narrow_list(
    db: &impl ConnectionTrait,
    rows: Select<log::Entity>,
    searched: Searched<'_>,
) -> Result<Select<log::Entity>, DbErr> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(narrow(rows, searched, backend));
    }
    let Some(few) = few(db, searched).await? else {
        let sql = format!("(SELECT true FROM log_text WHERE {OF_LOG} AND {FOUND})");
        return Ok(rows.filter(Expr::cust_with_values(sql, searched.values(backend))));
    };
    let classes: Vec<i16> = few.iter().map(|place| place.retention_class).collect();
    let times: Vec<i64> = few.iter().map(|place| place.created_at).collect();
    let ids: Vec<Uuid> = few.iter().map(|place| place.id).collect();
    let sql = r#"("log"."retention_class", "log"."created_at", "log"."id") IN
        (SELECT class, at, id FROM unnest($1, $2, $3) AS few (class, at, id))"#;
    Ok(rows.filter(Expr::cust_with_values(sql, [Value::from(classes), times.into(), ids.into()])))
}

/// Where a log is.
#[derive(FromQueryResult)]
struct Place {
    retention_class: i16,
    created_at: i64,
    id: Uuid,
}

/// All that is found, unless that is many.
async fn few(db: &impl ConnectionTrait, searched: Searched<'_>) -> Result<Option<Vec<Place>>, DbErr> {
    // Apart, so that it is planned for all that is found: for the first of many PostgreSQL would read what is not indexed by words.
    let sql = format!(
        "WITH found AS MATERIALIZED (SELECT retention_class, created_at, id FROM log_text WHERE {FOUND})
         SELECT * FROM found LIMIT {}",
        FEW + 1
    );
    let backend = DbBackend::Postgres;
    let asked = Statement::from_sql_and_values(backend, sql, searched.values(backend));
    let places = Place::find_by_statement(asked).all(db).await?;
    Ok((places.len() <= FEW).then_some(places))
}

impl Searched<'_> {
    fn query(&self, backend: DbBackend) -> Value {
        self.search.query(self.organisation, backend).into()
    }

    /// Of [`FOUND`].
    fn values(&self, backend: DbBackend) -> [Value; 4] {
        let from = Ord::max(self.created_ms.min, self.cutoff_ms).unwrap_or(i64::MIN);
        let to = self.created_ms.max.unwrap_or(i64::MAX);
        [self.organisation.into(), self.query(backend), from.into(), to.into()]
    }
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
