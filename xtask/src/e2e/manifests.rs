//! The committed manifests of k8s/, applied by kubectl alone.

use std::fs;
use std::path::Path;

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
        copy(&cargo::workspace().join("k8s"), &overlay.path().join("k8s"))?;
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

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
