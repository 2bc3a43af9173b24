//! GPTQ's and AWQ's checkpoints: 4-bit weights `(q − z) · s`, of shape `[inputs, outputs]`, with
//! scales and zero points for groups of inputs. The scales are F16, BF16 or F32, and say which.

use super::{WordOrder, pack_words, unpack_words};
use crate::block::{
    Accept, BlockSpec, Division, Extent, Offset, Parts, QuantTensor, QuantView, ScaleRule,
};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// The format of GPTQ's and AWQ's tensors, with groups of `inputs` inputs and scales of the format
/// `scale`, which in checkpoints is F16, BF16 or F32: tiles of one column, the range of each over
/// 15 steps, zero included. How these programs search for their scales is not part of it.
#[must_use]
pub const fn grouped(inputs: u32, scale: FormatSpec) -> BlockSpec {
    let extent = Extent::Block { rows: inputs, cols: 1 };
    // 4 bits have 15 steps; a zero point is in range only if zero is.
    let rule = ScaleRule::Range { steps: 15.0, with_zero: true };
    BlockSpec::new(FormatSpec::UINT4, Some(scale), extent, rule)
        .with_offset(Offset::ZeroPoint)
        .with_division(Division::Divide)
}

/// The scales of a layer, as bits of the type that the checkpoint states for them: `F16`, `BF16` or
/// `F32` in a safetensors file.
///
/// ```
/// use subhalf::layout::{Awq, LayerScales, from_awq};
/// // One code of 1 in a group of one input; eight outputs with the scale 0x3C4A.
/// let layer = |scales| Awq { qweight: vec![0x1111_1111], qzeros: vec![0], scales };
/// let bf16 = from_awq(&layer(LayerScales::BF16(vec![0x3C4A; 8])), 1, [1, 8])?;
/// let f16 = from_awq(&layer(LayerScales::F16(vec![0x3C4A; 8])), 1, [1, 8])?;
/// assert_eq!((bf16.dequantize()[0], f16.dequantize()[0]), (0.012329102, 1.0722656));
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerScales {
    /// Bits of IEEE half precision: torch's `float16`.
    F16(Vec<u16>),
    /// Bits of bfloat16.
    BF16(Vec<u16>),
    /// Bits of IEEE single precision: torch's `float32`.
    F32(Vec<u32>),
}

impl LayerScales {
    /// How many scales there are: one for each group of inputs and each output.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F16(bits) | Self::BF16(bits) => bits.len(),
            Self::F32(bits) => bits.len(),
        }
    }

    /// Whether there are no scales at all, [`len`](Self::len) being 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The format of the scales: F16, BF16 or F32.
    #[must_use]
    pub const fn format(&self) -> FormatSpec {
        match self {
            Self::F16(_) => FormatSpec::F16,
            Self::BF16(_) => FormatSpec::BF16,
            Self::F32(_) => FormatSpec::F32,
        }
    }

    /// The scales of a tensor, if their format is one of these.
    fn of(tensor: &QuantView<'_>) -> Option<Self> {
        // Blocks of one column, row-major, are `[groups, outputs]` as in a checkpoint.
        let codes = (0..tensor.blocks()).map(|block| tensor.scale_code(block));
        match tensor.spec().scale? {
            format if format == FormatSpec::F16 => {
                Some(Self::F16(codes.map(|code| code as u16).collect()))
            }
            format if format == FormatSpec::BF16 => {
                Some(Self::BF16(codes.map(|code| code as u16).collect()))
            }
            format if format == FormatSpec::F32 => Some(Self::F32(codes.collect())),
            _ => None,
        }
    }

    /// Little-endian bytes, as a tensor has them.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::F16(bits) | Self::BF16(bits) => {
                bits.iter().flat_map(|bits| bits.to_le_bytes()).collect()
            }
            Self::F32(bits) => bits.iter().flat_map(|bits| bits.to_le_bytes()).collect(),
        }
    }
}

/// How zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GptqZeros {
    /// Version 1 of the format: a zero point z is stored as `z − 1`, and 0 as 15.
    V1,
    /// Version 2: zero points are stored as they are.
    V2,
}

/// The tensors of a GPTQ layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gptq {
    /// 4-bit codes, eight inputs of one output in a word: `[inputs / 8, outputs]`, in the order
    /// [`WordOrder::Down`].
    pub qweight: Vec<i32>,
    /// Zero points of 4 bits, eight outputs of one group in a word: `[groups, outputs / 8]`, in the
    /// order [`WordOrder::Along`].
    pub qzeros: Vec<i32>,
    /// Scales, `[groups, outputs]`, with their type.
    pub scales: LayerScales,
    /// The group of each input, counted from 0: the one whose scales and zero points it has.
    pub g_idx: Vec<i32>,
}

/// The tensors of an AWQ layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awq {
    /// 4-bit codes, eight outputs of one input in a word: `[inputs, outputs / 8]`, in the order
    /// [`WordOrder::Awq`].
    pub qweight: Vec<i32>,
    /// Zero points of 4 bits, eight outputs of one group in a word: `[groups, outputs / 8]`, in the
    /// order [`WordOrder::Awq`].
    pub qzeros: Vec<i32>,
    /// Scales, `[groups, outputs]`, with their type.
    pub scales: LayerScales,
}

/// A layer as codes and zero points of a byte each, and scales.
struct Layer {
    inputs: usize,
    outputs: usize,
    groups: usize,
    group: u32,
    codes: Vec<u8>,
    zeros: Vec<u8>,
    scales: LayerScales,
}

impl Layer {
    fn of(tensor: &QuantView<'_>) -> Result<Self, Error> {
        let spec = tensor.spec();
        let refuse = Error::Scheme {
            what: "tensor for GPTQ or AWQ",
            expected: "a matrix of UINT4 with scales in F16, BF16 or F32 and zero points in tiles \
                       of one column",
        };
        // One matrix, whose tiles are groups of inputs of one output.
        let (&[inputs, outputs], Extent::Block { rows, cols: 1 }) = (tensor.shape(), spec.extent)
        else {
            return Err(refuse);
        };
        let Some(scales) = LayerScales::of(tensor) else { return Err(refuse) };
        if (spec.element, spec.offset) != (FormatSpec::UINT4, Offset::ZeroPoint) {
            return Err(refuse);
        }
        // Codes are read one by one below, so that a copy without gaps is not needed.
        tensor.for_layout("tensor for GPTQ or AWQ")?;
        let count = tensor.blocks();
        Ok(Self {
            inputs,
            outputs,
            // The last group may have fewer inputs.
            groups: inputs.div_ceil(rows as usize),
            group: rows,
            codes: (0..tensor.len())
                .map(|i| tensor.code_at(i / outputs, i % outputs) as u8)
                .collect(),
            zeros: (0..count).map(|block| tensor.offset_code(block) as u8).collect(),
            scales,
        })
    }

    /// How many groups there are, if these are all scales of the layer.
    fn groups(
        group: u32,
        [inputs, outputs]: [usize; 2],
        scales: &LayerScales,
    ) -> Result<usize, Error> {
        // Refuses groups of no inputs before they divide.
        grouped(group, scales.format()).validate()?;
        let groups = inputs.div_ceil(group as usize);
        Error::check_length(
            "scales",
            groups.checked_mul(outputs).ok_or(Error::TooLarge)?,
            scales.len(),
        )?;
        Ok(groups)
    }

    fn tensor(&self, accept: Accept) -> Result<QuantTensor, Error> {
        // Two codes a byte, the first low, and each row from a byte of its own.
        let row_bytes = self.outputs.div_ceil(2);
        let mut codes = vec![0; self.inputs * row_bytes];
        for (i, &code) in self.codes.iter().enumerate() {
            let (row, col) = (i / self.outputs, i % self.outputs);
            codes[row * row_bytes + col / 2] |= code << (col % 2 * 4);
        }
        let scales = self.scales.bytes();
        let parts = Parts::new(&codes, &scales).with_offsets(&self.zeros);
        let spec = grouped(self.group, self.scales.format());
        QuantTensor::from_parts_with(&spec, &[self.inputs, self.outputs], parts, accept)
    }
}

/// GPTQ's tensors for a tensor in the [`grouped`] format. Row `i` of the tensor is input `rows[i]`
/// of the layer, which is `i` unless inputs were grouped by importance ("act-order"). Nothing is
/// rounded: the layer's scales are of the tensor's type.
///
/// ```
/// use subhalf::{FormatSpec, QuantTensor, layout};
/// use subhalf::layout::{GptqZeros, LayerScales};
/// // Eight inputs in two groups of four, one output: steps of 1 from 0, and of 2 from -14.
/// let x = [0.0f32, 1.0, 2.0, 15.0, -14.0, 0.0, 2.0, 16.0];
/// let tensor = QuantTensor::quantize(&layout::grouped(4, FormatSpec::F16), &x, &[8, 1])?;
/// let layer = layout::to_gptq(&tensor.view(), &[0, 1, 2, 3, 4, 5, 6, 7], GptqZeros::V1)?;
/// assert_eq!(layer.qweight, [0xF870_F210_u32 as i32]);
/// assert_eq!(layer.qzeros, [0xF, 0x6]);
/// assert_eq!(layer.scales, LayerScales::F16(vec![0x3C00, 0x4000]));
/// assert_eq!(layer.g_idx, [0, 0, 0, 0, 1, 1, 1, 1]);
/// let (same, rows) = layout::from_gptq(&layer, 4, [8, 1], GptqZeros::V1)?;
/// assert_eq!((same, rows[7]), (tensor, 7));
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format or of other than two axes; [`Error::Length`]
/// and [`Error::Stored`] if `rows` are not all inputs, each once; [`Error::TooLarge`] for more than
/// 2^31 groups.
pub fn to_gptq(tensor: &QuantView<'_>, rows: &[usize], zeros: GptqZeros) -> Result<Gptq, Error> {
    let layer = Layer::of(tensor)?;
    Error::check_length("rows", layer.inputs, rows.len())?;
    let mut codes = vec![0; layer.codes.len()];
    let mut g_idx = vec![-1; layer.inputs];
    for (i, &row) in rows.iter().enumerate() {
        // −1 marks an input that no row was given to so far.
        let place = g_idx.get_mut(row).filter(|group| **group < 0);
        *place.ok_or(Error::Stored {
            what: "row",
            index: i,
            expected: "an input not named before",
            found: row as u32,
        })? = i32::try_from(i / layer.group as usize).map_err(|_| Error::TooLarge)?;
        // Act-order puts rows of a group at any inputs; scales stay with the group.
        codes[row * layer.outputs..][..layer.outputs]
            .copy_from_slice(&layer.codes[i * layer.outputs..][..layer.outputs]);
    }
    // 4-bit arithmetic: 0 less one wraps to 15.
    let stored: Vec<u8> = layer
        .zeros
        .iter()
        .map(|zero| zero.wrapping_sub((zeros == GptqZeros::V1).into()) & 0xF)
        .collect();
    Ok(Gptq {
        qweight: pack_words(&codes, 4, [layer.inputs, layer.outputs], WordOrder::Down)?,
        qzeros: pack_words(&stored, 4, [layer.groups, layer.outputs], WordOrder::Along)?,
        scales: layer.scales,
        g_idx,
    })
}

/// The tensor of a GPTQ layer with groups of `group` inputs, its rows sorted by group, and which
/// input each row is. A zero point that version 1 stores as 15 is read as 0, as current loaders
/// have it; some read 16. Scales may be 0 or negative ([`Accept::Finite`]).
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape; [`Error::Block`] for a `group` of 0;
/// [`Error::Stored`] unless every group is named by as many inputs as the others (the last by the
/// rest), and for a scale that is NaN or infinite.
pub fn from_gptq(
    layer: &Gptq,
    group: u32,
    shape: [usize; 2],
    zeros: GptqZeros,
) -> Result<(QuantTensor, Vec<usize>), Error> {
    from_gptq_with(layer, group, shape, zeros, Accept::Finite)
}

/// The tensor of a GPTQ layer with groups of `group` inputs, its rows sorted by group, and which
/// input each row is; `accept` says whether scales may be NaN or infinite. A zero point that
/// version 1 stores as 15 is read as 0.
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape; [`Error::Block`] for a `group` of 0;
/// [`Error::Stored`] unless every group is named by as many inputs as the others (the last by the
/// rest), and for a scale that `accept` excludes.
pub fn from_gptq_with(
    layer: &Gptq,
    group: u32,
    [inputs, outputs]: [usize; 2],
    zeros: GptqZeros,
    accept: Accept,
) -> Result<(QuantTensor, Vec<usize>), Error> {
    let groups = Layer::groups(group, [inputs, outputs], &layer.scales)?;
    Error::check_length("inputs of g_idx", inputs, layer.g_idx.len())?;
    // A stable sort: the inputs of a group keep their order.
    let mut rows: Vec<usize> = (0..inputs).collect();
    rows.sort_by_key(|&row| layer.g_idx[row]);
    for (i, &row) in rows.iter().enumerate() {
        let found = layer.g_idx[row];
        // Sorted, row i is in group i / length exactly if all groups are full but the last.
        if usize::try_from(found) != Ok(i / group as usize) {
            return Err(Error::Stored {
                what: "g_idx",
                index: row,
                expected: "groups of equal size",
                found: found as u32,
            });
        }
    }
    // Codes are in the order of inputs, scales and zero points in that of groups.
    let unsorted = unpack_words(&layer.qweight, 4, [inputs, outputs], WordOrder::Down)?;
    let stored = unpack_words(&layer.qzeros, 4, [groups, outputs], WordOrder::Along)?;
    let codes =
        rows.iter().flat_map(|row| &unsorted[row * outputs..][..outputs]).copied().collect();
    let zeros =
        // The way back of `to_gptq`: 15 plus one wraps to 0.
        stored.iter().map(|zero| (zero + u8::from(zeros == GptqZeros::V1)) & 0xF).collect();
    Ok((
        Layer { inputs, outputs, groups, group, codes, zeros, scales: layer.scales.clone() }
            .tensor(accept)?,
        rows,
    ))
}

/// AWQ's tensors for a tensor in the [`grouped`] format. Nothing is rounded: the layer's scales are
/// of the tensor's type.
///
/// ```
/// use subhalf::layout::LayerScales;
/// use subhalf::{FormatSpec, QuantTensor, layout};
/// // Eight outputs of two inputs: 0 and 15, 1 and 15, to 7 and 15.
/// let x: Vec<f32> = (0..16).map(|i| if i < 8 { i as f32 } else { 15.0 }).collect();
/// let tensor = QuantTensor::quantize(&layout::grouped(2, FormatSpec::BF16), &x, &[2, 8])?;
/// let layer = layout::to_awq(&tensor.view())?;
/// assert_eq!((&layer.qweight[..], layer.qzeros[0]), (&[0x7531_6420, -1][..], 0));
/// assert_eq!(layer.scales, LayerScales::BF16(vec![0x3F80; 8]));
/// assert_eq!(layout::from_awq(&layer, 2, [2, 8])?, tensor);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format or of other than two axes; [`Error::Length`] if
/// the outputs are no multiple of 8.
pub fn to_awq(tensor: &QuantView<'_>) -> Result<Awq, Error> {
    let layer = Layer::of(tensor)?;
    Ok(Awq {
        // AWQ has no act-order: rows are inputs.
        qweight: pack_words(&layer.codes, 4, [layer.inputs, layer.outputs], WordOrder::Awq)?,
        qzeros: pack_words(&layer.zeros, 4, [layer.groups, layer.outputs], WordOrder::Awq)?,
        scales: layer.scales,
    })
}

/// The tensor of an AWQ layer with groups of `group` inputs. Scales may be 0 or negative
/// ([`Accept::Finite`]).
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape, or the outputs no multiple of 8;
/// [`Error::Block`] for a `group` of 0; [`Error::Stored`] for a scale that is NaN or infinite.
pub fn from_awq(layer: &Awq, group: u32, shape: [usize; 2]) -> Result<QuantTensor, Error> {
    from_awq_with(layer, group, shape, Accept::Finite)
}

/// The tensor of an AWQ layer with groups of `group` inputs; `accept` says whether scales may be
/// NaN or infinite.
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape, or the outputs no multiple of 8;
/// [`Error::Block`] for a `group` of 0; [`Error::Stored`] for a scale that `accept` excludes.
pub fn from_awq_with(
    layer: &Awq,
    group: u32,
    [inputs, outputs]: [usize; 2],
    accept: Accept,
) -> Result<QuantTensor, Error> {
    let groups = Layer::groups(group, [inputs, outputs], &layer.scales)?;
    // `unpack_words` checks the numbers of words of codes and zero points against the shape.
    let codes = unpack_words(&layer.qweight, 4, [inputs, outputs], WordOrder::Awq)?;
    let zeros = unpack_words(&layer.qzeros, 4, [groups, outputs], WordOrder::Awq)?;
    Layer { inputs, outputs, groups, group, codes, zeros, scales: layer.scales.clone() }
        .tensor(accept)
}
