//! The other crates' rows: slices where a crate converts them, else one value after another.
//!
//! float8 and microfloat leave inlining to the compiler:
//! `--config 'profile.release.lto="fat"' --config profile.release.codegen-units=1` makes some of
//! their rows up to ten times as fast, and changes no other crate's.

use half::slice::HalfFloatSliceExt;
use subhalf::FormatSpec;
use subhalf_benches::slices::{Bench, SIZES};

/// A type with `from_f32` and `to_f32`.
macro_rules! one_by_one {
    ($bench:expr, $library:literal, $type:ty) => {
        let of = |code| <$type>::from_bits(code as _);
        let encode = |x: &[f32], codes: &mut [$type]| {
            codes.iter_mut().zip(x).for_each(|(code, x)| *code = <$type>::from_f32(*x))
        };
        $bench.encode($library, of, |code| code.to_bits().into(), encode);
        $bench.decode($library, of, |codes, y| {
            y.iter_mut().zip(codes).for_each(|(y, code)| *y = code.to_f32())
        });
    };
}

/// Nothing, unless the package is built with it.
macro_rules! numkong {
    ($bench:expr, $type:ident) => {
        #[cfg(feature = "numkong")]
        {
            let of = |code| numkong::$type(code as _);
            $bench.encode(
                "numkong",
                of,
                |code| code.0.into(),
                |x, codes| numkong::cast(x, codes).expect("as many"),
            );
            $bench.decode("numkong", of, |codes, y| numkong::cast(codes, y).expect("as many"));
        }
    };
}

macro_rules! half {
    ($bench:expr, $type:ident) => {
        let of = half::$type::from_bits;
        $bench.encode("half", of, half::$type::to_bits, |x, codes| codes.convert_from_f32_slice(x));
        $bench.decode("half", of, |codes: &[half::$type], y| codes.convert_to_f32_slice(y));
    };
}

fn main() {
    for size in SIZES {
        let mut bench = Bench::new(size, FormatSpec::F8E4M3);
        one_by_one!(bench, "float8", float8::F8E4M3);
        one_by_one!(bench, "microfloat", microfloat::f8e4m3fn);
        one_by_one!(bench, "minifloat", minifloat::F8E4M3FN);
        numkong!(bench, e4m3);
        let mut bench = Bench::new(size, FormatSpec::F8E5M2);
        one_by_one!(bench, "float8", float8::F8E5M2);
        one_by_one!(bench, "microfloat", microfloat::f8e5m2);
        one_by_one!(bench, "minifloat", minifloat::F8E5M2);
        numkong!(bench, e5m2);
        let mut bench = Bench::new(size, FormatSpec::F4E2M1);
        one_by_one!(bench, "microfloat", microfloat::f4e2m1fn);
        one_by_one!(bench, "minifloat", minifloat::F4E2M1FN);
        let mut bench = Bench::new(size, FormatSpec::F6E2M3);
        one_by_one!(bench, "microfloat", microfloat::f6e2m3fn);
        one_by_one!(bench, "minifloat", minifloat::F6E2M3FN);
        numkong!(bench, e2m3);
        let mut bench = Bench::new(size, FormatSpec::BF16);
        one_by_one!(bench, "minifloat", minifloat::BF16);
        numkong!(bench, bf16);
        half!(bench, bf16);
        let mut bench = Bench::new(size, FormatSpec::F16);
        one_by_one!(bench, "minifloat", minifloat::F16);
        numkong!(bench, f16);
        half!(bench, f16);
    }
}
