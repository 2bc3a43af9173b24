//! `serde` of specs, schemes, policies, names and stats: what is written comes back, and hostile
//! text is an error.

use crate::hostile::assert_one_line;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use subhalf::preset::{self, Evidence, Preset};
use subhalf::{
    Accumulator, BlockSpec, Convert, CustomRule, Encoding, ErrorStats, Extent, Flags, FloatSpec,
    FormatSpec, KSchedule, Metric, QuantTensor, Round, ScaleRule, Search, Sqnr, Stochastic, Table,
    TensorDiff, TensorStats, Unary, Vocabulary, unit,
};

fn back<T: Serialize + DeserializeOwned>(x: &T) -> (String, T) {
    let text = serde_json::to_string(x).unwrap();
    let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    // The same through values, whose maps have another order.
    let again: T = serde_json::from_value(serde_json::to_value(x).unwrap()).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    (text, read)
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(x: &T, text: &str) {
    let (written, read) = back(x);
    assert_eq!((written.as_str(), &read), (text, x));
}

#[test]
fn what_has_a_name_is_its_name() {
    comes_back(&Round::TowardZero, r#""toward-zero""#);
    comes_back(&Round::stochastic(Stochastic::A, 8).unwrap(), r#""stochastic-a:8""#);
    comes_back(&Convert::GFX950, r#""GFX950""#);
    comes_back(&Convert::IEEE.with_round(Round::Down), r#""IEEE round=down""#);
    comes_back(&Vocabulary::Onnx, r#""ONNX""#);
    comes_back(&Unary::Gelu, r#""gelu""#);
    comes_back(&(Flags::OVERFLOW | Flags::INEXACT), r#""overflow+inexact""#);
    comes_back(&Flags::NONE, r#""none""#);
    comes_back(&Evidence::FormulaOnly, r#""formula only""#);
    comes_back(&Accumulator::BlockF32, r#""block-f32""#);
    let e4m3 = FormatSpec::F8E4M3;
    let wgmma = unit::hopper::WGMMA_FP8.spec(e4m3, e4m3).unwrap();
    comes_back(
        &Accumulator::unit(wgmma, KSchedule::InOrder),
        r#""unit(hopper::WGMMA_FP8, F8E4M3, F8E4M3, in-order)""#,
    );
    for preset in preset::all() {
        let (text, read) = back(preset);
        assert_eq!((text, read.spec), (format!("\"{}\"", preset.name), preset.spec));
    }
    for (_, convert) in Convert::ALL {
        assert_eq!(back(&convert).1, convert);
    }
}

#[test]
fn formats_come_back_with_their_names() {
    for spec in FormatSpec::ALL {
        let (text, read) = back(spec);
        assert_eq!((text, read), (format!("\"{spec}\""), *spec));
    }
    let learned: Vec<f32> = (0..200).map(|i| (i as f32 - 90.0) / 64.0).collect();
    let learned = Table::shared(&learned.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    for spec in [
        FormatSpec::new("F8E4M3", Encoding::Float(FloatSpec::ieee(5, 3))).unwrap(),
        FormatSpec::new("", Encoding::Float(FloatSpec::finite(3, 3))).unwrap(),
        FormatSpec::sign_magnitude("\"quoted\"\n", 5, 1).unwrap(),
        FormatSpec::codebook("four", &[-1.0, 0.25, 0.5, 2.0]).unwrap(),
        FormatSpec::new("learned", Encoding::Codebook(learned)).unwrap(),
        FormatSpec::new("posit", Encoding::Posit(subhalf::PositSpec { bits: 9, exponent_bits: 1 }))
            .unwrap(),
        FormatSpec::new("hif", Encoding::HiF8).unwrap(),
    ] {
        let (text, read) = back(&spec);
        assert_eq!((read, read.name()), (spec, spec.name()), "{text}");
        assert!(text.starts_with("{\"name\":"), "{text}");
    }
    // Other programs' names.
    let read: FormatSpec = serde_json::from_str(r#""float8_e4m3fn""#).unwrap();
    assert_eq!(read, FormatSpec::F8E4M3);
}

#[test]
fn schemes_come_back_in_all_their_parts() {
    for preset in preset::all() {
        assert_eq!(back(&preset.spec).1, preset.spec, "{}", preset.name);
        // One part is another, so that no name says it all.
        let own = preset.spec.with_flush_below(1e-30);
        if own.validate().is_err() || preset::of(&own).is_some() {
            continue;
        }
        // A function has no text.
        if matches!(own.rule, ScaleRule::Custom(_)) {
            assert!(serde_json::to_string(&own).is_err(), "{}", preset.name);
            continue;
        }
        let (text, read) = back(&own);
        assert_eq!(read, own, "{text}");
        assert!(text.starts_with("{\"element\":"), "{text}");
    }
    let factors: Vec<f32> = (0..40).map(|i| 0.5 + i as f32 / 64.0).collect();
    let nvfp4 = preset::torchao::NVFP4;
    let own = nvfp4.with_search(Some(Search::new(Table::shared(&factors), Metric::Mae)));
    assert_eq!(back(&own).1, own);
    let rule = ScaleRule::Custom(CustomRule::of_amax(|amax| amax));
    let error = serde_json::to_string(&nvfp4.with_rule(rule)).unwrap_err().to_string();
    assert!(error.contains("Custom cannot be serialized"), "{error}");
}

#[test]
fn stats_go_on_after_they_are_read() {
    let x: Vec<f32> = (0..10_000).map(|i| ((i * 37 % 1009) as f32 - 500.0) / 61.0).collect();
    let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[100, 100]).unwrap();
    let stats = tensor.stats(&x).unwrap();
    let (text, read) = back::<TensorStats>(&stats);
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(
        (read.codes(), read.scales(), read.worst()),
        (stats.codes(), stats.scales(), stats.worst())
    );
    assert_eq!(read.errors().sqnr_db(), stats.errors().sqnr_db());

    let pushed = |from: ErrorStats, x: &[f32]| {
        x.iter().fold(from, |mut stats, &x| {
            stats.push(
                x.into(),
                FormatSpec::F4E2M1.decode_f64(FormatSpec::F4E2M1.encode_f32(x)),
                Flags::NONE,
            );
            stats
        })
    };
    let whole = pushed(ErrorStats::new(), &x);
    let half = back(&pushed(ErrorStats::new(), &x[..5000])).1;
    let both = pushed(half, &x[5000..]);
    assert_eq!(serde_json::to_string(&both).unwrap(), serde_json::to_string(&whole).unwrap());

    let mut infinite = ErrorStats::new();
    infinite.push(1e300, f64::INFINITY, Flags::NONE);
    let (text, read) = back(&infinite);
    assert!(text.contains("\"inf\""), "{text}");
    assert_eq!(read.max_abs_error(), f64::INFINITY);

    let other = QuantTensor::quantize(&preset::torchao::NVFP4, &x, &[100, 100]).unwrap();
    let diff = tensor.diff(&other).unwrap();
    let (text, read) = back::<TensorDiff>(&diff);
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!((read.differing(), read.largest()), (diff.differing(), diff.largest()));
    for sqnr in
        [Sqnr::Exact, Sqnr::Decibels(31.5), Sqnr::Decibels(f64::NEG_INFINITY), Sqnr::Undefined]
    {
        assert_eq!(back(&sqnr).1, sqnr);
    }
}

fn refused<T: DeserializeOwned>(value: &Value) {
    match serde_json::from_value::<T>(value.clone()) {
        Ok(_) => panic!("{value} is taken"),
        Err(error) => assert_one_line(&error),
    }
}

#[test]
fn what_is_no_format_is_refused() {
    let float = |change: (&str, Value)| {
        let mut spec = serde_json::to_value(
            FormatSpec::new("own", Encoding::Float(FloatSpec::ieee(5, 3))).unwrap(),
        )
        .unwrap();
        spec["encoding"]["float"][change.0] = change.1;
        spec
    };
    for spec in [
        float(("exponent_bits", json!(255))),
        float(("mantissa_bits", json!(24))),
        float(("bias", json!(i32::MAX))),
        float(("bias", json!(1e30))),
        float(("nan", json!("everywhere"))),
        float(("zero_field", json!(0))),
        float(("more", json!(0))),
        json!({"name": "x", "encoding": {"float": {"signed": true}}}),
        json!({"name": "x", "encoding": {"int": {"signed": true, "bits": 0, "fraction_bits": 0, "symmetric": false}}}),
        json!({"name": "x", "encoding": {"posit": {"bits": 2, "exponent_bits": 0}}}),
        json!({"name": "x", "encoding": {"codebook": []}}),
        json!({"name": "x", "encoding": {"codebook": [0x7F80_0000u32, 0]}}),
        json!({"name": "x", "encoding": {"codebook": vec![0; 5000]}}),
        json!({"name": "a name of more than twenty-three bytes", "encoding": "hif8"}),
        json!({"name": "x", "encoding": "hif8", "other": 1}),
        json!({"name": "x"}),
        json!("F8E4M4"),
        json!(8),
        json!(null),
        json!([]),
    ] {
        refused::<FormatSpec>(&spec);
    }
}

#[test]
fn what_is_no_scheme_is_refused() {
    let own = BlockSpec::new(
        FormatSpec::F4E2M1,
        Some(FormatSpec::E8M0),
        Extent::Flat(48),
        ScaleRule::Floor,
    );
    let good = serde_json::to_value(own).unwrap();
    assert_eq!(serde_json::from_value::<BlockSpec>(good.clone()).unwrap(), own);
    let Value::Object(parts) = &good else { panic!("a map") };
    for part in parts.keys() {
        let mut less = parts.clone();
        less.remove(part);
        // An option that is missing is none.
        if !["scale", "search", "sub_scale"].contains(&part.as_str()) {
            refused::<BlockSpec>(&Value::Object(less));
        }
        for value in [json!({}), json!("no such thing"), json!([1, 2, 3, 4]), json!(true)] {
            let mut changed = parts.clone();
            changed.insert(part.clone(), value);
            refused::<BlockSpec>(&Value::Object(changed));
        }
    }
    let changed = |part: &str, value: Value| {
        let mut parts = parts.clone();
        parts.insert(part.to_owned(), value);
        Value::Object(parts)
    };
    for spec in [
        changed("extent", json!({"flat": 0})),
        changed("extent", json!({"block": {"rows": 0, "cols": 32}})),
        changed("scale_bounds", json!([2.0, 1.0])),
        changed("scale_bounds", json!(["NaN", 1.0])),
        changed("rule", json!({"fixed": -1.0})),
        changed("rule", json!("custom")),
        changed("sub_scale", json!({"format": "F16", "blocks": 0})),
        changed("search", json!({"factors": [], "metric": "mse", "dequantization": null})),
        changed("divisors", json!(vec![(0, 1.0); 5000])),
        changed("surprise", json!(0)),
        json!("torchao::NVFP5"),
        json!(4),
        json!(null),
    ] {
        refused::<BlockSpec>(&spec);
    }
}

#[test]
fn what_are_no_names_and_no_stats_is_refused() {
    for value in [json!("IEEE round=sideways"), json!(1), json!(null), json!({}), json!([])] {
        refused::<Convert>(&value);
        refused::<Round>(&value);
        refused::<Preset>(&value);
        refused::<Accumulator>(&value);
        refused::<Flags>(&value);
    }
    let mut stats = ErrorStats::new();
    stats.push(1.0, 2.0, Flags::NONE);
    let good = serde_json::to_value(&stats).unwrap();
    for (part, value) in [
        ("filled", json!(4096)),
        ("filled", json!(-1)),
        ("count", json!(u64::MAX)),
        ("count", json!(0.5)),
        ("max_abs_error", json!(null)),
        ("max_abs_error", json!("infinity")),
        ("surprise", json!(0)),
    ] {
        let mut changed = good.clone();
        changed[part] = value;
        refused::<ErrorStats>(&changed);
    }
    let x: Vec<f32> = (0..64).map(|i| i as f32).collect();
    let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32]).unwrap();
    let mut good = serde_json::to_value(tensor.stats(&x).unwrap()).unwrap();
    good["worst"]["region"]["rows"]["end"] = json!(u64::MAX);
    refused::<TensorStats>(&good);
}
