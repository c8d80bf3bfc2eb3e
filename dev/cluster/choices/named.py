"""A cluster that the user names, used as it is and never changed by this tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.cluster.errors import NoClusterError, PreconditionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dev.cluster.machine.progress import Progress

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Named:
    """The cluster behind a kubeconfig."""

    kubeconfig: Path
    label: str = "named"

    def up(self, progress: Progress) -> None:
        """Check that it answers.

        Raises:
            NoClusterError: the file is missing, or the cluster behind it does not answer.
        """
        progress.say(f"using {self.kubeconfig}: Kubernetes {self._version()}")

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Leave it alone."""
        progress.say(f"{self.kubeconfig} is your own cluster: left as it is")

    def status(self) -> tuple[bool, list[str]]:
        """Tell whether it answers."""
        try:
            return True, [f"{self.kubeconfig}: Kubernetes {self._version()}"]
        except NoClusterError as error:
            return False, [str(error)]

    def images(self) -> dict[str, str]:
        """Return nothing: what such a cluster can pull is not known here."""
        return {}

    def blobs(self) -> frozenset[str]:
        """Return nothing: what such a cluster has is not known here."""
        return frozenset()

    def load(self, archive: Path, digests: Mapping[str, str]) -> None:
        """Refuse: how images reach a cluster of the user's own is the user's to say."""
        raise PreconditionError(
            "Images can't be put into a cluster of your own from here: write them to a file with"
            " python -m dev.images save FILE, import that into its nodes, and set"
            " SPARK_IMAGES=loaded."
        )

    def _version(self) -> str:
        # Takes half a second, which no other target needs to spend.
        import kubernetes  # noqa: PLC0415

        if not self.kubeconfig.is_file():
            raise NoClusterError(f"{self.kubeconfig} does not exist: name a kubeconfig that does.")
        try:
            client = kubernetes.config.new_client_from_config(  # type: ignore[no-untyped-call]
                str(self.kubeconfig)
            )
            code = kubernetes.client.VersionApi(client).get_code(_request_timeout=TIMEOUT_SECONDS)
        except Exception as error:
            raise NoClusterError(
                f"The cluster of {self.kubeconfig} does not answer: check that it runs and that"
                f" the file's current context is the one you mean. ({error})"
            ) from error
        return str(code.git_version)
