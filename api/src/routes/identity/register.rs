//! `POST /api/auth/register` and its other names.

use axum::{extract::State, http::StatusCode};
use crm::{
    fields::{self, FieldError, FieldErrors},
    identity::{Device, IdentityError, OwnWords, Password, Registration},
};
use kernel::EmailAddress;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body::RegisteredBody, cookie, cookie::SetCookie, device::Asking, origin::TrustedOrigin};
use crate::{
    extract::{Client, Json},
    layers::rate::Counted,
    problem::Problem,
    routes::organizations::OrganizationBody,
    state::AppState,
};

type Registered = (StatusCode, SetCookie, Json<RegisteredBody>);

/// Who signs up.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(Default))]
pub(super) struct Register {
    /// 1 to 100 characters.
    first_name: String,
    /// 1 to 100 characters.
    last_name: String,
    /// Name of the organization, 1 to 200 characters.
    business_name: String,
    email: String,
    /// International form, with `+`.
    phone_number: String,
    /// 10 to 128 characters; not a common one, and not made of one's own names.
    #[schema(format = Password)]
    password: String,
    /// The same again.
    #[schema(format = Password)]
    confirm_password: String,
    /// Must not be false.
    agree_to_terms: Option<bool>,
}

/// Who signs up, told more briefly: `fullName`, or `firstName` and `lastName`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Signup {
    /// Up to 200 characters; the last word is the family name.
    full_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// Name of the organization; the person's name when left out.
    business_name: Option<String>,
    email: String,
    /// International form, with `+`.
    phone_number: Option<String>,
    /// 10 to 128 characters; not a common one, and not made of one's own names.
    #[schema(format = Password)]
    password: String,
    #[schema(format = Password)]
    confirm_password: Option<String>,
    /// Must not be false.
    agree_to_terms: Option<bool>,
}

/// Signs up: makes an account and its organization, and signs in.
#[utoipa::path(post, path = "/api/auth/register", tag = "identity", security(()), responses(
    (status = 201, description = "Signed up and in; the cookie `refreshToken` renews the login", body = RegisteredBody),
    (status = 409, description = "An account with this e-mail address exists"),
))]
pub(super) async fn handler(
    origin: TrustedOrigin,
    client: Client,
    device: Asking,
    state: State<AppState>,
    Json(body): Json<Register>,
) -> Result<Registered, Problem> {
    register(origin, client, device, state, body.check()).await
}

/// Signs up: a shorter form of `POST /api/auth/register`.
#[utoipa::path(post, path = "/api/auth/signup", tag = "identity", security(()), responses(
    (status = 201, description = "Signed up and in; the cookie `refreshToken` renews the login", body = RegisteredBody),
    (status = 409, description = "An account with this e-mail address exists"),
))]
pub(super) async fn signup(
    origin: TrustedOrigin,
    client: Client,
    device: Asking,
    state: State<AppState>,
    Json(body): Json<Signup>,
) -> Result<Registered, Problem> {
    register(origin, client, device, state, body.check()).await
}

/// Signs up: another name of `POST /api/auth/signup`.
#[utoipa::path(post, path = "/api/register", tag = "identity", security(()), responses(
    (status = 201, description = "Signed up and in; the cookie `refreshToken` renews the login", body = RegisteredBody),
    (status = 409, description = "An account with this e-mail address exists"),
))]
pub(super) async fn signup_short(
    origin: TrustedOrigin,
    client: Client,
    device: Asking,
    state: State<AppState>,
    Json(body): Json<Signup>,
) -> Result<Registered, Problem> {
    register(origin, client, device, state, body.check()).await
}

async fn register(
    _: TrustedOrigin,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    registration: Result<Registration, FieldErrors>,
) -> Result<Registered, Problem> {
    let registration = registration.inspect_err(|FieldErrors(errors)| {
        let rules: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.field, error.code)).collect();
        failed("ruleBroken", &rules.join(", "), &device);
    })?;
    state.limits.count(Counted::Registration, client).await?;
    let now = state.clock.now();
    let (login, user, organization) = state.identity.register(now, registration, &device).await.inspect_err(|error| match error {
        IdentityError::EmailTaken => failed("emailTaken", "", &device),
        _ => failed("unavailable", "", &device),
    })?;
    let body = RegisteredBody {
        access_token: state.identity.keys().sign(login.access, now),
        user: user.into(),
        organization: OrganizationBody::of_new(organization),
    };
    Ok((StatusCode::CREATED, cookie::keep(&login.refresh, login.refresh_ttl, &state.config.auth), Json(body)))
}

/// Tells the log of a registration that came to nothing: why, by rules and names of fields, and from which network.
fn failed(reason: &'static str, rules: &str, device: &Device) {
    metrics::counter!("registrations_failed_total", "reason" => reason).increment(1);
    tracing::warn!(event = "registration.failed", reason, rules, client.network = device.network(), "a registration failed: {reason}");
}

impl Register {
    fn check(self) -> Result<Registration, FieldErrors> {
        let mut errors = FieldErrors::default();
        let first_name = errors.take(fields::filled("firstName", &self.first_name, 100));
        let last_name = errors.take(fields::filled("lastName", &self.last_name, 100));
        let business_name = errors.take(fields::filled("businessName", &self.business_name, 200));
        let phone_number = errors.take(fields::phone_number("phoneNumber", &self.phone_number));
        let own = OwnWords::of([&*self.email, &*self.first_name, &*self.last_name, &*self.business_name]);
        let passwords = (self.password, Some(&*self.confirm_password));
        let account = Account::check(&mut errors, &self.email, passwords, &own, self.agree_to_terms);
        match (first_name, last_name, business_name, phone_number, account) {
            (Some(first_name), Some(last_name), Some(business_name), Some(phone_number), Some(Account { email, password })) => {
                Ok(Registration { first_name, last_name, business_name, email, phone_number: Some(phone_number), password })
            }
            _ => Err(errors),
        }
    }
}

impl Signup {
    fn check(self) -> Result<Registration, FieldErrors> {
        let mut errors = FieldErrors::default();
        let names = errors.take(match (&self.full_name, &self.first_name) {
            (Some(full), None) => fields::filled("fullName", full, 200).and_then(|full| split(&full)),
            (None, Some(first)) => fields::filled("firstName", first, 100).and_then(|first| {
                let last = self.last_name.as_deref().map_or(Ok(String::new()), |last| fields::filled("lastName", last, 100))?;
                Ok((first, last))
            }),
            _ => Err(FieldError::new("fullName", "missing", "either fullName or firstName is needed")),
        });
        let business_name = self.business_name.as_deref().map(|name| fields::filled("businessName", name, 200)).transpose();
        let business_name = errors.take(business_name);
        let phone_number = errors.take(self.phone_number.as_deref().map(|number| fields::phone_number("phoneNumber", number)).transpose());
        let told = [&self.full_name, &self.first_name, &self.last_name, &self.business_name].into_iter().flatten();
        let own = OwnWords::of(told.map(String::as_str).chain([&*self.email]));
        let passwords = (self.password, self.confirm_password.as_deref());
        let account = Account::check(&mut errors, &self.email, passwords, &own, self.agree_to_terms);
        match (names, business_name, phone_number, account) {
            (Some((first_name, last_name)), Some(business_name), Some(phone_number), Some(Account { email, password })) => {
                let business_name =
                    business_name.unwrap_or_else(|| format!("{first_name} {last_name}").trim_end().chars().take(200).collect());
                Ok(Registration { first_name, last_name, business_name, email, phone_number, password })
            }
            _ => Err(errors),
        }
    }
}

/// What both forms have in common.
struct Account {
    email: EmailAddress,
    password: Password,
}

impl Account {
    fn check(
        errors: &mut FieldErrors,
        email: &str,
        (password, confirmation): (String, Option<&str>),
        own: &OwnWords,
        agrees: Option<bool>,
    ) -> Option<Self> {
        let before = errors.0.len();
        if agrees == Some(false) {
            errors.add("agreeToTerms", "required", "the terms must be agreed to");
        }
        if confirmation.is_some_and(|confirmation| confirmation != password) {
            errors.add("confirmPassword", "different", "not the same as the password");
        }
        let email = errors.take(fields::email("email", email));
        let password =
            errors.take(Password::choose(password, own).map_err(|error| FieldError::new("password", error.code(), error.to_string())));
        let account = email.zip(password).map(|(email, password)| Self { email, password });
        account.filter(|_| errors.0.len() == before)
    }
}

/// Given names and the family name, which is the last word.
fn split(full: &str) -> Result<(String, String), FieldError> {
    let (first, last) = full.rsplit_once(char::is_whitespace).unwrap_or((full, ""));
    Ok((fields::filled("fullName", first, 100)?, if last.is_empty() { String::new() } else { fields::filled("fullName", last, 100)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let body = Register { agree_to_terms: Some(false), confirm_password: "x".into(), ..Register::default() };
        let errors = body.check().unwrap_err();
        let fields: Vec<_> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            ["firstName", "lastName", "businessName", "phoneNumber", "agreeToTerms", "confirmPassword", "email", "password"]
        );
    }

    #[test]
    fn a_full_name_ends_with_the_family_name() {
        assert_eq!(split("Ada Augusta  Lovelace").unwrap(), ("Ada Augusta".into(), "Lovelace".into()));
        assert_eq!(split("Ada").unwrap(), ("Ada".into(), String::new()));
    }
}
