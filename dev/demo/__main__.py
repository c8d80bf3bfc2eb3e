"""``python -m dev.demo``: the whole story on a real cluster; ``python -m dev.demo down`` ends it.

The exit status is 0 only if the good release was promoted and the bad one rolled back.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from dev.cluster.choices import target as targets
from dev.cluster.errors import ClusterError
from dev.cluster.machine.progress import Progress
from dev.demo import report
from dev.demo.errors import DemoError
from dev.demo.play import Images, Play
from dev.demo.setup import client, install, make_stage, remove
from dev.demo.summary import Marks, summarise
from dev.demo.teller import Teller
from dev.kubectl import Kubectl, KubectlError

if TYPE_CHECKING:
    from dev.cluster.choices.target import Target

OUTCOME = "release 2 was promoted and release 3 rolled back"


def main() -> int:
    """Play the demo or take it away; return the exit status."""
    parser = argparse.ArgumentParser(prog="dev.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "down"), default="run")
    options = parser.parse_args()
    progress, marks = Progress(), Marks(started=time.time())
    try:
        target = targets.resolve()
        if options.command == "down":
            asyncio.run(remove(target, progress))
            return 0
        images = make_stage(target, progress)
        return asyncio.run(_run(target, progress, images, marks))
    except (ClusterError, KubectlError) as error:
        print(f"The demo could not go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; make demo-down removes what is there.", file=sys.stderr)
        return 130


async def _run(target: Target, progress: Progress, images: Images, marks: Marks) -> int:
    kube, teller = client(target), Teller(progress)
    play = Play(kube, teller, images, marks)
    with progress.step("installing CRD and operator, the providers' stand-in and a key for it"):
        await asyncio.gather(install(kube), play.stage())
    outcome, status = OUTCOME, 0
    try:
        await play.play()
    except (DemoError, KubectlError) as error:
        outcome, status = str(error), 1
    marks.ended = marks.ended or time.time()
    await _end(play, kube, teller, target, images, outcome)
    teller.chapter(f"{'Done' if status == 0 else 'Failed'}: {outcome}")
    return status


async def _end(
    play: Play, kube: Kubectl, teller: Teller, target: Target, images: Images, outcome: str
) -> None:
    await report.describe(kube, teller)
    report.timeline(play, teller)
    report.users_view(play, teller)
    summary = summarise(
        target.label,
        play.marks,
        play.rollout.release_of(images.bad),
        play.users.results,
        unsent=play.users.unsent,
        outcome=outcome,
    )
    report.figures(summary, teller)
    report.picture(play)
    report.look_further(target, teller)


if __name__ == "__main__":
    sys.exit(main())
