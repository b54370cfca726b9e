//! `cargo xtask image` with programs that only record how they are called.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;

/// Runs the verb with `programs` in PATH, each a name and the body of a shell script. Every call becomes
/// a line of `calls`.
fn image(folder: &Path, programs: &[(&str, &str)], arguments: &[&str]) -> Result<Output> {
    image_with(folder, programs, arguments, &[])
}

/// Does the same with environment variables.
fn image_with(
    folder: &Path,
    programs: &[(&str, &str)],
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<Output> {
    for (name, body) in programs {
        let calls = folder.join("calls");
        let script = format!("#!/bin/sh\necho {name} \"$@\" >> {}\n{body}\n", calls.display());
        fs::write(folder.join(name), script)?;
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o755))?;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("image").args(arguments).env("PATH", folder);
    for variable in ["REGISTRY", "TAG", "BUILDER", "BUILD_ARGS", "BUILDER_OPTIONS", "CLUSTER"] {
        command.env_remove(format!("FILMS_{variable}"));
    }
    Ok(command.envs(variables.iter().copied()).output()?)
}

fn calls(folder: &Path) -> Result<Vec<String>> {
    Ok(fs::read_to_string(folder.join("calls"))?.lines().map(str::to_owned).collect())
}

const NAME: &[&str] = &["films", "--registry", "localhost", "--tag", "1"];

#[test]
fn docker_images_are_loaded_by_name() -> Result<()> {
    for (cluster, status, load) in [
        ("kind", "kind get clusters", "kind load docker-image localhost/films:1"),
        ("minikube", "minikube status", "minikube image load localhost/films:1"),
        ("k3d", "k3d cluster list --no-headers", "k3d image import localhost/films:1"),
    ] {
        let folder = tempfile::tempdir()?;
        let programs = [("docker", ""), (cluster, "echo a-cluster")];
        let arguments = [NAME, &["--builder", "docker", "--load", cluster]].concat();
        let output = image(folder.path(), &programs, &arguments)?;
        assert!(output.status.success(), "{output:?}");
        let calls = calls(folder.path())?;
        assert_eq!((calls[0].as_str(), calls[2].as_str()), (status, load));
        assert!(calls[1].starts_with("docker build --file Dockerfile --tag localhost/films:1 "), "{calls:?}");
    }
    Ok(())
}

#[test]
fn other_builders_load_an_archive() -> Result<()> {
    for builder in ["buildah", "podman"] {
        for (cluster, load) in [
            ("kind", "kind load image-archive /"),
            ("minikube", "minikube image load /"),
            ("k3d", "k3d image import /"),
        ] {
            let folder = tempfile::tempdir()?;
            let programs = [(builder, ""), (cluster, "echo a-cluster")];
            let output = image(folder.path(), &programs, &[NAME, &["--load", cluster]].concat())?;
            assert!(output.status.success(), "{output:?}");
            let calls = calls(folder.path())?;
            let archive = calls[4].rsplit(' ').next().unwrap();
            let save = format!(
                "{builder} push --quiet localhost/films:1 docker-archive:{archive}:localhost/films:1"
            );
            assert_eq!(calls[3], save);
            assert!(calls[4].starts_with(load) && archive.ends_with("/image.tar"), "{calls:?}");
        }
    }
    Ok(())
}

#[test]
fn without_a_name_the_cluster_of_the_current_context_gets_the_images() -> Result<()> {
    for (context, program, load) in [
        ("kind-kind", "kind", "kind load docker-image --name=kind localhost/films:1"),
        ("kind-my-own", "kind", "kind load docker-image --name=my-own localhost/films:1"),
        ("k3d-films", "k3d", "k3d image import --cluster=films localhost/films:1"),
        ("minikube", "minikube", "minikube image load localhost/films:1"),
    ] {
        let folder = tempfile::tempdir()?;
        let kubectl = format!("echo {context}");
        let programs = [("docker", ""), ("kubectl", kubectl.as_str()), (program, "echo a-cluster")];
        let output = image(folder.path(), &programs, &[NAME, &["--builder", "docker", "--load"]].concat())?;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(calls(folder.path())?.last().map(String::as_str), Some(load));
    }
    Ok(())
}

#[test]
fn a_cluster_that_runs_the_images_of_docker_needs_no_load() -> Result<()> {
    for context in ["docker-desktop", "orbstack"] {
        let folder = tempfile::tempdir()?;
        let kubectl = format!("echo {context}");
        let programs = [("docker", ""), ("podman", ""), ("kubectl", kubectl.as_str())];
        let output = image(folder.path(), &programs, &[NAME, &["--builder", "docker", "--load"]].concat())?;
        assert!(output.status.success(), "{output:?}");
        assert!(calls(folder.path())?[1].starts_with("docker build "), "{output:?}");
        let refused = image(folder.path(), &programs, &[NAME, &["--builder", "podman", "--load"]].concat())?;
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains("runs the images of docker"), "{error}");
    }
    Ok(())
}

#[test]
fn containerd_gets_an_archive_from_every_builder() -> Result<()> {
    for (builder, save) in [("docker", "docker save --output /"), ("buildah", "buildah push --quiet ")] {
        let folder = tempfile::tempdir()?;
        let programs = [(builder, ""), ("ctr", "echo 1.7")];
        let arguments = [NAME, &["--builder", builder, "--load", "containerd"]].concat();
        let output = image(folder.path(), &programs, &arguments)?;
        assert!(output.status.success(), "{output:?}");
        let calls = calls(folder.path())?;
        assert!(calls[2].starts_with(save), "{calls:?}");
        assert!(calls[3].starts_with("ctr --namespace k8s.io images import /"), "{calls:?}");
    }
    Ok(())
}

#[test]
fn variables_stand_for_options() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = [("buildah", ""), ("docker", ""), ("ctr", "echo 1.7"), ("kubectl", "echo any")];
    let variables = [
        ("FILMS_CLUSTER", "containerd"),
        ("FILMS_BUILDER", "buildah"),
        ("FILMS_BUILD_ARGS", "A=1 B=2"),
        ("FILMS_BUILDER_OPTIONS", "--quiet --network host"),
    ];
    let output = image_with(folder.path(), &programs, &[NAME, &["--load"]].concat(), &variables)?;
    assert!(output.status.success(), "{output:?}");
    let calls = calls(folder.path())?;
    let options = "--build-arg A=1 --build-arg B=2 --quiet --network host .";
    assert!(calls[1].starts_with("buildah build ") && calls[1].ends_with(options), "{calls:?}");
    assert!(calls[3].starts_with("ctr --namespace k8s.io images import /"), "{calls:?}");

    let refused = image_with(folder.path(), &programs, &["--load"], &[("FILMS_CLUSTER", "current")])?;
    let error = String::from_utf8_lossy(&refused.stderr);
    let expected = r#"FILMS_CLUSTER is "current": expected kind, minikube, k3d or containerd"#;
    assert!(!refused.status.success() && error.contains(expected), "{error}");
    Ok(())
}

#[test]
fn another_context_is_refused_with_the_command_to_use() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = [("docker", ""), ("kubectl", "echo gke_production")];
    let output = image(folder.path(), &programs, &[NAME, &["--load"]].concat())?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("gke_production"), "{error}");
    assert!(error.contains("cargo xtask image --registry REGISTRY"), "{error}");
    assert_eq!(calls(folder.path())?, ["kubectl config current-context"]);
    Ok(())
}

#[test]
fn a_missing_cluster_stops_the_verb_before_the_build() -> Result<()> {
    for (programs, expected) in [
        (&[("docker", "")][..], "cannot run kind: is it installed?"),
        (&[("docker", ""), ("kind", "")][..], "kind has no cluster: see https://kind.sigs.k8s.io"),
        (&[("docker", ""), ("kind", "echo down >&2; exit 1")][..], "failed (exit status: 1): down"),
    ] {
        let folder = tempfile::tempdir()?;
        let output = image(folder.path(), programs, &[NAME, &["--load", "kind"]].concat())?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{error}");
        let calls = fs::read_to_string(folder.path().join("calls")).unwrap_or_default();
        assert!(!calls.contains("docker build"), "{calls}");
    }
    Ok(())
}

#[test]
fn the_list_has_every_image_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = image(folder.path(), &[], &["--list", "--registry", "registry.example/team", "--tag", "1"])?;
    let list = String::from_utf8_lossy(&output.stdout);
    let names: Vec<&str> = list.lines().collect();
    assert_eq!(names[..2], ["registry.example/team/films:1", "registry.example/team/films-loadtest:1"]);
    assert!(names.len() > 3 && names.iter().all(|name| name.ends_with(":1")), "{list}");
    Ok(())
}
