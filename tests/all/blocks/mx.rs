//! The arrays of MX formats: gfloat, torchao, microxcaling, Model Optimizer, compressed-tensors.

use super::{Case, Known};
use crate::oracle::source::Entry;
use subhalf::{BlockSpec, Encoding, FloatSpec, FormatSpec, NanCodes, ZeroField, preset};

fn element(name: &str) -> Option<FormatSpec> {
    Some(match name {
        "mxfp8_e4m3" => FormatSpec::F8E4M3,
        "mxfp8_e5m2" => FormatSpec::F8E5M2,
        "mxfp6_e3m2" => FormatSpec::F6E3M2,
        "mxfp6_e2m3" => FormatSpec::F6E2M3,
        "mxfp4_e2m1" => FormatSpec::F4E2M1,
        "mxint8" => FormatSpec::MXINT8SYM,
        "mxint4" => preset::microxcaling::INT4,
        _ => return None,
    })
}

/// A preset by the file's name of its format and what else is in its name.
fn named(module: &str, format: &str, more: &str) -> Option<BlockSpec> {
    let format = if format == "mxfp4_e2m1" { "mxfp4" } else { format };
    if let Ok(preset) = preset::by_name(&format!("{module}::{format}{more}")) {
        return Some(preset.spec);
    }
    let (rest, scale_bits) = more.rsplit_once("_scale_bits")?;
    Some(named(module, format, rest)?.with_scale(powers_of_two(scale_bits.parse().ok()?)?))
}

/// microxcaling's scales of fewer bits: "shared exponent clipped to +-(2^(bits-1)-1): NaN above,
/// clamp below".
fn powers_of_two(bits: u8) -> Option<FormatSpec> {
    let unsigned = FloatSpec::finite_nan(bits, 0).unsigned();
    let bias = (1 << (bits - 1)) - 1;
    let layout =
        FloatSpec { bias, zero_field: ZeroField::Normals, nan: NanCodes::AllOnes, ..unsigned };
    FormatSpec::new("powers of two", Encoding::Float(layout)).ok()
}

/// Infinity over infinity, in a block that has NaN too: its scale is infinite.
fn made_by_the_processor(block: &[f32], own: &[f32]) -> Option<&'static str> {
    let made = own.iter().any(|x| x.is_infinite()) && block.iter().any(|x| x.is_nan());
    made.then_some("formats.md 8.17: the sign of a NaN made by the processor is its own")
}

pub(super) fn case(entry: &Entry, parts: &[&str]) -> Option<Known> {
    let element = element(parts[0])?;
    let what = parts[parts.len() - 2];
    match parts[1] {
        "gfloat" => Case::part(named("gfloat", parts[0], "")?, entry, what)?.known(),
        "torchao" => {
            // The arrays of RCEIL were made in eager mode.
            let rule = if parts[2] == "rceil" { "rceil_eager" } else { parts[2] };
            let spec = named("torchao", parts[0], &format!("_{rule}"))?;
            // "packed fp4: element 2i in the low nibble"; wider codes one a byte.
            let what = if what == "elem" && element.bits() == 4 { "packed_low" } else { what };
            let mut case = Case::part(spec, entry, what)?;
            if parts.contains(&"nonfinite") && what != "deq" {
                case.except = Some(made_by_the_processor);
            }
            case.known()
        }
        "mxc" | "mxccpp" => {
            let module = if parts[1] == "mxc" { "microxcaling" } else { "microxcaling_cpp" };
            if parts[2] == "dither" {
                return Some(Known::Excluded("microxcaling dither"));
            }
            // The scales do not depend on the rounding: their files name none.
            let words: Vec<&str> = parts[2..parts.len() - 2]
                .iter()
                .copied()
                .filter(|word| *word != "nonfinite")
                .collect();
            let words = if words.is_empty() { vec!["even"] } else { words };
            Case::part(named(module, parts[0], &format!("_{}", words.join("_")))?, entry, what)?
                .known()
        }
        "modelopt" => {
            let what = if what == "elem" && element.bits() == 4 { "packed_low" } else { what };
            Case::part(named("modelopt", parts[0], "")?, entry, what)?.known()
        }
        "ct" if what == "scale_f32" => {
            let mut case = Case::part(named("compressed_tensors", parts[0], "")?, entry, "scale")?;
            // "biased exponent as f32 before the cast to u8 (may be -inf or out of range)": the
            // codes of E8M0 end at 0 and 254.
            case.expected = |bits| f32::from_bits(bits as u32).clamp(0.0, 254.0) as u64;
            case.except = Some(|block, _| {
                let infinite = block.iter().any(|x| x.abs() >= 1.75 * f32::powi(2.0, 127));
                infinite.then_some("README: the exponent before the cast to u8, here of an amax that was rounded to infinity")
            });
            case.known()
        }
        _ => None,
    }
}
