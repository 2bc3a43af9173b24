//! The claims: statement, numbers, metric and threshold, written down before their results were
//! looked at. A change of a threshold is a change of this file. Those on real weights come last.

use super::weights::{self, Matrix};
use super::{Outcome, measures};
use subhalf::Error;

/// A claim of a paper and how it is measured.
pub(crate) struct Claim {
    /// The paper's identifier on arXiv.
    pub(crate) paper: &'static str,
    /// What it says, with its figures.
    pub(crate) statement: &'static str,
    /// What it is measured on; the generator is `inputs`, the number behind "seed" its seed.
    pub(crate) numbers: &'static str,
    /// What is measured.
    pub(crate) metric: &'static str,
    /// When the claim counts as reproduced.
    pub(crate) threshold: &'static str,
    /// Measures it.
    pub(crate) measure: Measure,
}

/// What a claim is measured on.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    /// Numbers that the program draws.
    Drawn(fn() -> Result<Outcome, Error>),
    /// The matrices of a checkpoint.
    Weights(fn(&[Matrix]) -> Result<Outcome, Error>),
}

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        paper: "2510.25602",
        statement: "MXINT8 is better than MXFP8 (40.35 against 31.50 dB)",
        numbers: "normal, 512 × 1024, seed 1; outlier channels, seed 2",
        metric: "signal over noise in dB, INT8 − E4M3, blocks of 32, scales rounded up",
        threshold: "difference ≥ 5 dB on normal numbers, > 0 on outlier channels",
        measure: Measure::Drawn(measures::mxint8_against_mxfp8),
    },
    Claim {
        paper: "2510.25602",
        statement: "NVFP4 is better than MXFP4 (20.60 against 17.98 dB)",
        numbers: "normal, seed 3; Laplace, seed 4; outlier channels, seed 5; 512 × 1024 each",
        metric: "signal over noise in dB, NVFP4 − MXFP4",
        threshold: "difference ≥ 1 dB on all three",
        measure: Measure::Drawn(measures::nvfp4_against_mxfp4),
    },
    Claim {
        paper: "2510.25602",
        statement: "NVINT4 passes NVFP4 only after a Hadamard transform (20.55 and 20.60, then 21.65 and 20.35 dB)",
        numbers: "Laplace, 512 × 1024, seed 6; random signs, seed 7",
        metric: "signal over noise in dB, NVINT4 − NVFP4, before and after a transform of 16",
        threshold: "before ≤ 0.1 dB, after > 0.5 dB",
        measure: Measure::Drawn(measures::nvint4_and_hadamard),
    },
    Claim {
        paper: "2208.09225",
        statement: "more outliers want more exponent bits (uniform, normal, Student t)",
        numbers: "uniform, normal, Student t of 3 degrees clipped at 100; 1 × 65536, seed 8",
        metric: "mantissa bits of the least squared error at 8 bits, best clipping value",
        threshold: "uniform ≥ normal > Student t",
        measure: Measure::Drawn(measures::exponent_bits_against_outliers),
    },
    Claim {
        paper: "2303.17951",
        statement: "INT8 is better for well-behaved numbers, E4M3 only with strong outliers",
        numbers: "normal, seed 9, and the same with every 64th channel 64 times as large; 512 × 1024",
        metric: "signal over noise in dB of the ordinary channels, INT8 − E4M3, one scale a row",
        threshold: "> 0 on normal numbers, < 0 with outliers",
        measure: Measure::Drawn(measures::int8_against_fp8),
    },
    Claim {
        paper: "2311.01792",
        statement: "scales for each sign help NF4 most at small groups",
        numbers: "normal, 256 × 1024, seed 10",
        metric: "squared error saved by AFPQ in groups of 128, 64 and 32",
        threshold: "≥ 4 % at 128, more at 64, most at 32",
        measure: Measure::Drawn(measures::afpq_by_group),
    },
    Claim {
        paper: "2507.04610",
        statement: "any4 is better than NF4, INT4 and FP4, in this order",
        numbers: "normal weights, 128 × 1024, seed 11; activations |normal| + 0.1, seed 12",
        metric: "squared error weighed by squared activations, groups of 128",
        threshold: "any4 < NF4 < INT4 < FP4",
        measure: Measure::Drawn(measures::any4_against_tables),
    },
    Claim {
        paper: "2509.17791",
        statement: "UE5M3 scales make a tensor scale unnecessary where E4M3 scales fail",
        numbers: "normal of deviation 1e-4, 512 × 1024, seed 13",
        metric: "signal over noise in dB of NVFP4 without tensor scale",
        threshold: "UE5M3 within 0.5 dB of NVFP4 with tensor scale, E4M3 10 dB below",
        measure: Measure::Drawn(measures::ue5m3_scales),
    },
    Claim {
        paper: "2505.19115",
        statement: "blocks below 16 gain little (sizes 4 to 128)",
        numbers: "normal, 512 × 1024, seed 14",
        metric: "signal over noise in dB of E2M1 with E4M3 scales and a tensor scale, by block",
        threshold: "rises as blocks shrink; 16 to 8 gains less than 1 dB",
        measure: Measure::Drawn(measures::block_sizes),
    },
    Claim {
        paper: "2410.00907",
        statement: "L-Mul with 4-bit mantissas is comparable to E4M3 products, with 3 bits better than E5M2's",
        numbers: "normal pairs, 65536, seed 15",
        metric: "root mean square relative error of products of rounded operands",
        threshold: "4 bits ≤ 1.1 × E4M3, 3 bits < E5M2",
        measure: Measure::Drawn(measures::l_mul_against_fp8),
    },
    Claim {
        paper: "2504.20634",
        statement: "a long BF16 sum to nearest stagnates at 4, a stochastic one does not (40.96)",
        numbers: "4096 times 0.01; 64 seeds from 16 on",
        metric: "the sum, and the mean of stochastic sums with 16 bits",
        threshold: "nearest 4.0, stochastic within 5 %",
        measure: Measure::Drawn(measures::stochastic_sums),
    },
    Claim {
        paper: "2412.19437",
        statement: "Hopper's FP8 sums of 4096 products are off by near 2 %, promotion every 128 mends it",
        numbers: "uniform from 0 to 1 in E4M3, 16 × 4096 twice, seed 17",
        metric: "largest relative error of WGMMA_FP8's model, in order and promoted",
        threshold: "0.5 to 4 % in order, a tenth of that promoted",
        measure: Measure::Drawn(measures::hopper_sums),
    },
    Claim {
        paper: "2501.02423",
        statement: "the best layouts are E2M1, E3M2 and E4M3 for 4, 6 and 8 bits",
        numbers: "outlier channels, 1 × 262144, seed 18",
        metric: "exponent bits of the least squared error, one scale, best clipping value",
        threshold: "2, 3 and 4",
        measure: Measure::Drawn(measures::layouts_of_the_scaling_law),
    },
    Claim {
        paper: "2505.06653",
        statement: "squared errors relative to NF4: AF4 1.076, BOF4 0.957, BOF4-S 0.880",
        numbers: "normal, 1 × 524288, seed 19",
        metric: "squared error over NF4's, blocks of 64",
        threshold: "within 2 % each",
        measure: Measure::Drawn(measures::bof4_against_nf4),
    },
    Claim {
        paper: "2307.09782",
        statement: "ratios of powers of two (M2) cost less than scales of powers of two (M1)",
        numbers: "normal, 256 × 256, seed 20; sets of 32 rows",
        metric: "squared error of E2M1 by row, M2 as it is commonly written (ceil)",
        threshold: "free < M2 < M1",
        measure: Measure::Drawn(measures::zeroquant_constraints),
    },
    Claim {
        paper: "2501.17116",
        statement: "clamping with a residual beats none: 8.31 dB, at 0.999 15.31, at 0.99 18.38, at 0.97 20.88",
        numbers: "Student t of 3 degrees clipped at 100, 256 × 1024, seed 21",
        metric: "signal over noise in dB of E2M1 by row with the residual",
        threshold: "rises from none to 0.999 to 0.99 to 0.97",
        measure: Measure::Drawn(measures::clamped_outliers),
    },
    Claim {
        paper: "2210.17323",
        statement: "error feedback beats rounding to nearest in the layer's output",
        numbers: "normal weights 64 × 128, seed 22; correlated activations, 512 × 128, seed 23",
        metric: "squared output error of INT4 in groups of 32, over that of rounding to nearest",
        threshold: "< 0.8",
        measure: Measure::Drawn(measures::error_feedback),
    },
    Claim {
        paper: "2510.25602",
        statement: "MXINT8 is better than MXFP8 on weights",
        numbers: weights::NUMBERS,
        metric: "signal over noise in dB, INT8 − E4M3, blocks of 32, scales rounded up, mean",
        threshold: "difference ≥ 5 dB",
        measure: Measure::Weights(weights::mxint8_against_mxfp8),
    },
    Claim {
        paper: "2510.25602",
        statement: "NVFP4 is better than MXFP4 on weights",
        numbers: weights::NUMBERS,
        metric: "signal over noise in dB, NVFP4 − MXFP4, mean",
        threshold: "difference ≥ 1 dB",
        measure: Measure::Weights(weights::nvfp4_against_mxfp4),
    },
    Claim {
        paper: "2510.25602",
        statement: "NVINT4 passes NVFP4 on weights only after a Hadamard transform",
        numbers: weights::NUMBERS,
        metric: "signal over noise in dB, NVINT4 − NVFP4, mean, before and after a transform of 16 along rows (random signs, seed 7)",
        threshold: "before ≤ 0.1 dB, after > 0.5 dB",
        measure: Measure::Weights(weights::nvint4_and_hadamard),
    },
    Claim {
        paper: "2311.01792",
        statement: "scales for each sign help NF4 on weights most at small groups",
        numbers: weights::NUMBERS,
        metric: "squared error saved by AFPQ in groups of 128, 64 and 32, mean",
        threshold: "≥ 4 % at 128, more at 64, most at 32",
        measure: Measure::Weights(weights::afpq_by_group),
    },
    Claim {
        paper: "2507.04610",
        statement: "any4 is better on weights than NF4, INT4 and FP4, in this order",
        numbers: weights::NUMBERS,
        metric: "squared error over that of INT4, groups of 128, mean",
        threshold: "any4 < NF4 < INT4 < FP4",
        measure: Measure::Weights(weights::any4_against_tables),
    },
    Claim {
        paper: "2509.17791",
        statement: "UE5M3 scales make a tensor scale unnecessary on weights",
        numbers: weights::NUMBERS,
        metric: "signal over noise in dB of NVFP4 without tensor scale, mean",
        threshold: "UE5M3 within 0.5 dB of NVFP4 with tensor scale, E4M3 below UE5M3",
        measure: Measure::Weights(weights::ue5m3_against_e4m3),
    },
    Claim {
        paper: "2505.19115",
        statement: "blocks below 16 gain little on weights (sizes 4 to 128)",
        numbers: weights::NUMBERS,
        metric: "signal over noise in dB of E2M1 with E4M3 scales and a tensor scale, by block, mean",
        threshold: "rises as blocks shrink; 16 to 8 gains less than 1 dB",
        measure: Measure::Weights(weights::block_sizes),
    },
    Claim {
        paper: "2505.06653",
        statement: "squared errors of weights relative to NF4: AF4 1.076, BOF4 0.957, BOF4-S 0.880",
        numbers: weights::NUMBERS,
        metric: "squared error over NF4's, blocks of 64, of all matrices together",
        threshold: "within 2 % each",
        measure: Measure::Weights(weights::bof4_against_nf4),
    },
];
