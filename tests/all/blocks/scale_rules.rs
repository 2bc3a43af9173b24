//! Scale rules against their definitions in integers, and the ways to compute RCEIL against each
//! other. The sweeps over every `amax` are ignored:
//! `cargo test --release --test all -- --ignored scale_rules --nocapture`.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use subhalf::{BlockStats, FormatSpec, ScaleRule, TensorScale};

/// `significand · 2^exponent`.
#[derive(Clone, Copy)]
struct Exact(u128, i32);

fn exact(x: f32) -> Exact {
    let (field, fraction) = ((x.to_bits() >> 23) as i32, x.to_bits() & 0x7F_FFFF);
    if field == 0 {
        Exact(fraction.into(), -149)
    } else {
        Exact((fraction | 0x80_0000).into(), field - 150)
    }
}

fn compare(a: Exact, b: Exact) -> Ordering {
    // Both significands are below 2^40 and above 0: 80 places apart decide.
    match a.1 - b.1 {
        apart @ 0..80 => (a.0 << apart).cmp(&b.0),
        apart @ -79..0 => a.0.cmp(&(b.0 << -apart)),
        apart if apart > 0 => Ordering::Greater,
        _ => Ordering::Less,
    }
}

/// Elements: name, largest number as integer times a power of two, exponent of the largest,
/// mantissa bits.
const ELEMENTS: [(FormatSpec, Exact, i32, u8); 6] = [
    (FormatSpec::F8E4M3, Exact(7, 6), 8, 3),
    (FormatSpec::F8E5M2, Exact(7, 13), 15, 2),
    (FormatSpec::F6E3M2, Exact(7, 2), 4, 2),
    (FormatSpec::F6E2M3, Exact(15, -1), 2, 3),
    (FormatSpec::F4E2M1, Exact(3, 1), 2, 1),
    (FormatSpec::MXINT8SYM, Exact(127, -6), 0, 6),
];

/// The exponent that a rule gives.
fn exponent(rule: ScaleRule, element: &FormatSpec, amax: f32) -> i32 {
    let stats = BlockStats::of_amax(amax);
    let scale = rule.ideal(&stats, element, TensorScale::None, 1.0);
    assert_eq!(scale.to_bits() & 0xF_FFFF_FFFF_FFFF, 0, "{amax:e}: a power of two, not {scale:e}");
    (scale.to_bits() >> 52) as i32 - 1023
}

/// Holds all rules but `Log2Floor` against their definitions: what a scale of `2^k` must satisfy.
fn check(amax: f32, (element, max, emax, bits): &(FormatSpec, Exact, i32, u8)) {
    let x = exact(amax);
    let times = |number: Exact, factor: u128, k: i32| Exact(number.0 * factor, number.1 + k);
    let (at_least, at_most) =
        (|b| compare(x, b) != Ordering::Less, |b| compare(x, b) != Ordering::Greater);
    let one = Exact(1, 0);
    let floor = exponent(ScaleRule::Floor, element, amax);
    assert!(
        at_least(times(one, 1, floor + emax)) && !at_least(times(one, 1, floor + emax + 1)),
        "floor of {amax:e}"
    );
    let ceil = exponent(ScaleRule::Ceil, element, amax);
    assert!(
        at_most(times(one, 1, ceil + emax)) && !at_most(times(one, 1, ceil + emax - 1)),
        "ceil of {amax:e}"
    );
    let up = exponent(ScaleRule::RoundUp, element, amax);
    assert!(
        at_most(times(*max, 1, up)) && !at_most(times(*max, 1, up - 1)),
        "round-up of {amax:e}"
    );
    // amax / max is in [3/4, 3/2) · 2^k.
    let nearest = exponent(ScaleRule::Nearest, element, amax);
    assert!(
        at_least(times(*max, 3, nearest - 2)) && !at_least(times(*max, 3, nearest - 1)),
        "nearest of {amax:e}"
    );
    // Half a unit of the last bit kept below a power of two goes to that power; of f32 subnormals
    // only to the smallest normal number, as their bits are rounded in its units.
    let even = exponent(ScaleRule::Even { mantissa_bits: *bits }, element, amax);
    let bump = if amax >= f32::MIN_POSITIVE {
        at_least(times(one, (4 << bits) - 1, floor + emax - 1 - i32::from(*bits)))
    } else {
        f64::from(amax) >= f64::from(f32::MIN_POSITIVE) * (1.0 - 0.5f64.powi(i32::from(*bits) + 1))
    };
    assert_eq!(even, floor + i32::from(bump), "even of {amax:e}");
}

/// All positive finite f32 bits, in pieces, on all processors.
fn sweep(work: impl Fn(Range<u32>) -> Vec<String> + Sync) -> Vec<String> {
    const PIECES: u64 = 1024;
    let next = AtomicU64::new(0);
    let bound = |piece: u64| (0x7F80_0000 * piece / PIECES) as u32;
    let run = || {
        let mut found = vec![];
        loop {
            let piece = next.fetch_add(1, Relaxed);
            if piece >= PIECES {
                return found;
            }
            found.extend(work(bound(piece).max(1)..bound(piece + 1)));
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..thread::available_parallelism().map_or(2, usize::from))
            .map(|_| scope.spawn(run))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread that does not panic"))
            .collect()
    })
}

/// Every binade's ends and middle, and a stride through all.
#[test]
fn rules_equal_their_definitions_on_a_stride() {
    for element in &ELEMENTS {
        for bits in (1..0x7F80_0000u32).step_by(65_521).chain((1..256).flat_map(|e| {
            let ends =
                [0, 1, 0x20_0000, 0x40_0000, 0x60_0000, 0x70_0000, 0x78_0000, 0x7C_0000, 0x7F_FFFF];
            ends.map(|fraction: u32| ((e - 1) << 23 | fraction).max(1))
        })) {
            check(f32::from_bits(bits), element);
            check(f32::from_bits((bits - 1).max(1)), element);
        }
    }
}

#[test]
#[ignore = "every amax: minutes"]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn scale_rules_over_every_amax() {
    for element in &ELEMENTS {
        let failures = sweep(|range| {
            range.for_each(|bits| check(f32::from_bits(bits), element));
            vec![]
        });
        assert!(failures.is_empty());
        println!(
            "{}: floor, ceil, round-up, nearest, even: {} amax, 0 differ",
            element.0.name(),
            0x7F80_0000u32 - 1
        );
    }
}

#[test]
#[ignore = "every amax: a minute"]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn scale_rules_log2_floor_over_every_amax() {
    let logarithms = sweep(|range| {
        let wrong = |&bits: &u32| {
            let amax = f32::from_bits(bits);
            let found = exponent(ScaleRule::Log2Floor, &FormatSpec::F4E2M1, amax) + 2;
            // Rounded twice: f64's logarithm is not near a midpoint of f32s where it matters.
            found != (f64::from(amax).log2() as f32).floor() as i32
        };
        range.filter(wrong).map(|bits| format!("{bits:#x}")).collect()
    });
    println!(
        "log2 floor against f64's logarithm: {} amax, {} differ {logarithms:?}",
        0x7F80_0000u32 - 1,
        logarithms.len()
    );
    assert!(logarithms.is_empty());
}

/// The code of an f32 rounded up to a power of two, from 2^-127 on.
fn round_up(x: f32) -> u32 {
    let (field, fraction) = (x.to_bits() >> 23, x.to_bits() & 0x7F_FFFF);
    match field {
        0 => u32::from(fraction > 0x40_0000),
        _ => field + u32::from(fraction != 0),
    }
}

/// `amax` bits for which the f32 product or the f32 quotient, rounded up, is not the exact rule's
/// code.
fn rceil_differences(range: Range<u32>, max: Exact, by_product: bool) -> Vec<String> {
    let max_f32 = max.0 as f32 * 2f32.powi(max.1);
    let inverse = 1.0 / max_f32;
    let differs = |&bits: &u32| {
        let amax = f32::from_bits(bits);
        let code = round_up(if by_product { amax * inverse } else { amax / max_f32 });
        let fits = |code: u32| {
            compare(exact(amax), Exact(max.0, max.1 + code as i32 - 127)) != Ordering::Greater
        };
        !fits(code) || (code > 0 && fits(code - 1))
    };
    range.filter(differs).map(|bits| format!("{bits:#x}")).collect()
}

/// formats.md 3.3: for the floats of MX, the product, the quotient and the exact rule agree for
/// every significand, except where the scale is subnormal: there the f32 above max · 2^-127 is
/// rounded to 2^-127 itself. For MXINT8's 127/64 the product is below the power of two for one
/// significand.
#[test]
fn rceil_forms_agree_above_the_subnormal_scales() {
    for (element, max, ..) in ELEMENTS {
        for by_product in [true, false] {
            // Where quotients are normal, every binade is like these two.
            let found = rceil_differences(126 << 23..128 << 23, max, by_product);
            let integer = element == FormatSpec::MXINT8SYM;
            // Above 127/128 and 127/64.
            let expected: &[&str] =
                if integer && by_product { &["0x3f7e0001", "0x3ffe0001"] } else { &[] };
            assert_eq!(found, expected, "{} {by_product}", element.name());
            if !integer {
                let edge = (max.0 as f32 * 2f32.powi(max.1) * 2f32.powi(-127)).to_bits();
                let found = rceil_differences(edge - (1 << 20)..edge + (2 << 23), max, by_product);
                assert_eq!(found, [format!("{:#x}", edge + 1)], "{} {by_product}", element.name());
            }
        }
    }
}

#[test]
#[ignore = "every amax: a minute"]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn scale_rules_rceil_forms_over_every_amax() {
    for (element, max, ..) in ELEMENTS {
        for (form, by_product) in [("amax * f32(1/max)", true), ("amax / max", false)] {
            let found = sweep(|range| rceil_differences(range, max, by_product));
            println!(
                "{}: {form}, rounded up: {} amax, {} not as the exact rule: {:?}",
                element.name(),
                0x7F80_0000u32 - 1,
                found.len(),
                &found[..found.len().min(4)]
            );
        }
    }
}

/// How many `amax` have another E8M0 code under the f32 logarithm of the f32 quotient than under
/// the exact rule: always one less. One of each is due to the quotient, which rounds to 2^-127.
#[test]
#[ignore = "every amax: minutes"]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn scale_rules_log2_ceil_over_every_amax() {
    let expected = [6290, 6017, 6446, 6995, 5534];
    for ((element, max, ..), expected) in ELEMENTS.into_iter().zip(expected) {
        let target = max.0 as f32 * 2f32.powi(max.1);
        let code = |rule: ScaleRule, amax: f32| {
            let stats = BlockStats::of_amax(amax);
            let scale = rule.ideal(&stats, &element, TensorScale::None, 1.0);
            if scale == 0.0 {
                0
            } else {
                ((scale.to_bits() >> 52) as i32 - 1023 + 127).clamp(0, 254)
            }
        };
        let found = sweep(|range| {
            let differs = |&bits: &u32| {
                let amax = f32::from_bits(bits);
                let less =
                    code(ScaleRule::RoundUp, amax) - code(ScaleRule::Log2Ceil { target }, amax);
                assert!(less == 0 || less == 1, "{}: {amax:e}", element.name());
                less == 1
            };
            range.filter(differs).map(|bits| format!("{bits:#x}")).collect()
        });
        println!(
            "{}: {} of 2^31 amax have a code one less under the f32 logarithm",
            element.name(),
            found.len()
        );
        assert_eq!(found.len(), expected, "{}", element.name());
    }
}
