//! Metrics, reduced to what the tests look at.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use serde_json::{Map, Value};

pub(crate) use metrics::AggregationTemporality as Temporality;

#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) resource: Map<String, Value>,
    pub(crate) name: String,
    /// The type, in the words of docs/metrics.md.
    pub(crate) kind: &'static str,
    pub(crate) unit: String,
    pub(crate) description: String,
    /// The names of the attributes of all series.
    pub(crate) attributes: BTreeSet<String>,
    pub(crate) temporality: Option<Temporality>,
}

impl Metric {
    pub(super) fn new(resource: &Map<String, Value>, metric: metrics::Metric) -> Self {
        let (kind, attributes, temporality) = match metric.data.unwrap() {
            Data::Gauge(gauge) => ("gauge", names(gauge.data_points, |point| point.attributes), None),
            Data::Sum(sum) => {
                let kind = if sum.is_monotonic { "counter" } else { "up-down counter" };
                let temporality = sum.aggregation_temporality();
                (kind, names(sum.data_points, |point| point.attributes), Some(temporality))
            }
            Data::Histogram(histogram) => {
                let temporality = histogram.aggregation_temporality();
                ("histogram", names(histogram.data_points, |point| point.attributes), Some(temporality))
            }
            other => panic!("{other:?}"),
        };
        let (name, unit, description) = (metric.name, metric.unit, metric.description);
        Self { resource: resource.clone(), name, kind, unit, description, attributes, temporality }
    }
}

fn names<P>(points: Vec<P>, attributes: impl Fn(P) -> Vec<KeyValue>) -> BTreeSet<String> {
    points.into_iter().flat_map(attributes).map(|attribute| attribute.key).collect()
}
