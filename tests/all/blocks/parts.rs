//! Tensors with every part that a tensor can have: built, cut, joined, turned, shared and read back.
//! Numbers are held against the formula of each part, written here anew; cut and joined tensors
//! against the whole.

use super::inputs::Random;
use std::ops::Range;
use std::sync::Arc;
use subhalf::{
    Accept, Accumulator, BlockSpec, Codebooks, Encoding, Error, Exec, Extent, FormatSpec, IntSpec,
    Isa, Matmul, Offset, Operand, PackedMatrix, Parts, QuantTensor, QuantView, Quantizer, Ratio,
    ScaleRule, ScaleSigns, SharedMemory, SubScale, TensorScale, matmul, reference_matmul,
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Integers from 0 on.
fn unsigned(bits: u8) -> FormatSpec {
    let layout = IntSpec { signed: false, bits, fraction_bits: 0, symmetric: false };
    FormatSpec::new("unsigned", Encoding::Int(layout)).unwrap()
}

/// A scheme of this element format and these blocks, with finite scales of 8 bits.
pub(super) fn spec(element: FormatSpec, extent: Extent) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::UE4M3), extent, ScaleRule::Floor)
}

fn random_bytes(random: &mut Random, len: usize, below: u64) -> Vec<u8> {
    (0..len).map(|_| (random.word() % below) as u8).collect()
}

/// Codes of a format for a tensor of rows and columns, packed row by row.
fn random_codes(random: &mut Random, format: &FormatSpec, rows: usize, cols: usize) -> Vec<u8> {
    let width = format.bits() as usize;
    let row_bytes = (cols * width).div_ceil(8);
    let mut bytes = vec![0; rows * row_bytes];
    for row in bytes.chunks_mut(row_bytes.max(1)) {
        for bit in 0..cols * width {
            row[bit / 8] |= ((random.word() & 1) << (bit % 8)) as u8;
        }
    }
    bytes
}

/// The code at a place, read bit by bit.
fn code_of(bytes: &[u8], bits: usize, cols: usize, [line, col]: [usize; 2]) -> u32 {
    let row = &bytes[line * (cols * bits).div_ceil(8)..];
    (0..bits).fold(0, |code, i| {
        let bit = col * bits + i;
        code | u32::from(row[bit / 8] >> (bit % 8) & 1) << i
    })
}

/// The schemes whose tensors are cut and joined: every kind of block, elements of 4, 5, 6, 8 and 16
/// bits, with and without offsets and tensor scales.
fn schemes() -> Vec<BlockSpec> {
    let tile = |rows, cols| Extent::Block { rows, cols };
    let five = FormatSpec::p3109(5, 3, subhalf::Signedness::Signed, subhalf::Domain::Finite);
    let range = |bits: i32| ScaleRule::Range { steps: ((1 << bits) - 1) as f32, with_zero: true };
    vec![
        spec(FormatSpec::F4E2M1, tile(1, 4)),
        spec(FormatSpec::F4E2M1, tile(3, 5)),
        spec(FormatSpec::F6E2M3, tile(2, 3)),
        spec(five.unwrap(), tile(4, 4)),
        spec(FormatSpec::F8E4M3, tile(2, 8)),
        spec(FormatSpec::BF16, tile(2, 2)),
        spec(FormatSpec::F8E4M3, Extent::Row),
        spec(FormatSpec::F4E2M1, Extent::Column),
        spec(FormatSpec::F6E3M2, Extent::Tensor),
        BlockSpec::new(FormatSpec::INT4, Some(FormatSpec::F16), tile(2, 4), range(4))
            .with_division(subhalf::Division::Divide)
            .with_offset(Offset::ZeroPoint),
        BlockSpec::new(
            FormatSpec::F4E2M1,
            Some(FormatSpec::UE4M3),
            tile(1, 4),
            ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide },
        )
        .with_tensor_scale(TensorScale::Multiplier { target: 2688.0 }),
    ]
}

/// Cuts of a range at random places, some of them empty.
fn cuts(random: &mut Random, end: usize) -> Vec<Range<usize>> {
    let mut places = vec![0, end];
    (0..random.word() % 4).for_each(|_| places.push((random.word() as usize) % (end + 1)));
    places.sort_unstable();
    places.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

fn numbers(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len).map(|_| ((random.word() % 2001) as f32 - 1000.0) / 64.0).collect()
}

/// Same codes, scales, offsets and tensor scale, whatever the blocks are.
fn same_numbers(view: &QuantView<'_>, whole: &[f32], cols: usize, at: [usize; 2]) {
    let own = view.shape().last().copied().unwrap_or(1);
    let expected: Vec<f32> =
        (0..view.len()).map(|i| whole[(at[0] + i / own) * cols + at[1] + i % own]).collect();
    assert_eq!(bits(&view.dequantize()), bits(&expected), "{view:?} at {at:?}");
    let single: Vec<f32> = (0..view.len()).map(|i| view.get(i).unwrap()).collect();
    assert_eq!(bits(&single), bits(&expected), "{view:?} at {at:?}");
    // A copy, and the copy's own parts, are that tensor too.
    let copy = view.to_owned();
    assert_eq!(bits(&copy.dequantize()), bits(&expected), "{view:?} at {at:?}");
    let parts = copy.parts();
    let again =
        QuantTensor::from_parts_with(copy.spec(), copy.shape(), parts, Accept::Nonfinite).unwrap();
    assert_eq!(again, copy);
    let mut halves = vec![0.0f64; view.len()];
    view.dequantize_into(&mut halves, Exec::SERIAL.with_isa(Isa::portable())).unwrap();
    assert!(halves.iter().zip(&expected).all(|(a, b)| a.to_bits() == f64::from(*b).to_bits()));
}

#[test]
fn cut_and_joined_tensors_are_the_whole() {
    let mut random = Random::new(7);
    let mut inside = 0;
    for (scheme, round) in schemes().iter().flat_map(|scheme| (0..12).map(move |i| (scheme, i))) {
        let stack = if round % 3 == 0 { 2 } else { 1 };
        let (rows, cols) = (1 + random.word() as usize % 13, 1 + random.word() as usize % 40);
        let shape = if stack == 1 { vec![rows, cols] } else { vec![stack, rows, cols] };
        let x = numbers(&mut random, stack * rows * cols);
        let whole = QuantTensor::quantize(scheme, &x, &shape).unwrap();
        let restored = whole.dequantize();

        let cut: Vec<_> = cuts(&mut random, cols)
            .into_iter()
            .map(|range| (range.start, whole.view().cols(range).unwrap()))
            .collect();
        for (left, view) in &cut {
            same_numbers(view, &restored, cols, [0, *left]);
            inside += usize::from(view.origin()[1] != 0);
        }
        let views: Vec<_> = cut.iter().map(|(_, view)| *view).collect();
        assert_eq!(QuantTensor::concat_cols(&views).unwrap(), whole, "{scheme:?} {shape:?}");
        let owned: Vec<_> = views.iter().map(QuantView::to_owned).collect();
        let views: Vec<_> = owned.iter().map(QuantTensor::view).collect();
        assert_eq!(QuantTensor::concat_cols(&views).unwrap(), whole, "{scheme:?} {shape:?}");

        if stack == 1 {
            let cut: Vec<_> = cuts(&mut random, rows)
                .into_iter()
                .map(|range| (range.start, whole.view().rows(range).unwrap()))
                .collect();
            for (above, view) in &cut {
                same_numbers(view, &restored, cols, [*above, 0]);
                inside += usize::from(view.origin()[0] != 0);
                // Columns of rows of columns.
                let range = cuts(&mut random, cols).pop().unwrap();
                let inner = view.cols(range.clone()).unwrap();
                same_numbers(&inner, &restored, cols, [*above, range.start]);
            }
            let views: Vec<_> = cut.iter().map(|(_, view)| *view).collect();
            assert_eq!(QuantTensor::concat_rows(&views).unwrap(), whole, "{scheme:?} {shape:?}");
        } else {
            let matrices: Vec<_> = (0..stack).map(|i| whole.view().matrix(i).unwrap()).collect();
            for (i, view) in matrices.iter().enumerate() {
                same_numbers(view, &restored, cols, [i * rows, 0]);
            }
        }

        // Turned twice it is itself; turned once, columns are rows.
        let turned = whole.view().transposed().unwrap();
        assert_eq!(turned.view().transposed().unwrap(), whole, "{scheme:?} {shape:?}");
        for (i, x) in restored.iter().enumerate() {
            let (matrix, row, col) = (i / (rows * cols), i / cols % rows, i % cols);
            let there = turned.view().get((matrix * cols + col) * rows + row).unwrap();
            assert_eq!(x.to_bits(), there.to_bits(), "{scheme:?} {shape:?}");
        }
    }
    assert!(inside > 100, "only {inside} views began inside a block");
}

#[test]
fn flat_blocks_are_cut_and_joined_at_their_ends() {
    let x: Vec<f32> = (0..48).map(|i| i as f32 - 20.0).collect();
    let scheme = spec(FormatSpec::F4E2M1, Extent::Flat(8));
    let whole = QuantTensor::quantize(&scheme, &x, &[4, 12]).unwrap();
    // 12 columns: two rows are three blocks.
    let [above, below] = [0..2, 2..4].map(|range| whole.view().rows(range).unwrap());
    same_numbers(&below, &whole.dequantize(), 12, [2, 0]);
    assert_eq!(QuantTensor::concat_rows(&[above, below]).unwrap(), whole);
    let refused = whole.view().rows(1..2).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "rows 1..2: expected a range within 0..4, starting and ending at a multiple of 2"
    );
    let refused = whole.view().cols(0..8).unwrap_err();
    assert!(refused.to_string().contains("blocks that do not reach over rows"), "{refused}");
    assert!(whole.view().transposed().is_err());
    assert!(QuantTensor::concat_cols(&[above, below]).is_err());
    // Sub-scales: a group of three blocks is two rows of 12.
    let grouped = scheme.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 3)));
    let parts = whole.parts().with_sub_scales(&[0x00, 0x3C, 0x00, 0x44]);
    let grouped = QuantTensor::from_parts(&grouped, &[4, 12], parts).unwrap();
    let expected: Vec<f32> = whole
        .dequantize()
        .iter()
        .enumerate()
        .map(|(i, x)| if i < 24 { *x } else { 4.0 * x })
        .collect();
    same_numbers(&grouped.view(), &expected, 12, [0, 0]);
    let [above, below] = [0..2, 2..4].map(|range| grouped.view().rows(range).unwrap());
    same_numbers(&below, &expected, 12, [2, 0]);
    assert_eq!(QuantTensor::concat_rows(&[above, below]).unwrap(), grouped);
    let six = scheme.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 6)));
    let parts = whole.parts().with_sub_scales(&[0x00, 0x3C]);
    let six = QuantTensor::from_parts(&six, &[4, 12], parts).unwrap();
    assert!(six.view().rows(2..4).is_err() && six.view().rows(0..4).is_ok());
    // A tensor that begins inside a block has a shorter first one.
    let parts = Parts::new(&[0x22, 0x22], &[0x38, 0x40]).with_origin([0, 7]);
    let late = QuantTensor::from_parts(&scheme, &[1, 4], parts).unwrap();
    assert_eq!(late.dequantize(), [1.0, 2.0, 2.0, 2.0]);
}

#[test]
fn pieces_that_do_not_fit_are_refused() {
    let scheme = spec(FormatSpec::F8E4M3, Extent::Block { rows: 2, cols: 4 });
    let x: Vec<f32> = (0..48).map(|i| i as f32).collect();
    let whole = QuantTensor::quantize(&scheme, &x, &[6, 8]).unwrap();
    let view = whole.view();
    let text = |result: Result<QuantTensor, Error>| result.unwrap_err().to_string();
    // A block in two pieces, whose other half is of another tensor.
    let double: Vec<f32> = x.iter().map(|x| 2.0 * x).collect();
    let other = QuantTensor::quantize(&scheme, &double, &[6, 8]).unwrap();
    let halves = [view.rows(0..3).unwrap(), other.view().rows(3..6).unwrap()];
    assert!(
        text(QuantTensor::concat_rows(&halves)).starts_with("scale 2: expected what the piece")
    );
    // A piece in the middle of a block that does not go on.
    let gap = [view.rows(0..1).unwrap(), view.rows(2..4).unwrap()];
    assert!(text(QuantTensor::concat_rows(&gap)).contains("begin where a block ends"));
    let columns = [view.cols(0..3).unwrap(), view.cols(4..8).unwrap()];
    assert!(text(QuantTensor::concat_cols(&columns)).contains("begin where a block ends"));
    let lengths = [view.rows(0..2).unwrap(), view.cols(0..4).unwrap()];
    assert_eq!(text(QuantTensor::concat_rows(&lengths)), "columns of a piece: expected 8, found 4");
    assert_eq!(text(QuantTensor::concat_cols(&lengths)), "rows of a piece: expected 2, found 6");
    assert_eq!(text(QuantTensor::concat_rows(&[])), "tensors to join: expected 1, found 0");
    let row = spec(FormatSpec::F8E4M3, Extent::Row);
    let row = QuantTensor::quantize(&row, &x, &[6, 8]).unwrap();
    assert!(text(QuantTensor::concat_rows(&[view, row.view()])).contains("one scheme for all"));
    for (range, expected) in
        [(3..9, "columns 3..9: expected a range within 0..8"), (Range { start: 5, end: 4 }, "5..4")]
    {
        let refused = view.cols(range).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    assert!(view.rows(2..7).is_err() && view.matrix(1).is_err());
    assert!(view.matrix(usize::MAX).is_err());
}

#[test]
fn scales_for_each_sign() {
    let mut random = Random::new(3);
    let scheme = spec(FormatSpec::F4E2M1, Extent::Block { rows: 2, cols: 3 })
        .with_scale_signs(ScaleSigns::PerSign);
    assert_eq!(scheme.bits_per_element(), 4.0 + 16.0 / 6.0);
    let (rows, cols) = (5, 10);
    let codes = random_codes(&mut random, &scheme.element, rows, cols);
    let scales = random_bytes(&mut random, 2 * 3 * 4, 0x7F);
    let tensor =
        QuantTensor::from_parts(&scheme, &[rows, cols], Parts::new(&codes, &scales)).unwrap();
    let expected: Vec<f32> = (0..rows * cols)
        .map(|i| {
            let (line, col) = (i / cols, i % cols);
            let code = code_of(&codes, 4, cols, [line, col]);
            let block = line / 2 * 4 + col / 3;
            let scale = scales[2 * block + (code >> 3) as usize];
            FormatSpec::F4E2M1.decode_f32(code) * FormatSpec::UE4M3.decode_f32(scale.into())
        })
        .collect();
    same_numbers(&tensor.view(), &expected, cols, [0, 0]);
    for range in cuts(&mut random, cols) {
        let view = tensor.view().cols(range.clone()).unwrap();
        same_numbers(&view, &expected, cols, [0, range.start]);
    }
    let pieces = [0..1, 1..4, 4..5].map(|range| tensor.view().rows(range).unwrap());
    assert_eq!(QuantTensor::concat_rows(&pieces).unwrap(), tensor);
    assert_eq!(tensor.view().transposed().unwrap().view().transposed().unwrap(), tensor);
    assert!(tensor.view().scale_codes(3).eq([scales[6], scales[7]].map(u32::from)));
    // In a product it is the numbers that it stands for.
    let x = numbers(&mut random, 3 * cols);
    let x = Operand::numbers(&x, &[3, cols]).unwrap();
    let plain = Operand::numbers(&expected, &[rows, cols]).unwrap();
    assert_eq!(bits(&matmul(x, &tensor).unwrap()), bits(&matmul(x, plain).unwrap()));
    let counts = tensor.stats(&expected).unwrap();
    assert_eq!(counts.scales().iter().sum::<u64>(), 24);
    assert_eq!(counts.errors().noise(), 0.0);
}

#[test]
fn sub_scales() {
    let mut random = Random::new(4);
    // Groups of three blocks of 4: the last group of a row of 5 blocks has two.
    let scheme = spec(FormatSpec::INT4, Extent::Block { rows: 1, cols: 4 })
        .with_scale(unsigned(6))
        .with_nonfinite(subhalf::Nonfinite::Ignore)
        .with_sub_scale(Some(SubScale::new(FormatSpec::F16, 3)));
    let (rows, cols) = (3, 18);
    let codes = random_codes(&mut random, &scheme.element, rows, cols);
    let scales = random_bytes(&mut random, 15, 64);
    let sub_scales: Vec<u16> = (0..6).map(|i| 0x3000 + 0x111 * i).collect();
    let sub_bytes: Vec<u8> = sub_scales.iter().flat_map(|code| code.to_le_bytes()).collect();
    let parts = Parts::new(&codes, &scales).with_sub_scales(&sub_bytes);
    let tensor = QuantTensor::from_parts(&scheme, &[rows, cols], parts).unwrap();
    let expected: Vec<f32> = (0..rows * cols)
        .map(|i| {
            let (line, col) = (i / cols, i % cols);
            let q = FormatSpec::INT4.decode_f32(code_of(&codes, 4, cols, [line, col]));
            let scale = f32::from(scales[line * 5 + col / 4]);
            let sub_scale = FormatSpec::F16.decode_f32(sub_scales[line * 2 + col / 12].into());
            q * (scale * sub_scale)
        })
        .collect();
    same_numbers(&tensor.view(), &expected, cols, [0, 0]);
    // Block 7 is the third of the second row, and in that row's first group: 0x3222, 0.1916.
    let sub_scale = 0x222 as f32 / 8192.0 + 0.125;
    assert_eq!(tensor.view().block_scale(7), f32::from(scales[7]) * sub_scale);
    // Groups cannot be cut; their ends can.
    let right = tensor.view().cols(12..18).unwrap();
    same_numbers(&right, &expected, cols, [0, 12]);
    let refused = tensor.view().cols(4..18).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "columns 4..18: expected a range within 0..18, starting at a multiple of 12"
    );
    let left = tensor.view().cols(0..12).unwrap();
    assert_eq!(QuantTensor::concat_cols(&[left, right]).unwrap(), tensor);
    let pieces = [0..2, 2..3].map(|range| tensor.view().rows(range).unwrap());
    same_numbers(&pieces[1], &expected, cols, [2, 0]);
    assert_eq!(QuantTensor::concat_rows(&pieces).unwrap(), tensor);
    assert!(tensor.view().transposed().is_err());
}

#[test]
fn codebooks_of_tensors_and_rows() {
    let mut random = Random::new(5);
    let (rows, cols) = (4, 11);
    for (by_row, books) in [(false, 1), (true, rows)] {
        let format = FormatSpec::BF16;
        let kind = if by_row { Codebooks::Row(format) } else { Codebooks::Tensor(format) };
        let scheme = spec(unsigned(3), Extent::Block { rows: 1, cols: 4 }).with_codebooks(kind);
        let codes = random_codes(&mut random, &scheme.element, rows, cols);
        let scales = random_bytes(&mut random, rows * 3, 0x7F);
        let entries: Vec<u16> =
            (0..8 * books).map(|_| 0x3E00 + (random.word() % 0x200) as u16).collect();
        let bytes: Vec<u8> = entries.iter().flat_map(|code| code.to_le_bytes()).collect();
        let parts = Parts::new(&codes, &scales).with_codebooks(&bytes);
        let tensor = QuantTensor::from_parts(&scheme, &[rows, cols], parts).unwrap();
        let expected: Vec<f32> = (0..rows * cols)
            .map(|i| {
                let (line, col) = (i / cols, i % cols);
                let code = code_of(&codes, 3, cols, [line, col]) as usize;
                let book = if by_row { line } else { 0 };
                let entry = f32::from_bits(u32::from(entries[8 * book + code]) << 16);
                entry * FormatSpec::UE4M3.decode_f32(scales[line * 3 + col / 4].into())
            })
            .collect();
        same_numbers(&tensor.view(), &expected, cols, [0, 0]);
        let pieces = [0..1, 1..3, 3..4].map(|range| tensor.view().rows(range).unwrap());
        same_numbers(&pieces[1], &expected, cols, [1, 0]);
        assert_eq!(QuantTensor::concat_rows(&pieces).unwrap(), tensor);
        let pieces = [0..5, 5..6, 6..11].map(|range| tensor.view().cols(range).unwrap());
        same_numbers(&pieces[2], &expected, cols, [0, 6]);
        assert_eq!(QuantTensor::concat_cols(&pieces).unwrap(), tensor);
        assert_eq!(tensor.view().transposed().is_err(), by_row);
        let x = numbers(&mut random, cols);
        let x = Operand::numbers(&x, &[1, cols]).unwrap();
        let plain = Operand::numbers(&expected, &[rows, cols]).unwrap();
        assert_eq!(bits(&matmul(x, &tensor).unwrap()), bits(&matmul(x, plain).unwrap()));
        let refused = Quantizer::new(&scheme).quantize(&expected, &[rows, cols]).unwrap_err();
        assert!(refused.to_string().starts_with("quantization: expected a scheme without"));
    }
}

#[test]
fn stacks_have_a_tensor_scale_for_each_matrix() {
    let scheme = subhalf::preset::transformer_engine::NVFP4;
    let mut random = Random::new(6);
    let (rows, cols) = (20, 48);
    let experts: Vec<QuantTensor> = (0..3)
        .map(|i| {
            let mut x = numbers(&mut random, rows * cols);
            x.iter_mut().for_each(|x| *x *= [1.0, 0.013, 700.0][i]);
            QuantTensor::quantize(&scheme, &x, &[rows, cols]).unwrap()
        })
        .collect();
    let views: Vec<_> = experts.iter().map(QuantTensor::view).collect();
    let stack = QuantTensor::stack(&views).unwrap();
    assert_eq!((stack.shape(), stack.tensor_scale()), (&[3, rows, cols][..], 1.0));
    let expected: Vec<f32> = experts.iter().flat_map(QuantTensor::dequantize).collect();
    same_numbers(&stack.view(), &expected, cols, [0, 0]);
    for (i, expert) in experts.iter().enumerate() {
        assert_eq!(&stack.view().matrix(i).unwrap().to_owned(), expert);
        assert_eq!(stack.view().tensor_scale(i).to_bits(), expert.tensor_scale().to_bits());
    }
    // Rows of two experts have no one tensor scale.
    assert!(stack.view().rows(10..30).is_err());
    let columns = [0..16, 16..48].map(|range| stack.view().cols(range).unwrap());
    assert_eq!(QuantTensor::concat_cols(&columns).unwrap(), stack);
    assert!(QuantTensor::concat_rows(&[views[0], views[1]]).is_err());
    // Pieces of stacks with other scales are no pieces of one.
    let other = QuantTensor::stack(&[views[0], views[2], views[1]]).unwrap();
    let refused = QuantTensor::concat_cols(&[stack.view(), other.view()]).unwrap_err();
    assert!(refused.to_string().starts_with("tensor scale of piece 1: expected that of the first"));
    let alike = QuantTensor::stack(&[views[1], views[1]]).unwrap();
    let single = QuantTensor::concat_cols(&[alike.view(), stack.view()]);
    assert!(single.is_err());
    let joined = QuantTensor::concat_rows(&[views[1], alike.view().matrix(1).unwrap()]).unwrap();
    assert_eq!(joined.tensor_scale().to_bits(), experts[1].tensor_scale().to_bits());
    assert_eq!(bits(&joined.dequantize()), bits(&alike.dequantize()));
    // Each product is that expert's, under every accumulator and by the definition.
    let x = numbers(&mut random, 3 * 5 * cols);
    let batch = Operand::numbers(&x, &[3, 5, cols]).unwrap();
    let one = Operand::numbers(&x[..5 * cols], &[5, cols]).unwrap();
    let addend = numbers(&mut random, 3 * 5 * rows);
    for accumulator in [Accumulator::BlockF32, Accumulator::F32, Accumulator::Exact] {
        for a in [batch, one] {
            let with = |addend| Matmul::new().accumulator(accumulator).addend(addend);
            let got = with(&addend[..]).multiply(a, &stack).unwrap();
            let mut slow = vec![0.0f32; got.len()];
            reference_matmul(&with(&addend[..]), a, &stack, &mut slow).unwrap();
            assert_eq!(bits(&got), bits(&slow));
            for (i, expert) in experts.iter().enumerate() {
                let first = if a.batch() == 1 { 0 } else { i * 5 * cols };
                let a = Operand::numbers(&x[first..][..5 * cols], &[5, cols]).unwrap();
                let part = i * 5 * rows..(i + 1) * 5 * rows;
                let alone = with(&addend[part.clone()]).multiply(a, expert).unwrap();
                assert_eq!(bits(&got[part]), bits(&alone), "{accumulator:?} {i}");
            }
        }
    }
    assert!(PackedMatrix::new(&stack).is_err());
}

#[test]
fn shards_and_transposed_operands_give_the_products_of_the_whole() {
    let mut random = Random::new(8);
    for scheme in schemes() {
        let (rows, cols) = (37, 24);
        let x = numbers(&mut random, rows * cols);
        let whole = QuantTensor::quantize(&scheme, &x, &[rows, cols]).unwrap();
        let a = numbers(&mut random, 3 * cols);
        let a = Operand::numbers(&a, &[3, cols]).unwrap();
        for accumulator in [Accumulator::BlockF32, Accumulator::F32] {
            let job = Matmul::new().accumulator(accumulator);
            let product = job.multiply(a, &whole).unwrap();
            // Rows of the weight are columns of the product.
            for range in cuts(&mut random, rows) {
                let view = whole.view().rows(range.clone()).unwrap();
                let part = job.multiply(a, view).unwrap();
                for (i, x) in part.iter().enumerate() {
                    let at = i / range.len() * rows + range.start + i % range.len();
                    assert_eq!(x.to_bits(), product[at].to_bits(), "{scheme:?} {range:?}");
                }
                if !range.is_empty() {
                    let packed = PackedMatrix::new(view).unwrap();
                    assert_eq!(bits(&job.multiply(a, &packed).unwrap()), bits(&part));
                }
            }
            // The weight as it is stored by others, [inputs, outputs].
            let turned = whole.view().transposed().unwrap();
            let operand = Operand::from(&turned).transposed();
            assert_eq!((operand.rows(), operand.cols()), (rows, cols));
            assert_eq!(bits(&job.multiply(a, operand).unwrap()), bits(&product), "{scheme:?}");
            let packed = PackedMatrix::new(operand).unwrap();
            assert_eq!(bits(&job.multiply(a, &packed).unwrap()), bits(&product), "{scheme:?}");
            let mut slow = vec![0.0f32; product.len()];
            reference_matmul(&job, a, operand, &mut slow).unwrap();
            assert_eq!(bits(&slow), bits(&product), "{scheme:?}");
        }
        // Columns of the weight are a part of K: the product of the numbers they stand for.
        let job = Matmul::new().accumulator(Accumulator::F32);
        for range in cuts(&mut random, cols) {
            let view = whole.view().cols(range.clone()).unwrap();
            let a = numbers(&mut random, 2 * range.len());
            let a = Operand::numbers(&a, &[2, range.len()]).unwrap();
            let restored = view.dequantize();
            let plain = Operand::numbers(&restored, &[rows, range.len()]).unwrap();
            let expected = job.multiply(a, plain).unwrap();
            assert_eq!(
                bits(&job.multiply(a, view).unwrap()),
                bits(&expected),
                "{range:?} {view:?}"
            );
            let owned = view.to_owned();
            for by_blocks in [Matmul::new().multiply(a, view), Matmul::new().multiply(a, &owned)] {
                let inside = view.origin()[1] != 0;
                assert_eq!(by_blocks.is_err(), inside, "{scheme:?} {range:?} {by_blocks:?}");
            }
        }
    }
}

#[test]
fn numbers_codes_and_quantized_operands_are_transposed_too() {
    let mut random = Random::new(9);
    let (n, k) = (7, 10);
    let a = numbers(&mut random, 2 * 3 * k);
    let a = Operand::numbers(&a, &[2, 3, k]).unwrap();
    let stored = numbers(&mut random, 2 * k * n);
    let turned: Vec<f32> =
        (0..2 * n * k).map(|i| stored[i / (n * k) * n * k + i % k * n + i / k % n]).collect();
    let given = Operand::numbers(&stored, &[2, k, n]).unwrap().transposed();
    let expected = matmul(a, Operand::numbers(&turned, &[2, n, k]).unwrap()).unwrap();
    assert_eq!(bits(&matmul(a, given).unwrap()), bits(&expected));
    assert_eq!(bits(&matmul(a, given.transposed().transposed()).unwrap()), bits(&expected));
    let codes: Vec<u16> = stored.iter().map(|x| FormatSpec::BF16.encode_f32(*x) as u16).collect();
    let turned_codes: Vec<u16> =
        turned.iter().map(|x| FormatSpec::BF16.encode_f32(*x) as u16).collect();
    let given = Operand::codes(&FormatSpec::BF16, &codes, &[2, k, n]).unwrap().transposed();
    let expected = Operand::codes(&FormatSpec::BF16, &turned_codes, &[2, n, k]).unwrap();
    assert_eq!(bits(&matmul(a, given).unwrap()), bits(&matmul(a, expected).unwrap()));
    // Quantized as it is stored, then turned.
    let quantizer = Quantizer::new(&subhalf::preset::ocp::MXFP8_E4M3);
    let given = Operand::quantized(&quantizer, &stored, &[2, k, n]).unwrap().transposed();
    let tensor = quantizer.quantize(&stored, &[2, k, n]).unwrap().view().transposed().unwrap();
    assert_eq!(bits(&matmul(a, given).unwrap()), bits(&matmul(a, &tensor).unwrap()));
    let packed = PackedMatrix::new(&tensor).unwrap();
    assert!(matmul(a, Operand::from(&packed).transposed()).is_err());
}

#[test]
fn shared_memory_is_kept_alive_and_not_written_to() {
    let scheme = subhalf::preset::ocp::MXFP8_E4M3;
    let bytes: Vec<u8> = (0..3 * 32 + 3).map(|i| i as u8 & 0x3F).collect();
    let memory: SharedMemory = Arc::new(bytes.clone());
    let whole = (*memory).as_ref();
    let mut tensor = {
        let parts = Parts::new(&whole[..96], &whole[96..]);
        QuantTensor::from_shared(&memory, &scheme, &[3, 32], parts).unwrap()
    };
    assert_eq!(tensor.codes().as_ptr(), whole.as_ptr());
    assert_eq!(Arc::strong_count(&memory), 3);
    let before = tensor.dequantize();
    let copy = QuantTensor::from_parts(&scheme, &[3, 32], tensor.parts()).unwrap();
    assert_eq!(copy, tensor);
    // Bytes from elsewhere are copied.
    let scales = [127u8; 3];
    let mixed = Parts::new(&whole[..96], &scales);
    let mixed = QuantTensor::from_shared(&memory, &scheme, &[3, 32], mixed).unwrap();
    assert_ne!(mixed.scales().as_ptr(), scales.as_ptr());
    let weak = Arc::downgrade(&memory);
    drop(memory);
    assert_eq!(bits(&tensor.dequantize()), bits(&before));
    Quantizer::new(&scheme).quantize_into(&[1.0f32; 96], &mut tensor).unwrap();
    assert_eq!(mixed.codes(), &bytes[..96]);
    assert_eq!(tensor.dequantize(), [1.0; 96]);
    drop((tensor, mixed));
    assert!(weak.upgrade().is_none());
}
