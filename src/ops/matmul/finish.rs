//! [`Finish`]: from a sum to an element of the product.

use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::mma::Sum;
use crate::ops::numbers::NumbersMut;

/// What is done to a sum when all its products are in it: tensor scales, then C, then the bias,
/// then one rounding to the type of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish<'a> {
    /// The product of the tensor scales, if they are not in the numbers that are multiplied.
    pub(super) factor: Option<f32>,
    /// C, if it is not in the sums already.
    pub(super) addend: Option<&'a [f32]>,
    /// A number for each column of the product.
    pub(super) bias: Option<&'a [f32]>,
    /// Columns of the product: N.
    pub(super) n: usize,
}

impl Finish<'_> {
    /// The element of the product at a row-major index, before it is rounded to the output's type.
    pub(super) fn apply(&self, index: usize, sum: Sum) -> Unpacked {
        // C first, then the bias: f32 additions do not commute with rounding.
        let added =
            [self.addend.map(|addend| addend[index]), self.bias.map(|bias| bias[index % self.n])];
        let added = added.into_iter().flatten();
        match sum {
            Sum::F32(sum) => {
                // Rust never contracts a product and a sum into one operation, so each rounds to
                // f32.
                let sum = self.factor.map_or(sum, |factor| sum * factor);
                Unpacked::from_f32(added.fold(sum, |sum, x| sum + x))
            }
            Sum::F64(sum) => {
                let sum = self.factor.map_or(sum, |factor| sum * f64::from(factor));
                Unpacked::from_f64(added.fold(sum, |sum, x| sum + f64::from(x)))
            }
            // One rounding in all, so C and bias enter before it.
            Sum::Exact(mut sum) => {
                added.for_each(|x| sum.add(Unpacked::from_f32(x)));
                sum.value()
            }
        }
    }

    /// The elements of a part of a row, from a row-major index on.
    pub(super) fn apply_f32s(&self, index: usize, sums: &[f32], mut dst: NumbersMut<'_>) {
        // f32 sums into f32s with nothing to add: a multiplication, or by 1, which changes no
        // number.
        if let (Some(dst), None, None) = (dst.f32s(), self.addend, self.bias) {
            let factor = self.factor.unwrap_or(1.0);
            for (to, sum) in dst.iter_mut().zip(sums) {
                let product = sum * factor;
                // Processors differ in the sign and the payload of NaN.
                *to = if product.is_nan() { F32_NAN } else { product };
            }
            return;
        }
        for (i, sum) in sums.iter().enumerate() {
            dst.set(i, self.apply(index + i, Sum::F32(*sum)));
        }
    }
}
