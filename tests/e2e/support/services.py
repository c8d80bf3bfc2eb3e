"""What releases depend on, as pods in a namespace of their own that all tests share.

PostgreSQL (a database for each test module), Redis, NATS, a mail server that prints what it takes,
and a sink for what goes to Slack, PagerDuty and webhooks.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.support.stage import TOOLS

if TYPE_CHECKING:
    from dev.kubectl import Kubectl

NAMESPACE = "spark-e2e"
IMAGE = "localhost/spark-services:dev"
SYSTEM = "spark-system"
HTTP_PORT = 8080
PORTS = {"postgres": 5432, "redis": 6379, "nats": HTTP_PORT, "mail": 8025, "sink": HTTP_PORT}
REDIS_DATABASES = 4096
POSTGRES = (
    'printf %s "$POSTGRES_PASSWORD" > /tmp/password\n'
    "initdb -D /tmp/db -U spark --auth-local=trust --auth-host=scram-sha-256"
    " --pwfile=/tmp/password --no-sync >/dev/null\n"
    "echo 'host all all all scram-sha-256' >> /tmp/db/pg_hba.conf\n"
    "exec postgres -D /tmp/db -k /tmp -c listen_addresses=* -c fsync=off"
    " -c shared_buffers=16MB -c max_connections=100"
)
COMMANDS: dict[str, list[str]] = {
    "postgres": [
        "sh",
        "-ec",
        POSTGRES,
    ],
    "redis": [
        *("redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no"),
        *("--databases", str(REDIS_DATABASES)),
    ],
    "nats": ["nats-server", "-c", "/etc/nats/nats.conf"],
    "mail": ["/usr/bin/python3", "-u", "-m", "aiosmtpd", "-n", "-l", "0.0.0.0:8025"],
    "sink": ["python", "-m", "dev.sinks", "--port", str(HTTP_PORT)],
}
NATS = (
    f'listen: "0.0.0.0:4222"\nwebsocket {{ listen: "0.0.0.0:{HTTP_PORT}", no_tls: true }}\n'
    'store_dir: "/tmp/nats"\n'
)

Manifest = dict[str, Any]


def credentials() -> list[Manifest]:
    """The operator's own Secrets: where its channels are."""
    sink = f"http://sink.{NAMESPACE}:{HTTP_PORT}"
    values = {
        "spark-slack": {"url": f"{sink}/slack"},
        "spark-pagerduty": {"routing-key": "0123456789abcdef0123456789abcdef"},
        "spark-smtp": {"url": f"smtp+plain://mail.{NAMESPACE}:{PORTS['mail']}"},
    }
    allowed = {"allowed-namespaces": "*"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}},
        *(
            _object("Secret", name, SYSTEM, stringData=data | allowed)
            for name, data in values.items()
        ),
    ]


def _object(kind: str, name: str, namespace: str, **members: Any) -> Manifest:
    version = "apps/v1" if kind == "Deployment" else "v1"
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **members}


def _deployment(name: str) -> Manifest:
    image = TOOLS if name == "sink" else IMAGE
    container: Manifest = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": COMMANDS[name],
        "readinessProbe": {"tcpSocket": {"port": PORTS[name]}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
        "env": [
            {
                "name": "POSTGRES_PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "postgres", "key": "password"}},
            }
        ],
        "volumeMounts": [{"name": "nats", "mountPath": "/etc/nats"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532},
        "containers": [container],
        "volumes": [{"name": "nats", "configMap": {"name": "nats"}}],
    }
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return _object("Deployment", name, NAMESPACE, spec=spec)


def _service(name: str, selected: str) -> Manifest:
    ports = [{"port": PORTS[name], "targetPort": PORTS[name]}]
    return _object("Service", name, NAMESPACE, spec={"selector": {"app": selected}, "ports": ports})


@dataclass(frozen=True)
class Services:
    """The shared services, once they run."""

    kubectl: Kubectl

    async def start(self) -> None:
        """Bring them all up; what runs already stays."""
        password = secrets.token_hex(16)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        existing = await self.kubectl.run(
            "get", "secret", "postgres", f"--namespace={NAMESPACE}", "--ignore-not-found", "-o=name"
        )
        secret = _object("Secret", "postgres", NAMESPACE, stringData={"password": password})
        objects = [
            namespace,
            *([] if existing else [secret]),
            _object("ConfigMap", "nats", NAMESPACE, data={"nats.conf": NATS}),
            *(_deployment(name) for name in PORTS),
            *(_service(name, name) for name in PORTS),
        ]
        await self.kubectl.apply(objects)
        await asyncio.gather(*map(self.ready, PORTS))

    async def ready(self, name: str) -> None:
        """Wait until one answers."""
        await self.kubectl.run(
            "rollout", "status", f"deployment/{name}", f"--namespace={NAMESPACE}",
            "--timeout=90s", seconds=100,
        )  # fmt: skip

    async def stop(self, name: str) -> None:
        """End one, and wait until nothing of it is left."""
        await self._scale(name, 0)
        await self.kubectl.run(
            "wait", "--for=delete", "pod", f"--selector=app={name}", f"--namespace={NAMESPACE}",
            "--timeout=60s", seconds=70,
        )  # fmt: skip

    async def restart(self, name: str) -> None:
        """Bring one back that was stopped, with nothing in it."""
        await self._scale(name, 1)
        await self.ready(name)

    async def _scale(self, name: str, replicas: int) -> None:
        await self.kubectl.run(
            "scale", f"deployment/{name}", f"--replicas={replicas}", f"--namespace={NAMESPACE}"
        )

    async def cut(self, *names: str) -> None:
        """Have nobody answer at these addresses; what is behind them keeps what it has."""
        await self.kubectl.apply([_service(name, "nobody") for name in names])

    async def join(self, *names: str) -> None:
        """End a cut."""
        await self.kubectl.apply([_service(name, name) for name in names])

    async def sql(self, database: str, statement: str) -> list[list[str]]:
        """Run SQL as the superuser; rows of texts."""
        text = await self.kubectl.run(
            "exec", "deployment/postgres", f"--namespace={NAMESPACE}", "--",
            "psql", "--host=/tmp", "-U", "spark", "-d", database, "-v", "ON_ERROR_STOP=1",
            "-qAt", "-F", "\t", "-c", statement,
        )  # fmt: skip
        return [line.split("\t") for line in text.splitlines()]

    async def database(self, name: str) -> str:
        """Make an empty database with an owner of the same name; its URL, with the password."""
        password = secrets.token_hex(16)
        for statement in (
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            f"DROP ROLE IF EXISTS {name}",
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
            f"CREATE DATABASE {name} OWNER {name}",
        ):
            await self.sql("postgres", statement)
        return f"postgresql://{name}:{password}@postgres.{NAMESPACE}:5432/{name}"

    async def cache(self, name: str) -> str:
        """Give ``name`` a Redis of its own with nothing in it: users ask the same in every run."""
        number = zlib.crc32(name.encode()) % REDIS_DATABASES
        await self.kubectl.run(
            "exec", "deployment/redis", f"--namespace={NAMESPACE}", "--",
            "redis-cli", "-n", str(number), "flushdb",
        )  # fmt: skip
        return f"redis://redis.{NAMESPACE}:6379/{number}"

    async def received(self, path: str) -> list[Manifest]:
        """What came to a path of the sink, oldest first."""
        proxy = f"/api/v1/namespaces/{NAMESPACE}/services/sink:{HTTP_PORT}/proxy/received"
        found = [json.loads(line) for line in (await self.kubectl.raw(proxy)).splitlines()]
        return [it | {"body": json.loads(it["body"])} for it in found if it["path"] == path]

    async def mails(self) -> list[str]:
        """Mails that came, as they are."""
        text = await self.kubectl.run(
            "logs", "deployment/mail", f"--namespace={NAMESPACE}", "--tail=-1"
        )
        return text.split("MESSAGE FOLLOWS")[1:]
