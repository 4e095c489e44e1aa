"""Measure the engine on an operator's own pictures: one folder a person, each with at least two pictures.

The report holds counts and rates, no name, no picture and no template. Its id is the digest of what it says: a gate's
thresholds refer to it, and nobody can change a report and keep its id.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linli.faces import rates
from linli.faces.engine import Engine, ManyFaces, NoFace
from linli.faces.gallery import LENGTH
from linli.faces.pictures import MAX_BYTES, PictureTooLarge, PictureUnreadable, open_picture
from linli.faces.quality import DOOR

FORM = 1
MOST_PICTURES = 5_000
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
_BLOCK = 512
_SHOWN = (0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70)


class NothingToCompare(ValueError):
    """There must be at least two persons with a usable picture, and one of them with two."""


def evaluate(folder: Path, *, engine: Engine) -> dict[str, Any]:
    """Compare every picture with every other and report. Raises NothingToCompare; pictures that fail are counted by reason."""
    vectors, persons, left_out = _read(folder, engine)
    genuine, impostor = pair_scores(vectors, persons)
    if not len(genuine) or not len(impostor):
        raise NothingToCompare
    report = {
        "form": FORM,
        "model": engine.model,
        "people": len(set(persons.tolist())),
        "pictures": len(vectors),
        "left_out": dict(sorted(left_out.items())),
        **summary(genuine, impostor),
    }
    return {"id": report_id(report), **report}


def summary(genuine: rates.Scores, impostor: rates.Scores) -> dict[str, Any]:
    """Say what scores mean: pairs, equal error rate, rates at thresholds, and the recommended threshold with its cap."""
    error, at = rates.equal_error_rate(genuine, impostor)
    best = rates.recommended(genuine, impostor)
    return {
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "highest_impostor": round(float(impostor.max()), 4),
        "lowest_genuine": round(float(genuine.min()), 4),
        "equal_error_rate": round(error, 6),
        "equal_error_threshold": round(at, 4),
        "enough_pairs": len(impostor) >= rates.ENOUGH_PAIRS,
        "recommended": asdict(best),
        "rates": [asdict(rates.rate(genuine, impostor, threshold=step)) for step in _SHOWN],
    }


def report_id(report: dict[str, Any]) -> str:
    """Give the digest of a report, its own id left out: 64 hex digits."""
    said = {name: value for name, value in report.items() if name != "id"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_report(report: dict[str, Any], into: Path) -> Path:
    """Write a report down, named by its id."""
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"face-report-{report['id'][:12]}.json"
    path.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def pair_scores(vectors: NDArray[np.float32], persons: NDArray[np.int64]) -> tuple[rates.Scores, rates.Scores]:
    """Compare each picture (n × 512) with each later one: scores of one person's pairs, and of strangers' pairs."""
    genuine, impostor = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    columns = np.arange(len(vectors))
    # In blocks: five thousand pictures are twelve million pairs.
    for start in range(0, len(vectors), _BLOCK):
        rows = columns[start : start + _BLOCK]
        scores = vectors[rows] @ vectors.T
        later = columns[None, :] > rows[:, None]
        same = persons[rows][:, None] == persons[None, :]
        genuine.append(scores[later & same])
        impostor.append(scores[later & ~same])
    return np.concatenate(genuine), np.concatenate(impostor)


def _read(folder: Path, engine: Engine) -> tuple[NDArray[np.float32], NDArray[np.int64], Counter[str]]:
    vectors: list[NDArray[np.float32]] = []
    persons: list[int] = []
    left_out: Counter[str] = Counter()
    for person, path in _pictures(folder):
        if len(vectors) >= MOST_PICTURES:
            left_out["TOO_MANY_PICTURES"] += 1
            continue
        found = _one(path, engine)
        if isinstance(found, str):
            left_out[found] += 1
        else:
            vectors.append(found)
            persons.append(person)
    return np.array(vectors, dtype=np.float32).reshape(-1, LENGTH), np.array(persons, dtype=np.int64), left_out


def _pictures(folder: Path) -> Iterator[tuple[int, Path]]:
    for person, place in enumerate(sorted(path for path in folder.iterdir() if path.is_dir())):
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in PICTURES and path.is_file():
                yield person, path


def _one(path: Path, engine: Engine) -> NDArray[np.float32] | str:
    """Read one picture as the door would; a text is the reason why not."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return "TOO_LARGE"
        face = engine.read(open_picture(path.read_bytes()), limits=DOOR)
    except PictureTooLarge:
        return "TOO_LARGE"
    except (PictureUnreadable, OSError):
        return "UNREADABLE"
    except NoFace:
        return "NO_FACE"
    except ManyFaces:
        return "MANY_FACES"
    if face.vector is None:
        return str(face.quality.flaw)
    return face.vector
