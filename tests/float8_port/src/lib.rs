//! One program, compiled with float8 and with subhalf; the tests compare the codes that it makes.

pub mod with_float8 {
    use float8::{F8E4M3, F8E5M2};
    include!("program.rs");
}

pub mod with_subhalf {
    use subhalf::{F8E4M3, F8E5M2};
    include!("program.rs");
}

#[cfg(test)]
mod casts;
#[cfg(test)]
mod differences;

#[cfg(test)]
mod tests {
    use super::{with_float8, with_subhalf};

    /// Lines of the program that are not blank and no comments.
    #[test]
    fn the_program_has_about_60_lines() {
        let lines = include_str!("program.rs").lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!((50..=65).contains(&lines), "{lines}");
    }

    /// The same codes, but for one mistake of float8: a draw from [0, 1) that rounds to 1 stays 1,
    /// where subhalf takes the number below.
    #[test]
    fn codes_and_text_are_the_same() {
        const ONE: u64 = 0x3C;
        let mut same = 0;
        for seed in 0..2000 {
            let (theirs, ours) = (with_float8::run(seed), with_subhalf::run(seed));
            let [their_draws, our_draws] = [&theirs.0, &ours.0].map(|text| {
                let layer: serde_json::Value = serde_json::from_str(text).unwrap();
                let gradient = layer["gradient"].as_array().unwrap().clone();
                gradient.iter().map(|code| code.as_u64().unwrap()).collect::<Vec<_>>()
            });
            let corrected =
                their_draws.iter().map(|&code| if code == ONE { ONE - 1 } else { code });
            assert!(corrected.eq(our_draws), "{seed}");
            if !their_draws.contains(&ONE) {
                assert_eq!(theirs, ours, "{seed}");
                same += 1;
            }
        }
        assert!(same > 400, "{same}");
    }
}
