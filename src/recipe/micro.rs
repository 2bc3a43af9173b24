//! MX4, MX6 and MX9: shared exponents with micro-exponents (arXiv 2302.08007).

use super::{exp2, exponent};
use alloc::vec::Vec;

/// A format with two levels of shared exponents (arXiv 2302.08007): 16 numbers share an exponent
/// `E` of 8 bits, each pair of them a bit `μ`, and a number is sign and `m` bits of magnitude,
/// `q · 2^(E − μ − (m − 1))`. It is not the MX of OCP.
///
/// `E` is that of the largest magnitude; `μ` is 1 if both numbers of the pair are below `2^E`. A
/// magnitude is rounded to nearest even and saturates at `2^m − 1`. The paper, as far as it was
/// read, leaves the rounding open; nearest even is Quark's.
///
/// ```
/// use subhalf::recipe::MicroExponents;
/// let mut x = [0.0f32; 16];
/// x[..6].copy_from_slice(&[1.9, -0.8, 0.3, 0.26, 0.1, 0.04]);
/// let tensor = MicroExponents::MX6.quantize(&x);
/// assert_eq!(tensor.dequantize()[..6], [1.875, -0.75, 0.3125, 0.25, 0.125, 0.0625]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MicroExponents {
    magnitude_bits: u32,
}

/// Numbers in a format with micro-exponents: parts as integers, one each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroTensor {
    /// The format.
    pub format: MicroExponents,
    /// Signed magnitudes, one a number.
    pub codes: Vec<i8>,
    /// `E + 127` of each 16 numbers; 255 says that all of them are NaN.
    pub exponents: Vec<u8>,
    /// The bits `μ` of each 16 numbers, the first pair's in the lowest.
    pub micro_exponents: Vec<u8>,
}

impl MicroExponents {
    /// 7 bits of magnitude: 9 bits a number.
    pub const MX9: Self = Self { magnitude_bits: 7 };
    /// 4 bits of magnitude: 6 bits a number.
    pub const MX6: Self = Self { magnitude_bits: 4 };
    /// 2 bits of magnitude: 4 bits a number.
    pub const MX4: Self = Self { magnitude_bits: 2 };

    /// Numbers that share an exponent.
    const BLOCK: usize = 16;

    /// Returns the bits of a number, its shares of both exponents included: a whole number.
    #[must_use]
    pub const fn bits_per_element(self) -> u32 {
        // Sign and magnitude, 8 bits for 16 numbers, 1 bit for 2.
        self.magnitude_bits + 2
    }

    /// Quantizes numbers, 16 at a time; the last block may be shorter. A block with a NaN or an
    /// infinity comes back as NaN. Exponents of numbers below 2^-127 count as −127.
    #[must_use]
    pub fn quantize(self, x: &[f32]) -> MicroTensor {
        let most = (1i32 << self.magnitude_bits) - 1;
        let mut tensor = MicroTensor {
            format: self,
            codes: Vec::with_capacity(x.len()),
            exponents: Vec::new(),
            micro_exponents: Vec::new(),
        };
        for block in x.chunks(Self::BLOCK) {
            let amax = block.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
            if block.iter().any(|x| !x.is_finite()) {
                tensor.exponents.push(255);
                tensor.micro_exponents.push(0);
                tensor.codes.extend(block.iter().map(|_| 0));
                continue;
            }
            let shared = if amax == 0.0 { -127 } else { exponent(amax).max(-127) };
            let mut micro_bits = 0u8;
            for (pair, numbers) in block.chunks(2).enumerate() {
                let below = numbers.iter().all(|x| f64::from(x.abs()) < exp2(shared));
                micro_bits |= u8::from(below) << pair;
                let step = exp2(shared - i32::from(below) - (self.magnitude_bits as i32 - 1));
                tensor.codes.extend(numbers.iter().map(|x| {
                    // The quotient is exact, so that the magnitude is rounded once.
                    let q = (f64::from(*x) / step).round_ties_even() as i32;
                    q.clamp(-most, most) as i8
                }));
            }
            tensor.exponents.push((shared + 127) as u8);
            tensor.micro_exponents.push(micro_bits);
        }
        tensor
    }
}

impl MicroTensor {
    /// Returns the numbers that the codes stand for, rounded to f32 where one is below its normal
    /// range.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let bits = self.format.magnitude_bits as i32;
        let blocks = self.codes.chunks(MicroExponents::BLOCK);
        let shared = self.exponents.iter().zip(&self.micro_exponents);
        let numbers = blocks.zip(shared).flat_map(|(block, (exponent, micro))| {
            block.iter().enumerate().map(move |(i, code)| {
                let below = i32::from(micro >> (i / 2) & 1);
                let step = exp2(i32::from(*exponent) - 127 - below - (bits - 1));
                if *exponent == 255 { f32::NAN } else { (f64::from(*code) * step) as f32 }
            })
        });
        numbers.collect()
    }
}
