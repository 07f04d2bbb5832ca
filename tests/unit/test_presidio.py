"""What the extra finds, with the real Presidio and a spaCy model made on the spot."""

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("presidio_analyzer", reason="install airflow-dynsync[presidio]")

import spacy

from airflow_dynsync.engine import MappingError, Plan, TransformError, compile_plan
from airflow_dynsync.engine.recognizers import presidio
from airflow_dynsync.engine.recognizers.extra import MODEL_ENTITIES, PATTERN_ENTITIES
from airflow_dynsync.engine.recognizers.presidio import pattern_recognizers, recognizer

TEXT = "John Smith of Berlin, NIF 12345678Z, wrote from john@acme.com"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "John Smith"},
            {"label": "PERSON", "pattern": "Mary mary@acme.com"},
            {"label": "GPE", "pattern": "Berlin"},
            {"label": "ORG", "pattern": "Acme"},
            {"label": "NORP", "pattern": "Danish"},
            {"label": "MONEY", "pattern": "a dollar"},
            {"label": "DATE", "pattern": "yesterday"},
        ]
    )
    folder = tmp_path_factory.mktemp("models") / "names"
    nlp.to_disk(folder)
    return str(folder)


def text_plan(**parameters: Any) -> Plan:
    return compile_plan({"mappings": {"Note": {"transformer": "transform_pii_text", **parameters}}})


def transformed(text: str, **parameters: Any) -> str:
    (item,) = text_plan(**parameters).apply([{"Note": {"S": text}}])
    return item["Note"]["S"]


def test_a_model_finds_names_places_organizations_and_groups(model: str) -> None:
    text = "John Smith of Berlin, Danish, paid Acme a dollar yesterday on 2024-01-31"
    assert transformed(text, nlp_model=model) == (
        "<PERSON> of <LOCATION>, <NRP>, paid <ORGANIZATION> a dollar yesterday on <DATE_TIME>"
    )


def test_ours_find_what_they_know_also_where_presidio_does(model: str) -> None:
    entities = ["EMAIL_ADDRESS", "ES_NIF", "PERSON"]
    assert transformed(TEXT, nlp_model=model, entities=entities) == (
        "<PERSON> of Berlin, NIF <ES_NIF>, wrote from <EMAIL_ADDRESS>"
    )
    own = {found for each in pattern_recognizers() for found in each.supported_entities}
    assert not own & {"EMAIL_ADDRESS", "URL", "CREDIT_CARD", "DATE_TIME"}


def test_a_name_that_holds_an_address_gives_way_around_it(model: str) -> None:
    assert transformed("Mary mary@acme.com", nlp_model=model) == "<PERSON> <EMAIL_ADDRESS>"


def test_patterns_need_no_model_and_no_language() -> None:
    text = "NIF 12345678Z, Codice fiscale RSSMRA85T10A562S, passport number 912803456"
    assert transformed(text, entities=["ES_NIF", "IT_FISCAL_CODE", "US_PASSPORT"], score_threshold=0.4) == (
        "NIF <ES_NIF>, Codice fiscale <IT_FISCAL_CODE>, passport number <US_PASSPORT>"
    )
    assert transformed("number 912803456", entities=["US_PASSPORT"], score_threshold=0.4) == "number 912803456"


def test_findings_of_presidio_are_transformed_and_counted_as_ours_are(model: str) -> None:
    plan = text_plan(nlp_model=model, entity_anonymizers={"PERSON": {"transform": "transform_full_name"}})
    (item,) = plan.apply([{"Note": {"S": "John Smith of Berlin"}}])
    assert item["Note"]["S"].endswith(" of <LOCATION>")
    assert "John Smith" not in item["Note"]["S"]
    assert {row.outcome: row.count for row in plan.statistics.counts} == {
        "found PERSON": 1,
        "found LOCATION": 1,
        "transformed": 1,
    }


def test_the_kinds_that_are_told_without_importing_presidio_are_those_it_has() -> None:
    assert {found for each in pattern_recognizers() for found in each.supported_entities} == PATTERN_ENTITIES
    assert set(MODEL_ENTITIES).isdisjoint(PATTERN_ENTITIES)


@pytest.mark.parametrize("entity", sorted(PATTERN_ENTITIES))
def test_every_kind_is_looked_for_to_the_end_of_a_text(entity: str) -> None:
    assert isinstance(list(recognizer(frozenset({entity}), None, None)(f"{TEXT} {'a1 ' * 100}")), list)


def test_one_analyzer_serves_all_that_ask_for_the_same(model: str) -> None:
    entities = frozenset({"PERSON"})
    assert recognizer(entities, model, None) is recognizer(entities, model, None)
    assert recognizer(entities, model, None) is not recognizer(frozenset({"LOCATION"}), model, None)


def test_threads_find_the_same(model: str) -> None:
    plan = text_plan(nlp_model=model)
    items = [{"Note": {"S": f"{TEXT} {number}"}} for number in range(40)]
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(plan.apply(items))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result == results[0] for result in results)


def test_words_of_past_texts_are_not_kept(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = presidio._nlp(model)
    monkeypatch.setattr(presidio, "_nlp", lambda _: nlp)
    find = recognizer(frozenset({"PERSON", "UUID"}), model, None)
    assert [found.entity for found in find("xyzzy John Smith")] == ["PERSON"]
    assert "xyzzy" not in nlp.vocab.strings
    nlp("xyzzy")
    assert "xyzzy" in nlp.vocab.strings


def test_no_text_is_written_to_a_log(model: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        transformed(TEXT, nlp_model=model, entities=["PERSON", "US_PASSPORT", "ES_NIF"])
        transformed("passport number 912803456", entities=["US_PASSPORT"])
    assert [record.name for record in caplog.records if record.name == "presidio-analyzer"] == []


@pytest.mark.parametrize("name", ["no_such_model", "/no/such/folder", ""])
def test_a_model_that_is_not_there_is_told_when_the_mapping_is_compiled(name: str) -> None:
    with pytest.raises(MappingError) as caught:
        text_plan(nlp_model=name)
    assert caught.value.place == "mappings.Note.nlp_model"


def test_a_model_that_cannot_be_loaded_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.cfg").write_text("[nlp]\nlang = 'en'\n")
    with pytest.raises(TransformError, match="cannot be loaded") as caught:
        transformed(TEXT, nlp_model=str(tmp_path))
    assert caught.value.place == "mappings.Note.nlp_model"


def test_a_model_of_another_language_is_refused(model: str) -> None:
    assert transformed("John Smith", nlp_model=model, language="en") == "<PERSON>"
    with pytest.raises(TransformError, match="of the language en, and language says de"):
        transformed("John Smith", nlp_model=model, language="de")


OFFLINE = """
import socket, sys
def refuse(*_, **__):
    print("network")
    raise OSError
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.engine.recognizers import presidio
from airflow_dynsync.engine.recognizers.extra import PATTERN_ENTITIES
rule = {"transformer": "transform_pii_text", "entities": [*PATTERN_ENTITIES, "PERSON", "EMAIL_ADDRESS", "URL"]}
plan = compile_plan({"mappings": {"Note": {**rule, "nlp_model": sys.argv[1]}}})
(item,) = plan.apply([{"Note": {"S": sys.argv[2]}}])
print(item["Note"]["S"])
"""


def test_nothing_is_fetched_from_the_network(model: str) -> None:
    done = subprocess.run([sys.executable, "-c", OFFLINE, model, TEXT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["<PERSON> of Berlin, NIF <ES_NIF>, wrote from <EMAIL_ADDRESS>"]
