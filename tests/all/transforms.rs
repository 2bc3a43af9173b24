//! Hadamard transforms: against a recursion that shares no code with the kernel, bit for bit on
//! every instruction set, and against the matrix in f64; worked vectors; the inverse.

use crate::random_words::documented_word;
use crate::stochastic::SplitMix64;
use subhalf::{Exec, Hadamard, Isa};

const LENGTHS: [usize; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// H·x by halves: the halves' sum is transformed into the first half, their difference into the
/// second.
fn recursion(x: &[f32]) -> Vec<f32> {
    if let [x] = x {
        return vec![*x];
    }
    let (a, b) = x.split_at(x.len() / 2);
    let sum: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
    let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    [recursion(&sum), recursion(&difference)].concat()
}

/// 1/√n rounded to f32 once: f64's root is exact for 4^k, and far from a midpoint for 2 · 4^k.
fn factor(length: usize) -> f32 {
    (1.0 / (length as f64).sqrt()) as f32
}

fn numbers(seed: u64, length: usize) -> Vec<f32> {
    let mut random = SplitMix64(seed);
    let mut number = || {
        let word = random.next().unwrap();
        (word as i32 as f32 / 2.0f32.powi(31)) * 2.0f32.powi((word >> 40) as i32 % 6)
    };
    (0..length).map(|_| number()).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_instruction_set_adds_in_the_documented_order() {
    for length in LENGTHS {
        let rotation = Hadamard::random(length, 9).unwrap();
        let x = numbers(length as u64, 5 * length);
        let signed = |x: &[f32]| -> Vec<f32> {
            x.iter().zip(rotation.signs()).map(|(x, sign)| x * sign).collect()
        };
        let scaled = |x: &[f32]| -> Vec<f32> { x.iter().map(|x| x * factor(length)).collect() };
        let forward: Vec<f32> =
            x.chunks(length).flat_map(|x| scaled(&recursion(&signed(x)))).collect();
        let inverse: Vec<f32> =
            x.chunks(length).flat_map(|x| signed(&scaled(&recursion(x)))).collect();
        for isa in Isa::available() {
            for exec in [Exec::SERIAL, Exec::PARALLEL].map(|exec| exec.with_isa(isa)) {
                let mut y = x.clone();
                rotation.forward_with(&mut y, exec).unwrap();
                assert_eq!(bits(&y), bits(&forward), "{length} {}", isa.name());
                let mut y = x.clone();
                rotation.inverse_with(&mut y, exec).unwrap();
                assert_eq!(bits(&y), bits(&inverse), "{length} {}", isa.name());
            }
        }
    }
}

#[test]
fn the_transform_is_the_matrix_and_its_inverse_the_transpose() {
    for length in [16usize, 32, 256, 4096] {
        let rotation = Hadamard::random(length, 3).unwrap();
        let x = numbers(7, length);
        let norm = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        // A stage rounds by half a unit of 2^-24 at most, relative to a norm that grows to √n
        // times; the factor and the last product add a unit.
        let bound = norm * f64::from(length.ilog2() + 2) * 2.0f64.powi(-24);
        let entry = |i: usize, j: usize| {
            let sign = if (i & j).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            f64::from(rotation.signs()[i]) * sign / (length as f64).sqrt()
        };
        let mut y = x.clone();
        rotation.forward(&mut y).unwrap();
        // All columns of short blocks, some of long ones.
        for j in (0..length).step_by(1 + length / 64) {
            let exact: f64 = (0..length).map(|i| f64::from(x[i]) * entry(i, j)).sum();
            assert!((f64::from(y[j]) - exact).abs() <= bound, "{length} {j}");
        }
        rotation.inverse(&mut y).unwrap();
        let error = x.iter().zip(&y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>().sqrt();
        assert!(error <= 2.0 * bound * (length as f64).sqrt() && error > 0.0, "{length}: {error}");
        if length.ilog2() % 2 == 0 {
            // Small integers go through without a rounding, so the inverse is exact.
            let integers: Vec<f32> = (0..length).map(|i| (i * 7 % 31) as f32 - 15.0).collect();
            let mut y = integers.clone();
            rotation.forward(&mut y).unwrap();
            rotation.inverse(&mut y).unwrap();
            assert_eq!(y, integers);
        }
    }
}

#[test]
fn transformer_engine_has_its_published_signs_and_columns() {
    // nvfp4_tensor.py of Transformer Engine.
    let signs = [1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1].map(|s| s as f32);
    let rotation = Hadamard::transformer_engine();
    assert_eq!(rotation.signs(), signs);
    assert_eq!(rotation, Hadamard::with_signs(&signs).unwrap());
    let unit = |at: usize, size: f32| {
        let mut x = [0.0f32; 16];
        x[at] = size;
        rotation.forward(&mut x).unwrap();
        x
    };
    assert_eq!(unit(0, 16.0), [4.0; 16]);
    assert_eq!(unit(3, 1.0)[..6], [-0.25, 0.25, 0.25, -0.25, -0.25, 0.25]);
    // (8, 0.5, −0.3, 0.1) in a block of 4 is (4.15, 3.55, 4.35, 3.95); a block of 16 with the other
    // numbers zero repeats it at half its size.
    let mut x = [0.0; 16];
    x[..4].copy_from_slice(&[8.0, 0.5, -0.3, 0.1]);
    Hadamard::new(16).unwrap().forward(&mut x).unwrap();
    for (y, expected) in x.iter().zip([4.15, 3.55, 4.35, 3.95].iter().cycle()) {
        assert!((y - expected / 2.0f32).abs() < 1e-6, "{y}");
    }
}

#[test]
fn random_signs_are_the_documented_bits_of_the_generator() {
    let rotation = Hadamard::random(64, 0x1234_5678_9ABC).unwrap();
    for (i, sign) in rotation.signs().iter().enumerate() {
        let bit = documented_word(0x1234_5678_9ABC, i as u64, 16) & 1;
        assert_eq!(*sign, 1.0 - 2.0 * bit as f32, "{i}");
    }
    assert_ne!(rotation, Hadamard::random(64, 1).unwrap());
    assert!(rotation.signs().contains(&1.0) && rotation.signs().contains(&-1.0));
}

#[test]
fn infinities_and_nans_spread_over_their_block_alone() {
    let rotation = Hadamard::new(32).unwrap();
    for special in [f32::INFINITY, f32::from_bits(0xFFC1_2345)] {
        let mut x = vec![1.0f32; 96];
        (x[32], x[40]) = (special, -special);
        rotation.forward(&mut x).unwrap();
        assert_eq!((x[0], x[1], x[64]), (32.0 * factor(32), 0.0, 32.0 * factor(32)));
        // Infinity minus infinity in one half, of either sign in the other; every NaN is the same.
        for y in &x[32..64] {
            assert!(y.is_infinite() || y.to_bits() == 0x7FC0_0000, "{y}");
        }
        assert!(x[32..64].iter().any(|y| y.is_nan()));
    }
}

#[test]
fn other_lengths_and_signs_are_refused() {
    for length in [0, 1, 8, 24, 8192] {
        assert!(Hadamard::new(length).is_err(), "{length}");
        assert!(Hadamard::random(length, 0).is_err(), "{length}");
        assert!(Hadamard::with_signs(&vec![1.0; length]).is_err(), "{length}");
    }
    let mut signs = [1.0f32; 16];
    for wrong in [0.0, 2.0, f32::NAN, f32::NEG_INFINITY] {
        signs[5] = wrong;
        let error = Hadamard::with_signs(&signs).unwrap_err().to_string();
        assert!(error.starts_with("sign 5: expected 1 or -1, found"), "{error}");
    }
    let mut x = [1.0f32; 33];
    let error = Hadamard::new(16).unwrap().forward(&mut x).unwrap_err().to_string();
    assert_eq!(error, "numbers in whole blocks of the transform: expected 48, found 33");
    assert_eq!(x, [1.0; 33]);
    let error = Hadamard::new(48).unwrap_err().to_string();
    assert_eq!(error, "Hadamard transform: expected blocks of a power of two of numbers");
    Hadamard::new(16).unwrap().forward(&mut []).unwrap();
}
