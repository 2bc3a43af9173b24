//! All 2^32 f32 inputs into ten formats, code and flags, against a second implementation that
//! shares nothing with the crate: a search between neighbouring values.
//!
//! f32 bit patterns grow with the magnitude they stand for. So with the values of a format in a
//! sorted list, rounding is known when for each value the largest pattern is known that still goes
//! to it: the last pattern below (or, if the tie rule says so, on) the midpoint to the next value.
//! Those patterns are found by bisection with exact integer comparison. They, the values and the
//! edges of the specials cut the inputs into runs with one answer each, which are walked beside the
//! inputs. The parameters of every format are written out here with their place in the reference.
//!
//! ```text
//! cargo test --release --test exhaustive -- --ignored --nocapture          all ten
//! cargo test --release --test exhaustive -- --ignored --nocapture e4m3     one
//! cargo test --release --test exhaustive -- --ignored --nocapture kernels  the kernels of every instruction set alone
//! ```
//! Without `--ignored` every 65,537th pattern and the patterns around every decision are tried.

#![expect(clippy::print_stdout, reason = "the figures of a sweep are its result")]

mod referee;

use referee::{Format, INFINITY, MAGNITUDES, QUIET_BIT, Referee};
use std::time::Instant;
use subhalf::{Code, Encoded, Exec, FormatSpec, Isa, SliceConverter};

/// Inputs tried, inputs that went wrong, and the first of these in words.
#[derive(Default)]
struct Outcome {
    checked: u64,
    mismatches: u64,
    examples: Vec<String>,
}

impl Outcome {
    fn check(&mut self, encode: impl Fn(f32) -> Encoded, magnitude: u32, expected: [Encoded; 2]) {
        for (input, expected) in [magnitude, magnitude | MAGNITUDES].into_iter().zip(expected) {
            let found = encode(f32::from_bits(input));
            self.checked += 1;
            if found != expected {
                self.mismatches += 1;
                if self.examples.len() < 8 {
                    let told = |x: Encoded| format!("{:#x} ({})", x.code, x.flags);
                    self.examples.push(format!(
                        "f32 {input:#010x}: {} instead of {}",
                        told(found),
                        told(expected)
                    ));
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.mismatches += other.mismatches;
        self.examples.extend(other.examples);
    }

    fn report(&self, name: &str, start: Instant) {
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{name}: {} f32 inputs, {} mismatches, {seconds:.1} s",
            self.checked, self.mismatches
        );
        assert_eq!(self.mismatches, 0, "{name}:\n{}", self.examples.join("\n"));
    }
}

/// Every f32. Threads take turns of 2^24 magnitudes, so that cheap and dear regions are shared
/// evenly.
fn sweep(name: &str, referee: &Referee, encode: impl Fn(f32) -> Encoded + Sync) {
    const TURN: u32 = 1 << 24;
    let start = Instant::now();
    let outcome = in_turns(TURN, |turns| {
        let mut outcome = Outcome::default();
        for first in turns {
            for (run, magnitudes) in referee.runs_between(first, first + TURN) {
                for magnitude in magnitudes {
                    outcome.check(&encode, magnitude, run.expected);
                }
            }
        }
        outcome
    });
    outcome.report(name, start);
}

/// What threads find that take turns of so many magnitudes; together all.
fn in_turns(turn: u32, find: impl Fn(&mut dyn Iterator<Item = u32>) -> Outcome + Sync) -> Outcome {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut outcome = Outcome::default();
    std::thread::scope(|scope| {
        let find = &find;
        let turns = |thread| (0..MAGNITUDES).step_by(turn as usize).skip(thread).step_by(threads);
        let running: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || find(&mut turns(thread)))).collect();
        running
            .into_iter()
            .for_each(|thread| outcome.add(thread.join().expect("a referee does not panic")));
    });
    assert_eq!(outcome.checked, 1 << 32);
    outcome
}

/// Every f32 through the kernels of every instruction set.
fn sweep_kernels(name: &str, referee: &Referee, spec: &FormatSpec) {
    match spec.bits() {
        0..=8 => sweep_kernels_in::<u8>(name, referee, spec),
        _ => sweep_kernels_in::<u16>(name, referee, spec),
    }
}

fn sweep_kernels_in<C: Code>(name: &str, referee: &Referee, spec: &FormatSpec) {
    const TURN: u32 = 1 << 18;
    for isa in Isa::available() {
        let start = Instant::now();
        let exec = Exec::SERIAL.with_isa(isa);
        let outcome = in_turns(TURN, |turns| {
            let (mut outcome, mut codes, mut expected) =
                (Outcome::default(), vec![C::truncate(0); TURN as usize], Vec::new());
            let (mut numbers, mut right) = (vec![0.0f32; TURN as usize], Vec::new());
            for first in turns {
                for turned in 0..2 {
                    // In every lane of a vector as many numbers are negative, so that their sum, by
                    // which a kernel sees infinity and NaN, stays small.
                    let sign = |i: usize| (i / 16 + turned) % 2;
                    let number =
                        |i: u32| f32::from_bits((first + i) | [0, MAGNITUDES][sign(i as usize)]);
                    let x: Vec<f32> = (0..TURN).map(number).collect();
                    let policy = spec.default_convert();
                    SliceConverter::new(spec)
                        .convert(&policy)
                        .exec(exec)
                        .encode(&x, &mut codes)
                        .expect("lengths are the same");
                    SliceConverter::new(spec)
                        .convert(&policy)
                        .exec(exec)
                        .fake_quantize(&x, &mut numbers)
                        .expect("lengths are the same");
                    expected.clear();
                    right.clear();
                    for (run, magnitudes) in referee.runs_between(first, first + TURN) {
                        let both = run.expected.map(|Encoded { code, .. }| {
                            (C::truncate(code), spec.decode_f32(code).to_bits())
                        });
                        for _ in magnitudes {
                            let (code, bits) = both[sign(expected.len())];
                            expected.push(code);
                            right.push(bits);
                        }
                    }
                    outcome.checked += u64::from(TURN);
                    let are_right = codes == expected
                        && numbers.iter().zip(&right).all(|(y, bits)| y.to_bits() == *bits);
                    let wrong =
                        |i: &usize| codes[*i] != expected[*i] || numbers[*i].to_bits() != right[*i];
                    for i in if are_right { 0..0 } else { 0..x.len() }.filter(wrong) {
                        outcome.mismatches += 1;
                        let (found, number) = ((codes[i], numbers[i]), f32::from_bits(right[i]));
                        let told = format!(
                            "f32 {:#010x}: {found:?} instead of {:?}",
                            x[i].to_bits(),
                            (expected[i], number)
                        );
                        outcome.examples.extend((outcome.examples.len() < 8).then_some(told));
                    }
                }
            }
            outcome
        });
        outcome.report(&format!("{name}, kernel {}", isa.name()), start);
    }
}

/// Every 65,537th f32 (an odd stride, so that the low bits differ), and two patterns on both sides
/// of every decision and of every value.
fn sample(name: &str, referee: &Referee, encode: impl Fn(f32) -> Encoded) {
    let start = Instant::now();
    let mut outcome = Outcome::default();
    let strided = (0..MAGNITUDES).step_by(65_537);
    let edges = [0, INFINITY, INFINITY | QUIET_BIT, MAGNITUDES - 1, referee.first_not_tiny];
    let decisions = referee.last_pattern.iter().chain(&referee.pattern).copied().chain(edges);
    let near =
        decisions.flat_map(|pattern| pattern.saturating_sub(2)..=(pattern + 2).min(MAGNITUDES - 1));
    for magnitude in strided.chain(near) {
        for (run, _) in referee.runs_between(magnitude, magnitude + 1) {
            outcome.check(&encode, magnitude, run.expected);
        }
    }
    assert!(outcome.checked > 65_536);
    outcome.report(name, start);
}

macro_rules! sweeps {
    ($($format:ident: $spec:expr;)*) => {$(
        mod $format {
            use super::*;

            // Constants, so that the crate's codec is compiled for this one format.
            fn encode(x: f32) -> Encoded {
                const SPEC: FormatSpec = $spec;
                SPEC.encode_f32_with(x, &const { SPEC.default_convert() }, 0)
            }

            #[test]
            #[ignore = "all 2^32 inputs take about a minute of two cores"]
            fn every_f32_is_rounded_as_the_search_between_neighbours_says() {
                sweep(stringify!($format), &Referee::new(Format::$format()), encode);
            }

            #[test]
            #[ignore = "all 2^32 inputs for every instruction set take some minutes"]
            fn every_f32_is_encoded_by_kernels_as_the_search_between_neighbours_says() {
                sweep_kernels(stringify!($format), &Referee::new(Format::$format()), &$spec);
            }

            #[test]
            fn a_sample_of_f32_is_rounded_as_the_search_between_neighbours_says() {
                sample(stringify!($format), &Referee::new(Format::$format()), encode);
            }
        }
    )*};
}

sweeps! {
    e4m3: FormatSpec::F8E4M3;
    e5m2: FormatSpec::F8E5M2;
    e2m1: FormatSpec::F4E2M1;
    e3m2: FormatSpec::F6E3M2;
    e2m3: FormatSpec::F6E2M3;
    hif8: FormatSpec::HIF8;
    e8m0: FormatSpec::E8M0;
    ue5m3: FormatSpec::UE5M3;
    bf16: FormatSpec::BF16;
    fp16: FormatSpec::F16;
}
