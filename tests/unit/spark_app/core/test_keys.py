"""API keys: which are valid, for whom, and what a rotation does."""

import pytest

from spark_app.core.keys import KeyListError, KeyRing, parse_keys

ALICE = "user-alice-0123456789abcdef"
ALICE_NEW = "user-alice-fedcba9876543210"
BOB = "user-bob-smith-aaaabbbbcccc"
MASTER = "master-key-0123456789"


def ring(*keys: str, masters: tuple[str, ...] = (MASTER,)) -> KeyRing:
    made = KeyRing(b"pepper")
    made.replace(masters, parse_keys(",".join(keys)))
    return made


def caller(keys: KeyRing, presented: str) -> str | None:
    found = keys.identify(presented)
    return found.key_id if found else None


def test_a_key_names_its_user_and_the_last_dash_begins_the_secret() -> None:
    keys = ring(ALICE, BOB)
    assert caller(keys, ALICE) == "user-alice"
    assert caller(keys, BOB) == "user-bob-smith"
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
    assert caller(keys, BOB) == "user-bob-smith"
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
