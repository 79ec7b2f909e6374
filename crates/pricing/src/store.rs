//! Adding a list of prices.

use clock::{Clock, Ids};
use entity::{price, price_list};
use providers::{Format, Import, Price};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, TransactionTrait as _};

use crate::Error;
use crate::book::Layers;

/// `price_list.kind` of an operator's own prices, the last list of which counts.
pub(crate) const OVERRIDES: &str = "overrides";

/// `price_list.kind` of public prices, each of which counts until a later list has the model.
pub(crate) const IMPORT: &str = "import";

/// Rows a statement takes: each has four values, and SQLite takes 32,766.
const ROWS: usize = 1_000;

/// What adding a list does.
#[derive(Debug)]
pub struct Imported {
    /// As it stands on logs from then on; none where nothing is to be changed.
    pub version: Option<String>,
    /// What calls are costed by differently, by provider and model.
    pub changes: Vec<Change>,
    /// Prices that the list has.
    pub prices: usize,
}

/// A model with another price.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub provider: String,
    pub model: String,
    /// None: it had none.
    pub old: Option<Price>,
    /// None: it has none any more.
    pub new: Option<Price>,
}

/// Adds the list, unless it is only to be `checked` or says nothing new: of public prices what is new, of an operator's own all.
/// `source` is where it is from, for people.
///
/// # Errors
/// [`Error`]: nothing was added.
pub async fn store(
    db: &DatabaseConnection,
    (ids, clock): (&Ids, &Clock),
    import: Import,
    source: &str,
    checked: bool,
) -> Result<Imported, Error> {
    let (before, _) = Layers::load(db).await?;
    let is_overrides = import.format == Format::Overrides;
    let prices = import.prices.sorted();
    let known = if is_overrides { &before.overrides } else { &before.imported };
    let rows: Vec<_> = prices
        .iter()
        .filter(|((provider, model), price)| is_overrides || known.get(provider, model) != Some(price))
        .map(|(&(provider, model), &price)| (provider.to_owned(), model.to_owned(), price.clone()))
        .collect();
    let says_new = if is_overrides { before.overrides.sorted() != prices } else { !rows.is_empty() };
    let changes = changes(&before, &import, is_overrides);
    let count = prices.len();
    if !says_new {
        return Ok(Imported { version: None, changes, prices: count });
    }
    let (id, now_ms) = (ids.fresh(), clock.now_ms());
    let kind = if is_overrides { OVERRIDES } else { IMPORT };
    let what = if is_overrides { OVERRIDES.to_owned() } else { format!("import {}", import.format.as_str()) };
    let version = format!("{} {what} {source}", clock::iso(now_ms)).trim_end().to_owned();
    let shown = format!("{}; {version}", providers::prices_version());
    if checked {
        return Ok(Imported { version: Some(shown), changes, prices: count });
    }
    let list = price_list::Model {
        id,
        version,
        kind: kind.to_owned(),
        source: source.to_owned(),
        created_at: now_ms,
    };
    let rows = rows.into_iter().map(|(provider, model, price)| {
        let unreadable = |error: serde_json::Error| Error::Unreadable {
            what: "price",
            model: model.clone(),
            error: error.to_string(),
        };
        let price = serde_json::to_value(&price).map_err(unreadable)?;
        Ok(price::Model { list_id: id, provider, model, price }.into_active_model())
    });
    let rows = rows.collect::<Result<Vec<_>, Error>>()?;
    let txn = db.begin().await?;
    price_list::Entity::insert(list.into_active_model()).exec_without_returning(&txn).await?;
    for rows in rows.chunks(ROWS) {
        price::Entity::insert_many(rows.iter().cloned()).exec_without_returning(&txn).await?;
    }
    txn.commit().await?;
    Ok(Imported { version: Some(shown), changes, prices: count })
}

/// Of all models that either names.
fn changes(before: &Layers, import: &Import, is_overrides: bool) -> Vec<Change> {
    let mut after = Layers { overrides: before.overrides.clone(), imported: before.imported.clone() };
    let mut names: std::collections::BTreeSet<(String, String)> = std::collections::BTreeSet::new();
    let name = |(provider, model, _): (&str, &str, &Price)| (provider.to_owned(), model.to_owned());
    names.extend(import.prices.iter().map(name));
    if is_overrides {
        names.extend(before.overrides.iter().map(name));
        after.overrides = import.prices.clone();
    } else {
        for (provider, model, price) in import.prices.iter() {
            after.imported.set(provider, model, price.clone());
        }
    }
    let change = |(provider, model): (String, String)| {
        let (old, new) = (before.price(&provider, &model), after.price(&provider, &model));
        (old != new).then(|| Change { old: old.cloned(), new: new.cloned(), provider, model })
    };
    names.into_iter().filter_map(change).collect()
}
