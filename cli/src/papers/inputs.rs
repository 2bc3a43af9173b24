//! Numbers to measure on, the same on every machine: sums of words of the library's generator, and
//! no function but the root, which is correctly rounded everywhere.

use subhalf::philox4x32_10;

/// Columns of the matrices; channels are columns.
pub(crate) const COLS: usize = 1024;

fn words(seed: u32, index: usize, stream: u32) -> [u32; 4] {
    philox4x32_10([index as u32, (index >> 32) as u32, stream, 0], [seed, 0x5EED])
}

/// A uniform number from 0 to 1, both excluded.
fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 2f64.powi(32)
}

/// About normal, of deviation 1: the sum of 12 uniform numbers, within ±6.
fn normal_at(seed: u32, index: usize, stream: u32) -> f64 {
    let sum: f64 = (0..3).flat_map(|part| words(seed, index, 4 * stream + part)).map(unit).sum();
    sum - 6.0
}

pub(crate) fn normal(seed: u32, count: usize) -> Vec<f32> {
    (0..count).map(|i| normal_at(seed, i, 0) as f32).collect()
}

/// From −1 to 1.
pub(crate) fn uniform(seed: u32, count: usize) -> Vec<f32> {
    (0..count).map(|i| (2.0 * unit(words(seed, i, 0)[0]) - 1.0) as f32).collect()
}

/// Laplace of deviation 1: the difference of two products of normal numbers, `ab + cd` over √2 of
/// which is distributed so.
pub(crate) fn laplace(seed: u32, count: usize) -> Vec<f32> {
    let number = |i| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|stream| normal_at(seed, i, stream));
        ((a * b + c * d) / 2f64.sqrt()) as f32
    };
    (0..count).map(number).collect()
}

/// Student's t of 3 degrees of freedom, clipped at ±100.
pub(crate) fn student(seed: u32, count: usize) -> Vec<f32> {
    let number = |i| {
        let [x, a, b, c] = [0, 1, 2, 3].map(|stream| normal_at(seed, i, stream));
        let chi: f64 = [a, b, c].iter().map(|x| x * x).sum();
        (x / (chi / 3.0).sqrt()).clamp(-100.0, 100.0) as f32
    };
    (0..count).map(number).collect()
}

/// Whether a channel is an outlier: one in 64.
pub(crate) const fn is_outlier(index: usize) -> bool {
    index % 64 == 32
}

/// Normal numbers, the outlier channels `factor` times as large.
pub(crate) fn outliers(seed: u32, count: usize, factor: f32) -> Vec<f32> {
    let numbers = normal(seed, count).into_iter().enumerate();
    numbers.map(|(i, x)| if is_outlier(i) { factor * x } else { x }).collect()
}
