"""The community platform 社采 as a simulator: people, doors, devices and passages, on the transport of the view library.

    POST PUT GET DELETE  /VIID/Community/PersonInfos    {"PersonInfoListObject": {"PersonInfoObject": […]}}
                         /VIID/Community/DoorDevices    {"DoorDeviceListObject": {"DoorDeviceObject": […]}}
                         /VIID/Community/DoorInfos      {"DoorInfoListObject": {"DoorInfoObject": […]}}
                         /VIID/Community/PassRecords    {"PassRecordListObject": {"PassRecordObject": […]}}
                         /VIID/APEs                     as in GA/T 1400
    GET  /books/nights?night=yyyy-mm-dd                 the desk's count of that night, by community

and Register, Keepalive, UnRegister, Time, faults and control as `linli-sim platform viid` has them.

The first three are told of in one public sample (a provincial 智安小区 interface), whose list envelopes we take to follow
the rule of GA/T 1400. **No public text tells of passages: PassRecords, its envelope and its fields are our assumption.**

| object     | number                  | required                             | also                                        |
|------------|-------------------------|--------------------------------------|---------------------------------------------|
| PersonInfo | PersonID 20, type 701   | Name IDType IDNumber CommunityID     | GenderCode Birthday ResidenceAddress … |
| DoorDevice | DeviceID 20, type 125   | Name CommunityID                     | Address Manufacturer DeviceType DeviceNo …  |
| DoorInfo   | DoorID 20               | Name CommunityID                     | DeviceID PositionType Direction             |
| PassRecord | PassRecordID, up to 64  | PassTime CommunityID, DoorID or DeviceID | PersonID InOut PassType                 |

CommunityID is twenty digits of type 216. A night is from noon to noon in China's zone, named for the day it begins on.
"""

import argparse
from collections import defaultdict
from datetime import date, datetime, time, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from linli.sim.clock import Clock
from linli.sim.platforms.viid import codes, ids, start
from linli.sim.platforms.viid.application import RunningLibrary
from linli.sim.platforms.viid.books import Books
from linli.sim.platforms.viid.codes import Kind

PERSON_INFO = Kind(
    word="PersonInfo",
    path="Community/PersonInfos",
    inner="PersonInfoObject",
    id_field="PersonID",
    changes=True,
    about=frozenset({"DataUpdateTime"}),
)
DOOR_DEVICE = Kind(
    word="DoorDevice",
    path="Community/DoorDevices",
    inner="DoorDeviceObject",
    id_field="DeviceID",
    changes=True,
    about=frozenset({"DataUpdateTime"}),
)
DOOR_INFO = Kind(
    word="DoorInfo",
    path="Community/DoorInfos",
    inner="DoorInfoObject",
    id_field="DoorID",
    changes=True,
    about=frozenset({"DataUpdateTime"}),
)
PASS_RECORD = Kind(word="PassRecord", path="Community/PassRecords", inner="PassRecordObject", id_field="PassRecordID")
COLLECTIONS = {kind.path: kind for kind in (codes.APE, PERSON_INFO, DOOR_DEVICE, DOOR_INFO, PASS_RECORD)}
EVERYTHING = 10_000_000
NOON = time(12)

add_arguments = start.add_arguments


def application(asked: argparse.Namespace, *, clock: Clock) -> Starlette:
    """This will make the community platform that was asked for."""
    return start.application_of(
        asked, clock=clock, name="community", collections=COLLECTIONS, more={"/books/nights": _show_night}
    )


def count_night(*, books: Books, night: date) -> dict[str, dict[str, int]]:
    """This will count, by community, the passages of a night, the people who made them, and who is registered."""
    begins = datetime.combine(night, NOON, tzinfo=ids.ZONE)
    within = (ids.text_of(begins), ids.text_of(begins + timedelta(days=1)))
    told: dict[str, dict[str, int]] = defaultdict(lambda: {"passages": 0, "people": 0, "registered": 0})
    people: dict[str, set[str]] = defaultdict(set)
    for one in books.objects(kind=PASS_RECORD, wanted={}, after=0, size=EVERYTHING):
        if within[0] <= str(one["PassTime"]) < within[1]:
            told[one["CommunityID"]]["passages"] += 1
            people[one["CommunityID"]] |= {str(one["PersonID"])} if one.get("PersonID") else set()
    for one in books.objects(kind=PERSON_INFO, wanted={}, after=0, size=EVERYTHING):
        told[one["CommunityID"]]["registered"] += 1
    for community, who in people.items():
        told[community]["people"] = len(who)
    return dict(told)


async def _show_night(running: RunningLibrary, request: Request) -> Response:
    night = date.fromisoformat(request.query_params["night"])
    counted = await running.told(lambda: count_night(books=running.library.books, night=night))
    return JSONResponse({"night": night.isoformat(), "communities": counted})
