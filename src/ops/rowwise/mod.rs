//! Functions of whole rows, in the arithmetic of any format: softmax and RMS norm. It owns the
//! order of their operations; each operation is f64's, rounded to the format.

mod exponential;
mod norm;
mod softmax;

pub use norm::RmsNorm;
pub use softmax::{Softmax, SoftmaxForm};

use super::real::Real;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::policy::Convert;
use crate::spec::{Encoding, FloatSpec, FormatSpec, NanCodes, ZeroField};

/// Arithmetic in a format: an f64 operation on two numbers of the format, rounded to it under its
/// default policy. Of at most 25 significant bits that is one rounding of the exact result, since
/// f64 has at least twice as many and two more (Figueroa).
#[derive(Clone, Copy, Debug)]
struct RowArithmetic {
    format: FormatSpec,
    convert: Convert,
    /// Whether the format is f32 itself, to which f64s are cast.
    single: bool,
}

impl RowArithmetic {
    const F32: Self = Self::new(&FormatSpec::F32);

    const fn new(format: &FormatSpec) -> Self {
        // `==` of specs, which is not `const`, whose names do not count.
        let single = matches!(
            format.encoding(),
            Encoding::Float(FloatSpec {
                signed: true,
                exponent_bits: 8,
                mantissa_bits: 23,
                bias: 127,
                zero_field: ZeroField::Subnormals,
                negative_zero: true,
                infinities: true,
                nan: NanCodes::TopExponent,
            })
        );
        Self { format: *format, convert: format.default_convert(), single }
    }

    /// The number of the format that an f64 is rounded to.
    fn round(&self, x: f64) -> f64 {
        if self.single {
            return f64::from(x as f32);
        }
        self.format.decode_f64(self.format.encode_f64_with(x, &self.convert, 0).code)
    }
}

/// Runs `work` over rows of `cols` numbers and where their results go.
fn over_rows<T: Real, D: Real>(
    src: &[T],
    cols: usize,
    dst: &mut [D],
    mut work: impl FnMut(&[T], &mut [D]),
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    if cols == 0 || !src.len().is_multiple_of(cols) {
        let whole = src.len().checked_div(cols).unwrap_or(0) * cols;
        return Error::check_length("numbers in whole rows", whole, src.len());
    }
    // Row by row, so that a row is still in L1 when a later pass reads it again.
    src.chunks(cols).zip(dst.chunks_mut(cols)).for_each(|(src, dst)| work(src, dst));
    Ok(())
}

fn number(x: impl Real) -> f64 {
    x.unpack().to_f64()
}

fn store<D: Real>(x: f64) -> D {
    D::nearest(Unpacked::from_f64(x))
}
