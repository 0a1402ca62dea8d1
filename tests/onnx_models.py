"""Models whose answer is written in the picture: every pixel is a candidate. Red is its score, blue its length / 32 px, green its
angle / 3 rad; the width is 4 px."""

import numpy as np

from rason.tests.onnx_writer import node, value, write

WIDTH = 4.0


def encoded(path, layout="v8", side=64, batch=1, kind="float32", channels_last=False, open_size=False, metadata=None):
    """A detector of two classes; the second one's score is half the first one's."""
    n = side * side
    y, x = np.mgrid[:side, :side] + 0.5
    centre = np.broadcast_to(np.stack([x, y]).reshape(1, 2, -1), (batch, 2, n)).astype(np.float32)
    constants = {
        "shape": np.array([batch, 3, n]), "centre": centre, "high": np.full((batch, 1, n), WIDTH, np.float32),
        "long": np.array([32.0], np.float32), "turn": np.array([3.0], np.float32), "half": np.array([0.5], np.float32),
        "one": np.ones((batch, 1, n), np.float32), "none": np.zeros((batch, 1, n), np.float32),
    }  # fmt: skip
    nodes, picture = [], "image"
    if channels_last:
        nodes.append(node("Transpose", [picture], ["first"], perm=[0, 3, 1, 2]))
        picture = "first"
    if kind != "float32":
        nodes.append(node("Cast", [picture], ["plain"], to=1))
        picture = "plain"
    if kind == "uint8":
        constants["unit"] = np.array([1 / 255], np.float32)
        nodes.append(node("Mul", [picture, "unit"], ["scaled"]))
        picture = "scaled"
    nodes += [
        node("Reshape", [picture, "shape"], ["flat"]),
        node("Split", ["flat"], ["r", "g", "b"], axis=1),
        node("Mul", ["b", "long"], ["w"]),
        node("Mul", ["g", "turn"], ["a"]),
        node("Mul", ["r", "half"], ["r2"]),
        node("Split", ["centre"], ["cx", "cy"], axis=1),
        node("Mul", ["w", "half"], ["w2"]),
        node("Mul", ["high", "half"], ["h2"]),
        node("Sub", ["cx", "w2"], ["x1"]),
        node("Add", ["cx", "w2"], ["x2"]),
        node("Sub", ["cy", "h2"], ["y1"]),
        node("Add", ["cy", "h2"], ["y2"]),
    ]
    rows = {
        "v8": ["cx", "cy", "w", "high", "r", "r2"],
        "v5": ["cx", "cy", "w", "high", "one", "r", "r2"],
        "obb": ["cx", "cy", "w", "high", "r", "r2", "a"],
        "end2end": ["x1", "y1", "x2", "y2", "r", "none"],
        "end2end-obb": ["cx", "cy", "w", "high", "r", "none", "a"],
    }[layout]
    by_column = layout in ("v8", "obb")
    nodes.append(node("Concat", rows, ["output0" if by_column else "columns"], axis=1))
    if not by_column:
        nodes.append(node("Transpose", ["columns"], ["output0"], perm=[0, 2, 1]))
    size = ("height", "width") if open_size else (side, side)
    taken = (batch, *size, 3) if channels_last else (batch, 3, *size)
    given = (batch, len(rows), n) if by_column else (batch, n, len(rows))
    metadata = {"names": "{0: 'car', 1: 'van'}", **(metadata or {})}
    return write(path, nodes, [value("image", taken, kind)], [value("output0", given)], constants, metadata)


def passing(path, side=64, channels=3, shown=1, metadata=None, broken=False):
    """A semantic model that gives its first ``shown`` channels back as probabilities. broken: it then adds what never fits."""
    nodes = [node("Slice", ["image", "from", "to", "axis"], ["part" if broken else "mask"])]
    constants = {"from": np.array([0]), "to": np.array([shown]), "axis": np.array([1])}
    if broken:
        nodes.append(node("Add", ["part", "odd"], ["mask"]))
        constants["odd"] = np.zeros((1, 1, 7, 7), np.float32)
    inputs, outputs = [value("image", (1, channels, side, side))], [value("mask", (1, shown, side, side))]
    return write(path, nodes, inputs, outputs, constants, metadata)


def shaped(path, *shapes, taken=(1, 3, 64, 64), metadata=None):
    """A model whose outputs are zeros of these shapes."""
    nodes = [node("ReduceMean", ["image"], ["mean"], keepdims=0), node("Mul", ["mean", "zero"], ["nil"])]
    constants = {"zero": np.zeros(1, np.float32)}
    for k, shape in enumerate(shapes):
        constants[f"zeros{k}"] = np.zeros(shape, np.float32)
        nodes.append(node("Add", [f"zeros{k}", "nil"], [f"out{k}"]))
    outputs = [value(f"out{k}", shape) for k, shape in enumerate(shapes)]
    return write(path, nodes, [value("image", taken)], outputs, constants, metadata)
