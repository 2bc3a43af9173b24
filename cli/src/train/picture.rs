//! The curves of training as an SVG of two charts: training loss and test accuracy by epoch.

use super::{Epoch, Trained};
use crate::curves::{self, Curve, Words, font};
use plotters::prelude::*;
use std::error::Error;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 460;
const HEAD: u32 = 48;

pub(super) fn draw(table: &[Trained]) -> Result<String, Box<dyn Error>> {
    let curves = |of: fn(&Epoch) -> f64| -> Vec<Curve> {
        let curve = |row: &Trained| {
            let epochs = 0..row.curves[0].len();
            let points = epochs.map(|epoch| (epoch as f64 + 1.0, row.mean(epoch, of))).collect();
            Curve { name: row.name.to_owned(), points }
        };
        table.iter().map(curve).collect()
    };
    let (losses, accuracies) =
        (curves(|epoch| epoch.training_loss), curves(|epoch| 100.0 * epoch.accuracy));
    let epochs = losses[0].points.len() as f64;
    let networks = table[0].curves.len();
    let mut text = String::new();
    {
        let size = (WIDTH, HEAD + 2 * HEIGHT);
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, charts) = root.split_vertically(HEAD);
        let line = format!(
            "A network of four layers learns 1,440 handwritten digits; means of {networks} seeds"
        );
        head.draw(&Text::new(line, (60, 26), font(20, &BLACK)))?;
        let (upper, lower) = charts.split_vertically(HEIGHT);
        // A single epoch has an axis too.
        let across = 1.0..epochs.max(2.0);
        let (low, high) = curves::extent(&losses);
        let words = Words {
            title: "training loss (logarithmic)",
            across: "epoch",
            label: &|loss| format!("{loss:.3}"),
        };
        let axis = (low / 1.2..high * 1.2).log_scale();
        curves::chart(&upper, &words, &losses, across.clone(), axis)?;
        // Where curves end is to be told apart; what the first epochs have is cut off.
        let ends = accuracies.iter().filter_map(|curve| curve.points.last()).map(|(_, y)| *y);
        let floor = (ends.fold(f64::INFINITY, f64::min) - 5.0).max(0.0).floor();
        let (_, high) = curves::extent(&accuracies);
        let cut = |curve: Curve| {
            let points = curve.points.into_iter().filter(|(_, y)| *y >= floor).collect();
            Curve { points, ..curve }
        };
        let accuracies: Vec<Curve> = accuracies.into_iter().map(cut).collect();
        let words =
            Words { title: "test accuracy", across: "epoch", label: &|y| format!("{y:.1} %") };
        curves::chart(&lower, &words, &accuracies, across, floor..high.ceil())?;
        root.present()?;
    }
    Ok(text)
}
