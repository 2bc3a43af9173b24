//! [`RmsNorm`]: rows over the root of the mean of their squares.

use super::{RowArithmetic, number, over_rows, store};
use crate::error::Error;
use crate::ops::real::Real;
use crate::spec::FormatSpec;
use crate::unary::Unary;

/// `x / √(mean(x²) + ε) · gain` over rows, in the arithmetic of a format: f32, or a narrower one to
/// see what it costs.
///
/// Numbers are rounded to the format; squares, their sum from the left, the mean, the mean plus ε,
/// one over its root, and both products are each rounded to it under its default policy. Results
/// are rounded once more into their type. No bit depends on the machine. This is the order of Llama
/// models, `x · rsqrt(mean + ε)`, then the gain.
///
/// ```
/// use subhalf::{FormatSpec, RmsNorm};
/// let (x, gain, mut y) = ([3.0f32, 4.0, 0.0, 0.0], [1.0f32, 1.0, 1.0, 2.0], [0.0f32; 4]);
/// RmsNorm::new(0.0).rows(&x, &gain, &mut y)?;
/// assert_eq!(y, [1.2, 1.6, 0.0, 0.0]); // over √(25/4)
/// // E4M3 has 24 and 26 and rounds 25 to 24: the root is 2.4495, one over it 0.40625.
/// RmsNorm::new(0.0).arithmetic(&FormatSpec::F8E4M3).rows(&x, &gain, &mut y)?;
/// assert_eq!(y, [1.25, 1.625, 0.0, 0.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RmsNorm {
    epsilon: f32,
    arithmetic: RowArithmetic,
}

impl RmsNorm {
    /// In f32, with an ε that is added to the mean of the squares.
    #[must_use]
    pub const fn new(epsilon: f32) -> Self {
        Self { epsilon, arithmetic: RowArithmetic::F32 }
    }

    /// The format of every intermediate result: signed, with a zero.
    #[must_use]
    pub const fn arithmetic(mut self, format: &FormatSpec) -> Self {
        self.arithmetic = RowArithmetic::new(format);
        self
    }

    /// The norm of each row, as long as `gain` is.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`, or `src` is not made of rows as long as
    /// `gain`.
    pub fn rows<T: Real, G: Real, D: Real>(
        &self,
        src: &[T],
        gain: &[G],
        dst: &mut [D],
    ) -> Result<(), Error> {
        let round = |x: f64| self.arithmetic.round(x);
        let cols = gain.len();
        over_rows(src, cols, dst, |src, dst| {
            let squares = src.iter().fold(0.0, |sum, &x| {
                let x = round(number(x));
                round(sum + round(x * x))
            });
            // The number of columns is divided by as it is, not rounded to the format.
            let mean = round(squares / cols as f64);
            let inverse = self.inverse_root(round(mean + f64::from(self.epsilon)));
            for ((&x, &gain), to) in src.iter().zip(gain).zip(dst) {
                let normal = round(round(number(x)) * inverse);
                *to = store(round(normal * round(number(gain))));
            }
        })
    }

    /// One over the root of a number of the format, correctly rounded to it.
    fn inverse_root(&self, x: f64) -> f64 {
        let (format, convert) = (&self.arithmetic.format, &self.arithmetic.convert);
        let code = format.encode_f64_with(x, convert, 0).code;
        format.decode_f64(format.unary_with(Unary::Rsqrt, code, convert, 0).code)
    }
}
