//! The verbs that are one file each.

pub(crate) mod image;
pub(crate) mod k8s;
pub(crate) mod postgres;
pub(crate) mod run;
<<<<<<< HEAD
pub(crate) mod schemathesis;
=======
pub(crate) mod screenshots;
>>>>>>> 9adb719 (xtask: make pictures of the page, and name it in README.md, docs and the chart's notes)
pub(crate) mod sqlx;
pub(crate) mod test;
