//! What the programs said: errors that somebody should look at.

use std::{fs, path::Path};

use serde_json::Value;

/// Lines of the logs that a healthy installation does not write.
#[derive(Clone, Debug, Default)]
pub struct LogFindings {
    /// Lines of level error, and of warnings about deadlocks, each with its log's name.
    pub errors: Vec<String>,
    /// Panics.
    pub panics: Vec<String>,
    /// Warnings.
    pub warnings: usize,
    /// Whether the database was made to go away: then statements fail, and programs say so.
    pub database_was_hurt: bool,
}

impl LogFindings {
    /// The errors that a database which went away for a moment does not explain. The driver logs some of its own, with words of its own.
    pub fn unexpected(&self) -> Vec<String> {
        const EXPLAINED: [&str; 2] = ["cannot complete the database statement", r#""target":"sqlx_core::pool"#];
        let explained = |line: &&String| self.database_was_hurt && EXPLAINED.iter().any(|words| line.contains(words));
        self.panics.iter().chain(self.errors.iter().filter(|line| !explained(line))).cloned().collect()
    }
}

/// Reads every log in a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn scan(folder: &Path, database_was_hurt: bool) -> std::io::Result<LogFindings> {
    let mut findings = LogFindings { database_was_hurt, ..LogFindings::default() };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read(entry.path())?;
        for line in String::from_utf8_lossy(&text).lines() {
            let level = serde_json::from_str::<Value>(line).ok().and_then(|line| line["level"].as_str().map(str::to_owned));
            match level.as_deref() {
                Some("ERROR") => findings.errors.push(format!("{name}: {line}")),
                Some("WARN") if line.contains("deadlock") || line.contains("40P01") => findings.errors.push(format!("{name}: {line}")),
                Some("WARN") => findings.warnings += 1,
                None if line.contains("panicked at") => findings.panics.push(format!("{name}: {line}")),
                _ => {}
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hurt_database_explains_failed_statements_and_connections() {
        let folder = tempfile::tempdir().expect("a folder");
        let lines = [
            r#"{"level":"ERROR","message":"cannot store","error":"cannot complete the database statement: eof","target":"crm"}"#,
            r#"{"level":"ERROR","message":"error returned from after_connect","error":"eof","target":"sqlx_core::pool::inner"}"#,
            r#"{"level":"ERROR","message":"the counters differ","target":"crm"}"#,
            "thread 'main' panicked at api/src/main.rs",
        ];
        fs::write(folder.path().join("api.log"), lines.join("\n")).expect("a log");
        assert_eq!(scan(folder.path(), false).expect("a folder of logs").unexpected().len(), 4);
        let unexpected = scan(folder.path(), true).expect("a folder of logs").unexpected();
        assert_eq!(unexpected.len(), 2, "{unexpected:?}");
    }
}
