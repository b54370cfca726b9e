//! `cargo xtask release`: the steps of a release, each a file. RELEASING.md lists them in order.
//!
//! The steps hand over their results as files in one folder: `images-ARCHITECTURE.json` from every machine
//! that pushed images, and `release.json`, which names everything that is published by its digest.

mod binaries;
mod chart;
mod cosign;
mod images;
mod index;
mod notes;
mod provenance;
mod record;
mod sbom;
mod sign;
mod verb;
mod verify;

pub(crate) use self::verb::{Args, run};
