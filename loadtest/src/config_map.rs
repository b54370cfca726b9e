//! Stores the report in a ConfigMap, from within a pod: the pod's own disk is deleted with the pod.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustls::crypto::ring;
use serde_json::{Value, json};
use ureq::http::{Request, request};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::archive::{self, Files};

/// Folder in which Kubernetes mounts the credentials for its API server.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The API server refuses a larger ConfigMap.
const MAX_SIZE: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A ConfigMap of the pod's own namespace.
#[derive(Debug)]
pub struct ConfigMap {
    url: String,
    name: String,
    account: PathBuf,
}

impl ConfigMap {
    /// Returns a ConfigMap of this pod's namespace. Fails outside a pod, and in a pod without a service
    /// account's token: before a measurement whose report could not be stored.
    pub fn new(name: &str) -> Result<Self> {
        let variable = |variable: &str| {
            env::var(variable).with_context(|| {
                format!("--config-map {name}: {variable} is not set, so this is not a pod of a cluster: use --out to write a file")
            })
        };
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
        Self::at(&format!("https://{}", authority(&host, &port)), ACCOUNT.into(), name)
    }

    /// Returns a ConfigMap of any API server, with the credentials in the folder `account`.
    pub fn at(server: &str, account: PathBuf, name: &str) -> Result<Self> {
        let mut map = Self { url: String::new(), name: name.to_owned(), account };
        map.read("token")?;
        let namespace = map.read("namespace")?;
        map.url = format!("{server}/api/v1/namespaces/{}/configmaps/{name}", namespace.trim());
        Ok(map)
    }

    /// Stores files under their names. Results of earlier runs stay as long as there is room; the oldest
    /// of them make room. Other keys do not change. The ConfigMap must exist, because whoever created it
    /// also removes it.
    pub fn store(&self, files: &Files) -> Result<()> {
        let size = archive::size(files);
        ensure!(
            size < MAX_SIZE,
            "the report has {size} bytes, expected less than the {MAX_SIZE} of a ConfigMap: use --out to write a file"
        );
        let read: Value = serde_json::from_str(&self.send(Request::get(&self.url), String::new())?)
            .with_context(|| format!("cannot read the ConfigMap {}", self.name))?;
        let stored: Files = serde_json::from_value(read["data"].clone()).unwrap_or_default();
        let mut data = json!(files);
        for name in archive::surplus(&stored, files, MAX_SIZE) {
            data[name] = Value::Null;
        }
        let patch = Request::patch(&self.url).header("content-type", "application/merge-patch+json");
        self.send(patch, json!({ "data": data }).to_string()).map(drop)
    }

    /// Sends a request with the token of the pod, and returns the body of a successful response.
    fn send(&self, request: request::Builder, body: String) -> Result<String> {
        // Read only now: Kubernetes replaces the token every hour, and a run may take longer.
        let token = format!("Bearer {}", self.read("token")?.trim());
        let request = request.header("authorization", token).body(body)?;
        let failure = || format!("cannot store the report in the ConfigMap {}", self.name);
        let mut response = self.agent()?.run(request).with_context(failure)?;
        let body = response.body_mut().read_to_string();
        if !response.status().is_success() {
            let message = message(&body.unwrap_or_default());
            bail!("{}: the API server responds with {}: {message}", failure(), response.status());
        }
        body.with_context(failure)
    }

    fn agent(&self) -> Result<ureq::Agent> {
        let pem = self.read("ca.crt")?;
        let certificates = parse_pem(pem.as_bytes()).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(certificates))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        let config = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false);
        Ok(config.build().into())
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.account.join(file);
        fs::read_to_string(&path).with_context(|| {
            let (name, path) = (&self.name, path.display());
            format!("--config-map {name}: cannot read {path}: expected the mounted token of the pod's service account")
        })
    }
}

/// Joins host and port. An IPv6 address needs brackets.
fn authority(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Returns the message of the API server's response, which is a `Status`, or the whole response.
fn message(response: &str) -> String {
    let status: Option<serde_json::Value> = serde_json::from_str(response).ok();
    status.and_then(|status| status["message"].as_str().map(str::to_owned)).unwrap_or(response.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_cluster_the_error_names_the_missing_variable() {
        let error = format!("{:#}", ConfigMap::new("report").unwrap_err());
        assert!(error.contains("KUBERNETES_SERVICE_HOST is not set"), "{error}");
    }

    #[test]
    fn an_ipv6_address_has_brackets() {
        assert_eq!(authority("fd00::1", "443"), "[fd00::1]:443");
        assert_eq!(authority("10.96.0.1", "443"), "10.96.0.1:443");
    }
}
