//! `subhalf train`: every recipe trains, and the document has the rows that it prints.

use super::{Scratch, printed, refusal};

/// The first cells of the rows of a table.
fn names(table: &str) -> Vec<&str> {
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .collect()
}

#[test]
fn recipes_train_and_stand_in_the_document() {
    let (csv, picture) = (Scratch::new("train.csv"), Scratch::new("train.svg"));
    let arguments = ["train", "--seeds", "1", "--epochs", "2", "--csv"].map(std::ffi::OsStr::new);
    let files = [csv.0.as_os_str(), "--picture".as_ref(), picture.0.as_os_str()];
    let table = printed(arguments.into_iter().chain(files));
    let recipes = names(&table);
    assert_eq!(recipes.len(), 10, "{table}");
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/train.md");
    let document = std::fs::read_to_string(document).expect("the document");
    let (_, documented) = document.split_once("| recipe | training loss").expect("a table");
    assert_eq!(names(documented), recipes);

    let csv = std::fs::read_to_string(&csv.0).expect("a file");
    let mut reader = csv.lines();
    assert_eq!(reader.next(), Some("recipe,seed,epoch,training loss,test loss,test accuracy"));
    let rows: Vec<&str> = reader.collect();
    assert_eq!(rows.len(), 20);
    for (row, of) in rows.iter().zip(recipes.iter().flat_map(|name| [name, name])) {
        assert!(row.starts_with(&format!("\"{of}\",1,")), "{row}");
        // After an epoch of 15 steps even four bits tell more than every other digit.
        let accuracy: f64 = row.rsplit(',').next().expect("cells").parse().expect("a number");
        assert!((0.5..1.0).contains(&accuracy) || of.contains("kept in NVFP4"), "{row}");
    }
    let picture = std::fs::read_to_string(&picture.0).expect("a file");
    assert!(recipes.iter().all(|name| picture.contains(*name)));

    let (code, line) = refusal(["train", "--epochs", "0"]);
    assert!(code == Some(2) && line.contains("--epochs"), "{line}");
}
