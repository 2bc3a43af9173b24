//! The errors of floating-point splits: exponent bits by mantissa bits by block by scale rule, as
//! CSV and as a picture.

use super::inputs::{COLS, normal, outliers};
use crate::curves::{self, Curve, Words, font};
use plotters::prelude::*;
use std::error::Error;
use subhalf::{BlockSpec, Encoding, Extent, FloatSpec, FormatSpec, QuantTensor, Ratio, ScaleRule};

/// What the errors are measured on.
const INPUTS: [&str; 2] = ["normal", "outlier channels"];
const BLOCKS: [u32; 5] = [8, 16, 32, 64, 128];
const RULES: [&str; 3] = ["floor", "round up", "f32"];
const EXPONENT_BITS: std::ops::RangeInclusive<u8> = 0..=5;

/// A split under a block and a rule.
pub(super) struct Point {
    input: &'static str,
    exponent_bits: u8,
    mantissa_bits: u8,
    block: u32,
    rule: &'static str,
    decibels: f64,
}

/// Measures each split of 3 to 8 bits, block of 8 to 128 and rule, on normal numbers and those with
/// outlier channels.
pub(super) fn measure() -> Result<Vec<Point>, subhalf::Error> {
    let count = 64 * COLS;
    let inputs = [normal(1, count), outliers(2, count, 24.0)];
    let mut points = Vec::new();
    for exponent_bits in EXPONENT_BITS {
        for mantissa_bits in 1..=7u8 {
            if !(3..=8).contains(&(1 + exponent_bits + mantissa_bits)) {
                continue;
            }
            let layout = FloatSpec::finite(exponent_bits, mantissa_bits);
            let element = FormatSpec::new("SPLIT", Encoding::Float(layout))?;
            let target = element.max().to_f64() as f32;
            let rules = [
                (FormatSpec::E8M0, ScaleRule::Floor),
                (FormatSpec::E8M0, ScaleRule::RoundUp),
                (FormatSpec::F32, ScaleRule::Amax { target, ratio: Ratio::Divide }),
            ];
            for block in BLOCKS {
                for (rule, (scale, scale_rule)) in RULES.into_iter().zip(rules) {
                    let extent = Extent::Block { rows: 1, cols: block };
                    let spec = BlockSpec::new(element, Some(scale), extent, scale_rule);
                    for (input, x) in INPUTS.into_iter().zip(&inputs) {
                        let tensor = QuantTensor::quantize(&spec, x, &[64, COLS])?;
                        let decibels = tensor.stats(x)?.errors().sqnr_db().to_f64();
                        points.push(Point {
                            input,
                            exponent_bits,
                            mantissa_bits,
                            block,
                            rule,
                            decibels,
                        });
                    }
                }
            }
        }
    }
    Ok(points)
}

/// A row for each point.
pub(super) fn csv(points: &[Point]) -> String {
    let mut text = String::from("input,exponent bits,mantissa bits,block,rule,sqnr dB\n");
    for Point { input, exponent_bits, mantissa_bits, block, rule, decibels } in points {
        text.push_str(&format!(
            "{input},{exponent_bits},{mantissa_bits},{block},{rule},{decibels}\n"
        ));
    }
    text
}

/// Draws a chart for each input: a curve for each number of exponent bits by the bits of an
/// element, and for one block and rule, so that curves can be told apart.
pub(super) fn draw(points: &[Point]) -> Result<String, Box<dyn Error>> {
    const HEIGHT: u32 = 420;
    const HEAD: u32 = 48;
    let mut text = String::new();
    {
        let size = (1000, HEAD + HEIGHT * INPUTS.len() as u32);
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, charts) = root.split_vertically(HEAD);
        let line = "Signal over noise of splits by exponent bits; blocks of 32, f32 scales";
        head.draw(&Text::new(line, (60, 26), font(20, &BLACK)))?;
        for (input, area) in INPUTS.into_iter().zip(charts.split_evenly((INPUTS.len(), 1))) {
            let drawn =
                |point: &&Point| (point.input, point.block, point.rule) == (input, 32, "f32");
            let curve = |bits: u8| {
                let of_bits =
                    points.iter().filter(drawn).filter(|point| point.exponent_bits == bits);
                let place =
                    |point: &Point| (f64::from(1 + bits + point.mantissa_bits), point.decibels);
                Curve {
                    name: format!("{bits} exponent bits"),
                    points: of_bits.map(place).collect(),
                }
            };
            let curves: Vec<Curve> = EXPONENT_BITS.map(curve).collect();
            let (low, high) = curves::extent(&curves);
            let words = Words {
                title: input,
                across: "bits of an element",
                label: &|decibels| format!("{decibels:.0} dB"),
            };
            curves::chart(&area, &words, &curves, 3.0..8.0, low.floor()..high.ceil())?;
        }
        root.present()?;
    }
    Ok(text)
}
