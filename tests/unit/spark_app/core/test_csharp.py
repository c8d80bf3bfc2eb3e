"""What counts as a Unity script, and what is said about one that doesn't."""

import time
from string import Template

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.providers.answers import SCRIPTS
from spark_app.core.csharp import MAX_FINDINGS, analyse, extract_code

GOOD = """using UnityEngine;

public class Mover : MonoBehaviour
{
    private void Update()
    {
        transform.Translate(Vector3.forward * Time.deltaTime);
    }
}
"""


def messages(code: str, name: str | None = "Mover") -> list[str]:
    return [str(problem) for problem in analyse(code, name).problems]


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.cs")), ids=lambda path: path.stem)
def test_plausible_scripts_pass(path) -> None:  # type: ignore[no-untyped-def]
    code = Template(path.read_text()).substitute(name=path.stem, a=3, b=2, c=9)
    analysis = analyse(code, path.stem)
    assert analysis.valid, analysis.problems
    assert analysis.warnings == ()
    assert analysis.class_name == path.stem


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (GOOD.replace("class Mover", "class Other"), "line 3: the class is 'Other'"),
        (GOOD.replace("public class", "class"), "there is no public class"),
        (GOOD.replace("using UnityEngine;", ""), "line 3: 'MonoBehaviour' is unknown here"),
        (GOOD.replace("class Mover", "static class Mover"), "can't be static"),
        (GOOD.replace("Mover :", "Mover<T> :"), "can't be generic"),
        (GOOD.replace("private void Update", "public Mover() { } void Update"), "constructor"),
        (GOOD.replace("Vector3.forward", "new Mover()"), "line 7: 'new Mover()' makes no"),
        (GOOD + "public class Second { }\n", "line 10: 'Second' is a second public class"),
        (GOOD + "```\n", "line 10: a Markdown fence is left"),
        (GOOD.replace("Time.deltaTime);", "Time.deltaTime"), "line 7:"),
        (GOOD[:-3], "line 3: syntax error near"),
        ("", "line 1: there is no public class"),
        ("I can't help with that.", "line 1:"),
    ],
)
def test_what_is_wrong_is_named_by_line(code: str, said: str) -> None:
    found = messages(code)
    assert any(said in message for message in found), found


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (GOOD.replace("void Update", "void update"), "is 'Update' meant?"),
        (GOOD.replace("public class", "public abstract class"), "can't be attached"),
        ("using UnityEditor;\n" + GOOD, "UnityEditor is not there in a built game"),
    ],
)
def test_what_is_odd_is_a_warning(code: str, said: str) -> None:
    analysis = analyse(code, "Mover")
    assert analysis.valid, analysis.problems
    assert any(said in warning.message for warning in analysis.warnings)


@pytest.mark.parametrize(
    "code",
    [
        f"namespace Game\n{{\n{GOOD.removeprefix('using UnityEngine;')}}}\nusing UnityEngine;\n",
        GOOD.replace(": MonoBehaviour", ": UnityEngine.MonoBehaviour").replace("using", "// using"),
        GOOD.replace("MonoBehaviour", "ScriptableObject"),
        "public static class Mover\n{\n    public static int One() => 1;\n}\n",
        GOOD + "public enum Mode { Slow, Fast }\ninternal class Helper { }\n",
        "#if UNITY_EDITOR\nusing UnityEditor;\n#endif\n" + GOOD,
        GOOD.replace(
            "    private void Update()",
            "#if DEBUG\n    private void Update()\n#else\n    public void Update()\n#endif",
        ),
    ],
)
def test_other_shapes_pass(code: str) -> None:
    if code.startswith("namespace"):
        code = "using UnityEngine;\n" + code.replace("using UnityEngine;\n", "")
    assert messages(code) == []


def test_the_component_is_the_main_class() -> None:
    code = "using UnityEngine;\npublic class Data { }\n" + GOOD.removeprefix("using UnityEngine;")
    assert analyse(code).class_name == "Mover"


@pytest.mark.parametrize(
    "answer",
    [
        f"Here:\n```csharp\n{GOOD}```\nEnjoy.",
        f"```cs\n{GOOD}\n```",
        f"```C#\r\n{GOOD}```",
        f"```\n{GOOD}```",
        GOOD,
        f"```json\n{{}}\n```\nand\n```csharp\n{GOOD}```",
        f"```csharp\n{GOOD}",
    ],
)
def test_the_code_is_taken_out_of_an_answer(answer: str) -> None:
    assert extract_code(answer) == GOOD


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_a_bounded_verdict(text: str) -> None:
    analysis = analyse(extract_code(text))
    assert len(analysis.problems) <= MAX_FINDINGS
    lines = extract_code(text).count("\n") + 1
    assert all(1 <= problem.line <= lines for problem in analysis.problems)


@given(st.integers(0, len(GOOD) - 1))
@settings(deadline=None)
def test_a_cut_script_never_passes(length: int) -> None:
    assert not analyse(GOOD.rstrip()[: length - 2], "Mover").valid or length >= len(GOOD)


MOST = 200_000
"""Characters that an export may send."""


@pytest.mark.parametrize(
    "code",
    [
        "namespace a{" * 8000 + "}" * 8000,
        GOOD + "\n" * (MOST - len(GOOD)),
        GOOD.replace("transform", "(" * (MOST - 1000) + "transform"),
        GOOD.replace("transform", "a<b>(c)+" * (MOST // 10) + "transform"),
        GOOD.replace("transform", "class a{" * (MOST // 10) + "transform"),
        "#if A\n" * (MOST // 8) + GOOD + "\n" * (MOST // 5),
        GOOD + "```\n" * (MOST // 5),
        GOOD.replace("transform", "new Mover() + " * (MOST // 15) + "transform"),
    ],
    ids=[
        "spaces",
        "lines",
        "parentheses",
        "generics",
        "classes",
        "conditions",
        "fences",
        "creations",
    ],
)
def test_no_code_keeps_the_process_busy(code: str) -> None:
    assert len(code) <= MOST + 300
    began = time.thread_time()
    analysis = analyse(code, "Mover")
    assert time.thread_time() - began < 2.0
    assert len(analysis.problems) <= MAX_FINDINGS


def test_code_that_takes_too_long_is_refused_in_words() -> None:
    code = GOOD.replace("transform", "a<b>(c)+" * 20_000 + "transform")
    assert messages(code) == ["line 1: the code takes too long to read; write a simpler file"]


def test_only_the_first_branch_of_each_condition_counts() -> None:
    odd = "#if A\n#if B\n#else\n}\n#endif\n#elif C\n#if D\n#endif\n}\n#else\n}\n#endif\n#endif\n"
    assert analyse(odd + GOOD, "Mover").valid
    assert not analyse(odd.replace("#elif C", "") + GOOD, "Mover").valid
