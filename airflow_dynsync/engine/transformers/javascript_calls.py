"""JavaScript as a transformer: `transform_javascript` and `generate_javascript`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from airflow_dynsync.engine.definitions import Compiler, Definition, Example, Parameters, Step, Uniqueness
from airflow_dynsync.engine.values import EVERY_TYPE


class _Script(Parameters):
    timeout: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=30, description="Seconds that the script may take for one chunk of items."
    )


class TransformJavascript(_Script):
    """Parameters of transform_javascript."""

    code: str = Field(
        min_length=1,
        description="The body of a function of value and input, the whole source item; what it returns is the new"
        " value, nothing or null is NULL. All transformers are there, as neosync.transformEmail(value,"
        " {preserveDomain: true}). Math.random belongs to the value, and the clock stands at the start of the"
        " run's day, UTC.",
    )


class GenerateJavascript(_Script):
    """Parameters of generate_javascript."""

    code: str = Field(
        min_length=1,
        description="The body of a function without arguments; what it returns is the value, nothing or null is"
        " NULL. All transformers are there, as neosync.generateFirstName({maxLength: 20}). Math.random belongs to"
        " the item and the path, and the clock stands at the start of the run's day, UTC.",
    )


def _transform(parameters: TransformJavascript, compiler: Compiler) -> Step:
    from airflow_dynsync.engine.javascript.script import transform_step

    return transform_step(parameters.code, parameters.timeout, compiler)


def _generate(parameters: GenerateJavascript, compiler: Compiler) -> Step:
    from airflow_dynsync.engine.javascript.script import generate_step

    return generate_step(parameters.code, parameters.timeout, compiler)


DEFINITIONS: Final = (
    Definition(
        name="transform_javascript",
        summary="Gives the value to a JavaScript function",
        parameters=TransformJavascript,
        accepts=EVERY_TYPE,
        returns=EVERY_TYPE,
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=True,
        reads_item=True,
        keeps_empty=False,
        example=Example("Mary", "MARY", {"code": "return value.toUpperCase()"}),
        wants_many=True,
        column=_transform,
    ),
    Definition(
        name="generate_javascript",
        summary="Takes what a JavaScript function returns",
        parameters=GenerateJavascript,
        accepts=EVERY_TYPE,
        returns=EVERY_TYPE,
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=False,
        keeps_empty=False,
        example=Example(
            "Mary",
            "C-e857479f-4c42-41ab-b1d2-3be4d67c9375",
            {"code": "return `C-${neosync.generateUuid()}`"},
        ),
        wants_many=True,
        column=_generate,
    ),
)
