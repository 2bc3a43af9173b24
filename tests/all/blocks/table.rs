//! The table of presets: names, the index by format, and docs/presets.md.

use subhalf::{Extent, FormatSpec, TensorScale, preset};

/// The formats that presets have, as constants begin with them.
const FORMATS: [&str; 25] = [
    "MXFP8_E4M3",
    "MXFP8_E5M2",
    "MXFP6_E3M2",
    "MXFP6_E2M3",
    "MXFP4",
    "MXINT8",
    "MXINT4",
    "NVFP4",
    "NVINT4",
    "FP8_E4M3",
    "FP8_E5M2",
    "HIF8",
    "INT8",
    "INT4",
    "UINT8",
    "UINT4",
    "Q4_0",
    "Q4_1",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "NF4",
    "FP4",
    "AF4",
    "DYNAMIC8",
];

#[test]
fn every_preset_is_valid_and_found_by_its_name() {
    for preset in preset::all() {
        assert_eq!(preset.spec.validate(), Ok(()), "{}", preset.name);
        assert_eq!(
            preset::by_name(&preset.name.to_lowercase()).map(|found| found.name),
            Ok(preset.name)
        );
        assert_eq!(
            preset::all().filter(|other| other.name == preset.name).count(),
            1,
            "{}",
            preset.name
        );
    }
    assert!(preset::by_name("ocp::MXFP5").is_err());
}

#[test]
fn every_preset_is_found_by_its_format() {
    let names =
        |format: &str| preset::by_format(format).map(|preset| preset.name).collect::<Vec<_>>();
    for preset in preset::all() {
        let constant = preset.name.rsplit("::").next().expect("a constant");
        let of_preset =
            |format: &&str| constant == *format || constant.starts_with(&format!("{format}_"));
        let expected: Vec<&str> = FORMATS.into_iter().filter(of_preset).collect();
        let found: Vec<&str> =
            FORMATS.into_iter().filter(|format| names(format).contains(&preset.name)).collect();
        assert_eq!(found, expected, "{}", preset.name);
        assert_eq!(found.len(), 1, "{}", preset.name);
    }
    assert_eq!(names("mxfp4"), names("MXFP4"));
    assert_eq!(names("MXFP8").len(), names("MXFP8_E4M3").len() + names("MXFP8_E5M2").len());
    for unknown in ["", "_", "MXFP", "NVFP", "NVFP4_", "MXFP5", "torchao::NVFP4", "é"] {
        assert!(names(unknown).is_empty(), "{unknown}");
    }
}

/// docs/presets.md, which the documentation of the module includes: the table and the index.
fn document() -> String {
    let mut out = "| preset | elements | scale | extent | rule | source | evidence \
        | quantizing again |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for preset in preset::all() {
        let spec = preset.spec;
        let extent = match spec.extent {
            Extent::Tensor => "tensor".to_owned(),
            Extent::Row => "row".to_owned(),
            Extent::Column => "column".to_owned(),
            Extent::Block { rows, cols } => format!("{rows}×{cols}"),
            Extent::Flat(length) => format!("{length}, flat"),
            other => format!("{other:?}"),
        };
        let evidence = match preset.evidence {
            preset::Evidence::Checked => "checked",
            preset::Evidence::FormulaOnly => "formula only",
        };
        let scale = spec.scale.as_ref().map_or("none", FormatSpec::name);
        let tensor = if matches!(spec.tensor_scale, TensorScale::None) { "" } else { " and F32" };
        let again = preset
            .not_idempotent
            .map_or("changes nothing".to_owned(), |why| format!("changes: {why}"));
        let (name, element, rule, source) =
            (preset.name, spec.element.name(), preset.rule, preset.source);
        out += &format!(
            "| `{name}` | {element} | {scale}{tensor} | {extent} | `{rule}` | {source} | {evidence} \
            | {again} |\n"
        );
    }
    out += "\nPresets by format, as `by_format` finds them:\n\n| format | presets |\n|---|---|\n";
    for format in FORMATS {
        let names: Vec<String> =
            preset::by_format(format).map(|preset| format!("`{}`", preset.name)).collect();
        out += &format!("| {format} | {} |\n", names.join(", "));
    }
    out
}

/// To make it anew: `SUBHALF_WRITE=1 cargo test the_table_of_presets`.
#[test]
fn the_table_of_presets_is_the_documented_one() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/presets.md");
    if std::env::var_os("SUBHALF_WRITE").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    for (written, expected) in written.lines().zip(document().lines()) {
        assert_eq!(written, expected);
    }
    assert_eq!(written, document());
}
