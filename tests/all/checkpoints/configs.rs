//! What `config.json` says of compressed-tensors' layouts, by what vLLM 0.33.0 asks of a scheme in
//! `CompressedTensorsConfig._get_scheme_from_parts`.

use serde_json::Value;
use subhalf::io::{CheckpointLayout, QuantizedModel};

/// The scheme that vLLM chooses; `None` if it refuses the config.
fn scheme(section: &Value) -> Option<&'static str> {
    let group = &section["config_groups"]["group_0"];
    let (format, weights, inputs) =
        (group["format"].as_str()?, &group["weights"], &group["input_activations"]);
    let is = |args: &Value, kind: &str, bits: i64, strategies: &[&str]| {
        args["type"] == kind
            && args["num_bits"] == bits
            && strategies.iter().any(|own| args["strategy"] == *own)
    };
    let (symmetric, dynamic) = (weights["symmetric"] == true, inputs["dynamic"] == true);
    if is(weights, "float", 4, &["tensor_group"]) && weights["group_size"] == 16 {
        return (symmetric && inputs.is_null()).then_some("W4A16 NVFP4");
    }
    if is(weights, "float", 4, &["group"]) && weights["group_size"] == 32 {
        return (symmetric && inputs.is_null()).then_some("W4 MXFP4");
    }
    if is(weights, "float", 8, &["group"]) && weights["scale_dtype"] == "torch.uint8" {
        return (symmetric && weights["group_size"] == 32).then_some("W8A8 MXFP8");
    }
    // Without quantized inputs, these formats are for FP8 weights alone.
    if ["int-quantized", "float-quantized"].contains(&format) {
        let fp8 = is(weights, "float", 8, &["tensor", "channel", "block"]);
        let int8 = is(weights, "int", 8, &["tensor", "channel"])
            && is(inputs, "int", 8, &["token"])
            && dynamic;
        return match (symmetric, fp8 && dynamic && inputs["type"] == "float", int8) {
            (true, true, _) => Some("W8A8 FP8"),
            (true, _, true) => Some("W8A8 INT8"),
            _ => None,
        };
    }
    let bits = weights["num_bits"].as_i64()?;
    let packed = is(weights, "int", bits, &["channel", "group"]) && inputs.is_null();
    (format == "pack-quantized" && packed && (2..=8).contains(&bits)).then_some("WNA16")
}

#[test]
fn vllm_has_a_scheme_for_all_layouts_of_compressed_tensors_but_mxfp6() {
    let mut found = std::collections::BTreeMap::new();
    for layout in CheckpointLayout::all() {
        let Some(name) = layout.name().strip_prefix("compressed_tensors::") else { continue };
        let config = layout.config(None, &QuantizedModel::default()).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let section = &config["quantization_config"];
        assert_eq!(section["format"], section["config_groups"]["group_0"]["format"], "{name}");
        let scheme = scheme(section);
        assert_eq!(scheme.is_none(), name == "MXFP6_E2M3", "{name}: {section}");
        *found.entry(scheme).or_insert(0) += 1;
    }
    let expected = [
        (None, 1),
        (Some("W4 MXFP4"), 1),
        (Some("W4A16 NVFP4"), 1),
        (Some("W8A8 FP8"), 3),
        (Some("W8A8 INT8"), 1),
        (Some("W8A8 MXFP8"), 1),
        // 2 to 8 bits, rows and three groups, with and without zero points, but for INT8 rows.
        (Some("WNA16"), 55),
    ];
    assert_eq!(found, expected.into());
}
