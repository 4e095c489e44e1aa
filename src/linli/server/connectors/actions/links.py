"""The links themselves: switched off and on by a person, failing and mended by themselves."""

from datetime import datetime

from django.db import transaction

from linli.server.connectors.actions.standing import wake_couriers
from linli.server.connectors.face_check import rules as face_layer
from linli.server.connectors.models import Link, Report
from linli.server.connectors.rules import ReportState
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.privacy import actions as privacy


class PauseReasonNeeded(Refusal):
    """Say why nothing may be sent to this platform for now."""

    zh = "请说明暂停报送的原因。"
    status = 422


def pause_link(*, actor: Actor, platform: str, reason: str, now: datetime) -> None:
    """This will stop all sending to one platform; reports keep queueing, and their deadlines keep running."""
    actor.require(Role.ESTATE_ADMIN)
    if not reason.strip():
        raise PauseReasonNeeded(field="reason")
    with transaction.atomic():
        link = _locked(actor, platform)
        link.paused_at, link.paused_by, link.pause_reason = now, actor.id, reason.strip()[:200]
        link.save(update_fields=["paused_at", "paused_by", "pause_reason"])
        privacy.record(actor=actor, verb="pause_link", subject=platform, reason=reason, now=now)


def resume_link(*, actor: Actor, platform: str, now: datetime) -> None:
    """This will let reports flow to the platform again."""
    actor.require(Role.ESTATE_ADMIN)
    with transaction.atomic():
        link = _locked(actor, platform)
        link.paused_at, link.paused_by, link.pause_reason = None, "", ""
        link.save(update_fields=["paused_at", "paused_by", "pause_reason"])
        wake_couriers()
        privacy.record(actor=actor, verb="resume_link", subject=platform, now=now)


def note_failing(*, platform: str, failing_with: str, now: datetime) -> None:
    """This will show every estate that its link to the platform is failing, since when and with what."""
    Link.objects.filter(platform=platform, failing_since__isnull=True).update(
        failing_since=now, failing_with=failing_with
    )


def note_working(*, platform: str, now: datetime) -> None:
    """This will show that the platform answers again, and send at once what was only waiting for that."""
    with transaction.atomic():
        Link.objects.filter(platform=platform).update(failing_since=None, failing_with="")
        waiting = Report.objects.filter(platform=platform, state=ReportState.QUEUED, next_try_at__gt=now)
        waiting.update(next_try_at=now)
        wake_couriers()


def _locked(actor: Actor, platform: str) -> Link:
    if platform == face_layer.PLATFORM:
        # It is asked while a guest waits, so that no report has made its link: the switch is there before the first picture.
        Link.objects.get_or_create(estate_id=actor.estate_id, platform=platform, defaults={"id": ids.new("link")})
    link = Link.objects.select_for_update().filter(estate_id=actor.estate_id, platform=platform).first()
    if link is None:
        raise NotFound
    return link
