"""Python functions as transformers."""

import itertools
import random
import sys
from array import array
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.definitions import DROP

SECRET = b"the secret of the function tests"


def run(function: Any, value: dict[str, Any], transformer: str = "transform_python", **siblings: Any) -> Any:
    """Return what a function makes of one wire value; None: the attribute is gone."""
    plan = plan_of(function, transformer)
    (item,) = plan.apply([{"Id": {"S": "1"}, "Value": value, **siblings}])
    return item.get("Value")


def plan_of(function: Any, transformer: str = "transform_python", path: str = "Value", **more: Any) -> Any:
    """Return a plan with one function, on the attribute Value if no other is named."""
    return compile_plan(
        {
            "mappings": {path: {"transformer": transformer, "callable": function, **more}},
            "unmapped": "passthrough",
        },
        key_attributes=("Id",),
        secret=SECRET,
    )


@pytest.mark.parametrize(
    ("wire", "seen"),
    [
        ({"S": "x"}, "x"),
        ({"S": ""}, ""),
        ({"N": "0.1"}, Decimal("0.1")),
        ({"N": "9" * 38}, Decimal("9" * 38)),
        ({"B": "AP8="}, b"\0\xff"),
        ({"BOOL": False}, False),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1"]}, {Decimal(1)}),
        ({"BS": ["AA=="]}, {b"\0"}),
        ({"L": [{"NULL": True}, {"S": "x"}]}, [None, "x"]),
        ({"M": {"a": {"SS": ["x"]}}}, {"a": {"x"}}),
    ],
)
def test_a_function_sees_python_values_and_what_it_returns_is_stored(wire: dict[str, Any], seen: Any) -> None:
    calls = []

    def keep(value: Any) -> Any:
        calls.append(value)
        return value

    assert run(keep, wire) == wire
    assert calls == [seen]
    assert type(calls[0]) is type(seen)


def test_a_name_finds_the_function_also_inside_a_class() -> None:
    assert run("string:capwords", {"S": "mary ann"}) == {"S": "Mary Ann"}
    assert run("builtins:str.upper", {"S": "mary"}) == {"S": "MARY"}


def test_a_function_of_two_arguments_gets_the_item_as_it_was_in_the_source() -> None:
    def with_item(value: str, item: dict[str, Any]) -> str:
        return f"{value} {sorted(item)} {item['Age']}"

    assert run(with_item, {"S": "x"}, Age={"N": "7"}) == {"S": "x ['Age', 'Id', 'Value'] 7"}


def test_an_argument_with_a_default_is_the_item_only_if_it_is_called_so() -> None:
    assert run(lambda value, item=None: item is not None, {"S": "x"}) == {"BOOL": True}
    assert run(lambda value, separator="-": separator, {"S": "x"}) == {"S": "-"}


def test_none_is_null_and_drop_removes() -> None:
    assert run(lambda value: None, {"S": "x"}) == {"NULL": True}
    assert run(lambda value: DROP, {"S": "x"}) is None


def test_a_generator_gets_chance_that_belongs_to_the_item() -> None:
    plan = plan_of(lambda rng: rng.randrange(10**12), "generate_python")
    items = [{"Id": {"S": str(row)}, "Value": {"S": "same"}} for row in range(50)]
    first = plan.apply(items)
    assert len({item["Value"]["N"] for item in first}) == 50
    assert plan.apply(items[::-1]) == first[::-1]


def test_a_generator_without_arguments_is_just_called() -> None:
    assert run(lambda: 7, {"S": "x"}, "generate_python") == {"N": "7"}


def test_chance_is_the_random_of_the_standard_library() -> None:
    assert run(lambda rng: type(rng) is random.Random, {"S": "x"}, "generate_python") == {"BOOL": True}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("capwords", "write it as package.module:name"),
        (":capwords", "write it as package.module:name"),
        ("string:", "write it as package.module:name"),
        ("no_such_package.module:name", r"importing no_such_package.module raised ModuleNotFoundError \(no_such"),
        ("string:cap_words", "the module string has no cap_words"),
        ("string:digits", "string:digits is a str, not a function"),
        (7, "expected"),
    ],
)
@pytest.mark.parametrize("transformer", ["transform_python", "generate_python"])
def test_a_function_that_is_not_there_is_an_error_of_the_mapping(transformer: str, name: Any, said: str) -> None:
    with pytest.raises(MappingError, match=said) as caught:
        plan_of(name, transformer)
    assert caught.value.place.startswith("mappings.Value.callable")


def test_a_module_that_fails_to_load_is_an_error_of_the_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_functions.py").write_text("raise RuntimeError('marked')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MappingError, match="importing broken_functions raised RuntimeError") as caught:
        plan_of("broken_functions:f")
    assert "marked" not in str(caught.value)


def test_an_exception_names_function_class_and_line_but_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "user_functions.py").write_text(
        "import json\n\n"
        "def outer(value):\n    return inner(value)\n\n"
        "def inner(value):\n    return json.loads(value)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "user_functions", raising=False)
    plan = plan_of("user_functions:outer")
    with pytest.raises(TransformError) as caught:
        plan.apply([{"Id": {"S": "1"}}, {"Id": {"S": "2"}, "Value": {"S": "a marked value"}}])
    assert "user_functions.outer raised JSONDecodeError in line 7 of user_functions.py" in caught.value.message
    assert (caught.value.place, caught.value.row) == ("mappings.Value", 1)
    assert "marked" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (float("nan"), "not a finite number"),
        (object(), "an? object, which DynamoDB cannot store"),
        ({1: 2}, "a key that is no string"),
        ({"a", 1}, "a set that is empty or not all of"),
        (10**38 + 1, "39 significant digits"),
    ],
)
def test_a_result_that_dynamodb_cannot_store_is_an_error(result: Any, said: str) -> None:
    with pytest.raises(TransformError, match=said) as caught:
        run(lambda value: result, {"S": "x"})
    assert caught.value.row == 0


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_function_that_ends_the_program_is_an_error_of_the_function(vectorized: bool) -> None:
    def exits(value: Any) -> Any:
        sys.exit(f"a marked {value}")

    with pytest.raises(TransformError, match=r"exits raised SystemExit in line \d+ of test_python") as caught:
        plan_of(exits, vectorized=vectorized).apply([{"Id": {"S": "1"}, "Value": {"S": "x"}}])
    assert caught.value.row == 0
    assert "marked" not in str(caught.value)


def test_a_result_that_breaks_when_it_is_listed_is_an_error_of_the_function() -> None:
    class Broken:
        def tolist(self) -> Any:
            raise TypeError("marked")

    with pytest.raises(TransformError, match=r"raised TypeError in line \d+ of test_python") as caught:
        run(lambda value: Broken(), {"S": "x"})
    assert caught.value.row == 0
    assert "marked" not in str(caught.value)


def test_functions_on_keys_are_allowed() -> None:
    rule = {"transformer": "transform_python", "callable": "string:capwords"}
    plan = compile_plan({"mappings": {"Id": rule}}, key_attributes=("Id",), secret=SECRET)
    assert plan.apply([{"Id": {"S": "mary"}}]) == [{"Id": {"S": "Mary"}}]


def items_with(*values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an item for each value."""
    return [{"Id": {"S": str(row)}, "Value": value} for row, value in enumerate(values)]


def vectorized(function: Any, *values: dict[str, Any], transformer: str = "transform_python") -> list[Any]:
    """Return what a vectorized function makes of wire values; None: the attribute is gone."""
    after = plan_of(function, transformer, vectorized=True).apply(items_with(*values))
    return [item.get("Value") for item in after]


def test_a_vectorized_function_is_called_once_with_all_values() -> None:
    calls = []

    def keep(values: list[Any]) -> list[Any]:
        calls.append(values)
        return values

    wire = [{"S": "x"}, {"N": "0.1"}, {"SS": ["a", "b"]}, {"M": {"a": {"BOOL": True}}}]
    assert vectorized(keep, *wire) == wire
    assert calls == [["x", Decimal("0.1"), {"a", "b"}, {"a": True}]]


def test_a_vectorized_function_of_two_arguments_gets_the_items_as_they_were_in_the_source() -> None:
    def with_items(values: list[str], items: list[dict[str, Any]]) -> list[str]:
        return [f"{value} of {item['Id']}" for value, item in zip(values, items, strict=True)]

    plan = plan_of(with_items, path="Values[*]", vectorized=True)
    source = [
        {"Id": {"S": "1"}, "Values": {"L": [{"S": "a"}, {"S": "b"}]}},
        {"Id": {"S": "2"}},
        {"Id": {"S": "3"}, "Values": {"L": [{"S": "c"}]}},
    ]
    assert [item.get("Values") for item in plan.apply(source)] == [
        {"L": [{"S": "a of 1"}, {"S": "b of 1"}]},
        None,
        {"L": [{"S": "c of 3"}]},
    ]


def test_an_argument_with_a_default_is_the_list_of_items_only_if_it_is_called_so() -> None:
    assert vectorized(lambda values, items=None: [items is not None], {"S": "x"}) == [{"BOOL": True}]
    assert vectorized(lambda values, item=None: [item is not None], {"S": "x"}) == [{"BOOL": False}]


def test_a_vectorized_generator_gets_the_chance_of_each_item() -> None:
    values = [{"S": "same"}] * 50
    each = [
        item["Value"] for item in plan_of(lambda rng: rng.random(), "generate_python").apply(items_with(*values))
    ]
    assert vectorized(lambda rngs: [rng.random() for rng in rngs], *values, transformer="generate_python") == each
    assert len({value["N"] for value in each}) == 50


def test_a_vectorized_generator_that_takes_no_list_is_an_error_of_the_mapping() -> None:
    with pytest.raises(MappingError, match="takes no argument, so it cannot know how many results") as caught:
        plan_of(lambda: [7], "generate_python", vectorized=True)
    assert caught.value.place == "mappings.Value.callable"


class Array:
    """What NumPy's arrays and pandas' series have in common: elements that are no numbers of Python's."""

    def __init__(self, *elements: Any) -> None:
        self.elements = elements

    def __iter__(self) -> Any:
        return iter([object() for _ in self.elements])

    def keys(self) -> Any:
        return range(len(self.elements))

    def tolist(self) -> list[Any]:
        return list(self.elements)


class Number(float):
    """What a number of NumPy's is."""

    def __repr__(self) -> str:
        return f"Number({float(self)})"

    def tolist(self) -> float:
        return float(self)


@pytest.mark.parametrize(
    "returned",
    [
        [1.5, 2.5],
        (1.5, 2.5),
        (value for value in (1.5, 2.5)),
        map(float, ("1.5", "2.5")),
        {"a": 1.5, "b": 2.5}.values(),
        array("d", [1.5, 2.5]),
        Array(1.5, 2.5),
        [Number(1.5), Number(2.5)],
    ],
    ids=lambda returned: type(returned).__name__,
)
def test_results_may_come_in_anything_that_has_an_order(returned: Any) -> None:
    assert vectorized(lambda values: returned, {"S": "x"}, {"S": "y"}) == [{"N": "1.5"}, {"N": "2.5"}]


def test_none_is_null_and_drop_removes_and_an_emptied_set_goes_among_many_too() -> None:
    def mixed(values: list[Any]) -> list[Any]:
        return [None, DROP, set(), *values[3:]]

    assert vectorized(mixed, *[{"SS": ["x"]}] * 4) == [{"NULL": True}, None, None, {"SS": ["x"]}]


class Frame(list[Any]):
    """What is not a series: it gives the names of its columns."""

    def keys(self) -> list[Any]:
        return self


@pytest.mark.parametrize(
    "returned",
    [
        "ma",
        b"ma",
        bytearray(b"ma"),
        {"ma": 1, "rk": 2},
        {"ma", "rk"},
        frozenset("ma"),
        None,
        7,
        Frame(["ma", "rk"]),
    ],
    ids=lambda returned: type(returned).__name__,
)
def test_results_without_an_order_are_an_error(returned: Any) -> None:
    with pytest.raises(TransformError) as caught:
        vectorized(lambda values: returned, {"S": "x"}, {"S": "y"})
    assert f"returned a {type(returned).__name__} for a list of 2; let it return a list" in caught.value.message


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([], "0 results"),
        (["marked"], "1 results"),
        (["marked"] * 3, "3 results"),
        (Array("marked"), "1 results"),
        (iter(["marked"]), "1 results"),
        (itertools.repeat("marked"), "more than 2 results"),
    ],
)
def test_another_number_of_results_is_an_error(returned: Any, said: str) -> None:
    def of_another_length(values: list[Any]) -> Any:
        return returned

    line = of_another_length.__code__.co_firstlineno
    with pytest.raises(TransformError) as caught:
        vectorized(of_another_length, {"S": "x"}, {"S": "y"})
    assert f"(line {line} of test_python_transformers.py) returned {said} for a list of 2" in caught.value.message
    assert caught.value.place == "mappings.Value"
    assert "marked" not in str(caught.value)


def test_a_result_among_many_that_dynamodb_cannot_store_is_an_error_of_its_item() -> None:
    plan = plan_of(lambda values: [*values[:-1], {1: "marked"}], vectorized=True)
    items = [{"Id": {"S": "0"}}, *items_with({"S": "x"}, {"S": "y"}), {"Id": {"S": "3"}}]
    with pytest.raises(
        TransformError, match=r"<lambda> \(line \d+ of .*\): the result is a map with a key"
    ) as caught:
        plan.apply(items)
    assert caught.value.row == 2
    assert "marked" not in str(caught.value)


def test_what_a_vectorized_function_or_its_generator_raises_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "user_vectors.py").write_text(
        "def at_once(values):\n    return [int(value) for value in values]\n\n"
        "def later(values):\n    for value in values:\n        yield int(value)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "user_vectors", raising=False)
    for name, line in (("at_once", 2), ("later", 6)):
        with pytest.raises(TransformError) as caught:
            vectorized(f"user_vectors:{name}", {"S": "1"}, {"S": "marked"})
        assert f"user_vectors.{name} raised ValueError in line {line} of user_vectors.py" in caught.value.message
        assert (caught.value.place, caught.value.row) == ("mappings.Value", None)
        assert "marked" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_vectorized_function_is_not_called_where_there_is_nothing() -> None:
    template = {
        "transformer": "transform_template",
        "template": ["A#{a}", "B#{b}"],
        "parts": {
            "a": {"transformer": "transform_python", "callable": str.upper},
            "b": {"transformer": "transform_python", "callable": lambda values: 1 / 0, "vectorized": True},
        },
    }
    plan = compile_plan({"mappings": {"Value": template}}, key_attributes=("Id",), secret=SECRET)
    (item,) = plan.apply(items_with({"S": "A#x"}))
    assert item["Value"] == {"S": "A#X"}


def test_vectorized_functions_on_keys_are_allowed() -> None:
    rule = {
        "transformer": "transform_python",
        "callable": lambda values: map(str.upper, values),
        "vectorized": True,
    }
    plan = compile_plan({"mappings": {"Id": rule}}, key_attributes=("Id",), secret=SECRET)
    assert plan.apply([{"Id": {"S": "a"}}, {"Id": {"S": "b"}}]) == [{"Id": {"S": "A"}}, {"Id": {"S": "B"}}]
