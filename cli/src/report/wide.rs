//! F16 and BF16 numbers that become f64s without branches: a tensor does so for every measure, and
//! the conversions of the crate `half` take one number at a time.

use bytemuck::TransparentWrapper;
use half::{bf16, f16};

/// An f16 as a reference that errors are counted from.
#[derive(Clone, Copy, TransparentWrapper)]
#[repr(transparent)]
pub(crate) struct WideF16(f16);

/// A bf16 as a reference that errors are counted from.
#[derive(Clone, Copy, TransparentWrapper)]
#[repr(transparent)]
pub(crate) struct WideBf16(bf16);

impl From<WideBf16> for f64 {
    fn from(x: WideBf16) -> Self {
        // The upper half of an f32.
        Self::from(f32::from_bits(u32::from(x.0.to_bits()) << 16))
    }
}

impl From<WideF16> for f64 {
    fn from(x: WideF16) -> Self {
        let bits = u32::from(x.0.to_bits());
        let (sign, magnitude) = ((bits & 0x8000) << 16, (bits & 0x7FFF) << 13);
        // In the place of an f32's the exponent is 112 too small, that of a subnormal number too:
        // the product is exact.
        let finite = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
        let special = f32::from_bits(magnitude | 0x7F80_0000);
        let is_finite = magnitude < 0x7C00 << 13;
        let number = if is_finite { finite } else { special };
        Self::from(f32::from_bits(number.to_bits() | sign))
    }
}

#[cfg(test)]
mod tests {
    use super::{WideBf16, WideF16};
    use half::{bf16, f16};

    #[test]
    fn every_number_is_the_one_that_half_gives() {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        for bits in 0..=u16::MAX {
            let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
            assert!(same(WideF16(half).into(), half.to_f64()), "{half:?}");
            assert!(same(WideBf16(brain).into(), brain.to_f64()), "{brain:?}");
        }
    }
}
