"""What we say, in the strict form; a dialect may say it otherwise on its way out. Every field that is not needed is not there.

No picture, no judgement: the seven fields by which the standard lets a camera call somebody a suspect are in none of these shapes.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from linli.server.connectors.viid import codes, ids
from linli.server.connectors.viid.codes import Kind, Status
from linli.server.connectors.viid.dialects import Dialect, Json

AUTOMATIC = 1  # InfoKind
LONGEST_INFO_IDS = 1024
VIEW_LIBRARY = 4  # ResourceClass
ORDERED_TITLE = "设备目录与状态"


def encoded(body: Json) -> bytes:
    """This will write a body as it goes over the wire."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def registration(device: str) -> Json:
    """This will ask to be known."""
    return {"RegisterObject": {"DeviceID": device}}


def leave(device: str) -> Json:
    """This will take leave."""
    return {"UnRegisterObject": {"DeviceID": device}}


def keepalive(device: str) -> Json:
    """This will say that we are still here."""
    return {"KeepaliveObject": {"DeviceID": device}}


def status(say: Dialect, *, path: str, status: Status, id: str, at: datetime, why: str = "") -> Json:
    """This will say what became of one thing; `why` is ours and never repeats what was sent."""
    return {
        "RequestURL": say.url(path),
        "StatusCode": say.code(status),
        "StatusString": f"{status.words}: {why}" if why else status.words,
        "Id": id,
        "LocalTime": say.time(at),
    }


def system_time(say: Dialect, *, library: str, at: datetime) -> Json:
    """This will tell the time."""
    told = {"VIIDServerID": library, "TimeMode": "0", "LocalTime": say.time(at), "TimeZone": "UTC+8"}
    return {"SystemTimeObject": told}


def device(*, number: str, name: str, model: str, area: str, place: str, library: str, online: bool) -> Json:
    """This will tell of one device of the catalogue: where it is and whether it is heard of; its address and its password stay here."""
    return {
        "ApeID": number,
        "Name": name[:100],
        "Model": model[:100],
        "IPAddr": "",
        "Port": 0,
        "PlaceCode": area,
        "Place": place[:256],
        "OrgCode": f"{area}000000",
        "CapDirection": 0,
        "MonitorDirection": 9,
        "IsOnline": codes.ONLINE if online else codes.OFFLINE,
        "OwnerApsID": library,
        "FunctionType": "2",
    }


def device_state(*, number: str, online: bool, at: datetime) -> Json:
    """This will tell whether a device is heard of."""
    return {"ApeID": number, "IsOnline": codes.ONLINE if online else codes.OFFLINE, "CurrentTime": ids.time_text(at)}


def face(*, device: str, at: datetime, serial: int) -> Json:
    """This will tell that a face was passed by, without the face: number, device and time."""
    return _seen(codes.FACE, content="face", device=device, at=at, serial=serial, times=("FaceAppearTime",))


def person(*, device: str, at: datetime, serial: int) -> Json:
    """This will tell that a person was passed by, without who: number, device and time."""
    return _seen(codes.PERSON, content="person", device=device, at=at, serial=serial, times=("PersonAppearTime",))


def subscription(
    *,
    number: str,
    details: str,
    library: str,
    applicant: str,
    receive_at: str,
    begins: datetime,
    ends: datetime,
    every: int,
) -> Json:
    """This will order what the details name at a library. No picture and no feature is wanted with it, and no person is named.

    The applicant is the estate, and the reason what is asked for: who ordered it and why is told to nobody outside.
    """
    return {
        "SubscribeID": number,
        "Title": ORDERED_TITLE,
        "SubscribeDetail": details,
        "ResourceClass": VIEW_LIBRARY,
        "ResourceURI": library,
        "ApplicantName": applicant[:50],
        "ApplicantOrg": applicant[:100],
        "BeginTime": ids.time_text(begins),
        "EndTime": ids.time_text(ends),
        "ReceiveAddr": receive_at,
        "ReportInterval": every,
        "Reason": ORDERED_TITLE,
        "OperateType": 0,
        "SubscribeStatus": codes.ACTIVE,
        "ResultImageDeclare": "-1",
        "ResultFeatureDeclare": -1,
    }


def cancellation(*, number: str) -> Json:
    """This will call an order off where that is said by a PUT."""
    return {"SubscribeID": number, "OperateType": 1, "CancelReason": "不再需要"}


def notification(
    say: Dialect, *, number: str, order: str, title: str, at: datetime, lists: Sequence[tuple[Kind, Sequence[Json]]]
) -> Json:
    """This will tell a subscriber of objects, each named in InfoIDs."""
    named = [str(one[kind.number]) for kind, objects in lists for one in objects]
    told: Json = {
        "NotificationID": number,
        "SubscribeID": order,
        "Title": title,
        "TriggerTime": ids.time_text(at),
        "InfoIDs": ",".join(named),
        "ExecuteOperation": codes.ADDED,
    }
    for kind, objects in lists:
        told.update(say.notified(kind, objects))
    return told


def fitting(numbers: Sequence[str]) -> int:
    """This will say how many of these numbers fit into the InfoIDs of one notification."""
    used = 0
    for count, number in enumerate(numbers):
        used += len(number) + (1 if count else 0)
        if used > LONGEST_INFO_IDS:
            return count
    return len(numbers)


def _seen(kind: Kind, *, content: str, device: str, at: datetime, serial: int, times: Sequence[str]) -> Json:
    source = ids.source_id(device=device, at=at, serial=serial)
    moment = ids.time_text(at)
    return {
        kind.number: ids.object_id(source=source, content=ids.CONTENTS[content], serial=serial),
        "InfoKind": AUTOMATIC,
        "SourceID": source,
        "DeviceID": device,
        "LeftTopX": 0,
        "LeftTopY": 0,
        "RightBtmX": 0,
        "RightBtmY": 0,
        "ShotTime": moment,
        **dict.fromkeys(times, moment),
    }
