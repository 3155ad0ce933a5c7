//! CPU time and memory of processes, from `/proc`: who burnt what while messages went out.
//!
//! Elsewhere than on Linux nothing is known, and the report says so.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::{Clock, SystemClock};
use tokio::task::JoinHandle;

/// Ticks of CPU time per second that `/proc` counts in: 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often the times are read.
const EVERY: Duration = Duration::from_millis(100);

/// Seconds since 1970.
pub fn now() -> f64 {
    let now = SystemClock.now();
    seconds(now)
}

/// An instant as seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit until the year 2255")]
pub fn seconds(instant: chrono::DateTime<chrono::Utc>) -> f64 {
    instant.timestamp_micros() as f64 / 1e6
}

/// Reads the CPU time of some processes, their children included, again and again.
#[derive(Debug)]
pub struct Sampler {
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    roots: BTreeMap<&'static str, u32>,
    /// Of each root: when, and CPU seconds up to then.
    samples: BTreeMap<&'static str, Vec<(f64, f64)>>,
    /// Of each root: most resident bytes.
    peaks: BTreeMap<&'static str, u64>,
}

impl Sampler {
    /// Begins with these processes.
    pub fn start(roots: impl IntoIterator<Item = (&'static str, u32)>) -> Self {
        let shared = Arc::new(Mutex::new(Shared { roots: roots.into_iter().collect(), ..Shared::default() }));
        let sampled = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            loop {
                ticks.tick().await;
                sampled.lock().unwrap_or_else(PoisonError::into_inner).sample();
            }
        });
        Self { shared, task }
    }

    /// Watches one process more.
    pub fn add(&mut self, name: &'static str, pid: u32) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).roots.insert(name, pid);
    }

    /// Reads once more at this very moment, so that what just ended lies between two samples.
    pub fn read_now(&self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).sample();
    }

    /// CPU seconds that a process and its children used between two instants; none when nothing is known of it.
    pub fn used(&self, name: &str, begin: f64, end: f64) -> Option<f64> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = shared.samples.get(name)?;
        Some(at(samples, end)? - at(samples, begin)?)
    }

    /// Most resident bytes that a process had so far.
    pub fn peak(&self, name: &str) -> Option<u64> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).peaks.get(name).copied()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn sample(&mut self) {
        for (name, pid) in &self.roots {
            let when = now();
            if let Some(cpu) = cpu_of_tree(*pid) {
                self.samples.entry(name).or_default().push((when, cpu));
            }
            if let Some(bytes) = peak_of(*pid) {
                self.peaks.insert(name, bytes);
            }
        }
    }
}

/// The value at an instant, on the line between the samples around it.
fn at(samples: &[(f64, f64)], instant: f64) -> Option<f64> {
    let after = samples.partition_point(|(when, _)| *when < instant);
    match (after.checked_sub(1).and_then(|before| samples.get(before)), samples.get(after)) {
        (Some((t0, c0)), Some((t1, c1))) => Some(c0 + (c1 - c0) * (instant - t0) / (t1 - t0)),
        (Some((_, only)), None) | (None, Some((_, only))) => Some(*only),
        (None, None) => None,
    }
}

/// CPU seconds of a process, of its children that ended, and of its descendants that live.
fn cpu_of_tree(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; user, system and the same of ended children are the 14th to 17th field.
    let fields = stat.get(stat.rfind(')')? + 2..)?.split_ascii_whitespace();
    let ticks: u32 = fields.skip(11).take(4).filter_map(|field| field.parse::<u32>().ok()).sum();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below: f64 = children.split_ascii_whitespace().filter_map(|child| cpu_of_tree(child.parse().ok()?)).sum();
    Some(f64::from(ticks) / TICKS_PER_SECOND + below)
}

/// Most resident bytes that the process itself ever had.
fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kib * 1024)
}
