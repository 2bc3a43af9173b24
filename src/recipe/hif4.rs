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

/// Rounds to BF16, nearest even.
fn bf16(x: f32) -> f32 {
    FormatSpec::BF16.decode_f32(FormatSpec::BF16.encode_f32(x))
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
        let x = x.map(bf16);
        if x.iter().any(|x| !x.is_finite()) {
            return Self { scale: 0xFF, lanes: [0; 32] };
        }
        let largest = |lanes: &[f32]| lanes.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
        let target = bf16(largest(&x) * bf16(1.0 / 7.0));
        let code = match rounding {
            HiF4Rounding::Golden => {
                // Half of what is cut off is added to the BF16 bits; the biases differ by 79.
                let bits = (target.to_bits() >> 16) as i32;
                (((bits + 0x10) >> 5) - 316).clamp(0, 0xFE) as u32
            }
            // No zero and no sign: what is below 2^-48 becomes 2^-48.
            HiF4Rounding::Qcy if target < FormatSpec::UE6M2.decode_f32(0) => 0,
            HiF4Rounding::Qcy => FormatSpec::UE6M2.encode_f32(target).min(0xFE),
        };
        let reciprocal = bf16(1.0 / FormatSpec::UE6M2.decode_f32(code));
        let (mut scale, mut lanes) = (code, [0u8; 32]);
        for (e, eight) in x.chunks(8).enumerate() {
            let a = bf16(largest(eight) * reciprocal) >= 4.0;
            scale |= u32::from(a) << (8 + e);
            for (f, four) in eight.chunks(4).enumerate() {
                // Halving is exact but for subnormal numbers.
                let halved = if a { 0.5 * reciprocal } else { reciprocal };
                let b = bf16(largest(four) * halved) >= 2.0;
                scale |= u32::from(b) << (16 + 2 * e + f);
                let factor = if b { 0.5 * halved } else { halved };
                for (i, x) in four.iter().enumerate() {
                    let quarters = 4.0 * bf16(x * factor);
                    let rounded = match rounding {
                        HiF4Rounding::Golden => quarters.round_ties_even(),
                        HiF4Rounding::Qcy => quarters.round(),
                    };
                    let magnitude = rounded.abs().min(7.0) as u8;
                    let lane = magnitude | u8::from(x.is_sign_negative()) << 3;
                    let q = 8 * e + 4 * f + i;
                    lanes[q / 2] |= lane << (4 * (q % 2));
                }
            }
        }
        Self { scale, lanes }
    }

    /// Returns the 64 numbers, exactly.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 64] {
        let scale = self.group_scale();
        core::array::from_fn(|i| {
            let lane = self.lanes[i / 2] >> (4 * (i % 2)) & 15;
            let doublings = (self.scale >> (8 + i / 8) & 1) + (self.scale >> (16 + i / 4) & 1);
            let magnitude = f32::from(lane & 7) * 0.25 * (1 << doublings) as f32 * scale;
            if scale.is_nan() {
                f32::NAN
            } else if lane & 8 != 0 {
                -magnitude
            } else {
                magnitude
            }
        })
    }
}
