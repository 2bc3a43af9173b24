//! Bulk calls against the reference codec, bit for bit: every format, rounding, policy and instruction set.

use subhalf::{
    Code, Convert, Dither, Exec, FormatSpec, Infinity, Isa, MissingNan, Nan, Negative, Overflow, Round, SubnormalInputs, Zero,
    decode_slice, encode_slice,
};

/// The named formats, and P3109's of some widths.
fn formats() -> Vec<FormatSpec> {
    let p3109 =
        ["Binary8p3se", "Binary8p4ue", "Binary8p1uf", "Binary6p3sf", "Binary4p2sf", "Binary5p5uf", "Binary12p4se", "Binary16p8ue"];
    FormatSpec::ALL.iter().copied().chain(p3109.map(|name| FormatSpec::by_name(name).unwrap())).collect()
}

/// f32s around every number of a format and every midpoint, or around some of them; a sweep over all f32s; and what is special.
fn inputs(spec: &FormatSpec) -> Vec<f32> {
    let mut points: Vec<f64> = if spec.bits() <= 8 {
        spec.codes().map(|code| spec.decode_f64(code)).filter(|x| x.is_finite()).collect()
    } else {
        let step = (spec.code_count() / 300) | 1;
        let codes = (0..spec.code_count()).step_by(step as usize).flat_map(|code| [code, code ^ 1, code + 2]);
        codes.map(|code| spec.decode_f64(code as u32)).filter(|x| x.is_finite()).collect()
    };
    points.sort_by(f64::total_cmp);
    let midpoints: Vec<f64> = points.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    let largest = spec.max().to_f64();
    let above = [largest * 1.0625, largest * 1.03125, largest * 2.0, -largest * 1.0625, -largest * 2.0];
    let near = points.into_iter().chain(midpoints).chain(above).flat_map(|x| {
        let bits = (x as f32).to_bits();
        (-2i32..=2).map(move |ulp| f32::from_bits(bits.wrapping_add_signed(ulp)))
    });
    let sweep = (0..u32::MAX).step_by(6_700_417).map(f32::from_bits);
    let special =
        [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0x7F80_0000, 0xFF80_0000, 0, 0x8000_0000, 1, 0x8000_0001, 0x007F_FFFF];
    near.chain(sweep).chain(special.map(f32::from_bits)).collect()
}

/// The default, and policies that have every part in every state at least once.
fn policies(spec: &FormatSpec) -> Vec<Convert> {
    let base = spec.default_convert();
    let mut policies = vec![base, Convert::ML_DTYPES, Convert::CUDA_NOSAT, Convert::P3109_SAT_NONE];
    policies.extend(
        [Overflow::Saturate, Overflow::Special, Overflow::IeeeDirected, Overflow::DirectedSpecial].map(|x| base.with_overflow(x)),
    );
    policies.extend([Infinity::Saturate, Infinity::Special, Infinity::KeepElseSaturate].map(|x| base.with_infinity(x)));
    policies.extend([Nan::Signed, Nan::AllOnes, Nan::SignedAllOnes, Nan::Payload].map(|x| base.with_nan(x)));
    let missing = [MissingNan::SignedMax, MissingNan::Zero, MissingNan::SignedZero, MissingNan::OppositeZero, MissingNan::Payload];
    policies.extend(missing.map(|x| base.with_missing_nan(x)));
    policies.extend([Zero::Nan, Zero::NanBelowSmallest].map(|x| base.with_zero(x)));
    policies.extend([Negative::Nan, Negative::Clamp, Negative::Magnitude].map(|x| base.with_negative(x)));
    policies.push(base.with_subnormal_inputs(SubnormalInputs::Flush));
    policies
}

fn encoded<C: Code>(spec: &FormatSpec, x: &[f32], convert: &Convert, isa: Isa) -> Vec<u32> {
    let mut codes = vec![C::truncate(0); x.len()];
    encode_slice(spec, x, &mut codes, convert, Dither::NONE, Exec::SERIAL.with_isa(isa)).unwrap();
    codes.into_iter().map(C::widen).collect()
}

#[test]
fn encoding_equals_the_reference_on_every_instruction_set() {
    let mut checked = 0u64;
    for spec in formats() {
        let x = inputs(&spec);
        for policy in policies(&spec) {
            for round in Round::DETERMINISTIC {
                let convert = policy.with_round(round);
                let expected: Vec<u32> = x.iter().map(|&x| spec.encode_f32_with(x, &convert, 0).code).collect();
                for isa in Isa::available() {
                    let found = match spec.bits() {
                        0..=8 => encoded::<u8>(&spec, &x, &convert, isa),
                        9..=16 => encoded::<u16>(&spec, &x, &convert, isa),
                        _ => encoded::<u32>(&spec, &x, &convert, isa),
                    };
                    if found != expected {
                        let at = (0..x.len()).find(|&at| found[at] != expected[at]).unwrap();
                        let (bits, wrong, right) = (x[at].to_bits(), found[at], expected[at]);
                        panic!("{spec} {convert:?} {}: {bits:#x}: expected {right:#x}, found {wrong:#x}", isa.name());
                    }
                    checked += x.len() as u64;
                }
            }
        }
    }
    assert!(checked > 50_000_000, "{checked}");
}

#[test]
fn decoding_equals_the_reference_on_every_instruction_set() {
    for spec in formats() {
        let codes: Vec<u32> = (0..spec.code_count().min(1 << 16)).map(|code| code as u32).cycle().take(70_000).collect();
        let expected: Vec<u32> = codes.iter().map(|&code| spec.decode_f32(code).to_bits()).collect();
        for isa in Isa::available() {
            let mut found = vec![0.0f32; codes.len()];
            let exec = Exec::SERIAL.with_isa(isa);
            match spec.bits() {
                // Bits above a code's width are ignored.
                0..=8 => {
                    let codes: Vec<u8> = codes.iter().map(|&code| (code | 0xFF << spec.bits()) as u8).collect();
                    decode_slice(&spec, &codes, &mut found, exec).unwrap();
                    let mut doubles = vec![0.0f64; codes.len()];
                    decode_slice(&spec, &codes, &mut doubles, exec).unwrap();
                    let exact =
                        codes.iter().zip(&doubles).all(|(code, x)| x.to_bits() == spec.decode_f64((*code).into()).to_bits());
                    assert!(exact, "{spec} to f64");
                }
                9..=16 => {
                    let codes: Vec<u16> = codes.iter().map(|&code| code as u16).collect();
                    decode_slice(&spec, &codes, &mut found, exec).unwrap();
                }
                _ => decode_slice(&spec, &codes, &mut found, exec).unwrap(),
            }
            let wrong = (0..codes.len()).find(|&i| found[i].to_bits() != expected[i]);
            assert_eq!(wrong.map(|i| (codes[i], found[i].to_bits(), expected[i])), None, "{spec} {}", isa.name());
        }
    }
}

#[test]
fn every_length_and_alignment_stays_in_its_bounds() {
    const CANARY: u8 = 0xA5;
    let spec = FormatSpec::F8E4M3;
    let x: Vec<f32> = (0..1300).map(|i| (i as f32 - 500.0) / 7.0).collect();
    for isa in Isa::available() {
        let exec = Exec::SERIAL.with_isa(isa);
        for length in (0..=130).chain(250..=390).chain([1024, 1151]) {
            for start in [0, 1, 3] {
                let mut codes = vec![CANARY; length + 140];
                let src = &x[start..start + length];
                encode_slice(&spec, src, &mut codes[start..start + length], &spec.default_convert(), Dither::NONE, exec).unwrap();
                assert!(
                    codes[..start].iter().chain(&codes[start + length..]).all(|&byte| byte == CANARY),
                    "{} {length}",
                    isa.name()
                );
                assert!(src.iter().zip(&codes[start..]).all(|(&x, &code)| spec.encode_f32(x) == u32::from(code)));
                let mut values = vec![0.25f32; length + 140];
                decode_slice(&spec, &codes[start..start + length], &mut values[start..start + length], exec).unwrap();
                assert!(values[..start].iter().chain(&values[start + length..]).all(|&x| x == 0.25), "{} {length}", isa.name());
                assert!(
                    values[start..].iter().zip(&codes[start..start + length]).all(|(&x, &code)| spec.decode_f32(code.into()) == x)
                );
            }
        }
    }
}

#[cfg(feature = "half")]
#[test]
fn halves_are_encoded_as_the_numbers_they_are() {
    let all: Vec<half::f16> = (0..=u16::MAX).map(half::f16::from_bits).collect();
    let brains: Vec<half::bf16> = (0..=u16::MAX).map(half::bf16::from_bits).collect();
    for spec in [FormatSpec::F8E5M2, FormatSpec::F8E4M3FNUZ, FormatSpec::INT8, FormatSpec::HIF8] {
        for convert in [Convert::ML_DTYPES, spec.default_convert().with_subnormal_inputs(SubnormalInputs::Flush)] {
            let mut codes = vec![0u8; all.len()];
            encode_slice(&spec, &all, &mut codes, &convert, Dither::NONE, Exec::SERIAL).unwrap();
            assert!(
                all.iter()
                    .zip(&codes)
                    .all(|(&x, &code)| spec.encode_with(subhalf::Unpacked::from_f16(x), &convert, 0).code == u32::from(code))
            );
            encode_slice(&spec, &brains, &mut codes, &convert, Dither::NONE, Exec::SERIAL).unwrap();
            assert!(
                brains
                    .iter()
                    .zip(&codes)
                    .all(|(&x, &code)| spec.encode_with(subhalf::Unpacked::from_bf16(x), &convert, 0).code == u32::from(code))
            );
        }
    }
}
