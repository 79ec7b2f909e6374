//! Signing an organisation up, and changing its plan.

use std::error::Error as StdError;

use clock::{Clock, Ids};
use entity::{api_key, membership, organisation, user, workspace};
use plans::Plan;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseConnection, DatabaseTransaction, IntoActiveModel, TransactionTrait};
use secrecy::SecretString;

use crate::secret::NoRandomness;
use crate::slug::slug;
use crate::{KeyKind, Mint, MintError, OverQuota, Standing, email, password};

mod changes;
mod owners;

pub use owners::{NewOwner, add_owner};

pub use changes::{
    NewPlan, described, hold, keep, lock, put, set_plan, settle, settle_past_notice, with_change_past_notice,
};

/// The workspace that every organisation begins with.
const DEFAULT_WORKSPACE: &str = "Shared Team Workspace";

/// Characters of an organisation's name.
const MAX_NAME: usize = 100;

/// An organisation to sign up.
#[derive(Clone, Debug)]
pub struct NewOrganisation {
    pub name: String,
    pub plan: Plan,
    pub owner_email: String,
}

/// What signing up gave. The secrets are here and nowhere else.
#[derive(Debug)]
pub struct Created {
    pub organisation_id: Uuid,
    /// The default workspace's slug, what the wire calls `workspace_id`.
    pub workspace_id: String,
    pub workspace_uuid: Uuid,
    /// A `workspace-service` key with every scope of its kind.
    pub api_key: SecretString,
    /// An `organisation-service` key with every scope of its kind.
    pub admin_api_key: SecretString,
    pub owner_email: String,
    /// None when the owner could sign in before already.
    pub password: Option<SecretString>,
}

/// Why an organisation was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{field}: {problem}; expected {expected}")]
    Invalid { field: &'static str, problem: String, expected: &'static str },
    #[error("no organisation with id {0}")]
    NotFound(Uuid),
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the owner's password could not be made")]
    Password(#[from] password::Error),
    #[error("an API key could not be made")]
    Key(#[from] MintError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the overrides cannot be stored")]
    Overrides(#[source] Box<dyn StdError + Send + Sync>),
}

/// Signs an organisation up: its default workspace, its owner and its first two keys, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] names the field; the others are ours.
pub async fn create(
    db: &DatabaseConnection,
    ids: &Ids,
    clock: &Clock,
    new: NewOrganisation,
) -> Result<Created, Error> {
    let name = valid_name(&new.name)?;
    let owner_email = valid_email(&new.owner_email)?;
    let password = password::one_time()?;
    let password_hash = password::hash(password.clone()).await?;
    let (organisation_id, workspace_uuid, now_ms) = (ids.fresh(), ids.fresh(), clock.now_ms());
    let key = |kind: KeyKind, workspace_id, name: &str| Mint {
        organisation_id,
        workspace_id,
        user_id: None,
        kind,
        name: name.to_owned(),
        description: None,
        scopes: kind.scopes(),
        defaults: None,
        expires_at: None,
        created_by: None,
    };
    let (api_key, secret) =
        key(KeyKind::WorkspaceService, Some(workspace_uuid), "Default key").mint(ids, now_ms)?;
    let (admin_api_key, admin_secret) =
        key(KeyKind::OrganisationService, None, "Admin key").mint(ids, now_ms)?;
    let workspace_id = slug("ws-", DEFAULT_WORKSPACE)?;

    // The first statement writes, so that the transaction waits its turn at its start and not half-way.
    let txn = db.begin().await?;
    let organisation = organisation::Model {
        id: organisation_id,
        name,
        plan: new.plan.as_str().to_owned(),
        overrides: serde_json::json!({}),
        created_at: now_ms,
        next_plan: None,
        next_overrides: None,
        next_plan_at: None,
        over_quota: OverQuota::Pass.as_str().to_owned(),
        cap_blocks: None,
        cap_cents: None,
        standing: Standing::Good.as_str().to_owned(),
        standing_since: None,
    };
    organisation::Entity::insert(organisation.into_active_model()).exec_without_returning(&txn).await?;
    changes::begin_period(&txn, organisation_id, new.plan, serde_json::json!({}), now_ms).await?;
    let workspace = workspace::Model {
        id: workspace_uuid,
        organisation_id,
        slug: workspace_id.clone(),
        name: DEFAULT_WORKSPACE.to_owned(),
        is_default: true,
        created_at: now_ms,
        description: None,
        defaults: None,
        status: "active".to_owned(),
        created_by: None,
        last_updated_at: now_ms,
    };
    workspace::Entity::insert(workspace.into_active_model()).exec_without_returning(&txn).await?;
    let owner = user::Model {
        id: ids.fresh(),
        email: owner_email.clone(),
        first_name: owner_email.clone(),
        last_name: String::new(),
        password_hash,
        created_at: now_ms,
    };
    let is_new = own(&txn, organisation_id, owner).await?;
    let keys = [api_key, admin_api_key].map(IntoActiveModel::into_active_model);
    api_key::Entity::insert_many(keys).exec_without_returning(&txn).await?;
    txn.commit().await?;

    Ok(Created {
        organisation_id,
        workspace_id,
        workspace_uuid,
        api_key: secret,
        admin_api_key: admin_secret,
        owner_email,
        password: is_new.then_some(password),
    })
}

/// Makes `owner`, or who is there under that e-mail address, the organisation's owner. True when they are new.
async fn own(txn: &DatabaseTransaction, organisation_id: Uuid, owner: user::Model) -> Result<bool, DbErr> {
    let (email, created_at) = (owner.email.clone(), owner.created_at);
    let inserted = user::Entity::insert(owner.into_active_model())
        .on_conflict(OnConflict::column(user::Column::Email).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let owner = user::Entity::find()
        .filter(user::Column::Email.eq(&email))
        .one(txn)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("the owner".to_owned()))?;
    let membership = membership::Model {
        organisation_id,
        user_id: owner.id,
        role: "owner".to_owned(),
        created_at,
        last_updated_at: created_at,
    };
    membership::Entity::insert(membership.into_active_model()).exec_without_returning(txn).await?;
    Ok(inserted == 1)
}

fn valid_name(name: &str) -> Result<String, Error> {
    let invalid = |problem: &str| Error::Invalid {
        field: "name",
        problem: problem.to_owned(),
        expected: "1 to 100 characters on one line",
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(invalid("empty"));
    }
    if name.chars().count() > MAX_NAME {
        return Err(invalid("too long"));
    }
    if name.chars().any(char::is_control) {
        return Err(invalid("a control character is in it"));
    }
    Ok(name.to_owned())
}

/// The address in lower case.
fn valid_email(email: &str) -> Result<String, Error> {
    email::normal(email).map_err(|problem| Error::Invalid {
        field: "owner_email",
        problem: problem.to_owned(),
        expected: email::EXPECTED,
    })
}

#[cfg(test)]
mod tests;
