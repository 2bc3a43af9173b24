//! A made-up model of two small blocks, written by the library's GGUF writer and run under many
//! numerics.

use crate::calibrate::{Calibration, Recipe};
use crate::failure::Failure;
use crate::forward::Session;
use crate::model::{Config, Model, Shipped};
use crate::numerics::{self, Numerics, Scheme};
use crate::score::{Score, interval, score};
use crate::tokenizer::Tokenizer;
use rayon::ThreadPoolBuilder;
use subhalf::io::{Gguf, GgufArray, GgufContents, GgufType};
use subhalf::layout::GgmlType;
use subhalf::{Exec, Isa, QuantTensor, philox4x32_10};

const WIDTH: usize = 64;
const INNER: usize = 96;
const OF_KV: usize = 32;
const BLOCKS: usize = 2;
const TOKENS: usize = 259;
/// More than the queries that attention takes together.
const TEXT: usize = 70;

/// Numbers between −size and size.
fn numbers(name: &str, count: usize, size: f32) -> Vec<f32> {
    let seed = name.bytes().fold(7u32, |seed, byte| seed.wrapping_mul(31) + u32::from(byte));
    let number = |i: usize| {
        let word = philox4x32_10([i as u32, 0, 0, 0], [seed, 27])[0];
        (word as f32 / 2f32.powi(31) - 1.0) * size
    };
    (0..count).map(number).collect()
}

/// Names and shapes of the matrices, then those of the norms.
fn matrices() -> Vec<(String, [usize; 2])> {
    let shapes = [
        ("attn_q", [WIDTH, WIDTH]),
        ("attn_k", [OF_KV, WIDTH]),
        ("attn_v", [OF_KV, WIDTH]),
        ("attn_output", [WIDTH, WIDTH]),
        ("ffn_gate", [INNER, WIDTH]),
        ("ffn_up", [INNER, WIDTH]),
        ("ffn_down", [WIDTH, INNER]),
    ];
    let of_block = |block| {
        shapes.map(|(name, shape)| (format!("blk.{block}.{name}.weight"), shape)).into_iter()
    };
    (0..BLOCKS).flat_map(of_block).collect()
}

fn norms() -> Vec<String> {
    let of_block = |block| {
        ["attn_norm", "ffn_norm"].map(|name| format!("blk.{block}.{name}.weight")).into_iter()
    };
    (0..BLOCKS).flat_map(of_block).chain(["output_norm.weight".to_owned()]).collect()
}

/// What GPT-2's vocabularies write a byte as, from their published list: 188 bytes as themselves,
/// the 68 others as U+0100 to U+0143.
fn letters() -> Vec<String> {
    let itself = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut others = 0x100..;
    (0..256u32)
        .map(|byte| if itself(&byte) { byte } else { others.next().unwrap() })
        .map(|code| char::from_u32(code).unwrap().to_string())
        .collect()
}

/// The file of the model, with a value of the metadata that another may take the place of.
fn file(architecture: &str) -> Vec<u8> {
    let mut contents = GgufContents::new();
    contents.value("general.architecture", architecture).unwrap();
    let counts = [
        ("block_count", BLOCKS),
        ("embedding_length", WIDTH),
        ("feed_forward_length", INNER),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("context_length", 128),
    ];
    for (key, count) in counts {
        contents.value(&format!("llama.{key}"), count as u32).unwrap();
    }
    contents.value("llama.rope.freq_base", 1e4f32).unwrap();
    contents.value("llama.attention.layer_norm_rms_epsilon", 1e-5f32).unwrap();
    contents.value("tokenizer.ggml.model", "gpt2").unwrap();
    contents.value("tokenizer.ggml.pre", "smollm").unwrap();
    let letters = letters();
    let mut tokens: Vec<&str> = letters.iter().map(String::as_str).collect();
    tokens.extend(["ab", "abc", "<|end|>"]);
    let mut types = [1i32; TOKENS];
    types[TOKENS - 1] = 3;
    contents.value("tokenizer.ggml.tokens", GgufArray::of(&tokens)).unwrap();
    contents.value("tokenizer.ggml.token_type", GgufArray::of(&types)).unwrap();
    contents.value("tokenizer.ggml.merges", GgufArray::of(&["a b", "ab c"])).unwrap();
    contents.value("tokenizer.ggml.eos_token_id", TOKENS as u32 - 1).unwrap();
    contents.tensor("token_embd.weight", GgmlType::Q8_0.into(), &[TOKENS, WIDTH]).unwrap();
    for (name, shape) in matrices() {
        contents.tensor(&name, GgmlType::Q4_1.into(), &shape).unwrap();
    }
    for name in norms() {
        contents.tensor(&name, GgufType::F32, &[WIDTH]).unwrap();
    }
    let mut writer = contents.write(Vec::new()).unwrap();
    let mut quantized = |kind, name: &str, [rows, cols]: [usize; 2], size| {
        let numbers = numbers(name, rows * cols, size);
        let tensor = QuantTensor::quantize_ggml(kind, &numbers, &[rows, cols]).unwrap();
        writer.quantized(&tensor.view()).unwrap();
    };
    quantized(GgmlType::Q8_0, "token_embd.weight", [TOKENS, WIDTH], 1.0);
    for (name, shape) in matrices() {
        quantized(GgmlType::Q4_1, &name, shape, 0.3);
    }
    for name in norms() {
        let weight: Vec<u8> =
            numbers(&name, WIDTH, 0.5).iter().flat_map(|x| (1.0 + x).to_le_bytes()).collect();
        writer.bytes(&weight).unwrap();
    }
    writer.finish().unwrap()
}

fn text() -> Vec<u32> {
    numbers("text", TEXT, 1.0).iter().map(|x| ((x + 1.0) * 0.5 * TOKENS as f32) as u32).collect()
}

/// The logits of a text that is read in pieces of so many tokens.
fn logits(shipped: &Shipped<'_>, numerics: Numerics, piece: usize) -> Result<Vec<f32>, Failure> {
    let model = Model::new(shipped, numerics)?;
    let mut session = Session::new(&model)?;
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    for tokens in text().chunks(piece) {
        let hidden = session.read(tokens)?;
        session.logits(&hidden, &mut rows)?;
        all.extend_from_slice(&rows);
    }
    Ok(all)
}

fn chosen([weights, activations, cache, sums]: [&str; 4]) -> Numerics {
    let scheme = |name| numerics::scheme(name).unwrap();
    Numerics {
        weights: scheme(weights),
        activations: scheme(activations),
        cache: scheme(cache),
        sums: numerics::sums(sums).unwrap(),
        rotated: None,
        recipe: None,
        exec: Exec::PARALLEL,
    }
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|x| x.to_bits()).collect()
}

const SHIPPED: &str = "as-shipped";
const FP8: &str = "generic::FP8_E4M3_ROW";

/// Weights, activations, cache and sums of every kind.
const CHOICES: [[&str; 4]; 9] = [
    [SHIPPED, SHIPPED, SHIPPED, "default"],
    ["torchao::NVFP4", "ocp::MXFP8_E4M3", "F8E4M3", "default"],
    ["torchao::NVFP4", "torchao::NVFP4", "BF16", "blackwell-nvf4"],
    [FP8, FP8, "ocp::MXFP8_E4M3", "hopper-wgmma-fp8"],
    [FP8, "generic::FP8_E4M3_TENSOR", "generic::INT8_ROW", "hopper-wgmma-fp8/128"],
    [
        "deepseek::v3::FP8_E4M3_128X128",
        "deepseek::v3::FP8_E4M3_1X128",
        SHIPPED,
        "hopper-wgmma-fp8/128",
    ],
    ["BF16", "BF16", "F16", "x86::VDPBF16PS"],
    ["generic::INT8_ROW", "generic::INT8_ROW", SHIPPED, "imma::S8"],
    [SHIPPED, "F16", SHIPPED, "E8M13:toward-zero/32"],
];

#[test]
fn logits_have_the_same_bits_on_any_threads_and_instructions() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    for names in CHOICES {
        let expected = bits(&logits(&shipped, chosen(names), TEXT).unwrap());
        for threads in [1, 2, 7] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| logits(&shipped, chosen(names), TEXT).unwrap());
            assert_eq!(bits(&found), expected, "{names:?} on {threads} threads");
        }
        for isa in Isa::available() {
            let exec = Exec::PARALLEL.with_isa(isa);
            let found = logits(&shipped, Numerics { exec, ..chosen(names) }, TEXT).unwrap();
            assert_eq!(bits(&found), expected, "{names:?} on {}", isa.name());
        }
    }
}

#[test]
fn every_choice_changes_logits() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    let of = |names| bits(&logits(&shipped, chosen(names), TEXT).unwrap());
    let plain = of([SHIPPED, SHIPPED, SHIPPED, "default"]);
    let fp8 = of([FP8, FP8, SHIPPED, "default"]);
    let others = [
        (of(["ocp::MXFP4", SHIPPED, SHIPPED, "default"]), &plain),
        (of([SHIPPED, "ocp::MXFP8_E4M3", SHIPPED, "default"]), &plain),
        (of([SHIPPED, SHIPPED, "F8E4M3", "default"]), &plain),
        (of([SHIPPED, SHIPPED, SHIPPED, "BF16:nearest-even"]), &plain),
        (of([FP8, FP8, SHIPPED, "hopper-wgmma-fp8"]), &fp8),
        (of([FP8, FP8, SHIPPED, "blackwell-f8f6f4"]), &fp8),
    ];
    for (place, (other, base)) in others.iter().enumerate() {
        assert_ne!(other, *base, "choice {place}");
        assert!(others[..place].iter().all(|(earlier, _)| earlier != other), "choice {place}");
    }
}

#[test]
fn a_cache_that_grows_token_by_token_gives_the_bits_of_the_whole_text() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    // Each scheme's blocks lie within the row of a token.
    for cache in [SHIPPED, "BF16", "F8E5M2", "ocp::MXFP4", "generic::INT8_ROW", "ggml::Q4_1"] {
        let numerics = chosen(["mlx::NVFP4", "ocp::MXFP8_E4M3", cache, "default"]);
        let whole = bits(&logits(&shipped, numerics, TEXT).unwrap());
        for piece in [1, 9] {
            let pieces = bits(&logits(&shipped, numerics, piece).unwrap());
            assert_eq!(pieces, whole, "{cache}, {piece} tokens at a time");
        }
    }
}

/// The weight of a file as f64s, row after row.
fn plain(file: &Gguf<'_>, name: &str) -> Vec<f64> {
    let weight = file.load(file.tensor(name).unwrap()).unwrap();
    weight.to_f32().into_iter().map(f64::from).collect()
}

fn times(matrix: &[f64], x: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks(x.len());
    rows.map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
}

fn unit_mean_square(x: &[f64], weight: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    x.iter().zip(weight).map(|(x, w)| x / (mean + 1e-5).sqrt() * w).collect()
}

/// The logits behind the last token, in f64: token by token, head by head, from the formulas.
fn naive(file: &Gguf<'_>, tokens: &[u32]) -> Vec<f64> {
    const HEAD: usize = WIDTH / 4;
    let embedding = plain(file, "token_embd.weight");
    let turned = |x: &[f64], position: usize| -> Vec<f64> {
        let value = |i: usize| {
            let pair = (i % HEAD) / 2;
            let angle = position as f64 * 10_000f64.powf(-((2 * pair) as f64) / HEAD as f64);
            let (own, other) = (x[i], x[i ^ 1]);
            own * angle.cos() + if i.is_multiple_of(2) { -other } else { other } * angle.sin()
        };
        (0..x.len()).map(value).collect()
    };
    let mut caches = vec![(Vec::new(), Vec::new()); BLOCKS];
    let mut last = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        let mut x = embedding[*token as usize * WIDTH..][..WIDTH].to_vec();
        for (block, (keys, values)) in caches.iter_mut().enumerate() {
            let weight = |name: &str| plain(file, &format!("blk.{block}.{name}.weight"));
            let h = unit_mean_square(&x, &weight("attn_norm"));
            let q = turned(&times(&weight("attn_q"), &h), position);
            keys.push(turned(&times(&weight("attn_k"), &h), position));
            values.push(times(&weight("attn_v"), &h));
            let mut mixed = vec![0.0; WIDTH];
            for head in 0..4 {
                // Two heads share a head of keys and values.
                let shared = head / 2 * HEAD;
                let own = &q[head * HEAD..][..HEAD];
                let dot = |k: &Vec<f64>| own.iter().zip(&k[shared..]).map(|(q, k)| q * k).sum();
                let scores: Vec<f64> = keys.iter().map(dot).map(|s: f64| (s / 4.0).exp()).collect();
                let sum: f64 = scores.iter().sum();
                for (score, value) in scores.iter().zip(&*values) {
                    let of_head = mixed[head * HEAD..][..HEAD].iter_mut().zip(&value[shared..]);
                    of_head.for_each(|(mixed, v)| *mixed += score / sum * v);
                }
            }
            x.iter_mut().zip(times(&weight("attn_output"), &mixed)).for_each(|(x, y)| *x += y);
            let h = unit_mean_square(&x, &weight("ffn_norm"));
            let (gate, up) = (times(&weight("ffn_gate"), &h), times(&weight("ffn_up"), &h));
            let inner: Vec<f64> =
                gate.iter().zip(up).map(|(g, up)| g / (1.0 + (-g).exp()) * up).collect();
            x.iter_mut().zip(times(&weight("ffn_down"), &inner)).for_each(|(x, y)| *x += y);
        }
        last = unit_mean_square(&x, &plain(file, "output_norm.weight"));
    }
    times(&embedding, &last)
}

#[test]
fn logits_are_those_of_the_formulas_in_f64() {
    let bytes = file("llama");
    let file = Gguf::from_bytes(&bytes).unwrap();
    let shipped = Shipped::load(&file).unwrap();
    let expected = naive(&file, &text());
    let largest = expected.iter().fold(0f64, |largest, x| largest.max(x.abs()));
    let error = |names| {
        let all = logits(&shipped, chosen(names), TEXT).unwrap();
        let last = &all[all.len() - TOKENS..];
        let errors = last.iter().zip(&expected).map(|(x, y)| (f64::from(*x) - y).abs());
        errors.fold(0f64, f64::max) / largest
    };
    assert!(error([SHIPPED, SHIPPED, SHIPPED, "default"]) < 1e-5);
    // Eight bits are near, whatever adds them up; a wrong scale would be far away.
    for sums in ["default", "hopper-wgmma-fp8", "hopper-wgmma-fp8/32", "f32"] {
        let found = error([FP8, FP8, SHIPPED, sums]);
        assert!(found > 1e-4 && found < 0.2, "{sums}: {found}");
    }
}

#[test]
fn a_rotation_of_both_sides_leaves_products_as_they_are() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    let of =
        |names, rotated| logits(&shipped, Numerics { rotated, ..chosen(names) }, TEXT).unwrap();
    let plain = [SHIPPED, SHIPPED, SHIPPED, "default"];
    let expected = of(plain, None);
    let error = |found: Vec<f32>| {
        let errors = found.iter().zip(&expected).map(|(x, y)| f64::from(x - y).powi(2));
        let signal: f64 = expected.iter().map(|x| f64::from(*x).powi(2)).sum();
        (errors.sum::<f64>() / signal).sqrt()
    };
    let rotated = error(of(plain, Some(32)));
    assert!(rotated > 0.0 && rotated < 1e-5, "{rotated}");
    let quantized = ["ocp::MXFP8_E4M3", "ocp::MXFP8_E4M3", SHIPPED, "default"];
    let rotated = error(of(quantized, Some(32)));
    assert!(rotated > 1e-3 && rotated < 0.2, "{rotated}");
    assert_ne!(bits(&of(quantized, Some(32))), bits(&of(quantized, None)));
    let refused = Model::new(&shipped, Numerics { rotated: Some(64), ..chosen(plain) });
    assert!(refused.unwrap_err().to_string().contains("96"));
}

#[test]
fn recipes_change_weights_toward_less_error_the_same_on_any_threads() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    let as_shipped = Model::new(&shipped, Numerics::AS_SHIPPED).unwrap();
    let calibration = Calibration::new(&as_shipped, &[text()]).unwrap();
    let plain = chosen(["generic::INT4_G32", SHIPPED, SHIPPED, "default"]);
    let of = |recipe: Option<Recipe>, rotated: Option<usize>| {
        let calibration = recipe.map(|_| &calibration);
        let numerics = Numerics { recipe, rotated, ..plain };
        let model = Model::calibrated(&shipped, numerics, calibration).unwrap();
        let mut session = Session::new(&model).unwrap();
        let (hidden, mut logits) = (session.read(&text()).unwrap(), Vec::new());
        session.logits(&hidden, &mut logits).unwrap();
        logits
    };
    let expected = logits(&shipped, Numerics::AS_SHIPPED, TEXT).unwrap();
    let error = |found: &[f32]| -> f64 {
        found.iter().zip(&expected).map(|(x, y)| f64::from(x - y).powi(2)).sum()
    };
    let without = of(None, None);
    let feedback = of(Some(Recipe::Gptq), None);
    assert!(error(&feedback) < error(&without), "{} {}", error(&feedback), error(&without));
    let mut all = vec![bits(&without), bits(&feedback)];
    all.extend([
        bits(&of(Some(Recipe::Awq), None)),
        bits(&of(Some(Recipe::Gptq), Some(32))),
        bits(&of(None, Some(32))),
    ]);
    for (place, logits) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|earlier| earlier != logits), "recipe {place}");
    }
    for threads in [1, 2, 7] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(bits(&pool.install(|| of(Some(Recipe::Gptq), None))), all[1], "{threads}");
        assert_eq!(bits(&pool.install(|| of(Some(Recipe::Awq), None))), all[2], "{threads}");
    }
    let gptq = Some(Recipe::Gptq);
    let told = |found: Result<Model<'_>, Failure>| found.unwrap_err().to_string();
    let found = told(Model::new(&shipped, Numerics { recipe: gptq, ..plain }));
    assert!(found.contains("a text to calibrate"), "{found}");
    let numerics = Numerics { recipe: gptq, ..Numerics::AS_SHIPPED };
    let found = told(Model::calibrated(&shipped, numerics, Some(&calibration)));
    assert!(found.contains("blocks with scales"), "{found}");
}

#[test]
fn tokens_are_merged_by_rank_and_come_back_as_bytes() {
    let bytes = file("llama");
    let tokenizer = Tokenizer::of(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    assert_eq!(tokenizer.encode("abcab b"), [257, 256, 32, 98]);
    assert_eq!(tokenizer.end(), Some(TOKENS as u32 - 1));
    let text = "Moby-Dick; or, 1851 — \u{1F40B}\n";
    let tokens = tokenizer.encode(text);
    let back: Vec<u8> = tokens.iter().flat_map(|token| tokenizer.bytes(*token).to_vec()).collect();
    assert_eq!(back, text.as_bytes());
    // The vocabulary lacks what a conversation is made of.
    assert!(tokenizer.encode_chat("Who?").is_err());
}

#[test]
fn scores_are_those_of_small_distributions() {
    // p = (1/4, 3/4), shipped (1/2, 1/2), target 1.
    let found = score(&[0.0, 3f32.ln()], &[1.0, 1.0], &[1]);
    assert!((found.surprise - (4f64 / 3.0).ln()).abs() < 1e-7);
    let divergence = 0.5 * 2f64.ln() + 0.5 * (2f64 / 3.0).ln();
    assert!((found.divergence - divergence).abs() < 1e-7);
    assert_eq!((found.tokens, found.agreed), (1, 0));
    let windows = |surprises: [f64; 3]| {
        surprises.map(|surprise| Score { tokens: 2, surprise, ..Score::default() })
    };
    let shipped = windows([2.0, 4.0, 9.0]);
    assert_eq!(interval(&shipped, &shipped), [1.0, 1.0]);
    // Each window is worse by the same: so is every draw of them.
    let [low, high] = interval(&windows([3.0, 5.0, 10.0]), &shipped);
    assert!((low - 0.5f64.exp()).abs() < 1e-9 && (high - 0.5f64.exp()).abs() < 1e-9);
    let [low, high] = interval(&windows([1.0, 5.0, 9.0]), &shipped);
    assert!(low < 0.7 && high > 1.4, "{low} to {high}");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let told = |found: Result<Vec<f32>, Failure>| found.unwrap_err().to_string();
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    let refused = |names| told(logits(&shipped, chosen(names), TEXT));
    let found = refused([SHIPPED, SHIPPED, "torchao::NVFP4", "default"]);
    assert!(found.contains("no tensor scale"), "{found}");
    let found = refused([SHIPPED, SHIPPED, SHIPPED, "hopper-wgmma-fp8"]);
    assert!(found.contains("without a minimum"), "{found}");
    let found = refused([FP8, SHIPPED, SHIPPED, "hopper-wgmma-fp8"]);
    assert!(found.contains("matrix unit"), "{found}");
    // Scales along K on a unit that has none need a promotion to put them in.
    let deepseek = "deepseek::v3::FP8_E4M3_1X128";
    let found = refused([deepseek, deepseek, SHIPPED, "hopper-wgmma-fp8"]);
    assert!(found.contains("promoted"), "{found}");
    let found = numerics::scheme("NVFP4").unwrap_err();
    assert!(found.contains("torchao::NVFP4"), "{found}");
    for word in ["hopper/x", "UE4M3:nearest-even", "F16:nearest-evn", "hopper-wgmma-fp4"] {
        assert!(numerics::sums(word).is_err(), "{word}");
    }
    let bytes = file("gpt2");
    let found = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap_err().to_string();
    assert!(found.contains("general.architecture"), "{found}");
}

#[test]
fn shapes_come_from_the_metadata() {
    let bytes = file("llama");
    let shipped = Shipped::load(&Gguf::from_bytes(&bytes).unwrap()).unwrap();
    let Config { blocks, width, inner, heads, kv_heads, head, context, .. } = shipped.config;
    assert_eq!([blocks, width, inner], [BLOCKS, WIDTH, INNER]);
    assert_eq!([heads, kv_heads, head, context], [4, 2, 16, 128]);
    // Four bits, and two F16s for each 32 weights.
    assert_eq!(shipped.bits(), 5.0);
    assert!(matches!(numerics::scheme("F8E4M3"), Ok(Scheme::Format(format)) if format.bits() == 8));
}
