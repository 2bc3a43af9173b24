//! f64 to f32, rounded to odd, as the first of two roundings. Rounding to odd keeps what the second
//! one needs: an inexact result has its last bit set, so it is never a tie and lies on the correct
//! side of every number with at least two bits fewer.

use crate::bits::F32_NAN;
use crate::kernel::native::per_isa;

#[inline(always)]
fn odd_body(src: &[f64], dst: &mut [f32]) {
    for (x, y) in src.iter().zip(dst) {
        let nearest = *x as f32;
        let back = f64::from(nearest);
        // Toward zero first: one less in magnitude where the conversion went up. Then the last bit
        // is set if anything was lost. Overflow becomes the largest f32, which is odd.
        let below = nearest.to_bits().wrapping_sub(u32::from(back.abs() > x.abs()));
        let odd = below | u32::from(back != *x);
        let sign = (x.to_bits() >> 32) as u32 & 0x8000_0000;
        *y = f32::from_bits(if x.is_nan() { F32_NAN.to_bits() | sign } else { odd });
    }
}

per_isa! {
    /// Writes f64s as f32s rounded to odd. NaN becomes the quiet NaN with its sign.
    fn to_odd[](src: &[f64], dst: &mut [f32]) = odd_body;
}
