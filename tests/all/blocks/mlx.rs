//! Blocks that MLX 0.32.4 quantized: `tests/golden/mlx`, made by `tests/interop/mlx_blocks.py`,
//! which says how to make a larger folder.

use std::path::{Path, PathBuf};
use subhalf::{BlockSpec, QuantTensor, Quantizer, preset};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mlx");

const MODES: [(&str, BlockSpec, usize); 3] = [
    ("mxfp4", preset::mlx::MXFP4, 32),
    ("mxfp8", preset::mlx::MXFP8_E4M3, 32),
    ("nvfp4", preset::mlx::NVFP4, 16),
];

/// Where the program's arithmetic leaves its formats, as the module says: an exponent below −127
/// wraps around to another byte, and errors of huge numbers are equal in f32.
fn leaves_formats(mode: &str, amax: f32) -> bool {
    let below = |quotient: f32| quotient > 0.0 && quotient <= f32::powi(2.0, -128);
    match mode {
        "mxfp4" => below(amax / 6.0),
        "mxfp8" => below(amax / 448.0),
        _ => amax >= 448.0 * f32::powi(2.0, 25),
    }
}

/// Compares scales and elements of every block of a folder, and returns how many blocks of each
/// mode were compared, and how many were left out.
fn compare(folder: &Path) -> [[usize; 2]; 3] {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let x: Vec<f32> = read("in.u32.bin")
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| f32::from_bits(u32::from_le_bytes(bytes)))
        .collect();
    MODES.map(|(mode, spec, length)| {
        let scales = read(&format!("{mode}.scale.u8.bin"));
        let elements = read(&format!("{mode}.elem.u8.bin"));
        assert_eq!((scales.len(), elements.len()), (x.len() / length, x.len()), "{mode}");
        let shape = [x.len() / 32, 32];
        let tensor = QuantTensor::quantize(&spec, &x, &shape).unwrap();
        let reference = Quantizer::new(&spec).quantize_reference(&x, &shape).unwrap();
        assert_eq!(tensor, reference, "{mode}");
        let mut counts = [0; 2];
        for (block, x) in x.chunks(length).enumerate() {
            let amax = x.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
            if leaves_formats(mode, amax) {
                counts[1] += 1;
                continue;
            }
            let codes = block * length..(block + 1) * length;
            let found: Vec<u32> =
                codes.clone().map(|i| tensor.view().code(i).expect("an element")).collect();
            let expected: Vec<u32> = elements[codes].iter().copied().map(u32::from).collect();
            let scale = tensor.view().scale_code(block);
            assert_eq!(
                (scale, found),
                (u32::from(scales[block]), expected),
                "{mode}: block {block} {x:?}"
            );
            counts[0] += 1;
        }
        counts
    })
}

#[test]
fn mlx_blocks_are_reproduced() {
    assert_eq!(compare(Path::new(GOLDEN)), [[225, 31], [229, 27], [474, 38]]);
}

#[test]
#[ignore = "needs a folder of tests/interop/mlx_blocks.py in SUBHALF_MLX"]
fn a_folder_of_mlx_blocks_is_reproduced() {
    let folder = std::env::var("SUBHALF_MLX").expect("SUBHALF_MLX names a folder");
    let counts = compare(&PathBuf::from(folder));
    eprintln!("blocks compared and left out, by mode: {counts:?}");
    assert!(counts.iter().all(|[compared, _]| *compared > 0));
}
