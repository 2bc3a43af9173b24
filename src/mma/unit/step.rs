//! One instruction of a unit, and chains of them: the definition, one number after the other.

use super::spec::{Adder, KOrder, MmaSpec, ResultFlush, UnitAcc};
use crate::arith;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::mma::fixed::Fixed;
use crate::policy::{Convert, Overflow};
use crate::round::Round;
use crate::spec::FormatSpec;
use alloc::vec::Vec;
use core::num::FpCategory;

/// The result of one instruction.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MmaStep {
    /// D, as a code of the accumulator's format.
    pub code: u32,
    /// The exact `A · B + C` minus D: what the unit cut off or rounded away, with 63 leading bits
    /// and a sticky last one if it is longer. NaN if D is not finite.
    pub lost: Unpacked,
}

/// The numbers of the products of a step, both sides as long.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepGroup<'a> {
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
    /// The scales of each product; none at all where they are 1.
    pub(super) scales: &'a [[f32; 2]],
}

impl StepGroup<'_> {
    /// The scales of a product.
    pub(super) fn scales_of(&self, k: usize) -> [f32; 2] {
        self.scales.get(k).copied().unwrap_or([1.0; 2])
    }

    fn part(&self, start: usize, end: usize) -> Self {
        let scales = if self.scales.is_empty() { &[] } else { &self.scales[start..end] };
        Self { a: &self.a[start..end], b: &self.b[start..end], scales }
    }
}

impl MmaSpec {
    /// One instruction: D for at most [`step_len`](Self::step_len) pairs of codes and C; positions
    /// beyond the last pair count as zero. C and D are codes of the accumulator's format, f32 bits,
    /// f16 bits or an i32.
    ///
    /// ```
    /// use subhalf::{FormatSpec, unit};
    /// // One fused multiply-add at a time on a CPU, sixteen products at once on Hopper:
    /// // 2^24 + 1 + 1 with C first.
    /// let bf16 = FormatSpec::BF16;
    /// let (ones, c) = ([0x3F80; 2], 16777216f32.to_bits());
    /// let cpu = unit::x86::VDPBF16PS.spec(bf16, bf16)?.step(&ones, &ones, c)?;
    /// assert_eq!(f32::from_bits(cpu.code), 16777216.0);
    /// assert_eq!(cpu.lost.to_f64(), 2.0);
    /// let gpu = unit::hopper::HMMA_BF16.spec(bf16, bf16)?.step(&ones, &ones, c)?;
    /// assert_eq!(f32::from_bits(gpu.code), 16777218.0);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for sides of different lengths and for more pairs than an instruction
    /// takes.
    pub fn step(&self, a: &[u32], b: &[u32], c: u32) -> Result<MmaStep, Error> {
        self.step_scaled(a, b, [&[], &[]], c)
    }

    /// One instruction with the codes of the scales of both sides, one for each block of products
    /// from the first on.
    ///
    /// ```
    /// use subhalf::{FormatSpec, unit};
    /// // 6 · 6 under the scales 448 · 448: more than f16 holds, and exact in f32.
    /// let e2m1 = FormatSpec::F4E2M1;
    /// let nvfp4 = unit::blackwell::NVF4.spec(e2m1, e2m1)?;
    /// let d = nvfp4.step_scaled(&[0x7], &[0x7], [&[0x7E], &[0x7E]], 0)?;
    /// assert_eq!(f32::from_bits(d.code), 36.0 * 448.0 * 448.0);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for sides of different lengths, for more pairs than an instruction takes,
    /// and for another number of scales than blocks that the pairs are in; a unit without scales
    /// takes none.
    pub fn step_scaled(
        &self,
        a: &[u32],
        b: &[u32],
        scales: [&[u32]; 2],
        c: u32,
    ) -> Result<MmaStep, Error> {
        if a.len() > self.step_len() {
            let (expected, found) = (self.step_len(), a.len());
            return Err(Error::Length { what: "products of an instruction", expected, found });
        }
        let (a, b, scales) = self.numbers(a, b, scales)?;
        let group = StepGroup { a: &a, b: &b, scales: &scales };
        let code = self.instruction(&group, c);
        Ok(MmaStep { code, lost: self.lost(&group, c, code) })
    }

    /// A chain of as many instructions as the pairs of codes need, *k* upward: D of each is C of
    /// the next.
    ///
    /// ```
    /// use subhalf::{FormatSpec, unit};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// let hopper = unit::hopper::WGMMA_FP8.spec(e4m3, e4m3)?;
    /// // 128 products of 16 · 16 and 128 of 1 · 0.5: the latter vanish next to 2^15.
    /// let side = |x, y| [[x; 128], [y; 128]].concat();
    /// let d = hopper.dot(&side(0x58, 0x38), &side(0x58, 0x30), 0)?;
    /// assert_eq!(f32::from_bits(d), 32768.0);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for sides of different lengths.
    pub fn dot(&self, a: &[u32], b: &[u32], c: u32) -> Result<u32, Error> {
        self.dot_scaled(a, b, [&[], &[]], c)
    }

    /// A chain of as many instructions as the pairs of codes need, with the codes of the scales of
    /// both sides, one for each block.
    ///
    /// # Errors
    /// [`Error::Length`] for sides of different lengths, and for another number of scales than
    /// blocks that the pairs are in; a unit without scales takes none.
    pub fn dot_scaled(
        &self,
        a: &[u32],
        b: &[u32],
        scales: [&[u32]; 2],
        c: u32,
    ) -> Result<u32, Error> {
        let (a, b, scales) = self.numbers(a, b, scales)?;
        Ok(self.chain(&StepGroup { a: &a, b: &b, scales: &scales }, c))
    }

    /// The numbers of codes, and the scales of each product.
    #[expect(clippy::type_complexity, reason = "two sides and their scales, for the callers above")]
    fn numbers(
        &self,
        a: &[u32],
        b: &[u32],
        [scales_a, scales_b]: [&[u32]; 2],
    ) -> Result<(Vec<f32>, Vec<f32>, Vec<[f32; 2]>), Error> {
        Error::check_length("codes of B", a.len(), b.len())?;
        let decode = |format: &FormatSpec, codes: &[u32]| {
            codes.iter().map(|&code| format.decode_f32(code)).collect()
        };
        let mut scales = Vec::new();
        let block = self.scales.parts().map(|(block, _)| block);
        let blocks = block.map_or(0, |block| a.len().div_ceil(block));
        Error::check_length("scales of A", blocks, scales_a.len())?;
        Error::check_length("scales of B", blocks, scales_b.len())?;
        if let (Some(block), Some(format)) = (block, self.scales.format()) {
            scales.extend((0..a.len()).map(|k| {
                // Bits above the format's, such as the sign of an E4M3 code, do not count.
                [scales_a[k / block], scales_b[k / block]].map(|code| format.decode_f32(code))
            }));
        }
        Ok((decode(&self.a, a), decode(&self.b, b), scales))
    }

    /// D of a chain of instructions.
    pub(super) fn chain(&self, group: &StepGroup<'_>, c: u32) -> u32 {
        let (len, step) = (group.a.len(), self.step_len());
        (0..len)
            .step_by(step)
            .fold(c, |c, start| self.instruction(&group.part(start, (start + step).min(len)), c))
    }

    /// D of an instruction.
    pub(super) fn instruction(&self, group: &StepGroup<'_>, c: u32) -> u32 {
        let Some(_) = self.late_c else { return self.steps(group, c) };
        let d = self.value(self.steps(group, 0));
        let sum = arith::sum(d, self.value(c), Round::NearestEven);
        self.code((!sum.is_nan()).then_some(sum))
    }

    /// The steps of an instruction, in its order of products.
    fn steps(&self, group: &StepGroup<'_>, c: u32) -> u32 {
        let (len, fan_in) = (group.a.len(), self.fan_in());
        if self.order == KOrder::Ascending {
            // Positions beyond the last pair are steps too.
            return (0..self.step_len()).step_by(fan_in).fold(c, |c, start| {
                self.one_step(&group.part(start.min(len), (start + fan_in).min(len)), c)
            });
        }
        let half = |group: &StepGroup<'_>, second: bool, c: u32| {
            let places = (0..group.a.len()).filter(|k| (k % 4 >= 2) == second);
            let (a, b): (Vec<f32>, Vec<f32>) =
                places.clone().map(|k| (group.a[k], group.b[k])).unzip();
            let scales: Vec<[f32; 2]> = places.map(|k| group.scales_of(k)).collect();
            self.one_step(&StepGroup { a: &a, b: &b, scales: &scales }, c)
        };
        half(group, true, half(group, false, c))
    }

    /// One step, given the accumulator.
    fn one_step(&self, group: &StepGroup<'_>, c: u32) -> u32 {
        match self.adder {
            Adder::Integer(adder) => self.integer_step(adder, group, c as i32) as u32,
            Adder::Rounded(order) => self.code(self.rounded_step(order, group, self.value(c))),
            Adder::Aligned { .. } | Adder::ToOdd { .. } | Adder::EvenOdd { .. } | Adder::Exact => {
                let d = self.fused_step(group, self.value(c));
                // A fused unit has no -0, also where a negative sum rounds to zero.
                self.code(d.map(|d| if d.is_zero() { Unpacked::ZERO } else { d }))
            }
        }
    }

    /// The number that a code of the accumulator stands for.
    pub(super) fn value(&self, code: u32) -> Unpacked {
        match self.acc {
            UnitAcc::I32 => {
                let sum = code as i32;
                Unpacked::new(sum < 0, sum.unsigned_abs().into(), 0)
            }
            UnitAcc::F32 => Unpacked::from_f32(f32::from_bits(code)),
            UnitAcc::F16 => FormatSpec::F16.decode(code),
        }
    }

    /// The code of a number in the accumulator's format, rounded to nearest even; NaN is the
    /// unit's.
    pub(super) fn code(&self, value: Option<Unpacked>) -> u32 {
        match value {
            Some(value) => self.acc.format().encode_with(value, &Convert::IEEE, 0).code,
            None => self.nan,
        }
    }

    /// The rounding of a result. A number that rounds to 2^128, or 2^16 of an f16, is infinite.
    pub(super) fn round_result(&self, exact: Unpacked) -> Option<Unpacked> {
        if exact.is_nan() {
            return None;
        }
        let convert = Convert::IEEE.with_round(self.round).with_overflow(Overflow::Special);
        let rounded = |x| self.result.decode(self.result.encode_with(x, &convert, 0).code);
        let value = rounded(exact);
        let below_normal = exact.is_finite() && !exact.is_zero() && exact.log2() < -126;
        let flushed = match self.flush_results {
            ResultFlush::Keep => false,
            ResultFlush::Subnormal => value.class() == FpCategory::Subnormal,
            ResultFlush::Tiny if below_normal => {
                // Rounded a hundred binades higher, where nothing is subnormal.
                let exponent = exact.exponent() + 100;
                let higher = Unpacked::new(exact.is_negative(), exact.significand(), exponent);
                let value = rounded(higher);
                value.is_zero() || value.log2() < -26
            }
            ResultFlush::Tiny => false,
        };
        Some(if flushed { Unpacked::zero(exact.is_negative()) } else { value })
    }

    /// The exact sum minus a result.
    fn lost(&self, group: &StepGroup<'_>, c: u32, code: u32) -> Unpacked {
        let mut sum = Fixed::ZERO;
        for (k, (&a, &b)) in group.a.iter().zip(group.b).enumerate() {
            let product = arith::product(Unpacked::from_f32(a), Unpacked::from_f32(b));
            let [s, t] = group.scales_of(k).map(Unpacked::from_f32);
            let scaled = arith::product(arith::product(product, s), t);
            let shift = i32::from(self.shift);
            if scaled.is_finite() && !scaled.is_zero() {
                let exponent = scaled.exponent() + shift;
                sum.add(Unpacked::new(scaled.is_negative(), scaled.significand(), exponent));
            } else {
                sum.add(scaled);
            }
        }
        sum.add(self.value(c));
        let result = self.value(code);
        sum.add(if result.is_finite() { result.negate() } else { Unpacked::NAN });
        sum.value()
    }
}
