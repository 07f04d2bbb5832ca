"""Items that stay the bytes they came in until they are looked at."""

from itertools import chain, pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.dynamodb.items import PIECE_ITEMS, SerializedItems, parse_answer, pieces

ITEMS = [{"Id": {"N": str(number)}, "Text": {"S": "x" * number}} for number in range(60)]


def serialized(items: object) -> SerializedItems:
    found = parse_answer(orjson.dumps({"Items": items}))["Items"]
    assert isinstance(found, SerializedItems)
    return found


def test_answer_is_parsed_but_for_its_items() -> None:
    answer = {"Count": 60, "LastEvaluatedKey": {"Id": {"N": "59"}}, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    parsed = parse_answer(orjson.dumps({"Items": ITEMS} | answer, option=orjson.OPT_INDENT_2))
    items = parsed.pop("Items")
    assert parsed == answer
    assert [*items] == ITEMS
    assert len(items) == 60
    assert items[-1] == ITEMS[-1]
    assert [*items[50:]] == ITEMS[50:]


def test_answer_without_items_has_none() -> None:
    assert parse_answer(b'{"NextToken": "x"}') == {"NextToken": "x"}


def test_items_are_parsed_anew_whenever_they_are_looked_at() -> None:
    items = serialized(ITEMS)
    items[0].clear()
    assert items[0] == ITEMS[0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"Items": {}}',
        b'{"Items": [{"Id": {"N": "1"}',
        b'{"Items": [{"Id": tru}]}',
        b"{} {}",
    ],
)
def test_answer_that_is_damaged_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|truncated|Expected"):
        parse_answer(body)


@given(st.lists(st.text(max_size=30).filter(str.isascii), max_size=40), st.integers(1, 120))
def test_pieces_hold_all_items_in_order_and_no_more_bytes_than_asked_for(texts: list[str], most: int) -> None:
    items = [{"Text": {"S": text}} for text in texts]
    cut = [*serialized(items).pieces(most)]
    sizes = [[len(orjson.dumps(item)) for item in piece] for piece in cut]
    assert [*chain(*cut)] == items
    assert all(len(piece) == 1 or sum(piece) <= most for piece in sizes)
    assert all(sum(piece) + following[0] > most for piece, following in pairwise(sizes))


def test_pieces_of_several_pages_come_one_page_after_the_other() -> None:
    pages = [serialized(ITEMS[:30]), serialized([]), ITEMS[30:]]
    cut = [*pieces(pages)]
    assert [*chain(*cut)] == ITEMS
    assert [len(piece) for piece in cut] == [30, PIECE_ITEMS, 30 - PIECE_ITEMS]
    assert [len(piece) for piece in pieces(pages, 10**6)] == [30, 30]


def test_items_show_no_value() -> None:
    assert repr(serialized([{"Name": {"S": "Hannelore"}}])) == "<1 items>"
