"""Validates the manifests on standard input against the schemas of the Kubernetes versions in the arguments.

The validation is strict: an unknown field is an error, and so is a kind without a schema. custom.yaml contains
the schemas of the custom resources.
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
        path = ".".join(str(step) for step in error.path)
        sys.exit(f"{name} is not valid in Kubernetes {version}: {path}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        sys.exit(f"{name}: found no schema for {manifest['apiVersion']}, neither in Kubernetes {version} nor in .ci/custom.yaml")


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
    sys.exit("found no manifest on standard input")
for version in sys.argv[1:]:
    for manifest in manifests:
        check(manifest, version)
