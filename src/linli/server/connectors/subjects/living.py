"""Who lives here (实有人口), through which doors they come, and the devices at those doors."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from linli.server.access import queries as access
from linli.server.access.queries import GateView, TerminalView
from linli.server.connectors.protocol import DeviceFacts, DoorFacts, ResidentFacts
from linli.server.connectors.subjects.gathered import Gathered, persons
from linli.server.kernel import clock
from linli.server.kernel.errors import NotFound
from linli.server.people import queries as people
from linli.server.people.queries import ResidencyView
from linli.server.places import queries as places

# Who moved out is listed for this long, so that it is told even when a platform was away for a month.
LISTED_AFTER_LEAVING = timedelta(days=90)
AT_ONCE = 500


def list_residents(estate_id: str) -> Iterable[Gathered]:
    """This will list everybody who lives here, and who has moved out in the last ninety days."""
    flats = {flat.id: (flat.code, flat.label_zh) for flat in places.list_flats(estate_id=estate_id)}
    residencies = _residencies(estate_id)
    for start in range(0, len(residencies), AT_ONCE):
        # Opened a few hundred at a time: the whole estate is never in memory unsealed.
        yield from _residents(estate_id, residencies[start : start + AT_ONCE], flats=flats)


def gather_resident(estate_id: str, residency_id: str) -> Gathered:
    """This will gather one residency; raises `NotFound`."""
    chosen = _residencies(estate_id, only=residency_id)
    flats = {}
    for one in chosen:
        flat = places.get_dwelling(estate_id=estate_id, dwelling_id=one.dwelling_id)
        flats[flat.id] = (flat.code, flat.label_zh)
    return _one(_residents(estate_id, chosen, flats=flats), field="residency_id")


def list_doors(estate_id: str) -> Iterable[Gathered]:
    """This will list every access point."""
    place = places.get_estate(estate_id=estate_id).name_zh
    return [_door(gate, place=place) for gate in access.list_gates(estate_id=estate_id, now=clock.now())]


def gather_door(estate_id: str, gate: str) -> Gathered:
    """This will gather one access point by its code; raises `NotFound`."""
    return _one((one for one in list_doors(estate_id) if one.subject_id == gate), field="gate")


def list_devices(estate_id: str) -> Iterable[Gathered]:
    """This will list every device at a door; one that was switched off is gone."""
    return [_device(one) for one in access.list_terminals(estate_id=estate_id, now=clock.now())]


def gather_device(estate_id: str, device_id: str) -> Gathered:
    """This will gather one device; raises `NotFound`."""
    found = access.list_terminals(estate_id=estate_id, now=clock.now(), terminal_id=device_id)
    return _one((_device(one) for one in found), field="device_id")


def number_in(code: str) -> int:
    """This will read the number off a code: 7 for `G07`; 0 where there is none."""
    digits = re.search(r"\d+$", code)
    return int(digits[0]) if digits else 0


def _residencies(estate_id: str, *, only: str = "") -> tuple[ResidencyView, ...]:
    left_since = _today(estate_id) - LISTED_AFTER_LEAVING
    return people.list_residents(estate_id=estate_id, left_since=left_since, only=only)


def _residents(
    estate_id: str, residencies: Sequence[ResidencyView], *, flats: Mapping[str, tuple[str, str]]
) -> Iterable[Gathered]:
    today, place = _today(estate_id), places.get_estate(estate_id=estate_id).name_zh
    known = persons(estate_id=estate_id, person_ids={one.person_id for one in residencies})
    for one in residencies:
        if one.person_id in known:
            code, label = flats[one.dwelling_id]
            facts = ResidentFacts(
                residency_id=one.id,
                address_zh=f"{place}{label}",
                dwelling_code=code,
                kind=one.kind,
                since_date=one.moved_in_date,
                person=known[one.person_id],
            )
            gone = one.moved_out_date is not None and one.moved_out_date <= today
            yield Gathered(facts=facts, subject_id=one.id, terms="community", person_id=one.person_id, gone=gone)


def _today(estate_id: str) -> date:
    return clock.local_date(clock.now(), places.zone(estate_id=estate_id))


def _door(gate: GateView, *, place: str) -> Gathered:
    facts = DoorFacts(
        gate_id=gate.code,
        code=gate.code,
        number=number_in(gate.code),
        name_zh=gate.name_zh,
        name_en=gate.name_en,
        place=f"{place}{gate.name_zh}",
        # A gate is told with each passage which way it went; as a door it leads both ways.
        direction="both",
        online=gate.online,
    )
    return Gathered(facts=facts, subject_id=gate.code, terms="view")


def _device(terminal: TerminalView) -> Gathered:
    facts = DeviceFacts(
        device_id=terminal.id,
        gate_code=terminal.gate,
        number=number_in(terminal.code),
        name=terminal.code,
        make=terminal.make,
        model=terminal.model,
        online=terminal.online,
    )
    return Gathered(facts=facts, subject_id=terminal.id, terms="view", gone=not terminal.enabled)


def _one(found: Iterable[Gathered], *, field: str) -> Gathered:
    first = next(iter(found), None)
    if first is None:
        raise NotFound(field=field)
    return first
