//! Loops over the blocks of a row, each with a number of its own: largest magnitudes, scales, and scaling and encoding in one.

use super::finite::Finite;
use super::integer::Integer;
use super::isa::{Isa, per_isa};
use super::scaling::Scaling;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86_blocks;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use core::any::TypeId;

/// How a finite scaled number becomes a code of at most 8 bits.
pub(crate) trait Coder: Copy {
    fn code(&self, y: f32) -> u8;
}

/// Floats, to nearest even: [`Finite`], where it covers every finite number, in formats with −0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatCoder {
    finite: Finite,
    /// Added first: −0 changes nothing, +0 makes −0 plus.
    zero: f32,
}

impl FloatCoder {
    /// The parameters, if the format and the policy are of the kind.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert, zero: f32) -> Option<Self> {
        let finite = Finite::lower(spec, convert)?;
        let signed = spec.negative_zero_code().is_some() && spec.bits() <= 8;
        (signed && finite.covers(f32::MAX.to_bits())).then_some(Self { finite, zero })
    }

    /// The same for numbers whose zeros have their signs.
    pub(crate) const fn without_zero(self) -> Self {
        Self { zero: -0.0, ..self }
    }

    /// The codes of a run of blocks as [`encode_blocks`] makes them, 64 in so many bytes: one a byte in 64, two, the first in the low bits, in 32; with −0,
    /// also what is rounded to it, or all zeros positive. Or nothing, which it says, where that is not quicker.
    pub(crate) fn encode_run<S: Scaling, const BYTES: usize>(
        &self,
        isa: Isa,
        negative_zero: bool,
        scaling: S,
        run: FloatRun<'_, S::Factor>,
        codes: &mut [u8],
    ) -> bool {
        let finite = if negative_zero { self.finite } else { self.finite.without_negative_zero() };
        finite.block_bytes::<S, BYTES>(isa, self.zero, scaling, run, codes)
    }
}

/// Numbers in blocks of a length, and the blocks' factors.
#[derive(Clone, Copy)]
pub(crate) struct FloatRun<'a, F> {
    pub(crate) numbers: &'a [f32],
    pub(crate) length: usize,
    pub(crate) factors: &'a [F],
}

impl Coder for FloatCoder {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        self.finite.code::<true>((y + self.zero).to_bits(), &mut 0) as u8
    }
}

impl Coder for Integer {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        Self::code(self, y, &mut 0) as u8
    }
}

/// What tensors are made from.
pub(crate) trait Number: Copy + Into<f32> {}

impl<T: Copy + Into<f32>> Number for T {}

/// The numbers, if they are f32s already.
pub(crate) fn as_f32s<T: 'static>(numbers: &[T]) -> Option<&[f32]> {
    if TypeId::of::<T>() != TypeId::of::<f32>() {
        return None;
    }
    // SAFETY: `T` is f32, so this is the slice itself.
    #[expect(unsafe_code, reason = "the compiler does not know that the two types are one")]
    Some(unsafe { core::slice::from_raw_parts(numbers.as_ptr().cast::<f32>(), numbers.len()) })
}

#[inline(always)]
fn widen_body<T: Number>(src: &[T], dst: &mut [f32]) {
    for (x, to) in src.iter().zip(dst) {
        *to = (*x).into();
    }
}

/// `to = f(from, the block's factor)` for blocks of some length, the last of which may be shorter.
#[inline(always)]
pub(super) fn map_blocks<S: Copy, F: Copy, D>(src: &[S], length: usize, factors: &[F], dst: &mut [D], f: impl Fn(S, F) -> D) {
    #[inline(always)]
    fn fixed<const N: usize, S: Copy, F: Copy, D>(src: &[S], factors: &[F], dst: &mut [D], f: impl Fn(S, F) -> D) {
        let (blocks, rest) = src.as_chunks::<N>();
        let (out, rest_out) = dst.as_chunks_mut::<N>();
        for ((block, out), &factor) in blocks.iter().zip(out).zip(factors) {
            for (x, to) in block.iter().zip(out) {
                *to = f(*x, factor);
            }
        }
        if let Some(&factor) = factors.get(blocks.len()) {
            for (x, to) in rest.iter().zip(rest_out) {
                *to = f(*x, factor);
            }
        }
    }
    match length {
        16 => fixed::<16, S, F, D>(src, factors, dst, f),
        32 => fixed::<32, S, F, D>(src, factors, dst, f),
        _ => {
            for ((block, out), &factor) in src.chunks(length).zip(dst.chunks_mut(length)).zip(factors) {
                for (x, to) in block.iter().zip(out) {
                    *to = f(*x, factor);
                }
            }
        }
    }
}

#[inline(always)]
fn encode_body<S: Scaling, C: Coder>(coder: &C, scaling: S, src: &[f32], length: usize, factors: &[S::Factor], codes: &mut [u8]) {
    let coder = *coder;
    map_blocks(src, length, factors, codes, |x, factor| coder.code(scaling.scaled(x, factor)));
}

#[inline(always)]
fn scale_body<S: Scaling<Factor = f32>>(scaling: S, zero: f32, src: &[f32], length: usize, factors: &[f32], dst: &mut [f32]) {
    map_blocks(src, length, factors, dst, |x, factor| scaling.scaled(x, factor) + zero);
}

/// The largest bits that `f` makes of numbers, and of one number before. Independent lanes, so that no maximum waits for the one before, and the
/// compiler does not take a number of each of several blocks instead.
#[inline(always)]
fn largest<const LANES: usize>(src: &[f32], before: u32, f: impl Fn(u32) -> u32) -> u32 {
    let (runs, rest) = src.as_chunks::<LANES>();
    let mut lanes = [0; LANES];
    for run in runs {
        for (lane, x) in lanes.iter_mut().zip(run) {
            *lane = f(x.to_bits()).max(*lane);
        }
    }
    let mut largest = before;
    for lane in lanes {
        largest = largest.max(lane);
    }
    for x in rest {
        largest = largest.max(f(x.to_bits()));
    }
    largest
}

/// Of which numbers magnitudes are taken, as their bits; of the others it is zero.
pub(crate) trait Side: Copy {
    /// With these bits flipped the others are negative integers; there are no others if there is none.
    const FLIP: Option<u32>;

    #[inline(always)]
    fn magnitude(bits: u32) -> u32 {
        match Self::FLIP {
            None => bits & 0x7FFF_FFFF,
            Some(flip) => (bits ^ flip).cast_signed().max(0).cast_unsigned(),
        }
    }
}

/// All.
#[derive(Clone, Copy)]
pub(crate) struct Both;

/// Those without a sign.
#[derive(Clone, Copy)]
pub(crate) struct Above;

/// Those with one.
#[derive(Clone, Copy)]
pub(crate) struct Below;

impl Side for Both {
    const FLIP: Option<u32> = None;
}

impl Side for Above {
    const FLIP: Option<u32> = Some(0);
}

impl Side for Below {
    const FLIP: Option<u32> = Some(0x8000_0000);
}

#[inline(always)]
fn block_largest_body<S: Side>(_side: S, src: &[f32], length: usize, largest_of: &mut [u32]) {
    for (block, to) in src.chunks(length).zip(largest_of) {
        *to = if length < 64 { largest::<8>(block, *to, S::magnitude) } else { largest::<64>(block, *to, S::magnitude) };
    }
}

/// For each block the largest magnitude of a side, as its bits, of its numbers and one before: NaN is above infinity, infinity above all others.
pub(crate) fn block_largest<S: Side>(side: S, isa: Isa, src: &[f32], length: usize, largest: &mut [u32]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if isa.is_avx512() {
        let done = match length {
            // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            16 => unsafe { x86_blocks::block_largest::<S, 1>(src, largest) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            32 => unsafe { x86_blocks::block_largest::<S, 2>(src, largest) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            64 => unsafe { x86_blocks::block_largest::<S, 4>(src, largest) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            128 => unsafe { x86_blocks::block_largest::<S, 8>(src, largest) },
            _ => 0,
        };
        return block_largest_plain(isa, side, &src[(done * length).min(src.len())..], length, &mut largest[done..]);
    }
    block_largest_plain(isa, side, src, length, largest);
}

#[inline(always)]
fn finite_amax_body(src: &[f32], amax_bits: &mut u32) {
    *amax_bits = largest::<64>(src, *amax_bits, |bits| {
        let magnitude = bits & 0x7FFF_FFFF;
        magnitude & u32::from(magnitude < 0x7F80_0000).wrapping_neg()
    });
}

/// Scales that are powers of two of a format without mantissa: the code, and one over the number.
///
/// In a binade of `amax` the code of every rule is one of two neighbours, the upper from some mantissa on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powers {
    /// What carries such mantissas into the exponent field, and what that is ahead of the code.
    pub(crate) carry: u32,
    pub(crate) less: u32,
    /// Codes for which this holds.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// The exponent field of the reciprocal of code 0.
    pub(crate) top: u32,
}

impl Powers {
    pub(crate) const fn code(&self, amax_bits: u32) -> u32 {
        ((amax_bits + self.carry) >> 23).wrapping_sub(self.less)
    }
}

#[inline(always)]
fn powers_body(powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let powers = *powers;
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let code = powers.code(amax & 0x7FFF_FFFF);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = amax.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        *factor = f32::from_bits(if inside && usual { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    }
}

/// Scales that are powers of two, by the f32 logarithm of a quotient: [`Powers`] whose carry depends on the
/// binade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logarithms {
    /// What the largest magnitude is divided by before its logarithm is taken.
    pub(crate) over: f32,
    /// The carry for each exponent field of the quotient.
    pub(crate) carries: &'static [u32; 256],
    /// Codes and factors; its own carry is not used.
    pub(crate) powers: Powers,
}

#[inline(always)]
fn logarithms_body(rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let (over, powers) = (rule.over, rule.powers);
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let quotient = (f32::from_bits(amax & 0x7FFF_FFFF) / over).to_bits();
        let carry = rule.carries[(quotient >> 23) as usize & 0xFF];
        let code = ((quotient.wrapping_add(carry)) >> 23).wrapping_sub(powers.less);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = |bits: u32| bits.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        let known = inside && usual(amax) && usual(quotient);
        *factor = f32::from_bits(if known { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    }
}

/// One operation of a formula.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `x · c`.
    Times(f32),
    /// `x / c`.
    Over(f32),
    /// `c / x`.
    Under(f32),
    /// At most.
    AtMost(f32),
    /// At least.
    AtLeast(f32),
    /// In place of zero.
    ForZero(f32),
}

#[inline(always)]
fn apply_body(step: Step, numbers: &mut [f32]) {
    #[inline(always)]
    fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
        for x in numbers {
            *x = f(*x);
        }
    }
    match step {
        Step::Times(c) => each(numbers, |x| x * c),
        Step::Over(c) => each(numbers, |x| x / c),
        Step::Under(c) => each(numbers, |x| c / x),
        Step::AtMost(c) => each(numbers, |x| if x > c { c } else { x }),
        Step::AtLeast(c) => each(numbers, |x| if x < c { c } else { x }),
        Step::ForZero(c) => each(numbers, |x| if x == 0.0 { c } else { x }),
    }
}

#[inline(always)]
fn where_zero_body(numbers: &[f32], value: f32, to: &mut [f32]) {
    for (x, to) in numbers.iter().zip(to) {
        *to = if *x == 0.0 { value } else { *to };
    }
}

#[inline(always)]
fn refuse_body<S: Scaling<Factor = f32>>(scaling: S, amax: &[u32], factors: &mut [f32]) {
    for (amax, factor) in amax.iter().zip(factors) {
        let largest = scaling.scaled(f32::from_bits(*amax), *factor);
        *factor = if largest.is_finite() && scaling.takes(*factor) { *factor } else { f32::NAN };
    }
}

#[inline(always)]
fn zeros_become_body<S: Scaling<Factor = f32>>(
    scaling: S,
    numbers: &[f32],
    length: usize,
    factors: &[f32],
    code: u8,
    codes: &mut [u8],
) {
    for ((numbers, codes), factor) in numbers.chunks(length).zip(codes.chunks_mut(length)).zip(factors) {
        for (x, to) in numbers.iter().zip(codes) {
            *to = if scaling.scaled(*x, *factor) == 0.0 { code } else { *to };
        }
    }
}

#[inline(always)]
fn replace_body(from: u8, to: u8, codes: &mut [u8]) {
    for code in codes {
        *code = if *code == from { to } else { *code };
    }
}

per_isa! {
    /// Numbers as f32s.
    fn widen[T: Number](src: &[T], dst: &mut [f32]) = widen_body;
    /// Codes of finite numbers scaled by their blocks' factors.
    fn encode_blocks[S: Scaling, C: Coder](coder: &C, scaling: S, src: &[f32], length: usize, factors: &[S::Factor], codes: &mut [u8]) = encode_body;
    /// Numbers scaled by their blocks' factors, plus a zero.
    fn scale_blocks[S: Scaling<Factor = f32>](scaling: S, zero: f32, src: &[f32], length: usize, factors: &[f32], dst: &mut [f32]) = scale_body;
    /// [`block_largest`] by a plain loop.
    fn block_largest_plain[S: Side](side: S, src: &[f32], length: usize, largest: &mut [u32]) = block_largest_body;
    /// The largest magnitude, as its bits, of the finite numbers and one before.
    fn finite_amax[](src: &[f32], amax_bits: &mut u32) = finite_amax_body;
    /// Codes and factors of scales that are powers of two; where the formula does not hold the factor is NaN.
    fn powers[](powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = powers_body;
    /// Codes and factors of scales that are powers of two by logarithms; where the formula does not hold the factor is NaN.
    fn logarithms[](rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = logarithms_body;
    /// One operation on every number.
    fn apply[](step: Step, numbers: &mut [f32]) = apply_body;
    /// A value in the places of zeros.
    fn where_zero[](numbers: &[f32], value: f32, to: &mut [f32]) = where_zero_body;
    /// NaN in place of factors under which the largest number is not finite.
    fn refuse[S: Scaling<Factor = f32>](scaling: S, amax: &[u32], factors: &mut [f32]) = refuse_body;
    /// A code in the places of numbers that are zero once scaled.
    fn zeros_become[S: Scaling<Factor = f32>](scaling: S, numbers: &[f32], length: usize, factors: &[f32], code: u8, codes: &mut [u8]) = zeros_become_body;
    /// One code for another.
    fn replace[](from: u8, to: u8, codes: &mut [u8]) = replace_body;
}
