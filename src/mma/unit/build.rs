//! [`MmaBuilder`]: the parts of a unit one by one, and what they may be together.

use super::spec::{
    Adder, InputFlush, IntegerAdder, Join, KOrder, MmaSpec, ResultFlush, RoundedOrder, ScaleUse,
    UnitAcc, UnitScales, float_of,
};
use crate::error::Error;
use crate::mma::fixed::LAST;
use crate::round::Round;
use crate::spec::{Encoding, FloatSpec, FormatSpec};

/// E8M0's smallest scale is 2^-127; UE4M3's is larger.
const SMALLEST_SCALE: i32 = 127;

/// NVIDIA's NaN in f32 results.
const F32_RESULT_NAN: u32 = 0x7FFF_FFFF;

/// A matrix unit under construction: every method changes one part, [`build`](Self::build) checks
/// all of them.
///
/// ```
/// use subhalf::{FormatSpec, MmaSpec};
/// let bf16 = FormatSpec::BF16;
/// // 1 · 1 + 2^-25 · 1 − 1 on units that keep more and more bits.
/// let last = |keep| {
///     let unit = MmaSpec::fused(bf16, bf16).keep(keep).build()?;
///     let d = unit.step(&[0x3F80, 0x3300, 0xBF80], &[0x3F80; 3], 0)?;
///     Ok::<_, subhalf::Error>(f32::from_bits(d.code))
/// };
/// assert_eq!([last(24)?, last(25)?], [0.0, 1.0 / (1 << 25) as f32]);
/// let error = MmaSpec::fused(bf16, bf16).keep(60).build().unwrap_err();
/// let expected = "format specification: fraction bits kept: expected 1..=40, found 60";
/// assert_eq!(error.to_string(), expected);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MmaBuilder {
    spec: MmaSpec,
    /// Fraction bits of the result.
    fraction_bits: u8,
}

impl MmaSpec {
    /// A unit that aligns and cuts, to be described further: 16 products a step, 25 fraction bits
    /// kept, C aligned with the products, the result cut toward zero to f32, no zero term below
    /// 2^-133. These are the numbers of Hopper's 16-bit unit.
    pub const fn fused(a: FormatSpec, b: FormatSpec) -> MmaBuilder {
        MmaBuilder::new(Self {
            a,
            b,
            acc: UnitAcc::F32,
            fan_in: 16,
            adder: Adder::Aligned { keep: 25 },
            floor_exponent: -133,
            join: Join::Term,
            result: FormatSpec::F32,
            round: Round::TowardZero,
            scales: UnitScales::None,
            shift: 0,
            order: KOrder::Ascending,
            late_c: None,
            flush_inputs: InputFlush::Keep,
            flush_results: ResultFlush::Keep,
            nan: F32_RESULT_NAN,
        })
    }

    /// A unit of IEEE operations in f32, to be described further: two products a step, ties to
    /// even, subnormals kept.
    pub const fn rounded(a: FormatSpec, b: FormatSpec, order: RoundedOrder) -> MmaBuilder {
        let builder = Self::fused(a, b).fan_in(2).adder(Adder::Rounded(order));
        builder.round(Round::NearestEven, 23).nan(0x7FC0_0000)
    }

    /// A unit of integers, four products a step unless described further.
    pub const fn integer(a: FormatSpec, b: FormatSpec, adder: IntegerAdder) -> MmaBuilder {
        Self::fused(a, b).fan_in(4).adder(Adder::Integer(adder)).acc(UnitAcc::I32)
    }

    /// A builder that starts from this unit.
    pub const fn to_builder(self) -> MmaBuilder {
        MmaBuilder::new(self)
    }
}

impl MmaBuilder {
    const fn new(spec: MmaSpec) -> Self {
        Self { spec, fraction_bits: float_of(&spec.result).mantissa_bits }
    }

    /// Other formats of the elements.
    pub const fn formats(mut self, a: FormatSpec, b: FormatSpec) -> Self {
        (self.spec.a, self.spec.b) = (a, b);
        self
    }

    /// Products of a step: 1 to 256.
    pub const fn fan_in(mut self, count: u16) -> Self {
        self.spec.fan_in = count;
        self
    }

    /// Fraction bits kept below the largest exponent: 1 to 40.
    pub const fn keep(mut self, bits: u8) -> Self {
        self.spec.adder = match self.spec.adder {
            Adder::EvenOdd { .. } => Adder::EvenOdd { keep: bits },
            Adder::ToOdd { .. } => Adder::ToOdd { keep: bits },
            _ => Adder::Aligned { keep: bits },
        };
        self
    }

    /// How products are added.
    pub const fn adder(mut self, adder: Adder) -> Self {
        self.spec.adder = adder;
        self
    }

    /// The least exponent that terms are aligned to, −1000 to 100.
    pub const fn floor_exponent(mut self, exponent: i32) -> Self {
        self.spec.floor_exponent = exponent;
        self
    }

    /// How C joins the products.
    pub const fn join(mut self, join: Join) -> Self {
        self.spec.join = join;
        self
    }

    /// The rounding of the result, to so many fraction bits: 1 to 23 of an f32, 10 of an f16.
    pub const fn round(mut self, round: Round, fraction_bits: u8) -> Self {
        (self.spec.round, self.fraction_bits) = (round, fraction_bits);
        self
    }

    /// The container of C and D. F16 brings ties to even and the NaN 0x7FFF, F32 in its place those
    /// of [`fused`](MmaSpec::fused), I32 nothing else.
    pub const fn acc(mut self, acc: UnitAcc) -> Self {
        if matches!((self.spec.acc, acc), (UnitAcc::F16, UnitAcc::F32)) {
            (self.spec.round, self.fraction_bits) = (Round::TowardZero, 23);
            self.spec.nan = F32_RESULT_NAN;
        }
        self.spec.acc = acc;
        if matches!(acc, UnitAcc::F16) {
            (self.spec.round, self.fraction_bits) = (Round::NearestEven, 10);
            self.spec.nan = 0x7FFF;
        }
        self
    }

    /// The scales that the unit applies.
    pub const fn scales(mut self, scales: UnitScales) -> Self {
        self.spec.scales = scales;
        self
    }

    /// The exponent of a power of two that multiplies the sum of the products (Arm's `LSCALE` is
    /// its negative): −64 to 63.
    pub const fn shift(mut self, exponent: i8) -> Self {
        self.spec.shift = exponent;
        self
    }

    /// The order of the products of an instruction.
    pub const fn order(mut self, order: KOrder) -> Self {
        self.spec.order = order;
        self
    }

    /// Sums of `count` products start from zero; C is added to them, rounded to nearest even.
    pub const fn late_c(mut self, count: u16) -> Self {
        self.spec.late_c = Some(count);
        self
    }

    /// Which subnormal operands count as zero.
    pub const fn flush_inputs(mut self, flush: InputFlush) -> Self {
        self.spec.flush_inputs = flush;
        self
    }

    /// Which small f32 results become zeros of their sign.
    pub const fn flush_results(mut self, flush: ResultFlush) -> Self {
        self.spec.flush_results = flush;
        self
    }

    /// The code of NaN results.
    pub const fn nan(mut self, code: u32) -> Self {
        self.spec.nan = code;
        self
    }

    /// The unit, if its parts go together.
    ///
    /// # Errors
    /// [`Error::SpecRange`] for a part out of its range, [`Error::SpecConflict`] for parts that
    /// contradict each other and for formats that the adder has no arithmetic for.
    pub const fn build(mut self) -> Result<MmaSpec, Error> {
        self.spec.result = match self.spec.acc {
            UnitAcc::F32 if self.fraction_bits == 23 => FormatSpec::F32,
            UnitAcc::F32 if self.fraction_bits >= 1 && self.fraction_bits < 23 => {
                let layout = FloatSpec::ieee(8, self.fraction_bits);
                match FormatSpec::new("result", Encoding::Float(layout)) {
                    Ok(format) => format,
                    Err(error) => return Err(error),
                }
            }
            UnitAcc::F16 if self.fraction_bits == 10 => FormatSpec::F16,
            UnitAcc::I32 => FormatSpec::F32,
            UnitAcc::F32 => {
                return Err(range(
                    "fraction bits of an f32 result",
                    self.fraction_bits as i64,
                    1,
                    23,
                ));
            }
            UnitAcc::F16 => {
                return Err(range(
                    "fraction bits of an f16 result",
                    self.fraction_bits as i64,
                    10,
                    10,
                ));
            }
        };
        match self.spec.check() {
            Ok(()) => Ok(self.spec),
            Err(error) => Err(error),
        }
    }

    /// The unit, for constants.
    ///
    /// # Panics
    /// If [`build`](Self::build) refuses it; a constant then does not compile.
    #[must_use]
    pub const fn constant(self) -> MmaSpec {
        match self.build() {
            Ok(spec) => spec,
            Err(_) => panic!("parts of a matrix unit contradict each other"),
        }
    }
}

const fn range(what: &'static str, found: i64, low: i64, high: i64) -> Error {
    Error::SpecRange { what, found, low, high }
}

impl MmaSpec {
    const fn check(&self) -> Result<(), Error> {
        if self.fan_in < 1 || self.fan_in > 256 {
            return Err(range("products of a step", self.fan_in as i64, 1, 256));
        }
        if let Some(keep) = self.keep()
            && (keep < 1 || keep > 40)
        {
            return Err(range("fraction bits kept", keep as i64, 1, 40));
        }
        if self.floor_exponent < -1000 || self.floor_exponent > 100 {
            return Err(range("least exponent", self.floor_exponent as i64, -1000, 100));
        }
        if self.shift < -64 || self.shift > 63 {
            return Err(range("exponent of the shift", self.shift as i64, -64, 63));
        }
        if let Some(random) = random_bits(self.round) {
            return Err(range("random bits of a unit's rounding", random as i64, 0, 0));
        }
        let integer = matches!(self.adder, Adder::Integer(_));
        if integer != matches!(self.acc, UnitAcc::I32) {
            return Err(Error::SpecConflict("an integer accumulator goes with an integer adder"));
        }
        if !takes(&self.a, integer) || !takes(&self.b, integer) {
            return Err(Error::SpecConflict(if integer {
                "an integer unit takes integers of at most 8 bits without a binary point"
            } else {
                "a unit takes floating-point formats of at most 19 bits, 8 of exponent and 10 of \
                 mantissa, with subnormals"
            }));
        }
        if let Some(count) = self.late_c
            && (count == 0 || !count.is_multiple_of(self.fan_in) || integer)
        {
            return Err(Error::SpecConflict("a late C comes after whole steps of numbers"));
        }
        if matches!(self.order, KOrder::PairsOfFour)
            && (self.step_len() != 2 * self.fan_in as usize || !self.fan_in.is_multiple_of(2))
        {
            return Err(Error::SpecConflict("pairs of four need instructions of two even steps"));
        }
        let is_nan = match self.acc {
            UnitAcc::F32 => self.nan & 0x7FFF_FFFF > 0x7F80_0000,
            UnitAcc::F16 => self.nan <= 0xFFFF && self.nan & 0x7FFF > 0x7C00,
            UnitAcc::I32 => true,
        };
        if !is_nan {
            return Err(Error::SpecConflict("the code of NaN results is a NaN of the container"));
        }
        match self.check_adder() {
            Ok(()) => self.check_scales(),
            refused => refused,
        }
    }

    const fn check_adder(&self) -> Result<(), Error> {
        match (self.adder, self.join) {
            (Adder::Aligned { .. } | Adder::ToOdd { .. } | Adder::Exact, Join::Term) => {}
            (Adder::Exact, Join::Rounded) => {}
            (Adder::Aligned { .. } | Adder::EvenOdd { .. }, Join::Floored { .. }) => {}
            (Adder::Rounded(_) | Adder::Integer(_), Join::Term) => {}
            (Adder::Aligned { .. } | Adder::ToOdd { .. }, Join::Rounded) => {}
            (Adder::EvenOdd { .. }, _) => {
                return Err(Error::SpecConflict("even and odd sums join C by Floored"));
            }
            (_, _) => return Err(Error::SpecConflict("this adder joins C by Term")),
        }
        let plain = matches!(self.flush_inputs, InputFlush::Keep)
            && matches!(self.flush_results, ResultFlush::Keep);
        let aligns = !matches!(self.adder, Adder::Rounded(_) | Adder::Integer(_));
        if aligns
            && matches!(self.join, Join::Term | Join::Floored { .. })
            && !matches!(self.flush_inputs, InputFlush::Keep)
        {
            return Err(Error::SpecConflict("a sum that aligns C keeps subnormal operands"));
        }
        if !aligns && self.shift != 0 {
            return Err(Error::SpecConflict(
                "a shift goes with an adder that aligns, or an exact one",
            ));
        }
        match self.adder {
            Adder::Rounded(order) => {
                if !matches!(self.acc, UnitAcc::F32) || float_of(&self.result).mantissa_bits != 23 {
                    return Err(Error::SpecConflict("rounded operations are those of f32"));
                }
                let even = self.fan_in.is_multiple_of(2);
                let fits = match order {
                    RoundedOrder::OddFirst | RoundedOrder::TwoLanes => even,
                    RoundedOrder::Tree => self.fan_in.is_power_of_two(),
                    RoundedOrder::Chain => true,
                };
                if !fits {
                    return Err(Error::SpecConflict(
                        "pairs and trees need their number of products",
                    ));
                }
            }
            Adder::Integer(IntegerAdder::SaturatedPairs) if !self.fan_in.is_multiple_of(2) => {
                return Err(Error::SpecConflict("pairs and trees need their number of products"));
            }
            Adder::Integer(_) if !plain => {
                return Err(Error::SpecConflict("integers have no subnormals"));
            }
            _ => {}
        }
        if matches!(self.acc, UnitAcc::F16) && !plain {
            return Err(Error::SpecConflict("flushing is that of f32"));
        }
        Ok(())
    }

    const fn check_scales(&self) -> Result<(), Error> {
        let Some((block, at)) = self.scales.parts() else { return Ok(()) };
        if !matches!(self.adder, Adder::Aligned { .. } | Adder::Exact) {
            return Err(Error::SpecConflict(
                "scales go with an adder that aligns, or an exact one",
            ));
        }
        if float_of(&self.a).mantissa_bits > 3 || float_of(&self.b).mantissa_bits > 3 {
            return Err(Error::SpecConflict("scales go with elements of at most 3 mantissa bits"));
        }
        if float_of(&self.a).exponent_bits > 5 || float_of(&self.b).exponent_bits > 5 {
            return Err(Error::SpecConflict("scales go with elements of at most 5 exponent bits"));
        }
        // The last bits of products under the smallest scales are in exact sums.
        let (a, b) = (float_of(&self.a), float_of(&self.b));
        let last = 2 - a.bias - b.bias - (a.mantissa_bits + b.mantissa_bits) as i32;
        if last - 2 * SMALLEST_SCALE + (self.shift as i32) < LAST {
            return Err(Error::SpecConflict(
                "scales, biases and a shift move products below 2^-512",
            ));
        }
        if matches!(at, ScaleUse::Sixteen) && self.shift != 0 {
            return Err(Error::SpecConflict("sums of sixteen under scales have no shift"));
        }
        let fan_in = self.fan_in as usize;
        if block == 0 || !(fan_in.is_multiple_of(block) || block.is_multiple_of(fan_in)) {
            return Err(Error::SpecConflict("steps are whole blocks of scales, or blocks steps"));
        }
        if matches!(at, ScaleUse::Sixteen) {
            // Sums of sixteen have a range of exponents that an i64 holds for these alone.
            let narrow =
                float_of(&self.a).exponent_bits <= 2 && float_of(&self.b).exponent_bits <= 2;
            if !narrow || !block.is_multiple_of(16) || !self.fan_in.is_multiple_of(16) {
                return Err(Error::SpecConflict(
                    "sums of sixteen need elements of at most 2 exponent bits and such blocks",
                ));
            }
        }
        Ok(())
    }
}

/// Whether an adder has arithmetic for a format.
const fn takes(format: &FormatSpec, integer: bool) -> bool {
    match format.encoding() {
        Encoding::Int(layout) => integer && layout.bits <= 8 && layout.fraction_bits == 0,
        Encoding::Float(layout) => {
            !integer
                && layout.mantissa_bits <= 10
                && layout.exponent_bits >= 1
                && layout.exponent_bits <= 8
                && layout.bias >= 0
                && layout.bias <= 127
                // Numbers are f32s.
                && (layout.max() >> layout.mantissa_bits) as i32 - layout.bias <= 127
                && matches!(layout.zero_field, crate::spec::ZeroField::Subnormals)
        }
        _ => false,
    }
}

const fn random_bits(round: Round) -> Option<u8> {
    match round {
        Round::Stochastic { bits, .. } => Some(bits),
        _ => None,
    }
}
