"""What the demo applies: its namespace, its providers and users, and the resource itself."""

from __future__ import annotations

import json
from typing import Any

NAMESPACE = "spark-demo"
NAME = "spark"
RATE = 60
"""Users' requests per second: evidence is counted in requests, and a story should not drag on."""
PORT = 8080
STEPS = (25, 50, 100)
"""The default plan without its 5%: of four replicas that is one pod, as 25% is."""
STEP_SECONDS = 10
_PLAN = {"anthropic": {"latency": {"median": 0.15, "p95": 0.4}}}

Manifest = dict[str, Any]


def base(tools: str) -> list[Manifest]:
    """Return the namespace, the providers' stand-in and the key it takes."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _meta("spark-providers"),
            # The stand-in takes any key: this one opens nothing
            "stringData": {"anthropic": "sk-ant-stand-in"},
        },
        *_server("providers", tools, ["dev.providers", "--faults", json.dumps(_PLAN)]),
    ]


def users(tools: str) -> list[Manifest]:
    """Return the users, who start asking as soon as their pod runs."""
    arguments = ["dev.users", "--target", f"http://{NAME}", "--rate", str(RATE)]
    return _server("users", tools, arguments)


def spark(image: str) -> Manifest:
    """Return the SparkDeployment at a release; only the steps are shorter than by default."""
    return {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": _meta(NAME),
        "spec": {
            "image": image,
            "replicas": 4,
            "config": {
                "ANTHROPIC_BASE_URL": f"http://providers:{PORT}",
                "SPARK_ALLOW_ANONYMOUS": "true",
            },
            "secrets": {"anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"}},
            "strategy": {
                "canary": {
                    "steps": [
                        {"weight": weight, "minDuration": f"{STEP_SECONDS}s"} for weight in STEPS
                    ]
                }
            },
            "guard": {"duration": "0s"},
        },
    }


def proxied(service: str, path: str) -> str:
    """Return the API server's path to a path of one of the demo's services."""
    return f"/api/v1/namespaces/{NAMESPACE}/services/{service}:{PORT}/proxy{path}"


def watched(seconds: int) -> str:
    """Return the API server's path that watches the resource for ``seconds``."""
    return (
        f"/apis/spark.dev/v1alpha1/namespaces/{NAMESPACE}/sparkdeployments"
        f"?watch=true&timeoutSeconds={seconds}&fieldSelector=metadata.name%3D{NAME}"
    )


def _server(name: str, image: str, arguments: list[str]) -> list[Manifest]:
    labels = {"app": name}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _meta(name),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": _pod(name, image, arguments),
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _meta(name),
            "spec": {"selector": labels, "ports": [{"port": PORT, "targetPort": PORT}]},
        },
    ]


def _pod(name: str, image: str, arguments: list[str]) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Two look-ups side by side from one port race in the kernel's address translation, and the
        # loser waits for seconds: https://github.com/kubernetes/kubernetes/issues/56903
        "dnsConfig": {"options": [{"name": "single-request-reopen"}]},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": name,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": [*arguments, "--port", str(PORT)],
                "ports": [{"containerPort": PORT}],
                "readinessProbe": {
                    "httpGet": {"path": "/livez", "port": PORT},
                    "periodSeconds": 1,
                },
                "resources": {
                    "requests": {"cpu": "20m", "memory": "64Mi"},
                    "limits": {"memory": "256Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }


def _meta(name: str) -> Manifest:
    return {"name": name, "namespace": NAMESPACE}
