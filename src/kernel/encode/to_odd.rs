//! f64s to f32s that a second rounding takes for the f64s themselves.

use crate::bits::F32_NAN;
use crate::kernel::native::per_isa;

#[inline(always)]
fn odd_body(src: &[f64], dst: &mut [f32]) {
    for (x, y) in src.iter().zip(dst) {
        let nearest = *x as f32;
        let back = f64::from(nearest);
        // Toward zero, then odd: the f32 below in magnitude, and the last bit for what was lost.
        let below = nearest.to_bits().wrapping_sub(u32::from(back.abs() > x.abs()));
        let odd = below | u32::from(back != *x);
        let sign = (x.to_bits() >> 32) as u32 & 0x8000_0000;
        *y = f32::from_bits(if x.is_nan() { F32_NAN.to_bits() | sign } else { odd });
    }
}

per_isa! {
    /// f64s rounded to odd: a second rounding, to at least two bits fewer, is as if there had been
    /// no first.
    fn to_odd[](src: &[f64], dst: &mut [f32]) = odd_body;
}
