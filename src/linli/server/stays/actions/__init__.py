"""What can be done about bookings and stays: one function an intention."""

from linli.server.stays.actions.feed_reading import Turn, claim_due_feeds, read_followed
from linli.server.stays.actions.feeds import (
    Subscription,
    end_feed,
    follow_calendar,
    pause_feed,
    read_soon,
    resume_feed,
)
from linli.server.stays.actions.guardians import record_guardian_call
from linli.server.stays.actions.identity import (
    PictureRead,
    accept_reader_record,
    confirm_by_eye,
    enrol_reader,
    read_document,
)
from linli.server.stays.actions.intake import FeedResult, import_feed, preview_feed
from linli.server.stays.actions.intake_answers import answer_task
from linli.server.stays.actions.letting import (
    Booked,
    Wanted,
    book,
    cancel_booking,
    change_booking,
    extend_booking,
    mark_no_show,
    show_link,
)
from linli.server.stays.actions.links import (
    HookAnswer,
    HookMade,
    HookOrder,
    Published,
    end_hook,
    forget_old_events,
    make_calendar,
    make_hook,
    publish_calendar,
    revoke_calendar,
    rotate_hook,
    take_hook_order,
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
    "HookAnswer",
    "HookMade",
    "HookOrder",
    "PeriodImpossible",
    "PictureRead",
    "Published",
    "Registered",
    "Subscription",
    "Turn",
    "Wanted",
    "accept_reader_record",
    "answer_task",
    "book",
    "cancel_booking",
    "change_booking",
    "check_in",
    "check_out",
    "claim_due_feeds",
    "close_overdue",
    "close_unit",
    "confirm_by_eye",
    "end_feed",
    "end_hook",
    "enrol_reader",
    "extend_booking",
    "follow_calendar",
    "forget_old_events",
    "hold_passes_of_unit",
    "import_feed",
    "make_calendar",
    "make_hook",
    "mark_arrival",
    "mark_no_show",
    "move_guest",
    "note_report",
    "pause_feed",
    "preview_feed",
    "publish_calendar",
    "publish_house_rules",
    "read_document",
    "read_followed",
    "read_soon",
    "record_guardian_call",
    "register_guest",
    "release_passes_of_unit",
    "renew_seals",
    "resume_feed",
    "revoke_calendar",
    "rotate_hook",
    "show_link",
    "take_hook_order",
]
