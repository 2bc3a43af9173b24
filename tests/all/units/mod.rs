//! Matrix units against hardware and against models that other people wrote: published rows of
//! GPUs, directed vectors, digests of random cases. The expected values were made by a program in
//! Python with exact fractions, which shares no code with the crate.

mod digests;
mod directed;
mod edges;
mod products;
mod rows;
mod wide;

use subhalf::unit::{self, MatrixUnit};
use subhalf::{FormatSpec, MmaSpec};

/// A unit for elements of formats by their names here.
fn spec(unit: &MatrixUnit, a: &str, b: &str) -> MmaSpec {
    unit.spec(format(a), format(b)).unwrap_or_else(|error| panic!("{}: {error}", unit.name))
}

fn format(name: &str) -> FormatSpec {
    match name {
        "f16" => FormatSpec::F16,
        "bf16" => FormatSpec::BF16,
        "tf32" => FormatSpec::TF32,
        "e4m3" => FormatSpec::F8E4M3,
        "e5m2" => FormatSpec::F8E5M2,
        "e4m3fnuz" => FormatSpec::F8E4M3FNUZ,
        "e5m2fnuz" => FormatSpec::F8E5M2FNUZ,
        "e3m2" => FormatSpec::F6E3M2,
        "e2m3" => FormatSpec::F6E2M3,
        "e2m1" => FormatSpec::F4E2M1,
        "s8" => FormatSpec::INT8,
        "u8" => FormatSpec::UINT8,
        _ => panic!("{name}"),
    }
}

/// All units that there are.
fn all() -> Vec<MatrixUnit> {
    let lists = [
        unit::volta::ALL,
        unit::turing::ALL,
        unit::ampere::ALL,
        unit::ada::ALL,
        unit::hopper::ALL,
        unit::blackwell::ALL,
        unit::imma::ALL,
        unit::amd::ALL,
        unit::x86::ALL,
        unit::arm::ALL,
        unit::riscv::ALL,
    ];
    lists.concat()
}

#[test]
fn the_page_about_units_has_every_unit_with_its_grade() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/units.md"));
    let page = page.unwrap();
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let mut names = std::collections::BTreeSet::new();
    for unit in all() {
        let grade = match unit.grade {
            unit::Grade::Silicon => "silicon",
            unit::Grade::TwoModels => "two models",
            unit::Grade::OneModel => "one model",
            unit::Grade::Document => "document",
            unit::Grade::Assumed => "assumed",
        };
        let (name, instruction) = (unit.name, unit.instruction);
        let line = format!("| `{name}` | {instruction} | {grade} | {} |", unit.evidence);
        assert!(lines.contains(&&*line), "docs/units.md lacks\n{line}");
        names.insert(name);
    }
    assert_eq!(lines.len(), names.len());
}

#[test]
fn every_unit_has_the_name_of_its_constant_and_evidence() {
    let units = all();
    for unit in &units {
        assert!(unit.evidence.len() > 3 && unit.instruction.len() > 3, "{}", unit.name);
        assert!(unit.name.contains("::"), "{}", unit.name);
        // Every pair of its formats is a unit.
        for a in unit.inputs {
            for b in unit.inputs {
                assert_eq!(*unit.spec(*a, *b).unwrap().a(), *a, "{}", unit.name);
            }
        }
        assert!(unit.spec(FormatSpec::HIF8, unit.inputs[0]).is_err(), "{}", unit.name);
    }
    assert_eq!(units.iter().filter(|unit| unit.grade == unit::Grade::Assumed).count(), 0);
}
