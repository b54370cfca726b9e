"""Checks rendered manifests, from standard input, against the schemas of the Kubernetes versions given.

Strictly: a field that a version does not know is an error, and so is a kind of which there is no schema. Of
what a cluster's own CRDs define custom.yaml says as much as the chart renders.
"""

import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

CUSTOM = yaml.safe_load(pathlib.Path(__file__).with_name("custom.yaml").read_text())
META = {"$ref": "_definitions.json#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}


def check(manifest, version):
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    spec = CUSTOM.get(f"{manifest['apiVersion']} {manifest['kind']}")
    try:
        if spec:
            check_custom(manifest, spec, version)
        else:
            kubernetes_validate.validate(manifest, version, strict=True)
    except jsonschema.ValidationError as error:
        at = ".".join(str(step) for step in error.path)
        sys.exit(f"{name} is not valid in Kubernetes {version}: {at}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        sys.exit(f"{name}: neither Kubernetes {version} nor .ci/custom.yaml has such a kind in {manifest['apiVersion']}")


def check_custom(manifest, spec, version):
    schema = {
        "additionalProperties": False,
        "properties": {"apiVersion": {}, "kind": {}, "metadata": META, "spec": spec},
    }
    path = f"kubernetes-json-schema/v{version}.0-local-strict/_definitions.json"
    kubernetes = Resource.from_contents(schema_contents(path, version))
    registry = Registry().with_resource("_definitions.json", kubernetes)
    jsonschema.Draft202012Validator(schema, registry=registry).validate(manifest)


manifests = [manifest for manifest in yaml.safe_load_all(sys.stdin) if manifest]
if not manifests:
    sys.exit("nothing was rendered")
for version in sys.argv[1:]:
    for manifest in manifests:
        check(manifest, version)
