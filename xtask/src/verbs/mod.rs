//! The verbs that are one file each.

pub(crate) mod image;
pub(crate) mod k8s;
pub(crate) mod postgres;
pub(crate) mod readme;
pub(crate) mod run;
pub(crate) mod schemathesis;
pub(crate) mod screenshots;
pub(crate) mod sqlx;
pub(crate) mod test;
