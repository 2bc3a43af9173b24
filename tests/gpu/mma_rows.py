#!/usr/bin/env python3
"""Asks an H100 or H200 what its matrix instructions return, and writes rows that the tests read.

    python3 mma_rows.py compile OUT.cubin    only compiles mma_units.cu (NVRTC; no GPU)
    python3 mma_rows.py run FOLDER           runs every instruction, writes FOLDER/mma-rows
    python3 mma_rows.py run FOLDER OUT.cubin with a cubin that was compiled elsewhere
    --rows N                                 random rows of each kind (4000; 2^20 take hours of Python)

NVRTC is that of a CUDA toolkit of 12.8 or later, or of the wheels nvidia-cuda-nvrtc and nvidia-cuda-nvrtc-cu12; `run` needs the driver's
libcuda.so.1 and nothing else. See README.md.
"""

import ctypes
import glob
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ARCH = "sm_90a"
M64 = (1 << 64) - 1

# Format: bits of a code, exponent bits, mantissa bits, bias, largest exponent field of a number.
FORMATS = {
    "fp16": (16, 5, 10, 15, 30),
    "bf16": (16, 8, 7, 127, 254),
    "tf32": (32, 8, 10, 127, 254),
    "E4M3": (8, 4, 3, 7, 15),
    "E5M2": (8, 5, 2, 15, 30),
    "fp32": (32, 8, 23, 127, 254),
}

# Kernel, input, accumulator, k, kept bits, the unit as the tests call it.
SETS = [
    ("mma_e4m3_f32", "E4M3", "fp32", 32, 25, "mma.sync on sm_90/sm_100"),
    ("mma_e5m2_f32", "E5M2", "fp32", 32, 25, "mma.sync on sm_90/sm_100"),
    ("mma_e4m3_f16", "E4M3", "fp16", 32, 25, "mma.sync on sm_90/sm_100"),
    ("mma_e5m2_f16", "E5M2", "fp16", 32, 25, "mma.sync on sm_90/sm_100"),
    ("wgmma_e4m3_f32", "E4M3", "fp32", 32, 13, "hopper wgmma"),
    ("wgmma_e5m2_f32", "E5M2", "fp32", 32, 13, "hopper wgmma"),
    ("wgmma_e4m3_f16", "E4M3", "fp16", 32, 13, "hopper wgmma"),
    ("wgmma_e5m2_f16", "E5M2", "fp16", 32, 13, "hopper wgmma"),
    ("mma_f16_f32", "fp16", "fp32", 16, 25, "hopper/blackwell hmma"),
    ("mma_f16_f16", "fp16", "fp16", 16, 25, "hopper/blackwell hmma"),
    ("mma_bf16_f32", "bf16", "fp32", 16, 25, "hopper/blackwell hmma"),
    ("mma_tf32_f32", "tf32", "fp32", 8, 25, "hopper hmma, k = 8"),
    ("mma_tf32_k4_f32", "tf32", "fp32", 4, 25, "hopper/blackwell hmma"),
    ("wgmma_f16_f32", "fp16", "fp32", 16, 25, "hopper wgmma"),
    ("wgmma_f16_f16", "fp16", "fp16", 16, 25, "hopper wgmma"),
    ("wgmma_bf16_f32", "bf16", "fp32", 16, 25, "hopper wgmma"),
    ("wgmma_tf32_f32", "tf32", "fp32", 8, 25, "hopper wgmma"),
    ("mma_s8_s32", "int8", "int32", 32, None, "imma"),
    ("mma_s8_s32_satfinite", "int8", "int32", 32, None, "imma satfinite"),
    ("wgmma_s8_s32", "int8", "int32", 32, None, "imma"),
    ("wgmma_s8_s32_satfinite", "int8", "int32", 32, None, "imma satfinite"),
]

# Instructions of a chain, D of each being C of the next.
CHAIN = 16

# Questions whose answers the models only suppose: kernel, what is asked, products as `position: (a, b)`, C, the
# answer of the model. C and the answer are codes of the accumulator.
ONE8, MINUS8 = 0x7F, 0x80
QUESTIONS = [
    ("mma_e5m2_f32", "order of the two halves (F9)",
     {1: (0x6E, 0x58), 6: (0x20, 0x43), 20: (0xEC, 0x5A), 25: (0xEF, 0x47)}, 0, 0xC743FFF9),
    ("mma_e4m3_f32", "a subnormal C in the late addition", {}, 0x000003FF, 0x000003FF),
    ("wgmma_e4m3_f32", "C is cut to 13 bits (F1)", {}, 0x3F801FFF, 0x3F801C00),
    ("wgmma_e4m3_f32", "a subnormal C (F1s)", {}, 0x000003FF, 0x00000000),
    ("wgmma_e4m3_f32", "-0 products and C", {0: (0x80, 0x38)}, 0x80000000, 0x00000000),
    ("wgmma_e4m3_f32", "13 bits of products (F3)", {k: (0x04, 0x04) for k in range(32)}, 0x3F800000, 0x3F800000),
    ("wgmma_e4m3_f32", "32 products in one step (F6)",
     {0: (0x38, 0x38), 1: (0xB8, 0x38), **{k: (0x04, 0x04) for k in range(16, 32)}}, 0, 0x00000000),
    ("wgmma_e4m3_f32", "0 times NaN", {0: (0x00, 0x7F)}, 0, 0x7FFFFFFF),
    ("wgmma_e4m3_f16", "an f16 result to nearest", {0: (0x38, 0x38), 1: (0x10, 0x08), 2: (0x04, 0x08)}, 0, 0x3C01),
    ("wgmma_e4m3_f16", "a tie of an f16 result", {0: (0x38, 0x38), 1: (0x10, 0x08), 2: (0x04, 0x04)}, 0, 0x3C00),
    ("wgmma_e4m3_f16", "a subnormal C of an f16 result", {0: (0x01, 0x01)}, 0x0001, 0x0041),
    ("mma_bf16_f32", "least exponent -133 (N12a)", {0: (0x3400, 0x0080), 1: (0xB080, 0x0080)}, 0, 0),
    ("mma_bf16_f32", "least exponent -133 (N12b)", {0: (0x3400, 0x0080), 1: (0xAF80, 0x0080)}, 0, 0),
    ("mma_bf16_f32", "least exponent -133 (N12c)", {0: (0x3400, 0x0080), 1: (0xAF00, 0x0080)}, 0, 1),
    ("mma_tf32_f32", "a NaN in the low 13 bits counts as infinity", {0: (0x7F800001, 0x3F800000)}, 0, 0x7F800000),
    ("mma_f16_f32", "-0 products and C (N14)", {0: (0x8000, 0x3C00)}, 0x80000000, 0x00000000),
    ("mma_s8_s32_satfinite", "one clamp for 32 products, or one for each half",
     {**{k: (ONE8, ONE8) for k in range(16)}, **{k: (MINUS8, ONE8) for k in range(16, 32)}}, 0x7FFFFFFF,
     0x7FFFFFFF + 16 * 127 * 127 - 16 * 128 * 127),
    ("mma_s8_s32", "a sum that wraps", {k: (ONE8, ONE8) for k in range(32)}, 2147483000, 0x8007DD98),
]


class SplitMix:
    def __init__(self, state):
        self.state = state

    def next(self):
        self.state = self.state + 0x9E3779B97F4A7C15 & M64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
        return z ^ z >> 31


def code(random, name, window):
    """A code; with a window, an exponent so near to the bias."""
    z = random.next()
    if name == "int8":
        return z & 0xFF
    if name == "int32":
        return z & 0xFFFFFFFF
    bits, e, m, bias, last = FORMATS[name]
    # TF32 is kept as the f32 that it is the top of.
    low = 13 if name == "tf32" else 0
    if window is None:
        return z & (1 << bits) - 1 & ~((1 << low) - 1)
    first = max(0, bias - window)
    field = first + (z >> 32 & 0x7FFFFFFF) % (min(last, bias + window) - first + 1)
    return (z >> 63 << e + m | field << m | z & (1 << m) - 1) << low


def number(random, name, exponent):
    """A code with this exponent, or the format's least, and random other bits."""
    _, e, m, bias, _ = FORMATS[name]
    z, low = random.next(), 13 if name == "tf32" else 0
    return (z >> 63 << e + m | max(exponent + bias, 1) << m | z & (1 << m) - 1) << low


def raw_and_windows(random, given, accumulator, k, count):
    """Raw codes, then numbers near 1, more and more widely."""
    for window in (None,) if given == "int8" else (None, 2, 5, 12, 40):
        for _ in range(count):
            a, b = ([code(random, given, window) for _ in range(k)] for _ in (0, 1))
            yield a, b, code(random, accumulator, window)


def cancelling(random, given, accumulator, k, count):
    """A pair that cancels, smaller numbers beside it, at all pairs of positions in turn."""
    for i in range(count // 2):
        a, b = ([code(random, given, 3) for _ in range(k)] for _ in (0, 1))
        x, y = i % k, i // k % k
        if x != y:
            a[y], b[y] = a[x] ^ 1 << FORMATS[given][0] - 1, b[x]
        yield a, b, code(random, accumulator, 1)


def boundaries(random, given, accumulator, k, keep, count):
    """A large product, and the others `keep` - 3 to `keep` + 3 binades below it, as far as the format goes."""
    _, _, _, bias, last = FORMATS[given]
    # Largest numbers of formats with 8 exponent bits have products beyond f32.
    top = min(last - bias, 40)
    for i in range(count):
        places = [random.next() % k for _ in range(2)]
        a, b = [], []
        for position in range(k):
            below = 0 if position == places[0] else keep - 3 + random.next() % 7
            a.append(number(random, given, top - below // 2))
            b.append(number(random, given, top - (below + 1) // 2))
        if i % 2:
            # The large product goes, so that what is left is seen.
            a[places[1]], b[places[1]] = a[places[0]] ^ 1 << FORMATS[given][0] - 1, b[places[0]]
        c = number(random, accumulator, 2 * top - keep + 3 - random.next() % 7) if accumulator == "fp32" else 0
        yield a, b, c


def extremes(random, given, accumulator, k, count):
    """Largest and smallest numbers, one sign or two, beside the largest and the smallest C."""
    bits, e, m, bias, last = FORMATS[given]
    low = 13 if given == "tf32" else 0
    largest = (last << m | (1 << m) - (2 if given == "E4M3" else 1)) << low
    smallest, least_normal, one = 1 << low, 1 << m + low, bias << m + low
    _, acc_e, acc_m, _, acc_last = FORMATS[accumulator]
    acc_max = acc_last << acc_m | (1 << acc_m) - 1
    cs = [c | sign << acc_e + acc_m for c in (0, 1, 1 << acc_m, acc_max, acc_max - 1) for sign in (0, 1)]
    values = [largest, largest - (1 << low), one, least_normal, smallest, 0]
    for i in range(count):
        alike = i % 3 == 0
        a, b = ([values[random.next() % (1 if alike else 6)] for _ in range(k)] for _ in (0, 1))
        if i % 2:
            a = [x ^ (random.next() >> 63) << bits - 1 for x in a]
        yield a, b, cs[random.next() % len(cs)]


def permuted(random, given, accumulator, k, count):
    """Wide rows, each followed by itself with the products of an instruction in another order."""
    for _ in range(count // 8):
        pairs = [(code(random, given, 12), code(random, given, 12)) for _ in range(k)]
        c = code(random, accumulator, 12)
        for _ in range(4):
            yield [pair[0] for pair in pairs], [pair[1] for pair in pairs], c
            pairs.sort(key=lambda _: random.next())


def rows_of(kernel, given, accumulator, k, keep, count):
    """Questions, a product at each position alone, and random rows of each kind."""
    rows = []
    for name, _, products, c, _ in QUESTIONS:
        if name == kernel:
            row = [[products.get(i, (0, 0))[side] for i in range(k)] for side in (0, 1)]
            rows.append((row[0], row[1], c))
    one = {"fp16": 0x3C00, "bf16": 0x3F80, "tf32": 0x3F800000, "E4M3": 0x38, "E5M2": 0x3C, "int8": 1}[given]
    for i in range(k):
        alone = [one if j == i else 0 for j in range(k)]
        rows.append((alone, alone, 0))
    random = SplitMix(1)
    rows += raw_and_windows(random, given, accumulator, k, count)
    if keep is not None:
        rows += cancelling(random, given, accumulator, k, count)
        rows += boundaries(random, given, accumulator, k, keep, count)
        rows += extremes(random, given, accumulator, k, count)
        rows += permuted(random, given, accumulator, k, count)
    return padded(rows, k)


def chains_of(given, accumulator, k, count):
    """Rows of `CHAIN` instructions: their numbers near 1, then more widely."""
    random, rows = SplitMix(2), []
    for window in (None,) if given == "int8" else (2, 8):
        for _ in range(count // 8):
            a, b = ([code(random, given, window) for _ in range(k * CHAIN)] for _ in (0, 1))
            rows.append((a, b, code(random, accumulator, window)))
    return padded(rows, k * CHAIN)


def padded(rows, k):
    while len(rows) % 8:
        rows.append(([0] * k, [0] * k, 0))
    return rows


def widened(half):
    """The f32 of an f16, bit by bit, so that a NaN keeps its payload."""
    sign, e, m = half >> 15 << 31, half >> 10 & 31, half & 1023
    if e == 31:
        return sign | 0x7F800000 | m << 13
    return sign | struct.unpack("<I", struct.pack("<f", abs(struct.unpack("<e", struct.pack("<H", half))[0])))[0]


def library(names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            pass
    sys.exit("none of these can be loaded: " + ", ".join(names))


def compile_units():
    found = [path for folder in sys.path for place in ("cuda_nvrtc", "cu13")
             for path in glob.glob(folder + f"/nvidia/{place}/lib/libnvrtc.so*")]
    nvrtc = library(found + ["libnvrtc.so", "libnvrtc.so.12", "libnvrtc.so.13"])
    source = open(os.path.join(HERE, "mma_units.cu"), "rb").read()
    program = ctypes.c_void_p()
    if nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"mma_units.cu", 0, None, None):
        sys.exit("NVRTC makes no program")
    options = [b"--gpu-architecture=" + ARCH.encode()]
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if log.value.strip():
        print(log.value.decode(), file=sys.stderr)
    if failed:
        sys.exit("mma_units.cu was not compiled")
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    cubin = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, cubin)
    return cubin.raw


class Gpu:
    """The few calls of the CUDA driver that a launch needs."""

    def __init__(self, cubin):
        self.cuda = library(["libcuda.so.1"])
        device, context, self.module = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuInit", 0)
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        name = ctypes.create_string_buffer(100)
        self.call("cuDeviceGetName", name, 100, device)
        self.name = name.value.decode()
        self.call("cuCtxCreate_v2", ctypes.byref(context), 0, device)
        self.call("cuModuleLoadData", ctypes.byref(self.module), cubin)

    def call(self, name, *arguments):
        code = getattr(self.cuda, name)(*arguments)
        if code:
            sys.exit(f"{name}: error {code}")

    def memory(self, data):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(len(data)))
        self.call("cuMemcpyHtoD_v2", address, data, ctypes.c_size_t(len(data)))
        return address

    def run(self, kernel, a, b, c):
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), self.module, kernel.encode())
        memory = [self.memory(data) for data in (a, b, c, bytes(len(c)))]
        arguments = (ctypes.c_void_p * 4)(*(ctypes.addressof(address) for address in memory))
        threads = 128 if kernel.startswith("wgmma") else 32
        self.call("cuLaunchKernel", function, len(c) // 32, 1, 1, threads, 1, 1, 0, None, arguments, None)
        self.call("cuCtxSynchronize")
        d = ctypes.create_string_buffer(len(c))
        self.call("cuMemcpyDtoH_v2", d, memory[3], ctypes.c_size_t(len(c)))
        for address in memory:
            self.call("cuMemFree_v2", address)
        return list(struct.unpack(f"<{len(c) // 4}I", d.raw))


def answers(gpu, kernel, letter, rows, k):
    """D of rows of one instruction or several, one after the other."""
    d = [row[2] for row in rows]
    for start in range(0, len(rows[0][0]), k):
        side = [b"".join(struct.pack(f"<{k}{letter}", *row[i][start:start + k]) for row in rows) for i in (0, 1)]
        d = gpu.run(kernel, side[0], side[1], struct.pack(f"<{len(d)}I", *d))
    return d


def write_set(gpu, folder, manifest, count, kernel, given, accumulator, k, keep, unit):
    bits = 8 if given == "int8" else FORMATS[given][0]
    letter = {8: "B", 16: "H", 32: "I"}[bits]
    shown = widened if accumulator == "fp16" else lambda bits: bits

    def write(name, rows, d):
        name = f"{gpu.name.replace(' ', '_').lower()}_{name}.bin"
        of_row = len(rows[0][0])
        with open(os.path.join(folder, name), "wb") as file:
            for (a, b, c), found in zip(rows, d):
                file.write(struct.pack(f"<{of_row}{letter}", *a) + struct.pack(f"<{of_row}{letter}", *b))
                file.write(struct.pack("<II", shown(c), shown(found)))
        line = [name, gpu.name, given, accumulator, str(of_row), str(bits), str(len(rows)), unit]
        manifest.write("\t".join(line) + "\n")

    rows = rows_of(kernel, given, accumulator, k, keep, count)
    d = answers(gpu, kernel, letter, rows, k)
    asked = [question for question in QUESTIONS if question[0] == kernel]
    one = {"fp32": 0x3F800000, "fp16": 0x3C00, "int32": 1}[accumulator]
    if any(found != one for found in d[len(asked):len(asked) + k]):
        sys.exit(f"{kernel}: 1 times 1 alone is not 1 at every position: operands do not lie where they should")
    for (_, what, _, _, expected), found in zip(asked, d):
        print(f"{kernel}\t{what}\t{found:08x}\t{'as the model' if found == expected else f'MODEL {expected:08x}'}")
    write(kernel, rows, d)
    chains = chains_of(given, accumulator, k, count)
    write(kernel + "_chain", chains, answers(gpu, kernel, letter, chains, k))


def main(arguments):
    count = 4000
    if "--rows" in arguments[:-1]:
        at = arguments.index("--rows")
        count = int(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    if len(arguments) == 2 and arguments[0] == "compile":
        with open(arguments[1], "wb") as file:
            file.write(compile_units())
    elif len(arguments) in (2, 3) and arguments[0] == "run":
        gpu = Gpu(open(arguments[2], "rb").read() if len(arguments) == 3 else compile_units())
        folder = os.path.join(arguments[1], "mma-rows")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "manifest.tsv"), "w") as manifest:
            manifest.write("file\tgpu\tinput\taccumulator\tk\tcode_bits\trows\tunit\n")
            for of_set in SETS:
                write_set(gpu, folder, manifest, count, *of_set)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
