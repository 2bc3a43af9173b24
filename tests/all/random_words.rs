//! The generator behind stochastic rounding: its known answers, the layout of its words, and what a
//! seed and an index give for ever.

use crate::stochastic::{SplitMix64, round};
use subhalf::{Dither, FormatSpec, SliceConverter, Stochastic, philox4x32_10};

/// Philox4x32-10 as Salmon et al. (SC 2011) write it: each half of the counter is a Feistel pair,
/// the key is a Weyl sequence.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    (0..10u32).fold(counter, |[l0, r0, l1, r1], turn| {
        let [wide0, wide1] = [(l0, 0xD251_1F53u32), (l1, 0xCD9E_8D57)]
            .map(|(word, factor)| u64::from(word) * u64::from(factor));
        let k0 = key[0].wrapping_add(turn.wrapping_mul(0x9E37_79B9));
        let k1 = key[1].wrapping_add(turn.wrapping_mul(0xBB67_AE85));
        [(wide1 >> 32) as u32 ^ r0 ^ k0, wide1 as u32, (wide0 >> 32) as u32 ^ r1 ^ k1, wide0 as u32]
    })
}

#[test]
fn philox_gives_the_known_answers() {
    // The file `kat_vectors` of the Random123 distribution, philox4x32 with 10 rounds.
    let vectors: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ];
    for (counter, key, answer) in vectors {
        assert_eq!(philox(counter, key), answer, "the referee");
        assert_eq!(philox4x32_10(counter, key), answer);
    }
    let mut random = SplitMix64(4);
    for _ in 0..10_000 {
        let counter = [(); 4].map(|()| random.next().unwrap() as u32);
        let key = [(); 2].map(|()| random.next().unwrap() as u32);
        assert_eq!(philox4x32_10(counter, key), philox(counter, key), "{counter:x?} {key:x?}");
    }
}

/// What `Dither` documents: up to 16 bits, half `i mod 8` of block `i / 8`; above, word `i mod 4`
/// of block `i / 4`; stream 0.
pub(crate) fn documented_word(seed: u64, index: u64, bits: u8) -> u32 {
    let per_block = if bits <= 16 { 8 } else { 4 };
    let block = index / per_block;
    let words =
        philox([block as u32, (block >> 32) as u32, 0, 0], [seed as u32, (seed >> 32) as u32]);
    if bits > 16 {
        return words[(index % 4) as usize];
    }
    let halves = words.map(|word| [word & 0xFFFF, word >> 16]);
    halves.as_flattened()[(index % 8) as usize]
}

#[test]
fn words_are_laid_out_as_documented() {
    let mut random = SplitMix64(5);
    let far = random.by_ref().take(32).collect::<Vec<_>>();
    let near = (0..40)
        .chain((1 << 34) - 9..(1 << 34) + 9)
        .chain((1 << 35) - 9..(1 << 35) + 9)
        .chain(u64::MAX - 9..=u64::MAX);
    let indices: Vec<u64> = near.chain(far).collect();
    for seed in [0, 1, 42, 1 << 32, u64::MAX, 0x0123_4567_89AB_CDEF] {
        for &index in &indices {
            for bits in 1..=32 {
                let expected = documented_word(seed, index, bits);
                assert_eq!(
                    Dither::new(seed).word(index, bits),
                    expected,
                    "seed {seed:#x} index {index} bits {bits}"
                );
                // It does not matter how the index is split into a beginning and an offset.
                let first = index / 3;
                assert_eq!(
                    Dither::new(seed).skip(first).word(index - first, bits),
                    expected,
                    "seed {seed:#x} index {index}"
                );
            }
        }
    }
}

#[test]
fn the_index_wraps_around() {
    let last = Dither { seed: 9, first_index: u64::MAX };
    for bits in [8, 32] {
        assert_eq!(last.word(0, bits), documented_word(9, u64::MAX, bits));
        assert_eq!(last.word(1, bits), documented_word(9, 0, bits));
        assert_eq!(last.word(6, bits), documented_word(9, 5, bits));
        assert_eq!(last.skip(3).first_index, 2);
    }
}

/// From an implementation of Philox and of this layout in another language. A change here would
/// change every stochastic result that anyone has stored.
#[test]
fn words_for_a_seed_and_an_index_are_pinned() {
    let rows = [
        (0, 0, 8, 0xE8D5),
        (0, 1, 16, 0x6627),
        (0, 1, 17, 0xE169_C58D),
        (42, 7, 1, 0x5742),
        (42, 8, 16, 0x2127),
        (42, 3, 32, 0x5742_B3D7),
        (42, 4, 32, 0xFCDB_2127),
        (1 << 32, 5, 24, 0x6306_F434),
        (u64::MAX, u64::MAX, 16, 0xB8AF),
        (0x0123_4567_89AB_CDEF, 1 << 40, 32, 0xE907_78A4),
    ];
    for (seed, index, bits, word) in rows {
        assert_eq!(
            Dither::new(seed).word(index, bits),
            word,
            "seed {seed:#x} index {index} bits {bits}"
        );
    }
}

/// Numbers over the whole range of the small formats, subnormals and overflow too.
pub(crate) fn samples(count: usize) -> Vec<f32> {
    let number = |word: u64| {
        let exponent = 127 - 20 + (word >> 32) as u32 % 32;
        f32::from_bits((word as u32 & 0x807F_FFFF) | exponent << 23)
    };
    SplitMix64(6).take(count).map(number).collect()
}

/// From exact fractions in another language, with the words above.
#[test]
fn codes_for_a_seed_and_a_first_index_are_pinned() {
    let x = [0.01f32, -0.3, 1.1, 2.7, 5.3, -100.0, 447.0, 460.0, 1e-4, 0.0013, 3.3, -7.7];
    let encoded = |spec: &FormatSpec, kind, bits, dither| {
        let mut codes = [0u8; 12];
        let convert = spec.default_convert().with_round(round(kind, bits));
        SliceConverter::new(spec).convert(&convert).dither(dither).encode(&x, &mut codes).unwrap();
        codes
    };
    let seeded = Dither::new(42);
    assert_eq!(
        encoded(&FormatSpec::F8E4M3, Stochastic::A, 8, seeded),
        [0x05, 0xAA, 0x39, 0x43, 0x4B, 0xED, 0x7E, 0x7E, 0x00, 0x01, 0x46, 0xD0]
    );
    assert_eq!(
        encoded(&FormatSpec::F8E4M3, Stochastic::A, 8, seeded.skip(5)),
        [0x05, 0xAA, 0x39, 0x42, 0x4B, 0xED, 0x7E, 0x7E, 0x00, 0x01, 0x45, 0xCF]
    );
    assert_eq!(
        encoded(&FormatSpec::F8E5M2, Stochastic::B, 16, seeded),
        [0x22, 0xB5, 0x3C, 0x41, 0x45, 0xD6, 0x5F, 0x5F, 0x06, 0x16, 0x43, 0xC8]
    );
    assert_eq!(
        encoded(&FormatSpec::F4E2M1, Stochastic::C, 32, seeded),
        [0x00, 0x09, 0x02, 0x05, 0x07, 0x0F, 0x07, 0x07, 0x00, 0x00, 0x05, 0x0F]
    );
    assert_eq!(
        encoded(&FormatSpec::HIF8, Stochastic::A, 23, seeded.skip(1 << 40)),
        [0x5D, 0xB1, 0x09, 0x13, 0x22, 0xCB, 0x62, 0x62, 0x7D, 0x75, 0x15, 0xA7]
    );
    let mut y = [0.0f32; 12];
    let convert = FormatSpec::F4E2M1.default_convert().with_round(round(Stochastic::A, 4));
    SliceConverter::new(&FormatSpec::F4E2M1)
        .convert(&convert)
        .dither(seeded)
        .fake_quantize(&x, &mut y)
        .unwrap();
    assert_eq!(y, [0.0, -0.5, 1.0, 3.0, 6.0, -6.0, 6.0, 6.0, 0.0, 0.0, 4.0, -6.0]);
}
