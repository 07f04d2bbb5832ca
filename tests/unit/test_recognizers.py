"""What is found in texts, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine.recognizers import ENTITIES, Finding, find, resolve
from airflow_dynsync.engine.recognizers.words import words


def found(text: str, *entities: str) -> list[str]:
    return [text[start:end] for _, start, end, _ in find(text, entities or ENTITIES)]


def kinds(text: str) -> list[str]:
    return [finding.entity for finding in find(text)]


@pytest.mark.parametrize(
    ("entity", "text", "expected"),
    [
        ("EMAIL_ADDRESS", "Write to mary@acme.com.", ["mary@acme.com"]),
        ("EMAIL_ADDRESS", "<m.o'brien+x@d-e.co.uk>;'q@x.org'", ["m.o'brien+x@d-e.co.uk", "q@x.org"]),
        ("EMAIL_ADDRESS", "mail=mary@acme.com,tom@acme.com", ["mary@acme.com", "tom@acme.com"]),
        ("EMAIL_ADDRESS", "请写信给mary@acme.com谢谢", ["mary@acme.com"]),
        ("EMAIL_ADDRESS", "用户@例子.公司。jürgen@müller.de", ["用户@例子.公司", "jürgen@müller.de"]),
        ("EMAIL_ADDRESS", "jose\u0301@acme.es", ["jose\u0301@acme.es"]),
        ("EMAIL_ADDRESS", "info@xn--mller-kva.xn--p1ai", ["info@xn--mller-kva.xn--p1ai"]),
        ("EMAIL_ADDRESS", "a@b, @acme.com, mary@localhost, x@1.2", []),
        ("URL", "see https://acme.com/u?id=7#top.", ["https://acme.com/u?id=7#top"]),
        ("URL", "(http://a.b/c_(d)) and [ftp://x.y]", ["http://a.b/c_(d)", "ftp://x.y"]),
        ("URL", "www.acme.de/x, acme.com t.me/mary", ["www.acme.de/x", "acme.com", "t.me/mary"]),
        ("URL", "见https://zh.wikipedia.org/wiki/北京。", ["https://zh.wikipedia.org/wiki/北京"]),
        ("URL", "见https://acme.com谢谢", ["https://acme.com"]),
        ("URL", "https://mary:pw@acme.com/", ["https://mary:pw@acme.com/"]),
        ("URL", "README.md, e.g. the end.In mary@acme.com v1.2/x and/or std::io", []),
        ("IP_ADDRESS", "from 192.168.1.1, and 8.8.8.8.", ["192.168.1.1", "8.8.8.8"]),
        ("IP_ADDRESS", "256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4", []),
        ("IP_ADDRESS", "ipv6:2001:db8::1. [fe80::1%eth0]:80", ["2001:db8::1", "fe80::1%eth0"]),
        ("IP_ADDRESS", "::ffff:10.0.0.1 and ::1", ["::ffff:10.0.0.1", "::1"]),
        ("IP_ADDRESS", "12:30:45 std::vector aa:bb:cc:dd:ee:ff :: a::b::c", []),
        ("CREDIT_CARD", "4111 1111 1111 1111 123", ["4111 1111 1111 1111"]),
        ("CREDIT_CARD", "order 1234 4111-1111-1111-1111", ["4111-1111-1111-1111"]),
        ("CREDIT_CARD", "3782 822463 10005, 378282246310005", ["3782 822463 10005", "378282246310005"]),
        ("CREDIT_CARD", "カード4111111111111111です", ["4111111111111111"]),
        ("CREDIT_CARD", "4111\u00a01111\u00a01111\u00a01111", ["4111\u00a01111\u00a01111\u00a01111"]),
        ("CREDIT_CARD", "4111111111111112 1111111111111117 0.4111111111111111 41111111111111110000", []),
        ("IBAN_CODE", "IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", ["DE89 3704 0044 0532 0130 00"]),
        ("IBAN_CODE", "gb82west12345698765432; NO9386011117947", ["gb82west12345698765432", "NO9386011117947"]),
        ("IBAN_CODE", "DE88370400440532013000 DE8937040044053201300 XX89370400440532013000", []),
        ("US_SSN", "078-05-1120 and 078 05 1120", ["078-05-1120", "078 05 1120"]),
        ("US_SSN", "000-12-3456 666-12-3456 912-12-3456 123-00-3456 123-45-0000 123-45-67890", []),
        ("US_SSN", "social security number 078051120", ["078051120"]),
        ("US_SSN", "order 078051120", []),
        ("PHONE_NUMBER", "+1 (415) 555-0132 or +49 (0) 171 2345678", ["+1 (415) 555-0132", "+49 (0) 171 2345678"]),
        ("PHONE_NUMBER", "(415) 555-0132, 415.555.0132", ["(415) 555-0132", "415.555.0132"]),
        ("PHONE_NUMBER", "0171 2345678; 01 42 68 53 00", ["0171 2345678", "01 42 68 53 00"]),
        ("PHONE_NUMBER", "03-1234-5678; (11) 91234-5678", ["03-1234-5678", "(11) 91234-5678"]),
        ("PHONE_NUMBER", "0044 20 7946 0958", ["0044 20 7946 0958"]),
        ("PHONE_NUMBER", "手机13812345678 and tel. 2345678", ["13812345678", "2345678"]),
        ("PHONE_NUMBER", "id 13812345678, 01.02.2024 10:30, 2024-01-31, 3.1415926, hotel 2345678", []),
        ("DATE_TIME", "1987-03-14T10:00:00.5Z, 1987/3/14", ["1987-03-14T10:00:00.5Z", "1987/3/14"]),
        ("DATE_TIME", "14.03.1987 3/14/1987 03/14/87", ["14.03.1987", "3/14/1987", "03/14/87"]),
        ("DATE_TIME", "on March 14th, 1987 at", ["March 14th, 1987"]),
        ("DATE_TIME", "14. März 1987; 14 de marzo de 1987", ["14. März 1987", "14 de marzo de 1987"]),
        ("DATE_TIME", "le 1er août 2020", ["1er août 2020"]),
        ("DATE_TIME", "1987年3月14日生まれ, 1987년 3월 14일", ["1987年3月14日", "1987년 3월 14일"]),
        ("DATE_TIME", "2023-02-29 31.04.2020 2024-13-01 v1.2.13 10.11.12.13 1/2 may 5", []),
    ],
)  # fmt: skip
def test_a_kind_is_found_where_it_is_and_nowhere_else(entity: str, text: str, expected: list[str]) -> None:
    assert found(text, entity) == expected


@pytest.mark.parametrize("number", range(10))
def test_of_card_numbers_that_differ_in_the_last_digit_one_has_the_check_digit(number: int) -> None:
    assert bool(found(f"555555555555444{number}", "CREDIT_CARD")) == (number == 4)


def test_an_address_inside_a_url_is_part_of_the_url() -> None:
    assert kinds("https://acme.com/?mail=mary@acme.com") == ["URL"]


def test_findings_keep_the_order_of_the_text() -> None:
    text = "10.0.0.1 mary@acme.com 4111111111111111 www.acme.com"
    assert kinds(text) == ["IP_ADDRESS", "EMAIL_ADDRESS", "CREDIT_CARD", "URL"]


def test_only_the_kinds_asked_for_are_found() -> None:
    assert [finding.entity for finding in find("mary@acme.com 10.0.0.1", ["IP_ADDRESS"])] == ["IP_ADDRESS"]
    with pytest.raises(KeyError):
        find("mary@acme.com", ["MARTIAN"])


def test_a_lower_threshold_finds_what_nothing_explains() -> None:
    assert find("order 2345678", score_threshold=0.5) == []
    assert kinds("order 2345678") == []
    assert [finding.entity for finding in find("order 2345678", score_threshold=0.2)] == ["PHONE_NUMBER"]


def test_the_best_score_wins_then_the_longest() -> None:
    short, long = Finding("A", 0, 3, 0.9), Finding("B", 2, 9, 0.5)
    assert resolve([long, short]) == [short]
    longer = Finding("C", 0, 5, 0.9)
    assert resolve([short, longer]) == [longer]


def test_what_is_left_of_a_name_beside_a_better_finding_is_still_a_name() -> None:
    text = "Mary mary@acme.com Poppins"
    name, address = Finding("PERSON", 0, 26, 0.85), Finding("EMAIL_ADDRESS", 5, 18, 1.0)
    assert resolve([name, address], text) == [address]
    assert resolve([name, address], text, {"PERSON"}) == [
        Finding("PERSON", 0, 4, 0.85),
        address,
        Finding("PERSON", 19, 26, 0.85),
    ]


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("Mary", "mary, MARY and Maryland", ["mary", "MARY"]),
        ("Mary Ann", "Mary Ann", ["Mary Ann"]),
        ("田中", "田中さんと田中", ["田中", "田中"]),
        ("C++", "C++ and C+++", ["C++", "C++"]),
        ("Émile", "ÉMILE Émiles", ["ÉMILE"]),
    ],
)
def test_a_given_word_is_found_as_a_whole_word_in_any_case(word: str, text: str, expected: list[str]) -> None:
    assert [text[start:end] for _, start, end, _ in words("STAFF", [word])(text)] == expected


def test_the_longest_of_given_words_is_found() -> None:
    assert [found.end for found in words("STAFF", ["Mary", "Mary Ann"])("Mary Ann")] == [8]


def assert_sound(text: str) -> None:
    """Search for everything, and look whether the findings are stretches of the text that do not overlap."""
    end = 0
    for finding in find(text, score_threshold=0):
        assert end <= finding.start < finding.end <= len(text)
        end = finding.end


@given(st.text(alphabet="aZé漢@.:/+-() \n0149%_", max_size=60))
def test_findings_of_any_text_are_stretches_of_it_that_do_not_overlap(text: str) -> None:
    assert_sound(text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_address_and_a_card_are_found_between_any_texts(before: str, after: str) -> None:
    assert "mary@acme.com" in found(f"{before} mary@acme.com {after}", "EMAIL_ADDRESS")
    assert "4111111111111111" in found(f"{before}, 4111111111111111, {after}", "CREDIT_CARD")


HOSTILE = [
    *(
        "a",
        "@",
        "a@",
        "a.",
        "a@a.",
        ".@",
        "'@",
        "é@",
        "漢@",
        "漢",
        "1",
        "1 ",
        "4 ",
        "4111 ",
        "41111111 ",
        "0 ",
        "00 ",
    ),
    *("0-", "(0", "+1", "+", "1.", "1/", "12/", "12.12.", "1234-", ":", "::", "a:", "1:", "a1:", "%", "ab::%"),
    *(
        "DE89",
        "DE89 ",
        "http://",
        "://",
        "www.",
        "a://",
        "may ",
        "may 1 ",
        "1 may ",
        "1 de may de ",
        " ",
        "\n",
        "-",
    ),
    *("a.com", "a.b/", "1999年1月", "phone 1", "tel ", "12-34-", "123-45-", "\u0301", "http://a)", "x.com@"),
]


LENGTH = 100_000
"""Characters; a search whose steps grew with their square would not come to an end."""


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_is_searched_to_its_end(piece: str) -> None:
    assert_sound((piece * LENGTH)[:LENGTH])


@pytest.mark.parametrize(
    ("head", "piece", "tail"), [("http://a", ")", ""), ("", "'", "@a.de"), ("", "a-", ".com")]
)
def test_a_long_run_with_a_head_or_a_tail_is_searched_to_its_end(head: str, piece: str, tail: str) -> None:
    assert_sound(f"{head}{piece * LENGTH}{tail}")
