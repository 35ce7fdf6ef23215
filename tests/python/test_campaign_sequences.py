"""Any sequence of plans, launches, suppressed and forgotten people, and months: nobody is on a list who may not be.

What may be is said once more here, in plain Python, and held against what the commands do.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from made_up_campaigns import KINDS, SALT, STAGES, TODAY, Shop, open_shop
from olist_segments.campaigns.inputs import LOG_COLUMNS, OF_ARM, OF_CAMPAIGN, forgotten_digest, read_log
from olist_segments.cli import main
from test_campaign_draw import digest

CUSTOMERS = [f"c{number:06}" for number in range(54)]
COOLDOWN, OUTCOME = 30, 90
some_customers = st.sets(st.sampled_from(CUSTOMERS), max_size=8)
DAYS = st.sampled_from([1, 29, 30, 30, 31, 61, 89, 90])


class Asked(NamedTuple):
    """What a campaign is planned with."""

    name: str
    kinds: set[str]
    stages: set[str]
    arms: tuple[str, ...]
    priority: int
    top: int | None


CAMPAIGNS = st.builds(
    Asked,
    name=st.sampled_from(["a", "b", "c", "d", "e", "f"]),
    kinds=st.sets(st.sampled_from(sorted(KINDS))),
    stages=st.sets(st.sampled_from(sorted(STAGES))),
    arms=st.sampled_from([(), ("x:0.5",), ("x:0.3", "y:0.4")]),
    priority=st.integers(0, 3),
    top=st.none() | st.integers(1, 40),
)
REASONS = {
    "forgotten": r"forgotten",
    "suppressed": r"suppressed \(suppressed_customers.csv\)",
    "control": r"in the control group of .*",
    "running": r"in a running campaign of the same or a higher priority",
    "cooldown": r"listed, or held out of a list, in the last 30 days",
}


def forget(shop: Shop, customers: set[str]) -> None:
    """What `olist-segments forget` leaves of people in the campaign folder and in the tables."""
    shop.campaigns.mkdir(exist_ok=True)
    file = shop.campaigns / "forgotten.csv"
    lines = file.read_text().splitlines() if file.exists() else ["forgotten_digest,forgotten_on"]
    lines += [f"{forgotten_digest(customer)},2018-09-01" for customer in sorted(customers)]
    file.write_text("\n".join(lines) + "\n")
    names = ", ".join(f"'{customer}'" for customer in sorted(customers))
    kept = {*OF_CAMPAIGN, *OF_ARM}
    columns = ", ".join(
        name if name in kept else f"case when customer_unique_id not in ({names}) then {name} end as {name}"
        for name in LOG_COLUMNS
    )
    for log in sorted(shop.campaigns.glob("*.parquet")):
        new = log.with_name(f".{log.name}.new")
        with duckdb.connect() as connection:
            connection.execute(f"copy (select {columns} from read_parquet('{log}')) to '{new}' (format parquet)")
        new.replace(log)


@dataclass(frozen=True)
class Launched:
    """A campaign as the commands should know it."""

    as_of_date: date
    priority: int
    members: frozenset[str]

    def runs(self, today: date) -> bool:
        return today < self.as_of_date + timedelta(days=OUTCOME)


class Campaigns(RuleBasedStateMachine):
    """The shop, and beside it what should be true of it."""

    @initialize(control=st.sampled_from([0.0, 0.0, 0.2]))
    def open(self, control: float) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.shop = open_shop(self.home / "shop", len(CUSTOMERS))
        self.shop.set(control_group_share=control)
        self.control, self.today = control, TODAY
        self.suppressed: set[str] = set()
        self.at_build: set[str] = set()
        self.forgotten: set[str] = set()
        self.launched: dict[str, Launched] = {}
        self.treated: dict[str, set[str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "home"):
            shutil.rmtree(self.home)

    def reason(self, customer: str, priority: int) -> str | None:
        quarter = f"control group {self.today.year}Q{(self.today.month + 2) // 3}"
        if customer in self.forgotten:
            return "forgotten"
        if customer in self.suppressed | self.at_build:
            return "suppressed"
        if digest(SALT, quarter, customer) < self.control * 2**60:
            return "control"
        running = [one for one in self.launched.values() if one.runs(self.today) and customer in one.members]
        if any(one.priority >= priority for one in running):
            return "running"
        lately = self.today - timedelta(days=COOLDOWN)
        listed = [self.launched[name] for name, members in self.treated.items() if customer in members]
        return "cooldown" if any(one.as_of_date > lately for one in (*running, *listed)) else None

    def command(self, *arguments: object) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
            self.shop.use(patch)
            with redirect_stderr(io.StringIO()) as faults:
                code = main(["campaign", *map(str, arguments)])
        return code, out.getvalue() + faults.getvalue()

    def log_bytes(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.shop.campaigns.glob("*.parquet")}

    @rule(asked=CAMPAIGNS)
    def plan_and_launch(self, asked: Asked) -> None:
        name, kinds, stages, arms, priority, top = asked
        asked_for = {
            customer
            for number, customer in enumerate(CUSTOMERS)
            if (not kinds or sorted(KINDS, key=list(KINDS).index)[number % 3] in kinds)
            and (not stages or list(STAGES)[number // 3 % 3] in stages)
        }
        reasons = {customer: self.reason(customer, priority) for customer in asked_for}
        free = {customer for customer, reason in reasons.items() if reason is None}
        options = [
            *(f"--kind={kind}" for kind in sorted(kinds)),
            *(f"--stage={stage}" for stage in sorted(stages)),
            *(f"--arm={arm}" for arm in arms),
            f"--priority={priority}",
            *([] if top is None else [f"--top={top}"]),
        ]
        before = self.shop.written()
        planned_code, planned = self.command("plan", name, *options)
        assert self.shop.written() == before, "a plan writes nothing"
        out = self.home / "lists" / name
        out.parent.mkdir(exist_ok=True)
        logs = self.log_bytes()
        code, told = self.command("launch", name, *options, "--out", out)
        assert code == planned_code
        if code:
            assert self.shop.written() == before, "what is refused writes nothing"
            assert planned == told
            assert name in self.launched or not free or "nobody falls to" in told
            return
        assert name not in self.launched
        assert planned.split("\n", 1)[1].strip() in told
        after = self.log_bytes()
        log = self.shop.log(name)
        assert {key: value for key, value in after.items() if key != f"{name}.parquet"} == logs
        members = set(log["customer_unique_id"])
        assert members <= free
        assert len(members) == len(log) == (len(free) if top is None else min(top, len(free)))
        self.counts_add_up(told, reasons, len(members))
        treated = set(log[log["arm_number"] > 0]["customer_unique_id"])
        listed: list[str] = []
        for file in out.iterdir():
            with file.open(encoding="utf-8-sig", newline="") as stream:
                listed += [row["customer_unique_id"] for row in csv.DictReader(stream)]
        assert sorted(listed) == sorted(treated)
        taken_over = {
            other: count
            for other, one in self.launched.items()
            if one.runs(self.today) and (count := len(one.members & members))
        }
        words = ", ".join(f"{other} ({count})" for other, count in sorted(taken_over.items()))
        assert (f"which still count them: {words}." in told) == bool(taken_over)
        assert all(self.launched[other].priority < priority for other in taken_over)
        self.launched[name] = Launched(self.today, priority, frozenset(members))
        self.treated[name] = treated
        self.the_log_is_whole()

    @rule(days=DAYS, asked=CAMPAIGNS)
    def another_later(self, days: int, asked: Asked) -> None:
        """Beside the rules for each alone, so that a third of all steps is a launch, often at the end of a period."""
        self.time_passes(days)
        self.plan_and_launch(asked)

    def counts_add_up(self, told: str, reasons: dict[str, str | None], members: int) -> None:
        off = {}
        for key, words in REASONS.items():
            found = re.search(rf"^ +([0-9]+)  {words}$", told, re.MULTILINE)
            off[key] = int(found.group(1)) if found else 0
            assert off[key] == list(reasons.values()).count(key)
        beyond = re.search(r"^ +([0-9]+)  beyond the first", told, re.MULTILINE)
        assert sum(off.values()) + members + (int(beyond.group(1)) if beyond else 0) == len(reasons)

    @rule(customers=some_customers)
    def suppress(self, customers: set[str]) -> None:
        self.suppressed = customers
        self.shop.suppress(sorted(customers))

    @precondition(lambda self: self.suppressed != self.at_build)
    @rule()
    def build_again(self) -> None:
        self.at_build = set(self.suppressed)
        rows = (f"('{customer}', 'asked to', null)" for customer in sorted(self.at_build))
        self.shop.execute(
            "; ".join(
                [
                    "delete from suppressed_customers",
                    *(f"insert into suppressed_customers values {row}" for row in rows),
                ]
            )
        )

    @rule(customers=some_customers.filter(bool))
    def forget(self, customers: set[str]) -> None:
        forget(self.shop, customers)
        self.forgotten |= customers
        for name, one in self.launched.items():
            self.launched[name] = Launched(one.as_of_date, one.priority, one.members - customers)
            self.treated[name] -= customers
        self.the_log_is_whole()

    @rule(days=DAYS)
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.shop.become(self.today)

    @precondition(lambda self: self.launched)
    @rule(data=st.data())
    def write_lists_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.launched)))
        again = self.home / "again"
        code, told = self.command("lists", name, "--out", again)
        assert code == 0, told
        listed: list[str] = []
        for file in again.iterdir():
            with file.open(encoding="utf-8-sig", newline="") as stream:
                listed += [row["customer_unique_id"] for row in csv.DictReader(stream)]
        off = ("forgotten", "suppressed", "control")
        # No priority is as high: what is left is what keeps a person off every list.
        may_be = {customer for customer in self.treated[name] if self.reason(customer, 10**9) not in off}
        assert sorted(listed) == sorted(may_be)
        shutil.rmtree(again)

    def the_log_is_whole(self) -> None:
        log = read_log(self.shop.campaigns)
        assert set(log["campaign"]) == set(self.launched)
        assert not set(log["customer_unique_id"].dropna()) & self.forgotten


@pytest.mark.parametrize("examples", [3, pytest.param(15, marks=pytest.mark.slow)])
def test_nobody_is_on_a_list_who_may_not_be(examples: int) -> None:
    run_state_machine_as_test(
        Campaigns,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
