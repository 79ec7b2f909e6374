//! All prices that hold at a moment, ready to be looked up.

use std::collections::{BTreeMap, HashMap};

use entity::{price, price_list};
use providers::{ANY, Prices, Usage, named, slug};
use sea_orm::QueryOrder as _;
use sea_orm::prelude::*;

use crate::adjust::{self, Adjustment};
use crate::{Error, store};

/// All prices that hold at a moment.
#[derive(Debug)]
pub struct Book {
    /// The operator's own, imported ones, and those of this release: the first that has a model's counts.
    layers: Layers,
    version: String,
    adjusted: HashMap<Uuid, OfOrganisation>,
}

#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub overrides: Prices,
    pub imported: Prices,
}

/// What is adjusted for an organisation, by provider and model; `*` is any.
#[derive(Debug, Default)]
struct OfOrganisation {
    version: String,
    by_provider: HashMap<String, HashMap<String, Adjustment>>,
}

impl Book {
    /// The prices of this release alone.
    #[must_use]
    pub fn built_in() -> Self {
        let version = providers::prices_version().to_owned();
        Self { layers: Layers::default(), version, adjusted: HashMap::new() }
    }

    /// Reads what holds now.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Unreadable`] for what no release up to this one writes.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self, Error> {
        let (layers, newest) = Layers::load(db).await?;
        let built_in = providers::prices_version();
        let version = newest.map_or_else(|| built_in.to_owned(), |newest| format!("{built_in}; {newest}"));
        let mut adjusted: HashMap<Uuid, OfOrganisation> = HashMap::new();
        let mut changed: BTreeMap<Uuid, i64> = BTreeMap::new();
        for row in adjust::all(db).await? {
            let of = adjusted.entry(row.organisation_id).or_default();
            let at = changed.entry(row.organisation_id).or_default();
            *at = (*at).max(row.created_at).max(row.removed_at.unwrap_or(0));
            if row.removed_at.is_none() {
                let adjustment = adjust::read(&row)?;
                of.by_provider.entry(row.provider).or_default().insert(row.model, adjustment);
            }
        }
        for (organisation, at) in changed {
            if let Some(of) = adjusted.get_mut(&organisation) {
                of.version = format!("{version}; adjusted {}", clock::iso(at));
            }
        }
        Ok(Self { layers, version, adjusted })
    }

    /// What calls of the organisation are costed by now, as it stands on logs: the date of this release's prices, then the newest
    /// list that was added, then when its adjustments were changed last.
    #[must_use]
    pub fn version(&self, organisation: Uuid) -> &str {
        self.adjusted.get(&organisation).map_or(&self.version, |of| &of.version)
    }

    /// The cost of a call of the organisation's in pico-dollars; none where the price of the model is not known.
    #[must_use]
    pub fn cost(&self, organisation: Uuid, provider: &str, model: &str, usage: &Usage) -> Option<i64> {
        let adjustment =
            if self.adjusted.is_empty() { None } else { self.adjustment(organisation, provider, model) };
        match adjustment {
            Some(Adjustment::Price(price)) => Some(price.cost(usage)),
            Some(Adjustment::Multiply(by)) => self.list_cost(provider, model, usage).map(|cost| by.of(cost)),
            None => self.list_cost(provider, model, usage),
        }
    }

    /// The price that holds for everybody.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str) -> Option<&providers::Price> {
        self.layers.price(provider, model)
    }

    /// The price that public lists have of it: the operator's own are nobody else's to see.
    #[must_use]
    pub fn published(&self, provider: &str, model: &str) -> Option<&providers::Price> {
        priced([&self.layers.imported, providers::built_in()], provider, model)
    }

    fn list_cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<i64> {
        Some(self.price(provider, model)?.cost(usage))
    }

    /// The nearest: of the model, of the provider, of all.
    fn adjustment(&self, organisation: Uuid, provider: &str, model: &str) -> Option<&Adjustment> {
        let by_provider = &self.adjusted.get(&organisation)?.by_provider;
        let of_provider = by_provider.get(slug(provider));
        of_provider
            .and_then(|models| named(models, model).or_else(|| models.get(ANY)))
            .or_else(|| by_provider.get(ANY)?.get(ANY))
    }
}

impl Layers {
    /// With the version of the list that was added last.
    pub async fn load(db: &impl ConnectionTrait) -> Result<(Self, Option<String>), Error> {
        let lists = price_list::Entity::find()
            .order_by_asc(price_list::Column::CreatedAt)
            .order_by_asc(price_list::Column::Id)
            .all(db)
            .await?;
        // An operator's own prices are those of the last list of them, and no others.
        let overrides = lists.iter().rev().find(|list| list.kind == store::OVERRIDES).map(|list| list.id);
        let mut rows: HashMap<Uuid, Vec<price::Model>> = HashMap::new();
        for row in price::Entity::find().all(db).await? {
            rows.entry(row.list_id).or_default().push(row);
        }
        let mut layers = Self::default();
        for list in &lists {
            let layer = match list.kind.as_str() {
                store::OVERRIDES if Some(list.id) == overrides => &mut layers.overrides,
                store::OVERRIDES => continue,
                _ => &mut layers.imported,
            };
            for row in rows.remove(&list.id).unwrap_or_default() {
                let price = serde_json::from_value(row.price).map_err(|error| Error::Unreadable {
                    what: "price",
                    model: row.model.clone(),
                    error: error.to_string(),
                })?;
                layer.set(&row.provider, &row.model, price);
            }
        }
        Ok((layers, lists.last().map(|list| list.version.clone())))
    }

    /// The price under the model's name, and only where there is none anywhere that of any other.
    pub fn price(&self, provider: &str, model: &str) -> Option<&providers::Price> {
        priced([&self.overrides, &self.imported, providers::built_in()], provider, model)
    }
}

fn priced<'a, const N: usize>(
    layers: [&'a Prices; N],
    provider: &str,
    model: &str,
) -> Option<&'a providers::Price> {
    let by_name = layers.iter().find_map(|layer| layer.find(provider, model));
    by_name.or_else(|| layers.iter().find_map(|layer| layer.get(provider, ANY)))
}
