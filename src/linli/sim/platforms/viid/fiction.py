"""Fictional faces, persons and devices of a lower platform: a grey picture, no person's likeness."""

import base64
import io
from datetime import datetime

from PIL import Image

from linli.documents.numbers import Sex
from linli.sim import people
from linli.sim.platforms.viid import ids
from linli.sim.platforms.viid.dialects import Json

UNKNOWN = (
    "IsDriver",
    "IsForeigner",
    "IsSuspectedTerrorist",
    "IsCriminalInvolved",
    "IsDetainees",
    "IsVictim",
    "IsSuspiciousPerson",
)
GENDERS = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNSPECIFIED: "9"}


def grey_picture() -> str:
    """This will give a small grey JPEG in base64."""
    file = io.BytesIO()
    Image.new("L", (16, 16), 128).save(file, "JPEG", quality=40)
    return base64.b64encode(file.getvalue()).decode()


def face(*, device_id: str, at: datetime, serial: int, index: int) -> Json:
    """This will make the face of the fictional person of an index, seen by a device."""
    return _seen(word="Face", content="06", image_type="11", device_id=device_id, at=at, serial=serial, index=index)


def person(*, device_id: str, at: datetime, serial: int, index: int) -> Json:
    """This will make the fictional person of an index, seen by a device."""
    return _seen(word="Person", content="01", image_type="10", device_id=device_id, at=at, serial=serial, index=index)


def device(*, device_id: str, name: str, owner_id: str) -> Json:
    """This will make a gate of a catalogue."""
    return {
        "ApeID": device_id,
        "Name": name,
        "Model": "SIM-GATE-1",
        "IPAddr": "192.0.2.11",
        "Port": 80,
        "PlaceCode": device_id[:6],
        "OrgCode": f"{device_id[:6]}000000",
        "IsOnline": "1",
        "OwnerApsID": owner_id,
        "FunctionType": "2",
    }


def subscription(
    *, office: str, resource: str, receive_at: str, begins: datetime, ends: datetime, serial: int, details: str
) -> Json:
    """This will make a subscription of a view library, or of what else the details ask for."""
    return {
        "SubscribeID": ids.office_id(office=office, kind="03", at=begins, serial=serial),
        "Title": "人员与人脸",
        "SubscribeDetail": details,
        "ResourceClass": 4,
        "ResourceURI": resource,
        "ApplicantName": "演示用户",
        "ApplicantOrg": "演示视图库",
        "BeginTime": ids.text_of(begins),
        "EndTime": ids.text_of(ends),
        "ReceiveAddr": receive_at,
        "ReportInterval": 3,
        "Reason": "联调",
        "OperateType": 0,
        "SubscribeStatus": 0,
        "ResultImageDeclare": "-1",
        "ResultFeatureDeclare": -1,
    }


def disposition(*, office: str, begins: datetime, ends: datetime, receive_at: str) -> Json:
    """This will make a watch list's entry that names nobody."""
    return {
        "DispositionID": ids.office_id(office=office, kind="01", at=begins, serial=1),
        "Title": "演示布控",
        "DispositionCategory": "2",
        "PriorityLevel": 3,
        "ApplicantName": "演示用户",
        "ApplicantOrg": "演示视图库",
        "BeginTime": ids.text_of(begins),
        "EndTime": ids.text_of(ends),
        "CreatTime": ids.text_of(begins),
        "OperateType": 0,
        "DispositionStatus": 0,
        "ReceiveAddr": receive_at,
        "Reason": "联调",
    }


def _seen(*, word: str, content: str, image_type: str, device_id: str, at: datetime, serial: int, index: int) -> Json:
    who = people.person(index=index, seed=1, today=at.date(), kind="mainland")
    source, moment = ids.source_id(device_id=device_id, at=at, serial=serial), ids.text_of(at)
    return {
        f"{word}ID": ids.object_id(source_id=source, content=content, serial=1),
        "InfoKind": 1,
        "SourceID": source,
        "DeviceID": device_id,
        "LeftTopX": 0,
        "LeftTopY": 0,
        "RightBtmX": 16,
        "RightBtmY": 16,
        "LocationMarkTime": moment,
        f"{word}AppearTime": moment,
        f"{word}DisAppearTime": moment,
        **({"ShotTime": moment} if word == "Face" else {}),
        "IDType": "111",
        "IDNumber": who.document_number,
        "Name": who.native_name,
        "GenderCode": GENDERS[who.sex],
        "AgeUpLimit": 0,
        "AgeLowerLimit": 0,
        **dict.fromkeys(UNKNOWN, 2),
        "SubImageList": {
            "SubImageInfoObject": [_picture(device_id=device_id, source=source, at=moment, kind=image_type)]
        },
    }


def _picture(*, device_id: str, source: str, at: str, kind: str) -> Json:
    return {
        "ImageID": source,
        "EventSort": 2,
        "DeviceID": device_id,
        "StoragePath": "",
        "Type": kind,
        "FileFormat": "Jpeg",
        "ShotTime": at,
        "Width": 16,
        "Height": 16,
        "Data": grey_picture(),
    }
