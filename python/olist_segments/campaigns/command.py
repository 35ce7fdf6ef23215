"""`olist-segments campaign plan | launch | lists`."""

from __future__ import annotations

import argparse
import re
from decimal import Decimal
from pathlib import Path

from olist_segments.campaigns.inputs import ORDERED, REVENUE
from olist_segments.campaigns.launch import launch
from olist_segments.campaigns.lists import write_lists_again
from olist_segments.campaigns.plan import Arm, Request, planned
from olist_segments.campaigns.words import plan_lines
from olist_segments.errors import UserError
from olist_segments.serving.audience import MEASURES, Wanted, add_conditions, customer_number, shown
from olist_segments.serving.tables import add_source_option

_HIGHEST_PRIORITY = 1_000_000


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments campaign` with its own sub-commands."""
    parser = commands.add_parser("campaign", help="plan and launch a campaign that can be measured")
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_plan(own)
    _add_launch(own)
    _add_lists(own)


def _add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("plan", help="who a campaign would address and what it could show; writes nothing")
    _add_request(parser)
    parser.set_defaults(run=lambda arguments: print(plan(_request(arguments), arguments.source)))


def _add_launch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("launch", help="draw a campaign, write it to the log, and write its lists")
    _add_request(parser)
    _add_out(parser)
    parser.set_defaults(run=lambda arguments: print(launch(_request(arguments), arguments.out, arguments.source)))


def _add_lists(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("lists", help="write the lists of a launched campaign again, from the log")
    parser.add_argument("name", metavar="NAME", help="the campaign")
    _add_out(parser)
    add_source_option(parser)
    parser.set_defaults(run=lambda arguments: print(write_lists_again(arguments.name, arguments.out, arguments.source)))


def plan(request: Request, kind: str | None = None) -> str:
    """What the campaign would be, in words; nothing is written. UserError where it can't be."""
    with planned(request, kind) as (_, found):
        return "\n".join(plan_lines(found, "Plan, with nothing written, of the campaign"))


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where the lists go, a file per arm; it may be new"
    )


def _add_request(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="small letters, digits and hyphens, such as spring-vouchers")
    parser.add_argument(
        "--kind", action="append", default=[], metavar="KIND", help="key or name of a segment; repeat it for several"
    )
    parser.add_argument(
        "--stage", action="append", default=[], metavar="STAGE", help="key or name of a stage; repeat it for several"
    )
    add_conditions(parser)
    parser.add_argument(
        "--top",
        type=customer_number,
        metavar="N",
        help=f"only the first N by --by, or by {MEASURES[0]}, of those who may be listed; ties by customer id",
    )
    parser.add_argument("--by", choices=MEASURES, help="the forecast that --top goes by, largest first")
    parser.add_argument(
        "--holdout",
        type=_share,
        metavar="SHARE",
        help="the share of people on no list; default: what the arms leave, or the var holdout_share",
    )
    parser.add_argument(
        "--arm",
        type=_arm,
        action="append",
        default=[],
        metavar="NAME:SHARE",
        help="an arm and its share of the people, such as voucher:0.4; repeat it for several",
    )
    parser.add_argument(
        "--priority",
        type=_priority,
        default=0,
        metavar="N",
        help="people in a running campaign of lower priority are taken over, once their cooldown is over; default 0",
    )
    parser.add_argument(
        "--outcome", choices=(ORDERED, REVENUE), default=ORDERED, help=f"what it is to raise; default {ORDERED}"
    )
    add_source_option(parser)


def _request(arguments: argparse.Namespace) -> Request:
    if arguments.by and arguments.top is None:
        raise UserError("--by says how --top chooses: give --top as well, or leave --by out.")
    return Request(
        name=arguments.name,
        kinds=arguments.kind,
        stages=arguments.stage,
        min_probability=arguments.min_probability,
        exclude_dissatisfied=arguments.exclude_dissatisfied,
        wanted=Wanted(arguments.min_order_probability, arguments.top, arguments.by),
        holdout=arguments.holdout,
        arms=arguments.arm,
        priority=arguments.priority,
        outcome=arguments.outcome,
    )


def _share(text: str) -> Decimal:
    if not re.fullmatch(r"(0|1|0?\.[0-9]{1,9}|[01]\.[0-9]{1,9})", text) or Decimal(text) > 1:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no share from 0 to 1, such as 0.2")
    return Decimal(text)


def _arm(text: str) -> Arm:
    name, colon, share = text.rpartition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no arm and its share, such as voucher:0.4")
    found = Arm(name, _share(share))
    if not found.share:
        raise argparse.ArgumentTypeError(f"the arm '{shown(name)}' has a share of 0: give it people, or leave it out")
    return found


def _priority(text: str) -> int:
    if not re.fullmatch("[0-9]{1,7}", text) or int(text) > _HIGHEST_PRIORITY:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is no priority from 0 to {_HIGHEST_PRIORITY:,}")
    return int(text)
