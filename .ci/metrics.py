"""The metrics that docs/metrics.md lists. A test of the service compares that list with a running instance."""

import re

# The series and labels that Prometheus and a scrape job add.
OF_PROMETHEUS = {"up": set()}
TARGET_LABELS = {"namespace", "service", "pod", "instance", "job"}


def listed(docs):
    """Returns the series of each metric in Prometheus' format, with their labels."""
    series = {name: labels | TARGET_LABELS for name, labels in OF_PROMETHEUS.items()}
    for row in re.findall(r"^\| `[\w.]+` \|(.+)\|$", (docs / "metrics.md").read_text(), re.MULTILINE):
        name, kind, _unit, attributes, _meaning = (cell.strip() for cell in row.split("|"))
        name = name.strip("`")
        labels = set(re.findall(r"`([\w.]+)`", attributes.replace(".", "_"))) | TARGET_LABELS
        if kind == "histogram":
            series |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            series[name] = labels
    return series
