"""Writes blocks of 32 f32s and what MLX quantizes them to on the CPU; with --sweeps, scale codes next to powers of two.

FOLDER gets in.u32.bin, the bits of the numbers, and for each mode NAME.scale.u8.bin and NAME.elem.u8.bin, a code an
element; NVFP4 reads a block of 32 as two of 16. Made on 2026-11-30 with mlx-cpu 0.32.4 and numpy 2.4.6 on x86-64
(pip install mlx-cpu==0.32.4 mlx numpy); run by hand:

    python tests/interop/mlx_blocks.py tests/golden/mlx 256
    python tests/interop/mlx_blocks.py LARGE 100000       # SUBHALF_MLX=LARGE cargo test --test all -- --ignored mlx
    python tests/interop/mlx_blocks.py --sweeps tests/golden/sweeps
"""

import pathlib
import sys

import mlx.core as mx
import numpy as np

MODES = {"mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}


def quantize(x, mode):
    group, bits = MODES[mode]
    words, scales = mx.quantize(mx.array(x), group_size=group, bits=bits, mode=mode, stream=mx.cpu)[:2]
    codes = np.array(words).view(np.uint8)
    if bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(x.shape)
    return np.array(scales), codes


def edges():
    """Blocks of zeros, ties, the ends of f32's range, and numbers next to powers of two."""
    ties = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6, 7, 448, 464, 480, 17, 19, 0.001953125, 0.0009765625])
    for factor in (1, -1, 2.0**-20, -(2.0**90), 1.5, 0.001):
        yield np.repeat(np.concatenate([ties[:8], -ties[:8]]) * factor, 2)
        yield np.repeat(ties * factor, 2)
    for value in (0.0, -0.0, 1e-45, -1e-45, 2.0**-126, 2.0**-127, 1e-38, 3.4e38, -(2.0**127), 6 * 2.0**-127):
        yield np.array([value, -0.0, 0.0, -value, value / 3, -value / 7, value / 100, 1e-45] * 4)
    # The scale of NVFP4 is rounded to 0 below amax / 6 = 2^-10, and saturates above 448.
    for amax in (6 * 2.0**-10, 6 * 2.0**-10 * 1.000001, 0.005, 2688, 2800, 1e6, 448 * 2.0**25):
        yield np.array([amax, -amax / 2, amax / 3, 1e-6, -1e-6, 0, -0.0, 1] * 4)
    for exponent in (-126, -30, -1, 0, 9, 120):
        for target in (1, 6, 448):
            below = np.nextafter(np.float32(min(target * 2.0**exponent, 3e38)), np.float32(0))
            above = np.nextafter(below, np.float32(np.inf)) * np.float32(1.0000001)
            yield np.array([below, below / 2, -below / 3, below / 5] * 8)
            yield np.array([above, above / 2, -above / 3, above / 5] * 8)


def blocks(count):
    random = np.random.default_rng(2026)
    given = np.array(list(edges())).astype(np.float32)
    assert len(given) <= count and np.isfinite(given).all()
    rest = count - len(given)
    x = random.standard_normal((rest, 32))
    kind = np.arange(rest)[:, None] % 6
    x *= np.where(kind == 1, 2.0 ** random.integers(-140, 120, (rest, 1)), 0.02)
    # Exponents of all sizes inside one block; one outlier; a grid on which ties lie; subnormal numbers.
    x = np.where(kind == 2, x * 2.0 ** random.integers(-12, 12, x.shape), x)
    x[:, 7:8] *= np.where(kind == 3, 300, 1)
    x = np.where(kind == 4, np.round(x * 400) / 8, x)
    x = x.astype(np.float32)
    tiny = random.integers(0, 1 << 23, x.shape).astype(np.uint32) >> random.integers(0, 23, (rest, 1)).astype(np.uint32)
    tiny |= random.integers(0, 2, x.shape).astype(np.uint32) << 31
    x = np.where(kind == 5, tiny.view(np.float32), x)
    return np.concatenate([given, np.where(random.random(x.shape) < 0.02, np.copysign(np.float32(0), x), x)])


def sweep(folder, name, like, mode):
    """What MLX makes of the largest magnitudes of another program's sweep."""
    text = (folder / f"{like}.tsv").read_text().splitlines()
    runs = [(int(first, 16), int(count)) for first, count, _ in (line.split("\t") for line in text)]
    amax = np.concatenate([np.arange(first, first + count, dtype=np.uint32) for first, count in runs])
    x = np.zeros((len(amax), 32), np.float32)
    x[:, 0] = amax.view(np.float32)
    codes = quantize(x, mode)[0].ravel()
    ends = np.flatnonzero((np.diff(amax) != 1) | (np.diff(codes) != 0)) + 1
    parts = zip(np.split(amax, ends), np.split(codes, ends))
    lines = [f"{numbers[0]:08x}\t{len(numbers)}\t{codes[0]}\n" for numbers, codes in parts]
    (folder / f"{name}.tsv").write_text("".join(lines))
    print(name, len(amax), "numbers,", len(lines), "lines")


if sys.argv[1] == "--sweeps":
    sweep(pathlib.Path(sys.argv[2]), "mlx_mxfp4", "modelopt_mxfp4", "mxfp4")
    sweep(pathlib.Path(sys.argv[2]), "mlx_mxfp8", "modelopt_mxfp8", "mxfp8")
else:
    out, x = pathlib.Path(sys.argv[1]), blocks(int(sys.argv[2]))
    out.mkdir(exist_ok=True)
    (out / "in.u32.bin").write_bytes(x.tobytes())
    for mode in MODES:
        scales, codes = quantize(x, mode)
        (out / f"{mode}.scale.u8.bin").write_bytes(scales.tobytes())
        (out / f"{mode}.elem.u8.bin").write_bytes(codes.tobytes())
    print(len(x), "blocks")
