"""Converts a small made-up model to every layout of `subhalf convert`, and reads the results with the programs' code.

    cargo build --release -p subhalf-cli
    python tests/interop/write.py target/release/subhalf [LAYOUT...]

A row for each layout: how many numbers the program dequantizes, in which type, and how many of them differ from those
that subhalf converts back to F32, rounded to that type. Each file is opened with safetensors, each config.json is read
by transformers' AutoConfig and the class of its quant_method; where transformers dequantizes on a CPU, it loads the
whole model too, and its parameters are compared. Run by hand on 2026-11-30, on CPUs, with
compressed-tensors 0.20.1, transformers 5.24.0, safetensors 0.8.0, nvidia-modelopt 0.47.0, gptqmodel 7.7.0,
autoawq 0.2.9, mlx-cpu 0.32.4, torch 2.15.0.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

warnings.simplefilter("ignore")
SUBHALF = pathlib.Path(sys.argv[1]).resolve()


def run(*arguments):
    done = subprocess.run([SUBHALF, "convert", *map(str, arguments)], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


def load(folder):
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            tensors |= {name: file.get_tensor(name) for name in file.keys()}
    return tensors


def model(folder, dtype, experts):
    """A Llama of one layer, or the experts of gpt-oss, with numbers like weights'."""
    torch.manual_seed(2026)
    if experts:
        config = {"model_type": "gpt_oss", "hidden_size": 64, "intermediate_size": 96, "num_local_experts": 2}
        mlp = "model.layers.0.mlp.experts"
        tensors = {f"{mlp}.gate_up_proj": torch.randn(2, 192, 64), f"{mlp}.down_proj": torch.randn(2, 64, 96)}
    else:
        own = transformers.LlamaConfig(
            hidden_size=256, intermediate_size=384, num_hidden_layers=1, num_attention_heads=4, vocab_size=64,
            tie_word_embeddings=False, dtype=dtype, architectures=["LlamaForCausalLM"],
        )
        config = own.to_dict()
        tensors = transformers.LlamaForCausalLM(own).state_dict()
    for tensor in tensors.values():
        if tensor.ndim > 1:
            tensor *= 3
            tensor.view(-1)[:32] = 0
            tensor.view(-1)[40] = 2
    folder.mkdir(parents=True)
    save_file({name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, default=str))


def layers(tensors, end):
    """Names of modules with a tensor of this end, and all of their tensors without the module's name."""
    for name in tensors:
        if name.endswith(f".{end}"):
            module = name.removesuffix(end)
            yield module + "weight", {key.removeprefix(module): x for key, x in tensors.items() if key.startswith(module)}


def compressed_tensors(tensors, config):
    from compressed_tensors.compressors import BaseCompressor

    parsed = transformers.quantizers.AutoQuantizationConfig.from_dict(dict(config["quantization_config"]))
    scheme = parsed.quantization_config.config_groups["group_0"]
    own = BaseCompressor.get_value_from_registry(scheme.format)
    missing = set(own.compression_param_names(scheme))
    for name, parts in layers(tensors, "weight_scale"):
        absent = missing - set(parts)
        assert not absent, f"no {absent}"
        yield name, own.decompress(parts, scheme)["weight"]


def modelopt(tensors, config):
    import modelopt.torch.quantization.qtensor as q

    for name, parts in layers(tensors, "weight_scale"):
        weight, scale, blocks = parts["weight"], parts["weight_scale"], {-1: config["quantization"]["group_size"]}
        shape = torch.Size([weight.shape[0], weight.shape[1] * (2 if weight.dtype == torch.uint8 else 1)])
        match config["quantization"]["quant_algo"]:
            case "NVFP4":
                own, more = q.NVFP4QTensor, {"double_scale": parts["weight_scale_2"], "block_sizes": blocks}
            case "MXFP4":
                own, more = q.MXFP4QTensor, {"block_sizes": blocks}
            case "MXFP8":
                own, more = q.MXFP8QTensor, {}
            case "FP8":
                own, more = q.FP8QTensor, {"block_sizes": {}}
        yield name, own(shape, torch.float32, weight).dequantize(dtype=torch.float32, scale=scale, **more)


def gpt_oss(tensors, config):
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    for name in [name for name in tensors if name.endswith("_blocks")]:
        weight = name.removesuffix("_blocks")
        yield weight, convert_moe_packed_tensors(tensors[name], tensors[f"{weight}_scales"]).transpose(1, 2)


def deepseek(tensors, config):
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize

    for end in ("weight_scale_inv", "scale"):
        for name, parts in layers(tensors, end):
            yield name, Fp8Dequantize(None).convert({"weight": parts["weight"], "weight_scale_inv": parts[end]})["weight"]


def gptq(tensors, config):
    from gptqmodel import QuantizeConfig
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    from gptqmodel.utils.model import convert_gptq_v1_to_v2_format_module

    own = config["quantization_config"]
    for name, parts in layers(tensors, "qweight"):
        inputs, outputs = parts["g_idx"].numel(), parts["scales"].shape[1]
        layer = TorchLinear(
            bits=own["bits"], group_size=own["group_size"], sym=own["sym"], desc_act=own["desc_act"], in_features=inputs,
            out_features=outputs,
        )
        layer.load_state_dict(parts, strict=True)
        if own["checkpoint_format"] == "gptq":
            convert_gptq_v1_to_v2_format_module(layer, own["bits"], torch.int32)
        layer.post_init()
        yield name, layer.eval().dequantize_weight().T


def awq(tensors, config):
    from awq.utils.packing_utils import dequantize_gemm

    own = config["quantization_config"]
    for name, parts in layers(tensors, "qweight"):
        numbers = dequantize_gemm(parts["qweight"], parts["qzeros"], parts["scales"], own["bits"], own["group_size"])
        yield name, numbers.T


def mlx(folder, config):
    import mlx.core as mx

    tensors, own = mx.load(str(folder / "model.safetensors")), config["quantization"]
    for name, scales in tensors.items():
        if name.endswith(".scales"):
            weight, biases = name.replace("scales", "weight"), tensors.get(name.replace("scales", "biases"))
            # Numbers of FP4 and E8M0 are the same in every type; affine ones are compared in F32's arithmetic.
            if biases is not None:
                scales, biases = scales.astype(mx.float32), biases.astype(mx.float32)
            numbers = mx.dequantize(tensors[weight], scales, biases, **own)
            yield weight, torch.from_dlpack(numbers.astype(mx.float32))


def comfyui(tensors, config):
    for name, parts in layers(tensors, "scale_weight"):
        yield name, parts["weight"].to(parts["scale_weight"].dtype) * parts["scale_weight"]


READERS = {
    "compressed_tensors": compressed_tensors, "modelopt": modelopt, "gpt_oss": gpt_oss, "deepseek": deepseek,
    "gptq": gptq, "gptq_v2": gptq, "awq": awq, "comfyui": comfyui,
}


def loaded(out, numbers, read, program):
    """What transformers makes of the whole model, against our numbers in the type that the program reads them in."""
    kinds = {"compressed_tensors": transformers.CompressedTensorsConfig, "deepseek": transformers.FineGrainedFP8Config}
    if program not in kinds:
        return "none"
    own = transformers.AutoModelForCausalLM.from_pretrained(out, quantization_config=kinds[program](dequantize=True))
    parameters = own.state_dict()
    types = {name: read[name].dtype if name in read else numbers[name].dtype for name in numbers}
    differ = sum(differences(numbers[name].to(types[name]), parameters[name]) for name in numbers)
    return f"{sum(x.numel() for x in numbers.values())} parameters, {differ} differ"


def differences(ours, theirs):
    assert ours.shape == theirs.shape, f"{ours.shape} and {theirs.shape}"
    ours, theirs = ours.to(theirs.dtype).float().contiguous(), theirs.float().contiguous()
    return int((ours.view(torch.int32) != theirs.view(torch.int32)).sum())


def check(layout, dtype, root):
    program = layout.split("::")[0]
    source = root / f"{'experts' if program == 'gpt_oss' else 'llama'}-{dtype}"
    out, back = root / "out", root / "back"
    for folder in (out, back):
        shutil.rmtree(folder, ignore_errors=True)
    problem = run(source, out, "--to", layout) or run(out, back, "--to", "F32")
    if problem:
        return f"{problem[:160]}"
    config, numbers, tensors = json.loads((out / "config.json").read_text()), load(back), load(out)
    if program == "modelopt":
        config |= json.loads((out / "hf_quant_config.json").read_text())
    section, parsed = transformers.AutoConfig.from_pretrained(out).to_dict().get("quantization_config"), "none"
    # transformers has no class for the other two.
    if section is not None and program not in ("mlx", "modelopt"):
        parsed = type(transformers.quantizers.AutoQuantizationConfig.from_dict(dict(section))).__name__
    read = dict(mlx(out, config) if program == "mlx" else READERS[program](tensors, config))
    count = differ = 0
    for name, own in read.items():
        count += own.numel()
        differ += differences(numbers[name], own)
    types = sorted({str(own.dtype).removeprefix("torch.") for own in read.values()})
    whole = loaded(out, numbers, read, program)
    return f"{len(read)} weights, {count} numbers, {differ} differ | {', '.join(types)} | {parsed} | {whole}"


def names():
    floats = "NVFP4 MXFP4 MXFP6_E2M3 MXFP8_E4M3 FP8_E4M3_TENSOR FP8_E4M3_ROW FP8_E4M3_128X128"
    yield from (f"compressed_tensors::{name}" for name in floats.split())
    yield from (f"modelopt::{name}" for name in "NVFP4 MXFP4 MXFP8_E4M3 FP8_E4M3_TENSOR".split())
    yield "gpt_oss::MXFP4"
    yield from (f"deepseek::{name}::FP8_E4M3_128X128" for name in ("v3", "v3_1", "v4"))
    yield from ("deepseek::v4_1::FP8_E4M3_32X32", "deepseek::v4::MXFP4", "comfyui::FP8_E4M3_TENSOR")
    yield from (f"mlx::{name}" for name in ("MXFP4", "MXFP8_E4M3", "NVFP4"))
    for extent in ("ROW", "G32", "G64", "G128"):
        for bits in range(2, 9):
            yield from (f"compressed_tensors::INT{bits}_{extent}{end}" for end in ("", "_ASYM"))
    for extent in ("G32", "G64", "G128"):
        yield from (f"mlx::INT{bits}_{extent}" for bits in (2, 3, 4, 5, 6, 8))
        yield from (f"{module}::INT{bits}_{extent}" for module in ("gptq", "gptq_v2") for bits in (2, 3, 4, 8))
        yield f"awq::INT4_{extent}"


with tempfile.TemporaryDirectory() as root:
    root = pathlib.Path(root)
    for kind, experts in (("llama", False), ("experts", True)):
        for dtype in (torch.float32, torch.bfloat16):
            model(root / f"{kind}-{str(dtype).removeprefix('torch.')}", dtype, experts)
    print("| layout | from | what the program reads | type | config class | in transformers |\n|---|---|---|---|---|---|")
    for layout in sys.argv[2:] or names():
        for dtype in ("float32", "bfloat16"):
            try:
                line = check(layout, dtype, root)
            except Exception as error:
                line = f"{type(error).__name__}: {str(error)[:200]}"
            print(f"| {layout} | {dtype} | {line} |", flush=True)
