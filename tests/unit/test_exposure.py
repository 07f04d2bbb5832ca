"""What a mapping hides is found wherever else it shows in a written item, and no value is told."""

import gzip
import json
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import compile_plan
from airflow_dynsync.sync.disguises import compact
from airflow_dynsync.sync.exposure import MANY_VALUES, Exposure, ExposureCheck, ExposureFoundError
from airflow_dynsync.sync.mapping_file import load_table_mapping
from airflow_dynsync.sync.sampling import Sampler
from airflow_dynsync.sync.wanted import Search, Wanted
from local.dataset import items as demo_items
from tests.shop import TABLES, items_of_the_shop
from tests.unit.strategies import tables

SECRET = b"a secret of the tests"
MAPPINGS = Path(__file__).parents[2] / "dags_examples" / "mappings"

EMAIL = "Zoé.Lindqvist@lakeside.example"
PLAIN_EMAIL = "ann.lindqvist@lakeside.example"
PHONE = "+1 212 555 0147"
NAME = "Zoé Lindqvist"
CARD = "4000 1234 5678 9017"
NUMBER = "48211907"
AMOUNT = "12345.67"
BINARY = b64encode(bytes(range(40, 64))).decode()

PROTECTED: dict[str, Any] = {
    "email": {"S": EMAIL},
    "login": {"S": PLAIN_EMAIL},
    "phone": {"S": PHONE},
    "name": {"S": NAME},
    "card": {"S": CARD},
    "number": {"N": NUMBER},
    "amount": {"N": AMOUNT},
    "fingerprint": {"B": BINARY},
    "aliases": {"SS": ["zlindqvist1987", "nordpost-zoe"]},
    "city": {"S": "Malmö"},
    "owner": {"S": "山田太郎"},
    "account": {"S": "ACCOUNT#DE89 3704 0044 0532 0130 00#main"},
    "profile": {"S": json.dumps({"nick": "Lindqvistova", "born": {"passport": "X4471902K"}})},
    "contact": {"M": {"street": {"S": "Lindenallee 17"}, "floor": {"N": "3"}}},
}
RULES: dict[str, Any] = {
    "email": "transform_email",
    "login": "transform_email",
    "phone": {"transformer": "transform_mask", "keep_last": 2},
    "name": "transform_full_name",
    "card": {"transformer": "transform_mask", "keep_last": 4},
    "number": "generate_int64",
    "amount": {"transformer": "transform_float64", "randomization_range_min": 50, "randomization_range_max": 50},
    "fingerprint": "transform_binary",
    "aliases": "transform_string",
    "city": "generate_city",
    "owner": {"transformer": "constant", "value": "(removed)"},
    "account": "transform_hash",
    "profile": {"transformer": "constant", "value": "{}"},
    "contact": "drop",
}

S = dict[str, Any]


def text(value: str) -> S:
    return {"S": value}


def binary(content: bytes) -> S:
    return {"B": b64encode(content).decode()}


DIGITS = "".join(filter(str.isdigit, PHONE))
LEAKS: dict[str, tuple[str, S, str, str]] = {
    # name: attribute, planted value, path of the original, kind
    "composite partition key": ("PK", text(f"CUSTOMER#{PLAIN_EMAIL}"), "login", "key"),
    "composite sort key": ("SK", text(f"2026-01-01#{NUMBER}#open"), "number", "key"),
    "the key itself": ("PK", text(EMAIL), "email", "key"),
    "padded number in a key": ("SK", text(f"ORDER#00000{NUMBER}"), "number", "key"),
    "composite attribute": ("gsi", text(f"{PHONE}|{'x' * 5}"), "phone", "text"),
    "slug": ("slug", text("customers/zoe-lindqvist/orders"), "name", "text"),
    "other attribute": ("other", text(EMAIL), "email", "attribute"),
    "other attribute of a number": ("other", {"N": NUMBER}, "number", "attribute"),
    "number as text": ("other", text(NUMBER), "number", "attribute"),
    "number with separators": ("other", text("48,211,907.00 EUR"), "number", "text"),
    "amount with zeros behind": ("other", text("EUR 12,345.670"), "amount", "text"),
    "text as number": ("other", {"N": "4000123456789017"}, "card", "attribute"),
    "nested attribute": ("a", {"M": {"b": {"L": [{"M": {"c": text(NAME)}}]}}}, "name", "attribute"),
    "free text": ("notes", text(f"Please call {NAME}, after 6 pm."), "name", "text"),
    "free text without spaces": ("notes", text("昨日、山田太郎さんに電話しました"), "owner", "text"),
    "short name in free text": ("notes", text("moved from Malmö in spring"), "city", "text"),
    "street of a dropped map": ("notes", text("parcel to Lindenallee 17, left door"), "contact", "text"),
    "two lines": ("notes", text("Zoé\nLindqvist"), "name", "attribute"),
    "upper case": ("notes", text(f"MAIL {EMAIL.upper()}"), "email", "text"),
    "lower case": ("other", text(NAME.lower()), "name", "attribute"),
    "decomposed": ("notes", text(unicodedata.normalize("NFD", f"for {NAME}")), "name", "text"),
    "compatibility forms": ("notes", text("ＡＮＮ.ＬＩＮＤＱＶＩＳＴ@lakeside.example or"), "login", "text"),
    "without diacritics": ("notes", text("Zoe Lindqvist"), "name", "attribute"),
    "other spaces": ("notes", text("Zoé\u00a0Lindqvist was here"), "name", "text"),
    "hyphenated": ("notes", text("Zoé-Lindqvist was here"), "name", "text"),
    "phone as digits": ("other", text(DIGITS), "phone", "attribute"),
    "phone as number": ("other", {"N": DIGITS}, "phone", "attribute"),
    "phone with brackets": ("notes", text("ring +1 (212) 555-0147 twice"), "phone", "text"),
    "phone with dots": ("notes", text("tel. 1.212.555.0147"), "phone", "text"),
    "national phone": ("notes", text("call (212) 555 0147"), "phone", "text"),
    "phone with trunk prefix": ("notes", text("0212/5550147"), "phone", "text"),
    "card without spaces": ("notes", text("paid by 4000123456789017."), "card", "text"),
    "card with hyphens": ("notes", text("paid by 4000-1234-5678-9017."), "card", "text"),
    "JSON string": ("raw", text(json.dumps({"user": {"mail": [PLAIN_EMAIL]}})), "login", "json"),
    "JSON key": ("raw", text(json.dumps({PLAIN_EMAIL: 1})), "login", "json"),
    "JSON number": ("raw", text(json.dumps({"ref": int(NUMBER)})), "number", "json"),
    "escaped JSON": ("raw", text(json.dumps({"name": NAME})), "name", "json"),
    "JSON in JSON": ("raw", text(json.dumps({"body": json.dumps({"n": NAME, "q": '"'})})), "name", "json"),
    "map key": ("by_mail", {"M": {EMAIL: {"BOOL": True}}}, "email", "map key"),
    "part of a map key": ("seen", {"M": {f"mail:{PLAIN_EMAIL}": {"N": "1"}}}, "login", "map key"),
    "attribute name": (PLAIN_EMAIL, {"BOOL": True}, "login", "map key"),
    "string set": ("tags", {"SS": ["vip", PLAIN_EMAIL]}, "login", "set"),
    "part of an element of a string set": ("tags", {"SS": ["vip", f"mail={EMAIL}"]}, "email", "set"),
    "number set": ("refs", {"NS": ["1", NUMBER]}, "number", "set"),
    "element of a set elsewhere": ("tag", text("aka zlindqvist1987"), "aliases", "text"),
    "binary": ("blob", binary(b"\x08\x96" + PLAIN_EMAIL.encode() + b"\xff"), "login", "binary"),
    "binary in UTF-16": ("blob", binary(NAME.encode("utf-16-le")), "name", "binary"),
    "compressed binary": ("blob", binary(gzip.compress(f"dear {PLAIN_EMAIL}".encode())), "login", "binary"),
    "binary set": ("blobs", {"BS": [b64encode(b"x").decode(), binary(CARD.encode())["B"]]}, "card", "binary"),
    "same binary": ("copy", {"B": BINARY}, "fingerprint", "binary"),
    "binary as Base64 text": ("copy", text(f"data:,{BINARY}"), "fingerprint", "text"),
    "binary as hexadecimal": ("copy", text(bytes(range(40, 64)).hex(":")), "fingerprint", "attribute"),
    "text as Base64": ("token", text(b64encode(PLAIN_EMAIL.encode()).decode()), "login", "text"),
    "percent-encoded": ("link", text("https://x.example/?q=Zo%C3%A9%20Lindqvist"), "name", "text"),
    "HTML": ("html", text("<p>Zo&eacute; Lindqvist</p>"), "name", "text"),
    "part of a composite": ("iban", text("DE89370400440532013000"), "account", "attribute"),
    "value inside JSON that is hidden": ("notes", text("passport x4471902k"), "profile", "text"),
}


def item(**attributes: Any) -> dict[str, Any]:
    return {"PK": text("C#1"), "SK": text("PROFILE"), **attributes}


def checked(
    mapping: dict[str, Any],
    source: list[dict[str, Any]],
    written: list[dict[str, Any]] | None = None,
    **options: Any,
) -> ExposureCheck:
    plan = compile_plan(
        {"mappings": mapping, "unmapped": "passthrough"}, key_attributes=("PK", "SK"), secret=SECRET
    )
    check = ExposureCheck(plan, **options)
    check.check(source, plan.apply(source) if written is None else written)
    return check


def found(mapping: dict[str, Any], *source: dict[str, Any], **options: Any) -> set[tuple[str, str, str, str]]:
    return {
        (each.severity, each.path, each.seen_at, each.kind)
        for each in checked(mapping, list(source), **options).findings
    }


def test_an_item_whose_originals_show_nowhere_has_no_finding() -> None:
    check = checked(RULES, [item(**PROTECTED)])
    assert check.findings == ()
    assert check.checked == 1


def test_there_are_at_least_50_planted_leaks() -> None:
    assert len(LEAKS) >= 50


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found_with_the_path_of_its_original(leak: str) -> None:
    attribute, planted, path, kind = LEAKS[leak]
    check = checked(RULES, [item(**{**PROTECTED, attribute: planted})])
    assert (path, kind) in {(each.path, each.kind) for each in check.findings}
    assert {each.rule for each in check.findings} >= {f"mappings.{path}"}


def test_all_planted_leaks_together_tell_no_value() -> None:
    planted = [item(**{**PROTECTED, attribute: value}) for attribute, value, _, _ in LEAKS.values()]
    check = checked(RULES, planted)
    told = orjson.dumps(check.findings).decode() + repr(check.findings) + " ".join(map(str, check.findings))
    for fragment in ("lindqvist", "zoé", "malmö", "555", "48211907", "lindenallee", "4471902", "3704", "山田"):
        assert fragment not in told.casefold()
    assert check.unlisted == 0


@pytest.mark.parametrize(
    ("mapped", "planted"),
    [
        (text("Jo"), text("Jo was here, and Joanna")),
        (text("yes"), text("yes")),
        (text("DE"), text("DE")),
        ({"N": "7"}, {"N": "7"}),
        ({"N": "1987"}, text("since 1987")),
        ({"N": "5000000"}, {"N": "5000000"}),
        ({"BOOL": True}, {"BOOL": True}),
        (text("unknown"), text("unknown")),
        (text("------"), text("------")),
        (text("000000"), text("000000")),
        (text("Martin"), text("Martinique")),
        (text("martin"), {"M": {"martin": {"BOOL": True}}}),
        ({"N": "123456"}, {"N": "91234567"}),
        (text(""), text("")),
    ],
)
def test_what_would_meet_by_chance_is_no_finding(mapped: S, planted: S) -> None:
    rule = {"transformer": "null", "on_null": "transform"}
    assert found({"secret": rule}, item(secret=mapped, other=planted)) == set()


def test_the_least_lengths_can_be_chosen() -> None:
    source = item(secret=text("Jo"), other=text("ask Jo"), number={"N": "4711"}, ref=text("4711"))
    search = Search(letters=2, digits=4)
    assert found({"secret": "drop", "number": "drop"}, source) == set()
    assert found({"number": "drop"}, source, search=search) == {("warning", "number", "ref", "attribute")}


def test_a_word_that_might_be_of_a_fixed_list_is_a_warning_until_many_different_ones_are_seen() -> None:
    def named(name: str) -> dict[str, Any]:
        return item(state=text(name), note=text(f"is {name} now"))

    words = ["active", "closed", "waiting"]
    one = checked({"state": "drop"}, [named(word) for word in words * 20])
    assert one.findings == (Exposure("warning", "text", "mappings.state", "state", "note", 60, 3),)
    many = checked({"state": "drop"}, [named(f"sirname{'abcdefghijklmnopqrstuvwxyz'[n]}") for n in range(20)])
    assert many.findings == (Exposure("error", "text", "mappings.state", "state", "note", 20, MANY_VALUES + 1),)


def test_a_value_that_came_out_of_a_drawing_rule_as_it_went_in_is_found() -> None:
    source = item(email=text(PLAIN_EMAIL), tags={"SS": ["lindqvist87", "other5512"]})
    mapping = {"email": "transform_email", "tags": "transform_string"}
    assert checked(mapping, [source], [source]).findings == (
        Exposure("error", "unchanged", "mappings.email", "email", "email", 1, 1),
        Exposure("error", "unchanged", "mappings.tags", "tags", "tags", 1, 1),
    )


def test_a_value_that_came_out_in_other_letters_is_unchanged() -> None:
    source = item(email=text(PLAIN_EMAIL))
    written = item(email=text(PLAIN_EMAIL.upper()))
    assert [each.kind for each in checked({"email": "transform_email"}, [source], [written]).findings] == [
        "unchanged"
    ]


def test_what_a_deciding_rule_lets_stay_is_no_finding_unless_it_never_changes_anything() -> None:
    mapping = {"day": {"transformer": "transform_regex_replace", "pattern": "-\\d\\d$", "replacement": "-01"}}
    days = [item(day=text(f"1987-03-{day:02}")) for day in range(1, 29)]
    assert checked(mapping, days).findings == ()
    idle = {"day": {"transformer": "transform_regex_replace", "pattern": "^1987", "replacement": "1987"}}
    (told,) = checked(idle, days).findings
    assert (told.severity, told.kind, told.path, told.count) == ("warning", "unchanged", "day", 28)


def test_what_generated_values_happen_to_be_is_no_finding() -> None:
    mapping = {"city": {"transformer": "generate_categorical", "categories": "Lyon-Centre 1"}, "town": "drop"}
    assert found(mapping, item(city=text("Gent"), town=text("Lyon-Centre 1"))) == set()


def test_a_pseudonym_that_happens_to_be_a_name_of_the_item_is_no_finding() -> None:
    source = item(first=text("Martina"), other=text("Bernhard"))
    written = item(first=text("Bernhard"), other=text("Luzinda"))
    mapping = {"first": "transform_first_name", "other": "transform_first_name"}
    assert checked(mapping, [source], [written]).findings == ()


def test_a_telling_value_in_the_result_of_another_rule_is_found() -> None:
    source = item(email=text(PLAIN_EMAIL), other=text("a@b.example"))
    written = item(email=text("x@y.example"), other=text(PLAIN_EMAIL))
    mapping = {"email": "transform_email", "other": "transform_email"}
    assert [each.seen_at for each in checked(mapping, [source], [written]).findings] == ["other"]


def test_a_script_that_reads_its_neighbours_may_carry_any_value() -> None:
    mapping = {
        "first": "transform_first_name",
        "label": {"transformer": "transform_javascript", "code": "return 'from ' + input.first"},
    }
    assert found(mapping, item(first=text("Martina"), label=text("none"))) == {
        ("warning", "first", "label", "text")
    }


def test_defaults_hide_too() -> None:
    plan = compile_plan({"mappings": {"keep": "passthrough"}}, key_attributes=("PK", "SK"), secret=SECRET)
    source = [item(email=text(PLAIN_EMAIL), keep=text(f"see {PLAIN_EMAIL}"))]
    check = ExposureCheck(plan)
    check.check(source, plan.apply(source))
    assert check.findings == (Exposure("error", "text", "unmapped", "email", "keep", 1, 1),)


def test_elements_of_lists_are_told_together_and_map_keys_that_are_data_by_a_star() -> None:
    pets = {"M": {f"Judith {n}": {"M": {"mail": text(f"p{n}@pets.example")}} for n in range(3)}}
    source = item(pets=pets, notes={"L": [text(f"about p{n}@pets.example") for n in range(3)]})
    assert checked({"pets.*.mail": "transform_email"}, [source]).findings == (
        Exposure("error", "text", "mappings.pets.*.mail", "pets.*.mail", "notes[*]", 3, 3),
    )


def test_fail_raises_before_the_page_is_written_and_names_places_only() -> None:
    with pytest.raises(
        ExposureFoundError, match=r"email: hidden by mappings\.email, seen 1 times at notes"
    ) as caught:
        checked({"email": "transform_email"}, [item(email=text(EMAIL), notes=text(EMAIL))], fail=True)
    assert "lindqvist" not in str(caught.value).casefold()
    checked({"state": "drop"}, [item(state=text("active"), note=text("active"))], fail=True)


@given(tables(), st.sampled_from(["anonymize", "neosync", "drop"]))
def test_any_item_can_be_checked(source: list[dict[str, Any]], unmapped: str) -> None:
    plan = compile_plan({"unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    check = ExposureCheck(plan)
    check.check(source, plan.apply(source))
    assert check.checked == len(source)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))), st.text(), st.text())
def test_what_stands_in_a_text_shows_in_its_letters_and_digits(
    values: list[str], before: str, behind: str
) -> None:
    """The quick look at a whole item misses nothing that the close look at one text would find."""
    for value in values:
        packed = compact(value)
        wanted = Wanted(packed.decode(), packed, value, anywhere=True)
        if wanted.letters:
            seen = f"{before} {value} {behind}"
            assert not wanted.is_in(seen) or packed in compact(seen)


def test_threads_count_together() -> None:
    plan = compile_plan(
        {"mappings": {"email": "transform_email"}, "unmapped": "passthrough"},
        key_attributes=("PK",),
        secret=SECRET,
    )
    check = ExposureCheck(plan)
    pages = [
        [
            {"PK": text(f"{page}-{n}"), "email": text(f"u{n}@x.example"), "note": text(f"u{n}@x.example")}
            for n in range(50)
        ]
        for page in range(20)
    ]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda page: check.check(page, plan.apply(page)), pages))
    assert [(each.count, each.values) for each in check.findings] == [(1000, MANY_VALUES + 1)]
    assert check.checked == 1000


def test_the_same_items_are_checked_in_every_run_with_the_same_secret() -> None:
    source = [item(PK=text(str(n))) for n in range(5000)]

    def chosen(secret: bytes, items: list[dict[str, Any]]) -> set[str]:
        return {items[position]["PK"]["S"] for position in Sampler(("PK", "SK"), secret, 50).choose(items)}

    first = chosen(SECRET, source)
    assert first == chosen(SECRET, source[::-1]) != chosen(SECRET + b"!", source)
    assert 50 < len(first) < 160
    assert list(Sampler(("PK",), None, 1).choose(source)) == list(range(5000))


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_of_the_shop_under_their_mapping_have_no_finding(table: str) -> None:
    keys, _ = TABLES[table]
    source = items_of_the_shop(200)[table]
    plan = compile_plan(
        load_table_mapping(MAPPINGS / "shop.yaml", table, key_attributes=keys), key_attributes=keys, secret=SECRET
    )
    check = ExposureCheck(plan)
    check.check(source, plan.apply(source))
    assert check.findings == ()
    assert check.checked == len(source) >= 200


def test_the_demo_data_set_under_its_mapping_has_no_finding() -> None:
    source = list(demo_items(300))
    plan = compile_plan(
        yaml.safe_load((MAPPINGS / "customers.yaml").read_text()), key_attributes=("PK", "SK"), secret=SECRET
    )
    written = plan.apply(source)
    check = ExposureCheck(plan)
    check.check(source, written)
    assert check.findings == ()
    assert check.checked == len(source) > 1000


PLANTED_IN_THE_DEMO: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "notes": lambda source, written: written.update(notes=text(f"for {source['name']['S']}")),
    "SK": lambda source, written: written.update(SK=text(f"PROFILE#{source['email']['S']}")),
    "loyalty.*": lambda source, written: written["loyalty"]["M"].update({source["phone"]["S"]: {"N": "1"}}),
}


@pytest.mark.parametrize("place", PLANTED_IN_THE_DEMO)
def test_what_is_planted_in_the_written_demo_data_set_is_found(place: str) -> None:
    source = [each for each in demo_items(50) if each["SK"]["S"] == "PROFILE"]
    rules = yaml.safe_load((MAPPINGS / "customers.yaml").read_text())
    rules["mappings"] = {**rules["mappings"], "notes": "passthrough"}
    plan = compile_plan(rules, key_attributes=("PK", "SK"), secret=SECRET)
    written = orjson.loads(orjson.dumps(plan.apply(source)))
    for before, after in zip(source, written, strict=True):
        PLANTED_IN_THE_DEMO[place](before, after)
    check = ExposureCheck(plan)
    check.check(source, written)
    assert place in {each.seen_at for each in check.findings if each.count == len(source)}
