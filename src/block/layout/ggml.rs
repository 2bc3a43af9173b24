//! ggml's blocks: scale, minimum and codes of a block lie together.

use super::{pack_split_halves, unpack_split_halves};
use crate::block::pack::{put, store, stored};
use crate::block::preset::ggml;
use crate::block::{Accept, BlockSpec, Extent, Geometry, QuantTensor, QuantView, TensorScale};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// A tensor type of ggml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GgmlType {
    /// 18 bytes for 32 elements: F16 scale, nibbles in split halves.
    Q4_0,
    /// 20 bytes for 32: F16 scale, F16 minimum, nibbles.
    Q4_1,
    /// 22 bytes for 32: F16 scale, the fifth bits as a little-endian u32, nibbles.
    Q5_0,
    /// 24 bytes for 32: F16 scale, F16 minimum, fifth bits, nibbles.
    Q5_1,
    /// 34 bytes for 32: F16 scale, int8s.
    Q8_0,
    /// 17 bytes for 32: E8M0 scale, nibbles.
    Mxfp4,
    /// 36 bytes for 64: four UE4M3 scales, then nibbles in split halves of each 16.
    Nvfp4,
    /// 144 bytes for 256, read only: F16 scale of scales and of minima, eight 6-bit scales and
    /// minima, nibbles.
    Q4K,
    /// 210 bytes for 256, read only: nibbles, upper two bits, sixteen int8 scales, F16 scale of
    /// scales.
    Q6K,
}

/// The layout of a block that is scales, minima, fifth bits and codes, in this order.
struct Shape {
    spec: BlockSpec,
    len: usize,
    /// Whether the fifth bits are there.
    fifth: bool,
    /// Codes of half a group of nibbles; 0: codes are bytes.
    half: usize,
    /// What the stored integers differ by from two's complement.
    flip: u8,
}

const fn shape_of(spec: BlockSpec, fifth: bool, flip: u8) -> Shape {
    // Most types: 32 elements under one scale, nibbles in halves of 16.
    Shape { spec, len: 32, fifth, half: 16, flip }
}

// Types of 4 and 5 bits without a minimum store q + 2^(bits − 1): two's complement with the upper
// bit flipped. Types with a minimum count from 0; `Q8_0` stores int8s, FP4 types their codes.
const Q4_0: Shape = shape_of(ggml::Q4_0, false, 1 << 3);
const Q4_1: Shape = shape_of(ggml::Q4_1, false, 0);
const Q5_0: Shape = shape_of(ggml::Q5_0, true, 1 << 4);
const Q5_1: Shape = shape_of(ggml::Q5_1, true, 0);
const Q8_0: Shape = Shape { half: 0, ..shape_of(ggml::Q8_0, false, 0) };
const MXFP4: Shape = shape_of(ggml::MXFP4, false, 0);
// Four blocks of 16 lie together, each with a scale and its own split halves of 8.
const NVFP4: Shape = Shape { len: 64, half: 8, ..shape_of(ggml::NVFP4, false, 0) };

impl GgmlType {
    /// Every type, in the order of the variants.
    pub const ALL: [Self; 9] = [
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Mxfp4,
        Self::Nvfp4,
        Self::Q4K,
        Self::Q6K,
    ];

    const fn shape(self) -> Option<Shape> {
        Some(match self {
            Self::Q4_0 => Q4_0,
            Self::Q4_1 => Q4_1,
            Self::Q5_0 => Q5_0,
            Self::Q5_1 => Q5_1,
            Self::Q8_0 => Q8_0,
            Self::Mxfp4 => MXFP4,
            Self::Nvfp4 => NVFP4,
            Self::Q4K | Self::Q6K => return None,
        })
    }

    /// The scheme that tensors of this type have here, with ggml's scale rule: what [`from_ggml`]
    /// returns.
    #[must_use]
    pub const fn spec(self) -> BlockSpec {
        match (self.shape(), self) {
            (Some(shape), _) => shape.spec,
            (None, Self::Q6K) => ggml::Q6_K,
            (None, _) => ggml::Q4_K,
        }
    }

    /// Elements that a block of bytes holds: 32, but 64 for `Nvfp4` and 256 for the K-quants.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self.shape() {
            Some(shape) => shape.len,
            None => 256,
        }
    }

    /// Bytes of a block: 18 for `Q4_0`, for example.
    ///
    /// ```
    /// use subhalf::layout::GgmlType;
    /// let bytes = GgmlType::ALL.map(GgmlType::block_bytes);
    /// assert_eq!(bytes, [18, 20, 22, 24, 34, 17, 36, 144, 210]);
    /// ```
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match (self.shape(), self) {
            (Some(shape), _) => {
                shape.codes_at() + if shape.half == 0 { shape.len } else { shape.len / 2 }
            }
            // 64 · 2 + 32 · 2 + 16 + 2 bytes; Q4_K has 2 + 2 + 12 + 128.
            (None, Self::Q6K) => 210,
            (None, _) => 144,
        }
    }

    /// Blocks of a row of `cols` elements.
    fn row_blocks(self, cols: usize) -> Result<usize, Error> {
        // ggml pads no row: a row is whole blocks.
        let blocks = cols.div_ceil(self.block_len());
        Error::check_length(
            "columns of whole ggml blocks",
            blocks.saturating_mul(self.block_len()),
            cols,
        )?;
        Ok(blocks)
    }
}

impl Shape {
    const fn scale_bytes(&self) -> usize {
        let cols = match self.spec.extent {
            Extent::Block { cols, .. } => cols as usize,
            _ => self.len,
        };
        self.len / cols * self.spec.scale_bytes()
    }

    const fn codes_at(&self) -> usize {
        // Codes come last, behind scales, minimum and fifth bits.
        self.scale_bytes() + self.spec.offset_bytes() + if self.fifth { 4 } else { 0 }
    }

    fn unpack(&self, block: &[u8], codes: &mut [u8]) -> Result<(), Error> {
        let packed = &block[self.codes_at()..];
        if self.half == 0 {
            codes.copy_from_slice(packed);
        } else {
            unpack_split_halves(packed, self.half, codes)?;
        }
        // Bit i is the fifth of code i; types without fifth bits have zeros in its place.
        let fifth = if self.fifth { stored(&block[self.codes_at() - 4..], 4, 0) } else { 0 };
        for (i, code) in codes.iter_mut().enumerate() {
            *code = (*code | ((fifth >> (i % 32) & 1) as u8) << 4) ^ self.flip;
        }
        Ok(())
    }

    fn pack(&self, codes: &mut [u8], block: &mut [u8]) -> Result<(), Error> {
        // Nibbles drop the fifth bits, which are collected before.
        let mut fifth = 0;
        for (i, code) in codes.iter_mut().enumerate() {
            *code ^= self.flip;
            fifth |= u32::from(*code >> 4 & 1) << (i % 32);
        }
        let (head, packed) = block.split_at_mut(self.codes_at());
        if self.fifth {
            store(&mut head[self.codes_at() - 4..], 4, 0, fifth);
        }
        if self.half == 0 {
            packed.copy_from_slice(codes);
            return Ok(());
        }
        pack_split_halves(codes, self.half, packed)
    }
}

/// The tensor of this shape in a file of ggml's, whose blocks run along the last axis. Numbers come
/// back as ggml's own dequantization has them, bit for bit, except the two codes that
/// [`preset::ggml`](crate::preset::ggml) names and the bits of NaN.
///
/// `Q4_K` and `Q6_K` are unpacked: a scale is the product of two stored ones, `d · sc`, which is
/// exact in f32, and a minimum `-(dmin · m)`.
///
/// Scales may be 0 or negative in every type with F16 scales, as ggml takes them. NaN and infinity
/// are refused, as ggml's `ggml_validate_row_data` does; [`from_ggml_with`] takes them.
///
/// ```
/// use subhalf::layout::{GgmlType, from_ggml, to_ggml};
/// // Half (0x3800) times 0 to 15, less 8.
/// let mut bytes = vec![0x00, 0x38];
/// bytes.extend((0..16).map(|q| q | 0x80));
/// let tensor = from_ggml(GgmlType::Q4_0, &bytes, &[1, 32])?;
/// assert_eq!(tensor.dequantize()[..4], [-4.0, -3.5, -3.0, -2.5]);
/// assert_eq!(to_ggml(GgmlType::Q4_0, &tensor.view())?, bytes);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if the last axis is no multiple of the block's elements, or the bytes are not
/// those of the shape; [`Error::TooLarge`] for a shape beyond the address space; [`Error::Stored`]
/// for a scale or minimum that is NaN or infinite, by its place among those of the unpacked tensor.
pub fn from_ggml(kind: GgmlType, bytes: &[u8], shape: &[usize]) -> Result<QuantTensor, Error> {
    from_ggml_with(kind, bytes, shape, Accept::Finite)
}

/// Reads a tensor of this shape from ggml's bytes, whose blocks run along the last axis; `accept`
/// says whether scales and minima may be NaN or infinite. [`from_ggml`] is the short call, which
/// refuses them.
///
/// # Errors
/// [`Error::Length`] if the last axis is no multiple of the block's elements, or the bytes are not
/// those of the shape; [`Error::TooLarge`] for a shape beyond the address space; [`Error::Stored`]
/// for a scale or minimum that `accept` excludes, by its place among those of the unpacked tensor.
pub fn from_ggml_with(
    kind: GgmlType,
    bytes: &[u8],
    shape: &[usize],
    accept: Accept,
) -> Result<QuantTensor, Error> {
    let spec = kind.spec();
    let geometry = Geometry::of(&spec, shape)?;
    let row_blocks = kind.row_blocks(geometry.cols)?;
    let expected = geometry
        .lines()
        .checked_mul(row_blocks)
        .and_then(|blocks| blocks.checked_mul(kind.block_bytes()));
    Error::check_length("bytes of ggml blocks", expected.ok_or(Error::TooLarge)?, bytes.len())?;
    let mut tensor = QuantTensor::zeroed(&spec, shape)?;
    let len = kind.block_len();
    // A block's codes, one a byte, on their way from ggml's order to the tensor's.
    let mut codes = vec![0; len];
    for (index, block) in bytes.chunks_exact(kind.block_bytes()).enumerate() {
        // What is stored in a block of ggml's may be several blocks of the tensor's.
        let scale_bytes = len / geometry.block_cols * spec.scale_bytes();
        let offset_bytes = len / geometry.block_cols * spec.offset_bytes();
        let scales = &mut tensor.scales.as_mut_slice()[index * scale_bytes..][..scale_bytes];
        let offsets = &mut tensor.offsets.as_mut_slice()[index * offset_bytes..][..offset_bytes];
        match kind.shape() {
            Some(shape) => {
                scales.copy_from_slice(&block[..scale_bytes]);
                offsets.copy_from_slice(&block[scale_bytes..][..offset_bytes]);
                shape.unpack(block, &mut codes)?;
            }
            None if kind == GgmlType::Q6K => unpack_q6_k(block, scales, &mut codes),
            None => unpack_q4_k(block, scales, offsets, &mut codes)?,
        }
        let row = &mut tensor.codes.as_mut_slice()[index / row_blocks * geometry.row_bytes..]
            [..geometry.row_bytes];
        // The tensor's rows are dense streams, in which blocks follow each other.
        for (i, &code) in codes.iter().enumerate() {
            put(row, spec.element.bits(), index % row_blocks * len + i, code.into());
        }
    }
    // Checked after unpacking, so that an error counts the scales that the tensor has.
    tensor.parts().check_accepted(&spec, accept)?;
    Ok(tensor)
}

/// Returns ggml's blocks of bytes for a tensor in this type's format, whatever its scale rule: the
/// opposite of [`from_ggml`].
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format, and for `Q4_K` and `Q6_K`, which are read
/// only; [`Error::Length`] if the last axis is no multiple of the block's elements.
pub fn to_ggml(kind: GgmlType, tensor: &QuantView<'_>) -> Result<Vec<u8>, Error> {
    let refuse = |what, expected| Err(Error::Scheme { what, expected });
    let Some(shape) = kind.shape() else {
        return refuse("ggml type to write", "one other than Q4_K and Q6_K");
    };
    let (spec, own) = (tensor.spec(), &shape.spec);
    // How scales were found does not show in the bytes, so any rule will do.
    let same = (spec.element, spec.scale, spec.extent, spec.offset)
        == (own.element, own.scale, own.extent, own.offset);
    if !same || spec.tensor_scale != TensorScale::None {
        return refuse(
            "tensor for ggml",
            "elements, scales, minima and blocks of this ggml type, no tensor scale",
        );
    }
    // Only a view with gaps is copied.
    let copy = tensor.for_layout("tensor for ggml")?;
    let tensor = copy.as_ref().map_or(*tensor, QuantTensor::view);
    let (geometry, parts) = (tensor.geometry(), tensor.bytes());
    let row_blocks = kind.row_blocks(geometry.cols)?;
    let mut bytes = vec![0; geometry.lines() * row_blocks * kind.block_bytes()];
    let mut codes = vec![0; shape.len];
    let (scale_bytes, offset_bytes) = (shape.scale_bytes(), spec.offset_bytes());
    for (index, block) in bytes.chunks_exact_mut(kind.block_bytes()).enumerate() {
        let (line, col) = (index / row_blocks, index % row_blocks * shape.len);
        for (i, code) in codes.iter_mut().enumerate() {
            *code = tensor.code_at(line, col + i) as u8;
        }
        block[..scale_bytes].copy_from_slice(&parts.scales[index * scale_bytes..][..scale_bytes]);
        block[scale_bytes..][..offset_bytes]
            .copy_from_slice(&parts.offsets[index * offset_bytes..][..offset_bytes]);
        shape.pack(&mut codes, block)?;
    }
    Ok(bytes)
}

fn half(bytes: &[u8]) -> f32 {
    FormatSpec::F16.decode_f32(stored(bytes, 2, 0))
}

/// `d`, `dmin`, 12 bytes of 6-bit scales and minima, and for each 64 elements 32 bytes of nibbles
/// in split halves.
fn unpack_q4_k(
    block: &[u8],
    scales: &mut [u8],
    minima: &mut [u8],
    codes: &mut [u8],
) -> Result<(), Error> {
    let (d, dmin, packed) = (half(block), half(&block[2..]), &block[4..16]);
    for j in 0..8 {
        // Scales and minima 4 to 7 have four bits of their own; the upper two lie above the six
        // bits of 0 to 3.
        let (scale, minimum) = match j {
            0..4 => (packed[j] & 63, packed[j + 4] & 63),
            _ => (
                packed[j + 4] & 15 | packed[j - 4] >> 6 << 4,
                packed[j + 4] >> 4 | packed[j] >> 6 << 4,
            ),
        };
        store(scales, 4, j, (d * f32::from(scale)).to_bits());
        store(minima, 4, j, (-(dmin * f32::from(minimum))).to_bits());
    }
    unpack_split_halves(&block[16..], 32, codes)
}

/// Each half of 128 elements has 64 bytes of nibbles, byte `l` for elements `l` and `l + 64`, and
/// 32 bytes of upper bits, byte `l` for elements `l`, `l + 32`, `l + 64`, `l + 96`; then the scales
/// of 16 elements each, and `d`.
fn unpack_q6_k(block: &[u8], scales: &mut [u8], codes: &mut [u8]) {
    // An F16 times an int8 has at most 18 bits: the f32 product is exact.
    let (low, high, d) = (&block[..128], &block[128..192], half(&block[208..]));
    for (j, &scale) in block[192..208].iter().enumerate() {
        store(scales, 4, j, (d * f32::from(scale as i8)).to_bits());
    }
    for (i, code) in codes.iter_mut().enumerate() {
        let (part, l) = (i / 128, i % 128);
        let nibble = low[part * 64 + l % 64] >> (l / 64 * 4) & 0xF;
        let upper = high[part * 32 + l % 32] >> (l / 32 * 2) & 3;
        // ggml stores q + 32.
        *code = (nibble | upper << 4) ^ 1 << 5;
    }
}
