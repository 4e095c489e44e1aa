"""The devices of an estate as the view library knows them, and the devices that peers have told us of. Nobody's data is in either."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from linli.server.connectors import subjects
from linli.server.connectors.models import ViidDevice, ViidPeer
from linli.server.connectors.platforms import link_settings
from linli.server.connectors.protocol import DeviceFacts
from linli.server.connectors.rules import SubjectKind
from linli.server.connectors.viid import codes, ids, shapes
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
    """This will list the estate's devices in the order of their numbers."""
    area, library = places.get_estate(estate_id=estate_id).division_code[:6], library_number(estate_id=estate_id)
    standing = subjects.list_standing(estate_id=estate_id, subject_kind=SubjectKind.DEVICE)
    facts = [one.facts for one in standing if isinstance(one.facts, DeviceFacts) and not one.gone]
    return tuple(_device(one, area=area, library=library) for one in sorted(facts, key=lambda one: one.number))


def states_of(devices: Sequence[Json], *, now: datetime) -> tuple[Json, ...]:
    """This will say of each whether it is heard of."""
    return tuple(
        shapes.device_state(number=str(one["ApeID"]), online=one["IsOnline"] == codes.ONLINE, at=now) for one in devices
    )


def keep_device(*, peer: ViidPeer, told: Json, now: datetime) -> Status:
    """This will keep what a peer tells of a device, its name or only its state, and return what to answer."""
    number = text(told, "ApeID", most=21)
    try:
        ids.device_of(number)
    except ids.BadNumber:
        return Status.INVALID_JSON_CONTENT
    known = ViidDevice.objects.filter(estate_id=peer.estate_id, peer=peer, ape_id=number)
    news: dict[str, object] = {"told_at": now, "online": HEARD.get(text(told, "IsOnline"))}
    name = text(told, "Name", most=100)
    if name:
        news["name"] = name
    if known.update(**news):
        return Status.OK
    if ViidDevice.objects.filter(peer=peer).count() >= MOST_DEVICES:
        return Status.INVALID_OPERATION
    ViidDevice.objects.bulk_create(
        [
            ViidDevice(
                id=own_ids.new("vdev"), estate_id=peer.estate_id, peer=peer, ape_id=number, **{"name": "", **news}
            )
        ],
        ignore_conflicts=True,
    )
    return Status.OK


def _device(facts: DeviceFacts, *, area: str, library: str) -> Json:
    return shapes.device(
        number=ids.device_id(area=area, type=ids.CAMERA, serial=facts.number),
        name=facts.name,
        model=f"{facts.make} {facts.model}".strip(),
        area=area,
        place=facts.gate_code,
        library=library,
        online=facts.online,
    )
