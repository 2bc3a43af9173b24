//! The policies of other programs, as constants of [`Convert`]. *Checked* ones reproduce arrays that the program itself made
//! (`tests/golden`), of the version that the documentation names: a later version that differs gets a constant of its own. *Formula only* ones follow a document and were never run against the real thing.

use crate::policy::{Convert, DivisionByZero, Infinity, MissingNan, Nan, Negative, Overflow, Zero};
use crate::round::Round;

impl Convert {
    /// ml_dtypes 0.6.0 (JAX, TensorFlow): overflow and infinity become infinity, else NaN, else saturate; NaN keeps its sign,
    /// and in FP6 and FP4 becomes a zero of the opposite sign. *Checked* for its float types (into integers it truncates and wraps). Casts
    /// of arrays from f64 go through f32 there.
    pub const ML_DTYPES: Self = Self {
        overflow: Overflow::Special,
        infinity: Infinity::Special,
        nan: Nan::Signed,
        missing_nan: MissingNan::OppositeZero,
        zero: Zero::Nan,
        ..Self::SATURATING
    };
    /// ml_dtypes 0.6.0 into E8M0: as [`ML_DTYPES`](Self::ML_DTYPES), ties up; zero and negative numbers become NaN. *Checked*, but for
    /// numbers between 2^-127 and 1.5·2^-127, which go up there (0x01) and to the nearest (0x00) here.
    pub const ML_DTYPES_E8M0: Self = Self::ML_DTYPES.with_round(Round::NearestUp);

    /// CUDA 13.5 `__NV_SATFINITE` on the host: overflow and infinity saturate, NaN is 0x7F, or the largest value in FP6 and FP4; the
    /// sign is dropped into E8M0 and UE5M3. *Checked.* From f64 NaN becomes [`Nan::Signed`].
    pub const CUDA_SATFINITE: Self =
        Self { infinity: Infinity::Saturate, nan: Nan::AllOnes, negative: Negative::Magnitude, ..Self::SATURATING };
    /// CUDA 13.5 `__NV_NOSAT` on the host, and its conversions to f16 and bf16: overflow (where the rounding direction lets it)
    /// and infinity become infinity, else NaN with their sign; else as [`CUDA_SATFINITE`](Self::CUDA_SATFINITE). *Checked.*
    pub const CUDA_NOSAT: Self = Self { overflow: Overflow::DirectedSpecial, infinity: Infinity::Special, ..Self::CUDA_SATFINITE };

    /// CUDA 13.5 into E8M0, saturating, to nearest: ties up. *Checked.* Its other roundings: [`CUDA_SATFINITE`](Self::CUDA_SATFINITE).
    pub const CUDA_SATFINITE_E8M0: Self = Self::CUDA_SATFINITE.with_round(Round::NearestUp);
    /// CUDA 13.5 into E8M0, not saturating, to nearest: ties up. *Checked.* Its other roundings: [`CUDA_NOSAT`](Self::CUDA_NOSAT).
    pub const CUDA_NOSAT_E8M0: Self = Self::CUDA_NOSAT.with_round(Round::NearestUp);

    /// torch 2.10 on the CPU: never saturates; NaN keeps its sign with all mantissa bits set; E8M0 drops the sign. *Checked.* From f64 it goes
    /// through f32.
    pub const TORCH_2_10: Self = Self { nan: Nan::SignedAllOnes, ..Self::CUDA_NOSAT };
    /// torch 2.10 and 2.15 into E8M0: ties up. *Checked*, but for numbers between 2^-127 and 1.5·2^-127, which go up there (0x01) and
    /// to the nearest (0x00) here.
    pub const TORCH_2_10_E8M0: Self = Self::TORCH_2_10.with_round(Round::NearestUp);
    /// torch 2.15 on the CPU, but for `float8_e4m3fn`: as 2.10. *Checked.*
    pub const TORCH_2_15: Self = Self::TORCH_2_10;
    /// torch 2.15 into `float8_e4m3fn`: overflow and infinity saturate. *Checked.*
    pub const TORCH_2_15_E4M3FN: Self = Self { overflow: Overflow::Saturate, infinity: Infinity::Saturate, ..Self::TORCH_2_15 };

    /// ONNX Cast and QuantizeLinear into FP8 with `saturate = 1` (Cast-28): overflow and infinity saturate. *Formula only.*
    pub const ONNX_SATURATE: Self = Self::SATURATING.with_infinity(Infinity::Saturate);
    /// ONNX Cast into FP8 with `saturate = 0`: overflow and infinity become infinity, else NaN. *Formula only.*
    pub const ONNX_NO_SATURATE: Self = Self { overflow: Overflow::Special, infinity: Infinity::Special, ..Self::SATURATING };

    /// IEEE P3109 SatFinite (Interim Report v4.0): everything is clamped, infinity too. *Checked* through gfloat, but for
    /// negative numbers into unsigned formats.
    pub const P3109_SAT_FINITE: Self = Self { infinity: Infinity::Saturate, ..Self::P3109_SAT_PROPAGATE };
    /// IEEE P3109 SatPropagate: finite numbers are clamped, infinity is kept where it exists. *Formula only.*
    pub const P3109_SAT_PROPAGATE: Self =
        Self { negative: Negative::Clamp, division_by_zero: DivisionByZero::Nan, ..Self::SATURATING };
    /// IEEE P3109 SatNone, formerly `OvfInf`: overflow as in IEEE 754 where infinity exists, else clamped; negative numbers
    /// become NaN in unsigned formats. *Checked* through gfloat in extended domains, but for negative numbers into unsigned formats.
    pub const P3109_SAT_NONE: Self = Self::IEEE.with_division_by_zero(DivisionByZero::Nan);

    /// gfloat 0.5.2 with `sat = True`. *Checked.*
    pub const GFLOAT_SATURATE: Self = Self::P3109_SAT_FINITE;
    /// gfloat 0.5.2 with `sat = False`: overflow as in IEEE 754, to NaN where there is no infinity. *Checked.*
    pub const GFLOAT: Self = Self { overflow: Overflow::DirectedSpecial, infinity: Infinity::Special, ..Self::SATURATING };

    /// en_dtypes 0.0.4 into FP6 and FP4: saturates, NaN becomes a zero with its sign. *Checked.*
    pub const EN_DTYPES: Self = Self { infinity: Infinity::Saturate, missing_nan: MissingNan::SignedZero, ..Self::SATURATING };
    /// en_dtypes 0.0.4 into E8M0: truncates; zero, negative numbers and everything below 2^-127 become NaN. *Checked.*
    pub const EN_DTYPES_E8M0: Self =
        Self { round: Round::TowardZero, infinity: Infinity::Special, zero: Zero::NanBelowSmallest, ..Self::SATURATING };

    /// HiF8 without saturation, as en_dtypes 0.0.4 and the vendor's own emulation do it: ties away, overflow to infinity. *Checked.*
    pub const HIF8: Self = Self { round: Round::NearestAway, overflow: Overflow::Special, ..Self::SATURATING };

    /// Arm FP8 conversions with FPMR.OSC = 1: overflow and infinity saturate; NaN is the default NaN. *Formula only.*
    pub const ARM_SATURATE: Self = Self::SATURATING.with_infinity(Infinity::Saturate);
    /// Arm FP8 conversions with FPMR.OSC = 0: overflow and infinity become NaN in E4M3, infinity in E5M2. *Formula only.*
    pub const ARM: Self = Self { overflow: Overflow::Special, infinity: Infinity::Special, ..Self::SATURATING };

    /// AMD MI300 (gfx942) into the FNUZ formats with clipping: finite numbers saturate, infinity becomes NaN. *Formula only.*
    pub const AMD_FNUZ: Self = Self::SATURATING.with_infinity(Infinity::Special);
    /// AMD gfx950 scaled conversions, but for infinity into E4M3: saturates; NaN keeps its sign, in FP6 and FP4 as the largest
    /// magnitude. *Formula only.*
    pub const GFX950: Self =
        Self { infinity: Infinity::Saturate, nan: Nan::Signed, missing_nan: MissingNan::SignedMax, ..Self::SATURATING };
    /// AMD gfx950 scaled conversions into E4M3: as [`GFX950`](Self::GFX950), but infinity becomes NaN, as the vendor's host model has it. *Formula only.*
    pub const GFX950_E4M3: Self = Self::GFX950.with_infinity(Infinity::Special);
}
