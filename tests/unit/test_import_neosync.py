"""What Neosync exports, brought over."""

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.cli import main
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.neosync.importer import ImportFileError, import_document
from airflow_dynsync.sync.mapping_file import parse_mapping_file


def mapping(column: str, table: str = "Users", **config: Any) -> dict[str, Any]:
    return {"schema": "dynamodb", "table": table, "column": column, "transformer": {"config": config}}


EXPORTED = [
    mapping("Id", passthrough_config={}),
    mapping(
        "Profile.Email",
        transform_email_config={
            "preserve_domain": True,
            "email_type": "GENERATE_EMAIL_TYPE_UUID_V4",
            "invalid_email_action": "INVALID_EMAIL_ACTION_REJECT",
        },
    ),
    mapping("Age", transform_int64_config={"randomization_range_min": "1", "randomization_range_max": "3"}),
    mapping("Nothing", nullconfig={}),
    mapping("Default", generate_default_config={}),
    mapping("Colour", generate_categorical_config={"categories": "red, green"}),
    mapping("Script", transform_javascript_config={"code": "return value.length > 3 ? '12' : value;"}),
    mapping("Card", "Orders", generate_bool_config={}),
]

JOB = {
    "name": "Nightly refresh",
    "cronSchedule": "0 3 * * *",
    "source": {
        "options": {
            "dynamodb": {
                "connectionId": "c-1",
                "tables": [{"table": "Users", "whereClause": "Id = '111'"}],
                "unmappedTransforms": {
                    "b": {"config": {"passthroughConfig": {}}},
                    "boolean": {"config": {"generateBoolConfig": {}}},
                    "n": {"config": {"passthroughConfig": {}}},
                    "s": {"config": {"generateStringConfig": {"min": "1", "max": "100"}}},
                },
                "enableConsistentRead": True,
            }
        }
    },
    "destinations": [
        {
            "connectionId": "c-2",
            "options": {
                "dynamodbOptions": {"tableMappings": [{"sourceTable": "Users", "destinationTable": "UsersStage"}]}
            },
        }
    ],
    "mappings": [
        {
            "schema": "dynamodb",
            "table": "Users",
            "column": "Email",
            "transformer": {
                "source": 3,
                "config": {
                    "transformEmailConfig": {"preserveLength": True, "emailType": 2, "excludedDomains": ["a.b"]}
                },
            },
        }
    ],
}


def test_exported_mappings_become_the_rules_of_their_tables() -> None:
    imported = import_document(EXPORTED)
    assert imported.left_out == ()
    assert imported.mapping_file == {
        "tables": {
            "Users": {
                "mappings": {
                    "Id": "passthrough",
                    "Profile.Email": {
                        "transformer": "transform_email",
                        "preserve_domain": True,
                        "email_type": "uuid_v4",
                        "invalid_email_action": "reject",
                    },
                    "Age": {
                        "transformer": "transform_int64",
                        "randomization_range_min": 1,
                        "randomization_range_max": 3,
                    },
                    "Nothing": "null",
                    "Default": "drop",
                    "Colour": {"transformer": "generate_categorical", "categories": "red, green"},
                    "Script": {
                        "transformer": "transform_javascript",
                        "code": "return value.length > 3 ? '12' : value;",
                    },
                }
            },
            "Orders": {"mappings": {"Card": "generate_bool"}},
        }
    }


def test_a_job_brings_its_where_its_destination_and_its_defaults() -> None:
    imported = import_document(JOB)
    assert (imported.name, imported.schedule, imported.left_out) == ("Nightly refresh", "0 3 * * *", ())
    table = parse_mapping_file(imported.yaml()).table("Users")
    assert (table.where, table.destination, table.consistent_read) == ("Id = '111'", "UsersStage", True)
    assert table.mappings == {
        "Email": {
            "transformer": "transform_email",
            "preserve_length": True,
            "email_type": "fullname",
            "excluded_domains": ["a.b"],
        }
    }
    assert table.unmapped == {
        "B": {"transformer": "passthrough"},
        "BOOL": {"transformer": "generate_bool"},
        "N": {"transformer": "passthrough"},
        "S": {"transformer": "generate_string", "min": 1, "max": 100},
    }
    compile_plan(table.model_dump(include={"mappings", "unmapped", "presets"}), key_attributes=["Id"])


def test_the_two_cases_mean_the_same() -> None:
    camel = [
        {
            "table": "T",
            "column": "a",
            "transformer": {"config": {"transformStringConfig": {"preserveLength": True}}},
        }
    ]
    snake = [mapping("a", "T", transform_string_config={"preserve_length": True})]
    assert import_document(camel) == import_document(snake)


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        ({"transform_scramble_identity_config": {}}, "use transform_fpe"),
        ({"user_defined_transformer_config": {"id": "x"}}, "write it as a preset"),
        ({"transform_martian_config": {}}, "there is no transformer transform_martian"),
        ({"transform_email_config": {"colour": 1}}, "has no parameter colour"),
        ({"generate_int64_config": {"min": "10", "max": "1"}}, "mappings.a"),
        ({}, "map it by hand"),
    ],
)
def test_what_cannot_come_over_is_listed_with_the_advice(config: dict[str, Any], advice: str) -> None:
    (left_out,) = import_document([mapping("a", **config)]).left_out
    assert left_out.place == "Users.a"
    assert advice in left_out.reason


@pytest.mark.parametrize("document", [{}, {"mappings": {}}, 3, [{"table": "T"}], [3]])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(ImportFileError):
        import_document(document)


def test_the_command_prints_a_mapping_file_and_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mappings.json"
    file.write_text(json.dumps([*EXPORTED, mapping("Ssn", transform_scramble_identity_config={})]))
    assert main(["import-neosync", str(file)]) == 0
    printed = capsys.readouterr()
    assert set(parse_mapping_file(printed.out).tables or ()) == {"Users", "Orders"}
    assert printed.err.startswith("not imported: Users.Ssn: it belongs to SQL identity columns")


def test_the_command_writes_a_jobs_mapping_file_and_dag(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(JOB))
    assert main(["import-neosync", str(file), "--job", "--output", str(tmp_path)]) == 0
    dag = (tmp_path / "Nightly_refresh.py").read_text()
    compile(dag, "dag", "exec")
    assert "schedule='0 3 * * *'" in dag
    assert "'Nightly_refresh.yaml'" in dag
    assert (
        parse_mapping_file((tmp_path / "Nightly_refresh.yaml").read_text()).table("Users").destination
        == "UsersStage"
    )


def test_a_file_that_is_no_json_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text("{")
    assert main(["import-neosync", str(file)]) == 1
    assert "cannot be read as JSON" in capsys.readouterr().err


def pii_text(**fields: Any) -> tuple[Any, list[str]]:
    """Return the rule that a config for free text becomes, and the reasons for what did not come over."""
    imported = import_document([mapping("Note", transform_pii_text_config=fields)])
    rules = imported.mapping_file["tables"]["Users"]["mappings"]
    if rules:
        compile_plan({"mappings": rules})
    return rules.get("Note"), [left_out.reason for left_out in imported.left_out]


def test_free_text_comes_over_with_its_anonymizers_and_lists() -> None:
    rule, left_out = pii_text(
        scoreThreshold=0.4,
        language="en",
        allowedEntities=["EMAIL_ADDRESS", "PHONE_NUMBER", "Staff"],
        allowedPhrases=["Acme"],
        denyRecognizers=[{"name": "Staff", "denyWords": ["Mary"]}],
        defaultAnonymizer={"mask": {"maskingChar": "#", "charsToMask": 4, "fromEnd": True}},
        entityAnonymizers={
            "EMAIL_ADDRESS": {"transform": {"config": {"transformEmailConfig": {"preserveDomain": True}}}},
            "PHONE_NUMBER": {"hash": {"algo": "HASH_TYPE_SHA256"}},
            "Staff": {"replace": {"value": "(someone)"}},
        },
    )
    assert left_out == []
    assert rule == {
        "transformer": "transform_pii_text",
        "score_threshold": 0.4,
        "deny_recognizers": [{"name": "Staff", "deny_words": ["Mary"]}],
        "allowed_phrases": ["Acme"],
        "entities": ["EMAIL_ADDRESS", "PHONE_NUMBER", "Staff"],
        "default_anonymizer": {"mask": {"masking_char": "#", "chars_to_mask": 4, "from_end": True}},
        "entity_anonymizers": {
            "EMAIL_ADDRESS": {"transform": {"transformer": "transform_email", "preserve_domain": True}},
            "PHONE_NUMBER": {"hash": {"length": 64}},
            "Staff": {"replace": {"value": "(someone)"}},
        },
    }


def test_free_text_in_which_names_were_looked_for_comes_over_without_them_and_says_so() -> None:
    rule, (left_out,) = pii_text(
        allowed_entities=["URL", "PERSON"], entity_anonymizers={"PERSON": {"redact": {}}, "URL": {"redact": {}}}
    )
    assert rule == {
        "transformer": "transform_pii_text",
        "entities": ["URL"],
        "entity_anonymizers": {"URL": "redact"},
    }
    assert "the search for PERSON" in left_out
    assert "nlp_model" in left_out


def test_free_text_in_which_everything_was_looked_for_says_what_ours_does_not_find() -> None:
    rule, (left_out,) = pii_text()
    assert rule == "transform_pii_text"
    assert "install the extra [presidio]" in left_out


def test_free_text_in_which_only_names_were_looked_for_does_not_come_over() -> None:
    rule, (left_out,) = pii_text(allowed_entities=["PERSON"])
    assert rule is None
    assert "PERSON" in left_out


def test_free_text_whose_transformer_cannot_come_over_does_not_come_over() -> None:
    rule, (left_out,) = pii_text(
        default_anonymizer={"transform": {"config": {"userDefinedTransformerConfig": {}}}}
    )
    assert rule is None
    assert "write it as a preset" in left_out
