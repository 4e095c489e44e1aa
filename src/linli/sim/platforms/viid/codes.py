"""The words and tables of GA/T 1400: what a status means, and how each kind of object is wrapped and numbered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

STRICT_CONTENT = "application/VIID+JSON"
PLAIN_CONTENT = "application/json"

OK, OTHER, BUSY, BROKEN, INVALID_OPERATION, BAD_JSON, BAD_CONTENT, REBOOT = 0, 1, 2, 3, 4, 7, 8, 9
STATUS: Mapping[int, str] = {
    OK: "OK",
    OTHER: "OtherError",
    BUSY: "DeviceBusy",
    BROKEN: "DeviceError",
    INVALID_OPERATION: "InvalidOperation",
    5: "InvalidXMLFormat",
    6: "InvalidXMLContent",
    BAD_JSON: "InvalidJSONFormat",
    BAD_CONTENT: "InvalidJSONContent",
    REBOOT: "Reboot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: where it lives, how a list of it is called, and which field is its number."""

    word: str
    path: str
    inner: str
    id_field: str
    notified: str = ""
    changes: bool = False  # a catalogue's entry may be told again with other content; an event may not
    about: frozenset[str] = field(default_factory=frozenset)  # fields that say when it was told, not what it is

    @property
    def listed(self) -> str:
        """This will name the list of a request: FaceListObject."""
        return f"{self.word}ListObject"

    @property
    def turned(self) -> str:
        """This will name the list the other way round: FaceObjectList."""
        return f"{self.word}ObjectList"


FACE = Kind(word="Face", path="Faces", inner="FaceObject", id_field="FaceID", notified="FaceObjectList")
PERSON = Kind(word="Person", path="Persons", inner="PersonObject", id_field="PersonID", notified="PersonObjectList")
APE = Kind(word="APE", path="APEs", inner="APEObject", id_field="ApeID", notified="DeviceList", changes=True)
APE_STATUS = Kind(
    word="APEStatus",
    path="APEStatus",
    inner="APEStatusObject",
    id_field="ApeID",
    notified="DeviceStatusList",
    changes=True,
    about=frozenset({"CurrentTime"}),
)
IMAGE = Kind(word="Image", path="Images", inner="Image", id_field="ImageID", notified="ImageObjectList")
SUBSCRIBE = Kind(word="Subscribe", path="Subscribes", inner="SubscribeObject", id_field="SubscribeID", changes=True)
NOTIFICATION = Kind(
    word="SubscribeNotification",
    path="SubscribeNotifications",
    inner="SubscribeNotificationObject",
    id_field="NotificationID",
)
DISPOSITION = Kind(
    word="Disposition", path="Dispositions", inner="DispositionObject", id_field="DispositionID", changes=True
)
COLLECTIONS: Mapping[str, Kind] = {kind.path: kind for kind in (APE, PERSON, FACE, IMAGE, DISPOSITION)}
NOTIFIED = (APE, APE_STATUS, PERSON, FACE, IMAGE)
# Fields whose name is more than a capital first letter: peers write FaceId and faceid for FaceID.
FIELDS = """
FaceID PersonID ApeID ImageID SourceID DeviceID SubscribeID NotificationID DispositionID DoorID PassRecordID CommunityID
OwnerApsID IDType IDNumber InfoIDs IPAddr ResourceURI UserId ParentID CapCameraID DataSourceID SubImageList ImageInfo
"""
SPELT: Mapping[str, str] = {name.lower(): name for name in re.findall(r"\w+", FIELDS)}
# What a subscription's detail asks for (GA/T 1400 code list SubscribeDetail).
DETAILS = frozenset(str(number) for number in range(1, 17))
DETAIL_OF = {"3": APE, "4": APE_STATUS, "11": PERSON, "12": FACE}
