//! [`Unpacked`] from and to the numbers that Rust and `half` have: f32, f64, f16, bf16.

use super::{Unpacked, float};
use crate::policy::{Convert, Nan};
use crate::spec::{FloatSpec, FormatSpec};
use core::num::FpCategory;

impl Unpacked {
    /// The value of an f32. A NaN keeps its sign, payload and quiet bit.
    #[must_use]
    #[inline]
    pub const fn from_f32(x: f32) -> Self {
        float::decode(&FloatSpec::ieee(8, 23), x.to_bits() as u64)
    }

    /// The value of an f64. A NaN keeps its sign, payload and quiet bit.
    #[must_use]
    #[inline]
    pub const fn from_f64(x: f64) -> Self {
        float::decode(&FloatSpec::F64, x.to_bits())
    }

    /// The value of a [`half::f16`].
    #[cfg(feature = "half")]
    #[must_use]
    #[inline]
    pub const fn from_f16(x: half::f16) -> Self {
        float::decode(&FloatSpec::ieee(5, 10), x.to_bits() as u64)
    }

    /// The value of a [`half::bf16`].
    #[cfg(feature = "half")]
    #[must_use]
    #[inline]
    pub const fn from_bf16(x: half::bf16) -> Self {
        float::decode(&FloatSpec::ieee(8, 7), x.to_bits() as u64)
    }

    /// The nearest f32, ties to even; too large becomes infinite; every NaN becomes 0x7FC00000.
    #[must_use]
    #[inline]
    pub const fn to_f32(self) -> f32 {
        f32::from_bits(FormatSpec::F32.encode_with(self, &Convert::IEEE, 0).code)
    }

    /// The nearest f64, ties to even; too large becomes infinite; every NaN becomes the positive
    /// quiet one.
    #[must_use]
    #[inline]
    pub const fn to_f64(self) -> f64 {
        let layout = &FloatSpec::F64;
        let code = match self.class() {
            FpCategory::Nan => float::nan_code(layout, Nan::Canonical, false, 0),
            FpCategory::Infinite => layout.infinity(),
            FpCategory::Zero => Some(0),
            FpCategory::Subnormal | FpCategory::Normal => {
                let rounded = float::round(layout, self, Convert::IEEE.round, 0);
                if rounded.overflow { layout.infinity() } else { Some(rounded.magnitude) }
            }
        };
        let sign = if self.is_negative() && !self.is_nan() { layout.sign_bit() } else { 0 };
        match code {
            Some(code) => f64::from_bits(code | sign),
            None => f64::NAN,
        }
    }

    /// The nearest f16, ties to even; overflow is infinity, NaN quiet and positive.
    #[cfg(feature = "half")]
    #[must_use]
    #[inline]
    pub const fn to_f16(self) -> half::f16 {
        half::f16::from_bits(FormatSpec::F16.encode_with(self, &Convert::IEEE, 0).code as u16)
    }

    /// The nearest bf16, ties to even; overflow is infinity, NaN quiet and positive.
    #[cfg(feature = "half")]
    #[must_use]
    #[inline]
    pub const fn to_bf16(self) -> half::bf16 {
        half::bf16::from_bits(FormatSpec::BF16.encode_with(self, &Convert::IEEE, 0).code as u16)
    }
}
