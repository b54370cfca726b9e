//! The scenario `monitoring`: films with a real Prometheus, Alertmanager, Jaeger and Collector. `scenario.rs` has the
//! order of the steps.

mod dashboard;
mod faults;
mod prometheus;
mod scenario;
mod traces;

pub(super) use scenario::run;
