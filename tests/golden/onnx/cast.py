#!/usr/bin/env python3
"""Writes cast.tsv beside it: python3 tests/golden/onnx/cast.py

What Cast makes of f32s, by the evaluator of onnx (opset 28) and by onnxruntime on the CPU (opset 25). A row an
input (f32 bits), a column a program, type, `saturate` and, into E8M0, `round_mode`; everything in hexadecimal. QuantizeLinear into FP8 under
scale 1 is asserted to be the evaluator's Cast. Needs onnx, onnxruntime, ml_dtypes and numpy.
"""

import ctypes
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.filterwarnings("ignore", category=RuntimeWarning)
FP8 = {"e4m3fn": TensorProto.FLOAT8E4M3FN, "e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ, "e5m2": TensorProto.FLOAT8E5M2, "e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ}
SMALL = {"e2m1": TensorProto.FLOAT4E2M1, "e2m3": TensorProto.FLOAT6E2M3, "e3m2": TensorProto.FLOAT6E3M2}


def inputs():
    bits = lambda x: int(np.float32(x).view(np.uint32))
    # The cells of the operator's tables: zeros, NaN (quiet, signalling, with payload), infinities.
    special = [0, 0x7FC00000, 0x7F800001, 0x7FFFFFFF, 0x7FA00000, 0x7F800000]
    # f32s that are subnormal, and E8M0's smallest number 2^-127, its neighbours and the middles around it.
    special += [1, 2, 0x00200000, 0x002FFFFF, 0x00300000, 0x00300001, 0x003FFFFF, 0x00400000, 0x00400001, 0x00500000, 0x005FFFFF, 0x00600000, 0x00600001, 0x007FFFFF]
    # Where numbers begin to overflow and where they vanish, ties and numbers between: of each format, one f32 on either side.
    points = [2.0**-126, 2.0**127, 1.25 * 2.0**127, 1.5 * 2.0**127, float(np.finfo(np.float32).max), 1.4, 2.8, 3.0]
    points += [448, 464, 480, 512, 240, 248, 256, 57344, 61440, 65536, 6, 7, 8, 7.5, 7.75, 28, 30, 32]
    points += [m * 2.0**e for e in (-18, -17, -16, -11, -10, -9, -6, -5, -4, -2) for m in (1, 1.5, 3)]
    points += [1 + k / 16 for k in range(17)] + [2 + k / 8 for k in range(9)] + [1 + k / 32 for k in (1, 3, 17)]
    near = [bits(x) + step for x in points for step in (-1, 0, 1)]
    generator = np.random.default_rng(20261130)
    scattered = [int(x) for x in generator.integers(0, 1 << 32, 200)]
    usual = [bits(x) for x in generator.normal(0, 1, 150) * np.exp2(generator.uniform(-18, 17, 150))]
    both = [x for b in special + near for x in (b, b | 0x80000000)]
    return np.array(list(dict.fromkeys(both + scattered + usual)), dtype=np.uint32).view(np.float32)


def model(node, opset, x, to, initializers=()):
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])], [helper.make_tensor_value_info("y", to, [len(x)])]
    graph = helper.make_graph([node], "cast", *values, initializer=list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=11)


def evaluated(node, x, to, initializers=()):
    (y,) = ReferenceEvaluator(model(node, 28, x, to, initializers)).run(None, {"x": x})
    return np.ascontiguousarray(y).view(np.uint8)


def by_runtime(node, x, to):
    session = onnxruntime.InferenceSession(model(node, 25, x, to).SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run_with_ort_values(["y"], {"x": onnxruntime.OrtValue.ortvalue_from_numpy(x)})
    return np.ctypeslib.as_array(ctypes.cast(y.data_ptr(), ctypes.POINTER(ctypes.c_uint8)), x.shape).copy()


x = inputs()
columns = {"f32": [f"{bits:08x}" for bits in x.view(np.uint32)]}
for program, run in (("onnx", evaluated), ("onnxruntime", by_runtime)):
    for saturate in (1, 0):
        for name, to in FP8.items():
            codes = run(helper.make_node("Cast", ["x"], ["y"], to=to, saturate=saturate), x, to)
            columns[f"{program}.{name}.{saturate}"] = [f"{code:02x}" for code in codes]
            if program == "onnx":
                one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
                quantize = helper.make_node("QuantizeLinear", ["x", "one"], ["y"], output_dtype=to, saturate=saturate)
                assert (evaluated(quantize, x, to, [one]) == codes).all(), name
        for mode in ("up", "nearest", "down"):
            to = TensorProto.FLOAT8E8M0
            codes = run(helper.make_node("Cast", ["x"], ["y"], to=to, saturate=saturate, round_mode=mode), x, to)
            columns[f"{program}.e8m0.{saturate}.{mode}"] = [f"{code:02x}" for code in codes]
for name, to in SMALL.items():
    codes = evaluated(helper.make_node("Cast", ["x"], ["y"], to=to), x, to)
    columns[f"onnx.{name}"] = [f"{code:02x}" for code in codes]
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {len(x)} inputs, {len(columns) - 1} columns")
lines = ["\t".join(columns)] + ["\t".join(row) for row in zip(*columns.values())]
(pathlib.Path(__file__).parent / "cast.tsv").write_text("\n".join(lines) + "\n")
