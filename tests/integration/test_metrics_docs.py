"""The alert rules and the Grafana dashboard in docs/: they parse, work, and name what exists."""

import json
import re
from pathlib import Path

import pytest

from .test_metrics import METRICS, promtool

DOCS = Path(__file__).parents[2] / "docs"
ALERTS = DOCS / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DOCS / "grafana" / "queueproxy.json").read_text())
PANELS = DASHBOARD["panels"]


def names_in(text: str) -> set[str]:
    """Metrics named; a histogram by its own name."""
    found = set(re.findall(r"\bqueueproxy_\w+", text))
    return {re.sub("_(bucket|sum|count)$", "", name) for name in found}


def expressions() -> list[str]:
    """Every query of the dashboard, its variables filled in as Grafana does."""
    found = [target["expr"] for panel in PANELS for target in panel["targets"]]
    found += [note["expr"] for note in DASHBOARD["annotations"]["list"]]
    return [e.replace("$__rate_interval", "1m").replace("$queue", ".*") for e in found]


def test_the_rules_parse():
    done = promtool("check", "rules", str(ALERTS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 rules found" in done.stdout


def test_the_rules_alert_when_they_should_and_only_then():
    done = promtool("test", "rules", str(ALERTS.with_name("alerts_test.yml")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tested_and_leads_to_a_heading():
    rules = ALERTS.read_text()
    names = re.findall(r"alert: (\w+)", rules)
    tests = ALERTS.with_name("alerts_test.yml").read_text()
    for name in names:
        assert len(re.findall(rf"alertname: {name}\b", tests)) >= 2, name
    operations = (DOCS / "operations.md").read_text()
    headings = re.findall(r"^#+ (.+)$", operations, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"operations\.md#(\S+)", rules)) <= anchors


def test_the_rules_name_metrics_that_exist():
    assert names_in(ALERTS.read_text()) <= set(METRICS)


def test_the_dashboard_shows_every_metric_and_no_other():
    assert names_in(json.dumps(PANELS)) == set(METRICS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_is_whole(panel):
    assert panel["type"] in ("stat", "timeseries")
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) > 0
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_the_dashboard_is_whole():
    """What Grafana's classic model asks for on import, without a data source of ours."""
    assert {"title", "uid", "schemaVersion", "time", "templating", "panels"} <= set(DASHBOARD)
    assert "id" not in DASHBOARD
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert used - {"__rate_interval", "__all"} == set(variables)


def test_panels_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_expression_parses(tmp_path):
    """As rules, whose expressions Prometheus' own tool reads."""
    rules = [
        {"record": f"expression:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def around(text: str, at: int) -> set[str]:
    """The functions in whose parentheses a place stands."""
    found, closed = set(), 0
    for place in range(at - 1, -1, -1):
        if text[place] == ")":
            closed += 1
        elif text[place] == "(" and closed:
            closed -= 1
        elif text[place] == "(":
            found.add(re.search(r"(\w+)(?: by \([^()]*\))? ?$", text[:place]).group(1))
    return found


@pytest.mark.parametrize("text", [*expressions(), ALERTS.read_text()])
def test_several_fronts_are_not_summed(text):
    """Each front tells the whole system: every series goes through a max, over the fronts."""
    places = [match.start() for match in re.finditer(r"\bqueueproxy_", text)]
    assert places
    for at in places:
        assert around(text, at) & {"max", "absent"}, text[at : at + 40]
