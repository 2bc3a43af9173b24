"""Writes tests/golden/checkpoints/mlx: a checkpoint that MLX quantized and saved, and what MLX dequantizes it to.

Made with mlx-cpu 0.32.4 and numpy 2.4.6 (pip install mlx-cpu==0.32.4 mlx numpy); run by hand:

    python tests/interop/mlx_checkpoint.py tests/golden/checkpoints/mlx
"""

import json
import sys

import mlx.core as mx
import numpy as np

out = sys.argv[1]
rows, cols = 3, 128
w = np.random.default_rng(2026).standard_normal((rows, cols)).astype(np.float32)
w[0, 5], w[1, 32:64] = 30.0, 0.0
w = mx.array(w)

tensors, expected = {}, {}
config = {"group_size": 64, "bits": 4}
for bits in (2, 3, 4, 5, 6, 8):
    for group in (32, 64):
        name = f"layers.affine_{bits}_{group}"
        q, s, b = mx.quantize(w, group_size=group, bits=bits)
        tensors |= {f"{name}.weight": q, f"{name}.scales": s, f"{name}.biases": b}
        expected[f"{name}.weight"] = mx.dequantize(q, s, b, group_size=group, bits=bits)
        config[name] = {"group_size": group, "bits": bits}
# BF16 scales: the numbers are those of F32 arithmetic, which MLX does on arrays of that type.
q, s, b = mx.quantize(w.astype(mx.bfloat16), group_size=64, bits=4)
tensors |= {"layers.bf16.weight": q, "layers.bf16.scales": s, "layers.bf16.biases": b}
expected["layers.bf16.weight"] = mx.dequantize(q, s.astype(mx.float32), b.astype(mx.float32), group_size=64, bits=4)
for mode, group, bits in (("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)):
    name = f"layers.{mode}"
    q, s = mx.quantize(w, group_size=group, bits=bits, mode=mode)[:2]
    tensors |= {f"{name}.weight": q, f"{name}.scales": s}
    expected[f"{name}.weight"] = mx.dequantize(q, s, group_size=group, bits=bits, mode=mode).astype(mx.float32)
    config[name] = {"group_size": group, "bits": bits, "mode": mode}

mx.save_safetensors(f"{out}/model.safetensors", tensors, metadata={"format": "mlx"})
mx.save_safetensors(f"{out}/expected/model.safetensors", expected)
with open(f"{out}/config.json", "w") as file:
    json.dump({"model_type": "none", "quantization": config}, file, indent=1)
