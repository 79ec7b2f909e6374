//! The metrics of calls (semantic conventions v1.41.1, "Generative AI client metrics").

use std::borrow::Cow;
use std::collections::BTreeMap;

use entity::log;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric,
};

use super::attributes::Attributes;
use super::{Call, operation};
use crate::names;

const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// The metrics of the calls that went to a provider; none where there are no such calls.
pub(super) fn of(calls: &[Call<'_>]) -> Vec<Metric> {
    let mut duration = Points::new(names::OPERATION_DURATION, "s", SECONDS);
    let mut tokens = Points::new(names::TOKEN_USAGE, "{token}", TOKENS);
    let mut first = Points::new(names::TIME_TO_FIRST_CHUNK, "s", SECONDS);
    let (mut since, mut until) = (u64::MAX, 0);
    for log in calls.iter().map(|call| call.log).filter(|log| operation::attempts(log) > 0) {
        since = since.min(operation::at(log, 0));
        until = until.max(operation::at(log, log.latency_us));
        let error = operation::error(log).map(|error| (names::ERROR_TYPE, error));
        duration.add(Dimensions::of(log, error), operation::seconds(log.latency_us));
        for (kind, count) in [("input", log.input_tokens), ("output", log.output_tokens)] {
            if let Some(count) = count {
                tokens.add(Dimensions::of(log, Some((names::TOKEN_TYPE, kind.into()))), whole(count));
            }
        }
        if let Some(us) = log.first_byte_us.filter(|_| log.streamed) {
            first.add(Dimensions::of(log, None), operation::seconds(us));
        }
    }
    [duration, tokens, first].into_iter().filter_map(|points| points.metric(since, until)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "no call has so many tokens")]
fn whole(count: i64) -> f64 {
    count as f64
}

/// What the points of a metric are told apart by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Dimensions<'a> {
    operation: &'a str,
    provider: &'a str,
    request_model: Option<&'a str>,
    response_model: Option<&'a str>,
    server: Option<(String, Option<i64>)>,
    /// The one that only this metric has.
    own: Option<(&'static str, Cow<'a, str>)>,
}

impl<'a> Dimensions<'a> {
    fn of(log: &'a log::Model, own: Option<(&'static str, Cow<'a, str>)>) -> Self {
        Self {
            operation: operation::name(log),
            provider: operation::provider(log),
            request_model: operation::model(log),
            response_model: log.model.as_deref().filter(|_| operation::error(log).is_none()),
            server: operation::server(log),
            own,
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = Attributes::default();
        attributes.text(names::OPERATION_NAME, self.operation);
        attributes.text(names::PROVIDER_NAME, self.provider);
        attributes.text_if(names::REQUEST_MODEL, self.request_model);
        attributes.text_if(names::RESPONSE_MODEL, self.response_model);
        if let Some((address, port)) = &self.server {
            attributes.text(names::SERVER_ADDRESS, address);
            attributes.int(names::SERVER_PORT, *port);
        }
        if let Some((name, value)) = &self.own {
            attributes.text(name, value);
        }
        attributes.done()
    }
}

/// The points of one metric.
struct Points<'a> {
    name: &'static str,
    unit: &'static str,
    bounds: [f64; 14],
    by: BTreeMap<Dimensions<'a>, HistogramDataPoint>,
}

impl<'a> Points<'a> {
    fn new(name: &'static str, unit: &'static str, bounds: [f64; 14]) -> Self {
        Self { name, unit, bounds, by: BTreeMap::new() }
    }

    fn add(&mut self, dimensions: Dimensions<'a>, value: f64) {
        let bounds = self.bounds;
        let point = self.by.entry(dimensions).or_insert_with(|| HistogramDataPoint {
            explicit_bounds: bounds.to_vec(),
            bucket_counts: vec![0; bounds.len() + 1],
            ..HistogramDataPoint::default()
        });
        point.count += 1;
        point.sum = Some(point.sum.unwrap_or(0.0) + value);
        point.min = Some(point.min.map_or(value, |min| min.min(value)));
        point.max = Some(point.max.map_or(value, |max| max.max(value)));
        // A bucket holds its upper bound.
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = point.bucket_counts.get_mut(bucket) {
            *count += 1;
        }
    }

    fn metric(self, since: u64, until: u64) -> Option<Metric> {
        if self.by.is_empty() {
            return None;
        }
        let finished = |(dimensions, point): (Dimensions<'_>, HistogramDataPoint)| HistogramDataPoint {
            attributes: dimensions.attributes(),
            start_time_unix_nano: since,
            time_unix_nano: until,
            ..point
        };
        let data_points = self.by.into_iter().map(finished).collect();
        let aggregation_temporality = AggregationTemporality::Delta.into();
        let data = Some(Data::Histogram(Histogram { data_points, aggregation_temporality }));
        Some(Metric { name: self.name.to_owned(), unit: self.unit.to_owned(), data, ..Metric::default() })
    }
}
