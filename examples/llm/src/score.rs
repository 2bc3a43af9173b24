//! How well logits foretell a text, and how far they are from those of the model as shipped.

use rayon::prelude::*;
use subhalf::philox4x32_10;

/// Sums over scored tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Score {
    pub(crate) tokens: usize,
    /// `−ln p` of the tokens that came.
    pub(crate) surprise: f64,
    /// `Σ p₀ (ln p₀ − ln p)`, with `p₀` of the model as shipped.
    pub(crate) divergence: f64,
    /// Tokens for which both models have the same most likely one.
    pub(crate) agreed: usize,
}

impl Score {
    fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens + other.tokens,
            surprise: self.surprise + other.surprise,
            divergence: self.divergence + other.divergence,
            agreed: self.agreed + other.agreed,
        }
    }

    /// The sum of some scores.
    pub(crate) fn sum(scores: &[Self]) -> Self {
        scores.iter().fold(Self::default(), |sum, score| sum.plus(*score))
    }

    pub(crate) fn perplexity(&self) -> f64 {
        (self.surprise / self.tokens as f64).exp()
    }

    pub(crate) fn mean_divergence(&self) -> f64 {
        self.divergence / self.tokens as f64
    }

    pub(crate) fn agreement(&self) -> f64 {
        self.agreed as f64 / self.tokens as f64
    }
}

/// The score of rows of logits, each followed by its target; `shipped` are the rows of the model as
/// shipped.
pub(crate) fn score(logits: &[f32], shipped: &[f32], targets: &[u32]) -> Score {
    let width = logits.len() / targets.len().max(1);
    let rows = logits.par_chunks(width).zip(shipped.par_chunks(width)).zip(targets);
    // Rows on all threads, their sums in order.
    let scores: Vec<Score> = rows
        .map(|((row, shipped), target)| {
            let (sum, shipped_sum) = (log_sum(row), log_sum(shipped));
            let divergence: f64 = row
                .iter()
                .zip(shipped)
                .map(|(x, x0)| {
                    let log = f64::from(*x0) - shipped_sum;
                    log.exp() * (log - (f64::from(*x) - sum))
                })
                .sum();
            Score {
                tokens: 1,
                surprise: sum - f64::from(row[*target as usize]),
                divergence,
                agreed: usize::from(likeliest(row) == likeliest(shipped)),
            }
        })
        .collect();
    Score::sum(&scores)
}

/// `ln Σ eˣ`.
fn log_sum(row: &[f32]) -> f64 {
    let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    largest + row.iter().map(|x| (f64::from(*x) - largest).exp()).sum::<f64>().ln()
}

/// The first place of the largest number.
pub(crate) fn likeliest(row: &[f32]) -> usize {
    let better = |best: usize, (place, x): (usize, &f32)| if *x > row[best] { place } else { best };
    row.iter().enumerate().fold(0, better)
}

/// The 95 % interval of the ratio of a perplexity to that of the model as shipped: the same windows
/// of text are drawn for both, with replacement, 10,000 times.
pub(crate) fn interval(windows: &[Score], shipped: &[Score]) -> [f64; 2] {
    const DRAWS: u32 = 10_000;
    let count = windows.len() as u64;
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let [mut sum, mut shipped_sum] = [Score::default(); 2];
            for place in 0..windows.len() {
                let word = philox4x32_10([place as u32, draw, 0, 0], [27, 0])[0];
                // The upper half of the product is a number below `count`.
                let drawn = ((u64::from(word) * count) >> 32) as usize;
                sum = sum.plus(windows[drawn]);
                shipped_sum = shipped_sum.plus(shipped[drawn]);
            }
            sum.perplexity() / shipped_sum.perplexity()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |part: f64| ratios[((f64::from(DRAWS) - 1.0) * part).round() as usize];
    [at(0.025), at(0.975)]
}
