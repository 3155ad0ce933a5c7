//! Files that are recorded from the code: `deploy/local prepare` renews them.

use serde_json::Value;

#[test]
fn the_recorded_description_of_the_api_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../api/openapi.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the recorded description")).expect("JSON");
    let current = api::openapi::document();
    // Told by operation and schema, because two whole documents would fill the screen.
    for part in ["/paths", "/components/schemas", "/components/securitySchemes", "/info", "/security"] {
        let (recorded, current) = (recorded.pointer(part), current.pointer(part));
        if let (Some(Value::Object(recorded)), Some(Value::Object(current))) = (recorded, current) {
            let names: std::collections::BTreeSet<_> = recorded.keys().chain(current.keys()).collect();
            let stale: Vec<_> = names.into_iter().filter(|name| recorded.get(*name) != current.get(*name)).collect();
            assert!(stale.is_empty(), "api/openapi.json is stale (deploy/local prepare renews it): {part} {stale:?}");
        } else {
            assert_eq!(recorded, current, "api/openapi.json is stale (deploy/local prepare renews it): {part}");
        }
    }
}
