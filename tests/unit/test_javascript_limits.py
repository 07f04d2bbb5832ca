"""What scripts cannot do: run on, eat memory, reach outside, change each other, or tell a value in an error."""

import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.javascript.process import JAVASCRIPT
from tests.unit.javascript_helpers import run, script_plan

VALUE = {"S": "a marked value"}


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("return 1 +;", 1, 11),
        ("const a = 1;\n  const a = 2;\nreturn a", 2, 9),
        ("if (value {\n}", 1, 11),
        ("return {", 1, 9),
        ("return 1;\nfunction f( {", 2, 14),
        ("return `abc", 1, 12),
        ("return 1 }, function () {", 1, 26),
        ("return 1 /* not closed", 1, 10),
        ("let value = 1", 1, 5),
        ("with (value) {}", 1, 1),
    ],
)
def test_a_syntax_error_is_an_error_of_the_mapping_with_line_and_column(code: str, line: int, column: int) -> None:
    with pytest.raises(MappingError) as caught:
        script_plan(code)
    assert caught.value.place == "mappings.Value.code"
    assert caught.value.message.startswith(f"line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("throw new Error(value)", "Error at line 1, column 7"),
        ("const text = value;\n\n  throw new RangeError(text)", "RangeError at line 3, column 9"),
        ("return value.a.b", "TypeError at line 1, column 16"),
        ("unknown(value)", "ReferenceError at line 1, column 1"),
        ("return [value].map(x =>\n  x.missing())", "TypeError at line 2, column 5"),
        ("class Refusal extends Error {}\nthrow new Refusal(value)", "Refusal at line 2, column 7"),
        ("function helper() {\n  JSON.parse(value)\n}\nhelper()", "SyntaxError at line 2, column 8"),
        ("throw value", "a value of type string at line 1, column 1"),
        ("if (true)\n  throw {value}", "a value of type object at line 2, column 3"),
        ("const recurse = () => recurse();\nrecurse()", "RangeError at line 1"),
        ("const e = new Error(value); e.name = value; throw e", "Error at line 1, column 11"),
        ("throw new ({[value]: class extends Error {}}[value])()", "an error at line 1, column 7"),
        (
            "const e = {}; Object.defineProperty(e, 'constructor', {get() { throw value }}); throw e",
            "",
        ),
        (
            "try { neosync.transformEmail(5) } catch (e) { e.message = value; throw e }",
            "transformEmail takes a string",
        ),
        (
            "try { neosync.transformEmail(5) } catch (e) { throw new e.constructor(value) }",
            "Error at line 1, column 53",
        ),
        ("throw null", "a value of type object at line 1"),
        (
            "throw new Proxy({}, {get() { throw value }, getPrototypeOf() { throw value }})",
            "a value of type object",
        ),
    ],
)
def test_a_thrown_error_names_class_and_place_but_no_value(code: str, said: str) -> None:
    plan = script_plan(code)
    items = [{"Id": {"S": str(row)}, "Value": VALUE} for row in range(3)]
    with pytest.raises(TransformError) as caught:
        plan.apply(items)
    assert said in caught.value.message
    assert (caught.value.place, caught.value.row) == ("mappings.Value", 0)
    assert "marked" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_row_of_an_error_is_the_item_that_was_refused() -> None:
    plan = script_plan("if (value === 7) neosync.transformInt64(value).x.y; return value")
    items = [{"Id": {"N": str(row)}, "Value": {"N": str(row)}} for row in range(10)]
    with pytest.raises(TransformError) as caught:
        plan.apply(items)
    assert caught.value.row == 7


ENDLESS = [
    "while (true);",
    "for (;;) value += ''",
    "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
    "while (true) { try { neosync.transformString(value) } catch {} }",
    "(async () => { while (true) await null })(); return 1",
    "const again = () => Promise.resolve().then(again); again(); return 1",
]


@pytest.mark.parametrize("code", ENDLESS)
def test_an_endless_loop_ends_within_its_limit_and_the_next_script_runs(code: str) -> None:
    with pytest.raises(TransformError, match=r"^mappings\.Value: .* 0\.3 seconds .*loop"):
        run(code, VALUE, timeout=0.3)
    assert run("return value.length", VALUE) == {"N": "14"}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("let n = 0;\nwhile (true) n++;", 2),
        ("for (;;);", 1),
        ("for (let n = 0; n < 3; n++) {\n  for (let m = 0; m > -1; m++) {}\n}", 2),
        ("const all = new Set([1]);\nfor (const x of all) {\n  all.delete(x);\n  all.add(x);\n}", 2),
        ("do {\n value\n} while (\n true)", 3),
        ("const s = 'while (x)', t = `for (;;)`; // while (y)\nconst r = /while (['\"])/g;\nwhile (s) {}", 3),
        ("for (let n = 0; n < 1e4; n++) n / 2 / 3;\nconst o = {for: 1}; o.for;\nwhile (1);", 3),
        ("neosync.transformString(value);\nwhile (1);", 2),
    ],
)
def test_an_endless_loop_is_named_by_its_line(code: str, line: int) -> None:
    with pytest.raises(TransformError, match=rf"^mappings\.Value: .* in the loop at line {line};"):
        run(code, VALUE, timeout=0.3)


def test_a_slow_script_without_an_endless_loop_is_out_of_time_as_well() -> None:
    with pytest.raises(TransformError, match=r"more than the 0\.2 seconds a chunk may take"):
        run("return 'x'.repeat(3e6).replace(/x/g, () => [1, 2, 3].map(n => n * 2).join())", VALUE, timeout=0.2)


HOGS = [
    ("const all = [];\nwhile (true)\n  all.push({x: 1})", 2),
    ("const all = []; while (true) all.push('x'.repeat(1000) + all.length)", 1),
    ("const all = new Map();\nfor (let n = 0; ; n++) {\n  all.set(n, [n, n]);\n}", 2),
    ("const small = 1;\nfor (let n = 0; n < 9; n++);\n\nreturn new Array(2 ** 27 - 1).fill(1.5).length", 4),
    ("let text = 'ab';\ntext += 'c';\n\n\ntext = text.repeat(2 ** 26).split('');\nreturn text", 5),
    ("function grow() {\n  return 'x'.repeat(2 ** 28).split('').length;\n}\nreturn grow()", 2),
    ("const o = {\n  a: {\n    b: 1 },\n  c: [2,\n    3]\n};\nreturn 'x'.repeat(2 ** 28).replace(/x/g, 'yy')", 7),
    ("do {\n  value\n}\nwhile (value.length < 3);\nlet s = 'x';\nwhile (true) s = [s, s].join()", 6),
    ("if (value === 'long') {\n  let s = [0];\n  for (;;)\n    s = [...s, ...s, 1.5];\n}\nreturn value", 3),
    ("return 'x'.repeat(2 ** 29 - 30)", 1),
]


@pytest.mark.parametrize(("code", "line"), HOGS)
def test_a_script_that_fills_memory_ends_with_its_line_and_the_next_script_runs(code: str, line: int) -> None:
    items = [{"Id": {"S": text}, "Value": {"S": text}} for text in ("fine", "good", "long")]
    with pytest.raises(TransformError, match=rf"^mappings\.Value: .*256 MB of memory .*, at line {line};"):
        script_plan(code).apply(items)
    assert run("return value.length", VALUE) == {"N": "14"}


def test_array_buffers_count_as_memory_too() -> None:
    with pytest.raises(TransformError, match=r"RangeError at line 1|256 MB of memory"):
        run("const all = []; while (true) all.push(new Uint8Array(1e7).fill(1))", VALUE)


@pytest.mark.parametrize(
    "name",
    [
        *("fetch", "require", "process", "XMLHttpRequest", "WebSocket", "Deno", "setTimeout", "module"),
        *("WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry"),
    ],
)
def test_what_reaches_outside_is_not_there(name: str) -> None:
    assert run(f"return typeof {name}", VALUE) == {"S": "undefined"}


def test_importing_a_module_fails_and_brings_nothing() -> None:
    with pytest.raises(TransformError, match="a Promise cannot be stored"):
        run("return import('fs')", VALUE)


def test_the_process_with_v8_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "marked")
    JAVASCRIPT._end()
    run("return 1", VALUE)
    process = JAVASCRIPT._process
    assert process is not None
    environment = Path(f"/proc/{process._process.pid}/environ")
    if not environment.exists():
        pytest.skip("needs /proc")
    assert b"marked" not in environment.read_bytes()


@pytest.mark.parametrize(
    "attempt",
    [
        "globalThis.leak = value",
        "leak = value",
        "Array.prototype.leak = value",
        "Object.prototype.toString = () => value",
        "String.prototype.toUpperCase = function () { return value }",
        "JSON.parse = () => value",
        "Math.random = () => 0",
        "neosync.transformEmail = () => value",
        "neosync.leak = value",
        "Object.setPrototypeOf(Array.prototype, {leak: value})",
        "Object.defineProperty(Error, 'prepareStackTrace', {value: () => value})",
        "(function* () {}).constructor.prototype.leak = value",
        "Reflect.getPrototypeOf(new Map()[Symbol.iterator]()).leak = value",
        "Date.now = () => 0",
        "Intl.DateTimeFormat.prototype.format = 1",
        "Uint8Array.prototype.leak = value",
        "arguments.callee.leak = value",
    ],
)
def test_a_script_cannot_change_the_world_of_the_others(attempt: str) -> None:
    with pytest.raises(TransformError, match=r"(TypeError|ReferenceError) at line 1"):
        run(attempt, VALUE)


def test_a_match_leaves_no_trace_for_the_next_value() -> None:
    seen = run("/(.*)/.exec(value); return [RegExp.$1, RegExp.lastMatch, RegExp.input, RegExp['$_']]", VALUE)
    assert seen == {"L": [{"NULL": True}] * 4}


def test_code_made_of_strings_leaves_no_trace_for_the_next_value() -> None:
    run("(0, eval)('globalThis.leak = 1; undefined'); new Function('this.leak = 1')(); return 1", VALUE)
    assert run("return typeof leak", VALUE) == {"S": "undefined"}


def test_what_one_value_does_to_its_objects_the_next_does_not_see() -> None:
    code = "value.count = (value.count ?? 0) + 1; const seen = {}; seen.n = value.count; return seen.n"
    plan = script_plan(code)
    items = [{"Id": {"S": str(row)}, "Value": {"M": {}}} for row in range(5)]
    assert [item["Value"] for item in plan.apply(items)] == [{"N": "1"}] * 5


def test_ordinary_code_is_not_hindered_by_what_is_frozen() -> None:
    code = """
      class Point { constructor(x) { this.x = x } toString() { return `(${this.x})` } }
      class Refusal extends Error { constructor(text) { super(text); this.name = "Refusal"; this.message += "!" } }
      const own = {toString: () => "own", constructor: 1};
      own.valueOf = () => 5;
      const [a, ...rest] = [..."abc"].sort().reverse();
      const grouped = Object.groupBy([1, 2, 3], n => n % 2 ? "odd" : "even");
      let caught;
      try { throw new Refusal("no") } catch (error) { caught = `${error.name} ${error.message}` }
      return [`${new Point(1)}`, `${own}`, own + 1, a, rest.join(), grouped.odd.length, caught,
              "x".replace(/x/, m => m + m), new Intl.NumberFormat("de").format(1234.5), structured()];
      function structured() { return Object.entries(Object.assign({}, {k: 1})).flat().join() }
    """
    expected = ["(1)", "own", "6", "c", "b,a", "2", "Refusal no!", "xx", "1.234,5", "k,1"]
    assert [next(iter(element.values())) for element in run(code, VALUE)["L"]] == expected


def test_console_is_there_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run("console.log(value); console.error(value); return 1", VALUE)
    assert capfd.readouterr() == ("", "")


def test_threads_share_the_process_and_get_their_own_results() -> None:
    plans = [script_plan(f"return neosync.transformString(value) + '{n}'") for n in range(4)]
    alone = [plan.apply(chunk(n)) for n, plan in enumerate(plans)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: plans[n % 4].apply(chunk(n % 4)), range(40)))
    assert together == alone * 10


def chunk(seed: int) -> list[dict[str, Any]]:
    """Return items of which no two chunks have the same."""
    return [{"Id": {"S": f"{seed}-{row}"}, "Value": {"S": f"text {seed} {row}"}} for row in range(50)]


def test_one_thread_out_of_time_does_not_disturb_the_others() -> None:
    good, bad = script_plan("return value + '!'"), script_plan("while (true);", timeout=0.2)
    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(bad.apply, chunk(0)) for _ in range(3)]
        results = list(pool.map(lambda n: good.apply(chunk(n)), range(20)))
    assert [items[7]["Value"]["S"] for items in results] == [f"text {n} 7!" for n in range(20)]
    assert all(isinstance(end.exception(), TransformError) for end in ends)


def test_one_process_serves_all_scripts_of_a_python_process() -> None:
    run("return 1", VALUE)
    first = JAVASCRIPT._process
    for number in range(5):
        run(f"return {number}", VALUE)
    assert JAVASCRIPT._process is first


def test_a_process_that_was_ended_from_outside_is_replaced() -> None:
    plan = script_plan("return value")
    process = JAVASCRIPT._process
    assert process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()
    assert plan.apply(chunk(1)) == chunk(1)


def test_a_forked_process_starts_its_own_and_leaves_ours_alone() -> None:
    plan = script_plan("return neosync.transformString(value)")
    before = plan.apply(chunk(1))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        same = JAVASCRIPT._process is None and plan.apply(chunk(1)) == before
        os.write(writing, b"same" if same else b"other")
        JAVASCRIPT._end()
        os._exit(0)
    os.close(writing)
    assert plan.apply(chunk(1)) == before
    assert os.read(reading, 10) == b"same"
    assert os.waitpid(child, 0)[1] == 0
    assert plan.apply(chunk(1)) == before


def test_an_interrupted_call_does_not_mix_up_the_next() -> None:
    plan = script_plan("const end = 3e7; let n = 0; while (n < end) n++; return n", timeout=60)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            plan.apply([{"Id": {"S": str(row)}, "Value": VALUE} for row in range(1000)])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert run("return value", VALUE) == VALUE


def test_the_process_ends_with_ours_even_when_that_is_killed() -> None:
    program = """
import os, sys
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.engine.javascript.process import JAVASCRIPT
rule = {"transformer": "transform_javascript", "code": "return value"}
plan = compile_plan({"mappings": {"a": rule}}, key_attributes=("Id",))
print(JAVASCRIPT._process._process.pid, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
"""
    for end in ("normal", "killed"):
        command = [sys.executable, "-c", program, end]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        await_end(int(done.stdout))


def await_end(pid: int) -> None:
    """Return when a process is gone that need not be our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 30)[0]
    finally:
        os.close(descriptor)


def test_a_mapping_of_two_scripts_names_the_one_that_failed() -> None:
    rules = {
        "A": {"transformer": "transform_javascript", "code": "return value"},
        "B": {"transformer": "generate_javascript", "code": "return missing"},
    }
    plan = compile_plan({"mappings": rules}, key_attributes=("Id",))
    with pytest.raises(TransformError, match=r"mappings\.B: the script threw ReferenceError at line 1, column 1"):
        plan.apply([{"Id": {"S": "1"}, "A": VALUE, "B": VALUE}])


@pytest.mark.parametrize("timeout", [0, -1, 4000, "long"])
def test_a_time_limit_out_of_range_is_an_error_of_the_mapping(timeout: Any) -> None:
    with pytest.raises(MappingError) as caught:
        script_plan("return 1", timeout=timeout)
    assert caught.value.place == "mappings.Value.timeout"
