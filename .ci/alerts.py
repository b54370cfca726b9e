"""The alerting rules of the chart.

`rules` reads manifests on standard input, and prints the rules that the PrometheusRule and the ConfigMap both have.
`check RULES TESTS DOCS` fails for an alert without a runbook in DOCS/runbooks or without tests in TESTS, and for a
metric or a label that DOCS/metrics.md does not list.
"""

import pathlib
import re
import sys

import yaml

import metrics

SECTIONS = ["What it means", "What a user sees", "Find the cause", "What to do"]


def rules(manifests):
    manifests = [manifest for manifest in yaml.safe_load_all(manifests) if manifest]
    resources = [manifest["spec"] for manifest in manifests if manifest["kind"] == "PrometheusRule"]
    texts = [manifest["data"]["films.rules.yaml"] for manifest in manifests if "films.rules.yaml" in manifest.get("data", {})]
    if len(texts) != 1 or [yaml.safe_load(text) for text in texts] != resources:
        sys.exit("expected a PrometheusRule and a ConfigMap with the same rules")
    return texts[0]


def mistakes_of_tests(rule, tests):
    """Returns what the tests of a rule lack. Rules of one name differ in their labels."""
    cases = [case for group in tests for case in group["alert_rule_test"] if case["alertname"] == rule["alert"]]
    fires = [set(rule["labels"].items()) <= set(alert["exp_labels"].items()) for case in cases for alert in case["exp_alerts"]]
    if not any(fires):
        yield f"no test in which it fires with the labels {rule['labels']}"
    if all(case["exp_alerts"] for case in cases):
        yield "no test in which it is silent"


def mistakes_of_runbook(text):
    """Returns what a page lacks."""
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if found != SECTIONS:
        yield f"its sections are {found}, expected {SECTIONS}"
    commands = re.search(r"^## Find the cause$.*?^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    steps = re.findall(r"^# [1-3]\. ", commands[1], re.MULTILINE) if commands else []
    if len(steps) != 3:
        yield f"it has {len(steps)} commands to find the cause, expected 3, each below a comment with its number"


def unlisted(rule, series):
    """Returns the metrics and labels in a rule that do not exist."""
    known = set().union(*series.values())
    for name, matchers in re.findall(r"(\w+)\{(.*?)\}", rule["expr"]):
        if name not in series:
            yield name
            continue
        used = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", matchers)
        yield from (f"{name}{{{label}}}" for label in used if label not in series[name])
    grouped = re.findall(r"\b(?:by|on) \((.*?)\)", rule["expr"]) + re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"])
    yield from (label for labels in grouped for label in labels.split(", ") if label not in known)


def check(rules, tests, docs):
    rules = [rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]
    names = {rule["alert"] for rule in rules}
    series = metrics.listed(docs)
    mistakes = []
    for name in sorted(names):
        page, files = docs / "runbooks" / f"{name}.md", sorted(tests.glob(f"{name}*.yaml"))
        if page.exists():
            mistakes += [f"{page}: {mistake}" for mistake in mistakes_of_runbook(page.read_text())]
        else:
            mistakes.append(f"{name} has no runbook {page}")
        tests_of_name = [test for file in files for test in yaml.safe_load(file.read_text())["tests"]]
        for rule in rules:
            if rule["alert"] == name:
                mistakes += [f"{tests}/{name}.yaml: {mistake}" for mistake in mistakes_of_tests(rule, tests_of_name)]
    for rule in rules:
        mistakes += [f"{rule['alert']} uses {name}, which {docs}/metrics.md does not list" for name in unlisted(rule, series)]
        if not rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}.md"):
            mistakes.append(f"{rule['alert']} has the runbook_url {rule['annotations']['runbook_url']}")
    left = [path for path in [*tests.iterdir(), *(docs / "runbooks").iterdir()] if path.stem.split("-")[0] not in names | {"README"}]
    mistakes += [f"{path} belongs to no alert" for path in left]
    if mistakes:
        sys.exit("\n".join(mistakes))


if sys.argv[1] == "rules":
    print(rules(sys.stdin.read()), end="")
else:
    check(*map(pathlib.Path, sys.argv[2:]))
