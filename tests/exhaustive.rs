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

use std::cmp::Ordering;
use std::time::Instant;
use subhalf::{Code, Encoded, Exec, Flags, FormatSpec, Isa, SliceConverter};

const INFINITY: u32 = 0x7F80_0000;
const QUIET_BIT: u32 = 0x0040_0000;
/// Patterns of one sign, NaN included.
const MAGNITUDES: u32 = 0x8000_0000;

/// `significand · 2^exponent`, exactly.
#[derive(Clone, Copy, Debug)]
struct Exact {
    significand: u128,
    exponent: i32,
}

impl Exact {
    const fn new(significand: u128, exponent: i32) -> Self {
        Self { significand, exponent }
    }

    /// The magnitude of a finite f32.
    fn of_pattern(pattern: u32) -> Self {
        let (field, fraction) = (pattern >> 23, u128::from(pattern & 0x7F_FFFF));
        if field == 0 {
            Self::new(fraction, -149)
        } else {
            Self::new(fraction + (1 << 23), field as i32 - 150)
        }
    }

    fn compare(self, other: Self) -> Ordering {
        if self.significand == 0 || other.significand == 0 {
            return self.significand.cmp(&other.significand);
        }
        let top = |x: Self| x.exponent + x.significand.ilog2() as i32;
        let aligned = |x: Self| x.significand << x.significand.leading_zeros();
        top(self).cmp(&top(other)).then(aligned(self).cmp(&aligned(other)))
    }

    fn midpoint(self, other: Self) -> Self {
        // Neighbours are at most a format's range apart, and the only far ones are zero and the
        // smallest number.
        let exponent =
            if self.significand == 0 { other.exponent } else { self.exponent.min(other.exponent) };
        let units =
            |x: Self| if x.significand == 0 { 0 } else { x.significand << (x.exponent - exponent) };
        Self::new(units(self) + units(other), exponent - 1)
    }

    /// The largest pattern that is below this, or not above it if `closed`; `None` if there is
    /// none.
    fn last_pattern_below(self, closed: bool) -> Option<u32> {
        let below = |pattern: u32| match Self::of_pattern(pattern).compare(self) {
            Ordering::Less => true,
            Ordering::Equal => closed,
            Ordering::Greater => false,
        };
        let (mut low, mut high) = (0, INFINITY);
        while low < high {
            let middle = low + (high - low) / 2;
            if below(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// The pattern that is exactly this; every value of the ten formats has one.
    fn pattern(self) -> u32 {
        let pattern = self.last_pattern_below(true).expect("zero is never above");
        assert_eq!(Self::of_pattern(pattern).compare(self), Ordering::Equal, "{self:?} is no f32");
        pattern
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ties {
    EvenCode,
    Away,
}

/// A format as its document has it, and what a plain conversion does there.
#[derive(Debug)]
struct Format {
    /// Finite numbers from zero (or the smallest) upward with their codes; behind them the number
    /// that would come next if the exponent had no upper bound.
    values: Vec<(Exact, u32)>,
    ties: Ties,
    /// 0 in an unsigned format, where negative numbers become NaN.
    sign_bit: u32,
    negative_zero: bool,
    infinity: Option<u32>,
    /// Whether overflow is infinite; else it saturates.
    overflow_is_infinite: bool,
    /// The positive NaN; without one NaN becomes the largest number.
    nan: Option<u32>,
    /// Mantissa bits and exponent of the smallest normal number.
    smallest_normal: (u32, i32),
}

impl Format {
    /// A layout of the reference, section 1.2, by the decoding rule of section 1.1, from 0 to the
    /// largest code.
    fn binary(mantissa_bits: u32, bias: i32, max_code: u32, sign_bit: u32) -> Self {
        let value = |code: u32| {
            let (e, m) = ((code >> mantissa_bits) as i32, u128::from(code % (1 << mantissa_bits)));
            let last = 1 - bias - mantissa_bits as i32;
            let exact = if e == 0 {
                Exact::new(m, last)
            } else {
                Exact::new(m + (1 << mantissa_bits), last + e - 1)
            };
            (exact, code)
        };
        Self {
            values: (0..=max_code + 1).map(value).collect(),
            ties: Ties::EvenCode,
            sign_bit,
            negative_zero: sign_bit != 0,
            infinity: None,
            overflow_is_infinite: false,
            nan: None,
            smallest_normal: (mantissa_bits, 1 - bias),
        }
    }

    fn e4m3() -> Self {
        Self { nan: Some(0x7F), ..Self::binary(3, 7, 0x7E, 0x80) }
    }

    fn e5m2() -> Self {
        Self { nan: Some(0x7E), infinity: Some(0x7C), ..Self::binary(2, 15, 0x7B, 0x80) }
    }

    fn e2m1() -> Self {
        Self::binary(1, 1, 0x7, 0x8)
    }

    fn e3m2() -> Self {
        Self::binary(2, 3, 0x1F, 0x20)
    }

    fn e2m3() -> Self {
        Self::binary(3, 1, 0x1F, 0x20)
    }

    fn ue5m3() -> Self {
        Self { nan: Some(0xFF), ..Self::binary(3, 15, 0xFE, 0) }
    }

    fn bf16() -> Self {
        Self {
            nan: Some(0x7FC0),
            infinity: Some(0x7F80),
            overflow_is_infinite: true,
            ..Self::binary(7, 127, 0x7F7F, 0x8000)
        }
    }

    fn fp16() -> Self {
        Self {
            nan: Some(0x7E00),
            infinity: Some(0x7C00),
            overflow_is_infinite: true,
            ..Self::binary(10, 15, 0x7BFF, 0x8000)
        }
    }

    /// Code *c* is 2^(c-127): no zero, no sign.
    fn e8m0() -> Self {
        let values = (0..=0xFF).map(|code| (Exact::new(1, code as i32 - 127), code)).collect();
        Self { values, nan: Some(0xFF), smallest_normal: (0, -127), ..Self::binary(0, 127, 0, 0) }
    }

    /// The table of the reference, section 2.1, and the rounding of 2.2.
    fn hif8() -> Self {
        // First code, number of codes, exponent of the first; codes of a row are eighths, quarters
        // or halves of its binade.
        const EIGHTHS: [(u32, i32); 7] =
            [(0x08, 0), (0x10, 1), (0x18, -1), (0x20, 2), (0x28, 3), (0x30, -2), (0x38, -3)];
        const QUARTERS: [(u32, i32); 8] = [
            (0x40, 4),
            (0x44, 5),
            (0x48, 6),
            (0x4C, 7),
            (0x50, -4),
            (0x54, -5),
            (0x58, -6),
            (0x5C, -7),
        ];
        let mut values = vec![(Exact::new(0, 0), 0)];
        values.extend((1..=7).map(|code| (Exact::new(1, code as i32 - 23), code)));
        for (first, exponent) in EIGHTHS {
            values.extend((0..8).map(|k| (Exact::new(8 + u128::from(k), exponent - 3), first + k)));
        }
        for (first, exponent) in QUARTERS {
            values.extend((0..4).map(|k| (Exact::new(4 + u128::from(k), exponent - 2), first + k)));
        }
        for pair in 0..8 {
            let halves = |first: u32, exponent: i32| {
                [0, 1].map(|k| (Exact::new(2 + u128::from(k), exponent - 1), first + 2 * pair + k))
            };
            values.extend(halves(0x60, 8 + pair as i32));
            values.extend(halves(0x70, -8 - pair as i32));
        }
        values.sort_by(|a, b| a.0.compare(b.0));
        // The last of them, 1.5·2^15, is the number whose code 0x6F is taken by infinity.
        assert_eq!((values.len(), values[127].1), (128, 0x6F));
        Self {
            values,
            ties: Ties::Away,
            sign_bit: 0x80,
            negative_zero: false,
            infinity: Some(0x6F),
            nan: Some(0x80),
            smallest_normal: (1, -15),
            ..Self::binary(0, 0, 0, 0)
        }
    }
}

/// Consecutive magnitudes up to the next run's first, which all have the same answers: plus and
/// minus.
#[derive(Clone, Copy)]
struct Run {
    first: u32,
    expected: [Encoded; 2],
}

/// A format made ready for walking along the inputs.
struct Referee {
    format: Format,
    /// For each value the last pattern that rounds to it; what is above the last entry overflows.
    last_pattern: Vec<u32>,
    /// For each value its own pattern.
    pattern: Vec<u32>,
    /// The first pattern that is not tiny: rounded without lower bound to the exponent, it reaches
    /// the smallest normal number.
    first_not_tiny: u32,
    /// All magnitudes, in order.
    runs: Vec<Run>,
}

impl Referee {
    fn new(format: Format) -> Self {
        let last_pattern = format.values.windows(2).map(|pair| {
            let [(lower, lower_code), (upper, _)] = [pair[0], pair[1]];
            let tie_goes_down = format.ties == Ties::EvenCode && lower_code.is_multiple_of(2);
            lower
                .midpoint(upper)
                .last_pattern_below(tie_goes_down)
                .expect("the midpoint is above zero")
        });
        let last_pattern: Vec<u32> = last_pattern.collect();
        let finite = &format.values[..last_pattern.len()];
        let pattern = finite.iter().map(|(value, _)| value.pattern()).collect();
        // The last number before the smallest normal one has an odd significand, so either tie rule
        // goes up.
        let (mantissa_bits, exponent) = format.smallest_normal;
        let before = Exact::new((2 << mantissa_bits) - 1, exponent - 1 - mantissa_bits as i32);
        let tiny = before.midpoint(Exact::new(1, exponent)).last_pattern_below(false);
        let first_not_tiny = tiny.expect("zero is tiny") + 1;
        let mut referee = Self { pattern, first_not_tiny, last_pattern, format, runs: Vec::new() };
        referee.runs = referee.cut();
        referee
    }

    /// The answer changes behind a decision, at and behind a value, where tininess ends, and at and
    /// between the specials.
    fn cut(&self) -> Vec<Run> {
        let behind =
            |patterns: &[u32]| patterns.iter().map(|pattern| pattern + 1).collect::<Vec<u32>>();
        let specials = [0, 1, self.first_not_tiny, INFINITY, INFINITY + 1, INFINITY | QUIET_BIT];
        let mut first = [
            &behind(&self.last_pattern),
            &self.pattern,
            &behind(&self.pattern),
            specials.as_slice(),
        ]
        .concat();
        first.sort_unstable();
        first.dedup();
        let answers = |first: u32| {
            [false, true].map(|negative| self.expected(first, negative, self.position(first)))
        };
        first.into_iter().map(|first| Run { first, expected: answers(first) }).collect()
    }

    /// The runs that `first..end` lies in, each with the part of it there.
    fn runs_between(
        &self,
        first: u32,
        end: u32,
    ) -> impl Iterator<Item = (Run, std::ops::Range<u32>)> {
        let start = self.runs.partition_point(|run| run.first <= first) - 1;
        let ends = self.runs[start + 1..].iter().map(|run| run.first).chain([MAGNITUDES]);
        let runs = self.runs[start..].iter().zip(ends).take_while(move |(run, _)| run.first < end);
        runs.map(move |(run, run_end)| (*run, run.first.max(first)..run_end.min(end)))
    }

    /// Position of the value that a finite pattern rounds to.
    fn position(&self, magnitude: u32) -> usize {
        self.last_pattern.partition_point(|&last| last < magnitude)
    }

    /// What the crate has to make of `±magnitude`, given `position(magnitude)`.
    fn expected(&self, magnitude: u32, negative: bool, position: usize) -> Encoded {
        let format = &self.format;
        let max = format.values[self.pattern.len() - 1].1;
        let sign = if negative { format.sign_bit } else { 0 };
        let has_zero = self.pattern[0] == 0;
        if magnitude > INFINITY {
            let quiet = magnitude & QUIET_BIT != 0;
            return match format.nan {
                Some(code) => {
                    Encoded { code, flags: if quiet { Flags::NONE } else { Flags::INVALID } }
                }
                None => Encoded { code: max, flags: Flags::INVALID },
            };
        }
        if magnitude == 0 && !has_zero {
            return Encoded { code: format.values[0].1, flags: Flags::INVALID };
        }
        let rounds_to_zero = has_zero && position == 0;
        if negative && format.sign_bit == 0 && magnitude != 0 && !rounds_to_zero {
            return Encoded { code: format.nan.unwrap_or(0), flags: Flags::INVALID };
        }
        if magnitude == INFINITY {
            return match format.infinity {
                Some(code) => Encoded { code: code | sign, flags: Flags::NONE },
                None => Encoded { code: max | sign, flags: Flags::OVERFLOW | Flags::INEXACT },
            };
        }
        let Some(&pattern) = self.pattern.get(position) else {
            let code =
                if format.overflow_is_infinite { format.infinity.unwrap_or(max) } else { max };
            return Encoded { code: code | sign, flags: Flags::OVERFLOW | Flags::INEXACT };
        };
        let flags = match (pattern == magnitude, magnitude < self.first_not_tiny) {
            (true, _) => Flags::NONE,
            (false, false) => Flags::INEXACT,
            (false, true) => Flags::INEXACT | Flags::UNDERFLOW,
        };
        let keeps_sign = !rounds_to_zero || format.negative_zero;
        Encoded { code: format.values[position].1 | if keeps_sign { sign } else { 0 }, flags }
    }
}

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

/// Known answers before the referee is trusted.
mod referee {
    use super::*;

    fn code(referee: &Referee, x: f32) -> u32 {
        let magnitude = x.to_bits() & (MAGNITUDES - 1);
        referee.expected(magnitude, x.is_sign_negative(), referee.position(magnitude)).code
    }

    #[test]
    fn knows_the_decision_points_of_e2m1() {
        // The reference, section 1.5: the tie and the code it goes to.
        let referee = Referee::new(Format::e2m1());
        for (tie, even) in
            [(0.25_f32, 0), (0.75, 2), (1.25, 2), (1.75, 4), (2.5, 4), (3.5, 6), (5.0, 6)]
        {
            let below = code(&referee, tie.next_down());
            assert_eq!(
                (code(&referee, tie), code(&referee, tie.next_up())),
                (even, below + 1),
                "{tie}"
            );
        }
        assert_eq!(code(&referee, -6.0), 0xF);
    }

    #[test]
    fn knows_the_largest_numbers_and_the_first_that_overflow() {
        // The reference, sections 1.3, 2.2 and 7.2; for f16 and bfloat16 the midpoints to 2^16 and
        // 2^128, which are odd's ties.
        let overflows: [(Format, f32); 8] = [
            (Format::e4m3(), 464_f32.next_up()),
            (Format::e5m2(), 61440.0),
            (Format::e2m1(), 7.0),
            (Format::e3m2(), 30.0),
            (Format::e2m3(), 7.75),
            (Format::hif8(), 40960.0),
            (Format::ue5m3(), 118_784_f32.next_up()),
            (Format::fp16(), 65520.0),
        ];
        for (format, first) in overflows {
            let referee = Referee::new(format);
            let last = referee.last_pattern.last().copied();
            assert_eq!(last, Some(first.next_down().to_bits()), "first overflow {first}");
        }
        assert_eq!(Referee::new(Format::bf16()).last_pattern.last(), Some(&0x7F7F_7FFF));
        // 1.5·2^127 is a tie with the code of NaN, which is odd.
        assert_eq!(Referee::new(Format::e8m0()).last_pattern.last(), Some(&0x7F40_0000));
    }

    #[test]
    fn knows_the_vectors_of_hif8() {
        // The reference, section 2.2.
        let referee = Referee::new(Format::hif8());
        let half_smallest = f32::from_bits(0x3400_0000); // 2^-23
        let vectors = [
            (1.0625, 0x09),
            (3.9375, 0x20),
            (15.5, 0x40),
            (22.0, 0x42),
            (124.0, 0x4C),
            (320.0, 0x61),
            (40959.0, 0x6E),
            (40960.0, 0x6E),
            (half_smallest, 0x01),
            (half_smallest.next_down(), 0x00),
            (-half_smallest.next_down(), 0x00),
            (-0.3, 0xB2),
            (2.5e-4, 0x78),
            (f32::NAN, 0x80),
            (f32::NEG_INFINITY, 0xEF),
        ];
        for (x, expected) in vectors {
            assert_eq!(code(&referee, x), expected, "{x:e}");
        }
    }

    #[test]
    fn rounds_to_bfloat16_as_the_addition_of_half_a_unit_does() {
        // The reference, section 1.8: for everything but NaN.
        let referee = Referee::new(Format::bf16());
        for magnitude in (0..=INFINITY).step_by(32_771) {
            let added = (magnitude + 0x7FFF + (magnitude >> 16 & 1)) >> 16;
            assert_eq!(
                referee.expected(magnitude, true, referee.position(magnitude)).code,
                added | 0x8000,
                "{magnitude:#x}"
            );
        }
    }

    #[test]
    fn tells_tiny_numbers_by_their_value_after_rounding() {
        // E4M3's smallest normal number is 2^-6; with four bits and no lower bound the midpoint
        // below it is 31/32 of that.
        let first = f32::from_bits(Referee::new(Format::e4m3()).first_not_tiny);
        assert_eq!(first, 31.0 / 2048.0);
        // E8M0: one bit, so the midpoint between 2^-128 and 2^-127.
        assert_eq!(Referee::new(Format::e8m0()).first_not_tiny, 0x0030_0000);
    }
}
