"""Launches that are killed, and launches at the same time: a campaign is in the log whole, or not at all.

OLIST_KILLS is the number of launches that are killed at random (default 8).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from made_up_campaigns import Shop, environment_of, open_shop
from olist_segments.campaigns.inputs import read_log
from olist_segments.cli import main

KILLS = int(os.environ.get("OLIST_KILLS", "8"))
LAUNCH = ("campaign", "launch", "spring", "--arm", "voucher:0.4", "--arm", "reminder:0.4")
# What a launch does to files, by the names of Python's audit events; what DuckDB does is killed by the clock.
EVENTS = frozenset({"open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.chmod"})


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes in which everything is imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["olist_segments.cli", "olist_segments.campaigns.command", "pytest", "pandas"])
    return context


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


def launched(places: dict[str, str], arguments: Sequence[str], die_at: int, counted: str) -> None:
    """Run a command; with `die_at`, killed before its n-th event on files in the home of the shop."""
    os.environ.update(places)
    events = 0

    def watch(event: str, details: tuple[object, ...]) -> None:
        nonlocal events
        if event in EVENTS and any(str(detail).startswith(counted) for detail in details[:2]):
            events += 1
            if events == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os._exit(main(arguments))


def start(server: ForkServerContext, shop: Shop, arguments: Sequence[str], die_at: int = 0) -> BaseProcess:
    process = server.Process(target=launched, args=(shop.places, arguments, die_at, str(shop.home)))
    process.start()
    return process


def in_log(shop: Shop) -> bool:
    """True where the campaign is there; it is then whole, or this fails."""
    log = read_log(shop.campaigns)
    if log.empty:
        return False
    assert len(log) == 900
    assert set(log["arm"]) == {"holdout", "voucher", "reminder"}
    return True


def end_well(server: ForkServerContext, shop: Shop, was_there: bool) -> None:
    """Run the launch again, or where it is there already its lists: both leave what an undisturbed launch leaves."""
    again = start(server, shop, [*LAUNCH, "--out", str(shop.lists)])
    again.join()
    assert again.exitcode == (2 if was_there else 0)
    if was_there:
        lists = start(server, shop, ["campaign", "lists", "spring", "--out", str(shop.lists)])
        lists.join()
        assert lists.exitcode == 0
    assert in_log(shop)
    for arm in ("voucher", "reminder"):
        listed = (shop.lists / f"spring-{arm}.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
        log = shop.log("spring")
        assert {line.split(",")[2] for line in listed} == set(log[log["arm"] == arm]["customer_unique_id"])


@pytest.mark.slow
def test_a_launch_killed_at_each_of_its_steps_leaves_a_whole_campaign_or_none(
    server: ForkServerContext, tmp_path: Path
) -> None:
    found = []
    for step in range(1, 100):
        shop = open_shop(tmp_path / str(step))
        process = start(server, shop, [*LAUNCH, "--out", str(shop.lists)], step)
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        found.append(in_log(shop))
        end_well(server, shop, found[-1])
        left = {path.name for path in shop.campaigns.iterdir()}
        # What the killed launch wrote beside the log goes with the next launch.
        assert left <= {".lock", "spring.parquet", *([".spring.parquet.unfinished"] if found[-1] else [])}
    # None up to the link, and from then on the whole campaign.
    assert found == sorted(found)
    assert found.count(False) >= 4
    assert found.count(True) >= 4


@pytest.mark.slow
def test_a_launch_killed_at_any_moment_leaves_a_whole_campaign_or_none(
    server: ForkServerContext, tmp_path: Path
) -> None:
    whole = open_shop(tmp_path / "whole")
    begin = time.perf_counter()
    undisturbed = start(server, whole, [*LAUNCH, "--out", str(whole.lists)])
    undisturbed.join()
    seconds = time.perf_counter() - begin
    assert undisturbed.exitcode == 0
    draws = random.Random(1)
    for number in range(KILLS):
        shop = open_shop(tmp_path / str(number))
        process = start(server, shop, [*LAUNCH, "--out", str(shop.lists)])
        time.sleep(seconds * (draws.random() if number % 2 else draws.uniform(0.5, 1)))
        process.kill()
        process.join()
        end_well(server, shop, in_log(shop))


def test_of_launches_at_the_same_time_one_is_in_the_log_and_the_others_are_told(
    server: ForkServerContext, shop: Shop
) -> None:
    processes = [start(server, shop, [*LAUNCH, "--out", str(shop.lists)]) for _ in range(6)]
    for process in processes:
        process.join()
    assert sorted(process.exitcode or 0 for process in processes) == [0, 2, 2, 2, 2, 2]
    assert in_log(shop)
    end_well(server, shop, was_there=True)


def test_campaigns_launched_at_the_same_time_share_nobody(server: ForkServerContext, shop: Shop) -> None:
    names = ("a", "b", "c", "d")
    processes = {
        name: start(server, shop, ["campaign", "launch", name, "--top", "300", "--out", str(shop.lists)])
        for name in names
    }
    for process in processes.values():
        process.join()
    log = read_log(shop.campaigns)
    assert not log["customer_unique_id"].duplicated().any()
    assert set(log["campaign"]) == {name for name, process in processes.items() if process.exitcode == 0} != set()


def test_a_launch_while_the_folder_is_held_is_told_so(shop: Shop) -> None:
    shop.campaigns.mkdir()
    holding = (
        "import sys, time; from pathlib import Path; from olist_segments.campaigns.log import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holding, str(shop.campaigns)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = subprocess.run(
            [sys.executable, "-m", "olist_segments.cli", *LAUNCH, "--out", str(shop.lists)],
            env=environment_of(shop),
            capture_output=True,
            text=True,
            check=False,
        )
        holder.kill()
    assert told.returncode == 2
    assert told.stderr == (
        f"olist-segments: another launch or forget is writing to '{shop.campaigns}': wait for it to end and try "
        "again.\n"
    )
    assert not shop.lists.exists()
