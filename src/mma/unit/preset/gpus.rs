//! The units by name, and which GPU has which.

use super::table::MatrixUnit;
use super::{ada, amd, ampere, arm, blackwell, hopper, imma, riscv, turing, volta, x86};
use crate::error::Error;
use crate::naming::nearest_name;

/// The units of a GPU by its usual name or the one that its driver reports, with their grades:
/// `"H100"`, `"rtx4090"`, `"NVIDIA A100-SXM4-80GB"`, `"AMD Instinct MI300X"`. Case, words around the
/// model and memory sizes do not count. A GPU without tensor cores, or whose bits nobody has
/// published (B300, GB10, Orin, MI355X), has no units, and so does a name that is not known or that
/// fits several generations (`"RTX 6000"`).
///
/// ```
/// use subhalf::unit::{self, Grade};
/// let names: Vec<&str> = unit::units_of("NVIDIA H100 80GB HBM3").map(|unit| unit.name).collect();
/// assert!(names.contains(&"hopper::WGMMA_FP8") && names.contains(&"imma::S8"));
/// assert!(unit::units_of("MI300X").all(|unit| unit.grade >= Grade::TwoModels));
/// assert_eq!(unit::units_of("Gaudi 3").count(), 0);
/// ```
pub fn units_of(gpu: &str) -> impl Iterator<Item = &'static MatrixUnit> {
    let has = |model: &str| is_model(model, gpu);
    // Cards and chips of other vendors have names such as A10 and A40 too.
    let other = has("Intel|Arc|Apple|Mali|Adreno|Radeon");
    let is_own = |model: &str| model.starts_with("MI") || !has("AMD");
    let of_gpu = |models: &[&str]| models.iter().any(|model| is_own(model) && has(model));
    let found = GPUS.iter().find(|(models, _)| !other && of_gpu(models));
    found.into_iter().flat_map(|(_, units)| units.iter().copied().flatten())
}

/// GPUs, and the modules of their units. The words of a model are in a GPU's name in this order; a
/// bar is between alternatives.
const GPUS: &[(&[&str], &[&[MatrixUnit]])] = &[
    (&["V100|V100S|GV100", "Titan V"], &[volta::ALL]),
    (
        &["T4|T4G", "RTX 2060|2070|2080", "Quadro RTX 3000|4000|5000|6000|8000", "Titan RTX"],
        &[turing::ALL, imma::ALL],
    ),
    // An RTX 3050 with a chip of the next generation, before those with one of their own.
    (&["RTX 3050 A"], &[ada::ALL, imma::ALL]),
    (
        &[
            "A100|A100X|A800|A2|A10|A10G|A16|A30|A30X|A40",
            "RTX 2050|3050|3060|3070|3080|3090",
            "RTX A400|A500|A1000|A2000|A3000|A4000|A4500|A5000|A5500|A6000",
        ],
        &[ampere::ALL, imma::ALL],
    ),
    (
        &[
            "L2|L4|L20|L40|L40S|L40G",
            "RTX 4050|4060|4070|4080|4090",
            "RTX 500|1000|2000|3000|3500|4000|4500|5000|5880|6000 Ada",
        ],
        &[ada::ALL, imma::ALL],
    ),
    (&["H100|H200|H800|H20|GH200"], &[hopper::ALL, imma::ALL]),
    (&["B100|B200|GB200"], &[blackwell::ALL, imma::ALL]),
    (
        &[
            "RTX 5050|5060|5070|5080|5090",
            "RTX PRO 500|1000|2000|3000|4000|4500|5000|6000 Blackwell",
        ],
        &[blackwell::RTX, imma::ALL],
    ),
    (&["MI100"], &[amd::CDNA1]),
    (&["MI200|MI210|MI250|MI250X"], &[amd::CDNA2]),
    (&["MI300|MI300A|MI300X|MI308X|MI325X"], &[amd::CDNA3]),
];

/// Whether the words of a model are in a GPU's name, one after the other.
fn is_model(model: &str, gpu: &str) -> bool {
    let mut words = gpu.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|word| {
        // RTX4090 is two words.
        let has_series = word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("RTX"));
        let (series, rest) = word.split_at(if has_series { 3 } else { 0 });
        [series, rest]
    });
    model.split(' ').all(|alternatives| {
        words.any(|word| alternatives.split('|').any(|expected| is_word(expected, word)))
    })
}

/// Whether a word is this one; letters behind a number alone (`3080Ti`) do not count.
fn is_word(expected: &str, word: &str) -> bool {
    let is_number = expected.bytes().all(|c| c.is_ascii_digit());
    let word = if is_number { word.trim_end_matches(char::is_alphabetic) } else { word };
    word.eq_ignore_ascii_case(expected)
}

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
