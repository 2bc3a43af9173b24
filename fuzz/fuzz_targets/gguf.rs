//! Opens GGUF files, loads every tensor, cuts it, and writes what was read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use subhalf::io::{Gguf, GgufContents, GgufType, GgufWeight};
use subhalf::layout::{from_ggml, to_ggml};
use subhalf::{Accept, QuantTensor};
use subhalf_fuzz::{Choices, Share};

static SHARE: Share = Share::new();

/// Types by ggml's numbers, and the elements and bytes of their blocks.
const KINDS: [(u32, u64, usize); 35] = [
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (9, 32, 36),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
    (15, 256, 292),
    (16, 256, 66),
    (17, 256, 74),
    (18, 256, 98),
    (19, 256, 50),
    (20, 32, 18),
    (21, 256, 110),
    (22, 256, 82),
    (23, 256, 136),
    (24, 1, 1),
    (25, 1, 2),
    (26, 1, 4),
    (27, 1, 8),
    (28, 1, 8),
    (29, 256, 56),
    (30, 1, 2),
    (34, 256, 54),
    (35, 256, 66),
    (39, 32, 17),
    (40, 64, 36),
    (41, 128, 18),
    (42, 64, 18),
];

/// Files beyond this are cut: one input takes microseconds.
const LONGEST: usize = 1 << 16;

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A value of the metadata with its type; arrays nest twice at most.
fn value(choices: &mut Choices<'_>, out: &mut Vec<u8>, depth: u32) {
    let kind = choices.below(13) as u32;
    out.extend(kind.to_le_bytes());
    element(choices, out, kind, depth);
}

fn element(choices: &mut Choices<'_>, out: &mut Vec<u8>, kind: u32, depth: u32) {
    match kind {
        7 => out.push(choices.byte() & 1),
        0 | 1 => out.push(choices.byte()),
        2 | 3 => out.extend(&choices.u64().to_le_bytes()[..2]),
        4..=6 => out.extend(&choices.u64().to_le_bytes()[..4]),
        8 => string(out, choices.one_of(&["", "llama", "\u{120}token", "a\nb"])),
        9 => {
            let of = if depth == 0 { choices.below(8) as u32 } else { choices.below(13) as u32 };
            let count = choices.below(5);
            out.extend(of.to_le_bytes());
            out.extend((count as u64).to_le_bytes());
            for _ in 0..count {
                element(choices, out, of, depth.saturating_sub(1));
            }
        }
        _ => out.extend(choices.u64().to_le_bytes()),
    }
}

/// A good file.
fn build(choices: &mut Choices<'_>) -> Vec<u8> {
    let (tensors, values) = (choices.below(6), choices.below(5));
    let mut out = b"GGUF".to_vec();
    out.extend(choices.one_of(&[3u32, 3, 2]).to_le_bytes());
    out.extend((tensors as u64).to_le_bytes());
    let alignment = choices.one_of(&[32u32, 32, 8, 64, 1]);
    out.extend((values as u64 + u64::from(alignment != 32)).to_le_bytes());
    for index in 0..values {
        let key = choices.one_of(&["general.name", "split.no", "split.count", "k", "tokenizer"]);
        string(
            &mut out,
            &format!("{key}{}", if index == 0 { String::new() } else { index.to_string() }),
        );
        value(choices, &mut out, 2);
    }
    if alignment != 32 {
        string(&mut out, "general.alignment");
        out.extend(4u32.to_le_bytes());
        out.extend(alignment.to_le_bytes());
    }
    let mut data = Vec::new();
    for index in 0..tensors {
        // NVFP4 weights have scales beside them.
        let name =
            choices.one_of(&["w.weight", "w.scale", "w.input_scale", "blk.0.attn_q.weight", "v"]);
        let same = out.windows(name.len()).any(|part| part == name.as_bytes());
        string(&mut out, &if same { format!("{name}.{index}") } else { name.to_owned() });
        let (kind, len, bytes) = choices.one_of(&KINDS);
        let blocks = choices.below(4);
        let mut axes = vec![blocks as u64 * len];
        axes.extend((0..choices.below(3)).map(|_| choices.below(4) as u64));
        // An odd tensor of no axes is one number.
        let scalar = len == 1 && choices.below(5) == 0;
        axes.truncate(if scalar { 0 } else { 4 });
        out.extend((axes.len() as u32).to_le_bytes());
        axes.iter().for_each(|axis| out.extend(axis.to_le_bytes()));
        out.extend(kind.to_le_bytes());
        out.extend((data.len() as u64).to_le_bytes());
        let elements: u64 = axes.iter().product();
        let mut block = choices.noise((elements / len) as usize * bytes);
        if choices.below(2) == 0 {
            // F16 factors are rarely finite by chance: exponents of all ones lose a bit.
            block.iter_mut().filter(|byte| **byte & 0x7C == 0x7C).for_each(|byte| *byte ^= 0x40);
        }
        data.extend(block);
        data.resize(data.len().next_multiple_of(alignment as usize), 0);
    }
    out.resize(out.len().next_multiple_of(alignment as usize), 0);
    out.extend(data);
    out
}

/// Reads a file from memory and behind a reader, with everything in it; whether it was read.
fn walk(bytes: &[u8]) -> bool {
    let file = match Gguf::from_bytes(bytes) {
        Ok(file) => file,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'));
            let again = Gguf::from_reader(Cursor::new(bytes)).expect_err("refused from memory");
            assert_eq!(again.to_string(), text);
            return false;
        }
    };
    let streamed = Gguf::from_reader(Cursor::new(bytes)).expect("read from memory");
    for (tensor, other) in file.tensors().iter().zip(streamed.tensors()) {
        assert_eq!(tensor.name(), other.name());
        let stored = file.bytes(tensor).expect("in memory");
        assert_eq!(stored, streamed.bytes(other).expect("in memory"));
        match file.load_with(tensor, Accept::Nonfinite) {
            Ok(weight) => {
                let numbers = weight.to_f32();
                assert_eq!(numbers.len(), tensor.elements());
                if let GgufWeight::Quantized(read) = &weight {
                    cuts(read, &numbers);
                }
            }
            Err(error) => assert!(tensor.unread().is_some(), "{error}"),
        }
        if let Ok(GgufWeight::Quantized(read)) = file.load(tensor) {
            let kind = tensor.kind().ggml().expect("quantized");
            if kind.is_written() && file.stored_bytes(tensor) == tensor.stored_bytes() {
                let written = to_ggml(kind, &read.view()).expect("a tensor of this type");
                let again = from_ggml(kind, &written, tensor.shape()).expect("finite");
                assert!(again == *read, "{kind:?}");
            }
        }
    }
    rewrite(&file);
    true
}

/// The last row of a tensor by itself has the numbers that it has in the whole.
fn cuts(tensor: &QuantTensor, numbers: &[f32]) {
    let cols = tensor.shape().last().copied().unwrap_or(1);
    if numbers.is_empty() {
        return;
    }
    let rows = numbers.len() / cols;
    let last = tensor.view().rows(rows - 1..rows).expect("a row").dequantize();
    let same =
        last.iter().zip(&numbers[numbers.len() - cols..]).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(same && last.len() == cols);
}

/// What can be written is read again as it was.
fn rewrite(file: &Gguf<'_>) {
    let mut contents = GgufContents::new();
    for (key, value) in file.metadata() {
        contents.value(key, value).expect("a key that was read");
    }
    let known: Vec<_> =
        file.tensors().iter().filter(|tensor| tensor.kind().name().is_some()).collect();
    for tensor in &known {
        let kind: GgufType = tensor.kind();
        contents.tensor(tensor.name(), kind, tensor.shape()).expect("a tensor that was read");
    }
    let mut writer = contents.write(Vec::new()).expect("memory");
    for tensor in &known {
        writer.bytes(&file.bytes(tensor).expect("in memory")).expect("memory");
    }
    let bytes = writer.finish().expect("all bytes");
    let again = Gguf::from_bytes(&bytes).expect("a file that was written");
    // As texts, in which NaNs are the same.
    let metadata = |file: &Gguf<'_>| format!("{:?}", file.metadata().collect::<Vec<_>>());
    assert_eq!(metadata(&again), metadata(file));
    assert_eq!(again.tensors().len(), known.len());
    for (tensor, other) in known.iter().zip(again.tensors()) {
        assert_eq!(
            (tensor.name(), tensor.shape(), tensor.kind()),
            (other.name(), other.shape(), other.kind())
        );
        assert_eq!(file.bytes(tensor).expect("in memory"), again.bytes(other).expect("in memory"));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    let bytes = match mode % 8 {
        0 => rest.to_vec(),
        _ => {
            let mut choices = Choices::new(rest);
            let mut bytes = build(&mut choices);
            choices.damage(&mut bytes);
            bytes
        }
    };
    SHARE.count(walk(&bytes[..bytes.len().min(LONGEST)]));
});
