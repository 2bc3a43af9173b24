//! Names both ways: what is printed is read back, whatever its case and separators; what is not a
//! name is refused with the nearest one.

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use subhalf::{
    Convert, DivisionByZero, Domain, Error, FormatSpec, Infinity, MissingNan, Nan, Negative,
    Overflow, Round, Signedness, Stochastic, SubnormalInputs, Unary, Vocabulary, Zero,
};

/// The letters of a name that count.
fn letters(name: &str) -> String {
    name.to_lowercase().replace(['-', '_', ' '], "")
}

/// Every value is printed, and read back from its name in any case and with any separators; names
/// differ in their letters; other words are refused.
fn both_ways<T>(values: impl IntoIterator<Item = T>)
where
    T: Display + FromStr<Err = Error> + PartialEq + Debug,
{
    let mut names = HashSet::new();
    for value in values {
        let name = value.to_string();
        for spelled in [name.clone(), name.to_uppercase(), name.replace('-', "_"), letters(&name)] {
            assert_eq!(spelled.parse::<T>().as_ref(), Ok(&value), "{spelled}");
        }
        assert!(names.insert(letters(&name)), "{name} is the name of two");
        // One letter wrong is answered by the name.
        let wrong = format!("{name}q");
        let error = wrong.parse::<T>().expect_err(&wrong).to_string();
        assert!(error.contains("; the nearest is ") && !error.contains('\n'), "{wrong}: {error}");
    }
    assert!(!names.is_empty());
    for word in ["", "-", "ein anderes Wort", "\u{2028}"] {
        let Err(error) = word.parse::<T>() else { panic!("{word:?} is taken for a name") };
        assert!(matches!(error, Error::UnknownName { nearest: None, .. }), "{word:?}: {error}");
    }
}

#[test]
fn names_of_the_parts_of_policies_go_both_ways() {
    both_ways(Overflow::ALL);
    both_ways(Infinity::ALL);
    both_ways(Nan::ALL);
    both_ways(MissingNan::ALL);
    both_ways(Zero::ALL);
    both_ways(Negative::ALL);
    both_ways(SubnormalInputs::ALL);
    both_ways(DivisionByZero::ALL);
    both_ways(Stochastic::ALL);
    both_ways(Round::DETERMINISTIC);
    both_ways(Unary::ALL);
    both_ways(Vocabulary::ALL);
}

#[test]
fn roundings_go_both_ways_with_their_random_bits() {
    for (kind, bits) in
        Stochastic::ALL.into_iter().flat_map(|kind| (1..=32).map(move |b| (kind, b)))
    {
        let round = Round::stochastic(kind, bits).unwrap();
        assert_eq!(round.to_string().parse(), Ok(round));
    }
    for bits in [0, 33, 255] {
        let found = format!("stochastic-a:{bits}").parse::<Round>();
        assert_eq!(found, Err(Error::RandomBits { found: bits }));
    }
    for word in ["stochastic-a", "stochastic-a:", "stochastic-a:256", "stochastic-d:8", "up:8"] {
        assert!(matches!(word.parse::<Round>(), Err(Error::UnknownName { .. })), "{word}");
    }
}

#[test]
fn every_constant_of_convert_is_in_the_list() {
    let source = concat!(include_str!("../../src/vendor.rs"), include_str!("../../src/policy.rs"));
    let constants: HashSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": Self"))
        .map(|(name, _)| name)
        .collect();
    assert!(constants.len() >= 25);
    assert_eq!(constants, HashSet::from(Convert::ALL.map(|(name, _)| name)));
    let names: HashSet<String> = constants.iter().map(|name| letters(name)).collect();
    assert_eq!(names.len(), constants.len());
    for (name, convert) in Convert::ALL {
        assert_eq!(Convert::by_name(&name.to_lowercase().replace('_', "-")), Ok(convert));
        assert_eq!(convert.name().map(Convert::by_name), Some(Ok(convert)), "{name}");
    }
}

/// Every policy that differs from a constant in any one or two parts.
#[test]
fn policies_go_both_ways() {
    let changes: Vec<Box<dyn Fn(Convert) -> Convert>> = {
        let mut changes: Vec<Box<dyn Fn(Convert) -> Convert>> = Vec::new();
        macro_rules! each {
            ($($list:expr, $with:ident;)*) => {$(
                for part in $list {
                    changes.push(Box::new(move |convert: Convert| convert.$with(part)));
                }
            )*};
        }
        each! {
            Round::DETERMINISTIC, with_round;
            [Round::stochastic(Stochastic::C, 11).unwrap()], with_round;
            Overflow::ALL, with_overflow;
            Infinity::ALL, with_infinity;
            Nan::ALL, with_nan;
            MissingNan::ALL, with_missing_nan;
            Zero::ALL, with_zero;
            Negative::ALL, with_negative;
            SubnormalInputs::ALL, with_subnormal_inputs;
            DivisionByZero::ALL, with_division_by_zero;
        }
        changes
    };
    for (_, base) in Convert::ALL {
        for (one, other) in changes.iter().flat_map(|one| changes.iter().map(move |two| (one, two)))
        {
            let convert = other(one(base));
            let text = convert.to_string();
            assert_eq!(text.parse(), Ok(convert), "{text}");
            assert!(text.matches('=').count() <= 2, "{text} is not the shortest");
        }
    }
}

#[test]
fn what_is_no_policy_is_refused() {
    for (text, says) in [
        ("", "policy name: expected a name of Convert::ALL, found \"\""),
        ("CUDA_SATFINTE", "the nearest is CUDA_SATFINITE"),
        (
            "IEEE rounding=up",
            "part of a policy name: expected a name of Convert, found \"rounding\"",
        ),
        ("IEEE rounds=up", "the nearest is round"),
        ("IEEE round=upp", "rounding name: expected"),
        ("IEEE round", "rounding name: expected"),
        ("IEEE overflow=infinity", "overflow name: expected a name of Overflow::ALL"),
    ] {
        let error = text.parse::<Convert>().unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn formats_go_both_ways() {
    let p3109 = (3..=16).flat_map(|bits| (1..=bits).map(move |precision| (bits, precision)));
    let p3109 = p3109.flat_map(|(bits, precision)| {
        [Domain::Extended, Domain::Finite].into_iter().flat_map(move |domain| {
            [Signedness::Signed, Signedness::Unsigned]
                .into_iter()
                .filter_map(move |sign| FormatSpec::p3109(bits, precision, sign, domain).ok())
        })
    });
    let mut count = 0;
    for spec in FormatSpec::ALL.iter().copied().chain(p3109) {
        let found: FormatSpec = spec.to_string().parse().unwrap();
        assert_eq!((found, found.name()), (spec, spec.name()));
        count += 1;
    }
    assert!(count > 504, "{count}");
    for (word, nearest) in [("F8E4M4", "F8E4M3"), ("flaot16", "float16"), ("BF_16", "BF16")] {
        let error = word.parse::<FormatSpec>().unwrap_err();
        assert!(
            matches!(error, Error::UnknownName { nearest: Some(name), .. } if name == nearest),
            "{error}"
        );
    }
    // A name by the rule of P3109 says which of its numbers is out of range.
    let error = FormatSpec::by_name("Binary8p9se").unwrap_err().to_string();
    assert_eq!(error, "format specification: P3109 precision P: expected 1..=7, found 9");
    let Err(Error::UnknownName { nearest, .. }) =
        FormatSpec::by_name_in(Vocabulary::Onnx, "FLOAT8E4M3")
    else {
        panic!("ONNX has no such name")
    };
    assert_eq!(nearest, Some("FLOAT8E4M3FN"));
}

#[cfg(feature = "presets")]
#[test]
fn presets_go_both_ways() {
    use subhalf::preset::{self, Evidence, Preset};

    both_ways(Evidence::ALL);
    for preset in preset::all() {
        let found: Preset = preset.to_string().parse().unwrap();
        assert_eq!((found.name, found.spec), (preset.name, preset.spec));
        let first = preset::of(&preset.spec).expect("the preset itself at least");
        assert!(first.spec == preset.spec);
    }
    for (word, near) in [
        ("ocp::MXPF4", "ocp::MXFP4"),
        ("torchao:NVFP4", "torchao::NVFP4"),
        ("nvfp4", "NVFP4"),
        ("deepseek::v3::FP8_E4M3_1X218", "deepseek::v3::FP8_E4M3_1X128"),
    ] {
        let error = preset::by_name(word).unwrap_err().to_string();
        assert!(error.contains("; the nearest is ") && error.ends_with(near), "{word}: {error}");
    }
}

#[cfg(feature = "matmul")]
#[test]
fn units_and_accumulators_go_both_ways() {
    use subhalf::unit::{self, MatrixUnit};
    use subhalf::{Accumulator, Chain, Combine, IntegerOverflow, KSchedule};

    both_ways(IntegerOverflow::ALL);
    both_ways(Combine::ALL);
    let names: HashSet<&str> = unit::all().map(|unit| unit.name).collect();
    assert_eq!(names.len(), unit::all().count());
    assert!(names.len() >= 40, "{}", names.len());
    for (gpu, name) in [
        ("Tesla V100-SXM2-32GB", "volta::HMMA_F16"),
        ("t4", "turing::HMMA_F16"),
        ("NVIDIA GeForce RTX 2070 SUPER", "turing::HMMA_F16"),
        ("Quadro RTX 6000", "turing::HMMA_F16"),
        ("NVIDIA A100-SXM4-80GB", "ampere::HMMA_TF32"),
        ("NVIDIA A10G", "ampere::HMMA_BF16"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", "ampere::HMMA_F16"),
        ("NVIDIA GeForce RTX 3050 A Laptop GPU", "ada::QMMA_FP8"),
        ("RTX3080Ti", "ampere::HMMA_F16"),
        ("NVIDIA RTX A6000", "ampere::HMMA_F16"),
        ("rtx4090", "ada::QMMA_FP8"),
        ("NVIDIA RTX 4000 SFF Ada Generation", "ada::QMMA_FP8"),
        ("NVIDIA H100 80GB HBM3", "hopper::WGMMA_FP8"),
        ("NVIDIA GH200 480GB", "hopper::WGMMA_F16_F16"),
        ("B200", "blackwell::NVF4"),
        ("NVIDIA B200", "hopper::MMA_SYNC_FP8"),
        ("RTX 5090 D", "blackwell::F8F6F4"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "blackwell::MXF4"),
        ("AMD Instinct MI100", "amd::CDNA1_F16"),
        ("MI250X", "amd::CDNA2_BF16_1K"),
        ("AMD Instinct MI300X", "amd::CDNA3_FP8"),
    ] {
        let units: Vec<&str> = unit::units_of(gpu).map(|unit| unit.name).collect();
        assert!(units.iter().all(|unit| names.contains(unit)), "{gpu}");
        assert!(units.contains(&name), "{gpu}: {units:?}");
    }
    for gpu in ["", "RTX", "RTX 6000", "GTX 1660", "B300", "H1000", "MI355X", "A1000", "GB10"] {
        assert_eq!(unit::units_of(gpu).count(), 0, "{gpu}");
    }
    for gpu in ["Intel(R) Arc(TM) Pro A40/A50 Graphics", "Apple A10 GPU", "AMD A10-9700 RADEON R7"]
    {
        assert_eq!(unit::units_of(gpu).count(), 0, "{gpu}");
    }

    let f16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
    let random = Chain::rounded(
        FormatSpec::F8E5M2,
        Round::stochastic(Stochastic::B, 7).expect("7 random bits"),
    );
    let mut accumulators = Vec::from(Accumulator::ALL);
    for chain in [Chain::F32, Chain::F64, f16, random] {
        accumulators.push(Accumulator::chain(chain));
        accumulators.push(Accumulator::chunked(1 << 20, chain, f16));
    }
    for overflow in IntegerOverflow::ALL {
        accumulators.extend([2, 24, 32, 53].map(|bits| Accumulator::integer(bits, overflow)));
    }
    for unit in unit::all() {
        let found: MatrixUnit = unit.to_string().to_lowercase().parse().unwrap();
        assert_eq!(found.name, unit.name);
        let (a, b) = (unit.inputs[0], unit.inputs[unit.inputs.len() - 1]);
        let spec = unit.spec(a, b).unwrap();
        for schedule in [KSchedule::InOrder, KSchedule::DEEP_GEMM_FP8, KSchedule::split_k(4096)] {
            accumulators.push(Accumulator::unit(spec, schedule));
        }
    }
    for accumulator in accumulators {
        let text = accumulator.to_string();
        assert_eq!(text.parse(), Ok(accumulator), "{text}");
        assert_eq!(text.to_lowercase().replace("binary", "Binary").len(), text.len());
    }
    for text in [
        "",
        "f33",
        "chunked",
        "chunked()",
        "chunked(x, f32, f32)",
        "chunked(8, f32)",
        "chunked(8, f32, f32, f32)",
        "integer(32)",
        "integer(99999999999, wrap)",
        "integer(8, wrp)",
        "unit(hopper::WGMMA_FP9, F8E4M3, F8E4M3, in-order)",
        "unit(hopper::WGMMA_FP8, F8E4M3)",
        "unit(hopper::WGMMA_FP8, BF16, F8E4M3, in-order)",
        "F16:",
        ":",
        "(",
        ")",
        "F16:nearest-evn",
        "unit(hopper::WGMMA_FP8, F8E4M3, F8E4M3, in-order, more)",
    ] {
        let error = text.parse::<Accumulator>().expect_err(text).to_string();
        assert!(error.contains("expected") && !error.contains('\n'), "{text}: {error}");
    }
}
