//! Decoding by permutes in AVX-512 intrinsics, which the compiler does not find by itself: safe
//! functions, entered after detection, whose loads and stores go through arrays.
//!
//! ```text
//! up to 5 bits: numbers = permutex2var_ps(16 numbers, codes, 16 numbers)     // 16 codes at once
//! up to 8 bits: 64 codes at once, by four tables of bytes; of numbers that are exact in bf16 by two
//!     low, high = 256-byte tables in four registers each, looked up by bytes
//!     numbers   = (high, low, 0, 0) by interleaving
//! fewer than 8 bits packed, b: permute to b bytes for every 8, then multishift picks 8 codes
//! ```
//!
//! A look-up in 256 bytes is two permutes of 128 and a blend by the top bit. Where codes from 128
//! on are the others with a minus sign, the permutes of the upper half are saved; a few exceptions
//! (NaN, −0) are tested for, and a vector that holds one takes all permutes. All tables stay in
//! registers.

use crate::kernel::decode::{Planes, RegisterTable};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_and_si512, _mm512_cmple_epu8_mask, _mm512_cmpneq_epi32_mask,
    _mm512_cvtepu8_epi32, _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_mask_blend_epi8,
    _mm512_movepi8_mask, _mm512_multishift_epi64_epi8, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutex2var_ps, _mm512_permutexvar_epi8, _mm512_permutexvar_epi32, _mm512_set1_epi8,
    _mm512_set1_epi16, _mm512_set1_epi32, _mm512_slli_epi32, _mm512_sub_epi8, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16, _mm512_xor_si512,
};

/// How far apart the exceptions of the upper half may lie: beyond that its table is always looked
/// up.
const FEW: u8 = 3;

/// Returns the table of the numbers of 256 codes. Short numbers take half as many permutes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn table(values: &[f32; 256]) -> RegisterTable {
    planes(values).map_or_else(
        || {
            let byte = |shift: u32| values.map(|x| (x.to_bits() >> shift) as u8);
            RegisterTable::Bytes([0, 8, 16, 24].map(byte))
        },
        RegisterTable::Planes,
    )
}

/// Returns the byte tables, or `None` if some number is not exact in bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn planes(values: &[f32; 256]) -> Option<Planes> {
    let (mut low, mut high, mut rest) = ([0; 256], [0; 256], 0);
    for ((value, low), high) in values.iter().zip(&mut low).zip(&mut high) {
        let bits = value.to_bits();
        (*low, *high) = ((bits >> 16) as u8, (bits >> 24) as u8);
        rest |= bits & 0xFFFF;
    }
    // Compares the numbers of codes 128 to 255 with those of 0 to 127, sign flipped, bit by bit.
    let [plus, minus]: [[__m512i; 8]; 2] = must_cast(*values);
    let mut odd = 0u128;
    for (place, (plus, minus)) in (0..).step_by(16).zip(plus.into_iter().zip(minus)) {
        let mirrored = _mm512_xor_si512(plus, _mm512_set1_epi32(i32::MIN));
        odd |= u128::from(_mm512_cmpneq_epi32_mask(mirrored, minus)) << place;
    }
    // Without an exception `first` is 255 and the distance 0: at worst code 255 is tested for.
    let first = 0x80 | odd.trailing_zeros().min(127) as u8;
    let last = 0xFF - odd.leading_zeros().min(127) as u8;
    (rest == 0).then(|| Planes {
        low: must_cast(low),
        high: must_cast(high),
        odd: (first, last.saturating_sub(first)),
    })
}

/// Loads the tables into registers.
pub(super) fn vectors(planes: &Planes) -> PlaneRegisters {
    PlaneRegisters {
        low: planes.low.map(must_cast),
        high: planes.high.map(must_cast),
        mirrored: planes.odd.1 < FEW,
        first: must_cast([planes.odd.0; 64]),
        more: must_cast([planes.odd.1; 64]),
    }
}

/// [`Planes`] in registers: eight for the tables, two for the test.
pub(super) struct PlaneRegisters {
    low: [__m512i; 4],
    high: [__m512i; 4],
    /// Whether the upper half is the lower one with a minus sign, apart from a few codes.
    mirrored: bool,
    /// The first of these codes, in every byte.
    first: __m512i,
    /// The distance from the first of these codes to the last, in every byte.
    more: __m512i,
}

/// The order of 64 codes that the interleaving and widening of [`decode_64`] turns into theirs:
/// each quarter of the register alternates codes of the first and second 16, then of the third and
/// fourth.
const BY_TURNS: [u8; 64] = {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        let (quarter, place) = (i / 16, i % 16);
        order[i] = (16 * (place / 8 * 2 + place % 2) + 4 * quarter + place % 8 / 2) as u8;
        i += 1;
    }
    order
};

/// Returns the entries of a table of 256 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn look_up_64(table: &[__m512i; 4], bytes: __m512i) -> __m512i {
    let below = _mm512_permutex2var_epi8(table[0], bytes, table[1]);
    let above = _mm512_permutex2var_epi8(table[2], bytes, table[3]);
    // Bit 7, which both permutes ignore, chooses between them.
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), below, above)
}

/// Returns the numbers of 64 codes. Permutes of two registers take most of the time: two instead of
/// four where the upper half of the codes is mirrored and the 64 codes hold no exception.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn decode_64(tables: &PlaneRegisters, codes: [u8; 64]) -> [[f32; 16]; 4] {
    let PlaneRegisters { low, high, mirrored, first, more } = tables;
    // Ordered once as bytes, so that nothing is permuted after widening.
    let codes = _mm512_permutexvar_epi8(must_cast(BY_TURNS), must_cast(codes));
    let (low, high) =
        // One unsigned comparison tests for the range of exceptions: codes below it wrap around.
        if *mirrored && _mm512_cmple_epu8_mask(_mm512_sub_epi8(codes, *first), *more) == 0 {
            // The permutes ignore bit 7 of a code, which becomes the sign, bit 7 of the high byte.
            let sign = _mm512_and_si512(codes, _mm512_set1_epi8(i8::MIN));
            let magnitude = _mm512_permutex2var_epi8(high[0], codes, high[1]);
            (_mm512_permutex2var_epi8(low[0], codes, low[1]), _mm512_or_si512(magnitude, sign))
        } else {
            (look_up_64(low, codes), look_up_64(high, codes))
        };
    // Words of 16 bits are the upper halves of f32s: the even ones are shifted up, the odd ones are
    // in place.
    let halves = [_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)];
    let upper = _mm512_set1_epi32(0xFFFF_0000_u32 as i32);
    let [[first, second], [third, fourth]] =
        halves.map(|halves| [_mm512_slli_epi32::<16>(halves), _mm512_and_si512(halves, upper)]);
    [first, second, third, fourth].map(must_cast)
}

/// Writes the numbers of codes, 64 at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn decode_planes(planes: &Planes, src: &[u8], dst: &mut [f32]) {
    let tables = vectors(planes);
    let (codes, last_codes) = src.as_chunks::<64>();
    let (numbers, last_numbers) = dst.as_chunks_mut::<64>();
    for (codes, numbers) in codes.iter().zip(numbers) {
        *numbers = must_cast(decode_64(&tables, *codes));
    }
    // The end of the slice, as a whole vector of which a part is stored.
    let mut padded = [0; 64];
    padded[..last_codes.len()].copy_from_slice(last_codes);
    let numbers: [f32; 64] = must_cast(decode_64(&tables, padded));
    last_numbers.copy_from_slice(&numbers[..last_numbers.len()]);
}

/// The bytes of the numbers of 256 codes in registers: all sixteen stay where they are.
pub(super) struct ByteRegisters([[__m512i; 4]; 4]);

/// Loads the tables of bytes into registers.
pub(super) fn byte_vectors(table: &[[u8; 256]; 4]) -> ByteRegisters {
    ByteRegisters(table.map(must_cast))
}

/// Returns the numbers of 64 codes, whose bytes are looked up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn decode_64_by_bytes(tables: &ByteRegisters, codes: [u8; 64]) -> [[f32; 16]; 4] {
    // Fours of codes, in the order that the interleaving turns into theirs: quarter i of register k
    // gets the four codes of quarter k of register i.
    let order: __m512i = must_cast([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]);
    let codes = _mm512_permutexvar_epi32(order, must_cast(codes));
    let [a, b, c, d] = [0, 1, 2, 3].map(|byte: usize| look_up_64(&tables.0[byte], codes));
    // Bytes to words, then words to f32s.
    let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (low_up, high_up) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(low, low_up),
        _mm512_unpackhi_epi16(low, low_up),
        _mm512_unpacklo_epi16(high, high_up),
        _mm512_unpackhi_epi16(high, high_up),
    ]
    .map(must_cast)
}

/// Writes the numbers of codes, whose bytes are looked up, 64 at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn decode_bytes(table: &[[u8; 256]; 4], src: &[u8], dst: &mut [f32]) {
    let tables = byte_vectors(table);
    let look_up = |codes: [u8; 64]| decode_64_by_bytes(&tables, codes);
    let (codes, last_codes) = src.as_chunks::<64>();
    let (numbers, last_numbers) = dst.as_chunks_mut::<64>();
    for (codes, numbers) in codes.iter().zip(numbers) {
        *numbers = must_cast(look_up(*codes));
    }
    let mut padded = [0; 64];
    padded[..last_codes.len()].copy_from_slice(last_codes);
    let numbers: [f32; 64] = must_cast(look_up(padded));
    last_numbers.copy_from_slice(&numbers[..last_numbers.len()]);
}

/// Writes the numbers of codes of at most 5 bits, by a table of 32; higher bits are ignored.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn decode_few(table: &[[f32; 16]; 2], src: &[u8], dst: &mut [f32]) {
    let (low, high) = (must_cast::<_, __m512>(table[0]), must_cast::<_, __m512>(table[1]));
    // The permute reads five bits of an index; the mask says so.
    let mask = _mm512_set1_epi32(31);
    let look_up = |codes: [u8; 16]| -> [f32; 16] {
        let codes = _mm512_and_si512(_mm512_cvtepu8_epi32(must_cast(codes)), mask);
        must_cast(_mm512_permutex2var_ps(low, codes, high))
    };
    let (codes, last_codes) = src.as_chunks::<16>();
    let (numbers, last_numbers) = dst.as_chunks_mut::<16>();
    for (codes, numbers) in codes.iter().zip(numbers) {
        *numbers = look_up(*codes);
    }
    let mut padded = [0; 16];
    padded[..last_codes.len()].copy_from_slice(last_codes);
    last_numbers.copy_from_slice(&look_up(padded)[..last_numbers.len()]);
}

/// Returns 64 codes, a byte each, from `8 · BITS` bytes of packed codes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn spread<const BITS: usize>(bytes: &[u8]) -> [u8; 64] {
    // Moves every `BITS` bytes, which hold eight codes, to the start of eight.
    const fn eighths(bits: usize) -> [u8; 64] {
        let mut table = [0; 64];
        let mut i = 0;
        while i < 64 {
            table[i] = if i % 8 < bits { (i / 8 * bits + i % 8) as u8 } else { 0 };
            i += 1;
        }
        table
    }
    // The bit at which each of the eight codes begins.
    const fn starts(bits: usize) -> [[u8; 8]; 8] {
        let (mut row, mut i) = ([0; 8], 0);
        while i < 8 {
            row[i] = (i * bits) as u8;
            i += 1;
        }
        [row; 8]
    }
    let mut padded = [0; 64];
    padded[..8 * BITS].copy_from_slice(&bytes[..8 * BITS]);
    let eighths = _mm512_permutexvar_epi8(must_cast(const { eighths(BITS) }), must_cast(padded));
    // Eight bits from each start; the upper ones belong to the next code.
    let codes = _mm512_multishift_epi64_epi8(must_cast(const { starts(BITS) }), eighths);
    must_cast(_mm512_and_si512(codes, _mm512_set1_epi8(((1 << BITS) - 1) as i8)))
}

/// Packs 64 codes of 6 bits into 48 bytes: the inverse of [`spread`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn gather_6(codes: &[u8; 64]) -> [u8; 48] {
    // Drops the fourth byte of each 32-bit lane, which the 24 bits of four codes leave empty.
    const THREES: [u8; 64] = {
        let mut table = [0; 64];
        let mut i = 0;
        while i < 48 {
            table[i] = (i / 3 * 4 + i % 3) as u8;
            i += 1;
        }
        table
    };
    let codes = _mm512_and_si512(must_cast(*codes), _mm512_set1_epi8(63));
    // Multiply-adds shift and join: codes times 1 and 2^6, then pairs times 1 and 2^12. Four codes
    // are in 24 bits of a 32-bit lane.
    let pairs = _mm512_maddubs_epi16(codes, _mm512_set1_epi16(0x4001));
    let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x1000_0001));
    let bytes: [u8; 64] = must_cast(_mm512_permutexvar_epi8(must_cast(THREES), fours));
    *bytes.first_chunk().expect("48 of 64")
}

/// Packs codes of 6 bits, 64 at a time; returns how many codes it did.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn pack_6(codes: &[u8], bytes: &mut [u8]) -> usize {
    let (codes, _) = codes.as_chunks::<64>();
    let (bytes, _) = bytes.as_chunks_mut::<48>();
    codes.iter().zip(&mut *bytes).for_each(|(codes, bytes)| *bytes = gather_6(codes));
    64 * codes.len().min(bytes.len())
}

/// Unpacks codes of fewer than 8 bits, 64 at a time; returns how many codes it did.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn unpack<const BITS: usize>(bytes: &[u8], codes: &mut [u8]) -> usize {
    let bytes = bytes.chunks_exact(8 * BITS);
    let (codes, _) = codes.as_chunks_mut::<64>();
    let groups = bytes.len().min(codes.len());
    bytes.zip(codes).for_each(|(bytes, codes)| *codes = spread::<BITS>(bytes));
    64 * groups
}

/// Maps bytes to bytes by a table, 64 at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn map_bytes(table: &[u8; 256], src: &[u8], dst: &mut [u8]) {
    // 256 bytes are four registers, loaded once.
    let table: [__m512i; 4] = must_cast(*table);
    let one = |bytes: [u8; 64]| -> [u8; 64] { must_cast(look_up_64(&table, must_cast(bytes))) };
    let (bytes, last) = src.as_chunks::<64>();
    let (out, last_out) = dst.as_chunks_mut::<64>();
    for (bytes, out) in bytes.iter().zip(out) {
        *out = one(*bytes);
    }
    let mut padded = [0; 64];
    padded[..last.len()].copy_from_slice(last);
    last_out.copy_from_slice(&one(padded)[..last_out.len()]);
}
