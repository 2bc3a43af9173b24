//! The table of block kernels in intrinsics by instruction set: the part of [`entry`](super::entry)
//! for quantization and dequantization.

use super::entry::{Native, by_kind};
use super::isa::Kind;
use super::{avx2_block, avx512_block, avx512_decode, avx512_encode, avx512_few, avx512_square};
use crate::kernel::block::{
    BlockIntrinsics, FewNear, FloatBlocks, Fold, PackedBlocks, Restoring, Scaling, Selected,
};
use crate::kernel::decode::{HalfFields, RegisterTable};
use crate::kernel::encode::Finite;
use crate::kernel::isa::Isa;

impl BlockIntrinsics for Native {
    fn fold_blocks(
        isa: Isa,
        fold: Fold,
        terms: &[f32],
        length: usize,
        results: &mut [f32],
    ) -> usize {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_square::fold_blocks(fold, terms, length, results),
        }, else 0)
    }

    fn block_largest<S: Selected>(
        isa: Isa,
        src: &[f32],
        length: usize,
        largest: &mut [u32],
    ) -> usize {
        // Vectors of 16 numbers in a block: 1, 2, 4 or 8. Longer blocks suit the plain loop.
        match length {
            16 => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_block::block_largest::<S, 1>(src, largest),
            }, else 0),
            32 => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_block::block_largest::<S, 2>(src, largest),
            }, else 0),
            64 => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_block::block_largest::<S, 4>(src, largest),
            }, else 0),
            128 => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_block::block_largest::<S, 8>(src, largest),
            }, else 0),
            _ => 0,
        }
    }

    fn encode_chunk<S: Scaling, const BYTES: usize>(
        isa: Isa,
        finite: &Finite,
        addend: f32,
        scaling: S,
        FloatBlocks { numbers, length, factors }: FloatBlocks<'_, S::Factor>,
        dst: &mut [u8],
    ) -> bool {
        if !finite.has_signed_bytes() || !numbers.len().is_multiple_of(64) {
            return false;
        }
        let chunks = numbers.as_chunks().0;
        // The kernel takes 64 numbers with four factors, one for each vector of 16: an iterator
        // adapts each block length to that.
        macro_rules! encode {
            ($factors:expr) => {{
                let factors = $factors;
                by_kind!(isa, {
                    Avx512Vbmi => avx512_encode::encode_blocks::<S, BYTES>(
                        finite, addend, scaling, chunks, factors, dst,
                    ),
                }, else return false)
            }};
        }
        match length {
            16 => encode!(factors.as_chunks().0.iter().copied()),
            32 => encode!(factors.as_chunks().0.iter().map(|[a, b]| [*a, *a, *b, *b])),
            _ if length.is_multiple_of(64) => {
                let vectors = length / 64;
                encode!(
                    factors.iter().flat_map(|factor| core::iter::repeat_n([*factor; 4], vectors))
                );
            }
            _ => return false,
        }
        true
    }

    fn least_of_few(
        isa: Isa,
        near: &FewNear,
        blocks: FloatBlocks<'_, f32>,
        codes: &mut [u8],
    ) -> usize {
        if !blocks.length.is_multiple_of(16) {
            return 0;
        }
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_few::least(near, blocks, codes),
        }, else 0)
    }

    // 64 codes of 6 bits in one register: multishift and byte permutes are VBMI.
    fn pack_6(isa: Isa, codes: &[u8], bytes: &mut [u8]) -> usize {
        by_kind!(isa, { Avx512Vbmi => avx512_decode::pack_6(codes, bytes) }, else 0)
    }

    fn unpack<const BITS: usize>(isa: Isa, bytes: &[u8], codes: &mut [u8]) -> usize {
        by_kind!(isa, {
            Avx2 | Avx512 => avx2_block::unpack::<BITS>(bytes, codes),
            Avx512Vbmi => avx512_decode::unpack::<BITS>(bytes, codes),
        }, else 0)
    }

    fn restore_4<R: Restoring>(
        isa: Isa,
        rule: R,
        table: &[f32; 16],
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
    ) -> usize {
        by_kind!(isa, {
            Avx2 => avx2_block::restore_4(rule, table, blocks, dst),
            Avx512 | Avx512Vbmi => avx512_block::restore_4(rule, table, blocks, dst),
        }, else 0)
    }

    fn restore_5<R: Restoring>(
        isa: Isa,
        rule: R,
        table: &[[f32; 16]; 2],
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
    ) -> usize {
        by_kind!(isa, {
            Avx512Vbmi => avx512_block::restore_5(rule, table, blocks, dst),
        }, else 0)
    }

    // With byte permutes these formats have planes.
    fn restore_by_f16(
        isa: Isa,
        fields: HalfFields,
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
    ) -> usize {
        by_kind!(isa, {
            Avx2 | Avx512 => avx2_block::restore_by_f16(fields, blocks, dst),
        }, else 0)
    }

    fn restore_looked_up(
        isa: Isa,
        table: &RegisterTable,
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
    ) -> usize {
        by_kind!(isa, {
            Avx512Vbmi => avx512_block::restore_looked_up(table, blocks, dst),
        }, else 0)
    }
}
