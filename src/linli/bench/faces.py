"""A face at a camera door, from the frame to the verdict, on one core with a thousand people in the gallery.

The floor is the bare calls of the same five models on the same pixels, without cutting, aligning, judging or searching, taken
in turns. The picture is a public-domain portrait and pictures made from it; the thousand others are random templates.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from linli.bench.fresh import percentile
from linli.bench.gate import rss_mb
from linli.edge.drivers.camera import FaceWatch
from linli.faces import geometry, models
from linli.faces.engine import Engine
from linli.faces.gallery import LENGTH, Gallery, Template
from linli.faces.pictures import Image
from linli.gate.snapshot import FaceRule

PEOPLE = 1_000
FRAMES, QUICK_FRAMES = 300, 30
EXAMPLES = Path(__file__).parents[3] / "examples" / "faces"
STEPS = ("detect", "landmarks", "pose", "liveness", "embed")
RULE = FaceRule(threshold=550, margin=50, frames=2, gallery_cap=PEOPLE + 1)


def run(*, quick: bool = False) -> dict[str, object]:
    """Measure frame by frame and give the figures; the models must have been fetched (`linli faces fetch`)."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return _measured(QUICK_FRAMES if quick else FRAMES)
    finally:
        os.sched_setaffinity(0, cores)


def _measured(frames: int) -> dict[str, object]:
    engine = Engine(registry=models.load(models.home()))
    engine.warm_up()
    portrait = _picture("portrait.jpg")
    gallery = _crowd(engine, portrait)
    bare = _bare_calls(engine, portrait)
    seen, floors, known = [], [], 0
    for frame in _frames(frames):
        watch = FaceWatch(engine=engine, gallery=gallery, among=gallery.ids, rule=lambda: RULE)
        # The second of two frames that agree, so that the verdict is in the time.
        watch.see(frame, 0.0)
        started = time.perf_counter()
        known += watch.see(frame, 0.1) is not None
        seen.append((time.perf_counter() - started) * 1e3)
        started = time.perf_counter()
        bare()
        floors.append((time.perf_counter() - started) * 1e3)
    return {
        "people": len(gallery),
        "frames": len(seen),
        "recognised": known,
        "face_p50_ms": round(percentile(seen, 50), 2),
        "face_p99_ms": round(percentile(seen, 99), 2),
        "floor_models_p50_ms": round(percentile(floors, 50), 2),
        "face_to_floor": round(percentile(seen, 50) / percentile(floors, 50), 3),
        "agent_with_faces_mb": round(rss_mb(os.getpid()), 1),
        "holds": {
            "face_p50_under_60_ms": percentile(seen, 50) < 60.0,
            "ratio_at_most_1_3": percentile(seen, 50) / percentile(floors, 50) <= 1.3,
            "under_600_mb": rss_mb(os.getpid()) < 600.0,
        },
    }


def _frames(count: int) -> Iterator[Image]:
    portrait, second = _picture("portrait.jpg"), _picture("second.jpg")
    for number in range(count):
        bright = 0.7 + 0.3 * (number % 7) / 7
        yield (np.asarray(portrait if number % 2 else second) * bright).astype(np.uint8)


def _picture(name: str) -> Image:
    image = cv2.imread(str(EXAMPLES / name))
    if image is None:
        raise FileNotFoundError(EXAMPLES / name)
    return np.asarray(image, dtype=np.uint8)


def _crowd(engine: Engine, portrait: Image) -> Gallery:
    gallery, dice = Gallery(model=engine.model), np.random.default_rng(51)
    face = engine.read(portrait)
    if face.vector is None:
        raise AssertionError("the portrait cannot be enrolled")
    gallery.add(engine.template(face.vector, id="face_portrait"))
    for number in range(PEOPLE - 1):
        drawn = dice.normal(size=LENGTH)
        vector = (drawn / np.linalg.norm(drawn)).astype(np.float32)
        gallery.add(Template(id=f"face_{number}", model=engine.model, vector=vector))
    return gallery


def _bare_calls(engine: Engine, portrait: Image) -> Callable[[], None]:
    """Give one call that runs each model once, on what the engine itself gives it for this picture."""
    given: list[tuple[str, np.ndarray]] = []
    run, box = engine._run, engine.detect(portrait)[0]

    def listening(step: str, pixels: np.ndarray) -> list[object]:
        given.append((step, pixels))
        return run(step, pixels)

    engine._run = listening  # type: ignore[method-assign]
    engine.detect(portrait)
    landmarks = engine.landmarks(portrait, box)
    engine.pose(portrait, box)
    engine.liveness(portrait, box)
    engine.embed(geometry.align(portrait, landmarks))
    engine._run = run  # type: ignore[method-assign]
    sessions = [(engine._session(step), pixels) for step, pixels in given]

    def bare() -> None:
        for session, pixels in sessions:
            session.run(None, {session.get_inputs()[0].name: pixels})

    return bare
