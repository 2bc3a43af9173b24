//! Every preset, and random schemes, on one thread, numbers in the second-level cache: f32s in whole blocks, f32s in
//! rows that are no whole number of blocks, bf16s, and back to f32s. What counts is the ratio to
//! the control row that ran right before.

use std::cell::RefCell;
use std::hint::black_box;

use clap::Parser;
use half::bf16;
use subhalf::preset::{self, Preset};
use subhalf::{BlockSpec, Exec, Offset, Quantizer, ScaleRule};

use super::random;
use subhalf_benches::control::{Control, Place, Ring, move_bytes};
use subhalf_benches::turns::{Pace, Table, Turns, print_slowest};

/// All presets as parts of what moving their bytes takes: `-- all`, then names or parts of names.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    turns: Turns,
}

const PACE: Pace = Pace { unit: "elements", turns: 5, seconds: 0.002 };

/// Rows and columns: 64 Ki numbers, and as many but for a few in rows of a prime length.
const WHOLE: [usize; 2] = [64, 1024];
const RAGGED: [usize; 2] = [64, 1021];

const fn length_of(shape: [usize; 2]) -> usize {
    shape[0] * shape[1]
}

/// Prints a table of every preset and of 50 schemes put together at random, and the slowest ten.
pub(crate) fn run() {
    // The word that chose this table is no name of a row.
    let words = std::env::args().enumerate().filter(|(index, _)| *index != 1);
    let arguments = Arguments::parse_from(words.map(|(_, word)| word));
    let exec = Exec::SERIAL.with_isa(arguments.turns.isa());
    let ring = RefCell::new(Ring::new(WHOLE[0] * WHOLE[1], 0, false));
    let numbers = ring.borrow_mut().advance().1.x.get().to_vec();
    let halves: Vec<bf16> = numbers.iter().map(|x| bf16::from_f32(*x)).collect();
    // Scales that programs fit, for the schemes that take them from their caller: blocks of 32.
    let (scales, minima) =
        (vec![0.25f32; length_of(WHOLE) / 32], vec![-1.0f32; length_of(WHOLE) / 32]);
    let ring = &ring;
    let presets = preset::all().map(|Preset { name, spec, .. }| ((*name).to_string(), *spec));
    let specs: Vec<(String, BlockSpec)> = presets.chain(random::specs(50)).collect();
    let mut quantize = Table::new("quantize", PACE, &arguments.turns);
    let mut dequantize = Table::new("dequantize to f32", PACE, &arguments.turns);
    let length = numbers.len();
    let moves = |control| {
        move || {
            let mut ring = ring.borrow_mut();
            let Place { x, y, bytes } = ring.advance().1;
            move_bytes(control, black_box(x.get()), black_box(bytes), black_box(y.get_mut()));
        }
    };
    let to_byte = quantize.control("4 bytes to 1", length, moves(Control::FourToOne));
    let from_byte = dequantize.control("1 byte to 4", length, moves(Control::OneToFour));
    let from_half = dequantize.control("½ byte to 4", length, moves(Control::HalfToFour));
    for (name, spec) in &specs {
        let mut quantizer = Quantizer::new(spec).exec(exec);
        if matches!(spec.rule, ScaleRule::Given) {
            let offsets = if matches!(spec.offset, Offset::None) { &[][..] } else { &minima };
            quantizer = quantizer.scales(&scales, offsets);
        }
        let whole = quantizer.quantize(&numbers, &WHOLE).expect("numbers of this shape");
        let ragged = &numbers[..length_of(RAGGED)];
        for (suffix, x, shape) in [("", &numbers[..], WHOLE), (", ragged", ragged, RAGGED)] {
            let mut tensor = quantizer.quantize(x, &shape).expect("numbers of this shape");
            quantize.add(format!("{name}{suffix}"), [to_byte], x.len(), move || {
                quantizer.quantize_into(black_box(x), &mut tensor).expect("a tensor of its own");
            });
        }
        let (mut tensor, halves) = (whole.clone(), &halves);
        quantize.add(format!("{name}, bf16"), [to_byte], length, move || {
            quantizer.quantize_into(black_box(halves), &mut tensor).expect("a tensor of its own");
        });
        let control = if spec.element.bits() > 4 { from_byte } else { from_half };
        dequantize.add(name, [control], length, move || {
            let mut ring = ring.borrow_mut();
            let y = ring.advance().1.y.get_mut();
            whole.view().dequantize_into(black_box(y), exec).expect("as many numbers");
        });
    }
    for table in [quantize, dequantize] {
        let title = table.title();
        print_slowest(title, table.print());
    }
}
