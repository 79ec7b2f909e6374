//! Who may do what: API keys and their scopes, people and their roles, the tenant that either identifies, and the scope
//! that every tenant query takes.
//!
//! - To add a scope: a variant of [`Scope`], its name and its place in [`Scope::ALL`]; which kinds of key may hold it is
//!   in [`KeyKind::may_hold`].
//! - To add a role: a variant of [`Role`] or of [`WorkspaceRole`], its name and its scopes.
//! - To keep another kind of row near the hot path: a front over `cache`, as [`Keys`], [`VirtualKeys`], [`Configs`], [`Guardrails`] and [`People`] are.
//! - What is kept near the hot path is told of changes, also those of other processes: a variant of [`notices::Change`].

pub mod audit;
mod cache;
pub mod configs;
mod defaults;
pub mod email;
pub mod guardrails;
mod keys;
mod kind;
mod mint;
pub mod notices;
pub mod organisation;
pub mod password;
pub mod people;
mod resolve;
mod role;
pub mod rotation;
mod scope;
mod scopes;
pub mod secret;
pub mod slug;
mod standing;
mod tenant;
mod terms;
#[cfg(test)]
mod testing;
pub mod virtual_keys;

pub use configs::{Configs, SavedConfig};
pub use defaults::{Defaults, WorkspaceDefaults};
pub use guardrails::{Guardrails, SavedGuardrail};
pub use keys::{IdentifyError, Keys, LookUps, archive_of_user, key_hashes};
pub use kind::{KeyKind, UnknownKind};
pub use mint::{Mint, MintError};
pub use people::{People, PeopleError, PeopleParts};
pub use resolve::ResolveError;
pub use role::{Role, UnknownRole, WorkspaceRole};
pub use rotation::{RotationPeriod, RotationPolicy};
pub use scope::{Scope, UnknownScope};
pub use scopes::Scopes;
pub use standing::{OverQuota, Standing, UnknownName};
pub use tenant::{Membership, Tenant, TenantScope};
pub use terms::{PlanOverrides, plan_terms, terms};
pub use virtual_keys::{Models, VirtualKey, VirtualKeys};
