//! Models of this processor's own instructions, compared with the instructions.

use super::preset::{MatrixUnit, x86};
use crate::kernel::dot_instructions::{dpbf16, dpbusd};
use crate::random::philox4x32_10;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Sixteen lanes of random words.
fn words(case: u32, what: u32) -> [u32; 16] {
    core::array::from_fn(|lane| philox4x32_10([case, lane as u32, what, 0], [3, 4])[0])
}

/// Compares lanes with `VDPBF16PS`; NaN as a class, since a payload is not modelled.
fn check_bf16(c: [u32; 16], a: [u32; 16], b: [u32; 16]) -> usize {
    let Some(found) = dpbf16(c, a, b) else { return 0 };
    let bf16 = FormatSpec::BF16;
    let unit = x86::VDPBF16PS.spec(bf16, bf16).unwrap();
    let pair = |word: u32| [word & 0xFFFF, word >> 16];
    for lane in 0..16 {
        let expected = unit.dot(&pair(a[lane]), &pair(b[lane]), c[lane]).unwrap();
        let [found, expected] = [found[lane], expected]
            .map(|bits| if f32::from_bits(bits).is_nan() { 0x7FC0_0000 } else { bits });
        assert_eq!(found, expected, "{:08x} {:08x} {:08x}", c[lane], a[lane], b[lane]);
    }
    16
}

#[test]
fn vdpbf16ps_is_the_instruction_on_a_million_lanes_and_all_specials() {
    let mut lanes = 0;
    for case in 0..62_500 {
        let [mut c, mut a, mut b] = [words(case, 0), words(case, 1), words(case, 2)];
        if case % 2 == 1 {
            // Exponents near one another, where additions round and cancel.
            let near = |x: u32| x & 0x83FF_83FF | 0x3C00_3C00;
            (a, b) = (a.map(near), b.map(near));
            c = c.map(|x| x & 0x83FF_FFFF | 0x3C00_0000);
        }
        lanes += check_bf16(c, a, b);
    }
    let specials: Vec<u32> = [0, 1, 0x7F, 0x80, 0x3F80, 0x7F7F, 0x7F80, 0x7FC0, 0x4B80, 0x3380]
        .iter()
        .flat_map(|x| [*x, x | 0x8000])
        .collect();
    for &x in &specials {
        for &y in &specials {
            for (i, &z) in specials.iter().enumerate() {
                let other = specials[(i * 7 + 3) % specials.len()];
                lanes += check_bf16([z << 16; 16], [x | other << 16; 16], [y | y << 16; 16]);
                lanes += check_bf16([z << 16 | 1; 16], [other | x << 16; 16], [y; 16]);
            }
        }
    }
    // Without the instruction nothing was compared.
    assert!(lanes == 0 || lanes > 1_000_000);
}

#[test]
fn vpdpbusd_and_vpdpbusds_are_the_instructions_on_a_million_lanes() {
    let spec = |unit: MatrixUnit| unit.spec(FormatSpec::UINT8, FormatSpec::INT8).unwrap();
    let units = [spec(x86::VPDPBUSD), spec(x86::VPDPBUSDS)];
    for case in 0..62_500 {
        let [mut c, a, b] = [words(case, 5), words(case, 6), words(case, 7)];
        if case % 2 == 1 {
            // Near both ends, where sums wrap or saturate.
            c = c.map(
                |x| if x & 1 == 0 { 0x7FFF_FFFF - (x >> 15) } else { 0x8000_0000 + (x >> 15) },
            );
        }
        let Some(found) = dpbusd(c, a, b) else { return };
        for lane in 0..16 {
            let bytes = |word: u32| word.to_le_bytes().map(u32::from);
            for (unit, found) in units.iter().zip(&found) {
                let expected = unit.dot(&bytes(a[lane]), &bytes(b[lane]), c[lane]).unwrap();
                assert_eq!(
                    found[lane], expected,
                    "{:08x} {:08x} {:08x}",
                    c[lane], a[lane], b[lane]
                );
            }
        }
    }
}
