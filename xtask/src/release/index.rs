//! `cargo xtask release index`: the images of all architectures under one name.

use anyhow::{Context, Result, ensure};

use super::images::{builder, push, tls};
use super::record::{Artifact, FILE, Options, Record, VERSION};
use crate::builder::Builder;
use crate::process;
use crate::terminal::say;

pub(super) fn run(options: &Options) -> Result<()> {
    let files = ["amd64", "arm64"].map(|name| options.out.join(format!("images-{name}.json")));
    let parts = files.iter().filter(|path| path.exists()).map(|path| Record::read(path));
    let mut record = join(parts.collect::<Result<_>>()?)?;
    let builder = builder()?;
    for (key, image) in &mut record.images {
        image.digest = push_index(key, image, builder, options)?;
        let platforms: Vec<&str> = image.platforms.keys().map(String::as_str).collect();
        say(&format!("Pushed {} for {}", image.reference(), platforms.join(" and ")));
    }
    record.write(&options.out.join(FILE))
}

/// Returns a record with the platforms of all parts.
fn join(parts: Vec<Record>) -> Result<Record> {
    let mut parts = parts.into_iter();
    let first =
        parts.next().context("no images-ARCHITECTURE.json: run `cargo xtask release images` first")?;
    parts.try_fold(first, |mut all, part| {
        ensure!(
            (&part.version, &part.registry) == (&all.version, &all.registry)
                && part.images.keys().eq(all.images.keys()),
            "the architectures have different images: push all of them again, from the same commit"
        );
        for (key, image) in part.images {
            all.images[&key].platforms.extend(image.platforms);
        }
        Ok(all)
    })
}

/// Pushes the list of an image's platforms under the tag of the version, and returns its digest.
fn push_index(key: &str, image: &Artifact, builder: Builder, options: &Options) -> Result<String> {
    let list = format!("localhost/films-release-{key}:{}", std::process::id());
    let manifest = |arguments: &[&str]| process::output(builder.command().arg("manifest").args(arguments));
    manifest(&["create", &list])?;
    let pushed = image
        .per_platform()
        .try_for_each(|(_, name)| {
            manifest(&["add", &tls(options), &list, &format!("docker://{name}")]).map(drop)
        })
        .and_then(|()| {
            let published = format!("{}:{VERSION}", image.repository);
            push(builder, &["manifest", "push", "--all"], &list, &published, options)
        });
    manifest(&["rm", &list])?;
    pushed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(platform: &str, key: &str) -> Record {
        let image = json!({"repository": "r", "digest": "", "platforms": {platform: "sha256:0"}});
        let record = json!({"version": VERSION, "registry": "r", "images": {"films": image, key: image}});
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn the_platforms_of_an_image_are_joined() -> Result<()> {
        let record = join(vec![part("linux/amd64", "loadtest"), part("linux/arm64", "loadtest")])?;
        assert!(record.images["loadtest"].platforms.keys().eq(["linux/amd64", "linux/arm64"]));
        assert_eq!(join(vec![part("linux/amd64", "loadtest")])?.images["films"].platforms.len(), 1);
        Ok(())
    }

    #[test]
    fn every_architecture_must_have_every_image() {
        assert!(join(vec![]).is_err());
        assert!(join(vec![part("linux/amd64", "loadtest"), part("linux/arm64", "flask")]).is_err());
    }
}
