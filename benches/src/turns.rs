//! Rows that run in turns, each right behind the row that it is a part of, so that a noisy
//! neighbour meets both alike: what counts is the median of their ratios.

use std::time::Instant;

use subhalf::Isa;

/// What the programs that measure in turns are told.
#[derive(clap::Args)]
pub struct Turns {
    /// Runs the rows whose names have one of these in them; all without any.
    filters: Vec<String>,
    /// Turns of every row; without, as many as its program found enough.
    #[arg(long)]
    turns: Option<usize>,
    /// The instruction set: portable, avx2, avx512 or avx512vbmi, as far as the machine has it; the
    /// widest without.
    #[arg(long, value_parser = isa)]
    pub isa: Option<Isa>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn isa(name: &str) -> Result<Isa, String> {
    Isa::available().find(|isa| isa.name() == name).ok_or_else(|| {
        let all: Vec<&str> = Isa::available().map(Isa::name).collect();
        format!("this machine has {}", all.join(", "))
    })
}

impl Turns {
    pub fn isa(&self) -> Isa {
        self.isa.unwrap_or_else(Isa::best)
    }
}

/// What the command line says; nothing if it is a test's, for `cargo test --all-targets` starts
/// benchmarks too, with arguments of its own.
pub fn arguments<Arguments: clap::Parser>(name: &str) -> Option<Arguments> {
    if std::env::args().any(|argument| argument == "--bench" || argument == "--help") {
        return Some(Arguments::parse());
    }
    println!("`cargo bench -p subhalf-benches --bench {name}` measures");
    None
}

/// A row of a table, as others name it.
#[derive(Clone, Copy)]
pub struct RowId(usize);

struct Row<'a> {
    name: String,
    /// What it is a part of: in every turn the faster of these.
    against: Vec<RowId>,
    /// What it does once, in the table's unit.
    count: usize,
    work: Box<dyn FnMut() + 'a>,
    is_control: bool,
}

/// How a table's rows run, and what in.
#[derive(Clone, Copy)]
pub struct Pace {
    /// What rows are counted in.
    pub unit: &'static str,
    /// Turns of every row.
    pub turns: usize,
    /// What a turn takes about; once at least.
    pub seconds: f64,
}

/// The medians of a row.
pub struct Measured {
    pub name: String,
    /// 10^9 of the pace's units a second.
    pub speed: f64,
    /// The row's speed over that of the rows that it is a part of.
    pub ratio: f64,
}

/// Rows of one table.
pub struct Table<'a> {
    title: &'static str,
    pace: Pace,
    turns: &'a Turns,
    rows: Vec<Row<'a>>,
}

impl<'a> Table<'a> {
    pub fn new(title: &'static str, pace: Pace, turns: &'a Turns) -> Self {
        Self { title, pace, turns, rows: Vec::new() }
    }

    /// A row that others are parts of; the filters leave it.
    pub fn control(
        &mut self,
        name: impl Into<String>,
        count: usize,
        work: impl FnMut() + 'a,
    ) -> RowId {
        self.rows.push(Row {
            name: name.into(),
            against: Vec::new(),
            count,
            work: Box::new(work),
            is_control: true,
        });
        RowId(self.rows.len() - 1)
    }

    /// A row, if the filters want it.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        against: impl IntoIterator<Item = RowId>,
        count: usize,
        work: impl FnMut() + 'a,
    ) -> Option<RowId> {
        let (name, filters) = (name.into(), &self.turns.filters);
        let wanted = filters.is_empty() || filters.iter().any(|filter| name.contains(filter));
        wanted.then(|| {
            let against = against.into_iter().collect();
            self.rows.push(Row { name, against, count, work: Box::new(work), is_control: false });
            RowId(self.rows.len() - 1)
        })
    }

    pub fn title(&self) -> &'static str {
        self.title
    }

    /// Runs all rows in turns, each right behind what it is a part of, prints the medians of speeds
    /// and of ratios, and returns those of rows that are parts of others. Nothing if the filters
    /// want none of them.
    pub fn print(mut self) -> Vec<Measured> {
        if self.rows.iter().all(|row| row.is_control) {
            return Vec::new();
        }
        let times: Vec<usize> = (0..self.rows.len())
            .map(|row| {
                self.seconds(row, 1);
                ((self.pace.seconds / self.seconds(row, 1)) as usize).clamp(1, 10_000)
            })
            .collect();
        let mut speeds = vec![Vec::new(); self.rows.len()];
        let mut ratios = vec![Vec::new(); self.rows.len()];
        for _ in 0..self.turns.turns.unwrap_or(self.pace.turns).max(1) {
            for row in 0..self.rows.len() {
                let speed = |table: &mut Self, row: usize| {
                    table.rows[row].count as f64 / table.seconds(row, times[row]) / 1e9
                };
                let beside = self.rows[row]
                    .against
                    .clone()
                    .into_iter()
                    .map(|RowId(of)| speed(&mut self, of))
                    .reduce(f64::max);
                let own = speed(&mut self, row);
                speeds[row].push(own);
                ratios[row].extend(beside.map(|beside| own / beside));
            }
        }
        println!("\n| {} | G {}/s | ratio |\n|---|---|---|", self.title, self.pace.unit);
        let mut measured = Vec::new();
        for ((row, speeds), ratios) in self.rows.iter().zip(speeds).zip(ratios) {
            let names: Vec<&str> =
                row.against.iter().map(|of| self.rows[of.0].name.as_str()).collect();
            let (speed, ratio) = (median(speeds).unwrap_or(f64::NAN), median(ratios));
            let part = ratio
                .map_or(String::new(), |ratio| format!("{ratio:.3} of {}", names.join(" or ")));
            println!("| {} | {speed:.2} | {part} |", row.name);
            measured.extend(ratio.map(|ratio| Measured { name: row.name.clone(), speed, ratio }));
        }
        measured
    }

    /// Seconds of a row's work, the mean of so many times.
    fn seconds(&mut self, row: usize, times: usize) -> f64 {
        let start = Instant::now();
        (0..times).for_each(|_| (self.rows[row].work)());
        start.elapsed().as_secs_f64() / times as f64
    }
}

/// Prints the ten rows of a table that reach least of what they are a part of.
pub fn print_slowest(title: &str, mut rows: Vec<Measured>) {
    rows.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    println!("\nThe slowest of {title}:");
    for Measured { name, speed, ratio } in rows.iter().take(10) {
        println!("- {name}: {:.2} ns an element, {ratio:.3} of its control row", 1.0 / speed);
    }
}

fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}
