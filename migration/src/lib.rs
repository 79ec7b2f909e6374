//! Schema migrations, one file each, for SQLite and PostgreSQL.
//!
//! To add one: a file `m<date>_<what>.rs` with `up` and `down`, and a line below. Published ones are never edited.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod database;
mod m20261124_jobs;
mod m20261124_log;
mod m20261124_process;
mod m20261124_sign_in;
mod m20261124_tenancy;
mod m20261125_alerts;
mod m20261125_billing;
mod m20261125_feedback;
mod m20261125_final_invoices;
mod m20261125_limits;
mod m20261125_log_lists;
mod m20261125_otel;
mod m20261125_payments;
mod m20261126_audit;
mod m20261126_configs;
mod m20261126_guardrails;
mod m20261126_key_rotation;
mod m20261126_log_exports;
mod m20261126_log_orders;
mod m20261126_log_routing;
mod m20261126_log_text;
mod m20261126_members;
mod m20261126_prices;
mod m20261126_replay;
mod m20261126_saved_filters;
mod m20261126_users;
mod m20261126_workspace_defaults;

pub use database::{apply, connect};

/// Every migration, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_tenancy::Migration),
            Box::new(m20261124_log::Migration),
            Box::new(m20261124_sign_in::Migration),
            Box::new(m20261124_process::Migration),
            Box::new(m20261124_jobs::Migration),
            Box::new(m20261125_log_lists::Migration),
            Box::new(m20261125_billing::Migration),
            Box::new(m20261125_alerts::Migration),
            Box::new(m20261125_limits::Migration),
            Box::new(m20261125_final_invoices::Migration),
            Box::new(m20261125_payments::Migration),
            Box::new(m20261125_feedback::Migration),
            Box::new(m20261125_otel::Migration),
            Box::new(m20261126_log_routing::Migration),
            Box::new(m20261126_configs::Migration),
            Box::new(m20261126_prices::Migration),
            Box::new(m20261126_guardrails::Migration),
            Box::new(m20261126_members::Migration),
            Box::new(m20261126_replay::Migration),
            Box::new(m20261126_log_text::Migration),
            Box::new(m20261126_audit::Migration),
            Box::new(m20261126_key_rotation::Migration),
            Box::new(m20261126_saved_filters::Migration),
            Box::new(m20261126_users::Migration),
            Box::new(m20261126_workspace_defaults::Migration),
            Box::new(m20261126_log_orders::Migration),
            Box::new(m20261126_log_exports::Migration),
        ]
    }
}
