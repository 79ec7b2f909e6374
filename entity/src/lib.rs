//! SeaORM entities, one file a table; nothing else lives here.
//!
//! Conventions: times are Unix milliseconds in UTC (`i64`), durations carry their unit in the name, money is in
//! pico-dollars (1e-12 USD), so that every sum is exact. To add a table: a file here, a line below, a migration in
//! `migration/`, and a row in the retention registry of `workers`.

pub mod alert;
pub mod alert_delivery;
pub mod api_key;
pub mod audit_entry;
pub mod config;
pub mod config_version;
pub mod cost_correction;
pub mod credit;
pub mod feedback;
pub mod guardrail;
pub mod guardrail_version;
pub mod invite;
pub mod invoice;
pub mod invoice_number;
pub mod job_lease;
pub mod job_run;
pub mod log;
pub mod log_export;
pub mod log_export_part;
pub mod log_export_restriction;
pub mod log_external_id;
pub mod log_payload;
pub mod log_text;
pub mod mail;
pub mod membership;
pub mod meter_event;
pub mod organisation;
pub mod otel_destination;
pub mod otel_outbox;
pub mod overage_block;
pub mod password_reset;
pub mod payment_customer;
pub mod payment_event;
pub mod plan_period;
pub mod price;
pub mod price_adjustment;
pub mod price_list;
pub mod process;
pub mod saved_filter;
pub mod session;
pub mod sign_in_attempt;
pub mod signing_key;
pub mod spending;
pub mod spool_mark;
pub mod subject_limits;
pub mod text_outbox;
pub mod usage;
pub mod usage_hourly;
pub mod user;
pub mod virtual_key;
pub mod webhook_endpoint;
pub mod workspace;
pub mod workspace_member;
