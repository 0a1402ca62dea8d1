"""How far a detector's counts can be trusted: misses, doubles and false detections in labelled scenes, kept apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .classes import CLASSES, ground_unit
from .conditions import MARGINS, WORDS, outside
from .errors import Refusal
from .probability import ScoreModel
from .score_alarm import alarm

LEAST_SCENES = 3  # fewer labelled scenes with objects cannot show how scenes differ: uncalibrated
LEAST_OBJECTS = 3  # a scene with fewer says little about recall
LEAST_SITES = 5  # scenes of the same site, or other sites, from which a site's own bias is known (ALGORITHMS 2.1, step 9)

# Without labels nothing is corrected (mean log ratio true/found 0). Quick studies on real imagery gave counts 10 to 40 %
# off: an sd of .20 for what the detector does on average and .20 for the scene, together a factor of 1.6 either way at 90 %.
# Ships alongside land are another matter: those studies found 17 to 55 % of them, so the truth is one to four times the count.
# (mean of the log ratio, sd of that mean, sd between scenes)
USUAL, ALONGSIDE = "usual", "alongside land"
PRIORS = {USUAL: (0.0, 0.20, 0.20), ALONGSIDE: (0.5, 0.40, 0.30)}
NEW_SITE_SD = 0.15  # of the log ratio, for a site the calibration does not know (logit sd 1.1 at a recall of .85)
UNCALIBRATED_SD = 0.20  # no labels, synthetic labels only, or conditions outside the calibrated range

# Nine people counting on one 0.3 m picture gave 880 to 1,182: a range of .295 on the log scale; nine normal draws span
# 2.97 sd, so the sd between people is .10. Objects that are hard for all of them are missed by all, which the range cannot
# show: upwards the error is taken half as large again ("at least").
HAND_SD, HAND_UPWARD, HAND_TRUE_SHARE = 0.10, 1.5, 0.97

# How a tally came about, in rising order of trust.
UNCALIBRATED, CALIBRATED, REVIEWED, COUNTED = "uncalibrated", "calibrated", "reviewed", "counted"


@dataclass(frozen=True)
class CalibrationDraws:
    """Joint draws (S,) of what everything that rests on one calibration shares.

    mu: mean of the log ratio true/found; tau: its sd between scenes; background: false detections per hectare or track-km;
    background_cv: their cv between scenes. true_share: share of what is found on objects that is not a double.
    by_hand: drawn for a person's count, whose error reaches further up than down.
    """

    mu: np.ndarray
    tau: np.ndarray
    background: np.ndarray
    background_cv: np.ndarray
    true_share: float
    by_hand: bool = False

    def __len__(self) -> int:
        return len(self.mu)


@dataclass(frozen=True)
class Trust:
    """What a calibration is worth for one scene: the extra sd of the log ratio, the tally's basis, and why.

    reasons: what makes it uncalibrated. unknown: conditions that the scene or the labelled scenes do not tell.
    """

    site_sd: float
    basis: str
    reasons: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def note(self) -> str:
        """What weakens the number, for a tally's row."""
        why = f"uncalibrated: {'; '.join(self.reasons)}" if self.reasons else ""
        unchecked = f"not known, so not compared with the labelled scenes: {', '.join(self.unknown)}" * bool(self.unknown)
        return ". ".join(text for text in (why, unchecked) if text)


def _numbers(values: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, float))
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Calibration:
    """Labelled scenes (or zones) of one class, one entry an array each; empty ones belong in it.

    tp: objects found. fn: objects missed. dup: extra detections touching a true object. bg: detections touching none.
    exposure: ground looked at, in exposure_unit ("ha", or "km" of track); 0 where unknown. site: name of each scene's site.
    source: where the labels come from, with attribution. conditions: name -> (lowest, highest) value in the labelled scenes,
    e.g. {"effective_gsd_m": (0.25, 0.5)}. sensors: their names, none where one is not known. synthetic: the scenes were
    simulated. prior: what is assumed while there are fewer than three labelled scenes, a key of PRIORS. scores: number, mean and
    sd of each scene's scores, for the alarm; none where not kept. model: from score to p, where there are labels enough.
    false_on_empty: detections to expect on one unit of empty ground while there are fewer than three labelled scenes; None for
    what ``classes.py`` says.
    """

    class_name: str
    tp: np.ndarray
    fn: np.ndarray
    dup: np.ndarray
    bg: np.ndarray
    exposure: np.ndarray
    exposure_unit: str = "ha"
    site: tuple[str, ...] = ()
    source: str = ""
    conditions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    synthetic: bool = False
    prior: str = USUAL
    sensors: tuple[str, ...] = ()
    scores: tuple[tuple[int, float, float], ...] = ()
    model: ScoreModel | None = None
    false_on_empty: float | None = None

    def __post_init__(self) -> None:
        for name in ("tp", "fn", "dup", "bg", "exposure"):
            values = _numbers(getattr(self, name))
            if values.shape != (len(self.tp),) or not np.all(np.isfinite(values) & (values >= 0)):
                raise Refusal(
                    "The calibration of {class_name} is not usable: {name} needs one number of 0 or more for each "
                    "labelled scene. Make it again with rason:calibrate.",
                    class_name=self.class_name,
                    name=name,
                )
            object.__setattr__(self, name, values)
        if self.site and len(self.site) != len(self.tp):
            raise Refusal(
                "The calibration of {class_name} names {sites} sites for {scenes} labelled scenes. Give one site name a "
                "scene, or none.",
                class_name=self.class_name,
                sites=len(self.site),
                scenes=len(self.tp),
            )
        if self.prior not in PRIORS:
            raise Refusal(
                "The calibration of {class_name} names no known prior ({names}): {prior}.",
                class_name=self.class_name,
                names=", ".join(PRIORS),
                prior=self.prior,
            )
        if self.exposure_unit not in ("ha", "km"):
            raise Refusal(
                "The calibration of {class_name} counts ground in {exposure_unit}. Use ha, or km of track.",
                class_name=self.class_name,
                exposure_unit=self.exposure_unit,
            )

    @classmethod
    def none(
        cls, class_name: str, exposure_unit: str | None = None, *, prior: str = USUAL, false_on_empty: float | None = None
    ) -> Calibration:
        """No labelled scene at all: the wide prior (a key of PRIORS), and every tally is uncalibrated."""
        empty = np.zeros(0)
        unit = exposure_unit or (ground_unit(class_name))
        return cls(class_name, empty, empty, empty, empty, empty, unit, prior=prior, false_on_empty=false_on_empty)

    @property
    def scenes_with_objects(self) -> int:
        """Labelled scenes that say something about recall."""
        return int(((self.tp + self.fn) >= LEAST_OBJECTS).sum())

    @property
    def sites(self) -> int:
        """Number of different sites."""
        return len(set(self.site)) if self.site else min(len(self.tp), 1)

    @property
    def key(self) -> str:
        """Short name that a tally row keeps, so that a comparison finds the calibration again; follows the content."""
        content = json.dumps(self.to_dict(), sort_keys=True).encode()
        return f"{self.class_name}-{hashlib.sha256(content).hexdigest()[:10]}"

    def trust(self, site: str = "", scores: Sequence[float] | np.ndarray = (), **conditions: float | str) -> Trust:
        """Whether a scene is inside what was calibrated: ``trust("rajin", effective_gsd_m=0.5, sensor="WorldView-2")``.

        scores: of its detections, for the alarm. Source: ALGORITHMS 2.1 step 9. A shift cannot be noticed from a count alone,
        so an unknown site counts as shifted.
        """
        if self.scenes_with_objects < LEAST_SCENES:
            # the prior's own scene sd holds the .20 already
            return Trust(0.0, UNCALIBRATED, (f"fewer than {LEAST_SCENES} labelled scenes with {self.class_name} objects",))
        spans = {**self.conditions, **({"sensor": self.sensors} if self.sensors else {})}
        unknown = tuple(WORDS[name][0] for name in (*MARGINS, "sensor") if name not in spans or name not in conditions)
        reasons = ["the labelled scenes are synthetic"] if self.synthetic else []
        told = (outside(name, conditions[name], span) for name, span in spans.items() if name in conditions)
        reasons += [text for text in (*told, alarm(self.scores, scores)) if text]
        if reasons:
            return Trust(UNCALIBRATED_SD, UNCALIBRATED, tuple(reasons), unknown)
        others = set(self.site) - {site, ""}
        if (site and self.site.count(site) >= LEAST_SITES) or len(others) >= LEAST_SITES:
            return Trust(0.0, CALIBRATED, (), unknown)
        return Trust(NEW_SITE_SD, UNCALIBRATED, (f"fewer than {LEAST_SITES} labelled scenes of this site",), unknown)

    def draws(self, seed: int = 0, size: int = 2000) -> CalibrationDraws:
        """Draws of the shared quantities, the same for the same seed and size. Source: ALGORITHMS 2.1, steps 1 to 4."""
        rng = np.random.default_rng([int(seed), 4])
        found = (self.tp + self.dup).sum()
        true_share = self.tp.sum() / found if found > 0 else 1.0
        tau, mu = self._recall_draws(rng, size)
        background, cv = self._background_draws(rng, size)
        return CalibrationDraws(mu, tau, background, cv, float(true_share))

    def _log_ratios(self) -> tuple[np.ndarray, np.ndarray]:
        """Log ratio true/found of each scene with objects, and its variance within the scene.

        The variance comes from pooled rates: a scene's own errors would set its own weight and pull the mean.
        """
        true, found = self.tp + self.fn, self.tp + self.dup
        use = true >= LEAST_OBJECTS
        y = np.log((true[use] + 0.5) / (found[use] + 0.5))
        all_found = max(found.sum(), 1.0)
        errors = (self.dup.sum() + self.fn.sum() + 1) / all_found
        return y, errors / (true[use] * all_found / max(true.sum(), 1.0))

    def _recall_draws(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        y, v = self._log_ratios()
        if len(y) < LEAST_SCENES:
            prior_mean, mean_sd, scene_sd = PRIORS[self.prior]
            weight = 1 / (v + scene_sd**2)
            total = weight.sum() + 1 / mean_sd**2
            mean = ((weight * y).sum() + prior_mean / mean_sd**2) / total
            return np.full(size, scene_sd), mean + rng.standard_normal(size) / np.sqrt(total)
        tau = np.concatenate([[0.0], np.geomspace(0.01, 2.0, 60)])
        w = 1 / (v + tau[:, None] ** 2)
        total = w.sum(1)
        mean = (w * y).sum(1) / total
        log_weight = (
            np.log(np.gradient(tau))
            - np.log1p((tau / 0.25) ** 2)
            - 0.5 * np.log(total)
            + 0.5 * np.log(w).sum(1)
            - 0.5 * (w * (y - mean[:, None]) ** 2).sum(1)
        )
        at = pick(log_weight, rng, size)
        return tau[at], mean[at] + rng.standard_normal(size) / np.sqrt(total[at])

    def _background_draws(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        """False detections per unit of ground: negative binomial counts, on a grid of mean and cv.

        Prior: half-Cauchy(.8) on the cv, Jeffreys' b^-1/2 on the mean (flat on log b would be improper where no false
        detection was seen). With fewer than three scenes of known ground, pulled to what ``classes.py`` expects.
        """
        use = self.exposure > 1e-6  # less is ground of no size
        bg, exposure = self.bg[use], self.exposure[use]
        usual = CLASSES[self.class_name].false_on_empty if self.class_name in CLASSES else 0.5
        pull = 0.5 / (self.false_on_empty or usual) if len(bg) < LEAST_SCENES else 0.0
        b = (bg.sum() + 0.5) / (exposure.sum() + pull) * np.geomspace(0.01, 20.0, 61)
        cv = np.geomspace(0.05, 4.0, 25)
        log_weight = 0.5 * np.log(b)[:, None] - pull * b[:, None] + np.log(np.gradient(cv)) - np.log1p((cv / 0.8) ** 2)
        if len(bg):
            log_weight = log_weight + _negative_binomial(bg, b[:, None, None] * exposure, cv[:, None])
        row, column = np.divmod(pick(log_weight.ravel(), rng, size), len(cv))
        return b[row], cv[column]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("tp", "fn", "dup", "bg", "exposure")}
        return {
            "class": self.class_name,
            **arrays,
            "exposure_unit": self.exposure_unit,
            "prior": self.prior,
            "site": list(self.site),
            "source": self.source,
            "conditions": {name: list(ends) for name, ends in self.conditions.items()},
            "sensors": list(self.sensors),
            "scores": [list(scene) for scene in self.scores],
            "model": self.model and self.model.to_dict(),
            "synthetic": self.synthetic,
            **({} if self.false_on_empty is None else {"false_on_empty": self.false_on_empty}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The inverse of ``to_dict``. Raises Refusal naming what is missing or wrong."""
        try:
            return cls(
                class_name=str(values["class"]),
                exposure_unit=values.get("exposure_unit", "ha"),
                site=tuple(values.get("site", ())),
                source=str(values.get("source", "")),
                synthetic=bool(values.get("synthetic", False)),
                prior=str(values.get("prior", USUAL)),
                sensors=tuple(str(name) for name in values.get("sensors", ())),
                scores=tuple((int(n), float(mean), float(sd)) for n, mean, sd in values.get("scores", ())),
                model=ScoreModel.from_dict(values["model"]) if values.get("model") else None,
                false_on_empty=values.get("false_on_empty"),
                conditions={name: (float(low), float(high)) for name, (low, high) in values.get("conditions", {}).items()},
                **{name: np.asarray(values[name], float) for name in ("tp", "fn", "dup", "bg", "exposure")},
            )
        except Refusal:
            raise
        except KeyError as missing:
            raise Refusal("The calibration has no {missing}. Make it again with rason:calibrate.", missing=missing) from None
        except (TypeError, ValueError, AttributeError) as wrong:
            raise Refusal(
                "The calibration cannot be read ({wrong}). Make it again with rason:calibrate.", wrong=wrong
            ) from None


def hand_draws(seed: int = 0, size: int = 2000) -> CalibrationDraws:
    """The error of a person's count (or of detections a person has reviewed), in the form of a calibration's draws."""
    zero = np.zeros(size)
    return CalibrationDraws(zero, np.full(size, HAND_SD), zero, zero, HAND_TRUE_SHARE, by_hand=True)


def load(text: str, name: str = "the calibration") -> dict[str, Calibration]:
    """Calibrations by class from JSON text: a list of ``to_dict`` values. ``name`` is what an error calls the input."""
    try:
        values = json.loads(text)
        if not values or not isinstance(values, list):
            raise ValueError("no list of calibrations")
        calibrations = [Calibration.from_dict(value) for value in values]
    except Refusal:
        raise
    except (ValueError, AttributeError, TypeError):
        raise Refusal("{name} is not a calibration file. Choose one made by rason:calibrate.", name=name) from None
    return {calibration.class_name: calibration for calibration in calibrations}


def dump(calibrations: Sequence[Calibration]) -> str:
    """JSON text for ``load``."""
    return json.dumps([calibration.to_dict() for calibration in calibrations], indent=1)


def pick(log_weight: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Indices drawn in proportion to exp(log_weight)."""
    cumulative = np.exp(log_weight - log_weight.max()).cumsum()
    return np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right").clip(max=len(cumulative) - 1)


def _negative_binomial(count: np.ndarray, mean: np.ndarray, cv: np.ndarray) -> np.ndarray:
    """Log likelihood, summed over the last axis, of counts whose rate has this mean and this cv between scenes."""
    from scipy.special import gammaln

    shape = 1 / cv**2
    fixed = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1)
    return (fixed + shape * np.log(shape / (shape + mean)) + count * np.log(mean / (shape + mean))).sum(-1)
