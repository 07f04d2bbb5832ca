"""Python functions as transformers."""

import random
import sys
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


def plan_of(function: Any, transformer: str = "transform_python") -> Any:
    """Return a plan with one function, on the attribute Value."""
    return compile_plan(
        {"mappings": {"Value": {"transformer": transformer, "callable": function}}, "unmapped": "passthrough"},
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


def test_functions_on_keys_are_allowed() -> None:
    rule = {"transformer": "transform_python", "callable": "string:capwords"}
    plan = compile_plan({"mappings": {"Id": rule}}, key_attributes=("Id",), secret=SECRET)
    assert plan.apply([{"Id": {"S": "mary"}}]) == [{"Id": {"S": "Mary"}}]
