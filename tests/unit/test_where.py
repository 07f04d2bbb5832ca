"""Which way a condition is read, and what of it becomes a filter or a key condition."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.dynamodb.errors import InvalidRequestError
from airflow_dynsync.dynamodb.tables import KeyAttribute
from airflow_dynsync.dynamodb.where import Selection, plan_selection

KEYS = (KeyAttribute("Id", "S"), KeyAttribute("Since", "N"))
BINARY_KEY = (KeyAttribute("Id", "B"),)


def plan(where: str | None) -> Selection:
    return plan_selection(where, KEYS)


def spelled(expression: str | None, selection: Selection) -> str:
    """The expression with its placeholders replaced."""
    text = expression or ""
    values = {placeholder: repr(content) for placeholder, v in selection.values.items() for content in v.values()}
    for placeholder, meaning in sorted((selection.names | values).items(), key=lambda each: -len(each[0])):
        text = text.replace(placeholder, meaning)
    return text


def test_no_condition_when_planned_scans_the_whole_table_without_parameters() -> None:
    assert plan(None).way == "scan"
    assert plan(None).parameters == {}


@pytest.mark.parametrize(
    ("where", "expression"),
    [
        ("a = 'x'", "a = 'x'"),
        ("a != 5", "a <> '5'"),
        ("a<=-5.50", "a <= '-5.50'"),
        ("a = 007", "a = '007'"),
        ("a > 'it''s'", 'a > "it\'s"'),
        ("a = true OR a = FALSE", "a = True OR a = False"),
        ("a IS NULL", "a = True"),
        ("a is not null", "a <> True"),
        ("a IS MISSING", "attribute_not_exists(a)"),
        ("a IS NOT\nMISSING", "attribute_exists(a)"),
        ("NOT a IS MISSING", "NOT (attribute_not_exists(a))"),
        ("a BETWEEN 9 AND 10", "a BETWEEN '9' AND '10'"),
        ("a NOT BETWEEN 'A' AND 'a'", "NOT (a BETWEEN 'A' AND 'a')"),
        ("a IN [1, 'x', null]", "a IN ('1', 'x', True)"),
        ("a NOT IN (1, 1)", "NOT (a IN ('1', '1'))"),
        ("BEGINS_WITH(a, '')", "begins_with(a, '')"),
        ("contains(a, 5)", "contains(a, '5')"),
        ("attribute_type (a, 'NULL')", "attribute_type(a, 'NULL')"),
        ("attribute_exists(a.b)", "attribute_exists(a.b)"),
        ("attribute_not_exists(a)", "attribute_not_exists(a)"),
        ("Size(a) > 3", "size(a) > '3'"),
        ("a < size(b)", "a < size(b)"),
        ("a = b", "a = b"),
        ('a."x-y"[0].l[12][3] = 1', "a.x-y[0].l[12][3] = '1'"),
        ('"a.b" = 1', "a.b = '1'"),
        ('"a""b" = 1', "a\"b = '1'"),
        ('"order" = 1', "order = '1'"),
        ("contains = 1", "contains = '1'"),
        ("Id > 'x' AND Since <> 5", "Id > 'x' AND Since <> '5'"),
        ("begins_with(Id, 'x') OR contains(Id, 'x')", "begins_with(Id, 'x') OR contains(Id, 'x')"),
        ("Since IN [1, 2] AND a = 1 AND b = 2", "Since IN ('1', '2') AND a = '1' AND b = '2'"),
        ("Since > 1 AND a = 1", "Since > '1' AND a = '1'"),
        ("Id = 'x' OR a = 1", "Id = 'x' OR a = '1'"),
        ("NOT Id = 'x'", "NOT (Id = 'x')"),
    ],
)  # fmt: skip
def test_condition_when_simple_becomes_the_filter_of_a_scan(where: str, expression: str) -> None:
    selection = plan(where)

    assert (selection.way, selection.key_condition_expression) == ("scan", None)
    assert spelled(selection.filter_expression, selection) == expression


@pytest.mark.parametrize(
    ("where", "expression"),
    [
        ("a = 1 OR a = 2 AND b = 3", "a = '1' OR (a = '2' AND b = '3')"),
        ("(a = 1 OR a = 2) AND b = 3", "(a = '1' OR a = '2') AND b = '3'"),
        ("NOT a = 1 AND b = 2", "NOT (a = '1') AND b = '2'"),
        ("NOT (a = 1 AND b = 2)", "NOT (a = '1' AND b = '2')"),
        ("NOT NOT a = 1", "NOT (NOT (a = '1'))"),
        ("a BETWEEN 1 AND 2 AND b = 3", "a BETWEEN '1' AND '2' AND b = '3'"),
        ("(((a = 1)) AND ((b = 2 AND c = 3)))", "a = '1' AND b = '2' AND c = '3'"),
        ("((a = 1) OR (b = 2 OR c = 3))", "a = '1' OR (b = '2' OR c = '3')"),
    ],
)
def test_condition_when_joined_keeps_partiql_s_precedence_without_redundant_parentheses(
    where: str, expression: str
) -> None:
    selection = plan(where)

    assert spelled(selection.filter_expression, selection) == expression


def test_filter_when_written_has_a_placeholder_for_every_name_and_value() -> None:
    assert plan("a.b = 'x' AND NOT a = 5 AND c IN [true, null]").parameters == {
        "FilterExpression": "#n0.#n1 = :v0 AND NOT (#n0 = :v1) AND #n2 IN (:v2, :v3)",
        "ExpressionAttributeNames": {"#n0": "a", "#n1": "b", "#n2": "c"},
        "ExpressionAttributeValues": {
            ":v0": {"S": "x"},
            ":v1": {"N": "5"},
            ":v2": {"BOOL": True},
            ":v3": {"NULL": True},
        },
    }


def test_filter_when_it_has_no_value_sends_none() -> None:
    assert "ExpressionAttributeValues" not in plan("a IS MISSING").parameters


@pytest.mark.parametrize(
    ("where", "key_condition", "rest"),
    [
        ("Id = 'x'", "Id = 'x'", ""),
        ("(Id = 'x')", "Id = 'x'", ""),
        ("a = 1 AND Id = 'x'", "Id = 'x'", "a = '1'"),
        ("Id = 'x' AND (a = 1 OR b = 2)", "Id = 'x'", "a = '1' OR b = '2'"),
        (
            "(a = 1 AND (Since >= 5 AND Id = 'x')) AND NOT b = 2",
            "Id = 'x' AND Since >= '5'",
            "a = '1' AND NOT (b = '2')",
        ),
        ("Id = 'x' AND Since = 5", "Id = 'x' AND Since = '5'", ""),
        ("Id = 'x' AND Since < 5", "Id = 'x' AND Since < '5'", ""),
        ("Id = 'x' AND Since BETWEEN 1 AND 2", "Id = 'x' AND Since BETWEEN '1' AND '2'", ""),
    ],
)
def test_condition_when_it_pins_the_partition_key_becomes_a_query(
    where: str, key_condition: str, rest: str
) -> None:
    selection = plan(where)

    assert selection.way == "query"
    assert spelled(selection.key_condition_expression, selection) == key_condition
    assert spelled(selection.filter_expression, selection) == rest
    assert "partition key Id" in selection.reason


def test_sort_key_when_a_string_may_be_pinned_by_its_beginning() -> None:
    selection = plan_selection("Id = 'x' AND begins_with(Sort, 'y')", (KEYS[0], KeyAttribute("Sort", "S")))

    assert spelled(selection.key_condition_expression, selection) == "Id = 'x' AND begins_with(Sort, 'y')"


def often(where: str) -> str:
    return " OR ".join(where for _ in range(151))


UNTRANSLATABLE = {
    "no condition": [
        "", " ", "a", "NOT a", "5", "true", "a = ", "= 5", "(a = 5", "a = 5)", "a 5", "a = 5 6", "a ! = 5",
    ],
    "more than a condition": [
        "a = 5;", "a = 5 ORDER BY a", "a = 5 LIMIT 1", "a = 5 -- why", "a = /* why */ 5",
    ],
    "operators": [
        "a LIKE 'x'", "a = 2 + 3", "a = 7-2", "a - 2 = 5", "a || 'x' = 'y'", "a = 5 = true", "a == 5",
    ],
    "parentheses around operands": [
        "(a) = 5", "a = (5)", "a IN ((1), 2)", "(a = 5) = true",
    ],
    "a literal on the left": [
        "5 = a", "5 < Since", "5 = 5", "5 IN [a]", "5 BETWEEN a AND b",
    ],
    "literals": [
        "a = [5]", "a = {'k': 5}", "a = <<5>>", "a = `5`", "a = DATE '2000-01-01'", "a = ?", "a = MISSING",
    ],
    "numbers": [
        "a = 5.", "a = .5", "a = 5e0", "a = +5", "a = - 5", "a = -0.0", "a = " + "1" * 39, "a=5AND b=6",
    ],
    "names": [
        "order = 1", "a.value = 1", "User = 1", 'a."" = 1', '"" = 1', "ä = 1", "@a = 1", "1x = 1", "#a = 1",
        "a.0 = 1",
    ],
    "indexes": [
        "a[-1] = 1", "a[00] = 1", "a[*] = 1", "a['k'] = 1", "a.* = 1", "a[b] = 1", "a[10000] = 1",
    ],
    "functions": [
        "foo(a)", "exists(a)", '"size"(a) = 1', "begins_with(a)", "begins_with(a, b)", "begins_with(a, 5)",
        "attribute_type(a, 's')", "attribute_exists('a')", "contains(a, [1])", "size('abc') = 3", "size(a)",
    ],
    "BETWEEN and IN": [
        "a BETWEEN 10 AND 9", "a BETWEEN 'b' AND 'a'", "a BETWEEN 1 AND 'x'", "a BETWEEN b AND 5",
        "a BETWEEN null AND null", "a IN []", "a IN ()", "a IN 5", "a IN [1,]", "a IN [b]", "a IN [1)",
    ],
    "IS": [
        "a IS STRING", "size(a) IS MISSING", "a = 5 IS MISSING", "a IS (MISSING)",
    ],
    "comparisons": [
        "a < true", "a >= null", "a = a", "a.b[0] <> a.b[0]",
    ],
    "key attributes": [
        "Id = 5", "Id <> 5", "Since = '5'", "Since = null", "Id = ''", "Id = 'x' AND Since = '5'",
        "a = 1 OR Id = 5", "Id IN ['x', 5]", "begins_with(Since, '5')", "contains(Since, 5)", "Id IS MISSING",
        "Id IS NOT NULL", "attribute_type(Id, 'S')", "size(Id) = 2", "Id = a", "a = Id", "Id.x = 'y'",
        "Id[0] = 'y'", f"Id = '{'x' * 1025}'",
    ],
    "cheaper without a scan": [
        "Id IN ['x', 'y']", "Id = 'x' OR Id = 'y'", "Id = 'x' AND Id = 'y'", "Id = 'x' AND Id > 'a'",
        "Id = 'x' AND Since > 1 AND Since < 5", "Id = 'x' AND Since <> 1", "Id = 'x' AND (Since = 1 OR a = 2)",
        "Id = 'x' AND Since IN [1, 2]", "Id = 'x' AND NOT Since = 1", "(Id IN ['x'] OR Id = 'y') AND a = 1",
    ],
    "lost by DynamoDB Local": [
        "a = 1 AND Since > 5 AND b = 2", "a = 1 AND (b = 2 AND Since BETWEEN 1 AND 2)",
    ],
    "limits": [
        often("a = 1"), often("size(a) = 1"), f"a IN [{', '.join(map(str, range(101)))}]",
        f"\"{'x' * 256}\" = 1", ".".join("a" * 33) + " = 1", "(" * 40 + "a = 1" + ")" * 40,
        "NOT " * 5000 + "a = 1",
        "a IN [" + ", ".join(["12345"] * 100) + "]" + f" OR {'.'.join('b' * 30)} = 5" * 40,
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "where", [where for wheres in UNTRANSLATABLE.values() for where in wheres], ids=lambda w: w[:40]
)
def test_condition_when_a_filter_cannot_say_exactly_the_same_is_left_to_a_statement(where: str) -> None:
    selection = plan(where)

    assert selection.way == "statement"
    assert selection.parameters == {}
    assert selection.reason.startswith("read by ExecuteStatement, in one sequence: ")


def test_binary_key_when_compared_is_left_to_a_statement_and_other_attributes_are_not() -> None:
    assert plan_selection("Id = 'x'", BINARY_KEY).way == "statement"
    assert plan_selection("a = 'x'", BINARY_KEY).way == "scan"


def test_condition_when_at_the_limits_is_still_translated() -> None:
    assert plan(" OR ".join("a = 1" for _ in range(150))).way == "scan"
    assert plan(f"a IN [{', '.join(map(str, range(100)))}]").way == "scan"
    assert plan(".".join("a" * 32) + " = 1").way == "scan"
    assert plan(f"a = {'1' * 38}").way == "scan"


@pytest.mark.parametrize(
    "where",
    [
        "a = 'marked'",
        "Id = 'marked' AND Since = 4711",
        "foo(a, 'marked', 4711)",
        "Id = 4711",
        "a = 'marked",
        "a = 5 OR a IN ['marked', 4711",
    ],
)
def test_selection_when_shown_holds_no_value_of_the_condition(where: str) -> None:
    selection = plan(where)

    for shown in (repr(selection), str(selection), selection.reason, selection.filter_expression or ""):
        assert "marked" not in shown
        assert "4711" not in shown


PIECES: list[Any] = [
    "a", "Id", "Since", "order", '"x-y"', "size", "begins_with", "(", ")", "[", "]", ",", ".", "=", "<>", "<",
    "'x'", "5", "-1", "NOT", "AND", "OR", "IN", "IS", "NULL", "MISSING", "BETWEEN", "true", ";", "'", '"', "é",
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map(" ".join)))
def test_any_text_when_planned_has_a_way(where: str) -> None:
    assert plan(where).way in ("scan", "query", "statement")


def test_condition_when_it_is_no_unicode_is_an_error_that_names_the_character_and_no_value() -> None:
    with pytest.raises(InvalidRequestError, match=r"^where: .* at character 10; write it in UTF-8$") as caught:
        plan("Id='Mary'\udc8a")
    assert caught.value.kind == "fatal"
    assert "Mary" not in repr(caught.value)
