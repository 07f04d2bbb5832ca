"""Presidio's recognizers for the kinds that ours do not know, loaded once per process. Nothing uses the network.

Recognizers of patterns work in every language here, whichever one Presidio lists them for: only the words that
make a number more likely, such as "passport", are of a language.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import Any, Final

import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
from spacy.about import __version__ as spacy_version
from spacy.language import Language

from airflow_dynsync.engine.recognizers import ENTITIES, Finding, Recognizer
from airflow_dynsync.engine.recognizers.extra import MODEL_ENTITIES, MissingModelError, check_model

_ANY_LANGUAGE: Final = "xx"
_LOWER_CASE: Final = "dynsync_lower_case"
_lock: Final = Lock()

# Below this level it writes words of the texts.
logging.getLogger("presidio-analyzer").setLevel(logging.WARNING)


@Language.component(_LOWER_CASE)
def _lower_case(document: Any) -> Any:
    """Give words a lemma where no lemmatizer does: Presidio looks for words before a number by their lemmas."""
    for token in document:
        token.lemma_ = token.lower_
    return document


def recognizer(entities: frozenset[str], nlp_model: str | None, language: str | None) -> Recognizer:
    """Return the recognizer of some kinds; equal arguments share one analyzer.

    Args:
        entities: not empty; those of `MODEL_ENTITIES` need a model.
        nlp_model: a spaCy model, as a package or a folder.
        language: what the model has to be of; None for any.

    Raises:
        MissingModelError: the model is not there, cannot be loaded, or is of another language.
    """
    with _lock:
        return _recognizer(entities, nlp_model, language)


@cache
def _recognizer(entities: frozenset[str], nlp_model: str | None, language: str | None) -> Recognizer:
    nlp = _nlp(nlp_model)
    spoken = str(nlp.lang)
    if nlp_model is not None and language not in (None, spoken):
        raise MissingModelError(f"the model is of the language {spoken}, and language says {language}")
    found_by_pattern = [
        found for found in pattern_recognizers() if not entities.isdisjoint(found.supported_entities)
    ]
    for found in found_by_pattern:
        found.supported_language = spoken
    recognizers: list[EntityRecognizer] = list(found_by_pattern)
    if not entities.isdisjoint(MODEL_ENTITIES):
        recognizers.append(SpacyRecognizer(supported_language=spoken))
    engine: Any = SpacyNlpEngine(ner_model_configuration=_configuration(nlp))
    engine.nlp = {spoken: nlp}
    analyzer = AnalyzerEngine(
        registry=RecognizerRegistry(recognizers, supported_languages=[spoken]),
        nlp_engine=engine,
        supported_languages=[spoken],
    )
    wanted, one_at_a_time = sorted(entities), Lock()

    def recognize(text: str) -> Iterator[Finding]:
        # The zone frees the words of the text, of which the vocabulary would otherwise keep every one.
        with one_at_a_time, nlp.memory_zone():
            results = analyzer.analyze(text, spoken, entities=wanted, score_threshold=0)
        for result in results:
            yield Finding(result.entity_type, result.start, result.end, result.score)

    return recognize


def pattern_recognizers() -> list[EntityRecognizer]:
    """Return new instances of Presidio's recognizers that need neither a model nor a service."""
    instances: list[Any] = [
        found()
        for _, found in inspect.getmembers(predefined_recognizers, inspect.isclass)
        if ".country_specific." in found.__module__ or ".generic." in found.__module__
    ]
    return [found for found in instances if set(ENTITIES).isdisjoint(found.supported_entities)]


def _nlp(nlp_model: str | None) -> Language:
    if nlp_model is None:
        nlp = spacy.blank(_ANY_LANGUAGE)
    else:
        check_model(nlp_model)
        try:
            nlp = spacy.load(nlp_model)
        except Exception as error:  # noqa: BLE001 - whatever keeps a model from loading is the model's fault
            raise MissingModelError(
                f"the spaCy model cannot be loaded ({type(error).__name__}); install one for spaCy {spacy_version}"
            ) from None
    if "lemmatizer" not in nlp.pipe_names:
        nlp.add_pipe(_LOWER_CASE)
    return nlp


def _configuration(nlp: Language) -> NerModelConfiguration:
    """Return what the model's labels mean; of others than Presidio's, every one found would be logged."""
    configuration = NerModelConfiguration()
    labels = {label for labels in nlp.pipe_labels.values() for label in labels}
    configuration.labels_to_ignore = sorted(labels - set(configuration.model_to_presidio_entity_mapping or ()))
    return configuration
