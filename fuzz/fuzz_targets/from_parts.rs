//! Tensors of any parts: refused with an error, or a view whose calls agree with each other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use subhalf::{
    Accept, BlockSpec, Error, Exec, Parts, QuantTensor, QuantView, SharedMemory, TensorScale,
};
use subhalf_fuzz::{Choices, Share, assert_one_line, exec, scheme};

static SHARE: Share = Share::new();

/// Longer parts are not made: one input takes microseconds.
const LONGEST: usize = 1 << 14;

/// Parts of the lengths that the scheme asks for: those that the errors name.
#[derive(Default)]
struct Buffers {
    /// Codes, scales, offsets, sub-scales, codebooks.
    bytes: [Vec<u8>; 5],
    tensor_scale: f32,
    tensor_scales: Vec<f32>,
    origin: [usize; 2],
}

impl Buffers {
    fn parts(&self) -> Parts<'_> {
        let [codes, scales, offsets, sub_scales, codebooks] = &self.bytes;
        Parts::new(codes, scales)
            .with_offsets(offsets)
            .with_sub_scales(sub_scales)
            .with_codebooks(codebooks)
            .with_tensor_scale(self.tensor_scale)
            .with_tensor_scales(&self.tensor_scales)
            .with_origin(self.origin)
    }

    /// Makes a part as long as an error says; false if it is none that can be made so.
    fn mend(&mut self, choices: &mut Choices<'_>, error: &Error) -> bool {
        match error {
            Error::Length { what, expected, .. } if *expected <= LONGEST => {
                let names = [
                    "bytes of codes",
                    "bytes of scales",
                    "bytes of offsets",
                    "bytes of sub-scales",
                    "bytes of codebooks",
                ];
                if let Some(place) = names.iter().position(|name| name == what) {
                    self.bytes[place] = choices.noise(*expected);
                    true
                } else if *what == "tensor scales" {
                    self.tensor_scales = (0..*expected).map(|i| 0.5 + i as f32).collect();
                    self.tensor_scale = 1.0;
                    true
                } else {
                    false
                }
            }
            Error::Stored { what, index, .. } => {
                // A zero is a number of nearly every format, and has no bits above the width.
                let place = match *what {
                    "scale" => 1,
                    "zero point" | "minimum" => 2,
                    "sub-scale" => 3,
                    "codebook entry" => 4,
                    _ => {
                        self.bytes[0].fill(0);
                        self.tensor_scale = 1.0;
                        return *what != "tensor scale";
                    }
                };
                let _ = index;
                self.bytes[place].iter_mut().for_each(|byte| *byte &= 0x3F);
                true
            }
            _ => false,
        }
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// The numbers of a part of a tensor are those that the whole has there.
fn same_numbers(part: &QuantView<'_>, expected: &[u32], what: &str, exec: Exec) {
    let mut found = vec![0.5f32; part.len()];
    part.dequantize_into(&mut found, exec).expect("as many");
    assert_eq!(bits(&found), expected, "{what}: {:?} {:?}", part.shape(), part.spec());
    let single: Vec<f32> = (0..part.len()).map(|i| part.get(i).expect("an element")).collect();
    assert_eq!(bits(&single), expected, "{what}, one by one: {:?} {:?}", part.shape(), part.spec());
}

fn walk(choices: &mut Choices<'_>, view: &QuantView<'_>) {
    let (exec, spec) = (exec(choices), view.spec());
    let whole = bits(&view.dequantize());
    same_numbers(view, &whole, "whole", exec);
    let count = view.len();
    assert_eq!(count, view.shape().iter().product::<usize>());
    assert_eq!((view.code(count), view.get(count), view.scale(count)), (None, None, None));
    for i in 0..count {
        let code = view.code(i).expect("an element");
        assert!(u64::from(code) < spec.element.code_count(), "{code:#x} {spec:?}");
    }
    let blocks = view.blocks();
    for block in [0, blocks / 2, blocks, usize::MAX] {
        let (_, _) = (view.block_scale(block), view.offset_code(block));
        let each = view.scale_codes(block).count();
        assert_eq!(each, if block < blocks { spec.scales_per_block() } else { 0 });
    }
    let copy = view.to_owned();
    same_numbers(&copy.view(), &whole, "copy", exec);
    let again = QuantTensor::from_parts_with(spec, view.shape(), copy.parts(), Accept::Nonfinite);
    same_numbers(&again.expect("parts of a tensor").view(), &whole, "copy of a copy", exec);
    let cols = view.shape().last().copied().unwrap_or(1);
    if cols == 0 || count == 0 {
        return;
    }
    let lines = count / cols;
    let (top, left) = (choices.below(lines), choices.below(cols));
    let (bottom, right) =
        (top + choices.below(lines - top + 1), left + choices.below(cols - left + 1));
    let within = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| -> Vec<u32> {
        rows.flat_map(|row| whole[row * cols..][columns.clone()].to_vec()).collect()
    };
    let rows = view.rows(top..bottom);
    match &rows {
        Ok(part) => {
            same_numbers(part, &within(top..bottom, 0..cols), "rows", exec);
            same_numbers(&part.to_owned().view(), &within(top..bottom, 0..cols), "rows", exec);
        }
        Err(error) => assert_one_line(error),
    }
    match rows.and_then(|part| part.cols(left..right).map(|part| part.to_owned())) {
        Ok(part) => {
            same_numbers(&part.view(), &within(top..bottom, left..right), "a rectangle", exec);
        }
        Err(error) => assert_one_line(&error),
    }
    match view.cols(left..right) {
        Ok(part) => same_numbers(&part, &within(0..lines, left..right), "columns", exec),
        Err(error) => assert_one_line(&error),
    }
    if view.shape().len() == 2
        && let Ok(turned) = view.transposed()
    {
        let expected: Vec<u32> = (0..count).map(|i| whole[i % lines * cols + i / lines]).collect();
        same_numbers(&turned.view(), &expected, "transposed", exec);
    }
    for range in [lines..lines + 1, 0..usize::MAX] {
        assert_one_line(&view.rows(range).expect_err("rows that are not there"));
    }
    if let Ok(joined) = QuantTensor::concat_rows(&[*view, *view])
        && view.shape().len() == 2
    {
        same_numbers(&joined.view(), &[&*whole, &*whole].concat(), "twice", exec);
    }
}

fn shape(choices: &mut Choices<'_>) -> Vec<usize> {
    match choices.below(12) {
        0 => vec![choices.below(200)],
        1 => vec![1 + choices.below(3), choices.below(6), choices.below(40)],
        // Beyond all memory, or nearly.
        2 if choices.one_in(3) => {
            let huge = [usize::MAX, usize::MAX / 2, 1 << 32, 1 << 31, 3];
            (0..1 + choices.below(4)).map(|_| choices.one_of(&huge)).collect()
        }
        _ => vec![1 + choices.below(12), 1 + choices.below(70)],
    }
}

fn run(choices: &mut Choices<'_>) -> Result<(), Error> {
    let spec: BlockSpec = scheme(choices, false)?;
    let shape = shape(choices);
    let accept = if choices.one_in(2) { Accept::Nonfinite } else { Accept::Finite };
    let mut buffers = Buffers { tensor_scale: 1.0, ..Buffers::default() };
    if choices.one_in(3) {
        buffers.origin = [choices.below(4), choices.below(20)];
    }
    if spec.tensor_scale != TensorScale::None {
        buffers.tensor_scale = f32::from_bits(0x3000_0000 | choices.u64() as u32 & 0x1FFF_FFFF);
        if choices.one_in(4) {
            buffers.tensor_scales = vec![2.0];
            buffers.tensor_scale = 1.0;
        }
    }
    // Parts as they come, in one case of ten.
    let mends = if choices.one_in(10) { choices.below(4) } else { 12 };
    let mut result = QuantView::from_parts_with(&spec, &shape, buffers.parts(), accept).map(|_| ());
    for _ in 0..mends {
        match &result {
            Err(error) => {
                assert_one_line(error);
                if !buffers.mend(choices, error) {
                    break;
                }
            }
            Ok(()) => break,
        }
        result = QuantView::from_parts_with(&spec, &shape, buffers.parts(), accept).map(|_| ());
    }
    if choices.one_in(20) {
        // A part changed anywhere.
        let place = choices.below(5);
        choices.damage(&mut buffers.bytes[place]);
        result = QuantView::from_parts_with(&spec, &shape, buffers.parts(), accept).map(|_| ());
    }
    result?;
    let view = QuantView::from_parts_with(&spec, &shape, buffers.parts(), accept)?;
    walk(choices, &view);
    if choices.one_in(8) {
        let memory: SharedMemory = Arc::new(buffers.bytes[0].clone());
        let codes = (*memory).as_ref();
        let parts = buffers.parts().with_codes(codes);
        let shared = QuantTensor::from_shared_with(&memory, &spec, &shape, parts, accept)?;
        same_numbers(&shared.view(), &bits(&view.dequantize()), "shared", Exec::SERIAL);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result.is_ok());
});
