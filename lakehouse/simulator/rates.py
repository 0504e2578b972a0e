"""How often what happens. One frozen record; tests and campaigns pass their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Rates of the plant (times in hours, minutes or seconds as named; shares between 0 and 1).

    Attributes:
        mtbf_h: mean hours between two breakdowns of one machine.
        mttr_min: mean minutes of a breakdown.
        micro_per_h: micro-stops in an hour.
        order_h: mean hours of an order.
        no_order_share: orders that are followed by a time without order.
        second_cause_share: breakdowns during which a second cause is reported too (overlap).
        starve_share: long breakdowns that starve the next machine of the line.
        block_share: long breakdowns that block the machine before.
        overheat_share: night shifts in which an oven overheats.
        scrap_share: pieces scrapped.
        rework_share: pieces set aside for rework.
        slow_from: least and greatest share by which a stretch runs slower than the ideal cycle.
        reset_share: set-ups and breakdowns after which the counters begin again at 0.
        running_reset_share: readings of a running machine after which its counters begin again at 0.
        silences_per_day: times a day that a machine's messages fail to come for longer than a reading.
        lost_share: single readings that never come.
        late_share: readings that come late.
        late_report_share: versions of an interruption that come late.
        duplicate_share: messages that come twice, byte for byte.
        corrected_share: interruptions with a third version that corrects reason or end.
        cancelled_per_day: false reports in a machine's day that are cancelled afterwards.
        bad_per_day: unusable messages in a machine's day.
        late_confirmation_share: confirmations that stand in the next day's workbook.
        corrected_confirmation_share: confirmations overwritten by the next day's workbook.
        reversed_confirmation_share: confirmations reversed and confirmed anew.
    """

    mtbf_h: float = 16.0
    mttr_min: float = 16.0
    micro_per_h: float = 1.1
    order_h: float = 9.0
    no_order_share: float = 0.2
    second_cause_share: float = 0.15
    starve_share: float = 0.6
    block_share: float = 0.25
    overheat_share: float = 0.7
    scrap_share: float = 0.016
    rework_share: float = 0.004
    slow_from: tuple[float, float] = (0.0, 0.09)
    reset_share: float = 0.2
    running_reset_share: float = 0.0003
    silences_per_day: float = 0.7
    lost_share: float = 0.002
    late_share: float = 0.002
    late_report_share: float = 0.03
    duplicate_share: float = 0.004
    corrected_share: float = 0.05
    cancelled_per_day: float = 0.4
    bad_per_day: float = 1.5
    late_confirmation_share: float = 0.06
    corrected_confirmation_share: float = 0.04
    reversed_confirmation_share: float = 0.04


def quiet() -> Rates:
    """Return the rates of a plant whose sources never err: no late, lost, doubled, corrected or unusable message."""
    return Rates(
        silences_per_day=0, lost_share=0, late_share=0, late_report_share=0, duplicate_share=0, corrected_share=0, cancelled_per_day=0,
        bad_per_day=0, late_confirmation_share=0, corrected_confirmation_share=0, reversed_confirmation_share=0,
    )
