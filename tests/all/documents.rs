//! Tables and numbers of the README and of `docs` against the crate. Rust in them is compiled by
//! doc tests; what they say in tables and prose is read here.

use std::collections::BTreeSet;
use subhalf::{Encoding, Finfo, FormatSpec, Vocabulary};

fn document(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of the Markdown table under this header line, row by row.
fn table(text: &str, header: &str) -> Vec<Vec<String>> {
    let (_, behind) = text.split_once(&format!("\n{header}\n")).expect(header);
    let rows = behind.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|x| x.trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn spec_of(name: &str) -> FormatSpec {
    FormatSpec::by_name_in(Vocabulary::Subhalf, name).expect(name)
}

/// The number that a table writes as `2^-9`, `127/64`, `3.3895e38`.
fn written(text: &str) -> f64 {
    let decimal = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{text:?}"));
    if let Some(exponent) = text.strip_prefix("2^") {
        return 2f64.powi(exponent.parse().expect(text));
    }
    if let Some(rest) = text.strip_prefix('-') {
        return -written(rest);
    }
    match text.split_once('/') {
        Some((over, under)) => decimal(over) / decimal(under),
        None => decimal(text),
    }
}

/// Whether a table says a number: exactly, or rounded to the five digits that it then has.
fn says(text: &str, number: f64) -> bool {
    let mantissa = text.split('e').next().unwrap_or_default().trim_start_matches(['-', '0', '.']);
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let five = |x: f64| format!("{x:.4e}");
    written(text) == number || (digits == 5 && five(written(text)) == five(number))
}

/// The codes that a cell names: `0x7C ±`, `0x7D to 0x7F ±`, or none. `±` adds those with the sign
/// bit.
fn ranges_of(cell: &str, bits: u32) -> Vec<[u32; 2]> {
    let Some(digits) = cell.strip_prefix("0x") else {
        assert_eq!(cell, "");
        return Vec::new();
    };
    let code = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).expect(text);
    let plus = digits.trim_end_matches(" ±");
    let (first, last) = plus.split_once(" to ").unwrap_or((plus, plus));
    let range = [code(first), code(last)];
    let negative = range.map(|code| code | 1 << (bits - 1));
    if cell.ends_with('±') { vec![range, negative] } else { vec![range] }
}

#[test]
fn documents_have_the_bit_layout_of_every_format() {
    let header = "| format | layout | bias | infinity | NaN | source |";
    let rows = table(&document("docs/formats.md"), header);
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let floats =
        FormatSpec::ALL.iter().filter(|spec| matches!(spec.encoding(), Encoding::Float(_)));
    assert_eq!(names, floats.map(FormatSpec::name).collect::<Vec<_>>());
    for row in &rows {
        let spec = spec_of(&row[0]);
        let Encoding::Float(layout) = spec.encoding() else { panic!("{spec} is no float") };
        // `S EEEE MMM`, `S EEEEEEEE M×13`; a bit in parentheses is no bit of the format.
        let fields = row[1].trim_matches('`').split(' ');
        let [mut signs, mut exponents, mut mantissas] = [0, 0, 0];
        for field in fields.filter(|field| !field.starts_with('(')) {
            let (letter, count) = match field.split_once('×') {
                Some((letter, count)) => (letter, count.parse().expect(field)),
                None => (&field[..1], field.len()),
            };
            assert!(field.contains('×') || field == letter.repeat(count), "{row:?}");
            *match letter {
                "S" => &mut signs,
                "E" => &mut exponents,
                "M" => &mut mantissas,
                _ => panic!("{row:?}"),
            } += count;
        }
        let widths = (usize::from(layout.exponent_bits), usize::from(layout.mantissa_bits));
        assert_eq!((signs == 1, (exponents, mantissas)), (layout.signed, widths), "{row:?}");
        // Without an exponent field there is nothing to subtract a bias from.
        let bias = (exponents > 0).then(|| layout.bias.to_string());
        assert_eq!(row[2], bias.unwrap_or_default(), "{row:?}");

        let bits = spec.bits();
        let (infinities, nans) = (ranges_of(&row[3], bits), ranges_of(&row[4], bits));
        let within = |ranges: &[[u32; 2]], code| {
            ranges.iter().any(|&[first, last]| (first..=last).contains(&code))
        };
        // All codes; of a format with too many, some and those at the ends of the ranges.
        let last = (spec.code_count() - 1) as u32;
        let edges = infinities.iter().chain(&nans).flatten();
        let edges = edges.flat_map(|&code| [code.saturating_sub(1), code, code.saturating_add(1)]);
        let step = if bits > 22 { 65_521 } else { 1 };
        for code in (0..=last).step_by(step).chain(edges.filter(|&code| code <= last)) {
            let number = spec.decode(code);
            assert_eq!(number.is_nan(), within(&nans, code), "{row:?}: NaN, {code:#x}");
            assert_eq!(number.is_infinite(), within(&infinities, code), "{row:?}: {code:#x}");
        }
    }
}

#[test]
fn documents_have_the_limits_of_every_format() {
    let text = document("docs/formats.md");
    let (_, behind) = text.split_once("\nformat         bits ").expect("the table of limits");
    let rows: Vec<Vec<&str>> = behind
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with("```"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, FormatSpec::ALL.iter().map(FormatSpec::name).collect::<Vec<_>>());
    for (row, spec) in rows.iter().zip(FormatSpec::ALL) {
        let info = spec.finfo();
        assert_eq!(row[1], info.bits.to_string(), "{row:?}");
        // INT1 has no positive number.
        let smallest = Some(info.smallest_positive).filter(|&number| number > 0.0);
        let numbers = [Some(info.max), Some(info.min), info.min_normal, smallest, info.epsilon];
        for (cell, number) in row[2..7].iter().zip(numbers) {
            let same = number.map_or(*cell == "-", |number| *cell != "-" && says(cell, number));
            assert!(same, "{}: {cell} for {number:?}", row[0]);
        }
        let specials = [
            (info.infinity, "inf"),
            (info.nan, "NaN"),
            (info.negative_zero, "-0"),
            (!info.zero, "no 0"),
        ];
        let specials: Vec<&str> =
            specials.into_iter().filter(|(has, _)| *has).map(|(_, special)| special).collect();
        assert_eq!(row[7..].join(" "), specials.join(", "), "{}", row[0]);
    }
}

#[test]
fn documents_describe_integers_and_codebooks() {
    let rows = table(&document("docs/formats.md"), "| format | definition |");
    let row = |name: &str| rows.iter().find(|row| row[0] == name).expect(name)[1].clone();
    let says = |name: &str, phrase: String| {
        let phrase = phrase.replace('-', "−");
        assert!(row(name).contains(&phrase), "{name} does not say {phrase:?}");
    };
    for name in rows.iter().flat_map(|row| row[0].split([',', ' '])) {
        assert!(["", "to"].contains(&name) || spec_of(name).bits() <= 8);
    }
    let info = |name: &str| spec_of(name).finfo();
    let (mxint8, nf4, map) = (info("MXINT8"), info("NF4"), info("BNBDYNAMIC8"));
    says("MXINT8", format!("over 64, {} to {}/64", mxint8.min, 64.0 * mxint8.max));
    says("MXINT8SYM", format!("never produces {}", mxint8.min));
    says("NF4", format!("{} quantiles", spec_of("NF4").code_count()));
    says("NF4", format!("from {} to {}", nf4.min, nf4.max));
    let af4 = |code| spec_of("AF4").decode_f64(code);
    says("AF4", format!("code 0 is {}, code 15 is {}", af4(0), af4(15)));
    let of_map = (spec_of("BNBDYNAMIC8").code_count(), map.min, map.max);
    says("BNBDYNAMIC8", format!("{} numbers from {:.3} to {}", of_map.0, of_map.1, of_map.2));
    // The fractions of bitsandbytes' FP4 are f32s there.
    let fp4 = row("BNBFP4");
    let fractions =
        fp4.split_once(": ").and_then(|(_, list)| list.split_once(" and ")).expect("list");
    let written: BTreeSet<u32> =
        fractions.0.split(", ").map(|text| (written(text) as f32).to_bits()).collect();
    let numbers = (0..16).map(|code| spec_of("BNBFP4").decode_f32(code).abs().to_bits());
    assert_eq!(written, numbers.collect::<BTreeSet<u32>>());
}

/// The table of formats in the README: names, and a cell for each or one for all of them.
#[test]
fn documents_introduce_formats_with_their_limits() {
    let rows = table(&document("README.md"), "| format | bits | max | smallest | specials |");
    let mut compared = 0;
    for row in &rows {
        // Without what is in parentheses, and without rows of families.
        let behind = |part: &str| part.split_once(')').map_or(part, |(_, rest)| rest).to_owned();
        let names: String = row[0].split('(').map(behind).collect();
        if names.contains(['…', '`']) || row[1].contains('…') {
            continue;
        }
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        for (cell, column) in row[1..4].iter().zip(["bits", "max", "smallest"]) {
            let cells: Vec<&str> = cell.split(", ").filter(|cell| !cell.is_empty()).collect();
            assert!(cells.len() <= 1 || cells.len() == names.len(), "{row:?}: {column}");
            for (name, cell) in names.iter().zip(cells.iter().cycle()) {
                let info = spec_of(name).finfo();
                let number = match column {
                    "bits" => f64::from(info.bits),
                    "max" => info.max,
                    _ => info.smallest_positive,
                };
                assert!(says(cell, number), "{name}: {column} {cell} for {number:?}");
                compared += 1;
            }
        }
        // Which specials any of them has; the cell says in words which.
        let any = |has: fn(&Finfo) -> bool| names.iter().any(|name| has(&spec_of(name).finfo()));
        let specials = [
            ("inf", any(|info| info.infinity)),
            ("NaN", any(|info| info.nan)),
            ("−0", any(|info| info.negative_zero)),
        ];
        for (special, has) in specials {
            assert_eq!(row[4].contains(special), has, "{row:?}: {special}");
        }
    }
    assert!(compared > 50, "{compared} numbers");
}

#[test]
fn documents_list_every_policy_of_a_vendor() {
    let rows = table(&document("docs/formats.md"), "| constants | evidence |");
    let listed: BTreeSet<&str> =
        rows.iter().flat_map(|row| row[0].split('`').skip(1).step_by(2)).collect();
    let source = document("src/vendor.rs");
    let constants = source.lines().filter_map(|line| line.trim().strip_prefix("pub const "));
    // Beside the policies there is their list.
    let policies = constants.filter_map(|line| line.split_once(": Self"));
    let constants: BTreeSet<&str> = policies.map(|(name, _)| name).collect();
    assert_eq!(listed, constants);
}

/// Numbers of presets that are written out in prose.
#[cfg(feature = "presets")]
#[test]
fn documents_count_presets() {
    use subhalf::preset::{Evidence, Preset};

    let count = subhalf::preset::all().count();
    let is_checked = |preset: &&Preset| matches!(preset.evidence, Evidence::Checked);
    let checked = subhalf::preset::all().filter(is_checked).count();
    for (file, phrase) in [
        ("README.md", format!("{checked} of the {count} presets are *checked*")),
        ("README.md", format!("; {count} presets;")),
        ("README.md", format!("of the {count} presets")),
        ("docs/schemes.md", format!("lists all {count} with")),
        ("docs/benchmarks.md", format!("of the {count} presets")),
    ] {
        assert!(document(file).contains(&phrase), "{file} does not say {phrase:?}");
    }
}
