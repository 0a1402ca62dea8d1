"""What rason:portcalls says of calls against simulated ports: ``python bench/portcalls.py``.

Ships of a fleet of four (two of almost one length) come to a berth at random, also side by side, and are looked at at random, through
clouds. Written to bench/results/portcalls.json; about two minutes.
"""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine import calls  # noqa: E402
from rason.engine.epoch import Epoch  # noqa: E402

SEED, PORTS, PERIOD = 20261128, 200, 180.0
START = datetime(2023, 8, 1, tzinfo=timezone.utc)
FLEET = np.array([72.0, 98.0, 115.0, 120.0])
LENGTH_SD = 5.0
CLOUDY = 0.35
# name: days between looks, days between calls, recall, recall as told
CASES = {
    "a look every 7 days, a call every 30": (7, 30, 1.0, 1.0),
    "a look every 3 days, a call every 8": (3, 8, 1.0, 1.0),
    "two looks a day, a call every 8": (0.5, 8, 1.0, 1.0),
    "the same, recall .9, told": (0.5, 8, 0.9, 0.9),
    "the same, recall .9, taken for 1": (0.5, 8, 0.9, 1.0),
    "a look every 2 days, recall .9, told": (2, 8, 0.9, 0.9),
    "a look every 2 days, recall .9, taken for 1": (2, 8, 0.9, 1.0),
    "a look a day, recall .5, told": (1, 8, 0.5, 0.5),
}
STAY = 2.0


def port(rng, every, between, recall, stay):
    """Looks, and the true calls that were at the berth at any time between the first and the last usable one."""
    came = rng.uniform(-10, PERIOD, rng.poisson((PERIOD + 10) / between))
    left = came + (stay if stay else rng.uniform(STAY, 6, len(came)))
    length = rng.choice(FLEET, len(came))
    looks = []
    for day in np.sort(rng.uniform(0, PERIOD, rng.poisson(PERIOD / every))):
        usable = rng.random() > CLOUDY
        there = np.flatnonzero((came <= day) & (day < left)) if usable else []
        seen = [calls.Seen(float(length[i] + LENGTH_SD * rng.standard_normal())) for i in there if rng.random() < recall]
        looks.append(calls.Look(Epoch(START + timedelta(days=float(day))), usable, seen))
    days = np.array([look.day for look in looks if look.usable]) - START.timestamp() / 86400
    return looks, (came, left), days


def case(rng, every, between, recall, told, stay=None):
    """How often the bounds hold, and what is predicted against what happens."""
    over = bound = rate = seen = total = predicted = usable = 0.0
    least, most, truth = [], [], []
    for _ in range(PORTS):
        looks, (came, left), days = port(rng, every, between, recall, stay)
        if len(days) < 2:
            continue
        sightings = [one for look in looks for one in look.seen]
        zone = calls.ZoneCalls.of("berth", looks, calls.Error.of(sightings, LENGTH_SD, told), stay or STAY)
        there = (came < days[-1]) & (left > days[0])
        true = int(there.sum())
        usable += 1
        over += zone.at_least > true
        bound += zone.at_most is None or zone.at_most >= true
        rate += zone.most_a_month is None or zone.most_a_month >= calls.MONTH_DAYS / between
        least.append(zone.at_least)
        most.append(np.nan if zone.at_most is None else zone.at_most)
        truth.append(true)
        within = (came >= days[0]) & (came < days[-1])  # whose chance is predicted
        looked = [((days >= a) & (days < b)).sum() for a, b in zip(came[within], left[within])]
        total += within.sum()
        predicted += within.sum() * (zone.missed(stay) if stay else 0)
        seen += sum(rng.random() > (1 - recall) ** n for n in looked)
    out = {
        "true calls (mean)": np.mean(truth),
        "at least (mean)": np.mean(least),
        "at most (mean)": np.nanmean(most),
        "share with at least above the truth": over / usable,
        "share with the truth at or below at most": bound / usable,
        "share with the true rate at or below its bound": rate / usable,
    }
    if stay:
        out |= {"missed, predicted": predicted / total, "missed, simulated": 1 - seen / total}
    return {key: round(float(value), 3) for key, value in out.items()}


def unreviewed(rng):
    """Finds of a detector, many of them false, with a p that is right: how often at least is above the truth."""
    over, least, naive, truth = 0, [], [], []
    for _ in range(PORTS):
        looks, (came, left), days = port(rng, 2, 8, 1.0, None)
        if len(days) < 2:
            continue
        for look in looks:
            p = rng.uniform(0.4, 1, len(look.seen))
            false = [calls.Seen(rng.uniform(60, 130), one) for one in p for _ in range(rng.poisson((1 - one) / one))]
            look.seen[:] = [calls.Seen(seen.length_m, one) for seen, one in zip(look.seen, p)] + false
        sightings = [one for look in looks for one in look.seen]
        zone = calls.ZoneCalls.of("berth", looks, calls.Error.of(sightings, LENGTH_SD), STAY)
        truth.append(int(((came < days[-1]) & (left > days[0])).sum()))
        least.append(zone.at_least)
        naive.append(len(zone.calls))
        over += least[-1] > truth[-1]
    return {
        "true calls (mean)": round(np.mean(truth), 2),
        "at least (mean)": round(np.mean(least), 2),
        "all that was found (mean)": round(np.mean(naive), 2),
        "share with at least above the truth": round(over / len(truth), 3),
        "share with all that was found above the truth": round(float(np.mean(np.array(naive) > np.array(truth))), 3),
    }


def nothing(rng):
    """Berths at which nothing was seen: how often the bound holds the truth."""
    held = number = 0
    for _ in range(PORTS):
        looks, (came, left), days = port(rng, 7, 60, 1.0, STAY)
        zone = calls.ZoneCalls.of("berth", looks, calls.Error.of([], LENGTH_SD), STAY)
        if len(days) < 2 or any(look.seen for look in looks):
            continue
        number += 1
        held += zone.at_most is None or zone.at_most >= ((came < days[-1]) & (left > days[0])).sum()
    return {"berths": number, "share with the truth at or below at most": round(held / max(number, 1), 3)}


def main():
    """All cases, printed and written."""
    rng = np.random.default_rng(SEED)
    result = {
        "what": f"{PORTS} simulated berths a row, {PERIOD:.0f} days, {CLOUDY:.0%} of looks through cloud, length sd {LENGTH_SD:g} m",
        "stays of 2 to 6 days": {name: case(rng, *values) for name, values in CASES.items()},
        "stays of exactly 2 days": {name: case(rng, *values, stay=STAY) for name, values in CASES.items()},
        "finds of a detector, p from .4 to 1 and right, a look every 2 days, a call in 8": unreviewed(rng),
        "nothing seen, one call in 60 days, a look every 7": nothing(rng),
    }
    (ROOT / "bench" / "results" / "portcalls.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
