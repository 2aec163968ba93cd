"""Texts that hold a secret, in the forms in which people and tools write it."""

from __future__ import annotations

import base64
import json
from typing import Any

#: The word that no text may show, and what else stands for a secret in them.
S = "hunt3rW0RD"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BASIC = base64.b64encode(f"me:{S}".encode()).decode()
SECRETS = (S, AWS_SECRET, BASIC, "LS0tLS1CRUdJ", "eyJ0eXBlI")

_PEM = f"-----BEGIN PRIVATE KEY-----\nMIIE{S}\nxyz{S}\n-----END PRIVATE KEY-----\n"
_ACCOUNT = {
    "type": "service_account",
    "private_key": _PEM,
    "client_email": "sa@p.iam.gserviceaccount.com",
}

TEXTS: dict[str, str] = {
    "service account": json.dumps(_ACCOUNT),
    "service account, indented": json.dumps(_ACCOUNT, indent=2),
    "service account, as Python": repr(_ACCOUNT),
    "JSON in JSON": json.dumps(json.dumps(_ACCOUNT)),
    "JSON in a field of JSON": json.dumps({"a": json.dumps(_ACCOUNT)}),
    "JSON in YAML": f"key: {json.dumps(_ACCOUNT)}",
    "JSON, deep": json.dumps([{"x": {"password": S}}]),
    "JSON, a key twice": f'{{"password": "{S}", "password": null}}',
    "JSON, almost": f'{{"a": 1, "token": "{S}",}}',
    "JSON, escaped": f'config: "{{\\"password\\": \\"{S}\\"}}"',
    "JSON, camel case": f'{{"clientSecret":"{S}","apiKey":"{S}","x-api-key":"{S}"}}',
    "JSON, an escaped quote": f'password="{S}\\"{S}"',
    "JSON, a list of words": json.dumps({"args": ["--token", S, f"--key={S}"]}),
    "JSON, a number": json.dumps({"password": 5}).replace("5", "5" * 8) + f" token={S}",
    "JSON, an address": json.dumps({"a": "b", "db": f"postgres://u:{S}@h/x"}),
    "Docker's login": json.dumps({"auths": {"r": {"auth": BASIC}}}),
    "a Secret of Kubernetes": json.dumps({"kind": "Secret", "data": {"a": S}}),
    "YAML": f"user: me\npassword: {S}\nhost: h",
    "YAML, a block": f"password: |\n  {S}\n  a: {S}\nnext: 1",
    "YAML, a folded block": f"password: >-\n   x\n\n   {S}\nb: c",
    "YAML, in a list": f"a:\n  - token: {S} b {S}\n  - x: y",
    "YAML, in the next line": f"password:\n  {S}",
    "YAML, a list below": f"token:\n- {S}\n- {S}",
    "YAML, quoted": f"'password': {S}",
    "an address": f"db: postgres://u:{S}@h/x",
    "an address in a sentence": f"see mysql+pymysql://root:{S}@db:3306/x and more",
    "a login without a scheme": f"see u:{S}@host/x there",
    "a token as a login": f"(https://tok{S}@h/x)",
    "a parameter": f"http://h/x?token={S}&a=b",
    "a SAS": f"https://a.blob.core.windows.net/c?sv=1&sig={S}&se=2",
    "Azure storage": f"AccountName=a;AccountKey={S}==;EndpointSuffix=core.windows.net",
    "Azure Service Bus": f"Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey={S}=",
    "a connection string": f"Server=h;User Id=u;Password={S};",
    "an AWS key": f"AKIAIOSFODNN7EXAMPLE {AWS_SECRET}",
    "a private key": _PEM,
    "an option": f"--user me --password {S} --x",
    "an option with a sign": f"tool --api-key={S}",
    "a variable of a shell": f"export API_TOKEN='{S} {S}'",
    "a file of variables": f"PASSWORD={S} {S}\nUSER=x",
    "a Dockerfile": f"ENV DB_PASS={S}",
    "an INI file": f"[db]\npassword = {S};{S}\n",
    "a header": f"Authorization: Bearer {S}{S}",
    "a basic header": f"Authorization: Basic {BASIC}",
    "a header of its own": f"x-api-key: {S}",
    "Python": f"{{'password': '{S}'}}",
    "Ruby": f"password => '{S}'",
    "XML": f'<add key="x" password="{S}"/>',
    "a header in a command": f'curl -H "Authorization: token {S}" https://h/x',
    "XML, an element": f"<server><password>{S}</password></server>",
    "a line of netrc": f"machine h login me password {S}",
    "Python, as bytes": f"{{'password': b'{S}'}}",
    "a quote that is open": f'password: "{S}',
    "a quote inside": f"run password=it's{S} now",
    "JSON as base64": base64.b64encode(json.dumps(_ACCOUNT).encode()).decode(),
    "a private key as base64": "key: " + base64.b64encode(_PEM.encode()).decode(),
    "a name of base64": f"GOOGLE_CREDENTIALS_B64={S}",
    "a Google secret": f"GOCSPX-{S}{S}",
    "a Slack address": f"https://hooks.slack.com/services/T0/B0/{S}",
}

#: Mappings whose values say only together that one of them is a secret.
MAPPINGS: tuple[dict[str, Any], ...] = (
    {"id": "AKIAIOSFODNN7EXAMPLE", "other": AWS_SECRET},
    {"pair": ["AKIAIOSFODNN7EXAMPLE", AWS_SECRET]},
    {"command": ["run", "--token", S]},
    {"kind": "Secret", "stringData": {"a": S}},
    {"credentials": {"login": S}},
    {"env": [{"name": "API_KEY", "value": S}]},
    {"password": 12345678, "token": S},
)

HARMLESS: tuple[Any, ...] = (
    json.dumps({"a": 1, "email": "me@example.com", "path": "s3://b/x"}),
    "arn:aws:secretsmanager:eu-west-1:1:secret:name-x",
    "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "/subscriptions/0000-0/resourceGroups/x",
    "registry/team/token:1.0",
    "built from python:3.12@sha256:0123 today",
    "clone git@github.com:o/r.git now",
    "tokenizer: fast\nmode: x",
    "a: b\nc:\n  - d",
    "https://h/x?a=b",
    "cpu: 500m, memory: 2Gi",
    "--namespace ml --token-file /x",
    "sha256:" + "a" * 64,
    "e" * 40,
    "12:30:45",
    [{"key": "dedicated", "operator": "Equal", "value": "x"}],
    {"secretKeyRef": {"name": "n", "key": "entry"}},
)
