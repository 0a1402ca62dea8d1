"""A model file and its session: what goes in, how, and what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Refusal
from ..libraries import require
from ..provenance import fingerprint
from . import card as cards
from . import layouts
from .card import Card

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "nir")}
_MOST_CHANNELS = 16
_LUMA = {"red": 0.299, "green": 0.587, "blue": 0.114}
_NOTHING = {
    "background",
    "_background_",
    "__background__",
    "bg",
    "other",
    "none",
    "nothing",
    "void",
    "unlabeled",
    "unlabelled",
}
_POLL_S = 0.2


@dataclass(frozen=True)
class Input:
    """The picture a model takes: batch pictures of channels x rows x columns (channels_last: rows x columns x channels)."""

    name: str
    batch: int
    channels: int
    rows: int
    columns: int
    kind: Any
    channels_last: bool


@dataclass(frozen=True)
class Mixing:
    """How the scene's bands become the model's channels.

    bands: indices of the bands read. weights (channels, bands) and offset (channels): channel = weights x values + offset.
    ends (channels, 2): what the result is cut to, or None.
    """

    bands: tuple[int, ...]
    weights: np.ndarray
    offset: np.ndarray
    ends: np.ndarray | None

    def fill(self, target: np.ndarray, values: np.ndarray) -> None:
        """Write the channels of ``values`` (bands, rows, columns) into ``target`` (channels, rows, columns)."""
        plain = target.dtype == np.float32
        for c, (row, offset) in enumerate(zip(self.weights, self.offset)):
            first, *others = np.flatnonzero(row)
            mixed = np.multiply(values[first], row[first], out=target[c] if plain else None, dtype=np.float32)
            for k in others:
                mixed += values[k] * row[k]
            if offset:
                mixed += offset
            if self.ends is not None:
                np.clip(mixed, self.ends[c, 0], self.ends[c, 1], out=mixed)
            if not plain:
                target[c] = mixed if target.dtype != np.uint8 else np.rint(np.clip(mixed, 0, 255))


class Model:
    """A session of onnxruntime with what is known of the model. ``open`` makes one."""

    def __init__(self, session: Any, card: Card, taken: Input, file: tuple[str, int, str]) -> None:
        self.session, self.card, self.input = session, card, taken
        self.file_name, self.bytes, self.sha256 = file
        shapes = [tuple(output.shape) for output in session.get_outputs()]
        if not all(isinstance(side, int) for shape in shapes for side in shape):  # left open: one run tells
            shapes = [output.shape for output in outputs_of(lambda: self.run(self.buffer()))]
        self.layout = layouts.recognise(shapes, (taken.rows, taken.columns), len(card.classes), card.layout)
        self.names, self.background = _names(self.layout, card)
        unknown = sorted(set(card.class_map) - set(self.names))
        if unknown:
            raise Refusal(
                "CARD: class_map names {names}, which the model does not know: {names_2}.",
                names=", ".join(unknown),
                names_2=", ".join(self.names),
            )

    @classmethod
    def open(cls, path: str, card: Card | None = None, tile_px: int | None = None) -> Model:
        """Open a model. card: what the user says of it; tile_px: input size where the model leaves it open.

        Raises MissingLibrary without onnxruntime, Refusal for files that are no detector or do not fit their card.
        """
        require("onnxruntime")
        card = card or Card()
        files = fingerprint([path])
        if not files:
            raise Refusal("MODEL: {path} cannot be read. Check the path.", path=path)
        if card.sha256 and card.sha256 != files[0][2]:
            raise Refusal("MODEL {value} is not the file its card describes (SHA-256 {value_2}… instead of {value_3}…). Get the right file or the right card.", value=files[0][0], value_2=files[0][2][:12], value_3=card.sha256[:12])  # fmt: skip
        session = _session(path)
        said = card.over(cards.from_metadata(session.get_modelmeta().custom_metadata_map))
        if said.task in ("classify", "pose") or (said.task and said.task not in ("detect", "obb", "segment")):
            raise Refusal(
                "MODEL {value} is made for '{task}', not for finding objects. Use a detector.",
                value=files[0][0],
                task=said.task,
            )
        return cls(session, said, _input(session, said, tile_px), files[0])

    @property
    def provider(self) -> str:
        """What computes: CPU, CUDA, …"""
        return str(self.session.get_providers()[0]).replace("ExecutionProvider", "")

    def called(self, kinds: np.ndarray) -> np.ndarray:
        """The model's names of class numbers (N); models without names may give numbers nobody named."""
        return np.array([self.names[k] if k < len(self.names) else f"class {k}" for k in kinds], object)

    def buffer(self) -> np.ndarray:
        """A batch of zeros as the model takes it."""
        i = self.input
        shape = (i.rows, i.columns, i.channels) if i.channels_last else (i.channels, i.rows, i.columns)
        return np.zeros((i.batch, *shape), i.kind)

    def picture(self, batch: np.ndarray, k: int) -> np.ndarray:
        """Picture k of a batch as channels x rows x columns (a view)."""
        return np.moveaxis(batch[k], -1, 0) if self.input.channels_last else batch[k]

    def run(self, batch: np.ndarray, options: Any = None) -> list[np.ndarray]:
        """The outputs for one batch."""
        return list(self.session.run(None, {self.input.name: batch}, options))

    def mixing(self, roles: Sequence[str], display: tuple[np.ndarray, np.ndarray]) -> Mixing:
        """How a scene's bands (their roles, dark end and range) become the model's channels. Raises Refusal for missing ones."""
        bands, weights = _wanted(_channel_roles(self.card, self.input.channels, len(roles)), roles)
        dark, span = (np.asarray(v, float)[list(bands)] for v in display)
        scale, shift = _normalisation(self.card, self.input)
        if self.card.normalisation == "file":
            dark, span = np.zeros(len(bands)), np.ones(len(bands))
        mixed = weights / span
        offset = (-(mixed * dark).sum(1)) * scale + shift
        stretched = self.card.normalisation != "file" and bool((np.asarray(display[1])[list(bands)] != 255).any())
        ends = np.sort(np.column_stack([shift, scale + shift]), axis=1).astype(np.float32) if stretched else None
        return Mixing(bands, (mixed * scale[:, None]).astype(np.float32), offset.astype(np.float32), ends)

    def about(self) -> list[str]:
        """What it is, for the log."""
        i, card = self.input, self.card
        norm = card.normalisation or ("mean and std of the card" if card.mean else "0-255" if i.kind == np.uint8 else "0-1")
        gsd = " to ".join(f"{g:g} m" for g in sorted(set(card.gsd_m))) if card.gsd_m else "not said"
        return [
            f"Model {card.name or self.file_name} ({self.bytes / 1e6:.1f} MB, SHA-256 {self.sha256[:12]}…), licence {card.licence or 'not said'}, "
            f"computed on {self.provider}.",
            f"Input: {i.batch} x {i.rows} x {i.columns} pixels, {i.channels} channels "
            f"({', '.join(card.channels or _CHANNELS.get(i.channels, ('file order',)))}), {np.dtype(i.kind).name}, values {norm}; "
            f"trained at {gsd}.",
            f"Output: {self.layout}: {', '.join(self.names[:20])}{' …' if len(self.names) > 20 else ''}.",
        ]


class Worker:
    """Computes batches one after another in a thread of its own; leaving it (cancel) ends what still runs."""

    def __init__(self, model: Model) -> None:
        import onnxruntime

        self._model, self._options = model, onnxruntime.RunOptions()
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._options.terminate = True
        self._thread.shutdown(wait=True, cancel_futures=True)

    def start(self, batch: np.ndarray) -> Future:
        """Line up a batch, which must stay as it is until its outputs are there."""
        return self._thread.submit(self._model.run, batch, self._options)

    def wait(self, started: Future, alive: Callable[[], None]) -> list[np.ndarray]:
        """The outputs. alive is called while waiting, and may raise to cancel."""
        while not wait([started], _POLL_S).done:
            alive()
        return outputs_of(started.result)


def outputs_of(run: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
    """What ``run`` gives; onnxruntime's errors become refusals."""
    try:
        return run()
    except Exception as error:
        raise Refusal(
            "MODEL could not be run on a tile ({error}). Try a smaller tile size.", error=_first_line(error)
        ) from error


def _session(path: str) -> Any:
    import onnxruntime

    name = Path(path).name
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # messages come as refusals, not on the terminal
    wanted = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(path, options, providers=wanted)
    except Exception as error:
        text = _first_line(error)
        if "ir version" in text.lower() or "opset" in text.lower():
            raise Refusal("MODEL {name} needs a newer onnxruntime than {version} ({text}). Update onnxruntime, or export the model for an older opset.", name=name, version=onnxruntime.__version__, text=text) from error  # fmt: skip
        raise Refusal(
            "MODEL {name} is not an ONNX model that onnxruntime can load ({text}). Export it to ONNX, or copy it again.",
            name=name,
            text=text,
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _input(session: Any, card: Card, tile_px: int | None) -> Input:
    """The one picture the model takes."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        found = "; ".join(f"{i.name}: {' x '.join(map(str, i.shape))}" for i in inputs)
        raise Refusal(
            "MODEL takes {found}: not one picture (batch x channels x rows x columns). Use a detector for images.",
            found=found,
        )
    kind = _TYPES.get(inputs[0].type)
    if kind is None:
        raise Refusal(
            "MODEL takes values of type {type}. Known are float, float16 and uint8: export it again.", type=inputs[0].type
        )
    batch, *shape = (v if isinstance(v, int) and v > 0 else 0 for v in inputs[0].shape)  # 0: left open
    last = 0 < shape[2] <= _MOST_CHANNELS and not 0 < shape[0] <= _MOST_CHANNELS
    channels, rows, columns = (shape[2], shape[0], shape[1]) if last else shape
    side = _open_side(card, tile_px) if not (rows and columns) else 0
    channels = channels or len(card.channels) or 3
    return Input(inputs[0].name, batch or 1, channels, rows or side, columns or side, kind, last)


def _open_side(card: Card, tile_px: int | None) -> int:
    stride = card.stride or 32
    return math.ceil((tile_px or card.tile_px or 640) / stride) * stride


def _names(layout: layouts.Layout, card: Card) -> tuple[tuple[str, ...], int]:
    """Class names and the number of the class that is no object (-1: none)."""
    names, count = card.classes, layout.classes
    if layout.name != "semantic":
        return names or tuple(f"class {i}" for i in range(count)), -1
    if count == len(names) + 1 and count > 1 and names:
        return ("background", *names), 0
    if not names:
        names = tuple(f"class {i}" for i in range(count or 256))
        return names, 0 if count != 1 and card.background != "" else -1
    if count and count != len(names):
        raise Refusal(
            "MODEL gives {count} classes for each pixel, but {names} are named. Correct the classes in the card.",
            count=count,
            names=len(names),
        )
    if card.background:
        if card.background not in names:
            raise Refusal(
                "CARD: background {background} is none of the classes {names}.",
                background=card.background,
                names=", ".join(names),
            )
        return names, names.index(card.background)
    if card.background == "" or count == 1:
        return names, -1
    return names, next((k for k, name in enumerate(names) if name.lower() in _NOTHING), -1 if count else 0)


def _channel_roles(card: Card, count: int, bands: int) -> tuple[str, ...]:
    """What each channel shows; empty for the file's own bands in their order."""
    if card.channels and len(card.channels) != count:
        raise Refusal(
            "CARD names {len} channels, the model has {count}. Name each one.", len=len(card.channels), count=count
        )
    roles = card.channels or _CHANNELS.get(count, ())
    if not roles and count != bands:
        raise Refusal(
            "MODEL needs {count} bands, INPUT has {bands}. Name the model's channels in the card.", count=count, bands=bands
        )
    return roles


def _wanted(channels: tuple[str, ...], roles: Sequence[str]) -> tuple[tuple[int, ...], np.ndarray]:
    """Indices of the bands needed and the weights (channels, bands) of each channel."""
    if not channels:
        return tuple(range(len(roles))), np.eye(len(roles))
    colours = all(role in roles for role in _LUMA)
    single = next((roles.index(role) for role in ("pan", "grey") if role in roles), 0 if len(roles) == 1 else -1)
    mixes: list[dict[int, float]] = []
    for channel in channels:
        if channel in roles:
            mixes.append({roles.index(channel): 1.0})
        elif channel in _LUMA and single >= 0 and not colours:
            mixes.append({single: 1.0})
        elif channel in ("grey", "pan") and (single >= 0 or colours):
            mixes.append({single: 1.0} if single >= 0 else {roles.index(r): w for r, w in _LUMA.items()})
        else:
            raise Refusal("MODEL needs {channels} bands ({names}), INPUT has {names_2}: {channel} is missing. Set BANDS if they are named wrongly, or use another model.", channels=len(channels), names=', '.join(channels), names_2=', '.join(roles), channel=channel)  # fmt: skip
    bands = tuple(sorted({band for mix in mixes for band in mix}))
    return bands, np.array([[mix.get(band, 0.0) for band in bands] for mix in mixes])


def _normalisation(card: Card, taken: Input) -> tuple[np.ndarray, np.ndarray]:
    """Factor and summand by channel for values of 0..1."""
    n = taken.channels
    how = card.normalisation or ("0-255" if taken.kind == np.uint8 else "0-1")
    mean, std = (card.mean, card.std) if card.mean or card.std else cards.imagenet(n) if how == "imagenet" else ((), ())
    mean, std = mean or (0.0,) * n, std or (1.0,) * n
    if len(mean) != n or len(std) != n:
        raise Refusal("CARD: mean and std need one number for each of the {n} channels.", n=n)
    scale = (255.0 if how == "0-255" else 1.0) / np.array(std)
    return scale, -np.array(mean) / np.array(std)
