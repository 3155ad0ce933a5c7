//! What the walks expect that the API description cannot say. Whatever is not listed is closed.

/// What anybody may call. Everything else needs a login.
pub(crate) const OPEN: [&str; 19] = [
    // (By an address that was signed for a member, and ends soon.)
    "GET /api/files/{id}/content",
    "GET /api/health",
    "GET /api/whatsapp/webhook",
    "GET /livez",
    "GET /readyz",
    "GET /webhook/incoming",
    "POST /api/auth/accept-invitation",
    "POST /api/auth/callback/credentials",
    "POST /api/auth/forgot-password",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "POST /api/auth/refresh",
    "POST /api/auth/register",
    "POST /api/auth/reset-password",
    "POST /api/auth/signup",
    "POST /api/auth/verify-email",
    "POST /api/register",
    "POST /api/whatsapp/webhook",
    "POST /webhook/incoming",
];

/// What any member may call, whatever the role: the own account, and what every screen shows.
pub(crate) const ANY_MEMBER: [&str; 21] = [
    "DELETE /api/auth/sessions/{id}",
    "DELETE /api/auth/two-step",
    "GET /api/auth/me",
    "GET /api/auth/session",
    "GET /api/auth/sessions",
    "GET /api/auth/two-step",
    "GET /api/files/{id}/link",
    "GET /api/organizations/current",
    "GET /api/organizations/current/logo",
    "GET /api/organizations/current/onboarding",
    "GET /api/permissions",
    "PATCH /api/auth/me",
    "POST /api/auth/change-password",
    "POST /api/auth/resend-verification",
    "POST /api/auth/sessions/revoke-others",
    "POST /api/auth/step-up",
    "POST /api/auth/two-step",
    "POST /api/auth/two-step/confirm",
    "POST /api/auth/two-step/recovery-codes",
    "POST /api/users/update-phone",
    "PUT /api/auth/me",
];

/// Filters that are compared with texts, of any form: what they are called, and what is put there.
pub(crate) const TEXTS: [(&str, &str); 2] = [("ActorId", "UserId"), ("TargetId", "ContactId")];

/// Operations that claim ids of the provider: nobody knows yet whether rightly, so that another's claim does not matter.
pub(crate) const CLAIMS: [&str; 1] = ["POST /api/whatsapp/channels"];

/// Operations that refuse even a request in good order, because of what the world around them is; with the status and why.
pub(crate) const REFUSES: [(&str, u16); 4] = [
    // (There is no logo.)
    ("DELETE /api/organizations/current/logo", 404),
    ("GET /api/organizations/current/logo", 404),
    // (The account is told by one of two parameters, of which neither is needed.)
    ("DELETE /api/templates", 400),
    // (The code is not the app's.)
    ("POST /api/auth/two-step/confirm", 400),
];
