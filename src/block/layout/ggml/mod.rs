//! ggml's blocks: scale, minimum and codes of a block lie together. Types whose blocks are those of
//! a tensor have their layout here; `unpack` and `iq` read the others, and `superblock` writes two
//! of them.

mod grids;
mod iq;
mod superblock;
mod unpack;

use super::{pack_split_halves, unpack_split_halves};
use crate::block::pack::{BitOrder, pack_by, store, stored};
use crate::block::preset::ggml;
use crate::block::{Accept, BlockSpec, Extent, Geometry, QuantTensor, QuantView, TensorScale};
use crate::error::Error;
use crate::kernel::Isa;
use alloc::vec;
use alloc::vec::Vec;
use superblock::Pack;
use unpack::Unpack;

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
    /// 36 bytes for 32, read only: F16 scale, F16 sum of the elements, int8s.
    Q8_1,
    /// 84 bytes for 256, read only: sixteen 4-bit scales and minima, 2-bit codes, F16 scale of
    /// scales and of minima.
    Q2K,
    /// 110 bytes for 256, read only: third bits, lower two bits, sixteen 6-bit scales, F16 scale of
    /// scales.
    Q3K,
    /// 144 bytes for 256: F16 scale of scales and of minima, eight 6-bit scales and minima,
    /// nibbles.
    Q4K,
    /// 176 bytes for 256, read only: what `Q4K` has, and fifth bits.
    Q5K,
    /// 210 bytes for 256: nibbles, upper two bits, sixteen int8 scales, F16 scale of scales.
    Q6K,
    /// 292 bytes for 256, read only: F32 scale, int8s, sums of 16 elements each.
    Q8K,
    /// 18 bytes for 32, read only: F16 scale, nibbles that stand for a table's numbers.
    Iq4Nl,
    /// 136 bytes for 256, read only: F16 scale of scales, eight 6-bit scales, nibbles of the same
    /// table.
    Iq4Xs,
    /// 54 bytes for 256, read only: −1, 0 and 1 in base 3, five a byte, F16 scale.
    Tq1_0,
    /// 66 bytes for 256, read only: −1, 0, 1 and 2 in two bits, F16 scale.
    Tq2_0,
    /// 18 bytes for 128, read only: F16 scale, a bit for −1 or 1.
    Q1_0,
    /// 18 bytes for 64, read only: F16 scale, two bits for −1, 0, 1 and 2.
    Q2_0,
    /// 66 bytes for 256, read only: indices of a grid of 256 points for 8 elements each, signs,
    /// 4-bit scales of 32, F16 scale of scales.
    Iq2Xxs,
    /// 74 bytes for 256, read only: a grid of 512 points, 4-bit scales of 16.
    Iq2Xs,
    /// 82 bytes for 256, read only: a grid of 1,024 points, 4-bit scales of 16, a sign for each
    /// element.
    Iq2S,
    /// 98 bytes for 256, read only: a grid of 256 points for 4 elements each, 4-bit scales of 32.
    Iq3Xxs,
    /// 110 bytes for 256, read only: a grid of 512 points for 4 elements each, a sign for each
    /// element.
    Iq3S,
    /// 50 bytes for 256, read only: a grid of 2,048 points of −1, 0 and 1, 3-bit scales of 32, an
    /// eighth added or taken.
    Iq1S,
    /// 56 bytes for 256, read only: the grid of `Iq1S`, 3-bit scales of 16, an eighth added or
    /// taken for each 8 elements.
    Iq1M,
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

/// A type with a layout of its own.
struct OwnLayout {
    spec: BlockSpec,
    len: usize,
    bytes: usize,
    unpack: Unpack,
    /// `None`: the type is read only.
    pack: Option<Pack>,
}

/// How the bytes of a type are laid out.
enum Layout {
    Shaped(Shape),
    Own(OwnLayout),
}

const fn read(spec: BlockSpec, len: usize, bytes: usize, unpack: Unpack) -> Layout {
    Layout::Own(OwnLayout { spec, len, bytes, unpack, pack: None })
}

const Q4_K: Layout = Layout::Own(OwnLayout {
    spec: ggml::Q4_K,
    len: 256,
    bytes: 144,
    unpack: unpack::q4_k,
    pack: Some(superblock::q4_k),
});
const Q6_K: Layout = Layout::Own(OwnLayout {
    spec: ggml::Q6_K,
    len: 256,
    bytes: 210,
    unpack: unpack::q6_k,
    pack: Some(superblock::q6_k),
});

impl GgmlType {
    /// Every type, in the order of the variants.
    pub const ALL: [Self; 27] = [
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Mxfp4,
        Self::Nvfp4,
        Self::Q8_1,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
        Self::Q8K,
        Self::Iq4Nl,
        Self::Iq4Xs,
        Self::Tq1_0,
        Self::Tq2_0,
        Self::Q1_0,
        Self::Q2_0,
        Self::Iq2Xxs,
        Self::Iq2Xs,
        Self::Iq2S,
        Self::Iq3Xxs,
        Self::Iq3S,
        Self::Iq1S,
        Self::Iq1M,
    ];

    const fn layout(self) -> Layout {
        match self {
            Self::Q4_0 => Layout::Shaped(Q4_0),
            Self::Q4_1 => Layout::Shaped(Q4_1),
            Self::Q5_0 => Layout::Shaped(Q5_0),
            Self::Q5_1 => Layout::Shaped(Q5_1),
            Self::Q8_0 => Layout::Shaped(Q8_0),
            Self::Mxfp4 => Layout::Shaped(MXFP4),
            Self::Nvfp4 => Layout::Shaped(NVFP4),
            Self::Q8_1 => read(ggml::Q8_0, 32, 36, unpack::q8_1),
            Self::Q2K => read(ggml::Q2_K, 256, 84, unpack::q2_k),
            Self::Q3K => read(ggml::Q3_K, 256, 110, unpack::q3_k),
            Self::Q4K => Q4_K,
            Self::Q5K => read(ggml::Q5_K, 256, 176, unpack::q5_k),
            Self::Q6K => Q6_K,
            Self::Q8K => read(ggml::Q8_K, 256, 292, unpack::q8_k),
            Self::Iq4Nl => read(ggml::IQ4_NL, 32, 18, unpack::iq4_nl),
            Self::Iq4Xs => read(ggml::IQ4_XS, 256, 136, unpack::iq4_xs),
            Self::Tq1_0 => read(ggml::TQ, 256, 54, unpack::tq1_0),
            Self::Tq2_0 => read(ggml::TQ, 256, 66, unpack::tq2_0),
            Self::Q1_0 => read(ggml::Q1_0, 128, 18, unpack::q1_0),
            Self::Q2_0 => read(ggml::Q2_0, 64, 18, unpack::q2_0),
            Self::Iq2Xxs => read(ggml::IQ2_XXS, 256, 66, iq::iq2_xxs),
            Self::Iq2Xs => read(ggml::IQ2_XS, 256, 74, iq::iq2_xs),
            Self::Iq2S => read(ggml::IQ2_XS, 256, 82, iq::iq2_s),
            Self::Iq3Xxs => read(ggml::IQ3_XXS, 256, 98, iq::iq3_xxs),
            Self::Iq3S => read(ggml::IQ3_S, 256, 110, iq::iq3_s),
            Self::Iq1S => read(ggml::IQ1_S, 256, 50, iq::iq1_s),
            Self::Iq1M => read(ggml::IQ1_M, 256, 56, iq::iq1_m),
        }
    }

    /// The scheme that tensors of this type have here, with ggml's scale rule where the type is
    /// written: what [`from_ggml`] returns.
    #[must_use]
    pub const fn spec(self) -> BlockSpec {
        match self.layout() {
            Layout::Shaped(shape) => shape.spec,
            Layout::Own(own) => own.spec,
        }
    }

    /// Whether [`to_ggml`] writes this type; the others are read only.
    #[must_use]
    pub const fn is_written(self) -> bool {
        match self.layout() {
            Layout::Shaped(_) => true,
            Layout::Own(own) => own.pack.is_some(),
        }
    }

    /// Elements that a block of bytes holds: 18 bytes of `Q4_0` hold 32, a superblock 256.
    ///
    /// ```
    /// use subhalf::layout::GgmlType;
    /// assert_eq!([GgmlType::Q4_0, GgmlType::Nvfp4, GgmlType::Q4K].map(GgmlType::block_len), [32, 64, 256]);
    /// ```
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self.layout() {
            Layout::Shaped(shape) => shape.len,
            Layout::Own(own) => own.len,
        }
    }

    /// Bytes of a block: 18 for `Q4_0`, for example.
    ///
    /// ```
    /// use subhalf::layout::GgmlType;
    /// let bytes = [GgmlType::Q4_0, GgmlType::Q8_0, GgmlType::Nvfp4, GgmlType::Q6K];
    /// assert_eq!(bytes.map(GgmlType::block_bytes), [18, 34, 36, 210]);
    /// ```
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match self.layout() {
            Layout::Shaped(shape) => {
                shape.codes_at() + if shape.half == 0 { shape.len } else { shape.len / 2 }
            }
            Layout::Own(own) => own.bytes,
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
/// Superblocks are unpacked: a scale is the product of two stored ones, `d · sc`, which is exact in
/// f32, and a minimum `-(dmin · m)`. Sums of elements, which `Q8_1` and `Q8_K` keep for products,
/// are left out.
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
    // What is stored in a block of ggml's may be several blocks of the tensor's.
    let scale_bytes = len / geometry.block_cols * spec.scale_bytes();
    let offset_bytes = len / geometry.block_cols * spec.offset_bytes();
    // Blocks are multiples of 8 elements, so that their codes are whole bytes of a row, and rows
    // are whole blocks.
    let code_bytes = len / 8 * spec.element.bits() as usize;
    let (layout, isa) = (kind.layout(), Isa::best());
    for (index, block) in bytes.chunks_exact(kind.block_bytes()).enumerate() {
        let scales = &mut tensor.scales.as_mut_slice()[index * scale_bytes..][..scale_bytes];
        let offsets = &mut tensor.offsets.as_mut_slice()[index * offset_bytes..][..offset_bytes];
        match &layout {
            Layout::Shaped(shape) => {
                scales.copy_from_slice(&block[..scale_bytes]);
                offsets.copy_from_slice(&block[scale_bytes..][..offset_bytes]);
                shape.unpack(block, &mut codes)?;
            }
            Layout::Own(own) => (own.unpack)(block, scales, offsets, &mut codes),
        }
        let packed = &mut tensor.codes.as_mut_slice()[index * code_bytes..][..code_bytes];
        pack_by(isa, &codes, spec.element.bits(), BitOrder::LsbFirst, packed);
    }
    // Checked after unpacking, so that an error counts the scales that the tensor has.
    tensor.check_accepted(accept)?;
    Ok(tensor)
}

/// Returns ggml's blocks of bytes for a tensor in this type's format, whatever its scale rule: the
/// opposite of [`from_ggml`].
///
/// The scales of a superblock of `Q4_K` and `Q6_K` are stored as an F16 times small integers. Of
/// several such factors those with the largest integers are taken, as ggml's own quantizer has
/// them: what it wrote comes back byte for byte, unless the F16 is 0; the numbers are the same
/// always.
///
/// # Errors
/// [`Error::Scheme`] for a tensor in another format, and for types that are read only;
/// [`Error::Length`] if the last axis is no multiple of the block's elements; [`Error::Stored`] for
/// scales or minima of a superblock that are not whole multiples of one F16, by the first of them.
pub fn to_ggml(kind: GgmlType, tensor: &QuantView<'_>) -> Result<Vec<u8>, Error> {
    let refuse = |what, expected| Err(Error::Scheme { what, expected });
    let layout = kind.layout();
    if !kind.is_written() {
        return refuse(
            "ggml type to write",
            "Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, MXFP4, NVFP4, Q4_K or Q6_K; the others are read only",
        );
    }
    let (spec, own) = (tensor.spec(), kind.spec());
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
    let mut codes = vec![0; kind.block_len()];
    // Several blocks of the tensor's may be one of ggml's.
    let blocks = kind.block_len() / geometry.block_cols;
    let (scale_bytes, offset_bytes) = (blocks * spec.scale_bytes(), blocks * spec.offset_bytes());
    for (index, block) in bytes.chunks_exact_mut(kind.block_bytes()).enumerate() {
        let (line, col) = (index / row_blocks, index % row_blocks * kind.block_len());
        for (i, code) in codes.iter_mut().enumerate() {
            *code = tensor.code_at(line, col + i) as u8;
        }
        let scales = &parts.scales[index * scale_bytes..][..scale_bytes];
        let offsets = &parts.offsets[index * offset_bytes..][..offset_bytes];
        match &layout {
            Layout::Shaped(shape) => {
                block[..scale_bytes].copy_from_slice(scales);
                block[scale_bytes..][..offset_bytes].copy_from_slice(offsets);
                shape.pack(&mut codes, block)?;
            }
            Layout::Own(own) => {
                let Some(pack) = own.pack else { continue };
                pack(scales, offsets, &codes, block).map_err(|what| Error::Stored {
                    what,
                    index: index * blocks,
                    expected: "small integers times one F16 in each superblock",
                    found: stored(if what == superblock::MINIMA { offsets } else { scales }, 4, 0),
                })?;
            }
        }
    }
    Ok(bytes)
}
