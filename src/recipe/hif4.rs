//! HiF4: 64 numbers under a scale of three levels (arXiv 2602.11287).

use crate::kernel::{Isa, hif4_groups};
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

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
        let (mut scale, mut lanes) = ([0], [[0; 32]]);
        let away = rounding == HiF4Rounding::Qcy;
        hif4_groups(Isa::best(), core::slice::from_ref(x), away, &mut scale, &mut lanes);
        Self { scale: scale[0], lanes: lanes[0] }
    }

    /// Quantizes groups one after the other, as [`quantize`](Self::quantize) does each.
    ///
    /// ```
    /// use subhalf::recipe::{HiF4Group, HiF4Rounding};
    /// let x: Vec<f32> = (0..128).map(|i| i as f32 / 16.0 - 4.0).collect();
    /// let groups = HiF4Group::quantize_all(x.as_chunks().0, HiF4Rounding::Golden);
    /// assert_eq!(groups[1], HiF4Group::quantize(&x.as_chunks().0[1], HiF4Rounding::Golden));
    /// ```
    #[must_use]
    pub fn quantize_all(x: &[[f32; 64]], rounding: HiF4Rounding) -> Vec<Self> {
        let (mut scales, mut lanes) = (vec![0; x.len()], vec![[0; 32]; x.len()]);
        hif4_groups(Isa::best(), x, rounding == HiF4Rounding::Qcy, &mut scales, &mut lanes);
        scales.into_iter().zip(lanes).map(|(scale, lanes)| Self { scale, lanes }).collect()
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
