//! The chart's `HTTPRoute` at a Gateway of another project's controller.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::cluster::{TestCluster, expect_kind};
use super::forward::Forward;
use super::install::check_routes;
use super::load::Load;
use super::upgrade::{SECONDS, replace_pods};

/// Options about the Gateway.
#[derive(clap::Args)]
pub(super) struct Gateway {
    /// Class of the Gateway.
    #[arg(
        long = "gateway-class",
        env = "FILMS_GATEWAY_CLASS",
        default_value = "traefik",
        value_name = "NAME"
    )]
    class: String,
    /// Port of the Gateway's listener. Traefik matches it with the port of an entry point.
    #[arg(long = "gateway-port", env = "FILMS_GATEWAY_PORT", default_value_t = 8000, value_name = "PORT")]
    port: u16,
    /// Service that leads to the Gateway.
    #[arg(
        long = "gateway-service",
        env = "FILMS_GATEWAY_SERVICE",
        default_value = "traefik/traefik:80",
        value_name = "NAMESPACE/NAME:PORT",
        value_parser = parse_service
    )]
    service: Service,
}

/// A port of a Service.
#[derive(Clone)]
struct Service {
    namespace: String,
    name: String,
    port: u16,
}

const TIMEOUT: Duration = Duration::from_mins(1);
const VALUES: [&str; 2] = ["httpRoute.enabled=true", "httpRoute.parentRefs[0].name=films"];

pub(super) fn run(cluster: &TestCluster, options: &Gateway) -> Result<()> {
    expect_kind(cluster, "httproutes.gateway.networking.k8s.io", "a controller of the Gateway API")?;
    let Service { namespace, name, port } = &options.service;
    cluster.step("HTTPRoute", || {
        cluster.apply(&json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": { "name": "films", "namespace": cluster.namespace },
            "spec": {
                "gatewayClassName": options.class,
                "listeners": [{ "name": "web", "protocol": "HTTP", "port": options.port }],
            },
        }))?;
        cluster.upgrade(&VALUES)?;
        let gateway = Forward::to(namespace, &format!("service/{name}"), *port)?;
        // A controller may answer 503 until it knows the endpoints.
        cluster.until(TIMEOUT, "responses through the Gateway", || check_routes(&gateway))?;
        Ok(format!("the three routes respond through {namespace}/{name}"))
    })?;
    cluster.step("rollout of new pods behind the Gateway, under load", || {
        let url = format!("http://{name}.{namespace}:{port}");
        let load = Load { url, ..Load::on_release(cluster, SECONDS) };
        replace_pods(cluster, &load, &[&VALUES[..], &["podAnnotations.rolled=gateway"]].concat())
    })
}

fn parse_service(text: &str) -> Result<Service> {
    let (namespace, rest) = text.split_once('/').context("expected NAMESPACE/NAME:PORT")?;
    let (name, port) = rest.split_once(':').context("expected NAMESPACE/NAME:PORT")?;
    let port = port.parse().with_context(|| format!("{port} is no port"))?;
    Ok(Service { namespace: namespace.to_owned(), name: name.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_namespace_a_name_and_a_port() -> Result<()> {
        let Service { namespace, name, port } = parse_service("traefik/web:80")?;
        assert_eq!((namespace.as_str(), name.as_str(), port), ("traefik", "web", 80));
        for text in ["web:80", "traefik/web", "traefik/web:http"] {
            assert!(parse_service(text).is_err(), "{text}");
        }
        Ok(())
    }
}
