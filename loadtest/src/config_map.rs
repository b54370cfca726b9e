//! Keeping the report in a ConfigMap, from within a pod: the pod's own disk goes with it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustls::crypto::ring;
use serde_json::json;
use ureq::http::Request;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Where Kubernetes mounts what a pod needs to speak to its API server.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The API server refuses more in one ConfigMap.
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
    /// Fails where this is no pod, or one without a service account's token: before anything is
    /// measured that could then not be kept.
    pub fn new(name: &str) -> Result<Self> {
        let variable = |variable: &str| {
            env::var(variable).with_context(|| {
                format!("--config-map {name}: {variable} is not set, so this is no pod of a cluster; --out names a file")
            })
        };
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
        Self::at(&format!("https://{}", authority(&host, &port)), ACCOUNT.into(), name)
    }

    /// The same on any API server, with the files of `account` in place of the pod's own.
    pub fn at(server: &str, account: PathBuf, name: &str) -> Result<Self> {
        let mut map = Self { url: String::new(), name: name.to_owned(), account };
        map.read("token")?;
        let namespace = map.read("namespace")?;
        map.url = format!("{server}/api/v1/namespaces/{}/configmaps/{name}", namespace.trim());
        Ok(map)
    }

    /// Puts `files` in it, under their names. Other keys stay as they are. It must be there: whoever
    /// made it also removes it.
    pub fn keep(&self, files: &BTreeMap<&str, String>) -> Result<()> {
        let size: usize = files.iter().map(|(name, text)| name.len() + text.len()).sum();
        ensure!(size < MAX_SIZE, "the report has {size} bytes, more than the {MAX_SIZE} of a ConfigMap");
        let request = Request::patch(&self.url)
            // Read only now: it is replaced every hour, and a run may take longer.
            .header("authorization", format!("Bearer {}", self.read("token")?.trim()))
            .header("content-type", "application/merge-patch+json")
            .body(json!({ "data": files }).to_string())?;
        let tried = || format!("cannot keep the report in the ConfigMap {}", self.name);
        let mut answer = self.agent()?.run(request).with_context(tried)?;
        if !answer.status().is_success() {
            let said = answer.body_mut().read_to_string().unwrap_or_default();
            bail!("{}: the API server answers {}: {}", tried(), answer.status(), message(&said));
        }
        Ok(())
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
            format!("--config-map {name}: cannot read {path}: expected the token of the pod's service account, mounted")
        })
    }
}

/// An IPv6 address takes brackets before a port.
fn authority(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What the API server says in its answer, which is a `Status`.
fn message(answer: &str) -> String {
    let status: Option<serde_json::Value> = serde_json::from_str(answer).ok();
    status.and_then(|status| status["message"].as_str().map(str::to_owned)).unwrap_or(answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_cluster_it_says_so() {
        let error = format!("{:#}", ConfigMap::new("report").unwrap_err());
        assert!(error.contains("KUBERNETES_SERVICE_HOST is not set"), "{error}");
    }

    #[test]
    fn an_address_of_ipv6_has_brackets() {
        assert_eq!(authority("fd00::1", "443"), "[fd00::1]:443");
        assert_eq!(authority("10.96.0.1", "443"), "10.96.0.1:443");
    }
}
