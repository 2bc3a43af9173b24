//! Which format, policy and comparison belong to an array, told from its name. An array that is not
//! known here is an error.

use subhalf::{
    Convert, Encoding, FloatSpec, FormatSpec, MissingNan, Nan, Negative, PositSpec, Round,
    Stochastic, Table, Unpacked,
};

/// What the numbers of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Codes of the format.
    Codes,
    /// f64 values; any NaN is NaN.
    F64,
    /// f32 values; any NaN is NaN.
    F32,
    /// f32 bits, NaN sign and payload included.
    F32Bits,
    /// f16 bits, NaN included.
    F16Bits,
    /// bf16 bits, NaN included.
    Bf16Bits,
    /// i32 values.
    I32,
}

/// How to hold an array against the crate.
pub(super) struct Plan {
    pub(super) spec: FormatSpec,
    pub(super) convert: Convert,
    pub(super) payload: Payload,
    /// NaN codes are one class: the source's own choice among them is not part of the comparison.
    pub(super) any_nan: bool,
    /// What the source does to the number before it decodes to it.
    pub(super) factor: f64,
    /// What the source does to an input before it encodes it.
    pub(super) before: Box<dyn Fn(Unpacked) -> Unpacked>,
    /// Applied to what the crate gives (code or bits), with the input, where the source differs by
    /// convention.
    pub(super) after: fn(Unpacked, u64) -> u64,
    /// Elements left out, with the line that says why.
    pub(super) except: Option<(Except, &'static str)>,
}

/// Which elements are left out: by input (encode) or by code (decode). For integers width and sign
/// take the code's place, for microxcaling f32 bits of half the smallest positive number.
pub(super) type Except = fn(Unpacked, u32) -> bool;

/// Why a whole array is left out, or how to check it.
pub(super) enum Known {
    Check(Box<Plan>),
    Excluded(&'static str),
}

pub(super) fn plan(file: &str, bits: u8) -> Option<Known> {
    let (folder, name) = file.split_once('/')?;
    let parts: Vec<&str> = name.strip_suffix(".bin")?.split('.').collect();
    match folder {
        "decode" => decode(&parts),
        "encode" | "encode64" => encode(&parts, folder == "encode64"),
        "cast" => cast(&parts),
        "stochastic" => stochastic(&parts, bits),
        _ => None,
    }
}

fn check(spec: FormatSpec, convert: Convert) -> Plan {
    Plan {
        spec,
        convert,
        payload: Payload::Codes,
        any_nan: false,
        factor: 1.0,
        before: Box::new(|x| x),
        after: |_, code| code,
        except: None,
    }
}

/// Sources that convert f64 by way of f32 (oracle/README.md: "ml_dtypes and torch go through f32
/// and double-round").
fn through_f32(x: Unpacked) -> Unpacked {
    let policy = Convert::IEEE.with_nan(Nan::Payload);
    FormatSpec::F32.decode(FormatSpec::F32.encode_with(x, &policy, 0).code)
}

const NAN_INPUT: Except = |input, _| input.is_nan();

/// Strictly between 2^-127 and 1.5·2^-127.
const LOWEST_E8M0: Except = |input, _| {
    let x = input.to_f64().abs();
    x > f64::powi(2.0, -127) && x < 1.5 * f64::powi(2.0, -127)
};
const LOWEST_E8M0_WHY: &str = "README: between 2^-127 and 1.5*2^-127 ml_dtypes and torch give 0x01";

fn known(plan: Plan) -> Option<Known> {
    Some(Known::Check(Box::new(plan)))
}

/// The format of a name in the files.
pub(super) fn format(name: &str) -> Option<FormatSpec> {
    if let Some(name) = name.strip_prefix("p3109_k") {
        return FormatSpec::by_name(&format!("Binary{name}")).ok();
    }
    Some(match name {
        "float8_e4m3fn" | "ocp_e4m3" | "e4m3" => FormatSpec::F8E4M3,
        "float8_e5m2" | "ocp_e5m2" | "e5m2" => FormatSpec::F8E5M2,
        "float8_e4m3" => FormatSpec::F8E4M3IEEE,
        "float8_e3m4" => FormatSpec::F8E3M4,
        "float8_e4m3fnuz" => FormatSpec::F8E4M3FNUZ,
        "float8_e5m2fnuz" => FormatSpec::F8E5M2FNUZ,
        "float8_e4m3b11fnuz" => FormatSpec::F8E4M3B11FNUZ,
        "float8_e8m0fnu" | "float8_e8m0" | "ocp_e8m0" | "e8m0" => FormatSpec::E8M0,
        "float6_e2m3fn" | "float6_e2m3" | "ocp_e2m3" | "e2m3" => FormatSpec::F6E2M3,
        "float6_e3m2fn" | "float6_e3m2" | "ocp_e3m2" | "e3m2" => FormatSpec::F6E3M2,
        "float4_e2m1fn" | "float4_e2m1" | "ocp_e2m1" | "e2m1" => FormatSpec::F4E2M1,
        "float4_e1m2" => FormatSpec::F4E1M2,
        "ocp_int8" => FormatSpec::MXINT8,
        "hifloat8" => FormatSpec::HIF8,
        "ue5m3" => FormatSpec::UE5M3,
        "bfloat16" => FormatSpec::BF16,
        "float16" | "binary16" => FormatSpec::F16,
        "int1" => FormatSpec::INT1,
        "int2" => FormatSpec::INT2,
        "int4" => FormatSpec::INT4,
        "uint1" => FormatSpec::UINT1,
        "uint2" => FormatSpec::UINT2,
        "uint4" => FormatSpec::UINT4,
        "nf4" => FormatSpec::NF4,
        "fp4" => FormatSpec::BNBFP4,
        "dynamic8" => FormatSpec::BNBDYNAMIC8,
        _ => return posit(name),
    })
}

/// Posits by width and exponent bits: `posit8_es2`.
fn posit(name: &str) -> Option<FormatSpec> {
    let (bits, exponent_bits) = name.strip_prefix("posit")?.split_once("_es")?;
    let layout = PositSpec { bits: bits.parse().ok()?, exponent_bits: exponent_bits.parse().ok()? };
    FormatSpec::new(name, Encoding::Posit(layout)).ok()
}

/// ggml's UE4M3 on the way in: IEEE-style without sign, with 0x7E written for infinity and 0 for
/// NaN.
fn ggml_ue4m3() -> FormatSpec {
    FormatSpec::new("ggml UE4M3", Encoding::Float(FloatSpec::ieee(4, 3).unsigned()))
        .expect("a valid spec")
}

/// bitsandbytes' FP8 "map": every sign, exponent and mantissa a number, sorted, over the largest.
/// Its subnormals are four times too small to join its normals.
fn bitsandbytes_fp8_map(exponent_bits: u32, mantissa_bits: u32) -> FormatSpec {
    let mut values: Vec<f64> = Vec::new();
    for field in 0..1u32 << exponent_bits {
        for mantissa in 0..1u32 << mantissa_bits {
            let fraction = f64::from(mantissa) / f64::from(1u32 << mantissa_bits);
            let (significand, power) =
                if field == 0 { (fraction, -2) } else { (1.0 + fraction, field as i32 - 1) };
            let value = significand * f64::powi(2.0, power);
            values.extend([value, -value]);
        }
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values.swap(middle - 1, middle); // its sort leaves +0 in front of -0
    let largest = values[values.len() - 1];
    let bits: Vec<u32> = values.iter().map(|value| ((value / largest) as f32).to_bits()).collect();
    FormatSpec::new("map", Encoding::Codebook(Table::of(Box::leak(bits.into_boxed_slice()))))
        .expect("a valid codebook")
}

fn decode(parts: &[&str]) -> Option<Known> {
    let (name, source, dtype) = (parts[0], parts[1], parts[parts.len() - 2]);
    let plain = check(format(name).unwrap_or(FormatSpec::F32), Convert::IEEE);
    let last = *parts.last()?;
    let payload = match (dtype, last) {
        ("f32bits", _) => Payload::F32Bits,
        ("halfbits", _) => Payload::F16Bits,
        ("bf16bits", _) => Payload::Bf16Bits,
        (_, "f64") => Payload::F64,
        (_, "f32") => Payload::F32,
        (_, "i32") => Payload::I32,
        _ => return None,
    };
    let any_nan = matches!(payload, Payload::F64 | Payload::F32);
    let by_source = Plan { payload, any_nan, ..plain };
    match source {
        "ml_dtypes" | "en_dtypes" | "gfloat" | "softposit" => {
            format(name)?;
            known(Plan { convert: Convert::IEEE.with_nan(Nan::Signed), ..by_source })
        }
        // Where a NaN code is all there is (FNUZ, E8M0), the NaN bits are torch's own.
        _ if source.starts_with("torch") => {
            let any_nan = [FormatSpec::F8E4M3FNUZ, FormatSpec::F8E5M2FNUZ, FormatSpec::E8M0]
                .contains(&format(name)?);
            known(Plan { convert: Convert::IEEE.with_nan(Nan::Payload), any_nan, ..by_source })
        }
        // numpy keeps signalling NaNs signalling; here the payload is made quiet.
        "numpy" => known(Plan { spec: format(name)?, any_nan: true, ..by_source }),
        "cuda" => known(Plan { spec: format(name)?, convert: Convert::CUDA_NOSAT, ..by_source }),
        "bitsandbytes" => {
            let map = name.strip_prefix("fp8map_e").and_then(|widths| widths.split_once('m'));
            let spec = match map {
                Some((exponent, mantissa)) => {
                    bitsandbytes_fp8_map(exponent.parse().ok()?, mantissa.parse().ok()?)
                }
                None => format(name)?,
            };
            known(Plan { spec, ..by_source })
        }
        "ggmlc" => {
            let e8m0: Option<(Except, _)> = Some((
                |_, code| code == 0xFF,
                "formats.md 3.6: e8m0 is read by shifting, so 0xFF is no NaN",
            ));
            let ue4m3: Option<(Except, _)> =
                Some((|_, code| code & 0x7F == 0x7F, "formats.md 1.7: ggml decodes 0x7F as 0"));
            match name {
                "e8m0" => known(Plan { except: e8m0, ..by_source }),
                "e8m0_half" => {
                    known(Plan { spec: FormatSpec::E8M0, factor: 0.5, except: e8m0, ..by_source })
                }
                "ue4m3_half" => {
                    known(Plan { spec: FormatSpec::UE4M3, factor: 0.5, except: ue4m3, ..by_source })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn encode(parts: &[&str], from_f64: bool) -> Option<Known> {
    let (name, source) = (parts[0], if parts[1] == "from_i32" { parts[2] } else { parts[1] });
    let spec = format(name);
    let rest = &parts[2..parts.len() - 1];
    let e8m0 = spec == Some(FormatSpec::E8M0);
    let before = || -> Box<dyn Fn(Unpacked) -> Unpacked> {
        if from_f64 { Box::new(through_f32) } else { Box::new(|x| x) }
    };
    let lowest: Option<(Except, _)> =
        if e8m0 { Some((LOWEST_E8M0, LOWEST_E8M0_WHY)) } else { None };
    match source {
        "ml_dtypes" if name.contains("int") => integer(parts),
        "ml_dtypes" => {
            let convert = if e8m0 { Convert::ML_DTYPES_E8M0 } else { Convert::ML_DTYPES };
            known(Plan { before: before(), except: lowest, ..check(spec?, convert) })
        }
        "numpy" => known(Plan { any_nan: true, ..check(spec?, Convert::IEEE) }),
        "cuda" => known(check(spec?, cuda(name, rest, from_f64)?)),
        "en_dtypes" => {
            let convert = match name {
                "float8_e8m0" => Convert::EN_DTYPES_E8M0,
                "hifloat8" => Convert::HIF8,
                _ => Convert::EN_DTYPES,
            };
            known(Plan { before: before(), ..check(spec?, convert) })
        }
        "quant_cy" => {
            known(Plan { payload: Payload::F32Bits, any_nan: true, ..check(spec?, Convert::HIF8) })
        }
        "gfloat" => gfloat(name, rest, from_f64),
        "ggmlc" => {
            // int(x·512 + 0.5), added in f32 (which carries just below one half) and capped at 7.
            let quirk: Except = |input, _| {
                let units = input.to_f64() * 512.0;
                (7.5..8.0).contains(&units) || (units < 0.5 && units as f32 + 0.5 == 1.0)
            };
            let overflow =
                Convert::GFLOAT.with_round(Round::NearestAway).with_negative(Negative::Clamp);
            known(Plan {
                after: |_, code| {
                    if code > 0x78 {
                        0
                    } else if code == 0x78 {
                        0x7E
                    } else {
                        code
                    }
                },
                except: Some((
                    quirk,
                    "formats.md 3.7: subnormal m = int(x*512+0.5) in f32, capped at 7",
                )),
                ..check(ggml_ue4m3(), overflow)
            })
        }
        "apytypes" => {
            let round = match rest {
                ["ties_even"] => Round::NearestEven,
                ["ties_away"] => Round::NearestAway,
                ["ties_zero"] => Round::NearestTowardZero,
                ["to_away"] => Round::AwayFromZero,
                ["to_odd"] => Round::ToOdd,
                ["jam"] => {
                    return Some(Known::Excluded(
                        "apytypes jam, which sets the last bit of exact numbers too, no rounding of ours",
                    ));
                }
                ["ties_odd"] => {
                    return Some(Known::Excluded("apytypes ties_odd, a rounding nobody else has"));
                }
                _ => return None,
            };
            known(Plan { any_nan: true, ..check(spec?, Convert::GFLOAT.with_round(round)) })
        }
        "mxc" => microxcaling(spec?, rest),
        "softposit" => known(check(spec?, spec?.default_convert())),
        "torchao" => {
            known(check(spec?, Convert::CUDA_SATFINITE.with_missing_nan(MissingNan::Payload)))
        }
        "torch2" => {
            let old = rest.first() == Some(&"10");
            let convert = match (old, name) {
                (_, "bfloat16" | "float16") => Convert::IEEE.with_nan(Nan::Payload),
                (true, _) if e8m0 => Convert::TORCH_2_10_E8M0,
                (false, _) if e8m0 => Convert::TORCH_2_10_E8M0,
                (true, _) => Convert::TORCH_2_10,
                (false, "float8_e4m3fn") => Convert::TORCH_2_15_E4M3FN,
                (false, _) => Convert::TORCH_2_15,
            };
            // Its bf16 NaN is 0xFFFF or 0x7FC0, by the loop that was taken.
            known(Plan {
                before: before(),
                any_nan: name == "bfloat16",
                except: lowest,
                ..check(spec?, convert)
            })
        }
        _ => None,
    }
}

/// microxcaling's elementwise functions, whose f32 arithmetic shows (oracle/README.md).
fn microxcaling(spec: FormatSpec, rest: &[&str]) -> Option<Known> {
    let round = match rest {
        ["nearest", "value"] => Round::NearestAway,
        ["even", "value"] => Round::NearestEven,
        ["floor", "value"] => Round::TowardZero,
        _ => return None,
    };
    let Encoding::Float(layout) = *spec.encoding() else { return None };
    let (mantissa_bits, min_exponent) = (i32::from(layout.mantissa_bits), 1 - layout.bias);
    // "exponents by floor(log2(x)) in f32, so values just below a power of two can get the next
    // exponent": they are rounded to the coarser grid of that binade, which ends at the power of
    // two.
    let before = move |x: Unpacked| {
        let (value, exact) = (x.to_f64().abs(), x.to_f64().abs().log2());
        let rounded = f64::from(exact as f32).floor();
        if !x.is_finite()
            || x.is_zero()
            || rounded == exact.floor()
            || rounded < f64::from(min_exponent)
        {
            return x;
        }
        let (power, unit) = (rounded.exp2(), (rounded - f64::from(mantissa_bits)).exp2());
        assert!(value < power);
        let seen = if round == Round::TowardZero { power - unit } else { power };
        Unpacked::from_f64(seen.copysign(x.to_f64()))
    };
    // "elements 0.249999985 -> 0.5": adding a half in f32 carries just below the lowest midpoint;
    // "FLT_MAX elements become NaN".
    let carries: Except = |input, code| {
        let (x, half) = (input.to_f64().abs(), f64::from(f32::from_bits(code)));
        x == f64::from(f32::MAX) || (x < half && x >= half * (1.0 - f64::powi(2.0, -24)))
    };
    known(Plan {
        payload: Payload::F32Bits,
        any_nan: true,
        before: Box::new(before),
        // "-0 becomes +0"; infinities and NaN pass through.
        after: |input, bits| match (input.is_zero(), input.is_finite()) {
            (true, _) => 0,
            (_, true) => bits,
            _ => u64::from(input.to_f32().to_bits()),
        },
        except: Some((
            carries,
            "README: mxc: just below the lowest midpoint 0.249999985 -> 0.5, and FLT_MAX becomes NaN",
        )),
        ..check(spec, Convert::CUDA_SATFINITE.with_round(round))
    })
}

fn cuda(name: &str, rest: &[&str], from_f64: bool) -> Option<Convert> {
    let round = match *rest.first()? {
        "rn" if name == "float8_e8m0fnu" && rest.contains(&"nosat") => {
            return Some(Convert::CUDA_NOSAT_E8M0);
        }
        "rn" if name == "float8_e8m0fnu" => return Some(Convert::CUDA_SATFINITE_E8M0),
        "rn" | "sat" | "nosat" => Round::NearestEven,
        "rz" => Round::TowardZero,
        "rp" => Round::Up,
        "rm" => Round::Down,
        _ => return None,
    };
    let half = matches!(name, "bfloat16" | "float16");
    let convert =
        if rest.contains(&"nosat") || half { Convert::CUDA_NOSAT } else { Convert::CUDA_SATFINITE };
    let convert = if from_f64 && !half { convert.with_nan(Nan::Signed) } else { convert };
    Some(convert.with_round(round))
}

fn gfloat(name: &str, rest: &[&str], from_f64: bool) -> Option<Known> {
    let round = match *rest.first()? {
        "rne" => Round::NearestEven,
        "rna" => Round::NearestAway,
        "rtz" => Round::TowardZero,
        "rtp" => Round::Up,
        "rtn" => Round::Down,
        _ => return None,
    };
    let spec = format(name)?;
    let p3109 = name.starts_with("p3109");
    let convert = match *rest.get(1)? {
        "sat" if p3109 => Convert::P3109_SAT_FINITE,
        "sat" => Convert::GFLOAT_SATURATE,
        // gfloat overflows to NaN where P3109 SatNone clamps: in finite domains.
        "nosat" if p3109 && spec.infinity_code().is_some() => Convert::P3109_SAT_NONE,
        "nosat" => Convert::GFLOAT,
        _ => return None,
    };
    let refuses: Option<(Except, _)> = if from_f64 && spec.nan_code().is_none() {
        Some((NAN_INPUT, "README: NaN into FP6/FP4: gfloat refuses"))
    } else {
        None
    };
    known(Plan { any_nan: true, except: refuses, ..check(spec, convert.with_round(round)) })
}

/// ml_dtypes integers: truncate, then wrap.
fn integer(parts: &[&str]) -> Option<Known> {
    match parts[1..parts.len() - 1] {
        ["from_i32", "ml_dtypes"] | ["ml_dtypes", "trunc"] => {
            known(check(format(parts[0])?, Convert::ML_DTYPES_INT))
        }
        _ => None,
    }
}

fn cast(parts: &[&str]) -> Option<Known> {
    let (_, to) = parts[0].split_once("__to__")?;
    known(check(format(to)?, Convert::ML_DTYPES))
}

fn stochastic(parts: &[&str], bits: u8) -> Option<Known> {
    let kind = match parts[3] {
        "sr" => Stochastic::C,
        "sr_fast" => Stochastic::B,
        "sr_fastest" => Stochastic::A,
        "sr_odd" => {
            return Some(Known::Excluded(
                "gfloat sr_odd, whose inner rounding sends ties to odd, no rounding of P3109",
            ));
        }
        _ => return None,
    };
    let convert = match *parts.get(4)? {
        "sat" => Convert::GFLOAT_SATURATE,
        "nosat" => Convert::GFLOAT,
        _ => return None,
    };
    let round = Round::stochastic(kind, bits).ok()?;
    known(Plan { any_nan: true, ..check(format(parts[0])?, convert.with_round(round)) })
}
