"""FF1 against NIST's sample vectors."""

import threading

import pytest

from airflow_dynsync.engine.ff1 import FF1, MAX_LENGTH, min_length

KEY_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
KEY_192 = KEY_128 + "EF4359D8D580AA4F"
KEY_256 = KEY_192 + "7F036D6F04FC6A94"
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
DIGITS, LETTERS = "0123456789", "0123456789abcdefghi"
TWEAK_10, TWEAK_36 = "39383736353433323130", "3737373770717273373737"


def encrypt(cipher: FF1, text: str) -> str:
    half = len(text) // 2
    left, right = cipher.encrypt(int(text[:half], cipher.radix), int(text[half:], cipher.radix), len(text))
    return written(left, cipher.radix, half) + written(right, cipher.radix, len(text) - half)


def written(number: int, radix: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, numeral = divmod(number, radix)
        text = CHARACTERS[numeral] + text
    return text


@pytest.mark.parametrize(
    ("key", "radix", "tweak", "before", "after"),
    [
        (KEY_128, 10, "", DIGITS, "2433477484"),
        (KEY_128, 10, TWEAK_10, DIGITS, "6124200773"),
        (KEY_128, 36, TWEAK_36, LETTERS, "a9tv40mll9kdu509eum"),
        (KEY_192, 10, "", DIGITS, "2830668132"),
        (KEY_192, 10, TWEAK_10, DIGITS, "2496655549"),
        (KEY_192, 36, TWEAK_36, LETTERS, "xbj3kv35jrawxv32ysr"),
        (KEY_256, 10, "", DIGITS, "6657667009"),
        (KEY_256, 10, TWEAK_10, DIGITS, "1001623463"),
        (KEY_256, 36, TWEAK_36, LETTERS, "xs8a0azh2avyalyzuwd"),
    ],
)
def test_the_sample_vectors_of_nist_come_out(key: str, radix: int, tweak: str, before: str, after: str) -> None:
    assert encrypt(FF1(bytes.fromhex(key), radix, bytes.fromhex(tweak)), before) == after


@pytest.mark.parametrize(("radix", "length"), [(2, 10), (10, 1), (10, 3), (36, 2), (1000, 1)])
def test_a_whole_domain_is_permuted(radix: int, length: int) -> None:
    cipher = FF1(bytes(16), radix)
    low, high = radix ** (length // 2), radix ** (length - length // 2)
    domain = {(left, right) for left in range(low) for right in range(high)}
    assert {cipher.encrypt(left, right, length) for left, right in domain} == domain


@pytest.mark.parametrize(("radix", "length"), [(2, MAX_LENGTH), (10, 57), (65536, 2), (65536, 99)])
def test_long_strings_and_large_alphabets_stay_in_their_domain_and_apart(radix: int, length: int) -> None:
    cipher = FF1(bytes(32), radix, b"tweak of more than one block")
    low, high = radix ** (length // 2), radix ** (length - length // 2)
    pairs = [(left, right) for left in (0, 1, low - 1) for right in (0, 1, high - 1)]
    results = {cipher.encrypt(left, right, length) for left, right in pairs}
    assert len(results) == len(set(pairs))
    assert all(0 <= left < low and 0 <= right < high for left, right in results)


def test_another_tweak_gives_another_permutation() -> None:
    plain, tweaked = FF1(bytes(16), 10), FF1(bytes(16), 10, b"tweak")
    assert encrypt(plain, DIGITS) != encrypt(tweaked, DIGITS)


def test_threads_agree() -> None:
    cipher = FF1(bytes(16), 10)
    alone = [cipher.encrypt(0, number, 16) for number in range(2000)]
    found: list[list[tuple[int, int]]] = []

    def work() -> None:
        found.append([cipher.encrypt(0, number, 16) for number in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


@pytest.mark.parametrize(("radix", "length"), [(2, 20), (10, 6), (62, 4), (1000, 2), (65536, 2)])
def test_the_least_length_makes_a_million_strings(radix: int, length: int) -> None:
    assert min_length(radix) == length


@pytest.mark.parametrize("radix", [1, 2**16 + 1])
def test_a_radix_out_of_range_is_refused(radix: int) -> None:
    with pytest.raises(ValueError, match="expected 2 to 65536"):
        FF1(bytes(16), radix)


@pytest.mark.parametrize("length", [0, MAX_LENGTH + 1])
def test_a_length_out_of_range_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 4096"):
        FF1(bytes(16), 10).encrypt(0, 0, length)


def test_the_key_is_not_in_the_repr() -> None:
    assert repr(FF1(bytes(16), 10)) == "FF1(***, radix=10)"
