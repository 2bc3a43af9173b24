//! `subhalf accumulators`: its table and its picture.

use super::{Scratch, printed, refusal};

#[test]
fn the_table_and_the_picture_name_every_accumulator() {
    let svg = Scratch::new("accumulators.svg");
    let text = printed(["accumulators", svg.name()]);
    let rows: Vec<Vec<&str>> =
        text.lines().skip(4).map(|line| line.split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), 15, "{text}");
    let picture = std::fs::read_to_string(&svg.0).expect("a picture");
    for row in &rows {
        assert_eq!(row.len(), 13, "a name, ten errors and the two ends: {text}");
        assert_eq!(picture.lines().filter(|line| line.trim() == row[1]).count(), 1, "{}", row[1]);
    }
    // Sums of 128 products in F32 are exact; in BF16 they keep eight binary digits.
    assert_eq!((rows[7][1], rows[7][2]), ("F32", "0.0e0"));
    assert_eq!((rows[0][1], rows[0][2]), ("BF16", "1.4e-2"));
    // 13 bits lose more with every product, promoted sums do not; 25 bits lose little.
    let error = |name: &str, column: usize| -> f64 {
        let row = rows.iter().find(|row| row[1] == name).expect("a unit's row");
        row[column].parse().expect("a number")
    };
    assert!(error("Hopper wgmma", 11) > 10.0 * error("Hopper wgmma, promoted", 11));
    assert_eq!(error("Hopper wgmma", 2), error("Hopper wgmma, promoted", 2));
    assert!(error("Ada", 11) > 100.0 * error("Blackwell", 11));
}

#[test]
fn a_picture_that_cannot_be_written_is_one_line_and_a_failure() {
    let (code, line) = refusal(["accumulators", "a.svg", "b.svg"]);
    assert_eq!(
        (code, line.as_str()),
        (Some(2), "subhalf accumulators: unexpected argument 'b.svg' found")
    );
}
