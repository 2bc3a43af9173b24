//! Scales that a closure finds, block by block, from everything that it knows besides the elements:
//! percentiles, weights of a calibration, a table.

use super::Quantizer;
use crate::block::{BlockStats, Geometry, Number};
use crate::error::Error;
use crate::ops::numbers::Numbers;
use crate::ops::real::Source;
use alloc::vec::Vec;

impl Quantizer<'_> {
    /// Asks a closure for the scale of each block, in the order that [`scales`](Self::scales) wants
    /// them. The closure sees the statistics of the elements as they are, before a tensor scale, and
    /// the elements themselves, row-major, as the nearest f32s; blocks come in the order of their
    /// scales. [`ScaleRule::Custom`](crate::ScaleRule::Custom) does the same in each quantization,
    /// with a function that knows nothing but its block.
    ///
    /// ```
    /// use subhalf::{Quantizer, preset};
    /// let x: Vec<f32> = (0..64).map(|i| if i == 7 { 100.0 } else { (i % 32) as f32 / 8.0 }).collect();
    /// let quantizer = Quantizer::new(&preset::generic::INT4_G32);
    /// // The 95th percentile in place of the maximum, and a calibration's weight for each block.
    /// let weights = [1.0, 0.5];
    /// let mut weights = weights.iter();
    /// let scales = quantizer.scales_by(&x, &[2, 32], |block| {
    ///     weights.next().unwrap() * block.magnitude_quantile(0.95) / 7.0
    /// })?;
    /// assert_eq!(scales, [3.875 / 7.0, 0.5 * 3.75 / 7.0]);
    /// let tensor = quantizer.scales(&scales, &[]).quantize(&x, &[2, 32])?;
    /// assert!(tensor.dequantize()[..7].iter().zip(&x).all(|(a, b)| (a - b).abs() < 0.28));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] and
    /// [`Error::Length`] for a shape that is not the data's.
    pub fn scales_by<T: Source>(
        &self,
        src: &[T],
        shape: &[usize],
        mut rule: impl FnMut(&BlockStats<'_>) -> f32,
    ) -> Result<Vec<f32>, Error> {
        self.spec.validate()?;
        let geometry = Geometry::of(self.spec, shape)?;
        let src: Numbers<'_> = T::source(src);
        Error::check_length("elements", geometry.lines() * geometry.cols, src.len())?;
        let mut scales = Vec::with_capacity(geometry.blocks());
        let mut elements = Vec::new();
        for band in 0..geometry.matrices * geometry.grid_rows {
            for column in 0..geometry.grid_cols {
                let cols = geometry.block_cols(column);
                elements.clear();
                for line in geometry.band(band) {
                    let start = line * geometry.cols;
                    let row = src.range(start + cols.start..start + cols.end);
                    elements.extend(row.each().map(Number::nearest));
                }
                scales.push(rule(&BlockStats::of_slice(&elements)));
            }
        }
        Ok(scales)
    }
}
