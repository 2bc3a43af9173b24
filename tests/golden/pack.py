#!/usr/bin/env python3
"""Packs a part of the oracle folder into this one: python3 tests/golden/pack.py ORACLE

Every array of decode, encode, encode64, cast, stochastic, arith, block and int stays in, but of an array with inputs (save those of block and
int) only the first 40 elements and every seventh behind them (with their masks and random numbers), of the tables of all pairs of 8-bit codes
only PAIRS, and the 65,536 halves of numpy not at all. One FOLDER.pack holds the
arrays of a folder end to end; manifest.tsv says where.
"""

import csv
import pathlib
import sys

FOLDERS = ["decode", "encode", "encode64", "cast", "stochastic", "arith", "block", "int"]
# Folders of which every element stays in.
WHOLE = ("block/", "int/")
# Of the tables of 65,536 pairs, these.
PAIRS = [f"arith/{name}.u8.bin" for name in [
    "float8_e4m3fn.add.ml_dtypes", "float8_e4m3fn.multiply.ml_dtypes", "float8_e5m2.divide.ml_dtypes", "float8_e4m3fnuz.divide.ml_dtypes",
    "hifloat8.add.en_dtypes", "hifloat8.multiply.en_dtypes",
]]
KEPT = ["file", "kind", "shape", "source", "version", "inputs", "mask", "random", "block", "num_bits"]
WIDTH = {"u8": 1, "i8": 1, "u16": 2, "u32": 4, "i32": 4, "f32": 4, "u64": 8, "f64": 8}

oracle, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
with open(oracle / "manifest.tsv", newline="") as file:
    rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["file"].split("/")[0] in FOLDERS]
# Words in place of an array of inputs ("i32 values -300..299 in order") stand for all of them.
sampled = {row[column] for row in rows if row["inputs"].endswith(".bin") for column in ("file", "inputs", "mask", "random")}
sampled = {name for name in sampled if name and not name.startswith(WHOLE)}

assert not set(PAIRS) - {row["file"] for row in rows}, "a name in PAIRS is not in the oracle"
packs = {folder: bytearray() for folder in FOLDERS}
with open(here / "manifest.tsv", "w", newline="") as file:
    out = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    out.writerow(KEPT + ["offset", "length"])
    for row in rows:
        name = row["file"]
        data = (oracle / name).read_bytes()
        if name == "decode/float16.numpy.f32bits.u32.bin" or (name.startswith("arith/") and len(data) == 65536 and name not in PAIRS):
            continue
        if name in sampled:
            width = WIDTH[name.removesuffix(".bin").rsplit(".", 1)[1]]
            elements = [data[i : i + width] for i in range(0, len(data), width)]
            elements = [element for i, element in enumerate(elements) if i < 40 or i % 7 == 0]
            data, row["shape"] = b"".join(elements), str(len(elements))
        pack = packs[name.split("/")[0]]
        out.writerow([row[column] for column in KEPT] + [len(pack), len(data)])
        pack += data
for folder, pack in packs.items():
    (here / f"{folder}.pack").write_bytes(pack)
