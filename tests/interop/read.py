"""Writes checkpoints with other programs' own code, and what each program makes of its weights again.

    python tests/interop/read.py PROGRAM...

PROGRAM is compressed_tensors, torchao, bitsandbytes, gptq, gptq_v2, awq or mlx. The folder
tests/golden/checkpoints/PROGRAM gets model.safetensors, config.json where the program has one, and
expected/model.safetensors: the numbers of each weight in the type that the program gives them, F32, F16 or BF16.
tests/all/checkpoints/interop.rs reads all of them.

Made by hand on 2026-11-30, on CPUs, with compressed-tensors 0.20.1, torchao 0.18.0, bitsandbytes 0.50.2, gptqmodel
7.7.0, autoawq 0.2.9, mlx-cpu 0.32.4, torch 2.15.0, transformers 5.24.0, safetensors 0.8.0 and numpy 2.4.6.
"""

import json
import pathlib
import sys

import numpy as np

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "checkpoints"


def weights(rows, cols, seed=0):
    """Numbers like those of weights, with an outlier, a run of zeros and a row of small ones."""
    x = np.random.default_rng(2026 + seed).standard_normal((rows, cols)).astype(np.float32) * np.float32(0.1)
    x[0, 5], x[1, 32:64] = 3.0, 0.0
    x[-1] *= np.float32(2.0**-9)
    return x


def torch_weights(rows, cols, seed=0):
    import torch

    return torch.from_numpy(weights(rows, cols, seed))


def save(folder, tensors, expected, metadata=None):
    from safetensors.torch import save_file

    (folder / "expected").mkdir(parents=True, exist_ok=True)
    own = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(own, folder / "model.safetensors", metadata)
    theirs = {name: tensor.detach().contiguous() for name, tensor in expected.items()}
    save_file(theirs, folder / "expected/model.safetensors")
    print(folder.name, len(expected), "weights,", sum(tensor.numel() for tensor in expected.values()), "numbers")


def compressed_tensors(folder):
    """Linear layers, each with a scheme of its own, through ModelCompressor, which also writes config.json."""
    import torch
    from compressed_tensors.compressors import BaseCompressor, ModelCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme
    from compressed_tensors.quantization import apply_quantization_config, preset_name_to_scheme
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
    from compressed_tensors.quantization.utils.helpers import maybe_pad_tensor_for_block_quant
    from compressed_tensors.utils import get_direct_state_dict

    schemes, layers = {}, {}

    def add(name, scheme, rows=3, cols=128, dtype=torch.float32):
        scheme.targets = [f"re:layers[.]{name}$"]
        schemes[name] = scheme
        layers[name] = torch.nn.Linear(cols, rows, bias=False, dtype=dtype)
        layers[name].weight.data = torch_weights(rows, cols, len(layers)).to(dtype)

    def add_args(name, cols, dtype=torch.float32, **args):
        args = QuantizationArgs(dynamic=False, **args)
        # compressed-tensors cannot read a single row of words of zero points.
        rows = 3 if args.symmetric else 32 // args.num_bits + 1
        add(name, QuantizationScheme(targets=[], weights=args), rows, cols, dtype)

    for name in ["NVFP4A16", "NVFP4", "MXFP4", "MXFP6A16", "MXFP8"]:
        add(name.lower(), preset_name_to_scheme(name, []))
    add("nvfp4_bf16", preset_name_to_scheme("NVFP4A16", []), dtype=torch.bfloat16)
    for name in ["FP8", "FP8_DYNAMIC", "INT8"]:
        add(name.lower(), preset_name_to_scheme(name, []))
        add(f"{name.lower()}_bf16", preset_name_to_scheme(name, []), dtype=torch.bfloat16)
    asymmetric = preset_name_to_scheme("INT8", [])
    asymmetric.weights.symmetric = False
    add("int8_asym", asymmetric)
    block = preset_name_to_scheme("FP8_BLOCK", [])
    # Tiles of 128×128 would make a large file.
    block.weights.block_structure, block.input_activations.group_size = [4, 32], 32
    add("fp8_block", block, 6, 80)
    for bits in range(2, 9):
        for symmetric in (True, False):
            form = "sym" if symmetric else "asym"
            add_args(f"int{bits}_{form}_g32", 64, num_bits=bits, symmetric=symmetric, strategy="group", group_size=32)
            # Rows that end inside a word.
            add_args(f"int{bits}_{form}_channel", 38, num_bits=bits, symmetric=symmetric, strategy="channel")
    for symmetric in (True, False):
        name = f"int4_{'sym' if symmetric else 'asym'}_g32_bf16"
        add_args(name, 64, torch.bfloat16, num_bits=4, symmetric=symmetric, strategy="group", group_size=32)

    model = torch.nn.Module()
    model.layers = torch.nn.ModuleDict(layers)
    config = QuantizationConfig(config_groups={f"group_{i}": scheme for i, scheme in enumerate(schemes.values())})
    apply_quantization_config(model, config, show_progress=False)
    for layer in layers.values():
        args, x = layer.quantization_scheme.weights, layer.weight.data
        if args.block_structure:
            rows, cols = args.block_structure
            padded = maybe_pad_tensor_for_block_quant(x, (rows, cols))
            parts = padded.unflatten(1, (-1, cols)).unflatten(0, (-1, rows)).transpose(1, 2).flatten(2)
        elif args.group_size:
            parts = x.unflatten(1, (-1, args.group_size))
        else:
            parts = x if args.strategy == "channel" else x.reshape(1, -1)
        low, high = parts.amin(-1), parts.amax(-1)
        total = None
        if hasattr(layer, "weight_global_scale"):
            total = generate_gparam(x.min(), x.max())
            layer.weight_global_scale.data = total
        scale, zero = calculate_qparams(low, high, args, global_scale=total)
        layer.weight_scale.data = scale.reshape(layer.weight_scale.shape).to(layer.weight_scale.dtype)
        layer.weight_zero_point.data = zero.reshape(layer.weight_zero_point.shape)
        for name, parameter in layer.named_parameters():
            if name.startswith("input_"):
                parameter.data = torch.full_like(parameter, 2)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    expected = {}
    for name, layer in layers.items():
        scheme = layer.quantization_scheme
        own = BaseCompressor.get_value_from_registry(scheme.format.value)
        expected[f"layers.{name}.weight"] = own.decompress(get_direct_state_dict(layer), scheme)["weight"]
    save(folder, model.state_dict(), expected, {"format": "pt"})
    (folder / "config.json").unlink(missing_ok=True)
    compressor.update_config(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config, separators=(",", ":")))


def torchao(folder):
    """Tensor subclasses, taken apart by torchao's own support of safetensors."""
    import torch
    from torchao.prototype.mx_formats.config import ScaleCalculationMode
    from torchao.prototype.mx_formats.mx_tensor import MXTensor
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import Float8Tensor, Int8Tensor, IntxUnpackedToInt8Tensor, MappingType, PerRow, PerTensor

    x = torch_weights(3, 128)
    scale = per_tensor_amax_to_scale(x.abs().max())
    tensors = {}
    for swizzled in (False, True):
        end = "_swizzled" if swizzled else ""
        tensors[f"nvfp4{end}"] = NVFP4Tensor.to_nvfp4(x, per_tensor_scale=scale, is_swizzled_scales=swizzled)
        for name, dtype in [("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2), ("fp4", torch.float4_e2m1fn_x2)]:
            tensors[f"mx_{name}{end}"] = MXTensor.to_mx(x, dtype, is_swizzled_scales=swizzled)
    tensors["nvfp4_single"] = NVFP4Tensor.to_nvfp4(x)
    tensors["nvfp4_bf16"] = NVFP4Tensor.to_nvfp4(x.bfloat16(), per_tensor_scale=scale)
    rceil = ScaleCalculationMode.RCEIL
    tensors["mx_e4m3_rceil_bf16"] = MXTensor.to_mx(x.bfloat16(), torch.float8_e4m3fn, scaling_mode=rceil)
    for name, granularity in [("row", PerRow()), ("tensor", PerTensor())]:
        tensors[f"float8_{name}"] = Float8Tensor.from_hp(x, torch.float8_e4m3fn, granularity)
        tensors[f"float8_{name}_bf16"] = Float8Tensor.from_hp(x.bfloat16(), torch.float8_e5m2, granularity)
        tensors[f"int8_{name}"] = Int8Tensor.from_hp(x, granularity)
    for bits in (1, 2, 4, 5, 8):
        mapping = MappingType.ASYMMETRIC if bits % 2 else MappingType.SYMMETRIC
        dtype = getattr(torch, f"int{bits}")
        tensors[f"intx{bits}"] = IntxUnpackedToInt8Tensor.from_hp(x, (1, 32), dtype, mapping_type=mapping)
    tensors = {f"layers.{name}.weight": tensor for name, tensor in tensors.items()}
    expected = {name: tensor.dequantize() for name, tensor in tensors.items()}
    own, metadata = flatten_tensor_state_dict(tensors)
    save(folder, own, expected, metadata)


def bitsandbytes(folder):
    """NF4 and FP4 with plain and nested scales, as QuantState.as_dict packs them."""
    import torch
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    tensors, expected = {}, {}
    for kind in ("nf4", "fp4"):
        for nested in (False, True):
            for dtype in (torch.float32, torch.bfloat16):
                x = torch_weights(5, 64).to(dtype)
                data, state = quantize_4bit(x, blocksize=64, compress_statistics=nested, quant_type=kind)
                name = f"layers.{kind}{'_nested' if nested else ''}_{str(dtype).removeprefix('torch.')}.weight"
                tensors[name] = data
                tensors |= {f"{name}.{key}": value for key, value in state.as_dict(packed=True).items()}
                expected[name] = dequantize_4bit(data, state)
    save(folder, tensors, expected)


def rounded_groups(x, bits, group):
    """Scales and zero points of groups of a row, in the range of F16, and no zero point of 0."""
    import torch

    parts = x.unflatten(1, (-1, group))
    low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
    scale = ((high - low) / (2**bits - 1)).clamp(min=1e-5).half().float()
    return scale, torch.round(-low / scale).clamp(1, 2**bits - 1)


def gptq_layer(bits, act_order, old):
    """The tensors of a layer of GPTQModel that packed a weight, and the numbers that it computes with."""
    import torch
    from gptqmodel import QuantizeConfig
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    from gptqmodel.utils.model import convert_gptq_v2_to_v1_format_module

    group, x = 32, torch_weights(32, 64, bits)
    scale, zero = rounded_groups(x, bits, group)
    index = torch.arange(64, dtype=torch.int32) // group
    if act_order:
        index = index[torch.from_numpy(np.random.default_rng(bits).permutation(64))]
    own = TorchLinear(bits=bits, group_size=group, sym=False, desc_act=act_order, in_features=64, out_features=32)
    plain = torch.nn.Linear(64, 32, bias=False)
    q = (torch.round(x / scale[:, index.long()]) + zero[:, index.long()]).clamp(0, 2**bits - 1)
    plain.weight.data = (q - zero[:, index.long()]) * scale[:, index.long()]
    own.pack(plain, scale, zero, index)
    own.post_init()
    expected = own.eval().dequantize_weight().T
    if old:
        convert_gptq_v2_to_v1_format_module(own, QuantizeConfig(bits=bits, group_size=group))
    return {name: own.state_dict()[name] for name in ("qweight", "qzeros", "scales", "g_idx")}, expected


def gptq(folder, old=True):
    tensors, expected = {}, {}
    for bits in (2, 3, 4, 8) if old else (3, 4):
        for act_order in (False, True) if old and bits in (3, 4) else (False,):
            name = f"layers.int{bits}{'_act_order' if act_order else ''}"
            parts, expected[f"{name}.weight"] = gptq_layer(bits, act_order, old)
            tensors |= {f"{name}.{key}": value for key, value in parts.items()}
    save(folder, tensors, expected)
    config = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False}
    config["checkpoint_format"] = "gptq" if old else "gptq_v2"
    for name in tensors:
        if name.endswith("qweight"):
            layer = name.removesuffix(".qweight")
            config.setdefault("dynamic", {})[f"+:{layer}$"] = {"bits": int(layer.split("int")[1][0])}
    (folder / "config.json").write_text(json.dumps({"quantization_config": config}))


def awq(folder):
    """AutoAWQ's GEMM layer of 4 bits."""
    import torch
    from awq.modules.linear.gemm import WQLinear_GEMM
    from awq.utils.packing_utils import dequantize_gemm

    tensors, expected = {}, {}
    for group in (32, 64):
        x = torch_weights(32, 64, group)
        scale, zero = rounded_groups(x, 4, group)
        plain = torch.nn.Linear(64, 32, bias=False)
        each = lambda parts: parts.repeat_interleave(group, 1)
        q = (torch.round(x / each(scale)) + each(zero)).clamp(0, 15)
        plain.weight.data = (q - each(zero)) * each(scale)
        own = WQLinear_GEMM.from_linear(plain, 4, group, scales=scale.T.contiguous(), zeros=zero.T.contiguous())
        name = f"layers.g{group}"
        tensors |= {f"{name}.{key}": getattr(own, key) for key in ("qweight", "qzeros", "scales")}
        expected[f"{name}.weight"] = dequantize_gemm(own.qweight, own.qzeros, own.scales, 4, group).T
    save(folder, tensors, expected)
    config = {"quant_method": "awq", "bits": 4, "version": "gemm", "zero_point": True}
    (folder / "config.json").write_text(json.dumps({"quantization_config": config}))


def mlx(folder):
    """`mx.quantize` and `mx.save_safetensors`, every mode, width and group."""
    import mlx.core as mx

    w = mx.array(weights(3, 128))
    tensors, expected = {}, {}
    config = {"group_size": 64, "bits": 4}
    for bits in (2, 3, 4, 5, 6, 8):
        for group in (32, 64, 128):
            name = f"layers.affine_{bits}_{group}"
            q, s, b = mx.quantize(w, group_size=group, bits=bits)
            tensors |= {f"{name}.weight": q, f"{name}.scales": s, f"{name}.biases": b}
            expected[f"{name}.weight"] = mx.dequantize(q, s, b, group_size=group, bits=bits)
            config[name] = {"group_size": group, "bits": bits}
    # BF16 scales: the numbers are those of F32 arithmetic, which MLX does on arrays of that type.
    q, s, b = mx.quantize(w.astype(mx.bfloat16), group_size=64, bits=4)
    tensors |= {"layers.bf16.weight": q, "layers.bf16.scales": s, "layers.bf16.biases": b}
    s, b = s.astype(mx.float32), b.astype(mx.float32)
    expected["layers.bf16.weight"] = mx.dequantize(q, s, b, group_size=64, bits=4)
    for mode, group, bits in (("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)):
        name = f"layers.{mode}"
        q, s = mx.quantize(w, group_size=group, bits=bits, mode=mode)[:2]
        tensors |= {f"{name}.weight": q, f"{name}.scales": s}
        numbers = mx.dequantize(q, s, group_size=group, bits=bits, mode=mode)
        expected[f"{name}.weight"] = numbers.astype(mx.float32)
        config[name] = {"group_size": group, "bits": bits, "mode": mode}
    (folder / "expected").mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / "model.safetensors"), tensors, metadata={"format": "mlx"})
    mx.save_safetensors(str(folder / "expected/model.safetensors"), expected)
    (folder / "config.json").write_text(json.dumps({"model_type": "none", "quantization": config}))
    print(folder.name, len(expected), "weights,", sum(array.size for array in expected.values()), "numbers")


PROGRAMS = {
    "compressed_tensors": compressed_tensors,
    "torchao": torchao,
    "bitsandbytes": bitsandbytes,
    "gptq": gptq,
    "gptq_v2": lambda folder: gptq(folder, old=False),
    "awq": awq,
    "mlx": mlx,
}

for program in sys.argv[1:]:
    PROGRAMS[program](GOLDEN / program)
