//! The units by name, and which GPU has which.

use super::table::MatrixUnit;
use super::{ada, amd, ampere, arm, blackwell, hopper, imma, riscv, turing, volta, x86};
use crate::error::Error;
use crate::naming::{is_same, nearest_name};

/// The units of a GPU by its usual name, with their grades: `"H100"`, `"RTX 4090"`, `"MI300X"`.
/// Case and spaces do not count; a name that is not known has no units.
///
/// ```
/// use subhalf::unit::{self, Grade};
/// let names: Vec<&str> = unit::units_of("h200").map(|unit| unit.name).collect();
/// assert!(names.contains(&"hopper::WGMMA_FP8") && names.contains(&"imma::S8"));
/// assert!(unit::units_of("MI300X").all(|unit| unit.grade >= Grade::TwoModels));
/// assert_eq!(unit::units_of("Gaudi 3").count(), 0);
/// ```
pub fn units_of(gpu: &str) -> impl Iterator<Item = &'static MatrixUnit> {
    let found = GPUS.iter().find(|(names, _)| names.iter().any(|name| is_same(name, gpu)));
    found.into_iter().flat_map(|(_, units)| units.iter().copied().flatten())
}

/// GPUs, and the modules of their units.
const GPUS: &[(&[&str], &[&[MatrixUnit]])] = &[
    (&["V100", "Titan V"], &[volta::ALL]),
    (&["T4", "RTX 2080", "RTX 2080 Ti", "Titan RTX"], &[turing::ALL, imma::ALL]),
    (
        &["A100", "A2", "A10", "A30", "A40", "RTX 3080", "RTX 3090", "RTX A6000"],
        &[ampere::ALL, imma::ALL],
    ),
    (
        &["L4", "L40", "L40S", "RTX 4080", "RTX 4090", "RTX 1000 Ada", "RTX 6000 Ada"],
        &[ada::ALL, imma::ALL],
    ),
    (&["H100", "H200", "H800", "H20", "GH200"], &[hopper::ALL, imma::ALL]),
    (&["B100", "B200", "GB200"], &[blackwell::ALL, imma::ALL]),
    (&["RTX 5080", "RTX 5090", "RTX PRO 6000 Blackwell"], &[blackwell::RTX, imma::ALL]),
    (&["MI100"], &[amd::CDNA1]),
    (&["MI210", "MI250", "MI250X"], &[amd::CDNA2]),
    (&["MI300A", "MI300X", "MI325X"], &[amd::CDNA3]),
];

/// Modules and their units. A module that lists another's units too has only its own here.
const MODULES: [(&str, &[MatrixUnit]); 11] = [
    ("volta::", volta::ALL),
    ("turing::", turing::ALL),
    ("ampere::", ampere::ALL),
    ("ada::", ada::ALL),
    ("hopper::", hopper::ALL),
    ("blackwell::", blackwell::ALL),
    ("imma::", imma::ALL),
    ("amd::", amd::ALL),
    ("arm::", arm::ALL),
    ("riscv::", riscv::ALL),
    ("x86::", x86::ALL),
];

/// Iterates over every unit once, module by module.
///
/// ```
/// use subhalf::unit;
/// assert!(unit::all().any(|unit| unit.name == "hopper::WGMMA_FP8"));
/// ```
pub fn all() -> impl Iterator<Item = &'static MatrixUnit> {
    MODULES
        .into_iter()
        .flat_map(|(module, units)| units.iter().filter(move |unit| unit.name.starts_with(module)))
}

/// Returns the unit with this path inside the module, such as `hopper::WGMMA_FP8`. Case does not
/// matter.
///
/// ```
/// use subhalf::unit;
/// assert_eq!(unit::by_name("hopper::wgmma_fp8")?.instruction, unit::hopper::WGMMA_FP8.instruction);
/// let error = unit::by_name("wgmma_fp4").unwrap_err().to_string();
/// assert!(error.ends_with("the nearest is hopper::WGMMA_FP8"), "{error}");
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownName`] with the nearest name.
pub fn by_name(name: &str) -> Result<&'static MatrixUnit, Error> {
    all().find(|unit| unit.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let nearest = nearest_name(name, all().map(|unit| unit.name));
        Error::unknown_name("matrix unit", "unit::all", name, nearest)
    })
}
