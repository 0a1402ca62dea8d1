"""Freight cars along known tracks, without a deep network.

The tracks are straightened (``strip``), evidence for wagons and for the joints between them is scored along them, in the light
that all tracks of the scene share (``wagon_evidence``), and an explicit-duration model cuts each into wagons (``segments``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .. import gate
from ..detections import Detections
from ..errors import Refusal
from ..zones import Zone
from . import moving, track_offset, wagon_types
from .bare_bed import BareBed, place_on
from .base import Found, Progress, SceneLike, silent
from .segments import LengthModel, Segments, segment
from .strip import Strip, lengthened, observed_runs, straighten
from .wagon_evidence import HALF_WIDTH_M, Lanes, Light, Scorer, lanes_of, light_of, shade_contrast

CLASS = "freight_car"
WEIGHTS = Path(__file__).parent / "weights" / "freight_cars.json"

FINEST_M = 0.25  # finer scenes are averaged to about this: rails and rivets only disturb
DETAIL = 0.85  # a scene less sharp than its pixels is averaged to this share of its effective GSD, as the scorers know it
FINE_STEP_M, STEP_M, FINE_UP_TO_M = 0.25, 0.5, 0.4  # work sampling along the track
STRIP_M = (
    5.5  # half width of the strip: the lanes, the neighbours' near flanks, and lines drawn up to 2 m beside their rails
)
BEYOND_M = 20.0  # the strip goes on this far past the line's ends, so that a wagon across an end is seen whole
AROUND_M = 15.0  # contrast is measured this far around
BRIDGE_M = 3.0  # an unseen hole up to this long (mast, printed mark) does not part a track
PER_METRE = 0.35  # neighbouring cells show the same thing: their log-odds count this much a metre
SAME_TRACK_M, SAME_M = 1.5, 20.0  # two lines closer than this over so many metres are one track drawn twice
WIDTH_M = 3.1  # of a wagon's rectangle: loading gauge
BUFFER_M = 0.62  # a body ends this far before the joint (length of a side buffer, UIC 526)
ASLANT_M = 12.0  # an edge of what was seen crosses a track within so many metres
FLANKS_M = 2.0  # and cuts a wagon that reaches as far as where it comes so close to the line
SHADOWED = 0.25  # of the local contrast: a flank darker by this much over 10 m is a shadow
HARDLY = -2.0  # log-odds: what is less likely a wagon is none
DOUBLE = 1.7  # a wagon so many times as long as its neighbours may be two
DOUBLE_NOTE = "twice its neighbours' length: may be two"
DOUBT_NOTE = "weak evidence"


@dataclass(frozen=True)
class Stretch:
    """A seen stretch of one straightened track: strip and lanes of n steps, occupancy (n,), joints (n + 1,) and the wagons.

    left_out: how many weak ones ``believed`` took away.
    """

    strip: Strip
    lanes: Lanes
    occupied: np.ndarray
    joint: np.ndarray
    wagons: Segments
    left_out: int = 0

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each wagon's body starts and ends along the strip, metres (k,) each."""
        step, edge = self.strip.step_m, self.strip.s_m[0] - 0.5 * self.strip.step_m
        before, after = self.coupled()
        low, high = edge + step * self.wagons.start + BUFFER_M * before, edge + step * self.wagons.stop - BUFFER_M * after
        return low, np.maximum(high, low)

    def coupled(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each wagon has another one before and after it, bool (k,) each."""
        touching = self.wagons.start[1:] == self.wagons.stop[:-1]
        one = np.zeros(min(len(self.wagons), 1), bool)
        return np.concatenate([one, touching]), np.concatenate([touching, one])

    def seen_m(self, length_m: float) -> float:
        """Metres seen of a line of this length (the strip reaches beyond it)."""
        return float(((self.strip.s_m >= 0) & (self.strip.s_m < length_m)).sum() * self.strip.step_m)


@dataclass(frozen=True)
class FreightCars:
    """The detector of freight cars along track lines.

    shade_azimuth_deg: where shadows fall, clockwise from the frame's north, if known (the sun's azimuth plus 180); None: to the side
    of the tracks that has the darker flank. empty_stretch: lines along tracks where nothing stands, as the user marked them: what
    a bare bed looks like here.
    """

    name: str = "freight_cars"
    classes: tuple[str, ...] = (CLASS,)
    shade_azimuth_deg: float | None = None
    empty_stretch: tuple[Zone, ...] = ()

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Freight cars whose centre lies along the zone's line, as ``detect_together``."""
        return self.detect_together(scene, [zone], progress)[0]

    def detect_together(self, scene: SceneLike, zones: Sequence[Zone], progress: Progress = silent) -> list[Found]:
        """Freight cars whose centre lies along each zone's line, all tracks in one light.

        Gives one rectangle a wagon, 3.1 m wide and as long as its body; occupied metres "m" and "share" of the track seen that is
        filled, wagons cut by the scene's edge included. Raises Refusal for a polygon, TooCoarse where nothing can be told.
        """
        counted = _check(scene, zones)
        lines = [_joined(zone.geometry) for zone in zones]
        marked = self._marked(lines)
        strips = _strips(scene, lines, progress)
        light = light_of([strip for track in strips for strip in track], self._shade())
        seen = [[lanes_seen(strip, light) for strip in track] for track in strips]
        scorer = scorer_for(scene.effective_gsd_m, has_shadows([stretches for track in seen for stretches in track]))
        bed = marked_bed([seen[zone][k] for zone, k, _, _ in marked], [ends for _, _, *ends in marked], scorer)
        together = _together(zones, lines)
        offsets = track_offset.offsets([[line.length for line in ways] for ways in lines], strips, light)
        found = []
        for zone, ways, track, offset, more in zip(zones, lines, seen, offsets, together):
            read = [[believed(stretch, scorer) for stretch in read_track(stretches, scorer, bed)] for stretches in track]
            beside = track_offset.warning(zone.zone_id, *offset)
            one = _found(zone, ways, read, scorer, counted, light, scene.effective_gsd_m)
            found.append(replace(one, warnings=beside + more + one.warnings))
        return found

    def check(self, zones: Sequence[Zone]) -> None:
        """Raises Refusal where an empty stretch lies on none of the tracks."""
        self._marked([_joined(zone.geometry) for zone in zones])

    def _marked(self, lines: Sequence[Sequence[Any]]) -> list[tuple[int, int, float, float]]:
        """Zone, line, from and to along it, of each marked empty stretch. Raises Refusal."""
        every = [(zone, k, line) for zone, ways in enumerate(lines) for k, line in enumerate(ways)]
        out = []
        for marked in self.empty_stretch:
            if not marked.is_track:
                raise Refusal("EMPTY_STRETCH holds a polygon. Draw lines along empty track.")
            for stretch in marked.parts():
                which, low, high = place_on(stretch, [line for _, _, line in every])
                out.append((*every[which][:2], low, high))
        return out

    def _shade(self) -> np.ndarray | None:
        """Where shadows fall (east, north), where that is known."""
        if self.shade_azimuth_deg is None:
            return None
        azimuth = np.radians(self.shade_azimuth_deg)
        return np.array([np.sin(azimuth), np.cos(azimuth)])


def _check(scene: SceneLike, zones: Sequence[Zone]) -> bool:
    """Whether wagons are counted, not only measured. Raises Refusal."""
    for zone in zones:
        if zone.is_track and not all(np.isfinite(np.asarray(part.coords)).all() for part in zone.parts()):
            raise Refusal("Track {zone_id} has coordinates that are not numbers. Draw it again.", zone_id=zone.zone_id)
        if not zone.is_track:
            raise Refusal(
                "Zone {zone_id} is not a line: freight cars are counted along a track, so draw the track's centre line.",
                zone_id=zone.zone_id,
            )
    return gate.check(CLASS, scene.effective_gsd_m, scene.gsd_m) == "count"


def _strips(scene: SceneLike, lines: Sequence[Sequence[Any]], progress: Progress) -> list[list[Strip]]:
    """The straightened lines of each zone."""
    total = max(sum(line.length for zone in lines for line in zone), 1e-9)
    out, done = [], 0.0
    for zone in lines:
        strips = []
        for line in zone:
            start, share = done / total, line.length / total
            strips.append(strip_of(scene, line, lambda f, a=start, b=share: progress(min(a + b * f, 1.0))))  # type: ignore[misc]
            done += line.length
        out.append(strips)
    return out


def _found(
    zone: Zone,
    lines: Sequence[Any],
    tracks: Sequence[Sequence[Stretch]],
    scorer: Scorer,
    counted: bool,
    light: Light,
    effective_gsd_m: float,
) -> Found:
    """What one zone gives."""
    before = np.cumsum([0.0, *(line.length for line in lines)])
    wagons = Detections.concatenate(
        [_wagons(*one, scorer, light, effective_gsd_m) for one in zip(tracks, np.diff(before), before)]
    )
    return Found(
        wagons if counted else Detections.empty(),
        _measures(tracks, lines),
        counted,
        _doubt(zone, tracks)
        + _warnings(zone, tracks, lines, scorer.shadows, counted)
        + moving.warning(zone.zone_id, wagons.note)
        + wagon_types.warning(zone.zone_id, wagons.type_name),
    )


@lru_cache(maxsize=1)
def shipped_weights() -> dict[str, Any]:
    """The fitted weights, with what they were fitted on."""
    return json.loads(WEIGHTS.read_text("utf8"))


def scorer_for(effective_gsd_m: float, shadows: bool) -> Scorer:
    """The shipped scorer for a scene's effective GSD and light: the first that reaches so far, else the coarsest."""
    scorers = [Scorer.from_dict(values) for values in shipped_weights()["scorers"] if values["shadows"] == shadows]
    return next((scorer for scorer in scorers if effective_gsd_m <= scorer.up_to_m), scorers[-1])


def strip_of(scene: SceneLike, line: Any, progress: Progress = silent) -> Strip:
    """Straighten a track line, 20 m past both its ends; ``s_m`` is 0 where the line itself begins."""
    step = FINE_STEP_M if scene.effective_gsd_m < FINE_UP_TO_M else STEP_M
    detail = max(FINEST_M, DETAIL * scene.effective_gsd_m)
    gsd = detail if detail >= 1.5 * scene.gsd_m else None
    strip = straighten(
        scene,
        lengthened(line, BEYOND_M),
        step_m=step,
        half_width_m=STRIP_M,
        gsd_m=gsd,
        around_m=AROUND_M,
        progress=progress,
    )
    return strip.moved(-BEYOND_M)


def lanes_seen(strip: Strip, light: Light) -> list[tuple[Strip, Lanes]]:
    """The stretches of a strip that were seen."""
    runs = [strip.rows(rows) for rows in observed_runs(strip.narrowed(HALF_WIDTH_M), BRIDGE_M)]
    return [(seen, lanes_of(seen, light)) for seen in runs]


def has_shadows(tracks: Sequence[Sequence[tuple[Strip, Lanes]]]) -> bool:
    """Whether shadows lie beside something on these tracks: not so under cloud, with the sun along them, or where all is empty."""
    return max((shade_contrast(lanes) for track in tracks for _, lanes in track), default=0.0) >= SHADOWED


def read_track(stretches: Sequence[tuple[Strip, Lanes]], scorer: Scorer, bed: BareBed | None = None) -> list[Stretch]:
    """Evidence and wagons of each seen stretch of a track. bed: what the user marked as bare, where they did."""
    out = []
    for strip, lanes in stretches:
        occupied, joint = scorer.occupancy(lanes), scorer.joints(lanes)
        if bed:
            occupied = bed.corrected(lanes, occupied)
        wagons = cut_aslant(strip, segment(PER_METRE * strip.step_m * occupied, joint, strip.step_m))
        out.append(Stretch(strip, lanes, occupied, joint, wagons))
    return out


def cut_aslant(strip: Strip, wagons: Segments) -> Segments:
    """The wagons of a stretch, those also cut that end where an edge of what was seen crosses the track aslant."""
    whole = np.flatnonzero(strip.narrowed(FLANKS_M).weight.min(1) > 0.5)
    if not len(whole):
        return wagons
    first, last, most = int(whole[0]), int(whole[-1]) + 1, ASLANT_M / strip.step_m
    before = (wagons.start < first) & (first <= most)
    behind = (wagons.stop > last) & (len(strip) - last <= most)
    return replace(wagons, cut=wagons.cut | before | behind)


def marked_bed(
    tracks: Sequence[Sequence[tuple[Strip, Lanes]]], ends_m: Sequence[Sequence[float]], scorer: Scorer
) -> BareBed | None:
    """The bed as marked from ends_m to ends_m along some straightened tracks; None where nothing is marked, or seen of it."""
    lanes, occupied = [], []
    for stretches, (low, high) in zip(tracks, ends_m):
        for strip, whole in stretches:
            rows = slice(*np.searchsorted(strip.s_m, [low, high]))
            if rows.stop > rows.start:
                lanes.append(whole.rows(rows))
                occupied.append(scorer.occupancy(whole)[rows])
    return BareBed.of(lanes, occupied) if lanes else None


def believed(stretch: Stretch, scorer: Scorer) -> Stretch:
    """The stretch without what is hardly a wagon; and without all weak ones where most are: a bare bed on other ground can read as
    a row of them."""
    if not len(stretch.wagons):
        return stretch
    odds = scorer.confidence.log_odds(wagon_features(stretch))
    likely, strong = odds >= HARDLY, odds >= 0
    doubtful = strong.sum() < 0.5 * likely.sum()
    kept = strong if doubtful else likely
    wagons = Segments(stretch.wagons.start[kept], stretch.wagons.stop[kept], stretch.wagons.cut[kept])
    return replace(stretch, wagons=wagons, left_out=int((likely & ~strong).sum()) if doubtful else 0)


def wagon_features(stretch: Stretch) -> np.ndarray:
    """(k, 3) what speaks for each wagon: mean occupancy, mean evidence of its joints to neighbours, how unusual its length is."""
    wagons = stretch.wagons
    total = np.concatenate([[0.0], np.cumsum(stretch.occupied)])
    steps = wagons.stop - wagons.start
    before, after = stretch.coupled()
    joints = (stretch.joint[wagons.start] * before + stretch.joint[wagons.stop] * after) / 2
    unusual = np.abs(np.log(steps * stretch.strip.step_m / LengthModel().median_m))
    return np.stack([(total[wagons.stop] - total[wagons.start]) / np.maximum(steps, 1), joints, unusual], axis=1)


def _wagons(
    track: Sequence[Stretch], length_m: float, before_m: float, scorer: Scorer, light: Light, effective_gsd_m: float
) -> Detections:
    """Whole wagons of one line, those with their centre on it; before_m: length of the lines of the zone before this one."""
    parts = []
    for stretch in track:
        low, high = stretch.places()
        middle = 0.5 * (low + high)
        keep = ~stretch.wagons.cut & (middle >= 0) & (middle < length_m)
        strip = stretch.strip
        at = np.clip(np.searchsorted(strip.s_m, middle), 0, len(strip) - 1)
        score = scorer.confidence.log_odds(wagon_features(stretch))
        p = 1 / (1 + np.exp(-score))
        kinds, kinds_p = wagon_types.types_of(strip, light, low, high, effective_gsd_m)
        made = Detections.make(
            np.interp(middle, strip.s_m, strip.x),
            np.interp(middle, strip.s_m, strip.y),
            high - low,
            WIDTH_M,
            np.degrees(np.arctan2(strip.along[at, 0], strip.along[at, 1])),
            CLASS,
            score=score,
            p=p,
            note=_notes(high - low, p, moving.moves(strip, low, high, effective_gsd_m)),
            type_name=kinds,
            type_p=kinds_p,
            position_m=before_m + middle,
        )
        parts.append(made.select(keep))
    return Detections.concatenate(parts)


def _notes(length_m: np.ndarray, p: np.ndarray, moved: bool = False) -> np.ndarray:
    """For the reviewer: wagons much longer than the ones around them, weak ones, and a train that moved."""
    notes = np.full(len(p), "", object)
    notes[p < 0.5] = DOUBT_NOTE
    padded = np.pad(np.asarray(length_m, float), 2, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 5)[:, [0, 1, 3, 4]] if len(p) > 1 else np.zeros((0, 4))
    ordered, count = np.sort(around, axis=1), np.isfinite(around).sum(1)  # what is missing comes last
    rows = np.arange(len(around))
    usual = 0.5 * (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2])  # nanmedian would take ten times as long
    notes[: len(around)][length_m[: len(around)] > DOUBLE * usual] = DOUBLE_NOTE
    if moved:
        notes = np.array([f"{note}; {moving.NOTE}" if note else moving.NOTE for note in notes], object)
    return notes


def _measures(tracks: Sequence[Sequence[Stretch]], lines: Sequence[Any]) -> dict[str, float]:
    """Occupied metres within the lines, cut wagons included, and their share of what was seen; nothing seen gives none."""
    occupied = seen = 0.0
    for track, line in zip(tracks, lines):
        for stretch in track:
            low, high = stretch.places()
            occupied += float(np.maximum(np.minimum(high, line.length) - np.maximum(low, 0.0), 0.0).sum())
            seen += stretch.seen_m(line.length)
    return {"m": occupied, "share": min(occupied / seen, 1.0)} if seen else {}


def _doubt(zone: Zone, tracks: Sequence[Sequence[Stretch]]) -> tuple[str, ...]:
    """What ``believed`` left out."""
    left_out = sum(stretch.left_out for track in tracks for stretch in track)
    if not left_out:
        return ()
    return (
        f"Track {zone.zone_id}: bare or occupied, hard to tell; {left_out} weak wagon{'s' * (left_out > 1)} left out, look at it.",
    )


def _warnings(
    zone: Zone, tracks: Sequence[Sequence[Stretch]], lines: Sequence[Any], shadows: bool, counted: bool
) -> tuple[str, ...]:
    total, seen, cut, wagons = sum(line.length for line in lines), 0.0, 0, 0
    for track, line in zip(tracks, lines):
        for stretch in track:
            low, high = stretch.places()
            inside = (high > 0) & (low < line.length)
            wagons += int(inside.sum())
            cut += int((stretch.wagons.cut & inside).sum())
            seen += stretch.seen_m(line.length)
    out = []
    if seen < 0.98 * total:
        out.append(f"Track {zone.zone_id}: {100 * (1 - seen / total):.0f} % of it was not observed.")
    if cut and counted:
        out.append(f"Track {zone.zone_id}: {cut} wagon{'s' * (cut > 1)} cut by the edge of what was seen, not counted.")
    if wagons and not shadows:
        out.append(
            f"Track {zone.zone_id}: no shadows beside the wagons (cloud, or sun along the track); more are missed or false."
        )
    return tuple(out)


def _together(zones: Sequence[Zone], lines: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """Warnings on the tracks' shapes: no length, crossing themselves, lying on each other."""
    out = []
    boxes = np.array([zone.geometry.bounds for zone in zones])
    for k, (zone, ways) in enumerate(zip(zones, lines)):
        told = []
        if not ways:
            told.append(f"Track {zone.zone_id} has no length. Draw it again.")
        if any(not line.is_simple for line in ways):
            told.append(
                f"Track {zone.zone_id} crosses itself: a wagon at the crossing may be counted twice. Draw it as two."
            )
        near = (boxes[:k, :2] <= boxes[k, 2:] + SAME_TRACK_M) & (boxes[:k, 2:] >= boxes[k, :2] - SAME_TRACK_M)
        for other in np.flatnonzero(near.all(1)):
            shared = _shared_m(ways, lines[other])
            if shared > SAME_M:
                told.append(
                    f"Track {zone.zone_id} lies on track {zones[other].zone_id} for {shared:.0f} m: "
                    "what stands there is found in both, and is once in a total."
                )
        out.append(tuple(told))
    return out


def _shared_m(ways: Sequence[Any], others: Sequence[Any]) -> float:
    """Over how many metres lines run so close to others that they are one track."""
    return sum(line.intersection(other.buffer(SAME_TRACK_M)).length for line in ways for other in others)


def _joined(geometry: Any) -> list:
    """The lines of a zone, those that meet end to end joined."""
    from shapely.ops import linemerge

    whole = linemerge(geometry) if geometry.geom_type == "MultiLineString" else geometry
    return [line for line in getattr(whole, "geoms", [whole]) if line.length > 0]
