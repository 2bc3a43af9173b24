//! The table of kernels in intrinsics by instruction set. With its parts `block_entry` and
//! `unit_entry` it is the one place that asks an [`Isa`] what it is, besides the loops that
//! `per_isa!` compiles for each, and holds all unsafe calls into `x86`.
//!
//! Each function is a `match` over instruction sets, by `by_kind!`. Parameters that choose a loop
//! (block length, width of codes, height of a tile) become constants here, so that kernels are
//! compiled for each.

use super::isa::Kind;
use super::{avx2_block, avx512_decode, avx512_encode, avx512_few, avx512_hif8, half};
#[cfg(feature = "matmul")]
use super::{avx2_gemv, avx2_int8, avx512_gemv, avx512_int8, avx512_transpose, gemm};
#[cfg(feature = "matmul")]
use crate::kernel::decode::Planes;
use crate::kernel::decode::{DecodeIntrinsics, RegisterTable};
use crate::kernel::encode::{EncodeIntrinsics, Few, Finite, HiF8Encode, SignedNan};
#[cfg(feature = "matmul")]
use crate::kernel::gemm::{
    AInt8, AInt8Rows, AInt8Words, BInt8, Blocks, ByteDots, CodeRows, Factors, GemmIntrinsics,
    GemvPanel, Lanes, MR, MicroTile, NR, NibbleTable, PANELS, Quad, Rounding, SmallIntegers,
};
use crate::kernel::isa::Isa;

/// The implementor of the intrinsics traits of this target.
pub(in crate::kernel) struct Native;

/// Calls the kernel of an instruction set and returns its result; `else` is the value, or a
/// `return`, for instruction sets without one. A guard asks for a feature beyond those of the set.
macro_rules! by_kind {
    (
        $isa:expr,
        { $($($kind:ident)|+ $(if $guard:expr)? => $call:expr),+ $(,)? },
        else $otherwise:expr
    ) => {
        match $isa.kind() {
            $(
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                // SAFETY: an `Isa` of these kinds is made only after their instructions were
                // detected, and a row names a kernel of no others, or asks for them itself.
                $(Kind::$kind)|+ $(if $guard)? => unsafe { $call },
            )+
            _ => $otherwise,
        }
    };
}
pub(super) use by_kind;

/// Returns whether the machine has AVX512-VNNI, which [`Kind::Avx512Vbmi`] implies and
/// [`Kind::Avx512`] leaves open (Cascade Lake).
#[cfg(feature = "matmul")]
pub(super) fn has_vnni() -> bool {
    // Cached by the standard library: a load and a test.
    std::arch::is_x86_feature_detected!("avx512vnni")
}

/// Returns the bits of a register.
#[cfg(feature = "matmul")]
pub(super) const fn register_bits(isa: Isa) -> u32 {
    match isa.kind() {
        Kind::Portable => 128,
        Kind::Avx2 => 256,
        Kind::Avx512 | Kind::Avx512Vbmi => 512,
    }
}

/// The reason why a kernel cannot be missing.
#[cfg(feature = "matmul")]
pub(super) const OFFERED: &str = "an operand made for this `Isa`";

impl EncodeIntrinsics for Native {
    fn encode_bytes<const BYTES: usize>(
        isa: Isa,
        finite: &Finite,
        src: &[f32],
        dst: &mut [u8],
    ) -> Option<bool> {
        // The kernel joins a sign bit to codes of at most 8 bits: unsigned formats take the plain
        // loop.
        if !finite.has_signed_bytes() {
            return None;
        }
        Some(by_kind!(isa, {
            Avx512Vbmi => avx512_encode::encode::<BYTES>(finite, src, dst),
        }, else return None))
    }

    fn encode_hif8(isa: Isa, hif8: HiF8Encode, src: &[f32], dst: &mut [u8]) -> bool {
        by_kind!(isa, { Avx512Vbmi => avx512_hif8::encode(hif8, src, dst) }, else return false);
        true
    }

    #[cfg(feature = "alloc")]
    fn encode_few(isa: Isa, few: &Few, src: &[f32], dst: &mut [u8]) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_few::encode(few, src, dst),
        }, else return false);
        true
    }

    fn has_f16(isa: Isa) -> bool {
        // F16C is part of every set above the guaranteed one.
        !matches!(isa.kind(), Kind::Portable)
    }

    fn encode_f16(isa: Isa, nan: SignedNan, src: &[f32], dst: &mut [u16]) -> bool {
        by_kind!(isa, {
            Avx2 => half::encode_8(nan, src, dst),
            Avx512 | Avx512Vbmi => half::encode_16(nan, src, dst),
        }, else return false);
        true
    }
}

impl DecodeIntrinsics for Native {
    fn register_table(
        isa: Isa,
        bits: u32,
        values: impl Fn() -> [f32; 256],
    ) -> Option<RegisterTable> {
        // 32 f32s are two registers of AVX-512, and one permute looks up 16 codes. AVX2 looks up 8
        // codes in 16 f32s by two.
        let most = match isa.kind() {
            Kind::Portable => 0,
            Kind::Avx2 => 4,
            Kind::Avx512 | Kind::Avx512Vbmi => 5,
        };
        if bits <= most {
            let values = values();
            return Some(RegisterTable::Few(core::array::from_fn(|half| {
                core::array::from_fn(|i| values[16 * half + i])
            })));
        }
        // Only here are `values` asked for, which take a while to compute.
        by_kind!(isa, { Avx512Vbmi => Some(avx512_decode::table(&values())) }, else None)
    }

    fn prefers_arithmetic(isa: Isa) -> bool {
        // 8 lanes of arithmetic beat 8 loads; the 4 lanes of SSE2 do not.
        !matches!(isa.kind(), Kind::Portable)
    }

    fn decode_bytes(isa: Isa, table: &RegisterTable, src: &[u8], dst: &mut [f32]) -> bool {
        // A table is made only where its kernel exists, so `false` is not returned.
        match table {
            RegisterTable::Planes(planes) => by_kind!(isa, {
                Avx512Vbmi => avx512_decode::decode_planes(planes, src, dst),
            }, else return false),
            RegisterTable::Bytes(bytes) => by_kind!(isa, {
                Avx512Vbmi => avx512_decode::decode_bytes(bytes, src, dst),
            }, else return false),
            RegisterTable::Few(table) => by_kind!(isa, {
                Avx2 => avx2_block::decode_few(&table[0], src, dst),
                Avx512 | Avx512Vbmi => avx512_decode::decode_few(table, src, dst),
            }, else return false),
        }
        true
    }

    fn decode_f16(isa: Isa, src: &[u16], dst: &mut [f32]) -> bool {
        by_kind!(isa, {
            Avx2 => half::decode_8(src, dst),
            Avx512 | Avx512Vbmi => half::decode_16(src, dst),
        }, else return false);
        true
    }

    // 256 bytes are four registers: two permutes and a blend.
    fn map_bytes(isa: Isa, table: &[u8; 256], src: &[u8], dst: &mut [u8]) -> bool {
        by_kind!(isa, {
            Avx512Vbmi => avx512_decode::map_bytes(table, src, dst),
        }, else return false);
        true
    }
}

#[cfg(feature = "matmul")]
impl GemmIntrinsics for Native {
    // Micro-kernels of R rows: every set above the guaranteed one has them.

    fn chain_f32<const R: usize>(
        isa: Isa,
        a: &[[f32; R]],
        b: &[Lanes<f32>],
        acc: &mut [Lanes<f32>; R],
    ) -> bool {
        by_kind!(isa, {
            Avx2 => gemm::fma_avx2(a, b, acc),
            Avx512 | Avx512Vbmi => gemm::fma_avx512(a, b, acc),
        }, else return false);
        true
    }

    fn chain_f64<const R: usize>(
        isa: Isa,
        a: &[[f32; R]],
        b: &[Lanes<f32>],
        acc: &mut [Lanes<f64>; R],
    ) -> bool {
        by_kind!(isa, {
            Avx2 => gemm::double_avx2(a, b, acc),
            Avx512 | Avx512Vbmi => gemm::double_avx512(a, b, acc),
        }, else return false);
        true
    }

    fn chain_blocks<const R: usize>(
        isa: Isa,
        parts: &Blocks<'_>,
        a: &[[f32; R]],
        b: &[Lanes<f32>],
        acc: &mut [Lanes<f32>; R],
    ) -> bool {
        by_kind!(isa, {
            Avx2 => gemm::blocks_avx2(parts, a, b, acc),
            Avx512 | Avx512Vbmi => gemm::blocks_avx512(parts, a, b, acc),
        }, else return false);
        true
    }

    fn chain_rounded<const R: usize>(
        isa: Isa,
        rounding: &Rounding,
        a: &[[f32; R]],
        b: &[Lanes<f32>],
        acc: &mut [Lanes<f32>; R],
    ) -> bool {
        by_kind!(isa, {
            Avx2 => gemm::rounded_avx2(rounding, a, b, acc),
            Avx512 | Avx512Vbmi => gemm::rounded_avx512(rounding, a, b, acc),
        }, else return false);
        true
    }

    // Two panels of B at a time: 16 sums in 32 registers leave room; AVX2's 16 registers do not.

    fn chain_f32_x2(
        isa: Isa,
        a: &[[f32; MR]],
        b: [&[Lanes<f32>]; 2],
        acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        by_kind!(isa, { Avx512 | Avx512Vbmi => gemm::fma_x2(a, b, acc) }, else return false);
        true
    }

    fn chain_blocks_x2(
        isa: Isa,
        parts: &[Blocks<'_>; 2],
        a: &[[f32; MR]],
        b: [&[Lanes<f32>]; 2],
        acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        if parts[0].rows_scaled {
            by_kind!(isa, {
                Avx512 | Avx512Vbmi => gemm::blocks_x2::<true>(parts, a, b, acc),
            }, else return false);
        } else {
            // Only B is quantized: without scales of A's rows each block takes one product less.
            by_kind!(isa, {
                Avx512 | Avx512Vbmi => gemm::blocks_x2::<false>(parts, a, b, acc),
            }, else return false);
        }
        true
    }

    // Packing: AVX2 has the plain loops, which the compiler makes vectors of.

    fn scale_lanes(
        isa: Isa,
        numbers: &mut [Lanes<f32>],
        addend: f32,
        factors: &Lanes<f32>,
    ) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => gemm::scale_lanes_avx512(numbers, addend, factors),
        }, else return false);
        true
    }

    fn positions(isa: Isa, rows: &[&[u8]; NR], positions: &mut [Lanes<u8>]) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_transpose::positions(rows, positions),
        }, else return false);
        true
    }

    fn quads(isa: Isa, rows: &[&[u8]; NR], quads: &mut [Quad]) -> bool {
        by_kind!(isa, {
            Avx512 | Avx512Vbmi => avx512_transpose::quads(rows, quads),
        }, else return false);
        true
    }

    fn byte_dots(isa: Isa, quads: usize) -> Option<ByteDots> {
        match isa.kind() {
            Kind::Portable => None,
            Kind::Avx2 => (quads > 0).then_some(ByteDots::Twos { quads }),
            // Without VNNI, f32 sums in AVX-512 registers are as fast as i16 sums.
            Kind::Avx512 => has_vnni().then_some(ByteDots::Fours { quads }),
            Kind::Avx512Vbmi => Some(ByteDots::FoursOfRows),
        }
    }

    fn integer_quads(
        isa: Isa,
        integers: &SmallIntegers,
        codes: &[Lanes<u8>],
        block_k: usize,
        quads: &mut [Quad],
    ) {
        // Packing without VBMI uses AVX2's shuffles, on AVX-512 too.
        by_kind!(isa, {
            Avx2 | Avx512 => avx2_int8::quads(integers, codes, block_k, quads),
            Avx512Vbmi => avx512_int8::quads(integers, codes, block_k, quads),
        }, else unreachable!("{OFFERED}"));
    }

    fn integer_quads_of_nibbles(
        isa: Isa,
        integers: &SmallIntegers,
        pairs: &[Quad],
        quads: &mut [Quad],
    ) {
        by_kind!(isa, {
            Avx2 | Avx512 => avx2_int8::quads_of_nibbles(integers, pairs, quads),
            Avx512Vbmi => avx512_int8::quads_of_nibbles(integers, pairs, quads),
        }, else unreachable!("{OFFERED}"));
    }

    // Rows of codes are packed without an intermediate copy by byte permutes alone.
    fn integer_quads_of_rows(
        isa: Isa,
        integers: &SmallIntegers,
        rows: &CodeRows<'_>,
        length: usize,
        quads: &mut [Quad],
    ) {
        by_kind!(isa, {
            Avx512Vbmi => avx512_int8::quads_of_rows(integers, rows, length, quads),
        }, else unreachable!("{OFFERED}"));
    }

    fn integer_words_of_rows(
        isa: Isa,
        integers: &SmallIntegers,
        offset: u32,
        rows: &CodeRows<'_>,
        length: usize,
        block_k: usize,
        to: &mut AInt8Words,
    ) {
        by_kind!(isa, {
            Avx512Vbmi => avx512_int8::words_of_rows(integers, offset, rows, length, block_k, to),
        }, else unreachable!("{OFFERED}"));
    }

    fn dot_x2(isa: Isa, a: &AInt8<'_>, b: &[BInt8<'_>; 2], acc: &mut [MicroTile<f32>; 2]) -> bool {
        by_kind!(isa, {
            // Beyond the features of the set: the guard makes the call sound.
            Avx512 if has_vnni() => avx512_int8::chain_x2(a, b, acc),
            Avx512Vbmi => avx512_int8::chain_x2(a, b, acc),
        }, else return false);
        true
    }

    fn dot_tile<const R: usize>(
        isa: Isa,
        dots: ByteDots,
        a: &AInt8<'_>,
        b: &BInt8<'_>,
        acc: &mut [Lanes<f32>; R],
    ) {
        // What `byte_dots` returned says which rows are possible; the others are unreachable.
        match dots {
            ByteDots::Twos { quads } => by_kind!(isa, {
                Avx2 | Avx512 | Avx512Vbmi => avx2_int8::chain(quads, a, b, acc),
            }, else unreachable!("{OFFERED}")),
            ByteDots::Fours { .. } | ByteDots::FoursOfRows => by_kind!(isa, {
                Avx512 if has_vnni() => avx512_int8::chain(a, b, acc),
                Avx512Vbmi => avx512_int8::chain(a, b, acc),
            }, else unreachable!("{OFFERED}")),
        }
    }

    fn dot_rows(
        isa: Isa,
        dots: ByteDots,
        integers: &SmallIntegers,
        a: &AInt8Rows<'_>,
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        // Without VBMI, codes are looked up by AVX2 shuffles, and sums are AVX2's too.
        match dots {
            ByteDots::Twos { quads } | ByteDots::Fours { quads } => by_kind!(isa, {
                Avx2 | Avx512 | Avx512Vbmi => avx2_gemv::dots(quads, integers, a, panels, sums),
            }, else unreachable!("{OFFERED}")),
            ByteDots::FoursOfRows => by_kind!(isa, {
                Avx512Vbmi => avx512_int8::rows(integers, a, panels, sums),
            }, else unreachable!("{OFFERED}")),
        }
    }

    fn nibble_table(isa: Isa, numbers: Lanes<f32>) -> Option<NibbleTable> {
        match isa.kind() {
            Kind::Portable => None,
            Kind::Avx2 => {
                // A shuffle looks up bytes: two tables, if no number needs more than 16 bits.
                let byte = |shift: u32| numbers.map(|x| (x.to_bits() >> shift) as u8);
                numbers
                    .iter()
                    .all(|x| x.to_bits() as u16 == 0)
                    .then(|| NibbleTable::Bytes([byte(16), byte(24)]))
            }
            // Sixteen f32s are one register.
            Kind::Avx512 | Kind::Avx512Vbmi => Some(NibbleTable::Numbers(numbers)),
        }
    }

    // The table says which instruction set made it, and so which kernel reads it.
    fn decode_nibbles(isa: Isa, table: &NibbleTable, quads: &[Quad], numbers: &mut [Lanes<f32>]) {
        match table {
            NibbleTable::Numbers(table) => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_gemv::decode(table, quads, numbers),
            }, else unreachable!("{OFFERED}")),
            NibbleTable::Bytes(bytes) => by_kind!(isa, {
                Avx2 | Avx512 | Avx512Vbmi => avx2_gemv::decode(bytes, quads, numbers),
            }, else unreachable!("{OFFERED}")),
        }
    }

    fn gemv_nibbles(
        isa: Isa,
        table: &NibbleTable,
        block_k: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        match table {
            NibbleTable::Numbers(table) => by_kind!(isa, {
                Avx512 | Avx512Vbmi => avx512_gemv::sums_of_nibbles(
                    table,
                    block_k,
                    factors,
                    a,
                    panels,
                    sums,
                ),
            }, else unreachable!("{OFFERED}")),
            NibbleTable::Bytes(bytes) => by_kind!(isa, {
                Avx2 | Avx512 | Avx512Vbmi => avx2_gemv::sums_of_nibbles(
                    bytes,
                    block_k,
                    factors,
                    a,
                    panels,
                    sums,
                ),
            }, else unreachable!("{OFFERED}")),
        }
    }

    // Byte planes are made with VBMI, and read with it.
    fn gemv_bytes(
        isa: Isa,
        planes: &Planes,
        block_k: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        by_kind!(isa, {
            Avx512Vbmi => avx512_gemv::sums_of_bytes(planes, block_k, factors, a, panels, sums),
        }, else unreachable!("{OFFERED}"));
    }
}
