use std::collections::BTreeMap;

use entity::subject_limits::{Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{Condition, ConnectionTrait, ExprTrait as _};
use serde::de::DeserializeOwned;

use crate::{Budget, RateLimit, Subject, SubjectKind};

/// All limits of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub subject: Subject,
    pub organisation_id: Uuid,
    /// What logs name a virtual key by; of others empty.
    pub name: String,
    pub rates: Vec<RateLimit>,
    pub budgets: Vec<Budget>,
    /// Budgets count from here on, in unix milliseconds.
    pub counted_from_ms: i64,
}

impl Limits {
    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.budgets.is_empty()
    }

    /// What a row says.
    ///
    /// # Errors
    /// [`DbErr::Type`] for what is none.
    pub fn of(row: Model) -> Result<Self, DbErr> {
        let kind = SubjectKind::named(&row.subject_kind)
            .ok_or_else(|| DbErr::Type(format!("subject_kind of the limits of {}", row.subject_id)))?;
        Ok(Self {
            subject: Subject { kind, id: row.subject_id },
            organisation_id: row.organisation_id,
            name: row.name,
            rates: read(row.rate_limits, row.subject_id)?,
            budgets: read(row.usage_limits, row.subject_id)?,
            counted_from_ms: row.counted_from,
        })
    }
}

/// The limits of these subjects; none for who has none.
///
/// # Errors
/// [`DbErr`] if the database fails, or limits cannot be read: who is to be held to them must not be let pass.
pub async fn load(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Limits>, DbErr> {
    let limits = rows(db, subjects, []).await?.into_iter().map(Limits::of).collect::<Result<Vec<_>, _>>()?;
    Ok(limits.into_iter().filter(|limits| !limits.is_empty()).collect())
}

/// The limits of these subjects, and of these organisations' virtual keys by their slugs; none for who has none, and none, with an
/// error in our log, where they cannot be read: one subject's must not be in the way of all others' logs.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn load_readable(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
    virtual_keys: impl IntoIterator<Item = (Uuid, String)>,
) -> Result<Vec<Limits>, DbErr> {
    let readable = |row: Model| {
        Limits::of(row).inspect_err(|error| tracing::error!(%error, "limits cannot be read")).ok()
    };
    let limits = rows(db, subjects, virtual_keys).await?.into_iter().filter_map(readable);
    Ok(limits.filter(|limits| !limits.is_empty()).collect())
}

async fn rows(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
    virtual_keys: impl IntoIterator<Item = (Uuid, String)>,
) -> Result<Vec<Model>, DbErr> {
    let mut wanted = Condition::any().add(Column::SubjectId.is_in(subjects));
    let mut slugs: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for (organisation, slug) in virtual_keys {
        slugs.entry(organisation).or_default().push(slug);
    }
    for (organisation, slugs) in slugs {
        let of_organisation = Column::OrganisationId.eq(organisation).and(Column::Name.is_in(slugs));
        wanted = wanted.add(of_organisation);
    }
    Entity::find().filter(wanted).all(db).await
}

fn read<T: DeserializeOwned>(json: Json, of: Uuid) -> Result<Vec<T>, DbErr> {
    serde_json::from_value(json).map_err(|error| DbErr::Type(format!("limits of {of}: {error}")))
}
