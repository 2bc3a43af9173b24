//! `num_traits::Float` and `FloatCore` of every signed type, against f64 and the functions of the
//! platform's own library, which share no code with libm's.

use num_traits::Float;
use num_traits::float::FloatCore;
use std::fmt::Debug;
use subhalf::{Binary4p2sf, F4E2M1, F8E4M3, F8E4M3Fnuz, F8E5M2, Format, HiF8};

type Function<T> = fn(T) -> T;

/// Functions of the type and of f64.
fn functions<T: Float>() -> [(&'static str, Function<T>, Function<f64>); 22] {
    macro_rules! pairs {
        ($($name:ident)*) => { [$((stringify!($name), T::$name, f64::$name)),*] };
    }
    pairs! {
        exp exp2 ln log2 tanh sqrt
        log10 cbrt sin cos tan asin acos atan exp_m1 ln_1p sinh cosh asinh acosh atanh to_degrees
    }
}

/// The code is that of the f64, and of every number within 2^-48 of it: whatever the last bits of
/// the f64 are, the rounding is that of the real number. Otherwise the f64 must be the number
/// itself.
fn is_rounded<T: Format>(found: T, near: f64, exact: bool, what: &dyn Fn() -> String) {
    let code = |x: f64| T::encode_f64(x).decode_f64();
    let found = found.decode_f64();
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(same(found, code(near)), "{}: {found} for {near}", what());
    let band = 48f64.exp2().recip();
    let wider = |x: f64| if near.is_finite() { x.clamp(f64::MIN, f64::MAX) } else { x };
    let settled =
        [near * (1.0 - band), wider(near * (1.0 + band))].iter().all(|&x| same(code(x), found));
    assert!(settled || exact, "{}: {near} is too near to a boundary", what());
}

fn all<T: Format>() -> Vec<T> {
    T::SPEC.codes().map(|code| T::from_bits(subhalf::Code::truncate(code))).collect()
}

fn functions_are_rounded<T: Format + Float + Debug>() {
    for (name, function, reference) in functions::<T>() {
        for x in all::<T>() {
            let y = reference(x.decode_f64());
            // What is too large for f64 is a number all the same; only ln, log and atanh have poles.
            let grows = ["exp", "exp2", "exp_m1", "sinh", "cosh"].contains(&name);
            let y =
                if grows && x.decode_f64().is_finite() { y.clamp(f64::MIN, f64::MAX) } else { y };
            // Roots, powers of two and the like: short results are exact ones.
            let exact = y.to_bits().trailing_zeros() >= 40;
            is_rounded(function(x), y, exact, &|| format!("{name} of {x:?} in {}", T::SPEC));
        }
    }
    // Powers have a test of their own; here they are compared with products in f64.
    for (x, n) in all::<T>().into_iter().flat_map(|x| (-4..=4).map(move |n| (x, n))) {
        // Division by zero is the policy's business.
        if n < 0 && x.is_zero() {
            continue;
        }
        let y = x.decode_f64().powi(n);
        let exact = y.to_bits().trailing_zeros() >= 20;
        let what = || format!("{x:?} to the {n} in {}", T::SPEC);
        is_rounded(Float::powi(x, n), y, exact, &what);
    }
}

fn integers_are_those_of_f64<T: Format + Float + FloatCore + Debug>() {
    for x in all::<T>() {
        let wide = x.decode_f64();
        let same = |found: T, expected: f64, what: &str| {
            let expected = T::encode_f64(expected).decode_f64();
            let found = found.decode_f64();
            assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{what} of {x:?} in {}: {found} instead of {expected}",
                T::SPEC
            );
        };
        same(Float::floor(x), wide.floor(), "floor");
        same(Float::ceil(x), wide.ceil(), "ceil");
        same(Float::round(x), wide.round(), "round");
        same(Float::trunc(x), wide.trunc(), "trunc");
        same(FloatCore::floor(x), wide.floor(), "floor");
        same(Float::abs(x), wide.abs(), "abs");
        if wide.is_finite() && wide != 0.0 {
            assert_eq!(Float::fract(x).decode_f64(), wide.fract(), "{x:?}");
            let (significand, exponent, sign) = Float::integer_decode(x);
            let back = f64::from(sign) * significand as f64 * f64::from(exponent).exp2();
            assert_eq!(back, wide, "{x:?}");
        }
        assert_eq!(Float::is_nan(x), wide.is_nan());
        assert_eq!(Float::is_finite(x), wide.is_finite());
    }
    let made = |x: f64| T::encode_f64(x).to_bits();
    assert_eq!(<T as Float>::infinity().to_bits(), made(f64::INFINITY));
    assert_eq!(<T as FloatCore>::neg_infinity().to_bits(), made(f64::NEG_INFINITY));
    assert_eq!(<T as Float>::nan().to_bits(), made(f64::NAN));
    assert_eq!(<T as Float>::neg_zero().to_bits(), made(-0.0));
    assert_eq!(<T as FloatCore>::max_value().to_bits(), T::largest().to_bits());
}

macro_rules! check {
    ($($name:ident)*) => {$(
        functions_are_rounded::<subhalf::$name>();
        integers_are_those_of_f64::<subhalf::$name>();
    )*};
}

/// Every type of the crate but the unsigned ones, which have no −1.
#[test]
fn functions_of_every_signed_type_are_rounded_once() {
    check! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1
        HiF8 Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf
        Binary4p2sf
    }
}

fn pairs_are_rounded<T: Format + Float + Debug>() {
    for (x, y) in all::<T>().iter().flat_map(|x| all::<T>().into_iter().map(move |y| (*x, y))) {
        let (a, b) = (x.decode_f64(), y.decode_f64());
        let what = |name: &'static str| move || format!("{name} of {x:?} and {y:?} in {}", T::SPEC);
        for (name, found, near) in [
            // A power of finite numbers other than 0 is finite, however large it is.
            (
                "powf",
                x.powf(y),
                if a != 0.0 && a.is_finite() && b.is_finite() {
                    a.powf(b).clamp(f64::MIN, f64::MAX)
                } else {
                    a.powf(b)
                },
            ),
            ("hypot", x.hypot(y), a.hypot(b)),
            ("atan2", x.atan2(y), a.atan2(b)),
        ] {
            let exact = near.to_bits().trailing_zeros() >= 30;
            is_rounded(found, near, exact, &what(name));
        }
    }
}

#[test]
fn functions_of_two_numbers_are_rounded_once() {
    pairs_are_rounded::<F8E4M3>();
    pairs_are_rounded::<F8E5M2>();
    pairs_are_rounded::<F8E4M3Fnuz>();
    pairs_are_rounded::<HiF8>();
    pairs_are_rounded::<F4E2M1>();
    pairs_are_rounded::<Binary4p2sf>();
}

/// What generic code does with a float: here a stable softmax.
fn softmax<T: Float>(x: &[T]) -> Vec<T> {
    let largest = x.iter().fold(T::neg_infinity(), |a, &b| a.max(b));
    let powers: Vec<T> = x.iter().map(|&x| (x - largest).exp()).collect();
    let sum = powers.iter().fold(T::zero(), |a, &b| a + b);
    powers.iter().map(|&power| power / sum).collect()
}

#[test]
fn generic_code_takes_the_types() {
    let numbers = |x: Vec<F8E4M3>| x.iter().map(|x| x.to_f32()).collect::<Vec<_>>();
    let x = [1.0, 2.0, 3.0].map(F8E4M3::from_f32);
    // e^-2 = 0.1353 -> 0.140625, e^-1 = 0.3679 -> 0.375; 0.515625 -> 0.5; 1.5.
    assert_eq!(numbers(softmax(&x)), [0.09375, 0.25, 0.6875]);
    #[cfg(feature = "rand")]
    {
        use rand::{SeedableRng, rngs::SmallRng};
        use rand_distr::{Distribution, Normal};
        let normal = Normal::new(F8E4M3::from_f32(3.0), F8E4M3::from_f32(0.25)).unwrap();
        let rng = &mut SmallRng::seed_from_u64(5);
        let mean = (0..1000).map(|_| normal.sample(rng).to_f32()).sum::<f32>() / 1000.0;
        assert!((mean - 3.0).abs() < 0.05, "{mean}");
    }
}
