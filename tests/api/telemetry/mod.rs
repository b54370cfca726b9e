//! Traces, metrics and logs, as a collector, a scrape and a reader of stdout receive them.

mod batches;
mod context;
mod conventions;
mod exemplars;
mod export;
mod exporters;
mod instances;
mod log_lines;
mod openmetrics;
mod resource;
mod sampling;
mod scrape;
mod slow;
mod span_limits;
mod spans;
