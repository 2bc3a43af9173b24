//! The differentiable gradient estimator of FP4 training (DGE, arXiv 2501.17116).

use crate::spec::FormatSpec;

/// The estimator's steepness and cap (arXiv 2501.17116, 3.1). In an interval between two neighbours
/// of the format, δ wide and `x` from its lower end, with `t = 2x/δ − 1`:
///
/// ```text
/// f(x)  = δ/2 · (1 + sign(t) · |t|^(1/k))         f'(x) = 1/k · |t|^(1/k − 1), at most `cap`
/// ```
///
/// The forward pass rounds; the gradient of the weights is multiplied by `f'` of the scaled weight.
///
/// ```
/// use subhalf::{FormatSpec, recipe::GradientEstimator};
/// let dge = GradientEstimator::PAPER;
/// let e2m1 = FormatSpec::F4E2M1;
/// assert!((dge.derivative(&e2m1, 0.2) - 0.72478).abs() < 1e-5); // of the interval 0 to 0.5
/// assert_eq!(dge.derivative(&e2m1, 0.2499), 3.0); // 104.6 without the cap
/// assert!((dge.forward(&e2m1, 0.3) - 0.43119).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientEstimator {
    /// The root k, 1 or more: 1 is the straight-through estimator.
    pub root: u8,
    /// The largest derivative.
    pub cap: f64,
}

/// The positive k-th root of a positive number, by Newton's method in f64: nothing but defined
/// operations, so it is the same on every machine.
fn root(x: f64, k: u8) -> f64 {
    let power = |y: f64| (1..k).fold(1.0, |product, _| product * y);
    // From above the method falls to the root and then stops falling.
    let mut y = if x > 1.0 { x } else { 1.0 };
    for _ in 0..400 {
        let next = y - (y - x / power(y)) / f64::from(k);
        if next >= y {
            break;
        }
        y = next;
    }
    y
}

impl GradientEstimator {
    /// k = 5, derivatives up to 3.
    pub const PAPER: Self = Self { root: 5, cap: 3.0 };

    /// The lower neighbour of a number in a format, the width of the interval, and the number's
    /// place t in it from −1 to 1; `None` beyond the format's largest number.
    fn place(format: &FormatSpec, x: f32) -> Option<(f64, f64, f64)> {
        let x = f64::from(x);
        let (mut below, mut above) = (f64::NEG_INFINITY, f64::INFINITY);
        for (_, value) in format.values() {
            let value = value.to_f64();
            if value <= x {
                below = below.max(value);
            }
            if value > x {
                above = above.min(value);
            }
        }
        let width = above - below;
        width.is_finite().then(|| (below, width, 2.0 * (x - below) / width - 1.0))
    }

    /// Returns `f` of a scaled number; outside of the format's range its nearest number.
    #[must_use]
    pub fn forward(self, format: &FormatSpec, x: f32) -> f64 {
        match Self::place(format, x) {
            Some((below, width, t)) if t != 0.0 => {
                let bent = root(t.abs(), self.root.max(1)).copysign(t);
                below + 0.5 * width * (1.0 + bent)
            }
            Some((below, width, _)) => below + 0.5 * width,
            None => f64::from(format.decode_f32(format.encode_f32(x))),
        }
    }

    /// Returns `f'` of a scaled number, at most the cap; 0 from the format's largest number on and
    /// below its smallest.
    #[must_use]
    pub fn derivative(self, format: &FormatSpec, x: f32) -> f64 {
        match Self::place(format, x) {
            Some((_, _, t)) => {
                let k = self.root.max(1);
                // |t|^(1/k − 1) = r / |t| with r the root.
                let slope = root(t.abs(), k) / t.abs() / f64::from(k);
                if t == 0.0 && k == 1 {
                    1.0f64.min(self.cap)
                } else if t == 0.0 {
                    self.cap
                } else {
                    slope.min(self.cap)
                }
            }
            None => 0.0,
        }
    }
}
