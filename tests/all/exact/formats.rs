//! The formats, restated code by code from their documents: nothing here is read back from a spec.

use super::dyadic::Dyadic;
use super::referee::{Entry, Integers, NanRow, Referee, Side, Tininess, posit_value};
use subhalf::{
    Domain, Encoding, FloatSpec, FormatSpec, IntSpec, NanCodes, PositSpec, Signedness, Table,
    ZeroField,
};

/// A floating-point format: fields, bias, and the magnitude codes of everything special.
#[derive(Clone, Copy, Debug)]
struct Row {
    signed: bool,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i64,
    max: u32,
    zero_field: ZeroField,
    negative_zero: bool,
    infinity: Option<u32>,
    nan: NanRow,
}

/// A row with subnormals, −0 where there is a sign, and neither infinity nor NaN. `S.E.M`, bias,
/// code of the largest number.
fn row(fields: [u32; 3], bias: i64, max: u32) -> Row {
    let [sign, exponent_bits, mantissa_bits] = fields;
    let (zero_field, nan) = (ZeroField::Subnormals, NanRow::None);
    Row {
        signed: sign == 1,
        exponent_bits,
        mantissa_bits,
        bias,
        max,
        zero_field,
        negative_zero: sign == 1,
        infinity: None,
        nan,
    }
}

impl Row {
    fn infinity(self, code: u32) -> Self {
        Self { infinity: Some(code), ..self }
    }

    /// NaN in both signs: codes with only the quiet bit, and with all mantissa bits.
    fn nan(self, quiet: u32, all_ones: u32) -> Self {
        Self { nan: NanRow::Magnitudes { quiet, all_ones }, ..self }
    }

    /// One zero, and NaN in place of the other.
    fn nan_for_negative_zero(self) -> Self {
        Self { nan: NanRow::One(self.sign_bit()), ..self.one_zero() }
    }

    fn one_zero(self) -> Self {
        Self { negative_zero: false, ..self }
    }

    fn zero_only(self) -> Self {
        Self { zero_field: ZeroField::ZeroOnly, ..self }
    }

    fn no_zero(self) -> Self {
        Self { zero_field: ZeroField::Normals, ..self.one_zero() }
    }

    fn sign_bit(self) -> u32 {
        if self.signed { 1 << (self.exponent_bits + self.mantissa_bits) } else { 0 }
    }

    /// `formats.md` 1.1; the binade of field 0 is that of field 1 without the hidden bit, unless
    /// there is no zero.
    fn value(self, magnitude: u32) -> Dyadic {
        let (field, mantissa) = (
            i64::from(magnitude >> self.mantissa_bits),
            magnitude & ((1 << self.mantissa_bits) - 1),
        );
        let last = -self.bias - i64::from(self.mantissa_bits);
        match (field, self.zero_field) {
            (0, ZeroField::ZeroOnly) => Dyadic::ZERO,
            (0, ZeroField::Subnormals) => Dyadic::new(i128::from(mantissa), 1 + last),
            _ => Dyadic::new(i128::from(1 << self.mantissa_bits | mantissa), field + last),
        }
    }

    fn side(self, negative: bool) -> Side {
        let sign = if negative { self.sign_bit() } else { 0 };
        let skipped = |code: u32| {
            self.zero_field == ZeroField::ZeroOnly && (1..1 << self.mantissa_bits).contains(&code)
        };
        let entry = |code: u32| {
            let value = self.value(code);
            let sign = if value == Dyadic::ZERO && !self.negative_zero { 0 } else { sign };
            Entry { value, code: code | sign, odd: code & 1 == 1 }
        };
        let entries = (0..=self.max).filter(|&code| !skipped(code)).map(entry).collect();
        Side { entries, next: Some(self.value(self.max + 1)), posit: None }
    }

    fn referee(self, spec: FormatSpec) -> Referee {
        let no_zero = self.zero_field == ZeroField::Normals;
        let sign = self.sign_bit();
        let smallest_code = if no_zero { 0 } else { 1 << self.mantissa_bits };
        let tininess = if self.exponent_bits == 0 && !no_zero {
            Tininess::Never
        } else {
            Tininess::BelowNormal {
                smallest: self.value(smallest_code),
                mantissa_bits: self.mantissa_bits,
                code_is_odd: smallest_code & 1 == 1,
            }
        };
        Referee {
            spec,
            signed: self.signed,
            sign_bit: sign,
            mantissa_bits: self.mantissa_bits,
            sides: [self.side(false), self.side(true)],
            zeros: (!no_zero).then_some([0, if self.negative_zero { sign } else { 0 }]),
            infinities: self.infinity.map(|code| [code, code | sign]),
            nan: self.nan,
            tininess,
            integers: None,
        }
    }

    /// A format of the user's own, whose spec says the same as the row.
    fn user(self, nan: NanCodes) -> Referee {
        let layout = FloatSpec {
            signed: self.signed,
            exponent_bits: self.exponent_bits as u8,
            mantissa_bits: self.mantissa_bits as u8,
            bias: self.bias as i32,
            zero_field: self.zero_field,
            negative_zero: self.negative_zero,
            infinities: self.infinity.is_some(),
            nan,
        };
        let name = format!(
            "{}.{}.{} bias {}",
            u8::from(self.signed),
            self.exponent_bits,
            self.mantissa_bits,
            self.bias
        );
        let spec = FormatSpec::new(&name, Encoding::Float(layout))
            .unwrap_or_else(|error| panic!("{layout:?}: {error}"));
        self.referee(spec)
    }
}

/// Every named float of at most 8 bits: `formats.md` 1.2, 1.6 and 1.7.
fn named_floats() -> Vec<Referee> {
    let table = [
        (FormatSpec::F8E4M3, row([1, 4, 3], 7, 0x7E).nan(0x7F, 0x7F)),
        (FormatSpec::F8E5M2, row([1, 5, 2], 15, 0x7B).infinity(0x7C).nan(0x7E, 0x7F)),
        (FormatSpec::F8E4M3IEEE, row([1, 4, 3], 7, 0x77).infinity(0x78).nan(0x7C, 0x7F)),
        (FormatSpec::F8E3M4, row([1, 3, 4], 3, 0x6F).infinity(0x70).nan(0x78, 0x7F)),
        (FormatSpec::F8E3M4FN, row([1, 3, 4], 3, 0x7E).nan(0x7F, 0x7F)),
        (FormatSpec::F8E4M3FNUZ, row([1, 4, 3], 8, 0x7F).nan_for_negative_zero()),
        (FormatSpec::F8E5M2FNUZ, row([1, 5, 2], 16, 0x7F).nan_for_negative_zero()),
        (FormatSpec::F8E4M3B11FNUZ, row([1, 4, 3], 11, 0x7F).nan_for_negative_zero()),
        (FormatSpec::F6E3M2, row([1, 3, 2], 3, 0x1F)),
        (FormatSpec::F6E2M3, row([1, 2, 3], 1, 0x1F)),
        (FormatSpec::F4E2M1, row([1, 2, 1], 1, 0x7)),
        (FormatSpec::F4E1M2, row([1, 1, 2], 1, 0x7)),
        (FormatSpec::F4E3M0, row([1, 3, 0], 3, 0x7)),
        // The integers -7..=7 in sign and magnitude: 2^(1 - bias - 3) is 1.
        (FormatSpec::F4E0M3, row([1, 0, 3], -2, 0x7)),
        (FormatSpec::E8M0, row([0, 8, 0], 127, 0xFE).no_zero().nan(0xFF, 0xFF)),
        (FormatSpec::UE4M3, row([0, 4, 3], 7, 0x7E).nan(0x7F, 0x7F)),
        (FormatSpec::UE5M3, row([0, 5, 3], 15, 0xFE).nan(0xFF, 0xFF)),
        (FormatSpec::UE6M2, row([0, 6, 2], 48, 0xFE).no_zero().nan(0xFF, 0xFF)),
    ];
    table.into_iter().map(|(spec, row)| row.referee(spec)).collect()
}

/// BF16 (`formats.md` 1.2), for the tests of stochastic rounding.
pub(crate) fn bf16() -> Referee {
    row([1, 8, 7], 127, 0x7F7F).infinity(0x7F80).nan(0x7FC0, 0x7FFF).referee(FormatSpec::BF16)
}

/// FP16 (`formats.md` 1.2), for the tests of arithmetic.
pub(crate) fn f16() -> Referee {
    row([1, 5, 10], 15, 0x7BFF).infinity(0x7C00).nan(0x7E00, 0x7FFF).referee(FormatSpec::F16)
}

/// One P3109 format: the table of `formats.md` 1.10.
fn p3109(k: u32, p: u32, signedness: Signedness, domain: Domain) -> Referee {
    let signed = signedness == Signedness::Signed;
    let extended = domain == Domain::Extended;
    let (width, infinity) = if signed { (k - 1, (1 << (k - 1)) - 1) } else { (k, (1 << k) - 2) };
    let exponent_bits = width - (p - 1);
    let bias = if signed { 1 << (k - p - 1) } else { 1 << (k - p) };
    let max = if extended { infinity - 1 } else { infinity };
    let mut row = row([u32::from(signed), exponent_bits, p - 1], bias, max).one_zero();
    row.nan = NanRow::One(if signed { 1 << (k - 1) } else { (1 << k) - 1 });
    row.infinity = extended.then_some(infinity);
    row.referee(FormatSpec::p3109(k as u8, p as u8, signedness, domain).unwrap())
}

/// Binary{K}p{P}{s|u}{e|f} for K from 3 to 8.
fn p3109_formats() -> Vec<Referee> {
    let mut all = Vec::new();
    for k in 3..=8 {
        for domain in [Domain::Extended, Domain::Finite] {
            all.extend((1..k).map(|p| p3109(k, p, Signedness::Signed, domain)));
            all.extend((1..=k).map(|p| p3109(k, p, Signedness::Unsigned, domain)));
        }
    }
    all
}

/// Layouts nobody ships: every combination of zero field, special codes and field widths that the
/// documentation allows to differ.
fn user_floats() -> Vec<Referee> {
    use NanCodes::{AllOnes, NegativeZero, None, TopExponent};
    vec![
        // No exponent field: fixed point.
        row([0, 0, 2], 0, 3).user(None),
        row([0, 0, 4], -3, 14).nan(15, 15).user(AllOnes),
        row([1, 0, 3], 0, 6).infinity(7).user(None),
        row([1, 0, 3], 0, 5).infinity(6).nan(7, 7).user(AllOnes),
        row([1, 0, 4], 2, 14).infinity(15).nan_for_negative_zero().user(NegativeZero),
        // One exponent bit.
        row([1, 1, 0], 0, 1).user(None),
        row([1, 1, 3], 0, 7).infinity(8).nan(12, 15).user(TopExponent),
        row([1, 1, 3], 0, 7).nan(12, 15).user(TopExponent),
        row([0, 1, 2], 0, 5).infinity(6).nan(7, 7).user(AllOnes),
        // Field 0 holds zero alone.
        row([1, 1, 2], 0, 7).zero_only().user(None),
        row([1, 3, 2], 3, 29).infinity(30).nan(31, 31).zero_only().user(AllOnes),
        row([1, 4, 3], 7, 0x77).infinity(0x78).nan(0x7C, 0x7F).zero_only().user(TopExponent),
        row([1, 3, 3], 3, 63).nan_for_negative_zero().zero_only().user(NegativeZero),
        row([0, 2, 3], 1, 31).zero_only().user(None),
        row([0, 3, 0], 3, 6).nan(7, 7).zero_only().user(AllOnes),
        // No zero, with and without a sign.
        row([1, 3, 2], 3, 31).no_zero().user(None),
        row([1, 2, 1], 1, 6).nan(7, 7).no_zero().user(AllOnes),
        row([1, 3, 0], 3, 5).infinity(6).nan(7, 7).no_zero().user(AllOnes),
        row([1, 3, 2], 3, 27).nan(30, 31).no_zero().user(TopExponent),
        row([1, 0, 3], 0, 7).no_zero().user(None),
        row([0, 4, 2], 7, 59).infinity(60).nan(62, 63).no_zero().user(TopExponent),
        row([0, 0, 3], 0, 6).nan(7, 7).no_zero().user(AllOnes),
        row([0, 3, 1], 3, 15).no_zero().user(None),
        // The sign bit alone is neither −0 nor NaN.
        row([1, 2, 2], 1, 15).one_zero().user(None),
        row([1, 3, 2], 3, 30).infinity(31).one_zero().user(None),
        row([1, 3, 2], 5, 30).infinity(31).nan_for_negative_zero().user(NegativeZero),
        // Special codes without mantissa bits, and NaN in an unsigned top exponent.
        row([1, 5, 0], 15, 30).nan(31, 31).user(AllOnes),
        row([1, 4, 0], 7, 14).nan(15, 15).user(TopExponent),
        row([0, 3, 2], 3, 27).infinity(28).nan(30, 31).user(TopExponent),
        row([1, 7, 0], 63, 127).user(None),
        // At and beyond the ends of f32 and f64.
        row([1, 4, 3], 150, 0x7E).nan(0x7F, 0x7F).user(AllOnes),
        row([1, 4, 3], -120, 0x7E).nan(0x7F, 0x7F).user(AllOnes),
        row([1, 3, 2], 1080, 27).infinity(28).nan(30, 31).user(TopExponent),
        row([0, 4, 2], 1 << 15, 63).user(None),
        row([0, 4, 2], -(1 << 15), 63).user(None),
    ]
}

/// Two's complement over `2^fraction_bits`.
fn int(spec: FormatSpec, signed: bool, bits: u32, fraction_bits: i64, symmetric: bool) -> Referee {
    let mask = (1u32 << bits) - 1;
    let largest = if signed { (1i64 << (bits - 1)) - 1 } else { i64::from(mask) };
    let side = |negative: bool| {
        let count = if negative { largest + i64::from(!symmetric) } else { largest };
        let entry = |magnitude: i64| {
            let code = (if negative { -magnitude } else { magnitude }) as u32 & mask;
            Entry {
                value: Dyadic::new(i128::from(magnitude), -fraction_bits),
                code,
                odd: code & 1 == 1,
            }
        };
        let next = Some(Dyadic::new(i128::from(count) + 1, -fraction_bits));
        Side { entries: (0..=count).map(entry).collect(), next, posit: None }
    };
    Referee {
        spec,
        signed,
        sign_bit: 0,
        mantissa_bits: 0,
        sides: [side(false), side(signed)],
        zeros: Some([0, 0]),
        infinities: None,
        nan: NanRow::None,
        tininess: Tininess::Never,
        integers: Some(Integers { bits, unit: -fraction_bits, symmetric }),
    }
}

fn integers() -> Vec<Referee> {
    let user = |signed: bool, bits: u8, fraction_bits: i8, symmetric: bool| {
        let layout = IntSpec { signed, bits, fraction_bits, symmetric };
        let spec = FormatSpec::new("integer", Encoding::Int(layout)).unwrap();
        int(spec, signed, u32::from(bits), i64::from(fraction_bits), symmetric)
    };
    vec![
        int(FormatSpec::INT8, true, 8, 0, false),
        int(FormatSpec::INT7, true, 7, 0, false),
        int(FormatSpec::INT6, true, 6, 0, false),
        int(FormatSpec::INT5, true, 5, 0, false),
        int(FormatSpec::INT4, true, 4, 0, false),
        int(FormatSpec::INT3, true, 3, 0, false),
        int(FormatSpec::INT2, true, 2, 0, false),
        int(FormatSpec::INT1, true, 1, 0, false),
        int(FormatSpec::UINT8, false, 8, 0, false),
        int(FormatSpec::UINT4, false, 4, 0, false),
        int(FormatSpec::UINT2, false, 2, 0, false),
        int(FormatSpec::UINT1, false, 1, 0, false),
        int(FormatSpec::MXINT8, true, 8, 6, false),
        int(FormatSpec::MXINT8SYM, true, 8, 6, true),
        user(true, 5, -3, true),
        user(true, 6, 64, false),
        user(false, 3, -64, false),
        user(true, 2, 1, true),
    ]
}

/// The table of `formats.md` 2.1: first code, exponent, mantissa bits of each binade; the denormals
/// are powers of two.
fn hif8() -> Referee {
    #[rustfmt::skip]
    const BINADES: [(u32, i64, u32); 31] = [
        (0x08, 0, 3), (0x10, 1, 3), (0x18, -1, 3), (0x20, 2, 3), (0x28, 3, 3), (0x30, -2, 3), (0x38, -3, 3),
        (0x40, 4, 2), (0x44, 5, 2), (0x48, 6, 2), (0x4C, 7, 2), (0x50, -4, 2), (0x54, -5, 2), (0x58, -6, 2), (0x5C, -7, 2),
        (0x60, 8, 1), (0x62, 9, 1), (0x64, 10, 1), (0x66, 11, 1), (0x68, 12, 1), (0x6A, 13, 1), (0x6C, 14, 1), (0x6E, 15, 1),
        (0x70, -8, 1), (0x72, -9, 1), (0x74, -10, 1), (0x76, -11, 1), (0x78, -12, 1), (0x7A, -13, 1), (0x7C, -14, 1), (0x7E, -15, 1),
    ];
    const INFINITY: u32 = 0x6F;
    let mut numbers = vec![(Dyadic::ZERO, 0)];
    numbers.extend((1..=7).map(|code| (Dyadic::new(1, i64::from(code) - 23), code)));
    for (first, exponent, mantissa_bits) in BINADES {
        let hidden = 1 << mantissa_bits;
        let number = |m: u32| {
            (Dyadic::new(i128::from(hidden | m), exponent - i64::from(mantissa_bits)), first + m)
        };
        numbers.extend((0..hidden).map(number));
    }
    numbers.sort_unstable();
    let (next, last) = numbers.pop().unwrap();
    assert_eq!(last, INFINITY, "infinity stands where 1.5·2^15 would be");
    let side = |sign: u32| {
        let entry = |&(value, code): &(Dyadic, u32)| Entry {
            value,
            code: if code == 0 { 0 } else { code | sign },
            odd: code & 1 == 1,
        };
        Side { entries: numbers.iter().map(entry).collect(), next: Some(next), posit: None }
    };
    Referee {
        spec: FormatSpec::HIF8,
        signed: true,
        sign_bit: 0x80,
        mantissa_bits: 0,
        sides: [side(0), side(0x80)],
        zeros: Some([0, 0]),
        infinities: Some([INFINITY, INFINITY | 0x80]),
        nan: NanRow::One(0x80),
        // One mantissa bit at 2^-15, whose code 0x7E is even.
        tininess: Tininess::BelowNormal {
            smallest: Dyadic::new(1, -15),
            mantissa_bits: 1,
            code_is_odd: false,
        },
        integers: None,
    }
}

/// A table of numbers. Of equal entries the first stands for the number, but each zero for its own
/// sign; the parity of an entry is that of the number of entries below it.
fn codebook(spec: FormatSpec, bits: &[u32]) -> Referee {
    let value = |bits: u32| Dyadic::of_f32_bits(bits);
    let zero = |bits: u32| bits.checked_shl(1) == Some(0);
    let first =
        |wanted: u32| bits.iter().position(|&bits| bits == wanted).map(|place| place as u32);
    let zeros = match (first(0), first(1 << 31)) {
        (None, None) => None,
        (Some(code), None) | (None, Some(code)) => Some([code, code]),
        (Some(plus), Some(minus)) => Some([plus, minus]),
    };
    let side = |negative: bool| {
        let entry = |place: usize| {
            let rank = bits.iter().filter(|&&other| value(other) < value(bits[place])).count();
            let along = if negative { value(bits[place]).negated() } else { value(bits[place]) };
            let code = zeros
                .filter(|_| zero(bits[place]))
                .map_or(place as u32, |zeros| zeros[usize::from(negative)]);
            Entry { value: along, code, odd: rank & 1 == 1 }
        };
        let mut entries: Vec<Entry> = (0..bits.len()).map(entry).collect();
        entries.sort_by_key(|entry| (entry.value, entry.code));
        entries.dedup_by_key(|entry| entry.value);
        Side { entries, next: None, posit: None }
    };
    Referee {
        spec,
        signed: true,
        sign_bit: 0,
        mantissa_bits: 0,
        sides: [side(false), side(true)],
        zeros,
        infinities: None,
        nan: NanRow::None,
        tininess: Tininess::Never,
        integers: None,
    }
}

/// bitsandbytes' signed dynamic map, by its recipe in f32: 2^i intervals of [0.1, 1], their
/// midpoints times 10^(i - 6), for i from 0 to 6, with both signs; then 0 and 1. `linspace` counts
/// from the nearer end with a fused multiply-add.
fn dynamic_map() -> Vec<u32> {
    const DECADES: [f32; 7] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];
    let mut numbers = vec![0.0f32, 1.0];
    for (i, decade) in DECADES.into_iter().enumerate() {
        let count = 1 << i;
        let step = (1.0 - 0.1f32) / count as f32;
        // Products of f32 are exact in f64, so the sum is the only rounding.
        let line = |k: i32| {
            let (start, steps) =
                if k < (count + 1) / 2 { (f64::from(0.1f32), k) } else { (1.0, k - count) };
            (start + f64::from(step) * f64::from(steps)) as f32
        };
        let midpoints = (0..count).map(|k| decade * ((line(k) + line(k + 1)) / 2.0));
        numbers.extend(midpoints.flat_map(|x| [x, -x]));
    }
    numbers.sort_by(f32::total_cmp);
    numbers.into_iter().map(f32::to_bits).collect()
}

/// `formats.md` 1.11.
#[rustfmt::skip]
fn codebooks() -> Vec<Referee> {
    // As f64 literals, which hold every digit of the source; each is nearest to one f32.
    const NF4: [f64; 16] = [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
        -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ];
    const AF4: [f64; 16] = [
        1.0, 0.72424863, 0.55496234, 0.42563882, 0.31675666, 0.21961274, 0.12934483, 0.04273164, 0.0, -0.04934812, -0.14982478,
        -0.25607552, -0.3736951, -0.51243739, -0.69441008, -1.0,
    ];
    const TWELFTHS: [f32; 8] = [0.0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0];
    // Out of order, both zeros, and three codes behind the end.
    static MINE: [u32; 5] = [0x8000_0000, 0x3FC0_0000, 0x0000_0000, 0xBF80_0000, 0x3E80_0000];
    // One zero, and that is −0.
    static MINUS: [u32; 4] = [0x3F80_0000, 0x8000_0000, 0xBF80_0000, 0x4000_0000];
    let bits_of = |numbers: &[f64]| numbers.iter().map(|&x| (x as f32).to_bits()).collect::<Vec<_>>();
    // Both zeros of this table are +0.
    let negatives = TWELFTHS.map(|x| if x == 0.0 { 0.0 } else { -x });
    let fp4: Vec<u32> = TWELFTHS.iter().chain(&negatives).map(|x| (x / 12.0).to_bits()).collect();
    vec![
        codebook(FormatSpec::NF4, &bits_of(&NF4)),
        codebook(FormatSpec::AF4, &bits_of(&AF4)),
        codebook(FormatSpec::BNBFP4, &fp4),
        codebook(FormatSpec::BNBDYNAMIC8, &dynamic_map()),
        codebook(FormatSpec::new("mine", Encoding::Codebook(Table::of(&MINE))).unwrap(), &MINE),
        codebook(FormatSpec::new("minus", Encoding::Codebook(Table::of(&MINUS))).unwrap(), &MINUS),
    ]
}

/// `formats.md` 1.12.
fn posit(spec: FormatSpec, bits: u32, exponent_bits: u32) -> Referee {
    let nar = 1u32 << (bits - 1);
    let side = |negative: bool| {
        let entry = |magnitude: u32| {
            let code = if negative { 2 * nar - magnitude } else { magnitude };
            Entry {
                value: posit_value(u64::from(magnitude), bits, exponent_bits),
                code,
                odd: code & 1 == 1,
            }
        };
        Side {
            entries: (1..nar).map(entry).collect(),
            next: None,
            posit: Some((bits, exponent_bits)),
        }
    };
    Referee {
        spec,
        signed: true,
        sign_bit: 0,
        mantissa_bits: 0,
        sides: [side(false), side(true)],
        zeros: Some([0, 0]),
        infinities: None,
        nan: NanRow::One(nar),
        tininess: Tininess::BelowSmallest,
        integers: None,
    }
}

fn posits() -> Vec<Referee> {
    let user = |bits: u8, exponent_bits: u8| {
        let spec =
            FormatSpec::new("posit", Encoding::Posit(PositSpec { bits, exponent_bits })).unwrap();
        posit(spec, u32::from(bits), u32::from(exponent_bits))
    };
    vec![posit(FormatSpec::POSIT8, 8, 2), user(8, 0), user(6, 1), user(5, 4), user(3, 2)]
}

/// The referees of every format of at most 8 bits: all named ones, all of P3109, and layouts nobody
/// ships.
pub(crate) fn referees() -> Vec<Referee> {
    let families = [
        named_floats(),
        integers(),
        vec![hif8()],
        codebooks(),
        posits(),
        p3109_formats(),
        user_floats(),
    ];
    families.into_iter().flatten().collect()
}

/// The referee of one named format.
pub(crate) fn referee_of(name: &str) -> Referee {
    let found = referees().into_iter().find(|referee| referee.spec.name() == name);
    found.unwrap_or_else(|| panic!("no referee for {name}"))
}
