//! [`CheckpointLayout`]: a layout that weights are written in, and the tensors that one weight
//! becomes. Suffixes and dtypes are those of the rule by which the layout is read.

use super::arrange;
use super::groups::{greatest_common_divisor, words};
use super::plan::{Convention, Role};
use super::repack::turned;
use super::rules::{Companion, Rule};
use crate::block::{BlockSpec, Extent, Offset, QuantView, TensorScale};
use crate::io::error::{Problem, ReadError};
use crate::spec::FormatSpec;
use safetensors::Dtype;
use std::borrow::Cow;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// A layout of weights in a checkpoint that a program reads: which tensors a weight becomes, their
/// dtypes and shapes, and the scheme that it is quantized in.
///
/// ```
/// use subhalf::io::CheckpointLayout;
/// use subhalf::QuantTensor;
/// let layout = CheckpointLayout::by_name("modelopt::NVFP4")?;
/// let tensors = layout.tensors("l.weight", &[2, 32])?;
/// let listed: Vec<String> = tensors.iter().map(|tensor| format!("{tensor:?}")).collect();
/// assert_eq!(listed, [
///     "l.weight: U8 [2, 16]",
///     "l.weight_scale: F8_E4M3 [2, 2]",
///     "l.weight_scale_2: F32 []",
/// ]);
/// let x: Vec<f32> = (0..64).map(|i| i as f32 - 31.0).collect();
/// let tensor = QuantTensor::quantize(&layout.spec(), &x, &[2, 32])?;
/// let bytes = layout.bytes(&tensor.view(), &[2, 32])?;
/// assert_eq!((bytes[0].len(), bytes[1].len()), (32, 4));
/// assert_eq!(*bytes[2], (32.0f32 / 2688.0).to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CheckpointLayout {
    pub(super) name: String,
    pub(super) rule: &'static Rule,
    pub(super) spec: BlockSpec,
    pub(super) order: CodeOrder,
    /// Whether scales are of the type that the model's numbers have.
    pub(super) follows_numbers: bool,
}

/// The order of a layout's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeOrder {
    /// A tensor's own, as elements of a byte.
    Elements,
    /// A tensor's own, as bytes of several codes.
    Bytes,
    /// A tensor's own, as bytes of several codes with 16 bytes on an axis of their own.
    Blocks,
    /// A tensor's own, as little-endian words.
    Words,
    /// Words of `q + 2^(bits − 1)` along each row.
    SignedWords,
    /// Words down the inputs; zero points are stored less this number.
    Gptq { zero_offset: u8 },
    /// Words of eight outputs.
    Awq,
}

/// A tensor that a weight becomes a part of.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedPart {
    pub(super) role: Role,
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    is_constant: bool,
}

impl PlannedPart {
    /// The name of the tensor.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the type of its elements, by safetensors.
    #[must_use]
    pub fn dtype(&self) -> String {
        self.dtype.to_string()
    }

    /// The lengths of its axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether it is about the weight as a whole, so that pieces of rows have the same bytes: a
    /// tensor scale, the scale of a scheme with a single one, the shape, the groups of inputs.
    #[must_use]
    pub const fn is_constant(&self) -> bool {
        self.is_constant
    }
}

impl core::fmt::Debug for PlannedPart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {} {:?}", self.name, self.dtype, self.shape)
    }
}

fn refused(weight: &str, expected: impl ToString, shape: &[usize]) -> ReadError {
    let what = format!("weight '{weight}'");
    ReadError::new("", Problem::mismatch(what, expected, format!("{shape:?}")))
}

impl CheckpointLayout {
    /// The name: a program, and a format with its blocks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program that reads it.
    #[must_use]
    pub const fn convention(&self) -> Convention {
        self.rule.convention
    }

    /// The scheme that weights are quantized in.
    #[must_use]
    pub const fn spec(&self) -> BlockSpec {
        self.spec
    }

    /// The layout for a model whose numbers are of a format: where the program stores scales in the
    /// model's own type (compressed-tensors' integers, MLX's affine ones), they are in F32, F16 or
    /// BF16 like the numbers. All others stay as they are.
    #[must_use]
    pub fn for_numbers(mut self, numbers: &FormatSpec) -> Self {
        let is_known =
            [FormatSpec::F32, FormatSpec::F16, FormatSpec::BF16].iter().any(|own| own == numbers);
        if self.follows_numbers && is_known {
            self.spec = self.spec.with_scale(*numbers);
            if let Offset::Minimum(_) = self.spec.offset {
                self.spec = self.spec.with_offset(Offset::Minimum(*numbers));
            }
        }
        self
    }

    /// Whether rows of a weight can be written piece by piece: the bytes of every tensor but the
    /// [constant ones](PlannedPart::is_constant) are then those of the pieces, one behind the other,
    /// if the rows of every piece but the last are a multiple of [`row_step`](Self::row_step).
    #[must_use]
    pub const fn is_by_rows(&self) -> bool {
        !matches!(self.order, CodeOrder::Gptq { .. } | CodeOrder::Awq)
            && !matches!(self.spec.extent, Extent::Column)
    }

    /// The rows that pieces of a weight are multiples of.
    #[must_use]
    pub const fn row_step(&self) -> usize {
        match self.spec.extent {
            Extent::Block { rows, .. } if rows > 1 => rows as usize,
            // Zero points of 32 rows fill words.
            _ if matches!(self.order, CodeOrder::SignedWords) => 32,
            _ => 1,
        }
    }

    /// The tensors that a weight of this name and shape becomes, its codes first.
    ///
    /// # Errors
    /// [`ReadError`] for a name or shape that the layout has no place for: most want names that end
    /// in `weight`, matrices, and rows of whole blocks.
    pub fn tensors(&self, weight: &str, shape: &[usize]) -> Result<Vec<PlannedPart>, ReadError> {
        let base = match self.rule.name {
            "" => Some(weight),
            // A whole part of the name.
            end => weight.strip_suffix(end).filter(|base| base.is_empty() || base.ends_with('.')),
        };
        let Some(base) = base else {
            let expected = format!("a name that ends in '{}'", self.rule.name);
            let what = "weight's name";
            return Err(ReadError::new("", Problem::mismatch(what, expected, weight)));
        };
        let &[ref leading @ .., rows, cols] = shape else {
            return Err(refused(weight, "a matrix", shape));
        };
        // A stack of matrices has no place where two axes are looked for, and one tensor scale
        // would be that of all.
        let stacked =
            matches!(self.order, CodeOrder::Blocks) || self.convention() == Convention::Mlx;
        if (!leading.is_empty() && !stacked) || shape.contains(&0) {
            return Err(refused(weight, "a matrix with elements", shape));
        }
        // gpt-oss has codes of its experts alone.
        if self.order == CodeOrder::Blocks && leading.is_empty() {
            return Err(refused(weight, "matrices of experts on three axes", shape));
        }
        if let Err(expected) = self.fits([rows, cols]) {
            return Err(refused(weight, expected, shape));
        }
        let mut parts = vec![PlannedPart {
            role: Role::Codes,
            name: format!("{base}{}", self.rule.codes.0),
            dtype: self.codes_dtype(),
            shape: self.codes_shape(leading, [rows, cols]),
            is_constant: false,
        }];
        let written = |companion: &&Companion| match companion.role {
            // GPTQ has zero points of symmetric integers too.
            Role::ZeroPoint => {
                self.spec.offset != Offset::None || matches!(self.order, CodeOrder::Gptq { .. })
            }
            Role::TensorScale => !matches!(self.spec.tensor_scale, TensorScale::None),
            // Inputs are in the order of their groups, which GPTQ's readers want to be told.
            Role::GroupIndex => matches!(self.order, CodeOrder::Gptq { .. }),
            _ => companion.needed,
        };
        for companion in self.rule.companions.iter().filter(written) {
            let (dtype, shape) = self.companion(companion, leading, [rows, cols]);
            let name = format!("{base}{}", companion.suffix);
            let role = companion.role;
            let is_constant = matches!(role, Role::TensorScale | Role::Shape | Role::GroupIndex)
                || (role == Role::Scale && self.spec.extent == Extent::Tensor);
            parts.push(PlannedPart { role, name, dtype, shape, is_constant });
        }
        Ok(parts)
    }

    /// What a matrix must be, if this one is something else.
    fn fits(&self, [rows, cols]: [usize; 2]) -> Result<(), String> {
        let bits = self.spec.element.bits() as usize;
        let block = match self.spec.extent {
            Extent::Block { cols, .. } => cols as usize,
            _ => 1,
        };
        let whole = |unit: usize| match cols.is_multiple_of(unit) {
            true => Ok(()),
            false => Err(format!("rows of a multiple of {unit} elements")),
        };
        match self.order {
            CodeOrder::Elements if self.spec.extent == Extent::MX => whole(32),
            CodeOrder::Elements => Ok(()),
            // compressed-tensors refuses groups that are shorter than the others.
            CodeOrder::Bytes | CodeOrder::Blocks | CodeOrder::SignedWords => whole(block),
            CodeOrder::Words => whole(block.max(32 / greatest_common_divisor(bits, 32))),
            CodeOrder::Gptq { .. } | CodeOrder::Awq => {
                let outputs = 32 / greatest_common_divisor(bits, 32);
                if !rows.is_multiple_of(outputs) {
                    return Err(format!("a multiple of {outputs} rows"));
                }
                whole(block.max(outputs))
            }
        }
    }

    fn codes_dtype(&self) -> Dtype {
        match self.order {
            CodeOrder::SignedWords | CodeOrder::Gptq { .. } | CodeOrder::Awq => Dtype::I32,
            CodeOrder::Words => Dtype::U32,
            CodeOrder::Blocks => Dtype::U8,
            CodeOrder::Elements if self.spec.element == FormatSpec::F8E4M3 => Dtype::F8_E4M3,
            CodeOrder::Elements => Dtype::I8,
            // DeepSeek's are called I8.
            CodeOrder::Bytes if self.convention() == Convention::DeepSeek => Dtype::I8,
            CodeOrder::Bytes => Dtype::U8,
        }
    }

    fn codes_shape(&self, leading: &[usize], [rows, cols]: [usize; 2]) -> Vec<usize> {
        let bits = self.spec.element.bits() as u8;
        let own: &[usize] = match self.order {
            CodeOrder::Elements => &[rows, cols],
            CodeOrder::Bytes => &[rows, cols * usize::from(bits) / 8],
            CodeOrder::Blocks => &[rows, cols / 32, 16],
            CodeOrder::Words | CodeOrder::SignedWords => &[rows, words(cols, bits)],
            CodeOrder::Gptq { .. } => &[words(cols, bits), rows],
            CodeOrder::Awq => &[cols, rows / 8],
        };
        [leading, own].concat()
    }

    /// Rows and columns of blocks of a matrix.
    fn grid(&self, [rows, cols]: [usize; 2]) -> [usize; 2] {
        match self.spec.extent {
            Extent::Block { rows: height, cols: width } => {
                [rows.div_ceil(height as usize), cols.div_ceil(width as usize)]
            }
            _ => [rows, 1],
        }
    }

    fn companion(
        &self,
        companion: &Companion,
        leading: &[usize],
        matrix: [usize; 2],
    ) -> (Dtype, Vec<usize>) {
        let [rows, cols] = matrix;
        let bits = self.spec.element.bits() as u8;
        let grid = self.grid(matrix);
        let turned = matches!(self.order, CodeOrder::Gptq { .. } | CodeOrder::Awq);
        // compressed-tensors has an axis for a single number, all others have none.
        let single = match self.convention() {
            Convention::CompressedTensors => vec![1],
            _ => vec![],
        };
        match companion.role {
            Role::TensorScale => (Dtype::F32, single),
            Role::Shape => (Dtype::I64, vec![2]),
            Role::GroupIndex => (Dtype::I32, vec![cols]),
            Role::ZeroPoint if self.convention() == Convention::Mlx => {
                (scale_dtype(&self.spec, companion), [leading, &grid].concat())
            }
            Role::ZeroPoint => match self.order {
                CodeOrder::Elements => (Dtype::I8, grid.to_vec()),
                CodeOrder::SignedWords => (Dtype::I32, vec![words(rows, bits), grid[1]]),
                _ => (Dtype::I32, vec![grid[1], words(rows, bits)]),
            },
            _ => {
                let shape = match self.spec.extent {
                    Extent::Tensor => single,
                    _ if turned => vec![grid[1], rows],
                    _ => [leading, &grid].concat(),
                };
                (scale_dtype(&self.spec, companion), shape)
            }
        }
    }

    /// The bytes of the [tensors](Self::tensors) of a weight of this shape, or of some rows of it
    /// if the layout is [by rows](Self::is_by_rows).
    ///
    /// # Errors
    /// [`ReadError`] for a weight in another scheme, or of rows of another length.
    pub fn bytes<'v>(
        &self,
        view: &QuantView<'v>,
        shape: &[usize],
    ) -> Result<Vec<Cow<'v, [u8]>>, ReadError> {
        let refuse = |expected: &str| {
            Err(ReadError::new("", Problem::mismatch("weight", expected, format!("{view:?}"))))
        };
        let own = view.spec();
        let fits = own.element == self.spec.element
            && own.scale == self.spec.scale
            && own.extent == self.spec.extent
            && own.offset == self.spec.offset
            && own.tensor_scale == self.spec.tensor_scale;
        if !fits {
            return refuse(&format!("one in the scheme of {}", self.name));
        }
        let (Some(parts), &[.., rows, cols]) = (view.parts(), view.shape()) else {
            return refuse("a matrix without gaps");
        };
        if shape.last() != Some(&cols) {
            return refuse(&format!("rows of a weight of shape {shape:?}"));
        }
        let leading = shape.len().saturating_sub(2);
        let of_piece = [&shape[..leading], &[rows, cols]].concat();
        let tensors = self.tensors("weight", &of_piece)?;
        let grid = self.grid([rows, cols]);
        let bits = self.spec.element.bits();
        let scale_bytes = self.spec.scale_bytes();
        let codes = parts.codes;
        // Signed integers are their codes less half of the range.
        let middle = 1u8 << ((bits - 1) % 8);
        let middles = vec![middle; rows * grid[1]];
        let is_signed = self.spec.offset == Offset::None;
        let bytes = |part: &PlannedPart| -> Cow<'v, [u8]> {
            match (part.role, self.order) {
                (Role::Codes, CodeOrder::SignedWords) => {
                    arrange::signed_words(codes, bits, [rows, cols]).into()
                }
                (Role::Codes, CodeOrder::Gptq { .. }) if is_signed => {
                    arrange::signed_down_words(codes, bits, [rows, cols]).into()
                }
                (Role::Codes, CodeOrder::Gptq { .. }) => {
                    arrange::down_words(codes, bits, [rows, cols]).into()
                }
                (Role::Codes, CodeOrder::Awq) => arrange::awq_codes(codes, [rows, cols]).into(),
                (Role::Codes, _) => Cow::Borrowed(codes),
                (Role::ZeroPoint, CodeOrder::SignedWords) => {
                    arrange::signed_zeros(parts.offsets, bits, [rows, grid[1]]).into()
                }
                (Role::ZeroPoint, CodeOrder::Gptq { zero_offset }) => {
                    let zeros = if is_signed { &middles } else { parts.offsets };
                    arrange::along_words(zeros, bits, [grid[1], rows], zero_offset).into()
                }
                (Role::ZeroPoint, CodeOrder::Awq) => {
                    arrange::awq_zeros(parts.offsets, [grid[1], rows]).into()
                }
                (Role::ZeroPoint, _) => Cow::Borrowed(parts.offsets),
                (Role::Scale, CodeOrder::Gptq { .. } | CodeOrder::Awq) => {
                    turned(parts.scales, scale_bytes, grid[1]).into()
                }
                (Role::TensorScale, _) => parts.tensor_scale.to_le_bytes().to_vec().into(),
                (Role::Shape, _) => {
                    shape.iter().flat_map(|&axis| (axis as i64).to_le_bytes()).collect()
                }
                (Role::GroupIndex, _) => {
                    let length = cols.div_ceil(grid[1].max(1));
                    (0..cols).flat_map(|col| ((col / length) as i32).to_le_bytes()).collect()
                }
                _ => Cow::Borrowed(parts.scales),
            }
        };
        Ok(tensors.iter().map(bytes).collect())
    }
}

/// The dtype of scales: powers of two are bytes where a program takes them so.
fn scale_dtype(spec: &BlockSpec, companion: &Companion) -> Dtype {
    match spec.scale {
        Some(format) if format == FormatSpec::F16 => Dtype::F16,
        Some(format) if format == FormatSpec::BF16 => Dtype::BF16,
        Some(format) if format == FormatSpec::F32 => Dtype::F32,
        Some(format) if format == FormatSpec::E8M0 && !companion.dtypes.contains(&Dtype::U8) => {
            Dtype::F8_E8M0
        }
        Some(format) if format == FormatSpec::UE4M3 && !companion.dtypes.contains(&Dtype::U8) => {
            Dtype::F8_E4M3
        }
        _ => Dtype::U8,
    }
}

impl core::fmt::Debug for CheckpointLayout {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not every field of the scheme.
        write!(f, "CheckpointLayout({})", self.name)
    }
}
