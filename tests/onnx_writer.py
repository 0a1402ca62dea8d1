"""Writes small ONNX models without the onnx package: just enough of its protobuf."""

import struct

import numpy as np

_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float16": 10}


def _varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number, value):
    """One protobuf field: int, text, bytes or message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _fields(number, values):
    return b"".join(_field(number, value) for value in values)


def tensor(name, array):
    """TensorProto."""
    array = np.ascontiguousarray(array)
    return _fields(1, array.shape) + _field(2, _TYPES[str(array.dtype)]) + _field(8, name) + _field(9, array.tobytes())


def _attribute(name, value):
    if isinstance(value, np.ndarray):
        return _field(1, name) + _field(5, tensor("", value)) + _field(20, 4)
    if isinstance(value, float):
        return _field(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _field(20, 1)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + _fields(8, value) + _field(20, 7)


def node(kind, inputs, outputs, **attributes):
    """NodeProto."""
    found = [_attribute(name, value) for name, value in attributes.items()]
    return _fields(1, inputs) + _fields(2, outputs) + _field(4, kind) + _fields(5, found)


def value(name, shape, kind="float32"):
    """ValueInfoProto; sides given as text are left open."""
    sides = [_field(2, side) if isinstance(side, str) else _field(1, side) for side in shape]
    return _field(1, name) + _field(2, _field(1, _field(1, _TYPES[kind]) + _field(2, _fields(1, sides))))


def write(path, nodes, inputs, outputs, constants=None, metadata=None, opset=13):
    """A model file. nodes, inputs, outputs as made above; constants {name: array}; metadata {key: text}."""
    graph = _fields(1, nodes) + _field(2, "graph") + _fields(5, [tensor(k, v) for k, v in (constants or {}).items()])
    graph += _fields(11, inputs) + _fields(12, outputs)
    said = [_field(1, k) + _field(2, v) for k, v in (metadata or {}).items()]
    model = _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, opset)) + _fields(14, said)
    with open(path, "wb") as file:
        file.write(model)
    return str(path)
