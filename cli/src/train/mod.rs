//! A small network trained from scratch under recipes of low precision: what each costs in loss and
//! accuracy.
//!
//! [`recipe`] says what the operands of products are quantized to, [`network`] is the training,
//! [`digits`] the images, [`picture`] the curves.

mod digits;
mod network;
mod picture;
mod recipe;

use crate::failure::{Failure, to_file};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use digits::Digits;
use network::Epoch;
use recipe::RECIPES;
use std::io::Write;
use std::path::PathBuf;

/// A small network trained from scratch in FP32, BF16, FP8 and NVFP4.
///
/// Four linear layers learn 1,440 of 1,797 handwritten digits; the others test them. All products
/// of the hidden layers, forward and backward, have quantized operands.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// How many networks a recipe trains, from the seeds 1, 2, …
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    seeds: u32,
    /// How often each network sees the images.
    #[arg(long, value_name = "COUNT", default_value_t = 15)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    epochs: usize,
    /// Where losses and accuracies after each epoch are written to (CSV).
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Where the curves are drawn to (SVG).
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// A recipe and the curve of each of its networks.
struct Trained {
    name: &'static str,
    curves: Vec<Vec<Epoch>>,
}

impl Trained {
    /// The mean over networks after an epoch.
    fn mean(&self, epoch: usize, of: impl Fn(&Epoch) -> f64) -> f64 {
        self.curves.iter().map(|curve| of(&curve[epoch])).sum::<f64>() / self.curves.len() as f64
    }
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let digits = Digits::read();
    let last = arguments.epochs - 1;
    writeln!(out, "| recipe | training loss | test loss | test accuracy | lowest to highest |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    let mut table = Vec::new();
    for recipe in &RECIPES {
        let train = |seed| network::train(recipe, &digits, seed, arguments.epochs);
        let curves: Result<_, subhalf::Error> = (1..=arguments.seeds).map(train).collect();
        let row = Trained { name: recipe.name, curves: curves? };
        let percent = |x: f64| 100.0 * x;
        let accuracies = || row.curves.iter().map(|curve| percent(curve[last].accuracy));
        writeln!(
            out,
            "| {} | {:.4} | {:.3} | {:.1} % | {:.1} to {:.1} % |",
            row.name,
            row.mean(last, |epoch| epoch.training_loss),
            row.mean(last, |epoch| epoch.test_loss),
            percent(row.mean(last, |epoch| epoch.accuracy)),
            accuracies().fold(f64::INFINITY, f64::min),
            accuracies().fold(0.0, f64::max),
        )?;
        // A row is seen as soon as it is known.
        out.flush()?;
        table.push(row);
    }
    if let Some(path) = &arguments.csv {
        to_file(path, &csv(&table))?;
    }
    if let Some(path) = &arguments.picture {
        let picture = picture::draw(&table).map_err(|error| Failure::Draw(error.to_string()))?;
        to_file(path, &picture)?;
    }
    Ok(())
}

fn csv(table: &[Trained]) -> String {
    let mut text = String::from("recipe,seed,epoch,training loss,test loss,test accuracy\n");
    for Trained { name, curves } in table {
        for (seed, curve) in curves.iter().enumerate() {
            for (epoch, Epoch { training_loss, test_loss, accuracy }) in curve.iter().enumerate() {
                text.push_str(&format!(
                    "\"{name}\",{},{},{training_loss},{test_loss},{accuracy}\n",
                    seed + 1,
                    epoch + 1
                ));
            }
        }
    }
    text
}
