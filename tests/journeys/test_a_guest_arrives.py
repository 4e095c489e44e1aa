"""One guest after another on real files with real processes: the feed, the documents, the door, the receipt, the way out."""

from linli.supervise.day import OFFLINE_GATE
from linli.supervise.instance import temporary
from linli.supervise.journey import Walk


def test_every_step_of_the_journey_comes_out_as_it_should() -> None:
    with temporary(say=lambda line: None, two_boxes=OFFLINE_GATE) as instance:
        steps = list(Walk(instance).steps())
    assert [step for step in steps if not step.ok] == []
    assert len(steps) >= 15
