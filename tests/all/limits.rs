//! Limits, special codes and the value of every code, for the floating-point formats of the crate
//! (the table of the reference, section 1.2, typed in here) and for layouts that only a user would
//! make.

use crate::number::{INFINITY, NEGATIVE_INFINITY, NEGATIVE_ZERO, Number, ZERO, power_of_two};
use subhalf::{Encoding, FloatSpec, FormatSpec, NanCodes, ZeroField};

/// What exponent field 0 holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FieldZero {
    Subnormals,
    Zeros,
    Normals,
}

/// A row of a table below. Exponents are of two.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    sign: u32,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i64,
    field_zero: FieldZero,
    max_exponent: i64,
    max: Number,
    max_code: u32,
    one_code: Option<u32>,
    epsilon: Option<i64>,
    min_normal: Option<i64>,
    smallest_positive: i64,
    zeros: Codes,
    negative_zeros: Codes,
    infinities: Codes,
    nans: Codes,
    quiet_nan: Option<u32>,
}

/// A set of codes as ranges.
#[derive(Debug)]
struct Codes(Vec<(u32, u32)>);

impl Codes {
    fn contains(&self, code: u32) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&code))
    }

    fn first(&self) -> Option<u32> {
        self.0.first().map(|&(first, _)| first)
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }
}

/// Columns, codes in hexadecimal, `-` for none, `7p13` for 7·2^13:
///
/// name, S.E.M, bias, exponent field 0 (s subnormals, z zero only, n normal numbers), exponent of
/// max, max, its code, code of 1, exponents of epsilon, of the smallest normal and of the smallest
/// positive number, codes of +0, of −0, of infinities, of NaN, the NaN code that NaN becomes.
///
/// The source is the table of the reference, section 1.2 (NaN codes that NaN becomes: 1.3 and
/// Appendix A; F4E3M0: 1.7; UE6M2: 2.4; E8M13: 5.6). F4E0M3 is written with the bias that makes its
/// field-0 unit 1.
const NAMED: &str = "
F8E5M2         1.5.2   15 s  15 57344      7B 3C       -2   -14  -16  0 80     7C,FC             7D-7F,FD-FF                         7E
F8E4M3         1.4.3    7 s   8 448        7E 38       -3    -6   -9  0 80     -                 7F,FF                               7F
F8E4M3IEEE     1.4.3    7 s   7 240        77 38       -3    -6   -9  0 80     78,F8             79-7F,F9-FF                         7C
F8E3M4         1.3.4    3 s   3 15.5       6F 30       -4    -2   -6  0 80     70,F0             71-7F,F1-FF                         78
F8E3M4FN       1.3.4    3 s   4 30         7E 30       -4    -2   -6  0 80     -                 7F,FF                               7F
F8E5M2FNUZ     1.5.2   16 s  15 57344      7F 40       -2   -15  -17  0 -      -                 80                                  80
F8E4M3FNUZ     1.4.3    8 s   7 240        7F 40       -3    -7  -10  0 -      -                 80                                  80
F8E4M3B11FNUZ  1.4.3   11 s   4 30         7F 58       -3   -10  -13  0 -      -                 80                                  80
E8M0           0.8.0  127 n 127 1p127      FE 7F        0  -127 -127  - -      -                 FF                                  FF
UE5M3          0.5.3   15 s  16 114688     FE 78       -3   -14  -17  0 -      -                 FF                                  FF
UE4M3          0.4.3    7 s   8 448        7E 38       -3    -6   -9  0 -      -                 7F                                  7F
UE6M2          0.6.2   48 n  15 49152      FE C0       -2   -48  -48  - -      -                 FF                                  FF
F6E3M2         1.3.2    3 s   4 28         1F 0C       -2    -2   -4  0 20     -                 -                                   -
F6E2M3         1.2.3    1 s   2 7.5        1F 08       -3     0   -3  0 20     -                 -                                   -
F4E2M1         1.2.1    1 s   2 6          7  2        -1     0   -1  0 8      -                 -                                   -
F4E1M2         1.1.2    1 s   0 1.75       7  4        -2     0   -2  0 8      -                 -                                   -
F4E0M3         1.0.3   -2 s   2 7          7  1         0     -    0  0 8      -                 -                                   -
F4E3M0         1.3.0    3 s   4 16         7  3         0    -2   -2  0 8      -                 -                                   -
BF16           1.8.7  127 s 127 255p120    7F7F 3F80   -7  -126 -133  0 8000   7F80,FF80         7F81-7FFF,FF81-FFFF                 7FC0
F16            1.5.10  15 s  15 65504      7BFF 3C00  -10   -14  -24  0 8000   7C00,FC00         7C01-7FFF,FC01-FFFF                 7E00
TF32           1.8.10 127 s 127 2047p117   3FBFF 1FC00 -10 -126 -136  0 40000  3FC00,7FC00       3FC01-3FFFF,7FC01-7FFFF             3FE00
E8M13          1.8.13 127 s 127 16383p114  1FDFFF FE000 -13 -126 -139 0 200000 1FE000,3FE000     1FE001-1FFFFF,3FE001-3FFFFF         1FF000
F32            1.8.23 127 s 127 16777215p104 7F7FFFFF 3F800000 -23 -126 -149 0 80000000 7F800000,FF800000 7F800001-7FFFFFFF,FF800001-FFFFFFFF 7FC00000
";

/// Layouts of users, the corners of what a [`FloatSpec`] can say among them, worked out by hand in
/// the columns of [`NAMED`].
const SPLITS: &str = "
wide E16M3     1.16.3 32767 s 32767 15p32764 7FFF7 3FFF8 -3 -32766 -32769 0 80000 7FFF8,FFFF8 7FFF9-7FFFF,FFFF9-FFFFF 7FFFC
widest E16M15  1.16.15 32767 s 32767 65535p32752 7FFF7FFF 3FFF8000 -15 -32766 -32781 0 80000000 7FFF8000,FFFF8000 7FFF8001-7FFFFFFF,FFFF8001-FFFFFFFF 7FFFC000
finite E10M5   1.10.5  511 s 512 63p507    7FFF 3FE0   -5  -510 -515  0 8000   -                 -                                   -
FN E4M10       1.4.10    7 s   8 1023p-1   3FFE 1C00  -10    -6  -16  0 4000   -                 3FFF,7FFF                           3FFF
FN E16M0       1.16.0 32767 s 32767 1p32767 FFFE 7FFF   0 -32766 -32766 0 10000 -                FFFF,1FFFF                          FFFF
tiny E1M1      1.1.1     0 s   1 3         3  1         0     1    0  0 4      -                 -                                   -
least E1M0     1.1.0     0 s   1 2         1  -         -     1    1  0 2      -                 -                                   -
least E0M1     1.0.1     0 s   0 1         1  1         -     -    0  0 2      -                 -                                   -
unsigned E6M6  0.6.6    31 s  32 127p26    FFF 7C0     -6   -30  -36  0 -      -                 -                                   -
unsigned E0M5  0.0.5    -4 s   4 31        1F 1         0     -    0  0 -      -                 -                                   -
sign 23 bits   1.0.23  -22 s  22 8388607   7FFFFF 1     0     -    0  0 800000 -                 -                                   -
sign 7 bits/2^20 1.0.7  14 s -14 127p-20   7F -         -     -  -20  0 80     -                 -                                   -
flush E4M3     1.4.3     7 z   8 448       7E 38       -3    -6   -6  0-7 80-87 -                7F,FF                               7F
flush FNUZ     1.5.2    16 z  15 57344     7F 40       -2   -15  -15  0-3,81-83 - -              80                                  80
no zero E3M2   1.3.2     3 n   4 28        1F 0C       -2    -3   -3  - -      -                 -                                   -
one zero E3M2  1.3.2     3 s   4 28        1F 0C       -2    -2   -4  0,20 -   -                 -                                   -
inf+NaN at top 1.3.3     3 s   4 26        3D 18       -3    -2   -5  0 40     3E,7E             3F,7F                               3F
inf at top     1.3.3     3 s   4 28        3E 18       -3    -2   -5  0 40     3F,7F             -                                   -
NaN exponent   1.4.2     7 s   7 224       3B 1C       -2    -6   -8  0 40     -                 3C-3F,7C-7F                         3E
huge           1.3.2 -32768 s 32775 7p32773 1F -        - 32769 32767 0 20     -                 -                                   -
minute         1.3.2 32768 s -32761 6p-32763 1E -       - -32767 -32769 0 20   -                 1F,3F                               1F
";

/// The encodings of [`SPLITS`], in the same order.
const SPLIT_SPECS: [FloatSpec; 21] = [
    FloatSpec::ieee(16, 3),
    FloatSpec::ieee(16, 15),
    FloatSpec::finite(10, 5),
    FloatSpec::finite_nan(4, 10),
    FloatSpec::finite_nan(16, 0),
    FloatSpec::finite(1, 1),
    FloatSpec::finite(1, 0),
    FloatSpec::finite(0, 1),
    FloatSpec::finite(6, 6).unsigned(),
    FloatSpec::finite(0, 5).unsigned(),
    FloatSpec::finite(0, 23),
    FloatSpec { bias: 14, ..FloatSpec::finite(0, 7) },
    FloatSpec { zero_field: ZeroField::ZeroOnly, ..FloatSpec::finite_nan(4, 3) },
    FloatSpec { zero_field: ZeroField::ZeroOnly, ..FloatSpec::finite_unsigned_zero(5, 2, 16) },
    FloatSpec { zero_field: ZeroField::Normals, negative_zero: false, ..FloatSpec::finite(3, 2) },
    FloatSpec { negative_zero: false, ..FloatSpec::finite(3, 2) },
    FloatSpec { infinities: true, ..FloatSpec::finite_nan(3, 3) },
    FloatSpec { infinities: true, ..FloatSpec::finite(3, 3) },
    FloatSpec { nan: NanCodes::TopExponent, ..FloatSpec::finite(4, 2) },
    FloatSpec { bias: -(1 << 15), ..FloatSpec::finite(3, 2) },
    FloatSpec { bias: 1 << 15, ..FloatSpec::finite_nan(3, 2) },
];

fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    table.lines().filter(|line| !line.is_empty()).map(Row::parse)
}

/// The named floating-point formats with what the reference says of them.
pub(crate) fn named() -> impl Iterator<Item = (FormatSpec, Row)> {
    rows(NAMED).map(|row| {
        let spec = FormatSpec::ALL.iter().find(|spec| spec.name() == row.name);
        (*spec.unwrap_or_else(|| panic!("no format {}", row.name)), row)
    })
}

/// The layouts of users with what was worked out for them.
pub(crate) fn splits() -> impl Iterator<Item = (FormatSpec, Row)> {
    rows(SPLITS).zip(SPLIT_SPECS).map(|(row, layout)| {
        let spec = FormatSpec::new(row.name, Encoding::Float(layout));
        (spec.unwrap_or_else(|error| panic!("{}: {error}", row.name)), row)
    })
}

impl Row {
    fn parse(line: &'static str) -> Self {
        // Names may have blanks, so the columns are counted from the right.
        let mut columns = line.split_whitespace().rev();
        let mut next = || columns.next().unwrap_or_else(|| panic!("a column is missing: {line}"));
        let hex = |text: &str| {
            u32::from_str_radix(text, 16).unwrap_or_else(|error| panic!("{text}: {error}: {line}"))
        };
        let number = |text: &str| {
            text.parse::<i64>().unwrap_or_else(|error| panic!("{text}: {error}: {line}"))
        };
        let codes = |text: &str| {
            let ranges = text.split(',').filter(|&range| range != "-");
            Codes(
                ranges
                    .map(|range| range.split_once('-').unwrap_or((range, range)))
                    .map(|(a, b)| (hex(a), hex(b)))
                    .collect(),
            )
        };
        let maybe = |text: &'static str| (text != "-").then_some(text);
        let quiet_nan = maybe(next()).map(hex);
        let (nans, infinities, negative_zeros, zeros) =
            (codes(next()), codes(next()), codes(next()), codes(next()));
        let (smallest_positive, min_normal) = (number(next()), maybe(next()).map(number));
        let (epsilon, one_code, max_code) =
            (maybe(next()).map(number), maybe(next()).map(hex), hex(next()));
        let max = next();
        let max = match max.split_once('p') {
            Some((significand, exponent)) => {
                Number::new(false, number(significand) as u64, number(exponent))
            }
            None => Number::of_f64(max.parse().unwrap()),
        };
        let max_exponent = number(next());
        let field_zero = match next() {
            "s" => FieldZero::Subnormals,
            "z" => FieldZero::Zeros,
            "n" => FieldZero::Normals,
            other => panic!("{other}: {line}"),
        };
        let (bias, fields) = (number(next()), next());
        let name = line[..line.find(fields).unwrap()].trim_end();
        let mut widths = fields.split('.').map(|width| number(width) as u32);
        let mut width = || widths.next().unwrap();
        let (sign, exponent_bits, mantissa_bits) = (width(), width(), width());
        Self {
            name,
            sign,
            exponent_bits,
            mantissa_bits,
            bias,
            field_zero,
            max_exponent,
            max,
            max_code,
            one_code,
            epsilon,
            min_normal,
            smallest_positive,
            zeros,
            negative_zeros,
            infinities,
            nans,
            quiet_nan,
        }
    }

    fn bits(&self) -> u32 {
        self.sign + self.exponent_bits + self.mantissa_bits
    }

    /// The reference, section 1.1, behind the special codes of the row.
    pub(crate) fn decode(&self, code: u32) -> Number {
        let sign_bit = 1_u64 << (self.bits() - 1);
        let negative = self.sign == 1 && u64::from(code) & sign_bit != 0;
        if self.nans.contains(code) {
            return Number::Nan;
        }
        if self.infinities.contains(code) {
            return if negative { NEGATIVE_INFINITY } else { INFINITY };
        }
        if self.zeros.contains(code) {
            return ZERO;
        }
        if self.negative_zeros.contains(code) {
            return NEGATIVE_ZERO;
        }
        let magnitude = u64::from(code) - if negative { sign_bit } else { 0 };
        let (e, m) =
            ((magnitude >> self.mantissa_bits) as i64, magnitude % (1 << self.mantissa_bits));
        let last = -self.bias - i64::from(self.mantissa_bits);
        match self.field_zero {
            FieldZero::Subnormals | FieldZero::Zeros if e == 0 => {
                Number::new(negative, m, 1 + last)
            }
            _ => Number::new(negative, (1 << self.mantissa_bits) + m, e + last),
        }
    }

    /// Every code; above 22 bits every 65,537th, those of the row and their neighbours.
    fn codes(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        let last = u32::MAX >> (32 - self.bits());
        if self.bits() <= 22 {
            return Box::new(0..=last);
        }
        let ranges = [&self.zeros, &self.negative_zeros, &self.infinities, &self.nans]
            .into_iter()
            .flat_map(|codes| &codes.0);
        let special = ranges
            .flat_map(|&(first, last)| [first, last])
            .chain([self.max_code, self.one_code.unwrap_or(0)]);
        let near = special
            .flat_map(move |code| [code.saturating_sub(1), code, code.saturating_add(1).min(last)]);
        Box::new((0..=last).step_by(65_537).chain(near))
    }
}

fn check_limits(spec: &FormatSpec, row: &Row) {
    let name = row.name;
    assert_eq!(spec.bits(), row.bits(), "{name}");
    assert_eq!(spec.code_count(), 1 << row.bits(), "{name}");
    assert_eq!(spec.is_signed(), row.sign == 1, "{name}");
    assert_eq!(spec.max_code(), row.max_code, "{name}");
    assert_eq!(Number::of(spec.max()), row.max, "{name}");
    assert_eq!(row.decode(row.max_code), row.max, "the row of {name} contradicts itself");
    assert_eq!(i64::from(spec.max_exponent()), row.max_exponent, "{name}");
    let (min_code, min) = if row.sign == 1 {
        (row.max_code | 1 << (row.bits() - 1), row.max.negate())
    } else {
        (0, row.decode(0))
    };
    assert_eq!(spec.min_code(), min_code, "{name}");
    assert_eq!(Number::of(spec.min()), min, "{name}");
    assert_eq!(spec.one_code(), row.one_code, "{name}");
    assert_eq!(spec.epsilon().map(Number::of), row.epsilon.map(power_of_two), "{name}");
    assert_eq!(spec.min_normal().map(Number::of), row.min_normal.map(power_of_two), "{name}");
    assert_eq!(
        spec.min_normal_code().map(|code| row.decode(code)),
        row.min_normal.map(power_of_two),
        "{name}"
    );
    assert_eq!(spec.min_exponent().map(i64::from), row.min_normal, "{name}");
    assert_eq!(Number::of(spec.smallest_positive()), power_of_two(row.smallest_positive), "{name}");
    assert_eq!(
        row.decode(spec.smallest_positive_code()),
        power_of_two(row.smallest_positive),
        "{name}"
    );
    assert_eq!(spec.zero_code(), row.zeros.first(), "{name}");
    assert_eq!(spec.negative_zero_code(), row.negative_zeros.first(), "{name}");
    assert_eq!(spec.infinity_code(), row.infinities.0.first().map(|&(code, _)| code), "{name}");
    assert_eq!(
        spec.negative_infinity_code(),
        row.infinities.0.get(1).map(|&(code, _)| code),
        "{name}"
    );
    assert_eq!(spec.nan_code(), row.quiet_nan, "{name}");
    // A number without exponent field has no hidden bit to count.
    let precision = row.mantissa_bits + u32::from(row.exponent_bits > 0);
    assert_eq!(spec.precision(), Some(precision), "{name}");
    // C's FLT_DIG loses a bit to the changing exponent; one spacing for all numbers loses none: 7
    // bits hold every number to 99.
    let digits = (f64::from(row.mantissa_bits) * 2f64.log10()).floor();
    assert_eq!(spec.decimal_digits(), Some(digits as u32), "{name}");
    let zero_codes = row.zeros.count() + row.negative_zeros.count();
    assert_eq!(
        spec.value_count(),
        (1 << row.bits()) - row.nans.count() - zero_codes.saturating_sub(1),
        "{name}"
    );
}

fn check_codes(spec: &FormatSpec, row: &Row) {
    for code in row.codes() {
        let expected = row.decode(code);
        assert_eq!(Number::of(spec.decode(code)), expected, "{} code {code:#x}", row.name);
        if let Some(garbage) = 0xA5A5_A5A5_u32.checked_shl(row.bits()) {
            assert_eq!(
                Number::of(spec.decode(code | garbage)),
                expected,
                "{} code {:#x}",
                row.name,
                code | garbage
            );
        }
    }
}

#[test]
fn named_formats_have_the_limits_of_their_documents() {
    named().for_each(|(spec, row)| check_limits(&spec, &row));
}

#[test]
fn every_code_of_the_named_formats_is_the_number_of_its_document() {
    named().for_each(|(spec, row)| check_codes(&spec, &row));
}

#[test]
fn layouts_of_users_have_the_limits_worked_out_by_hand() {
    assert_eq!(splits().count(), rows(SPLITS).count(), "a row without a layout");
    splits().for_each(|(spec, row)| check_limits(&spec, &row));
}

#[test]
fn every_code_of_the_layouts_of_users_is_the_number_worked_out_by_hand() {
    splits().for_each(|(spec, row)| check_codes(&spec, &row));
}

#[test]
fn no_floating_point_format_of_the_crate_is_left_out_of_the_table() {
    let in_table: Vec<&str> = rows(NAMED).map(|row| row.name).collect();
    for spec in FormatSpec::ALL {
        let is_float = matches!(spec.encoding(), Encoding::Float(_));
        assert_eq!(in_table.contains(&spec.name()), is_float, "{spec}");
    }
}

#[test]
fn the_table_reads_as_the_decode_examples_of_the_reference() {
    // The reference, section 1.4: known vectors before the table is trusted, then the crate on the
    // same ones.
    let examples: [(&str, &[(u32, f64)]); 8] = [
        (
            "F8E4M3",
            &[
                (0x38, 1.0),
                (0x40, 2.0),
                (0x3C, 1.5),
                (0x08, 0.015625),
                (0x07, 0.013671875),
                (0x01, 0.001953125),
                (0x7E, 448.0),
                (0xFE, -448.0),
            ],
        ),
        (
            "F8E5M2",
            &[
                (0x3C, 1.0),
                (0x40, 2.0),
                (0x04, 1.0 / 16384.0),
                (0x03, 3.0 / 65536.0),
                (0x01, 1.0 / 65536.0),
                (0x7B, 57344.0),
                (0x7C, f64::INFINITY),
            ],
        ),
        ("F8E4M3FNUZ", &[(0x40, 1.0), (0x01, 1.0 / 1024.0), (0x7F, 240.0)]),
        ("F8E5M2FNUZ", &[(0x40, 1.0), (0x7F, 57344.0)]),
        ("F8E4M3B11FNUZ", &[(0x58, 1.0), (0x7F, 30.0)]),
        ("F8E3M4", &[(0x30, 1.0), (0x01, 1.0 / 64.0)]),
        ("E8M0", &[(0x7F, 1.0), (0x80, 2.0), (0x00, 5.877471754111438e-39)]),
        ("UE5M3", &[(0x78, 1.0), (0x01, 1.0 / 131072.0), (0xF7, 61440.0), (0xF8, 65536.0)]),
    ];
    for (spec, row) in named() {
        for &(code, value) in
            examples.iter().filter(|(name, _)| *name == row.name).flat_map(|(_, codes)| *codes)
        {
            assert_eq!(row.decode(code), Number::of_f64(value), "{} code {code:#x}", row.name);
            assert_eq!(spec.decode_f64(code), value, "{} code {code:#x}", row.name);
        }
    }
    for (name, code) in [("F8E4M3", 0x7F), ("F8E4M3FNUZ", 0x80)] {
        assert!(FormatSpec::by_name(name).unwrap().decode(code).is_nan(), "{name}");
    }
}

#[test]
fn e5m2_is_the_top_byte_of_an_f16() {
    for code in 0..=0xFF {
        let (narrow, wide) = (FormatSpec::F8E5M2.decode(code), FormatSpec::F16.decode(code << 8));
        assert_eq!(Number::of(narrow), Number::of(wide), "{code:#x}");
    }
}
