//! Workers that die, freeze, or lose an answer while a template is on its way to the provider: it has it exactly once.

use std::{collections::BTreeSet, fs, os::unix::process::ExitStatusExt, path::Path, time::Duration};

use serde_json::{Value, json};
use tests::{
    chaos::{Provider, TemplateText, Tenant},
    processes::{Stack, StackOptions},
    simulator::{TemplateCalls, TemplateEntry},
    wait::{self, Look},
};

const PATIENCE: Duration = Duration::from_secs(45);
/// Signal 9.
const KILLED: Option<i32> = Some(9);
const BEFORE: &str = "The bakery opens at seven.";
const AFTER: &str = "The bakery opens at eight.";

/// Points of the first submission, in the order in which a run passes them.
const SUBMISSION: &[&str] = &[
    "templates.submit.looked",
    "templates.submit.beforeCreate",
    "templates.submit.created",
    "templates.submit.beforeRecord",
    "templates.submit.recorded",
];
/// Points of a change of a template that the provider has.
const EDIT: &[&str] = &[
    "templates.submit.looked",
    "templates.submit.beforeEdit",
    "templates.submit.edited",
    "templates.submit.beforeRecord",
    "templates.submit.recorded",
];
const DELETION: &[&str] = &[
    "templates.delete.looked",
    "templates.delete.beforeDelete",
    "templates.delete.deleted",
    "templates.delete.beforeRecord",
    "templates.delete.recorded",
];

/// An installation without a worker, whose jobs are taken over soon after a crash, with a company that has a number and a template.
struct Scene {
    stack: Stack,
    provider: Provider,
    tenant: Tenant,
}

impl Scene {
    async fn set() -> Self {
        let settings = vec![("JOBS__LEASE_S", "3".to_owned()), ("JOBS__POLL_S", "1".to_owned())];
        let mut stack = Stack::start(&StackOptions { workers: 1, settings, ..StackOptions::default() }).await.unwrap();
        let provider = Provider::at(&stack.simulator_url()).unwrap();
        provider.set_faults(json!({ "reviewDelayMs": 100 })).await.unwrap();
        let tenant = Tenant::settle(&stack, 100).await.unwrap();
        stack.terminate_worker(0).await.unwrap();
        Self { stack, provider, tenant }
    }

    /// Starts a worker that dies at `point`, and waits until it has.
    async fn die_at(&mut self, point: &str) {
        self.stack.start_armed_worker(0, &format!("{point}=return")).await.unwrap();
        let status = self.stack.wait_for_worker_end(0, PATIENCE).await.unwrap_or_else(|error| panic!("{point} was not reached: {error}"));
        assert_eq!(status.signal(), KILLED, "{point}: {status}");
    }

    /// Starts a worker that lives, and waits until the template is as it shall be.
    async fn recover(&mut self, template: &str, point: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        self.stack.start_worker(0).await.unwrap();
        let there = self.tenant.wait_for_template(template, is_there).await.unwrap_or_else(|error| panic!("{point}: {error}"));
        self.stack.terminate_worker(0).await.unwrap();
        there
    }

    /// The one template of a name that the provider has, and ever had.
    async fn only_template(&self, name: &str) -> TemplateEntry {
        let (mut found, _) = self.provider.templates(name).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// What the provider has executed so far.
    async fn calls(&self) -> TemplateCalls {
        self.provider.templates("").await.unwrap().1
    }
}

/// Creations, edits and deletions executed between two looks.
fn executed(after: &TemplateCalls, before: &TemplateCalls) -> [u64; 3] {
    [after.created - before.created, after.edited - before.edited, after.deleted - before.deleted]
}

fn is_approved(template: &Value) -> bool {
    template["status"] == "APPROVED"
}

/// `created` → a name of the provider's kind.
fn name_of(point: &str) -> String {
    point.to_ascii_lowercase().replace('.', "_")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_of_a_submission_leaves_one_template() {
    let mut scene = Scene::set().await;
    for point in SUBMISSION {
        let before = scene.calls().await;
        let name = name_of(point);
        let template = scene.tenant.draft(TemplateText { name: &name, body: BEFORE }).await.unwrap();
        scene.tenant.submit(&template).await.unwrap();
        scene.die_at(point).await;
        let ours = scene.recover(&template, point, is_approved).await;
        let theirs = scene.only_template(&name).await;
        assert_eq!(ours["providerId"], *theirs.id, "{point}");
        assert_eq!((theirs.status.as_str(), theirs.versions), ("APPROVED", 1), "{point}");
        assert_eq!(executed(&scene.calls().await, &before), [1, 0, 0], "{point}");
    }
    assert!(scene.stack.unexpected_ends().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_of_an_edit_leaves_it_done_once() {
    let mut scene = Scene::set().await;
    for point in EDIT {
        let name = name_of(point);
        let template = scene.tenant.draft(TemplateText { name: &name, body: BEFORE }).await.unwrap();
        scene.tenant.submit(&template).await.unwrap();
        scene.recover(&template, point, is_approved).await;
        let before = scene.calls().await;
        scene.tenant.rewrite(&template, AFTER).await.unwrap();
        scene.tenant.submit(&template).await.unwrap();
        scene.die_at(point).await;
        let is_changed = |template: &Value| is_approved(template) && template["version"] == 2 && template["draft"].is_null();
        let ours = scene.recover(&template, point, is_changed).await;
        assert_eq!(ours["components"][0]["text"], AFTER, "{point}");
        let theirs = scene.only_template(&name).await;
        assert_eq!((theirs.status.as_str(), theirs.versions), ("APPROVED", 2), "{point}");
        assert_eq!(executed(&scene.calls().await, &before), [0, 1, 0], "{point}");
        assert_eq!(ours["providerId"], *theirs.id, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_of_a_deletion_leaves_nothing() {
    let mut scene = Scene::set().await;
    for point in DELETION {
        let name = name_of(point);
        let template = scene.tenant.draft(TemplateText { name: &name, body: BEFORE }).await.unwrap();
        scene.tenant.submit(&template).await.unwrap();
        scene.recover(&template, point, is_approved).await;
        let before = scene.calls().await;
        scene.tenant.delete(&template).await.unwrap();
        scene.die_at(point).await;
        scene.recover(&template, point, |template| template["status"] == "DELETED").await;
        assert_eq!(scene.only_template(&name).await.status, "DELETED", "{point}");
        assert_eq!(executed(&scene.calls().await, &before), [0, 0, 1], "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_whose_answer_was_lost_is_found_again() {
    let mut scene = Scene::set().await;
    let before = scene.calls().await;
    scene.provider.set_faults(json!({ "template": { "executedButCut": 1 } })).await.unwrap();
    scene.stack.start_worker(0).await.unwrap();
    let template = scene.tenant.draft(TemplateText { name: "cut", body: BEFORE }).await.unwrap();
    scene.tenant.submit(&template).await.unwrap();
    let ours = scene.tenant.wait_for_template(&template, is_approved).await.unwrap();
    let theirs = scene.only_template("cut").await;
    assert_eq!(ours["providerId"], *theirs.id);
    let after = scene.calls().await;
    // The next try looked first, so nothing was refused as a duplicate.
    assert_eq!((executed(&after, &before), after.refused), ([1, 0, 0], before.refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_froze_before_the_creation_wakes_up_too_late() {
    const POINT: &str = "templates.submit.beforeCreate";
    let mut scene = Scene::set().await;
    let before = scene.calls().await;
    // It has looked and found nothing; it stands still long enough to be frozen there.
    scene.stack.start_armed_worker(0, &format!("{POINT}=sleep(1500)")).await.unwrap();
    let template = scene.tenant.draft(TemplateText { name: "frozen", body: BEFORE }).await.unwrap();
    scene.tenant.submit(&template).await.unwrap();
    let reached = format!("crash point {POINT} is reached");
    wait::until(PATIENCE, async || {
        Ok(if says(scene.stack.worker(0).log(), &reached) { Look::There(()) } else { Look::NotYet(reached.clone()) })
    })
    .await
    .unwrap();
    scene.stack.worker(0).signal("STOP").await.unwrap();
    // Its lease ends, and another one does the work.
    let other = scene.stack.add_worker().await.unwrap();
    let ours = scene.tenant.wait_for_template(&template, is_approved).await.unwrap();
    scene.stack.worker(0).signal("CONT").await.unwrap();
    // It creates what it thinks is missing and is refused, or is cut off before; whichever it is, it has ended when the worker has.
    for place in [0, other] {
        scene.stack.terminate_worker(place).await.unwrap();
    }
    let theirs = scene.only_template("frozen").await;
    assert_eq!(executed(&scene.calls().await, &before), [1, 0, 0]);
    assert_eq!(ours["providerId"], *theirs.id);
    let now = scene.tenant.template(&template).await.unwrap();
    assert_eq!((&now["status"], &now["reason"], &now["version"]), (&ours["status"], &ours["reason"], &ours["version"]));
}

/// Every point that the product names is in one of the lists above, and the other way round.
#[test]
fn every_point_has_its_crash() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/crm/src");
    let mut named = BTreeSet::new();
    points(&source, &mut named);
    let tried: BTreeSet<String> = [SUBMISSION, EDIT, DELETION].concat().into_iter().map(str::to_owned).collect();
    assert_eq!(named, tried);
}

fn points(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            points(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let calls = text.split("crash_point(\"").skip(1).filter_map(|rest| rest.split_once('"'));
            found.extend(calls.map(|(name, _)| name.to_owned()));
        }
    }
}

fn says(log: &Path, words: &str) -> bool {
    fs::read_to_string(log).unwrap_or_default().contains(words)
}
