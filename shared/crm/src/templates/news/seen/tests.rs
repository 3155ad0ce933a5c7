use super::*;

#[test]
fn the_texts_of_templates_for_codes_are_the_providers_own() {
    let remote = json!({
        "id": "701", "name": "code", "language": "en_US", "status": "APPROVED", "category": "AUTHENTICATION",
        "components": [{ "type": "BODY", "text": "*{{1}}* is your verification code." }],
    });
    let remote: RemoteTemplate = serde_json::from_value(remote).unwrap();
    let now = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut template = made_elsewhere(ChannelId::at(now), "9001", &remote, now).unwrap();
    template.components = json!([{ "type": "BODY", "add_security_recommendation": true }]);
    assert_eq!(other_content(&template, &remote), None);
    assert!(!differs(&template, &remote, now));
}
