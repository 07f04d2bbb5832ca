"""transform_binary."""

from base64 import b64decode, b64encode

from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import compile_plan


@given(st.binary(min_size=1, max_size=1000))
def test_a_binary_becomes_another_of_the_same_length(value: bytes) -> None:
    plan = compile_plan({"mappings": {"A": "transform_binary"}}, secret=b"a secret of the tests")
    (item,) = plan.apply([{"A": {"B": b64encode(value).decode()}}])
    result = b64decode(item["A"]["B"])
    assert len(result) == len(value)
    assert result != value
