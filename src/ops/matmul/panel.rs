//! [`Panel`]: 16 rows of B, position by position, as kernels read them.

use crate::block::Restorer;
use crate::kernel::gemm::{Lanes, NR};
use crate::kernel::{BlockFactors, BlockOffsets, NegativeZero, Quad};
use crate::mem::Aligned;
use alloc::vec::Vec;

/// Panels that a thread works on at a time, at most.
pub(super) const PANELS_OF_UNIT: usize = 8;

/// Sixteen rows of B, which are 16 columns of the product. The last panel of a matrix may have
/// fewer; the codes in place of the others are unspecified.
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    // Codes stay codes: 8 bytes a position for elements of 4 bits.
    pub(super) data: Data,
    /// Positions of a block; blocks follow each other along K.
    pub(super) block_k: usize,
    /// Scales, block by block, without the tensor scale; empty for an operand without scales.
    pub(super) scales: Scales,
    /// How numbers come from `data`, for kernels that take numbers.
    pub(super) restore: PanelRestore,
}

impl Panel {
    /// The scales for blocks of `block_k` of `depth` positions, none of which is longer than the
    /// panel's own; made in `memory` where the panel does not have them so.
    pub(super) fn scales_by<'a>(
        &'a self,
        block_k: usize,
        depth: usize,
        memory: &'a mut Aligned<Lanes<f32>>,
    ) -> &'a [Lanes<f32>] {
        match &self.scales {
            // The panel's own blocks, as f32s: nothing to make.
            Scales::F32(scales) if block_k == self.block_k && !scales.is_empty() => scales,
            // Shorter blocks of A cut those of B, so a scale of B comes several times; or bf16s are
            // widened.
            scales => {
                memory.resize(depth.div_ceil(block_k));
                let each = memory.iter_mut().zip((0..depth).step_by(block_k));
                each.for_each(|(to, k)| *to = scales.at(k / self.block_k));
                memory
            }
        }
    }

    /// The zero points or minima for blocks of `block_k` of `depth` positions, none of which is
    /// longer than the panel's own; made in `memory` where the panel does not have them so.
    pub(super) fn offsets_by<'a>(
        &'a self,
        block_k: usize,
        depth: usize,
        memory: &'a mut Aligned<Lanes<f32>>,
    ) -> BlockOffsets<'a> {
        let (kind, offsets): (fn(_) -> _, _) = match &self.restore {
            PanelRestore::Minima(minima) => (BlockOffsets::Minima, minima),
            PanelRestore::ZeroPoints(zero_points) => (BlockOffsets::ZeroPoints, zero_points),
            PanelRestore::Scales | PanelRestore::Factors(..) | PanelRestore::Any(_) => {
                return BlockOffsets::None;
            }
        };
        if block_k == self.block_k {
            return kind(offsets);
        }
        // Shorter blocks of A cut those of B.
        memory.resize(depth.div_ceil(block_k));
        let each = memory.iter_mut().zip((0..depth).step_by(block_k));
        each.for_each(|(to, k)| *to = offsets[k / self.block_k]);
        kind(memory)
    }

    /// Returns what becomes of elements that are −0 before their factor.
    pub(super) fn negative_zero(&self) -> NegativeZero {
        match self.restore {
            PanelRestore::Factors(negative_zero, _) => negative_zero,
            PanelRestore::Scales
            | PanelRestore::Minima(_)
            | PanelRestore::ZeroPoints(_)
            | PanelRestore::Any(_) => NegativeZero::Keep,
        }
    }
}

/// Scales of blocks: f32s, or their upper halves where the lower are zeros, as those of E8M0 and
/// FP8 are.
#[derive(Clone, Debug)]
pub(super) enum Scales {
    F32(Aligned<Lanes<f32>>),
    Bf16(Aligned<Lanes<u16>>),
}

impl Default for Scales {
    fn default() -> Self {
        Self::F32(Aligned::default())
    }
}

impl Scales {
    pub(super) fn view(&self) -> BlockFactors<'_> {
        match self {
            Self::F32(scales) => BlockFactors::F32(scales),
            Self::Bf16(scales) => BlockFactors::Bf16(scales),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(scales) => scales.len(),
            Self::Bf16(scales) => scales.len(),
        }
    }

    /// The scales of a block; 1 for an operand without scales.
    pub(super) fn at(&self, block: usize) -> Lanes<f32> {
        // Multiplying by 1 changes no number.
        if self.len() == 0 { [1.0; NR] } else { self.view().at(block) }
    }

    /// These scales as bf16s, in half the memory, if all of them are bf16s.
    pub(super) fn narrow(self) -> Self {
        match self {
            Self::F32(scales)
                // bf16 is the upper half of an f32, so the lower halves being 0 says that nothing
                // is lost. E8M0 and FP8 scales qualify, f32 and most F16 scales do not.
                if scales.as_flattened().iter().all(|scale| scale.to_bits() as u16 == 0) =>
            {
                let mut halves = Aligned::<Lanes<u16>>::default();
                halves.resize(scales.len());
                halves.iter_mut().zip(&*scales).for_each(|(to, scales)| {
                    *to = scales.map(|scale| (scale.to_bits() >> 16) as u16);
                });
                Self::Bf16(halves)
            }
            other => other,
        }
    }
}

/// How the numbers that a panel stands for come from its elements.
#[derive(Clone, Debug, Default)]
pub(super) enum PanelRestore {
    /// They are the elements times the scales, or the elements of an operand without scales.
    #[default]
    Scales,
    /// They are the elements, with −0 kept or cleared, times these factors, block by block.
    Factors(NegativeZero, Aligned<Lanes<f32>>),
    /// They are the elements times the scales, plus these minima, block by block.
    Minima(Aligned<Lanes<f32>>),
    /// They are the elements less these zero points, times the scales, block by block.
    ZeroPoints(Aligned<Lanes<f32>>),
    /// Each block of each row has its own rule.
    Any(Vec<[Restorer; NR]>),
}

/// The elements of a panel.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Elements of more than 8 bits, decoded, position by position.
    Numbers(Vec<Lanes<f32>>),
    /// Codes of 5 to 8 bits, one a byte, position by position.
    Bytes(Aligned<Lanes<u8>>),
    /// Codes of at most 4 bits, eight positions a quad: four bytes of each of the 16 rows in turn,
    /// as the row stores them. Byte *j* has position *2j* in its low half and position *2j + 1* in
    /// its high half.
    Nibbles(Aligned<Quad>),
}

impl Default for Data {
    fn default() -> Self {
        Self::Bytes(Aligned::default())
    }
}

impl Data {
    /// All bytes of codes, or of pairs of codes.
    pub(super) fn codes(&self) -> &[u8] {
        match self {
            Self::Numbers(_) => &[],
            Self::Bytes(codes) => codes.as_flattened(),
            Self::Nibbles(quads) => quads.as_flattened(),
        }
    }

    /// The code at a position of a row; 0 if the elements are decoded.
    pub(super) fn code(&self, k: usize, lane: usize) -> u32 {
        match self {
            Self::Numbers(_) => 0,
            Self::Bytes(codes) => codes[k][lane].into(),
            Self::Nibbles(quads) => {
                // Quad k / 8 has 4 bytes a lane; byte k % 8 / 2 of them has the even position in
                // its low half.
                u32::from(quads[k / 8][4 * lane + k % 8 / 2] >> (4 * (k % 2)) & 15)
            }
        }
    }
}
