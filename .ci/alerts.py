"""The alerting rules of the chart.

`rules` reads manifests on standard input, and prints the rules that the PrometheusRule and the ConfigMap both have.
`check RULES TESTS DOCS` fails for an alert without a runbook in DOCS/runbooks or without tests in TESTS, and for a
metric that DOCS/metrics.md does not list.
"""

import pathlib
import re
import sys

import yaml

SECTIONS = ["What it means", "What a user sees", "Find the cause", "What to do"]
# What Prometheus itself records about a scrape.
OF_PROMETHEUS = {"up"}


def rules(manifests):
    manifests = [manifest for manifest in yaml.safe_load_all(manifests) if manifest]
    resources = [manifest["spec"] for manifest in manifests if manifest["kind"] == "PrometheusRule"]
    texts = [manifest["data"]["films.rules.yaml"] for manifest in manifests if "films.rules.yaml" in manifest.get("data", {})]
    if len(texts) != 1 or [yaml.safe_load(text) for text in texts] != resources:
        sys.exit("expected a PrometheusRule and a ConfigMap with the same rules")
    return texts[0]


def mistakes_of_tests(rule, tests):
    """Returns what the tests of a rule lack. Rules of one name differ in their labels."""
    cases = [case for group in tests["tests"] for case in group["alert_rule_test"] if case["alertname"] == rule["alert"]]
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


def check(rules, tests, docs):
    rules = [rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]
    names = {rule["alert"] for rule in rules}
    metrics = set(re.findall(r"^\| `(\w+)`", (docs / "metrics.md").read_text(), re.MULTILINE))
    mistakes = []
    for name in sorted(names):
        page, file = docs / "runbooks" / f"{name}.md", tests / f"{name}.yaml"
        if page.exists():
            mistakes += [f"{page}: {mistake}" for mistake in mistakes_of_runbook(page.read_text())]
        else:
            mistakes.append(f"{name} has no runbook {page}")
        if not file.exists():
            mistakes.append(f"{name} has no tests in {file}")
            continue
        tests_of_name = yaml.safe_load(file.read_text())
        for rule in rules:
            if rule["alert"] == name:
                mistakes += [f"{file}: {mistake}" for mistake in mistakes_of_tests(rule, tests_of_name)]
    for rule in rules:
        used = {re.sub("_(bucket|count|sum)$", "", name) if name not in metrics else name for name in re.findall(r"(\w+)\{", rule["expr"])}
        mistakes += [f"{rule['alert']} uses {name}, which {docs}/metrics.md does not list" for name in used - metrics - OF_PROMETHEUS]
        if not rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}.md"):
            mistakes.append(f"{rule['alert']} has the runbook_url {rule['annotations']['runbook_url']}")
    left = [path for path in [*tests.iterdir(), *(docs / "runbooks").iterdir()] if path.stem not in names | {"README"}]
    mistakes += [f"{path} belongs to no alert" for path in left]
    if mistakes:
        sys.exit("\n".join(mistakes))


if sys.argv[1] == "rules":
    print(rules(sys.stdin.read()), end="")
else:
    check(*map(pathlib.Path, sys.argv[2:]))
