"""The manifests of deploy/kubernetes: their schemas, and that their parts fit one another."""

import pytest
import yaml

from queueproxy.management.commands import queueproxy, runqueueproxy, runqueueworker

from ..integration.test_metrics import METRICS
from .tools import DEPLOY, run

DIRECTORY = DEPLOY / "kubernetes"
VERSIONS = ("1.30", "1.34")
MANIFESTS = ["settings.yaml", "front.yaml", "worker.yaml", "migrate.yaml", "broker.yaml"]
COMMANDS = {"runqueueproxy": runqueueproxy, "runqueueworker": runqueueworker}
MAX_HOLD = 60  # seconds, the setting's default


def documents(file: str) -> list[dict]:
    """What stands in a file."""
    return list(yaml.safe_load_all((DIRECTORY / file).read_text()))


def one(file: str, kind: str) -> dict:
    """The one of a kind."""
    (found,) = [document for document in documents(file) if document["kind"] == kind]
    return found


def pod(file: str, kind: str) -> dict:
    """The pod that something makes."""
    return one(file, kind)["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", MANIFESTS)
def test_the_schema_fits(file, version, tmp_path):
    whole = tmp_path / file
    whole.write_text(yaml.safe_dump_all(map(named, documents(file))))
    done = run("kubernetes-validate", "--strict", "-k", version, whole)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" passed ") == len(documents(file))


def named(document: dict) -> dict:
    """With a name, which the checker asks for and the server makes of `generateName`."""
    metadata = dict(document["metadata"])
    metadata.setdefault("name", metadata.pop("generateName", "") + "1")
    return {**document, "metadata": metadata}


def test_the_checker_does_find_mistakes(tmp_path):
    """So that the test above says something."""
    deployment = one("front.yaml", "Deployment")
    deployment["spec"]["replica"] = 2
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(deployment))
    done = run("kubernetes-validate", "--strict", "-k", VERSIONS[0], tmp_path / "wrong.yaml")
    assert done.returncode != 0
    assert "replica" in done.stdout


def test_the_kustomization_names_files_that_are_there():
    (kustomization,) = documents("kustomization.yaml")
    assert set(kustomization["resources"]) == set(MANIFESTS) - {"migrate.yaml"}


@pytest.mark.parametrize("file", ["front.yaml", "worker.yaml"])
def test_a_pod_has_the_time_its_process_wants(file):
    spec = pod(file, "Deployment")
    (container,) = spec["containers"]
    _, _, name, *words = container["args"]
    options = COMMANDS[name].Command().create_parser("manage.py", name).parse_args(words)
    before = 5 if "lifecycle" in container else 0
    assert spec["terminationGracePeriodSeconds"] >= before + options.graceful_timeout + 10
    if name == "runqueueproxy":
        assert options.graceful_timeout > MAX_HOLD


def test_the_migration_is_a_hold():
    (container,) = pod("migrate.yaml", "Job")["containers"]
    _, _, name, *words = container["args"]
    options = queueproxy.Command().create_parser("manage.py", name).parse_args(words)
    assert options.action == "hold"
    assert options.command == ["python", "manage.py", "migrate"]


def test_a_front_stays_in_service_while_it_can_hold():
    (container,) = pod("front.yaml", "Deployment")["containers"]
    ready = container["readinessProbe"]
    assert ready["httpGet"]["path"] == "/-/readyz"
    assert ready["periodSeconds"] * ready["failureThreshold"] >= MAX_HOLD
    assert container["livenessProbe"]["httpGet"]["path"] == "/-/livez"


def test_labels_lead_to_one_another():
    for file, kind in (
        ("front.yaml", "Deployment"),
        ("worker.yaml", "Deployment"),
        ("broker.yaml", "StatefulSet"),
    ):
        spec = one(file, kind)["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
    labels = one("front.yaml", "Deployment")["spec"]["template"]["metadata"]["labels"]
    for document in documents("front.yaml")[1:]:
        selector = document["spec"].get("podSelector", document["spec"].get("selector"))
        assert selector.get("matchLabels", selector) == labels
    scaled = one("worker.yaml", "HorizontalPodAutoscaler")["spec"]
    assert scaled["scaleTargetRef"]["name"] == one("worker.yaml", "Deployment")["metadata"]["name"]


def test_pods_scale_by_what_waits_for_them():
    """The target is what one pod runs at once, and the metric is one that is made."""
    metric = one("worker.yaml", "HorizontalPodAutoscaler")["spec"]["metrics"][0]["external"]
    (container,) = pod("worker.yaml", "Deployment")["containers"]
    _, _, name, *words = container["args"]
    options = runqueueworker.Command().create_parser("manage.py", name).parse_args(words)
    assert int(metric["target"]["averageValue"]) == options.processes * options.threads
    (rule,) = documents("prometheus-adapter.yaml")[0]["rules"]["external"]
    assert rule["name"]["as"] == metric["metric"]["name"]


def test_the_metric_is_a_question_that_prometheus_understands(tmp_path):
    (rule,) = documents("prometheus-adapter.yaml")[0]["rules"]["external"]
    rules = {"groups": [{"name": "x", "rules": [{"record": "x:y", "expr": rule["metricsQuery"]}]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    done = run("promtool", "check", "rules", tmp_path / "rules.yml")
    assert done.returncode == 0, done.stdout


# Pods by the number of processes that are wanted: docs/kubernetes.

DOCS = DIRECTORY.parents[1] / "docs" / "kubernetes"


def in_docs(file: str) -> dict:
    """The only document of a file."""
    return yaml.safe_load((DOCS / file).read_text())


def processes_of_a_pod() -> int:
    """As many as the worker's pod runs."""
    (container,) = pod("worker.yaml", "Deployment")["containers"]
    _, _, name, *words = container["args"]
    return runqueueworker.Command().create_parser("manage.py", name).parse_args(words).processes


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_of_the_autoscaler_fits(version):
    done = run("kubernetes-validate", "--strict", "-k", version, DOCS / "hpa.yaml")
    assert done.returncode == 0, done.stdout


def test_both_ways_divide_what_is_wanted_by_what_a_pod_runs():
    hpa, keda, (rule,) = (
        in_docs("hpa.yaml")["spec"],
        in_docs("keda.yaml")["spec"],
        in_docs("adapter.yaml")["rules"]["external"],
    )
    deployment = one("worker.yaml", "Deployment")["metadata"]["name"]
    assert hpa["scaleTargetRef"] == keda["scaleTargetRef"]
    assert hpa["scaleTargetRef"]["name"] == deployment
    metric = hpa["metrics"][0]["external"]
    (trigger,) = keda["triggers"]
    assert metric["target"]["averageValue"] == trigger["metadata"]["threshold"]
    assert int(trigger["metadata"]["threshold"]) == processes_of_a_pod()
    assert metric["metric"]["name"] == rule["name"]["as"]
    assert trigger["metadata"]["query"] == rule["metricsQuery"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == hpa["behavior"]
    assert (keda["minReplicaCount"], keda["maxReplicaCount"]) == (
        hpa["minReplicas"],
        hpa["maxReplicas"],
    )


def test_the_wanted_number_is_a_metric_that_is_told():
    (rule,) = in_docs("adapter.yaml")["rules"]["external"]
    assert rule["seriesQuery"] in METRICS
    assert rule["metricsQuery"] == f"max({rule['seriesQuery']})"
