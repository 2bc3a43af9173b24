//! Bytes as other programs' kernels read them.

use subhalf::FormatSpec;
use subhalf::recipe::{fp6_llm_pack, fp6_llm_unpack, fp6_to_f16_bits};

#[test]
fn fp6_codes_become_f16_by_moving_their_fields() {
    for code in 0..64u8 {
        let f16 = FormatSpec::F16.decode_f32(fp6_to_f16_bits(code).into());
        let number = FormatSpec::F6E3M2.decode_f32(code.into());
        assert_eq!((f16 * 4096.0).to_bits(), number.to_bits(), "{code:#b}");
    }
    assert_eq!(fp6_to_f16_bits(0b10_1110), 0x8E00);
}

#[test]
fn fp6_llm_words_are_those_of_its_prepacker() {
    let (rows, cols) = (128, 128);
    let codes: Vec<u8> = (0..rows * cols).map(|i| (i * 37 % 64) as u8).collect();
    let words = fp6_llm_pack(&codes, rows, cols).unwrap();
    assert_eq!(fp6_llm_unpack(&words, rows, cols).unwrap(), codes);
    // Thread 0 of the first fragment takes columns 0, 1 of rows 0 and 8, then 8, 9 of both. Codes 1
    // to 8 there make the 4-bit word 0x26481537.
    let mut codes = vec![0u8; 64 * 64];
    let firsts = [(0, 0), (0, 1), (8, 0), (8, 1), (0, 8), (0, 9), (8, 8), (8, 9)];
    for (i, (row, col)) in firsts.into_iter().enumerate() {
        codes[row * 64 + col] = i as u8 + 1;
    }
    let words = fp6_llm_pack(&codes, 64, 64).unwrap();
    let two_words = 64 * 64 / 16;
    assert_eq!(words[two_words], 0x2648_1537);
    // 16 codes of a thread are those of two fragments, one 16 rows below the other: 2-bit word
    // 0x1C6C1B2C.
    let sixteen = [3, 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63, 4, 9, 14];
    for (i, code) in sixteen.into_iter().enumerate() {
        let (row, col) = firsts[i % 8];
        codes[(row + i / 8 * 16) * 64 + col] = code;
    }
    let words = fp6_llm_pack(&codes, 64, 64).unwrap();
    assert_eq!(words[0], 0x1C6C_1B2C);
    // A bit set in one code is one bit of the words, another for each code.
    let mut seen = std::collections::HashSet::new();
    for index in 0..64 * 64 {
        let mut one = vec![0u8; 64 * 64];
        one[index] = 0b10_0001;
        let words = fp6_llm_pack(&one, 64, 64).unwrap();
        let set: Vec<(usize, u32)> = words
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0)
            .map(|(at, word)| (at, *word))
            .collect();
        assert_eq!(set.len(), 2);
        assert!(set[0].0 < two_words && set[1].0 >= two_words);
        assert_eq!((set[0].1.count_ones(), set[1].1.count_ones()), (1, 1));
        assert!(seen.insert(set[0]) && seen.insert(set[1]));
    }
    assert!(fp6_llm_pack(&codes, 64, 63).is_err() && fp6_llm_pack(&codes, 64, 128).is_err());
    assert!(fp6_llm_unpack(&words, 64, 128).is_err());
}
