//! NVFP4 on tiles of 16×16, naively: the operations of torchao, Model Optimizer and
//! compressed-tensors from formats.md 3.7 (and, where it and their arrays differ, as the arrays
//! have it), tile by tile. Their arrays have blocks of 1×16 only.

use super::naive_fp8::{decode, e2m1, e4m3, fmax, inputs, scale_code, signed};
use subhalf::{QuantTensor, preset};

const NAMES: [&str; 3] =
    ["torchao::NVFP4_16X16", "modelopt::NVFP4_16X16", "compressed_tensors::NVFP4_16X16"];

/// A number to its code and to what it comes back as.
type Element = Box<dyn Fn(f32) -> (u32, f32)>;

/// The scale code of a tile, and how a number of it becomes one that comes back.
fn tile(name: &str, amax: f32, tensor_amax: f32) -> (u32, Element) {
    let element = |y: f32| signed(&e2m1(), 8, y);
    let scale = |code| decode(&e4m3(), 0x80, code);
    let value = |code| decode(&e2m1(), 8, code);
    // 1 for a tensor of zeros, and for one whose quotient is zero.
    let usable = |t: f32| if t > 0.0 && t.is_finite() { t } else { 1.0 };
    let t = usable(tensor_amax / 2688.0);
    match name {
        "torchao::NVFP4_16X16" => {
            let code = scale_code((amax / 6.0 / t).clamp(0.015625, 448.0));
            let s = scale(code);
            let back = move |x: f32| (element(x * (1.0 / t / s)), s * t);
            (code, Box::new(move |x| (back(x).0, value(back(x).0) * back(x).1)))
        }
        "modelopt::NVFP4_16X16" => {
            let ideal = amax / (6.0 * t);
            let code = scale_code(if ideal == 0.0 { 1.0 } else { ideal.clamp(0.001953125, 448.0) });
            let s = scale(code);
            let sign = |x: f32, code: u32| if code & 7 == 0 && x >= 0.0 { 0 } else { code };
            (
                code,
                Box::new(move |x| {
                    let code = sign(x / (s * t), element(x / (s * t)));
                    (code, (value(code) + 0.0) * (s * t))
                }),
            )
        }
        _ => {
            let t = if tensor_amax == 0.0 { 1.0 } else { usable(2688.0 * (1.0 / tensor_amax)) };
            let rounded = scale_code(t * (amax / 6.0));
            let code = if rounded == 0 { 0x20 } else { rounded };
            let s = scale(code);
            // +0 is added to the quotient: -0 becomes +0.
            let code_of = move |x: f32| element(x / (s / t) + 0.0);
            (code, Box::new(move |x| (code_of(x), value(code_of(x)) * (s / t))))
        }
    }
}

/// The presets that are compared here.
pub(super) fn names() -> Vec<String> {
    NAMES.map(str::to_owned).to_vec()
}

#[test]
fn tiles_of_16_by_16_agree_with_naive_loops() {
    // The oracle's own inputs are among them.
    let mut tensors = inputs();
    tensors.retain(|(_, _, x)| x.iter().all(|x| x.is_finite()));
    tensors.push((37, 50, vec![0.0; 37 * 50]));
    tensors.push((
        37,
        50,
        (0..37 * 50).map(|i| if i / 50 < 16 { 0.0 } else { (i % 29) as f32 / 4.0 - 3.0 }).collect(),
    ));
    for name in NAMES {
        let spec = preset::by_name(name).unwrap().spec;
        for (rows, cols, x) in &tensors {
            let (rows, cols) = (*rows, *cols);
            let tensor = QuantTensor::quantize(&spec, x, &[rows, cols]).unwrap();
            let (view, back) = (tensor.view(), tensor.dequantize());
            let tensor_amax = fmax(x);
            for (block, (top, left)) in (0..rows)
                .step_by(16)
                .flat_map(|top| (0..cols).step_by(16).map(move |left| (top, left)))
                .enumerate()
            {
                let places: Vec<usize> = (top..(top + 16).min(rows))
                    .flat_map(|row| (left..(left + 16).min(cols)).map(move |col| row * cols + col))
                    .collect();
                let amax = places.iter().fold(0.0f32, |amax, &at| amax.max(x[at].abs()));
                let (scale, element) = tile(name, amax, tensor_amax);
                assert_eq!(view.scale_code(block), scale, "{name}: tile {block}, amax {amax:e}");
                for at in places {
                    let (code, value) = element(x[at]);
                    assert_eq!(
                        (view.code(at), back[at].to_bits()),
                        (Some(code), value.to_bits()),
                        "{name}: {:e}",
                        x[at]
                    );
                }
            }
        }
    }
}
