//! Error statistics worked out by hand, and their edges.

extern crate std;
use super::errors::decibels;
use super::*;
use crate::ops::Exec;
use crate::policy::{Infinity, Negative, Overflow};
use crate::random::Dither;
use crate::round::{Round, Stochastic};
use crate::spec::FormatSpec;
use core::f64::consts::LOG10_E;
use std::string::ToString;
use std::vec::Vec;

fn stored<T: Copy + Sync + Into<f64>>(spec: FormatSpec, src: &[T], scale: f32) -> ErrorStats {
    storage_error(&spec, src, scale, &spec.default_convert(), Dither::NONE, Exec::default())
        .unwrap()
}

#[test]
fn decibels_agree_with_the_platform() {
    assert_eq!((decibels(1.0), decibels(10.0), decibels(1e6)), (0.0, 10.0, 60.0));
    let mut x = f64::MIN_POSITIVE;
    while x < 1e300 {
        let expected = 10.0 * x.log10();
        assert!(
            (decibels(x) - expected).abs() <= 4e-16 * expected.abs().max(10.0),
            "{x}: {} {expected}",
            decibels(x)
        );
        x *= 1.37;
    }
    // Around 1, where the result is small: ln(1 + d) = d - d²/2.
    let d = 2.0f64.powi(-30);
    assert!((decibels(1.0 + d) / (10.0 * LOG10_E * (d - d * d / 2.0)) - 1.0).abs() < 1e-15);
}

#[test]
fn unscaled_e4m3_by_hand() {
    // 449 becomes 448 and does not overflow (the boundary is 464), 500 does. 2^-10 is half the
    // smallest number and goes to the even code, 0.
    let stats = stored(FormatSpec::F8E4M3, &[449.0f32, 500.0, -1.0625, 0.0009765625, 0.0], 1.0);
    assert_eq!((stats.count(), stats.measured()), (5, 5));
    assert_eq!((stats.saturated(), stats.flushed(), stats.nan()), (1, 1, 0));
    assert_eq!(stats.max_abs_error(), 52.0);
    assert_eq!(stats.mean_abs_error(), (1.0 + 52.0 + 0.0625 + 0.0009765625) / 5.0);
    assert_eq!(stats.noise(), 1.0 + 2704.0 + 0.00390625 + 0.00000095367431640625);
    assert_eq!(stats.signal(), 201_601.0 + 250_000.0 + 1.12890625 + 0.00000095367431640625);
    assert_eq!(stats.sqnr_db().to_string(), "22.23"); // 10 log10(451602.129 / 2705.004)
}

#[test]
fn scaled_int8_by_hand() {
    // amax 254 -> scale 2: 3 / 2 = 1.5 ties to 2 and comes back as 4.
    let x = [254.0f64, -100.0, 3.0, 0.5];
    let scale = amax_scale(&FormatSpec::INT8, &x, Exec::default());
    assert_eq!(scale, 2.0);
    let stats = stored(FormatSpec::INT8, &x, scale);
    assert_eq!((stats.noise(), stats.saturated(), stats.flushed()), (1.25, 0, 1));
    assert_eq!(stats.max_abs_error(), 1.0);
}

#[test]
fn what_is_not_finite_stays_out_of_the_sums() {
    let x = [1.0f32, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -2.0];
    let stats = stored(FormatSpec::F4E2M1, &x, 1.0);
    assert_eq!(
        (stats.count(), stats.measured(), stats.nan_references(), stats.infinite_references()),
        (5, 2, 1, 2)
    );
    assert_eq!((stats.saturated(), stats.nan()), (2, 0), "infinities were clamped to 6 and -6");
    assert_eq!((stats.signal(), stats.sqnr_db()), (5.0, Sqnr::Exact));
    // E5M2 keeps infinity; made NaN, it is counted as such.
    assert_eq!(stored(FormatSpec::F8E5M2, &x, 1.0).saturated(), 0);
    let to_nan = FormatSpec::F8E4M3.default_convert().with_infinity(Infinity::Special);
    let stats = storage_error(&FormatSpec::F8E4M3, &x, 1.0, &to_nan, Dither::NONE, Exec::default())
        .unwrap();
    assert_eq!((stats.nan(), stats.saturated(), stats.sqnr_db()), (2, 2, Sqnr::Undefined));
}

#[test]
fn numbers_stored_as_nan_leave_the_ratio_undefined() {
    let stats = stored(FormatSpec::UE4M3, &[1.0f32, -1.0], 1.0);
    assert_eq!((stats.nan(), stats.measured(), stats.sqnr_db()), (1, 1, Sqnr::Undefined));
    let clamp = FormatSpec::UE4M3.default_convert().with_negative(Negative::Clamp);
    let stats = storage_error(
        &FormatSpec::UE4M3,
        &[1.0f32, -1.0],
        1.0,
        &clamp,
        Dither::NONE,
        Exec::default(),
    )
    .unwrap();
    assert_eq!(
        (stats.nan(), stats.flushed(), stats.sqnr_db()),
        (0, 1, Sqnr::Decibels(decibels(2.0)))
    );
    let special = FormatSpec::F8E4M3.default_convert().with_overflow(Overflow::Special);
    let stats = storage_error(
        &FormatSpec::F8E4M3,
        &[1000.0f32],
        1.0,
        &special,
        Dither::NONE,
        Exec::default(),
    )
    .unwrap();
    assert_eq!((stats.nan(), stats.saturated()), (1, 1));
}

#[test]
fn ratios_at_the_edges() {
    assert_eq!(ErrorStats::new().sqnr_db(), Sqnr::Exact);
    assert_eq!(ErrorStats::new().mean_abs_error(), 0.0);
    assert_eq!(stored(FormatSpec::F8E4M3, &[0.0f32, -0.0], 1.0).sqnr_db(), Sqnr::Exact);
    // E8M0 has no zero: an error without a signal.
    let stats = stored(FormatSpec::E8M0, &[0.0f32], 1.0);
    assert_eq!((stats.sqnr_db(), stats.nan()), (Sqnr::Decibels(f64::NEG_INFINITY), 0));
    // A finite number stored as infinity.
    let stats = stored(FormatSpec::F16, &[1.0f32, 1e6], 1.0);
    assert_eq!(
        (stats.sqnr_db(), stats.max_abs_error()),
        (Sqnr::Decibels(f64::NEG_INFINITY), f64::INFINITY)
    );
    assert_eq!((stats.saturated(), stats.sqnr_db().to_string().as_str()), (1, "-inf"));
    // Squares beyond f64: an error that cannot be expressed is not called exact.
    assert_eq!(stored(FormatSpec::BF16, &[1.001e-200f64], 1e-38).sqnr_db(), Sqnr::Undefined);
    assert_eq!(stored(FormatSpec::F8E4M3, &[1e200f64], 1.0).sqnr_db(), Sqnr::Undefined);
    // The quotient leaves f64 before the format is asked.
    assert_eq!(stored(FormatSpec::F8E4M3, &[1e308f64], 1e-30).saturated(), 1);
}

#[test]
fn pieces_of_4096_give_the_same_bits_as_one_run() {
    let x: Vec<f32> = (0..20_000u32)
        .map(|i| f32::from_bits(0x3F00_0000 + i.wrapping_mul(2_654_435_761) % 0x0100_0000))
        .collect();
    let whole = stored(FormatSpec::F8E4M3, &x, 0.01);
    let mut merged = ErrorStats::new();
    for piece in x.chunks(ErrorStats::PARTIAL as usize) {
        merged.merge(&stored(FormatSpec::F8E4M3, piece, 0.01));
    }
    let bits = |stats: &ErrorStats| {
        [stats.signal(), stats.noise(), stats.mean_abs_error(), stats.max_abs_error()]
            .map(f64::to_bits)
    };
    assert_eq!(bits(&merged), bits(&whole));
    assert_eq!((merged.count(), merged.measured(), merged.filled), (20_000, 20_000, 0));
    // The definition, written out.
    let partials = x
        .chunks(4096)
        .map(|piece| piece.iter().fold(0.0, |sum, &x| sum + f64::from(x) * f64::from(x)));
    assert_eq!(
        whole.signal().to_bits(),
        partials.fold(0.0, |sum: f64, partial| sum + partial).to_bits()
    );
}

#[test]
fn scales_at_the_edges() {
    assert_eq!(amax_scale::<f32>(&FormatSpec::F8E4M3, &[], Exec::SERIAL), 1.0);
    assert_eq!(amax_scale(&FormatSpec::F8E4M3, &[f32::INFINITY, -224.0], Exec::default()), 0.5);
    assert_eq!(amax_scale(&FormatSpec::F32, &[1.0f32], Exec::default()), f32::MIN_POSITIVE);
    assert_eq!(
        amax_scale(&FormatSpec::INT1, &[1.0f32], Exec::default()),
        1.0,
        "the largest INT1 is 0"
    );
    assert_eq!(amax_scale(&FormatSpec::F4E2M1, &[1e300f64], Exec::default()), 1.0);
    assert_eq!(amax_scale(&FormatSpec::F8E4M3, &[1e-320f64], Exec::default()), f32::MIN_POSITIVE);
    for spec in FormatSpec::ALL {
        for amax in [1.0f32, 10.0, 7.3, 1234.567, 3.0e-5, 1.1e9, f32::MAX] {
            let stats = stored(*spec, &[amax], amax_scale(spec, &[amax], Exec::default()));
            assert!(stats.saturated() == 0 || *spec == FormatSpec::INT1, "{spec} {amax}");
        }
    }
}

#[test]
fn stochastic_rounding_takes_its_words_by_index() {
    let spec = FormatSpec::F4E2M1;
    let policy = spec.default_convert().with_round(Round::stochastic(Stochastic::B, 16).unwrap());
    let stats =
        storage_error(&spec, &[4.5f32; 4096], 1.0, &policy, Dither::new(1), Exec::default())
            .unwrap();
    // A quarter of the elements goes up to 6, the others down to 4: mean |error| = 0.75 · 0.5 +
    // 0.25 · 1.5.
    assert!((stats.mean_abs_error() - 0.75).abs() < 0.03, "{}", stats.mean_abs_error());
    let broken =
        spec.default_convert().with_round(Round::Stochastic { kind: Stochastic::A, bits: 33 });
    assert!(storage_error(&spec, &[1.0f32], 1.0, &broken, Dither::NONE, Exec::default()).is_err());
}
