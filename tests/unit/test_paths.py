"""How paths are read, written, ranked, and followed (rule 1)."""

import pytest
from hypothesis import given

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.paths import Path, Wildcard, format_path, parse_path, rank
from tests.unit.strategies import SECRET, paths

ANY_NAME, ANY_INDEX, DEPTH = Wildcard.NAME, Wildcard.INDEX, Wildcard.DEPTH


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Email", ("Email",)),
        ("Pets.Judith.Age", ("Pets", "Judith", "Age")),
        ("Orders[3]", ("Orders", 3)),
        ("Orders[*].card", ("Orders", ANY_INDEX, "card")),
        ("Matrix[0][*][12]", ("Matrix", 0, ANY_INDEX, 12)),
        ("Pets.*.Age", ("Pets", ANY_NAME, "Age")),
        ("*", (ANY_NAME,)),
        ("**.ssn", (DEPTH, "ssn")),
        ("a.**.b", ("a", DEPTH, "b")),
        ("**[0]", (DEPTH, 0)),
        ('"user.email"', ("user.email",)),
        ('"a".b."c d"', ("a", "b", "c d")),
        (r'"a\"b\\c"', ('a"b\\c',)),
        ('"*"', ("*",)),
        ('"[3]"', ("[3]",)),
        ("first name", ("first name",)),
        ("Größe.🙂", ("Größe", "🙂")),
        ("a-b_c$d#e", ("a-b_c$d#e",)),
    ],
)
def test_a_path_is_read_step_by_step(text: str, path: Path) -> None:
    assert parse_path(text, "mappings") == path


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "ends with a name"),
        (".", "unexpected '.' at character 1"),
        ("a.", "ends with a name"),
        (".a", "unexpected '.' at character 1"),
        ("Pets..Age", "unexpected '.' at character 6"),
        ("[0]", "unexpected '[0]' at character 1"),
        ("a.[0]", "unexpected '[0]' at character 3"),
        ("a[0]b", "unexpected 'b' at character 5"),
        ("a[-1]", "unexpected '[' at character 2"),
        ("a[]", "unexpected '[' at character 2"),
        ("a[1", "unexpected '[' at character 2"),
        ("a]", "unexpected ']' at character 2"),
        ("a[" + "9" * 5000 + "]", "unexpected '[' at character 2"),
        ("a*", "unexpected '*' at character 2"),
        ("*a", "unexpected 'a' at character 2"),
        ("***", "unexpected '*' at character 3"),
        ('"a', "unexpected '\"' at character 1"),
        (r'"a\n"', "unexpected '\"' at character 1"),
        ('"a"b', "unexpected 'b' at character 4"),
        ('""', "no empty attribute name"),
        ("**", "cannot end with **"),
        ("a.**", "cannot end with **"),
    ],
)
def test_what_is_no_path_is_an_error_that_names_its_place_and_the_character(text: str, cause: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan({"mappings": {text: "passthrough"}}, secret=SECRET)
    assert caught.value.place == f"mappings.{text}"
    assert cause in caught.value.message


@given(paths())
def test_a_written_path_is_read_as_the_same_steps(path: Path) -> None:
    assert parse_path(format_path(path), "mappings") == path


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("Pets.Judith.Age", "Pets.*.Age"),
        ("Pets.*.Age", "Pets.*.*"),
        ("Orders[3]", "Orders[*]"),
        ("Orders[3].card", "Orders[3]"),
        ("*", "**.*"),
        ("a", "**.a"),
        ("a.**.b", "a.**.**.b"),
        ("**.a.b", "a.*"),
    ],
)
def test_more_literal_steps_rank_higher_then_fewer_depths(more: str, less: str) -> None:
    assert rank(parse_path(more, "")) > rank(parse_path(less, ""))


def _hits(path: str, item: dict[str, object]) -> dict[str, object]:
    plan = compile_plan(
        {"mappings": {path: {"transformer": "constant", "value": "hit"}}, "unmapped": "passthrough"}
    )
    return plan.apply([item])[0]


S, HIT = {"S": "kept"}, {"S": "hit"}


@pytest.mark.parametrize(
    ("path", "item", "result"),
    [
        ("a.b", {"a": {"M": {"b": S, "c": S}}}, {"a": {"M": {"b": HIT, "c": S}}}),
        ("a[1]", {"a": {"L": [S, S, S]}}, {"a": {"L": [S, HIT, S]}}),
        ("a[7]", {"a": {"L": [S]}}, {"a": {"L": [S]}}),
        ("a[*]", {"a": {"L": [S, S]}}, {"a": {"L": [HIT, HIT]}}),
        ("a[*]", {"a": {"M": {"0": S}}}, {"a": {"M": {"0": S}}}),
        ("a.*", {"a": {"M": {"b": S, "c": S}}}, {"a": {"M": {"b": HIT, "c": HIT}}}),
        ("a.*", {"a": {"L": [S]}}, {"a": {"L": [S]}}),
        ('a."0"', {"a": {"L": [S]}}, {"a": {"L": [S]}}),
        ("*", {"a": S, "b": S}, {"a": HIT, "b": HIT}),
        ("*.b", {"a": {"M": {"b": S}}, "b": S}, {"a": {"M": {"b": HIT}}, "b": S}),
        ("**.x", {"x": S, "a": {"M": {"x": S, "y": S}}}, {"x": HIT, "a": {"M": {"x": HIT, "y": S}}}),
        ("**.x", {"a": {"L": [{"L": [{"M": {"x": S}}]}]}}, {"a": {"L": [{"L": [{"M": {"x": HIT}}]}]}}),
        ("a.**.x", {"x": S, "a": {"M": {"b": {"M": {"x": S}}}}}, {"x": S, "a": {"M": {"b": {"M": {"x": HIT}}}}}),
        ("a.**.x", {"a": {"M": {"x": S}}}, {"a": {"M": {"x": HIT}}}),
        ("**[0]", {"a": {"L": [{"L": [S, S]}, {"L": [S, S]}]}}, {"a": {"L": [HIT, {"L": [HIT, S]}]}}),
        ('"a.b"', {"a.b": S, "a": {"M": {"b": S}}}, {"a.b": HIT, "a": {"M": {"b": S}}}),
        ('"*"', {"*": S, "a": S}, {"*": HIT, "a": S}),
        ("a.b", {"a": S}, {"a": S}),
        ("M.S", {"M": {"M": {"S": S}}}, {"M": {"M": {"S": HIT}}}),
    ],
)  # fmt: skip
def test_a_rule_acts_where_its_path_leads(path: str, item: dict[str, object], result: dict[str, object]) -> None:
    assert _hits(path, item) == result


def test_a_path_of_any_length_compiles() -> None:
    plan = compile_plan({"mappings": {".".join(["deep"] * 3000): "null"}, "unmapped": "passthrough"})
    assert plan.apply([{"deep": S}]) == [{"deep": S}]


def test_wildcards_behind_a_depth_compile_up_to_a_limit_that_is_an_error() -> None:
    compile_plan({"mappings": {"**.a" + ".*" * 8 + ".b": "null"}})
    with pytest.raises(MappingError, match=r"^mappings: too many wildcards behind \*\*"):
        compile_plan({"mappings": {"**.a" + ".*" * 20 + ".b": "null"}})
