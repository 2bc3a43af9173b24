//! `rand` and `rand_distr`: numbers are those of f32, rounded, and stay in the interval.

use rand::distr::weighted::WeightedIndex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rand_distr::uniform::{SampleUniform, Uniform};
use rand_distr::{Distribution, Exp1, Open01, OpenClosed01, StandardNormal, StandardUniform};
use std::collections::HashSet;
use std::fmt::Debug;
use subhalf::{Code, F8E4M3, Format};

const DRAWS: u64 = 20_000;

/// Numbers of a distribution, beside the f32s that the same generator gives.
fn drawn<T: Format, D: Distribution<T> + Distribution<f32>>(distribution: &D) -> Vec<(f32, T)> {
    let (mut first, mut second) = (SmallRng::seed_from_u64(7), SmallRng::seed_from_u64(7));
    let pairs =
        (0..DRAWS).map(|_| (distribution.sample(&mut first), distribution.sample(&mut second)));
    let pairs = pairs.collect();
    assert_eq!(first, second, "both draw alike");
    pairs
}

/// Each is the f32, rounded under the policy; where that is outside, its neighbour is inside.
fn checked<T: Format + Debug>(pairs: &[(f32, T)], is_inside: impl Fn(f64) -> bool) {
    let name = T::SPEC;
    let mut codes = HashSet::new();
    for &(x, y) in pairs {
        let (code, rounded) =
            (y.to_bits().widen(), T::SPEC.encode_f32_with(x, &T::CONVERT, 0).code);
        codes.insert(code);
        let value = T::SPEC.decode_f64(code);
        if is_inside(T::SPEC.decode_f64(rounded)) {
            assert_eq!(code, rounded, "{name}: {x}");
        } else {
            let step = [T::SPEC.next_down(rounded), T::SPEC.next_up(rounded)];
            assert!(is_inside(value) && step.contains(&Some(code)), "{name}: {x} became {value}");
        }
    }
    // E2M1 has one number between 0 and 1.
    let choices = T::SPEC.codes().filter(|&code| is_inside(T::SPEC.decode_f64(code))).count();
    assert!(codes.len() > 1 || choices == 1, "{name}: always the same");
}

fn distributions<T: Format + Debug>()
where
    StandardUniform: Distribution<T>,
    Open01: Distribution<T>,
    OpenClosed01: Distribution<T>,
    StandardNormal: Distribution<T>,
    Exp1: Distribution<T>,
{
    // Without a zero the smallest number is all that is there near it.
    let has_zero = T::SPEC.zero_code().is_some();
    checked::<T>(&drawn(&StandardUniform), |x| (0.0..1.0).contains(&x));
    checked::<T>(&drawn(&Open01), |x| x > 0.0 && x < 1.0);
    checked::<T>(&drawn(&OpenClosed01), |x| x > 0.0 && x <= 1.0);
    checked::<T>(&drawn(&StandardNormal), |_| true);
    checked::<T>(&drawn(&Exp1), |x| x >= 0.0 || !has_zero);
}

fn uniform<T: Format + SampleUniform + PartialOrd + Debug>() {
    let numbers: Vec<T> = T::SPEC.codes().map(|code| T::from_bits(Code::truncate(code))).collect();
    let finite = |x: &&T| x.decode_f64().is_finite();
    let finite: Vec<T> = numbers.iter().filter(finite).copied().collect();
    let mut rng = SmallRng::seed_from_u64(11);
    for (low, high) in finite
        .iter()
        .step_by(17)
        .flat_map(|low| finite.iter().step_by(13).map(move |high| (*low, *high)))
    {
        let half_open = Uniform::new(low, high);
        // E8M0's widest ranges are wider than f32.
        let width = high.decode_f64() - low.decode_f64();
        if low >= high || width > f64::from(f32::MAX) {
            assert!(half_open.is_err() || width <= f64::from(f32::MAX), "{low:?}..{high:?}");
            continue;
        }
        let (half_open, closed) = (half_open.unwrap(), Uniform::new_inclusive(low, high).unwrap());
        for _ in 0..20 {
            let x = half_open.sample(&mut rng);
            assert!(low <= x && x < high, "{x:?} is not in {low:?}..{high:?}");
            let x = closed.sample(&mut rng);
            assert!(low <= x && x <= high, "{x:?} is not in {low:?}..={high:?}");
        }
    }
    for x in numbers.iter().filter(|x| !x.decode_f64().is_finite()) {
        assert!(Uniform::new(finite[0], *x).is_err() && Uniform::new(*x, finite[0]).is_err());
    }
}

macro_rules! check {
    ($($name:ident)*) => { $(distributions::<subhalf::$name>(); uniform::<subhalf::$name>();)* };
}

#[test]
fn numbers_of_every_type_are_drawn() {
    subhalf::__scalars! { check }
}

#[test]
fn the_neighbours_inside_do_come_up() {
    // Above 1 − 2^-5 an f32 rounds to 1 in E4M3: one of 32 draws.
    let ones = drawn::<F8E4M3, _>(&StandardUniform).iter().filter(|(x, _)| *x >= 0.96875).count();
    assert!((400..900).contains(&ones), "{ones}");
    let rng = &mut SmallRng::seed_from_u64(1);
    let x: F8E4M3 = rng.random_range(F8E4M3::ZERO..F8E4M3::MIN_POSITIVE_SUBNORMAL);
    assert_eq!(x.to_bits(), 0);
    let normal: F8E4M3 = rng.sample(StandardNormal);
    assert!(normal.is_finite());
}

#[test]
fn weights_whose_sum_is_inexact_are_refused() {
    let weights =
        |numbers: &[f32]| numbers.iter().map(|&x| F8E4M3::from_f32(x)).collect::<Vec<_>>();
    let index = WeightedIndex::new(weights(&[1.0, 0.0, 2.0, 0.5])).unwrap();
    let mut rng = SmallRng::seed_from_u64(3);
    let mut counts = [0; 4];
    (0..7000).for_each(|_| counts[index.sample(&mut rng)] += 1);
    assert!(counts[1] == 0 && counts[2] > counts[0] && counts[0] > counts[3], "{counts:?}");
    // 16 + 0.5 is no number of E4M3, 448 + 448 neither.
    assert!(WeightedIndex::new(weights(&[16.0, 0.5])).is_err());
    assert!(WeightedIndex::new(weights(&[448.0, 448.0])).is_err());
}
