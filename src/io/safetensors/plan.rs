//! What is known of a weight before its bytes are read: [`Scheme`] and [`WeightPlan`], and how the shapes
//! of codes and scales give them. Here are the layouts whose bytes are a tensor's own; those of
//! GPTQ, AWQ and their kind are in `groups`, MLX's in `mlx`, torchao's and bitsandbytes' in
//! `other`.

use super::config::QuantConfig;
use super::header::TensorEntry;
use crate::block::{BlockSpec, Extent, Ratio, ScaleRule, preset};
use crate::format::Vocabulary;
use crate::io::error::one_line;
use crate::spec::FormatSpec;
use core::fmt::Display;
use safetensors::Dtype;
use std::borrow::Cow;
use std::format;
use std::string::String;
use std::vec::Vec;

/// The program whose convention a weight is stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Convention {
    /// No program's: codes of FP8, FP6 or FP4 that stand for themselves, without scales.
    Unscaled,
    /// `DeepSeek`-V3 and later: FP8 in tiles, MXFP4 experts.
    DeepSeek,
    /// compressed-tensors (llm-compressor, vLLM): FP8, NVFP4, MX formats, integers.
    CompressedTensors,
    /// NVIDIA's Model Optimizer: FP8, NVFP4, MX formats, INT4.
    ModelOptimizer,
    /// gpt-oss: MXFP4 in blocks of 16 bytes.
    GptOss,
    /// GPTQ (`AutoGPTQ`, `GPTQModel`, `AutoRound`): integers of 2 to 8 bits with zero points.
    Gptq,
    /// AWQ (`AutoAWQ`): 4-bit integers with zero points.
    Awq,
    /// MLX: affine integers, MXFP4, MXFP8, NVFP4.
    Mlx,
    /// `ComfyUI`: FP8 with a scale a tensor.
    ComfyUi,
    /// torchao's tensor subclasses, taken apart.
    Torchao,
    /// bitsandbytes: NF4 and FP4.
    Bitsandbytes,
}

impl Convention {
    /// What the program is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unscaled => "without scales",
            Self::DeepSeek => "DeepSeek",
            Self::CompressedTensors => "compressed-tensors",
            Self::ModelOptimizer => "Model Optimizer",
            Self::GptOss => "gpt-oss",
            Self::Gptq => "GPTQ",
            Self::Awq => "AWQ",
            Self::Mlx => "MLX",
            Self::ComfyUi => "ComfyUI",
            Self::Torchao => "torchao",
            Self::Bitsandbytes => "bitsandbytes",
        }
    }
}

/// How a quantized weight is stored: whose convention, which of its layouts, and the format that
/// its numbers are in.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scheme {
    /// The program.
    pub convention: Convention,
    /// The program's name for the layout, or what it consists of.
    pub layout: &'static str,
    /// Elements, scales, blocks, and the formula by which numbers come back. The rule by which
    /// scales were found is not in a file: where several fit, it is the program's usual one.
    pub spec: BlockSpec,
    /// Whether the bytes of codes and scales are the tensor's own, so that a view needs no copy.
    pub in_place: bool,
}

/// What a tensor is to its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Codes,
    Scale,
    TensorScale,
    /// Zero points, or minima.
    ZeroPoint,
    GroupIndex,
    Shape,
    Codebook,
    NestedScale,
    NestedCodebook,
    State,
}

/// Why tensors are no weight, in words.
pub(super) type Reason = Cow<'static, str>;

/// Format and shape of a weight, and how its bytes are made.
#[derive(Clone, Debug)]
pub(super) struct WeightPlan {
    pub(super) spec: BlockSpec,
    pub(super) shape: Vec<usize>,
    pub(super) form: Form,
}

impl WeightPlan {
    pub(super) const fn stored(spec: BlockSpec, shape: Vec<usize>) -> Self {
        Self { spec, shape, form: Form::Stored }
    }
}

/// How the bytes of a weight come from those of its tensors.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// They are the tensors' own.
    Stored,
    /// compressed-tensors' words of `q + 2^(bits − 1)`, of 2 to 8 bits.
    SignedWords,
    /// GPTQ's words down the inputs, with the number that is added to stored zero points.
    Gptq { zero_offset: u8 },
    /// AWQ's words of eight outputs.
    Awq,
    /// Two outputs a byte.
    PairedOutputs,
    /// Codes as they are, scales in 128×4 tiles.
    SwizzledScales,
    /// bitsandbytes' bytes, the first code in the high nibble; with a nested absmax the number that
    /// is added to the scales, and how many of them share one.
    HighFirst { nested: Option<(f32, usize)> },
}

/// The tensors of one weight, and what is known beside them.
pub(super) struct Group<'g> {
    pub(super) convention: Convention,
    pub(super) found: &'g [(Role, &'g TensorEntry)],
    pub(super) config: &'g QuantConfig,
    /// The name of the weight's module: the weight's up to the last dot.
    pub(super) layer: &'g str,
    /// torchao's description of the weight.
    pub(super) description: Option<&'g str>,
    /// Reads a small tensor.
    pub(super) bytes: &'g dyn Fn(&TensorEntry) -> Result<Vec<u8>, Reason>,
}

impl Group<'_> {
    pub(super) fn get(&self, role: Role) -> Option<&TensorEntry> {
        self.found.iter().find(|(own, _)| *own == role).map(|(_, entry)| *entry)
    }

    /// A tensor that the rule asks for.
    pub(super) fn need(&self, role: Role) -> Result<&TensorEntry, Reason> {
        self.get(role).ok_or(Cow::Borrowed("expected codes and scales"))
    }

    /// Reads a tensor of integers of 4 or 8 bytes.
    pub(super) fn integers(&self, entry: &TensorEntry) -> Result<Vec<i64>, Reason> {
        let bytes = (self.bytes)(entry)?;
        Ok(match entry.dtype.known() {
            Some(Dtype::I64) => {
                bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
            }
            _ => {
                bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect()
            }
        })
    }
}

/// What is wrong with a tensor, for a person.
pub(super) fn mismatch(entry: &TensorEntry, expected: impl Display) -> Reason {
    let TensorEntry { name, dtype, shape, .. } = entry;
    let name = one_line(name);
    Cow::Owned(format!("tensor '{name}': expected {expected}, found {dtype} {shape:?}"))
}

/// The format of the elements of a dtype; `None` for integers above 8 bits and what is no number.
pub(super) fn format_of(dtype: Dtype) -> Option<FormatSpec> {
    match dtype {
        Dtype::F32 => Some(FormatSpec::F32),
        Dtype::F16 => Some(FormatSpec::F16),
        Dtype::BF16 => Some(FormatSpec::BF16),
        Dtype::I8 => Some(FormatSpec::INT8),
        _ => {
            let name: String = format!("{dtype}");
            FormatSpec::by_name_in(Vocabulary::Safetensors, &name).ok()
        }
    }
}

/// The format of a tensor of elements or scales.
pub(super) fn format_in(entry: &TensorEntry) -> Result<FormatSpec, Reason> {
    let format = entry.dtype.known().and_then(format_of);
    format.ok_or_else(|| mismatch(entry, "numbers in a format of at most 32 bits"))
}

/// The format of scales, of which bytes are powers of two.
pub(super) fn scale_format(entry: &TensorEntry) -> Result<FormatSpec, Reason> {
    match entry.dtype.known() {
        Some(Dtype::U8) => Ok(FormatSpec::E8M0),
        _ => format_in(entry),
    }
}

/// A scheme of elements times a scale, by the rule that most programs have: the largest element
/// becomes the largest number of its format.
pub(super) const fn by_amax(element: FormatSpec, scale: FormatSpec, extent: Extent) -> BlockSpec {
    let rule = ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Divide };
    BlockSpec::new(element, Some(scale), extent, rule)
}

/// FP8 and INT8: a byte an element, and scales of a tensor, of rows, or of blocks of any shape.
pub(super) fn scaled(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let extent = extent_of(&codes.shape, scale, group.config.tile())?;
    let (element, format) = (format_in(codes)?, scale_format(scale)?);
    let powers_of_two = format == FormatSpec::E8M0;
    // What programs that name no rule of their own do.
    let plain = match element {
        own if own == FormatSpec::F8E4M3 => preset::generic::FP8_E4M3_TENSOR,
        own if own == FormatSpec::F8E5M2 => preset::generic::FP8_E5M2_TENSOR,
        own if own == FormatSpec::INT8 => preset::compressed_tensors::INT8_ROW,
        _ => by_amax(element, format, extent),
    };
    let plain = plain.with_extent(extent).with_scale(format);
    let spec = match (group.convention, extent) {
        _ if element != FormatSpec::F8E4M3 => plain,
        (Convention::DeepSeek, Extent::Block { .. }) if powers_of_two => {
            preset::deepseek::v3_1::FP8_E4M3_128X128.with_extent(extent)
        }
        (Convention::DeepSeek, Extent::Block { .. }) if format == FormatSpec::F32 => {
            preset::deepseek::v3::FP8_E4M3_128X128.with_extent(extent)
        }
        (Convention::ModelOptimizer, Extent::MX) if powers_of_two => preset::modelopt::MXFP8_E4M3,
        (_, Extent::MX) if powers_of_two => preset::compressed_tensors::MXFP8_E4M3,
        _ => plain,
    };
    let spec = match group.get(Role::ZeroPoint) {
        None => spec,
        Some(zeros) if zeros.shape == scale.shape && zeros.dtype.known() == Some(Dtype::I8) => {
            preset::compressed_tensors::INT8_ROW_ASYM.with_extent(extent).with_scale(format)
        }
        Some(zeros) => {
            return Err(mismatch(zeros, format!("zero points, I8 {:?}", scale.shape)));
        }
    };
    Ok(WeightPlan::stored(spec, codes.shape.to_vec()))
}

/// The blocks that scales of a shape are for. `tile` is the config's, which is preferred.
pub(super) fn extent_of(
    codes: &[usize],
    scale: &TensorEntry,
    tile: Option<[u32; 2]>,
) -> Result<Extent, Reason> {
    let expected = || {
        let shape = format!(
            "one scale, one for each row, or one for each tile or group of rows of {codes:?}"
        );
        mismatch(scale, shape)
    };
    let scales = scale.shape.iter().product::<usize>();
    if scales == 1 {
        return Ok(Extent::Tensor);
    }
    let &[ref leading @ .., rows, cols] = codes else { return Err(expected()) };
    let matrices = leading.iter().product::<usize>();
    let whole = u32::try_from(rows).ok().zip(u32::try_from(cols).ok());
    // One number for each matrix, with or without axes of one for rows and columns.
    let for_matrices = matrices > 1 && scales == matrices && scale.shape[0] == leading[0];
    if let (true, Some((rows, cols))) = (for_matrices, whole) {
        return Ok(Extent::Block { rows, cols });
    }
    // One number for each row, without an axis for columns.
    if *scale.shape == codes[..codes.len() - 1] {
        return Ok(Extent::Row);
    }
    let &[ref leading_scales @ .., grid_rows, grid_cols] = &*scale.shape else {
        return Err(expected());
    };
    if leading_scales != leading || grid_rows == 0 || grid_cols == 0 {
        return Err(expected());
    }
    let fits = |height: usize, width: usize| {
        rows.div_ceil(height) == grid_rows && cols.div_ceil(width) == grid_cols
    };
    if let Some([height, width]) = tile
        && fits(height as usize, width as usize)
    {
        return Ok(Extent::Block { rows: height, cols: width });
    }
    match (grid_rows == rows, grid_cols == cols) {
        (true, _) if grid_cols == 1 => return Ok(Extent::Row),
        (_, true) if grid_rows == 1 => return Ok(Extent::Column),
        (true, _) => {
            return group_of(cols, grid_cols)
                .map(|cols| Extent::Block { rows: 1, cols })
                .ok_or_else(expected);
        }
        _ => {}
    }
    let tiles = [128u32, 32, 64, 16, 256];
    let side = tiles.into_iter().find(|&side| fits(side as usize, side as usize));
    side.map(|side| Extent::Block { rows: side, cols: side }).ok_or_else(expected)
}

/// The length of the groups that a row of `cols` elements is cut into: equal ones, or else the
/// first usual length that makes so many.
pub(super) fn group_of(cols: usize, groups: usize) -> Option<u32> {
    if groups == 0 {
        return None;
    }
    if cols.is_multiple_of(groups) {
        return u32::try_from(cols / groups).ok().filter(|&length| length > 0);
    }
    [128u32, 64, 32, 16, 256].into_iter().find(|&length| cols.div_ceil(length as usize) == groups)
}

/// FP4 and FP6 in bytes without gaps, the first element in the low bits, with a scale for 16 or 32
/// elements of a row.
pub(super) fn packed(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let &[ref leading @ .., stored] = &*codes.shape else {
        return Err(mismatch(codes, "rows of codes"));
    };
    // F4 counts elements, bytes count bytes.
    if codes.dtype.known() == Some(Dtype::F4) && !stored.is_multiple_of(2) {
        return Err(mismatch(codes, "rows that end at a byte"));
    }
    let bytes = if codes.dtype.known() == Some(Dtype::F4) { stored / 2 } else { stored };
    let &[ref scale_leading @ .., groups] = &*scale.shape else {
        return Err(mismatch(scale, "scales for groups of each row"));
    };
    let cols = |bits: usize| bytes.checked_mul(8).map_or(0, |bits_of_row| bits_of_row / bits);
    let is_e4m3 = scale.dtype.known() == Some(Dtype::F8_E4M3);
    let (block, element) = match is_e4m3 {
        true => (16, FormatSpec::F4E2M1),
        // MXFP6 has 24 bytes for a scale, MXFP4 16.
        false if groups > 0 && bytes == 24 * groups => (32, FormatSpec::F6E2M3),
        false => (32, FormatSpec::F4E2M1),
    };
    let cols = cols(element.bits() as usize);
    if scale_leading != leading || groups != cols.div_ceil(block) {
        let mut expected = leading.to_vec();
        expected.push(cols.div_ceil(block));
        return Err(mismatch(scale, format!("scales of shape {expected:?}")));
    }
    let spec = match (is_e4m3, element == FormatSpec::F6E2M3, group.convention) {
        (true, _, Convention::CompressedTensors) => preset::compressed_tensors::NVFP4,
        (true, _, Convention::ModelOptimizer) => preset::modelopt::NVFP4,
        (true, _, _) if group.get(Role::TensorScale).is_some() => preset::torchao::NVFP4,
        (true, ..) => preset::torchao::NVFP4_SINGLE,
        (_, true, _) => preset::compressed_tensors::MXFP6_E2M3,
        (_, _, Convention::CompressedTensors) => preset::compressed_tensors::MXFP4,
        (_, _, Convention::ModelOptimizer) => preset::modelopt::MXFP4,
        _ => preset::ocp::MXFP4,
    };
    let mut shape = leading.to_vec();
    shape.push(cols);
    if let Some(tensor_scale) = group.get(Role::TensorScale) {
        let matrices = leading[..leading.len().saturating_sub(1)].iter().product::<usize>();
        let count = tensor_scale.shape.iter().product::<usize>();
        if count != 1 && count != matrices {
            let expected = format!("one tensor scale, or one for each of {matrices} matrices");
            return Err(mismatch(tensor_scale, expected));
        }
    }
    Ok(WeightPlan::stored(spec, shape))
}

/// gpt-oss: blocks of 16 bytes on an axis of their own.
pub(super) fn blocks(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    match &*codes.shape {
        [leading @ .., groups, 16] if *scale.shape == codes.shape[..codes.shape.len() - 1] => {
            let mut shape = leading.to_vec();
            shape.push(groups.saturating_mul(32));
            Ok(WeightPlan::stored(preset::ocp::MXFP4, shape))
        }
        [.., 16] => {
            let expected = &codes.shape[..codes.shape.len() - 1];
            Err(mismatch(scale, format!("scales of shape {expected:?}")))
        }
        _ => Err(mismatch(codes, "blocks of 16 bytes on the last axis")),
    }
}
