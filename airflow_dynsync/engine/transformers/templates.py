"""Composite keys: strings made of literals and named parts, such as ``CUSTOMER#{email}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Held,
    Parameters,
    Step,
)
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.mapping import Rules
from airflow_dynsync.engine.values import NULL, TYPE_IN_WORDS, WireValue


@dataclass(frozen=True, slots=True)
class Form:
    """A template taken apart: ``literals[0] + part + literals[1] + part + ... + literals[-1]``."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, template: str) -> Form:
        """Take a template apart; its syntax is that of ``str.format``, without formats.

        Raises:
            ValueError: braces that do not match, a part without a name, a name used twice, or two parts without
                anything between them.
        """
        try:
            fields = list(Formatter().parse(template))
        except ValueError as error:
            raise ValueError(f"expected text with {{parts}}, and {{{{ or }}}} for a brace: {error}") from None
        literals = [""]
        names: list[str] = []
        for literal, name, spec, conversion in fields:
            literals[-1] += literal
            if name is None:
                continue
            if not name or spec or conversion:
                raise ValueError("expected nothing but a name between braces, as in {email}")
            if name in names:
                raise ValueError(f"the part {{{name}}} occurs twice; give the second one another name")
            if names and not literals[-1]:
                raise ValueError(f"put a separator between {{{names[-1]}}} and {{{name}}}")
            names.append(name)
            literals.append("")
        pattern = re.compile("(.*?)".join(map(re.escape, literals)), re.DOTALL)
        return cls(tuple(literals), tuple(names), pattern)

    def fill(self, parts: list[str]) -> str:
        """Return the string that has these parts."""
        return "".join(piece for pair in zip(self.literals, [*parts, ""], strict=True) for piece in pair)


class TransformTemplate(Parameters):
    """Parameters of transform_template."""

    template: Annotated[
        list[str],
        BeforeValidator(
            lambda text: [text] if isinstance(text, str) else text, json_schema_input_type=list[str] | str
        ),
        Field(min_length=1),
    ] = Field(
        description="The form of the value, such as CUSTOMER#{email}, or a list of forms, of which the first that"
        " fits is used; a form may be a mere text. Braces are doubled where they are meant as such. A part goes up"
        " to the first place where what follows it fits.",
    )
    parts: Rules = Field(
        default={}, description="For each part's name a transformer, written as in a mapping. An empty part stays."
    )

    @field_validator("template")
    @classmethod
    def _well_formed(cls, templates: list[str]) -> list[str]:
        for template in templates:
            Form.parse(template)
        return templates

    @model_validator(mode="after")
    def _a_transformer_for_each_part(self) -> Self:
        named = {name for template in self.template for name in Form.parse(template).names}
        if missing := sorted(named - self.parts.keys()):
            raise ValueError(f"parts lacks {missing[0]}; say what becomes of it, be it passthrough")
        if unused := sorted(self.parts.keys() - named):
            raise ValueError(f"parts has {unused[0]}, which no template names")
        return self


def _transform_template(parameters: TransformTemplate, compiler: Compiler) -> Step:
    forms = [Form.parse(template) for template in parameters.template]
    expected = f"a string of the form {' or '.join(parameters.template)} was expected"
    steps = {name: compiler.text_step(config, f"parts.{name}") for name, config in parameters.parts.items()}
    unambiguous = len(forms) == 1 and len(steps) == 1

    def parse(text: str) -> tuple[Form, list[str]] | None:
        for form in forms:
            if match := form.pattern.fullmatch(text):
                return form, [*match.groups()]
        return None

    def step(column: Column) -> list[WireValue | Drop]:
        parsed = []
        for row, value in zip(column.rows, column.values, strict=True):
            found = parse(value["S"])
            if found is None:
                raise TransformError(compiler.place, expected, row=row, wrong_form=True)
            parsed.append(found)
        instead: dict[int, WireValue | Drop] = {}
        for name, inner in steps.items():
            places = [
                (index, form.names.index(name)) for index, (form, _) in enumerate(parsed) if name in form.names
            ]
            places = [(index, position) for index, position in places if parsed[index][1][position]]
            results = inner(
                Column(
                    column.chunk,
                    [{"S": parsed[index][1][position]} for index, position in places],
                    [column.rows[index] for index, _ in places],
                    [(*column.places[index], name) for index, _ in places],
                )
            )
            for (index, position), result in zip(places, results, strict=True):
                if result is DROP or result == NULL:
                    instead[index] = result
                else:
                    parsed[index][1][position] = _text(result, name, column.rows[index])
        return [
            instead[index] if index in instead else {"S": rebuild(form, parts, column.rows[index])}
            for index, (form, parts) in enumerate(parsed)
        ]

    def rebuild(form: Form, parts: list[str], row: int) -> str:
        text = form.fill(parts)
        if not unambiguous and parse(text) != (form, parts):
            raise TransformError(
                compiler.place,
                "a part's new value contains what separates the parts, so the result could not be taken apart"
                " again; use another transformer for the part, such as transform_hash",
                row=row,
            )
        return text

    def _text(result: WireValue, name: str, row: int) -> str:
        ((kind, payload),) = result.items()
        if kind not in ("S", "N"):
            raise TransformError(
                compiler.place, f"the part {{{name}}} became {TYPE_IN_WORDS[kind]}, which has no text", row=row
            )
        return str(payload)

    return step


DEFINITIONS: Final = (
    Definition(
        name="transform_template",
        summary="Takes a composite key apart and gives each part to its own transformer",
        parameters=TransformTemplate,
        accepts=frozenset({"S"}),
        returns=frozenset({"S", "NULL"}),
        uniqueness=lambda parameters: Held(parameters.parts.values()),
        reads_input=True,
        has_realm=False,
        example=Example(
            "CUSTOMER#mary@acme.com",
            "CUSTOMER#10c7b620402544c69fd566139cc6c43c@example.org",
            {"template": "CUSTOMER#{email}", "parts": {"email": "transform_email"}},
        ),
        column=_transform_template,
    ),
)
