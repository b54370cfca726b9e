//! The committed manifests of k8s/, applied by kubectl alone.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::cluster::{TestCluster, kubectl};
use super::forward::Forward;
use super::install::check_routes;
use crate::cargo;
use crate::images::split;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("kubectl apply -k", || {
        // An overlay replaces the images only, as users would do it.
        let overlay = tempfile::tempdir()?;
        cluster
            .output(Command::new("cp").arg("-R").arg(cargo::workspace().join("k8s")).arg(overlay.path()))?;
        let images = cluster.images.replaced.iter().map(|(name, image)| {
            let (repository, tag) = split(image);
            json!({ "name": name, "newName": repository, "newTag": tag })
        });
        let kustomization = json!({ "resources": ["k8s"], "images": images.collect::<Vec<_>>() });
        fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
        cluster.output(kubectl(&cluster.plain).args(["apply", "--kustomize"]).arg(overlay.path()))?;
        cluster.wait_for_rollout(&cluster.plain, "films")?;
        check_routes(&Forward::to(&cluster.plain, "service/films", 5000)?)?;
        Ok("the three routes respond".to_owned())
    })
}
