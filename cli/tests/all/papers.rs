//! `subhalf papers`: the claims stand in the document as the program prints them.

use super::printed;

#[test]
fn claims_stand_in_the_document_with_metric_and_threshold() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/papers.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let claims = printed(["papers", "--claims"]);
    assert!(document.contains(&claims), "docs/papers.md has another table of claims:\n{claims}");
    let count = claims.lines().count() - 2;
    assert!(document.contains(&format!(" of {count} claims reproduced.")));
    // Each claim is in the table of results too, those that were not reproduced first.
    let (_, results) = document.split_once("| paper | claim | ours |").expect("results");
    let rows = || results.lines().skip(2).take(count);
    for claim in claims.lines().skip(2) {
        let statement = claim.split('|').nth(2).expect("a statement");
        assert!(rows().any(|row| row.split('|').nth(2) == Some(statement)), "{statement}");
    }
    let verdicts: Vec<bool> = rows().map(|row| row.ends_with("| yes |")).collect();
    assert!(verdicts.is_sorted() && !verdicts[0]);
}
