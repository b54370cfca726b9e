"""Checks rendered manifests, from standard input, against the schemas of the Kubernetes versions given.

Strictly: a field that a version does not know is an error. What is defined by a cluster's own CRDs has no
schema here, and must be of a group that is listed.
"""

import sys

import kubernetes_validate
import yaml

CUSTOM = {"gateway.networking.k8s.io", "k6.io", "monitoring.coreos.com", "postgresql.cnpg.io"}


def check(manifest, version):
    group = manifest["apiVersion"].rpartition("/")[0]
    if group in CUSTOM:
        return
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        at = ".".join(str(step) for step in error.path)
        sys.exit(f"{name} is not valid in Kubernetes {version}: {at}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        sys.exit(f"{name}: Kubernetes {version} has no such kind in {manifest['apiVersion']}")


manifests = [manifest for manifest in yaml.safe_load_all(sys.stdin) if manifest]
if not manifests:
    sys.exit("nothing was rendered")
for version in sys.argv[1:]:
    for manifest in manifests:
        check(manifest, version)
