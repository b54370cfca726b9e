//! Documents and chart files that are generated, so that nothing is written down twice.

pub(crate) mod chart;
pub(crate) mod documents;
mod hostile;
mod instruments;
mod password;
mod schema;
mod service;
mod table;
