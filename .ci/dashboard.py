"""The dashboard of the chart.

Reads the ConfigMap on standard input, and fails for

- a panel without a description, a unit or a query,
- a panel with a quantile that shows no exemplars,
- a metric or a label that docs/metrics.md does not list, or a variable that Grafana does not replace,
- a link to a runbook that does not exist, and a runbook without a link.

Prints the queries as recording rules, so that promtool can check their syntax.
"""

import json
import pathlib
import re
import sys

import yaml

import metrics

DOCS = pathlib.Path("docs")
VARIABLES = {"$namespace", "$service", "$__rate_interval"}
# The series that Prometheus records about an alert.
OF_ALERTS = {"ALERTS": {"alertname", "alertstate", "namespace"}}


def mistakes_of_panel(panel):
    if not re.search(r" Look here .*\. Bad: .*\.$", panel.get("description", "")):
        yield "its description does not say what it shows, when to look here, and what is bad"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "it has no unit"
    if not panel.get("targets"):
        yield "it has no query"
    quantiles = [target for target in panel.get("targets", []) if "_bucket{" in target["expr"]]
    if not all(target.get("exemplar") for target in quantiles):
        yield "a query of buckets does not show exemplars"


def mistakes_of_query(query, series):
    found = re.findall(r"(\w+)\{(.*?)\}", query)
    if not found:
        yield f"it has no metric: {query}"
    for name, matchers in found:
        if name not in series:
            yield f"{DOCS}/metrics.md does not list {name}"
            continue
        labels = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", matchers)
        yield from (f"{name} has no label {label}" for label in labels if label not in series[name])
    known = set().union(*series.values())
    grouped = [label for labels in re.findall(r"\b(?:by|on) \((.*?)\)", query) for label in labels.split(", ") if label]
    yield from (f"no metric has the label {label}" for label in grouped if label not in known)
    yield from (f"it uses the variable {name}" for name in re.findall(r"\$\w+", query) if name not in VARIABLES)


def mistakes_of_links(links):
    linked = {link.removeprefix(f"{DOCS}/runbooks/") for link in links}
    exist = {page.name for page in (DOCS / "runbooks").iterdir()}
    yield from (f"it links {page}, which {DOCS}/runbooks does not have" for page in sorted(linked - exist))
    yield from (f"it does not link {DOCS}/runbooks/{page}" for page in sorted(exist - linked))


def rules(queries):
    def concrete(query):
        return query.replace("$namespace", "default").replace("$service", "films-admin").replace("$__rate_interval", "1m")

    rules = [{"record": f"query:{number}", "expr": concrete(query)} for number, query in enumerate(queries)]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


dashboard = json.loads(yaml.safe_load(sys.stdin)["data"]["films.json"])
series = metrics.listed(DOCS) | OF_ALERTS
panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
queries = {panel["title"]: [target["expr"] for target in panel.get("targets", [])] for panel in panels}
queries |= {annotation["name"]: [annotation["expr"]] for annotation in dashboard["annotations"]["list"]}
links = [link["url"] for place in [dashboard, *panels] for link in place.get("links", [])]

mistakes = [f"panel {panel['title']!r}: {mistake}" for panel in panels for mistake in mistakes_of_panel(panel)]
if len({panel["id"] for panel in dashboard["panels"]}) < len(dashboard["panels"]):
    mistakes.append("two panels have the same id")
for title, texts in queries.items():
    mistakes += [f"query of {title!r}: {mistake}" for text in texts for mistake in mistakes_of_query(text, series)]
mistakes += [f"dashboard: {mistake}" for mistake in mistakes_of_links(links)]
if mistakes:
    sys.exit("\n".join(mistakes))
yaml.safe_dump(rules(query for texts in queries.values() for query in texts), sys.stdout, width=1000)
