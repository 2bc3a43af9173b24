"""Compares `subhalf-llm logits` with a forward pass in NumPy that shares no code with it.

    pip install gguf numpy tokenizers
    subhalf-llm logits MODEL TEXT OUT --tokens 64 > TOKENS
    python3 forward.py MODEL TEXT OUT TOKENS
    python3 forward.py MODEL TEXT --perplexity          # four rows of docs/llm.md, ten minutes

Weights are dequantized by ggml's Python package, tokens are made by Hugging Face's `tokenizers`.
"""

import sys

import gguf
import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers


def metadata(reader, key):
    return reader.fields[key].contents()


def tokenizer(reader):
    tokens = metadata(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in metadata(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    made.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return made


class Llama:
    def __init__(self, reader):
        of = lambda key: metadata(reader, f"llama.{key}")
        self.blocks, self.width = of("block_count"), of("embedding_length")
        self.heads, self.kv_heads = of("attention.head_count"), of("attention.head_count_kv")
        self.epsilon = of("attention.layer_norm_rms_epsilon")
        self.base = of("rope.freq_base")
        self.head = self.width // self.heads
        self.weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}

    def norm(self, x, weight):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.epsilon) * weight

    def turned(self, x):
        count = x.shape[0]
        speeds = self.base ** (-np.arange(0, self.head, 2) / self.head)
        angle = np.arange(count)[:, None] * speeds
        as_complex = x[..., 0::2] + 1j * x[..., 1::2]
        as_complex = as_complex * np.exp(1j * angle)[:, None, :]
        turned = np.empty(x.shape, np.float64)
        turned[..., 0::2], turned[..., 1::2] = as_complex.real, as_complex.imag
        return turned.astype(np.float32)

    def logits(self, tokens):
        w = self.weights
        x = w["token_embd.weight"][tokens].astype(np.float32)
        count = len(tokens)
        mask = np.triu(np.full((count, count), -np.inf, np.float32), 1)
        for block in range(self.blocks):
            of = lambda name: w[f"blk.{block}.{name}.weight"]
            h = self.norm(x, of("attn_norm"))
            q = self.turned((h @ of("attn_q").T).reshape(count, self.heads, self.head))
            k = self.turned((h @ of("attn_k").T).reshape(count, self.kv_heads, self.head))
            v = (h @ of("attn_v").T).reshape(count, self.kv_heads, self.head)
            mixed = np.empty_like(q)
            for head in range(self.heads):
                shared = head * self.kv_heads // self.heads
                scores = q[:, head] @ k[:, shared].T / np.sqrt(np.float32(self.head)) + mask
                scores = np.exp(scores - scores.max(axis=1, keepdims=True))
                mixed[:, head] = scores / scores.sum(axis=1, keepdims=True) @ v[:, shared]
            x = x + mixed.reshape(count, -1) @ of("attn_output").T
            h = self.norm(x, of("ffn_norm"))
            gate = h @ of("ffn_gate").T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ of("ffn_up").T)) @ of("ffn_down").T
        return self.norm(x, w["output_norm.weight"]) @ w["token_embd.weight"].T


def float_code(x, mantissa, lowest, largest):
    """Nearest-even values of a small float format, saturating."""
    x = x.astype(np.float64)
    exponent = np.floor(np.log2(np.maximum(np.abs(x), 2.0**lowest)))
    step = 2.0 ** (np.maximum(exponent, lowest) - mantissa)
    return np.clip(np.rint(x / step) * step, -largest, largest).astype(np.float32)


e4m3 = lambda x: float_code(x, 3, -6, 448.0)
e2m1 = lambda x: float_code(x, 1, 0, 6.0)


def fp8(weight):
    scale = (np.abs(weight).max(axis=1, keepdims=True) / np.float32(448)).astype(np.float32)
    return e4m3(weight / scale) * scale


def nvfp4(weight):
    blocks = weight.reshape(-1, 16)
    of_tensor = np.float32(np.abs(weight).max() / 2688)
    scale = e4m3(np.abs(blocks).max(axis=1, keepdims=True) / np.float32(6) / of_tensor)
    scale[scale == 0] = 1
    scale = scale * of_tensor
    return (e2m1(blocks / scale) * scale).reshape(weight.shape)


def mxfp4(weight):
    blocks = weight.reshape(-1, 32)
    largest = np.abs(blocks).max(axis=1, keepdims=True).astype(np.float64)
    scale = 2.0 ** (np.floor(np.log2(np.maximum(largest, 2.0**-120))) - 2)
    return (e2m1(blocks / scale) * scale).reshape(weight.shape).astype(np.float32)


def perplexity(model, tokens):
    sum, count = 0.0, 0
    for first in range(0, 4 * 512, 512):
        window = tokens[first : first + 512]
        rows = model.logits(window).astype(np.float64)[32:-1]
        targets = np.array(window[33:])
        logs = rows - rows.max(axis=1, keepdims=True)
        logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
        sum, count = sum - logs[np.arange(len(targets)), targets].sum(), count + len(targets)
    return np.exp(sum / count)


def main():
    reader = gguf.GGUFReader(sys.argv[1])
    text = open(sys.argv[2], encoding="utf-8").read()[:60000]
    tokens = tokenizer(reader).encode(text).ids
    model = Llama(reader)
    if sys.argv[3] == "--perplexity":
        own = dict(model.weights)
        matrices = [name for name in own if name.startswith("blk.") and own[name].ndim == 2]
        for name, quantize in [("as shipped", None), ("FP8", fp8), ("NVFP4", nvfp4), ("MXFP4", mxfp4)]:
            for matrix in matrices:
                model.weights[matrix] = quantize(own[matrix]) if quantize else own[matrix]
            print(f"{name}: {perplexity(model, tokens):.3f}", flush=True)
        return
    of_subhalf = [int(token) for token in open(sys.argv[4]).read().split()]
    count = len(of_subhalf)
    assert of_subhalf == tokens[:count], "other tokens"
    logits = np.fromfile(sys.argv[3], "<f4").reshape(count, -1)
    expected = model.logits(of_subhalf)
    error = np.abs(logits - expected).max() / np.abs(expected).max()
    root = np.sqrt(((logits - expected) ** 2).mean() / (expected**2).mean())
    print(f"{count} tokens alike; logits: largest error {error:.2e} of the largest logit, root mean square {root:.2e}")
    assert error < 1e-3


main()
