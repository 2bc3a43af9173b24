//! The table of kernels of matrix units by instruction set: the part of [`entry`](super::entry)
//! that belongs to them.

use super::entry::{Native, OFFERED, by_kind, has_vnni, register_bits};
use super::isa::Kind;
use super::{avx512_units, word_dots};
use crate::kernel::gemm::{
    AlignedSide, AlignedUnit, Lanes, NR, ROWS, ScaleRanks, SixteenSide, UnitIntrinsics,
    WordInstruction,
};
use crate::kernel::isa::Isa;
use core::ops::Range;

/// Returns whether the machine has `AVX512_BF16`, which no instruction set here implies.
fn has_bf16() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16")
}

impl UnitIntrinsics for Native {
    fn has_words(isa: Isa, instruction: WordInstruction) -> bool {
        match instruction {
            WordInstruction::Bf16 => by_kind!(isa, {
                Avx512 | Avx512Vbmi if has_bf16() => word_dots::bf16_is_modelled(),
            }, else false),
            // Integers leave a processor no choice.
            WordInstruction::Bytes | WordInstruction::ClampedBytes => {
                register_bits(isa) == 512 && has_vnni()
            }
            WordInstruction::BytePairs => register_bits(isa) >= 256,
        }
    }

    fn words<const R: usize>(
        isa: Isa,
        (instruction, a_is_signed): (WordInstruction, bool),
        a: &[Lanes<u32>],
        b: &[Lanes<u32>],
        acc: &mut [Lanes<u32>; R],
    ) {
        match instruction {
            WordInstruction::Bf16 => by_kind!(isa, {
                Avx512 | Avx512Vbmi if has_bf16() => word_dots::bf16(a, b, acc),
            }, else unreachable!("{OFFERED}")),
            WordInstruction::Bytes => by_kind!(isa, {
                Avx512 | Avx512Vbmi if has_vnni() => {
                    word_dots::bytes::<R, false>(a_is_signed, a, b, acc);
                },
            }, else unreachable!("{OFFERED}")),
            WordInstruction::ClampedBytes => by_kind!(isa, {
                Avx512 | Avx512Vbmi if has_vnni() => {
                    word_dots::bytes::<R, true>(a_is_signed, a, b, acc);
                },
            }, else unreachable!("{OFFERED}")),
            WordInstruction::BytePairs => by_kind!(isa, {
                Avx2 => word_dots::byte_pairs_avx2(a_is_signed, a, b, acc),
                Avx512 | Avx512Vbmi => word_dots::byte_pairs(a_is_signed, a, b, acc),
            }, else unreachable!("{OFFERED}")),
        }
    }

    // AVX2 has the plain loops, which the compiler makes vectors of.

    fn aligned(
        isa: Isa,
        unit: &AlignedUnit,
        (a, b, scales): (&AlignedSide<ROWS>, &AlignedSide<NR>, ScaleRanks<'_>),
        range: Range<usize>,
        sums: &mut [Lanes<f32>; ROWS],
    ) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_units::aligned(unit, a, b, scales, range, sums),
        }, else return false);
        true
    }

    fn sixteens(
        isa: Isa,
        unit: &AlignedUnit,
        (a, b): (SixteenSide<'_, ROWS>, SixteenSide<'_, NR>),
        range: Range<usize>,
        sums: &mut [Lanes<f32>; ROWS],
    ) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_units::sixteens(unit, a, b, range, sums),
        }, else return false);
        true
    }
}
