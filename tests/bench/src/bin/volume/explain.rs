//! What the database does for a query of production: a connection that asks it for its plan in place of the rows.

use std::sync::Mutex;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};

/// A connection that runs queries to have them explained: they give no rows.
pub struct Explaining<'a> {
    db: &'a DatabaseConnection,
    plan: Mutex<Vec<String>>,
}

impl<'a> Explaining<'a> {
    pub fn new(db: &'a DatabaseConnection) -> Self {
        Self { db, plan: Mutex::default() }
    }

    /// The lines of what was explained.
    pub fn plan(self) -> Vec<String> {
        self.plan.into_inner().unwrap_or_default()
    }
}

#[async_trait]
impl ConnectionTrait for Explaining<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.db.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.db.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.pop())
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (how, column) = match statement.db_backend {
            DbBackend::Postgres => ("EXPLAIN (ANALYZE, BUFFERS)", "QUERY PLAN"),
            _ => ("EXPLAIN QUERY PLAN", "detail"),
        };
        statement.sql = format!("{how} {}", statement.sql);
        let rows = self.db.query_all_raw(statement).await?;
        let lines = rows.iter().map(|row| row.try_get("", column)).collect::<Result<Vec<_>, _>>()?;
        if let Ok(mut plan) = self.plan.lock() {
            plan.extend(lines);
        }
        Ok(Vec::new())
    }
}

/// A plan in a line: its steps, each with how many partitions it is for, and beside it PostgreSQL's own times.
pub fn in_short(plan: &[String]) -> (String, String) {
    let mut steps: Vec<(String, usize, usize)> = Vec::new();
    let mut times = Vec::new();
    for (n, line) in plan.iter().enumerate() {
        let text = line.trim();
        if text.starts_with("Planning Time") || text.starts_with("Execution Time") {
            times.push(text.to_lowercase());
            continue;
        }
        // SQLite has nothing but steps.
        let (step_of_postgres, is_sqlite) = (text.strip_prefix("->"), !plan[0].contains("(cost="));
        if n > 0 && !is_sqlite && step_of_postgres.is_none() {
            continue;
        }
        let text = step_of_postgres.unwrap_or(text).trim();
        let name = step(text);
        let unused = usize::from(text.contains("never executed"));
        match steps.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, times, never)) => (*times, *never) = (*times + 1, *never + unused),
            None => steps.push((name, 1, unused)),
        }
    }
    let told = steps.into_iter().map(|(name, times, never)| match (times, never) {
        (1, 0) => name,
        (_, 0) => format!("{times} × {name}"),
        _ => format!("{times} × {name} ({never} never run)"),
    });
    (told.collect::<Vec<_>>().join(" < "), times.join(", "))
}

/// A step without the partition that it is for.
fn step(text: &str) -> String {
    let text = text.split("  (").next().unwrap_or_default();
    match (text.split_once(" using "), text.split_once(" on ")) {
        (Some((what, index)), _) => {
            format!("{what} on {}", own_name(index.split(' ').next().unwrap_or_default()))
        }
        (None, Some((what, index))) if what == "Bitmap Index Scan" => {
            format!("{what} on {}", own_name(index))
        }
        (None, Some((what, _))) => what.to_owned(),
        (None, None) => text.to_owned(),
    }
}

/// An index's name without that of its partition, which is like `log_c30_d20261124` and begins it.
fn own_name(index: &str) -> &str {
    match index.splitn(4, '_').collect::<Vec<_>>()[..] {
        ["log", _, _, own] => own,
        _ => index,
    }
}
