"""What holds for every text that the parsers of paths and of conditions are given; tried by libFuzzer.

`python -m tests.unit.fuzzed_parsers paths FOLDER -runs=3000` keeps the inputs in a folder that it makes; the
options are libFuzzer's. It ends with code 0 where what is said here held for all inputs, and none took longer than
``-timeout`` seconds.
"""

import sys
from pathlib import Path

import atheris
import orjson

from tests.unit.marks import MARK, everything_said

with atheris.instrument_imports(include=["airflow_dynsync.engine.paths", "airflow_dynsync.dynamodb.where"]):
    from airflow_dynsync.dynamodb.errors import InvalidRequestError
    from airflow_dynsync.dynamodb.tables import KeyAttribute
    from airflow_dynsync.dynamodb.where import plan_selection
    from airflow_dynsync.engine.errors import MappingError
    from airflow_dynsync.engine.paths import format_path, parse_path

KEYS = (KeyAttribute("Id", "S"), KeyAttribute("Since", "N"))

SEEDS = {
    "paths": ["Email", "Orders[3]", "Orders[*].card", "Pets.*.Age", "**.ssn", r'"a\"b\\c".d', "a.**.b[0]"],
    "conditions": [
        "Id = 'x' AND Since >= 5",
        "a = 'x' OR NOT (b < 5 AND c IN [1, 'x', null])",
        'a."x-y"[0].l BETWEEN 9 AND 10',
        "begins_with(a, 'x') AND size(b) <> 7 OR attribute_type(c, 'SS')",
        "contains(Id, 'x') AND a IS NOT MISSING AND b IS NULL",
    ],
}
"""What to begin with."""


def read_path(text: str) -> None:
    """A path is read as steps, which are written and read as the same ones; or the error names the place."""
    try:
        path = parse_path(text, "mappings.path")
    except MappingError as error:
        place = error.place
    else:
        place = "mappings.path"
        assert parse_path(format_path(path), place) == path
    assert place == "mappings.path"


def plan_condition(text: str) -> None:
    """A condition becomes a request that can be sent, or is left to DynamoDB; nothing said of it is a value."""
    try:
        selection = plan_selection(text.replace("x", MARK), KEYS)
    except InvalidRequestError as error:
        said, selection = everything_said(error), None
    else:
        said = f"{selection!r} {selection.reason}"
    assert MARK not in said
    if selection is None:
        return
    if selection.way == "statement":
        assert not selection.parameters
        return
    orjson.dumps(selection.parameters)
    written = f"{selection.filter_expression} {selection.key_condition_expression} "
    assert all(placeholder in written for placeholder in [*selection.names, *selection.values])


CHECKS = {"paths": read_path, "conditions": plan_condition}


def main(argv: list[str]) -> None:
    """Run libFuzzer, which ends the process."""
    program, target, inputs, *options = argv
    check, folder = CHECKS[target], Path(inputs)
    folder.mkdir()
    for number, text in enumerate(SEEDS[target]):
        (folder / f"{number}").write_text(text)
    # Bytes that are no UTF-8 become lone surrogates, as those of a command line do.
    atheris.Setup([program, *options, inputs], lambda content: check(content.decode(errors="surrogateescape")))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
