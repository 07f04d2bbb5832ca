"""Rules with valid parameters, drawn by the definitions' own types and ranges.

Parameters that hang together, or hold code, patterns or other rules, have a strategy of their own.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Union, get_args

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import strategies as st

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.definitions import Definition
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.engine.recognizers import ENTITIES
from airflow_dynsync.engine.values import ELEMENT_OF_SET
from tests.unit.catalogue_helpers import Parameter, parameter
from tests.unit.strategies import NUMBERS, paths
from tests.unit.users_code import FUNCTIONS, GENERATORS, SCRIPTS, VECTORIZED

Draw = Callable[[st.SearchStrategy[Any]], Any]

MOST_INNER = 2
"""Rules inside rules inside a rule."""

PATTERNS = [
    "",
    ".",
    "$",
    r"\d+",
    r"[^@]+",
    r"(?P<a>\w+)",
    r"(?P<a>x)|(?P<b>\d+)",
    r"(?P<a>(?P<b>.)+)",
    "(?=[a-z])",
]
FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S%z"]


def often(draw: Draw, percent: int) -> bool:
    """Draw True in so many of a hundred cases."""
    return draw(st.integers(0, 99)) >= 100 - percent


def _in_range(limits: list[Any], value: Any) -> bool:
    return all(
        (not isinstance(limit, Ge) or value >= limit.ge)
        and (not isinstance(limit, Gt) or value > limit.gt)
        and (not isinstance(limit, Le) or value <= limit.le)
        and (not isinstance(limit, Lt) or value < limit.lt)
        for limit in limits
    )


def _numbers(wanted: Parameter, near: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fitting = near.filter(lambda value: _in_range(wanted.metadata, value))
    ends = [end for end in wanted.ends() if abs(end) < 5000 or abs(end) > 10**6]
    return st.one_of(fitting, fitting, st.sampled_from(ends)) if ends else fitting


@cache
def _values_of(transformer: str, name: str) -> st.SearchStrategy[Any]:
    return _values(parameter(catalogue()[transformer], name))


def _values(wanted: Parameter) -> st.SearchStrategy[Any]:
    kind = wanted.kind
    if kind is bool:
        return st.booleans()
    if kind is Literal:
        return st.sampled_from(get_args(wanted.type))
    if kind is int:
        return _numbers(wanted, st.integers(0, 60))
    if kind is float:
        return _numbers(wanted, st.floats(0, 1))
    if kind is Decimal:
        return _numbers(wanted, st.one_of(st.integers(0, 1000), st.floats(0, 1000), NUMBERS.map(Decimal)))
    if kind is list:
        inner = _values(Parameter.of(get_args(wanted.type)[0]))
        least = max([limit.min_length for limit in wanted.metadata if isinstance(limit, MinLen)], default=0)
        return st.lists(inner, min_size=least, max_size=least + 2)
    if kind is Union:
        return st.one_of([_values(Parameter.of(member)) for member in get_args(wanted.type)])
    if kind is str:
        least, most = 0, 10
        for limit in wanted.metadata:
            least = limit.min_length if isinstance(limit, MinLen) else least
            most = min(most, limit.max_length) if isinstance(limit, MaxLen) else most
        return st.text(min_size=least, max_size=most)
    return st.sampled_from(PATTERNS)  # of `re.Pattern`


_CONSTANTS = st.recursive(
    st.one_of(st.text(max_size=3), st.integers(), st.booleans(), st.none(), st.floats(), st.dates(), st.binary()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.text(max_size=2), inner, max_size=2),
        st.sets(st.integers()),
    ),
    max_leaves=4,
)


def _rules(draw: Draw, names: list[str], inner: int) -> dict[str, Any]:
    return {name: rule(draw, "S", inner + 1) for name in names}


def _template(draw: Draw, inner: int) -> dict[str, Any]:
    forms = {
        "CUSTOMER#{a}#{b}": "ab", "{a}": "a", "{a}@{b}": "ab", "{{{a}": "a", "x": "", "{a} {b}": "ab",
        '{{"{a}": {b}': "ab",
    }  # fmt: skip
    chosen = draw(st.lists(st.sampled_from([*forms]), min_size=1, max_size=3, unique=True))
    parts = _rules(draw, sorted({name for form in chosen for name in forms[form]}), inner)
    return {"template": chosen if len(chosen) > 1 else chosen[0], "parts": parts}


def _regex_replace(draw: Draw, inner: int) -> dict[str, Any]:
    pattern = draw(st.sampled_from(PATTERNS))
    names = [name for name in "ab" if f"(?P<{name}>" in pattern]
    written: dict[str, Any] = {
        "pattern": pattern,
        "no_match": draw(st.sampled_from(["fail", "passthrough", "null", "drop"])),
    }
    if names and often(draw, 70):
        return written | {"groups": _rules(draw, names, inner)}
    return written | {"replacement": draw(st.sampled_from(["", "x", r"\g<0>", r"\\", "\u0000"]))}


def _inside(draw: Draw, inner: int) -> dict[str, Any]:
    likely = st.sampled_from(["a", "a.b", "**.a", "*", "$[*]", "*[*]"])
    written = st.lists(st.one_of(likely, paths().map(format_path)), max_size=2, unique=True)
    return {
        "mappings": {path: rule(draw, None, inner + 1) for path in draw(written)},
        "unmapped": unmapped(draw, inner + 1),
    }


def _map_keys(draw: Draw, inner: int) -> dict[str, Any]:
    return {
        **_inside(draw, inner),
        "keys": rule(draw, "S", inner + 1),
        "on_collision": draw(st.sampled_from(["fail", "number"])),
    }


def _anonymizer(draw: Draw, inner: int) -> Any:
    return draw(
        st.sampled_from(
            ["replace", "redact", "mask", "hash", {"replace": {"value": "x"}}, {"mask": {"chars_to_mask": 2}}]
        )
        if often(draw, 60)
        else st.just({"transform": rule(draw, "S", inner + 1)})
    )


def _pii_text(draw: Draw, inner: int) -> dict[str, Any]:
    entities = draw(st.lists(st.sampled_from(ENTITIES), max_size=3, unique=True))
    return {
        "entities": entities,
        "default_anonymizer": _anonymizer(draw, inner),
        "entity_anonymizers": {entity: _anonymizer(draw, inner) for entity in entities[:1]},
        "score_threshold": draw(st.sampled_from([0, 0.2, 0.5, 1])),
        "allowed_phrases": draw(st.sampled_from([[], ["acme.com"], ["Mary", " "]])),
        "deny_recognizers": draw(st.sampled_from([[], [{"name": "STAFF", "deny_words": ["Mary", "."]}]])),
    }


def _noise(draw: Draw, inner: int) -> dict[str, Any]:
    low = draw(st.one_of(st.none(), st.integers(-100, 100)))
    return {
        draw(st.sampled_from(["ratio", "range"])): draw(st.sampled_from([0.1, 1, 3, 1e-9, 1e100])),
        "decimals": draw(st.one_of(st.none(), st.integers(0, 130))),
        "bounds": [low, None if low is None else low + draw(st.integers(0, 9))],
    }


def _bucket(draw: Draw, inner: int) -> dict[str, Any]:
    if often(draw, 50):
        written: dict[str, Any] = {"size": draw(st.sampled_from([10, 0.001, 7, 1e100, 1e-100]))}
        labels = [None, "{low}-{last}", "{low}", "{high}"]
    else:
        written = {"boundaries": draw(st.sampled_from([[0], [0, 18, 65], [-1e100, 0.5, 1e100]]))}
        labels = [None, "{low}", "<{high}"]
    return written | {"label": draw(st.sampled_from(labels))}


def _script(draw: Draw, inner: int) -> dict[str, Any]:
    return {"code": draw(st.sampled_from(SCRIPTS)), "timeout": 10}


def _python(draw: Draw, inner: int) -> dict[str, Any]:
    vectorized = often(draw, 30)
    return {"callable": draw(st.sampled_from(VECTORIZED if vectorized else FUNCTIONS)), "vectorized": vectorized}


def _fpe(draw: Draw, inner: int) -> dict[str, Any]:
    written: dict[str, Any] = {"alphabet": draw(st.sampled_from(["digits", "alphanumeric", "custom"]))}
    if written["alphabet"] == "custom":
        written["characters"] = draw(st.sampled_from(["ab", "0123456789abcdef", "🙂🙃", "aàá", "٠١٢٣٤٥٦٧٨٩"]))
    if often(draw, 40):
        written["keep"] = draw(st.sampled_from(PATTERNS))
    return written | {"too_short": draw(st.sampled_from(["fail", "encrypt", "null", "drop"]))}


_WRITTEN: dict[str, Callable[[Draw, int], dict[str, Any]]] = {
    "constant": lambda draw, _: {"value": draw(_CONSTANTS)},
    "generate_categorical": lambda draw, _: {"categories": draw(st.sampled_from(["a", "a, b", ["", "b"]]))},
    "generate_javascript": _script,
    "generate_python": lambda draw, _: {"callable": draw(st.sampled_from(GENERATORS))},
    "transform_bucket": _bucket,
    "transform_fpe": _fpe,
    "transform_javascript": _script,
    "transform_json": _inside,
    "transform_map_keys": _map_keys,
    "transform_number_noise": _noise,
    "transform_pii_text": _pii_text,
    "transform_python": _python,
    "transform_regex_replace": _regex_replace,
    "transform_template": _template,
}
"""For transformers whose parameters hang together: some that are valid."""

_OTHERS = {
    "format": lambda definition: (
        ["auto", "iso8601", "seconds", "milliseconds", *FORMATS]
        if definition.reads_input
        else ["iso8601", *FORMATS]
    ),
    "by": lambda _: ["Id", "Name", "Pets.*", "a.b[0]", '"user.email"'],
    "start": lambda _: ["2024-01-01", 0, "1970-01-01T00:00:00Z"],
    "end": lambda _: ["2024-12-31", "9999-12-31"],
}


def parameters(draw: Draw, definition: Definition, inner: int) -> dict[str, Any]:
    """Draw parameters that are mostly valid."""
    if definition.name in _WRITTEN:
        return _WRITTEN[definition.name](draw, inner)
    written = {}
    for name, field in definition.parameters.model_fields.items():
        if field.is_required() or often(draw, 35):
            others = _OTHERS.get(name)
            written[name] = draw(
                st.sampled_from(others(definition)) if others else _values_of(definition.name, name)
            )
    return written


_SCRIPTED = [name for name in catalogue() if name.endswith("_javascript")]
_DULL = ["null", "drop", "passthrough"]
_PLAIN = [*(name for name in catalogue() if name not in (*_SCRIPTED, *_DULL)), "null", "drop"]
_NESTING = [*map("transform_{}".format, ["template", "json", "regex_replace", "map_keys", "pii_text"])]


_MADE_FOR = {
    r"\{\"S\": \".*@": ["transform_email", "transform_url", "transform_pii_text", "transform_template"],
    r'\{"S": "[\[{\\]': ["transform_json"],
    r'\{"S": "CUSTOMER#': ["transform_template", "transform_regex_replace"],
    r'\{"S": "http': ["transform_url"],
    r'\{"S": "6[Ff][Aa]459': ["transform_uuid"],
    r'\{"S": "(81\.|::|fe80)': ["transform_ip_address"],
    r'\{"S": "[-\d.]+[T"]': ["transform_date_shift", "transform_date_truncate", "transform_fpe"],
    r'\{"S": "(\+|00|\()?[-\d )]{8,}': ["transform_phone_number", "transform_e164_phone_number", "transform_fpe"],
    r'\{"S": "': ["transform_full_name", "transform_pii_text", "transform_regex_replace", "transform_template"],
    r'\{"N": "-?\d{8,16}"': ["transform_int64_phone_number", "transform_date_shift", "transform_date_truncate"],
    r'\{"N": "': ["transform_bucket", "transform_number_noise", "transform_float64", "transform_fpe"],
    r'\{"M": ': ["transform_map_keys"],
}
"""Transformers for values of a form, by a pattern of their JSON."""


@cache
def _fitting(kind: str | None, *, reading: bool, nesting: bool) -> list[str]:
    wanted = {kind, ELEMENT_OF_SET.get(kind or "")} - {None}
    names = [
        name
        for name in _PLAIN
        if (kind is None or wanted & catalogue()[name].accepts)
        and (catalogue()[name].reads_input or not reading)
        and (nesting or name not in _NESTING)
    ]
    return names or _PLAIN


def rule(
    draw: Draw, kind: str | None, inner: int = 0, *, met: Any = None, creatable: bool = False
) -> dict[str, Any] | str:
    """Draw a rule, by its transformer's name or as a dict with parameters and options.

    Args:
        draw: draws.
        kind: of the values that it is for; None for any.
        inner: rules that it lies inside.
        met: a value that it will meet.
        creatable: whether its path lets it create an attribute.
    """
    text = json.dumps(met, ensure_ascii=False)
    made_for = [name for form, names in _MADE_FOR.items() if re.match(form, text) for name in names]
    if often(draw, 3):
        name = draw(st.sampled_from(_SCRIPTED))
    elif made_for and often(draw, 60):
        name = draw(st.sampled_from(made_for))
    else:
        fits = None if often(draw, 10) else kind
        name = draw(st.sampled_from(_fitting(fits, reading=often(draw, 60), nesting=inner < MOST_INNER)))
    definition = catalogue()[name]
    written = parameters(draw, definition, inner)
    if not written and often(draw, 40):
        return name
    written["transformer"] = name
    if often(draw, 60):
        written["on_type_mismatch"] = draw(st.sampled_from(["passthrough", "fail", "null", "drop"]))
    if often(draw, 20):
        written["on_empty_set"] = draw(st.sampled_from(["drop", "null"]))
    if often(draw, 20) and (not definition.reads_input or "NULL" in definition.accepts):
        written["on_null"] = draw(st.sampled_from(["keep", "transform"]))
    if often(draw, 15) and definition.has_realm:
        written["realm"] = draw(st.text(min_size=1, max_size=3))
    if creatable and often(draw, 30) and not definition.reads_input:
        written["when_missing"] = "generate"
    return written


def unmapped(draw: Draw, inner: int = 0) -> Any:
    """Draw what becomes of unmapped leaves."""
    if not often(draw, 20):
        return draw(st.sampled_from(["passthrough", "anonymize", "neosync", "drop", "anonymize", "fail"]))
    kinds = draw(st.lists(st.sampled_from(["S", "N", "BOOL", "B"]), max_size=2, unique=True))
    return {kind: rule(draw, kind, inner) for kind in kinds}
