mod api;
mod mail;

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::{Config, ConfigError, LogFormat};

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://crm_app@127.0.0.1/heliograph");

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_sources(Path::new("/does/not/exist.toml"), variables)
}

fn faults(variables: &[(&str, &str)]) -> String {
    load(variables).expect_err("must be refused").to_string()
}

fn with_file(content: &str, variables: &[(&str, &str)]) -> (PathBuf, Result<Config, ConfigError>) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("heliograph.toml");
    std::fs::write(&path, content).expect("written");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (path.clone(), Config::from_sources(&path, variables))
}

const PRODUCTION: [(&str, &str); 8] = [
    DATABASE,
    ("HELIOGRAPH_ENVIRONMENT", "production"),
    ("HELIOGRAPH_MAIL__SMTP_HOST", "mail.example.com"),
    ("HELIOGRAPH_API__PUBLIC_URL", "https://crm.example.com"),
    ("HELIOGRAPH_AUTH__JWT_SECRET", "0123456789012345678901234567890123456789"),
    ("HELIOGRAPH_SECRETS__MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
    ("HELIOGRAPH_WHATSAPP__APP_SECRET", "0123456789abcdef0123456789abcdef"),
    ("HELIOGRAPH_WHATSAPP__VERIFY_TOKEN", "a-token-of-the-operator"),
];

#[test]
fn a_database_address_is_all_that_development_needs() {
    let config = load(&[DATABASE]).expect("enough");
    assert_eq!(config.api.port, 8080);
    assert_eq!(config.sending.unknown_grace_s, 600);
    assert_eq!(config.telemetry.format, LogFormat::Pretty);
    assert!(config.redis.url.is_none());
    assert!(config.secrets.master_key_bytes().is_some());
}

#[test]
fn a_missing_database_address_is_named() {
    assert_eq!(faults(&[]), "the settings cannot be used\n  `database.url` (not set): is missing");
}

#[test]
fn the_environment_beats_the_file_and_long_names_beat_bare_ones() {
    let file = "[api]\nport = 1\nallowed_origins = [\"https://a.example\"]\n[sending]\nlease_s = 30\n";
    let (_, config) = with_file(file, &[DATABASE, ("HELIOGRAPH_API__PORT", "3"), ("PORT", "2")]);
    let config = config.expect("valid");
    assert_eq!(config.api.port, 3);
    assert_eq!(config.sending.lease_s, 30);
    assert_eq!(config.api.allowed_origins, ["https://a.example"]);
}

#[test]
fn a_wrong_value_names_its_setting_and_its_variable() {
    let text = faults(&[DATABASE, ("HELIOGRAPH_API__PORT", "http")]);
    assert_eq!(text, "the settings cannot be used\n  `api.port` (environment variable HELIOGRAPH_API__PORT): must be u16");
}

#[test]
fn a_wrong_value_in_the_file_names_the_file() {
    let (path, result) = with_file("[sending]\nlease_s = \"long\"\n", &[DATABASE]);
    let text = result.expect_err("refused").to_string();
    assert!(text.contains(&format!("`sending.lease_s` (file {})", path.display())), "{text}");
}

#[test]
fn a_file_that_is_no_toml_is_named() {
    let (path, result) = with_file("api = [\n", &[DATABASE]);
    let text = result.expect_err("refused").to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
}

#[test]
fn unknown_sections_and_keys_are_refused() {
    assert!(
        faults(&[DATABASE, ("HELIOGRAPH_API__PROT", "1")])
            .contains("`api.prot` (environment variable HELIOGRAPH_API__PROT): no such setting")
    );
    assert!(
        faults(&[DATABASE, ("HELIOGRAPH_APIS__PORT", "1")])
            .contains("`apis` (environment variable HELIOGRAPH_APIS__PORT): no such setting")
    );
    assert!(faults(&[DATABASE, ("HELIOGRAPH_API_PORT", "1")]).contains("two underscores"));
}

#[test]
fn variables_that_are_no_settings_are_left_alone() {
    let foreign = [
        DATABASE,
        ("HELIOGRAPH_TEST_DATABASE_URL", "postgres://x"),
        ("HELIOGRAPH_API_SERVICE_HOST", "10.0.0.1"),
        ("HELIOGRAPH_API_PORT", "tcp://10.0.0.1:80"),
        ("HELIOGRAPH_REDIS__URL", ""),
    ];
    assert!(load(&foreign).expect("valid").redis.url.is_none());
}

#[test]
fn a_secret_of_digits_stays_a_text() {
    let config = load(&[DATABASE, ("HELIOGRAPH_WHATSAPP__VERIFY_TOKEN", "00123")]).expect("valid");
    assert_eq!(config.whatsapp.verify_token.expose_secret(), "00123");
}

#[test]
fn several_app_secrets_are_separated_by_commas() {
    let config = load(&[DATABASE, ("HELIOGRAPH_WHATSAPP__APP_SECRET", "old, new")]).expect("valid");
    let secrets = config.whatsapp.app_secrets();
    assert_eq!(secrets.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["old", "new"]);
}

#[test]
fn production_refuses_every_default_secret_by_name() {
    let text = faults(&[DATABASE, ("HELIOGRAPH_ENVIRONMENT", "production")]);
    for setting in ["auth.jwt_secret", "secrets.master_key", "whatsapp.app_secret", "whatsapp.verify_token", "api.public_url"] {
        assert!(text.contains(&format!("`{setting}` (not set): must be set")), "{setting} in {text}");
    }
}

#[test]
fn production_starts_with_all_secrets_and_has_defaults_of_its_own() {
    let config = load(&PRODUCTION).expect("complete");
    assert!(config.is_production());
    assert!(config.auth.cookie_secure);
    assert_eq!(config.telemetry.format, LogFormat::Json);
    assert_eq!((config.health.port, config.metrics.port), (8081, 9090));
}

#[test]
fn production_refuses_short_secrets_open_origins_and_insecure_cookies() {
    let mut variables = PRODUCTION.to_vec();
    variables.retain(|(name, _)| *name != "HELIOGRAPH_AUTH__JWT_SECRET");
    variables.extend([
        ("HELIOGRAPH_AUTH__JWT_SECRET", "short"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "https://a.example,*"),
        ("HELIOGRAPH_AUTH__COOKIE_SECURE", "false"),
    ]);
    let text = faults(&variables);
    for setting in ["auth.jwt_secret", "api.allowed_origins", "auth.cookie_secure"] {
        assert!(text.contains(&format!("`{setting}` (environment variable HELIOGRAPH_")), "{setting} in {text}");
    }
}

/// A whole production installation in which `setting` is `value`.
fn production_with(variable: &str, value: &str) -> Result<Config, ConfigError> {
    let kept = PRODUCTION.into_iter().filter(|(name, _)| *name != variable);
    load(&kept.chain([(variable, value)]).collect::<Vec<_>>())
}

#[test]
fn production_refuses_each_of_these_by_the_settings_name() {
    let default_key = Config::default().secrets.master_key.expose_secret().to_owned();
    let refused = [
        ("HELIOGRAPH_AUTH__JWT_SECRET", "development-jwt-secret-not-for-production", "auth.jwt_secret", "must be set"),
        ("HELIOGRAPH_AUTH__JWT_SECRET", "0123456789012345678901234567890", "auth.jwt_secret", "at least 32"),
        ("HELIOGRAPH_AUTH__JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "auth.jwt_secret", "can be guessed"),
        ("HELIOGRAPH_AUTH__JWT_SECRET", "please-changeme-please-changeme-0123456789", "auth.jwt_secret", "can be guessed"),
        ("HELIOGRAPH_AUTH__JWT_SECRET", "0123456789012345678901234567890123456789,short1", "auth.jwt_secret", "at least 32"),
        ("HELIOGRAPH_SECRETS__MASTER_KEY", &default_key, "secrets.master_key", "must be set"),
        ("HELIOGRAPH_SECRETS__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "secrets.master_key", "can be guessed"),
        (
            "HELIOGRAPH_SECRETS__EARLIER_KEYS",
            "1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "secrets.earlier_keys",
            "no id may stand twice",
        ),
        ("HELIOGRAPH_SECRETS__EARLIER_KEYS", "0:c2hvcnQ=", "secrets.earlier_keys", "32 bytes"),
        ("HELIOGRAPH_SECRETS__EARLIER_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "secrets.earlier_keys", "id:base64"),
        ("HELIOGRAPH_WHATSAPP__APP_SECRET", "0123456789abcdef0123456789abcdef,0123", "whatsapp.app_secret", "at least 16"),
        ("HELIOGRAPH_WHATSAPP__VERIFY_TOKEN", "1111111111111111", "whatsapp.verify_token", "can be guessed"),
        ("HELIOGRAPH_WHATSAPP__GRAPH_URL", "http://graph.example.com", "whatsapp.graph_url", "https://"),
        ("HELIOGRAPH_API__PUBLIC_URL", "http://crm.example.com", "api.public_url", "https://"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "null", "api.allowed_origins", "must be an origin"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "*", "api.allowed_origins", "must be an origin"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "https://*.example.com", "api.allowed_origins", "must be an origin"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "http://localhost:3000", "api.allowed_origins", "https://"),
        ("HELIOGRAPH_AUTH__COOKIE_SECURE", "false", "auth.cookie_secure", "must be true"),
        ("HELIOGRAPH_STORAGE__S3__ALLOW_HTTP", "true", "storage.s3.allow_http", "must be false"),
    ];
    for (variable, value, setting, reason) in refused {
        let text = production_with(variable, value).expect_err(&format!("{variable}={value}")).to_string();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert!(
            lines.iter().all(|line| line.starts_with(&format!("  `{setting}` (environment variable {variable}): "))),
            "only {setting} is named: {text}"
        );
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains(value) || value.len() < 6, "{text} shows the value");
    }
}

#[test]
fn earlier_keys_have_ids() {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let config = load(&[DATABASE, ("HELIOGRAPH_SECRETS__KEY_ID", "3"), ("HELIOGRAPH_SECRETS__EARLIER_KEYS", &format!("1:{key}, 2:{key}"))]);
    let keys = config.expect("valid").secrets.earlier_keys();
    let ids: Vec<_> = keys.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(keys.iter().all(|(_, secret)| secret.expose_secret() == key));
    assert!(load(&[DATABASE]).expect("valid").secrets.earlier_keys().is_empty());
}

#[test]
fn faults_never_show_the_value() {
    let text = faults(&[("DATABASE_URL", "mysql://root:hunter2@db/x"), ("HELIOGRAPH_SECRETS__MASTER_KEY", "hunter2")]);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("`database.url`") && text.contains("`secrets.master_key`"), "{text}");
}

#[test]
fn a_lease_must_outlive_two_lost_renewals() {
    assert!(faults(&[DATABASE, ("HELIOGRAPH_SENDING__LEASE_S", "5")]).contains("`sending.renew_s`"));
}

#[test]
fn templates_are_compared_at_times_that_come() {
    for never in ["every ten minutes", "0 0 30 2 *"] {
        assert!(faults(&[DATABASE, ("HELIOGRAPH_TEMPLATES__RECONCILE", never)]).contains("`templates.reconcile`"), "{never}");
    }
    assert!(load(&[DATABASE, ("HELIOGRAPH_TEMPLATES__RECONCILE", "*/30 * * * * *")]).is_ok(), "with seconds");
}

#[test]
fn secrets_do_not_appear_in_debug_output() {
    let config = load(&PRODUCTION).expect("complete");
    let text = format!("{config:?}");
    for (_, secret) in &PRODUCTION[4..] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// The settings of the example file: name and value.
fn example() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example")).expect("the example file");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('=').expect("NAME=value")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_example_file_shows_the_defaults() {
    let shown = Config::from_sources(Path::new("/does/not/exist.toml"), example()).expect("valid");
    let mut expected = Config::default();
    expected.database.url = shown.database.url.clone();
    assert_eq!(format!("{shown:?}"), format!("{expected:?}"));
}

#[test]
fn the_example_file_names_every_setting() {
    let known = |variable: &str| {
        let error = load(&[DATABASE, (variable, "1")]).expect_err("no such setting");
        let (_, names) = error.problems()[0].reason.split_once("known here: ").expect("lists them").to_owned();
        names.split(", ").map(str::to_uppercase).collect::<Vec<_>>()
    };
    let shown: Vec<String> = example().into_iter().map(|(name, _)| name).collect();
    let mut sections: Vec<String> = known("HELIOGRAPH_NONE__SUCH").into_iter().filter(|section| section != "ENVIRONMENT").collect();
    while let Some(section) = sections.pop() {
        for key in known(&format!("HELIOGRAPH_{section}__NO_SUCH")) {
            let name = format!("HELIOGRAPH_{section}__{key}");
            if shown.iter().any(|shown| shown.starts_with(&format!("{name}__"))) {
                sections.push(format!("{section}__{key}"));
            } else {
                assert!(shown.contains(&name), "{name} is not in .env.example");
            }
        }
    }
}

#[test]
fn a_bucket_needs_its_key_and_tls() {
    let bucket = [
        DATABASE,
        ("HELIOGRAPH_STORAGE__S3__BUCKET", "heliograph"),
        ("HELIOGRAPH_STORAGE__S3__ENDPOINT", "http://127.0.0.1:9000"),
        ("HELIOGRAPH_STORAGE__S3__ACCESS_KEY_ID", "key"),
        ("HELIOGRAPH_STORAGE__S3__SECRET_ACCESS_KEY", "secret"),
        ("HELIOGRAPH_STORAGE__S3__ALLOW_HTTP", "true"),
    ];
    let config = load(&bucket).expect("valid");
    assert_eq!((config.storage.s3.bucket.as_str(), config.storage.s3.path_style), ("heliograph", true));
    for (missing, setting) in [(5, "storage.s3.endpoint"), (4, "storage.s3.secret_access_key"), (3, "storage.s3.access_key_id")] {
        let mut rest = bucket.to_vec();
        rest.remove(missing);
        assert!(faults(&rest).contains(&format!("`{setting}`")), "{setting}");
    }
    let mut bucket = bucket;
    bucket[1].1 = "Not_A_Bucket";
    assert!(faults(&bucket).contains("`storage.s3.bucket`"));
    assert!(load(&[DATABASE]).expect("valid").storage.s3.bucket.is_empty());
}
