//! `subhalf vectors`. Lines are restated by hand; the arithmetic behind them has its own referee.

use super::printed;

/// The words of a command line.
fn words(arguments: &str) -> impl Iterator<Item = &str> {
    ["vectors"].into_iter().chain(arguments.split_whitespace())
}

/// Header and lines of a run that must succeed.
fn vectors(arguments: &str) -> (Vec<String>, Vec<String>) {
    let text = printed(words(arguments));
    text.lines().map(str::to_owned).partition(|line| line.starts_with("//"))
}

fn lines(arguments: &str) -> Vec<String> {
    vectors(arguments).1
}

fn refusal(arguments: &str) -> (Option<i32>, String) {
    super::refusal(words(arguments))
}

#[test]
fn the_sums_of_e2m1_are_256_lines() {
    let (header, lines) = vectors("add F4E2M1");
    assert_eq!(lines.len(), 256);
    // 0 + 0, 0 + 0.5, 0 + 1, 0 + 1.5
    assert_eq!(lines[..4], ["0_0_0_00", "0_1_1_00", "0_2_2_00", "0_3_3_00"]);
    // 6 + 6 saturates: overflow and inexact. 4 + 1.5 = 5.5 -> 6. 0.5 - 0.5 = +0. -0 + -0 = -0.
    assert_eq!(lines[0x77], "7_7_7_05");
    assert_eq!(lines[0x63], "6_3_7_01");
    assert_eq!(lines[0x19], "1_9_0_00");
    assert_eq!(lines[0x88], "8_8_8_00");
    assert_eq!(
        header[0],
        concat!("// subhalf ", env!("CARGO_PKG_VERSION"), ": test vectors for $readmemh")
    );
    assert_eq!(header[1], "// command: subhalf vectors add F4E2M1");
    assert_eq!(header[3], "// format: F4E2M1, 4 bits");
    assert_eq!(header[6], "// vectors: 256, all operands");
    assert_eq!(header[7], "// line: a[19:16]_b[15:12]_result[11:8]_flags[7:0], a word of 20 bits");
}

#[test]
fn pairs_of_e4m3_and_their_flags() {
    let sums = lines("add float8_e4m3fn --vocabulary torch");
    assert_eq!(sums.len(), 65_536);
    assert_eq!(sums[0x3840], "38_40_44_00"); // 1 + 2 = 3
    assert_eq!(sums[0x7E7E], "7e_7e_7e_05"); // 448 + 448 saturates
    assert_eq!(sums[0x7E7F], "7e_7f_7f_00"); // 448 + NaN
    let quotients = lines("div F8E4M3 --policy ml_dtypes --round toward-zero");
    assert_eq!(quotients[0x3844], "38_44_2a_01"); // 1 / 3 = 0.333 -> 0.3125
    assert_eq!(quotients[0x3800], "38_00_7f_0d"); // 1 / 0 = inf -> NaN: overflow, inexact, divide by zero
    assert_eq!(quotients[0x0000], "00_00_7f_10"); // 0 / 0
}

#[test]
fn six_bit_fields_take_two_digits() {
    let (header, lines) = vectors("sqrt F6E3M2");
    assert_eq!(lines.len(), 64);
    assert_eq!(lines[0x14], "14_10_00"); // sqrt 4 = 2
    assert_eq!(header[7], "// line: a[21:16]_result[13:8]_flags[7:0], a word of 24 bits");
}

#[test]
fn triples_and_other_operations() {
    let products = lines("mul-add F4E2M1");
    assert_eq!(products.len(), 4096);
    assert_eq!(products[0x353], "3_5_3_7_00"); // 1.5 · 3 + 1.5 = 6
    assert_eq!(lines("recip Binary8p4se --policy P3109_SAT_NONE")[0], "00_80_10"); // NaN, invalid
    assert_eq!(lines("rem F4E2M1")[0x64], "6_4_0_00"); // 4 % 2
    assert_eq!(lines("sub F4E2M1")[0x57], "5_7_d_00"); // 3 - 6
    assert_eq!(lines("mul F4E2M1")[0x1A], "1_a_9_00"); // 0.5 · -1
    assert_eq!(lines("decode F8E4M3")[0x7E], "7e_43e00000_2"); // 448
    assert_eq!(lines("decode F8E4M3 --to f64")[0x01], "01_3f60000000000000_1"); // 2^-9, subnormal
    assert_eq!(lines("convert F8E4M3 --from bf16")[0x43FA], "43fa_7e_05"); // 500
    assert_eq!(lines("convert F16 --from F8E5M2")[0x7C], "7c_7c00_00");
    assert_eq!(lines("convert E8M0 --from F8E4M3 --policy CUDA_SATFINITE")[0xB8], "b8_7f_00"); // -1, the sign dropped
    assert_eq!(lines("convert INT4 --from F8E4M3")[0xB8], "b8_f_00"); // -1
}

#[test]
fn functions_of_one_number() {
    let (header, values) = vectors("exp F8E4M3");
    assert_eq!(values.len(), 256);
    assert_eq!(header[2], "// operation: e^a");
    assert_eq!(header[7], "// line: a[23:16]_result[15:8]_flags[7:0], a word of 24 bits");
    assert_eq!([&values[0x38], &values[0x00], &values[0x7F]], ["38_43_01", "00_38_00", "7f_7f_00"]); // e -> 2.75, 1, NaN
    assert_eq!(values[0x7E], "7e_7e_05"); // e^448 saturates
    assert_eq!(lines("exp F8E4M3 --round down")[0x38], "38_42_01"); // e -> 2.5
    assert_eq!(lines("ln F8E5M2")[0x00], "00_fc_08"); // -inf, divide by zero
    assert_eq!(lines("ln F8E5M2")[0xBC], "bc_7e_10"); // of -1: NaN, invalid
    // 2^2 = 4, log2 4 = 2, tanh 0.5 = 0.462, 1/(1 + e^-1) = 0.731, 1/sqrt 4 = 0.5, gelu 2 = 1.954,
    // silu 2 = 1.762 in E2M1.
    for (operation, line) in [
        ("exp2", "4_6_00"),
        ("log2", "6_4_00"),
        ("tanh", "1_1_03"),
        ("sigmoid", "2_1_03"),
        ("rsqrt", "6_1_00"),
        ("gelu", "4_4_01"),
        ("silu", "4_4_01"),
    ] {
        let code = usize::from_str_radix(&line[..1], 16).unwrap();
        assert_eq!(lines(&format!("{operation} F4E2M1"))[code], line, "{operation}");
    }
    let (header, values) = vectors("silu F8E5M2 --round stochastic-a:4 --seed 3");
    assert!(header.last().unwrap().contains("_random[19:16]_"), "{header:?}");
    assert_eq!(values.len(), 256);
}

/// To OCP `INT8` is another format, which takes saying so.
#[test]
fn the_names_of_the_crate_go_first() {
    let (header, values) = vectors("decode INT8");
    assert_eq!(
        (header[3].as_str(), values[1].as_str()),
        ("// format: INT8, 8 bits", "01_3f800000_2")
    );
    assert_eq!(lines("decode INT8 --vocabulary OCP")[1], "01_3c800000_2"); // 2^-6
    assert_eq!(vectors("convert INT8 --from INT4").0[3], "// a: INT4, 4 bits");
}

#[test]
fn samples_are_those_of_the_seed() {
    let once = lines("convert F8E5M2 --from f64 --samples 1000 --seed 7");
    assert_eq!(once.len(), 1000);
    assert_eq!(
        once[..4],
        [
            "2bf6d9af7ebaed90_00_03",
            "c08c000000000000_e3_00",
            "a967e51e4a25a0ba_80_03",
            "c0cd800000000000_f3_01"
        ]
    );
    assert_eq!(lines("convert F8E5M2 --from f64 --samples 1000 --seed 7"), once);
    assert_eq!(lines("convert F8E5M2 --from f64 --samples 10 --seed 7"), once[..10]);
    assert_ne!(lines("convert F8E5M2 --from f64 --samples 10 --seed 8"), once[..10]);
    // Roundings are decided in most of them.
    let ties = once.iter().filter(|line| line.ends_with("_01") || line.ends_with("_00")).count();
    assert!(ties > 300, "{ties}");
}

/// 4.5 lies a quarter of the way from 4 to 6: with 2 random bits and kind A it goes up if the word
/// is 3.
#[test]
fn the_random_word_of_a_stochastic_rounding_is_a_field() {
    let (header, lines) = vectors("convert F4E2M1 --from bf16 --round stochastic-a:2 --seed 5");
    assert_eq!(
        header[6],
        "// flags: inexact 01, underflow 02, overflow 04, divide by zero 08, invalid 10"
    );
    assert_eq!(
        header[8],
        "// line: a[31:16]_random[13:12]_result[11:8]_flags[7:0], a word of 32 bits"
    );
    assert!(
        header[5].starts_with("// policy: round: Stochastic { kind: A, bits: 2 }, "),
        "{}",
        header[5]
    );
    let line = &lines[0x4090];
    let word = line.split('_').nth(1).unwrap();
    assert_eq!(*line, format!("4090_{word}_{}_01", if word == "3" { 7 } else { 6 }));
    let counts = ["0", "1", "2", "3"]
        .map(|word| lines.iter().filter(|line| line.split('_').nth(1) == Some(word)).count());
    assert!(counts.iter().all(|count| (15_500..17_300).contains(count)), "{counts:?}");
}

#[test]
fn every_preset_of_the_crate_is_known_by_name() {
    let source =
        concat!(include_str!("../../../src/vendor.rs"), include_str!("../../../src/policy.rs"));
    let presets: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": Self"))
        .map(|(name, _)| name)
        .collect();
    assert!(presets.len() >= 25, "{presets:?}");
    for preset in presets {
        assert_eq!(lines(&format!("sqrt F4E2M1 --policy {preset}")).len(), 16, "{preset}");
    }
}

#[test]
fn bad_arguments_are_one_line_and_a_failure() {
    let cases = [
        (
            "add F9E9M9",
            1,
            "subhalf vectors: format name: expected a name of any vocabulary, found \"F9E9M9\"; the nearest is F8E4M3",
        ),
        (
            "add INT8",
            1,
            "subhalf vectors: operation a + b: expected a floating-point format, found INT8, which only converts",
        ),
        (
            "add INT8 --vocabulary onnx",
            1,
            "subhalf vectors: operation a + b: expected a floating-point format, found INT8, which only converts",
        ),
        (
            "mul F16",
            1,
            "subhalf vectors: operands: expected at most 24 bits to write them all, found 32; say --samples COUNT",
        ),
        (
            "convert F8E4M3",
            1,
            "subhalf vectors: operands: expected at most 24 bits to write them all, found 32; say --samples COUNT",
        ),
        (
            "sqrt F8E4M3 --from f64",
            1,
            "subhalf vectors: --from: expected operation convert, found another",
        ),
        (
            "sqrt F8E4M3 --to f64",
            1,
            "subhalf vectors: --to: expected operation decode, found another",
        ),
        (
            "decode F8E4M3 --round all",
            1,
            "subhalf vectors: --round: expected operation that rounds, found another",
        ),
        ("add F8E4M3 F8E5M2", 1, "subhalf vectors: formats: expected at most 1, found 2"),
        (
            "mul-add F4E2M1 --c F16",
            1,
            "subhalf vectors: --c: expected operation fma, found another",
        ),
        (
            "fma E4M3 E5M2",
            1,
            "subhalf vectors: operation fma: expected --c FORMAT or --result FORMAT, found neither",
        ),
        (
            "fma E4M3 E5M2 --result INT8",
            1,
            "subhalf vectors: operation a * b + c, rounded once: expected a floating-point format, found INT8, which only converts",
        ),
        (
            "unit hopper::WGMA_FP8",
            1,
            "subhalf vectors: matrix unit name: expected a name of unit::all, found \"hopper::WGMA_FP8\"; the nearest is hopper::WGMMA_FP8",
        ),
        (
            "unit hopper::WGMMA_FP8 BF16",
            1,
            "subhalf vectors: unit hopper::WGMMA_FP8: expected its formats F8E4M3, F8E5M2, found BF16 and BF16",
        ),
        (
            "unit hopper::WGMMA_FP8 --round up",
            1,
            "subhalf vectors: unit hopper::WGMMA_FP8: expected no --round, which its hardware does not have, found one",
        ),
        (
            "",
            2,
            "subhalf vectors: the following required arguments were not provided: <OPERATION> <FORMAT>",
        ),
        (
            "sqrt F8E4M3 --samples x",
            2,
            "subhalf vectors: invalid value 'x' for '--samples <COUNT>': invalid digit found in string",
        ),
    ];
    for (arguments, code, line) in cases {
        assert_eq!(refusal(arguments), (Some(code), line.to_owned()), "{arguments}");
    }
    for (arguments, part) in [
        ("root F8E4M3", "[possible values: convert, decode, add,"),
        ("sqrt F8E4M3 --policy mine", "expected one of SATURATING, IEEE, ML_DTYPES"),
        ("sqrt F8E4M3 --round stochastic-a:33", "expected 1..=32 random bits, found 33"),
        ("sqrt F8E4M3 --round stochastic-d:3", "stochastic-{a,b,c}:BITS"),
        ("sqrt F8E4M3 --round sideways", "expected one of nearest-even, nearest-away"),
        ("sqrt F8E4M3 --vocabulary esperanto", "expected one of subhalf, OCP"),
        ("sqrt F8E4M3 --nonsense", "unexpected argument '--nonsense' found"),
    ] {
        let (code, line) = refusal(arguments);
        assert_eq!(code, Some(2), "{arguments}");
        assert!(line.contains(part), "{arguments}: {line}");
    }
    assert!(printed(words("--help")).contains("Usage: subhalf vectors"));
}
