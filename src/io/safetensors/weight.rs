//! A weight as it is listed, [`Weight`], and with its bytes, [`Loaded`].

use super::header::TensorEntry;
use super::plan::{Form, Role, Scheme};
use super::repack;
use crate::block::{
    Accept, BlockSpec, Codebooks, Extent, Offset, Parts, QuantTensor, QuantView, layout,
};
use crate::error::Error;
use crate::io::error::{Problem, ReadError};
use crate::spec::FormatSpec;
use core::fmt;
use safetensors::Dtype;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

/// A weight of a checkpoint: a tensor of numbers, or the tensors that make up a quantized one.
#[derive(Clone, Debug)]
pub struct Weight {
    pub(super) name: Box<str>,
    pub(super) shape: Vec<usize>,
    pub(super) content: Content,
    /// Numbers of tensors in the checkpoint, that of the codes first.
    pub(super) tensors: Vec<(Role, usize)>,
    /// Which checkpoint it belongs to, counted through the program's run.
    pub(super) checkpoint: u64,
}

/// What the bytes of a weight are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Numbers(Dtype),
    /// Weights of one scheme share it.
    Quantized {
        scheme: Arc<Scheme>,
        form: Form,
    },
}

impl Weight {
    /// The name: that of the tensor, and of a quantized weight the one that it had before, as a
    /// rule `….weight`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lengths of the axes in elements, outermost first. Quantized matrices are `[outputs,
    /// inputs]`, whatever their program's order is.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// How a quantized weight is stored; `None` for numbers.
    #[must_use]
    pub fn scheme(&self) -> Option<&Scheme> {
        match &self.content {
            Content::Numbers(_) => None,
            Content::Quantized { scheme, .. } => Some(scheme),
        }
    }
}

/// A weight with its bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Loaded<'a> {
    /// F16, BF16, F32 or F64 numbers.
    Numbers(PlainNumbers<'a>),
    /// Codes and scales.
    Quantized(Box<QuantWeight<'a>>),
}

impl Loaded<'_> {
    /// The numbers as f32: those of F64 are rounded to nearest, quantized ones come back by the
    /// formula of their scheme.
    ///
    /// # Errors
    /// [`ReadError`] for bytes that are no tensor of their scheme, scales that are NaN or infinite
    /// among them.
    pub fn to_f32(&self) -> Result<Vec<f32>, ReadError> {
        match self {
            Self::Numbers(numbers) => Ok(numbers.to_f32()),
            Self::Quantized(weight) => Ok(weight.view()?.dequantize()),
        }
    }
}

/// Numbers as a file has them: little-endian, at any address.
pub struct PlainNumbers<'a> {
    dtype: Dtype,
    bytes: Cow<'a, [u8]>,
}

impl PlainNumbers<'_> {
    /// The name of their type: `F16`, `BF16`, `F32` or `F64`.
    #[must_use]
    pub fn dtype(&self) -> String {
        std::format!("{}", self.dtype)
    }

    /// The bytes, row-major and little-endian.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The numbers as f32, to which those of F64 are rounded.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match self.dtype {
            Dtype::F64 => self.chunks(f64::from_le_bytes).map(|x| x as f32).collect(),
            Dtype::F16 => {
                let bits = self.chunks(u16::from_le_bytes);
                bits.map(|bits| FormatSpec::F16.decode_f32(bits.into())).collect()
            }
            Dtype::BF16 => self
                .chunks(u16::from_le_bytes)
                .map(|bits| f32::from_bits(u32::from(bits) << 16))
                .collect(),
            _ => self.chunks(f32::from_le_bytes).collect(),
        }
    }

    /// The numbers as f64, exactly.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match self.dtype {
            Dtype::F64 => self.chunks(f64::from_le_bytes).collect(),
            _ => self.to_f32().into_iter().map(f64::from).collect(),
        }
    }

    fn chunks<T, const N: usize>(&self, number: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
        self.bytes.as_chunks().0.iter().map(move |bytes| number(*bytes))
    }
}

impl fmt::Debug for PlainNumbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not every number of a layer.
        write!(f, "PlainNumbers({} bytes of {})", self.bytes.len(), self.dtype)
    }
}

/// Codes, scales and whatever else a quantized weight has.
pub struct QuantWeight<'a> {
    name: String,
    spec: BlockSpec,
    shape: Vec<usize>,
    in_place: bool,
    codes: Cow<'a, [u8]>,
    scales: Cow<'a, [u8]>,
    offsets: Cow<'a, [u8]>,
    codebooks: Cow<'a, [u8]>,
    /// None, one for all, or one for each matrix.
    tensor_scales: Vec<f32>,
}

impl QuantWeight<'_> {
    /// The format of the numbers.
    #[must_use]
    pub const fn spec(&self) -> &BlockSpec {
        &self.spec
    }

    /// Whether codes and scales are the file's own bytes; otherwise they were put in another order.
    #[must_use]
    pub const fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// The weight, over the bytes of the file or of this value. Scales that are NaN or infinite are
    /// refused ([`Accept::Finite`]).
    ///
    /// # Errors
    /// [`ReadError`] that names the weight, for stored codes and scales that
    /// [`QuantView::from_parts`] refuses.
    pub fn view(&self) -> Result<QuantView<'_>, ReadError> {
        self.view_with(Accept::Finite)
    }

    /// The weight, over the bytes of the file or of this value; `accept` says whether scales may be
    /// NaN or infinite.
    ///
    /// # Errors
    /// [`ReadError`] that names the weight, for stored codes and scales that
    /// [`QuantView::from_parts_with`] refuses.
    pub fn view_with(&self, accept: Accept) -> Result<QuantView<'_>, ReadError> {
        let parts = Parts::new(&self.codes, &self.scales)
            .with_offsets(&self.offsets)
            .with_codebooks(&self.codebooks);
        let parts = match &*self.tensor_scales {
            [] => parts,
            [one] => parts.with_tensor_scale(*one),
            many => parts.with_tensor_scales(many),
        };
        QuantView::from_parts_with(&self.spec, &self.shape, parts, accept)
            .map_err(|error| refused(&self.name, error))
    }

    /// The weight as a tensor with buffers of its own.
    ///
    /// # Errors
    /// Those of [`view`](Self::view).
    pub fn to_tensor(&self) -> Result<QuantTensor, ReadError> {
        Ok(self.view()?.to_owned())
    }
}

impl fmt::Debug for QuantWeight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not every code of a layer.
        let Self { name, shape, in_place, codes, .. } = self;
        let bytes = codes.len();
        write!(f, "QuantWeight({name}, {shape:?}, {bytes} bytes of codes, in place: {in_place})")
    }
}

fn refused(weight: &str, error: Error) -> ReadError {
    ReadError::new("", Problem::Weight { weight: weight.to_owned(), error: Box::new(error) })
}

impl Weight {
    /// Makes the weight of its tensors' bytes, which `read` gives.
    pub(super) fn load<'a>(
        &self,
        entries: &[TensorEntry],
        read: impl Fn(usize) -> Result<Cow<'a, [u8]>, ReadError>,
    ) -> Result<Loaded<'a>, ReadError> {
        let (scheme, form) = match &self.content {
            Content::Numbers(dtype) => {
                let bytes = read(self.tensors[0].1)?;
                return Ok(Loaded::Numbers(PlainNumbers { dtype: *dtype, bytes }));
            }
            Content::Quantized { scheme, form } => (scheme, form),
        };
        let part = |role: Role| {
            let place = self.tensors.iter().find(|(own, _)| *own == role);
            place.map_or(Ok(Cow::Borrowed(&[][..])), |&(_, tensor)| read(tensor))
        };
        let shape_of = |role: Role| {
            let place = self.tensors.iter().find(|(own, _)| *own == role);
            place.map_or(&[][..], |&(_, tensor)| &*entries[tensor].shape)
        };
        let mut weight = QuantWeight {
            name: self.name.clone().into(),
            spec: scheme.spec,
            shape: self.shape.clone(),
            in_place: scheme.in_place,
            codes: part(Role::Codes)?,
            scales: part(Role::Scale)?,
            offsets: part(Role::ZeroPoint)?,
            codebooks: Cow::Borrowed(&[]),
            tensor_scales: floats(&part(Role::TensorScale)?),
        };
        let bits = scheme.spec.element.bits();
        let scale_bytes = scheme.spec.scale_bytes();
        let cols = self.shape.last().copied().unwrap_or(1);
        let rows = self.elements().checked_div(cols).unwrap_or(0);
        // Groups of inputs, and how many of them a row has.
        let length = match scheme.spec.extent {
            Extent::Block { cols: length, .. } => length as usize,
            _ => cols.max(1),
        };
        let blocks = cols.div_ceil(length);
        match form {
            Form::Stored => {}
            Form::SignedWords => {
                weight.codes = repack::signed_rows(&weight.codes, bits, [rows, cols]).into();
                let groups = shape_of(Role::Scale).last().copied().unwrap_or(1);
                if scheme.spec.offset == Offset::ZeroPoint {
                    weight.offsets =
                        repack::signed_zeros(&weight.offsets, bits, [rows, groups]).into();
                }
                let index = indices(&part(Role::GroupIndex)?, groups);
                if !index.is_empty() {
                    // Rows of scales by group become rows of scales by block.
                    let place = |i: usize| {
                        let (row, block) = (i / blocks, i % blocks);
                        row * groups + index[block * length]
                    };
                    weight.scales = spread(&weight.scales, scale_bytes, rows * blocks, place);
                    if !weight.offsets.is_empty() {
                        weight.offsets = spread(&weight.offsets, 1, rows * blocks, place);
                    }
                }
            }
            Form::Gptq { .. } | Form::Awq => {
                let groups = shape_of(Role::Scale).first().copied().unwrap_or(1);
                let index = indices(&part(Role::GroupIndex)?, groups);
                let group_of = |block: usize| match &*index {
                    [] => block,
                    index => index[block * length],
                };
                let (codes, zeros) = match form {
                    Form::Gptq { zero_offset } => (
                        repack::down_words(&weight.codes, bits, [rows, cols]),
                        repack::along_words(&weight.offsets, bits, [groups, rows], *zero_offset),
                    ),
                    _ => (
                        repack::awq_codes(&weight.codes, [rows, cols]),
                        repack::awq_nibbles(&weight.offsets, [groups, rows]),
                    ),
                };
                weight.codes = codes.into();
                let by_blocks =
                    |from: &[u8], width| repack::by_blocks(from, width, rows, blocks, group_of);
                weight.scales = by_blocks(&weight.scales, scale_bytes).into();
                weight.offsets = by_blocks(&zeros, 1).into();
            }
            Form::PairedOutputs => {
                weight.codes = repack::paired_outputs(&weight.codes, rows, cols).into();
            }
            Form::SwizzledScales => {
                let scales = layout::unswizzle_scales(&weight.scales, rows, blocks)
                    .map_err(|error| refused(&self.name, error))?;
                weight.scales = scales.into();
            }
            Form::HighFirst { nested } => {
                weight.codes = repack::low_first(&weight.codes, self.elements()).into();
                if scheme.spec.codebooks != Codebooks::Format {
                    weight.codebooks = part(Role::Codebook)?;
                }
                if let Some((offset, length)) = nested {
                    let (book, scales) = (part(Role::NestedCodebook)?, part(Role::NestedScale)?);
                    let nested =
                        repack::nested_scales(&weight.scales, &book, &scales, *length, *offset);
                    weight.scales = nested.into();
                }
            }
        }
        // Zero divides what is multiplied by it elsewhere: a number would be infinite or NaN.
        if let (crate::block::TensorScale::Divisor { .. }, Some(index)) =
            (scheme.spec.tensor_scale, weight.tensor_scales.iter().position(|&scale| scale == 0.0))
        {
            let expected = "a divisor other than 0";
            let error = Error::Stored { what: "tensor scale", index, expected, found: 0 };
            return Err(refused(&self.name, error));
        }
        weight.view_with(Accept::Nonfinite)?;
        Ok(Loaded::Quantized(Box::new(weight)))
    }
}

/// Numbers of some bytes each, by their place among others.
fn spread(
    from: &[u8],
    width: usize,
    count: usize,
    place: impl Fn(usize) -> usize,
) -> Cow<'static, [u8]> {
    (0..count).flat_map(|i| from[place(i) * width..][..width].iter().copied()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Groups of inputs, which the plan has found to be below `groups`; a file may have changed since.
fn indices(bytes: &[u8], groups: usize) -> Vec<usize> {
    let read = bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
    read.map(|group| usize::try_from(group).unwrap_or(0).min(groups.saturating_sub(1))).collect()
}
