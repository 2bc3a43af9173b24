#!/usr/bin/env python3
"""Asks a library for FP8 products, and writes rows in which the tests look for the order of its K.

    python3 scaled_mm.py FOLDER [DEVICE]     torch._scaled_mm on "cuda", fast and slow accumulation

A row is a row of A, a column of B, C = 0 and the result, in the layout of mma_rows.py; the unit is "scaled_mm". Needs
PyTorch of 2.7 or later. See README.md.
"""

import os
import struct
import sys

import torch


def main(folder, device="cuda"):
    name = torch.cuda.get_device_name() if device == "cuda" else device
    folder = os.path.join(folder, "scaled-mm")
    os.makedirs(folder, exist_ok=True)
    one = torch.tensor(1.0, device=device)
    with open(os.path.join(folder, "manifest.tsv"), "w") as manifest:
        manifest.write("file\tgpu\tinput\taccumulator\tk\tcode_bits\trows\tunit\n")
        for size in (16, 64, 128):
            for k in (128, 512, 1024, 4096):
                torch.manual_seed(size * k)
                a, b = (torch.randn(size, k).to(torch.float8_e4m3fn).to(device) for _ in range(2))
                for fast in (True, False):
                    d = torch._scaled_mm(
                        a, b.t(), scale_a=one, scale_b=one, out_dtype=torch.float32, use_fast_accum=fast
                    )
                    file_name = f"{size}x{size}x{k}_{'fast' if fast else 'slow'}.bin"
                    sides = [side.cpu().view(torch.uint8).numpy() for side in (a, b)]
                    d = d.cpu().numpy()
                    # A diagonal tells as much as the whole of a small product.
                    with open(os.path.join(folder, file_name), "wb") as file:
                        for i in range(size):
                            file.write(sides[0][i].tobytes() + sides[1][i].tobytes())
                            file.write(struct.pack("<If", 0, d[i, i]))
                    line = [file_name, name, "E4M3", "fp32", str(k), "8", str(size), "scaled_mm"]
                    manifest.write("\t".join(line) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
