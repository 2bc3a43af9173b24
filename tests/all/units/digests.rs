//! Digests of 500 random cases a unit, of a chain over K.
//!
//! The generator is splitmix64 from state 1. A case draws a, b and c, then scales. *raw* takes the
//! low bits of a draw; *mid w/v* takes the sign from bit 63, the exponent field from a window of
//! `w` (a and b) or `v` (c) around the bias, the fraction from the low bits. The digest is FNV-1a
//! over the bytes of the results.

use super::{all, format, spec};
use subhalf::{Encoding, FloatSpec, FormatSpec, UnitAcc, UnitScales};

/// Unit, formats, K, distribution, first result, digest.
type Line = (&'static str, &'static str, &'static str, usize, &'static str, u32, u64);

#[rustfmt::skip]
const LINES: &[Line] = &[
    ("volta::HMMA_F16", "f16", "f16", 16, "raw", 0x5a072c6d, 0xc062c9b80d87611c),
    ("volta::HMMA_F16", "f16", "f16", 16, "mid 6/12", 0x44ab716a, 0x7f98ac838a63ba39),
    ("volta::HMMA_F16", "f16", "f16", 16, "mid 14/28", 0xca919be9, 0x6fa6d3266db6dbf5),
    ("volta::HMMA_F16_F16", "f16", "f16", 16, "raw", 0x7c00, 0x51590efd81907989),
    ("volta::HMMA_F16_F16", "f16", "f16", 16, "mid 5/8", 0xdfd2, 0x028c973a96cc13b1),
    ("ampere::HMMA_F16", "f16", "f16", 16, "raw", 0x5a072c6d, 0x36a67aaf398ded8b),
    ("ampere::HMMA_F16", "f16", "f16", 16, "mid 6/12", 0x44ab7169, 0xd181d963ebcae52d),
    ("ampere::HMMA_F16", "f16", "f16", 16, "mid 14/28", 0xca919be8, 0xf7e76faea4749b87),
    ("ampere::HMMA_F16_F16", "f16", "f16", 16, "raw", 0x7c00, 0x4b9fd73821f3dd40),
    ("ampere::HMMA_F16_F16", "f16", "f16", 16, "mid 5/8", 0xdfd2, 0x24b5579479f9f3c3),
    ("ampere::HMMA_BF16", "bf16", "bf16", 16, "raw", 0x7f800000, 0x085cde1953194185),
    ("ampere::HMMA_BF16", "bf16", "bf16", 16, "mid 6/12", 0x448c172a, 0xd4d29e8181cd5678),
    ("ampere::HMMA_BF16", "bf16", "bf16", 16, "mid 14/28", 0xcaa4983b, 0x663b04350a02a0ca),
    ("ampere::HMMA_TF32", "tf32", "tf32", 8, "raw", 0xff800000, 0x0fc9e60921430dd2),
    ("ampere::HMMA_TF32", "tf32", "tf32", 8, "mid 6/12", 0xc3da588e, 0x1d6282fa8e001f21),
    ("ampere::HMMA_TF32", "tf32", "tf32", 8, "mid 14/28", 0xc68d4aea, 0xed1d78e35ab52564),
    ("hopper::HMMA_F16", "f16", "f16", 16, "raw", 0x5a072c6d, 0x984b1891678b8bf9),
    ("hopper::HMMA_F16", "f16", "f16", 16, "mid 6/12", 0x44ab716a, 0xeba9afaf52fcce58),
    ("hopper::HMMA_F16", "f16", "f16", 16, "mid 14/28", 0xca919be9, 0x8da961e1ae1ea4d4),
    ("hopper::HMMA_F16_F16", "f16", "f16", 16, "raw", 0x7c00, 0xc8ef3ca611f58657),
    ("hopper::HMMA_F16_F16", "f16", "f16", 16, "mid 5/8", 0xdfd2, 0xb8331e2a651af7ab),
    ("hopper::HMMA_BF16", "bf16", "bf16", 16, "raw", 0x7f800000, 0x51ca99cdf1aa23a6),
    ("hopper::HMMA_BF16", "bf16", "bf16", 16, "mid 6/12", 0x448c172a, 0x5eace27e3e346515),
    ("hopper::HMMA_BF16", "bf16", "bf16", 16, "mid 14/28", 0xcaa4983b, 0xd9d800f5256349b0),
    ("hopper::HMMA_TF32_K8", "tf32", "tf32", 8, "raw", 0xff800000, 0xf40a7bc8e0952c3c),
    ("hopper::HMMA_TF32_K8", "tf32", "tf32", 8, "mid 6/12", 0xc3da588f, 0x174fd4ffabda99ec),
    ("hopper::HMMA_TF32_K8", "tf32", "tf32", 8, "mid 14/28", 0xc68d4aea, 0xdff7b67d821e52b8),
    ("hopper::WGMMA_FP8", "e4m3", "e4m3", 32, "raw", 0x7fffffff, 0x7d2c7fe04984e843),
    ("hopper::WGMMA_FP8", "e4m3", "e4m3", 32, "mid 4/10", 0x43c18800, 0xfca523a85f6d1abb),
    ("hopper::WGMMA_FP8", "e5m2", "e5m2", 32, "raw", 0x7fffffff, 0x23b10132781a6893),
    ("hopper::WGMMA_FP8", "e5m2", "e5m2", 32, "mid 4/10", 0x43bf0000, 0xde1580721f1b8363),
    ("hopper::WGMMA_FP8", "e4m3", "e5m2", 32, "raw", 0x7fffffff, 0x2058c9e86771a24d),
    ("hopper::WGMMA_FP8", "e4m3", "e5m2", 32, "mid 4/10", 0x43be2800, 0x613588b62637a56a),
    ("hopper::WGMMA_FP8_F16", "e4m3", "e4m3", 32, "raw", 0x7fff, 0xb960a9cfc4cccc8e),
    ("hopper::WGMMA_FP8_F16", "e4m3", "e4m3", 32, "mid 4/8", 0x5ddb, 0xcfd14b0b977c2ee7),
    ("ada::QMMA_FP8", "e4m3", "e4m3", 32, "raw", 0x7fffffff, 0x20524bcf025a8d38),
    ("ada::QMMA_FP8", "e4m3", "e4m3", 32, "mid 4/10", 0x43c18400, 0xf10b7d93c2a21e04),
    ("blackwell::F8F6F4", "e4m3", "e4m3", 32, "raw", 0x7fffffff, 0xf278b3f2a57e2955),
    ("blackwell::F8F6F4", "e4m3", "e4m3", 32, "mid 4/10", 0x43c18949, 0x561b33d58507fad6),
    ("blackwell::F8F6F4", "e5m2", "e5m2", 32, "raw", 0x7fffffff, 0x6e4db75ad5c17b74),
    ("blackwell::F8F6F4", "e5m2", "e5m2", 32, "mid 8/16", 0x4692bfef, 0xdd25ec3af245df01),
    ("blackwell::F8F6F4", "e3m2", "e3m2", 32, "raw", 0x427b3c00, 0x3bcbf2649cf067f7),
    ("blackwell::F8F6F4", "e2m3", "e2m3", 32, "raw", 0x3f8e0008, 0x50bc82b8763e7e24),
    ("blackwell::F8F6F4", "e2m1", "e2m1", 32, "raw", 0x42160000, 0xa3b42e2f0b3e8d2e),
    ("hopper::MMA_SYNC_FP8", "e4m3", "e4m3", 32, "mid 4/10", 0x43c18949, 0x76937078581b0825),
    ("hopper::MMA_SYNC_FP8", "e5m2", "e5m2", 32, "mid 12/20", 0x49740d56, 0x76c2b23ac6e92b5b),
    ("blackwell::MXF8F6F4", "e4m3", "e4m3", 32, "mid 4/20", 0xc09e0b62, 0xde5862f2a8d19fb7),
    ("blackwell::MXF8F6F4", "e2m1", "e2m1", 32, "raw", 0x359e0dba, 0x4d08fe41e51bf935),
    ("blackwell::NVF4", "e2m1", "e2m1", 64, "codes raw, c mid 20", 0x46a534ac, 0x11a25d3878be264c),
    ("blackwell::MXF4", "e2m1", "e2m1", 64, "codes raw, c mid 20", 0x492ea800, 0x662a57522d2a8380),
    ("blackwell::NVF4_E8M0", "e2m1", "e2m1", 64, "codes raw, c mid 20", 0x58a60000, 0xf672edac5bb5e379),
    ("amd::CDNA3_F16", "f16", "f16", 16, "mid 6/12", 0x44ab716a, 0x71905aba65d7a14d),
    ("amd::CDNA3_BF16", "bf16", "bf16", 16, "mid 14/28", 0xcaa4983c, 0x1dff73c326583c1e),
    ("amd::CDNA3_XF32", "tf32", "tf32", 8, "mid 10/20", 0xc6bd30bd, 0x4bc60d7ac1d71c94),
    ("amd::CDNA3_FP8", "e4m3fnuz", "e4m3fnuz", 32, "mid 5/16", 0xc60195a3, 0xda624aed6c68e629),
    ("amd::CDNA3_FP8", "e5m2fnuz", "e5m2fnuz", 32, "mid 12/28", 0x4973be9f, 0xda01b4756cd2a92e),
    ("amd::CDNA1_F16", "f16", "f16", 16, "mid 10/20", 0xc7d4d56a, 0xd5706877fc9a9b1b),
    ("amd::CDNA1_BF16", "bf16", "bf16", 16, "mid 20/40", 0x506b7706, 0x172e33d78f24303b),
    ("amd::CDNA2_F16", "f16", "f16", 16, "mid 10/20", 0xc7d4d56a, 0x5bb39e980b28361d),
    ("amd::CDNA2_BF16_1K", "bf16", "bf16", 16, "mid 20/40", 0x506b7706, 0xce6805e200d8bd10),
    ("amd::CDNA2_BF16", "bf16", "bf16", 16, "mid 20/40", 0x506b7706, 0xeae6615cd053cb42),
    ("x86::VDPBF16PS", "bf16", "bf16", 16, "mid 12/24", 0xcb241af6, 0x3ed77f30bfaf3521),
    ("x86::AMX_BF16", "bf16", "bf16", 32, "mid 12/24", 0x4995d23a, 0x35afb23950d0dd8c),
    ("x86::AMX_FP16", "f16", "f16", 32, "mid 10/20", 0x47027755, 0x511694b2b684daf9),
    ("arm::BFDOT_EBF0", "bf16", "bf16", 16, "mid 12/24", 0xcb241af5, 0xcd81f94ac871800d),
    ("arm::BFDOT_EBF1", "bf16", "bf16", 16, "mid 12/24", 0xcb241af5, 0x3345bda207dd084c),
    ("arm::FDOT_FP8", "e5m2", "e5m2", 16, "mid 12/24", 0xcacffb17, 0x7344b6885ae34045),
    ("x86::ACE_TOP4MX", "e5m2", "e5m2", 16, "mid 12/24", 0xb94eecbe, 0xafa774eb40120782),
    ("x86::AMX_FP8", "e5m2", "e5m2", 128, "raw", 0xffc00000, 0x949e0bdc6f424d45),
    ("x86::AMX_FP8", "e5m2", "e5m2", 128, "mid 8/16", 0xc68a0f54, 0x751d2b037c64ff45),
    ("x86::AMX_FP8", "e4m3", "e4m3", 128, "mid 8/16", 0xffc00000, 0x498dd640f944e425),
    ("x86::AMX_FP8", "e5m2", "e4m3", 128, "mid 8/16", 0xffc00000, 0x0756f8479e778172),
    ("riscv::VFWBDOTA_BF16_128", "bf16", "bf16", 32, "raw", 0x7fc00000, 0x11da7a86161b59e8),
    ("riscv::VFWBDOTA_BF16_128", "bf16", "bf16", 32, "mid 12/24", 0x4995d23b, 0x02ae8a5b279c43ba),
    ("riscv::VFWBDOTA_BF16_128", "bf16", "bf16", 32, "mid 4/6", 0x43b24223, 0xfc3a3b485439e782),
    ("riscv::VFWBDOTA_BF16_256", "bf16", "bf16", 32, "raw", 0x7fc00000, 0x89fa62a4f08b7ce3),
    ("riscv::VFWBDOTA_BF16_256", "bf16", "bf16", 32, "mid 12/24", 0x4995d23b, 0xdff3c4eed252fc3f),
    ("riscv::VFWBDOTA_BF16_256", "bf16", "bf16", 32, "mid 4/6", 0x43b24223, 0xf4141f36aa342c3f),
];

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}

/// Draws a code of a format; with a window, near 1.
fn draw(random: &mut SplitMix, format: &FormatSpec, window: Option<i64>) -> u32 {
    let z = random.next();
    let Some(window) = window else { return z as u32 & ((1u64 << format.bits()) - 1) as u32 };
    let Encoding::Float(FloatSpec { exponent_bits, mantissa_bits, bias, .. }) = *format.encoding()
    else {
        panic!("{}", format.name())
    };
    let ieee = ["F32", "F16", "BF16", "TF32", "F8E5M2"].contains(&format.name());
    let last = (1i64 << exponent_bits) - if ieee { 2 } else { 1 };
    let low = (i64::from(bias) - window).max(0);
    let high = (i64::from(bias) + window).min(last);
    let field = low as u64 + (z >> 32 & 0x7FFF_FFFF) % (high - low + 1) as u64;
    let sign = z >> 63 << (exponent_bits + mantissa_bits);
    (sign | field << mantissa_bits | z & ((1 << mantissa_bits) - 1)) as u32
}

fn windows(distribution: &str) -> [Option<i64>; 2] {
    if let Some(mid) = distribution.strip_prefix("mid ") {
        let (w, v) = mid.split_once('/').unwrap();
        return [w, v].map(|x| Some(x.parse().unwrap()));
    }
    match distribution {
        "raw" => [None, None],
        "codes raw, c mid 20" => [None, Some(20)],
        _ => panic!("{distribution}"),
    }
}

#[test]
fn units_have_the_digests_of_the_models() {
    let units = all();
    assert_eq!(LINES.len(), 78);
    for &(name, a, b, k, distribution, first, digest) in LINES {
        let unit = units.iter().find(|unit| unit.name == name).unwrap();
        let spec = spec(unit, a, b);
        let (a, b) = (format(a), format(b));
        let (f16, [w, v]) = (spec.acc() == UnitAcc::F16, windows(distribution));
        let c_format = if f16 { FormatSpec::F16 } else { FormatSpec::F32 };
        let mut random = SplitMix(1);
        let mut hash = 0xCBF2_9CE4_8422_2325u64;
        for case in 0..500 {
            let mut codes = |format: &FormatSpec| -> Vec<u32> {
                (0..k).map(|_| draw(&mut random, format, w)).collect()
            };
            let (a, b) = (codes(&a), codes(&b));
            let c = draw(&mut random, &c_format, v);
            let (count, ue4m3) = match spec.scales() {
                UnitScales::None => (0, false),
                UnitScales::E8M0 { block, .. } => (k.div_ceil(block.into()), false),
                UnitScales::UE4M3 { block, .. } => (k.div_ceil(block.into()), true),
            };
            let mut scales = || -> Vec<u32> {
                (0..count)
                    .map(|_| (random.next() % if ue4m3 { 127 } else { 56 }) as u32)
                    .map(|code| if ue4m3 { code } else { code + 100 })
                    .collect()
            };
            let (scales_a, scales_b) = (scales(), scales());
            let d = spec.dot_scaled(&a, &b, [&scales_a, &scales_b], c).unwrap();
            if case == 0 {
                assert_eq!(d, first, "{name} {distribution}: {d:x}, expected {first:x}");
            }
            for byte in d.to_le_bytes().into_iter().take(if f16 { 2 } else { 4 }) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
            }
        }
        assert_eq!(hash, digest, "{name} of {} {distribution}", a.name());
    }
}
