"""C# as Unity compiles it: all of C# 9, and nothing of what came after."""

from __future__ import annotations

import pytest

from spark_app.core.csharp import analyse

HEAD = "using UnityEngine;\n"
MOVER = HEAD + "public class Mover : MonoBehaviour\n{\n    private void Update() { }\n}\n"


def within(member: str) -> str:
    """A script with one more member."""
    return MOVER.replace("    private", f"    {member}\n    private")


def inside(statement: str) -> str:
    """A script with one statement."""
    return MOVER.replace("{ }", f"{{ {statement} }}")


LEGAL = {
    "a byte order mark": "\ufeff" + MOVER,
    "two usings on a line": MOVER.replace(HEAD, "using System; using UnityEngine;\n"),
    "a using in the namespace": f"namespace Game {{ {MOVER} }}",
    "a blank within a using": MOVER.replace("using UnityEngine;", "using  UnityEngine ;"),
    "a serializable class beside it": MOVER + "[System.Serializable] public class Slot { }\n",
    "the class beside it first": MOVER.replace(HEAD, HEAD + "public class Slot { }\n"),
    "partial, twice": MOVER.replace("class", "partial class") + "public partial class Mover { }\n",
    "an abstract generic base": (
        HEAD + "public abstract class Mover<T> : MonoBehaviour where T : Component { }\n"
    ),
    "only an interface": "public interface Mover { void Hit(int damage); }\n",
    "only an enum": "public enum Mover { Slow, Fast }\n",
    "only a struct": "public struct Mover { public int x; public Mover(int x) { this.x = x; } }\n",
    "only a delegate": "public delegate void Mover(int speed);\n",
    "only a static class": "public static class Mover { public const int Most = 5; }\n",
    "an internal enum": "enum Mover { Slow }\n",
    "a plain class that is named otherwise": "public class Other { }\n",
    "overloads": within("void F(int a) { } void F(float a) { } void F<T>(T a) { } void F() { }"),
    "an indexer and a property": within("int this[int i] => i; int X => 1;"),
    "an explicit interface": within(
        "int System.IComparable.CompareTo(object o) => 0; int CompareTo(object o) => 0;"
    ),
    "a static and a plain constructor": (
        "public class Mover { static Mover() { } public Mover() { } }\n"
    ),
    "generic and plain of one name": "public class Mover { }\npublic class Mover<T> { }\n",
    "types of one name in two classes": (
        "public class Mover { class In { } class B { class In { } } }\n"
    ),
    "a switch expression": inside("var x = 1 switch { 1 => 2, _ => 3 };"),
    "a range": inside("var x = new int[5][1..^1];"),
    "a target-typed new": within("private System.Collections.Generic.List<int> a = new();"),
    "a pattern": inside("if (this is { enabled: true } and not null) { }"),
    "an index on an array": inside("int[] a = { 1, 2 }; a[0] = 1;"),
    "a nullable": within("private int? a = null; private string b = null!;"),
    "a static local function": inside("static int F(int a) => a; F(1);"),
    "an attribute on a field": within("[SerializeField, Range(0f, 1f)] private float a = 0.5f;"),
    "a coroutine": within("System.Collections.IEnumerator F() { yield return null; }"),
    "a record without parameters": "public record Mover { public int X { get; set; } }\n",
    "init with its type": (
        "namespace System.Runtime.CompilerServices { class IsExternalInit { } }\n"
        "public class Mover { public int X { get; init; } }\n"
    ),
    "a constant in a struct": "public struct Mover { public const int X = 1; static int y = 2; }\n",
    "an interpolated string": inside('var a = $"{1:0.0} {{}}"; var b = $@"c:\\{1}";'),
    "a verbatim string of quotes": inside('var a = @"""";'),
    "a discard and a tuple": inside("var (a, _) = (1, 2);"),
    "an event": within("public event System.Action Hit; public event System.Action Gone;"),
    "ref and value": within("void F(int a) { } void F(ref int a) { }"),
}
WRONG = {
    "a namespace without braces": ("namespace Game;\n" + MOVER, "C# 10"),
    "a global using": ("global " + MOVER, "C# 10"),
    "a raw string": (inside('var a = """x""";'), "C# 11"),
    "a raw interpolated string": (inside('var a = $"""{1}""";'), "C# 11"),
    "a UTF-8 literal": (inside('var a = "x"u8;'), "C# 11"),
    "a collection expression": (within("private int[] a = [1, 2];"), "C# 12"),
    "an empty collection expression": (within("private int[] a = [];"), "C# 12"),
    "a primary constructor": (MOVER + "public class Slot(int size) { }\n", "C# 12"),
    "a struct's primary constructor": ("public struct Mover(int x) { }\n", "C# 12"),
    "required": (within("public required int X { get; set; }"), "C# 11"),
    "file": (MOVER + "file class Slot { }\n", "C# 11"),
    "a record struct": (MOVER + "public record struct Slot(int X);\n", "C# 10"),
    "a positional record": (MOVER + "public record Slot(int X);\n", "'init' needs"),
    "init": (within("public int X { get; init; }"), "'init' needs"),
    "a list pattern": (inside("if (new[] { 1 } is [1]) { }"), "C# 11"),
    "a generic attribute": (MOVER.replace("public", "[A<int>] public"), "C# 11"),
    "a struct's plain constructor": ("public struct Mover { public Mover() { } }\n", "C# 10"),
    "a struct's field with a value": ("public struct Mover { int x = 1; }\n", "C# 10"),
    "a statement outside": (MOVER + "Debug.Log(1);\n", "outside of a type"),
    "a method twice": (within("void F(int a) { } void F(int b) { }"), "'F' is declared twice"),
    "Update twice": (within("void Update() { }"), "'Update' is declared twice"),
    "ref and out": (within("void F(ref int a) { } void F(out int b) { b = 1; }"), "twice"),
    "a field twice": (within("int a; float a;"), "'a' is declared twice"),
    "a field twice in one": (within("int a, a;"), "'a' is declared twice"),
    "a property like a field": (within("int a; int a => 1;"), "'a' is declared twice"),
    "a type twice": (MOVER + "enum A { X }\nenum A { Y }\n", "'A' is declared twice"),
    "a constructor twice": ("public class Mover { Mover(int a) { } Mover(int b) { } }\n", "twice"),
    "a generic component": (MOVER.replace("Mover :", "Mover<T> :"), "can't be generic"),
    "no using": (MOVER.replace(HEAD, ""), "add 'using UnityEngine;'"),
    "another using": (MOVER.replace(HEAD, "using UnityEngine.UI;\n"), "add 'using UnityEngine;'"),
    "no type at all": ("// nothing\n", "there is no public class"),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_unity_compiles_passes(name: str) -> None:
    found = analyse(LEGAL[name], "Mover")
    assert [str(problem) for problem in found.problems] == []
    assert analyse(LEGAL[name]).valid


@pytest.mark.parametrize("name", WRONG)
def test_what_unity_does_not_compile_is_named_with_what_to_write(name: str) -> None:
    code, said = WRONG[name]
    found = analyse(code, "Mover")
    assert any(said in str(problem) for problem in found.problems), found.problems
    assert len(found.problems) == 1, found.problems
