//! k8s/ as it is committed, by kubectl alone.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::forward::Forward;
use super::images::split;
use super::install::routes;
use super::stage::{Stage, kubectl};
use crate::cargo;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("kubectl apply -k", || {
        // Only the images are replaced, the way in which people replace them.
        let overlay = tempfile::tempdir()?;
        copy(&cargo::workspace().join("k8s"), &overlay.path().join("k8s"))?;
        let images = stage.images.replaced.iter().map(|(name, image)| {
            let (repository, tag) = split(image);
            json!({ "name": name, "newName": repository, "newTag": tag })
        });
        let kustomization = json!({ "resources": ["k8s"], "images": images.collect::<Vec<_>>() });
        fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
        stage.run(kubectl(&stage.plain).args(["apply", "--kustomize"]).arg(overlay.path()))?;
        let ready = ["rollout", "status", "deployment/films", "--timeout=3m"];
        stage.run(kubectl(&stage.plain).args(ready))?;
        routes(&Forward::to(&stage.plain, "service/films", 5000)?)?;
        Ok("the three routes answer".to_owned())
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
