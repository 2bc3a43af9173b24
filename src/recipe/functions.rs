//! Functions by polynomials in a format's own arithmetic, and linear layers that compute in f32.

use super::columns;
use crate::error::Error;
use crate::mma::Accumulator;
use crate::ops::{Matmul, Operand};
use crate::policy::Convert;
use crate::spec::FormatSpec;
use crate::unary::Unary;
use alloc::vec::Vec;

/// Returns the largest error of a polynomial in a format, in units of the last place of the exact
/// result, and the number where it is: all of the format's numbers from `low` to `high` are tried.
///
/// The polynomial is evaluated by Horner's rule, each step a fused multiply-add rounded to the
/// format; coefficients, the highest power first, are rounded to it. The exact result is the f32
/// nearest to the function, so the format has at most 16 bits. Results of zero do not count. What
/// searches for programs (AutoNumerics-Zero, arXiv 2312.08472) minimise is this error.
///
/// ```
/// use subhalf::{FormatSpec, Unary, recipe::polynomial_error};
/// // 2^x from 0 to 1 by a least-squares polynomial of degree 2, in BF16.
/// let (ulps, _) = polynomial_error(
///     &FormatSpec::BF16, Unary::Exp2, &[0.3371894, 0.65763628, 1.00172476], 0.0, 1.0)?;
/// assert!(ulps > 0.5 && ulps < 1.5, "{ulps}");
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::SpecRange`] for a format of more than 16 bits.
pub fn polynomial_error(
    format: &FormatSpec,
    function: Unary,
    coefficients: &[f32],
    low: f32,
    high: f32,
) -> Result<(f64, f32), Error> {
    if format.bits() > 16 {
        let (what, found) = ("bits of the format", format.bits().into());
        return Err(Error::SpecRange { what, found, low: 1, high: 16 });
    }
    let (single, policy) = (FormatSpec::F32, Convert::IEEE);
    let coefficients: Vec<f64> =
        coefficients.iter().map(|c| f64::from(format.decode_f32(format.encode_f32(*c)))).collect();
    let mut worst = (0.0f64, low);
    for code in 0..format.code_count() as u32 {
        let x = format.decode_f32(code);
        if !(low..=high).contains(&x) {
            continue;
        }
        // A product of two numbers of at most 16 significant bits is exact in f64; the sum rounds to
        // 53 bits first, which moves a result of 16 bits only where the sum is within 2^-37 of a
        // midpoint.
        let found = coefficients.iter().fold(0.0f64, |sum, c| {
            format.decode(format.encode_f64(sum * f64::from(x) + c)).to_f64()
        });
        let exact = single.unary_with(function, single.encode_f32(x), &policy, 0).code;
        let exact = f64::from(single.decode_f32(exact));
        if exact == 0.0 || !exact.is_finite() {
            continue;
        }
        let error = (found - exact).abs() / unit_in_last_place(format, exact);
        if error.is_nan() || error > worst.0 {
            worst = (error, x);
        }
        // NaN is the worst of all.
        if worst.0.is_nan() {
            break;
        }
    }
    Ok(worst)
}

/// The distance between the two neighbours of a number in a format.
fn unit_in_last_place(format: &FormatSpec, x: f64) -> f64 {
    let down = Convert::IEEE.with_round(crate::round::Round::TowardZero);
    let unpacked = crate::codec::Unpacked::from_f64(x);
    let below = format.encode_with(unpacked, &down, 0).code;
    let next = format.decode(below + 1).to_f64().abs();
    (next - format.decode(below).to_f64().abs()).abs()
}

/// Returns `X · Wᵀ + b` as `LayerCast` computes it (arXiv 2506.09501): weights and bias are stored
/// in 16 bits, cast to f32, and everything else is f32, so that results do not depend on how a
/// library's 16-bit outputs round.
///
/// `x` is `tokens` rows, `w` `outputs` rows of codes of `stored`, BF16 or F16; sums are one chain
/// of fused multiply-adds, k in order ([`Accumulator::F32`](crate::Accumulator::F32)), then the
/// bias.
///
/// ```
/// use subhalf::{FormatSpec, recipe::layer_cast};
/// let w = [0x3F80u16, 0x4000]; // 1 and 2 in BF16
/// let y = layer_cast(&[0.1, 0.2, 3.0, 4.0], 2, &FormatSpec::BF16, &w, 1, &[0x3F00])?;
/// assert_eq!(y, [0.2f32.mul_add(2.0, 0.1) + 0.5, 11.5]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] for operands without such rows, rows of two lengths, or a bias (if there is
/// one) that is not as long as the outputs.
pub fn layer_cast(
    x: &[f32],
    tokens: usize,
    stored: &FormatSpec,
    w: &[u16],
    outputs: usize,
    bias: &[u16],
) -> Result<Vec<f32>, Error> {
    let inputs = columns("activations", x.len(), tokens)?;
    Error::check_length("weights", outputs * inputs, w.len())?;
    if !bias.is_empty() {
        Error::check_length("bias", outputs, bias.len())?;
    }
    let cast = |codes: &[u16]| -> Vec<f32> {
        codes.iter().map(|code| stored.decode_f32((*code).into())).collect()
    };
    let (w, bias) = (cast(w), cast(bias));
    let (x, w) =
        (Operand::numbers(x, &[tokens, inputs])?, Operand::numbers(&w, &[outputs, inputs])?);
    let mut y = Matmul::new().accumulator(Accumulator::F32).multiply(x, w)?;
    if !bias.is_empty() {
        for row in y.chunks_mut(outputs) {
            row.iter_mut().zip(&bias).for_each(|(y, b)| *y += b);
        }
    }
    Ok(y)
}
