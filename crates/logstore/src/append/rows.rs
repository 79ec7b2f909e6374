//! How many rows go in at once: on SQLite as the values of an `INSERT`, on PostgreSQL as an array for each column, which takes
//! less of both sides: its statement is the same for any number of rows and has a parameter a column.

use sea_orm::prelude::*;
use sea_orm::sea_query::ArrayType;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, DbBackend, EntityTrait, Iterable as _,
    Statement, Value,
};

/// Rows a statement inserts at the most on SQLite, which takes 32,766 variables: a log has under 50 columns. Whole
/// statements come again, and the connection has them prepared.
const ROWS_PER_INSERT: usize = 128;

/// Inserts rows that have a value for every column. The text is written here: SeaORM would make a tree of all values.
pub(super) async fn insert<A>(txn: &DatabaseTransaction, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    match txn.get_database_backend() {
        DbBackend::Postgres => insert_columns(txn, rows).await,
        backend => insert_rows(txn, rows, backend).await,
    }
}

async fn insert_rows<A>(txn: &DatabaseTransaction, rows: Vec<A>, backend: DbBackend) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
{
    let mut rows = rows.into_iter();
    let mut sql = String::new();
    let mut written_for = 0;
    while rows.len() > 0 {
        let n = rows.len().min(ROWS_PER_INSERT);
        if n != written_for {
            let marks = <A::Entity as EntityTrait>::Column::iter().map(|_| "?").collect::<Vec<_>>();
            let row = format!("({})", marks.join(", "));
            sql = format!("{} VALUES {}", into::<A::Entity>(), vec![row; n].join(", "));
            written_for = n;
        }
        let values = rows.by_ref().take(n).flat_map(values).collect::<Vec<_>>();
        txn.execute_raw(Statement::from_sql_and_values(backend, &sql, values)).await?;
    }
    Ok(())
}

async fn insert_columns<A>(txn: &DatabaseTransaction, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
{
    let mut columns: Vec<Vec<Value>> = Vec::new();
    columns.resize_with(<A::Entity as EntityTrait>::Column::iter().len(), || Vec::with_capacity(rows.len()));
    for row in rows {
        columns.iter_mut().zip(values(row)).for_each(|(column, value)| column.push(value));
    }
    let mut parameters = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (column, values) in <A::Entity as EntityTrait>::Column::iter().zip(columns) {
        let (array, cast) = if column.def().is_null() { literal(values)? } else { (array(values), "") };
        arrays.push(array);
        parameters.push(format!("${}{cast}", arrays.len()));
    }
    let sql = format!("{} SELECT * FROM unnest({})", into::<A::Entity>(), parameters.join(", "));
    txn.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, arrays)).await?;
    Ok(())
}

/// An array none of whose values is null.
fn array(values: Vec<Value>) -> Value {
    let of = values.first().map_or(ArrayType::String, Value::array_type);
    Value::Array(of, Some(Box::new(values)))
}

/// An array as text, and what PostgreSQL makes it one by: SeaORM's own cannot have a null in them.
/// <https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO>
fn literal(values: Vec<Value>) -> Result<(Value, &'static str), DbErr> {
    let cast = match values.first() {
        Some(Value::Uuid(_)) => "::text::uuid[]",
        Some(Value::BigInt(_)) => "::text::bigint[]",
        Some(Value::Json(_)) => "::text::json[]",
        _ => "::text::text[]",
    };
    let mut text = String::from("{");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        match value {
            Value::Uuid(Some(id)) => push_quoted(&mut text, &id.to_string()),
            Value::BigInt(Some(n)) => push_quoted(&mut text, &n.to_string()),
            Value::Json(Some(json)) => push_quoted(&mut text, &json.to_string()),
            Value::String(Some(string)) => push_quoted(&mut text, &string),
            null if null == null.as_null() => text.push_str("NULL"),
            other => return Err(DbErr::Type(format!("{other:?} may be null, which is new here"))),
        }
    }
    text.push('}');
    Ok((text.into(), cast))
}

fn push_quoted(text: &mut String, string: &str) {
    text.push('"');
    for part in string.split_inclusive(['"', '\\']) {
        match part.strip_suffix(['"', '\\']) {
            Some(plain) => text.extend([plain, "\\", &part[plain.len()..]]),
            None => text.push_str(part),
        }
    }
    text.push('"');
}

/// In the order of the columns, as in [`into`].
fn values<A: ActiveModelTrait>(mut row: A) -> impl Iterator<Item = Value> {
    <A::Entity as EntityTrait>::Column::iter().filter_map(move |column| row.take(column).into_value())
}

/// The beginning of the statement.
fn into<E: EntityTrait>() -> String {
    let columns: Vec<_> = E::Column::iter().map(|column| format!("\"{}\"", column.as_str())).collect();
    format!("INSERT INTO \"{}\" ({})", E::default().table_name(), columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_in_an_array_and_null_is_not() {
        let strings = [Some("a"), None, Some(""), Some("NULL"), Some("{a,b\n}"), Some(r#"\"\\"#)];
        let strings = strings.map(|string| Value::from(string.map(str::to_owned))).to_vec();
        let told = "{\"a\",NULL,\"\",\"NULL\",\"{a,b\n}\",".to_owned() + r#""\\\"\\\\"}"#;
        assert_eq!(literal(strings).ok(), Some((told.into(), "::text::text[]")));
        let numbers = vec![Value::BigInt(None), Value::BigInt(Some(-1))];
        assert_eq!(literal(numbers).ok(), Some((r#"{NULL,"-1"}"#.into(), "::text::bigint[]")));
        assert_eq!(literal(vec![Value::Double(Some(1.0))]).ok(), None);
    }
}
