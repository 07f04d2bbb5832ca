"""From a rule as it is written to a compiled step: names looked up, parameters checked, keys derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_dynsync.engine.definitions import (
    Column,
    Definition,
    Drop,
    Inside,
    Parameters,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.keyed import Keyed, Secret
from airflow_dynsync.engine.lifting import ScalarStep, lift_generate, lift_transform, unexpected
from airflow_dynsync.engine.mapping import RuleConfig, RuleOptions, did_you_mean, type_in_words, validate
from airflow_dynsync.engine.paths import Path
from airflow_dynsync.engine.registry import catalogue
from airflow_dynsync.engine.values import ValueRefusedError, WireValue

if TYPE_CHECKING:
    from airflow_dynsync.engine.explanation import Scope

MAX_DEPTH = 8
"""Transformers inside transformers."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A compiled rule.

    Attributes:
        place: where it is written, such as ``mappings.Email``; errors name it.
        order: its position among all rules, those inside other rules' values included.
        path: its steps; None for a default for unmapped leaves.
        written: its path as the reports show it, such as ``Payload -> card`` for one inside a value.
        uniqueness: whether different inputs stay different.
        single: the step, where it may also be asked for single values.
        is_key: it acts on a primary-key attribute.
    """

    index: int
    order: int
    place: str
    path: Path | None
    written: str
    definition: Definition
    parameters: Parameters
    options: RuleOptions
    step: Step
    uniqueness: Uniqueness
    single: ScalarStep | None = None
    is_key: bool = False

    @property
    def keeps_null(self) -> bool:
        """Tell whether NULL stays NULL."""
        return self.options.on_null == "keep"


class RuleCompiler:
    """Compiles rules with one secret and one set of presets.

    Attributes:
        reads_items: some transformer met so far looks at the item around its value.
    """

    def __init__(self, secret: Secret, presets: Mapping[str, dict[str, Any]]) -> None:
        self._secret = secret
        self._presets = presets
        self._order = count()
        self.reads_items = False
        self._insides: list[Scope] | None = []
        for name, preset in presets.items():
            place = f"presets.{name}"
            if name in catalogue():
                raise MappingError(place, "a built-in transformer has that name; choose another")
            _definition(_transformer_name(preset, place), f"{place}.transformer", catalogue())

    def next_order(self) -> int:
        """Return the position of what is compiled next."""
        return next(self._order)

    def list_inside(self, scope: Scope) -> bool:
        """List a mapping for the inside of values; tell whether that is still possible."""
        if self._insides is None:
            return False
        self._insides.append(scope)
        return True

    def close(self) -> list[Scope]:
        """Return what was listed.

        What a script asks for while it runs is compiled later: its rules are not listed, nor counted, as their
        paths may be made of values.
        """
        listed, self._insides = self._insides or [], None
        return listed

    def rule(
        self, index: int, config: RuleConfig, place: str, path: Path | None, written: str, depth: int = 0
    ) -> Rule:
        """Compile one rule of a mapping, be it that of a ``depth``-th inside."""
        order = self.next_order()
        definition, parameters, options = self.resolve(config, place)
        step = self._step(definition, parameters, options, place, written, depth)
        single = step if isinstance(step, ScalarStep) else None
        uniqueness = self._uniqueness(definition, parameters, place)
        return Rule(index, order, place, path, written, definition, parameters, options, step, uniqueness, single)

    def uniqueness(self, config: RuleConfig, place: str) -> Uniqueness:
        """Return the class of a written rule, which was compiled before."""
        definition, parameters, _ = self.resolve(config, place)
        return self._uniqueness(definition, parameters, place)

    def _uniqueness(self, definition: Definition, parameters: Parameters, place: str) -> Uniqueness:
        return definition.uniqueness_of(parameters, lambda config: self.uniqueness(config, place))

    def resolve(self, config: RuleConfig, place: str) -> tuple[Definition, Parameters, RuleOptions]:
        """Look up the transformer of a written rule and check everything beside it."""
        short = isinstance(config, str)
        if isinstance(config, str):
            config = {"transformer": config}
        name = _transformer_name(config, place)
        written = {key: value for key, value in config.items() if key != "transformer"}
        if name in self._presets:
            preset = self._presets[name]
            name = preset["transformer"]
            written = {key: value for key, value in preset.items() if key != "transformer"} | written
        known = [*catalogue(), *self._presets]
        definition = _definition(name, place if short else f"{place}.transformer", known)
        self.reads_items = self.reads_items or definition.reads_item
        common = RuleOptions.model_fields.keys()
        options = validate(RuleOptions, {key: value for key, value in written.items() if key in common}, place)
        parameters = validate(
            definition.parameters,
            {key: value for key, value in written.items() if key not in common},
            place,
            beside=common,
        )
        _check_options(definition, options, place)
        return definition, parameters, options

    def _step(
        self,
        definition: Definition,
        parameters: Parameters,
        options: RuleOptions,
        place: str,
        written: str,
        depth: int,
    ) -> Step:
        if depth > MAX_DEPTH:
            raise MappingError(
                place, f"is more than {MAX_DEPTH} transformers deep; look for a preset that uses itself"
            )
        kind = "transform" if definition.reads_input else "generate"
        keyed = self._secret.keyed(kind, options.realm or definition.name)
        if definition.column is not None:
            step = definition.column(parameters, _Inner(self, place, written, keyed, depth))
            return step if isinstance(step, ScalarStep) else _shielded(step, place, definition.name)
        if definition.scalar is None:
            raise TypeError(f"{definition.name} defines neither scalar nor column")
        function = definition.scalar(parameters)
        if definition.reads_input:
            draws = definition.has_realm
            redraw = draws and definition.uniqueness_of(parameters) is not Uniqueness.PRESERVED
            return lift_transform(
                function,
                keyed if draws else None,
                place,
                definition.name,
                accepts=definition.accepts,
                redraw=redraw,
            )
        return lift_generate(function, keyed, place, definition.name, accepts=definition.accepts)

    def nested_step(self, config: RuleConfig, place: str, written: str = "", depth: int = 1) -> Step:
        """Compile a transformer that another one calls, the ``depth``-th inside the other."""
        definition, parameters, options = self.resolve(config, place)
        return self._step(definition, parameters, options, place, written, depth)


@dataclass(frozen=True, slots=True)
class _Inner:
    """What a column transformer sees of the compiler."""

    compiler: RuleCompiler
    place: str
    written: str
    keyed: Keyed
    depth: int

    def step(self, config: RuleConfig, place: str) -> Step:
        return self.compiler.nested_step(config, f"{self.place}.{place}", self.written, self.depth + 1)

    def text_step(self, config: RuleConfig, place: str) -> Step:
        definition = self.definition(config, place)
        if "S" not in definition.accepts:
            raise MappingError(
                f"{self.place}.{place}",
                f"{definition.name} does not take S, which it would be given here; choose another",
            )
        return self.step(config, place)

    def inside(self, mapping: Mapping[str, Any]) -> Inside:
        from airflow_dynsync.engine.plan import compile_inside

        return compile_inside(self.compiler, mapping, self.place, self.written, self.depth + 1)

    def definition(self, config: RuleConfig, place: str) -> Definition:
        return self.compiler.resolve(config, f"{self.place}.{place}")[0]


def _definition(name: str, place: str, known: Iterable[str]) -> Definition:
    definition = catalogue().get(name)
    if definition is None:
        raise MappingError(
            place,
            f"no transformer is named {name!r}{did_you_mean(name, known)}; `dynsync transformers` lists them",
        )
    return definition


def _transformer_name(config: Any, place: str) -> str:
    if not isinstance(config, dict):
        raise MappingError(place, f"expected a transformer's name or a mapping, got {type_in_words(config)}")
    if "transformer" not in config:
        raise MappingError(f"{place}.transformer", "is required; name one")
    name = config["transformer"]
    if not isinstance(name, str):
        got = type_in_words(name)
        raise MappingError(f"{place}.transformer", f"expected the name of a transformer, got {got}")
    return name


def _check_options(definition: Definition, options: RuleOptions, place: str) -> None:
    if options.when_missing == "generate" and definition.reads_input:
        raise MappingError(
            f"{place}.when_missing",
            f"{definition.name} needs a value to work on; use a generate_* transformer or constant",
        )
    if options.realm is not None and not definition.has_realm:
        raise MappingError(
            f"{place}.realm",
            f"{definition.name} draws nothing by itself; leave it out, or give it to a rule inside",
        )
    if options.on_null == "transform" and definition.reads_input and "NULL" not in definition.accepts:
        raise MappingError(
            f"{place}.on_null",
            f"{definition.name} does not take NULL; use a generate_* transformer or constant",
        )


def _shielded(step: Step, place: str, name: str) -> Step:
    """Return a step whose errors are ours, or tell no more than their class: their message may hold a value."""

    def shielded(column: Column) -> list[WireValue | Drop]:
        try:
            return step(column)
        except TransformError:
            raise
        except ValueRefusedError as error:
            raise error.at(place) from None
        except Exception as error:  # noqa: BLE001 - its message may hold the value
            raise unexpected(place, name, error, None) from None

    return shielded
