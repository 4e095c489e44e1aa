"""What can be done about bookings and stays: one function an intention."""

from linli.server.stays.actions.guardians import record_guardian_call
from linli.server.stays.actions.identity import (
    PictureRead,
    accept_reader_record,
    confirm_by_eye,
    enrol_reader,
    read_document,
)
from linli.server.stays.actions.intake import FeedResult, import_feed
from linli.server.stays.actions.letting import (
    Booked,
    Wanted,
    book,
    cancel_booking,
    extend_booking,
    mark_no_show,
    show_link,
)
from linli.server.stays.actions.presence import (
    check_in,
    check_out,
    close_overdue,
    close_unit,
    hold_passes_of_unit,
    mark_arrival,
    move_guest,
    note_report,
    release_passes_of_unit,
)
from linli.server.stays.actions.registration import (
    GuardianForm,
    GuestForm,
    Registered,
    register_guest,
)
from linli.server.stays.actions.seals import renew_seals
from linli.server.stays.actions.terms import publish_house_rules
from linli.server.stays.rules.beds import PeriodImpossible

__all__ = [
    "Booked",
    "FeedResult",
    "GuardianForm",
    "GuestForm",
    "PeriodImpossible",
    "PictureRead",
    "Registered",
    "Wanted",
    "accept_reader_record",
    "book",
    "cancel_booking",
    "check_in",
    "check_out",
    "close_overdue",
    "close_unit",
    "confirm_by_eye",
    "enrol_reader",
    "extend_booking",
    "hold_passes_of_unit",
    "import_feed",
    "mark_arrival",
    "mark_no_show",
    "move_guest",
    "note_report",
    "publish_house_rules",
    "read_document",
    "record_guardian_call",
    "register_guest",
    "release_passes_of_unit",
    "renew_seals",
    "show_link",
]
