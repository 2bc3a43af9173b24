//! Text of formats with numbers outside of f64's range: every code comes back from what is printed,
//! and decimal numbers out there are rounded correctly or refused. The expected numbers are from
//! exact fractions.

use std::fmt::{Debug, Display, LowerExp, UpperExp};
use std::str::FromStr;
use subhalf::{
    Domain, Encoding, F8E4M3, FloatSpec, Format, FormatSpec, ParseError, Signedness, Unpacked,
};

const fn p3109(precision: u8) -> FormatSpec {
    match FormatSpec::p3109(16, precision, Signedness::Signed, Domain::Extended) {
        Ok(spec) => spec,
        Err(_) => panic!("a P3109 format"),
    }
}

subhalf::define_format! { struct W1(u16) = p3109(1); }
subhalf::define_format! { struct W4(u16) = p3109(4), has(ZERO, ONE, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL); }
subhalf::define_format! { struct W5(u16) = p3109(5); }
subhalf::define_format! { struct E12M3(u16) = FormatSpec::constant("E12M3", Encoding::Float(FloatSpec::ieee(12, 3))); }
subhalf::define_format! { struct Fine(u32) = FormatSpec::constant("E13M4", Encoding::Float(FloatSpec::ieee(13, 4))); }
subhalf::define_format! { struct Huge(u16) = FormatSpec::constant(
    "Huge",
    Encoding::Float(FloatSpec { bias: -(1 << 15), ..FloatSpec::finite(14, 2).unsigned() }),
); }
subhalf::define_format! { struct Tiny(u16) = FormatSpec::constant(
    "Tiny",
    Encoding::Float(FloatSpec { bias: 1 << 15, ..FloatSpec::finite(13, 2) }),
); }

fn every_code_comes_back<T>(name: &str)
where
    T: Format<Code = u16> + Display + Debug + LowerExp + UpperExp + FromStr<Err = ParseError>,
{
    for code in T::SPEC.codes() {
        let x = T::from_bits(code as u16);
        let debug = format!("{x:?}");
        let inner = debug
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'))
            .expect("Name(number)");
        let mut texts = vec![format!("{x}")];
        if code % 16 == 5 {
            texts.extend([format!("{x:e}"), format!("{x:E}"), inner.to_owned()]);
        }
        for text in texts {
            let again: T =
                text.parse().unwrap_or_else(|error| panic!("{name} {code:#06x} {text}: {error}"));
            let both_nan = x.unpack().is_nan() && again.unpack().is_nan();
            assert!(
                both_nan || again.to_bits() == x.to_bits(),
                "{name} {code:#06x}: {text} is {:#06x}",
                again.to_bits()
            );
        }
    }
}

#[test]
fn every_code_comes_back_from_its_text() {
    every_code_comes_back::<W1>("W1");
    every_code_comes_back::<W4>("W4");
    every_code_comes_back::<W5>("W5");
    every_code_comes_back::<E12M3>("E12M3");
    every_code_comes_back::<Huge>("Huge");
    every_code_comes_back::<Tiny>("Tiny");
}

#[test]
fn numbers_that_f64_has_not_are_hexadecimal() {
    let text = |significand, exponent| {
        W4::from_unpacked(Unpacked::new(true, significand, exponent)).to_string()
    };
    assert_eq!(
        [text(1, 1024), text(3, 1099), text(13, -1100)],
        ["-0x1p+1024", "-0x1.8p+1100", "-0x1.ap-1097"]
    );
    // The last decimal one on either side, and a number that f64 has as a subnormal.
    assert_eq!(
        [text(1, -1022), text(15, -1026)],
        ["-0.".to_owned() + &"0".repeat(307) + "22250738585072014", "-0x1.ep-1023".to_owned()]
    );
    assert_eq!(
        format!("{:?} {:e}", W4::MAX, W4::MIN_POSITIVE_SUBNORMAL),
        "W4(0x1.cp+2047) 0x1p-2050"
    );
}

#[test]
fn decimal_numbers_out_there_are_rounded_once() {
    fn near<T: Format + FromStr<Err = ParseError>>(text: &str) -> Unpacked {
        text.parse::<T>().unwrap_or_else(|error| panic!("{text}: {error}")).unpack()
    }
    for (text, four, five) in [
        ("1e400", (14, 1325), (27, 1324)),
        ("1e-400", (9, -1332), (19, -1333)),
        ("3e-324", (10, -1078), (19, -1079)),
        ("5e-324", (8, -1077), (16, -1078)),
        ("1.7976931348623159e308", (16, 1020), (32, 1019)),
        ("2.2250738585072011e-308", (16, -1026), (32, -1027)),
        ("1e600", (9, 1990), (18, 1989)),
        ("123456789e-600", (13, -1970), (26, -1971)),
    ] {
        assert_eq!(near::<W4>(text), Unpacked::new(false, four.0, four.1), "{text}");
        assert_eq!(
            near::<Fine>(&format!("-{text}")),
            Unpacked::new(true, five.0, five.1),
            "-{text}"
        );
    }
    assert_eq!(near::<Huge>("1e12000"), Unpacked::new(false, 4, 39861));
    assert_eq!(near::<Tiny>("1e-9000"), Unpacked::new(false, 6, -29900));
    // Beyond the format too.
    assert_eq!("1e1000".parse(), Ok(W4::from_unpacked(Unpacked::new(false, 1, 3000))));
    assert_eq!(format!("1{}e-999999999999999999999999", "0".repeat(500)).parse(), Ok(W4::ZERO));
}

/// 17 · 2^1026 lies half-way between two numbers of `W4`, and its 311 digits say so only at the
/// end.
#[test]
fn what_256_bits_do_not_decide_is_refused() {
    let tie = "12224313317063748172559275297365368188602243456807684694593245518725821954774065493024176457923712449436167743831254748320797704279380330329513625283484240457688216752890852998788550932884734400122809640741780392280994246399287475940226091516776252127107834726551868280316412723816620708728804230414447241330688";
    let error = tie.parse::<W4>().unwrap_err();
    assert!(error.to_string().contains("hexadecimal"), "{error}");
    assert_eq!(
        ["0x11p1026", "0x11.0000000000000000000001p1026"]
            .map(|text| text.parse().map(|x: W4| x.unpack())),
        [Ok(Unpacked::new(false, 8, 1027)), Ok(Unpacked::new(false, 9, 1027)),]
    );
    // Of a format with nothing out there it is as good as any.
    assert_eq!(tie.parse(), Ok(F8E4M3::MAX));
}

#[test]
fn hexadecimal_numbers() {
    let parse = |text: &str| text.parse::<F8E4M3>().map(F8E4M3::to_f32);
    assert_eq!(
        [parse("0x1.8p+0"), parse("-0X.Cp1"), parse("+0x30P-4"), parse("0x1.p0")],
        [Ok(1.5), Ok(-1.5), Ok(3.0), Ok(1.0)]
    );
    // A tie, and what lies a hair above it.
    assert_eq!([parse("0x1.1p0"), parse("0x1.10000000000000000000000001p0")], [Ok(1.0), Ok(1.125)]);
    assert_eq!(
        [parse("0x1p99999999999999999999"), parse("-0x1p-99999999999999999999")],
        [Ok(448.0), Ok(-0.0)]
    );
    assert_eq!(parse("0x00000000000000000000000000000001p0"), Ok(1.0));
    for text in [
        "0x10", "0x1.8", "0xp1", "0x.p1", "0x1p", "0x1p+", "0x1p+-1", "0x1p1.0", "0x1..8p0",
        "0x-1p0", "--0x1p0", "0x1gp0", "x1p0",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

/// `num_traits::cast` asks for an f64, and must not get another number.
#[cfg(feature = "num-traits")]
#[test]
fn casts_do_not_lose_numbers() {
    use num_traits::{NumCast, ToPrimitive};
    let mut refused = 0;
    for code in W4::SPEC.codes() {
        let x = W4::from_bits(code as u16);
        match <W4 as NumCast>::from(x) {
            Some(same) => assert!(same.to_bits() == x.to_bits(), "{x:?}: {same:?}"),
            None => refused += 1,
        }
    }
    // Of either sign 1024 binades (but for infinity) above f64, 973 and 7 subnormals below, and 7 +
    // 6 + 4 numbers that its subnormals lack.
    assert_eq!(refused, 2 * (1024 * 8 - 1 + 973 * 8 + 7 + 17));
    assert_eq!(W4::MAX.to_f64(), f64::INFINITY);
    assert_eq!(
        (ToPrimitive::to_f64(&W4::MAX), ToPrimitive::to_f64(&W4::NEG_INFINITY)),
        (None, Some(f64::NEG_INFINITY))
    );
    assert!(<W4 as num_traits::Num>::from_str_radix("0x1p0", 10).is_err());
}
