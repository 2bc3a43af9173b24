//! Where float8 0.7.0 and subhalf differ, over all codes and pairs of codes: each difference is of a
//! known kind, or a test fails.

use num_traits::Float;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

type Unary<T> = (&'static str, fn(T) -> T);

fn unary<T: Float>() -> Vec<Unary<T>> {
    macro_rules! list {
        ($($name:ident)*) => { vec![$((stringify!($name), T::$name as fn(T) -> T)),*] };
    }
    list! {
        floor ceil round trunc fract abs signum recip sqrt exp exp2 ln log2 log10 cbrt sin cos tan asin acos
        atan exp_m1 ln_1p sinh cosh tanh asinh acosh atanh to_degrees to_radians
    }
}

/// float8 makes its largest number of every infinity, of IEEE 754's too, and its types call a finite
/// code infinity. subhalf keeps infinity where the format has it.
const INFINITY: &str = "infinity becomes the largest number in float8";
/// `max` and `min` of a number and NaN: the number, says Rust and IEEE 754 (maximumNumber).
const NAN: &str = "NaN hides a number in float8";
/// float8 computes functions in f32 and rounds again: the wrong neighbour next to a tie.
const TWICE: &str = "rounded twice in float8";

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Why two results differ. `right` is the f64 result, rounded by subhalf to the format.
fn kind(what: &str, theirs: f64, ours: f64, right: f64) -> Option<&'static str> {
    if ours.is_infinite() && theirs.is_finite() && theirs.signum() == ours.signum() {
        Some(INFINITY)
    } else if ["max", "min"].contains(&what) && theirs.is_nan() && !ours.is_nan() {
        Some(NAN)
    } else if same(ours, right) && !same(theirs, right) {
        Some(TWICE)
    } else {
        None
    }
}

macro_rules! compare {
    ($name:ident) => {{
        use float8::$name as Theirs;
        use subhalf::$name as Ours;
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut note = |what: &'static str, code: u32, theirs: f64, ours: f64, right: f64| {
            if !same(theirs, ours) {
                let Some(kind) = kind(what, theirs, ours, Ours::from_f64(right).to_f64()) else {
                    panic!("{what} of {code:#x}: float8 {theirs}, subhalf {ours}, f64 {right:?}");
                };
                found.entry(kind).or_default().insert(what);
            }
        };
        for code in 0..=255u8 {
            let (a, b) = (Theirs::from_bits(code), Ours::from_bits(code));
            note("value", code.into(), a.to_f64(), b.to_f64(), f64::NAN);
            for ((what, theirs), (_, ours)) in unary::<Theirs>().into_iter().zip(unary::<Ours>()) {
                let exact = unary::<f64>().into_iter().find(|(name, _)| *name == what).unwrap().1(
                    b.to_f64(),
                );
                note(what, code.into(), theirs(a).to_f64(), ours(b).to_f64(), exact);
            }
        }
        for pair in 0..=0xFFFFu32 {
            let [x, y] = [pair as u8, (pair >> 8) as u8];
            let (a, b) = (Theirs::from_bits(x), Theirs::from_bits(y));
            let (c, d) = (Ours::from_bits(x), Ours::from_bits(y));
            let (e, f) = (c.to_f64(), d.to_f64());
            note("add", pair, (a + b).to_f64(), (c + d).to_f64(), e + f);
            note("sub", pair, (a - b).to_f64(), (c - d).to_f64(), e - f);
            note("mul", pair, (a * b).to_f64(), (c * d).to_f64(), e * f);
            note("div", pair, (a / b).to_f64(), (c / d).to_f64(), e / f);
            note("rem", pair, (a % b).to_f64(), (c % d).to_f64(), e % f);
            note("powf", pair, a.powf(b).to_f64(), c.powf(d).to_f64(), e.powf(f));
            note(
                "hypot",
                pair,
                Float::hypot(a, b).to_f64(),
                Float::hypot(c, d).to_f64(),
                e.hypot(f),
            );
            note(
                "atan2",
                pair,
                Float::atan2(a, b).to_f64(),
                Float::atan2(c, d).to_f64(),
                e.atan2(f),
            );
            note("max", pair, Float::max(a, b).to_f64(), Float::max(c, d).to_f64(), e.max(f));
            note("min", pair, Float::min(a, b).to_f64(), Float::min(c, d).to_f64(), e.min(f));
        }
        found
    }};
}

#[test]
fn every_difference_is_of_a_known_kind() {
    let e4m3 = compare!(F8E4M3);
    assert_eq!(e4m3, BTreeMap::from([(NAN, BTreeSet::from(["max", "min"]))]));
    let e5m2 = compare!(F8E5M2);
    assert_eq!(e5m2.keys().copied().collect::<Vec<_>>(), [NAN, INFINITY, TWICE]);
    println!("rounded twice: {:?}", e5m2[TWICE]);
}

/// Constants of float8 that its own codes contradict.
#[test]
fn wrong_constants_of_float8() {
    use subhalf::{F8E4M3, F8E5M2};
    // 416 is called the largest number, and 448 infinity; E4M3 has none.
    assert_eq!((float8::F8E4M3::MAX.to_f32(), F8E4M3::MAX.to_f32()), (416.0, 448.0));
    assert_eq!(float8::F8E4M3::INFINITY.to_f32(), 448.0);
    assert_eq!((float8::F8E5M2::MAX.to_f32(), F8E5M2::MAX.to_f32()), (49152.0, 57344.0));
    assert_eq!(float8::F8E5M2::INFINITY.to_f32(), 57344.0);
    assert_eq!(F8E5M2::INFINITY.to_f32(), f32::INFINITY);
    // The hidden bit is one of the digits, and 2^MAX_EXP is above every number.
    assert_eq!((float8::F8E4M3::MANTISSA_DIGITS, F8E4M3::MANTISSA_DIGITS), (3, 4));
    assert_eq!((float8::F8E5M2::MANTISSA_DIGITS, F8E5M2::MANTISSA_DIGITS), (2, 3));
    assert_eq!((float8::F8E4M3::MAX_EXP, F8E4M3::MAX_EXP), (7, 9));
    assert_eq!((float8::F8E5M2::MAX_EXP, F8E5M2::MAX_EXP), (15, 16));
}
