#!/usr/bin/env python3
"""Writes the sweeps of this folder: python3 tests/golden/sweeps/pack.py FOLDER

FOLDER holds raw little-endian arrays of one program's run each: NAME.amax.u32.bin, the f32 bits of largest magnitudes in
ascending order, and NAME.scale.u8.bin, the scale codes that the program gave blocks of that number and 31 zeros.
A line of NAME.tsv is a run of successive f32s with one code: the first one's bits, how many, the code.
"""

import array
import pathlib
import sys

for amax_file in sorted(pathlib.Path(sys.argv[1]).glob("*.amax.u32.bin")):
    name = amax_file.name.removesuffix(".amax.u32.bin")
    amax = array.array("I", amax_file.read_bytes())
    codes = amax_file.with_name(f"{name}.scale.u8.bin").read_bytes()
    assert len(amax) == len(codes) and all(a < b for a, b in zip(amax, amax[1:]))
    lines, start = [], 0
    for end in range(1, len(amax) + 1):
        if end == len(amax) or amax[end] != amax[end - 1] + 1 or codes[end] != codes[start]:
            lines.append(f"{amax[start]:08x}\t{end - start}\t{codes[start]}\n")
            start = end
    (pathlib.Path(__file__).parent / f"{name}.tsv").write_text("".join(lines))
    print(name, len(amax), "numbers,", len(lines), "lines")
