//! The table: medians over the rounds, ratios, goals.

use std::{collections::BTreeMap, fmt::Write, fs::OpenOptions, io::Write as _, path::Path};

use serde::Serialize;

use super::{Case, Told, cpu::Sampler};

/// What one run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What ran.
    pub case: Case,
    /// In which round.
    pub round: usize,
    /// Messages sent and stored.
    pub messages: u32,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// CPU seconds by process, meanwhile.
    pub cpu: BTreeMap<String, f64>,
    /// Most resident bytes of the sending process.
    pub resident: Option<u64>,
    /// Other figures of this case.
    pub extra: BTreeMap<String, f64>,
    /// Processes that wanted to run on this machine, on average over the last minute.
    pub load: f64,
}

impl Run {
    /// What a program told, with what `own` processes and the servers used meanwhile. The first of `own` is the one whose memory counts.
    pub fn of(told: &Told, sampler: &Sampler, own: &[&str]) -> Self {
        let names = own.iter().copied().chain(["postgres", "redis", "provider"]);
        let cpu = names.filter_map(|name| Some((name.to_owned(), sampler.used(name, told.begin, told.end)?))).collect();
        Self {
            case: Case::None,
            round: 0,
            messages: told.messages,
            seconds: told.end - told.begin,
            cpu,
            resident: own.first().and_then(|name| sampler.peak(name)),
            extra: BTreeMap::new(),
            load: load(),
        }
    }

    /// Messages per second.
    pub fn rate(&self) -> f64 {
        f64::from(self.messages) / self.seconds
    }

    /// CPU microseconds per message of everything but the provider's stand-in.
    pub fn cost(&self) -> f64 {
        let used: f64 = self.cpu.iter().filter(|(name, _)| *name != "provider").map(|(_, seconds)| seconds).sum();
        used * 1e6 / f64::from(self.messages)
    }

    fn cost_of(&self, name: &str) -> f64 {
        self.cpu.get(name).copied().unwrap_or_default() * 1e6 / f64::from(self.messages)
    }

    /// Part of the machine that its own processes got.
    fn share(&self) -> f64 {
        let used: f64 = self.cpu.values().sum();
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| f64::from(u32::try_from(cores.get()).unwrap_or(1)));
        used / (cores * self.seconds)
    }

    /// The run in one line.
    pub fn line(&self) -> String {
        let mut line = format!(
            "round {} {:6} {:>8.0} msg/s  {:>5.2} s  {:>6.1} µs/msg (",
            self.round,
            format!("{:?}", self.case).to_lowercase(),
            self.rate(),
            self.seconds,
            self.cost()
        );
        for name in self.cpu.keys() {
            let _ = write!(line, "{name} {:.1} ", self.cost_of(name));
        }
        let _ = write!(line, ")  share {:.2}  load {:.1}", self.share(), self.load);
        for (name, value) in &self.extra {
            let _ = write!(line, "  {name} {value:.2}");
        }
        line
    }
}

/// Load of the last minute.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(f64::NAN)
}

/// Keeps every run as a line of JSON.
pub fn append(data: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(data.join("results.jsonl"))?;
    for run in runs {
        writeln!(file, "{}", serde_json::to_string(run)?)?;
    }
    Ok(())
}

/// The table and the ratios.
pub fn table(runs: &[Run]) -> String {
    let mut text = String::from("\n           msg/s   µs CPU/msg     own  postgres  redis  peak MB  share   n\n");
    for case in [Case::None, Case::Spike, Case::Bullmq, Case::Ours, Case::Grown] {
        let of: Vec<&Run> = runs.iter().filter(|run| run.case == case).collect();
        if of.is_empty() {
            continue;
        }
        let resident = median(of.iter().map(|run| run.resident.map_or(f64::NAN, megabytes)));
        let others = median(of.iter().map(|run| run.cost() - run.cost_of("postgres") - run.cost_of("redis")));
        let _ = writeln!(
            text,
            "{:8} {:>7.0} {:>12.1} {others:>7.1} {:>9.1} {:>6.1} {resident:>8.0} {:>6.2} {:>3}",
            format!("{case:?}").to_lowercase(),
            median(of.iter().map(|run| run.rate())),
            median(of.iter().map(|run| run.cost())),
            median(of.iter().map(|run| run.cost_of("postgres"))),
            median(of.iter().map(|run| run.cost_of("redis"))),
            median(of.iter().map(|run| run.share())),
            of.len(),
        );
    }
    text.push('\n');
    ratio(&mut text, runs, "rate, ours ÷ spike", (Case::Ours, Case::Spike), Run::rate, "≥ 0.4, later 0.6");
    ratio(&mut text, runs, "rate, ours ÷ bullmq", (Case::Ours, Case::Bullmq), Run::rate, "≥ 3, later 5");
    ratio(&mut text, runs, "CPU, bullmq ÷ ours", (Case::Bullmq, Case::Ours), Run::cost, "≥ 6");
    ratio(&mut text, runs, "CPU, ours ÷ spike", (Case::Ours, Case::Spike), Run::cost, "≤ 1.65");
    ratio(&mut text, runs, "CPU, ten times the recipients", (Case::Grown, Case::Ours), Run::cost, "≤ 1.2");
    for case in [Case::Ours, Case::Grown] {
        let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.case == case) {
            for (name, value) in &run.extra {
                figures.entry(name).or_default().push(*value);
            }
        }
        for (name, values) in figures {
            let _ = writeln!(text, "{:6} {name:34} {:>10.2}", format!("{case:?}").to_lowercase(), median(values.into_iter()));
        }
    }
    text
}

/// The ratio of two cases, from the medians.
fn ratio(text: &mut String, runs: &[Run], name: &str, (above, below): (Case, Case), figure: fn(&Run) -> f64, goal: &str) {
    let of = |case| median(runs.iter().filter(|run| run.case == case).map(figure));
    let ratio = of(above) / of(below);
    if ratio.is_finite() {
        let _ = writeln!(text, "{name:32} {ratio:>7.2}   goal {goal}");
    }
}

/// The middle value; not a number when there is none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
