"""Fifty-one gates in one object: the agent at its doors, faces, a withdrawal, a whole list, and who may pass where.

Each part stands on its own as `linli bench passages`, `faces`, `revocation`, `resync` and `comparing`, beside its floor.
"""

from __future__ import annotations

from typing import Any

from linli.bench import comparing, faces, passages, resync, revocation
from linli.bench.gate import GATES


def run(*, quick: bool = False) -> dict[str, object]:
    """Measure every part and give the figures of the design, with the parts below them."""
    parts: dict[str, dict[str, Any]] = {
        part.__name__.rsplit(".", 1)[-1]: dict(part.run(quick=quick))
        for part in (passages, faces, revocation, resync, comparing)
    }
    walked, seen, withdrawn = parts["passages"], parts["faces"], parts["revocation"]
    return {
        "gates": len(GATES),
        "scan_to_strike_p99_ms": walked["scan_to_strike_p99_ms"],
        "agent_cpu_of_a_core": walked["cpu_of_a_core"],
        "face_p50_ms": seen["face_p50_ms"],
        "face_to_floor": seen["face_to_floor"],
        "agent_with_faces_mb": seen["agent_with_faces_mb"],
        "revocation_p99_s": withdrawn["revocation_p99_s"],
        "resync_s": parts["resync"]["resync_s"],
        "snapshot_mb": parts["resync"]["snapshot_mb"],
        "reconcile_s": parts["comparing"]["reconcile_s"],
        "agent_mb": walked["agent_mb"],
        "lost_events": walked["lost_events"],
        "holds": {
            "scan_to_strike_p99_under_20_ms": walked["scan_to_strike_p99_ms"] < 20.0,
            "half_a_core": walked["cpu_of_a_core"] < 0.5,
            "face_p50_under_60_ms": seen["face_p50_ms"] < 60.0,
            "face_ratio_at_most_1_3": seen["face_to_floor"] <= 1.3,
            "agent_with_faces_under_600_mb": seen["agent_with_faces_mb"] < 600.0,
            "revocation_p99_under_1_s": withdrawn["revocation_p99_s"] < 1.0 and not withdrawn["unreceipted"],
            "resync_under_120_s": parts["resync"]["resync_s"] < 120.0,
            "snapshot_at_most_8_mb": parts["resync"]["snapshot_mb"] <= 8.0,
            "reconcile_under_30_s": parts["comparing"]["reconcile_s"] < 30.0,
            "no_event_lost": walked["lost_events"] == 0,
        },
        "parts": parts,
    }
