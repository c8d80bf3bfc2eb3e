"""No section of the runbook is without an answer, and every answer says who does it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "runbook.md"
LINES = {
    "Pre-Deployment Checklist": (
        *("tests", "linter", "types", "build", "security scan", "environment variables"),
        *("API keys", "database", "Redis", "NATS", "changelog", "API documentation"),
        "deployment notes",
    ),
    "Environment Setup": (
        *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "NODE_ENV", "NEXT_PUBLIC_APP_URL"),
        *("SPARK_MASTER_API_KEY", "SPARK_API_KEYS", "DATABASE_URL", "REDIS_URL"),
        *("NEXT_PUBLIC_NATS_WS_URL", "SENTRY_DSN", "ERROR_TRACKING_URL"),
        *("development", "staging", "production"),
    ),
    "Deployment Procedures": (
        *("develop", "main", "install", "build", "docker build", "docker run", "Vercel"),
        *("kubectl apply", "kubectl rollout status", "health", "metrics"),
    ),
    "Post-Deployment Verification": (
        *("basic health", "circuit breaker", "metrics available", "generate a script"),
        *("export a script", "15 s", "2 s", "100 ms", "error rate"),
    ),
    "Rollback Procedures": (
        *("quick rollback", "Vercel", "Docker", "kubectl rollout undo", "full rollback"),
        *("redeploy", "verify", "database rollback", "to a version"),
    ),
    "Troubleshooting": (
        *("health check failing", "keys", "external services", "breakers", "error logs"),
        *("high error rates", "error tracker", "key quotas", "slow response times"),
        *("cache hit rates", "providers", "connection pool", "resources", "rate limiting"),
        *("per-user limits", "reset times", "increasing limits", "logs", "metrics"),
        *("error statistics", "a key tried"),
    ),
    "Monitoring & Alerts": (
        *("request rates", "error rates by severity", "performance", "cache hit rates"),
        *("breaker states and failures", "10% and 5%", "5 minutes", "P95 10 s", "50%"),
        *("e-mail", "Slack", "PagerDuty"),
    ),
    "Emergency Procedures": (
        *("service outage", "health", "error logs", "external services", "AI provider down"),
        *("switch providers", "tell users", "application down", "roll back", "resources"),
        *("recent deployments", "API key compromised", "rotate", "revoke", "access logs"),
        *("data breach", "isolate", "audit logs", "security team"),
    ),
    "Maintenance Windows": (
        *("weekly", "monthly", "quarterly", "announce", "maintenance mode", "updates"),
        *("verification", "resume", "monitor"),
    ),
    "Support Contacts": ("DevOps", "on-call", "Slack", "review"),
}
"""What the runbook has a person do, look at or know, by its sections."""
ANSWERS = ("Done", "Shown", "By hand")


def _answers(section: str) -> list[list[str]]:
    text = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    body = next((part for part in text if part.startswith(section + "\n")), "")
    rows = [line for line in body.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


@pytest.mark.parametrize("section", LINES)
def test_every_section_is_answered(section: str) -> None:
    answers = _answers(section)
    assert answers, f"{section} has no answer in {PAGE.name}"
    for line, answer, how in answers:
        assert answer in ANSWERS, f"{line}: {answer!r} is none of {ANSWERS}"
        assert how
    asked = " ".join(line for line, _, _ in answers)
    for line in LINES[section]:
        assert line in asked, f"{section}: nothing answers {line!r}"


def test_the_sections_are_the_runbooks_in_its_order() -> None:
    assert re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE) == list(LINES)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([a-z-]+\.md)\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target
