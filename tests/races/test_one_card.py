"""Two desks, one card; eight desks, one card: it proves one pass each time, never none, never two, and nobody waits for ever."""

import pytest

from linli.gate.decision import Kind, Reason, Scan, decide
from linli.gate.snapshot import Snapshot, apply
from linli.server.access import actions, queries
from linli.server.access.models import Credential, Pass
from linli.server.kernel.actors import Role
from linli.server.people import actions as people
from linli.server.people.actions import DocumentInput, HouseholdInput, PersonInput, ResidentInput
from linli.server.privacy import queries as privacy
from linli.server.stays.models import Stay
from tests.races.running import collide, deadlocks, kinds
from tests.world import DAY, World

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, DESKS = 12, 8


def passes(world: World, count: int) -> list[str]:
    """So many passes of guests in house."""
    stays = [world.stay("dorm", state="IN_HOUSE", guests=min(count, 4))]
    if count > 4:
        stays.append(world.stay("mixed", state="IN_HOUSE", guests=count - 4))
    found = [Stay.objects.get(id=stay.id).access_pass_id for party in stays for stay in party]
    return [pass_id for pass_id in found if pass_id]


def opened_by(world: World, number: str) -> Reason:
    box = queries.authenticate_box(key=world.box.key)
    known = apply(Snapshot(estate=world.estate_id), queries.get_delta(box=box, since=0, now=world.now))
    return decide(Scan(gate="G01", kind=Kind.CARD, text=number), known, world.now).reason


def test_two_desks_hand_out_one_card_at_the_same_moment_and_one_of_them_wins(world: World) -> None:
    first, second = passes(world, 2)
    desks = [world.actor(Role.GUARD, name="acc_north"), world.actor(Role.GUARD, name="acc_south")]
    before = deadlocks()
    for at in range(ROUNDS):
        number = f"04A1B2{at:02X}"
        outcomes = collide(
            *[
                lambda d=desk, p=bearer, n=number: actions.issue_card(actor=d, pass_id=p, number=n, now=world.now)
                for desk, bearer in zip(desks, (first, second), strict=True)
            ]
        )
        assert kinds(outcomes) == ["CredentialTaken", "ok"]
        (live,) = Credential.objects.filter(kind="CARD", live=True)
        won = next(one for one in outcomes if not isinstance(one, Exception))
        assert live.id == won.id  # type: ignore[attr-defined]
        assert opened_by(world, number) is Reason.OK
        actions.withdraw_credential(actor=desks[0], credential_id=live.id, reason="next round", now=world.now)
    assert deadlocks() == before
    assert privacy.verify_chain(estate_id=world.estate_id).whole


def test_eight_desks_race_for_one_card_and_one_wins_every_round(world: World) -> None:
    bearers = passes(world, DESKS)
    for at in range(4):
        number = f"05A1B2{at:02X}"
        outcomes = collide(
            *[
                lambda p=bearer, n=number: actions.issue_card(actor=world.guard, pass_id=p, number=n, now=world.now)
                for bearer in bearers
            ]
        )
        assert kinds(outcomes) == ["CredentialTaken"] * (DESKS - 1) + ["ok"]
    assert Credential.objects.filter(kind="CARD", live=True).count() == 4


def test_one_desk_that_presses_twice_gives_the_card_once(world: World) -> None:
    (bearer,) = passes(world, 1)
    outcomes = collide(
        *[lambda: actions.issue_card(actor=world.guard, pass_id=bearer, number="04A1B2C3", now=world.now)] * 4
    )
    assert kinds(outcomes) == ["ok"] * 4
    assert len({one.id for one in outcomes}) == 1  # type: ignore[attr-defined]
    assert Credential.objects.filter(kind="CARD").count() == 1


def test_a_third_card_for_one_pass_is_refused_however_many_desks_ask_at_once(world: World) -> None:
    (bearer,) = passes(world, 1)
    outcomes = collide(
        *[
            lambda n=number: actions.issue_card(actor=world.guard, pass_id=bearer, number=n, now=world.now)
            for number in ("04A1B2C0", "04A1B2C1", "04A1B2C2", "04A1B2C3")
        ]
    )
    assert kinds(outcomes) == ["TooManyCredentials"] * 2 + ["ok"] * 2
    assert Credential.objects.filter(kind="CARD", live=True).count() == 2


def test_two_desks_that_replace_one_lost_card_leave_one_new_one(world: World) -> None:
    (bearer,) = passes(world, 1)
    for at in range(4):
        lost = actions.issue_card(actor=world.guard, pass_id=bearer, number=f"06A1B2{at:02X}", now=world.now)
        outcomes = collide(
            *[
                lambda c=lost.id, n=f"{head}A1B2{at:02X}": actions.replace_card(
                    actor=world.guard, credential_id=c, number=n, reason="lost", now=world.now
                )
                for head in ("07", "08")
            ]
        )
        assert kinds(outcomes) == ["CredentialOver", "ok"]
        (left,) = Credential.objects.filter(kind="CARD", live=True)
        actions.withdraw_credential(actor=world.guard, credential_id=left.id, reason="next round", now=world.now)


def test_a_card_given_while_its_pass_is_withdrawn_opens_nothing_afterwards(world: World) -> None:
    (bearer,) = passes(world, 1)
    desk = world.actor(Role.PROPERTY)
    outcomes = collide(
        lambda: actions.revoke_pass(actor=desk, pass_id=bearer, reason="left", now=world.now),
        lambda: actions.issue_card(actor=world.guard, pass_id=bearer, number="04A1B2C3", now=world.now),
    )
    assert kinds(outcomes) in (["PassNotActive", "ok"], ["ok", "ok"])
    assert opened_by(world, "04A1B2C3") is not Reason.OK
    assert not Credential.objects.filter(live=True).exists()


def test_two_looks_at_the_register_at_once_and_a_desk_give_each_resident_one_pass(world: World) -> None:
    families = []
    for name in ("home", "dorm", "mixed"):
        who = world.person()
        person = PersonInput(
            native_name=who.native_name, sex=who.sex.value, nationality="CHN", birth_date=who.birth_date
        )
        document = DocumentInput(kind="resident_id", number=who.document_number)
        member = ResidentInput(person=person, document=document, kind="registered", relation="02")
        dwelling_id = world.units[name].dwelling_id
        families.append(
            HouseholdInput(dwelling_id=dwelling_id, members=(member,), moved_in_date=(world.now - DAY).date())
        )
    people.move_in(actor=world.hand, households=families, now=world.now)
    before = deadlocks()
    looks = collide(*[lambda: actions.keep_resident_passes(actor=world.hand, now=world.now)] * 3)
    assert kinds(looks) == ["ok"] * 3
    assert sum(one.granted for one in looks) == 3  # type: ignore[attr-defined]
    held = Pass.objects.filter(origin_kind="residency")
    assert (held.count(), len(set(held.values_list("origin_id", flat=True)))) == (3, 3)
    lost = held[0]
    actions.revoke_pass(actor=world.guard, pass_id=lost.id, reason="lost", now=world.now)
    anew = collide(
        *[lambda: actions.grant_resident_pass(actor=world.office, residency_id=lost.origin_id, now=world.now)] * 3
    )
    assert kinds(anew) == ["ResidentHasPass", "ResidentHasPass", "ok"]
    assert deadlocks() == before


def test_two_desks_that_give_a_guard_the_next_shift_at_once_give_one_pass(world: World) -> None:
    def shift() -> object:
        return actions.grant_contract_pass(
            actor=world.actor(Role.PROPERTY),
            holder_kind="guard",
            holder_id="guard_1",
            contract="C-17",
            until=world.now + 90 * DAY,
            now=world.now,
        )

    assert kinds(collide(shift, shift, shift)) == ["ok"] * 3
    assert Pass.objects.filter(origin_kind="contract").count() == 1
