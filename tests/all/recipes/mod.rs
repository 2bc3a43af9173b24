//! Papers as functions: worked vectors from the papers, second implementations that share no code
//! with the crate, and properties. The inputs are drawn by [`normals`].

mod bits;
mod blocks;
mod codebooks;
mod layouts;
mod search;
mod training;

use crate::stochastic::SplitMix64;

/// Normal numbers by Box and Muller.
pub(crate) fn normals(seed: u64, length: usize, deviation: f64) -> Vec<f32> {
    let mut random = SplitMix64(seed);
    let mut uniform = || ((random.next().unwrap() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let number = |_| {
        let (u, v) = (uniform(), uniform());
        (deviation * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    };
    (0..length).map(number).collect()
}

/// The mean squared error.
pub(crate) fn mse(x: &[f32], y: &[f32]) -> f64 {
    assert_eq!(x.len(), y.len());
    x.iter().zip(y).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>()
        / x.len() as f64
}

/// Signal over noise in decibels.
pub(crate) fn sqnr(x: &[f32], y: &[f32]) -> f64 {
    let signal = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len() as f64;
    10.0 * (signal / mse(x, y)).log10()
}

/// The number of `levels` nearest to x, the first in a tie.
pub(crate) fn nearest(levels: &[f64], x: f64) -> f64 {
    levels.iter().copied().fold(f64::INFINITY, |best, level| {
        if (level - x).abs() < (best - x).abs() { level } else { best }
    })
}

/// E2M1, both signs.
pub(crate) const E2M1: [f64; 15] =
    [-6.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

#[test]
fn every_function_and_test_of_the_document_is_there() {
    let read = |path: &str| {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let document = read("docs/papers.md");
    let tests: String = ["bits", "blocks", "codebooks", "layouts", "search", "training"]
        .map(|file| format!("tests/all/recipes/{file}.rs"))
        .iter()
        .chain(&["tests/all/transforms.rs".to_owned()])
        .map(|path| read(path))
        .collect();
    let public = read("src/recipe/mod.rs") + &read("src/recipe/schemes.rs") + &read("src/lib.rs");
    let (_, table) = document.split_once("| paper | what | function | test | reading |").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    let words = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        for name in words(cells[3]) {
            let name = name.rsplit("::").next().unwrap();
            assert!(public.contains(name), "{name}");
        }
        let named = words(cells[4]);
        assert!(!named.is_empty(), "{row}");
        for name in named {
            assert!(tests.contains(&format!("fn {name}()")), "{name}");
        }
    }
}
