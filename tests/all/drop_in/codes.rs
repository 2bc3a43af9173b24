//! `serde` of scalars: codes by default, numbers and text by the helpers; what is no code or number
//! is an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::{Debug, Display};
use std::str::FromStr;
use subhalf::{Code, Convert, F4E2M1, F8E4M3, Format, FormatSpec};

/// One number in three ways.
#[derive(Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: Format + Display + Serialize",
    deserialize = "T: Format + FromStr<Err: Display> + Deserialize<'de>"
))]
struct Written<T> {
    code: T,
    #[serde(with = "subhalf::serde_as_number")]
    number: T,
    #[serde(with = "subhalf::serde_as_string")]
    text: T,
}

fn comes_back<T>()
where
    T: Format + Display + FromStr<Err: Display> + Serialize + DeserializeOwned + Debug,
{
    for code in T::SPEC.codes() {
        let x = T::from_bits(Code::truncate(code));
        let text = serde_json::to_string(&Written { code: x, number: x, text: x }).unwrap();
        assert!(text.starts_with(&format!("{{\"code\":{code},\"number\":")), "{text}");
        let value = T::SPEC.decode_f64(code);
        let read: Written<T> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.code.to_bits().widen(), code, "{text}");
        // A NaN is the one that the policy makes; so is zero where codes have several.
        let again = T::SPEC.encode_f64_with(value, &T::CONVERT, 0).code;
        let expected = if value.is_nan() { again } else { code };
        assert_eq!(read.number.to_bits().widen(), expected, "{text}");
        assert_eq!(read.text.to_bits().widen(), expected, "{text}");
        // As JSON has them, for other readers.
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        if value.is_finite() {
            assert_eq!(json["number"].as_f64().map(f64::to_bits), Some(value.to_bits()), "{text}");
        } else {
            assert_eq!(json["number"].as_str(), Some(value.to_string().as_str()), "{text}");
        }
    }
    let count = T::SPEC.code_count();
    for hostile in [
        &count.to_string(),
        "256",
        "-1",
        "1.5",
        "null",
        "\"1\"",
        "[]",
        "{}",
        "1e3",
        "65536",
        "18446744073709551616",
        "true",
    ] {
        let refused = serde_json::from_str::<T>(hostile).expect_err(hostile);
        assert!(!refused.to_string().is_empty());
    }
}

macro_rules! check {
    ($($name:ident)*) => { $(comes_back::<subhalf::$name>();)* };
}

#[test]
fn every_number_of_every_type_comes_back() {
    subhalf::__scalars! { check }
}

mod own {
    use super::{Convert, FormatSpec};

    subhalf::define_format! { pub(super) struct Half(u16) = FormatSpec::F16, policy Convert::IEEE; }
    subhalf::define_format! { pub(super) struct Wide(u32) = FormatSpec::F32, policy Convert::IEEE; }
}

#[test]
fn types_of_ones_own_are_written_too() {
    for code in (0..0x1_0000u32).step_by(7) {
        let x = own::Half::from_bits(code as u16);
        let text = serde_json::to_string(&x).unwrap();
        assert_eq!(text, code.to_string());
        assert_eq!(serde_json::from_str::<own::Half>(&text).unwrap().to_bits(), code as u16);
        let wide = own::Wide::from_bits(code << 16 | 1);
        let text = serde_json::to_string(&wide).unwrap();
        assert_eq!(serde_json::from_str::<own::Wide>(&text).unwrap().to_bits(), code << 16 | 1);
    }
    assert!(serde_json::from_str::<own::Half>("65536").is_err());
}

#[test]
fn numbers_that_are_read_are_rounded_once() {
    #[derive(Deserialize)]
    struct Read(#[serde(with = "subhalf::serde_as_number")] F8E4M3);
    // 1.0625 + 2^-40 is above the tie between 1 and 1.125, in f64 but not in f32.
    for (text, number) in
        [("0.3", 0.3125), ("1000", 448.0), ("-2", -2.0), ("1.0625000000009095", 1.125)]
    {
        let Read(x) = serde_json::from_str(text).unwrap();
        assert_eq!(x.to_f64(), number, "{text}");
    }
    for hostile in ["null", "\"1\"", "\"nan\"", "\"Infinity\"", "[1]", "1e999", "{}", "\"inf \""] {
        assert!(serde_json::from_str::<Read>(hostile).is_err(), "{hostile}");
    }
}

#[test]
fn what_is_no_code_says_what_was_expected() {
    let error = serde_json::from_str::<F4E2M1>("16").unwrap_err().to_string();
    assert!(
        error.starts_with("invalid value: integer `16`, expected a code of 4 bits of F4E2M1"),
        "{error}"
    );
}
