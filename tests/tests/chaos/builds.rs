//! Which builds can be told to crash: those of tests, and no others.

use std::process::Command;

use tests::processes::locate;

/// What cargo would build of the crate `fail` with these arguments: the same resolution of features as that of a build.
fn tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--invert", "fail"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names of crates")
}

#[test]
fn only_builds_of_tests_have_crash_points() {
    // As `deploy/local` builds what runs.
    let programs = ["-p", "api", "-p", "worker", "-p", "scheduler", "-p", "tests"];
    assert_eq!(tree(&[&programs[..], &["--edges", "normal,build"]].concat()), "");
    let of_tests = tree(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(of_tests.starts_with("fail "), "{of_tests}");
}

#[test]
fn a_worker_says_that_it_can_be_told_to_crash() {
    let said = Command::new(locate("worker").expect("the worker is built")).arg("--version").output().expect("the worker runs").stdout;
    let said = String::from_utf8(said).expect("text");
    assert!(said.contains("with crash points"), "built for use, not for tests: {said}");
}
