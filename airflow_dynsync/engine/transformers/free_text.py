"""Free text: what in it is personal data is found, and replaced by a text or by transformers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field, SkipValidation, StringConstraints, WithJsonSchema

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Parameters,
    Step,
    TextList,
    Uniqueness,
)
from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.mapping import RuleConfig, did_you_mean, type_in_words, validate
from airflow_dynsync.engine.recognizers import (
    ENTITIES,
    SCORE_THRESHOLD,
    Finding,
    Recognizer,
    candidates,
    resolve,
)
from airflow_dynsync.engine.recognizers.extra import (
    MODEL_ENTITIES,
    PATTERN_ENTITIES,
    MissingModelError,
    check_model,
    is_installed,
)
from airflow_dynsync.engine.recognizers.words import words
from airflow_dynsync.engine.values import NULL, TYPE_IN_WORDS, WireValue

Text = Annotated[str, StringConstraints(min_length=1)]


class Replace(Parameters):
    """How a finding is replaced by a text."""

    value: str | None = Field(default=None, description="That text; by default the kind, as in <EMAIL_ADDRESS>.")


class Redact(Parameters):
    """How a finding is removed."""


class Mask(Parameters):
    """How the characters of a finding are replaced."""

    masking_char: str = Field(
        default="*",
        min_length=1,
        max_length=1,
        validation_alias=AliasChoices("masking_char", "maskingChar"),
        description="What is put in their place.",
    )
    chars_to_mask: int | None = Field(
        default=None,
        ge=0,
        validation_alias=AliasChoices("chars_to_mask", "charsToMask"),
        description="How many of them; by default all.",
    )
    from_end: bool = Field(
        default=False,
        validation_alias=AliasChoices("from_end", "fromEnd"),
        description="Count them from the end.",
    )


class DenyRecognizer(Parameters):
    """Words that are personal data wherever they stand."""

    name: Text = Field(description="The kind that they are found as.")
    deny_words: list[Text] = Field(
        min_length=1,
        validation_alias=AliasChoices("deny_words", "denyWords"),
        description="Whole words or phrases, in upper or lower case.",
    )


_ANONYMIZERS: Final = ("replace", "redact", "mask", "hash", "transform")


def _schema(model: type[Parameters]) -> dict[str, Any]:
    return model.model_json_schema()


Anonymizer = Annotated[
    RuleConfig,
    SkipValidation,
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["replace", "redact", "mask", "hash"]},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                    "properties": {
                        "replace": _schema(Replace),
                        "redact": _schema(Redact),
                        "mask": _schema(Mask),
                        "hash": {"description": "Parameters of transform_hash.", "type": "object"},
                        "transform": {"format": "rule"},
                    },
                },
            ]
        }
    ),
]


class TransformPiiText(Parameters):
    """Parameters of transform_pii_text."""

    entities: TextList = Field(
        default=[],
        validation_alias=AliasChoices("entities", "allowed_entities", "allowedEntities"),
        description="The kinds to look for, as a list or as one text with commas between them:"
        f" {', '.join(ENTITIES)}; with the extra presidio also Presidio's, such as PERSON or ES_NIF. By default"
        f" all of the former, and where there is an nlp_model also {', '.join(MODEL_ENTITIES)}.",
    )
    default_anonymizer: Anonymizer = Field(
        default="replace",
        description="What becomes of a finding: replace (by a value, or by its kind, <EMAIL_ADDRESS>), redact"
        " (removed), mask (masking_char, chars_to_mask, from_end), hash (as transform_hash, with its parameters)"
        " or transform (a transformer, written as in a mapping). One with parameters is written"
        " {mask: {chars_to_mask: 4}}.",
    )
    entity_anonymizers: dict[str, Anonymizer] = Field(
        default={}, description="What becomes of a finding of one kind, where that is not the default_anonymizer."
    )
    score_threshold: float = Field(
        default=SCORE_THRESHOLD,
        ge=0,
        le=1,
        description="How certain a finding has to be. Where a check digit proves it the score is 1; 0.2 and less"
        " are digits that nothing around them explains.",
    )
    allowed_phrases: list[Text] = Field(
        default=[], description="Texts that stay as they are, written exactly so, with all that is found in them."
    )
    deny_recognizers: list[Annotated[dict[str, Any], SkipValidation, WithJsonSchema(_schema(DenyRecognizer))]] = (
        Field(
            default=[],
            description="Lists of words that are personal data wherever they stand, each with a name, the kind"
            " that they are found as, and deny_words.",
        )
    )
    nlp_model: Text | None = Field(
        default=None,
        description="A spaCy model, as the name of an installed package or the path of a folder, which finds"
        " LOCATION, NRP, ORGANIZATION and PERSON. It needs the extra presidio; nothing is downloaded.",
    )
    language: str | None = Field(
        default=None,
        pattern="^[a-z]{2,3}$",
        description="The language of the texts (ISO 639), which is that of the nlp_model; without one it does not"
        " matter.",
    )


Anonymize = Callable[[str, Column], list[str]]
"""``(kind, findings) -> texts in their place``."""


def _transform_pii_text(parameters: TransformPiiText, compiler: Compiler) -> Step:
    search = _search(parameters, compiler.place)
    default = _anonymizer(parameters.default_anonymizer, "default_anonymizer", compiler)
    by_entity = {
        entity: _anonymizer(config, f"entity_anonymizers.{entity}", compiler)
        for entity, config in parameters.entity_anonymizers.items()
    }

    def step(column: Column) -> list[WireValue | Drop]:
        cut: list[list[str]] = []
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, value in enumerate(column.values):
            text, pieces, end = value["S"], [], 0
            for entity, start, stop, _ in search(text):
                pieces += [text[end:start], text[start:stop]]
                end = stop
                found[entity].append((index, len(pieces) - 1))
                column.count(index, f"found {entity}")
            cut.append([*pieces, text[end:]])
        for entity, places in found.items():
            findings = Column(
                column.chunk,
                [{"S": cut[index][position]} for index, position in places],
                [column.rows[index] for index, _ in places],
                [(*column.places[index], entity, position) for index, position in places],
            )
            texts = by_entity.get(entity, default)(entity, findings)
            for (index, position), instead in zip(places, texts, strict=True):
                cut[index][position] = instead
        return [{"S": "".join(pieces)} for pieces in cut]

    return step


def _search(parameters: TransformPiiText, place: str) -> Callable[[str], list[Finding]]:
    """Return what finds in a text everything that is to be replaced."""
    denied = _denied(parameters.deny_recognizers, place)
    searched = parameters.entities or [*ENTITIES, *(MODEL_ENTITIES if parameters.nlp_model else ())]
    _check(parameters, searched, denied, place)
    own = [entity for entity in searched if entity in ENTITIES]
    others = frozenset(searched).difference(ENTITIES, denied)
    recognizers: list[Recognizer] = [
        lambda text: candidates(text, own),
        *(words(entity, listed) for entity, listed in denied.items()),
    ]
    if others:
        recognizers.append(_presidio(others, parameters.nlp_model, parameters.language, place))
    threshold = parameters.score_threshold
    allowed = re.compile("|".join(map(re.escape, sorted(parameters.allowed_phrases, key=len, reverse=True))))

    def search(text: str) -> list[Finding]:
        found = [finding for recognize in recognizers for finding in recognize(text) if finding.score >= threshold]
        if found and allowed.pattern:
            spans = [phrase.span() for phrase in allowed.finditer(text)]
            found = [
                finding
                for finding in found
                if not any(start <= finding.start and finding.end <= end for start, end in spans)
            ]
        return resolve(found, text, MODEL_ENTITIES)

    return search


def _denied(lists: Iterable[Any], place: str) -> dict[str, list[str]]:
    denied: dict[str, list[str]] = defaultdict(list)
    for number, config in enumerate(lists):
        deny_list = validate(DenyRecognizer, config, f"{place}.deny_recognizers.{number}")
        denied[deny_list.name] += deny_list.deny_words
    return denied


def _check(parameters: TransformPiiText, searched: list[str], denied: Iterable[str], place: str) -> None:
    """Refuse kinds that nothing finds, and a model that is not there."""
    if parameters.nlp_model is not None:
        if not is_installed():
            raise MappingError(f"{place}.nlp_model", f"needs Presidio; {_INSTALL}")
        try:
            check_model(parameters.nlp_model)
        except MissingModelError as error:
            raise MappingError(f"{place}.nlp_model", str(error)) from None
    for entity in searched:
        if entity not in ENTITIES and entity not in denied:
            _check_others(entity, parameters.nlp_model, place)
    for entity in parameters.entity_anonymizers:
        if entity not in searched and entity not in denied:
            raise MappingError(
                f"{place}.entity_anonymizers.{entity}",
                f"nothing looks for it; add it to entities, or choose among {', '.join([*searched, *denied])}",
            )


_INSTALL: Final = "install airflow-dynsync[presidio]"


def _check_others(entity: str, nlp_model: str | None, place: str) -> None:
    others = (*MODEL_ENTITIES, *sorted(PATTERN_ENTITIES))
    if entity not in others:
        raise MappingError(
            f"{place}.entities",
            f"no kind is named {entity!r}{did_you_mean(entity, (*ENTITIES, *others))}; there are"
            f" {', '.join(ENTITIES)}, and more with the extra [presidio]: {', '.join(others)}",
        )
    if not is_installed():
        raise MappingError(
            f"{place}.entities",
            f"{entity} is found by Presidio alone; {_INSTALL}, or choose among {', '.join(ENTITIES)}",
        )
    if entity in MODEL_ENTITIES and nlp_model is None:
        raise MappingError(f"{place}.nlp_model", f"is required to find {entity}; name an installed spaCy model")


def _presidio(entities: frozenset[str], nlp_model: str | None, language: str | None, place: str) -> Recognizer:
    """Return Presidio's recognizer, which is loaded when the first text comes: not where a DAG is parsed."""

    def recognize(text: str) -> Iterator[Finding]:
        from airflow_dynsync.engine.recognizers.presidio import recognizer

        try:
            found = recognizer(entities, nlp_model, language)
        except MissingModelError as error:
            raise TransformError(f"{place}.nlp_model", str(error)) from None
        return found(text)

    return recognize


def _anonymizer(config: Any, written_at: str, compiler: Compiler) -> Anonymize:
    place = f"{compiler.place}.{written_at}"
    if isinstance(config, str):
        config = {config: {}}
    if not isinstance(config, dict) or len(config) != 1:
        got = f"{len(config)} names" if isinstance(config, dict) else type_in_words(config)
        raise MappingError(place, f"expected one of {', '.join(_ANONYMIZERS)}, got {got}")
    ((kind, options),) = config.items()
    options = {} if options is None else options
    match kind:
        case "replace":
            value = validate(Replace, options, f"{place}.{kind}").value
            return _each(lambda entity, _: f"<{entity}>" if value is None else value)
        case "redact":
            validate(Redact, options, f"{place}.{kind}")
            return _each(lambda _, __: "")
        case "mask":
            return _each(_masked(validate(Mask, options, f"{place}.{kind}")))
        case "hash" if isinstance(options, dict):
            return _transformed({**options, "transformer": "transform_hash"}, f"{written_at}.{kind}", compiler)
        case "transform":
            return _transformed(options, f"{written_at}.{kind}", compiler)
    raise MappingError(
        place, f"expected one of {', '.join(_ANONYMIZERS)}, got {kind!r}{did_you_mean(kind, _ANONYMIZERS)}"
    )


def _each(replacement: Callable[[str, str], str]) -> Anonymize:
    return lambda entity, findings: [replacement(entity, value["S"]) for value in findings.values]


def _masked(mask: Mask) -> Callable[[str, str], str]:
    def replacement(_entity: str, found: str) -> str:
        count = len(found) if mask.chars_to_mask is None else min(mask.chars_to_mask, len(found))
        hidden = mask.masking_char * count
        return found[: len(found) - count] + hidden if mask.from_end else hidden + found[count:]

    return replacement


def _transformed(config: RuleConfig, written_at: str, compiler: Compiler) -> Anonymize:
    transform = compiler.text_step(config, written_at)

    def text(result: WireValue | Drop, row: int) -> str:
        if result is DROP or result == NULL:
            return ""
        ((kind, payload),) = result.items()
        if kind not in ("S", "N"):
            raise TransformError(
                f"{compiler.place}.{written_at}",
                f"a finding became {TYPE_IN_WORDS[kind]}, which has no text; use another transformer",
                row=row,
            )
        return str(payload)

    return lambda _, findings: [
        text(result, row) for result, row in zip(transform(findings), findings.rows, strict=True)
    ]


DEFINITIONS: Final = (
    Definition(
        name="transform_pii_text",
        summary="Finds personal data in free text and replaces, removes, masks, hashes or transforms it",
        parameters=TransformPiiText,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example(
            "Mary (mary@acme.com) rang from +1 415 555 0132.",
            "Mary (10c7b620402544c69fd566139cc6c43c@example.org) rang from <PHONE_NUMBER>.",
            {"entity_anonymizers": {"EMAIL_ADDRESS": {"transform": "transform_email"}}},
        ),
        column=_transform_pii_text,
    ),
)
