"""The box says what time it is, or that it is unsure; it never guesses."""

from datetime import UTC, datetime, timedelta

from linli.edge.clock import TrustedClock
from linli.gate.decision import Clock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Times:
    """A wall clock and a monotonic clock, moved by hand."""

    def __init__(self):
        self.wall, self.mono = NOON.timestamp(), 1000.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.mono += seconds

    def clock(self, **given):
        return TrustedClock(wall=lambda: self.wall, monotonic=lambda: self.mono, **given)


def test_a_clock_that_nobody_touches_is_trusted():
    times = Times()
    clock = times.clock(floor=NOON - timedelta(days=1))
    times.pass_by(3600)
    assert clock.read().now == NOON + timedelta(hours=1)
    assert clock.read().clock is Clock.OK


def test_a_clock_before_what_already_happened_is_unsure_and_does_not_go_back():
    times = Times()
    clock = times.clock()
    clock.passed(NOON + timedelta(days=1))
    assert clock.read().clock is Clock.UNSURE
    assert clock.read().now == NOON + timedelta(days=1)


def test_a_clock_that_is_set_is_unsure_until_the_server_is_heard():
    times = Times()
    clock = times.clock()
    times.wall += 3600
    assert clock.read().clock is Clock.UNSURE
    clock.hear(server_time=NOON + timedelta(seconds=5), took_s=0.0)
    assert clock.read().clock is Clock.OK
    assert clock.read().now == NOON + timedelta(seconds=5)
    assert clock.read().drift_s == 3595


def test_a_drift_is_corrected_by_the_servers_time():
    times = Times()
    clock = times.clock()
    clock.hear(server_time=NOON + timedelta(seconds=95), took_s=0.2)
    assert abs((clock.read().now - NOON).total_seconds() - 95.1) < 0.01
    times.pass_by(10)
    assert abs((clock.read().now - NOON).total_seconds() - 105.1) < 0.01


def test_half_a_slow_answer_is_no_drift():
    times = Times()
    clock = times.clock()
    clock.hear(server_time=NOON - timedelta(seconds=2), took_s=4.0)
    assert clock.read().now == NOON


def test_the_servers_word_outweighs_a_floor_of_a_clock_that_ran_ahead():
    times = Times()
    clock = times.clock()
    clock.passed(NOON + timedelta(days=1))
    clock.hear(server_time=NOON, took_s=0.0)
    assert clock.read().clock is Clock.OK
    assert clock.read().now == NOON


def test_a_simulated_day_moves_the_clock_by_a_file(tmp_path):
    times, file = Times(), tmp_path / "offset"
    clock = times.clock(offset_file=file)
    assert clock.read().now == NOON
    file.write_text("86400.5\n")
    times.mono += 0.1
    assert clock.read().now == NOON + timedelta(seconds=86400.5)
    assert clock.read().clock is Clock.OK
    for nonsense in ("", "nan", "inf", "tomorrow"):
        file.write_text(nonsense)
        times.mono += 0.1
        assert clock.read().now == NOON + timedelta(seconds=86400.5)
