"""Who is calling: API keys, kept as HMAC and compared in constant time.

A key is ``user-{userId}-{secret}``; its id, ``user-{userId}``, ends at the next hyphen, is no
secret
and is what limits, logs and usage go by. Two keys of one id are valid at once, so that a key can be
rotated.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASTER = "master"
VERIFY = "verify"
"""Id of the key with which a release is verified, whatever that key looks like."""
ANONYMOUS = "anonymous"
SLOTS = 2
MAX_KEYS = 10_000
MIN_LENGTH = 8
_USER = "user-"
MAX_LENGTH = 512
# A user id has no hyphen: a secret may have some, and none of it may be taken for the id.
_KEY = re.compile(r"(user-[A-Za-z0-9][A-Za-z0-9._@]{0,63})-([A-Za-z0-9_+/=.~-]{8,256})")


class KeyListError(ValueError):
    """A list of keys is wrong; the message names the entry by number, never its value."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    key_id: str

    @property
    def master(self) -> bool:
        """Whether the caller may use the admin endpoints."""
        return self.key_id == MASTER

    @property
    def may_pass_maintenance(self) -> bool:
        """Whether the caller is served while the service is closed to users."""
        return self.key_id in {MASTER, VERIFY}


def claimed_id(presented: str) -> str:
    """Whose key this would be if it were one; at most 69 characters, and none of a secret."""
    match = _KEY.fullmatch(presented) if len(presented) <= MAX_LENGTH else None
    return match.group(1) if match else MASTER


def parse_keys(text: str) -> dict[str, list[str]]:
    """Read ``SPARK_API_KEYS``: keys by id, separated by commas or white space.

    Raises:
        KeyListError: an entry is malformed, or an id has more keys than slots.
    """
    found: dict[str, list[str]] = {}
    for number, entry in enumerate(re.split(r"[,\s]+", text.strip(", \t\r\n")), start=1):
        if not entry:
            continue
        match = _KEY.fullmatch(entry)
        if match is None:
            raise KeyListError(
                f"entry {number} is not of the form user-USERID-SECRET (8 to 256 characters)"
            )
        keys = found.setdefault(match.group(1), [])
        keys.append(entry)
        if len(keys) > SLOTS:
            raise KeyListError(
                f"{match.group(1)} has more than {SLOTS} keys; remove the oldest (an id ends at its"
                " second hyphen)"
            )
        if number > MAX_KEYS:
            raise KeyListError(f"there are more than {MAX_KEYS} keys")
    return found


def parse_masters(text: str) -> tuple[str, ...]:
    """Read ``SPARK_MASTER_API_KEY``: one or two keys, separated by commas.

    Raises:
        KeyListError: one is too short or too long to be a key, or there are more than two.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(found) > SLOTS:
        raise KeyListError(f"there are more than {SLOTS} master keys; remove the oldest")
    for number, key in enumerate(found, start=1):
        if not MIN_LENGTH <= len(key) <= MAX_LENGTH:
            raise KeyListError(
                f"master key {number} must have {MIN_LENGTH} to {MAX_LENGTH} characters"
            )
    return found


class KeyRing:
    """The keys that are valid now.

    Args:
        pepper: secret of this process; digests are worthless without it.
        enabled: whether callers need a key. That there are no keys does not say so: a list that
            has become empty must let nobody in, not everybody.
        verification: the key of whoever verifies a release, valid beside the lists.

    Attributes:
        in_doubt: whether it is not known who may come in; then nobody may.
    """

    def __init__(
        self, pepper: bytes, *, enabled: bool = True, verification: str | None = None
    ) -> None:
        self._pepper = pepper
        self.enabled = enabled
        self._digests: dict[str, tuple[bytes, ...]] = {}
        self._revoked: frozenset[str] = frozenset()
        self._listed: frozenset[str] = frozenset()
        self._verification = None if verification is None else self._digest(verification)
        self._dummy = self._digest("")
        self.in_doubt: Callable[[], bool] = bool

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids that have a key, revoked ones left out."""
        return tuple(sorted(set(self._digests) - self._revoked - self._listed))

    @property
    def revoked(self) -> tuple[str, ...]:
        """The ids that were revoked."""
        return tuple(sorted(self._revoked | self._listed))

    def replace(self, masters: Iterable[str], users: dict[str, list[str]]) -> None:
        """Take a new list of keys."""
        digests = {key_id: tuple(map(self._digest, keys)) for key_id, keys in users.items()}
        master = tuple(self._digest(key) for key in masters)
        if master:
            digests[MASTER] = master
        self._digests = digests

    def revoke(self, key_id: str) -> bool:
        """Refuse an id from now on, whatever lists say; False when there is no such id."""
        self._revoked |= {key_id}
        return key_id in self._digests

    def restore(self, key_id: str) -> None:
        """Undo ``revoke``; an id that a list revokes stays so until the list lets it go."""
        self._revoked -= {key_id}

    def revoke_listed(self, key_ids: Iterable[str]) -> None:
        """Refuse exactly these ids beside those of ``revoke``: the list that a file holds."""
        self._listed = frozenset(key_ids)

    @property
    def listed(self) -> frozenset[str]:
        """The ids that the list of ``revoke_listed`` names."""
        return self._listed

    def identify(self, presented: str) -> Caller | None:
        """Return the caller with this key, or None."""
        if len(presented) > MAX_LENGTH or self._revokes(presented):
            return None
        match = _KEY.fullmatch(presented)
        key_id = match.group(1) if match else MASTER
        digest = self._digest(presented)
        # Every slot is compared, and an unknown id costs as much as a known one.
        known = self._is(key_id, digest)
        # A master key may happen to look like a user's.
        master = bool(match) and self._is(MASTER, digest)
        verifies = hmac.compare_digest(digest, self._verification or self._dummy)
        if verifies and self._verification and not self._is_revoked(VERIFY):
            return Caller(VERIFY)
        return Caller(key_id) if known else Caller(MASTER) if master else None

    def _is(self, key_id: str, digest: bytes) -> bool:
        slots = self._digests.get(key_id, (self._dummy,))
        equal = [hmac.compare_digest(digest, slot) for slot in slots]
        return any(equal) and key_id in self._digests and not self._is_revoked(key_id)

    def _revokes(self, presented: str) -> bool:
        # Wherever a key is cut into id and secret: who refuses ``user-42`` means ``user-42-…``.
        revoked = self._revoked | self._listed
        if not revoked or not presented.startswith(_USER):
            return presented in revoked
        ends = [i for i, letter in enumerate(presented) if letter == "-" and i >= len(_USER)]
        return presented in revoked or any(presented[:end] in revoked for end in ends)

    def _is_revoked(self, key_id: str) -> bool:
        return key_id in self._revoked or key_id in self._listed

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode("utf-8", "surrogatepass"), hashlib.sha256)
