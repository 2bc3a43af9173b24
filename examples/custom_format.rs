//! A format of your own is one constant. `cargo run --release --example custom_format`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{Encoding, FloatSpec, FormatSpec, NanCodes};

/// Five bits: a sign, two of exponent, two of mantissa; no infinity, no NaN. It is checked when
/// this file is compiled.
const F5E2M2: FormatSpec = FormatSpec::constant("F5E2M2", Encoding::Float(FloatSpec::finite(2, 2)));

/// Seven bits with infinities, and a NaN in the place of -0.
const F7E3M3: FormatSpec = FormatSpec::constant(
    "F7E3M3",
    Encoding::Float(FloatSpec {
        infinities: true,
        negative_zero: false,
        nan: NanCodes::NegativeZero,
        ..FloatSpec::finite(3, 3)
    }),
);

// The same numbers with operators.
subhalf::define_format! {
    /// A number of seven bits.
    pub struct Seven(u8) = F7E3M3;
}

fn main() {
    // Limits are computed, never typed in.
    for spec in [F5E2M2, F7E3M3] {
        let info = spec.finfo();
        println!(
            "{}: {} bits, largest {}, smallest {}",
            info.name, info.bits, info.max, info.smallest_positive
        );
    }
    assert_eq!((F5E2M2.max().to_f64(), F7E3M3.max().to_f64()), (7.0, 28.0));

    let positive: Vec<f64> =
        F5E2M2.values().map(|(_, value)| value.to_f64()).filter(|&value| value > 0.0).collect();
    println!("every positive number of F5E2M2: {positive:?}");
    assert_eq!(positive.len(), 15);

    // Every operation is the exact result, rounded once.
    let (a, b) = (Seven::from_f32(2.25), Seven::from_f32(1.5));
    println!("in F7E3M3 {a} * {b} = {}, {a} / {b} = {}", a * b, a / b);
    assert_eq!(((a * b).to_f32(), (a / b).to_f32()), (3.5, 1.5)); // 3.375 is a tie and goes to the even code
    // A zero without a sign divides to NaN, and NaN has the code that -0 would have.
    let quotient = a / Seven::from_f32(0.0);
    println!("{a} / 0 = {quotient}, code {:#04x}", quotient.to_bits());
    assert_eq!(quotient.to_bits(), 0x40);
}
