"""What is stored of reports, links and peers, split by noun."""

from linli.server.connectors.models.face_checks import FaceCheck
from linli.server.connectors.models.links import Link, PlatformAccount
from linli.server.connectors.models.reconciling import NightCount, Question, Reconciliation
from linli.server.connectors.models.reports import Attempt, Catalogued, Hit, PassageMark, Report
from linli.server.connectors.models.viid import (
    ViidDevice,
    ViidNonce,
    ViidNotice,
    ViidNumber,
    ViidPeer,
    ViidSubscription,
)

__all__ = [
    "Attempt",
    "Catalogued",
    "FaceCheck",
    "Hit",
    "Link",
    "NightCount",
    "PassageMark",
    "PlatformAccount",
    "Question",
    "Reconciliation",
    "Report",
    "ViidDevice",
    "ViidNonce",
    "ViidNotice",
    "ViidNumber",
    "ViidPeer",
    "ViidSubscription",
]
