"""The DAG that the README shows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_dag_parses(tmp_path: Path, parse_dags: Callable[[Path], Any]) -> None:
    (dag,) = [
        block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "DAG(" in block
    ]
    (tmp_path / "readme.py").write_text(dag)
    bag = parse_dags(tmp_path)
    assert bag.import_errors == {}
    assert set(bag.dags["nightly_staging_refresh"].task_ids) == {"ready", "refresh"}
