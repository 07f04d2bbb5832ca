"""What a transformer drew, seen in its results: parts that are each to be spread evenly over their domain.

By default a result with few possible values is one part, a number is the part of its range that it lies in, and of
any other text or binary each character is a part, over the characters that are seen at its position. Results made
of several draws, or of draws that are uneven by design, are described by their form here.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from airflow_dynsync.engine.corpora import WordList, rows, words
from airflow_dynsync.engine.definitions import Definition
from airflow_dynsync.engine.values import to_python

BINS = 50


class Part(NamedTuple):
    """What was drawn in each result, and how often each outcome is to be expected."""

    outcomes: list[Hashable]
    weights: Mapping[Hashable, float]


PARAMETERS: dict[str, dict[str, Any]] = {
    "generate_categorical": {"categories": "red, green, blue, grey", "weights": [1, 2.5, 0, 6]},
    "transform_javascript": {"code": "return Math.random()"},
    "generate_javascript": {"code": "return Math.random()"},
}
"""Where the example draws nothing by itself, or leaves out what is uneven by design."""

FORMS = {
    "generate_full_name": r"(?P<first>\S+) (?P<last>\S+)",
    "transform_full_name": r"(?P<first>\S+) (?P<middle>\S+) (?P<last>\S+)",
    "generate_email": r"(?P<first>[a-z]+)\.(?P<last>[a-z]+)(?P<digits>\d{4})@(?P<domain>.+)",
    "generate_username": r"(?P<initial>[a-z])(?P<last>[a-z]+)(?P<digits>\d{4})",
    "generate_street_address": r"\d+ (?P<name>\S+) (?P<street>.+)",
    "generate_full_address": r"\d+ (?P<name>\S+) (?P<street>[^,]+), (?P<place>[^,]+, [A-Z]{2}) \d{5}",
    "generate_ssn": r"(?P<area>\d{3})-(?P<group>\d\d)-(?P<serial>\d{4})",
    "generate_ip_address": r"10\.(?P<second>\d+)\.(?P<third>\d+)\.(?P<fourth>\d+)",
    "transform_ip_address": r"\d+\.\d+\.\d+\.(?P<fourth>\d+)",
    **dict.fromkeys(
        (
            "generate_int64_phone_number",
            "generate_string_phone_number",
            "generate_e164_phone_number",
            "transform_int64_phone_number",
        ),
        r"(?:\+1)?(?P<area>\d{3})55501(?P<line>\d\d)",
    ),
}
"""Results of several draws, each a named group; area codes are even as a whole, not in each digit."""

RANGES: dict[str, Callable[[Any, Any], tuple[Any, Any, Any]]] = {
    "generate_utctimestamp": lambda _before, after: (
        *(datetime.fromisoformat(end) for end in ("2024-01-01T00:00:00Z", "2024-12-31T00:00:01Z")),
        datetime.fromisoformat(after),
    ),
    "generate_unixtimestamp": lambda _before, after: (1704067200, 1735603201, after),
    "generate_python": lambda _before, after: (0, 1, after),
    "transform_javascript": lambda _before, after: (0, 1, after),
    "generate_javascript": lambda _before, after: (0, 1, after),
    "transform_float64": lambda before, after: (-10, Decimal("10.01"), after - before),
    "transform_number_noise": lambda before, after: (
        Decimal("-0.1"),
        Decimal("0.1"),
        (after - before) / before,
    ),
}
"""Lower end, upper end (not included) and where a result lies between them."""


def _zipcode_weights() -> dict[Hashable, float]:
    """A place is drawn, then a code among its own: so codes are as even as places, not as codes."""
    weights: Counter[Hashable] = Counter()
    for _, _, lowest, highest in rows("places", "en"):
        codes = range(int(lowest), int(highest) + 1)
        for code in codes:
            weights[f"{code:05}"[:2]] += 1 / len(codes)
    return weights


def _lower_case(name: WordList) -> Counter[str]:
    """Names as user names have them, where a few become the same."""
    return Counter(re.sub("[^a-z]", "", word.lower()) for word in words(name, "en"))


_LAST_NAMES = frozenset(words("last_names", "en"))
_NAME = re.compile("|".join([*(name for name in _LAST_NAMES if "-" in name), r"[\w']+"]))


def _first_of_business(_before: Any, after: str) -> str:
    return _NAME.findall(after)[0]


def _form_of_business(_before: Any, after: str) -> str:
    return _NAME.sub(lambda match: "{}" if match[0] in _LAST_NAMES else match[0], after)


def _house_number(_before: Any, after: str) -> int:
    return int(after.split(" ", maxsplit=1)[0]) * BINS // 10_000


PARTS: dict[str, dict[str, tuple[Callable[[Any, Any], Hashable], Callable[[], Mapping[Any, float]] | None]]] = {
    "generate_categorical": {"category": (lambda _, after: after, lambda: {"red": 1, "green": 2.5, "grey": 6})},
    "generate_zipcode": {"region": (lambda _, after: after[:2], _zipcode_weights)},
    "generate_business_name": {
        "form": (_form_of_business, lambda: Counter(words("companies", "en"))),
        "name": (_first_of_business, lambda: Counter(_LAST_NAMES)),
    },
    "generate_street_address": {"number": (_house_number, lambda: dict.fromkeys(range(BINS), 1))},
    "generate_full_address": {"number": (_house_number, lambda: dict.fromkeys(range(BINS), 1))},
    "generate_string": {
        "length": (lambda _, after: len(after), lambda: dict.fromkeys(range(8, 13), 1)),
        **{f"character {index}": (lambda _, after, index=index: after[index], None) for index in range(8)},
    },
    "transform_int64": {
        "difference": (
            lambda before, after: int(after - before),
            lambda: {step: 1 for step in range(-5, 6) if step},
        )
    },
    "transform_date_shift": {
        "days": (
            lambda before, after: (datetime.fromisoformat(after) - datetime.fromisoformat(before)).days,
            lambda: {days: 1 for days in range(-30, 31) if days},
        )
    },
}
"""Parts by a function of the value before and after, and their weights where they are not all alike."""

WEIGHTS: dict[tuple[str, str], Callable[[], Mapping[Any, float]]] = {
    ("generate_email", "first"): lambda: _lower_case("first_names"),
    ("generate_email", "last"): lambda: _lower_case("last_names"),
    ("generate_username", "last"): lambda: _lower_case("last_names"),
    **{
        (name, part): lambda listed=listed: Counter(words(listed, "en"))
        for listed, drawn in {
            "first_names": "generate_first_name transform_first_name generate_full_name.first"
            " transform_full_name.first transform_full_name.middle",
            "last_names": "generate_last_name transform_last_name generate_full_name.last transform_full_name.last"
            " generate_street_address.name generate_full_address.name",
            "cities": "generate_city",
            "countries": "generate_country",
        }.items()
        for name, _, part in (whole.partition(".") for whole in drawn.split())
    },
}
"""The weights of results, or of groups of their forms, where they are known: those of the word lists."""


def drawn_parts(definition: Definition, before: list[Any], results: list[Any]) -> dict[str, Part]:
    """Return the parts that a transformer drew, by a name for each."""
    name = definition.name
    after = list(map(to_python, results))
    parts: dict[str, Part] = {}
    for part, (outcome, weights) in PARTS.get(name, {}).items():
        outcomes = [outcome(*pair) for pair in zip(before, after, strict=True)]
        parts[part] = Part(outcomes, weights() if weights else dict.fromkeys(outcomes, 1))
    if form := FORMS.get(name):
        matches = [re.fullmatch(form, str(result)) for result in after]
        for group in re.compile(form).groupindex:
            found = [match[group] for match in matches if match]
            assert len(found) == len(matches), f"a result of {name} has another form"
            parts |= _parts_of(group, None, found, WEIGHTS.get((name, group)))
    elif name in RANGES:
        located = [RANGES[name](*pair) for pair in zip(before, after, strict=True)]
        parts["bin"] = _binned(located[0][0], located[0][1], [value for _, _, value in located])
    elif isinstance(after[0], Decimal) and {"min", "max"} <= definition.example.parameters.keys():
        low, high = definition.example.parameters["min"], definition.example.parameters["max"]
        whole = all(value == int(value) for value in after)
        parts |= (
            {"value": Part([*map(int, after)], dict.fromkeys(range(low, high + 1), 1))}
            if whole
            else {"bin": _binned(low, high + Decimal("1E-9"), after)}
        )
    elif not parts:
        parts = _parts_of("result", before, after, WEIGHTS.get((name, "")))
    return parts


def _binned(low: Any, high: Any, values: list[Any]) -> Part:
    return Part([int((value - low) / (high - low) * BINS) for value in values], dict.fromkeys(range(BINS), 1))


def _parts_of(name: str, before: list[Any] | None, after: list[Any], weights: Any) -> dict[str, Part]:
    """Return one part, or one for each character at whose position all values were the same before."""
    if weights is not None:
        return {name: Part([*after], weights())}
    texts = [str(result) if isinstance(result, Decimal | bool) else result for result in after]
    if len(set(texts)) <= len(texts) / 8 or len(set(map(len, texts))) > 1:
        return {name: Part([*texts], dict.fromkeys(texts, 1))}
    columns = [[*column] for column in zip(*texts, strict=True)]
    sources = (
        list(zip(*before, strict=True)) if before and len({len(text) for text in (*before, *texts)}) == 1 else ()
    )
    return {
        f"{name} {index}": Part(column, dict.fromkeys(column, 1))
        for index, column in enumerate(columns)
        if len(set(column)) > 1 and not (sources and len(set(sources[index])) > 1)
    }
