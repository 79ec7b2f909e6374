"""Renders the chart as Helm does, with few settings and with all, and holds every manifest against Kubernetes' own schemas."""

import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

CHART = Path(__file__).parent.parent / "helm/turnpike"
KUBERNETES = ["1.27", "1.37"]  # the oldest that Chart.yaml takes, and the newest there are schemas of

SECRET = {
    "databaseUrl": "postgres://turnpike:turnpike@postgres/turnpike",
    "redisUrl": "redis://redis",
    "masterKey": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
FEW = {"secret": SECRET}
ALL = {
    "image": {"tag": "1", "pullSecrets": ["registry"]},
    "secret": SECRET | {"operatorToken": "0123456789abcdef"},
    "gateway": {"autoscaling": {"enabled": True}, "spool": {"storageClass": "fast"}},
    "api": {"spool": {"storageClass": "fast"}},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls"},
    "serviceAccount": {"annotations": {"a": "b"}},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
}
OWN = {"secret": {"existing": "own"}, "serviceAccount": {"existing": "own"}}
# Values, and what the refusal must name.
REFUSED = [
    ({}, "secret.databaseUrl"),
    ({"secret": SECRET | {"masterKey": ""}}, "secret.masterKey"),
    ({"secret": SECRET | {"masterKey": "short"}}, "masterKey"),
    ({"secret": SECRET, "gateway": {"replica": 3}}, "replica"),
    ({"secret": SECRET, "settings": {"TURNPIKE_WORKERS": 2}}, "TURNPIKE_WORKERS"),
]


def main() -> int:
    problems = [message["error"] for message in helm.lint(CHART, FEW, strict=True)["messages"] if message["severity"] > 1]
    with helm.Chart.load(CHART) as chart:
        for values in FEW, ALL, OWN:
            manifests = rendered(chart, values)
            problems += [problem for manifest in manifests for problem in unlike_the_schema(manifest)]
            problems += [f"made twice: {twice}" for twice in doubles(manifests)]
        for values, named in REFUSED:
            problems += not_refused(chart, values, named)
    for problem in problems:
        print(f"chart: {problem}", file=sys.stderr)
    return 1 if problems else 0


def rendered(chart: helm.Chart, values: dict) -> list[dict]:
    files = chart.render(values, name="release", namespace="default")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def unlike_the_schema(manifest: dict) -> list[str]:
    problems = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.path)
            problems.append(f"{manifest['kind']} {manifest['metadata']['name']}, {version}: {path}: {error.message}")
    return problems


def doubles(manifests: list[dict]) -> list[str]:
    names = [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in manifests]
    return [name for name in set(names) if names.count(name) > 1]


def not_refused(chart: helm.Chart, values: dict, named: str) -> list[str]:
    try:
        chart.validate_schema(values)
        chart.render(values, name="release")
    except helm.HelmError as error:
        return [] if named in str(error) else [f"{values} is refused without a word of {named}: {error}"]
    return [f"{values} is not refused"]


sys.exit(main())
