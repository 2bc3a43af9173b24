//! `sweep`: many rows of what `perplexity` measures, as CSV.

use crate::calibrate::{Calibration, Recipe};
use crate::failure::Failure;
use crate::model::{Model, Shipped};
use crate::numerics::{self, Numerics, Scheme};
use crate::perplexity::progress;
use crate::rows::Row;
use crate::score::{Score, interval};
use crate::text::{Window, Windows, calibration_windows};
use crate::tokenizer::Tokenizer;
use clap::{Args, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;
use subhalf::Exec;
use subhalf::io::Gguf;

/// What each way to keep weights, activations and cache, and to add up products, costs. Writes CSV:
/// a row as soon as it is measured.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A GGUF file of a Llama model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    windows: Windows,
    /// What is varied; without, everything.
    #[arg(long, value_name = "AXES", value_delimiter = ',')]
    axes: Vec<Axis>,
    /// Rows whose names contain one of these words alone.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    only: Vec<String>,
}

/// What is varied while everything else stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// Weights; activations and cache in f32.
    Weights,
    /// Activations; weights as shipped.
    Activations,
    /// Keys and values; weights as shipped.
    Kv,
    /// Weights and activations in the NVFP4 of one program each.
    W4a4,
    /// Sums, of FP8 weights and activations with a scale for each row, and of F16s and BF16s for
    /// units that take these.
    Accumulators,
    /// Recipes: Hadamard transforms, error feedback and factors of channels before weights of 4
    /// bits.
    Recipes,
}

/// The names of a row: weights, activations, cache, sums.
type Names = [&'static str; 4];

/// A row: names, the length of a Hadamard transform of the weights' rows, and a recipe.
#[derive(Clone, Copy, Debug)]
struct Case {
    names: Names,
    rotated: Option<usize>,
    recipe: Option<Recipe>,
}

impl Case {
    /// The names, with what is done to weights behind theirs.
    fn labels(&self) -> [String; 4] {
        let mut labels = self.names.map(str::to_owned);
        if let Some(length) = self.rotated {
            labels[0] += &format!("+hadamard{length}");
        }
        labels[0] += match self.recipe {
            None => "",
            Some(Recipe::Gptq) => "+gptq",
            Some(Recipe::Awq) => "+awq",
        };
        labels
    }
}

const SHIPPED: &str = "as-shipped";
const FP8: &str = "generic::FP8_E4M3_ROW";

/// The axis of weights.
const WEIGHTS: [&str; 32] = [
    SHIPPED,
    "BF16",
    "F16",
    "generic::INT8_ROW",
    "generic::INT8_G128",
    "ggml::Q8_0",
    "ocp::MXINT8",
    FP8,
    "generic::FP8_E4M3_TENSOR",
    "deepseek::v3::FP8_E4M3_128X128",
    "generic::FP8_E5M2_ROW",
    "ocp::MXFP8_E4M3",
    "ocp::MXFP8_E5M2",
    "generic::HIF8_TENSOR_TO_15",
    "ocp::MXFP6_E2M3",
    "ocp::MXFP6_E3M2",
    "ggml::Q5_0",
    "ggml::Q4_0",
    "bitsandbytes::NF4",
    "bitsandbytes::FP4",
    "generic::INT4_G32",
    "generic::INT4_ASYM_G32",
    "generic::INT4_G128",
    "plain::NVFP4",
    "torchao::NVFP4",
    "modelopt::NVFP4",
    "mlx::NVFP4",
    "fouroversix::NVFP4_MSE",
    "fouroversix::NVFP4_MAE",
    "ocp::MXFP4",
    "torchao::MXFP4_RCEIL",
    "mlx::MXFP4",
];

/// The axis of activations.
const ACTIVATIONS: [&str; 10] = [
    "BF16",
    "generic::INT8_ROW",
    FP8,
    "generic::FP8_E4M3_TENSOR",
    "ocp::MXFP8_E4M3",
    "ocp::MXFP8_E5M2",
    "ocp::MXFP6_E2M3",
    "torchao::NVFP4",
    "ocp::MXFP4",
    "F8E4M3",
];

/// The axis of keys and values.
const CACHES: [&str; 8] = [
    "BF16",
    "F8E4M3",
    "F8E5M2",
    "ocp::MXFP8_E4M3",
    "generic::INT8_ROW",
    "generic::INT4_G32",
    "ocp::MXFP4",
    "mlx::NVFP4",
];

/// Programs' NVFP4.
const NVFP4: [&str; 6] = [
    "torchao::NVFP4",
    "modelopt::NVFP4",
    "compressed_tensors::NVFP4",
    "transformer_engine::NVFP4",
    "mlx::NVFP4",
    "fouroversix::NVFP4_MSE",
];

/// The axis of sums, the slowest last.
const SUMS: [&str; 14] = [
    "default",
    "f32",
    "F16:nearest-even",
    "F16:nearest-even/128",
    "BF16:nearest-even",
    "BF16:nearest-even/128",
    "E8M13:toward-zero",
    "E8M13:toward-zero/128",
    "hopper-wgmma-fp8",
    "hopper-wgmma-fp8/128",
    "hopper-mma-sync-fp8",
    "ada-qmma-fp8",
    "blackwell-f8f6f4",
    "exact",
];

/// Units that take wider numbers, behind the format of weights and activations.
const WIDE_SUMS: [[&str; 2]; 8] = [
    ["BF16", "f32"],
    ["BF16", "x86::VDPBF16PS"],
    ["BF16", "x86::AMX_BF16"],
    ["BF16", "riscv::VFWBDOTA_BF16_128"],
    ["F16", "f32"],
    ["F16", "volta::HMMA_F16"],
    ["F16", "amd::CDNA3_F16"],
    ["F16", "ampere::HMMA_F16"],
];

/// Schemes of 4 bits that recipes are tried with.
const RECIPES: [&str; 3] = ["plain::NVFP4", "ocp::MXFP4", "generic::INT4_G32"];

impl Axis {
    /// The rows of an axis.
    fn cases(self) -> Vec<Case> {
        let case = |names| Case { names, rotated: None, recipe: None };
        let mut cases: Vec<Case> = self.rows().into_iter().map(case).collect();
        if self == Self::Recipes {
            let ways = [
                (None, None),
                (Some(64), None),
                (None, Some(Recipe::Gptq)),
                (Some(64), Some(Recipe::Gptq)),
                (None, Some(Recipe::Awq)),
            ];
            let of_scheme = |name| {
                let names = [name, SHIPPED, SHIPPED, "default"];
                ways.map(|(rotated, recipe)| Case { names, rotated, recipe })
            };
            cases.extend(RECIPES.into_iter().flat_map(of_scheme));
        }
        cases
    }

    /// The names of the rows that are no more than names.
    fn rows(self) -> Vec<Names> {
        match self {
            Self::Weights => WEIGHTS.map(|name| [name, SHIPPED, SHIPPED, "default"]).to_vec(),
            Self::Activations => {
                ACTIVATIONS.map(|name| [SHIPPED, name, SHIPPED, "default"]).to_vec()
            }
            Self::Kv => CACHES.map(|name| [SHIPPED, SHIPPED, name, "default"]).to_vec(),
            Self::W4a4 => NVFP4.map(|name| [name, name, SHIPPED, "default"]).to_vec(),
            Self::Accumulators => {
                let wide = WIDE_SUMS.map(|[format, name]| [format, format, SHIPPED, name]);
                SUMS.map(|name| [FP8, FP8, SHIPPED, name]).into_iter().chain(wide).collect()
            }
            Self::Recipes => {
                vec![["fouroversix::NVFP4_MSE", SHIPPED, SHIPPED, "default"]]
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Activations => "activations",
            Self::Kv => "kv",
            Self::W4a4 => "w4a4",
            Self::Accumulators => "accumulators",
            Self::Recipes => "recipes",
        }
    }
}

/// The numerics of a row.
fn numerics(case: &Case) -> Result<Numerics, Failure> {
    let [weights, activations, cache, sums] = case.names;
    let scheme = |name: &str| {
        numerics::scheme(name).map_err(|expected| Failure::unfit("scheme", expected, name))
    };
    Ok(Numerics {
        weights: scheme(weights)?,
        activations: scheme(activations)?,
        cache: scheme(cache)?,
        sums: numerics::sums(sums).map_err(|expected| Failure::unfit("sums", expected, sums))?,
        rotated: case.rotated,
        recipe: case.recipe,
        exec: Exec::PARALLEL,
    })
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let Arguments { model, windows, axes, only } = arguments;
    let chosen = |axis: &Axis| axes.is_empty() || axes.contains(axis);
    let wanted = |case: &Case| {
        let labels = case.labels();
        only.is_empty() || labels.iter().any(|name| only.iter().any(|word| name.contains(&**word)))
    };
    let cases: Vec<(Axis, Case)> = Axis::value_variants()
        .iter()
        .filter(|axis| chosen(axis))
        .flat_map(|axis| axis.cases().into_iter().filter(wanted).map(|case| (*axis, case)))
        .collect();
    // A name that is wrong is told before hours of measuring.
    let all = cases.iter().map(|(_, case)| numerics(case)).collect::<Result<Vec<_>, _>>()?;
    let file = Gguf::open(model)?;
    let tokenizer = Tokenizer::of(&file)?;
    let shipped = Shipped::load(&file)?;
    let tokens = windows.tokens(&tokenizer)?;
    let as_shipped = Model::new(&shipped, Numerics::AS_SHIPPED)?;
    let calibration = match all.iter().any(|numerics| numerics.recipe.is_some()) {
        false => None,
        true => {
            let tokens = calibration_windows(&windows.text, &tokenizer, windows.window)?;
            Some(Calibration::new(&as_shipped, &tokens)?)
        }
    };
    let bar = progress((cases.len() + 1) * tokens.len(), windows.window);
    let mut read = Vec::new();
    for tokens in tokens {
        let window = Window::new(&as_shipped, tokens, windows.unscored)?;
        let score = window.score(&as_shipped)?;
        read.push((window, score));
        bar.inc(windows.window as u64);
    }
    let shipped_scores: Vec<Score> = read.iter().map(|(_, score)| *score).collect();
    writeln!(out, "{}", Row::HEADER)?;
    let mut failed = 0;
    for ((axis, case), numerics) in cases.iter().zip(all) {
        let names = case.labels();
        bar.set_message(names.join(" "));
        let start = Instant::now();
        let calibration = calibration.as_ref().filter(|_| numerics.recipe.is_some());
        let measured = Model::calibrated(&shipped, numerics, calibration).and_then(|model| {
            let score = |(window, _): &(Window, Score)| {
                let score = window.score(&model)?;
                bar.inc(windows.window as u64);
                Ok(score)
            };
            read.iter().map(score).collect::<Result<Vec<Score>, Failure>>()
        });
        match measured {
            Ok(scores) => {
                let sum = Score::sum(&scores);
                let row = Row {
                    axis: axis.name().to_owned(),
                    names: names.clone(),
                    bits: bits(&numerics.weights, &shipped),
                    windows: scores.len(),
                    perplexity: sum.perplexity(),
                    ratio: sum.perplexity() / Score::sum(&shipped_scores).perplexity(),
                    interval: interval(&scores, &shipped_scores),
                    divergence: sum.mean_divergence(),
                    agreement: sum.agreement(),
                    seconds: start.elapsed().as_secs_f64(),
                };
                bar.suspend(|| writeln!(out, "{row}").and_then(|()| out.flush()))?;
            }
            Err(failure) => {
                failed += 1;
                // The other rows are worth measuring; a failure that nobody reads is counted below.
                let told = |failure| writeln!(io::stderr(), "{}: {failure}", names.join(" "));
                let _ = bar.suspend(|| told(failure));
            }
        }
    }
    bar.finish_and_clear();
    if failed > 0 {
        return Err(Failure::unfit("rows that could not be measured", "0", failed));
    }
    Ok(())
}

/// Bits that a weight takes, scales included.
fn bits(scheme: &Scheme, shipped: &Shipped<'_>) -> f64 {
    match scheme {
        Scheme::AsShipped => shipped.bits(),
        Scheme::Format(format) => f64::from(format.bits()),
        Scheme::Blocks(spec) => spec.bits_per_element(),
    }
}
