"""The end of the demo: describe, timeline, users' view, figures, and where to look further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.config import CLONE
from dev.demo.chart import Chart, Mark, render
from dev.demo.manifests import NAME, NAMESPACE, PORT
from dev.demo.story import tag
from dev.demo.timeline import series
from dev.demo.view import rows
from dev.kubectl import Kubectl, KubectlError

if TYPE_CHECKING:
    from dev.cluster.choices.target import Target
    from dev.demo.play import Play
    from dev.demo.summary import Summary
    from dev.demo.teller import Teller
    from spark_operator.api.status.status import LedgerEntry

FOLDER = CLONE / "build" / "demo"
SHARE_BIN, ERROR_BIN = 2.0, 4.0
"""Seconds of one bin in the picture."""
_LOOK = """\
How to look further:
  export KUBECONFIG={kubeconfig}
  kubectl get sdep {name} -n {namespace} --watch
  kubectl describe sdep {name} -n {namespace}
  kubectl get events -n {namespace} --field-selector involvedObject.name={name}
  kubectl logs -n spark-system deploy/spark-operator
  kubectl get --raw /api/v1/namespaces/{namespace}/services/users:{port}/proxy/summary
  picture: {folder}/timeline.svg   figures: {folder}/summary.json
The cluster stays up, with a few users asking for up to an hour; make demo-down removes it."""


async def describe(kube: Kubectl, teller: Teller) -> None:
    """Print what an on-call engineer would read."""
    teller.chapter(f"kubectl describe sdep {NAME} -n {NAMESPACE}")
    try:
        teller.plain(await kube.run("describe", "sdep", NAME, "-n", NAMESPACE))
    except KubectlError as error:
        teller.plain(str(error))


def timeline(play: Play, teller: Teller) -> None:
    """Print all decisions with the time since the first of them."""
    teller.chapter("Timeline")
    ledger = play.rollout.ledger
    for entry in ledger:
        seconds = (entry.at - ledger[0].at).total_seconds()
        image = tag(play.rollout.images.get(entry.release, ""))
        teller.plain(f"  {seconds:6.1f} s  {image:<14} {entry.decision:<15} {entry.message}")


def users_view(play: Play, teller: Teller) -> None:
    """Print what users saw, by chapter and release."""
    found = list(rows(play.chapters(), play.users.results, play.rollout.labels))
    teller.table("What users saw", found)


def figures(summary: Summary, teller: Teller) -> None:
    """Print the figures, write them down, and say so when stable's users saw a failure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "summary.json"
    path.write_text(json.dumps(summary.as_dict(), indent=2) + "\n", encoding="utf-8")
    teller.plain()
    for name, value in summary.as_dict().items():
        teller.plain(f"  {name:<42} {'-' if value is None else value}")
    if summary.stable_errors:
        teller.plain(f"  users of good releases saw {summary.stable_errors} failures")


def picture(play: Play) -> Path:
    """Draw the timeline; returns its path."""
    results = play.users.results
    begin = min((result.at for result in results), default=play.marks.started)
    end = max((result.at for result in results), default=begin + 1.0)
    chart = Chart(
        title="A good release is promoted, a bad one is rolled back",
        duration=end - begin,
        series=series(results, begin, end, share_bin=SHARE_BIN, error_bin=ERROR_BIN),
        labels=play.rollout.labels,
        marks=[
            Mark(entry.at.timestamp() - begin, _caption(play, entry))
            for entry in play.rollout.ledger
            if entry.at.timestamp() >= begin
        ],
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "timeline.svg"
    path.write_text(render(chart), encoding="utf-8")
    return path


def look_further(target: Target, teller: Teller) -> None:
    """Print commands that show more."""
    teller.plain()
    text = _LOOK.format(
        kubeconfig=_short(target.kubeconfig),
        name=NAME,
        namespace=NAMESPACE,
        port=PORT,
        folder=_short(FOLDER),
    )
    teller.plain(text)


def _caption(play: Play, entry: LedgerEntry) -> str:
    image = tag(play.rollout.images.get(entry.release, ""))
    return f"{image} {entry.decision}: {entry.message}"


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
