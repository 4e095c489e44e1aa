"""What the library accepts of one object: the form of each field it knows, and the fields it cannot do without.

Computed here apart from `linli.documents` and from the server: the other side of a wire must not share our mistakes.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from linli.sim.platforms.viid import codes, ids
from linli.sim.platforms.viid.codes import Kind
from linli.sim.platforms.viid.dialects import Json

Check = Callable[[Any], str | None]
LARGEST_PICTURE = 2 * 1024 * 1024
MAGIC = {"Jpeg": b"\xff\xd8\xff", "Png": b"\x89PNG", "Gif": b"GIF8", "Bmp": b"BM"}
APE_TYPES = range(111, 200)


def flaw_of(*, kind: Kind, one: Json) -> str | None:
    """This will find the first thing wrong with an object in canonical form, as `Field: what`, or None."""
    for name in REQUIRED[kind.word]:
        if one.get(name) in (None, ""):
            return f"{name}: missing"
    for name, value in one.items():
        check = SPECIAL.get((kind.word, name)) or FORMS.get(name) or (_time if name.endswith("Time") else None)
        if check is not None and value not in (None, "") and (flaw := check(value)) is not None:
            return f"{name}: {flaw}"
    crossed = (cross(one) for word, cross in CROSSES if word == kind.word)
    return next(filter(None, crossed), None) or _flaw_of_pictures(one.get("SubImages", []))


def length(most: int) -> Check:
    """This will make a check for texts of at most so many characters."""
    return lambda value: None if isinstance(value, str) and len(value) <= most else f"not a text of at most {most}"


def whole(lowest: int, highest: int) -> Check:
    """This will make a check for whole numbers, said as a number or as digits."""

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,9}", str(value), re.ASCII):
            return "not a whole number"
        return None if lowest <= int(value) <= highest else f"not between {lowest} and {highest}"

    return check


def among(*words: str) -> Check:
    """This will make a check for the codes of a table."""
    return lambda value: None if str(value) in words else "not in the table: " + " ".join(words)[:60]


def pattern(form: str) -> Check:
    """This will make a check for a form."""
    return lambda value: None if isinstance(value, str) and re.fullmatch(form, value, re.ASCII) else "not of the form"


def device(*types: int) -> Check:
    """This will make a check for twenty digits of one type, or of any."""
    allowed = range(types[0], types[-1] + 1) if types else None
    return lambda value: ids.flaw_of_device(value, types=allowed)


def check_digit(first17: str) -> str:
    """This will compute the last sign of a resident's number (GB 11643-1999)."""
    return "10X98765432"[sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first17)) % 11]


def _resident_number(one: Json) -> str | None:
    number = str(one.get("IDNumber") or "")
    if str(one.get("IDType") or "") != "111" or not number:
        return None
    if re.fullmatch(r"\d{17}[\dX]", number, re.ASCII) is None:
        return "IDNumber: not the form of a resident's number"
    return None if check_digit(number[:17]) == number[17] else "IDNumber: wrong check digit"


def _of_its_source(one: Json) -> str | None:
    number = str(one.get("FaceID") or one.get("PersonID"))
    return None if number.startswith(str(one["SourceID"])) else "SourceID: the object's number does not begin with it"


def _ends_after_beginning(one: Json) -> str | None:
    return None if str(one["EndTime"]) > str(one["BeginTime"]) else "EndTime: not after BeginTime"


def _names_what_it_carries(one: Json) -> str | None:
    named = [word for word in str(one.get("InfoIDs") or "").split(",") if word]
    carried = one["Carried"]
    return None if sorted(named) == sorted(carried) else f"InfoIDs: {len(named)} named, {len(carried)} carried"


def _at_a_door(one: Json) -> str | None:
    return None if one.get("DoorID") or one.get("DeviceID") else "DoorID: missing, and DeviceID too"


def _details(value: Any) -> str | None:
    words = str(value).split(",")
    return None if words and set(words) <= codes.DETAILS else "not codes of SubscribeDetail"


def _time(value: Any) -> str | None:
    return ids.flaw_of_time(value)


def _number(value: Any) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "not a number"


def _flaw_of_pictures(images: list[Json]) -> str | None:
    for image in images:
        for name in ("ImageID", "ShotTime", "FileFormat"):
            check = FORMS.get(name, _time)
            value = image.get(name)
            if value not in (None, "") and (flaw := check(value)) is not None:
                return f"SubImageList.{name}: {flaw}"
        if (flaw := flaw_of_picture(image)) is not None:
            return f"SubImageList.Data: {flaw}"
    return None


def flaw_of_picture(image: Json) -> str | None:
    """This will say what is wrong with a picture in base64, or None; no picture at all is in order."""
    told = image.get("Data")
    if not told:
        return None
    try:
        picture = base64.b64decode(str(told), validate=True)
    except (binascii.Error, ValueError):
        return "not base64"
    if len(picture) > LARGEST_PICTURE:
        return "too large"
    magic = MAGIC.get(str(image.get("FileFormat", "Jpeg")), b"")
    return None if picture.startswith(magic) else f"not a {image.get('FileFormat', 'Jpeg')}"


_SEEN = ("InfoKind", "SourceID", "DeviceID")
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Face": ("FaceID", *_SEEN),
    "Person": ("PersonID", *_SEEN),
    "APE": ("ApeID", "Name"),
    "APEStatus": ("ApeID", "IsOnline"),
    "Image": ("ImageID", "DeviceID", "ShotTime"),
    "Subscribe": ("SubscribeID", "Title", "SubscribeDetail", "ResourceURI", "BeginTime", "EndTime", "ReceiveAddr"),
    "SubscribeNotification": ("NotificationID", "SubscribeID", "Title", "TriggerTime"),
    "Disposition": ("DispositionID", "Title", "BeginTime", "EndTime"),
    "PersonInfo": ("PersonID", "Name", "IDType", "IDNumber", "CommunityID"),
    "DoorDevice": ("DeviceID", "Name", "CommunityID"),
    "DoorInfo": ("DoorID", "Name", "CommunityID"),
    "PassRecord": ("PassRecordID", "PassTime", "CommunityID"),
}
FORMS: Mapping[str, Check] = {
    "SourceID": ids.flaw_of_source,
    "ImageID": ids.flaw_of_source,
    "DeviceID": device(),
    "OwnerApsID": device(),
    "InfoKind": among("0", "1", "2"),
    "IsOnline": among("1", "2", "9"),
    "FileFormat": among(*MAGIC),
    "GenderCode": among("0", "1", "2", "9"),
    "IDType": pattern(r"\d{3}"),
    "IDNumber": length(40),
    "Name": length(100),
    "Title": length(256),
    "ApplicantName": length(50),
    "ApplicantOrg": length(100),
    "InfoIDs": length(1024),
    "ReceiveAddr": lambda value: (
        None if re.fullmatch(r"https?://\S{3,248}", str(value)) else "no address of at most 256"
    ),
    "OrgCode": pattern(r"\d{12}"),
    "PlaceCode": pattern(r"\d{6}"),
    "Port": whole(0, 65535),
    "Longitude": _number,
    "Latitude": _number,
    "MonitorDirection": whole(1, 9),
    "AgeUpLimit": whole(0, 150),
    "AgeLowerLimit": whole(0, 150),
    "Birthday": pattern(r"\d{8}|\d{4}-\d{2}-\d{2}"),
    "CommunityID": device(216),
    "SubscribeDetail": _details,
    "ResourceClass": whole(0, 5),
    "OperateType": among("0", "1"),
    "SubscribeStatus": among("0", "1", "2", "9"),
    "ExecuteOperation": among("1", "2", "3"),
}
SPECIAL: Mapping[tuple[str, str], Check] = {
    ("Face", "FaceID"): lambda value: ids.flaw_of_object(value, content="06"),
    ("Person", "PersonID"): lambda value: ids.flaw_of_object(value, content="01"),
    ("APE", "ApeID"): device(APE_TYPES[0], APE_TYPES[-1]),
    ("APEStatus", "ApeID"): device(APE_TYPES[0], APE_TYPES[-1]),
    ("Subscribe", "SubscribeID"): lambda value: ids.flaw_of_office_number(value, kind="03"),
    ("SubscribeNotification", "SubscribeID"): lambda value: ids.flaw_of_office_number(value, kind="03"),
    ("SubscribeNotification", "NotificationID"): lambda value: ids.flaw_of_office_number(value, kind="04"),
    ("Disposition", "DispositionID"): lambda value: ids.flaw_of_office_number(value, kind="01"),
    ("PersonInfo", "PersonID"): device(701),
    ("PassRecord", "PersonID"): device(701),
    ("DoorDevice", "DeviceID"): device(125),
    ("DoorInfo", "DoorID"): device(),
    ("PassRecord", "PassRecordID"): length(64),
}
CROSSES: tuple[tuple[str, Callable[[Json], str | None]], ...] = (
    ("Face", _of_its_source),
    ("Person", _of_its_source),
    ("Face", _resident_number),
    ("Person", _resident_number),
    ("PersonInfo", _resident_number),
    ("PassRecord", _at_a_door),
    ("Image", flaw_of_picture),
    ("Subscribe", _ends_after_beginning),
    ("Disposition", _ends_after_beginning),
    ("SubscribeNotification", _names_what_it_carries),
)
