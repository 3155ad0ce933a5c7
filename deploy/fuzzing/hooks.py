"""How schemathesis signs in: as the admin of an organization that is registered for the run.

What is tried may end a login (signing out everywhere, revoking it), so that a new one is begun every few seconds.
"""

import ast
import json
import os
import secrets
import threading
import urllib.request
import uuid

import schemathesis

# CPython before 3.11.8 and 3.12.2 cannot parse in two threads at once (python/cpython#106905), and the workers do.
parsing = threading.Lock()
parse_alone = ast.parse


def parse(*arguments, **options):
    with parsing:
        return parse_alone(*arguments, **options)


ast.parse = parse

API = os.environ["FUZZ_API_URL"]
PASSWORD = secrets.token_urlsafe(24)
EMAIL = f"fuzz-{uuid.uuid4()}@example.com"

registering = threading.Lock()
registered = False


def post(path, body):
    request = urllib.request.Request(
        API + path, data=json.dumps(body).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@schemathesis.auth(refresh_interval=10)
class SignedIn:
    def get(self, case, context):
        global registered
        with registering:
            if not registered:
                answer = post(
                    "/api/auth/register",
                    {
                        "firstName": "Fuzz",
                        "lastName": "Test",
                        "businessName": "Fuzz Test",
                        "email": EMAIL,
                        "phoneNumber": "+4915123456789",
                        "password": PASSWORD,
                        "confirmPassword": PASSWORD,
                        "agreeToTerms": True,
                    },
                )
                registered = True
                return answer["accessToken"]
        return post("/api/auth/login", {"email": EMAIL, "password": PASSWORD})["accessToken"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
