//! A network of linear layers and rectifiers, and its training by Adam.
//!
//! All arithmetic beside the products is f32 and f64 in a fixed order, without functions of the
//! platform, so that every machine trains the same network.

use super::digits::{Digits, PIXELS, TRAINING};
use super::recipe::{Matrix, Precision, Recipe};
use crate::papers::inputs::normal;
use subhalf::recipe::unit_scaling;
use subhalf::{Error, philox4x32_10};

/// Inputs, hidden units, classes.
const SIZES: [usize; 5] = [PIXELS, 128, 128, 128, CLASSES];
const CLASSES: usize = 10;
const BATCH: usize = 96;
const STEPS: usize = TRAINING / BATCH;
/// Adam's step at the start for weights of variance 2/k; it falls to 0 along a line.
const RATE: f32 = 2e-3;
const BETAS: [f32; 2] = [0.9, 0.99];
const EPSILON: f32 = 1e-8;

/// What is left of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Epoch {
    /// The mean cross-entropy of the training images, each before the step it is part of.
    pub(super) training_loss: f64,
    /// The mean cross-entropy of the test images.
    pub(super) test_loss: f64,
    /// The part of the test images that are told right.
    pub(super) accuracy: f64,
}

struct Layer {
    weights: Vec<f32>,
    outputs: usize,
    precision: Precision,
    /// Adam's means of the gradients and of their squares.
    moments: [Vec<f32>; 2],
    /// What Adam's step is multiplied by.
    rate: f32,
    /// Factors of the outputs, of the gradient of the inputs, of that of the weights.
    factors: [f32; 3],
}

struct Network<'a> {
    layers: Vec<Layer>,
    recipe: &'a Recipe,
    /// Factors of a `ReLU` and of its gradient.
    relu: [f32; 2],
    /// The factor of the loss's gradient.
    loss: f32,
    /// Powers of Adam's betas.
    powers: [f32; 2],
}

/// Trains a network and measures it after each epoch.
pub(super) fn train(
    recipe: &Recipe,
    digits: &Digits,
    seed: u32,
    epochs: usize,
) -> Result<Vec<Epoch>, Error> {
    let mut network = Network::new(recipe, seed)?;
    let mut order: Vec<usize> = (0..TRAINING).collect();
    let mut curve = Vec::new();
    for epoch in 0..epochs {
        shuffle(&mut order, seed, epoch);
        let mut loss = 0.0;
        for (step, batch) in order.chunks_exact(BATCH).enumerate() {
            let step = epoch * STEPS + step;
            let mut pixels = Vec::with_capacity(BATCH * PIXELS);
            let mut labels = Vec::with_capacity(BATCH);
            for image in batch {
                let (image, label) = digits.range(*image..image + 1);
                pixels.extend_from_slice(image);
                labels.extend_from_slice(label);
            }
            let left = 1.0 - step as f32 / (epochs * STEPS) as f32;
            let words = (u64::from(seed) << 32) | (step as u64) << 8;
            loss += network.step(pixels, &labels, RATE * left, words)?;
        }
        let (pixels, labels) = digits.range(TRAINING..digits.labels.len());
        let (test_loss, accuracy) = network.test(pixels, labels)?;
        curve.push(Epoch { training_loss: loss / STEPS as f64, test_loss, accuracy });
    }
    Ok(curve)
}

/// A random order (Fisher and Yates).
fn shuffle(order: &mut [usize], seed: u32, epoch: usize) {
    for i in (1..order.len()).rev() {
        let word = philox4x32_10([i as u32, epoch as u32, 1, 0], [seed, 0x5EED])[0];
        // The product's upper half is uniform but for 2^-32.
        order.swap(i, ((u64::from(word) * (i as u64 + 1)) >> 32) as usize);
    }
}

impl<'a> Network<'a> {
    fn new(recipe: &'a Recipe, seed: u32) -> Result<Self, Error> {
        let last = SIZES.len() - 2;
        let layer = |(index, size): (usize, &[usize])| {
            let (inputs, outputs) = (size[0], size[1]);
            let deviation = (2.0 / inputs as f64).sqrt();
            let scale = if recipe.unit_scaled { 1.0 } else { deviation as f32 };
            let mut weights = normal(seed * 16 + index as u32, inputs * outputs);
            weights.iter_mut().for_each(|w| *w *= scale);
            if index != last {
                recipe.kept.round(&mut weights, outputs)?;
            }
            let count = weights.len();
            let factors = unit_scaling::product(BATCH, inputs, outputs).map(|x| x as f32);
            Ok(Layer {
                weights,
                outputs,
                precision: if index == last {
                    recipe.hidden.of_last_layer()
                } else {
                    recipe.hidden
                },
                moments: [vec![0.0; count], vec![0.0; count]],
                // Weights that are larger by a factor move by steps larger by it.
                rate: if recipe.unit_scaled { (1.0 / deviation) as f32 } else { 1.0 },
                factors: if recipe.unit_scaled { factors } else { [1.0; 3] },
            })
        };
        let layers: Result<_, Error> = SIZES.windows(2).enumerate().map(layer).collect();
        let (relu, loss) = if recipe.unit_scaled {
            let relu = [unit_scaling::RELU, unit_scaling::RELU_GRADIENT].map(|x| x as f32);
            (relu, unit_scaling::cross_entropy_gradient(CLASSES) as f32)
        } else {
            ([1.0; 2], 1.0 / BATCH as f32)
        };
        Ok(Self { layers: layers?, recipe, relu, loss, powers: [1.0; 2] })
    }

    /// The inputs of each layer, and the outputs of the last.
    fn forward(&self, pixels: Vec<f32>) -> Result<Vec<Vec<f32>>, Error> {
        let rows = pixels.len() / PIXELS;
        let mut values = vec![pixels];
        for (index, layer) in self.layers.iter().enumerate() {
            let x = Matrix { numbers: &values[index], rows };
            let mut y = layer.precision.outputs(x, layer.matrix())?;
            let hidden = index + 1 < self.layers.len();
            for y in &mut y {
                *y *= layer.factors[0];
                if hidden {
                    *y = y.max(0.0) * self.relu[0];
                }
            }
            values.push(y);
        }
        Ok(values)
    }

    /// A step of Adam on a batch, and the batch's mean loss before it.
    fn step(
        &mut self,
        pixels: Vec<f32>,
        labels: &[u8],
        rate: f32,
        words: u64,
    ) -> Result<f64, Error> {
        let mut values = self.forward(pixels)?;
        let mut gradient = values.pop().expect("outputs");
        let mut loss = 0.0;
        for (logits, label) in gradient.chunks_exact_mut(CLASSES).zip(labels) {
            let p = softmax(logits);
            loss -= p[usize::from(*label)].ln();
            for (class, (logit, p)) in logits.iter_mut().zip(p).enumerate() {
                let target = f64::from(u8::from(class == usize::from(*label)));
                *logit = (p - target) as f32 * self.loss;
            }
        }
        self.powers = [self.powers[0] * BETAS[0], self.powers[1] * BETAS[1]];
        for (index, layer) in self.layers.iter_mut().enumerate().rev() {
            let x = values.pop().expect("the inputs of a layer");
            let g = Matrix { numbers: &gradient, rows: BATCH };
            let inputs = Matrix { numbers: &x, rows: BATCH };
            // Products and layers take random words of their own.
            let word = words | (2 * index as u64);
            let dw = layer.precision.weight_gradient(g, inputs, word)?;
            if index > 0 {
                let mut dx = layer.precision.activation_gradient(g, layer.matrix(), word | 1)?;
                for (dx, x) in dx.iter_mut().zip(&x) {
                    // What a `ReLU` has cut off has no gradient.
                    *dx = if *x > 0.0 { *dx * layer.factors[1] * self.relu[1] } else { 0.0 };
                }
                gradient = dx;
            }
            layer.adam(&dw, rate, self.powers);
            if index + 1 < SIZES.len() - 1 {
                self.recipe.kept.round(&mut layer.weights, layer.outputs)?;
            }
        }
        Ok(loss / labels.len() as f64)
    }

    /// The mean loss, and the part of the images that are told right.
    fn test(&self, pixels: &[f32], labels: &[u8]) -> Result<(f64, f64), Error> {
        let logits = self.forward(pixels.to_vec())?.pop().expect("outputs");
        let (mut loss, mut right) = (0.0, 0);
        for (logits, label) in logits.chunks_exact(CLASSES).zip(labels) {
            let p = softmax(logits);
            let of_label = p[usize::from(*label)];
            loss -= of_label.ln();
            right += usize::from(p.iter().all(|p| *p <= of_label));
        }
        let count = labels.len() as f64;
        Ok((loss / count, right as f64 / count))
    }
}

impl Layer {
    fn matrix(&self) -> Matrix<'_> {
        Matrix { numbers: &self.weights, rows: self.outputs }
    }

    fn adam(&mut self, gradient: &[f32], rate: f32, powers: [f32; 2]) {
        let rate = rate * self.rate;
        let [first, second] = &mut self.moments;
        let moments = first.iter_mut().zip(second);
        for ((w, g), (m, v)) in self.weights.iter_mut().zip(gradient).zip(moments) {
            let g = g * self.factors[2];
            *m = BETAS[0] * *m + (1.0 - BETAS[0]) * g;
            *v = BETAS[1] * *v + (1.0 - BETAS[1]) * g * g;
            let (mean, square) = (*m / (1.0 - powers[0]), *v / (1.0 - powers[1]));
            *w -= rate * mean / (square.sqrt() + EPSILON);
        }
    }
}

/// Probabilities of classes, none of them 0.
fn softmax(logits: &[f32]) -> [f64; CLASSES] {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut p = [0.0; CLASSES];
    for (p, logit) in p.iter_mut().zip(logits) {
        *p = exp(f64::from(logit - largest).max(-600.0));
    }
    let sum: f64 = p.iter().sum();
    p.map(|p| p / sum)
}

/// `e^x` for x from −600 to 0, by sums and products alone.
fn exp(x: f64) -> f64 {
    // Fifteen terms of the series for x / 1024, above −0.6, then ten squares.
    let x = x / 1024.0;
    let mut y = (1..16).rev().fold(1.0, |y, n| 1.0 + x / f64::from(n) * y);
    for _ in 0..10 {
        y *= y;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::super::recipe::RECIPES;
    use super::*;

    #[test]
    fn powers_of_e_are_those_of_the_standard_library() {
        for i in 0..6000 {
            let x = -f64::from(i) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-9, "{x}: {}", exp(x));
        }
    }

    /// The gradient of the weights against the loss at two points beside each weight.
    #[test]
    fn gradients_are_slopes_of_the_loss() -> Result<(), Error> {
        let digits = Digits::read();
        let (pixels, labels) = digits.range(0..BATCH);
        let loss = |layer: usize, index: usize, by: f32| {
            let mut network = Network::new(&RECIPES[0], 1)?;
            network.layers[layer].weights[index] += by;
            network.test(pixels, labels).map(|(loss, _)| loss)
        };
        let mut network = Network::new(&RECIPES[0], 1)?;
        network.step(pixels.to_vec(), labels, 0.0, 0)?;
        for layer in 0..4 {
            // The weight that the loss depends on most.
            let moments = network.layers[layer].moments[0].iter().map(|m| m.abs());
            let index = moments.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
            // A wider step makes more units of ReLU begin or end.
            let slope = (loss(layer, index, 1e-3)? - loss(layer, index, -1e-3)?) / 2e-3;
            // After one step the first moment is a tenth of the gradient.
            let gradient = f64::from(network.layers[layer].moments[0][index]) * 10.0;
            let close = gradient != 0.0 && (slope - gradient).abs() < 0.01 * gradient.abs();
            assert!(close, "layer {layer}: slope {slope}, gradient {gradient}");
        }
        Ok(())
    }
}
