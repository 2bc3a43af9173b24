"""Compares `subhalf-llm embed … --out OUT` with a forward pass in NumPy that shares no code with it.

    pip install numpy tokenizers
    subhalf-llm embed FOLDER TEXT --paragraphs 40 --out OUT
    python3 embeddings.py FOLDER TEXT OUT

Tokens are made by Hugging Face's `tokenizers`. It takes accents off, which `embed` does not.
"""

import json
import math
import struct
import sys

import numpy as np
from tokenizers import Tokenizer

HEADS, WIDTH = 12, 384


def weights(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    made = {}
    for name, entry in header.items():
        if entry["dtype"] == "F32":
            first, last = (8 + length + place for place in entry["data_offsets"])
            made[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
    return made


def norm(x, w, name):
    x = x.astype(np.float64)
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    return (x * w[name + ".weight"] + w[name + ".bias"]).astype(np.float32)


def embed(w, tokens):
    embeddings = [w[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
    x = embeddings[0][tokens] + embeddings[1][: len(tokens)] + embeddings[2][0]
    x = norm(x, w, "embeddings.LayerNorm")
    for block in range(6):
        of = lambda name, x: x @ w[f"encoder.layer.{block}.{name}.weight"].T + w[f"encoder.layer.{block}.{name}.bias"]
        q, k, v = (
            of(f"attention.self.{name}", x).reshape(len(tokens), HEADS, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.float32(math.sqrt(WIDTH // HEADS))
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(tokens), WIDTH)
        x = norm(x + of("attention.output.dense", mixed), w, f"encoder.layer.{block}.attention.output.LayerNorm")
        inner = of("intermediate.dense", x)
        inner = inner * np.float32(0.5) * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))).astype(np.float32)
        x = norm(x + of("output.dense", inner), w, f"encoder.layer.{block}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main():
    folder, text, out = sys.argv[1:]
    w = weights(f"{folder}/model.safetensors")
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    found = np.fromfile(out, "<f4").reshape(-1, WIDTH)
    paragraphs = [p for p in open(text, encoding="utf-8", newline="").read().replace("\r\n", "\n").split("\n\n") if p.strip()]
    expected = np.stack([embed(w, np.array(tokenizer.encode(p).ids)) for p in paragraphs[: len(found)]])
    cosines = (found * expected).sum(1)
    print(f"{len(found)} paragraphs; 1 - cosine: {1 - cosines.mean():.1e} on average, {1 - cosines.min():.1e} at most")
    assert np.median(cosines) > 1 - 1e-6


main()
