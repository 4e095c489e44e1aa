"""The decision is total and pure: any scan, any list, any time has an answer."""

from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.gate import passes
from linli.gate.decision import (
    OPENING,
    PRECEDENCE,
    TEXTS,
    Clock,
    Direction,
    Kind,
    Reason,
    Scan,
    decide,
    opens_first,
)
from linli.gate.snapshot import FailMode, GateRule, PassEntry, PassState, Snapshot

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GATES = ("G01", "G11", "没有这个门")

instants = st.datetimes(timezones=st.just(UTC))
near = st.integers(min_value=-200_000, max_value=200_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
serials = st.integers(min_value=1, max_value=6) | st.just((1 << 64) - 1)


def minted(serial, window, key_id):
    claims = passes.PassClaims(
        serial=serial, key_id=key_id, groups=(1,), start=NOW, end=NOW + timedelta(days=1), window=window
    )
    return passes.mint(claims=claims, key=KEY)


now_window = passes.window_at(NOW)
codes = st.builds(
    minted,
    serials,
    st.none() | st.integers(min_value=now_window - 3, max_value=now_window + 3),
    st.integers(min_value=0, max_value=3),
)
scans = st.builds(
    Scan,
    gate=st.sampled_from(GATES),
    kind=st.sampled_from(Kind) | st.just(Kind.CODE),
    direction=st.sampled_from(Direction),
    text=codes | st.text(max_size=200),
    by=st.text(max_size=5),
    why=st.text(max_size=5),
)
entries = st.builds(
    PassEntry,
    serial=serials,
    version=st.integers(min_value=0, max_value=99),
    groups=st.lists(st.integers(min_value=0, max_value=3), max_size=4).map(tuple),
    start=near | instants,
    end=near | instants,
    holder=st.sampled_from(("guest", "resident", "")),
    state=st.sampled_from(PassState),
    static=st.booleans(),
)
rules = st.builds(
    GateRule,
    gate=st.sampled_from(GATES),
    version=st.just(1),
    groups=st.frozensets(st.integers(min_value=0, max_value=3)),
    fail_mode=st.sampled_from(FailMode),
    max_age_s=st.integers(min_value=0, max_value=10**9),
)
snapshots = st.builds(
    Snapshot,
    estate=st.just("estate_1"),
    version=st.integers(min_value=0),
    made_at=near | instants,
    keys=st.dictionaries(
        st.integers(min_value=0, max_value=3),
        st.just(KEY.public_key().public_bytes_raw()) | st.binary(max_size=40),
    ),
    gates=st.lists(rules).map(lambda rows: {rule.gate: rule for rule in rows}),
    passes=st.lists(entries).map(lambda rows: {entry.serial: entry for entry in rows}),
)
marks = st.dictionaries(
    st.tuples(st.sampled_from(GATES), st.sampled_from(Direction), serials, st.none() | st.integers()), near | instants
)


@given(scans, snapshots, near | instants, marks, st.sampled_from(Clock))
@settings(deadline=None, max_examples=5 * settings.default.max_examples)
def test_every_scan_has_an_answer_and_the_answer_is_the_same_again(scan, snapshot, now, seen, clock):
    verdict = decide(scan, snapshot, now, seen, clock=clock)
    assert verdict.reason in PRECEDENCE
    assert verdict.open == (verdict.reason in OPENING)
    assert verdict == decide(scan, snapshot, now, seen, clock=clock)


@given(scans, snapshots, near | instants, marks, st.sampled_from(Clock))
@settings(deadline=None)
def test_nobody_is_ever_locked_in(scan, snapshot, now, seen, clock):
    if opens_first(scan):
        assert decide(scan, snapshot, now, seen, clock=clock).open


@given(scans, snapshots, near, st.sampled_from(Clock))
@settings(deadline=None)
def test_nobody_enters_by_a_code_that_is_not_on_the_list_in_force(scan, snapshot, now, clock):
    verdict = decide(scan, snapshot, now, clock=clock)
    if verdict.reason is Reason.OK:
        entry = snapshot.passes[verdict.serial]
        assert entry.state is PassState.ACTIVE
        assert entry.start <= now < entry.end
        assert snapshot.gates[scan.gate].groups & set(entry.groups)


def test_every_reason_has_a_text_in_both_languages():
    assert set(TEXTS) == set(Reason)
    assert all(chinese and english for chinese, english in TEXTS.values())


def test_precedence_names_each_reason_once_and_judges_in_its_own_order():
    assert len(set(PRECEDENCE)) == len(PRECEDENCE)
    # One pass with everything wrong with it; mending one thing after another walks down the table.
    broken = {
        "state": PassState.REVOKED,
        "start": NOW + timedelta(days=1),
        "end": NOW - timedelta(days=1),
        "groups": (),
    }
    mended = [
        (Reason.REVOKED, {"state": PassState.SUSPENDED}),
        (Reason.SUSPENDED, {"state": PassState.ACTIVE}),
        (Reason.NOT_YET, {"start": NOW - timedelta(days=2)}),
        (Reason.EXPIRED, {"end": NOW + timedelta(days=1)}),
        (Reason.WRONG_DOOR, {"groups": (1,)}),
        (Reason.STALE_CODE, {"static": True}),
        (Reason.REPLAYED, {}),
        (Reason.SNAPSHOT_TOO_OLD, {}),
        (Reason.CLOCK_UNSURE, {}),
        (Reason.OK, {}),
    ]
    rule = GateRule(gate="G01", version=1, groups=frozenset({1}), fail_mode=FailMode.SECURE, max_age_s=60)
    scan = Scan(gate="G01", kind=Kind.CODE, text=minted(1, None, 1))
    seen = {("G01", Direction.IN, 1, None): NOW}
    made_at, clock = NOW - timedelta(hours=1), Clock.UNSURE
    for reason, mend in mended:
        entry = PassEntry(serial=1, version=1, holder="guest", **broken)
        snapshot = Snapshot(
            estate="estate_1",
            made_at=made_at,
            keys={1: KEY.public_key().public_bytes_raw()},
            gates={"G01": rule},
            passes={1: entry},
        )
        assert decide(scan, snapshot, NOW, seen, clock=clock).reason is reason
        broken.update(mend)
        seen = {} if reason is Reason.REPLAYED else seen
        made_at = NOW if reason is Reason.SNAPSHOT_TOO_OLD else made_at
        clock = Clock.OK if reason is Reason.CLOCK_UNSURE else clock
