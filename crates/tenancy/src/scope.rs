//! Scopes: what a key may do. Each is independent: `logs.list` does not imply `logs.read`.

use std::fmt;
use std::str::FromStr;

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One permission, by its name in the contract (`group.action`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    CompletionsWrite,
    PromptsRender,
    LogsList,
    LogsView,
    LogsRead,
    LogsWrite,
    LogsExport,
    AnalyticsView,
    PromptsCreate,
    PromptsRead,
    PromptsUpdate,
    PromptsDelete,
    PromptsList,
    PromptsPublish,
    ConfigsCreate,
    ConfigsRead,
    ConfigsUpdate,
    ConfigsDelete,
    ConfigsList,
    GuardrailsCreate,
    GuardrailsRead,
    GuardrailsUpdate,
    GuardrailsDelete,
    GuardrailsList,
    VirtualKeysCreate,
    VirtualKeysRead,
    VirtualKeysUpdate,
    VirtualKeysDelete,
    VirtualKeysList,
    VirtualKeysDuplicate,
    VirtualKeysCopy,
    ProvidersCreate,
    ProvidersRead,
    ProvidersUpdate,
    ProvidersDelete,
    ProvidersList,
    PoliciesCreate,
    PoliciesRead,
    PoliciesUpdate,
    PoliciesDelete,
    PoliciesList,
    WorkspacesCreate,
    WorkspacesRead,
    WorkspacesUpdate,
    WorkspacesDelete,
    WorkspacesList,
    WorkspaceUsersCreate,
    WorkspaceUsersRead,
    WorkspaceUsersUpdate,
    WorkspaceUsersDelete,
    WorkspaceUsersList,
    WorkspaceServiceApiKeysCreate,
    WorkspaceServiceApiKeysRead,
    WorkspaceServiceApiKeysUpdate,
    WorkspaceServiceApiKeysDelete,
    WorkspaceServiceApiKeysList,
    WorkspaceServiceApiKeysRotate,
    WorkspaceUserApiKeysCreate,
    WorkspaceUserApiKeysRead,
    WorkspaceUserApiKeysUpdate,
    WorkspaceUserApiKeysDelete,
    WorkspaceUserApiKeysList,
    WorkspaceUserApiKeysRotate,
    OrganisationUsersCreate,
    OrganisationUsersRead,
    OrganisationUsersUpdate,
    OrganisationUsersDelete,
    OrganisationUsersList,
    OrganisationServiceApiKeysCreate,
    OrganisationServiceApiKeysRead,
    OrganisationServiceApiKeysUpdate,
    OrganisationServiceApiKeysDelete,
    OrganisationServiceApiKeysList,
    OrganisationServiceApiKeysRotate,
    OrganisationSettingsRead,
    OrganisationSettingsUpdate,
    AuditLogsList,
}

/// A name that no scope has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scope is called {0:?}")]
pub struct UnknownScope(String);

impl Scope {
    /// Every scope, in the order of the enum: its length pins that none is left out.
    pub const ALL: [Self; Self::AuditLogsList as usize + 1] = [
        Self::CompletionsWrite,
        Self::PromptsRender,
        Self::LogsList,
        Self::LogsView,
        Self::LogsRead,
        Self::LogsWrite,
        Self::LogsExport,
        Self::AnalyticsView,
        Self::PromptsCreate,
        Self::PromptsRead,
        Self::PromptsUpdate,
        Self::PromptsDelete,
        Self::PromptsList,
        Self::PromptsPublish,
        Self::ConfigsCreate,
        Self::ConfigsRead,
        Self::ConfigsUpdate,
        Self::ConfigsDelete,
        Self::ConfigsList,
        Self::GuardrailsCreate,
        Self::GuardrailsRead,
        Self::GuardrailsUpdate,
        Self::GuardrailsDelete,
        Self::GuardrailsList,
        Self::VirtualKeysCreate,
        Self::VirtualKeysRead,
        Self::VirtualKeysUpdate,
        Self::VirtualKeysDelete,
        Self::VirtualKeysList,
        Self::VirtualKeysDuplicate,
        Self::VirtualKeysCopy,
        Self::ProvidersCreate,
        Self::ProvidersRead,
        Self::ProvidersUpdate,
        Self::ProvidersDelete,
        Self::ProvidersList,
        Self::PoliciesCreate,
        Self::PoliciesRead,
        Self::PoliciesUpdate,
        Self::PoliciesDelete,
        Self::PoliciesList,
        Self::WorkspacesCreate,
        Self::WorkspacesRead,
        Self::WorkspacesUpdate,
        Self::WorkspacesDelete,
        Self::WorkspacesList,
        Self::WorkspaceUsersCreate,
        Self::WorkspaceUsersRead,
        Self::WorkspaceUsersUpdate,
        Self::WorkspaceUsersDelete,
        Self::WorkspaceUsersList,
        Self::WorkspaceServiceApiKeysCreate,
        Self::WorkspaceServiceApiKeysRead,
        Self::WorkspaceServiceApiKeysUpdate,
        Self::WorkspaceServiceApiKeysDelete,
        Self::WorkspaceServiceApiKeysList,
        Self::WorkspaceServiceApiKeysRotate,
        Self::WorkspaceUserApiKeysCreate,
        Self::WorkspaceUserApiKeysRead,
        Self::WorkspaceUserApiKeysUpdate,
        Self::WorkspaceUserApiKeysDelete,
        Self::WorkspaceUserApiKeysList,
        Self::WorkspaceUserApiKeysRotate,
        Self::OrganisationUsersCreate,
        Self::OrganisationUsersRead,
        Self::OrganisationUsersUpdate,
        Self::OrganisationUsersDelete,
        Self::OrganisationUsersList,
        Self::OrganisationServiceApiKeysCreate,
        Self::OrganisationServiceApiKeysRead,
        Self::OrganisationServiceApiKeysUpdate,
        Self::OrganisationServiceApiKeysDelete,
        Self::OrganisationServiceApiKeysList,
        Self::OrganisationServiceApiKeysRotate,
        Self::OrganisationSettingsRead,
        Self::OrganisationSettingsUpdate,
        Self::AuditLogsList,
    ];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompletionsWrite => "completions.write",
            Self::PromptsRender => "prompts.render",
            Self::LogsList => "logs.list",
            Self::LogsView => "logs.view",
            Self::LogsRead => "logs.read",
            Self::LogsWrite => "logs.write",
            Self::LogsExport => "logs.export",
            Self::AnalyticsView => "analytics.view",
            Self::PromptsCreate => "prompts.create",
            Self::PromptsRead => "prompts.read",
            Self::PromptsUpdate => "prompts.update",
            Self::PromptsDelete => "prompts.delete",
            Self::PromptsList => "prompts.list",
            Self::PromptsPublish => "prompts.publish",
            Self::ConfigsCreate => "configs.create",
            Self::ConfigsRead => "configs.read",
            Self::ConfigsUpdate => "configs.update",
            Self::ConfigsDelete => "configs.delete",
            Self::ConfigsList => "configs.list",
            Self::GuardrailsCreate => "guardrails.create",
            Self::GuardrailsRead => "guardrails.read",
            Self::GuardrailsUpdate => "guardrails.update",
            Self::GuardrailsDelete => "guardrails.delete",
            Self::GuardrailsList => "guardrails.list",
            Self::VirtualKeysCreate => "virtual_keys.create",
            Self::VirtualKeysRead => "virtual_keys.read",
            Self::VirtualKeysUpdate => "virtual_keys.update",
            Self::VirtualKeysDelete => "virtual_keys.delete",
            Self::VirtualKeysList => "virtual_keys.list",
            Self::VirtualKeysDuplicate => "virtual_keys.duplicate",
            Self::VirtualKeysCopy => "virtual_keys.copy",
            Self::ProvidersCreate => "providers.create",
            Self::ProvidersRead => "providers.read",
            Self::ProvidersUpdate => "providers.update",
            Self::ProvidersDelete => "providers.delete",
            Self::ProvidersList => "providers.list",
            Self::PoliciesCreate => "policies.create",
            Self::PoliciesRead => "policies.read",
            Self::PoliciesUpdate => "policies.update",
            Self::PoliciesDelete => "policies.delete",
            Self::PoliciesList => "policies.list",
            Self::WorkspacesCreate => "workspaces.create",
            Self::WorkspacesRead => "workspaces.read",
            Self::WorkspacesUpdate => "workspaces.update",
            Self::WorkspacesDelete => "workspaces.delete",
            Self::WorkspacesList => "workspaces.list",
            Self::WorkspaceUsersCreate => "workspace_users.create",
            Self::WorkspaceUsersRead => "workspace_users.read",
            Self::WorkspaceUsersUpdate => "workspace_users.update",
            Self::WorkspaceUsersDelete => "workspace_users.delete",
            Self::WorkspaceUsersList => "workspace_users.list",
            Self::WorkspaceServiceApiKeysCreate => "workspace_service_api_keys.create",
            Self::WorkspaceServiceApiKeysRead => "workspace_service_api_keys.read",
            Self::WorkspaceServiceApiKeysUpdate => "workspace_service_api_keys.update",
            Self::WorkspaceServiceApiKeysDelete => "workspace_service_api_keys.delete",
            Self::WorkspaceServiceApiKeysList => "workspace_service_api_keys.list",
            Self::WorkspaceServiceApiKeysRotate => "workspace_service_api_keys.rotate",
            Self::WorkspaceUserApiKeysCreate => "workspace_user_api_keys.create",
            Self::WorkspaceUserApiKeysRead => "workspace_user_api_keys.read",
            Self::WorkspaceUserApiKeysUpdate => "workspace_user_api_keys.update",
            Self::WorkspaceUserApiKeysDelete => "workspace_user_api_keys.delete",
            Self::WorkspaceUserApiKeysList => "workspace_user_api_keys.list",
            Self::WorkspaceUserApiKeysRotate => "workspace_user_api_keys.rotate",
            Self::OrganisationUsersCreate => "organisation_users.create",
            Self::OrganisationUsersRead => "organisation_users.read",
            Self::OrganisationUsersUpdate => "organisation_users.update",
            Self::OrganisationUsersDelete => "organisation_users.delete",
            Self::OrganisationUsersList => "organisation_users.list",
            Self::OrganisationServiceApiKeysCreate => "organisation_service_api_keys.create",
            Self::OrganisationServiceApiKeysRead => "organisation_service_api_keys.read",
            Self::OrganisationServiceApiKeysUpdate => "organisation_service_api_keys.update",
            Self::OrganisationServiceApiKeysDelete => "organisation_service_api_keys.delete",
            Self::OrganisationServiceApiKeysList => "organisation_service_api_keys.list",
            Self::OrganisationServiceApiKeysRotate => "organisation_service_api_keys.rotate",
            Self::OrganisationSettingsRead => "organisation_settings.read",
            Self::OrganisationSettingsUpdate => "organisation_settings.update",
            Self::AuditLogsList => "audit_logs.list",
        }
    }
}

/// In a document of an API it is its name.
impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for Scope {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == name)
            .ok_or_else(|| UnknownScope(name.to_owned()))
    }
}
