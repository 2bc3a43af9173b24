//! The table of schemes that checkpoints come in: which tensors, by suffix and dtype, make up one
//! weight, and which function finds format and shape from theirs. The first rule that fits is
//! taken, so rules that ask for more tensors stand before those that ask for fewer.

use super::groups;
use super::mlx;
use super::other;
use super::plan::{self, Convention, Group, Reason, Role, WeightPlan};
use safetensors::Dtype;
use safetensors::Dtype::{
    BF16, F4, F8_E4M3, F8_E4M3FNUZ, F8_E5M2, F8_E5M2FNUZ, F8_E8M0, F16, F32, I8, I32, I64, U8, U32,
};

/// A scheme, as tensors.
pub(super) struct Rule {
    pub(super) convention: Convention,
    /// The program's own name for the layout, or what it consists of.
    pub(super) layout: &'static str,
    /// Values of `quant_method` under which alone the rule applies; empty for any, or none.
    pub(super) methods: &'static [&'static str],
    /// The suffix of the tensor of codes, and its dtypes.
    pub(super) codes: (&'static str, &'static [Dtype]),
    /// What the weight's name has in place of the suffix of its codes.
    pub(super) name: &'static str,
    pub(super) companions: &'static [Companion],
    pub(super) plan: fn(&Group<'_>) -> Result<WeightPlan, Reason>,
}

/// A tensor beside the codes.
pub(super) struct Companion {
    pub(super) role: Role,
    pub(super) suffix: &'static str,
    pub(super) dtypes: &'static [Dtype],
    pub(super) needed: bool,
}

const fn needs(role: Role, suffix: &'static str, dtypes: &'static [Dtype]) -> Companion {
    Companion { role, suffix, dtypes, needed: true }
}

const fn may_have(role: Role, suffix: &'static str, dtypes: &'static [Dtype]) -> Companion {
    Companion { role, suffix, dtypes, needed: false }
}

const FLOATS: &[Dtype] = &[F32, F16, BF16];
const FP8: &[Dtype] = &[F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ];
/// Scales of FP8 and INT8: floats, or powers of two, which some programs store as plain bytes.
const SCALES: &[Dtype] = &[F32, F16, BF16, F8_E8M0, U8];
const POWERS_OF_TWO: &[Dtype] = &[U8, F8_E8M0];
const NIBBLES: &[Dtype] = &[U8, I8, F4];

/// The names of Model Optimizer in `quant_method`.
const MODELOPT: &[&str] = &["modelopt", "modelopt_fp4", "modelopt_fp8", "nvfp4"];

pub(super) const RULES: &[Rule] = &[
    // DeepSeek-V3's inference code and the config of transformers' FineGrainedFP8Config: a float
    // for each tile of 128×128, to multiply. V3.1 stores the same tensor as powers of two.
    Rule {
        convention: Convention::DeepSeek,
        layout: "FP8, weight_scale_inv",
        methods: &[],
        codes: ("weight", FP8),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale_inv", &[F32, F16, BF16, F8_E8M0])],
        plan: plan::scaled,
    },
    // DeepSeek-V4 and V4.1 (vLLM's deepseek_v4 loader): tiles of 128×128 or 32×32.
    Rule {
        convention: Convention::DeepSeek,
        layout: "FP8, UE8M0 scale",
        methods: &[],
        codes: ("weight", FP8),
        name: "weight",
        companions: &[needs(Role::Scale, "scale", &[F8_E8M0])],
        plan: plan::scaled,
    },
    // DeepSeek-V4's experts: MXFP4 in bytes that are called I8.
    Rule {
        convention: Convention::DeepSeek,
        layout: "MXFP4, UE8M0 scale",
        methods: &[],
        codes: ("weight", NIBBLES),
        name: "weight",
        companions: &[needs(Role::Scale, "scale", &[F8_E8M0])],
        plan: plan::packed,
    },
    // compressed-tensors 0.20, compressors/nvfp4: the global scale divides.
    Rule {
        convention: Convention::CompressedTensors,
        layout: "nvfp4-pack-quantized",
        methods: &[],
        codes: ("weight_packed", NIBBLES),
        name: "weight",
        companions: &[
            needs(Role::Scale, "weight_scale", &[F8_E4M3]),
            needs(Role::TensorScale, "weight_global_scale", &[F32]),
        ],
        plan: plan::packed,
    },
    // compressed-tensors 0.20, compressors/mxfp4 and mxfp6: the width of a code follows from the
    // shapes.
    Rule {
        convention: Convention::CompressedTensors,
        layout: "mxfp4- or mxfp6-pack-quantized",
        methods: &[],
        codes: ("weight_packed", NIBBLES),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale", POWERS_OF_TWO)],
        plan: plan::packed,
    },
    // compressed-tensors 0.20, compressors/pack_quantized: dense words of q + 2^(bits − 1); before
    // 0.20 also with the group of each input.
    Rule {
        convention: Convention::CompressedTensors,
        layout: "pack-quantized",
        methods: &[],
        codes: ("weight_packed", &[I32]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "weight_scale", FLOATS),
            needs(Role::Shape, "weight_shape", &[I64, I32]),
            may_have(Role::ZeroPoint, "weight_zero_point", &[I32]),
            may_have(Role::GroupIndex, "weight_g_idx", &[I32]),
        ],
        plan: groups::pack_quantized,
    },
    // Model Optimizer 0.47, export/quant_utils: the second scale multiplies.
    Rule {
        convention: Convention::ModelOptimizer,
        layout: "NVFP4",
        methods: &[],
        codes: ("weight", NIBBLES),
        name: "weight",
        companions: &[
            needs(Role::Scale, "weight_scale", &[F8_E4M3]),
            needs(Role::TensorScale, "weight_scale_2", &[F32]),
        ],
        plan: plan::packed,
    },
    Rule {
        convention: Convention::ModelOptimizer,
        layout: "MXFP4",
        methods: &[],
        codes: ("weight", NIBBLES),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale", POWERS_OF_TWO)],
        plan: plan::packed,
    },
    // Model Optimizer's `pack_int4_in_uint8`: two outputs a byte.
    Rule {
        convention: Convention::ModelOptimizer,
        layout: "INT4, AWQ",
        methods: &[],
        codes: ("weight", &[U8]),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale", FLOATS)],
        plan: groups::paired_outputs,
    },
    Rule {
        convention: Convention::ModelOptimizer,
        layout: "FP8",
        methods: MODELOPT,
        codes: ("weight", FP8),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale", SCALES)],
        plan: plan::scaled,
    },
    // compressed-tensors' float-quantized, naive-quantized, mxfp8-quantized; vLLM's `fp8`.
    Rule {
        convention: Convention::CompressedTensors,
        layout: "float-quantized or mxfp8-quantized",
        methods: &[],
        codes: ("weight", FP8),
        name: "weight",
        companions: &[needs(Role::Scale, "weight_scale", SCALES)],
        plan: plan::scaled,
    },
    Rule {
        convention: Convention::CompressedTensors,
        layout: "int-quantized",
        methods: &[],
        codes: ("weight", &[I8]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "weight_scale", FLOATS),
            may_have(Role::ZeroPoint, "weight_zero_point", &[I8]),
        ],
        plan: plan::scaled,
    },
    // transformers' integrations/mxfp4: 16 bytes for 32 elements on an axis of their own.
    Rule {
        convention: Convention::GptOss,
        layout: "MXFP4 blocks",
        methods: &[],
        codes: ("_blocks", &[U8]),
        name: "",
        companions: &[needs(Role::Scale, "_scales", POWERS_OF_TWO)],
        plan: plan::blocks,
    },
    // AutoGPTQ, GPTQModel, AutoRound; `checkpoint_format` says which zero points.
    Rule {
        convention: Convention::Gptq,
        layout: "qweight, qzeros, scales",
        methods: &[],
        codes: ("qweight", &[I32]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "scales", FLOATS),
            needs(Role::ZeroPoint, "qzeros", &[I32]),
            may_have(Role::GroupIndex, "g_idx", &[I32]),
        ],
        plan: groups::gptq,
    },
    // AutoAWQ's GEMM layout: eight outputs a word.
    Rule {
        convention: Convention::Awq,
        layout: "qweight, qzeros, scales",
        methods: &[],
        codes: ("qweight", &[I32]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "scales", FLOATS),
            needs(Role::ZeroPoint, "qzeros", &[I32]),
        ],
        plan: groups::awq,
    },
    // MLX 0.32, `mx.quantize`: q · scale + bias.
    Rule {
        convention: Convention::Mlx,
        layout: "affine",
        methods: &[],
        codes: ("weight", &[U32]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "scales", FLOATS),
            needs(Role::ZeroPoint, "biases", FLOATS),
        ],
        plan: mlx::affine,
    },
    Rule {
        convention: Convention::Mlx,
        layout: "mxfp4, mxfp8 or nvfp4",
        methods: &[],
        codes: ("weight", &[U32]),
        name: "weight",
        companions: &[
            needs(Role::Scale, "scales", &[U8]),
            may_have(Role::TensorScale, "global_scale", FLOATS),
        ],
        plan: mlx::floats,
    },
    // ComfyUI's scaled FP8: one scale a tensor, to multiply.
    Rule {
        convention: Convention::ComfyUi,
        layout: "FP8, scale_weight",
        methods: &[],
        codes: ("weight", FP8),
        name: "weight",
        companions: &[needs(Role::Scale, "scale_weight", FLOATS)],
        plan: plan::scaled,
    },
    // torchao 0.18, prototype/safetensors: the parts of a tensor subclass, whose class is in the
    // file's metadata.
    Rule {
        convention: Convention::Torchao,
        layout: "tensor subclass",
        methods: &[],
        codes: ("_qdata", &[F8_E4M3, F8_E5M2, I8, U8, F4]),
        name: "",
        companions: &[
            needs(Role::Scale, "_scale", &[F32, F16, BF16, F8_E8M0, F8_E4M3, U8]),
            may_have(Role::TensorScale, "_per_tensor_scale", &[F32]),
            may_have(Role::ZeroPoint, "_zero_point", &[I8, I32]),
        ],
        plan: other::torchao,
    },
    // bitsandbytes 0.50, `QuantState.as_dict(packed=True)`.
    Rule {
        convention: Convention::Bitsandbytes,
        layout: "NF4",
        methods: &[],
        codes: ("weight", &[U8]),
        name: "weight",
        companions: &BITSANDBYTES_NF4,
        plan: other::bitsandbytes,
    },
    Rule {
        convention: Convention::Bitsandbytes,
        layout: "FP4",
        methods: &[],
        codes: ("weight", &[U8]),
        name: "weight",
        companions: &BITSANDBYTES_FP4,
        plan: other::bitsandbytes,
    },
];

const BITSANDBYTES_NF4: [Companion; 5] = bitsandbytes("weight.quant_state.bitsandbytes__nf4");
const BITSANDBYTES_FP4: [Companion; 5] = bitsandbytes("weight.quant_state.bitsandbytes__fp4");

const fn bitsandbytes(state: &'static str) -> [Companion; 5] {
    [
        needs(Role::Scale, "weight.absmax", &[F32, U8]),
        needs(Role::Codebook, "weight.quant_map", &[F32]),
        needs(Role::State, state, &[U8]),
        may_have(Role::NestedScale, "weight.nested_absmax", &[F32]),
        may_have(Role::NestedCodebook, "weight.nested_quant_map", &[F32]),
    ]
}

/// Tensors beside weights that are none, by the last part of their name, and why.
pub(super) const BESIDE: &[(&str, &str)] = &[
    ("input_scale", ACTIVATIONS),
    ("input_scale_inv", ACTIVATIONS),
    ("input_global_scale", ACTIVATIONS),
    ("input_zero_point", ACTIVATIONS),
    ("scale_input", ACTIVATIONS),
    ("activation_scale", ACTIVATIONS),
    ("act_per_tensor_scale", ACTIVATIONS),
    ("pre_quant_scale", ACTIVATIONS),
    ("output_scale", ACTIVATIONS),
    ("k_scale", CACHE),
    ("v_scale", CACHE),
    ("q_scale", CACHE),
    ("kv_scale", CACHE),
    ("scaled_fp8", "a mark that scales are beside the codes"),
];

const ACTIVATIONS: &str = "a scale of activations";
const CACHE: &str = "a scale of attention's inputs";
