"""What is stored of the doors."""

from linli.server.access.models.doors import Box, BoxReceipt, DoorGroup, Gate, SnapshotCounter
from linli.server.access.models.faces import FaceError, FaceReport, FaceTemplate
from linli.server.access.models.health import HealthProposal
from linli.server.access.models.journals import GateEvent, JournalFault, JournalGap, JournalHead, PassageCount
from linli.server.access.models.passes import (
    Credential,
    HealthOrder,
    HolderTerms,
    HouseList,
    Pass,
    VisitorInvitation,
    WeeklyHours,
)
from linli.server.access.models.terminals import GateAlarm, GateCommand, Terminal, TerminalPerson

__all__ = [
    "Box",
    "BoxReceipt",
    "Credential",
    "DoorGroup",
    "FaceError",
    "FaceReport",
    "FaceTemplate",
    "Gate",
    "GateAlarm",
    "GateCommand",
    "GateEvent",
    "HealthOrder",
    "HealthProposal",
    "HolderTerms",
    "HouseList",
    "JournalFault",
    "JournalGap",
    "JournalHead",
    "Pass",
    "PassageCount",
    "SnapshotCounter",
    "Terminal",
    "TerminalPerson",
    "VisitorInvitation",
    "WeeklyHours",
]
