//! How an organisation's quota stands.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint};
use uuid::Uuid;

use super::attributes::Attributes;
use crate::names;

/// The meter of an organisation's running month.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub organisation: Uuid,
    pub at_ms: i64,
    /// Logs that count.
    pub used: i64,
    /// The most that are recorded; none where there is no such bound.
    pub limit: Option<i64>,
    /// Calls that were answered past it and not recorded.
    pub dropped: i64,
}

impl Quota {
    pub(super) fn metrics(&self) -> impl Iterator<Item = Metric> {
        let told = [
            (names::QUOTA_USED, Some(self.used)),
            (names::QUOTA_LIMIT, self.limit),
            (names::QUOTA_DROPPED, Some(self.dropped)),
        ];
        told.into_iter().filter_map(|(name, value)| Some(self.gauge(name, value?)))
    }

    fn gauge(&self, name: &str, value: i64) -> Metric {
        let mut attributes = Attributes::default();
        attributes.text(names::ORGANISATION_ID, &self.organisation.to_string());
        let point = NumberDataPoint {
            attributes: attributes.done(),
            time_unix_nano: u64::try_from(self.at_ms).unwrap_or(0).saturating_mul(1_000_000),
            value: Some(Value::AsInt(value)),
            ..NumberDataPoint::default()
        };
        let data = Some(Data::Gauge(Gauge { data_points: vec![point] }));
        Metric { name: name.to_owned(), unit: "{log}".to_owned(), data, ..Metric::default() }
    }
}
