//! A log as the spans and metrics of OpenTelemetry's conventions for GenAI, and such spans as logs; pure.

pub mod emit;
pub mod names;
pub mod read;
