"""What can go wrong with the local cluster; every message is a sentence saying what to do."""

from __future__ import annotations


class ClusterError(Exception):
    """Base of everything ``dev.cluster`` raises on purpose."""


class PreconditionError(ClusterError):
    """The machine lacks something that the cluster needs."""


class SubnetsTakenError(PreconditionError):
    """No address range is left that neither the machine nor another clone uses."""


class CommandError(ClusterError):
    """A command that the cluster depends on failed."""


class ProcessDiedError(ClusterError):
    """A component ended although it should have kept running."""


class NotReadyError(ClusterError):
    """Something did not become ready in its time."""


class BusyError(ClusterError):
    """Another ``up`` or ``down`` of the same clone is at work."""


class NoClusterError(ClusterError):
    """There is no cluster to talk to."""
