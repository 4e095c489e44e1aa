"""The devices of an estate as the view library knows them, and the devices that peers have told us of. Nobody's data is in either."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from linli.server.connectors import subjects
from linli.server.connectors.models import ViidDevice, ViidPeer
from linli.server.connectors.platforms import link_settings
from linli.server.connectors.platforms.viid import GATE
from linli.server.connectors.protocol import DeviceFacts, DoorFacts, Facts
from linli.server.connectors.rules import SubjectKind
from linli.server.connectors.viid import codes, ids, numbering, shapes
from linli.server.connectors.viid.codes import Status
from linli.server.connectors.viid.dialects import Json
from linli.server.connectors.viid.reading import text
from linli.server.kernel import ids as own_ids
from linli.server.places import queries as places

MOST_DEVICES = 10_000
HEARD: Mapping[str, bool] = {"1": True, "2": False}


def library_number(*, estate_id: str) -> str:
    """This will give our own twenty digits: those the link was given, else of the estate's division and code."""
    given = link_settings().get("viid", {}).get("device_id", "")
    if given:
        return given
    estate = places.get_estate(estate_id=estate_id)
    serial = zlib.crc32(estate.code.encode()) % ids.DEVICE_SERIALS
    return ids.device_id(area=estate.division_code[:6], type=ids.LIBRARY, serial=serial)


def own_devices(*, estate_id: str) -> tuple[Json, ...]:
    """This will list the estate's gates and their devices in the order of their numbers, and number those that have none yet."""
    estate, library = places.get_estate(estate_id=estate_id), library_number(estate_id=estate_id)
    kinds = (SubjectKind.DOOR, SubjectKind.DEVICE)
    standing = [one for kind in kinds for one in subjects.list_standing(estate_id=estate_id, subject_kind=kind)]
    told = {_key(one.facts): one.facts for one in standing if not one.gone}
    numbers = numbering.numbers_of(numbering.things(estate.code), list(told))
    area = estate.division_code[:6]
    ordered = sorted(told.items(), key=lambda each: numbers[each[0]])
    return tuple(_device(facts, serial=numbers[key], area=area, library=library) for key, facts in ordered)


def states_of(devices: Sequence[Json], *, now: datetime) -> tuple[Json, ...]:
    """This will say of each whether it is heard of."""
    return tuple(
        shapes.device_state(number=str(one["ApeID"]), online=one["IsOnline"] == codes.ONLINE, at=now) for one in devices
    )


def keep_device(*, peer: ViidPeer, told: Json, now: datetime, said_at: datetime | None = None) -> Status:
    """This will keep what a peer tells of a device, its name or only its state, and return what to answer.

    `said_at` is of when the peer says it is, by its own clock: what is older than what it said last is heard and changes nothing.
    """
    number = _device_number(told)
    if number is None:
        return Status.INVALID_JSON_CONTENT
    with transaction.atomic():
        known = ViidDevice.objects.select_for_update().filter(estate_id=peer.estate_id, peer=peer, ape_id=number)
        row = known.first()
        if row is None and ViidDevice.objects.filter(peer=peer).count() >= MOST_DEVICES:
            return Status.INVALID_OPERATION
        if row is not None and said_at is not None and row.said_at is not None and said_at < row.said_at:
            return Status.OK
        device = row or ViidDevice(id=own_ids.new("vdev"), estate_id=peer.estate_id, peer=peer, ape_id=number, name="")
        _tell(device, told, now=now, said_at=said_at)
        if row is not None:
            device.save()
        else:
            ViidDevice.objects.bulk_create([device], ignore_conflicts=True)
    return Status.OK


def forget_device(*, peer: ViidPeer, told: Json) -> Status:
    """This will forget a device that a peer says is gone, known or not, and return what to answer."""
    number = _device_number(told)
    if number is None:
        return Status.INVALID_JSON_CONTENT
    ViidDevice.objects.filter(estate_id=peer.estate_id, peer=peer, ape_id=number).delete()
    return Status.OK


def _device_number(told: Json) -> str | None:
    number = text(told, "ApeID", most=21)
    try:
        # A device is of a device's type (GB/T 28181, annex D): under the number of a person or of a household nothing is kept.
        return number if ids.device_of(number).type.startswith("1") else None
    except ids.BadNumber:
        return None


def _tell(device: ViidDevice, told: Json, *, now: datetime, said_at: datetime | None) -> None:
    device.told_at = now
    device.name = text(told, "Name", most=100) or device.name
    device.said_at = said_at or device.said_at
    if "IsOnline" not in told:
        return
    online = HEARD.get(text(told, "IsOnline"))
    if device.changed_at is None or online != device.online:
        # A clock that runs ahead makes nothing so before it is.
        device.changed_at = min(said_at or now, now)
    device.online = online


def gate_numbers(*, estate_id: str, gates: Sequence[str]) -> dict[str, str]:
    """This will give each gate its twenty digits."""
    estate = places.get_estate(estate_id=estate_id)
    keys = {numbering.gate_key(gate): gate for gate in gates}
    counted = numbering.numbers_of(numbering.things(estate.code), list(keys))
    area = estate.division_code[:6]
    return {gate: ids.device_id(area=area, type=ids.CAMERA, serial=counted[key]) for key, gate in keys.items()}


def _key(facts: Facts) -> str:
    if isinstance(facts, DoorFacts):
        return numbering.gate_key(facts.code)
    if isinstance(facts, DeviceFacts):
        return numbering.device_key(facts.device_id)
    raise TypeError(type(facts).__name__)


def _device(facts: Facts, *, serial: int, area: str, library: str) -> Json:
    number = ids.device_id(area=area, type=ids.CAMERA, serial=serial)
    if isinstance(facts, DoorFacts):
        name, model, place, online = facts.name_zh, GATE, facts.code, facts.online
    elif isinstance(facts, DeviceFacts):
        model, place = f"{facts.make} {facts.model}".strip(), facts.gate_code
        name, online = facts.name, facts.online
    else:
        raise TypeError(type(facts).__name__)
    return shapes.device(number=number, name=name, model=model, area=area, place=place, library=library, online=online)
