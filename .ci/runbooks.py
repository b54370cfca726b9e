"""Compares docs/runbooks with what exists: `runbooks.py MANIFESTS CHART DOCS SOURCES`.

Fails for a metric, label, resource, container, port, path, value or word of a log line that a page names and that
neither the rendered manifests, nor the values of the chart, nor docs/metrics.md, nor the service's sources have.
"""

import pathlib
import re
import sys

import yaml

import metrics

# Prefixes by which a page names a metric or one of its labels.
OURS = re.compile(r"(films|batch|http_server|http_response|db_client|db_response)_\w+")
KINDS = "deployment|statefulset|configmap|hpa|servicemonitor|networkpolicy"
FULL_KINDS = {"hpa": "horizontalpodautoscaler"}
# The values of labels that a page searches for, and one for any other label.
EXAMPLES = {"http_response_status_code": "503", "query": "create_review"}


class Chart:
    """What the chart creates, and its values."""

    def __init__(self, manifests, folder):
        self.text = manifests.read_text()
        documents = [document for document in yaml.safe_load_all(self.text) if document]
        self.resources = {(document["kind"].lower(), document["metadata"]["name"]) for document in documents}
        self.components = set(re.findall(r"app\.kubernetes\.io/component: (\w+)", self.text))
        self.containers = set(re.findall(r"name: (\w+)", self.text))
        self.ports = set(re.findall(r"containerPort: (\d+)", self.text))
        self.mounts = set(re.findall(r"mountPath: (\S+)", self.text))
        self.values = set(re.findall(r"^\| `([\w.]+)`", (folder / "README.md").read_text(), re.MULTILINE))


def settings(docs):
    """Returns the settings of the service, which a page may also name as values of the chart."""
    names = re.findall(r"^\| `([\w.]+)`", (docs / "configuration.md").read_text(), re.MULTILINE)
    return {prefix + name for name in names for prefix in ("", "config.")}


def mistakes_of_commands(commands, chart, lines, sources):
    for pattern in re.findall(r"/metrics \| grep -E '(.+?)'", commands):
        found = [part for part in re.split(r"\|(?=\^)", pattern) if not any(re.search(part, line) for line in lines)]
        yield from (f"no metric {part}" for part in found)
    for pattern in re.findall(r"kubectl logs .*? \| grep -E '(.+?)'", commands):
        yield from (f"no word {word} in a log line" for word in pattern.split("|") if word not in sources)
    named = re.findall(rf"\b({KINDS})/([\w-]+)", commands)
    for kinds, name in re.findall(rf"\b((?:{KINDS})(?:,(?:{KINDS}))*) (films[\w-]*)", commands):
        named += [(kind, name) for kind in kinds.split(",")]
    for kind, name in named:
        if (FULL_KINDS.get(kind, kind), name) not in chart.resources:
            yield f"no {kind} {name}"
    yield from (f"no component {name}" for name in re.findall(r"component=(\w+)", commands) if name not in chart.components)
    yield from (f"no container {name}" for name in re.findall(r"--container (\w+)", commands) if name not in chart.containers)
    ports = re.findall(r"port-forward \S+ (\d+)", commands) + re.findall(r"localhost:(\d+)", commands)
    yield from (f"no port {port}" for port in ports if port not in chart.ports)
    yield from (f"no path {path}" for path in re.findall(r"localhost:\d+(/\w*)", commands) if f'"{path}"' not in sources)
    yield from (f"no volume {path}" for path in re.findall(r"df -h (\S+?)[`;\s]", commands) if path not in chart.mounts)


def sample(name, labels):
    """Returns a line of `/metrics`, without its number."""
    return name + "{" + ",".join(f'{label}="{EXAMPLES.get(label, "x")}"' for label in sorted(labels)) + "}"


def mistakes(page, chart, series, settings, sources):
    known = set(series) | {re.sub("_(bucket|sum|count)$", "", name) for name in series} | set().union(*series.values())
    lines = [sample(name, labels) for name, labels in series.items()]
    for commands in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield from mistakes_of_commands(commands, chart, lines, sources)
    for word in re.findall(r"`([^`\n]+)`", page):
        name = re.match(r"\w*", word)[0]
        if OURS.fullmatch(name) and name not in known:
            yield f"no metric or label {name}"
        keys = re.fullmatch(r"([a-z]\w*(?:\.[a-zA-Z_]+)+)(=\S*)?", word)
        if keys and not any(value == keys[1] or value.startswith(f"{keys[1]}.") for value in chart.values | settings):
            yield f"no value {keys[1]}"


def main(manifests, folder, docs, sources):
    chart, series = Chart(manifests, folder), metrics.listed(docs)
    text = "".join(path.read_text() for path in sorted(sources.rglob("*.rs")))
    pages = sorted((docs / "runbooks").glob("*.md"))
    found = [f"{page}: there is {mistake}" for page in pages for mistake in mistakes(page.read_text(), chart, series, settings(docs), text)]
    if found:
        sys.exit("\n".join(found).replace("no the", "no"))


main(*map(pathlib.Path, sys.argv[1:]))
