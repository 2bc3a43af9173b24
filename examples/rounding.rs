//! Which neighbour a number becomes: directions, ties, chance, saturation.
//! `cargo run --release --example rounding`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{Convert, Dither, FormatSpec, Round, SliceConverter, Stochastic, Unpacked};

fn main() -> Result<(), subhalf::Error> {
    // F4E2M1 has 2, 3, 4 and 6: 2.5 is a tie, and so is 5.
    let e2m1 = FormatSpec::F4E2M1;
    println!("{:<20} {:>6} {:>6} {:>6}", "in E2M1", "2.25", "-2.5", "5");
    for round in [Round::NearestEven, Round::NearestAway, Round::TowardZero, Round::Up, Round::Down]
    {
        let policy = e2m1.default_convert().with_round(round);
        let rounded =
            [2.25, -2.5, 5.0].map(|x| e2m1.decode_f32(e2m1.encode_f32_with(x, &policy, 0).code));
        println!(
            "{:<20} {:>6} {:>6} {:>6}",
            format!("{round:?}"),
            rounded[0],
            rounded[1],
            rounded[2]
        );
        if round == Round::NearestEven {
            assert_eq!(rounded, [2.0, -2.0, 4.0], "a tie goes to the code with an even last bit");
        }
    }

    // By chance: 2.25 lies a quarter of the way from 2 to 3, so a quarter of its copies goes up.
    // The seed decides which, on every machine.
    let policy = e2m1.default_convert().with_round(Round::stochastic(Stochastic::A, 8)?);
    let mut codes = vec![0u8; 1000];
    let random = SliceConverter::new(&e2m1).convert(&policy).dither(Dither::new(42));
    random.encode(&[2.25f32; 1000], &mut codes)?;
    let up = codes.iter().filter(|&&code| e2m1.decode_f32(code.into()) == 3.0).count();
    println!("\nof 1000 copies of 2.25, rounded stochastically with seed 42, {up} become 3");
    assert_eq!(up, 258);

    // Too large: programs disagree about 500 in E4M3, whose largest number is 448.
    let e4m3 = FormatSpec::F8E4M3;
    for (name, policy) in [("CUDA", Convert::CUDA_SATFINITE), ("ml_dtypes", Convert::ML_DTYPES)] {
        let encoded = e4m3.encode_f32_with(500.0, &policy, 0);
        println!(
            "500 in E4M3, as {name} has it: {}, flags {}",
            e4m3.decode_f32(encoded.code),
            encoded.flags
        );
    }
    assert_eq!(e4m3.encode_f32_with(500.0, &Convert::CUDA_SATFINITE, 0).code, 0x7E);

    // In words.
    let told = e4m3.explain(Unpacked::from_f32(1.0625), &e4m3.default_convert(), 0);
    println!("\n{told}");
    assert!(told.tie && told.code == 0x38);
    Ok(())
}
