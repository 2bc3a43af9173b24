//! HiF4: 64 numbers under a scale of three levels (arXiv 2602.11287).

use crate::spec::FormatSpec;

/// How a group is quantized; both readings decode alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HiF4Rounding {
    /// The public golden model's: E6M2 half up, lanes to nearest even.
    Golden,
    /// The QCY emulation's: E6M2 to nearest even, lanes half away from zero.
    Qcy,
}

/// A group of 64 numbers in HiF4 (arXiv 2602.11287; PTO specification, ADR-0101): 4.5 bits a
/// number.
///
/// A number is `lane · S · 2^(a + b)` with `S` the E6M2 number of the low 8 bits of the scale word,
/// `a` the bit 8 + ⌊i/8⌋ and `b` the bit 16 + ⌊i/4⌋ of lane i. Lanes are E1M2, sign and magnitude
/// in quarters up to 1.75.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiF4Group {
    /// E6M2 in bits 0 to 7, a bit for each 8 lanes in 8 to 15, one for each 4 lanes in 16 to 31.
    pub scale: u32,
    /// Two lanes a byte, the even one in the low nibble.
    pub lanes: [u8; 32],
}

/// The bits of a finite number rounded to BF16, nearest even; those of an infinity where it
/// overflows. Any bits for a NaN.
const fn bf16_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000
}

/// Rounds a finite number to BF16, nearest even.
const fn bf16(x: f32) -> f32 {
    f32::from_bits(bf16_bits(x))
}

/// The largest of some magnitudes, by their bits: integers may be compared in any order.
fn largest(magnitudes: &[f32]) -> f32 {
    f32::from_bits(magnitudes.iter().fold(0, |amax, x| amax.max(x.to_bits() as i32)) as u32)
}

impl HiF4Rounding {
    /// The E6M2 code of the quotient that the group's scale is to be, a BF16 number.
    fn group_scale(self, target: f32) -> u32 {
        match self {
            Self::Golden => {
                // Half of what is cut off is added to the BF16 bits; the biases differ by 79.
                let bits = (target.to_bits() >> 16) as i32;
                (((bits + 0x10) >> 5) - 316).clamp(0, 0xFE) as u32
            }
            // No zero and no sign: what is below 2^-48 becomes 2^-48.
            Self::Qcy if target < FormatSpec::UE6M2.decode_f32(0) => 0,
            Self::Qcy => FormatSpec::UE6M2.encode_f32(target).min(0xFE),
        }
    }
}

impl HiF4Group {
    /// Returns the number of the group's E6M2 scale; NaN for the code 0xFF.
    #[must_use]
    pub fn group_scale(&self) -> f32 {
        FormatSpec::UE6M2.decode_f32(self.scale & 0xFF)
    }

    /// Quantizes 64 numbers in the arithmetic of the golden model, every operation in BF16:
    ///
    /// ```text
    /// S = e6m2(amax · bf16(1/7))           r = 1 / S
    /// a = max of 8 magnitudes · r >= 4     b = max of 4 magnitudes · r · 2^-a >= 2
    /// lane = x · r · 2^-(a + b) in quarters, at most 7
    /// ```
    ///
    /// Numbers are rounded to BF16 first. A NaN or an infinity makes the whole group NaN. What the
    /// golden model does to a group of zeros was not read: here `S` is 2^-48 and all lanes are 0.
    ///
    /// ```
    /// use subhalf::recipe::{HiF4Group, HiF4Rounding};
    /// let x: [f32; 64] = std::array::from_fn(|i| if i < 8 { 7.0 - i as f32 } else { 0.25 });
    /// let group = HiF4Group::quantize(&x, HiF4Rounding::Golden);
    /// assert_eq!(group.group_scale(), 1.0);
    /// assert_eq!(group.dequantize()[..9], [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.25]);
    /// ```
    #[must_use]
    pub fn quantize(x: &[f32; 64], rounding: HiF4Rounding) -> Self {
        // All loops are over arrays, without calls and branches, so that they become vectors.
        let magnitudes = x.map(|x| f32::from_bits(bf16_bits(x) & 0x7FFF_FFFF));
        let beyond = |x: &f32| !x.is_finite();
        // What BF16 has no number for was an infinity or a NaN before, or has become an infinity.
        if x.iter().fold(false, |any, x| any | beyond(x))
            | magnitudes.iter().fold(false, |any, x| any | beyond(x))
        {
            return Self { scale: 0xFF, lanes: [0; 32] };
        }
        let code = rounding.group_scale(bf16(largest(&magnitudes) * bf16(1.0 / 7.0)));
        let reciprocal = bf16(1.0 / FormatSpec::UE6M2.decode_f32(code));
        let mut scale = code;
        let mut factors = [0.0; 16];
        for (e, eight) in magnitudes.as_chunks::<8>().0.iter().enumerate() {
            let a = bf16(largest(eight) * reciprocal) >= 4.0;
            scale |= u32::from(a) << (8 + e);
            // Halving is exact but for subnormal numbers.
            let halved = if a { 0.5 * reciprocal } else { reciprocal };
            for (f, four) in eight.as_chunks::<4>().0.iter().enumerate() {
                let b = bf16(largest(four) * halved) >= 2.0;
                scale |= u32::from(b) << (16 + 2 * e + f);
                factors[2 * e + f] = if b { 0.5 * halved } else { halved };
            }
        }
        // Quarters have 8 significant bits, so that those below a tie are 2^-9 below it at least:
        // half of that moves the tie up and nothing else.
        let ties = match rounding {
            HiF4Rounding::Golden => 0.0,
            HiF4Rounding::Qcy => 2f32.powi(-10),
        };
        let mut codes = [0u32; 64];
        let numbers = x.as_chunks::<4>().0.iter().zip(magnitudes.as_chunks::<4>().0);
        for ((codes, (x, magnitudes)), factor) in
            codes.as_chunks_mut::<4>().0.iter_mut().zip(numbers).zip(factors)
        {
            for ((code, x), magnitude) in codes.iter_mut().zip(x).zip(magnitudes) {
                let quarters = (4.0 * bf16(magnitude * factor)).min(7.0) + ties;
                // The unit of 2^23 is 1: the sum rounds to an integer, ties to even.
                let lane = (quarters + 8_388_608.0).to_bits() & 7;
                *code = lane | x.to_bits() >> 28 & 8;
            }
        }
        let lanes = core::array::from_fn(|i| (codes[2 * i] | codes[2 * i + 1] << 4) as u8);
        Self { scale, lanes }
    }

    /// Returns the 64 numbers, exactly.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 64] {
        let scale = self.group_scale();
        if scale.is_nan() {
            return [f32::NAN; 64];
        }
        let mut numbers = [0.0; 64];
        for (i, (numbers, bytes)) in
            numbers.as_chunks_mut::<4>().0.iter_mut().zip(self.lanes.as_chunks::<2>().0).enumerate()
        {
            let doublings = (self.scale >> (8 + i / 2) & 1) + (self.scale >> (16 + i) & 1);
            // Powers of two and three bits: every product is exact.
            let step = 0.25 * scale * (1 << doublings) as f32;
            let lanes = u32::from(u16::from_le_bytes(*bytes));
            for (j, number) in numbers.iter_mut().enumerate() {
                let lane = lanes >> (4 * j);
                let magnitude = (lane & 7) as f32 * step;
                *number = f32::from_bits(magnitude.to_bits() | (lane & 8) << 28);
            }
        }
        numbers
    }
}
