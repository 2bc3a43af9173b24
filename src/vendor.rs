//! The policies of other programs, as constants of [`Convert`]. *Checked* ones reproduce arrays
//! that the program itself made (`tests/golden`), of the version that the documentation names: a
//! later version that differs gets a constant of its own. *Formula only* ones follow a document and
//! were never run against the real thing.

use crate::error::Error;
use crate::naming::{is_same, nearest_name};
use crate::policy::{Convert, DivisionByZero, Infinity, MissingNan, Nan, Negative, Overflow, Zero};
use crate::round::Round;
use core::fmt::{Display, Formatter};
use core::str::FromStr;

impl Convert {
    /// ml_dtypes 0.6.0 (JAX, TensorFlow): overflow and infinity become infinity, else NaN, else
    /// saturate; NaN keeps its sign, and in FP6 and FP4 becomes a zero of the opposite sign.
    /// *Checked* for its float types (into integers: [`ML_DTYPES_INT`](Self::ML_DTYPES_INT)). Casts
    /// of arrays from f64 go through f32 there.
    pub const ML_DTYPES: Self = Self {
        overflow: Overflow::Special,
        infinity: Infinity::Special,
        nan: Nan::Signed,
        missing_nan: MissingNan::OppositeZero,
        zero: Zero::Nan,
        ..Self::SATURATING
    };
    /// ml_dtypes 0.6.0 into E8M0: to the nearest power of two, ties up; zero, negative numbers and
    /// overflow, infinity too, become NaN. *Checked*, except numbers between 2^-127 and 1.5·2^-127,
    /// which go up there (0x01) and to the nearest (0x00) here.
    pub const ML_DTYPES_E8M0: Self = Self::ML_DTYPES.with_round(Round::NearestUp);
    /// ml_dtypes 0.6.0 into its integers (`int4`, `uint2`, …) and in arithmetic on them; casts in
    /// NumPy and C; ONNX Cast between integers: truncates, and keeps the low bits of what is out of
    /// range. *Checked* for numbers. Infinity and NaN, which C leaves undefined and x86 makes 0,
    /// saturate and become 0.
    pub const ML_DTYPES_INT: Self = Self {
        round: Round::TowardZero,
        overflow: Overflow::Wrap,
        missing_nan: MissingNan::Zero,
        ..Self::SATURATING
    };

    /// CUDA 13.5 `__NV_SATFINITE` on the host: overflow and infinity saturate, NaN is 0x7F, or the
    /// largest value in FP6 and FP4; the sign is dropped into E8M0 and UE5M3. *Checked.* From f64
    /// NaN becomes [`Nan::Signed`].
    pub const CUDA_SATFINITE: Self = Self {
        infinity: Infinity::Saturate,
        nan: Nan::AllOnes,
        negative: Negative::Magnitude,
        ..Self::SATURATING
    };
    /// CUDA 13.5 `__NV_NOSAT` on the host, and its conversions to f16 and bf16: overflow (where the
    /// rounding direction lets it) and infinity become infinity, else NaN with their sign; NaN is
    /// positive with all mantissa bits set, or the largest value in FP6 and FP4; the sign is
    /// dropped into E8M0 and UE5M3. *Checked.*
    pub const CUDA_NOSAT: Self = Self {
        overflow: Overflow::DirectedSpecial,
        infinity: Infinity::Special,
        ..Self::CUDA_SATFINITE
    };

    /// CUDA 13.5 into E8M0, saturating, to nearest: ties up; overflow and infinity become 2^127,
    /// the sign is dropped. *Checked.* For its other roundings take
    /// [`CUDA_SATFINITE`](Self::CUDA_SATFINITE).
    pub const CUDA_SATFINITE_E8M0: Self = Self::CUDA_SATFINITE.with_round(Round::NearestUp);
    /// CUDA 13.5 into E8M0, not saturating, to nearest: ties up; overflow and infinity become NaN,
    /// the sign is dropped. *Checked.* For its other roundings take
    /// [`CUDA_NOSAT`](Self::CUDA_NOSAT).
    pub const CUDA_NOSAT_E8M0: Self = Self::CUDA_NOSAT.with_round(Round::NearestUp);

    /// torch 2.10 on the CPU: never saturates; NaN keeps its sign with all mantissa bits set; E8M0
    /// drops the sign. *Checked.* From f64 it goes through f32.
    pub const TORCH_2_10: Self = Self { nan: Nan::SignedAllOnes, ..Self::CUDA_NOSAT };
    /// torch 2.10 and 2.15 into E8M0: ties up; overflow and infinity become NaN, the sign is
    /// dropped. *Checked*, except numbers between 2^-127 and 1.5·2^-127, which go up there (0x01)
    /// and to the nearest (0x00) here.
    pub const TORCH_2_10_E8M0: Self = Self::TORCH_2_10.with_round(Round::NearestUp);
    /// torch 2.15 on the CPU, into formats other than `float8_e4m3fn`: never saturates; NaN keeps
    /// its sign with all mantissa bits set; E8M0 drops the sign. *Checked.*
    pub const TORCH_2_15: Self = Self::TORCH_2_10;
    /// torch 2.15 into `float8_e4m3fn`: overflow and infinity saturate; NaN keeps its sign with all
    /// mantissa bits set. *Checked.*
    pub const TORCH_2_15_E4M3FN: Self =
        Self { overflow: Overflow::Saturate, infinity: Infinity::Saturate, ..Self::TORCH_2_15 };

    /// ONNX Cast (opset 28) and QuantizeLinear into FP8 with `saturate = 1`: overflow and infinity
    /// saturate; NaN keeps its sign, which the operator's table leaves open. *Checked* against the
    /// evaluator of onnx 1.23.2. In onnxruntime 1.32 the NaN of E5M2 has all mantissa bits set
    /// (0x7F, [`Nan::SignedAllOnes`]). Into FP6 and FP4 the evaluator agrees with
    /// [`ML_DTYPES`](Self::ML_DTYPES).
    pub const ONNX_SATURATE: Self =
        Self { infinity: Infinity::Saturate, nan: Nan::Signed, ..Self::SATURATING };
    /// ONNX Cast (opset 28) and QuantizeLinear into FP8 with `saturate = 0`: overflow and infinity
    /// become infinity where the format has it, else NaN; NaN keeps its sign. *Checked* against the
    /// evaluator of onnx 1.23.2. onnxruntime 1.32 differs in two ranges: in E4M3 480 to 496 become
    /// 448, and in E5M2 61440 to 65536 become NaN.
    pub const ONNX_NO_SATURATE: Self = Self {
        overflow: Overflow::Special,
        infinity: Infinity::Special,
        nan: Nan::Signed,
        ..Self::SATURATING
    };
    /// ONNX Cast (opset 28) into E8M0 with `saturate = 1` and `round_mode = "up"`, its default:
    /// zero and what is too small become 2^-127, overflow and infinity 2^127. `"down"` is
    /// [`with_round`](Self::with_round) of [`Round::TowardZero`], `"nearest"` of
    /// [`Round::NearestUp`].
    ///
    /// *Checked* against onnxruntime 1.32 except negative numbers, which the operator leaves
    /// unspecified: the sign is dropped, as in the evaluator of onnx 1.23.2; onnxruntime clamps
    /// ([`Negative::Clamp`]). The evaluator of onnx parts from the operator's own table for
    /// infinity (0xFF) and for f32s below 2^-126: up to 2^-127 (0x01 under `"up"`), and, to
    /// nearest, between 2^-127 and 1.5·2^-127 (0x01).
    pub const ONNX_SATURATE_E8M0: Self =
        Self::ONNX_SATURATE.with_round(Round::Up).with_negative(Negative::Magnitude);
    /// ONNX Cast (opset 28) into E8M0 with `saturate = 0` and `round_mode = "nearest"`, ties up:
    /// zero, what is too small, overflow and infinity become NaN, each judged after rounding.
    /// `"up"` is [`with_round`](Self::with_round) of [`Round::Up`], `"down"` of
    /// [`Round::TowardZero`].
    ///
    /// *Checked* against onnxruntime 1.32 with two exceptions. Negative numbers are unspecified:
    /// the sign is dropped, as in the evaluator of onnx 1.23.2; in onnxruntime they are NaN
    /// ([`Negative::Nan`]). Numbers above 2^127 or below 2^-127 may be rounded to these:
    /// onnxruntime judges before rounding and makes NaN of them. The evaluator of onnx judges
    /// overflow after rounding too, but makes no NaN of zero and of what is too small.
    pub const ONNX_NO_SATURATE_E8M0: Self = Self {
        round: Round::NearestUp,
        zero: Zero::NanBelowSmallest,
        negative: Negative::Magnitude,
        ..Self::ONNX_NO_SATURATE
    };

    /// IEEE P3109 SatFinite (Interim Report v4.0, 4.7.5): everything is clamped, infinity too; in
    /// unsigned formats negative numbers to zero. *Checked* through gfloat, except negative
    /// numbers into unsigned formats.
    pub const P3109_SAT_FINITE: Self =
        Self { infinity: Infinity::Saturate, ..Self::P3109_SAT_PROPAGATE };
    /// IEEE P3109 SatPropagate (Interim Report v4.0, 4.7.5): finite numbers are clamped, infinity
    /// is kept where it exists. *Formula only*: gfloat 0.5.2 has no such mode.
    pub const P3109_SAT_PROPAGATE: Self = Self {
        negative: Negative::Clamp,
        division_by_zero: DivisionByZero::Nan,
        ..Self::SATURATING
    };
    /// IEEE P3109 SatNone (Interim Report v4.0, 4.7.5), formerly `OvfInf`: overflow as in IEEE 754
    /// where infinity exists, else clamped; in unsigned formats negative numbers become NaN, or
    /// zero if they are finite and rounded toward zero or up. *Checked* through gfloat in extended
    /// domains, except negative numbers into unsigned formats.
    pub const P3109_SAT_NONE: Self =
        Self { negative: Negative::Directed, division_by_zero: DivisionByZero::Nan, ..Self::IEEE };

    /// gfloat 0.5.2 with `sat = True`: everything is clamped, infinity too. *Checked.*
    pub const GFLOAT_SATURATE: Self = Self::P3109_SAT_FINITE;
    /// gfloat 0.5.2 with `sat = False`: overflow as in IEEE 754, to NaN where there is no infinity.
    /// *Checked.*
    pub const GFLOAT: Self = Self {
        overflow: Overflow::DirectedSpecial,
        infinity: Infinity::Special,
        ..Self::SATURATING
    };

    /// en_dtypes 0.0.4 into FP6 and FP4: saturates, NaN becomes a zero with its sign. *Checked.*
    pub const EN_DTYPES: Self = Self {
        infinity: Infinity::Saturate,
        missing_nan: MissingNan::SignedZero,
        ..Self::SATURATING
    };
    /// en_dtypes 0.0.4 into E8M0: truncates; zero, negative numbers and everything below 2^-127
    /// become NaN. *Checked.*
    pub const EN_DTYPES_E8M0: Self = Self {
        round: Round::TowardZero,
        infinity: Infinity::Special,
        zero: Zero::NanBelowSmallest,
        ..Self::SATURATING
    };

    /// HiF8 without saturation, as en_dtypes 0.0.4 and the vendor's own emulation do it: ties away,
    /// overflow to infinity. *Checked.*
    pub const HIF8: Self =
        Self { round: Round::NearestAway, overflow: Overflow::Special, ..Self::SATURATING };

    /// Arm FP8 conversions with FPMR.OSC = 1 (Arm ARM A1.5.5): overflow and infinity saturate; NaN
    /// is the default NaN, whose sign is FPCR.AH, here 0 (A1.5.7.1). *Formula only.*
    pub const ARM_SATURATE: Self = Self::SATURATING.with_infinity(Infinity::Saturate);
    /// Arm FP8 conversions with FPMR.OSC = 0 (Arm ARM A1.5.5): overflow and infinity become NaN in
    /// E4M3, infinity in E5M2, with the sign of the number; NaN is the default NaN, whose sign is
    /// FPCR.AH, here 0 (A1.5.7.1). *Formula only.*
    pub const ARM: Self =
        Self { overflow: Overflow::Special, infinity: Infinity::Special, ..Self::SATURATING };

    /// AMD MI300 (gfx942) into the FNUZ formats with clipping, as HIP's `amd_hip_fp8.h`
    /// (ROCm/clr 00387053) has it: finite numbers saturate, infinity becomes NaN; an older header
    /// (f9f995c6) clips infinity and NaN too. *Formula only.*
    pub const AMD_FNUZ: Self = Self::SATURATING.with_infinity(Infinity::Special);
    /// AMD gfx950 conversions into E5M2, FP6 and FP4, as the vendor's host model
    /// `amd_hip_ocp_host.hpp` (ROCm/clr 0c33dfa0) has them: overflow and infinity saturate; NaN
    /// keeps its sign, in FP6 and FP4 as the largest magnitude. *Formula only*; a report from a
    /// gfx950 (ROCm/rocm-systems 9556) says that its instruction makes infinity of an overflow in
    /// E5M2 ([`Overflow::Special`]).
    pub const GFX950: Self = Self {
        infinity: Infinity::Saturate,
        nan: Nan::Signed,
        missing_nan: MissingNan::SignedMax,
        ..Self::SATURATING
    };
    /// AMD gfx950 conversions into E4M3, as the vendor's host model `amd_hip_ocp_host.hpp`
    /// (ROCm/clr 0c33dfa0) has them: overflow and infinity become NaN with their sign, although the
    /// model calls it saturation; NaN keeps its sign. *Formula only*; a report from a gfx950
    /// (ROCm/rocm-systems 9556) says the same of the instruction.
    pub const GFX950_E4M3: Self =
        Self { overflow: Overflow::Special, infinity: Infinity::Special, ..Self::GFX950 };
}

/// Makes the list of constants, with their names.
macro_rules! presets_of_convert {
    ($($name:ident)*) => {
        /// Every policy with a name, and the name of its constant. Where two constants are equal,
        /// as those of two versions of a program may be, both are listed.
        pub const ALL: [(&'static str, Self); [$(stringify!($name)),*].len()] =
            [$((stringify!($name), Self::$name)),*];
    };
}

impl Convert {
    presets_of_convert! {
        SATURATING IEEE ML_DTYPES ML_DTYPES_E8M0 ML_DTYPES_INT CUDA_SATFINITE CUDA_NOSAT
        CUDA_SATFINITE_E8M0 CUDA_NOSAT_E8M0 TORCH_2_10 TORCH_2_10_E8M0 TORCH_2_15 TORCH_2_15_E4M3FN
        ONNX_SATURATE ONNX_NO_SATURATE ONNX_SATURATE_E8M0 ONNX_NO_SATURATE_E8M0 P3109_SAT_FINITE
        P3109_SAT_PROPAGATE P3109_SAT_NONE GFLOAT_SATURATE GFLOAT EN_DTYPES EN_DTYPES_E8M0 HIF8
        ARM_SATURATE ARM AMD_FNUZ GFX950 GFX950_E4M3
    }

    /// The policy with the name of a constant, whatever its case; `-`, `_` and blanks do not count.
    ///
    /// ```
    /// use subhalf::Convert;
    /// assert_eq!(Convert::by_name("cuda-satfinite")?, Convert::CUDA_SATFINITE);
    /// let error = Convert::by_name("CUDA_SAT_FINTE").unwrap_err().to_string();
    /// assert!(error.ends_with("; the nearest is CUDA_SATFINITE"), "{error}");
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name.
    pub fn by_name(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|(known, _)| is_same(known, name));
        found.map(|(_, convert)| *convert).ok_or_else(|| {
            let nearest = nearest_name(name, Self::ALL.into_iter().map(|(known, _)| known));
            Error::unknown_name("policy", "Convert::ALL", name, nearest)
        })
    }

    /// The name of the first constant that equals this policy, if there is one.
    ///
    /// ```
    /// use subhalf::{Convert, Round};
    /// assert_eq!(Convert::GFX950.name(), Some("GFX950"));
    /// assert_eq!(Convert::GFX950.with_round(Round::Up).name(), None);
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        Self::ALL.iter().find(|(_, convert)| convert == self).map(|(name, _)| *name)
    }
}

/// Stamps what goes through the parts of a policy, each with the word for it.
macro_rules! parts_of_convert {
    ($($word:literal $field:ident;)*) => {
        impl Convert {
            /// Words for the parts.
            const PARTS: [&'static str; [$($word),*].len()] = [$($word),*];

            /// How many parts differ.
            fn differing(&self, other: &Self) -> usize {
                [$(self.$field != other.$field),*].into_iter().filter(|&differs| differs).count()
            }

            /// Writes the parts that differ from those of another policy.
            fn write_differing(&self, base: &Self, f: &mut Formatter<'_>) -> core::fmt::Result {
                $(if self.$field != base.$field {
                    write!(f, concat!(" ", $word, "={}"), self.$field)?;
                })*
                Ok(())
            }

            /// Sets the part of a word to what a name says.
            fn set(&mut self, part: &str, name: &str) -> Result<(), Error> {
                $(if is_same(part, $word) {
                    self.$field = name.parse()?;
                    return Ok(());
                })*
                let nearest = nearest_name(part, Self::PARTS);
                Err(Error::unknown_name("part of a policy", "Convert", part, nearest))
            }
        }
    };
}

parts_of_convert! {
    "round" round;
    "overflow" overflow;
    "infinity" infinity;
    "nan" nan;
    "missing-nan" missing_nan;
    "zero" zero;
    "negative" negative;
    "subnormal-inputs" subnormal_inputs;
    "division-by-zero" division_by_zero;
}

/// Writes the name of the constant with the fewest other parts, and then these parts.
///
/// ```
/// use subhalf::{Convert, Infinity, Round};
/// let policy = Convert::CUDA_SATFINITE.with_round(Round::TowardZero);
/// assert_eq!(policy.to_string(), "CUDA_SATFINITE round=toward-zero");
/// assert_eq!(policy.to_string().parse(), Ok(policy));
/// assert_eq!("ieee infinity=saturate".parse(), Ok(Convert::IEEE.with_infinity(Infinity::Saturate)));
/// ```
impl Display for Convert {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        if let Some(name) = self.name() {
            return f.pad(name);
        }
        let (name, base) = Self::ALL
            .iter()
            .min_by_key(|(_, base)| self.differing(base))
            .ok_or(core::fmt::Error)?;
        f.write_str(name)?;
        self.write_differing(base, f)
    }
}

/// Reads what `Display` writes: the name of a constant, and parts that are to be other than its,
/// `infinity=saturate`.
impl FromStr for Convert {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut words = text.split_whitespace();
        let mut convert = Self::by_name(words.next().unwrap_or_default())?;
        for word in words {
            let (part, name) = word.split_once('=').unwrap_or((word, ""));
            convert.set(part, name)?;
        }
        Ok(convert)
    }
}
