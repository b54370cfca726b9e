//! A pod in the namespace of the clients that runs a program and logs what it sees.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::cluster::{TestCluster, kubectl};

/// A pod. After a failure it stays until the namespaces are deleted, so that its log can be read.
pub(super) struct Client<'a> {
    cluster: &'a TestCluster<'a>,
    name: &'static str,
}

impl<'a> Client<'a> {
    /// Starts a pod whose file `/client/script` is the script. An earlier pod of this name is deleted.
    pub(super) fn start(
        cluster: &'a TestCluster,
        name: &'static str,
        image: &str,
        script: &str,
        command: &[&str],
        env: &[(&str, String)],
    ) -> Result<Self> {
        let client = Self { cluster, name };
        client.stop()?;
        let env: Vec<Value> =
            env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let metadata = json!({
            "name": name, "namespace": cluster.outside, "labels": { "app.kubernetes.io/instance": name }
        });
        cluster.apply(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "script": script },
        }))?;
        cluster.apply(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": false,
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" },
                },
                "containers": [{
                    "name": name,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": command,
                    "env": env,
                    "securityContext": {
                        "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
                    },
                    "volumeMounts": [{ "name": "script", "mountPath": "/client" }],
                }],
                "volumes": [{ "name": "script", "configMap": { "name": name } }],
            },
        }))?;
        let running = || client.expect_phase(&["Running", "Succeeded"]);
        cluster.until(Duration::from_mins(1), &format!("the pod {name} to run"), running)?;
        Ok(client)
    }

    /// Waits until the program ends.
    pub(super) fn wait(&self, timeout: Duration) -> Result<()> {
        let ended = || self.expect_phase(&["Succeeded"]);
        self.cluster.until(timeout, &format!("the pod {} to end", self.name), ended)
    }

    pub(super) fn log(&self) -> Result<String> {
        self.cluster.output(kubectl(&self.cluster.outside).args(["logs", self.name]))
    }

    /// Fails unless the pod is in one of these phases.
    pub(super) fn expect_phase(&self, expected: &[&str]) -> Result<()> {
        let outside = &self.cluster.outside;
        let get = ["get", "pod", self.name, "--output=jsonpath={.status.phase}"];
        let phase = self.cluster.output(kubectl(outside).args(get))?;
        ensure!(
            expected.contains(&phase.as_str()),
            "the pod is {phase}: kubectl --namespace {outside} logs {}",
            self.name
        );
        Ok(())
    }

    /// Deletes the pod, if there is one.
    pub(super) fn stop(&self) -> Result<()> {
        let delete = ["delete", "pod", self.name, "--ignore-not-found", "--now"];
        self.cluster.output(kubectl(&self.cluster.outside).args(delete)).map(drop)
    }
}
