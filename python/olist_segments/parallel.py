"""Independent tasks on several single-threaded processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from joblib import Parallel, delayed, parallel_config  # type: ignore[import-untyped]
from joblib.externals.loky import get_reusable_executor  # type: ignore[import-untyped]

Task = Callable[[], Any]


def run_tasks(tasks: Sequence[Task], workers: int) -> list[Any]:
    """The tasks' results in their order, whoever computes them; one worker is this process itself."""
    if workers == 1:
        return [task() for task in tasks]
    # Processes, because most of the time goes into Python code between small arrays, which threads can't share.
    with parallel_config("loky", n_jobs=workers, inner_max_num_threads=1):
        return list(Parallel()(delayed(task)() for task in tasks))


def stop_workers() -> None:
    """End the processes that `run_tasks` keeps for its next call."""
    get_reusable_executor().shutdown()
