//! The integration suite: one binary, one harness, a file for each capability.
//!
//! Every test starts the real server on a free port with a folder and a clock of its own, and looks at it from outside,
//! as its users do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod harness;

mod alerts;
mod analytics;
mod api_keys;
mod attempts;
mod audit;
mod bad_input;
mod billing;
mod cache;
mod calls;
mod chaos;
mod cli;
mod configs;
mod conformance;
mod crash;
mod cuts;
mod do_not_track;
mod egress;
mod feedback;
mod guardrails;
mod invites;
mod jobs;
mod limits;
mod log_exports;
mod logs;
mod one_origin;
mod otel_examples;
mod otel_export;
mod otel_ingest;
mod otel_tools;
mod outages;
mod overage;
mod pages;
mod payments;
mod prices;
mod quota;
mod races;
mod reconcile;
mod replay;
mod retention;
mod roles;
mod routes;
mod sdk_clients;
mod sdk_walks;
mod search;
mod secrets;
mod services;
mod several;
mod shipping;
mod sign_in;
mod strategies;
mod streams;
mod telemetry;
mod tenancy;
mod traces;
mod users;
mod virtual_keys;
mod workspaces;
