//! IEEE P3109 (Interim Report v4.0): names, derived values and codes against its formulas, for
//! every K, P, sign and domain. The walk in order of value and the round trips are in `walk`.

use crate::number::{INFINITY, NEGATIVE_INFINITY, Number, ZERO, power_of_two};
use std::num::FpCategory;
use subhalf::{Domain, Error, FormatSpec, Signedness, Vocabulary};

/// The parameters of `Binary{K}p{P}{s|u}{e|f}` and the report's formulas on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct P3109 {
    k: u32,
    p: u32,
    signed: bool,
    extended: bool,
}

impl P3109 {
    /// Every format with K from 3 to 16: signed 0 < P < K, unsigned 0 < P <= K.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let flags = [(true, true), (true, false), (false, true), (false, false)];
        (3..=16)
            .flat_map(|k| (1..=k).map(move |p| (k, p)))
            .flat_map(move |(k, p)| flags.map(|(signed, extended)| Self { k, p, signed, extended }))
            .filter(|format| !format.signed || format.p < format.k)
    }

    pub(crate) fn spec(self) -> FormatSpec {
        self.build().unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    pub(crate) fn bits(self) -> u32 {
        self.k
    }

    pub(crate) fn is_signed(self) -> bool {
        self.signed
    }

    pub(crate) fn is_extended(self) -> bool {
        self.extended
    }

    fn build(self) -> Result<FormatSpec, Error> {
        let signedness = if self.signed { Signedness::Signed } else { Signedness::Unsigned };
        let domain = if self.extended { Domain::Extended } else { Domain::Finite };
        FormatSpec::p3109(self.k as u8, self.p as u8, signedness, domain)
    }

    fn name(self) -> String {
        let (sign, domain) =
            (if self.signed { 's' } else { 'u' }, if self.extended { 'e' } else { 'f' });
        format!("Binary{}p{}{sign}{domain}", self.k, self.p)
    }

    fn bias(self) -> i64 {
        1 << if self.signed { self.k - self.p - 1 } else { self.k - self.p }
    }

    pub(crate) fn nan(self) -> u32 {
        if self.signed { 1 << (self.k - 1) } else { (1 << self.k) - 1 }
    }

    pub(crate) fn infinity(self) -> Option<u32> {
        self.extended.then(|| if self.signed { (1 << (self.k - 1)) - 1 } else { (1 << self.k) - 2 })
    }

    pub(crate) fn negative_infinity(self) -> Option<u32> {
        (self.extended && self.signed).then(|| (1 << self.k) - 1)
    }

    fn one(self) -> u32 {
        1 << if self.signed { self.k - 2 } else { self.k - 1 }
    }

    /// The last code before +infinity, else before the codes of NaN or of negative numbers.
    pub(crate) fn max(self) -> u32 {
        self.infinity().unwrap_or(self.nan()) - 1
    }

    /// `T = x mod 2^(P-1)`, `E = x div 2^(P-1)`; E = 0: `T·2^(1-P)·2^(1-B)`, else
    /// `(1 + T·2^(1-P))·2^(E-B)`.
    fn magnitude(self, x: u32) -> Number {
        let step = 1 << (self.p - 1);
        let (t, e) = (x % step, i64::from(x / step));
        let last = 1 - i64::from(self.p) - self.bias();
        if e == 0 {
            Number::new(false, u64::from(t), last + 1)
        } else {
            Number::new(false, u64::from(step + t), last + e)
        }
    }

    fn decode(self, code: u32) -> Number {
        if code == self.nan() {
            Number::Nan
        } else if Some(code) == self.infinity() {
            INFINITY
        } else if Some(code) == self.negative_infinity() {
            NEGATIVE_INFINITY
        } else if self.signed && code > self.nan() {
            self.magnitude(code - self.nan()).negate()
        } else {
            self.magnitude(code)
        }
    }
}

#[test]
fn there_are_504_formats_from_k_3_to_16() {
    // Per K: 2(K-1) signed and 2K unsigned ones; the sum of 4K-2 for K in 3..=16 is 504.
    assert_eq!(P3109::all().count(), 504);
}

#[test]
fn every_format_has_its_name_however_the_b_is_written() {
    for format in P3109::all() {
        let (spec, name) = (format.spec(), format.name());
        assert_eq!(spec.name(), name);
        for spelling in [name.clone(), name.replacen('B', "b", 1)] {
            for found in [
                FormatSpec::by_name(&spelling),
                FormatSpec::by_name_in(Vocabulary::P3109, &spelling),
            ] {
                let found = found.unwrap_or_else(|error| panic!("{spelling}: {error}"));
                assert_eq!(found, spec, "{spelling}");
                assert_eq!(found.name(), name, "{spelling}");
            }
        }
        assert_eq!(spec.name_in(Vocabulary::P3109).unwrap().as_str(), name);
    }
}

#[test]
fn widths_and_precisions_that_do_not_exist_are_refused() {
    let mut refused = 0;
    for k in 0..=20 {
        for p in 0..=20 {
            for (signed, extended) in [(true, true), (true, false), (false, true), (false, false)] {
                let format = P3109 { k, p, signed, extended };
                let exists = (3..=16).contains(&k) && p >= 1 && if signed { p < k } else { p <= k };
                assert_eq!(format.build().is_ok(), exists, "{format:?}");
                assert_eq!(
                    FormatSpec::by_name(&format.name()).is_ok(),
                    exists,
                    "{}",
                    format.name()
                );
                refused += u32::from(!exists);
            }
        }
    }
    assert_eq!(refused, 21 * 21 * 4 - 504);
    assert!(matches!(
        FormatSpec::p3109(255, 255, Signedness::Unsigned, Domain::Finite),
        Err(Error::SpecRange { .. })
    ));
    for name in [
        "Binary8p4",
        "Binary8p4s",
        "Binary8p4es",
        "Binary08p4se",
        "Binary8p04se",
        "BINARY8P4SE",
        "Binary8p4se ",
        "Binary8p-4se",
    ] {
        assert!(matches!(FormatSpec::by_name(name), Err(Error::UnknownName { .. })), "{name}");
    }
}

#[test]
fn every_derived_value_equals_its_formula() {
    for format in P3109::all() {
        let (spec, name) = (format.spec(), format.name());
        let (p, bias) = (i64::from(format.p), format.bias());
        let max = format.magnitude(format.max());
        assert_eq!(spec.bits(), format.k, "{name}");
        assert_eq!(spec.is_signed(), format.signed, "{name}");
        assert_eq!(spec.precision(), Some(format.p), "{name}");
        assert_eq!(
            spec.value_count(),
            (1 << format.k) - 1,
            "{name}: every code but NaN's is a number of its own"
        );

        assert_eq!(spec.zero_code(), Some(0), "{name}");
        assert_eq!(spec.negative_zero_code(), None, "{name}");
        assert_eq!(spec.one_code(), Some(format.one()), "{name}");
        assert_eq!(spec.nan_code(), Some(format.nan()), "{name}");
        assert_eq!(spec.infinity_code(), format.infinity(), "{name}");
        assert_eq!(spec.negative_infinity_code(), format.negative_infinity(), "{name}");

        assert_eq!(spec.max_code(), format.max(), "{name}");
        assert_eq!(Number::of(spec.max()), max, "{name}");
        let (min_code, min) =
            if format.signed { (format.nan() + format.max(), max.negate()) } else { (0, ZERO) };
        assert_eq!(spec.min_code(), min_code, "{name}");
        assert_eq!(Number::of(spec.min()), min, "{name}");
        assert_eq!(spec.smallest_positive_code(), 1, "{name}");
        assert_eq!(Number::of(spec.smallest_positive()), power_of_two(2 - p - bias), "{name}");
        assert_eq!(spec.min_normal_code(), Some(1 << (p - 1)), "{name}");
        assert_eq!(spec.min_normal().map(Number::of), Some(power_of_two(1 - bias)), "{name}");
        assert_eq!(spec.min_exponent().map(i64::from), Some(1 - bias), "{name}");
        assert_eq!(
            i64::from(spec.max_exponent()),
            i64::from(format.max() >> (p - 1)) - bias,
            "{name}"
        );
        // One is the largest finite number of the formats with two finite positive numbers or
        // fewer.
        let epsilon = (format.one() < format.max()).then(|| power_of_two(1 - p));
        assert_eq!(spec.epsilon().map(Number::of), epsilon, "{name}");
    }
}

#[test]
fn the_only_formats_without_epsilon_have_one_as_their_largest_number() {
    let without: Vec<String> =
        P3109::all().filter(|format| format.spec().epsilon().is_none()).map(P3109::name).collect();
    assert_eq!(without, ["Binary3p1se", "Binary3p2se"]);
}

#[test]
fn every_code_of_every_format_decodes_by_the_formula() {
    let mut codes = 0_u64;
    for format in P3109::all() {
        let spec = format.spec();
        for code in 0..1 << format.k {
            let (expected, decoded) = (format.decode(code), spec.decode(code));
            assert_eq!(Number::of(decoded), expected, "{} code {code:#x}", format.name());
            let subnormal =
                expected.is_finite() && expected != ZERO && expected.log2() < 1 - format.bias();
            assert_eq!(
                decoded.class() == FpCategory::Subnormal,
                subnormal,
                "{} code {code:#x}",
                format.name()
            );
            let garbage = code | 0xA5A5_A5A5 << format.k;
            assert_eq!(
                Number::of(spec.decode(garbage)),
                expected,
                "{} code {garbage:#x}",
                format.name()
            );
            codes += 1;
        }
    }
    // The sum of (4K - 2) 2^K.
    let expected: u64 = (3..=16).map(|k| (4 * k - 2) << k).sum();
    assert_eq!(codes, expected);
}

#[test]
fn limits_in_f64_are_the_exact_ones_where_f64_reaches() {
    for format in P3109::all() {
        let (info, name) = (format.spec().finfo(), format.name());
        let (max, smallest) =
            (format.magnitude(format.max()).exact_f64(), format.magnitude(1).exact_f64());
        // The bias is 2^(E-1): with 11 exponent bits the numbers lie between 2^-1074 and 2^1024,
        // with 12 no longer.
        let exponent_bits = format.k - format.p + u32::from(!format.signed);
        assert_eq!(max.is_some() && smallest.is_some(), exponent_bits <= 11, "{name}");
        if let (Some(max), Some(smallest)) = (max, smallest) {
            assert_eq!((info.max, info.smallest_positive), (max, smallest), "{name}");
            assert_eq!(info.min, if format.signed { -max } else { 0.0 }, "{name}");
            assert_eq!(info.min_normal, power_of_two(1 - format.bias()).exact_f64(), "{name}");
        }
        assert_eq!(
            (info.zero, info.negative_zero, info.nan, info.infinity),
            (true, false, true, format.extended),
            "{name}"
        );
    }
}

/// One row of the table "Maximum finite (and min positive)" of the reference, section 1.10,
/// calculated there from the value tables that the working group publishes: name, the maximum, the
/// smallest positive number where the row gives it.
const PUBLISHED: [(&str, f64, Option<f64>); 32] = {
    const fn two(exponent: i64) -> f64 {
        f64::from_bits(((1023 + exponent) as u64) << 52)
    }
    [
        ("Binary8p1se", two(62), Some(two(-63))),
        ("Binary8p1sf", two(63), None),
        ("Binary8p1ue", two(125), Some(two(-127))),
        ("Binary8p1uf", two(126), Some(two(-127))),
        ("Binary8p2se", two(31), Some(two(-32))),
        ("Binary8p2sf", 1.5 * two(31), None),
        ("Binary8p2ue", 1.5 * two(62), Some(two(-64))),
        ("Binary8p2uf", two(63), None),
        ("Binary8p3se", 49152.0, Some(two(-17))),
        ("Binary8p3sf", 57344.0, None),
        ("Binary8p3ue", 1.25 * two(31), Some(two(-33))),
        ("Binary8p3uf", 1.5 * two(31), None),
        ("Binary8p4se", 224.0, Some(two(-10))),
        ("Binary8p4sf", 240.0, None),
        ("Binary8p4ue", 53248.0, Some(two(-18))),
        ("Binary8p4uf", 57344.0, None),
        ("Binary8p5se", 15.0, Some(two(-7))),
        ("Binary8p5sf", 15.5, None),
        ("Binary8p5ue", 232.0, Some(two(-11))),
        ("Binary8p5uf", 240.0, None),
        ("Binary6p3se", 12.0, Some(two(-5))),
        ("Binary6p3sf", 14.0, None),
        ("Binary6p3ue", 160.0, Some(two(-9))),
        ("Binary6p3uf", 192.0, None),
        ("Binary6p4se", 3.5, Some(two(-4))),
        ("Binary6p4sf", 3.75, None),
        ("Binary6p4ue", 13.0, Some(two(-6))),
        ("Binary6p4uf", 14.0, None),
        ("Binary4p2se", 2.0, Some(two(-2))),
        ("Binary4p2sf", 3.0, None),
        ("Binary4p2ue", 6.0, Some(two(-4))),
        ("Binary4p2uf", 8.0, None),
    ]
};

/// The last row of the same table.
const PUBLISHED_4P1: [(&str, f64, Option<f64>); 4] = [
    ("Binary4p1se", 4.0, Some(0.125)),
    ("Binary4p1sf", 8.0, None),
    ("Binary4p1ue", 32.0, Some(0.0078125)),
    ("Binary4p1uf", 64.0, None),
];

#[test]
fn maxima_and_smallest_numbers_are_those_of_the_published_value_tables() {
    for (name, max, smallest_positive) in PUBLISHED.into_iter().chain(PUBLISHED_4P1) {
        let spec = FormatSpec::by_name(name).unwrap();
        assert_eq!(spec.max().to_f64(), max, "{name}");
        if let Some(smallest_positive) = smallest_positive {
            assert_eq!(spec.smallest_positive().to_f64(), smallest_positive, "{name}");
        }
        // The domain changes the top of a format only: the extended twin has the same smallest
        // number.
        let twin = FormatSpec::by_name(&name.replace('f', "e")).unwrap();
        assert_eq!(twin.smallest_positive(), spec.smallest_positive(), "{name}");
    }
}

#[test]
fn small_formats_are_the_published_ones() {
    // Reference, section 1.10: Binary4p2sf, and (1.7) Binary4p1sf, which is not the E3M0 of the
    // literature.
    let values = |name: &str| -> Vec<f64> {
        (0..8).map(|code| FormatSpec::by_name(name).unwrap().decode_f64(code)).collect()
    };
    assert_eq!(values("Binary4p2sf"), [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]);
    assert_eq!(values("Binary4p1sf"), [0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]);
    assert_eq!(FormatSpec::by_name("Binary4p2sf").unwrap().nan_code(), Some(8));
    assert_ne!(FormatSpec::by_name("Binary4p2sf").unwrap(), FormatSpec::F4E2M1);
    // Binary8p1uf is not E8M0: its bias is 128 and code 0 is zero.
    let scale = FormatSpec::by_name("Binary8p1uf").unwrap();
    assert_eq!(
        (scale.decode_f64(0), scale.decode_f64(128), scale.nan_code()),
        (0.0, 1.0, Some(0xFF))
    );
    assert_ne!(scale, FormatSpec::E8M0);
}

#[test]
fn the_fnuz_formats_are_p3109_formats() {
    // Reference, section 1.10: same values, same NaN code.
    assert_eq!(FormatSpec::by_name("Binary8p4sf").unwrap(), FormatSpec::F8E4M3FNUZ);
    assert_eq!(FormatSpec::by_name("Binary8p3sf").unwrap(), FormatSpec::F8E5M2FNUZ);
    let names =
        |spec: FormatSpec| spec.name_in(Vocabulary::P3109).map(|name| name.as_str().to_owned());
    assert_eq!(names(FormatSpec::F8E4M3FNUZ).as_deref(), Some("Binary8p4sf"));
    assert_eq!(names(FormatSpec::F8E5M2FNUZ).as_deref(), Some("Binary8p3sf"));
    assert_eq!(names(FormatSpec::F8E4M3), None);
}

#[test]
fn profile_formats_have_the_codes_of_the_report() {
    // Reference, section 7.6.
    let p4 = FormatSpec::by_name("Binary8p4se").unwrap();
    assert_eq!((p4.decode_f64(0x40), p4.decode_f64(0x48)), (1.0, 2.0));
    assert_eq!(
        (p4.infinity_code(), p4.nan_code(), p4.negative_infinity_code()),
        (Some(0x7F), Some(0x80), Some(0xFF))
    );
    let p3 = FormatSpec::by_name("Binary8p3se").unwrap();
    assert_eq!((p3.decode_f64(0x40), p3.decode_f64(0x7E), p3.max_code()), (1.0, 49152.0, 0x7E));
}
