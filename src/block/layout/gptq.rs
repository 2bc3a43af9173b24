//! GPTQ's and AWQ's checkpoints: 4-bit weights `(q − z) · s`, of shape `[inputs, outputs]`, with F16 scales and zero points for groups of
//! inputs.

use super::{WordOrder, pack_words, unpack_words};
use crate::block::{Apply, BlockSpec, Extent, Offset, Parts, QuantTensor, QuantView, ScaleRule};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// The format of GPTQ's and AWQ's tensors, with groups of so many inputs: tiles of one column, the range of each over 15 steps, zero
/// included. How these programs search for their scales is not part of it.
#[must_use]
pub const fn grouped(inputs: u32) -> BlockSpec {
    let extent = Extent::Block { rows: inputs, cols: 1 };
    let rule = ScaleRule::Range { steps: 15.0, with_zero: true };
    BlockSpec::new(FormatSpec::UINT4, Some(FormatSpec::F16), extent, rule).with_offset(Offset::ZeroPoint).with_apply(Apply::Divide)
}

/// How zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GptqZeros {
    /// As `z − 1`, 0 as 15: version 1 of the format.
    LessOne,
    /// As they are: version 2.
    Plain,
}

/// The tensors of a GPTQ layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gptq {
    /// Codes, `[inputs / 8, outputs]`: [`WordOrder::Down`].
    pub qweight: Vec<i32>,
    /// Zero points, `[groups, outputs / 8]`: [`WordOrder::Along`].
    pub qzeros: Vec<i32>,
    /// F16 scales, `[groups, outputs]`.
    pub scales: Vec<u16>,
    /// The group of each input.
    pub g_idx: Vec<i32>,
}

/// The tensors of an AWQ layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awq {
    /// Codes, `[inputs, outputs / 8]`: [`WordOrder::Awq`].
    pub qweight: Vec<i32>,
    /// Zero points, `[groups, outputs / 8]`: [`WordOrder::Awq`].
    pub qzeros: Vec<i32>,
    /// F16 scales, `[groups, outputs]`.
    pub scales: Vec<u16>,
}

/// A layer as codes and zero points of a byte each, and F16 scales.
struct Layer {
    inputs: usize,
    outputs: usize,
    groups: usize,
    group: u32,
    codes: Vec<u8>,
    zeros: Vec<u8>,
    scales: Vec<u16>,
}

impl Layer {
    fn of(tensor: &QuantView<'_>) -> Result<Self, Error> {
        let spec = tensor.spec();
        let refuse = Error::Scheme {
            what: "tensor for GPTQ or AWQ",
            expected: "a matrix of UINT4 with F16 scales and zero points in tiles of one column",
        };
        let (&[inputs, outputs], Extent::Block { rows, cols: 1 }) = (tensor.shape(), spec.extent) else { return Err(refuse) };
        let own = grouped(rows);
        if (spec.element, spec.scale, spec.offset) != (own.element, own.scale, own.offset) {
            return Err(refuse);
        }
        let count = tensor.blocks();
        Ok(Self {
            inputs,
            outputs,
            groups: inputs.div_ceil(rows as usize),
            group: rows,
            codes: (0..tensor.len()).map(|i| tensor.code_at(i / outputs, i % outputs) as u8).collect(),
            zeros: (0..count).map(|block| tensor.offset_code(block) as u8).collect(),
            scales: (0..count).map(|block| tensor.scale_code(block) as u16).collect(),
        })
    }

    /// How many groups there are, if these are all scales of the layer.
    fn groups(group: u32, [inputs, outputs]: [usize; 2], scales: usize) -> Result<usize, Error> {
        grouped(group).validate()?;
        let groups = inputs.div_ceil(group as usize);
        Error::check_length("scales", groups.checked_mul(outputs).ok_or(Error::TooLarge)?, scales)?;
        Ok(groups)
    }

    fn tensor(&self) -> Result<QuantTensor, Error> {
        let row_bytes = self.outputs.div_ceil(2);
        let mut codes = vec![0; self.inputs * row_bytes];
        for (i, &code) in self.codes.iter().enumerate() {
            let (row, col) = (i / self.outputs, i % self.outputs);
            codes[row * row_bytes + col / 2] |= code << (col % 2 * 4);
        }
        let scales: Vec<u8> = self.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let parts = Parts { codes: &codes, scales: &scales, offsets: &self.zeros, tensor_scale: 1.0 };
        QuantTensor::from_parts(&grouped(self.group), &[self.inputs, self.outputs], parts)
    }
}

/// GPTQ's tensors of a tensor in the [`grouped`] format; row `i` of it is input `rows[i]` of the layer, which is `i` unless inputs were
/// grouped by importance ("act-order").
///
/// ```
/// use subhalf::{QuantTensor, layout};
/// use subhalf::layout::GptqZeros;
/// // Eight inputs in two groups of four, one output: steps of 1 from 0, and of 2 from -14.
/// let x = [0.0f32, 1.0, 2.0, 15.0, -14.0, 0.0, 2.0, 16.0];
/// let tensor = QuantTensor::quantize(&layout::grouped(4), &x, &[8, 1])?;
/// let layer = layout::to_gptq(&tensor.view(), &[0, 1, 2, 3, 4, 5, 6, 7], GptqZeros::LessOne)?;
/// assert_eq!((&layer.qweight[..], &layer.g_idx[..]), (&[0xF870_F210_u32 as i32][..], &[0, 0, 0, 0, 1, 1, 1, 1][..]));
/// assert_eq!((&layer.qzeros[..], &layer.scales[..]), (&[0xF, 0x6][..], &[0x3C00, 0x4000][..]));
/// let (same, rows) = layout::from_gptq(&layer, 4, [8, 1], GptqZeros::LessOne)?;
/// assert_eq!((same, rows[7]), (tensor, 7));
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format or of other than two axes; [`Error::Length`] and [`Error::Stored`] if `rows` are not
/// all inputs, each once; [`Error::TooLarge`] for more than 2^31 groups.
pub fn to_gptq(tensor: &QuantView<'_>, rows: &[usize], zeros: GptqZeros) -> Result<Gptq, Error> {
    let layer = Layer::of(tensor)?;
    Error::check_length("rows", layer.inputs, rows.len())?;
    let mut codes = vec![0; layer.codes.len()];
    let mut g_idx = vec![-1; layer.inputs];
    for (i, &row) in rows.iter().enumerate() {
        let place = g_idx.get_mut(row).filter(|group| **group < 0);
        *place.ok_or(Error::Stored { what: "row", index: i, expected: "an input not named before", found: row as u32 })? =
            i32::try_from(i / layer.group as usize).map_err(|_| Error::TooLarge)?;
        codes[row * layer.outputs..][..layer.outputs].copy_from_slice(&layer.codes[i * layer.outputs..][..layer.outputs]);
    }
    let stored: Vec<u8> = layer.zeros.iter().map(|zero| zero.wrapping_sub((zeros == GptqZeros::LessOne).into()) & 0xF).collect();
    Ok(Gptq {
        qweight: pack_words(&codes, 4, [layer.inputs, layer.outputs], WordOrder::Down)?,
        qzeros: pack_words(&stored, 4, [layer.groups, layer.outputs], WordOrder::Along)?,
        scales: layer.scales,
        g_idx,
    })
}

/// The tensor of a GPTQ layer with groups of so many inputs, its rows sorted by group, and which input each row is. A zero point that
/// version 1 stores as 15 is read as 0, as current loaders have it; some read 16.
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape; [`Error::Block`] for groups of none; [`Error::Stored`] unless every group is
/// named by as many inputs as the others (the last by the rest).
pub fn from_gptq(
    layer: &Gptq,
    group: u32,
    [inputs, outputs]: [usize; 2],
    zeros: GptqZeros,
) -> Result<(QuantTensor, Vec<usize>), Error> {
    let groups = Layer::groups(group, [inputs, outputs], layer.scales.len())?;
    Error::check_length("inputs of g_idx", inputs, layer.g_idx.len())?;
    let mut rows: Vec<usize> = (0..inputs).collect();
    rows.sort_by_key(|&row| layer.g_idx[row]);
    for (i, &row) in rows.iter().enumerate() {
        let found = layer.g_idx[row];
        if usize::try_from(found) != Ok(i / group as usize) {
            return Err(Error::Stored { what: "g_idx", index: row, expected: "groups of equal size", found: found as u32 });
        }
    }
    let unsorted = unpack_words(&layer.qweight, 4, [inputs, outputs], WordOrder::Down)?;
    let stored = unpack_words(&layer.qzeros, 4, [groups, outputs], WordOrder::Along)?;
    let codes = rows.iter().flat_map(|row| &unsorted[row * outputs..][..outputs]).copied().collect();
    let zeros = stored.iter().map(|zero| (zero + u8::from(zeros == GptqZeros::LessOne)) & 0xF).collect();
    Ok((Layer { inputs, outputs, groups, group, codes, zeros, scales: layer.scales.clone() }.tensor()?, rows))
}

/// AWQ's tensors of a tensor in the [`grouped`] format.
///
/// ```
/// use subhalf::{QuantTensor, layout};
/// let x = [0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 15.0, 15.0, 15.0, 15.0, 15.0, 15.0, 15.0, 15.0];
/// let tensor = QuantTensor::quantize(&layout::grouped(2), &x, &[2, 8])?;
/// let layer = layout::to_awq(&tensor.view())?;
/// assert_eq!((&layer.qweight[..], layer.qzeros[0], layer.scales[0]), (&[0x7531_6420, -1][..], 0, 0x3C00));
/// assert_eq!(layout::from_awq(&layer, 2, [2, 8])?, tensor);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format or of other than two axes; [`Error::Length`] if the outputs are no multiple of 8.
pub fn to_awq(tensor: &QuantView<'_>) -> Result<Awq, Error> {
    let layer = Layer::of(tensor)?;
    Ok(Awq {
        qweight: pack_words(&layer.codes, 4, [layer.inputs, layer.outputs], WordOrder::Awq)?,
        qzeros: pack_words(&layer.zeros, 4, [layer.groups, layer.outputs], WordOrder::Awq)?,
        scales: layer.scales,
    })
}

/// The tensor of an AWQ layer with groups of so many inputs.
///
/// # Errors
/// [`Error::Length`] if parts are not those of the shape, or the outputs no multiple of 8; [`Error::Block`] for groups of none.
pub fn from_awq(layer: &Awq, group: u32, [inputs, outputs]: [usize; 2]) -> Result<QuantTensor, Error> {
    let groups = Layer::groups(group, [inputs, outputs], layer.scales.len())?;
    let codes = unpack_words(&layer.qweight, 4, [inputs, outputs], WordOrder::Awq)?;
    let zeros = unpack_words(&layer.qzeros, 4, [groups, outputs], WordOrder::Awq)?;
    Layer { inputs, outputs, groups, group, codes, zeros, scales: layer.scales.clone() }.tensor()
}
