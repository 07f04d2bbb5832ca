"""The mappings that the benchmarks measure, and the same work written by hand over boto3's Python values."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from benchmarks.items import KEY, WireItem

SECRET = b"the benchmarks' secret"

ONE_RULE = {"Email": "transform_email"}
EIGHT_RULES = {
    "Email": "transform_email",
    "FirstName": "transform_first_name",
    "LastName": "transform_last_name",
    "Phone": {"transformer": "transform_phone_number", "preserve_length": True},
    "BirthDate": {"transformer": "transform_date_shift", "days_min": -30, "days_max": 30},
    "Address.Street": "transform_character_scramble",
    "Pets.*.Age": {
        "transformer": "transform_int64",
        "randomization_range_min": 1,
        "randomization_range_max": 3,
    },
    "Orders[*].Card": {"transformer": "transform_mask", "keep_last": 4},
}
"""Eight rules, which meet 14 values in an item of the kind `mixed`."""

MAPPINGS: dict[str, dict[str, Any]] = {
    "nothing": {"unmapped": "passthrough"},
    "one rule": {"mappings": ONE_RULE, "unmapped": "passthrough"},
    "eight rules": {"mappings": EIGHT_RULES, "unmapped": "passthrough"},
    "every leaf": {"unmapped": "anonymize"},
}

ByHand = Callable[[dict[str, Any]], None]


def by_hand(work: str) -> ByHand:
    """Return a function that changes an item of boto3's Python values in place, as the mapping of that name would.

    It calls the very transformer functions of the catalogue, with the same keyed streams, one value at a time.
    """
    from boto3.dynamodb.types import Binary

    from airflow_dynsync.engine.plan import DEFAULTS

    if work == "nothing":
        return lambda _: None
    if work == "every leaf":
        functions = {kind: _function(config) for kind, config in DEFAULTS["anonymize"].items()}

        def replaced(value: Any, place: str) -> Any:
            match value:
                case str():
                    return functions["S"](value, value)
                case bool():
                    return functions["BOOL"](value, place)
                case Decimal():
                    return functions["N"](value, str(value))
                case Binary() | bytes():
                    plain = bytes(value)
                    return functions["B"](plain, plain)
                case dict():
                    return {name: replaced(inner, f"{place}.{name}") for name, inner in value.items()}
                case list():
                    return [replaced(inner, f"{place}.{index}") for index, inner in enumerate(value)]
                case set():
                    return {replaced(inner, place) for inner in value}
            return value

        def every_leaf(item: dict[str, Any]) -> None:
            key = item[KEY]
            item.update((name, replaced(value, f"{key}.{name}")) for name, value in item.items() if name != KEY)

        return every_leaf

    rules = {path: _function(config) for path, config in MAPPINGS[work]["mappings"].items()}

    def mapped(item: dict[str, Any]) -> None:
        for path, function in rules.items():
            for container, name in _places(item, path):
                value = container[name]
                container[name] = function(value, value if type(value) is str else str(value))

    return mapped


def eight_rules_by_hand() -> Callable[[WireItem], WireItem]:
    """Return what somebody would write by hand for the eight rules, over wire form, to compare the engine with.

    It knows every type, looks at no option, counts nothing, and calls the catalogue's functions.
    """
    email, first_name, last_name, phone, birth_date, street, age, card = (
        _remembering(_function(config), Decimal if path.endswith(".Age") else str)
        for path, config in EIGHT_RULES.items()
    )
    tops = (
        ("Email", email),
        ("FirstName", first_name),
        ("LastName", last_name),
        ("Phone", phone),
        ("BirthDate", birth_date),
    )

    def transformed(item: WireItem) -> WireItem:
        result = item.copy()
        for name, function in tops:
            if name in item:
                result[name] = {"S": function(item[name]["S"])}
        if "Address" in item:
            address = item["Address"]["M"].copy()
            address["Street"] = {"S": street(address["Street"]["S"])}
            result["Address"] = {"M": address}
        if "Pets" in item:
            pets = item["Pets"]["M"].copy()
            for name, pet in pets.items():
                changed = pet["M"].copy()
                changed["Age"] = {"N": age(changed["Age"]["N"])}
                pets[name] = {"M": changed}
            result["Pets"] = {"M": pets}
        if "Orders" in item:
            orders = []
            for order in item["Orders"]["L"]:
                changed = order["M"].copy()
                changed["Card"] = {"S": card(changed["Card"]["S"])}
                orders.append({"M": changed})
            result["Orders"] = {"L": orders}
        return result

    return transformed


def _remembering(
    function: Callable[[Any, str | bytes], Any], decode: Callable[[str], Any]
) -> Callable[[str], str]:
    """Return a function of a payload in wire form that keeps as many results as a rule of the engine does."""
    from airflow_dynsync.engine.lifting import REMEMBERED

    known: dict[str, str] = {}

    def remembering(payload: str) -> str:
        result = known.get(payload)
        if result is None:
            result = str(function(decode(payload), payload))
            if len(known) < REMEMBERED:
                known[payload] = result
        return result

    return remembering


def _places(item: dict[str, Any], path: str) -> Iterable[tuple[dict[str, Any], str]]:
    match path:
        case "Pets.*.Age":
            return ((pet, "Age") for pet in item.get("Pets", {}).values())
        case "Orders[*].Card":
            return ((order, "Card") for order in item.get("Orders", ()))
        case "Address.Street":
            return ((item["Address"], "Street"),) if "Address" in item else ()
    return ((item, path),) if path in item else ()


def _function(config: Any) -> Callable[[Any, str | bytes], Any]:
    """Return a transformer's function of a Python value and what its stream depends on."""
    from airflow_dynsync.engine.compiler import RuleCompiler
    from airflow_dynsync.engine.definitions import Chunk, Column
    from airflow_dynsync.engine.keyed import Secret
    from airflow_dynsync.engine.values import to_python, to_wire

    secret = Secret(SECRET)
    compiler = RuleCompiler(secret, {})
    definition, parameters, _ = compiler.resolve(config, "by hand")
    if definition.scalar is not None:
        scalar = definition.scalar(parameters)
        keyed = secret.keyed("transform" if definition.reads_input else "generate", definition.name)
        return lambda value, data: scalar(value, keyed.stream(data.encode() if isinstance(data, str) else data))
    step = compiler.nested_step(config, "by hand")

    def column_of_one(value: Any, _: Any) -> Any:
        wire = to_wire(value)
        (result,) = step(Column(Chunk([{KEY: wire}], (KEY,)), [wire], [0], [(KEY,)]))
        return to_python(result)

    return column_of_one
