//! The dot-product instructions themselves, for tests that compare models with the processor.

use bytemuck::must_cast;
use core::arch::x86_64::{__m512bh, _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_dpbusds_epi32};

/// Sixteen lanes of 32 bits.
type Words = [u32; 16];

/// Returns `VDPBF16PS` of sixteen f32s and as many pairs of BF16, or `None` without the
/// instruction.
pub(crate) fn dpbf16(c: Words, a: Words, b: Words) -> Option<Words> {
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn run(c: Words, a: __m512bh, b: __m512bh) -> Words {
        must_cast(_mm512_dpbf16_ps(must_cast(c), a, b))
    }
    if !std::arch::is_x86_feature_detected!("avx512bf16") {
        return None;
    }
    let pairs = |words: Words| {
        // SAFETY: both are 64 bytes, of which any value is valid.
        #[expect(unsafe_code, reason = "no safe conversion makes a vector of BF16")]
        unsafe {
            core::mem::transmute::<Words, __m512bh>(words)
        }
    };
    let (a, b) = (pairs(a), pairs(b));
    // SAFETY: the instruction was detected.
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    let found = unsafe { run(c, a, b) };
    Some(found)
}

/// Returns `VPDPBUSD` and `VPDPBUSDS` of sixteen integers and as many groups of four bytes,
/// unsigned by signed, or `None` without the instructions.
pub(crate) fn dpbusd(c: Words, a: Words, b: Words) -> Option<[Words; 2]> {
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn run(c: Words, a: Words, b: Words) -> [Words; 2] {
        [
            must_cast(_mm512_dpbusd_epi32(must_cast(c), must_cast(a), must_cast(b))),
            must_cast(_mm512_dpbusds_epi32(must_cast(c), must_cast(a), must_cast(b))),
        ]
    }
    if !std::arch::is_x86_feature_detected!("avx512vnni") {
        return None;
    }
    // SAFETY: the instructions were detected.
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    let found = unsafe { run(c, a, b) };
    Some(found)
}
