"""ZenML's error texts in plain words: what a connector's failed verification means, and a remedy.

ZenML passes on what the clouds' SDKs say, sometimes over many lines and twice. Each rule below was
read off ZenML 0.98's connectors and the SDKs' answers; a text that fits none is shortened, not
guessed at. No secret of the connector survives.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kitaru_iac import redaction
from kitaru_iac.patterns import compiled
from kitaru_iac.records.implicit_auth import IMPLICIT_OFF
from kitaru_iac.records.model import ConnectorRecord
from kitaru_iac.values import dataclass

__all__ = ["Subject", "explain", "implicit_ways_out"]

_LONGEST = 300

_NOUNS = {
    "s3-bucket": "bucket",
    "gcs-bucket": "bucket",
    "blob-container": "container",
    "docker-registry": "registry",
    "kubernetes-cluster": "cluster",
}
_AZURE_STORAGE = "Storage Blob Data Contributor and Reader on the storage account"
#: What a connector must be allowed for each resource, as ZenML's documentation says it.
_NEEDS = {
    ("aws", "s3-bucket"): "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject on it",
    ("aws", "docker-registry"): "ecr:DescribeRepositories and ecr:GetAuthorizationToken",
    ("aws", "kubernetes-cluster"): "eks:DescribeCluster on it",
    ("gcp", "gcs-bucket"): "roles/storage.objectUser and storage.buckets.get on it",
    ("gcp", "docker-registry"): "roles/artifactregistry.writer on it",
    (
        "gcp",
        "kubernetes-cluster",
    ): "container.clusters.get and .list on its project",
    ("azure", "blob-container"): _AZURE_STORAGE,
    ("azure", "docker-registry"): "AcrPush and Reader on it",
    ("azure", "kubernetes-cluster"): "Azure Kubernetes Service Cluster Admin Role on it",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What was verified, and where.

    Attributes:
        connector: With its secrets, where they are known.
        resource_type: ZenML's.
        resource_id: Which one; None where the type has only one.
        is_local: Whether this process verified it.
    """

    connector: ConnectorRecord
    resource_type: str
    resource_id: str | None
    is_local: bool

    @property
    def noun(self) -> str:
        """``bucket s3://my-bucket``, ``account``."""
        noun = _NOUNS.get(self.resource_type, "account")
        return f"{noun} {self.resource_id}" if self.resource_id else noun

    @property
    def owner(self) -> str:
        """Whose environment counts."""
        return "this process" if self.is_local else "the ZenML server"

    @property
    def region(self) -> str:
        """The connector's AWS region."""
        return str(self.connector.configuration.get("region", "REGION"))


def explain(error: str, subject: Subject) -> tuple[str, str | None]:
    """One line that says what is wrong, and what to do about it.

    Args:
        error: ZenML's text.
        subject: What was verified.
    """
    text = redaction.text(error, *redaction.secrets_in(subject.connector.secrets.values()))
    for pattern, words in _RULES:
        match = pattern.search(text)
        if match is not None:
            message, remedy = words(match, subject)
            return _line(message), remedy
    return _line(text), None


def implicit_ways_out(connector_type: str) -> str:
    """What to do where implicit methods are off on a server."""
    keys = {
        "aws": "aws-access-keys:KEY:SECRET",
        "gcp": "gcp-service-account:/path/key.json",
        "azure": "azure-service-principal:TENANT:CLIENT:SECRET",
    }.get(connector_type, "a key")
    return (
        "Give credentials that are stored with the stack (--credentials "
        f"{keys}), use an existing connector (--connector NAME), or let the server's administrator "
        "set ZENML_ENABLE_IMPLICIT_AUTH_METHODS=true in its environment (in the Helm chart: "
        "enableImplicitAuthMethods: true)."
    )


def _line(text: str) -> str:
    """The text as one line, without the frames that ZenML puts around it."""
    text = re.sub(r"\nCode: .*", "", text, flags=re.DOTALL)  # Azure says everything twice
    text = re.sub(
        r"^connector(?: '[^']*')? (?:authorization failure|verification failed)[^:]*: ", "", text
    )
    text = re.sub(
        r"^The (?:service )?connector configuration is (?:not|incomplete or in)valid: ", "", text
    )
    text = re.sub(r"\s*For further information visit \S+", "", text)
    text = re.sub(r" Trace ID: .*", "", text, flags=re.DOTALL)
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1].rstrip() + "…"
    return text


# --- rules: what a text shows, and the words for it -----------------------------------------------

_Words = Callable[[re.Match[str], Subject], tuple[str, str | None]]


def _implicit(_: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    return (
        f"{subject.owner} does not let connectors use its own identity",
        implicit_ways_out(subject.connector.type),
    )


def _no_region(_: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    return (
        "ZenML asks AWS with the role's session, which has no region, and its process has none",
        f"Set AWS_DEFAULT_REGION={subject.region} in the environment of {subject.owner}.",
    )


def _unexpected(_: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    profile = subject.connector.configuration.get("profile_name")
    if profile:
        return (
            f"ZenML cannot use the AWS profile {profile}",
            f"Check that the profile is complete in ~/.aws/config where {subject.owner} runs.",
        )
    return (
        "ZenML's verification itself failed, and it does not say why",
        None if subject.is_local else "The server's log says more.",
    )


def _missing_fields(match: re.Match[str], _: Subject) -> tuple[str, str | None]:
    fields = re.findall(r"^(\w+)\n\s+Field required", match.string, flags=re.MULTILINE)
    return f"the connector lacks {', '.join(fields)}", "Give complete --credentials."


def _no_repositories(_: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    return (
        f"the {subject.noun} has no repository that the connector may see",
        f"aws ecr create-repository --repository-name zenml --region {subject.region}",
    )


def _not_assumed(match: re.Match[str], _: Subject) -> tuple[str, str | None]:
    return (
        f"the role {match[1]} cannot be assumed",
        (
            "Let the role's trust policy name the caller, and allow the caller sts:AssumeRole on "
            "it; ZenML cannot send an external id."
        ),
    )


def _denied(match: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    text = match.string
    permission = next(
        (
            found[1]
            for pattern in (
                r"Permission '([\w.]+)' denied",
                r"perform action '([^']+)'",
                r"not authorized to perform: ([\w:]+)",
            )
            if (found := re.search(pattern, text))
        ),
        None,
    )
    needs = _NEEDS.get((subject.connector.type, subject.resource_type))
    what = f"the connector may not use the {subject.noun}"
    if permission:
        what += f": {permission} is denied"
    return what, f"Grant the connector's identity {needs}." if needs else None


def _absent(_: re.Match[str], subject: Subject) -> tuple[str, str | None]:
    what = f"the {subject.noun} does not exist, or the connector may not see it"
    wanted = subject.resource_id or ""
    group, _slash, name = wanted.rpartition("/")
    host, project, repository = (*wanted.split("/", 3), "", "")[:3]
    remedies = {
        ("aws", "s3-bucket"): f"aws s3 mb {wanted} --region {subject.region}",
        ("aws", "kubernetes-cluster"): (
            f"See them with: aws eks list-clusters --region {subject.region}"
        ),
        ("gcp", "gcs-bucket"): f"gcloud storage buckets create {wanted}",
        ("gcp", "docker-registry"): (
            f"gcloud artifacts repositories create {repository} --project {project} "
            f"--location {host.removesuffix('-docker.pkg.dev')} --repository-format docker"
        ),
        ("gcp", "kubernetes-cluster"): "See them with: gcloud container clusters list",
        ("azure", "blob-container"): (
            f"az storage container create --name {name} --account-name ACCOUNT --auth-mode login"
        ),
        ("azure", "docker-registry"): "See them with: az acr list --output table",
        ("azure", "kubernetes-cluster"): (
            f"See them with: az aks list --resource-group {group} --output table"
        ),
    }
    return what, remedies.get((subject.connector.type, subject.resource_type))


def _says(message: str, remedy: str | None = None) -> _Words:
    return lambda match, _: (match.expand(message), remedy)


_NEW_CREDENTIALS = "Correct --credentials."
_RULES: tuple[tuple[re.Pattern[str], _Words], ...] = tuple(
    (compiled(pattern, re.IGNORECASE | re.DOTALL), words)
    for pattern, words in (
        (re.escape(IMPLICIT_OFF), _implicit),
        (r"must specify a region", _no_region),
        (r"^\w+\n\s+Field required|Field required", _missing_fields),
        (r"unexpected error occurred while verifying|config profile \(", _unexpected),
        # who we are
        (
            r"InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClient",
            _says("AWS does not know the access key", _NEW_CREDENTIALS),
        ),
        (
            r"SignatureDoesNotMatch",
            _says("the secret access key is not the access key's", _NEW_CREDENTIALS),
        ),
        (
            r"ExpiredToken|credentials have expired",
            _says("the credentials have expired", "Give new --credentials."),
        ),
        (r"Failed to assume IAM role (\S+)", _not_assumed),
        (
            (
                r"Unable to locate credentials|Failed to get AWS credentials|"
                r"default credentials were not found|DefaultAzureCredential failed"
            ),
            _says(
                "there are no credentials where the connector looks for them",
                "Log in with the cloud's own command line there, or give --credentials.",
            ),
        ),
        (
            r"Gaia id not found for email (\S+?)[\"',}]",
            _says(r"the service account \1 does not exist", "Correct gcp-impersonate:ACCOUNT."),
        ),
        (
            r"iam\.serviceAccounts\.getAccessToken",
            _says(
                "the connector may not impersonate the service account",
                "Grant it roles/iam.serviceAccountTokenCreator on that account.",
            ),
        ),
        (
            r"invalid_grant: ([^'\"]+)|could not deserialize key|Unable to load PEM",
            _says("Google does not accept the credentials", _NEW_CREDENTIALS),
        ),
        (
            r"subject token is invalid|invalid_target",
            _says(
                "Google does not accept the workload's own token",
                "Check that the workload identity pool trusts it.",
            ),
        ),
        (
            r"AADSTS7000215|AADSTS7000222",
            _says("the client secret is wrong or has expired", _NEW_CREDENTIALS),
        ),
        (
            r"AADSTS700016",
            _says("the tenant does not know the application (CLIENT)", _NEW_CREDENTIALS),
        ),
        (r"AADSTS90002", _says("there is no such tenant", _NEW_CREDENTIALS)),
        (
            r"\((?:Subscription|InvalidSubscription)\w*\) [^']*'([^']+)'",
            _says(
                r"the connector does not see the subscription \1",
                "Correct --subscription-id, or grant the connector's identity Reader on it.",
            ),
        ),
        # the resource
        (r"access to any ECR repositories", _no_repositories),
        (
            (
                r"\(403\)|: 403 |AccessDenied|Forbidden|AuthorizationFailed|"
                r"AuthorizationPermission|not authorized|does not have authorization|"
                r"PermissionDenied"
            ),
            _denied,
        ),
        (
            (
                r"\(404\)|: 404 |NoSuchBucket|ResourceNotFound|ResourceGroupNotFound|"
                r"(?:does not exist|(?:was )?not found)\b"
            ),
            _absent,
        ),
        (
            (
                r"Could not connect to the endpoint URL|Max retries exceeded|Failed to resolve|"
                r"ServiceUnavailable|DEADLINE_EXCEEDED|timed out"
            ),
            _says("the cloud does not answer", "Check that the network lets it through."),
        ),
    )
)
