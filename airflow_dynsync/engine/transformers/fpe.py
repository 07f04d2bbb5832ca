"""Format-preserving encryption: other characters of the same alphabet, one to one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Parameters,
    Regex,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.transformers.primitives import ALPHANUMERIC
from airflow_dynsync.engine.transformers.scramble import DIGITS
from airflow_dynsync.engine.values import (
    MAX_DIGITS,
    NULL,
    ValueRefusedError,
    WireValue,
    WrongFormError,
    number_text,
)

if TYPE_CHECKING:
    from airflow_dynsync.engine.ff1 import FF1

MAX_WALK: Final = 10_000
"""Encryptions of one value until a result is found whose kept characters are where they were."""


class TransformFpe(Parameters):
    """Parameters of transform_fpe."""

    alphabet: Literal["digits", "alphanumeric", "custom"] = Field(
        default="digits",
        description="The characters that stand for each other: 0-9, 0-9A-Za-z, or those that characters gives. The"
        " digits of a number are always 0-9.",
    )
    characters: str | None = Field(
        default=None,
        min_length=2,
        max_length=2**16,
        description="With alphabet: custom, its characters, each once; their order counts.",
    )
    keep: Regex | None = Field(
        default=None,
        description="Leave alone what this regular expression matches in a string, such as [- ]. Any other"
        " character that is not of the alphabet is an error.",
    )
    length: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="How many characters to encrypt every value has, where that is known: a value of another"
        " length is an error, and a length that is too short is one when the mapping is compiled.",
    )
    too_short: Literal["fail", "encrypt", "null", "drop"] = Field(
        default="fail",
        description="What happens to a value with so few characters to encrypt that there are under a million of"
        " its kind (6 digits or 4 alphanumeric characters are enough): the standard forbids to encrypt it, for"
        " whoever learns some pairs can guess others. encrypt does so all the same, one to one.",
    )

    @model_validator(mode="after")
    def _known_alphabet(self) -> Self:
        if (self.alphabet == "custom") != (self.characters is not None):
            raise ValueError("alphabet: custom and characters belong together; give both or neither")
        if self.characters and len(set(self.characters)) < len(self.characters):
            raise ValueError("characters has one of them twice; name each once")
        return self

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        from airflow_dynsync.engine.ff1 import min_length

        needed = min_length(len(_alphabet(self)))
        if self.length is not None and self.length < needed and self.too_short == "fail":
            raise ValueError(
                f"strings of {self.length} of these characters are fewer than a million, which FF1 forbids; at"
                f" least {needed} are needed, or too_short: encrypt"
            )
        return self


def _alphabet(parameters: TransformFpe) -> str:
    named = {"digits": DIGITS, "alphanumeric": ALPHANUMERIC}
    return parameters.characters or named[parameters.alphabet]


def _cipher(alphabet: str, compiler: Compiler) -> FF1:
    from airflow_dynsync.engine.ff1 import FF1

    keyed = compiler.keyed
    return FF1(keyed.digest(b"FF1 key")[:32], len(alphabet), keyed.digest(b"FF1 tweak")[:8])


def _permutation(alphabet: str, compiler: Compiler) -> Callable[[str], str]:
    """Return FF1 over the strings of an alphabet."""
    cipher = _cipher(alphabet, compiler)
    encrypt = cipher.encrypt
    if alphabet == DIGITS:

        def permute_digits(text: str) -> str:
            length = len(text)
            half = length // 2
            left, right = encrypt(int(text[:half] or 0), int(text[half:]), length)
            return f"{left:0{half}d}"[:half] + f"{right:0{length - half}d}"

        return permute_digits

    radix = len(alphabet)
    numeral_of = {char: numeral for numeral, char in enumerate(alphabet)}

    def number(text: str) -> int:
        total = 0
        for char in text:
            total = total * radix + numeral_of[char]
        return total

    def string(total: int, length: int) -> str:
        characters = []
        for _ in range(length):
            total, numeral = divmod(total, radix)
            characters.append(alphabet[numeral])
        return "".join(reversed(characters))

    def permute(text: str) -> str:
        length = len(text)
        half = length // 2
        left, right = encrypt(number(text[:half]), number(text[half:]), length)
        return string(left, half) + string(right, length - half)

    return permute


class _TooShortError(Exception):
    """A value whose domain is too small for FF1."""


def _checker(parameters: TransformFpe, radix: int) -> Callable[[int], None]:
    from airflow_dynsync.engine.ff1 import MAX_LENGTH, min_length

    needed = 0 if parameters.too_short == "encrypt" else min_length(radix)

    def check(length: int) -> None:
        if length < needed:
            raise _TooShortError
        if length > MAX_LENGTH:
            raise ValueRefusedError(f"a value has more than {MAX_LENGTH} characters to encrypt")
        if parameters.length is not None and length != parameters.length:
            raise WrongFormError(
                f"a value has another number of characters to encrypt than length says, {parameters.length}"
            )

    return check


def _on_strings(parameters: TransformFpe, compiler: Compiler) -> Callable[[str], str]:
    alphabet = _alphabet(parameters)
    permute, check = _permutation(alphabet, compiler), _checker(parameters, len(alphabet))
    members = frozenset(alphabet)
    keep = parameters.keep

    def checked(text: str) -> str:
        if not members.issuperset(text):
            raise WrongFormError("a value has a character that is not of the alphabet; keep can name it")
        check(len(text))
        return text

    if keep is None:
        return lambda value: permute(checked(value))

    def split(value: str) -> tuple[list[int], str]:
        """Return which positions to encrypt, and what is there."""
        kept = {position for match in keep.finditer(value) for position in range(*match.span())}
        positions = [position for position in range(len(value)) if position not in kept]
        return positions, "".join([value[position] for position in positions])

    def transform(value: str) -> str:
        positions, text = split(value)
        if not checked(text):
            return value
        characters = list(value)
        for _ in range(MAX_WALK):
            text = permute(text)
            for position, char in zip(positions, text, strict=True):
                characters[position] = char
            result = "".join(characters)
            # Where what is kept depends on what is not, only a walk that ends among the values which keep the same
            # is one to one.
            if split(result)[0] == positions:
                return result
        raise ValueRefusedError("too few values have the same characters kept; write a simpler pattern for keep")

    return transform


def _on_numbers(parameters: TransformFpe, compiler: Compiler) -> Callable[[Decimal], Decimal]:
    """Return FF1 over the numbers with the same sign, digits and decimals.

    Walking on until the first digit, and in a decimal the last, is not 0 keeps it one to one.
    """
    permute, check = _permutation(DIGITS, compiler), _checker(parameters, len(DIGITS))

    def transform(value: Decimal) -> Decimal:
        whole, _, decimals = number_text(value.copy_abs()).partition(".")
        written = (whole + decimals).lstrip("0")
        # Of a number with more than 38 digits, DynamoDB has zeros in place of the rest.
        digits = written[:MAX_DIGITS]
        check(len(digits))
        while digits:
            digits = permute(digits)
            if digits[0] != "0" and (not decimals or digits[-1] != "0"):
                exponent = len(written) - len(digits) - len(decimals)
                return Decimal((int(value.is_signed()), tuple(map(int, digits)), exponent))
        return value

    return transform


def _transform_fpe(parameters: TransformFpe, compiler: Compiler) -> Step:
    from airflow_dynsync.engine.ff1 import min_length

    on_string, on_number = _on_strings(parameters, compiler), _on_numbers(parameters, compiler)
    instead: dict[str, WireValue | Drop] = {"null": NULL, "drop": DROP}
    needed = min_length(len(_alphabet(parameters)))

    def transform(value: WireValue) -> WireValue | Drop:
        ((kind, payload),) = value.items()
        try:
            if kind == "S":
                return {"S": on_string(payload)}
            return {"N": number_text(on_number(Decimal(payload)))}
        except _TooShortError:
            if parameters.too_short in instead:
                return instead[parameters.too_short]
            least = needed if kind == "S" else min_length(len(DIGITS))
            raise ValueRefusedError(
                f"a value has too few characters to encrypt, at least {least} are needed; choose too_short"
                " (encrypt, null, drop) or transform_hash"
            ) from None

    def step(column: Column) -> list[WireValue | Drop]:
        results = []
        for row, value in zip(column.rows, column.values, strict=True):
            try:
                results.append(transform(value))
            except ValueRefusedError as error:
                raise error.at(compiler.place, row) from None
        return results

    return step


def _uniqueness(parameters: TransformFpe) -> Uniqueness:
    return Uniqueness.LOSSY if parameters.too_short in ("null", "drop") else Uniqueness.PRESERVED


DEFINITIONS: Final = (
    Definition(
        name="transform_fpe",
        summary="Encrypts a string or a number into one of the same length and alphabet (FF1, NIST SP 800-38G)",
        parameters=TransformFpe,
        accepts=frozenset({"S", "N"}),
        returns=frozenset({"S", "N", "NULL"}),
        uniqueness=_uniqueness,
        reads_input=True,
        example=Example("4012 8888 8888 1881", "2578 7432 6285 4799", {"keep": "[ ]"}),
        column=_transform_fpe,
    ),
)
