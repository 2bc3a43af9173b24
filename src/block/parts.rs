//! [`Parts`]: the bytes of a tensor, and which of them are refused.

use super::geometry::{Geometry, codebook_bytes};
use super::given::{Accept, check_finite};
use super::pack::stored;
use super::scheme::{Codebooks, Extent, Offset, TensorScale};
use super::spec::{BlockSpec, code_bytes};
use crate::error::Error;
use crate::kernel::{self, Isa};
use crate::spec::FormatSpec;

/// The parts of a tensor, as bytes in the layout of [`QuantTensor`](crate::QuantTensor). A part
/// that the scheme does not have is empty, 1 for the tensor scale, `[0, 0]` for the origin; given
/// all the same it is refused.
///
/// ```
/// use subhalf::{Parts, QuantTensor, preset};
/// let parts = Parts::new(&[0x21, 0x43], &[128]);
/// let tensor = QuantTensor::from_parts(&preset::ocp::MXFP4, &[1, 4], parts)?;
/// assert_eq!(tensor.dequantize(), [1.0, 2.0, 3.0, 4.0]);                 // 0.5, 1, 1.5, 2 times 2
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Parts<'a> {
    /// Element codes: row-major, each row a dense stream of bits with the first code in the low
    /// ones, starting at a byte of its own.
    pub codes: &'a [u8],
    /// Scale codes, row-major over the grid of blocks, one, two or four little-endian bytes each;
    /// two for a block if each sign has one, the one of positive numbers first.
    pub scales: &'a [u8],
    /// Offset codes (minima or zero points), row-major over the grid of blocks, one, two or four
    /// little-endian bytes each; empty if the scheme has no offsets.
    pub offsets: &'a [u8],
    /// Sub-scale codes, row-major over the groups of the grid.
    pub sub_scales: &'a [u8],
    /// Codebook entries as little-endian codes of their format, codebook after codebook.
    pub codebooks: &'a [u8],
    /// The scale of the whole tensor; 1 if the scheme has none. Numbers are multiplied by it,
    /// divided by it, or it is the largest magnitude: [`TensorScale`] names the form.
    pub tensor_scale: f32,
    /// Tensor scales, one for each matrix of a stack, in place of `tensor_scale`, which is then 1;
    /// empty where one is for all.
    pub tensor_scales: &'a [f32],
    /// The row and column at which the first element lies in the first block.
    pub origin: [usize; 2],
}

/// The buffers of a tensor that is made: as [`Parts`] has them, in memory that the
/// caller has. They are exactly as long as the tensor's parts.
#[derive(Debug)]
#[non_exhaustive]
pub struct PartsMut<'a> {
    /// Element codes: row-major, each row a dense stream of bits with the first code in the low
    /// ones, starting at a byte of its own.
    pub codes: &'a mut [u8],
    /// Scale codes, row-major over the grid of blocks, one, two or four little-endian bytes each;
    /// empty if the scheme has no scales.
    pub scales: &'a mut [u8],
    /// Offset codes (minima or zero points), one, two or four little-endian bytes each; empty if the
    /// scheme has no offsets.
    pub offsets: &'a mut [u8],
}

impl<'a> PartsMut<'a> {
    /// Codes and scales, of a tensor without offsets.
    #[must_use]
    pub const fn new(codes: &'a mut [u8], scales: &'a mut [u8]) -> Self {
        Self { codes, scales, offsets: &mut [] }
    }

    /// This set of parts with offsets.
    #[must_use]
    pub const fn with_offsets(self, offsets: &'a mut [u8]) -> Self {
        Self { offsets, ..self }
    }

    /// Refuses buffers that are not as long as the parts of a tensor of this scheme and geometry.
    pub(crate) fn check(&self, spec: &BlockSpec, geometry: &Geometry) -> Result<(), Error> {
        let lengths = Lengths::of(spec, geometry);
        lengths.check([self.codes.len(), self.scales.len(), self.offsets.len()])
    }
}

impl<'a> Parts<'a> {
    /// Codes and scales, of a tensor that has no other parts.
    #[must_use]
    pub const fn new(codes: &'a [u8], scales: &'a [u8]) -> Self {
        Self {
            codes,
            scales,
            offsets: &[],
            sub_scales: &[],
            codebooks: &[],
            tensor_scale: 1.0,
            tensor_scales: &[],
            origin: [0, 0],
        }
    }

    crate::policy::with_methods! { "set of parts";
        with_codes, codes: &'a [u8];
        with_scales, scales: &'a [u8];
        with_offsets, offsets: &'a [u8];
        with_sub_scales, sub_scales: &'a [u8];
        with_codebooks, codebooks: &'a [u8];
        with_tensor_scale, tensor_scale: f32;
        with_tensor_scales, tensor_scales: &'a [f32];
        with_origin, origin: [usize; 2];
    }

    /// Refuses parts that are not those of a tensor of this scheme and geometry.
    pub(super) fn check(
        &self,
        spec: &BlockSpec,
        geometry: &Geometry,
        accept: Accept,
    ) -> Result<(), Error> {
        // Lengths first: all that follows indexes by them.
        let lengths = Lengths::of(spec, geometry);
        lengths.check([self.codes.len(), self.scales.len(), self.offsets.len()])?;
        Error::check_length("bytes of sub-scales", lengths.sub_scales, self.sub_scales.len())?;
        Error::check_length("bytes of codebooks", lengths.codebooks, self.codebooks.len())?;
        // Rows end within a byte; what is left of it belongs to no code. Tensors are equal if their
        // bytes are.
        let used = geometry.cols * spec.element.bits() as usize % 8;
        if used != 0 {
            let rows = self.codes.chunks_exact(geometry.row_bytes);
            let last = rows.map(|row| row[geometry.row_bytes - 1]);
            // All of them first, without a branch: the bytes are as many cache lines, and their
            // loads overlap.
            let any = last.clone().fold(0, |any, byte| any | byte) >> used != 0;
            let first = || last.clone().enumerate().find(|(_, byte)| byte >> used != 0);
            if let Some((index, byte)) = any.then(first).flatten() {
                let expected = "zeros behind the last code of a row";
                return Err(Error::Stored { what: "row", index, expected, found: byte.into() });
            }
        }
        // Formats of 8, 16 or 32 bits use every bit of their bytes; bytes of others may have bits
        // that belong to no code.
        if let Some(scale) = &spec.scale {
            check_codes("scale", self.scales, scale)?;
        }
        match &spec.offset {
            Offset::None => {}
            Offset::ZeroPoint => check_codes("zero point", self.offsets, &spec.element)?,
            Offset::Minimum(format) => check_codes("minimum", self.offsets, format)?,
        }
        if let Some(sub_scale) = &spec.sub_scale {
            check_codes("sub-scale", self.sub_scales, &sub_scale.format)?;
        }
        if let Some(format) = spec.codebooks.format() {
            check_codes("codebook entry", self.codebooks, format)?;
        }
        // A code of the format is not yet a number that the caller accepts.
        self.check_accepted(spec, accept)?;
        self.check_tensor_scales(spec, geometry)
    }

    /// Refuses scales, sub-scales, codebook entries and minima that are not to be taken.
    pub(in crate::block) fn check_accepted(
        &self,
        spec: &BlockSpec,
        accept: Accept,
    ) -> Result<(), Error> {
        if accept == Accept::Nonfinite {
            return Ok(());
        }
        if let Some(format) = &spec.scale {
            check_finite("scale", format, self.scales)?;
        }
        if let Some(sub_scale) = &spec.sub_scale {
            check_finite("sub-scale", &sub_scale.format, self.sub_scales)?;
        }
        if let Some(format) = spec.codebooks.format() {
            check_finite("codebook entry", format, self.codebooks)?;
        }
        match &spec.offset {
            Offset::Minimum(format) => check_finite("minimum", format, self.offsets),
            Offset::None | Offset::ZeroPoint => Ok(()),
        }
    }

    fn check_tensor_scales(&self, spec: &BlockSpec, geometry: &Geometry) -> Result<(), Error> {
        let refuse = |index, expected, found: f32| {
            Err(Error::Stored { what: "tensor scale", index, expected, found: found.to_bits() })
        };
        let many = !self.tensor_scales.is_empty();
        match spec.tensor_scale {
            // NaN is not equal to 1, so it is refused here, too.
            TensorScale::None if self.tensor_scale != 1.0 => {
                return refuse(0, "1.0, as the format has none", self.tensor_scale);
            }
            TensorScale::None if many => {
                return refuse(0, "none, as the format has none", self.tensor_scales[0]);
            }
            _ if many && self.tensor_scale != 1.0 => {
                return refuse(0, "1.0 beside one for each matrix", self.tensor_scale);
            }
            // One block of several matrices would have several tensor scales.
            _ if many && matches!(spec.extent, Extent::Tensor | Extent::Flat(_)) => {
                return Err(Error::Scheme {
                    what: "tensor with a tensor scale for each matrix",
                    expected: "blocks that do not reach over matrices",
                });
            }
            _ if many => {
                let found = self.tensor_scales.len();
                Error::check_length("tensor scales", geometry.matrices, found)?;
            }
            _ => {}
        }
        // The sign and 0 are left to the caller; every formula takes them.
        let all = if many { self.tensor_scales } else { core::slice::from_ref(&self.tensor_scale) };
        match all.iter().position(|scale| !scale.is_finite()) {
            Some(index) => refuse(index, "a finite f32", all[index]),
            None => Ok(()),
        }
    }
}

/// The bytes of each part of a tensor whose rows and blocks follow each other without gaps.
pub(super) struct Lengths {
    pub(super) codes: usize,
    pub(super) scales: usize,
    pub(super) offsets: usize,
    pub(super) sub_scales: usize,
    pub(super) codebooks: usize,
}

impl Lengths {
    pub(super) fn of(spec: &BlockSpec, geometry: &Geometry) -> Self {
        let blocks = geometry.blocks();
        let sub_scales = spec.sub_scale.map_or(0, |sub_scale| {
            // Each row of the grid begins a new group; the last of a row may be short.
            let groups = geometry.grid_cols.div_ceil(sub_scale.blocks as usize);
            geometry.matrices * geometry.grid_rows * groups * code_bytes(&sub_scale.format)
        });
        let entries = codebook_bytes(spec);
        let codebooks = match spec.codebooks {
            Codebooks::Format => 0,
            Codebooks::Tensor(_) => entries,
            Codebooks::Row(_) => geometry.lines() * entries,
        };
        Self {
            // `Geometry` has made sure that these products exist.
            codes: geometry.lines() * geometry.row_bytes,
            scales: blocks * spec.scales_per_block() * spec.scale_bytes(),
            offsets: blocks * spec.offset_bytes(),
            sub_scales,
            codebooks,
        }
    }

    /// Refuses codes, scales and offsets of other lengths.
    fn check(&self, [codes, scales, offsets]: [usize; 3]) -> Result<(), Error> {
        Error::check_length("bytes of codes", self.codes, codes)?;
        Error::check_length("bytes of scales", self.scales, scales)?;
        Error::check_length("bytes of offsets", self.offsets, offsets)
    }
}

/// Refuses stored codes with bits above their format.
fn check_codes(what: &'static str, bytes: &[u8], format: &FormatSpec) -> Result<(), Error> {
    let width = code_bytes(format);
    if format.bits() as usize == 8 * width {
        return Ok(());
    }
    let (isa, mut any) = (Isa::best(), 0);
    match width {
        1 => kernel::any_bits_1(isa, bytes, &mut any),
        2 => kernel::any_bits_2(isa, bytes.as_chunks().0, &mut any),
        _ => kernel::any_bits_4(isa, bytes.as_chunks().0, &mut any),
    }
    if any >> format.bits() == 0 {
        return Ok(());
    }
    // Padding above a code would make two tensors of the same numbers unequal.
    let wrong = (0..bytes.len() / width)
        .map(|index| (index, stored(bytes, width, index)))
        .find(|(_, code)| code >> format.bits() != 0);
    match wrong {
        None => Ok(()),
        Some((index, found)) => Err(Error::Stored {
            what,
            index,
            expected: "a code without bits above its format",
            found,
        }),
    }
}
