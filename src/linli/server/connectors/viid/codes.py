"""The tables of GA/T 1400: what a status means for a message, how each kind of object is wrapped, and what may be subscribed to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from linli.server.connectors.rules import Verdict

CONTENT_TYPE = "application/VIID+JSON"
PLAIN_TYPE = "application/json"


class Status(IntEnum):
    """What became of a request or of one of its items."""

    OK = 0
    OTHER_ERROR = 1
    DEVICE_BUSY = 2
    DEVICE_ERROR = 3
    INVALID_OPERATION = 4
    INVALID_XML_FORMAT = 5
    INVALID_XML_CONTENT = 6
    INVALID_JSON_FORMAT = 7
    INVALID_JSON_CONTENT = 8
    REBOOT = 9

    @property
    def words(self) -> str:
        """This will say the status as the wire does: `InvalidJSONFormat`."""
        return WORDS[self]


WORDS: Mapping[Status, str] = MappingProxyType(
    {
        Status.OK: "OK",
        Status.OTHER_ERROR: "OtherError",
        Status.DEVICE_BUSY: "DeviceBusy",
        Status.DEVICE_ERROR: "DeviceError",
        Status.INVALID_OPERATION: "InvalidOperation",
        Status.INVALID_XML_FORMAT: "InvalidXMLFormat",
        Status.INVALID_XML_CONTENT: "InvalidXMLContent",
        Status.INVALID_JSON_FORMAT: "InvalidJSONFormat",
        Status.INVALID_JSON_CONTENT: "InvalidJSONContent",
        Status.REBOOT: "Reboot",
    }
)
# 1 and 3 say that something broke over there, not that our content is wrong: sending it again may help.
VERDICTS: Mapping[Status, Verdict] = MappingProxyType(
    {
        Status.OK: Verdict.ACCEPTED,
        Status.OTHER_ERROR: Verdict.BUSY,
        Status.DEVICE_BUSY: Verdict.BUSY,
        Status.DEVICE_ERROR: Verdict.BUSY,
        Status.INVALID_OPERATION: Verdict.REJECTED,
        Status.INVALID_XML_FORMAT: Verdict.REJECTED,
        Status.INVALID_XML_CONTENT: Verdict.REJECTED,
        Status.INVALID_JSON_FORMAT: Verdict.REJECTED,
        Status.INVALID_JSON_CONTENT: Verdict.REJECTED,
        Status.REBOOT: Verdict.BUSY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: the path of its collection, the name of one, the field of its number, and its list in a notification.

    What `stands` is told again when it changes; anything else has happened, and is the same for ever.
    """

    word: str
    path: str
    number: str
    notified: str = ""
    stands: bool = False

    @property
    def one(self) -> str:
        """This will name an object within its list: `FaceObject`."""
        return f"{self.word}Object"

    @property
    def listed(self) -> str:
        """This will name the list of a request: `FaceListObject`."""
        return f"{self.word}ListObject"

    @property
    def turned(self) -> str:
        """This will name the list as the other family does: `FaceObjectList`."""
        return f"{self.word}ObjectList"


FACE = Kind(word="Face", path="/VIID/Faces", number="FaceID", notified="FaceObjectList")
PERSON = Kind(word="Person", path="/VIID/Persons", number="PersonID", notified="PersonObjectList")
APE = Kind(word="APE", path="/VIID/APEs", number="ApeID", notified="DeviceList", stands=True)
APE_STATUS = Kind(word="APEStatus", path="", number="ApeID", notified="DeviceStatusList")
SUBSCRIBE = Kind(word="Subscribe", path="/VIID/Subscribes", number="SubscribeID")
NOTIFICATION = Kind(word="SubscribeNotification", path="/VIID/SubscribeNotifications", number="NotificationID")
DISPOSITION = Kind(word="Disposition", path="/VIID/Dispositions", number="DispositionID")
ALERT = Kind(word="DispositionNotification", path="/VIID/DispositionNotifications", number="NotificationID")
TOLLGATE = Kind(word="Tollgate", path="/VIID/Tollgates", number="TollgateID", notified="TollgateObjectList")
MOTOR = Kind(
    word="MotorVehicle", path="/VIID/MotorVehicles", number="MotorVehicleID", notified="MotorVehicleObjectList"
)
NON_MOTOR = Kind(
    word="NonMotorVehicle",
    path="/VIID/NonMotorVehicles",
    number="NonMotorVehicleID",
    notified="NonMotorVehicleObjectList",
)
PERSON_INFO = Kind(word="PersonInfo", path="/VIID/Community/PersonInfos", number="PersonID", stands=True)
DOOR_INFO = Kind(word="DoorInfo", path="/VIID/Community/DoorInfos", number="DoorID", stands=True)
DOOR_DEVICE = Kind(word="DoorDevice", path="/VIID/Community/DoorDevices", number="DeviceID", stands=True)
PASS_RECORD = Kind(word="PassRecord", path="/VIID/Community/PassRecords", number="PassRecordID")
IMAGE = Kind(word="Image", path="/VIID/Images", number="ImageID", notified="ImageObjectList")
# What a notification may carry and we have no use for: no purpose names it.
UNWANTED = (FACE, PERSON, TOLLGATE, MOTOR, NON_MOTOR, IMAGE)

# SubscribeDetail (GA/T 1400.3): what an order asks for.
DEVICES, DEVICE_STATES, PERSONS, FACES = "3", "4", "11", "12"
DETAILS = frozenset(str(number) for number in range(1, 17))
ADDED, CHANGED, REMOVED = 1, 2, 3
ACTIVE, CANCELLED, EXPIRED, UNKNOWN = 0, 1, 2, 9
ONLINE, OFFLINE = "1", "2"
