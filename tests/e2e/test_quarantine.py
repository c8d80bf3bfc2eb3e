"""What is let out of quarantine is tried again; a bad configuration does not lock out an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.support.stage import config, image, settled

if TYPE_CHECKING:
    from tests.e2e.support.stage import Stage

BAD = "3.0.0-errors"
GOOD = "3.0.0-late-errors"
"""Good as long as nobody switches its fault on; a configuration can have it on from the start."""


async def test_a_release_that_is_let_out_by_name_is_tried_again(stage: Stage) -> None:
    await stage.apply(image=image(BAD))
    first = await stage.until("rollback", lambda s: s.phase == "RolledBack", seconds=60)
    assert first.failure is not None
    bad, ended = first.failure.release, first.failure.at
    assert [entry.release for entry in first.quarantine] == [bad]
    await stage.annotate("let-out", f"{bad}@e2e")
    again = await stage.until(
        "traffic again",
        lambda s: (
            s.candidate is not None
            and s.candidate.release == bad
            and s.first_traffic_at is not None
            and s.first_traffic_at > ended
        ),
        seconds=60,
    )
    assert [(item.name, item.result) for item in again.requests] == [("let-out", "Done")]
    assert again.quarantine == ()
    second = await stage.until("rollback", lambda s: s.phase == "RolledBack", seconds=60)
    assert [entry.release for entry in second.quarantine] == [bad]
    outcomes = [entry.outcome for entry in second.history if entry.release == bad]
    assert outcomes == ["Failed", "Failed"]


async def test_a_bad_configuration_leaves_a_good_image_usable(stage: Stage) -> None:
    await stage.apply(image=image(GOOD), config=config())
    good = await stage.until("promotion", lambda s: settled(s, GOOD), seconds=90)
    await stage.apply(config=config(FAULT_SWITCHED="false"))
    failed = await stage.until(
        "rollback",
        lambda s: (
            s.phase == "RolledBack" and s.failure is not None and s.failure.image == image(GOOD)
        ),
        seconds=90,
    )
    assert good.stable is not None
    assert failed.failure is not None
    assert failed.failure.outcome == "Failed"
    bad = failed.failure.release
    entry = next(e for e in failed.quarantine if e.release == bad)
    assert entry.digest is None, "a digest that was stable is locked out"
    await stage.apply(config=config(EDITION="mended"))
    mended = await stage.until(
        "promotion of the image with another configuration",
        lambda s: settled(s, GOOD) and s.observed_generation > failed.observed_generation,
        seconds=90,
    )
    assert mended.stable is not None
    assert mended.stable.release not in (good.stable.release, bad)
    assert bad in [e.release for e in mended.quarantine]
