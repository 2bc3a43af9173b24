use num_traits::{Float, FromPrimitive, ToPrimitive};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use serde::{Deserialize, Serialize};

/// A layer with weights in E4M3 and gradients in E5M2, as a checkpoint has it.
#[derive(Serialize, Deserialize)]
pub struct Layer {
    weight: Vec<F8E4M3>,
    gradient: Vec<F8E5M2>,
    largest: F8E4M3,
}

impl Layer {
    pub fn random(seed: u64, len: usize) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let weight: Vec<F8E4M3> = (0..len).map(|_| StandardNormal.sample(&mut rng)).collect();
        let gradient = (0..len).map(|_| rng.sample(StandardUniform)).collect();
        let largest = weight.iter().fold(F8E4M3::ZERO, |most, x| most.max(Float::abs(*x)));
        Self { weight, gradient, largest }
    }

    /// One step of gradient descent, each operation in FP8.
    pub fn step(&mut self, rate: f32) {
        let rate = F8E5M2::from_f32(rate);
        for (weight, gradient) in self.weight.iter_mut().zip(&self.gradient) {
            let change = F8E4M3::from_f32((*gradient * rate).to_f32());
            *weight -= change;
        }
    }
}

/// A softmax over any float.
pub fn softmax<T: Float>(x: &[T]) -> Vec<T> {
    let most = x.iter().fold(x[0], |most, &x| most.max(x));
    let powers: Vec<T> = x.iter().map(|&x| (x - most).exp()).collect();
    let sum = powers.iter().fold(T::zero(), |sum, &x| sum + x);
    powers.into_iter().map(|power| power / sum).collect()
}

/// The root of the mean square, and a polynomial by Horner.
pub fn root_mean_square<T: Float + FromPrimitive>(x: &[T]) -> Option<T> {
    let squares = x.iter().fold(T::zero(), |sum, &x| x.mul_add(x, sum));
    Some((squares / T::from_usize(x.len())?).sqrt())
}

pub fn horner<T: Float>(x: T, coefficients: &[f32]) -> Option<T> {
    coefficients.iter().try_fold(T::zero(), |sum, &c| Some(sum * x + T::from(c)?))
}

/// All that the program makes, as codes.
pub fn run(seed: u64) -> (String, Vec<u8>) {
    let mut layer = Layer::random(seed, 16);
    layer.step(0.25);
    let text = serde_json::to_string(&layer).unwrap();
    let layer: Layer = serde_json::from_str(&text).unwrap();
    let mut made = softmax(&layer.weight[..8]);
    made.extend(root_mean_square(&layer.weight[..16]));
    made.extend(layer.weight.iter().filter_map(|&x| horner(x, &[0.5, -1.0, 0.25])));
    made.extend(layer.weight.iter().map(|x| x.tanh() * x.sin().cos() + x.powi(3).atan()));
    made.push("-0.3".parse::<F8E4M3>().unwrap().signum() * layer.largest);
    let mut codes: Vec<u8> = made.iter().map(|x| x.to_bits()).collect();
    codes.extend(softmax(&layer.gradient).iter().map(|x| x.to_bits()));
    codes.extend(layer.gradient.iter().filter_map(|&x| (x.to_f64() * 100.0).to_u8()));
    (text, codes)
}
