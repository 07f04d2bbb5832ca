"""transform_pii_text: what becomes of what is found, and what a mapping may say."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, Plan, TransformError, compile_plan
from tests.unit.javascript_helpers import run

SECRET = b"the secret of the tests of texts"
TEXT = "mary@acme.com from 10.0.0.1"


def text_plan(mappings: dict[str, Any] | None = None, **parameters: Any) -> Plan:
    rule = {"transformer": "transform_pii_text", **parameters}
    return compile_plan(
        {"mappings": {"Note": rule, **(mappings or {})}, "unmapped": "passthrough"},
        key_attributes=("Id",),
        secret=SECRET,
    )


def transformed(text: str, **parameters: Any) -> str:
    (item,) = text_plan(**parameters).apply([{"Id": {"S": "1"}, "Note": {"S": text}}])
    return item["Note"]["S"]


def counts(plan: Plan) -> dict[str, int]:
    return {row.outcome: row.count for row in plan.statistics.counts}


def test_a_finding_gives_way_to_its_kind_and_the_rest_stays() -> None:
    assert transformed(f"«{TEXT}»\n") == "«<EMAIL_ADDRESS> from <IP_ADDRESS>»\n"


def test_a_text_without_findings_stays() -> None:
    assert transformed("Nothing was found here, 5 times.") == "Nothing was found here, 5 times."


@pytest.mark.parametrize(
    ("anonymizer", "expected"),
    [
        ("replace", "<EMAIL_ADDRESS> from <IP_ADDRESS>"),
        ({"replace": {"value": "x"}}, "x from x"),
        ({"replace": None}, "<EMAIL_ADDRESS> from <IP_ADDRESS>"),
        ("redact", " from "),
        ("mask", "************* from ********"),
        ({"mask": {"masking_char": "#", "chars_to_mask": 4}}, "####@acme.com from ####.0.1"),
        ({"mask": {"chars_to_mask": 9, "from_end": True}}, "mary********* from ********"),
        ({"mask": {"chars_to_mask": 0}}, TEXT),
        ({"transform": {"transformer": "constant", "value": 5}}, "5 from 5"),
        ({"transform": "null"}, " from "),
        ({"transform": "drop"}, " from "),
    ],
)
def test_an_anonymizer_says_what_becomes_of_all_findings(anonymizer: Any, expected: str) -> None:
    assert transformed(TEXT, default_anonymizer=anonymizer) == expected


def test_a_kind_may_have_an_anonymizer_of_its_own() -> None:
    assert transformed(TEXT, default_anonymizer="redact", entity_anonymizers={"IP_ADDRESS": "mask"}) == (
        " from ********"
    )


def test_a_transformed_finding_agrees_with_the_attribute_that_holds_it() -> None:
    mappings = {"Email": "transform_email", "Ip": {"transformer": "transform_hash", "length": 12}}
    plan = text_plan(
        mappings,
        default_anonymizer={"hash": {"length": 12}},
        entity_anonymizers={"EMAIL_ADDRESS": {"transform": "transform_email"}},
    )
    (item,) = plan.apply(
        [{"Id": {"S": "1"}, "Note": {"S": TEXT}, "Email": {"S": "mary@acme.com"}, "Ip": {"S": "10.0.0.1"}}]
    )
    assert item["Note"]["S"] == f"{item['Email']['S']} from {item['Ip']['S']}"


def test_a_hash_depends_on_the_secret() -> None:
    rule = {"Note": {"transformer": "transform_pii_text", "default_anonymizer": "hash"}}
    item = {"Id": {"S": "1"}, "Note": {"S": "mary@acme.com"}}
    first, second = (
        compile_plan({"mappings": rule}, key_attributes=("Id",), secret=secret).apply([item])[0]["Note"]["S"]
        for secret in (b"one secret of sixteen", b"other secret of sixteen")
    )
    assert first != second
    assert len(first) == len(second) == 32


def test_findings_of_one_text_are_drawn_for_apart_and_those_of_one_value_agree() -> None:
    first, again, other = transformed(
        "a@x.com, a@x.com, b@x.com", default_anonymizer={"transform": "transform_email"}
    ).split(", ")
    assert first == again != other
    drawn = transformed("a@x.com, a@x.com", default_anonymizer={"transform": "generate_uuid"}).split(", ")
    assert len(set(drawn)) == 2


def test_a_set_is_searched_element_by_element() -> None:
    (item,) = text_plan().apply([{"Id": {"S": "1"}, "Note": {"SS": ["x", "a@x.com", "b@x.com"]}}])
    assert sorted(item["Note"]["SS"]) == ["<EMAIL_ADDRESS>", "x"]


@pytest.mark.parametrize("written", [["IP_ADDRESS"], "IP_ADDRESS, URL"])
@pytest.mark.parametrize("name", ["entities", "allowed_entities"])
def test_only_the_kinds_that_are_named_are_looked_for(name: str, written: Any) -> None:
    assert transformed(TEXT, **{name: written}) == "mary@acme.com from <IP_ADDRESS>"


def test_a_threshold_says_how_certain_a_finding_has_to_be() -> None:
    text = "order 2345678, mary@acme.com, 10.0.0.1"
    assert transformed(text) == "order 2345678, <EMAIL_ADDRESS>, <IP_ADDRESS>"
    assert transformed(text, score_threshold=1) == "order 2345678, <EMAIL_ADDRESS>, 10.0.0.1"
    assert transformed(text, score_threshold=0) == "order <PHONE_NUMBER>, <EMAIL_ADDRESS>, <IP_ADDRESS>"


def test_allowed_phrases_stay_with_what_is_found_in_them() -> None:
    text = "help@acme.com not.help@acme.com Help@acme.com ring 415-555-0132 now"
    assert transformed(text, allowed_phrases=["help@acme.com", "ring 415-555-0132"]) == (
        "help@acme.com <EMAIL_ADDRESS> <EMAIL_ADDRESS> ring 415-555-0132 now"
    )


def test_listed_words_are_found_as_the_kind_that_is_named() -> None:
    assert (
        transformed(
            "MARY and Mary Ann wrote to Anna (mary@acme.com)",
            deny_recognizers=[{"name": "STAFF", "deny_words": ["Mary", "Mary Ann"]}],
            entity_anonymizers={"STAFF": {"replace": {"value": "someone"}}},
            entities=["EMAIL_ADDRESS"],
        )
        == "someone and someone wrote to Anna (<EMAIL_ADDRESS>)"
    )


def test_findings_are_counted_by_kind() -> None:
    plan = text_plan()
    plan.apply([{"Id": {"S": str(row)}, "Note": {"S": f"{TEXT}, a@x.com"}} for row in range(3)])
    assert counts(plan) == {"found EMAIL_ADDRESS": 6, "found IP_ADDRESS": 3, "transformed": 3}


def test_findings_are_counted_under_the_rule_inside_a_document_and_inside_a_template() -> None:
    inside = {"transformer": "transform_json", "mappings": {"note": "transform_pii_text"}}
    template = {"transformer": "transform_template", "template": "N#{n}", "parts": {"n": "transform_pii_text"}}
    plan = compile_plan({"mappings": {"Doc": inside, "Key": template}})
    plan.apply([{"Doc": {"S": '{"note": "a@x.com 10.0.0.1"}'}, "Key": {"S": "N#b@x.com"}}])
    found = {(row.rule, row.outcome, row.count) for row in plan.statistics.counts if "found" in row.outcome}
    assert found == {
        ("mappings.Doc.mappings.note", "found EMAIL_ADDRESS", 1),
        ("mappings.Doc.mappings.note", "found IP_ADDRESS", 1),
        ("mappings.Key", "found EMAIL_ADDRESS", 1),
    }


def test_a_chunk_that_is_tried_again_by_halves_is_counted_once() -> None:
    plan = text_plan(
        entity_anonymizers={"DATE_TIME": {"transform": "transform_uuid"}}, on_type_mismatch="passthrough"
    )
    texts = ["a@x.com", "b@x.com", "on 2024-01-31", "c@x.com"]
    plan.apply([{"Id": {"S": text}, "Note": {"S": text}} for text in texts])
    assert counts(plan) == {"found EMAIL_ADDRESS": 3, "transformed": 3, "mismatch_passthrough": 1}


def test_threads_count_together() -> None:
    plan = text_plan()
    items = [{"Id": {"S": str(row)}, "Note": {"S": TEXT}} for row in range(50)]
    threads = [threading.Thread(target=plan.apply, args=(items,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(plan)["found EMAIL_ADDRESS"] == 400


def test_a_script_gives_the_options_in_the_names_of_javascript() -> None:
    code = """
      return neosync.transformPiiText(value, {
        allowedEntities: ["EMAIL_ADDRESS"], scoreThreshold: 0.5, language: "en", allowedPhrases: ["b@x.com"],
        denyRecognizers: [{name: "STAFF", denyWords: ["Mary"]}],
        defaultAnonymizer: {mask: {maskingChar: "#", charsToMask: 2, fromEnd: true}},
        entityAnonymizers: {STAFF: "redact"},
      })
    """
    assert run(code, {"S": "Mary: a@x.com, b@x.com 10.0.0.1"}) == {"S": ": a@x.c##, b@x.com 10.0.0.1"}


def test_findings_of_a_script_are_counted_under_its_rule() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "Note": {"transformer": "transform_javascript", "code": "return neosync.transformPiiText(value)"}
            }
        }
    )
    plan.apply([{"Note": {"S": TEXT}}])
    assert counts(plan) == {"found EMAIL_ADDRESS": 1, "found IP_ADDRESS": 1, "transformed": 1}


@pytest.mark.parametrize(
    ("parameters", "place", "said"),
    [
        ({"entities": ["EMAIL"]}, "entities", "no kind is named 'EMAIL'.*EMAIL_ADDRESS.*extra .presidio."),
        ({"entities": 5}, "entities", "expected"),
        ({"score_threshold": 1.5}, "score_threshold", "less than or equal to 1"),
        ({"allowed_phrases": [""]}, "allowed_phrases.0", "at least 1"),
        ({"default_anonymizer": "hide"}, "default_anonymizer", "expected one of replace, .*got 'hide'"),
        ({"default_anonymizer": 5}, "default_anonymizer", "got an integer"),
        ({"default_anonymizer": {"mask": {}, "hash": {}}}, "default_anonymizer", "got 2 names"),
        ({"default_anonymizer": {"mask": {"masking_char": "**"}}}, "default_anonymizer.mask", "at most 1"),
        ({"default_anonymizer": {"hash": {"length": 0}}}, "default_anonymizer.hash.length", "greater than"),
        ({"default_anonymizer": "transform"}, "default_anonymizer.transform.transformer", "is required"),
        (
            {"entity_anonymizers": {"EMAIL_ADDRESS": {"transform": "transform_mail"}}},
            "entity_anonymizers.EMAIL_ADDRESS.transform",
            "did you mean transform_email",
        ),
        (
            {"entity_anonymizers": {"EMAIL_ADDRESS": {"transform": "transform_uuid5"}}},
            "entity_anonymizers.EMAIL_ADDRESS.transform",
            "no transformer",
        ),
        (
            {"entity_anonymizers": {"EMAIL_ADDRESS": {"transform": "transform_int64"}}},
            "entity_anonymizers.EMAIL_ADDRESS.transform",
            "does not take S",
        ),
        (
            {"entity_anonymizers": {"EMAIL_ADDRESS": {"mask": {"chars_to_mask": -1}}}},
            "entity_anonymizers.EMAIL_ADDRESS.mask.chars_to_mask",
            "greater than or equal to 0",
        ),
        (
            {"entities": ["URL"], "entity_anonymizers": {"EMAIL_ADDRESS": "mask"}},
            "entity_anonymizers.EMAIL_ADDRESS",
            "nothing looks for it",
        ),
        ({"deny_recognizers": [{"name": "X"}]}, "deny_recognizers.0.deny_words", "is required"),
        ({"deny_recognizers": [{"name": "X", "deny_words": []}]}, "deny_recognizers.0.deny_words", "at least 1"),
        ({"deny_recognizers": [{"name": "X", "words": []}]}, "deny_recognizers.0.", "is required"),
        ({"deny_recognizers": ["X"]}, "deny_recognizers.0", "got a string"),
        ({"nlp_model": "no_such_model"}, "nlp_model", "no spaCy model of that name is installed"),
        ({"entities": ["PERSON"]}, "nlp_model", "is required to find PERSON"),
        ({"realm": "x"}, "realm", "draws nothing by itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_path_when_the_mapping_is_compiled(
    parameters: dict[str, Any], place: str, said: str
) -> None:
    with pytest.raises(MappingError, match=said) as caught:
        text_plan(**parameters)
    assert caught.value.place.startswith(f"mappings.Note.{place}")


def test_a_finding_that_becomes_no_text_is_an_error_without_the_finding() -> None:
    transform = {"transform": {"transformer": "constant", "value": [1]}}
    with pytest.raises(TransformError, match="which has no text") as caught:
        transformed(TEXT, entity_anonymizers={"EMAIL_ADDRESS": transform})
    assert caught.value.place == "mappings.Note.entity_anonymizers.EMAIL_ADDRESS.transform"
    assert "mary" not in str(caught.value)


WITHOUT_PRESIDIO = """
import sys
sys.modules["presidio_analyzer"] = sys.modules["spacy"] = None
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "presidio_analyzer" else found(name, *rest)
from airflow_dynsync.engine import MappingError, compile_plan
rule = {"transformer": "transform_pii_text"}
print(compile_plan({"mappings": {"Note": rule}}).apply([{"Note": {"S": "a@x.com"}}]))
ones = {"entities": ["PERSON"]}, {"entities": ["ES_NIF", "URL"]}, {"nlp_model": "x"}, {"entities": ["NAME"]}
for more in ones:
    try:
        compile_plan({"mappings": {"Note": {**rule, **more}}})
    except MappingError as error:
        print(error)
"""


def test_without_the_extra_what_it_would_add_is_refused_with_the_advice() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PRESIDIO], capture_output=True, text=True, check=True)
    result, person, national, model, unknown = done.stdout.splitlines()
    assert "<EMAIL_ADDRESS>" in result
    for line, place in ((person, "entities: PERSON"), (national, "entities: ES_NIF"), (model, "nlp_model")):
        assert line.startswith(f"mappings.Note.{place}")
        assert "install airflow-dynsync[presidio]" in line
    assert "more with the extra [presidio]" in unknown


def test_presidio_is_not_imported_before_a_text_is_searched_for_what_it_adds() -> None:
    code = (
        "import sys; from airflow_dynsync.engine import catalogue, compile_plan; catalogue();"
        "compile_plan({'mappings': {'a': {'transformer': 'transform_pii_text', 'entities': ['ES_NIF', 'URL']}}});"
        "print('presidio_analyzer' in sys.modules, 'spacy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
