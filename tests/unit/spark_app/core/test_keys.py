"""API keys: which are valid, for whom, and what a rotation does."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_app.core.keys import KeyListError, KeyRing, claimed_id, parse_keys
from spark_app.core.revocations import RevocationListError, read_revocations

ALICE = "user-alice-0123456789abcdef"
ALICE_NEW = "user-alice-fedcba9876543210"
BOB = "user-bob-smith-aaaabbbbcccc"
MASTER = "master-key-0123456789"
VERIFIER = "verification-key-0123"


def ring(*keys: str, masters: tuple[str, ...] = (MASTER,)) -> KeyRing:
    made = KeyRing(b"pepper")
    made.replace(masters, parse_keys(",".join(keys)))
    return made


def caller(keys: KeyRing, presented: str) -> str | None:
    found = keys.identify(presented)
    return found.key_id if found else None


def test_a_key_names_its_user_and_the_first_dash_behind_begins_the_secret() -> None:
    keys = ring(ALICE, BOB)
    assert caller(keys, ALICE) == "user-alice"
    assert caller(keys, BOB) == "user-bob"
    assert caller(keys, MASTER) == "master"


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "x",
        ALICE[:-1],
        ALICE + "0",
        "user-alice-aaaabbbbcccc",
        "user-eve-0123456789abcdef",
        "user-bob-0123456789abcdef",
        "user-alice-" + "x" * 600,
        "schlüssel-ä",
        MASTER[:-1],
    ],
)
def test_anything_else_is_nobody(presented: str) -> None:
    assert caller(ring(ALICE, BOB), presented) is None


def test_two_keys_of_one_id_are_valid_during_a_rotation_then_the_old_one_ends() -> None:
    keys = ring(ALICE)
    keys.replace([MASTER], parse_keys(f"{ALICE},{ALICE_NEW}"))
    assert caller(keys, ALICE) == caller(keys, ALICE_NEW) == "user-alice"
    keys.replace([MASTER], parse_keys(ALICE_NEW))
    assert caller(keys, ALICE) is None
    assert caller(keys, ALICE_NEW) == "user-alice"


def test_two_masters_are_valid_and_one_may_look_like_a_user() -> None:
    keys = ring(ALICE, masters=(MASTER, "user-root-0123456789"))
    assert caller(keys, "user-root-0123456789") == "master"
    assert caller(keys, MASTER) == "master"


def test_a_revoked_id_stays_out_whatever_the_list_says_until_restored() -> None:
    keys = ring(ALICE, BOB)
    assert keys.revoke("user-alice")
    assert not keys.revoke("user-nobody")
    keys.replace([MASTER], parse_keys(f"{ALICE},{ALICE_NEW},{BOB}"))
    assert caller(keys, ALICE) is None
    assert caller(keys, ALICE_NEW) is None
    assert caller(keys, BOB) == "user-bob"
    keys.restore("user-alice")
    assert caller(keys, ALICE) == "user-alice"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alice-0123456789", "entry 1"),
        (f"{ALICE},user-bob-short", "entry 2"),
        (f"{ALICE} {ALICE_NEW}\nuser-alice-third0000", "more than 2 keys"),
    ],
)
def test_a_wrong_list_names_the_entry_and_never_its_value(text: str, said: str) -> None:
    with pytest.raises(KeyListError, match=said) as caught:
        parse_keys(text)
    assert "0123456789" not in str(caught.value)
    assert "short" not in str(caught.value)


def test_no_key_is_kept_in_the_clear() -> None:
    keys = ring(ALICE)
    assert ALICE not in repr(vars(keys))
    assert "0123456789abcdef" not in repr(vars(keys))


@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        ("user-alice", {ALICE, ALICE_NEW}),
        ("user-bob", {BOB}),
        ("user-bob-smith", {BOB}),
        (BOB, {BOB}),
        ("master", {MASTER}),
        ("verify", {VERIFIER}),
        ("user-ali", set()),
        ("user", set()),
        ("alice", set()),
    ],
)
def test_an_entry_refuses_every_key_that_begins_with_it(entry: str, refused: set[str]) -> None:
    everyone = {ALICE, ALICE_NEW, BOB, MASTER, VERIFIER}
    keys = KeyRing(b"pepper", verification=VERIFIER)
    keys.replace([MASTER], parse_keys(f"{ALICE},{ALICE_NEW},{BOB}"))
    assert {key for key in everyone if keys.identify(key) is None} == set()
    keys.revoke_listed([entry])
    assert {key for key in everyone if keys.identify(key) is None} == refused
    keys.revoke_listed([])
    keys.revoke(entry)
    assert {key for key in everyone if keys.identify(key) is None} == refused


def test_each_entry_of_the_list_stands_for_itself() -> None:
    entries = ["user-alice", "bob", 5, None, "", "no id", "master", "a" * 70, "user-é", ["user-x"]]
    found = read_revocations(json.dumps({"revoked": entries, "revision": 7}))
    assert found.key_ids == {"user-alice", "bob", "master"}
    assert found.malformed == (3, 4, 5, 6, 8, 9, 10)


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._@]{0,63}\Z"))
def test_whatever_id_a_key_has_can_be_revoked(user: str) -> None:
    keys = ring(f"user-{user}-0123456789abcdef")
    (key_id,) = [one for one in keys.key_ids if one != "master"]
    found = read_revocations(json.dumps({"revoked": ["!", key_id]}))
    assert found.key_ids == {key_id}
    keys.revoke_listed(found.key_ids)
    assert keys.identify(f"user-{user}-0123456789abcdef") is None


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists), st.text())
def test_any_document_is_a_list_or_an_error_in_words(entries: object, text: str) -> None:
    for document in (json.dumps({"revoked": entries}), json.dumps(entries), text):
        try:
            found = read_revocations(document)
        except RevocationListError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
        else:
            assert all(len(key_id) <= 69 for key_id in found.key_ids)


def test_no_part_of_a_secret_is_taken_for_the_id() -> None:
    first, second = (
        "42-550e8400-e29b-41d4-a716-446655440000",
        "42-6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    )
    keys = ring(f"user-{first}", f"user-{second}")
    assert keys.key_ids == ("master", "user-42")
    assert caller(keys, f"user-{first}") == caller(keys, f"user-{second}") == "user-42"
    keys.revoke("user-42")
    assert caller(keys, f"user-{first}") is None
    assert claimed_id(f"user-{first}") == "user-42"


@given(st.binary(min_size=32, max_size=32))
def test_every_secret_that_python_makes_is_one(drawn: bytes) -> None:
    secret = base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()
    for key_id in ("user-a.b@example.com", "user-42"):
        keys = ring(f"{key_id}-{secret}")
        assert keys.key_ids == ("master", key_id)
        assert caller(keys, f"{key_id}-{secret}") == key_id
