"""Writes a GGUF file with random blocks of every type that gguf dequantizes, or checks one that subhalf wrote.

Beside a tensor NAME the file has NAME.numbers, F32: what gguf.quants makes of it. Made with gguf 0.19.0 and numpy 2.4.6
(pip install gguf==0.19.0 numpy==2.4.6); run by hand:

    python tests/interop/gguf_types.py write tests/golden/gguf/types.gguf 2
    python tests/interop/gguf_types.py write LARGE.gguf 4000      # SUBHALF_GGUF=LARGE.gguf cargo test -- --ignored gguf
    python tests/interop/gguf_types.py quantize OWN.gguf 400      # SUBHALF_GGUF=OWN.gguf: of every type that gguf quantizes to
    python tests/interop/gguf_types.py check WRITTEN.gguf         # SUBHALF_GGUF_OUT=WRITTEN.gguf, the same test
"""

import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize

# Where the F16 factors of a block lie: random bits would often be infinite or NaN, which subhalf refuses.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64],
    "MXFP4": [], "NVFP4": [], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "IQ1_S": [0],
    "IQ1_M": [],
}
FP4 = {"MXFP4": 1, "NVFP4": 4}  # the first byte of the nibbles


def blocks(random, name, rows):
    elements, size = GGML_QUANT_SIZES[Type[name]]
    count = 512 // elements
    data = random.integers(0, 256, (rows * count, size), dtype=np.uint8)
    for place in HALVES[name]:
        bits = random.integers(0, 0x7C00, rows * count, dtype=np.uint16)
        bits |= random.integers(0, 2, rows * count, dtype=np.uint16) << 15
        data[:, place : place + 2] = bits.view(np.uint8).reshape(-1, 2)
    if name == "IQ1_M":
        # Its F16 is spread over four words: an exponent without its upper bit is finite.
        data[:, 55] &= 0xBF
    if name in FP4:
        # ggml writes neither a scale of 0xFF nor the code of -0.
        data[data == 0xFF] = 0xFE
        codes = data[:, FP4[name] :]
        codes[codes & 0x0F == 0x08] ^= 0x01
        codes[codes & 0xF0 == 0x80] ^= 0x10
    return data.reshape(rows, count * size)


def write(path, rows):
    random = np.random.default_rng(2026)
    file = GGUFWriter(path, "llama")
    file.add_name("every type")
    file.add_uint8("a.u8", 200)
    file.add_int8("a.i8", -100)
    file.add_uint16("a.u16", 50000)
    file.add_int16("a.i16", -20000)
    file.add_uint32("a.u32", 4000000000)
    file.add_int32("a.i32", -2000000000)
    file.add_float32("a.f32", -0.0)
    file.add_bool("a.bool", True)
    file.add_uint64("a.u64", 1 << 63)
    file.add_int64("a.i64", -1 << 63)
    file.add_float64("a.f64", 0.1)
    file.add_array("a.strings", ["a", "", "\u0120token"])
    file.add_array("a.integers", [1, -2, 3])
    file.add_array("a.booleans", [True, False])
    for name in HALVES:
        data = blocks(random, name, rows)
        file.add_tensor(name, data, raw_dtype=Type[name])
        file.add_tensor(f"{name}.numbers", dequantize(data, Type[name]).astype(np.float32))
    for kind in (np.float16, np.float32, np.float64):
        x = random.standard_normal((2, 3, 4)).astype(kind)
        file.add_tensor(f"x.{kind.__name__}", x)
        file.add_tensor(f"x.{kind.__name__}.numbers", x.astype(np.float32))
    for kind in (np.int8, np.int16, np.int32, np.int64):
        x = random.integers(-128, 128, 5).astype(kind)
        file.add_tensor(f"x.{kind.__name__}", x)
        file.add_tensor(f"x.{kind.__name__}.numbers", x.astype(np.float32))
    bits = random.integers(0, 0x7F80, (2, 4), dtype=np.uint16)
    file.add_tensor("x.bfloat16", bits.view(np.uint8), raw_dtype=Type.BF16)
    file.add_tensor("x.bfloat16.numbers", (bits.astype(np.uint32) << 16).view(np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def write_quantized(path, rows):
    random = np.random.default_rng(2027)
    x = (random.standard_normal((rows, 1024)) * 0.02).astype(np.float32)
    file = GGUFWriter(path, "llama")
    for kind in Type:
        try:
            data = quantize(x, kind)
        except NotImplementedError:
            continue
        file.add_tensor(kind.name, data, raw_dtype=kind)
        file.add_tensor(f"{kind.name}.numbers", dequantize(data, kind).astype(np.float32))
        print(f"{kind.name}: {x.size} numbers")
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def check(path):
    tensors = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    for name, tensor in tensors.items():
        if name.endswith(".numbers"):
            continue
        found = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(-1)
        expected = tensors[f"{name}.numbers"].data.reshape(-1)
        differ = int(np.sum(found.view(np.uint32) != expected.view(np.uint32)))
        print(f"{name}: {tensor.tensor_type.name} {list(tensor.shape)}, {len(found)} numbers, {differ} differ")
        assert differ == 0


if sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1] == "quantize":
    write_quantized(sys.argv[2], int(sys.argv[3]))
else:
    check(sys.argv[2])
