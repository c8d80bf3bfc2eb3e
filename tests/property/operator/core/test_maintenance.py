"""Random histories with maintenance and freezes in them: no rule broken, nobody blamed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from spark_operator.api.fields import format_time
from tests.property.operator.core.test_histories import NAMES, NATURES, Histories
from tests.property.operator.core.world import Nature
from tests.unit.operator.core.builders import IMAGES

AFTERMATH = 15
EXCUSED = frozenset({"ReleaseQuarantined"})


class Windows(Histories):
    """All that happens in other histories, and the service is closed now and then."""

    def moment(self, seconds: float) -> str:
        """A time from now, as a spec has it."""
        return format_time(datetime.fromtimestamp(int(self.world.now + seconds), UTC))

    def clear_the_way(self) -> None:
        super().clear_the_way()
        self.world.apply(maintenance={}, freeze=[])
        if self.world.status.maintenance is not None:
            self.run_for(AFTERMATH + 1)

    def blamed(self) -> set[str]:
        """Releases in quarantine for what they did, not for what they were before."""
        entries = self.world.status.quarantine
        return {item.release for item in entries if item.reason not in EXCUSED}

    @rule(begins=st.integers(1, 20), lasts=st.integers(1, 30), announce=st.sampled_from([0, 5, 60]))
    def schedule(self, begins: int, lasts: int, announce: int) -> None:
        window = {"from": self.moment(begins), "until": self.moment(begins + lasts)}
        self.world.apply(maintenance={**window, "announce": f"{announce}s"})
        self.settle()

    @rule(enabled=st.booleans(), seconds=st.integers(0, 20))
    def switch(self, enabled: bool, seconds: int) -> None:
        self.world.apply(maintenance={"enabled": enabled})
        self.run_for(seconds)

    @rule(
        version=st.sampled_from([1, 2, 3]),
        seconds=st.integers(1, 20),
        gone=st.booleans(),
        killed=st.booleans(),
    )
    def everything_fails_inside(self, version: int, seconds: int, gone: bool, killed: bool) -> None:
        """What happens in maintenance, and right after it, is nobody's fault."""
        self.world.apply(rollback={"automatic": True}, maintenance={"enabled": True})
        self.settle()
        before = self.blamed()
        for each, was in NATURES.items():
            self.world.behave(NAMES[each], Nature(errors=1.0, starts=was.starts, image=was.image))
        self.world.scrapes = not gone
        self.world.apply(image=IMAGES[version])
        self.run_for(seconds)
        self.world.apply(maintenance={})
        if killed:
            self.world.restart()
        self.run_for(1)
        assert self.blamed() <= before, "a release is blamed for maintenance"
        for each, was in NATURES.items():
            self.world.behave(NAMES[each], was)
        self.world.scrapes = True
        self.run_for(AFTERMATH - 2)
        assert self.blamed() <= before, "a release is blamed for what comes right after"

    @rule(version=st.sampled_from(sorted(IMAGES)), seconds=st.integers(1, 40))
    def freeze(self, version: int, seconds: int) -> None:
        """What is applied in a freeze starts when it is over, unless it is a way back."""
        status = self.world.status
        assume(status.stable is not None and status.candidate is None)
        tried = {entry.release for entry in status.history}
        until = self.moment(seconds + 1)
        self.world.apply(freeze=[{"from": self.moment(-1), "until": until}])
        self.world.apply(image=IMAGES[version])
        self.run_for(seconds)
        role = self.world.status.candidate
        started = role is not None and role.release == NAMES[version] and role.release not in tried
        assert not started, "a new release starts in a freeze"

    @invariant()
    def closed_as_the_spec_says(self) -> None:
        """Status says what the spec and the time say, as of the last decision."""
        spec, found = self.world.resource.spec.maintenance, self.world.status.maintenance
        now = datetime.fromtimestamp(self.world.now, UTC)
        scheduled = spec.from_ and spec.until and spec.from_ <= now < spec.until
        closed = found is not None and found.state == "Active"
        assert closed == bool(spec.enabled or scheduled)


TestWindows: Any = Windows.TestCase
TestWindows.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
