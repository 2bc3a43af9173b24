//! `subhalf vectors fma` and `subhalf vectors unit`, against arithmetic of the processor and a
//! rounding of its own.

use super::printed;
use subhalf::{FormatSpec, unit};

/// Header and lines of a run that must succeed, the lines as fields of digits.
fn vectors(arguments: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = printed(["vectors"].into_iter().chain(arguments.split_whitespace()));
    let (header, lines): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("//"));
    let fields = |line: &&str| line.split('_').map(str::to_owned).collect();
    (header.into_iter().map(str::to_owned).collect(), lines.iter().map(fields).collect())
}

fn hexadecimal(digits: &str) -> u32 {
    u32::from_str_radix(digits, 16).expect(digits)
}

/// The numbers of a field, the first of them lowest.
fn numbers(digits: &str, each: usize) -> Vec<u32> {
    let count = digits.len() / each;
    (0..count).rev().map(|k| hexadecimal(&digits[each * k..each * (k + 1)])).collect()
}

const INEXACT: u32 = 1;
const UNDERFLOW: u32 = 2;
const OVERFLOW: u32 = 4;
const INVALID: u32 = 16;

/// The number of a code of an IEEE format with this many exponent and mantissa bits, or of OCP's
/// E4M3 (4, 3), whose top exponent is one more binade with a NaN at its end.
fn number(code: u32, exponent_bits: u32, mantissa_bits: u32) -> f64 {
    let sign = if code >> (exponent_bits + mantissa_bits) & 1 == 1 { -1.0 } else { 1.0 };
    let mantissa = f64::from(code & ((1 << mantissa_bits) - 1));
    let (field, top) =
        (code >> mantissa_bits & ((1 << exponent_bits) - 1), (1 << exponent_bits) - 1);
    let (bias, unit) = ((1 << (exponent_bits - 1)) - 1, 2f64.powi(-(mantissa_bits as i32)));
    match field {
        0 => sign * mantissa * unit * 2f64.powi(1 - bias),
        _ if (exponent_bits, mantissa_bits, code & 0x7F) == (4, 3, 0x7F) => f64::NAN,
        _ if field == top && exponent_bits != 4 => {
            if mantissa == 0.0 {
                sign * f64::INFINITY
            } else {
                f64::NAN
            }
        }
        _ => sign * (1.0 + mantissa * unit) * 2f64.powi(field as i32 - bias),
    }
}

/// A magnitude, in units of the last place, rounded to a whole number of them by rounding 1 to 9.
fn rounded(units: f64, negative: bool, round: u32) -> f64 {
    let (down, fraction) = (units.floor(), units.fract());
    let even = down % 2.0 == 0.0;
    let up = match round {
        1 => fraction > 0.5 || fraction == 0.5 && !even,
        2 => fraction >= 0.5,
        3 => fraction > 0.5,
        4 => fraction > 0.5 || fraction == 0.5 && !negative,
        5 => false,
        6 => fraction > 0.0,
        7 => fraction > 0.0 && !negative,
        8 => fraction > 0.0 && negative,
        9 => fraction > 0.0 && even,
        _ => panic!("round {round}"),
    };
    if up { down + 1.0 } else { down }
}

/// The f16 of an exact number that is not zero, and flags, under IEEE 754's rules for overflow.
fn f16_of(x: f64, round: u32) -> (u32, u32) {
    let (size, negative) = (x.abs(), x < 0.0);
    let sign = u32::from(negative) << 15;
    // The exponent is in the bits; no number here is subnormal as an f64.
    let exponent = (size.to_bits() >> 52) as i32 - 1023;
    let place = |exponent: i32| 2f64.powi(exponent - 10);
    let free = rounded(size / place(exponent), negative, round) * place(exponent);
    if free > 65504.0 {
        let to_infinity = match round {
            1..=4 | 6 => true,
            5 | 9 => false,
            7 => !negative,
            _ => negative,
        };
        return (sign | if to_infinity { 0x7C00 } else { 0x7BFF }, OVERFLOW | INEXACT);
    }
    let unit = place(exponent.max(-14));
    let value = rounded(size / unit, negative, round) * unit;
    let mut flags = 0;
    if value != size {
        flags |= INEXACT;
        if free < 2f64.powi(-14) {
            flags |= UNDERFLOW;
        }
    }
    let code = if value < 2f64.powi(-14) {
        (value / place(-14)) as u32
    } else {
        let exponent = (value.to_bits() >> 52) as i32 - 1023;
        let mantissa = (value / place(exponent)) as u32 - 1024;
        (exponent + 15) as u32 * 1024 + mantissa
    };
    (sign | code, flags)
}

/// The product of an E4M3 and an E5M2 has 6 significant bits and lies between 2^-25 and 2^25, an
/// f16 between 2^-24 and 2^16: their sum is exact as an f64.
#[test]
fn mixed_multiply_adds_are_exact_sums_rounded_once() {
    let (header, lines) = vectors("fma E4M3 E5M2 --c F16 --result F16 --round all --samples 4000");
    assert_eq!(header[3], "// a: F8E4M3, 8 bits");
    assert_eq!(header[5], "// c: F16, 16 bits");
    assert_eq!(
        header.last().unwrap(),
        "// line: a[59:52]_b[51:44]_c[43:28]_round[27:24]_result[23:8]_flags[7:0], a word of 60 bits"
    );
    assert!(header[8].starts_with("// round: 1 nearest-even, 2 nearest-away, 3 nearest-toward-"));
    // 13 specials of E4M3 (no infinities), 16 of each of the others, signalling NaNs among them.
    assert!(header[10].starts_with("// vectors: 65952, all 3328 triples of zeros, "), "{header:?}");
    assert_eq!(lines.len(), (3328 + 4000) * 9);
    let mut counts = [0; 4];
    for line in &lines {
        let codes: Vec<u32> = line.iter().map(|digits| hexadecimal(digits)).collect();
        let &[a, b, c, round, result, flags] = &codes[..] else { panic!("{line:?}") };
        let (x, y, z) = (number(a, 4, 3), number(b, 5, 2), number(c, 5, 10));
        let sum = x * y + z;
        let signaling =
            (b & 0x7F) == 0x7D || (c & 0x7C00 == 0x7C00 && c & 0x3FF != 0 && c & 0x200 == 0);
        let expected = if sum.is_nan() {
            counts[0] += 1;
            // Not for a quiet NaN among operands, unless zero meets infinity.
            let made = !(x.is_nan() || y.is_nan() || z.is_nan());
            let zero_by_infinity = x == 0.0 && y.is_infinite();
            let invalid = signaling || made || zero_by_infinity;
            assert!(number(result, 5, 10).is_nan(), "{line:?}");
            (result, if invalid { INVALID } else { 0 })
        } else if sum == 0.0 {
            counts[1] += 1;
            // The processor rounds to nearest even; a sum that cancels is -0 rounded down.
            let both =
                (x * y).is_sign_negative() && z.is_sign_negative() && x * y == 0.0 && z == 0.0;
            let neither = (x * y).is_sign_positive() && z.is_sign_positive() && z == 0.0;
            let negative = both || round == 8 && !neither;
            (if negative { 0x8000 } else { 0 }, 0)
        } else if sum.is_infinite() {
            (if sum < 0.0 { 0xFC00 } else { 0x7C00 }, 0)
        } else {
            counts[2] += 1;
            f16_of(sum, round)
        };
        counts[3] += usize::from(expected.1 & INEXACT != 0);
        assert_eq!((result, flags), expected, "{line:?}: {x} * {y} + {z} = {sum}");
    }
    // All sorts are there, and rounding has something to do.
    assert!(counts[0] > 9000 && counts[1] > 500 && counts[2] > 30_000, "{counts:?}");
    assert!(counts[3] > 15_000, "{counts:?}");
}

#[test]
fn multiply_adds_of_few_bits_are_written_all() {
    let (header, lines) = vectors("fma F4E2M1 F6E3M2 --result E4M3");
    assert_eq!(lines.len(), 1 << 18);
    assert!(header.iter().any(|line| line == "// vectors: 262144, all operands"), "{header:?}");
    // 3 * 3 + 448: the sum 457 saturates? It is nearer to 448 than to 480, and stays.
    let index = 0x5 << 14 | 0x12 << 8 | 0x7E;
    assert_eq!(lines[index].join("_"), "5_12_7e_7e_01");
    // One format named: of both operands, and of c and the result.
    let (header, lines) = vectors("fma F4E2M1 --c F4E2M1 --round up");
    assert_eq!(lines.len(), 4096);
    assert!(header.contains(&"// b: F4E2M1, 4 bits".to_owned()), "{header:?}");
}

#[test]
fn every_operation_takes_all_roundings() {
    let (header, lines) = vectors("recip F4E2M1 --round all");
    assert_eq!(lines.len(), 16 * 9);
    assert_eq!(header[7], "// vectors: 144, all operands, each in nine roundings");
    // 1 / 3 = 0.333: to 0.5 (1) or to 0 (0); the odd code of the two is 0.5's.
    let third: Vec<String> =
        lines.iter().filter(|line| line[0] == "5").map(|line| line[1..].join("_")).collect();
    let expected = ["1_1", "2_1", "3_1", "4_1", "5_0", "6_1", "7_1", "8_0", "9_1"];
    assert_eq!(third, expected.map(|line| format!("{line}_03")));
}

/// Of VNNI and the tensor cores' bytes: whole numbers, with the processor's own.
#[test]
fn integer_units_add_as_the_processor_does() {
    for (name, count, unsigned) in [("imma::S8", 32, false), ("x86::VPDPBUSD", 4, true)] {
        let (header, lines) = vectors(&format!("unit {name} --samples 2000 --seed 3"));
        let places = format!(
            "// line: a[{}:{}]_b[{}:64]_c[63:32]_result[31:0], a word of {} bits",
            16 * count + 63,
            8 * count + 64,
            8 * count + 63,
            16 * count + 64
        );
        assert_eq!(*header.last().unwrap(), places);
        assert_eq!(lines.len(), 2000);
        let mut wrapped = 0;
        for line in &lines {
            let of_a = |code: u32| if unsigned { code as i32 } else { i32::from(code as u8 as i8) };
            let products = numbers(&line[0], 2).into_iter().zip(numbers(&line[1], 2));
            let sum: i32 = products.map(|(a, b)| of_a(a) * i32::from(b as u8 as i8)).sum();
            let c = hexadecimal(&line[2]) as i32;
            assert_eq!(hexadecimal(&line[3]) as i32, c.wrapping_add(sum), "{name}: {line:?}");
            wrapped += usize::from(c.checked_add(sum).is_none());
        }
        assert!(wrapped > 20, "{name}: {wrapped}");
    }
}

/// Operands are where the header says, and lines are worth a test: few are NaN, many lose bits.
#[test]
fn lines_of_units_are_steps_of_the_library() {
    let f32s = |code: u32| f32::from_bits(code);
    for (name, arguments) in
        [("hopper::WGMMA_FP8", "F8E4M3 F8E5M2"), ("ampere::HMMA_BF16", ""), ("blackwell::NVF4", "")]
    {
        let unit = unit::by_name(name).expect("a unit");
        let spec = match name {
            "hopper::WGMMA_FP8" => unit.spec(FormatSpec::F8E4M3, FormatSpec::F8E5M2).unwrap(),
            _ => unit.first(),
        };
        let (header, lines) = vectors(&format!("unit {name} {arguments} --samples 1000"));
        assert!(header[2].contains(name) && header[2].contains(unit.instruction), "{header:?}");
        let digits = spec.a().bits().div_ceil(4) as usize;
        let (mut nans, mut inexact, mut zeros) = (0, 0, 0);
        for line in &lines {
            let (a, b) = (numbers(&line[0], digits), numbers(&line[1], digits));
            assert_eq!((a.len(), b.len()), (spec.step_len(), spec.step_len()));
            let scales = match &line[2..line.len() - 2] {
                [scale_a, scale_b] => [numbers(scale_a, 2), numbers(scale_b, 2)],
                none => {
                    assert!(none.is_empty());
                    [Vec::new(), Vec::new()]
                }
            };
            let [c, d] = [&line[line.len() - 2], &line[line.len() - 1]].map(|x| hexadecimal(x));
            let step = spec.step_scaled(&a, &b, [&scales[0], &scales[1]], c).unwrap();
            assert_eq!(step.code, d, "{name}: {line:?}");
            nans += usize::from(f32s(d).is_nan());
            inexact += usize::from(!step.lost.is_nan() && !step.lost.is_zero());
            zeros += usize::from(f32s(d) == 0.0);
        }
        assert!((10..250).contains(&nans), "{name}: {nans} NaNs");
        assert!(inexact > 400, "{name}: {inexact} inexact");
        assert!(zeros < 300, "{name}: {zeros} zeros");
    }
}

/// The commands of docs/hardware.md print what it shows of them.
#[test]
fn the_page_for_hardware_shows_what_is_printed() {
    let page = include_str!("../../../docs/hardware.md");
    let mut shown = 0;
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("an end");
        for run in block.split("$ subhalf ").skip(1) {
            let (arguments, lines) = run.split_once('\n').expect("lines");
            let text = printed(arguments.split_whitespace());
            assert!(text.contains(lines), "{arguments}");
            shown += lines.lines().count();
        }
    }
    assert!(shown > 7, "{shown}");
}
