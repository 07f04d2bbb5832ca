"""How progress reads."""

from airflow_dynsync.sync.progress import Progress


def test_progress_estimates_the_time_left_from_the_tables_count() -> None:
    moment = Progress(60_000, 55_000, 50_000, 200_000, 10.0)
    assert moment.items_per_second == 5000
    assert moment.seconds_left == 30
    assert str(moment) == (
        "60,000 of about 200,000 items read, 55,000 transformed, 50,000 written, 5,000 items/s, about 30 s left"
    )


def test_progress_without_a_count_estimates_nothing() -> None:
    moment = Progress(10, 10, 10, None, 1.0)
    assert moment.seconds_left is None
    assert str(moment) == "10 items read, 10 transformed, 10 written, 10 items/s"


def test_progress_beyond_a_stale_count_is_not_negative() -> None:
    assert Progress(300, 300, 300, 200, 1.0).seconds_left == 0


def test_long_times_are_told_in_hours() -> None:
    assert str(Progress(1, 1, 1, 7384, 1.0)).endswith("about 2 h 3 min left")
